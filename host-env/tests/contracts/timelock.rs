//! `timelock`, which is written in C.

use super::chain::{ALICE, BOB, Chain, GAS, OWNED, input};
use lockstep_host_env::Address;

#[test]
fn it_pays_when_it_is_time() {
    let mut chain = Chain::default();
    let lock = chain.deploy(ALICE, "timelock", 0, input("init", (BOB, 10_u64)));
    assert_eq!(chain.call(ALICE, lock, "beneficiary", ()).result::<Address>(), BOB);
    assert_eq!(chain.call(ALICE, lock, "height", ()).result::<u64>(), 10);
    assert_eq!((chain.kept(lock, "beneficiary"), chain.kept(lock, "height")), (Some(BOB), Some(10_u64)));
    chain.call_with(ALICE, lock, 300, GAS, input("deposit", ())).ok();
    chain.block.height = 9;
    chain.call(BOB, lock, "release", ()).reverts("locked");
    chain.block.height = 10;
    let done =
        chain.call(ALICE, lock, "release", ()).ok().event(0, lock, "Released", &[BOB], (BOB, 300_u128));
    assert_eq!(done.result::<u128>(), 300);
    assert_eq!((chain.balance(lock), chain.balance(BOB)), (0, OWNED + 300));
    chain.call(BOB, lock, "release", ()).reverts("nothing");
}

#[test]
fn what_is_no_call_reverts() {
    let chain = Chain::default();
    let lock = chain.deploy(ALICE, "timelock", 0, input("init", (BOB, 10_u64)));
    chain.call(ALICE, lock, "release", 1_u8).reverts("arguments");
    chain.call(ALICE, lock, "init", (ALICE, 0_u64)).reverts("no such function");
    chain.call_with(ALICE, lock, 0, GAS, b"rel".to_vec()).reverts("no such function");
    chain.call_with(ALICE, lock, 1, GAS, input("height", ())).reverts("value");
    let code_hash = chain.upload("timelock");
    chain.create(ALICE, code_hash, 1, input("init", BOB)).reverts("arguments");
    chain.create(ALICE, code_hash, 1, input("release", ())).reverts("no such function");
}
