//! Modular powers of the crate `num-bigint`: `n` of 1,024 bits with a short exponent, as RSA checks signatures.

use crate::random::{Random, mix};
use num_bigint::BigUint;

/// Raises to 65537.
pub fn run(n: i32) -> i64 {
    let mut random = Random::new(3);
    let modulus = BigUint::from_bytes_le(&random.bytes(128)) | BigUint::from(1_u32);
    let exponent = BigUint::from(65_537_u32);
    let mut value = BigUint::from_bytes_le(&random.bytes(127));
    for _ in 0..n {
        value = value.modpow(&exponent, &modulus) + 1_u32;
    }
    value.to_bytes_le().into_iter().fold(0, |sum, byte| mix(sum, u64::from(byte))) as i64
}
