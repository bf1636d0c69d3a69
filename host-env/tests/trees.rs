//! Random trees of calls against a model that copies the whole state at each frame, on every engine.
//!
//! `LOCKSTEP_FUZZ_ITERS` multiplies the number of cases; long runs are in `campaigns.log` of this crate:
//!
//! ```sh
//! LOCKSTEP_FUZZ_ITERS=400 cargo test --release -p lockstep-host-env --test trees
//! ```
#![allow(clippy::disallowed_methods, reason = "a test may read its environment")]

mod support;

use lockstep_host_env::Function as F;
use lockstep_host_env::{
    Action, Address, Database, Environment, Hash, MemoryDatabase, NONE, Status, Tx, created_address,
};
use lockstep_vm::Backend;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use support::{CHAIN, Chain, Step, TRAP, at, engine, script, step, told};

const ACCOUNTS: usize = 3;

#[derive(Clone, Debug)]
enum Do {
    Set(u8, u8),
    Remove(u8),
    Transient(u8, Option<u8>),
    Event(u8),
    Transfer(usize, u8),
    Call { to: usize, allow: bool, value: Option<u8>, frame: Tree },
    Static { to: usize, allow: bool, frame: Tree },
    Delegate { allow: bool, frame: Tree },
    Create { salt: u8, value: Option<u8>, frame: Tree },
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum End {
    Ok,
    Revert,
    Trap,
    Misuse,
}

#[derive(Clone, Debug)]
struct Tree {
    steps: Vec<Do>,
    end: End,
}

fn tree() -> impl Strategy<Value = Tree> {
    let end = || prop_oneof![5 => Just(End::Ok), 1 => Just(End::Revert), 1 => Just(End::Trap), 1 => Just(End::Misuse)];
    let simple = || {
        prop_oneof![
            4 => (0..3_u8, any::<u8>()).prop_map(|(key, value)| Do::Set(key, value)),
            2 => (0..3_u8).prop_map(Do::Remove),
            2 => (0..3_u8, any::<Option<u8>>()).prop_map(|(key, value)| Do::Transient(key, value)),
            1 => any::<u8>().prop_map(Do::Event),
            2 => (0..ACCOUNTS, 0..60_u8).prop_map(|(to, amount)| Do::Transfer(to, amount)),
        ]
    };
    let leaf = (vec(simple(), 0..4), end()).prop_map(|(steps, end)| Tree { steps, end });
    leaf.prop_recursive(4, 40, 5, move |frame| {
        let nested = prop_oneof![
            4 => (0..ACCOUNTS, any::<bool>(), prop::option::of(0..60_u8), frame.clone())
                .prop_map(|(to, allow, value, frame)| Do::Call { to, allow, value, frame }),
            1 => (0..ACCOUNTS, any::<bool>(), frame.clone())
                .prop_map(|(to, allow, frame)| Do::Static { to, allow, frame }),
            1 => (any::<bool>(), frame.clone()).prop_map(|(allow, frame)| Do::Delegate { allow, frame }),
            2 => (0..2_u8, prop::option::of(0..60_u8), frame)
                .prop_map(|(salt, value, frame)| Do::Create { salt, value, frame }),
        ];
        (vec(prop_oneof![1 => simple(), 2 => nested], 1..5), end())
            .prop_map(|(steps, end)| Tree { steps, end })
    })
}

/// The input that makes the script contract do a tree.
fn input(tree: &Tree, accounts: &[Address; ACCOUNTS], code: &[u8; 32]) -> Vec<u8> {
    let mut data = Vec::new();
    let mut put = |bytes: &[u8]| {
        let place = at(data.len() as u32);
        data.extend(bytes);
        place
    };
    let mut steps = Vec::new();
    for done in &tree.steps {
        steps.push(match done {
            Do::Set(key, value) => step(F::StorageSet, &[put(&[*key]), 1, put(&[*value]), 1]),
            Do::Remove(key) => step(F::StorageRemove, &[put(&[*key]), 1]),
            Do::Transient(key, Some(value)) => step(F::TransientSet, &[put(&[*key]), 1, put(&[*value]), 1]),
            Do::Transient(key, None) => step(F::TransientSet, &[put(&[*key]), 1, NONE.into(), 0]),
            Do::Event(byte) => step(F::Event, &[at(0), 0, put(&[*byte]), 1]),
            Do::Transfer(to, amount) => {
                step(F::Transfer, &[put(&accounts[*to].0), put(&u128::from(*amount).to_le_bytes())])
            }
            Do::Call { to, allow, value, frame } => {
                let frame = input(frame, accounts, code);
                let value = value.map_or(NONE.into(), |value| put(&u128::from(value).to_le_bytes()));
                let (to, len) = (put(&accounts[*to].0), frame.len() as u64);
                step(F::Call, &[(*allow).into(), u64::MAX, to, value, put(&frame), len])
            }
            Do::Static { to, allow, frame } => {
                let frame = input(frame, accounts, code);
                let (to, len) = (put(&accounts[*to].0), frame.len() as u64);
                step(F::CallStatic, &[(*allow).into(), u64::MAX, to, put(&frame), len])
            }
            Do::Delegate { allow, frame } => {
                let frame = input(frame, accounts, code);
                let (code, len) = (put(code), frame.len() as u64);
                step(F::CallDelegate, &[(*allow).into(), u64::MAX, code, put(&frame), len])
            }
            Do::Create { salt, value, frame } => {
                let frame = input(frame, accounts, code);
                let value = value.map_or(NONE.into(), |value| put(&u128::from(value).to_le_bytes()));
                let (code, salt, len) = (put(code), put(&[*salt; 32]), frame.len() as u64);
                step(F::Create, &[u64::MAX, code, value, salt, put(&frame), len, put(&[0; 32])])
            }
        });
    }
    match tree.end {
        End::Ok => {}
        End::Revert => steps.push(step(F::Revert, &[at(0), 0])),
        End::Trap => steps.push(Step { function: TRAP, args: vec![] }),
        End::Misuse => steps.push(step(F::StorageLen, &[at(0), 0])),
    }
    script(&steps, &data, 0)
}

#[derive(Clone, Default, PartialEq, Debug)]
struct State {
    storage: BTreeMap<(Address, u8), u8>,
    transient: BTreeMap<(Address, u8), u8>,
    balances: BTreeMap<Address, u64>,
    created: BTreeSet<Address>,
    events: Vec<(Address, u8)>,
}

impl State {
    fn balance(&self, of: Address) -> u64 {
        self.balances.get(&of).copied().unwrap_or(0)
    }

