//! Float operators, by the spec's names and definitions, from bits to bits.
//!
//! Owns IEEE 754 arithmetic with the law's one choice where the spec leaves several: a NaN that one of these operators
//! *computes* is the positive canonical one, and `abs`, `neg`, `copysign` only move bits. [`z32`] and [`z64`] have the
//! same functions for their width. A Rust float lives no longer than one function here, so that nothing else can change
//! its bits. The processor must be in its default mode (round to nearest, even; denormals as they are): whoever enters
//! the interpreter sees to that. It must not know instructions or stacks.

#[cfg(all(target_arch = "x86", not(target_feature = "sse2")))]
compile_error!("x87 arithmetic rounds twice, so it gives other results");

use crate::trap::Trap;

macro_rules! define_floats {
    ($width:ident, $float:ident, $bits:ident, sqrt $sqrt:ident, ceil $ceil:ident, floor $floor:ident, trunc $trunc:ident) => {
        pub(super) mod $width {
            const SIGN: $bits = 1 << ($bits::BITS - 1);
            /// All bits of the exponent and the first of the fraction.
            pub(super) const CANONICAL_NAN: $bits =
                $float::INFINITY.to_bits() | 1 << ($float::MANTISSA_DIGITS - 2);

            fn value(z: $bits) -> $float {
                $float::from_bits(z)
            }

            fn canonical(result: $float) -> $bits {
                if result.is_nan() { CANONICAL_NAN } else { result.to_bits() }
            }

            pub(in super::super) fn fadd(z1: $bits, z2: $bits) -> $bits {
                canonical(value(z1) + value(z2))
            }

            pub(in super::super) fn fsub(z1: $bits, z2: $bits) -> $bits {
                canonical(value(z1) - value(z2))
            }

            pub(in super::super) fn fmul(z1: $bits, z2: $bits) -> $bits {
                canonical(value(z1) * value(z2))
            }

            pub(in super::super) fn fdiv(z1: $bits, z2: $bits) -> $bits {
                canonical(value(z1) / value(z2))
            }

            /// The lesser; a NaN if either is one; -0 is less than +0.
            pub(in super::super) fn fmin(z1: $bits, z2: $bits) -> $bits {
                let (a, b) = (value(z1), value(z2));
                if a.is_nan() || b.is_nan() {
                    CANONICAL_NAN
                } else if a == b {
                    // The same bits, or two zeros: negative if either is.
                    z1 | z2
                } else if a < b {
                    z1
                } else {
                    z2
                }
            }

            /// The greater; a NaN if either is one; +0 is greater than -0.
            pub(in super::super) fn fmax(z1: $bits, z2: $bits) -> $bits {
                let (a, b) = (value(z1), value(z2));
                if a.is_nan() || b.is_nan() {
                    CANONICAL_NAN
                } else if a == b {
                    // The same bits, or two zeros: negative only if both are.
                    z1 & z2
                } else if a > b {
                    z1
                } else {
                    z2
                }
            }

            pub(in super::super) fn fsqrt(z: $bits) -> $bits {
                canonical(libm::$sqrt(value(z)))
            }

            pub(in super::super) fn fceil(z: $bits) -> $bits {
                canonical(libm::$ceil(value(z)))
            }

            pub(in super::super) fn ffloor(z: $bits) -> $bits {
                canonical(libm::$floor(value(z)))
            }

            pub(in super::super) fn ftrunc(z: $bits) -> $bits {
                canonical(libm::$trunc(value(z)))
            }

            /// The nearest integer, the even one of two; the sign stays, also of what becomes zero.
            pub(in super::super) fn fnearest(z: $bits) -> $bits {
                let exact = value(z);
                let towards_zero = libm::$trunc(exact);
                // Exact: both have the sign of `z`, and the difference needs no more digits than `z` has.
                let rest = (exact - towards_zero).abs();
                let odd = libm::$trunc(towards_zero / 2.0) * 2.0 != towards_zero;
                if rest > 0.5 || rest == 0.5 && odd {
                    canonical(towards_zero + value(fcopysign((1.0 as $float).to_bits(), z)))
                } else {
                    canonical(towards_zero)
                }
            }

            pub(in super::super) fn fabs(z: $bits) -> $bits {
                z & !SIGN
            }

            pub(in super::super) fn fneg(z: $bits) -> $bits {
                z ^ SIGN
            }

            pub(in super::super) fn fcopysign(z1: $bits, z2: $bits) -> $bits {
                z1 & !SIGN | z2 & SIGN
            }

            pub(in super::super) fn feq(z1: $bits, z2: $bits) -> u32 {
                (value(z1) == value(z2)).into()
            }

            pub(in super::super) fn fne(z1: $bits, z2: $bits) -> u32 {
                (value(z1) != value(z2)).into()
            }

            pub(in super::super) fn flt(z1: $bits, z2: $bits) -> u32 {
                (value(z1) < value(z2)).into()
            }

            pub(in super::super) fn fgt(z1: $bits, z2: $bits) -> u32 {
                (value(z1) > value(z2)).into()
            }

            pub(in super::super) fn fle(z1: $bits, z2: $bits) -> u32 {
                (value(z1) <= value(z2)).into()
            }

            pub(in super::super) fn fge(z1: $bits, z2: $bits) -> u32 {
                (value(z1) >= value(z2)).into()
            }

            /// Rounds to the nearest, the even one of two.
            pub(in super::super) fn convert_i32_s(i: u32) -> $bits {
                (i as i32 as $float).to_bits()
            }

            pub(in super::super) fn convert_i32_u(i: u32) -> $bits {
                (i as $float).to_bits()
            }

            pub(in super::super) fn convert_i64_s(i: u64) -> $bits {
                (i as i64 as $float).to_bits()
            }

            pub(in super::super) fn convert_i64_u(i: u64) -> $bits {
                (i as $float).to_bits()
            }

            pub(in super::super) fn i32_trunc_s(z: $bits) -> Result<u32, super::Trap> {
                super::integer_part(value(z).into(), -super::TWO_31, super::TWO_31).map(|i| i as i32 as u32)
            }

            pub(in super::super) fn i32_trunc_u(z: $bits) -> Result<u32, super::Trap> {
                super::integer_part(value(z).into(), 0.0, super::TWO_32).map(|i| i as u32)
            }

            pub(in super::super) fn i64_trunc_s(z: $bits) -> Result<u64, super::Trap> {
                super::integer_part(value(z).into(), -super::TWO_63, super::TWO_63).map(|i| i as i64 as u64)
            }

            pub(in super::super) fn i64_trunc_u(z: $bits) -> Result<u64, super::Trap> {
                super::integer_part(value(z).into(), 0.0, super::TWO_64).map(|i| i as u64)
            }

            // Rust's `as` from a float to an integer is the spec's `trunc_sat`: towards zero, the nearest end of the
            // range for what lies beyond, 0 for a NaN.

            pub(in super::super) fn i32_trunc_sat_s(z: $bits) -> u32 {
                value(z) as i32 as u32
            }

            pub(in super::super) fn i32_trunc_sat_u(z: $bits) -> u32 {
                value(z) as u32
            }

            pub(in super::super) fn i64_trunc_sat_s(z: $bits) -> u64 {
                value(z) as i64 as u64
            }

            pub(in super::super) fn i64_trunc_sat_u(z: $bits) -> u64 {
                value(z) as u64
            }
        }
    };
}

