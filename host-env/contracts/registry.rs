//! Names for contracts: each belongs to who took it first, and calls of a name go on to its contract.
#![no_std]

use lockstep_contract::prelude::*;

/// By name: the contract and the owner.
const NAMES: Map<String, (Address, Address)> = Map::new("name");
/// How often a name was called.
const CALLS: Map<String, u64> = Map::new("calls");

const NAME_MAX: usize = 64;

contract! {
    call {
        register(name: String, contract: Address),
        update(name: String, contract: Address),
        hand_over(name: String, owner: Address),
        release(name: String),
        resolve(name: String),
        owner_of(name: String),
        calls_of(name: String),
        names(limit: u32),
        #[payable] forward(name: String, input: Vec<u8>),
        look_up(name: String, input: Vec<u8>),
    }
}

fn register(name: String, contract: Address) {
    ensure(!name.is_empty() && name.len() <= NAME_MAX, "name");
    ensure(!NAMES.contains(&name), "taken");
    point(name, contract, context::caller());
}

fn update(name: String, contract: Address) {
    let (_, owner) = owned(&name);
    point(name, contract, owner);
}

fn hand_over(name: String, owner: Address) {
    let (contract, _) = owned(&name);
    point(name, contract, owner);
}

fn release(name: String) {
    let (_, owner) = owned(&name);
    NAMES.remove(&name);
    CALLS.remove(&name);
    emit!("Released", [owner.0], (name, owner));
}

fn resolve(name: String) -> Option<Address> {
    NAMES.get(&name).map(|(contract, _)| contract)
}

fn owner_of(name: String) -> Option<Address> {
    NAMES.get(&name).map(|(_, owner)| owner)
}

fn calls_of(name: String) -> u64 {
    CALLS.get_or_default(&name)
}

/// The first names, in the order of their encodings.
fn names(limit: u32) -> Vec<String> {
    NAMES.keys().take(limit as usize).collect()
}

/// Calls the contract of a name with this input and the value that came; its output, as bytes.
fn forward(name: String, input: Vec<u8>) -> Vec<u8> {
    let contract = resolve(name.clone()).or_revert("name");
    CALLS.set(&name, &(calls_of(name.clone()) + 1));
    let made = Call::to(&contract).value(context::value()).bytes(&input);
    made.unwrap_or_else(|failure| failure.pass_on())
}

/// Calls the contract of a name statically: it can change nothing.
fn look_up(name: String, input: Vec<u8>) -> Vec<u8> {
    let contract = resolve(name).or_revert("name");
    Call::read(&contract).bytes(&input).unwrap_or_else(|failure| failure.pass_on())
}

fn owned(name: &String) -> (Address, Address) {
    let entry = NAMES.get(name).or_revert("name");
    ensure(entry.1 == context::caller(), "owner");
    entry
}

fn point(name: String, contract: Address, owner: Address) {
    NAMES.set(&name, &(contract, owner));
    emit!("Registered", [contract.0, owner.0], (name, contract, owner));
}
