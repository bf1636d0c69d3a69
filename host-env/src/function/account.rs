//! Accounts: balances, transfers, calls, creation.
//!
//! A nested frame is tested in the order depth, reentry, code, existence, balance; what is refused there starts no frame,
//! leaves no result and has cost no more than the base price and the input's bytes.
//!
//! Up to 64 nested frames share a thread's stack, each with the host function that called it. So such a function does no
//! more than `nest(plan?)`: what plans a frame has returned, and what it planned is on the heap, before the frame begins.

use super::Host;
use crate::frame::{self, Ended, Ending, Entry, Export};
use crate::guest::{Guest, NONE, Range};
use crate::list::{Function, Unit};
use crate::state::Checkpoint;
use crate::types::{Address, Hash, created_address};
use lockstep_vm::{Error, Trap};

/// How a nested frame ended, or why there was none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub(crate) enum Status {
    Ok = 0,
    Reverted = 1,
    Trapped = 2,
    OutOfGas = 3,
    NoBalance = 4,
    Depth = 5,
    Reentrant = 6,
    NoCode = 7,
    Exists = 8,
}

/// The flag that lets the calling account be entered again while the call lasts.
const ALLOW_REENTRY: u32 = 1;

pub(crate) fn balance(caller: Host<'_, '_>, addr: u32, out: u32) -> Result<(), Error> {
    let mut guest = Guest::enter(caller, Function::Balance)?;
    let addr = guest.range(addr, 32)?;
    let out = guest.range(out, 16)?;
    let addr = Address(guest.read_array(addr)?);
    let balance = account(&guest, &addr)?.balance;
    Ok(guest.write(out, &balance.to_le_bytes())?)
}

pub(crate) fn code_hash(caller: Host<'_, '_>, addr: u32, out: u32) -> Result<u32, Error> {
    let mut guest = Guest::enter(caller, Function::CodeHash)?;
    let addr = guest.range(addr, 32)?;
    let out = guest.range(out, 32)?;
    let addr = Address(guest.read_array(addr)?);
    let Some(hash) = account(&guest, &addr)?.code else { return Ok(0) };
    guest.write(out, &hash.0)?;
    Ok(1)
}

fn account(guest: &Guest<'_, '_>, address: &Address) -> Result<crate::state::Account, Error> {
    let frame = guest.frame();
    Ok(frame.session.account(frame.storage, address)?)
}

/// Whether an amount can be moved. What the receiver could not hold is refused like what the sender has not: before any
/// price but the base and the input's.
fn can_transfer(guest: &Guest<'_, '_>, from: &Address, to: &Address, amount: u128) -> Result<bool, Error> {
    let frame = guest.frame();
    Ok(frame.session.can_transfer(frame.storage, from, to, amount)?)
}

pub(crate) fn transfer(caller: Host<'_, '_>, to: u32, amount: u32) -> Result<u32, Error> {
    let mut guest = Guest::enter(caller, Function::Transfer)?;
    let to = guest.range(to, 32)?;
    let amount = guest.range(amount, 16)?;
    let to = Address(guest.read_array(to)?);
    let amount = u128::from_le_bytes(guest.read_array(amount)?);
    let from = guest.frame().entry.account;
    if !can_transfer(&guest, &from, &to, amount)? {
        return Ok(Status::NoBalance as u32);
    }
    if amount != 0 && account(&guest, &to)?.unless_empty().is_none() {
        guest.pay(Unit::NewEntry, 1)?;
    }
    let frame = guest.frame_mut();
    match frame.session.transfer(frame.storage, &from, &to, amount)? {
        true => Ok(Status::Ok as u32),
        false => Ok(Status::NoBalance as u32),
    }
}

pub(crate) fn code_set(caller: Host<'_, '_>, code_hash: u32) -> Result<u32, Error> {
    let mut guest = Guest::enter(caller, Function::CodeSet)?;
    let code_hash = guest.range(code_hash, 32)?;
    let code = Hash(guest.read_array(code_hash)?);
    if code_len(&guest, &code)?.is_none() {
        return Ok(Status::NoCode as u32);
    }
    let address = guest.frame().entry.account;
    let mut account = account(&guest, &address)?;
    account.code = Some(code);
    guest.frame_mut().session.journal.set_account(address, account);
    Ok(Status::Ok as u32)
}

