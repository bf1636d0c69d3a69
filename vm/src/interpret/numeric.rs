//! Integer operators, by the spec's names and definitions.
//!
//! Owns arithmetic on integers of 32 and 64 bits: [`n32`] and [`n64`] have the same functions for their width. Signed
//! interpretation is two's complement. It must not know instructions or stacks.

use crate::trap::Trap;

macro_rules! define_integers {
    ($width:ident, $unsigned:ident, $signed:ident) => {
        pub(super) mod $width {
            use super::Trap;

            pub(in super::super) fn iadd(i1: $unsigned, i2: $unsigned) -> $unsigned {
                i1.wrapping_add(i2)
            }

            pub(in super::super) fn isub(i1: $unsigned, i2: $unsigned) -> $unsigned {
                i1.wrapping_sub(i2)
            }

            pub(in super::super) fn imul(i1: $unsigned, i2: $unsigned) -> $unsigned {
                i1.wrapping_mul(i2)
            }

            pub(in super::super) fn idiv_u(i1: $unsigned, i2: $unsigned) -> Result<$unsigned, Trap> {
                i1.checked_div(i2).ok_or(Trap::DivideByZero)
            }

            /// Truncates towards zero. The quotient of the least integer and -1 cannot be represented.
            pub(in super::super) fn idiv_s(i1: $unsigned, i2: $unsigned) -> Result<$unsigned, Trap> {
                if i2 == 0 {
                    return Err(Trap::DivideByZero);
                }
                let quotient = (i1 as $signed).checked_div(i2 as $signed);
                quotient.map(|quotient| quotient as $unsigned).ok_or(Trap::IntegerOverflow)
            }

            pub(in super::super) fn irem_u(i1: $unsigned, i2: $unsigned) -> Result<$unsigned, Trap> {
                i1.checked_rem(i2).ok_or(Trap::DivideByZero)
            }

            /// Has the sign of the dividend. The remainder by -1 is 0, also where the quotient cannot be represented.
            pub(in super::super) fn irem_s(i1: $unsigned, i2: $unsigned) -> Result<$unsigned, Trap> {
                if i2 == 0 {
                    return Err(Trap::DivideByZero);
                }
                Ok((i1 as $signed).wrapping_rem(i2 as $signed) as $unsigned)
            }

            pub(in super::super) fn iand(i1: $unsigned, i2: $unsigned) -> $unsigned {
                i1 & i2
            }

            pub(in super::super) fn ior(i1: $unsigned, i2: $unsigned) -> $unsigned {
                i1 | i2
            }

            pub(in super::super) fn ixor(i1: $unsigned, i2: $unsigned) -> $unsigned {
                i1 ^ i2
            }

            /// The distance of a shift or rotation is taken modulo the width.
            fn distance(i2: $unsigned) -> u32 {
                // Below 64, so it fits.
                (i2 % $unsigned::BITS as $unsigned) as u32
            }

            pub(in super::super) fn ishl(i1: $unsigned, i2: $unsigned) -> $unsigned {
                i1 << distance(i2)
            }

            pub(in super::super) fn ishr_u(i1: $unsigned, i2: $unsigned) -> $unsigned {
                i1 >> distance(i2)
            }

            pub(in super::super) fn ishr_s(i1: $unsigned, i2: $unsigned) -> $unsigned {
                (i1 as $signed >> distance(i2)) as $unsigned
            }

            pub(in super::super) fn irotl(i1: $unsigned, i2: $unsigned) -> $unsigned {
                i1.rotate_left(distance(i2))
            }

            pub(in super::super) fn irotr(i1: $unsigned, i2: $unsigned) -> $unsigned {
                i1.rotate_right(distance(i2))
            }

            pub(in super::super) fn iclz(i: $unsigned) -> $unsigned {
                i.leading_zeros().into()
            }

            pub(in super::super) fn ictz(i: $unsigned) -> $unsigned {
                i.trailing_zeros().into()
            }

            pub(in super::super) fn ipopcnt(i: $unsigned) -> $unsigned {
                i.count_ones().into()
            }

            pub(in super::super) fn iextend8_s(i: $unsigned) -> $unsigned {
                i as i8 as $unsigned
            }

            pub(in super::super) fn iextend16_s(i: $unsigned) -> $unsigned {
                i as i16 as $unsigned
            }

            pub(in super::super) fn ieqz(i: $unsigned) -> u32 {
                (i == 0).into()
            }

            pub(in super::super) fn ieq(i1: $unsigned, i2: $unsigned) -> u32 {
                (i1 == i2).into()
            }

            pub(in super::super) fn ine(i1: $unsigned, i2: $unsigned) -> u32 {
                (i1 != i2).into()
            }

            pub(in super::super) fn ilt_u(i1: $unsigned, i2: $unsigned) -> u32 {
                (i1 < i2).into()
            }

            pub(in super::super) fn ilt_s(i1: $unsigned, i2: $unsigned) -> u32 {
                ((i1 as $signed) < i2 as $signed).into()
            }

            pub(in super::super) fn igt_u(i1: $unsigned, i2: $unsigned) -> u32 {
                (i1 > i2).into()
            }

            pub(in super::super) fn igt_s(i1: $unsigned, i2: $unsigned) -> u32 {
                (i1 as $signed > i2 as $signed).into()
            }

            pub(in super::super) fn ile_u(i1: $unsigned, i2: $unsigned) -> u32 {
                (i1 <= i2).into()
            }

            pub(in super::super) fn ile_s(i1: $unsigned, i2: $unsigned) -> u32 {
                (i1 as $signed <= i2 as $signed).into()
            }

            pub(in super::super) fn ige_u(i1: $unsigned, i2: $unsigned) -> u32 {
                (i1 >= i2).into()
            }

            pub(in super::super) fn ige_s(i1: $unsigned, i2: $unsigned) -> u32 {
                (i1 as $signed >= i2 as $signed).into()
            }
        }
    };
}

