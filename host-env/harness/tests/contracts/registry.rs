//! `registry`: names, their owners, and calls that go on.

use super::{contract, people};
use lockstep_test::*;

fn registry() -> Result<(Chain, [Address; 3], Address)> {
    let (mut chain, people) = people();
    let registry = chain.deploy(people[2], contract!("registry"), ())?;
    Ok((chain, people, registry))
}

#[test]
fn a_name_belongs_to_who_took_it() -> Result {
    let (mut chain, [alice, bob, carol], registry) = registry()?;
    let taken = chain.call(alice, registry, ("register", "gold", bob)).ok()?;
    taken.event_count(1)?.event(registry, "Registered")?.is(("gold", bob, alice))?.topics(&[bob, alice])?;
    chain.call(bob, registry, ("register", "gold", bob)).reverts_with("taken")?;
    assert_eq!(chain.view::<Option<Address>>(registry, ("resolve", "gold"))?, Some(bob));
    assert_eq!(chain.view::<Option<Address>>(registry, ("owner_of", "gold"))?, Some(alice));
    assert_eq!(chain.view::<Option<Address>>(registry, ("resolve", "tin"))?, None);
    for function in ["update", "hand_over"] {
        chain.call(bob, registry, (function, "gold", carol)).reverts_with("owner")?;
        chain.call(alice, registry, (function, "tin", carol)).reverts_with("name")?;
    }
    Ok(())
}

#[test]
fn a_name_has_one_to_sixty_four_bytes() -> Result {
    let (mut chain, [alice, ..], registry) = registry()?;
    for name in [String::new(), "n".repeat(65)] {
        chain.call(alice, registry, ("register", name, alice)).reverts_with("name")?;
    }
    for name in [String::from("n"), "n".repeat(64)] {
        chain.call(alice, registry, ("register", name, alice)).ok()?;
    }
    // In the order of their encodings: the length of 64 begins with a smaller byte than that of one.
    assert_eq!(chain.view::<Vec<String>>(registry, ("names", 1u32))?, ["n".repeat(64)]);
    assert_eq!(chain.view::<Vec<String>>(registry, ("names", 9u32))?, ["n".repeat(64), String::from("n")]);
    Ok(())
}

#[test]
fn a_name_changes_hands_and_is_released() -> Result {
    let (mut chain, [alice, bob, carol], registry) = registry()?;
    chain.call(alice, registry, ("register", "gold", carol)).ok()?;
    chain.call(alice, registry, ("update", "gold", bob)).ok()?;
    let handed = chain.call(alice, registry, ("hand_over", "gold", bob)).ok()?;
    handed.event(registry, "Registered")?.is(("gold", bob, bob))?;
    chain.call(alice, registry, ("release", "gold")).reverts_with("owner")?;
    let released = chain.call(bob, registry, ("release", "gold")).ok()?;
    released.event(registry, "Released")?.is(("gold", bob))?.topics(&[bob])?;
    chain.call(bob, registry, ("release", "gold")).reverts_with("name")?;
    assert_eq!(chain.storage(registry).keys(&[]), Vec::<Vec<u8>>::new(), "nothing is kept");
    Ok(())
}

#[test]
fn a_call_goes_on_with_its_value() -> Result {
    let (mut chain, [alice, bob, _], registry) = registry()?;
    let vault = chain.deploy(alice, contract!("vault"), ())?;
    chain.call(alice, registry, ("register", "vault", vault)).ok()?;
    let forward = ("forward", "vault", ("deposit",).said().bytes);
    let done = chain.call(bob, registry, forward).value(55).ok()?;
    done.event(vault, "Deposited")?.is((registry, 55u128))?;
    assert_eq!((chain.balance(vault), chain.balance(registry)), (55, 0));
    assert_eq!(chain.view::<u64>(registry, ("calls_of", "vault"))?, 1);
    let answer: Vec<u8> =
        chain.view(registry, ("look_up", "vault", ("deposit_of", registry).said().bytes))?;
    assert_eq!(answer, 55u128.to_le_bytes());
    Ok(())
}

#[test]
fn what_the_contract_says_goes_through() -> Result {
    let (mut chain, [alice, bob, _], registry) = registry()?;
    let token = chain.deploy(alice, contract!("token"), ("init", "Gold", 500u128))?;
    for (name, contract) in [("gold", token), ("bob", bob), ("self", registry)] {
        chain.call(alice, registry, ("register", name, contract)).ok()?;
    }
    let pay = ("transfer", bob, 1u128).said().bytes;
    chain.call(bob, registry, ("forward", "gold", pay.clone())).reverts_with("balance")?;
    chain.call(bob, registry, ("forward", "tin", pay.clone())).reverts_with("name")?;
    chain.call(bob, registry, ("forward", "bob", pay.clone())).reverts_with("call failed")?;
    let again = ("forward", "gold", pay.clone()).said().bytes;
    chain.call(bob, registry, ("forward", "self", again)).reverts_with("call failed")?;
    assert_eq!(chain.view::<u64>(registry, ("calls_of", "gold"))?, 0, "none was counted");
    // A look-up is static: a transfer that would do traps there.
    chain.call(alice, token, ("transfer", registry, 5u128)).ok()?;
    chain.call(bob, registry, ("look_up", "gold", pay.clone())).reverts_with("call failed")?;
    chain.call(bob, registry, ("look_up", "gold", vec![1u8])).reverts_with("no such function")?;
    chain.call(bob, registry, ("forward", "gold", pay)).ok()?.gas_at_most(1_600_000)?;
    Ok(())
}