define_floats!(z32, f32, u32, sqrt sqrtf, ceil ceilf, floor floorf, trunc truncf);
define_floats!(z64, f64, u64, sqrt sqrt, ceil ceil, floor floor, trunc trunc);

const TWO_31: f64 = (1u64 << 31) as f64;
const TWO_32: f64 = (1u64 << 32) as f64;
const TWO_63: f64 = (1u64 << 63) as f64;
const TWO_64: f64 = TWO_32 * TWO_32;

/// The integer part of `z`, if it lies in `low..high`. An `f32` becomes an `f64` without loss, so both come here.
fn integer_part(z: f64, low: f64, high: f64) -> Result<f64, Trap> {
    if z.is_nan() {
        return Err(Trap::BadConversion);
    }
    let integer = libm::trunc(z);
    if low <= integer && integer < high { Ok(integer) } else { Err(Trap::IntegerOverflow) }
}

/// Rounds to the nearest, the even one of two.
pub(super) fn demote(z: u64) -> u32 {
    let z = f64::from_bits(z);
    if z.is_nan() { z32::CANONICAL_NAN } else { (z as f32).to_bits() }
}

pub(super) fn promote(z: u32) -> u64 {
    let z = f32::from_bits(z);
    if z.is_nan() { z64::CANONICAL_NAN } else { f64::from(z).to_bits() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    const NAN_32: u32 = 0x7fc0_0000;
    const NAN_64: u64 = 0x7ff8_0000_0000_0000;

    /// Zeros, denormals, the ends of the range, infinities, quiet and signalling NaNs, halves, and the neighbourhood of
    /// every power of two; all with both signs.
    fn boundaries_32() -> Vec<u32> {
        let mut values: Vec<u32> = (0..=255u32)
            .flat_map(|exponent| {
                [0, 1, 2, 0x3f_ffff, 0x40_0000, 0x40_0001, 0x7f_fffe, 0x7f_ffff].map(|f| exponent << 23 | f)
            })
            .collect();
        values.extend((0..40).map(|half| (half as f32 * 0.5).to_bits()));
        let negative: Vec<u32> = values.iter().map(|z| z | 1 << 31).collect();
        values.extend(negative);
        values
    }

    fn boundaries_64() -> Vec<u64> {
        let fractions = [0, 1, 2, (1 << 51) - 1, 1 << 51, (1 << 51) + 1, (1 << 52) - 2, (1 << 52) - 1];
        let mut values: Vec<u64> =
            (0..=2047u64).flat_map(|exponent| fractions.map(|fraction| exponent << 52 | fraction)).collect();
        values.extend((0..40).map(|half| (half as f64 * 0.5).to_bits()));
        values.extend(
            boundaries_32()
                .iter()
                .filter(|z| !f32::from_bits(**z).is_nan())
                .map(|z| f64::from(f32::from_bits(*z)).to_bits()),
        );
        let negative: Vec<u64> = values.iter().map(|z| z | 1 << 63).collect();
        values.extend(negative);
        values
    }

    /// A few of them, for pairs: of both signs some at equal distances and all with the least or the greatest exponent, which are
    /// zeros, denormals, infinities and NaNs.
    fn sparse<Z: Copy>(values: &[Z], exponents: usize) -> Vec<Z> {
        let (positive, negative) = values.split_at(values.len() / 2);
        let step = values.len() / 300;
        let of_sign = |values: &[Z]| {
            let special = [&values[..8], &values[8 * (exponents - 1)..8 * exponents]].concat();
            values.iter().copied().step_by(step).chain(special).collect::<Vec<Z>>()
        };
        [of_sign(positive), of_sign(negative)].concat()
    }

    /// A finite float as an integer times a power of two, read off its bits: sign, digits, exponent.
    fn parts(z: u64) -> (bool, u64, i32) {
        let exponent = (z >> 52 & 0x7ff) as i32;
        let fraction = z & ((1 << 52) - 1);
        let (digits, exponent) =
            if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) };
        (z >> 63 == 1, digits, exponent)
    }

    /// The integer part of a finite float of magnitude below 2^66, and whether it was cut, by integer arithmetic alone.
    fn integer_of(z: u64) -> Option<(i128, bool)> {
        let (negative, digits, exponent) = parts(z);
        if digits == 0 {
            return Some((0, false));
        }
        let (magnitude, cut) = match exponent {
            14.. => return None,
            0.. => (i128::from(digits) << exponent, false),
            -63.. => (i128::from(digits >> -exponent), digits & ((1 << -exponent) - 1) != 0),
            _ => (0, true),
        };
        Some((if negative { -magnitude } else { magnitude }, cut))
    }

    fn check_one_64(z: u64) {
        let value = f64::from_bits(z);
        let nan = value.is_nan();
        // Against the bits' own definition.
        assert_eq!(z64::fabs(z), z << 1 >> 1);
        assert_eq!(z64::fneg(z), if z >> 63 == 1 { z << 1 >> 1 } else { z | 1 << 63 });
        // Against std, which does not share libm's code.
        for (ours, std) in [
            (z64::fsqrt(z), value.sqrt()),
            (z64::fceil(z), value.ceil()),
            (z64::ffloor(z), value.floor()),
            (z64::ftrunc(z), value.trunc()),
            (z64::fnearest(z), value.round_ties_even()),
        ] {
            assert_eq!(ours, if std.is_nan() { NAN_64 } else { std.to_bits() }, "{z:#x}");
        }
        let demoted = value as f32;
        assert_eq!(demote(z), if nan { NAN_32 } else { demoted.to_bits() }, "{z:#x}");

        // Conversions against integers.
        let integer = if nan || value.is_infinite() { None } else { integer_of(z) };
        let expected = |low: i128, high: i128| match integer {
            _ if nan => Err(Trap::BadConversion),
            Some((integer, _)) if (low..=high).contains(&integer) => Ok(integer),
            _ => Err(Trap::IntegerOverflow),
        };
        let saturated = |low: i128, high: i128| match expected(low, high) {
            Ok(integer) => integer,
            Err(Trap::BadConversion) => 0,
            Err(_) => {
                if value < 0.0 {
                    low
                } else {
                    high
                }
            }
        };
        let (s32, u32_) = ((i128::from(i32::MIN), i128::from(i32::MAX)), (0, i128::from(u32::MAX)));
        let (s64, u64_) = ((i128::from(i64::MIN), i128::from(i64::MAX)), (0, i128::from(u64::MAX)));
        assert_eq!(z64::i32_trunc_s(z).map(|i| i128::from(i as i32)), expected(s32.0, s32.1), "{z:#x}");
        assert_eq!(z64::i32_trunc_u(z).map(i128::from), expected(u32_.0, u32_.1), "{z:#x}");
        assert_eq!(z64::i64_trunc_s(z).map(|i| i128::from(i as i64)), expected(s64.0, s64.1), "{z:#x}");
        assert_eq!(z64::i64_trunc_u(z).map(i128::from), expected(u64_.0, u64_.1), "{z:#x}");
        assert_eq!(i128::from(z64::i32_trunc_sat_s(z) as i32), saturated(s32.0, s32.1), "{z:#x}");
        assert_eq!(i128::from(z64::i32_trunc_sat_u(z)), saturated(u32_.0, u32_.1), "{z:#x}");
        assert_eq!(i128::from(z64::i64_trunc_sat_s(z) as i64), saturated(s64.0, s64.1), "{z:#x}");
        assert_eq!(i128::from(z64::i64_trunc_sat_u(z)), saturated(u64_.0, u64_.1), "{z:#x}");
    }

    /// `f32` operators are `f64` operators with one more rounding, which is innocuous for these.
    fn check_one_32(z: u32) {
        let value = f32::from_bits(z);
        let nan = value.is_nan();
        assert_eq!(z32::fabs(z), z << 1 >> 1);
        assert_eq!(z32::fneg(z), if z >> 31 == 1 { z << 1 >> 1 } else { z | 1 << 31 });
        if nan {
            for canonical in [z32::fsqrt(z), z32::fceil(z), z32::ffloor(z), z32::ftrunc(z), z32::fnearest(z)]
            {
                assert_eq!(canonical, NAN_32);
            }
            assert_eq!(promote(z), NAN_64);
            assert_eq!(z32::i32_trunc_s(z), Err(Trap::BadConversion));
            assert_eq!(z32::i64_trunc_u(z), Err(Trap::BadConversion));
            assert_eq!((z32::i32_trunc_sat_s(z), z32::i64_trunc_sat_u(z)), (0, 0));
            return;
        }
        let wide = promote(z);
        assert_eq!(demote(wide), z);
        assert_eq!(z32::fsqrt(z), demote(z64::fsqrt(wide)), "{z:#x}");
        assert_eq!(z32::fceil(z), demote(z64::fceil(wide)), "{z:#x}");
        assert_eq!(z32::ffloor(z), demote(z64::ffloor(wide)), "{z:#x}");
        assert_eq!(z32::ftrunc(z), demote(z64::ftrunc(wide)), "{z:#x}");
        assert_eq!(z32::fnearest(z), demote(z64::fnearest(wide)), "{z:#x}");
        assert_eq!(z32::i32_trunc_s(z), z64::i32_trunc_s(wide));
        assert_eq!(z32::i32_trunc_u(z), z64::i32_trunc_u(wide));
        assert_eq!(z32::i64_trunc_s(z), z64::i64_trunc_s(wide));
        assert_eq!(z32::i64_trunc_u(z), z64::i64_trunc_u(wide));
        assert_eq!(z32::i32_trunc_sat_s(z), z64::i32_trunc_sat_s(wide));
        assert_eq!(z32::i32_trunc_sat_u(z), z64::i32_trunc_sat_u(wide));
        assert_eq!(z32::i64_trunc_sat_s(z), z64::i64_trunc_sat_s(wide));
        assert_eq!(z32::i64_trunc_sat_u(z), z64::i64_trunc_sat_u(wide));
    }

    /// A total order of the values that are not NaN, in which -0 is below +0.
    fn rank(z: u64) -> i128 {
        if z >> 63 == 1 { -1 - i128::from(z << 1 >> 1) } else { i128::from(z) }
    }

    fn check_two_64(z1: u64, z2: u64) {
        let (a, b) = (f64::from_bits(z1), f64::from_bits(z2));
        let nan = a.is_nan() || b.is_nan();
        let canonical = |z: f64| if z.is_nan() { NAN_64 } else { z.to_bits() };
        assert_eq!(z64::fadd(z1, z2), canonical(a + b));
        assert_eq!(z64::fsub(z1, z2), canonical(a - b));
        assert_eq!(z64::fmul(z1, z2), canonical(a * b));
        assert_eq!(z64::fdiv(z1, z2), canonical(a / b));
        assert_eq!(z64::fcopysign(z1, z2), z1 << 1 >> 1 | z2 >> 63 << 63);
        let (r1, r2) = (rank(z1), rank(z2));
        assert_eq!(
            z64::fmin(z1, z2),
            if nan {
                NAN_64
            } else if r1 <= r2 {
                z1
            } else {
                z2
            }
        );
        assert_eq!(
            z64::fmax(z1, z2),
            if nan {
                NAN_64
            } else if r1 >= r2 {
                z1
            } else {
                z2
            }
        );
        // Zeros are equal, whatever their sign.
        let (k1, k2) = (if r1 == -1 { 0 } else { r1 }, if r2 == -1 { 0 } else { r2 });
        assert_eq!(z64::feq(z1, z2), u32::from(!nan && k1 == k2));
        assert_eq!(z64::fne(z1, z2), u32::from(nan || k1 != k2));
        assert_eq!(z64::flt(z1, z2), u32::from(!nan && k1 < k2));
        assert_eq!(z64::fgt(z1, z2), u32::from(!nan && k1 > k2));
        assert_eq!(z64::fle(z1, z2), u32::from(!nan && k1 <= k2));
        assert_eq!(z64::fge(z1, z2), u32::from(!nan && k1 >= k2));
    }

    fn check_two_32(z1: u32, z2: u32) {
        assert_eq!(z32::fcopysign(z1, z2), z1 << 1 >> 1 | z2 >> 31 << 31);
        let (w1, w2) = (promote(z1), promote(z2));
        // Rounding a sum, difference, product or quotient of two f32 to f64 first does not change the f32 (53 >= 2 * 24 + 2).
        assert_eq!(z32::fadd(z1, z2), demote(z64::fadd(w1, w2)), "{z1:#x} {z2:#x}");
        assert_eq!(z32::fsub(z1, z2), demote(z64::fsub(w1, w2)), "{z1:#x} {z2:#x}");
        assert_eq!(z32::fmul(z1, z2), demote(z64::fmul(w1, w2)), "{z1:#x} {z2:#x}");
        assert_eq!(z32::fdiv(z1, z2), demote(z64::fdiv(w1, w2)), "{z1:#x} {z2:#x}");
        assert_eq!(z32::fmin(z1, z2), demote(z64::fmin(w1, w2)), "{z1:#x} {z2:#x}");
        assert_eq!(z32::fmax(z1, z2), demote(z64::fmax(w1, w2)), "{z1:#x} {z2:#x}");
        assert_eq!(z32::feq(z1, z2), z64::feq(w1, w2));
        assert_eq!(z32::fne(z1, z2), z64::fne(w1, w2));
        assert_eq!(z32::flt(z1, z2), z64::flt(w1, w2));
        assert_eq!(z32::fgt(z1, z2), z64::fgt(w1, w2));
        assert_eq!(z32::fle(z1, z2), z64::fle(w1, w2));
        assert_eq!(z32::fge(z1, z2), z64::fge(w1, w2));
    }

    /// The bits of the `f32` or `f64` nearest to an integer, by integer arithmetic alone: `digits` is 24 or 53.
    fn nearest_float(i: i128, digits: u32) -> u64 {
        let magnitude = i.unsigned_abs();
        if magnitude == 0 {
            return 0;
        }
        let length = 128 - magnitude.leading_zeros();
        let dropped = length.saturating_sub(digits);
        let kept = magnitude >> dropped;
        let rest = magnitude - (kept << dropped);
        let half = if dropped == 0 { 1 } else { 1u128 << (dropped - 1) };
        let up = dropped > 0 && (rest > half || rest == half && kept & 1 == 1);
        // Rounding up may reach the next power of two; the encoding carries into the exponent by itself.
        let fraction = ((kept << (digits - (length - dropped))) as u64) + u64::from(up);
        let (exponent_bits, width) = if digits == 24 { (8, 32) } else { (11, 64) };
        let biased = u64::from(length - 1) + ((1 << (exponent_bits - 1)) - 1);
        let bits = ((biased - 1) << (digits - 1)) + fraction;
        if i < 0 { bits | 1 << (width - 1) } else { bits }
    }

    fn check_integer(i: u64) {
        let low = i as u32;
        assert_eq!(u64::from(z32::convert_i32_s(low)), nearest_float((low as i32).into(), 24), "{low:#x}");
        assert_eq!(u64::from(z32::convert_i32_u(low)), nearest_float(low.into(), 24), "{low:#x}");
        assert_eq!(u64::from(z32::convert_i64_s(i)), nearest_float((i as i64).into(), 24), "{i:#x}");
        assert_eq!(u64::from(z32::convert_i64_u(i)), nearest_float(i.into(), 24), "{i:#x}");
        assert_eq!(z64::convert_i32_s(low), nearest_float((low as i32).into(), 53), "{low:#x}");
        assert_eq!(z64::convert_i32_u(low), nearest_float(low.into(), 53), "{low:#x}");
        assert_eq!(z64::convert_i64_s(i), nearest_float((i as i64).into(), 53), "{i:#x}");
        assert_eq!(z64::convert_i64_u(i), nearest_float(i.into(), 53), "{i:#x}");
    }

    #[test]
    fn every_operator_at_every_boundary() {
        let (all_32, all_64) = (boundaries_32(), boundaries_64());
        all_32.iter().for_each(|z| check_one_32(*z));
        all_64.iter().for_each(|z| check_one_64(*z));
        for z1 in sparse(&all_32, 256) {
            sparse(&all_32, 256).into_iter().for_each(|z2| check_two_32(z1, z2));
        }
        for z1 in sparse(&all_64, 2048) {
            sparse(&all_64, 2048).into_iter().for_each(|z2| check_two_64(z1, z2));
        }
    }

    /// `u64` to `f32` in two roundings has been wrong in more than one engine.
    #[test]
    fn integers_become_the_nearest_float() {
        for power in 0..64 {
            for second in 0..=power {
                for near in [u64::MAX, 0, 1] {
                    let i = (1u64 << power).wrapping_add(1u64 << second).wrapping_add(near);
                    check_integer(i);
                    check_integer(i.wrapping_neg());
                }
            }
        }
    }

    /// What an operator computes is canonical, what it moves is not touched.
    #[test]
    fn nans_are_canonical_where_computed() {
        for nan in [0x7f80_0001, 0xff80_0001, 0x7fc0_0001, 0xffff_ffff, 0xffc0_0000u32] {
            for other in [0, 0x3f80_0000, 0xff80_0000, nan] {
                for computed in [z32::fadd, z32::fsub, z32::fmul, z32::fdiv, z32::fmin, z32::fmax] {
                    assert_eq!(computed(nan, other), NAN_32);
                    assert_eq!(computed(other, nan), NAN_32);
                }
            }
            assert_eq!(z32::fneg(nan), nan ^ 1 << 31);
            assert_eq!(z32::fcopysign(nan, 0), nan & !(1 << 31));
        }
        assert_eq!(z32::fsub(0x7f80_0000, 0x7f80_0000), NAN_32);
        assert_eq!(z32::fdiv(0, 0), NAN_32);
        assert_eq!(z64::fsqrt((-1.0f64).to_bits()), NAN_64);
        assert_eq!(z64::fsqrt((-0.0f64).to_bits()), (-0.0f64).to_bits());
        assert_eq!((demote(0xfff0_0000_0000_0001), promote(0xff80_0001)), (NAN_32, NAN_64));
    }

    proptest! {
        #[test]
        fn every_operator_at_random(z1: u64, z2: u64, w1: u32, w2: u32) {
            check_one_64(z1);
            check_two_64(z1, z2);
            check_one_32(w1);
            check_two_32(w1, w2);
            check_integer(z1);
        }

        /// Most random bits are huge or tiny; these have a magnitude that conversions and rounding look at.
        #[test]
        fn every_operator_at_random_of_common_size(fraction: u64, exponent in 1000u64..1100, sign: bool) {
            let z = u64::from(sign) << 63 | exponent << 52 | fraction >> 12;
            check_one_64(z);
            check_one_32(demote(z));
        }
    }
}
