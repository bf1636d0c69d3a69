//! `misbehaving`: each end that a contract can come to, and that nothing is left of it.

use super::{contract, people};
use lockstep_test::*;

fn misbehaving() -> Result<(Chain, Address, Address)> {
    let (mut chain, [alice, ..]) = people();
    let contract = chain.deploy(alice, contract!("misbehaving"), ())?;
    Ok((chain, alice, contract))
}

/// It ends so, and its storage is empty afterwards.
fn traps(function: &str, gas: u64, trap: Trap) -> Result {
    let (mut chain, alice, contract) = misbehaving()?;
    let ended = chain.call(alice, contract, (function,)).gas(gas).traps(trap)?;
    assert!(chain.storage(contract).keys(&[]).is_empty());
    match trap {
        Trap::OutOfGas => assert_eq!(ended.gas_used(), gas),
        _ => assert!(ended.gas_used() < gas),
    }
    Ok(())
}

#[test]
fn a_loop_without_end_runs_out_of_gas() -> Result {
    traps("spin", 200_000, Trap::OutOfGas)
}

#[test]
fn keys_without_end_run_out_of_gas() -> Result {
    traps("storage_bomb", 2_000_000, Trap::OutOfGas)
}

#[test]
fn a_bomb_without_the_gas_for_it_runs_out() -> Result {
    traps("memory_bomb", 200_000, Trap::OutOfGas)
}

#[test]
fn a_wild_pointer_is_out_of_bounds() -> Result {
    traps("wild_pointer", 1_000_000, Trap::MemoryOutOfBounds)
}

#[test]
fn a_huge_key_is_misuse() -> Result {
    let (mut chain, alice, contract) = misbehaving()?;
    chain.call(alice, contract, ("huge_key",)).misuses(Misuse::LimitExceeded)?;
    Ok(())
}

#[test]
fn an_unknown_flag_is_misuse() -> Result {
    let (mut chain, alice, contract) = misbehaving()?;
    chain.call(alice, contract, ("unknown_flag",)).misuses(Misuse::BadArgument)?;
    Ok(())
}

#[test]
fn writes_before_a_revert_are_undone() -> Result {
    let (mut chain, alice, contract) = misbehaving()?;
    chain
        .call(alice, contract, ("revert_after_writes", 3u32))
        .reverts_with("after writes")?
        .event_count(0)?;
    assert!(chain.storage(contract).keys(&[]).is_empty());
    Ok(())
}

#[test]
fn writes_before_a_trap_are_undone() -> Result {
    let (mut chain, alice, contract) = misbehaving()?;
    chain.call(alice, contract, ("trap_after_writes", 3u32)).traps(Trap::Unreachable)?.event_count(0)?;
    assert!(chain.storage(contract).keys(&[]).is_empty());
    Ok(())
}

#[test]
fn a_static_call_cannot_write() -> Result {
    let (mut chain, alice, contract) = misbehaving()?;
    // 2: TRAPPED.
    assert_eq!(chain.call(alice, contract, ("loud_static",)).ok()?.output::<u32>()?, 2);
    Ok(())
}

#[test]
fn recursion_within_the_stack_returns() -> Result {
    let (mut chain, alice, contract) = misbehaving()?;
    assert_eq!(chain.call(alice, contract, ("recurse", 100u32)).ok()?.output::<u64>()?, 5_050);
    Ok(())
}

#[test]
fn a_ladder_ends_at_64_frames() -> Result {
    let (mut chain, alice, contract) = misbehaving()?;
    let climbed = chain.call(alice, contract, ("ladder", 0u32)).ok()?;
    // 5: DEPTH.
    assert_eq!(climbed.output::<(u32, u32)>()?, (64, 5));
    Ok(())
}

#[test]
fn what_is_set_is_there() -> Result {
    let (mut chain, alice, contract) = misbehaving()?;
    chain.call(alice, contract, ("set", 7u32, vec![1u8, 2])).ok()?;
    assert_eq!(chain.view::<Option<Vec<u8>>>(contract, ("get", 7u32))?, Some(vec![1, 2]));
    assert_eq!(chain.view::<Option<Vec<u8>>>(contract, ("get", 8u32))?, None);
    assert_eq!(chain.storage(contract).keys(&[]).len(), 1);
    Ok(())
}
