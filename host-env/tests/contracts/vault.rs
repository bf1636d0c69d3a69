//! `vault` and those who attack it.

use super::chain::{ALICE, BOB, Chain, GAS, OWNED, input};
use lockstep_host_env::Address;

/// The host's status for a call of an account that is active.
const REENTRANT: u32 = 6;

struct Scene {
    chain: Chain,
    vault: Address,
    attacker: Address,
}

/// Alice keeps 900 in the vault, the attacker 100.
fn scene() -> Scene {
    let chain = Chain::default();
    let vault = chain.deploy(ALICE, "vault", 0, vec![]);
    let attacker = chain.deploy(BOB, "misbehaving", 0, vec![]);
    chain.call_with(ALICE, vault, 900, GAS, input("deposit", ())).ok().event(
        0,
        vault,
        "Deposited",
        &[ALICE],
        (ALICE, 900_u128),
    );
    chain.call_with(BOB, attacker, 100, GAS, input("fund", vault)).ok();
    assert_eq!((chain.balance(vault), chain.balance(ALICE)), (1_000, OWNED - 900));
    Scene { chain, vault, attacker }
}

#[test]
fn who_allows_no_reentry_is_not_emptied() {
    let Scene { chain, vault, attacker } = scene();
    chain.call(BOB, attacker, "attack", (vault, 100_u128, false, 9_u32)).ok();
    // The attempt from within was told so.
    let status = chain.call(BOB, attacker, "get", 0_u32).result::<Option<Vec<u8>>>().unwrap();
    assert_eq!(status, REENTRANT.to_le_bytes());
    assert_eq!((chain.balance(vault), chain.balance(attacker)), (900, 100));
    assert_eq!(chain.call(BOB, vault, "deposit_of", ALICE).result::<u128>(), 900);
    chain.call(BOB, attacker, "attack", (vault, 100_u128, false, 9_u32)).reverts("deposit");
}

#[test]
fn who_allows_reentry_before_it_writes_is_emptied() {
    let Scene { chain, vault, attacker } = scene();
    chain.call(BOB, attacker, "attack", (vault, 100_u128, true, 20_u32)).ok();
    assert_eq!((chain.balance(vault), chain.balance(attacker)), (0, 1_000));
    assert_eq!(chain.call(BOB, vault, "deposit_of", ALICE).result::<u128>(), 900);
}

#[test]
fn withdrawing_asks_for_a_deposit_and_a_contract() {
    let Scene { chain, vault, .. } = scene();
    chain.call(BOB, vault, "withdraw", 1_u128).reverts("deposit");
    // Alice has no code that could receive: the call does not begin, and all is undone.
    chain.call(ALICE, vault, "withdraw", 900_u128).reverts("call failed");
    assert_eq!(chain.call(BOB, vault, "deposit_of", ALICE).result::<u128>(), 900);
    chain.call_with(ALICE, vault, 1, GAS, input("deposit_of", ALICE)).reverts("value");
}