define_integers!(n32, u32, i32);
define_integers!(n64, u64, i64);

pub(super) fn wrap(i: u64) -> u32 {
    // The spec's wrap: modulo 2^32.
    i as u32
}

pub(super) fn extend_u(i: u32) -> u64 {
    i.into()
}

pub(super) fn extend_s(i: u32) -> u64 {
    i64::from(i as i32) as u64
}

pub(super) fn iextend32_s(i: u64) -> u64 {
    extend_s(wrap(i))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    /// Every power of two, its neighbours and their negatives.
    fn boundary_values() -> Vec<u64> {
        let mut values = Vec::new();
        for power in 0..64 {
            for near in [u64::MAX, 0, 1] {
                let value = (1u64 << power).wrapping_add(near);
                values.extend([value, value.wrapping_neg()]);
            }
        }
        values.extend([3, 5, 7, 10, 33, 1000, 0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210]);
        values.sort_unstable();
        values.dedup();
        values
    }

    /// Bits of a number, least first: an integer from first principles.
    fn bits(value: u64, width: usize) -> Vec<bool> {
        (0..width).map(|bit| value & (1 << bit) != 0).collect()
    }

    fn of_bits(bits: &[bool]) -> u64 {
        bits.iter().rev().fold(0, |value, bit| value * 2 + u64::from(*bit))
    }

    macro_rules! check_integers {
        ($check:ident, $width:ident, $unsigned:ident, $signed:ident) => {
            /// Each operator against the mathematical definition, in 128 bits or bit by bit.
            fn $check(i1: $unsigned, i2: $unsigned) {
                const N: usize = $unsigned::BITS as usize;
                let modulus = 1i128 << N;
                let unsigned = |i: $unsigned| i128::from(i);
                let signed = |i: $unsigned| {
                    if unsigned(i) >= modulus / 2 { unsigned(i) - modulus } else { unsigned(i) }
                };
                let modulo = |exact: i128| exact.rem_euclid(modulus);
                let (u1, u2, s1, s2) = (unsigned(i1), unsigned(i2), signed(i1), signed(i2));

                assert_eq!(unsigned($width::iadd(i1, i2)), modulo(u1 + u2));
                assert_eq!(unsigned($width::isub(i1, i2)), modulo(u1 - u2));
                // The product of two 64-bit numbers needs 128 bits without a sign.
                assert_eq!(
                    $width::imul(i1, i2) as u128,
                    (i1 as u128).wrapping_mul(i2 as u128) % (modulus as u128)
                );
                let mut results = [$width::idiv_u(i1, i2), $width::irem_u(i1, i2)];
                let mut signed_results = [$width::idiv_s(i1, i2), $width::irem_s(i1, i2)];
                if i2 == 0 {
                    results
                        .iter()
                        .chain(&signed_results)
                        .for_each(|r| assert_eq!(*r, Err(Trap::DivideByZero)));
                } else {
                    assert_eq!(results.each_mut().map(|r| unsigned(r.unwrap())), [u1 / u2, u1 % u2]);
                    let quotient = s1 / s2;
                    if quotient == modulus / 2 {
                        assert_eq!(signed_results, [Err(Trap::IntegerOverflow), Ok(0)]);
                    } else {
                        assert_eq!(
                            signed_results.each_mut().map(|r| signed(r.unwrap())),
                            [quotient, s1 % s2]
                        );
                    }
                }

                let (b1, b2) = (bits(i1.into(), N), bits(i2.into(), N));
                let each = |f: fn(bool, bool) -> bool| {
                    of_bits(&b1.iter().zip(&b2).map(|(a, b)| f(*a, *b)).collect::<Vec<_>>()) as $unsigned
                };
                assert_eq!($width::iand(i1, i2), each(|a, b| a && b));
                assert_eq!($width::ior(i1, i2), each(|a, b| a || b));
                assert_eq!($width::ixor(i1, i2), each(|a, b| a != b));

                let k = (u2 % N as i128) as usize;
                assert_eq!(unsigned($width::ishl(i1, i2)), modulo(((u1 as u128) << k) as i128));
                assert_eq!(unsigned($width::ishr_u(i1, i2)), u1 / (1i128 << k));
                assert_eq!(signed($width::ishr_s(i1, i2)), s1.div_euclid(1i128 << k));
                let mut rotated = b1.clone();
                rotated.rotate_right(k);
                assert_eq!(u64::from($width::irotl(i1, i2)), of_bits(&rotated));
                let mut rotated = b1.clone();
                rotated.rotate_left(k);
                assert_eq!(u64::from($width::irotr(i1, i2)), of_bits(&rotated));

                let zeros = |bits: &mut dyn Iterator<Item = &bool>| bits.take_while(|bit| !**bit).count();
                assert_eq!($width::iclz(i1) as usize, zeros(&mut b1.iter().rev()));
                assert_eq!($width::ictz(i1) as usize, zeros(&mut b1.iter()));
                assert_eq!($width::ipopcnt(i1) as usize, b1.iter().filter(|bit| **bit).count());
                for (width, extended) in [(8, $width::iextend8_s(i1)), (16, $width::iextend16_s(i1))] {
                    let low = u1 % (1 << width);
                    assert_eq!(
                        signed(extended),
                        if low >> (width - 1) == 1 { low - (1 << width) } else { low }
                    );
                }

                assert_eq!($width::ieqz(i1), u32::from(u1 == 0));
                assert_eq!($width::ieq(i1, i2), u32::from(u1 == u2));
                assert_eq!($width::ine(i1, i2), u32::from(u1 != u2));
                assert_eq!($width::ilt_u(i1, i2), u32::from(u1 < u2));
                assert_eq!($width::ilt_s(i1, i2), u32::from(s1 < s2));
                assert_eq!($width::igt_u(i1, i2), u32::from(u1 > u2));
                assert_eq!($width::igt_s(i1, i2), u32::from(s1 > s2));
                assert_eq!($width::ile_u(i1, i2), u32::from(u1 <= u2));
                assert_eq!($width::ile_s(i1, i2), u32::from(s1 <= s2));
                assert_eq!($width::ige_u(i1, i2), u32::from(u1 >= u2));
                assert_eq!($width::ige_s(i1, i2), u32::from(s1 >= s2));
            }
        };
    }

    check_integers!(check_32, n32, u32, i32);
    check_integers!(check_64, n64, u64, i64);

    fn check_widths(i: u64) {
        let low = i128::from(i) % (1 << 32);
        let signed = if low >= 1 << 31 { low - (1 << 32) } else { low };
        assert_eq!(i128::from(wrap(i)), low);
        assert_eq!(i128::from(extend_u(wrap(i))), low);
        assert_eq!(i128::from(extend_s(wrap(i)) as i64), signed);
        assert_eq!(i128::from(iextend32_s(i) as i64), signed);
    }

    /// Shifts by the width, `rem_s` by -1, division by zero and the like have been wrong in mature engines.
    #[test]
    fn l20_every_operator_at_every_pair_of_boundaries() {
        let values = boundary_values();
        for &i1 in &values {
            check_widths(i1);
            for &i2 in &values {
                check_32(i1 as u32, i2 as u32);
                check_64(i1, i2);
            }
        }
    }

    proptest! {
        #[test]
        fn every_operator_at_random(i1: u64, i2: u64) {
            check_widths(i1);
            check_32(i1 as u32, i2 as u32);
            check_64(i1, i2);
        }
    }
}
