//! `token`.

use super::{contract, people};
use lockstep_test::*;
use proptest::prelude::*;

/// Alice's token, of which there are 500.
pub(crate) fn token() -> Result<(Chain, [Address; 3], Address)> {
    let (mut chain, people) = people();
    let token = chain.deploy(people[0], contract!("token"), ("init", "Gold", 500u128))?;
    Ok((chain, people, token))
}

#[test]
fn its_maker_has_the_supply() -> Result {
    let (mut chain, [alice, bob, _], token) = token()?;
    assert_eq!(chain.view::<u128>(token, ("balance_of", alice))?, 500);
    assert_eq!(chain.view::<u128>(token, ("balance_of", bob))?, 0);
    assert_eq!(chain.view::<u128>(token, ("total_supply",))?, 500);
    assert_eq!(chain.view::<String>(token, ("name",))?, "Gold");
    assert_eq!(chain.storage(token).get(("minter",))?, Some(alice));
    Ok(())
}

#[test]
fn a_transfer_is_an_event() -> Result {
    let (mut chain, [alice, bob, _], token) = token()?;
    let paid = chain.call(alice, token, ("transfer", bob, 200u128)).ok()?;
    paid.event_count(1)?.event(token, "Transfer")?.is((alice, bob, 200u128))?.topics(&[alice, bob])?;
    assert_eq!(chain.storage(token).get(("balance", bob))?, Some(200u128));
    Ok(())
}

#[test]
fn nobody_pays_more_than_there_is() -> Result {
    let (mut chain, [alice, bob, carol], token) = token()?;
    chain.call(alice, token, ("transfer", bob, 501u128)).reverts_with("balance")?.event_count(0)?;
    chain.call(bob, token, ("transfer", carol, 1u128)).reverts_with("balance")?;
    chain.call(alice, token, ("transfer", bob, u128::MAX)).reverts_with("balance")?;
    assert_eq!(chain.view::<u128>(token, ("balance_of", alice))?, 500);
    Ok(())
}

#[test]
fn to_oneself_changes_nothing() -> Result {
    let (mut chain, [alice, ..], token) = token()?;
    chain.call(alice, token, ("transfer", alice, 500u128)).ok()?;
    chain.call(alice, token, ("transfer", alice, 501u128)).reverts_with("balance")?;
    assert_eq!(chain.storage(token).get(("balance", alice))?, Some(500u128));
    Ok(())
}

#[test]
fn nothing_is_not_kept() -> Result {
    let (mut chain, [alice, bob, _], token) = token()?;
    chain.call(alice, token, ("transfer", bob, 500u128)).ok()?;
    assert_eq!(chain.storage(token).get::<u128>(("balance", alice))?, None);
    chain.call(alice, token, ("transfer", bob, 0u128)).ok()?;
    assert_eq!(chain.storage(token).get::<u128>(("balance", alice))?, None);
    Ok(())
}

#[test]
fn an_allowance_is_spent_once() -> Result {
    let (mut chain, [alice, bob, carol], token) = token()?;
    let approved = chain.call(alice, token, ("approve", bob, 100u128)).ok()?;
    approved.event(token, "Approval")?.is((alice, bob, 100u128))?;
    let before = chain.snapshot();
    let paid = chain.call(bob, token, ("transfer_from", alice, carol, 60u128)).gas(3_000_000).ok()?;
    paid.event(token, "Transfer")?.is((alice, carol, 60u128))?;
    assert_eq!(chain.storage(token).get(("allowance", alice, bob))?, Some(40u128));
    chain.call(bob, token, ("transfer_from", alice, carol, 60u128)).reverts_with("allowance")?;
    chain.restore(&before);
    chain.advance(10.blocks()).advance(1.hours());
    chain.call(bob, token, ("transfer_from", alice, carol, 100u128)).on_every_engine()?.same_receipt()
}

#[test]
fn an_allowance_is_replaced() -> Result {
    let (mut chain, [alice, bob, carol], token) = token()?;
    chain.call(alice, token, ("approve", bob, 100u128)).ok()?;
    chain.call(alice, token, ("approve", bob, 5u128)).ok()?;
    chain.call(bob, token, ("transfer_from", alice, carol, 6u128)).reverts_with("allowance")?;
    chain.call(bob, token, ("transfer_from", alice, carol, 5u128)).ok()?;
    assert_eq!(chain.view::<u128>(token, ("allowance", alice, bob))?, 0);
    Ok(())
}

#[test]
fn an_allowance_is_no_balance() -> Result {
    let (mut chain, [alice, bob, carol], token) = token()?;
    chain.call(alice, token, ("approve", bob, u128::MAX)).ok()?;
    chain.call(bob, token, ("transfer_from", alice, carol, 501u128)).reverts_with("balance")?;
    assert_eq!(chain.storage(token).get(("allowance", alice, bob))?, Some(u128::MAX), "undone with the rest");
    Ok(())
}

#[test]
fn an_allowance_is_one_spenders() -> Result {
    let (mut chain, [alice, bob, carol], token) = token()?;
    chain.call(alice, token, ("approve", bob, 100u128)).ok()?;
    chain.call(carol, token, ("transfer_from", alice, carol, 1u128)).reverts_with("allowance")?;
    chain.call(alice, token, ("transfer_from", alice, carol, 1u128)).reverts_with("allowance")?;
    Ok(())
}

