//! `counter`.

use super::{contract, people};
use lockstep_test::*;

fn counter(start: u64) -> Result<(Chain, [Address; 3], Address)> {
    let (mut chain, people) = people();
    let counter = chain.deploy(people[0], contract!("counter"), ("init", start))?;
    Ok((chain, people, counter))
}

#[test]
fn it_counts() -> Result {
    let (mut chain, [alice, bob, _], counter) = counter(40)?;
    let counted = chain.call(bob, counter, ("increment", 2u64)).ok()?;
    assert_eq!(counted.output::<u64>()?, 42);
    counted.event(counter, "Incremented")?.is((bob, 2u64, 42u64))?.topics(&[bob])?;
    assert_eq!(chain.view::<Option<u64>>(counter, ("count",))?, Some(42));
    assert_eq!(chain.view::<Option<u64>>(counter, ("last", bob))?, Some(42));
    assert_eq!(chain.view::<Option<u64>>(counter, ("last", alice))?, None);
    Ok(())
}

#[test]
fn it_does_not_wrap() -> Result {
    let (mut chain, [alice, ..], counter) = counter(u64::MAX - 1)?;
    chain.call(alice, counter, ("increment", 2u64)).reverts_with("overflow")?;
    chain.call(alice, counter, ("increment", 1u64)).ok()?;
    chain.call(alice, counter, ("increment", 0u64)).ok()?;
    Ok(())
}

#[test]
fn its_maker_stops_it() -> Result {
    let (mut chain, [alice, bob, _], counter) = counter(0)?;
    chain.call(bob, counter, ("stop",)).reverts_with("owner")?;
    chain.call(alice, counter, ("stop",)).ok()?;
    chain.call(bob, counter, ("increment", 1u64)).reverts_with("stopped")?;
    assert_eq!(chain.view::<Option<u64>>(counter, ("count",))?, None);
    Ok(())
}

#[test]
fn a_view_is_not_kept() -> Result {
    let (mut chain, _, counter) = counter(5)?;
    let (root, receipts) = (chain.root(), chain.receipts());
    assert_eq!(chain.view::<u64>(counter, ("increment", 1u64))?, 6);
    assert_eq!(chain.view::<u64>(counter, ("increment", 1u64))?, 6);
    assert_eq!((chain.root(), chain.receipts()), (root, receipts));
    Ok(())
}

#[test]
fn a_failed_deploy_leaves_no_account() -> Result {
    let (mut chain, [alice, ..]) = people();
    let failure = chain.deploy(alice, contract!("counter"), ("init", 5u8)).unwrap_err().to_string();
    assert!(
        failure.starts_with("init(5) by alice on counter: expected ok, got reverted \"arguments\""),
        "{failure}"
    );
    let address = chain.names().find("counter").unwrap();
    assert_eq!(chain.code_of(address), None);
    chain.call(alice, address, ("count",)).misuses(Misuse::BadArgument)?;
    Ok(())
}
