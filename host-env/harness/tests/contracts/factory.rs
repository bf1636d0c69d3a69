//! `factory`: accounts made by a contract.

use super::{contract, people};
use lockstep_host_env::{code_hash, created_address};
use lockstep_test::*;

fn salt(byte: u8) -> Hash {
    Hash([byte; 32])
}

/// A factory, and the hash of the vault's code, which is on chain.
fn factory() -> Result<(Chain, [Address; 3], Address, Hash)> {
    let (mut chain, people) = people();
    let factory = chain.deploy(people[0], contract!("factory"), ())?;
    let vault = contract!("vault");
    let code = code_hash(vault.wasm());
    chain.deploy(people[2], vault, ())?;
    Ok((chain, people, factory, code))
}

#[test]
fn an_address_is_known_before() -> Result {
    let (mut chain, [_, bob, _], factory, code) = factory()?;
    let expected = created_address(1, &factory, &code, &salt(1).0);
    chain.label(expected, "made");
    let made = chain.call(bob, factory, ("make", code, salt(1), Vec::<u8>::new())).value(25).ok()?;
    assert_eq!(made.output::<Address>()?, expected);
    made.event(factory, "Made")?.is((bob, expected, code))?.topics(&[bob, expected])?;
    assert_eq!(made.debug().collect::<Vec<_>>(), ["made"]);
    assert_eq!((chain.balance(expected), chain.balance(factory)), (25, 0));
    assert_eq!(chain.view::<Option<Address>>(factory, ("maker_of", expected))?, Some(bob));
    assert_eq!(chain.view::<Option<Hash>>(factory, ("code_of", expected))?, Some(code));
    assert_eq!(chain.view::<Option<Hash>>(factory, ("code_of", bob))?, None);
    made.gas_at_most(1_200_000)?;
    Ok(())
}

#[test]
fn what_cannot_be_made_is_refused() -> Result {
    let (mut chain, [_, bob, _], factory, code) = factory()?;
    let make = |code, by: u8| ("make", code, salt(by), Vec::<u8>::new());
    chain.call(bob, factory, make(code, 1)).ok()?;
    chain.call(bob, factory, make(code, 1)).reverts_with("exists")?;
    chain.call(bob, factory, make(salt(9), 2)).reverts_with("code")?;
    let token = contract!("token");
    let hash = code_hash(token.wasm());
    chain.deploy(bob, token, ("init", "Gold", 1u128))?;
    chain.call(bob, factory, make(hash, 2)).reverts_with("no such function")?;
    Ok(())
}

#[test]
fn there_are_four_a_transaction() -> Result {
    let (mut chain, [_, bob, _], factory, code) = factory()?;
    let many = |salts: std::ops::Range<u8>| {
        ("make_many", code, salts.map(salt).collect::<Vec<_>>(), Vec::<u8>::new())
    };
    chain.call(bob, factory, many(0..5)).reverts_with("most")?.event_count(0)?;
    let made = chain.call(bob, factory, many(0..4)).ok()?;
    assert_eq!(made.events_of(factory, "Made").count(), 4);
    assert_eq!(chain.view::<u32>(factory, ("so_far",))?, 0, "it is forgotten with the transaction");
    Ok(())
}