#[test]
fn only_its_maker_mints() -> Result {
    let (mut chain, [alice, bob, _], token) = token()?;
    chain.call(bob, token, ("mint", bob, 1u128)).reverts_with("minter")?;
    chain.call(alice, token, ("mint", bob, 7u128)).ok()?;
    assert_eq!(chain.view::<u128>(token, ("total_supply",))?, 507);
    Ok(())
}

#[test]
fn a_supply_fits() -> Result {
    let (mut chain, [alice, bob, _], token) = token()?;
    chain.call(alice, token, ("mint", bob, u128::MAX - 499)).reverts_with("supply")?;
    chain.call(alice, token, ("mint", bob, u128::MAX - 500)).ok()?;
    assert_eq!(chain.view::<u128>(token, ("total_supply",))?, u128::MAX);
    Ok(())
}

#[test]
fn what_is_burnt_is_gone() -> Result {
    let (mut chain, [alice, ..], token) = token()?;
    chain.call(alice, token, ("burn", 501u128)).reverts_with("balance")?;
    let burnt = chain.call(alice, token, ("burn", 200u128)).ok()?;
    burnt.event(token, "Transfer")?.is((alice, Address::default(), 200u128))?;
    assert_eq!(chain.view::<u128>(token, ("total_supply",))?, 300);
    Ok(())
}

#[test]
fn it_takes_no_value() -> Result {
    let (mut chain, [alice, bob, _], token) = token()?;
    chain.call(alice, token, ("transfer", bob, 1u128)).value(10).reverts_with("value")?;
    assert_eq!(chain.balance(alice), 1_000);
    Ok(())
}

#[test]
fn what_is_no_call_reverts() -> Result {
    let (mut chain, [alice, bob, _], token) = token()?;
    chain.call(alice, token, ("transfer", bob)).reverts_with("arguments")?;
    chain.call(alice, token, ("transfer", bob, 1u128, 0u8)).reverts_with("arguments")?;
    chain.call(alice, token, ("init", "Iron", 1u128)).reverts_with("no such function")?;
    chain.call(alice, token, Bytes(vec![1, 2, 3])).reverts_with("no such function")?;
    chain.call(alice, token, ()).reverts_with("no such function")?;
    Ok(())
}

#[test]
fn two_tokens_know_nothing_of_each_other() -> Result {
    let (mut chain, [alice, bob, _], gold) = token()?;
    let iron = chain.deploy(bob, contract!("token"), ("init", "Iron", 9u128))?;
    assert_ne!(gold, iron);
    assert_eq!(chain.names().find("token-2"), Some(iron));
    chain.call(alice, iron, ("transfer", bob, 1u128)).reverts_with("balance")?;
    assert_eq!(chain.view::<u128>(iron, ("balance_of", bob))?, 9);
    Ok(())
}

#[test]
fn too_little_gas_leaves_nothing() -> Result {
    let (mut chain, [alice, bob, _], token) = token()?;
    let used = chain.view_gas(token, alice, bob)?;
    let root = chain.storage(token).keys(&[]);
    for gas in [used - 1, used / 2] {
        let ended = chain.call(alice, token, ("transfer", bob, 1u128)).gas(gas).run()?;
        assert_eq!(ended.status(), Status::Trapped(Trap::OutOfGas), "{gas}");
        assert_eq!(ended.gas_used(), gas);
    }
    assert_eq!(chain.storage(token).keys(&[]), root);
    chain.call(alice, token, ("transfer", bob, 1u128)).gas(used).ok()?;
    chain.call(alice, token, ("transfer", bob, 1u128)).gas(1_000).rejected(Rejected::Gas)
}

trait ViewGas {
    fn view_gas(&mut self, token: Address, from: Address, to: Address) -> Result<u64>;
}

impl ViewGas for Chain {
    /// The gas of a transfer of 1 that is not kept.
    fn view_gas(&mut self, token: Address, from: Address, to: Address) -> Result<u64> {
        let before = self.snapshot();
        let used = self.call(from, token, ("transfer", to, 1u128)).ok()?.gas_used();
        self.restore(&before);
        Ok(used)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// A snapshot is a value: each case begins at the same one, and shrinks from there.
    #[test]
    fn no_sequence_of_payments_makes_or_loses_anything(
        payments in prop::collection::vec((0..3usize, 0..3usize, 0..300u128), 1..8)
    ) {
        let (mut chain, people, token) = token().unwrap();
        let start = chain.snapshot();
        let mut owned = [500u128, 0, 0];
        for (from, to, amount) in payments {
            let call = chain.call(people[from], token, ("transfer", people[to], amount));
            if owned[from] >= amount {
                call.ok().unwrap();
                owned[from] -= amount;
                owned[to] += amount;
            } else {
                call.reverts_with("balance").unwrap();
            }
        }
        for (who, owned) in people.into_iter().zip(owned) {
            prop_assert_eq!(chain.view::<u128>(token, ("balance_of", who)).unwrap(), owned);
        }
        chain.restore(&start);
        prop_assert_eq!(chain.view::<u128>(token, ("balance_of", people[0])).unwrap(), 500);
    }
}
