//! A counter that its maker can stop: the example of the guest crate.
#![no_std]

use lockstep_contract::prelude::*;

const COUNT: Value<u64> = Value::new("count");
const OWNER: Value<Address> = Value::new("owner");
const LAST: Map<Address, u64> = Map::new("last");

contract! {
    deploy { init(start: u64) }
    call { increment(by: u64), count(), last(of: Address), stop() }
}

fn init(start: u64) {
    OWNER.set(&context::caller());
    COUNT.set(&start);
}

fn increment(by: u64) -> u64 {
    let count = COUNT.get().or_revert("stopped").checked_add(by).or_revert("overflow");
    let caller = context::caller();
    COUNT.set(&count);
    LAST.set(&caller, &count);
    emit!("Incremented", [caller.0], (caller, by, count));
    count
}

fn count() -> Option<u64> {
    COUNT.get()
}

fn last(of: Address) -> Option<u64> {
    LAST.get(&of)
}

fn stop() {
    ensure(OWNER.get() == Some(context::caller()), "owner");
    COUNT.remove();
}
