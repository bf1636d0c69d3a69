//! `proxy`, `upgradable` and `upgraded`: other code on the same storage.

use super::chain::{ALICE, BOB, Chain, GAS, input};
use super::token;
use lockstep_host_env::{Address, Hash};

const NOTHING: &[u8] = &[];

fn number(chain: &Chain, of: Address) -> (u64, u32) {
    (chain.call(BOB, of, "number", ()).result(), chain.call(BOB, of, "version", ()).result())
}

#[test]
fn code_runs_on_the_storage_of_its_proxy() {
    let chain = Chain::default();
    let [first, second] = ["upgradable", "upgraded"].map(|name| chain.upload(name));
    let proxy = chain.deploy(ALICE, "proxy", 0, input("proxy_init", (first, input("setup", 7_u64))));
    assert_eq!(chain.call(BOB, proxy, "bump", ()).result::<u64>(), 8);
    assert_eq!(number(&chain, proxy), (8, 1));
    assert_eq!(chain.kept(proxy, "number"), Some(8_u64));
    assert_eq!(chain.kept(proxy, "owner"), Some(ALICE), "the caller stays");
    chain.call(BOB, proxy, "setup", 1_u64).reverts("initialised");
    chain.call(BOB, proxy, "bumps", ()).reverts("no such function");

    chain.call(BOB, proxy, "proxy_upgrade", (second, NOTHING)).reverts("owner");
    chain.call(ALICE, proxy, "proxy_upgrade", (Hash([1; 32]), input("bump", ()))).reverts("call failed");
    chain.call(ALICE, proxy, "proxy_upgrade", (second, input("none", ()))).reverts("no such function");
    assert_eq!(number(&chain, proxy), (8, 1));
    let done = chain.call(ALICE, proxy, "proxy_upgrade", (second, NOTHING)).ok();
    done.event(0, proxy, "Upgraded", &[Address(second.0)], second);
    assert_eq!(chain.call(BOB, proxy, "bump", ()).result::<u64>(), 10);
    assert_eq!(number(&chain, proxy), (10, 2));
    assert_eq!(chain.call(BOB, proxy, "bumps", ()).result::<u64>(), 1);
    assert_eq!(chain.call(BOB, proxy, "proxy_code", ()).result::<Option<Hash>>(), Some(second));
}

#[test]
fn a_proxy_can_be_anything() {
    let chain = Chain::default();
    let code = chain.upload("token");
    let gold = chain.deploy(ALICE, "proxy", 0, input("proxy_init", (code, NOTHING)));
    chain.call(ALICE, gold, "transfer", (BOB, 1_u128)).reverts("balance");
    // Value goes through, to code that takes it.
    let vault_code = chain.upload("vault");
    let vault = chain.deploy(ALICE, "proxy", 1, input("proxy_init", (vault_code, NOTHING)));
    chain.call_with(BOB, vault, 9, GAS, input("deposit", ())).ok();
    assert_eq!(chain.balance(vault), 9);
    assert_eq!(chain.call(BOB, vault, "deposit_of", BOB).result::<u128>(), 9);
    chain.call_with(BOB, gold, 9, GAS, input("approve", (ALICE, 1_u128))).reverts("value");
    assert_eq!(token::balance(&chain, gold, BOB), 0);
}

#[test]
fn an_account_changes_its_own_code() {
    let chain = Chain::default();
    let second = chain.upload("upgraded");
    let account = chain.deploy(ALICE, "upgradable", 0, input("init", 1_u64));
    assert_eq!(chain.call(BOB, account, "bump", ()).result::<u64>(), 2);
    chain.call(BOB, account, "upgrade", second).reverts("owner");
    chain.call(ALICE, account, "upgrade", Hash([1; 32])).reverts("code");
    assert_eq!(number(&chain, account), (2, 1));
    // The frame that changes it goes on as it began.
    assert_eq!(chain.call(ALICE, account, "upgrade", second).result::<u32>(), 1);
    assert_eq!(number(&chain, account), (2, 2));
    assert_eq!(chain.call(BOB, account, "bump", ()).result::<u64>(), 4);
    chain.call(ALICE, account, "upgrade", second).reverts("no such function");
}
