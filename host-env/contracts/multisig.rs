//! An account that acts when enough of its owners agree: calls with value, and, by calls of itself, changes of its owners.
#![no_std]

use lockstep_contract::prelude::*;

const OWNERS: Value<Vec<Address>> = Value::new("owners");
const THRESHOLD: Value<u32> = Value::new("threshold");
const NEXT: Value<u64> = Value::new("next");
const PROPOSALS: Map<u64, Proposal> = Map::new("proposal");
/// By proposal and owner.
const CONFIRMED: Map<(u64, Address), ()> = Map::new("confirmed");

const OWNERS_MAX: usize = 64;

#[derive(Encode, Decode)]
struct Proposal {
    to: Address,
    value: Amount,
    input: Vec<u8>,
    executed: bool,
}

contract! {
    deploy { #[payable] init(owners: Vec<Address>, threshold: u32) }
    call {
        #[payable] receive(),
        propose(to: Address, value: Amount, input: Vec<u8>),
        confirm(proposal: u64),
        withdraw(proposal: u64),
        execute(proposal: u64),
        change_owners(owners: Vec<Address>, threshold: u32),
        proposal(proposal: u64),
        confirmations(proposal: u64),
        owners(),
        threshold(),
    }
}

fn init(owners: Vec<Address>, threshold: u32) {
    set_owners(owners, threshold)
}

/// Takes value.
fn receive() {
    emit!("Received", [context::caller().0], (context::caller(), context::value()));
}

/// Proposes a call, and confirms it; answers its number.
fn propose(to: Address, value: Amount, input: Vec<u8>) -> u64 {
    let owner = by_owner();
    let number = NEXT.get_or_default();
    NEXT.set(&(number + 1));
    PROPOSALS.set(&number, &Proposal { to, value, input, executed: false });
    emit!("Proposed", [owner.0, to.0], (number, owner, to, value));
    confirm_by(number, owner);
    number
}

fn confirm(proposal: u64) {
    let owner = by_owner();
    open(proposal);
    ensure(!CONFIRMED.contains(&(proposal, owner)), "confirmed");
    confirm_by(proposal, owner);
}

/// Takes a confirmation back.
fn withdraw(proposal: u64) {
    let owner = by_owner();
    open(proposal);
    ensure(CONFIRMED.remove(&(proposal, owner)), "not confirmed");
    emit!("Withdrawn", [owner.0], (proposal, owner));
}

/// Makes the call, and outputs what it outputs; it is made once. When it fails, so does this.
fn execute(proposal: u64) -> Vec<u8> {
    by_owner();
    let call = open(proposal);
    ensure(confirmations(proposal) >= threshold(), "confirmations");
    emit!("Executed", [call.to.0], (proposal, call.to, call.value));
    PROPOSALS.set(&proposal, &Proposal { executed: true, ..call });
    let Proposal { to, value, input, .. } = PROPOSALS.get(&proposal).or_revert("proposal");
    if input.is_empty() {
        call::transfer(&to, value).or_revert("balance");
        return Vec::new();
    }
    // It may be about this account's own owners.
    let made = Call::to(&to).value(value).allow_reentry().bytes(&input);
    made.unwrap_or_else(|failure| failure.pass_on())
}

/// Only by a call of this account itself, which enough owners have agreed to.
fn change_owners(owners: Vec<Address>, threshold: u32) {
    ensure(context::caller() == context::this(), "not this account");
    set_owners(owners, threshold)
}

/// What a proposal is, and whether it was executed.
fn proposal(proposal: u64) -> Option<(Address, Amount, Vec<u8>, bool)> {
    PROPOSALS.get(&proposal).map(|p| (p.to, p.value, p.input, p.executed))
}

/// How many of those who are owners now have confirmed.
fn confirmations(proposal: u64) -> u32 {
    owners().into_iter().filter(|owner| CONFIRMED.contains(&(proposal, *owner))).count() as u32
}

fn owners() -> Vec<Address> {
    OWNERS.get_or_default()
}

fn threshold() -> u32 {
    THRESHOLD.get().or_revert("not initialised")
}

fn set_owners(owners: Vec<Address>, threshold: u32) {
    ensure(owners.len() <= OWNERS_MAX, "owners");
    let twice = owners.iter().enumerate().any(|(at, owner)| owners[..at].contains(owner));
    ensure(!twice, "owners");
    ensure(threshold >= 1 && threshold as usize <= owners.len(), "threshold");
    OWNERS.set(&owners);
    THRESHOLD.set(&threshold);
    emit!("OwnersChanged", [], (owners, threshold));
}

fn by_owner() -> Address {
    let caller = context::caller();
    ensure(owners().contains(&caller), "owner");
    caller
}

fn open(proposal: u64) -> Proposal {
    let found = PROPOSALS.get(&proposal).or_revert("proposal");
    ensure(!found.executed, "executed");
    found
}

fn confirm_by(proposal: u64, owner: Address) {
    CONFIRMED.set(&(proposal, owner), &());
    emit!("Confirmed", [owner.0], (proposal, owner));
}