    /// Moves an amount, if there is that much.
    fn pay(&mut self, from: Address, to: Address, amount: u64) -> bool {
        let Some(left) = self.balance(from).checked_sub(amount) else { return false };
        self.balances.insert(from, left);
        *self.balances.entry(to).or_default() += amount;
        true
    }
}

/// What the model knows beside the state.
struct World<'p> {
    accounts: &'p [Address; ACCOUNTS],
    code: Hash,
    /// Which accounts are active, and whether the call that each waits for lets it be entered.
    waiting: Vec<(Address, bool)>,
}

/// What a frame does to the state: its status and, if it ends well, what each step returned.
fn model(
    tree: &Tree,
    account: Address,
    is_static: bool,
    state: &mut State,
    world: &mut World<'_>,
) -> (i64, Vec<i64>) {
    let before = state.clone();
    let mut results = Vec::new();
    world.waiting.push((account, false));
    let mut status = match tree.end {
        End::Ok => 0,
        End::Revert => 1,
        End::Trap | End::Misuse => 2,
    };
    for done in &tree.steps {
        match do_step(done, account, is_static, state, world) {
            Some(result) => results.push(result),
            None => {
                status = 2;
                break;
            }
        }
    }
    world.waiting.pop();
    if status != 0 {
        *state = before;
        results.clear();
    }
    (status, results)
}

/// What a step returns; `None` when it ends the frame.
fn do_step(
    done: &Do,
    account: Address,
    is_static: bool,
    state: &mut State,
    world: &mut World<'_>,
) -> Option<i64> {
    let old = |before: Option<u8>| if before.is_some() { 1 } else { -1 };
    let changes = match done {
        Do::Call { value, .. } => value.is_some(),
        Do::Static { .. } | Do::Delegate { .. } => false,
        _ => true,
    };
    if is_static && changes {
        return None;
    }
    let wait = |world: &mut World<'_>, allow| *world.waiting.last_mut().unwrap() = (account, allow);
    let denied = |world: &World<'_>, to| world.waiting.iter().any(|(active, allow)| *active == to && !allow);
    Some(match done {
        Do::Set(key, value) => old(state.storage.insert((account, *key), *value)),
        Do::Remove(key) => old(state.storage.remove(&(account, *key))),
        Do::Transient(key, Some(value)) => old(state.transient.insert((account, *key), *value)),
        Do::Transient(key, None) => old(state.transient.remove(&(account, *key))),
        Do::Event(byte) => {
            state.events.push((account, *byte));
            0
        }
        Do::Transfer(to, amount) => {
            if state.pay(account, world.accounts[*to], (*amount).into()) {
                0
            } else {
                4
            }
        }
        Do::Call { to, allow, value, frame } => {
            let to = world.accounts[*to];
            wait(world, *allow);
            if denied(world, to) {
                return Some(6);
            }
            let before = state.clone();
            if !state.pay(account, to, value.unwrap_or(0).into()) {
                return Some(4);
            }
            let (status, _) = model(frame, to, is_static, state, world);
            if status != 0 {
                *state = before;
            }
            status
        }
        Do::Static { to, allow, frame } => {
            let to = world.accounts[*to];
            wait(world, *allow);
            if denied(world, to) {
                return Some(6);
            }
            model(frame, to, true, state, world).0
        }
        Do::Delegate { allow, frame } => {
            wait(world, *allow);
            model(frame, account, is_static, state, world).0
        }
        Do::Create { salt, value, frame } => {
            let address = created_address(CHAIN, &account, &world.code, &[*salt; 32]);
            if state.created.contains(&address) {
                return Some(8);
            }
            let before = state.clone();
            if !state.pay(account, address, value.unwrap_or(0).into()) {
                return Some(4);
            }
            state.created.insert(address);
            wait(world, false);
            let (status, _) = model(frame, address, false, state, world);
            if status != 0 {
                *state = before;
            }
            status
        }
    })
}

