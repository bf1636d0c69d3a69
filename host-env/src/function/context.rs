//! Who called, with what, in which block.

use super::{Host, answer};
use crate::frame::Frame;
use crate::guest::Guest;
use crate::list::Function;
use lockstep_vm::Error;

pub(crate) fn self_address(caller: Host<'_, '_>, out: u32) -> Result<(), Error> {
    write(caller, Function::SelfAddress, out, |frame| frame.entry.account.0)
}

pub(crate) fn caller(caller: Host<'_, '_>, out: u32) -> Result<(), Error> {
    write(caller, Function::Caller, out, |frame| frame.entry.caller.0)
}

pub(crate) fn origin(caller: Host<'_, '_>, out: u32) -> Result<(), Error> {
    write(caller, Function::Origin, out, |frame| frame.session.origin.0)
}

pub(crate) fn value(caller: Host<'_, '_>, out: u32) -> Result<(), Error> {
    write(caller, Function::Value, out, |frame| frame.entry.value.to_le_bytes())
}

fn write<const N: usize>(
    caller: Host<'_, '_>,
    function: Function,
    out: u32,
    bytes: impl Fn(&Frame<'_>) -> [u8; N],
) -> Result<(), Error> {
    let mut guest = Guest::enter(caller, function)?;
    let out = guest.range(out, N as u64)?;
    let bytes = bytes(guest.frame());
    Ok(guest.write(out, &bytes)?)
}

pub(crate) fn is_static(caller: Host<'_, '_>) -> Result<u32, Error> {
    answer(caller, Function::IsStatic, |guest| guest.frame().entry.is_static.into())
}

pub(crate) fn block_height(caller: Host<'_, '_>) -> Result<u64, Error> {
    answer(caller, Function::BlockHeight, |guest| guest.frame().session.block.height)
}

pub(crate) fn block_time(caller: Host<'_, '_>) -> Result<u64, Error> {
    answer(caller, Function::BlockTime, |guest| guest.frame().session.block.time)
}

pub(crate) fn chain_id(caller: Host<'_, '_>) -> Result<u64, Error> {
    answer(caller, Function::ChainId, |guest| guest.frame().session.block.chain)
}
