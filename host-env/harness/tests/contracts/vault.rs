//! `vault`, and who attacks it: value, calls back, reentrancy.

use super::{contract, people};
use lockstep_test::*;

struct Scene {
    chain: Chain,
    alice: Address,
    bob: Address,
    vault: Address,
    attacker: Address,
}

/// Alice keeps 900 in the vault, Bob's attacker 100.
fn scene() -> Result<Scene> {
    let (mut chain, [alice, bob, _]) = people();
    let vault = chain.deploy(alice, contract!("vault"), ())?;
    let attacker = chain.deploy(bob, contract!("misbehaving"), ())?;
    chain.call(alice, vault, ("deposit",)).value(900).ok()?;
    chain.call(bob, attacker, ("fund", vault)).value(100).ok()?;
    Ok(Scene { chain, alice, bob, vault, attacker })
}

#[test]
fn a_deposit_moves_value() -> Result {
    let Scene { mut chain, alice, vault, attacker, .. } = scene()?;
    assert_eq!((chain.balance(alice), chain.balance(vault), chain.balance(attacker)), (100, 1_000, 0));
    assert_eq!(chain.view::<u128>(vault, ("deposit_of", attacker))?, 100);
    let deposited = chain.call(alice, vault, ("deposit",)).value(5).ok()?;
    deposited.event(vault, "Deposited")?.is((alice, 5u128))?;
    Ok(())
}

#[test]
fn more_than_one_owns_is_rejected() -> Result {
    let Scene { mut chain, alice, vault, .. } = scene()?;
    chain.call(alice, vault, ("deposit",)).value(101).rejected(Rejected::Balance)?;
    chain.call(alice, vault, ("deposit",)).value(100).ok()?;
    Ok(())
}

#[test]
fn a_careful_vault_is_not_emptied() -> Result {
    let Scene { mut chain, bob, vault, attacker, .. } = scene()?;
    chain.call(bob, attacker, ("attack", vault, 100u128, false, 9u32)).ok()?;
    assert_eq!((chain.balance(vault), chain.balance(attacker)), (900, 100));
    // What the attacker was told from within: 6, REENTRANT.
    assert_eq!(chain.storage(attacker).get(("written", 0u32))?, Some(6u32.to_le_bytes().to_vec()));
    Ok(())
}

#[test]
fn a_careless_vault_is_emptied() -> Result {
    let Scene { mut chain, alice, bob, vault, attacker } = scene()?;
    let attacked = chain.call(bob, attacker, ("attack", vault, 100u128, true, 20u32)).ok()?;
    assert_eq!((chain.balance(vault), chain.balance(attacker)), (0, 1_000));
    assert_eq!(chain.view::<u128>(vault, ("deposit_of", alice))?, 900, "so it still believes");
    let deepest = attacked.trace()?.items().iter().fold(0, |deepest, item| match item {
        TraceItem::Start(frame) => deepest.max(frame.depth),
        _ => deepest,
    });
    assert!(deepest >= 20, "{deepest}");
    Ok(())
}

#[test]
fn who_has_no_code_cannot_receive() -> Result {
    let Scene { mut chain, alice, vault, .. } = scene()?;
    chain.call(alice, vault, ("withdraw", 900u128)).reverts_with("call failed")?;
    assert_eq!(chain.view::<u128>(vault, ("deposit_of", alice))?, 900);
    Ok(())
}

#[test]
fn nobody_withdraws_what_is_not_theirs() -> Result {
    let Scene { mut chain, bob, vault, .. } = scene()?;
    chain.call(bob, vault, ("withdraw", 1u128)).reverts_with("deposit")?;
    chain.call(bob, vault, ("withdraw_carelessly", 1u128)).reverts_with("deposit")?;
    Ok(())
}

#[test]
fn a_view_takes_no_value() -> Result {
    let Scene { mut chain, alice, vault, .. } = scene()?;
    chain.call(alice, vault, ("deposit_of", alice)).value(1).reverts_with("value")?;
    Ok(())
}
