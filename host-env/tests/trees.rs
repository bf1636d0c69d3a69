//! Random trees of calls against a model that copies the whole state at each frame, on every engine.

mod support;

use lockstep_host_env::Function as F;
use lockstep_host_env::{Action, Address, Environment, MemoryDatabase, NONE, Status};
use lockstep_vm::Backend;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use support::{Chain, Step, TRAP, at, engine, script, step, told};

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
            1 => (any::<bool>(), frame).prop_map(|(allow, frame)| Do::Delegate { allow, frame }),
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
    storage: BTreeMap<(usize, u8), u8>,
    transient: BTreeMap<(usize, u8), u8>,
    balances: [u64; ACCOUNTS],
    events: Vec<(usize, u8)>,
}

/// Which accounts are active, and whether the call that each waits for lets it be entered.
type Waiting = Vec<(usize, bool)>;

/// What a frame does to the state: its status and, if it ends well, what each step returned.
fn model(
    tree: &Tree,
    account: usize,
    is_static: bool,
    state: &mut State,
    waiting: &mut Waiting,
) -> (i64, Vec<i64>) {
    let before = state.clone();
    let mut results = Vec::new();
    waiting.push((account, false));
    let mut status = match tree.end {
        End::Ok => 0,
        End::Revert => 1,
        End::Trap | End::Misuse => 2,
    };
    for done in &tree.steps {
        match do_step(done, account, is_static, state, waiting) {
            Some(result) => results.push(result),
            None => {
                status = 2;
                break;
            }
        }
    }
    waiting.pop();
    if status != 0 {
        *state = before;
        results.clear();
    }
    (status, results)
}

/// What a step returns; `None` when it ends the frame.
fn do_step(
    done: &Do,
    account: usize,
    is_static: bool,
    state: &mut State,
    waiting: &mut Waiting,
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
    let mut wait = |allow| *waiting.last_mut().unwrap() = (account, allow);
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
            let amount = u64::from(*amount);
            if state.balances[account] < amount {
                return Some(4);
            }
            state.balances[account] -= amount;
            state.balances[*to] += amount;
            0
        }
        Do::Call { to, allow, value, frame } => {
            wait(*allow);
            let amount = u64::from(value.unwrap_or(0));
            if waiting.iter().any(|(active, allow)| active == to && !allow) {
                return Some(6);
            }
            if state.balances[account] < amount {
                return Some(4);
            }
            let before = state.clone();
            state.balances[account] -= amount;
            state.balances[*to] += amount;
            let (status, _) = model(frame, *to, is_static, state, waiting);
            if status != 0 {
                *state = before;
            }
            status
        }
        Do::Static { to, allow, frame } => {
            wait(*allow);
            if waiting.iter().any(|(active, allow)| active == to && !allow) {
                return Some(6);
            }
            model(frame, *to, true, state, waiting).0
        }
        Do::Delegate { allow, frame } => {
            wait(*allow);
            model(frame, account, is_static, state, waiting).0
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, ..ProptestConfig::default() })]

    #[test]
    fn trees_of_calls_do_what_the_model_does(first in tree(), second in tree()) {
        let mut receipts = Vec::new();
        for prepared in PREPARED.iter() {
            let Prepared { chain, accounts, code } = prepared;
            let database: MemoryDatabase = chain.database.clone();
            let mut state = State { balances: [100; ACCOUNTS], ..State::default() };
            let mut of_engine = Vec::new();
            // Two transactions, so that the second one finds what the first one left.
            for (nonce, tree) in (0..).zip([&first, &second]) {
                state.transient.clear();
                state.events.clear();
                let (status, results) = model(tree, 0, false, &mut state, &mut Vec::new());
                let tx = chain.tx(Action::Call { to: accounts[0], value: 0, input: input(tree, accounts, code) });
                let tx = lockstep_host_env::Tx { nonce: tx.nonce + nonce, ..tx };
                use lockstep_host_env::Database;
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
                let events: Vec<_> = receipt
                    .events
                    .iter()
                    .map(|event| (accounts.iter().position(|a| *a == event.account).unwrap(), event.data[0]))
                    .collect();
                prop_assert_eq!(&events, if status == 0 { &state.events } else { const { &Vec::new() } });
                let version = database.version().unwrap();
                for (index, address) in accounts.iter().enumerate() {
                    let balance = version.account(address).unwrap().unwrap().balance;
                    prop_assert_eq!(balance, u128::from(state.balances[index]));
                    for key in 0..3 {
                        let value = version.get(address, &[key]).unwrap();
                        prop_assert_eq!(value, state.storage.get(&(index, key)).map(|value| vec![*value]));
                    }
                }
                of_engine.push(receipt);
            }
            receipts.push(of_engine);
        }
        prop_assert_eq!(&receipts[0], &receipts[1]);
        prop_assert_eq!(&receipts[0], &receipts[2]);
    }
}
