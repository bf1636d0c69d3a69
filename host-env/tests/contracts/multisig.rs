//! `multisig`: proposals, confirmations, calls with value, changes of owners.

use super::chain::{ALICE, BOB, CAROL, Chain, GAS, OWNED, input};
use super::token::{self, balance};
use lockstep_host_env::Address;

type Proposal = (Address, u128, Vec<u8>, bool);

/// Alice and Bob own it with Carol; two are enough. It has 500.
fn safe(chain: &Chain) -> Address {
    let safe = chain.deploy(ALICE, "multisig", 0, input("init", (vec![ALICE, BOB, CAROL], 2_u32)));
    chain.call_with(ALICE, safe, 500, GAS, input("receive", ())).ok();
    safe
}

fn propose(chain: &Chain, safe: Address, to: Address, value: u128, input: Vec<u8>) -> u64 {
    chain.call(ALICE, safe, "propose", (to, value, input)).result()
}

#[test]
fn two_of_three_pay() {
    let chain = Chain::default();
    let safe = safe(&chain);
    let number = propose(&chain, safe, BOB, 200, vec![]);
    assert_eq!(chain.call(ALICE, safe, "confirmations", number).result::<u32>(), 1);
    chain.call(ALICE, safe, "execute", number).reverts("confirmations");
    chain.call(ALICE, safe, "confirm", number).reverts("confirmed");
    let done = chain.call(BOB, safe, "confirm", number).ok();
    done.event(0, safe, "Confirmed", &[BOB], (number, BOB));
    // Taken back, and given again.
    chain.call(BOB, safe, "withdraw", number).ok();
    chain.call(BOB, safe, "withdraw", number).reverts("not confirmed");
    chain.call(BOB, safe, "execute", number).reverts("confirmations");
    chain.call(CAROL, safe, "confirm", number).ok();
    let done = chain.call(CAROL, safe, "execute", number).ok();
    done.event(0, safe, "Executed", &[BOB], (number, BOB, 200_u128));
    assert_eq!((chain.balance(safe), chain.balance(BOB)), (300, OWNED + 200));
    chain.call(CAROL, safe, "execute", number).reverts("executed");
    chain.call(CAROL, safe, "withdraw", number).reverts("executed");
    let told: Option<Proposal> = chain.call(BOB, safe, "proposal", number).result();
    assert_eq!(told, Some((BOB, 200, vec![], true)));
    chain.call(BOB, safe, "confirm", 7_u64).reverts("proposal");
}

#[test]
fn it_calls_contracts_and_what_fails_can_be_tried_again() {
    let chain = Chain::default();
    let safe = safe(&chain);
    let gold = token::deploy(&chain, 1_000, 0);
    let number = propose(&chain, safe, gold, 0, input("transfer", (BOB, 70_u128)));
    chain.call(BOB, safe, "confirm", number).ok();
    chain.call(BOB, safe, "execute", number).reverts("balance");
    chain.call(ALICE, gold, "transfer", (safe, 100_u128)).ok();
    // It outputs what the call did: nothing.
    assert_eq!(chain.call(BOB, safe, "execute", number).result::<Vec<u8>>(), b"");
    assert_eq!((balance(&chain, gold, safe), balance(&chain, gold, BOB)), (30, 70));
    // Value with a call, and an answer.
    let vault = chain.deploy(ALICE, "vault", 0, vec![]);
    let number = propose(&chain, safe, vault, 40, input("deposit", ()));
    chain.call(BOB, safe, "confirm", number).ok();
    chain.call(BOB, safe, "execute", number).ok();
    let number = propose(&chain, safe, vault, 0, input("deposit_of", safe));
    chain.call(BOB, safe, "confirm", number).ok();
    let answer: Vec<u8> = chain.call(BOB, safe, "execute", number).result();
    assert_eq!(answer, 40_u128.to_le_bytes());
    // More than there is: neither paid nor called.
    for what in [vec![], input("deposit", ())] {
        let (number, why) = (
            propose(&chain, safe, vault, 461, what.clone()),
            if what.is_empty() { "balance" } else { "call failed" },
        );
        chain.call(BOB, safe, "confirm", number).ok();
        chain.call(BOB, safe, "execute", number).reverts(why);
    }
    // Withdrawing, the vault calls the safe, which is active and allows that.
    let number = propose(&chain, safe, vault, 0, input("withdraw", 40_u128));
    chain.call(BOB, safe, "confirm", number).ok();
    chain.call(BOB, safe, "execute", number).ok();
    assert_eq!((chain.balance(safe), chain.balance(vault)), (500, 0));
}

#[test]
fn owners_change_by_agreement_alone() {
    let chain = Chain::default();
    let safe = safe(&chain);
    let mallory = Address([0xee; 32]);
    chain.call(ALICE, safe, "change_owners", (vec![ALICE], 1_u32)).reverts("not this account");
    let pending = propose(&chain, safe, BOB, 1, vec![]);
    let number = propose(&chain, safe, safe, 0, input("change_owners", (vec![BOB, CAROL], 2_u32)));
    chain.call(BOB, safe, "confirm", number).ok();
    chain.call(BOB, safe, "execute", number).ok();
    assert_eq!(chain.call(BOB, safe, "owners", ()).result::<Vec<Address>>(), [BOB, CAROL]);
    chain.call(ALICE, safe, "propose", (ALICE, 1_u128, Vec::<u8>::new())).reverts("owner");
    // Alice's confirmation counts no more.
    chain.call(BOB, safe, "confirm", pending).ok();
    chain.call(BOB, safe, "execute", pending).reverts("confirmations");
    chain.call(CAROL, safe, "confirm", pending).ok();
    chain.call(ALICE, safe, "execute", pending).reverts("owner");
    chain.call(CAROL, safe, "execute", pending).ok();

    let code_hash = chain.upload("multisig");
    let refused: [(Vec<Address>, u32, &str); 4] = [
        (vec![ALICE, BOB, ALICE], 2, "owners"),
        ((0..65).map(|at| Address([at; 32])).collect(), 1, "owners"),
        (vec![ALICE], 0, "threshold"),
        (vec![ALICE, mallory], 3, "threshold"),
    ];
    for (owners, threshold, why) in refused {
        chain.create(ALICE, code_hash, 9, input("init", (owners, threshold))).reverts(why);
    }
    let most: Vec<Address> = (0..64).map(|at| Address([at; 32])).collect();
    chain.create(ALICE, code_hash, 9, input("init", (most, 64_u32))).ok();
}