fn code_len(guest: &Guest<'_, '_>, code: &Hash) -> Result<Option<u32>, Error> {
    Ok(guest.frame().storage.code_len(code)?)
}

pub(crate) fn call(
    caller: Host<'_, '_>,
    flags: u32,
    gas: u64,
    to: u32,
    value: u32,
    input: u32,
    input_len: u32,
) -> Result<u32, Error> {
    nest(plan_call(caller, flags, gas, to, value, (input, input_len))?)
}

#[inline(never)]
fn plan_call<'c, 'a>(
    caller: Host<'c, 'a>,
    flags: u32,
    gas: u64,
    to: u32,
    value: u32,
    (input, input_len): (u32, u32),
) -> Result<Plan<'c, 'a>, Error> {
    let mut guest = Guest::enter(caller, Function::Call)?;
    if value != NONE {
        guest.refuse_static()?;
    }
    let to = guest.range(to, 32)?;
    let value = guest.range_or_none(value, 16)?;
    let input = begin(&mut guest, flags, input, input_len)?;
    let (to, amount) = (Address(guest.read_array(to)?), read_amount(&guest, value)?);
    let is_static = guest.frame().entry.is_static;
    enter_account(guest, flags, gas, to, (value.is_some(), amount), input, is_static)
}

pub(crate) fn call_static(
    caller: Host<'_, '_>,
    flags: u32,
    gas: u64,
    to: u32,
    input: u32,
    input_len: u32,
) -> Result<u32, Error> {
    nest(plan_call_static(caller, flags, gas, to, (input, input_len))?)
}

#[inline(never)]
fn plan_call_static<'c, 'a>(
    caller: Host<'c, 'a>,
    flags: u32,
    gas: u64,
    to: u32,
    (input, input_len): (u32, u32),
) -> Result<Plan<'c, 'a>, Error> {
    let mut guest = Guest::enter(caller, Function::CallStatic)?;
    let to = guest.range(to, 32)?;
    let input = begin(&mut guest, flags, input, input_len)?;
    let to = Address(guest.read_array(to)?);
    enter_account(guest, flags, gas, to, (false, 0), input, true)
}

/// Calls the code of an account.
fn enter_account<'c, 'a>(
    mut guest: Guest<'c, 'a>,
    flags: u32,
    gas: u64,
    to: Address,
    (has_value, amount): (bool, u128),
    input: Range,
    is_static: bool,
) -> Result<Plan<'c, 'a>, Error> {
    let allow = flags & ALLOW_REENTRY != 0;
    if is_too_deep(&guest) {
        return Ok(refuse(guest, Status::Depth));
    }
    guest.frame_mut().session.allow_reentry(allow);
    let denied = guest.frame().session.denies_entry(&to);
    if denied {
        return Ok(refuse(guest, Status::Reentrant));
    }
    let code = account(&guest, &to)?.code;
    let Some((code, len)) = with_len(&guest, code)? else {
        return Ok(refuse(guest, Status::NoCode));
    };
    let from = guest.frame().entry.account;
    if !can_transfer(&guest, &from, &to, amount)? {
        return Ok(refuse(guest, Status::NoBalance));
    }
    if has_value {
        guest.pay(Unit::Value, 1)?;
    }
    guest.pay(Unit::Code, len.into())?;
    let input = guest.read(input)?;
    let entry =
        Entry { account: to, caller: from, value: amount, is_static, code, export: Export::Call, input };
    Ok(Plan::Frame(Box::new(Planned { guest, gas, allow, entry, begin: Begin::Transfer, out: None })))
}

pub(crate) fn call_delegate(
    caller: Host<'_, '_>,
    flags: u32,
    gas: u64,
    code_hash: u32,
    input: u32,
    input_len: u32,
) -> Result<u32, Error> {
    nest(plan_call_delegate(caller, flags, gas, code_hash, (input, input_len))?)
}

