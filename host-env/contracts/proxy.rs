//! An account whose owner says which code runs on it: what it does not know itself goes there by `call_delegate`, with
//! this account's storage, caller and value.
//!
//! What it keeps itself has keys that begin with `proxy`, which no other code here uses.
#![no_std]

use lockstep_contract::prelude::*;

const OWNER: Value<Address> = Value::new("proxy owner");
const CODE: Value<Hash> = Value::new("proxy code");

contract! {
    deploy { #[payable] proxy_init(code: Hash, input: Vec<u8>) }
    call {
        proxy_upgrade(code: Hash, input: Vec<u8>),
        proxy_code(),
        _ => delegate
    }
}

fn proxy_init(code: Hash, input: Vec<u8>) {
    OWNER.set(&context::caller());
    become_code(code, input);
}

fn proxy_upgrade(code: Hash, input: Vec<u8>) {
    ensure(OWNER.get() == Some(context::caller()), "owner");
    become_code(code, input);
}

fn proxy_code() -> Option<Hash> {
    CODE.get()
}

/// The new code prepares its storage with the input, unless that is empty.
fn become_code(code: Hash, input: Vec<u8>) {
    CODE.set(&code);
    emit!("Upgraded", [code.0], code);
    if !input.is_empty() {
        run(&code, &input);
    }
}

fn delegate() {
    let code = CODE.get().or_revert("not initialised");
    run(&code, &lockstep_contract::input());
}

fn run(code: &Hash, input: &[u8]) {
    match Call::delegate(code).bytes(input) {
        Ok(output) => lockstep_contract::output(&output),
        Err(failure) => failure.pass_on(),
    }
}
