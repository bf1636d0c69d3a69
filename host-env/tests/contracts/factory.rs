//! `factory`: accounts made by a contract.

use super::chain::{ALICE, BOB, Chain, GAS, input};
use super::token;
use lockstep_host_env::{Address, Hash, created_address};

fn salt(byte: u8) -> Hash {
    Hash([byte; 32])
}

#[test]
fn an_address_is_known_before() {
    let chain = Chain::default();
    let factory = chain.deploy(ALICE, "factory", 0, vec![]);
    let code = chain.upload("token");
    let expected = created_address(chain.block.chain, &factory, &code, &[1; 32]);
    let init = input("init", ("Gold", 70_u128));
    let done = chain.call(BOB, factory, "make", (code, salt(1), init.clone())).ok();
    assert_eq!(done.0.report.debug.len(), 1);
    // The token's own event comes first.
    let done = done.event(1, factory, "Made", &[BOB, expected], (BOB, expected, code));
    assert_eq!(done.result::<Address>(), expected);
    assert_eq!(token::balance(&chain, expected, factory), 70, "the factory made it");
    assert_eq!(chain.call(BOB, factory, "maker_of", expected).result::<Option<Address>>(), Some(BOB));
    assert_eq!(chain.call(BOB, factory, "code_of", expected).result::<Option<Hash>>(), Some(code));
    assert_eq!(chain.call(BOB, factory, "code_of", BOB).result::<Option<Hash>>(), None);

    chain.call(ALICE, factory, "make", (code, salt(1), init)).reverts("exists");
    chain.call(ALICE, factory, "make", (salt(9), salt(1), b"".to_vec())).reverts("code");
    chain.call(ALICE, factory, "make", (code, salt(2), b"".to_vec())).reverts("no such function");
}

#[test]
fn value_goes_to_what_is_made() {
    let chain = Chain::default();
    let factory = chain.deploy(ALICE, "factory", 0, vec![]);
    let [safe, vault] = ["multisig", "vault"].map(|name| chain.upload(name));
    let make = |code: Hash, inner: Vec<u8>| {
        chain.call_with(BOB, factory, 25, GAS, input("make", (code, salt(3), inner)))
    };
    let made = make(safe, input("init", (vec![BOB], 1_u32))).result::<Address>();
    assert_eq!((chain.balance(made), chain.balance(factory)), (25, 0));
    // Without a `deploy` nothing runs that could refuse it.
    let made = make(vault, vec![]).result::<Address>();
    assert_eq!(chain.balance(made), 25);
    let token = chain.upload("token");
    make(token, input("init", ("Gold", 1_u128))).reverts("value");
}

#[test]
fn four_a_transaction() {
    let chain = Chain::default();
    let factory = chain.deploy(ALICE, "factory", 0, vec![]);
    let code = chain.upload("vault");
    let many = |salts: std::ops::Range<u8>| {
        let salts: Vec<Hash> = salts.map(salt).collect();
        chain.call(BOB, factory, "make_many", (code, salts, b"".to_vec()))
    };
    many(0..5).reverts("most");
    assert_eq!(many(0..4).result::<Vec<Address>>().len(), 4);
    // It is forgotten with the transaction, and what was undone never was.
    assert_eq!(chain.call(BOB, factory, "so_far", ()).result::<u32>(), 0);
    assert_eq!(many(4..8).result::<Vec<Address>>().len(), 4);
}
