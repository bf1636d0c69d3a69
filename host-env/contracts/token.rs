//! A fungible token. Who makes it gets the supply and may mint.
#![no_std]

use lockstep_contract::prelude::*;

const NAME: Value<String> = Value::new("name");
const MINTER: Value<Address> = Value::new("minter");
const SUPPLY: Value<Amount> = Value::new("supply");
/// What is 0 is not kept, here and below.
const BALANCES: Map<Address, Amount> = Map::new("balance");
/// By owner and spender.
const ALLOWANCES: Map<(Address, Address), Amount> = Map::new("allowance");

contract! {
    deploy { init(name: String, supply: Amount) }
    call {
        transfer(to: Address, amount: Amount),
        transfer_from(owner: Address, to: Address, amount: Amount),
        approve(spender: Address, amount: Amount),
        mint(to: Address, amount: Amount),
        burn(amount: Amount),
        balance_of(owner: Address),
        allowance(owner: Address, spender: Address),
        total_supply(),
        name(),
    }
}

fn init(name: String, supply: Amount) {
    NAME.set(&name);
    MINTER.set(&context::caller());
    issue(&context::caller(), supply);
}

fn transfer(to: Address, amount: Amount) {
    pay(&context::caller(), &to, amount);
}

fn transfer_from(owner: Address, to: Address, amount: Amount) {
    spend_allowance(owner, amount);
    pay(&owner, &to, amount);
}

/// Replaces what was allowed before.
fn approve(spender: Address, amount: Amount) {
    let owner = context::caller();
    keep(&ALLOWANCES, &(owner, spender), amount);
    emit!("Approval", [owner.0, spender.0], (owner, spender, amount));
}

fn mint(to: Address, amount: Amount) {
    ensure(MINTER.get() == Some(context::caller()), "minter");
    issue(&to, amount);
}

fn burn(amount: Amount) {
    let owner = context::caller();
    take(&owner, amount);
    SUPPLY.set(&(total_supply() - amount));
    emit!("Transfer", [owner.0, Address::NOBODY.0], (owner, Address::NOBODY, amount));
}

fn balance_of(owner: Address) -> Amount {
    BALANCES.get_or_default(&owner)
}

fn allowance(owner: Address, spender: Address) -> Amount {
    ALLOWANCES.get_or_default(&(owner, spender))
}

fn total_supply() -> Amount {
    SUPPLY.get_or_default()
}

fn name() -> String {
    NAME.get_or_default()
}

fn issue(to: &Address, amount: Amount) {
    SUPPLY.set(&total_supply().checked_add(amount).or_revert("supply"));
    give(to, amount);
    emit!("Transfer", [Address::NOBODY.0, to.0], (Address::NOBODY, to, amount));
}

fn pay(from: &Address, to: &Address, amount: Amount) {
    take(from, amount);
    give(to, amount);
    emit!("Transfer", [from.0, to.0], (from, to, amount));
}

#[inline(never)]
fn spend_allowance(owner: Address, amount: Amount) {
    let pair = (owner, context::caller());
    let left = ALLOWANCES.get_or_default(&pair).checked_sub(amount).or_revert("allowance");
    keep(&ALLOWANCES, &pair, left);
}

fn take(from: &Address, amount: Amount) {
    keep(&BALANCES, from, balance_of(*from).checked_sub(amount).or_revert("balance"));
}

/// No balance exceeds the supply, which fits.
fn give(to: &Address, amount: Amount) {
    keep(&BALANCES, to, balance_of(*to) + amount);
}

fn keep<K: Encode>(map: &Map<K, Amount>, key: &K, amount: Amount) {
    if amount == 0 {
        map.remove(key);
    } else {
        map.set(key, &amount);
    }
}
