//! `registry`: names, and calls that go on.

use super::chain::{ALICE, BOB, CAROL, Chain, GAS, input};
use super::token;
use lockstep_host_env::Address;

#[test]
fn a_name_belongs_to_who_took_it() {
    let chain = Chain::default();
    let registry = chain.deploy(CAROL, "registry", 0, vec![]);
    let register = |name: &str| chain.call(ALICE, registry, "register", (name, BOB));
    register("gold").ok().event(0, registry, "Registered", &[BOB, ALICE], ("gold", BOB, ALICE));
    register("gold").reverts("taken");
    register("").reverts("name");
    register(&"n".repeat(65)).reverts("name");
    register("zinc").ok();
    let names: Vec<String> = chain.call(BOB, registry, "names", 2_u32).result();
    assert_eq!(names, ["gold", "zinc"]);
    register(&"n".repeat(64)).ok();
    assert_eq!(chain.call(BOB, registry, "names", 99_u32).result::<Vec<String>>().len(), 3);

    let resolve = |name: &str| chain.call(BOB, registry, "resolve", name).result::<Option<Address>>();
    assert_eq!((resolve("gold"), resolve("tin")), (Some(BOB), None));
    chain.call(BOB, registry, "update", ("gold", CAROL)).reverts("owner");
    chain.call(BOB, registry, "update", ("tin", CAROL)).reverts("name");
    chain.call(ALICE, registry, "update", ("gold", CAROL)).ok();
    assert_eq!(resolve("gold"), Some(CAROL));
    chain.call(ALICE, registry, "hand_over", ("gold", BOB)).ok();
    assert_eq!(chain.call(BOB, registry, "owner_of", "gold").result::<Option<Address>>(), Some(BOB));
    chain.call(ALICE, registry, "release", "gold").reverts("owner");
    chain.call(BOB, registry, "release", "gold").ok().event(0, registry, "Released", &[BOB], ("gold", BOB));
    assert_eq!(resolve("gold"), None);
    register("gold").ok();
}

#[test]
fn calls_of_a_name_go_on() {
    let chain = Chain::default();
    let registry = chain.deploy(CAROL, "registry", 0, vec![]);
    let gold = token::deploy(&chain, 1_000, 0);
    let vault = chain.deploy(ALICE, "vault", 0, vec![]);
    for (name, contract) in [("gold", gold), ("vault", vault), ("person", BOB)] {
        chain.call(ALICE, registry, "register", (name, contract)).ok();
    }
    chain.call(ALICE, gold, "transfer", (registry, 10_u128)).ok();
    let forward = |name: &str, inner: Vec<u8>| chain.call(BOB, registry, "forward", (name, inner));
    // The token sees the registry as its caller.
    forward("gold", input("transfer", (BOB, 4_u128))).ok().event(
        0,
        gold,
        "Transfer",
        &[registry, BOB],
        (registry, BOB, 4_u128),
    );
    forward("gold", input("transfer", (BOB, 7_u128))).reverts("balance");
    forward("tin", vec![]).reverts("name");
    forward("person", vec![]).reverts("call failed");
    assert_eq!(chain.call(BOB, registry, "calls_of", "gold").result::<u64>(), 1);
    // Value goes on, too.
    let inner = input("deposit", ());
    chain.call_with(BOB, registry, 55, GAS, input("forward", ("vault", inner))).ok();
    assert_eq!((chain.balance(vault), chain.balance(registry)), (55, 0));
    // By itself it is not entered.
    chain.call(ALICE, registry, "register", ("self", registry)).ok();
    forward("self", input("names", 1_u32)).reverts("call failed");

    let look_up = |name: &str, inner: Vec<u8>| chain.call(BOB, registry, "look_up", (name, inner));
    let balance: Vec<u8> = look_up("gold", input("balance_of", BOB)).result();
    assert_eq!(balance, 4_u128.to_le_bytes());
    look_up("gold", input("transfer", (BOB, 1_u128))).reverts("call failed");
    look_up("gold", input("none", ())).reverts("no such function");
}
