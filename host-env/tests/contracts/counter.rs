//! The example of the guest crate, and what its macros answer to inputs that are no calls.

use super::chain::{ALICE, BOB, Chain, GAS, input};

#[test]
fn a_counter_counts_until_its_maker_stops_it() {
    let chain = Chain::default();
    let counter = chain.deploy(ALICE, "counter", 0, input("init", 40_u64));
    let done = chain.call(BOB, counter, "increment", 2_u64).event(
        0,
        counter,
        "Incremented",
        &[BOB],
        (BOB, 2_u64, 42_u64),
    );
    assert_eq!(done.result::<u64>(), 42);
    assert_eq!(chain.call(ALICE, counter, "count", ()).result::<Option<u64>>(), Some(42));
    assert_eq!(chain.call(ALICE, counter, "last", BOB).result::<Option<u64>>(), Some(42));
    assert_eq!(chain.call(ALICE, counter, "last", ALICE).result::<Option<u64>>(), None);
    chain.call(BOB, counter, "increment", u64::MAX).reverts("overflow");
    chain.call(BOB, counter, "stop", ()).reverts("owner");
    assert!(chain.call(ALICE, counter, "stop", ()).ok().receipt().output.is_empty());
    chain.call(BOB, counter, "increment", 1_u64).reverts("stopped");
    assert_eq!(chain.call(ALICE, counter, "count", ()).result::<Option<u64>>(), None);
}

#[test]
fn what_is_no_call_reverts() {
    let chain = Chain::default();
    let counter = chain.deploy(ALICE, "counter", 0, input("init", 0_u64));
    let whole = input("increment", 1_u64);
    let raw = |bytes: &[u8]| chain.call_with(BOB, counter, 0, GAS, bytes.to_vec());
    for len in 0..4 {
        raw(&whole[..len]).reverts("no such function");
    }
    for len in 4..whole.len() {
        raw(&whole[..len]).reverts("arguments");
    }
    raw(&[&whole[..], &[0]].concat()).reverts("arguments");
    raw(&input("init", 5_u64)).reverts("no such function");
    chain.call_with(BOB, counter, 1, GAS, whole.clone()).reverts("value");
    raw(&whole).ok();
    // `deploy` has a table of its own.
    let code_hash = chain.upload("counter");
    chain.create(BOB, code_hash, 1, whole).reverts("no such function");
}
