//! `misbehaving`: each harm ends as the law says, and nothing is left of it.

use super::chain::{ALICE, Chain, GAS, input};
use lockstep_host_env::{Address, Misuse, Status};
use lockstep_vm::Trap;

/// Statuses of calls.
const TRAPPED: u32 = 2;
const DEPTH: u32 = 5;

fn contract() -> (Chain, Address) {
    let chain = Chain::default();
    let contract = chain.deploy(ALICE, "misbehaving", 0, vec![]);
    chain.call(ALICE, contract, "set", (1_u32, b"before".to_vec())).ok();
    (chain, contract)
}

#[test]
fn a_loop_without_end_ends_with_its_gas() {
    let (chain, contract) = contract();
    for gas in [1_000_000, 1_000_001, 3_000_000] {
        let done = chain.call_with(ALICE, contract, 0, gas, input("spin", ()));
        assert_eq!(done.ends(Status::Trapped(Trap::OutOfGas)).receipt().gas_used, gas);
    }
}

#[test]
fn memory_has_an_end() {
    let (chain, contract) = contract();
    // With little gas the pages cannot be paid for.
    let done = chain.call_with(ALICE, contract, 0, 1_000_000, input("memory_bomb", ()));
    done.ends(Status::Trapped(Trap::OutOfGas));
    // With much there is a last one; beyond it is nothing.
    let done = chain.call_with(ALICE, contract, 0, 1 << 40, input("memory_bomb", ()));
    let used = done.ends(Status::Trapped(Trap::MemoryOutOfBounds)).receipt().gas_used;
    assert!(used < 1 << 40);
}

#[test]
fn recursion_has_an_end() {
    let (chain, contract) = contract();
    let recurse = |depth: u32| chain.call_with(ALICE, contract, 0, 1 << 40, input("recurse", depth));
    assert_eq!(recurse(100).result::<u64>(), 5_050);
    // The shadow stack in memory may be first, or the stack of the machine; both are of one size on every machine.
    let done = recurse(1_000_000);
    let status = done.receipt().status;
    assert!(matches!(status, Status::Trapped(Trap::StackOverflow | Trap::MemoryOutOfBounds)), "{status:?}");
    done.ends(status);
}

#[test]
fn the_ladder_has_64_rungs() {
    let (chain, contract) = contract();
    assert_eq!(chain.call(ALICE, contract, "ladder", 0_u32).result::<(u32, u32)>(), (64, DEPTH));
    // Each wrote before it climbed on.
    assert_eq!(chain.kept(contract, "ladder"), Some(63_u32));
}

#[test]
fn nothing_is_left_of_what_was_written() {
    let (chain, contract) = contract();
    let root = |chain: &Chain| chain.kept::<Vec<u8>>(contract, ("written", 1_u32));
    chain.call(ALICE, contract, "revert_after_writes", 50_u32).reverts("after writes");
    chain.call(ALICE, contract, "trap_after_writes", 50_u32).ends(Status::Trapped(Trap::Unreachable));
    chain.call(ALICE, contract, "storage_bomb", ()).ends(Status::Trapped(Trap::OutOfGas));
    assert_eq!(root(&chain).unwrap(), b"before");
    assert_eq!(chain.kept::<Vec<u8>>(contract, ("written", 2_u32)), None);
}

#[test]
fn the_host_is_not_misused() {
    let (chain, contract) = contract();
    let end = |name: &str| chain.call(ALICE, contract, name, ()).receipt().status;
    assert_eq!(end("wild_pointer"), Status::Trapped(Trap::MemoryOutOfBounds));
    assert_eq!(end("huge_key"), Status::Misuse(Misuse::LimitExceeded));
    assert_eq!(end("unknown_flag"), Status::Misuse(Misuse::BadArgument));
    assert_eq!(end("event_bomb"), Status::Misuse(Misuse::LimitExceeded));
    for name in ["wild_pointer", "huge_key", "unknown_flag", "event_bomb"] {
        let status = end(name);
        chain.call_with(ALICE, contract, 0, GAS, input(name, ())).ends(status);
    }
    // A static frame that writes is one that trapped, for its caller.
    assert_eq!(chain.call(ALICE, contract, "loud_static", ()).result::<u32>(), TRAPPED);
}
