//! The second version of `upgradable`, on the same storage.
#![no_std]

use lockstep_contract::prelude::*;

const NUMBER: Value<u64> = Value::new("number");
const BUMPS: Value<u64> = Value::new("bumps");

contract! {
    call { bump(), bumps(), number(), version() }
}

fn bump() -> u64 {
    let number = number() + 2;
    NUMBER.set(&number);
    BUMPS.set(&(bumps() + 1));
    number
}

/// New in this version; what the first did is not counted.
fn bumps() -> u64 {
    BUMPS.get_or_default()
}

fn number() -> u64 {
    NUMBER.get().or_revert("not initialised")
}

fn version() -> u32 {
    2
}
