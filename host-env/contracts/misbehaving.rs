//! What a node must survive: each function does harm in its own way.
#![no_std]

use core::hint::black_box;
use lockstep_contract::prelude::*;
use lockstep_contract::{alloc::vec, raw};

const WRITTEN: Map<u32, Vec<u8>> = Map::new("written");
/// How an attack goes on: the vault, the amount, whether by its careless door, and how often still.
const ATTACK: Value<(Address, Amount, bool, u32)> = Value::new("attack");
const LADDER: Value<u32> = Value::new("ladder");

contract! {
    call {
        spin(),
        memory_bomb(),
        recurse(depth: u32),
        ladder(rung: u32),
        revert_after_writes(count: u32),
        trap_after_writes(count: u32),
        storage_bomb(),
        event_bomb(),
        loud_static(),
        wild_pointer(),
        huge_key(),
        unknown_flag(),
        #[payable]
        fund(vault: Address),
        attack(vault: Address, amount: Amount, careless: bool, times: u32),
        #[payable]
        receive(),
        set(key: u32, value: Vec<u8>),
        get(key: u32),
    }
}

/// Never ends by itself.
fn spin() {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

/// Takes memory until there is none, then writes beyond it.
fn memory_bomb() {
    let mut pages = core::arch::wasm32::memory_size(0);
    while core::arch::wasm32::memory_grow(0, 1) != usize::MAX {
        pages += 1;
    }
    let behind = (pages * 65_536) as *mut u8;
    // SAFETY: none; there is no memory any more, and the machine must say so.
    unsafe { black_box(behind).write_volatile(1) }
}

/// Calls itself so often; with 100,000 the stack does not suffice.
fn recurse(depth: u32) -> u64 {
    if depth == 0 { 0 } else { u64::from(black_box(depth)) + black_box(recurse as fn(u32) -> u64)(depth - 1) }
}

/// Calls itself as a contract until that is refused; answers how many frames there were and what refused the next.
fn ladder(rung: u32) -> (u32, u32) {
    LADDER.set(&rung);
    let above = Call::to(&context::this()).allow_reentry().invoke(selector_of!("ladder"), &(rung + 1));
    above.unwrap_or_else(|failure| (rung + 1, failure.status.number()))
}

fn write(count: u32) {
    for key in 0..count {
        WRITTEN.set(&key, &vec![7; 100]);
        emit!("Written", [], key);
    }
}

fn revert_after_writes(count: u32) {
    write(count);
    revert("after writes")
}

fn trap_after_writes(count: u32) {
    write(count);
    core::arch::wasm32::unreachable()
}

/// Writes new keys until the gas is gone.
fn storage_bomb() {
    write(u32::MAX)
}

/// Emits events until there are too many.
fn event_bomb() {
    loop {
        emit!("Boom", [], ());
    }
}

/// Calls itself statically to write; answers the status of that.
fn loud_static() -> u32 {
    let input = (selector_of!("set"), 0_u32, vec![1_u8]).encode();
    Call::read(&context::this())
        .allow_reentry()
        .bytes(&input)
        .map_or_else(|failure| failure.status.number(), |_| 0)
}

/// Gives the host a range that ends beyond the memory.
fn wild_pointer() {
    // SAFETY: none; the host must not read it.
    unsafe { raw::output(u32::MAX as *const u8, 2) }
}

/// Gives the host a key of 257 bytes.
fn huge_key() {
    storage::set(&[0; storage::KEY_MAX + 1], &0_u8)
}

/// Calls with a flag that there is not.
fn unknown_flag() {
    let this = context::this();
    // SAFETY: the host reads 32 bytes.
    unsafe { raw::call(1 << 31, u64::MAX, this.0.as_ptr(), raw::NONE, this.0.as_ptr(), 0) };
}

/// Deposits what came into a vault.
fn fund(vault: Address) {
    Call::to(&vault).value(context::value()).must(selector_of!("deposit"), &())
}

/// Withdraws from a vault and, when it pays, so often again.
fn attack(vault: Address, amount: Amount, careless: bool, times: u32) {
    ATTACK.set(&(vault, amount, careless, times));
    let door = if careless { selector_of!("withdraw_carelessly") } else { selector_of!("withdraw") };
    // The vault calls `receive` meanwhile.
    Call::to(&vault).allow_reentry().must(door, &(amount,))
}

/// Is paid; in the middle of an attack it goes on with it, and keeps the status of that under 0.
fn receive() {
    let Some((vault, amount, careless, times)) = ATTACK.get() else { return };
    if times == 0 || careless && context::balance(&vault) < amount {
        return;
    }
    ATTACK.set(&(vault, amount, careless, times - 1));
    let door = if careless { selector_of!("withdraw_carelessly") } else { selector_of!("withdraw") };
    let again = Call::to(&vault).allow_reentry().invoke::<()>(door, &(amount,));
    WRITTEN.set(&0, &again.map_or_else(|failure| failure.status.number(), |()| 0).encode());
}

fn set(key: u32, value: Vec<u8>) {
    WRITTEN.set(&key, &value)
}

fn get(key: u32) -> Option<Vec<u8>> {
    WRITTEN.get(&key)
}
