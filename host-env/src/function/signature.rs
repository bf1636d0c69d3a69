//! Signatures. Whatever is malformed is as false as what does not verify.

use super::Host;
use crate::crypto::signature as verify;
use crate::guest::Guest;
use crate::list::{Function, Unit};
use lockstep_vm::Error;

/// The flag that refuses a high s.
const LOW_S: u32 = 1;

type VerifyEcdsa = fn(&[u8; 32], &[u8; 64], &[u8], bool) -> bool;

pub(crate) fn secp256k1_verify(
    caller: Host<'_, '_>,
    flags: u32,
    hash: u32,
    sig: u32,
    key: u32,
    key_len: u32,
) -> Result<u32, Error> {
    let guest = Guest::enter(caller, Function::Secp256k1Verify)?;
    ecdsa(&guest, verify::secp256k1, flags, hash, sig, (key, key_len))
}

pub(crate) fn secp256r1_verify(
    caller: Host<'_, '_>,
    flags: u32,
    hash: u32,
    sig: u32,
    key: u32,
    key_len: u32,
) -> Result<u32, Error> {
    let guest = Guest::enter(caller, Function::Secp256r1Verify)?;
    ecdsa(&guest, verify::secp256r1, flags, hash, sig, (key, key_len))
}

fn ecdsa(
    guest: &Guest<'_, '_>,
    verify: VerifyEcdsa,
    flags: u32,
    hash: u32,
    sig: u32,
    (key, key_len): (u32, u32),
) -> Result<u32, Error> {
    let hash = guest.range(hash, 32)?;
    let sig = guest.range(sig, 64)?;
    let key = guest.range(key, key_len.into())?;
    guest.known_flags(flags, LOW_S)?;
    let (hash, sig) = (guest.read_array(hash)?, guest.read_array(sig)?);
    // A longer key is malformed, whatever the rest of it is.
    let key = guest.read(key.first(66))?;
    Ok(verify(&hash, &sig, &key, flags & LOW_S != 0).into())
}

pub(crate) fn secp256k1_recover(
    caller: Host<'_, '_>,
    id: u32,
    hash: u32,
    sig: u32,
    out: u32,
) -> Result<u32, Error> {
    let mut guest = Guest::enter(caller, Function::Secp256k1Recover)?;
    let hash = guest.range(hash, 32)?;
    let sig = guest.range(sig, 64)?;
    let out = guest.range(out, 64)?;
    let (hash, sig) = (guest.read_array(hash)?, guest.read_array(sig)?);
    let Some(key) = verify::recover_secp256k1(id, &hash, &sig) else { return Ok(0) };
    guest.write(out, &key)?;
    Ok(1)
}

pub(crate) fn ed25519_verify(
    caller: Host<'_, '_>,
    sig: u32,
    key: u32,
    msg: u32,
    msg_len: u32,
) -> Result<u32, Error> {
    let mut guest = Guest::enter(caller, Function::Ed25519Verify)?;
    let sig = guest.range(sig, 64)?;
    let key = guest.range(key, 32)?;
    let msg = guest.range(msg, msg_len.into())?;
    guest.pay(Unit::Own, msg_len.into())?;
    let (sig, key, msg) = (guest.read_array(sig)?, guest.read_array(key)?, guest.read(msg)?);
    Ok(verify::ed25519(&sig, &key, &msg).into())
}
