//! `amm`: liquidity, swaps, and calls of tokens that fail.

use super::chain::{ALICE, BOB, CAROL, Chain, input};
use super::token::{self, balance};
use lockstep_host_env::Address;

struct Market {
    chain: Chain,
    gold: Address,
    iron: Address,
    amm: Address,
}

/// Alice and Bob have 100,000 of both tokens, and approved them to the market.
fn market() -> Market {
    let chain = Chain::default();
    let [gold, iron] = [1, 2].map(|salt| token::deploy(&chain, 200_000, salt));
    let amm = chain.deploy(CAROL, "amm", 0, input("init", (gold, iron)));
    for token in [gold, iron] {
        chain.call(ALICE, token, "transfer", (BOB, 100_000_u128)).ok();
        for owner in [ALICE, BOB] {
            chain.call(owner, token, "approve", (amm, u128::MAX)).ok();
        }
    }
    Market { chain, gold, iron, amm }
}

impl Market {
    #[track_caller]
    fn reserves(&self) -> (u128, u128) {
        let reserves = self.chain.call(CAROL, self.amm, "reserves", ()).result();
        let (gold, iron) = (self.balance(self.gold, self.amm), self.balance(self.iron, self.amm));
        assert_eq!(reserves, (gold, iron), "it owns what it thinks it owns");
        reserves
    }

    fn balance(&self, token: Address, of: Address) -> u128 {
        balance(&self.chain, token, of)
    }

    fn shares(&self, of: Address) -> u128 {
        self.chain.call(CAROL, self.amm, "shares_of", of).result()
    }
}

#[test]
fn liquidity_comes_and_goes() {
    let m = market();
    let (chain, amm) = (&m.chain, m.amm);
    // The root of 10,000 * 40,000, less those that nobody gets.
    let done = chain.call(ALICE, amm, "add_liquidity", (10_000_u128, 40_000_u128, 19_000_u128));
    let done = done.event(0, amm, "LiquidityAdded", &[ALICE], (ALICE, 10_000_u128, 40_000_u128, 19_000_u128));
    assert_eq!(done.result::<u128>(), 19_000);
    assert_eq!(m.reserves(), (10_000, 40_000));
    // Bob brings too much iron; what the price does not ask for stays his.
    let shares: u128 = chain.call(BOB, amm, "add_liquidity", (1_000_u128, 99_000_u128, 0_u128)).result();
    assert_eq!((shares, m.reserves()), (2_000, (11_000, 44_000)));
    // And too much gold.
    let shares: u128 = chain.call(BOB, amm, "add_liquidity", (90_000_u128, 4_000_u128, 0_u128)).result();
    assert_eq!((shares, m.reserves()), (2_000, (12_000, 48_000)));
    chain.call(BOB, amm, "add_liquidity", (1_000_u128, 4_000_u128, 2_001_u128)).reverts("least");

    chain.call(BOB, amm, "remove_liquidity", (4_001_u128, 0_u128, 0_u128)).reverts("shares");
    chain.call(BOB, amm, "remove_liquidity", (0_u128, 0_u128, 0_u128)).reverts("shares");
    chain.call(BOB, amm, "remove_liquidity", (4_000_u128, 2_001_u128, 0_u128)).reverts("least");
    let done = chain.call(BOB, amm, "remove_liquidity", (4_000_u128, 2_000_u128, 8_000_u128));
    assert_eq!(done.result::<(u128, u128)>(), (2_000, 8_000));
    assert_eq!([m.balance(m.gold, BOB), m.balance(m.iron, BOB), m.shares(BOB)], [100_000, 100_000, 0]);
    assert_eq!(chain.call(BOB, amm, "total_shares", ()).result::<u128>(), 20_000);
}

