//! `amm`: a contract that calls two others.

use super::{contract, people};
use lockstep_test::*;

struct Market {
    chain: Chain,
    alice: Address,
    bob: Address,
    carol: Address,
    gold: Address,
    iron: Address,
    amm: Address,
}

/// Alice and Bob have 100,000 of gold and of iron, and approved them to the market. It has 10,000 and 40,000.
fn market() -> Result<Market> {
    let (mut chain, [alice, bob, carol]) = people();
    let gold = chain.deploy(alice, contract!("token"), ("init", "Gold", 200_000u128))?;
    let iron = chain.deploy(alice, contract!("token"), ("init", "Iron", 200_000u128))?;
    let amm = chain.deploy(carol, contract!("amm"), ("init", gold, iron))?;
    for token in [gold, iron] {
        chain.call(alice, token, ("transfer", bob, 100_000u128)).ok()?;
        for owner in [alice, bob] {
            chain.call(owner, token, ("approve", amm, u128::MAX)).ok()?;
        }
    }
    chain.call(alice, amm, ("add_liquidity", 10_000u128, 40_000u128, 0u128)).ok()?;
    Ok(Market { chain, alice, bob, carol, gold, iron, amm })
}

impl Market {
    fn reserves(&mut self) -> Result<(u128, u128)> {
        let reserves = self.chain.view(self.amm, ("reserves",))?;
        let owned = (
            self.chain.view(self.gold, ("balance_of", self.amm))?,
            self.chain.view(self.iron, ("balance_of", self.amm))?,
        );
        assert_eq!(reserves, owned, "it owns what it thinks it owns");
        Ok(reserves)
    }
}

#[test]
fn liquidity_is_shares() -> Result {
    let mut m = market()?;
    assert_eq!(m.chain.view::<u128>(m.amm, ("shares_of", m.alice))?, 19_000);
    assert_eq!(m.chain.view::<u128>(m.amm, ("total_shares",))?, 20_000);
    assert_eq!(m.chain.view::<(Address, Address)>(m.amm, ("tokens",))?, (m.gold, m.iron));
    assert_eq!(m.reserves()?, (10_000, 40_000));
    Ok(())
}

#[test]
fn a_swap_costs_three_per_mille() -> Result {
    let mut m = market()?;
    // 1,000 less 0.3 % is 997; 40,000 * 997 / 10,997 = 3,626.
    assert_eq!(m.chain.view::<u128>(m.amm, ("quote", m.gold, 1_000u128))?, 3_626);
    let swapped = m.chain.call(m.bob, m.amm, ("swap", m.gold, 1_000u128, 3_626u128)).ok()?;
    assert_eq!(swapped.output::<u128>()?, 3_626);
    swapped.event(m.amm, "Swapped")?.is((m.bob, m.gold, 1_000u128, 3_626u128))?;
    swapped.event(m.gold, "Transfer")?.is((m.bob, m.amm, 1_000u128))?;
    swapped.event(m.iron, "Transfer")?.is((m.amm, m.bob, 3_626u128))?;
    swapped.event_count(3)?;
    assert_eq!(m.reserves()?, (11_000, 36_374));
    Ok(())
}

#[test]
fn a_price_that_moved_is_refused() -> Result {
    let mut m = market()?;
    m.chain.call(m.bob, m.amm, ("swap", m.gold, 1_000u128, 3_627u128)).reverts_with("least")?;
    m.chain.call(m.alice, m.amm, ("swap", m.gold, 10u128, 0u128)).ok()?;
    m.chain.call(m.bob, m.amm, ("swap", m.gold, 1_000u128, 3_626u128)).reverts_with("least")?;
    Ok(())
}

#[test]
fn the_product_never_falls() -> Result {
    let mut m = market()?;
    let mut product = 10_000 * 40_000;
    for (token, amount) in [(m.iron, 7u128), (m.gold, 12_345), (m.iron, 40_000), (m.gold, 3)] {
        if m.chain.view::<u128>(m.amm, ("quote", token, amount))? == 0 {
            continue;
        }
        m.chain.call(m.bob, m.amm, ("swap", token, amount, 0u128)).ok()?;
        let (gold, iron) = m.reserves()?;
        assert!(gold * iron >= product);
        product = gold * iron;
    }
    Ok(())
}

