//! The host functions, one file for each section of the list.
//!
//! Each function does, in this order: base price and static check (`Guest::enter`); ranges of its arguments, from left
//! to right; values of its arguments; the price of what it reads; look-ups that a price depends on, and that price; the
//! effect; the price of what it writes, and the writing. The first that fails ends the frame.

pub(crate) mod account;
pub(crate) mod context;
pub(crate) mod curve;
pub(crate) mod event;
pub(crate) mod frame;
pub(crate) mod hash;
pub(crate) mod people;
pub(crate) mod signature;
pub(crate) mod storage;
pub(crate) mod transient;

use crate::guest::Guest;
use crate::list::{Function, Unit};
use lockstep_vm::{Caller, Error};

type Host<'c, 'a> = Caller<'c, crate::frame::Frame<'a>>;

/// Copies what there is of `bytes` from an offset on, and answers how much.
fn copy_out(
    guest: &mut Guest<'_, '_>,
    bytes: impl for<'f> Fn(&'f crate::frame::Frame<'_>) -> &'f [u8],
    off: u32,
    out: u32,
    len: u32,
) -> Result<u32, Error> {
    let out = guest.range(out, len.into())?;
    let all = bytes(guest.frame());
    let rest = all.get(off as usize..).unwrap_or_default();
    // Limits keep inputs and results far below 2^32 bytes.
    let copied = rest[..rest.len().min(len as usize)].to_vec();
    guest.pay(Unit::Write, copied.len() as u64)?;
    guest.write(out, &copied)?;
    Ok(copied.len() as u32)
}

/// A function that only answers a number.
fn answer<R>(
    caller: Host<'_, '_>,
    function: Function,
    number: impl Fn(&Guest<'_, '_>) -> R,
) -> Result<R, Error> {
    let guest = Guest::enter(caller, function)?;
    Ok(number(&guest))
}
