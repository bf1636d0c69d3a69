//! `multisig`: proposals, confirmations, calls, changes of owners.

use super::{contract, people};
use lockstep_test::*;

/// Alice, Bob and Carol own it, two are enough, and it has 500.
fn safe() -> Result<(Chain, [Address; 3], Address)> {
    let (mut chain, people) = people();
    let safe = chain.deploy(people[0], contract!("multisig"), ("init", people.to_vec(), 2u32))?;
    let received = chain.call(people[0], safe, ("receive",)).value(500).ok()?;
    received.event(safe, "Received")?.is((people[0], 500u128))?.topics(&[people[0]])?;
    Ok((chain, people, safe))
}

fn propose(
    chain: &mut Chain,
    by: Address,
    safe: Address,
    to: Address,
    value: u128,
    input: Said,
) -> Result<u64> {
    chain.call(by, safe, ("propose", to, value, input.bytes)).ok()?.output()
}

#[test]
fn two_of_three_pay_once() -> Result {
    let (mut chain, [alice, bob, carol], safe) = safe()?;
    let proposed = chain.call(alice, safe, ("propose", carol, 200u128, Vec::<u8>::new())).ok()?;
    proposed
        .event_count(2)?
        .event(safe, "Proposed")?
        .is((0u64, alice, carol, 200u128))?
        .topics(&[alice, carol])?;
    proposed.event(safe, "Confirmed")?.is((0u64, alice))?;
    chain.call(alice, safe, ("execute", 0u64)).reverts_with("confirmations")?;
    chain.call(alice, safe, ("confirm", 0u64)).reverts_with("confirmed")?;
    chain.call(bob, safe, ("confirm", 0u64)).ok()?.event(safe, "Confirmed")?.is((0u64, bob))?;
    assert_eq!(chain.view::<u32>(safe, ("confirmations", 0u64))?, 2);
    let paid = chain.call(bob, safe, ("execute", 0u64)).ok()?;
    paid.event_count(1)?.event(safe, "Executed")?.is((0u64, carol, 200u128))?.topics(&[carol])?;
    assert_eq!((chain.balance(safe), chain.balance(carol)), (300, 1_200));
    chain.call(carol, safe, ("execute", 0u64)).reverts_with("executed")?;
    chain.call(carol, safe, ("confirm", 0u64)).reverts_with("executed")?;
    let told: Option<(Address, u128, Vec<u8>, bool)> = chain.view(safe, ("proposal", 0u64))?;
    assert_eq!(told, Some((carol, 200, vec![], true)));
    Ok(())
}

#[test]
fn a_confirmation_is_taken_back() -> Result {
    let (mut chain, [alice, bob, _], safe) = safe()?;
    let number = propose(&mut chain, alice, safe, bob, 1, Said::default())?;
    chain.call(bob, safe, ("withdraw", number)).reverts_with("not confirmed")?;
    chain.call(bob, safe, ("confirm", number)).ok()?;
    let back = chain.call(alice, safe, ("withdraw", number)).ok()?;
    back.event(safe, "Withdrawn")?.is((number, alice))?.topics(&[alice])?;
    chain.call(bob, safe, ("execute", number)).reverts_with("confirmations")?;
    chain.call(bob, safe, ("confirm", 7u64)).reverts_with("proposal")?;
    assert_eq!(chain.view::<Option<(Address, u128, Vec<u8>, bool)>>(safe, ("proposal", 7u64))?, None);
    Ok(())
}

#[test]
fn a_stranger_can_only_give() -> Result {
    let (mut chain, [alice, bob, _], safe) = safe()?;
    let dave = chain.account("dave", 10);
    let number = propose(&mut chain, alice, safe, bob, 1, Said::default())?;
    chain.call(dave, safe, ("receive",)).value(10).ok()?;
    chain.call(dave, safe, ("propose", dave, 1u128, Vec::<u8>::new())).reverts_with("owner")?;
    for function in ["confirm", "withdraw", "execute"] {
        chain.call(dave, safe, (function, number)).reverts_with("owner")?;
    }
    chain.call(alice, safe, ("confirm", number)).value(1).reverts_with("value")?;
    assert_eq!(chain.balance(safe), 510);
    Ok(())
}

