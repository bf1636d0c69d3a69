//! A number that changes its own code: `upgrade` gives the account other code, from its next frame on. It runs behind a
//! `proxy` as well, where `setup` does what `init` does in `deploy`.
#![no_std]

use lockstep_contract::prelude::*;

const OWNER: Value<Address> = Value::new("owner");
const NUMBER: Value<u64> = Value::new("number");

contract! {
    deploy { init(number: u64) }
    call { setup(number: u64), bump(), number(), version(), upgrade(code: Hash) }
}

fn init(number: u64) {
    setup(number)
}

fn setup(number: u64) {
    ensure(OWNER.get().is_none(), "initialised");
    OWNER.set(&context::caller());
    NUMBER.set(&number);
}

/// Adds 1; the second version adds 2.
fn bump() -> u64 {
    let number = number() + 1;
    NUMBER.set(&number);
    number
}

fn number() -> u64 {
    NUMBER.get().or_revert("not initialised")
}

fn version() -> u32 {
    1
}

/// Answers with its own version still: this frame goes on as it began.
fn upgrade(code: Hash) -> u32 {
    ensure(OWNER.get() == Some(context::caller()), "owner");
    call::set_code(&code).or_revert("code");
    emit!("Upgraded", [code.0], code);
    version()
}
