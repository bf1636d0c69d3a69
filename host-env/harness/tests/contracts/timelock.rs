//! `timelock`, which is written in C.

use super::{contract, people};
use lockstep_test::*;

/// Bob gets 300 at height 10.
fn lock() -> Result<(Chain, [Address; 3], Address)> {
    let (mut chain, people) = people();
    let lock = chain.deploy(people[0], contract!("timelock"), ("init", people[1], 10u64))?;
    chain.call(people[0], lock, ("deposit",)).value(300).ok()?.event_count(0)?;
    Ok((chain, people, lock))
}

#[test]
fn it_pays_when_it_is_time() -> Result {
    let (mut chain, [alice, bob, _], lock) = lock()?;
    assert_eq!(chain.view::<Address>(lock, ("beneficiary",))?, bob);
    assert_eq!(chain.view::<u64>(lock, ("height",))?, 10);
    chain.advance(8.blocks());
    assert_eq!(chain.height(), 9);
    chain.call(bob, lock, ("release",)).reverts_with("locked")?;
    chain.advance(1.blocks());
    let released = chain.call(alice, lock, ("release",)).ok()?;
    released.event_count(1)?.event(lock, "Released")?.is((bob, 300u128))?.topics(&[bob])?;
    assert_eq!(released.output::<u128>()?, 300);
    assert_eq!((chain.balance(lock), chain.balance(bob)), (0, 1_300));
    chain.call(bob, lock, ("release",)).reverts_with("nothing")?;
    released.gas_at_most(600_000)?;
    Ok(())
}

#[test]
fn it_can_be_filled_again() -> Result {
    let (mut chain, [alice, bob, carol], lock) = lock()?;
    chain.advance(9.blocks());
    chain.call(carol, lock, ("release",)).ok()?;
    chain.call(alice, lock, ("deposit",)).value(7).ok()?;
    assert_eq!(chain.call(carol, lock, ("release",)).ok()?.output::<u128>()?, 7);
    assert_eq!(chain.balance(bob), 1_307);
    Ok(())
}

#[test]
fn what_is_no_call_reverts() -> Result {
    let (mut chain, [alice, ..], lock) = lock()?;
    chain.call(alice, lock, ("release", 1u8)).reverts_with("arguments")?;
    chain.call(alice, lock, ("init", alice, 0u64)).reverts_with("no such function")?;
    chain.call(alice, lock, Bytes(b"rel".to_vec())).reverts_with("no such function")?;
    chain.call(alice, lock, ("height",)).value(1).reverts_with("value")?;
    for (input, why) in [
        (("init", alice).said(), "arguments"),
        (("release",).said(), "no such function"),
        (Said::default(), "no such function"),
    ] {
        let text = chain.deploy(alice, contract!("timelock"), input).unwrap_err().to_string();
        assert!(text.contains(&format!("got reverted {why:?}")), "{text}");
    }
    Ok(())
}
