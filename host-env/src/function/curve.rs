//! Elliptic curves with pairings. Outputs are written only with 1.

use super::Host;
use crate::crypto::{bls12_381, bn254};
use crate::guest::Guest;
use crate::list::{Function, Unit};
use lockstep_vm::Error;

pub(crate) fn bn254_add(caller: Host<'_, '_>, input: u32, out: u32) -> Result<u32, Error> {
    map(caller, Function::Bn254Add, bn254::add, input, out)
}

pub(crate) fn bn254_mul(caller: Host<'_, '_>, input: u32, out: u32) -> Result<u32, Error> {
    map(caller, Function::Bn254Mul, bn254::mul, input, out)
}

pub(crate) fn bn254_pairing(caller: Host<'_, '_>, input: u32, count: u32) -> Result<u32, Error> {
    Ok(many(caller, Function::Bn254Pairing, bn254::pairing, input, count)?.unwrap_or(false).into())
}

pub(crate) fn bls12_381_g1_add(caller: Host<'_, '_>, input: u32, out: u32) -> Result<u32, Error> {
    map(caller, Function::Bls12G1Add, bls12_381::g1_add, input, out)
}

pub(crate) fn bls12_381_g2_add(caller: Host<'_, '_>, input: u32, out: u32) -> Result<u32, Error> {
    map(caller, Function::Bls12G2Add, bls12_381::g2_add, input, out)
}

pub(crate) fn bls12_381_g1_msm(caller: Host<'_, '_>, input: u32, count: u32, out: u32) -> Result<u32, Error> {
    msm(caller, Function::Bls12G1Msm, bls12_381::g1_msm, input, count, out)
}

pub(crate) fn bls12_381_g2_msm(caller: Host<'_, '_>, input: u32, count: u32, out: u32) -> Result<u32, Error> {
    msm(caller, Function::Bls12G2Msm, bls12_381::g2_msm, input, count, out)
}

pub(crate) fn bls12_381_map_g1(caller: Host<'_, '_>, input: u32, out: u32) -> Result<u32, Error> {
    map(caller, Function::Bls12MapG1, bls12_381::map_g1, input, out)
}

pub(crate) fn bls12_381_map_g2(caller: Host<'_, '_>, input: u32, out: u32) -> Result<u32, Error> {
    map(caller, Function::Bls12MapG2, bls12_381::map_g2, input, out)
}

pub(crate) fn bls12_381_pairing(caller: Host<'_, '_>, input: u32, count: u32) -> Result<u32, Error> {
    Ok(many(caller, Function::Bls12Pairing, bls12_381::pairing, input, count)?.unwrap_or(false).into())
}

/// A function from so many bytes to so many.
fn map<const IN: usize, const OUT: usize>(
    caller: Host<'_, '_>,
    function: Function,
    map: fn(&[u8; IN]) -> Option<[u8; OUT]>,
    input: u32,
    out: u32,
) -> Result<u32, Error> {
    let mut guest = Guest::enter(caller, function)?;
    let input = guest.range(input, IN as u64)?;
    let out = guest.range(out, OUT as u64)?;
    let Some(bytes) = map(&guest.read_array(input)?) else { return Ok(0) };
    guest.write(out, &bytes)?;
    Ok(1)
}

/// A function of any number of items up to the limit, without an output.
fn many<const ITEM: usize, R>(
    caller: Host<'_, '_>,
    function: Function,
    apply: fn(&[[u8; ITEM]]) -> Option<R>,
    input: u32,
    count: u32,
) -> Result<Option<R>, Error> {
    let mut guest = Guest::enter(caller, function)?;
    let input = guest.range(input, u64::from(count) * ITEM as u64)?;
    guest.limit(count, guest.frame().environment.limits().pairs)?;
    guest.pay(Unit::Own, count.into())?;
    Ok(apply(guest.read(input)?.as_chunks().0))
}

fn msm<const ITEM: usize, const OUT: usize>(
    caller: Host<'_, '_>,
    function: Function,
    apply: fn(&[[u8; ITEM]]) -> Option<[u8; OUT]>,
    input: u32,
    count: u32,
    out: u32,
) -> Result<u32, Error> {
    let mut guest = Guest::enter(caller, function)?;
    let input = guest.range(input, u64::from(count) * ITEM as u64)?;
    let out = guest.range(out, OUT as u64)?;
    guest.limit(count, guest.frame().environment.limits().pairs)?;
    guest.pay(Unit::Own, count.into())?;
    let Some(bytes) = apply(guest.read(input)?.as_chunks().0) else { return Ok(0) };
    guest.write(out, &bytes)?;
    Ok(1)
}
