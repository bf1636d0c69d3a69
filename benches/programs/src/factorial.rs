//! The factorial of `n` with the crate `num-bigint`, then its decimal digits by repeated division.

use crate::random::mix;
use num_bigint::BigUint;

/// Multiplies up, divides down.
pub fn run(n: i32) -> i64 {
    let mut value = BigUint::from(1_u32);
    for factor in 2..=n as u32 {
        value *= factor;
    }
    let (mut sum, zero) = (0, BigUint::ZERO);
    let base = BigUint::from(1_000_000_000_000_000_000_u64);
    while value != zero {
        let digits = &value % &base;
        value /= &base;
        sum = mix(sum, digits.iter_u64_digits().next().unwrap_or(0));
    }
    sum as i64
}
