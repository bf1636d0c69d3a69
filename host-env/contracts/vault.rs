//! A vault for the chain's own value. What it pays it brings with a call of `receive`, so that the receiver's code runs.
//!
//! `withdraw` is how it is done; `withdraw_carelessly` is not: it lets itself be entered again before it has written
//! down what it paid, and can be emptied.
#![no_std]

use lockstep_contract::prelude::*;

const DEPOSITS: Map<Address, Amount> = Map::new("deposit");

contract! {
    call {
        #[payable]
        deposit(),
        withdraw(amount: Amount),
        withdraw_carelessly(amount: Amount),
        deposit_of(owner: Address),
    }
}

fn deposit() {
    let (owner, amount) = (context::caller(), context::value());
    DEPOSITS.set(&owner, &(deposit_of(owner) + amount));
    emit!("Deposited", [owner.0], (owner, amount));
}

fn withdraw(amount: Amount) {
    let owner = context::caller();
    let left = deposit_of(owner).checked_sub(amount).or_revert("deposit");
    DEPOSITS.set(&owner, &left);
    emit!("Withdrawn", [owner.0], (owner, amount));
    Call::to(&owner).value(amount).must(selector_of!("receive"), &())
}

fn withdraw_carelessly(amount: Amount) {
    let owner = context::caller();
    let before = deposit_of(owner);
    ensure(before >= amount, "deposit");
    Call::to(&owner).value(amount).allow_reentry().must::<()>(selector_of!("receive"), &());
    // Whoever was here meanwhile has been paid as well.
    DEPOSITS.set(&owner, &before.wrapping_sub(amount));
    emit!("Withdrawn", [owner.0], (owner, amount));
}

fn deposit_of(owner: Address) -> Amount {
    DEPOSITS.get_or_default(&owner)
}
