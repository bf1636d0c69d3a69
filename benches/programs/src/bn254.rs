//! BN254 of the crate `ark-bn254`: `n` scalar multiplications and a pairing.

use crate::random::mix;
use ark_bn254::{Bn254, Fr, G1Projective, G2Affine};
use ark_ec::pairing::Pairing;
use ark_ec::{AffineRepr, CurveGroup, PrimeGroup};
use ark_ff::{BigInteger, PrimeField};

/// What the precompiled contracts of Ethereum do with it.
pub fn run(n: i32) -> i64 {
    let mut point = G1Projective::generator();
    let mut scalar = Fr::from(0x1234_5678_9abc_def0_u64);
    let mut sum = 0;
    for _ in 0..n {
        scalar = scalar * scalar + Fr::from(3_u64);
        point *= scalar;
        sum = mix(sum, point.into_affine().x.into_bigint().0[0]);
    }
    let paired = Bn254::pairing(point.into_affine(), G2Affine::generator());
    let low = paired.0.c0.c0.c0.into_bigint();
    mix(sum, low.0[0] ^ u64::from(low.is_odd())) as i64
}