#[test]
fn what_fails_is_tried_again() -> Result {
    let (mut chain, [alice, bob, carol], safe) = safe()?;
    let token = chain.deploy(alice, contract!("token"), ("init", "Gold", 500u128))?;
    let number = propose(&mut chain, alice, safe, token, 0, ("transfer", carol, 70u128).said())?;
    chain.call(bob, safe, ("confirm", number)).ok()?;
    // What the token says goes through, and nothing is left of it.
    let root = chain.root();
    let failed = chain.call(bob, safe, ("execute", number)).reverts_with("balance")?;
    failed.event_count(0)?;
    assert_ne!(chain.root(), root, "but for the nonce");
    chain.call(alice, token, ("transfer", safe, 100u128)).ok()?;
    let done = chain.call(bob, safe, ("execute", number)).ok()?;
    done.event_count(2)?.event(token, "Transfer")?.is((safe, carol, 70u128))?;
    assert_eq!(chain.view::<u128>(token, ("balance_of", carol))?, 70);
    Ok(())
}

#[test]
fn it_cannot_pay_more_than_it_has() -> Result {
    let (mut chain, [alice, bob, _], safe) = safe()?;
    let vault = chain.deploy(alice, contract!("vault"), ())?;
    for (input, why) in [(Said::default(), "balance"), (("deposit",).said(), "call failed")] {
        let number = propose(&mut chain, alice, safe, vault, 501, input)?;
        chain.call(bob, safe, ("confirm", number)).ok()?;
        chain.call(bob, safe, ("execute", number)).reverts_with(why)?;
    }
    assert_eq!(chain.balance(safe), 500);
    Ok(())
}

#[test]
fn owners_change_by_agreement_alone() -> Result {
    let (mut chain, [alice, bob, carol], safe) = safe()?;
    chain.call(alice, safe, ("change_owners", vec![alice], 1u32)).reverts_with("not this account")?;
    let pending = propose(&mut chain, alice, safe, bob, 1, Said::default())?;
    let change = ("change_owners", vec![bob, carol], 2u32).said();
    let number = propose(&mut chain, alice, safe, safe, 0, change)?;
    chain.call(bob, safe, ("confirm", number)).ok()?;
    let changed = chain.call(bob, safe, ("execute", number)).ok()?;
    changed.event(safe, "OwnersChanged")?.is((vec![bob, carol], 2u32))?;
    assert_eq!(chain.view::<Vec<Address>>(safe, ("owners",))?, [bob, carol]);
    assert_eq!(chain.view::<u32>(safe, ("threshold",))?, 2);
    assert_eq!(chain.view::<u32>(safe, ("confirmations", pending))?, 0, "Alice's counts no more");
    chain.call(alice, safe, ("execute", pending)).reverts_with("owner")?;
    Ok(())
}

#[test]
fn owners_must_make_sense() -> Result {
    let (mut chain, [alice, bob, _]) = people();
    let many: Vec<Address> = (0..65).map(|at| Address([at; 32])).collect();
    let cases = [
        (vec![alice, bob, alice], 2, "owners"),
        (many.clone(), 1, "owners"),
        (vec![alice], 0, "threshold"),
        (vec![alice, bob], 3, "threshold"),
        (vec![], 1, "threshold"),
    ];
    for (owners, threshold, why) in cases {
        let failure = chain.deploy(alice, contract!("multisig"), ("init", owners, threshold as u32));
        let text = failure.unwrap_err().to_string();
        assert!(text.contains(&format!("got reverted {why:?}")), "{text}");
    }
    chain.deploy(alice, contract!("multisig"), ("init", many[..64].to_vec(), 64u32))?;
    Ok(())
}

#[test]
fn paying_stays_cheap() -> Result {
    let (mut chain, [alice, bob, carol], safe) = safe()?;
    let number = propose(&mut chain, alice, safe, carol, 1, Said::default())?;
    chain.call(bob, safe, ("confirm", number)).ok()?.gas_at_most(CONFIRM_GAS)?;
    chain.call(bob, safe, ("execute", number)).ok()?.gas_at_most(EXECUTE_GAS)?;
    Ok(())
}

const CONFIRM_GAS: u64 = 1_000_000;
const EXECUTE_GAS: u64 = 1_400_000;