#[test]
fn a_token_that_is_neither_is_refused() -> Result {
    let mut m = market()?;
    m.chain.call(m.bob, m.amm, ("swap", m.carol, 1u128, 0u128)).reverts_with("token")?;
    m.chain.deploy(m.carol, contract!("amm"), ("init", m.gold, m.gold)).unwrap_err();
    Ok(())
}

#[test]
fn what_a_token_refuses_undoes_all() -> Result {
    let mut m = market()?;
    m.chain.call(m.bob, m.iron, ("approve", m.amm, 3_999u128)).ok()?;
    m.chain.call(m.bob, m.amm, ("add_liquidity", 1_000u128, 4_000u128, 0u128)).reverts_with("allowance")?;
    m.chain.call(m.carol, m.amm, ("swap", m.gold, 100u128, 0u128)).reverts_with("allowance")?;
    assert_eq!(m.chain.view::<u128>(m.gold, ("balance_of", m.bob))?, 100_000);
    assert_eq!(m.reserves()?, (10_000, 40_000));
    Ok(())
}

#[test]
fn liquidity_goes_as_it_came() -> Result {
    let mut m = market()?;
    m.chain.call(m.bob, m.amm, ("add_liquidity", 2_000u128, 99_000u128, 0u128)).ok()?;
    assert_eq!(m.chain.view::<u128>(m.amm, ("shares_of", m.bob))?, 4_000);
    m.chain.call(m.bob, m.amm, ("remove_liquidity", 4_001u128, 0u128, 0u128)).reverts_with("shares")?;
    let removed = m.chain.call(m.bob, m.amm, ("remove_liquidity", 4_000u128, 0u128, 0u128)).ok()?;
    assert_eq!(removed.output::<(u128, u128)>()?, (2_000, 8_000));
    assert_eq!(m.chain.view::<u128>(m.gold, ("balance_of", m.bob))?, 100_000);
    Ok(())
}

#[test]
fn a_nested_revert_is_told_frame_by_frame() -> Result {
    let mut m = market()?;
    let failure =
        m.chain.call(m.carol, m.amm, ("swap", m.gold, 100u128, 0u128)).ok().unwrap_err().to_string();
    assert!(
        failure.starts_with("swap(token, 100, 0) by carol on amm: expected ok, got reverted \"allowance\""),
        "{failure}"
    );
    assert!(failure.contains("storage read  allowance/carol/amm = absent"), "{failure}");
    let outer = failure.find("amm::").expect(&failure);
    let inner = failure.find("token::").expect(&failure);
    assert!(outer < inner, "{failure}");
    Ok(())
}

#[test]
fn a_trace_is_the_tree_of_calls() -> Result {
    let mut m = market()?;
    let swapped = m.chain.call(m.bob, m.amm, ("swap", m.gold, 1_000u128, 0u128)).ok()?;
    let trace = swapped.trace()?;
    let tree = trace.tree(m.chain.names(), false);
    let lines: Vec<&str> = tree.lines().collect();
    assert_eq!(lines.len(), 3, "{tree}");
    assert!(lines[0].starts_with("swap(token, 1000, 0) by bob on amm: ok 3626   gas "), "{tree}");
    assert!(lines[1].starts_with("  transfer_from(") || lines[1].starts_with("  0x"), "{tree}");
    assert!(lines[1].contains(" by amm on token: ok"), "{tree}");
    assert!(lines[2].contains(" by amm on token-2: ok"), "{tree}");
    let with_host = trace.tree(m.chain.names(), true);
    assert!(with_host.contains(". storage_get(key: balance/bob"), "{with_host}");
    assert!(with_host.contains(". event(topics: [") && with_host.contains(". call("), "{with_host}");
    Ok(())
}
