//! Input, output, endings, results, gas.

use super::{Host, answer, copy_out};
use crate::frame::Stopped;
use crate::guest::Guest;
use crate::list::{Function, Unit};
use lockstep_vm::Error;

pub(crate) fn input_len(caller: Host<'_, '_>) -> Result<u32, Error> {
    answer(caller, Function::InputLen, |guest| guest.frame().entry.input.len() as u32)
}

pub(crate) fn input_read(caller: Host<'_, '_>, off: u32, out: u32, len: u32) -> Result<u32, Error> {
    let mut guest = Guest::enter(caller, Function::InputRead)?;
    copy_out(&mut guest, |frame| &frame.entry.input, off, out, len)
}

pub(crate) fn output(caller: Host<'_, '_>, ptr: u32, len: u32) -> Result<(), Error> {
    let mut guest = Guest::enter(caller, Function::Output)?;
    let data = read_data(&mut guest, ptr, len)?;
    guest.frame_mut().output = data;
    Ok(())
}

pub(crate) fn revert(caller: Host<'_, '_>, ptr: u32, len: u32) -> Result<(), Error> {
    let mut guest = Guest::enter(caller, Function::Revert)?;
    let data = read_data(&mut guest, ptr, len)?;
    Err(Stopped::Revert(data).into())
}

fn read_data(guest: &mut Guest<'_, '_>, ptr: u32, len: u32) -> Result<Vec<u8>, Error> {
    let range = guest.range(ptr, len.into())?;
    guest.limit(len, guest.frame().environment.limits().data)?;
    guest.pay(Unit::Read, len.into())?;
    Ok(guest.read(range)?)
}

pub(crate) fn exit(caller: Host<'_, '_>) -> Result<(), Error> {
    Guest::enter(caller, Function::Exit)?;
    Err(Stopped::Exit.into())
}

pub(crate) fn result_len(caller: Host<'_, '_>) -> Result<u32, Error> {
    answer(caller, Function::ResultLen, |guest| guest.frame().result.len() as u32)
}

pub(crate) fn result_read(caller: Host<'_, '_>, off: u32, out: u32, len: u32) -> Result<u32, Error> {
    let mut guest = Guest::enter(caller, Function::ResultRead)?;
    copy_out(&mut guest, |frame| &frame.result, off, out, len)
}

pub(crate) fn gas_left(caller: Host<'_, '_>) -> Result<u64, Error> {
    answer(caller, Function::GasLeft, |guest| guest.gas())
}
