//! The curve BN254 in the encodings of EIP-196 and EIP-197.
//!
//! A number is 32 bytes, big-endian. Coordinates must be below the field's order and points on the curve and in the
//! subgroup; all zero is the point at infinity. Multipliers may be any 256-bit number.

use ark_bn254::{Bn254, Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ec::pairing::Pairing;
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{BigInt, BigInteger, PrimeField};

pub(crate) fn add(input: &[u8; 128]) -> Option<[u8; 64]> {
    let (a, b) = (g1(&input[..64])?, g1(&input[64..])?);
    Some(encode((a + b).into_affine()))
}

pub(crate) fn mul(input: &[u8; 96]) -> Option<[u8; 64]> {
    let point = g1(&input[..64])?;
    let by = Fr::from_be_bytes_mod_order(&input[64..]);
    Some(encode((point * by).into_affine()))
}

/// Whether the product of the pairings is one.
pub(crate) fn pairing(pairs: &[[u8; 192]]) -> Option<bool> {
    let mut left = Vec::with_capacity(pairs.len());
    let mut right = Vec::with_capacity(pairs.len());
    for pair in pairs {
        left.push(g1(&pair[..64])?);
        right.push(g2(&pair[64..])?);
    }
    Some(Bn254::multi_pairing(left, right).0 == ark_ff::Field::ONE)
}

fn number(bytes: &[u8]) -> Option<Fq> {
    let mut limbs = [0; 4];
    for (limb, bytes) in limbs.iter_mut().rev().zip(bytes.as_chunks().0) {
        *limb = u64::from_be_bytes(*bytes);
    }
    Fq::from_bigint(BigInt(limbs))
}

fn g1(bytes: &[u8]) -> Option<G1Affine> {
    if bytes.iter().all(|byte| *byte == 0) {
        return Some(G1Affine::zero());
    }
    let point = G1Affine::new_unchecked(number(&bytes[..32])?, number(&bytes[32..])?);
    // The curve's order is prime: every point is in the group.
    point.is_on_curve().then_some(point)
}

/// Elements of the extension have their imaginary part first.
fn g2(bytes: &[u8]) -> Option<G2Affine> {
    if bytes.iter().all(|byte| *byte == 0) {
        return Some(G2Affine::zero());
    }
    let element = |bytes: &[u8]| Some(Fq2::new(number(&bytes[32..])?, number(&bytes[..32])?));
    let point = G2Affine::new_unchecked(element(&bytes[..64])?, element(&bytes[64..])?);
    (point.is_on_curve() && point.is_in_correct_subgroup_assuming_on_curve()).then_some(point)
}

fn encode(point: G1Affine) -> [u8; 64] {
    let mut bytes = [0; 64];
    if let Some((x, y)) = point.xy() {
        for (place, number) in bytes.chunks_exact_mut(32).zip([x, y]) {
            place.copy_from_slice(&number.into_bigint().to_bytes_be());
        }
    }
    bytes
}
