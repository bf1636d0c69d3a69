//! `proxy`, `upgradable` and `upgraded`: other code on the same storage.

use super::{contract, people};
use lockstep_host_env::code_hash;
use lockstep_test::*;

const NOTHING: Vec<u8> = Vec::new();

/// The hashes of both versions' code, which is brought on chain by accounts of their own.
fn versions(chain: &mut Chain, by: Address) -> Result<[Hash; 2]> {
    let (first, second) = (contract!("upgradable"), contract!("upgraded"));
    let hashes = [code_hash(first.wasm()), code_hash(second.wasm())];
    chain.deploy(by, first, ("init", 0u64))?;
    chain.deploy(by, second, ())?;
    Ok(hashes)
}

/// Alice owns a proxy of the first version, whose number is 7.
fn proxy() -> Result<(Chain, [Address; 3], Address, [Hash; 2])> {
    let (mut chain, people) = people();
    let [first, second] = versions(&mut chain, people[2])?;
    let setup = ("setup", 7u64).said().bytes;
    let proxy = chain.deploy(people[0], contract!("proxy"), ("proxy_init", first, setup))?;
    Ok((chain, people, proxy, [first, second]))
}

fn number(chain: &mut Chain, of: Address) -> Result<(u64, u32)> {
    Ok((chain.view(of, ("number",))?, chain.view(of, ("version",))?))
}

#[test]
fn code_runs_on_the_storage_of_its_proxy() -> Result {
    let (mut chain, [alice, bob, _], proxy, [first, _]) = proxy()?;
    let bumped = chain.call(bob, proxy, ("bump",)).ok()?;
    assert_eq!(bumped.output::<u64>()?, 8);
    assert_eq!(number(&mut chain, proxy)?, (8, 1));
    assert_eq!(chain.storage(proxy).get(("number",))?, Some(8u64));
    assert_eq!(chain.storage(proxy).get(("owner",))?, Some(alice), "the caller stays");
    assert_eq!(chain.view::<Option<Hash>>(proxy, ("proxy_code",))?, Some(first));
    chain.call(alice, proxy, ("setup", 1u64)).reverts_with("initialised")?;
    chain.call(alice, proxy, ("bumps",)).reverts_with("no such function")?;
    bumped.gas_at_most(1_000_000)?;
    Ok(())
}

#[test]
fn its_owner_upgrades_it() -> Result {
    let (mut chain, [alice, bob, _], proxy, [_, second]) = proxy()?;
    chain.call(bob, proxy, ("proxy_upgrade", second, NOTHING)).reverts_with("owner")?;
    let upgraded = chain.call(alice, proxy, ("proxy_upgrade", second, NOTHING)).ok()?;
    upgraded.event_count(1)?.event(proxy, "Upgraded")?.is(second)?.topics(&[Address(second.0)])?;
    assert_eq!(chain.call(bob, proxy, ("bump",)).ok()?.output::<u64>()?, 9);
    assert_eq!(number(&mut chain, proxy)?, (9, 2));
    assert_eq!(chain.view::<u64>(proxy, ("bumps",))?, 1);
    Ok(())
}

#[test]
fn an_upgrade_that_fails_is_none() -> Result {
    let (mut chain, [alice, ..], proxy, [first, second]) = proxy()?;
    let unknown = Hash([1; 32]);
    let bump = ("bump",).said().bytes;
    chain.call(alice, proxy, ("proxy_upgrade", unknown, bump)).reverts_with("call failed")?;
    let none = ("none",).said().bytes;
    let failed =
        chain.call(alice, proxy, ("proxy_upgrade", second, none)).reverts_with("no such function")?;
    failed.event_count(0)?;
    assert_eq!(chain.view::<Option<Hash>>(proxy, ("proxy_code",))?, Some(first));
    assert_eq!(number(&mut chain, proxy)?, (7, 1));
    Ok(())
}

#[test]
fn a_proxy_takes_value_where_its_code_does() -> Result {
    let (mut chain, [alice, bob, _], proxy, _) = proxy()?;
    let vault = contract!("vault");
    let code = code_hash(vault.wasm());
    chain.deploy(alice, vault, ())?;
    let keeper = chain.deploy(alice, contract!("proxy"), ("proxy_init", code, NOTHING))?;
    let deposited = chain.call(bob, keeper, ("deposit",)).value(9).ok()?;
    deposited.event(keeper, "Deposited")?.is((bob, 9u128))?;
    assert_eq!(chain.view::<u128>(keeper, ("deposit_of", bob))?, 9);
    chain.call(bob, proxy, ("bump",)).value(9).reverts_with("value")?;
    assert_eq!((chain.balance(keeper), chain.balance(proxy)), (9, 0));
    Ok(())
}

#[test]
fn an_account_changes_its_own_code() -> Result {
    let (mut chain, [alice, bob, carol]) = people();
    let [_, second] = versions(&mut chain, carol)?;
    let account = chain.deploy(alice, contract!("upgradable"), ("init", 1u64))?;
    chain.call(bob, account, ("upgrade", second)).reverts_with("owner")?;
    chain.call(alice, account, ("upgrade", Hash([1; 32]))).reverts_with("code")?;
    assert_eq!(chain.call(bob, account, ("bump",)).ok()?.output::<u64>()?, 2);
    // The frame that changes it goes on as it began.
    let upgraded = chain.call(alice, account, ("upgrade", second)).ok()?;
    assert_eq!(upgraded.output::<u32>()?, 1);
    upgraded.event(account, "Upgraded")?.is(second)?;
    assert_eq!(chain.code_of(account), Some(second));
    assert_eq!(number(&mut chain, account)?, (2, 2));
    assert_eq!(chain.call(bob, account, ("bump",)).ok()?.output::<u64>()?, 4);
    chain.call(alice, account, ("upgrade", second)).reverts_with("no such function")?;
    Ok(())
}

#[test]
fn what_was_not_set_up_says_so() -> Result {
    let (mut chain, [alice, ..]) = people();
    let second = chain.deploy(alice, contract!("upgraded"), ())?;
    for function in ["bump", "number"] {
        chain.call(alice, second, (function,)).reverts_with("not initialised")?;
    }
    assert_eq!(chain.view::<u32>(second, ("version",))?, 2);
    Ok(())
}
