//! `token`: supply, balances, allowances, events.

use super::chain::{ALICE, BOB, CAROL, Chain, Done, NOBODY, input};
use lockstep_host_env::Address;
use proptest::prelude::*;

pub(crate) fn deploy(chain: &Chain, supply: u128, salt: u8) -> Address {
    chain.deploy(ALICE, "token", salt, input("init", ("Gold", supply)))
}

pub(crate) fn balance(chain: &Chain, token: Address, of: Address) -> u128 {
    chain.call(CAROL, token, "balance_of", of).result()
}

#[test]
fn the_supply_goes_to_the_maker() {
    let chain = Chain::default();
    let code_hash = chain.upload("token");
    let done = chain.create(ALICE, code_hash, 0, input("init", ("Gold", 500_u128)));
    let token = done.receipt().created.unwrap();
    done.ok().event(0, token, "Transfer", &[NOBODY, ALICE], (NOBODY, ALICE, 500_u128));
    assert_eq!(chain.call(BOB, token, "name", ()).result::<String>(), "Gold");
    assert_eq!(chain.call(BOB, token, "total_supply", ()).result::<u128>(), 500);
    assert_eq!(balance(&chain, token, ALICE), 500);
    assert_eq!(chain.kept(token, ("balance", ALICE)), Some(500_u128));
}

#[test]
fn a_transfer_moves_what_is_there() {
    let chain = Chain::default();
    let token = deploy(&chain, 500, 0);
    let done = chain.call(ALICE, token, "transfer", (BOB, 200_u128)).ok();
    done.event(0, token, "Transfer", &[ALICE, BOB], (ALICE, BOB, 200_u128));
    chain.call(BOB, token, "transfer", (CAROL, 201_u128)).reverts("balance");
    // To oneself it changes nothing, and takes as much.
    chain.call(BOB, token, "transfer", (BOB, 201_u128)).reverts("balance");
    chain.call(BOB, token, "transfer", (BOB, 200_u128)).ok();
    assert_eq!([ALICE, BOB, CAROL].map(|of| balance(&chain, token, of)), [300, 200, 0]);
    // What is 0 is not kept.
    chain.call(BOB, token, "transfer", (CAROL, 200_u128)).ok();
    assert_eq!(chain.kept::<u128>(token, ("balance", BOB)), None);
}

#[test]
fn an_allowance_is_spent_once() {
    let chain = Chain::default();
    let token = deploy(&chain, 500, 0);
    let done = chain.call(ALICE, token, "approve", (BOB, 100_u128)).ok();
    done.event(0, token, "Approval", &[ALICE, BOB], (ALICE, BOB, 100_u128));
    let spend = |amount: u128| chain.call(BOB, token, "transfer_from", (ALICE, CAROL, amount));
    spend(101).reverts("allowance");
    spend(60).ok().event(0, token, "Transfer", &[ALICE, CAROL], (ALICE, CAROL, 60_u128));
    assert_eq!(chain.kept(token, ("allowance", ALICE, BOB)), Some(40_u128));
    spend(60).reverts("allowance");
    spend(40).ok();
    assert_eq!(chain.call(ALICE, token, "allowance", (ALICE, BOB)).result::<u128>(), 0);
    assert_eq!(chain.kept::<u128>(token, ("allowance", ALICE, BOB)), None);
    // An allowance is no balance.
    chain.call(ALICE, token, "approve", (BOB, u128::MAX)).ok();
    spend(401).reverts("balance");
    assert_eq!(chain.kept(token, ("allowance", ALICE, BOB)), Some(u128::MAX));
}

#[test]
fn only_its_maker_mints() {
    let chain = Chain::default();
    let token = deploy(&chain, 500, 0);
    chain.call(BOB, token, "mint", (BOB, 1_u128)).reverts("minter");
    let done = chain.call(ALICE, token, "mint", (BOB, 5_u128)).ok();
    done.event(0, token, "Transfer", &[NOBODY, BOB], (NOBODY, BOB, 5_u128));
    chain.call(ALICE, token, "mint", (BOB, u128::MAX - 504)).reverts("supply");
    chain.call(BOB, token, "burn", 6_u128).reverts("balance");
    let done = chain.call(BOB, token, "burn", 2_u128).ok();
    done.event(0, token, "Transfer", &[BOB, NOBODY], (BOB, NOBODY, 2_u128));
    assert_eq!(chain.call(BOB, token, "total_supply", ()).result::<u128>(), 503);
    assert_eq!(balance(&chain, token, BOB), 3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// Against three numbers and nine allowances.
    #[test]
    fn it_does_what_a_table_does(steps in prop::collection::vec((0..3_usize, 0..3_usize, 0..3_usize, 0..40_u128, 0..4_u8), 1..24)) {
        let people = [ALICE, BOB, CAROL];
        let chain = Chain::default();
        let token = deploy(&chain, 100, 0);
        let (mut balances, mut allowances) = ([100_u128, 0, 0], [[0_u128; 3]; 3]);
        for (sender, from, to, amount, what) in steps {
            let call = |name, arguments: Vec<u8>| chain.call_with(people[sender], token, 0, super::chain::GAS, input(name, Raw(arguments)));
            let pay = |balances: &mut [u128; 3], from: usize| -> Option<()> {
                balances[from] = balances[from].checked_sub(amount)?;
                balances[to] += amount;
                Some(())
            };
            let (done, expected): (Done, Option<()>) = match what {
                0 => (call("approve", (people[to], amount).encode()), { allowances[sender][to] = amount; Some(()) }),
                1 => {
                    let allowed = allowances[from][sender].checked_sub(amount);
                    let paid = allowed.and_then(|left| pay(&mut balances, from).map(|()| allowances[from][sender] = left));
                    (call("transfer_from", (people[from], people[to], amount).encode()), paid)
                }
                _ => (call("transfer", (people[to], amount).encode()), pay(&mut balances, sender)),
            };
            prop_assert_eq!(done.receipt().status == lockstep_host_env::Status::Ok, expected.is_some());
        }
        for (at, of) in people.into_iter().enumerate() {
            prop_assert_eq!(chain.kept::<u128>(token, ("balance", of)).unwrap_or(0), balances[at]);
            for (by, spender) in people.into_iter().enumerate() {
                let kept = chain.kept::<u128>(token, ("allowance", of, spender)).unwrap_or(0);
                prop_assert_eq!(kept, allowances[at][by]);
            }
        }
    }
}

use codec::Encode;

/// Bytes that are encoded already.
struct Raw(Vec<u8>);

impl Encode for Raw {
    fn encode_to<T: codec::Output + ?Sized>(&self, dest: &mut T) {
        dest.write(&self.0);
    }
}
