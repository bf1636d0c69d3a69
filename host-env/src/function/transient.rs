//! Storage that lives as long as the transaction.

use super::Host;
use crate::guest::{Guest, NONE, length_or_absent};
use crate::list::{Function, Unit};
use crate::state::length;
use lockstep_vm::Error;

pub(crate) fn transient_get(
    caller: Host<'_, '_>,
    key: u32,
    key_len: u32,
    out: u32,
    cap: u32,
) -> Result<i32, Error> {
    let mut guest = Guest::enter(caller, Function::TransientGet)?;
    let key = guest.range(key, key_len.into())?;
    let out = guest.range(out, cap.into())?;
    guest.limit_key(key_len)?;
    guest.pay(Unit::Read, key_len.into())?;
    let key = guest.read(key)?;
    let frame = guest.frame();
    let Some(value) = frame.session.journal.transient(&frame.entry.account, &key) else { return Ok(-1) };
    let len = value.len();
    let copied = value[..len.min(cap as usize)].to_vec();
    guest.pay(Unit::Write, copied.len() as u64)?;
    guest.write(out, &copied)?;
    Ok(length_or_absent(Some(length(len))))
}

pub(crate) fn transient_set(
    caller: Host<'_, '_>,
    key: u32,
    key_len: u32,
    val: u32,
    val_len: u32,
) -> Result<i32, Error> {
    let mut guest = Guest::enter(caller, Function::TransientSet)?;
    let key = guest.range(key, key_len.into())?;
    let val = if (val, val_len) == (NONE, 0) { None } else { Some(guest.range(val, val_len.into())?) };
    guest.limit_key(key_len)?;
    guest.limit(val_len, guest.frame().environment.limits().value)?;
    guest.pay(Unit::Read, u64::from(key_len) + u64::from(val_len))?;
    let key = guest.read(key)?;
    let val = val.map(|val| guest.read(val)).transpose()?;
    let frame = guest.frame_mut();
    let account = frame.entry.account;
    let before = frame.session.journal.transient(&account, &key).map(|value| length(value.len()));
    frame.session.journal.set_transient(account, &key, val);
    Ok(length_or_absent(before))
}