/// A chain with the accounts, for each engine.
struct Prepared {
    chain: Chain,
    accounts: [Address; ACCOUNTS],
    code: [u8; 32],
}

static PREPARED: LazyLock<Vec<Prepared>> = LazyLock::new(|| {
    let backends = [Backend::Native, Backend::Interpreter, Backend::CrossCheck];
    let prepare = |backend| {
        let chain = Chain::new(Environment::new(&engine(backend)).unwrap());
        let accounts = [1, 2, 3].map(|salt| chain.scripted(salt));
        accounts.iter().for_each(|address| chain.give(*address, 100));
        let code = chain.account(&accounts[0]).code.unwrap().0;
        Prepared { chain, accounts, code }
    };
    backends.into_iter().map(prepare).collect()
});

fn cases() -> u32 {
    let factor = std::env::var("LOCKSTEP_FUZZ_ITERS").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    250 * factor
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn trees_of_calls_do_what_the_model_does(first in tree(), second in tree()) {
        let mut receipts = Vec::new();
        for prepared in PREPARED.iter() {
            let Prepared { chain, accounts, code } = prepared;
            let database: MemoryDatabase = chain.database.clone();
            let balances = accounts.iter().map(|account| (*account, 100)).collect();
            let mut state = State { balances, ..State::default() };
            let mut of_engine = Vec::new();
            // Two transactions, so that the second one finds what the first one left.
            for (nonce, tree) in (0..).zip([&first, &second]) {
                state.transient.clear();
                state.events.clear();
                let mut world = World { accounts, code: Hash(*code), waiting: Vec::new() };
                let (status, results) = model(tree, accounts[0], false, &mut state, &mut world);
                let tx = chain.tx(Action::Call { to: accounts[0], value: 0, input: input(tree, accounts, code) });
                let tx = Tx { nonce: tx.nonce + nonce, ..tx };
                let version = database.version().unwrap();
                let executed = chain.environment.execute(&*version, &chain.block, 0, &tx).unwrap();
                database.commit(&version.root().unwrap(), &executed.changes).unwrap();
                let receipt = executed.receipt;
                let found = match receipt.status {
                    Status::Ok => 0,
                    Status::Reverted => 1,
                    _ => 2,
                };
                prop_assert_eq!(found, status);
                if status == 0 {
                    let results_found = told(&receipt.output, results.len()).results;
                    prop_assert_eq!(&results_found[..], &results[..]);
                }
                let events: Vec<_> =
                    receipt.events.iter().map(|event| (event.account, event.data[0])).collect();
                prop_assert_eq!(&events, if status == 0 { &state.events } else { const { &Vec::new() } });
                let version = database.version().unwrap();
                for address in accounts.iter().chain(&state.created) {
                    let account = version.account(address).unwrap().unwrap();
                    prop_assert_eq!(account.balance, u128::from(state.balance(*address)));
                    prop_assert_eq!(account.code, Some(Hash(*code)));
                    for key in 0..3 {
                        let value = version.get(address, &[key]).unwrap();
                        prop_assert_eq!(value, state.storage.get(&(*address, key)).map(|value| vec![*value]));
                    }
                }
                // And nothing else has changed.
                let known = |address: &Address| {
                    *address == chain.sender || accounts.contains(address) || state.created.contains(address)
                };
                prop_assert!(executed.changes.accounts.keys().all(known));
                prop_assert!(executed.changes.storage.keys().all(|(address, _)| known(address)));
                of_engine.push(receipt);
            }
            receipts.push(of_engine);
        }
        prop_assert_eq!(&receipts[0], &receipts[1]);
        prop_assert_eq!(&receipts[0], &receipts[2]);
    }
}
