//! Makes accounts with code: each at the address that this account, the code and the salt decide, and at most four a
//! transaction.
#![no_std]

use lockstep_contract::prelude::*;
use lockstep_contract::{debug, transient};

/// Whose an account is that was made here.
const MAKERS: Map<Address, Address> = Map::new("maker");
/// Kept for one transaction.
const SO_FAR: &str = "so far";
const MOST: u32 = 4;

contract! {
    call {
        #[payable]
        make(code: Hash, salt: Hash, input: Vec<u8>),
        make_many(code: Hash, salts: Vec<Hash>, input: Vec<u8>),
        maker_of(account: Address),
        code_of(account: Address),
        so_far(),
    }
}

fn make(code: Hash, salt: Hash, input: Vec<u8>) -> Address {
    let so_far = so_far();
    ensure(so_far < MOST, "most");
    transient::set(&SO_FAR, &(so_far + 1));
    let made = call::create(&code, context::value(), &salt.0, &input).unwrap_or_else(|failure| match failure
        .status
    {
        Status::Exists => revert("exists"),
        Status::NoCode => revert("code"),
        _ => failure.pass_on(),
    });
    let maker = context::caller();
    MAKERS.set(&made, &maker);
    emit!("Made", [maker.0, made.0], (maker, made, code));
    debug("made");
    made
}

fn make_many(code: Hash, salts: Vec<Hash>, input: Vec<u8>) -> Vec<Address> {
    salts.into_iter().map(|salt| make(code, salt, input.clone())).collect()
}

fn maker_of(account: Address) -> Option<Address> {
    MAKERS.get(&account)
}

fn code_of(account: Address) -> Option<Hash> {
    call::code_of(&account)
}

/// How many were made in this transaction.
fn so_far() -> u32 {
    transient::get(&SO_FAR).unwrap_or(0)
}