#[inline(never)]
fn plan_call_delegate<'c, 'a>(
    caller: Host<'c, 'a>,
    flags: u32,
    gas: u64,
    code_hash: u32,
    (input, input_len): (u32, u32),
) -> Result<Plan<'c, 'a>, Error> {
    let mut guest = Guest::enter(caller, Function::CallDelegate)?;
    let code_hash = guest.range(code_hash, 32)?;
    let input = begin(&mut guest, flags, input, input_len)?;
    let code = Hash(guest.read_array(code_hash)?);
    if is_too_deep(&guest) {
        return Ok(refuse(guest, Status::Depth));
    }
    let Some((code, len)) = with_len(&guest, Some(code))? else {
        return Ok(refuse(guest, Status::NoCode));
    };
    guest.pay(Unit::Code, len.into())?;
    let input = guest.read(input)?;
    let Entry { account, caller, value, is_static, .. } = *guest.frame().entry;
    let entry = Entry { account, caller, value, is_static, code, export: Export::Call, input };
    let allow = flags & ALLOW_REENTRY != 0;
    Ok(Plan::Frame(Box::new(Planned { guest, gas, allow, entry, begin: Begin::Nothing, out: None })))
}

#[allow(clippy::too_many_arguments, reason = "the guest has so many")]
pub(crate) fn create(
    caller: Host<'_, '_>,
    gas: u64,
    code_hash: u32,
    value: u32,
    salt: u32,
    input: u32,
    input_len: u32,
    out: u32,
) -> Result<u32, Error> {
    nest(plan_create(caller, gas, code_hash, value, salt, (input, input_len), out)?)
}

#[inline(never)]
fn plan_create<'c, 'a>(
    caller: Host<'c, 'a>,
    gas: u64,
    code_hash: u32,
    value: u32,
    salt: u32,
    (input, input_len): (u32, u32),
    out: u32,
) -> Result<Plan<'c, 'a>, Error> {
    let mut guest = Guest::enter(caller, Function::Create)?;
    let code_hash = guest.range(code_hash, 32)?;
    let value = guest.range_or_none(value, 16)?;
    let salt = guest.range(salt, 32)?;
    let input = guest.range(input, input_len.into())?;
    let out = guest.range(out, 32)?;
    pay_input(&mut guest, input_len)?;
    let code = Hash(guest.read_array(code_hash)?);
    let (amount, salt) = (read_amount(&guest, value)?, guest.read_array(salt)?);
    if is_too_deep(&guest) {
        return Ok(refuse(guest, Status::Depth));
    }
    let Some((code, len)) = with_len(&guest, Some(code))? else {
        return Ok(refuse(guest, Status::NoCode));
    };
    let creator = guest.frame().entry.account;
    let address = created_address(guest.frame().session.block.chain, &creator, &code, &salt);
    if !account(&guest, &address)?.is_free() {
        guest.write(out, &address.0)?;
        return Ok(refuse(guest, Status::Exists));
    }
    if !can_transfer(&guest, &creator, &address, amount)? {
        return Ok(refuse(guest, Status::NoBalance));
    }
    guest.pay(Unit::NewEntry, 1)?;
    if value.is_some() {
        guest.pay(Unit::Value, 1)?;
    }
    guest.pay(Unit::Code, len.into())?;
    let input = guest.read(input)?;
    let entry = Entry {
        account: address,
        caller: creator,
        value: amount,
        is_static: false,
        code,
        export: Export::Deploy,
        input,
    };
    let out = Some(out);
    Ok(Plan::Frame(Box::new(Planned { guest, gas, allow: false, entry, begin: Begin::Create, out })))
}

/// Checks the input's range, the flags and the input's length, and pays for the input.
fn begin(guest: &mut Guest<'_, '_>, flags: u32, input: u32, input_len: u32) -> Result<Range, Error> {
    let input = guest.range(input, input_len.into())?;
    guest.known_flags(flags, ALLOW_REENTRY)?;
    pay_input(guest, input_len)?;
    Ok(input)
}

fn pay_input(guest: &mut Guest<'_, '_>, input_len: u32) -> Result<(), Error> {
    guest.limit(input_len, guest.frame().environment.limits().data)?;
    Ok(guest.pay(Unit::Read, input_len.into())?)
}

fn read_amount(guest: &Guest<'_, '_>, value: Option<Range>) -> Result<u128, Trap> {
    Ok(match value {
        Some(range) => u128::from_le_bytes(guest.read_array(range)?),
        None => 0,
    })
}

fn is_too_deep(guest: &Guest<'_, '_>) -> bool {
    let frame = guest.frame();
    frame.session.depth() >= frame.environment.limits().depth as usize
}

/// A code that is on chain, with its length.
fn with_len(guest: &Guest<'_, '_>, code: Option<Hash>) -> Result<Option<(Hash, u32)>, Error> {
    let Some(code) = code else { return Ok(None) };
    Ok(code_len(guest, &code)?.map(|len| (code, len)))
}

