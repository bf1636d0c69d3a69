//! BLS12-381 of the crate `bls12_381`: `n` scalar multiplications in both groups and a pairing.

use crate::random::mix;
use ::bls12_381::{G1Affine, G1Projective, G2Affine, G2Projective, Gt, Scalar, pairing};

/// What checking a signature does.
pub fn run(n: i32) -> i64 {
    let (mut left, mut right) = (G1Projective::generator(), G2Projective::generator());
    let mut scalar = Scalar::from(0x1234_5678_9abc_def0_u64);
    for _ in 0..n {
        scalar = scalar.square() + Scalar::one();
        left *= scalar;
        right *= scalar;
    }
    let (left, right) = (G1Affine::from(left), G2Affine::from(right));
    let bytes = left.to_compressed().into_iter().chain(right.to_compressed());
    let sum = bytes.fold(0, |sum, byte| mix(sum, u64::from(byte)));
    // The pairing's result cannot be read; that it is bilinear can be seen.
    let product = pairing(&left, &G2Affine::generator()) + pairing(&-left, &G2Affine::generator());
    mix(sum, u64::from(product == Gt::identity())) as i64
}
