//! The curve BLS12-381 in the encodings of EIP-2537.
//!
//! A field element is 64 bytes, big-endian, the first 16 of them zero, and below the field's order; an element of the
//! extension has its real part first. Points must be on the curve; those of multiplications and pairings in the subgroup
//! too. All zero is the point at infinity. Multipliers may be any 256-bit number.

use ark_bls12_381::{Bls12_381, Fq, Fq2, Fr, G1Affine, G1Projective, G2Affine, G2Projective, g1, g2};
use ark_ec::hashing::curve_maps::wb::WBMap;
use ark_ec::hashing::map_to_curve_hasher::MapToCurve;
use ark_ec::pairing::Pairing;
use ark_ec::short_weierstrass::{Affine, SWCurveConfig};
use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM};
use ark_ff::{BigInt, BigInteger, PrimeField};

pub(crate) fn g1_add(input: &[u8; 256]) -> Option<[u8; 128]> {
    let (a, b) = (g1_point(&input[..128])?, g1_point(&input[128..])?);
    Some(encode_g1((a + b).into_affine()))
}

pub(crate) fn g2_add(input: &[u8; 512]) -> Option<[u8; 256]> {
    let (a, b) = (g2_point(&input[..256])?, g2_point(&input[256..])?);
    Some(encode_g2((a + b).into_affine()))
}

pub(crate) fn g1_msm(items: &[[u8; 160]]) -> Option<[u8; 128]> {
    let mut points = Vec::with_capacity(items.len());
    let mut by = Vec::with_capacity(items.len());
    for item in items {
        points.push(in_subgroup(g1_point(&item[..128])?)?);
        by.push(Fr::from_be_bytes_mod_order(&item[128..]));
    }
    Some(encode_g1(G1Projective::msm(&points, &by).ok()?.into_affine()))
}

pub(crate) fn g2_msm(items: &[[u8; 288]]) -> Option<[u8; 256]> {
    let mut points = Vec::with_capacity(items.len());
    let mut by = Vec::with_capacity(items.len());
    for item in items {
        points.push(in_subgroup(g2_point(&item[..256])?)?);
        by.push(Fr::from_be_bytes_mod_order(&item[256..]));
    }
    Some(encode_g2(G2Projective::msm(&points, &by).ok()?.into_affine()))
}

pub(crate) fn map_g1(input: &[u8; 64]) -> Option<[u8; 128]> {
    let point = WBMap::<g1::Config>::map_to_curve(number(input)?).ok()?;
    Some(encode_g1(on_curve(point).clear_cofactor()))
}

pub(crate) fn map_g2(input: &[u8; 128]) -> Option<[u8; 256]> {
    let point = WBMap::<g2::Config>::map_to_curve(element(input)?).ok()?;
    Some(encode_g2(on_curve(point).clear_cofactor()))
}

/// What a map answers. Where the isogeny has a pole its image is infinity (RFC 9380, 4.2); the crate would answer a point
/// of zeros, which is on no curve.
fn on_curve<C: SWCurveConfig>(point: Affine<C>) -> Affine<C> {
    if point.is_on_curve() { point } else { Affine::zero() }
}

/// Whether the product of the pairings is one.
pub(crate) fn pairing(pairs: &[[u8; 384]]) -> Option<bool> {
    let mut left = Vec::with_capacity(pairs.len());
    let mut right = Vec::with_capacity(pairs.len());
    for pair in pairs {
        left.push(in_subgroup(g1_point(&pair[..128])?)?);
        right.push(in_subgroup(g2_point(&pair[128..])?)?);
    }
    Some(Bls12_381::multi_pairing(left, right).0 == ark_ff::Field::ONE)
}

fn in_subgroup<C: SWCurveConfig>(point: Affine<C>) -> Option<Affine<C>> {
    point.is_in_correct_subgroup_assuming_on_curve().then_some(point)
}

fn number(bytes: &[u8]) -> Option<Fq> {
    let (padding, bytes) = bytes.split_at(16);
    if padding.iter().any(|byte| *byte != 0) {
        return None;
    }
    let mut limbs = [0; 6];
    for (limb, bytes) in limbs.iter_mut().rev().zip(bytes.as_chunks().0) {
        *limb = u64::from_be_bytes(*bytes);
    }
    Fq::from_bigint(BigInt(limbs))
}

fn element(bytes: &[u8]) -> Option<Fq2> {
    Some(Fq2::new(number(&bytes[..64])?, number(&bytes[64..])?))
}

fn g1_point(bytes: &[u8]) -> Option<G1Affine> {
    if bytes.iter().all(|byte| *byte == 0) {
        return Some(G1Affine::zero());
    }
    let point = G1Affine::new_unchecked(number(&bytes[..64])?, number(&bytes[64..])?);
    point.is_on_curve().then_some(point)
}

fn g2_point(bytes: &[u8]) -> Option<G2Affine> {
    if bytes.iter().all(|byte| *byte == 0) {
        return Some(G2Affine::zero());
    }
    let point = G2Affine::new_unchecked(element(&bytes[..128])?, element(&bytes[128..])?);
    point.is_on_curve().then_some(point)
}

fn encode_numbers(place: &mut [u8], numbers: &[Fq]) {
    for (place, number) in place.chunks_exact_mut(64).zip(numbers) {
        place[16..].copy_from_slice(&number.into_bigint().to_bytes_be());
    }
}

fn encode_g1(point: G1Affine) -> [u8; 128] {
    let mut bytes = [0; 128];
    if let Some((x, y)) = point.xy() {
        encode_numbers(&mut bytes, &[x, y]);
    }
    bytes
}

fn encode_g2(point: G2Affine) -> [u8; 256] {
    let mut bytes = [0; 256];
    if let Some((x, y)) = point.xy() {
        encode_numbers(&mut bytes, &[x.c0, x.c1, y.c0, y.c1]);
    }
    bytes
}