/// What a host function that calls has found: no frame, or one that can begin.
enum Plan<'c, 'a> {
    Refused(Status),
    Frame(Box<Planned<'c, 'a>>),
}

/// A frame that can begin.
struct Planned<'c, 'a> {
    guest: Guest<'c, 'a>,
    /// The gas that was asked for.
    gas: u64,
    allow: bool,
    entry: Entry,
    begin: Begin,
    /// Where the address of a created account goes.
    out: Option<Range>,
}

/// No frame is started: there is no result either.
fn refuse<'c, 'a>(mut guest: Guest<'c, 'a>, status: Status) -> Plan<'c, 'a> {
    guest.frame_mut().result = Vec::new();
    Plan::Refused(status)
}

/// What changes before a nested frame's first operator, and is undone with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Begin {
    Nothing,
    /// The value moves.
    Transfer,
    /// The account gets its code, then the value moves.
    Create,
}

/// A frame that has begun, for the one that called it.
struct Nested<'c, 'a> {
    guest: Guest<'c, 'a>,
    checkpoint: Checkpoint,
    /// What the caller has left, and what of it the frame was given.
    left: u64,
    given: u64,
    /// The created account, and where its address goes.
    created: Option<(Range, Address)>,
}

/// Runs a planned frame. It gets at most what is left but for a 64th; what it leaves comes back.
fn nest(plan: Plan<'_, '_>) -> Result<u32, Error> {
    let planned = match plan {
        Plan::Refused(status) => return Ok(status as u32),
        Plan::Frame(planned) => planned,
    };
    let (mut nested, entry) = begin_frame(planned)?;
    let ended = run_frame(&mut nested, entry)?;
    end_frame(nested, ended)
}

#[inline(never)]
fn begin_frame<'c, 'a>(planned: Box<Planned<'c, 'a>>) -> Result<(Box<Nested<'c, 'a>>, Box<Entry>), Error> {
    let Planned { mut guest, gas, allow, entry, begin, out } = *planned;
    let left = guest.gas();
    let given = gas.min(left - left / 64);
    let frame = guest.frame_mut();
    let (storage, session) = (frame.storage, &mut *frame.session);
    let checkpoint = session.journal.checkpoint();
    if begin == Begin::Create {
        let mut account = session.account(storage, &entry.account)?;
        account.code = Some(entry.code);
        session.journal.set_account(entry.account, account);
    }
    if begin != Begin::Nothing && !session.transfer(storage, &entry.caller, &entry.account, entry.value)? {
        return Err(Error::fault("a value that can be moved was not"));
    }
    session.allow_reentry(allow);
    let created = out.map(|out| (out, entry.account));
    Ok((Box::new(Nested { guest, checkpoint, left, given, created }), Box::new(entry)))
}

fn run_frame(nested: &mut Nested<'_, '_>, entry: Box<Entry>) -> Result<Box<Ended>, Error> {
    let given = nested.given;
    let frame = nested.guest.frame_mut();
    frame::run(frame.environment, frame.storage, frame.session, frame.observer, entry, given)
}

#[inline(never)]
#[allow(clippy::boxed_local, reason = "so that they are not on the stack while the frame runs")]
fn end_frame(nested: Box<Nested<'_, '_>>, ended: Box<Ended>) -> Result<u32, Error> {
    let Nested { mut guest, checkpoint, left, given, created } = *nested;
    let Ended { ending, gas_left: returned, profile } = *ended;
    let (status, result) = match ending {
        Ending::Ok(output) => (Status::Ok, output),
        Ending::Reverted(data) => (Status::Reverted, data),
        Ending::OutOfGas => (Status::OutOfGas, Vec::new()),
        Ending::Trapped(trap) if trap.trap() == Trap::OutOfGas => (Status::OutOfGas, Vec::new()),
        Ending::Trapped(_) | Ending::Misuse(_) => (Status::Trapped, Vec::new()),
    };
    let frame = guest.frame_mut();
    frame.session.allow_reentry(false);
    match status {
        Status::Ok => frame.session.journal.keep(checkpoint),
        _ => frame.session.journal.rollback(checkpoint),
    }
    frame.result = result;
    if let Some(profile) = &profile {
        guest.append_profile(profile);
    }
    guest.set_gas(left - given + returned)?;
    if let Some((out, address)) = created {
        guest.write(out, &address.0)?;
    }
    Ok(status as u32)
}