#[test]
fn a_swap_keeps_the_product() {
    let m = market();
    let (chain, amm) = (&m.chain, m.amm);
    chain.call(BOB, amm, "swap", (m.gold, 100_u128, 0_u128)).reverts("liquidity");
    chain.call(ALICE, amm, "add_liquidity", (10_000_u128, 40_000_u128, 0_u128)).ok();
    // 1,000 less 0.3 % is 997; 40,000 * 997 / 10,997 = 3,626.
    assert_eq!(chain.call(BOB, amm, "quote", (m.gold, 1_000_u128)).result::<u128>(), 3_626);
    chain.call(BOB, amm, "swap", (m.gold, 1_000_u128, 3_627_u128)).reverts("least");
    let done = chain.call(BOB, amm, "swap", (m.gold, 1_000_u128, 3_626_u128));
    let done = done.event(0, amm, "Swapped", &[BOB, m.gold], (BOB, m.gold, 1_000_u128, 3_626_u128));
    let done = done.event(1, m.gold, "Transfer", &[BOB, amm], (BOB, amm, 1_000_u128));
    let done = done.event(2, m.iron, "Transfer", &[amm, BOB], (amm, BOB, 3_626_u128));
    assert_eq!(done.result::<u128>(), 3_626);
    assert_eq!(m.reserves(), (11_000, 36_374));
    assert_eq!([m.balance(m.gold, BOB), m.balance(m.iron, BOB)], [99_000, 103_626]);
    let mut product = 11_000 * 36_374;
    for (token, amount) in [(m.iron, 7_u128), (m.gold, 12_345), (m.iron, 40_000), (m.gold, 3)] {
        if chain.call(BOB, amm, "quote", (token, amount)).result::<u128>() == 0 {
            chain.call(BOB, amm, "swap", (token, amount, 0_u128)).reverts("least");
            continue;
        }
        chain.call(BOB, amm, "swap", (token, amount, 0_u128)).ok();
        let (gold, iron) = m.reserves();
        assert!(gold * iron >= product);
        product = gold * iron;
    }
    chain.call(BOB, amm, "swap", (CAROL, 1_u128, 0_u128)).reverts("token");
}

#[test]
fn a_token_that_refuses_undoes_all() {
    let m = market();
    let (chain, amm) = (&m.chain, m.amm);
    chain.call(ALICE, amm, "add_liquidity", (10_000_u128, 40_000_u128, 0_u128)).ok();
    // The first token is taken, the second refuses.
    chain.call(BOB, m.iron, "approve", (amm, 3_999_u128)).ok();
    chain.call(BOB, amm, "add_liquidity", (1_000_u128, 4_000_u128, 0_u128)).reverts("allowance");
    chain.call(BOB, amm, "swap", (m.gold, 100_001_u128, 0_u128)).reverts("balance");
    chain.call(CAROL, amm, "swap", (m.gold, 100_u128, 0_u128)).reverts("allowance");
    assert_eq!(m.reserves(), (10_000, 40_000));
    // Tokens that are none.
    let code_hash = chain.upload("amm");
    chain.create(ALICE, code_hash, 1, input("init", (m.gold, m.gold))).reverts("same token");
    let none = chain.create(ALICE, code_hash, 2, input("init", (BOB, CAROL))).ok().receipt().created.unwrap();
    chain.call(ALICE, none, "add_liquidity", (5_000_u128, 5_000_u128, 0_u128)).reverts("call failed");
}

#[test]
fn amounts_may_be_as_large_as_they_are() {
    let chain = Chain::default();
    let [gold, iron] = [1, 2].map(|salt| token::deploy(&chain, u128::MAX, salt));
    let amm = chain.deploy(CAROL, "amm", 0, input("init", (gold, iron)));
    for token in [gold, iron] {
        chain.call(ALICE, token, "approve", (amm, u128::MAX)).ok();
    }
    let (a, b) = (u128::MAX - 1_000_000, u128::MAX / 2);
    let add = chain.call(ALICE, amm, "add_liquidity", (a, b, 0_u128));
    // The root of a * b, by halves: floor(sqrt((2^128 - 1,000,001) * (2^127 - 1))) - 1,000, computed by other means.
    assert_eq!(add.result::<u128>(), 240_615_969_168_004_511_545_033_772_477_624_702_372);
    chain.call(ALICE, amm, "swap", (gold, 1_000_001_u128, 0_u128)).reverts("overflow");
    // b * 997,000 / (a + 997,000)
    assert_eq!(chain.call(ALICE, amm, "swap", (gold, 1_000_000_u128, 0_u128)).result::<u128>(), 498_500);
    chain.call(ALICE, amm, "remove_liquidity", (10_u128.pow(38), 0_u128, 0_u128)).ok();
}
