//! The storage of the frame's account.

use super::Host;
use crate::guest::{Guest, length_or_absent};
use crate::list::{Function, Unit};
use crate::receipt::Misuse;
use crate::state::{Order, length};
use lockstep_vm::Error;

pub(crate) fn storage_get(
    caller: Host<'_, '_>,
    key: u32,
    key_len: u32,
    out: u32,
    cap: u32,
) -> Result<i32, Error> {
    let mut guest = Guest::enter(caller, Function::StorageGet)?;
    let key = guest.range(key, key_len.into())?;
    let out = guest.range(out, cap.into())?;
    guest.limit_key(key_len)?;
    guest.pay(Unit::Read, key_len.into())?;
    let key = guest.read(key)?;
    let frame = guest.frame();
    let len = frame.session.journal.len(frame.storage, &frame.entry.account, &key)?;
    let Some(len) = len else { return Ok(-1) };
    // Nothing of the value is read before that is paid for.
    guest.pay(Unit::StateRead, len.into())?;
    guest.pay(Unit::Write, len.min(cap).into())?;
    let frame = guest.frame();
    let value = frame.session.journal.get(frame.storage, &frame.entry.account, &key)?;
    let value = value.filter(|value| length(value.len()) == len);
    let value = value.ok_or_else(|| Error::fault("a value has not the length that the state says"))?;
    guest.write(out, &value)?;
    Ok(length_or_absent(Some(len)))
}

pub(crate) fn storage_len(caller: Host<'_, '_>, key: u32, key_len: u32) -> Result<i32, Error> {
    let mut guest = Guest::enter(caller, Function::StorageLen)?;
    let key = read_key(&mut guest, key, key_len)?;
    let frame = guest.frame();
    Ok(length_or_absent(frame.session.journal.len(frame.storage, &frame.entry.account, &key)?))
}

pub(crate) fn storage_set(
    caller: Host<'_, '_>,
    key: u32,
    key_len: u32,
    val: u32,
    val_len: u32,
) -> Result<i32, Error> {
    let mut guest = Guest::enter(caller, Function::StorageSet)?;
    let key = guest.range(key, key_len.into())?;
    let val = guest.range(val, val_len.into())?;
    guest.limit_key(key_len)?;
    guest.limit(val_len, guest.frame().environment.limits().value)?;
    guest.pay(Unit::Read, key.len() + val.len())?;
    guest.pay(Unit::StateWrite, val.len())?;
    let (key, val) = (guest.read(key)?, guest.read(val)?);
    let frame = guest.frame();
    let account = frame.entry.account;
    let before = frame.session.journal.len(frame.storage, &account, &key)?;
    if before.is_none() {
        guest.pay(Unit::NewEntry, 1)?;
    }
    guest.frame_mut().session.journal.set(account, &key, val);
    Ok(length_or_absent(before))
}

pub(crate) fn storage_remove(caller: Host<'_, '_>, key: u32, key_len: u32) -> Result<i32, Error> {
    let mut guest = Guest::enter(caller, Function::StorageRemove)?;
    let key = read_key(&mut guest, key, key_len)?;
    let frame = guest.frame_mut();
    let account = frame.entry.account;
    let before = frame.session.journal.len(frame.storage, &account, &key)?;
    if before.is_some() {
        frame.session.journal.remove(frame.storage, account, &key)?;
    }
    Ok(length_or_absent(before))
}

fn read_key(guest: &mut Guest<'_, '_>, key: u32, key_len: u32) -> Result<Vec<u8>, Error> {
    let key = guest.range(key, key_len.into())?;
    guest.limit_key(key_len)?;
    guest.pay(Unit::Read, key_len.into())?;
    Ok(guest.read(key)?)
}

pub(crate) fn storage_next(
    caller: Host<'_, '_>,
    prefix: u32,
    prefix_len: u32,
    key: u32,
    key_len: u32,
    cap: u32,
) -> Result<i32, Error> {
    let guest = Guest::enter(caller, Function::StorageNext)?;
    seek(guest, Order::Ascending, (prefix, prefix_len), (key, key_len, cap))
}

pub(crate) fn storage_prev(
    caller: Host<'_, '_>,
    prefix: u32,
    prefix_len: u32,
    key: u32,
    key_len: u32,
    cap: u32,
) -> Result<i32, Error> {
    let guest = Guest::enter(caller, Function::StoragePrev)?;
    seek(guest, Order::Descending, (prefix, prefix_len), (key, key_len, cap))
}

fn seek(
    mut guest: Guest<'_, '_>,
    order: Order,
    (prefix, prefix_len): (u32, u32),
    (key, key_len, cap): (u32, u32, u32),
) -> Result<i32, Error> {
    let limit = guest.frame().environment.limits().key;
    let prefix = guest.range(prefix, prefix_len.into())?;
    // One buffer for both keys: it counts with the greater of length and capacity.
    let buffer = guest.range(key, key_len.max(cap).into())?;
    guest.limit(prefix_len, limit)?;
    guest.limit(key_len, limit)?;
    if cap < limit {
        return Err(Misuse::BadArgument.into());
    }
    let prefix = guest.read(prefix)?;
    let from = guest.read(buffer.first(key_len as usize))?;
    if !from.is_empty() && !from.starts_with(&prefix) {
        return Err(Misuse::BadArgument.into());
    }
    guest.pay(Unit::Read, u64::from(prefix_len) + u64::from(key_len))?;
    let from = (!from.is_empty()).then_some(from.as_slice());
    let frame = guest.frame_mut();
    let (storage, account) = (frame.storage, frame.entry.account);
    let found = frame.session.journal.seek(storage, &account, &prefix, from, order)?;
    let Some(found) = found else { return Ok(-1) };
    guest.pay(Unit::StateRead, found.len() as u64)?;
    guest.pay(Unit::Write, found.len() as u64)?;
    guest.write(buffer, &found)?;
    Ok(length_or_absent(Some(found.len() as u32)))
}
