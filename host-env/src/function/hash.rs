//! Hashes.

use super::Host;
use crate::crypto::hash;
use crate::guest::Guest;
use crate::list::{Function, Unit};
use lockstep_vm::Error;

pub(crate) fn hash_sha2_256(caller: Host<'_, '_>, ptr: u32, len: u32, out: u32) -> Result<(), Error> {
    digest(caller, Function::HashSha2, 64, hash::sha2_256, ptr, len, out)
}

pub(crate) fn hash_sha3_256(caller: Host<'_, '_>, ptr: u32, len: u32, out: u32) -> Result<(), Error> {
    digest(caller, Function::HashSha3, 136, hash::sha3_256, ptr, len, out)
}

pub(crate) fn hash_keccak_256(caller: Host<'_, '_>, ptr: u32, len: u32, out: u32) -> Result<(), Error> {
    digest(caller, Function::HashKeccak, 136, hash::keccak_256, ptr, len, out)
}

pub(crate) fn hash_blake2b_256(caller: Host<'_, '_>, ptr: u32, len: u32, out: u32) -> Result<(), Error> {
    digest(caller, Function::HashBlake2b, 128, hash::blake2b_256, ptr, len, out)
}

pub(crate) fn hash_blake3(caller: Host<'_, '_>, ptr: u32, len: u32, out: u32) -> Result<(), Error> {
    digest(caller, Function::HashBlake3, 64, hash::blake3, ptr, len, out)
}

pub(crate) fn hash_ripemd_160(caller: Host<'_, '_>, ptr: u32, len: u32, out: u32) -> Result<(), Error> {
    digest(caller, Function::HashRipemd, 64, hash::ripemd_160, ptr, len, out)
}

/// Blocks are counted as `len / block + 1`: what is hashed is always padded.
fn digest<const N: usize>(
    caller: Host<'_, '_>,
    function: Function,
    block: u32,
    hash: fn(&[u8]) -> [u8; N],
    ptr: u32,
    len: u32,
    out: u32,
) -> Result<(), Error> {
    let mut guest = Guest::enter(caller, function)?;
    let range = guest.range(ptr, len.into())?;
    let out = guest.range(out, N as u64)?;
    guest.pay(Unit::Own, u64::from(len / block) + 1)?;
    let digest = hash(&guest.read(range)?);
    guest.pay(Unit::Write, N as u64)?;
    Ok(guest.write(out, &digest)?)
}
