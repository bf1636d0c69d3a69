//! Division without a sign by a constant: a multiplication and shifts.
//!
//! Owns the numbers. After Granlund and Montgomery, "Division by Invariant Integers using Multiplication" (1994). It must
//! not know machines.

/// How to divide any dividend of a width by a constant: the upper half of its product with `factor`, then to the right by
/// `shift`; where `adds`, the factor has one bit more than fits, and half of what the dividend is greater by is added in
/// between.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Reciprocal {
    pub(super) factor: u64,
    pub(super) shift: u32,
    pub(super) adds: bool,
}

/// For dividends of 32 bits, multiplied in 64: one product is always exact. The divisor is at least 2 and no power of two.
pub(super) fn reciprocal_32(divisor: u32) -> Reciprocal {
    // The error of rounding up is below the divisor, which the dividend of 32 bits cannot make count.
    let factor = u64::MAX / u64::from(divisor) + 1;
    Reciprocal { factor, shift: 0, adds: false }
}

/// For dividends of 64 bits. The divisor is at least 3 and no power of two.
pub(super) fn reciprocal_64(divisor: u64) -> Reciprocal {
    let divisor = u128::from(divisor);
    // 2^(bits - 1) < divisor < 2^bits
    let bits = 128 - (divisor - 1).leading_zeros();
    // The least power that is exact for every dividend takes a factor of 65 bits; a smaller one may do.
    let exact = |power: u32| {
        let error = divisor - (1_u128 << (64 + power)) % divisor;
        error <= 1 << power
    };
    match (0..bits).find(|power| exact(*power)) {
        Some(power) => {
            let factor = (1_u128 << (64 + power)) / divisor + 1;
            // Below 2^64, because 2^power is below the divisor.
            Reciprocal { factor: factor as u64, shift: power, adds: false }
        }
        None => {
            // The leading one of 65 bits is left out.
            let factor = ((1_u128 << 64) * ((1_u128 << bits) - divisor)) / divisor + 1;
            Reciprocal { factor: factor as u64, shift: bits - 1, adds: true }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn divide(dividend: u64, by: Reciprocal) -> u64 {
        let product = ((u128::from(dividend) * u128::from(by.factor)) >> 64) as u64;
        let quotient = if by.adds { ((dividend - product) >> 1) + product } else { product };
        quotient >> by.shift
    }

    fn check(dividend: u64, divisor: u64) {
        if divisor < 3 || divisor.is_power_of_two() {
            return;
        }
        assert_eq!(divide(dividend, reciprocal_64(divisor)), dividend / divisor, "{dividend} / {divisor}");
        if let (Ok(dividend), Ok(divisor)) = (u32::try_from(dividend), u32::try_from(divisor)) {
            let quotient = divide(dividend.into(), reciprocal_32(divisor));
            assert_eq!(quotient, u64::from(dividend / divisor), "{dividend} / {divisor}");
        }
    }

    /// Reciprocals are wrong, if they are, next to multiples and at the ends.
    #[test]
    fn l20_quotients_are_exact_where_it_is_hardest() {
        let mut divisors: Vec<u64> = (3..2000).collect();
        for power in 2..64 {
            divisors.extend((0..5).map(|near| (1_u64 << power).wrapping_add(near).wrapping_sub(2)));
        }
        divisors.extend([u64::MAX, u64::MAX - 1, 0xffff_ffff, 0xffff_fffe, 10_u64.pow(19), 10_u64.pow(9)]);
        for &divisor in &divisors {
            for end in [u64::MAX, u64::from(u32::MAX), 1 << 63, 1 << 31, divisor.wrapping_mul(12)] {
                let multiple = end - end % divisor;
                for near in 0..3 {
                    check(multiple.wrapping_add(near), divisor);
                    check(multiple.wrapping_sub(near), divisor);
                    check(end.wrapping_sub(near), divisor);
                    check(near, divisor);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn quotients_are_exact_at_random(dividend: u64, divisor: u64, bits in 0..64_u32, short in 0..64_u32) {
            check(dividend >> short, divisor >> bits);
        }
    }
}
