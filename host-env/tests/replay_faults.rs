//! Faults, each planted into a bundle or into what executes it, found by the replay and taken apart by the search.

#[path = "support/stream.rs"]
mod stream;
mod support;

use lockstep_host_env::replay::{
    BundleReader, Executor, Header, Location, RecordedBlock, RecordedTx, Recorder, Replay, Replayed, Verdict,
    locate,
};
use lockstep_host_env::{Action, Changes, Environment, Function, HostSchedule, Receipt, Status, code_hash};
use lockstep_vm::{Backend, Config, Engine, Op, Schedule, Seed};
use std::sync::LazyLock;
use stream::{Stream, worker_text};

fn engine(backend: Backend) -> Engine {
    Engine::new(&Config::new().backend(backend)).unwrap()
}

static REFERENCE: LazyLock<Environment> =
    LazyLock::new(|| Environment::new(&engine(Backend::Interpreter)).unwrap());
static TESTED: LazyLock<Environment> = LazyLock::new(|| Environment::new(&Engine::default()).unwrap());

/// A bundle, open to be changed; what is written of it has right checksums.
#[derive(Clone)]
struct Bundle {
    header: Header,
    state: Changes,
    blocks: Vec<RecordedBlock>,
}

static TRACED: LazyLock<Bundle> = LazyLock::new(|| {
    let mut stream = Stream::new(77, &REFERENCE);
    let mut recorder = stream.traced_recorder(Vec::new());
    stream.set_up(&mut recorder);
    stream.work(&mut recorder, 6);
    stream.block(&mut recorder, 40);
    stream.block(&mut recorder, 40);
    Bundle::read(&recorder.finish().unwrap().0)
});

impl Bundle {
    fn read(bytes: &[u8]) -> Bundle {
        let mut reader = BundleReader::new(bytes).unwrap();
        let (header, state) = (reader.header().clone(), reader.state().clone());
        let mut blocks = Vec::new();
        while let Some(block) = reader.next_block().unwrap() {
            blocks.push(block);
        }
        Bundle { header, state, blocks }
    }

    fn traced() -> Bundle {
        TRACED.clone()
    }

    fn without_traces() -> Bundle {
        let mut bundle = TRACED.clone();
        bundle.header.traced = false;
        bundle.blocks.iter_mut().flat_map(|block| &mut block.transactions).for_each(|tx| tx.trace = None);
        bundle
    }

    fn write(&self) -> Vec<u8> {
        let mut recorder = Recorder::from_parts(Vec::new(), &self.header, &self.state).unwrap();
        for RecordedBlock { block, transactions, root } in &self.blocks {
            recorder.begin_block(block).unwrap();
            transactions.iter().for_each(|tx| recorder.recorded(tx).unwrap());
            recorder.end_block(root).unwrap();
        }
        recorder.finish().unwrap().0
    }

    /// The first transaction of which something holds, from a block on.
    fn find(&self, block: usize, wanted: impl Fn(&RecordedTx) -> bool) -> (usize, usize) {
        let of = |index: usize| self.blocks[index].transactions.iter().position(&wanted);
        (block..self.blocks.len()).find_map(|index| Some((index, of(index)?))).unwrap()
    }

    fn tx(&mut self, (block, index): (usize, usize)) -> &mut RecordedTx {
        &mut self.blocks[block].transactions[index]
    }

    fn replay(&self, replay: Replay<'_>) -> Replayed {
        replay.workers(2).run(BundleReader::new(&self.write()[..]).unwrap(), &|_| {}).unwrap()
    }
}

fn tested() -> Executor<'static> {
    Executor { name: "tested", environment: &TESTED }
}

fn reference() -> Executor<'static> {
    Executor { name: "reference", environment: &REFERENCE }
}

/// What the replay of a changed bundle finds: the place, the first field, and where that comes from.
struct Found {
    at: (usize, usize),
    field: String,
    location: Location,
    root: bool,
}

fn found(bundle: &Bundle) -> Found {
    let replayed = bundle.replay(Replay::new(tested()));
    let difference = replayed.transaction.expect("no transaction differs");
    let location = locate(&difference, tested(), Some(reference()), None, false);
    Found {
        at: (usize::try_from(difference.block_index).unwrap(), difference.index as usize),
        field: difference.fields[0].field.clone(),
        location,
        root: replayed.root.is_some(),
    }
}

/// Changes the first transaction of which something holds; it must be found, in this field, with the record to blame.
fn planted(wanted: impl Fn(&RecordedTx) -> bool, change: impl Fn(&mut RecordedTx), field: &str) -> Found {
    let mut bundle = Bundle::without_traces();
    let at = bundle.find(2, wanted);
    change(bundle.tx(at));
    let found = found(&bundle);
    assert_eq!(found.at, at);
    assert!(found.field.starts_with(field), "{}", found.field);
    assert_eq!(found.location.verdict, Verdict::Record);
    assert_eq!(found.location.values[0].field, found.field);
    found
}

fn receipt(change: impl Fn(&mut Receipt), wanted: impl Fn(&Receipt) -> bool, field: &str) -> Found {
    planted(|tx| wanted(&tx.receipt), |tx| change(&mut tx.receipt), field)
}

/// Whether an allowance was set: one entry, by one call of one frame.
fn is_approval(tx: &RecordedTx) -> bool {
    let mut keys = tx.changes.storage.keys();
    tx.receipt.status == Status::Ok
        && keys.len() == 1
        && keys.all(|(_, key)| key[1..].starts_with(b"allowance"))
}

#[test]
fn nothing_planted_is_nothing_found() {
    for bundle in [Bundle::traced(), Bundle::without_traces()] {
        assert!(bundle.replay(Replay::new(tested()).against(reference())).is_equal());
    }
}

#[test]
fn one_bit_of_the_state_before() {
    let mut bundle = Bundle::traced();
    let user = bundle.blocks[0].transactions[0].tx.sender;
    bundle.state.accounts.get_mut(&user).unwrap().as_mut().unwrap().balance ^= 1;
    let found = found(&bundle);
    assert!(found.root);
    assert_eq!(found.at, (0, 0));
    assert_eq!(found.field, format!("changes.accounts[0x{user}]"));
}

#[test]
fn one_bit_of_a_value_that_is_written() {
    let found = planted(
        is_approval,
        |tx| tx.changes.storage.values_mut().next().unwrap().as_mut().unwrap()[3] ^= 4,
        "changes.storage[",
    );
    // The call that wrote the value is named.
    assert_eq!(found.location.host_call.unwrap().function, Function::StorageSet);
    assert_eq!(found.location.path.len(), 1);
    assert!(found.location.place.unwrap().offset() > 0);
}

#[test]
fn a_change_that_is_lost() {
    let found = planted(is_approval, |tx| drop(tx.changes.storage.pop_first()), "changes.storage[");
    assert_eq!(found.location.values[0].expected, "unchanged");
}

#[test]
fn a_changed_balance() {
    let pays = |tx: &RecordedTx| tx.tx.action.value() > 0 && tx.receipt.status == Status::Ok;
    let change = |tx: &mut RecordedTx| {
        let sender = tx.tx.sender;
        tx.changes.accounts.get_mut(&sender).unwrap().as_mut().unwrap().balance += 1;
    };
    planted(pays, change, "changes.accounts[");
}

/// Two wrongs that no transaction shows: what is owned by somebody who never acts.
#[test]
fn a_balance_that_only_the_root_knows() {
    let mut bundle = Bundle::without_traces();
    let nobody = lockstep_host_env::Address([0xee; 32]);
    let owner = lockstep_host_env::Account { balance: 1, ..Default::default() };
    bundle.state.accounts.insert(nobody, Some(owner));
    let replayed = bundle.replay(Replay::new(tested()));
    assert!(replayed.transaction.is_none());
    assert_eq!(replayed.root.unwrap().block, None);

    let mut bundle = Bundle::without_traces();
    let last = bundle.blocks[2].transactions.last_mut().unwrap();
    last.changes.accounts.insert(nobody, Some(owner));
    let found = found(&bundle);
    assert!(found.root);
    assert_eq!(found.field, format!("changes.accounts[0x{nobody}]"));
}

#[test]
fn a_wrong_nonce_in_the_changes() {
    let change = |tx: &mut RecordedTx| {
        let sender = tx.tx.sender;
        tx.changes.accounts.get_mut(&sender).unwrap().as_mut().unwrap().nonce += 1;
    };
    planted(|_| true, change, "changes.accounts[");
}

#[test]
fn a_wrong_nonce_of_a_transaction() {
    let found = planted(|_| true, |tx| tx.tx.nonce += 1, "outcome");
    assert!(found.location.values[0].found.contains("rejected: the transaction has nonce"));
    assert!(!found.root);
}

#[test]
fn a_wrong_status() {
    receipt(|r| r.status = Status::Ok, |r| r.status == Status::Reverted, "receipt.status");
}

#[test]
fn a_wrong_amount_of_gas() {
    receipt(|r| r.gas_used += 1, |r| r.status == Status::Ok, "receipt.gas_used");
}

#[test]
fn a_wrong_output() {
    receipt(|r| r.output[0] ^= 1, |r| r.output.len() == 16, "receipt.output");
}

#[test]
fn a_lost_event() {
    let found = receipt(|r| drop(r.events.pop()), |r| !r.events.is_empty(), "receipt.events[");
    assert_eq!(found.location.host_call.unwrap().function, Function::Event);
    assert!(found.location.place.is_some());
}

#[test]
fn an_event_that_never_was() {
    let change = |r: &mut Receipt| r.events.push(r.events[0].clone());
    receipt(change, |r| r.events.len() == 1, "receipt.events[1]");
}

#[test]
fn a_changed_event() {
    let found = receipt(|r| r.events[0].data[0] ^= 0x80, |r| !r.events.is_empty(), "receipt.events[0].data");
    assert_eq!(found.location.host_call.unwrap().function, Function::Event);
}

#[test]
fn a_wrong_address_of_a_created_account() {
    let mut bundle = Bundle::without_traces();
    bundle.tx((1, 1)).receipt.created.as_mut().unwrap().0[31] ^= 1;
    let found = found(&bundle);
    assert_eq!((found.at, &*found.field), ((1, 1), "receipt.created"));
}

#[test]
fn a_wrong_hash_of_the_changes() {
    receipt(|r| r.changes.0[0] ^= 1, |_| true, "receipt.changes");
}

#[test]
fn a_changed_byte_of_uploaded_code() {
    let mut bundle = Bundle::without_traces();
    let Action::Upload { code } = &mut bundle.tx((0, 1)).tx.action else { panic!("no upload") };
    *code.last_mut().unwrap() ^= 1;
    let found = found(&bundle);
    assert_eq!(found.at, (0, 1));
}

#[test]
fn swapped_transactions() {
    let mut bundle = Bundle::without_traces();
    bundle.blocks[2].transactions.swap(7, 8);
    let found = found(&bundle);
    assert_eq!(found.at, (2, 7));
    let fields: Vec<&str> = found.location.values.iter().map(|value| &*value.field).collect();
    assert!(fields.contains(&"receipt.index") || fields == ["outcome"], "{fields:?}");
}

#[test]
fn a_lost_transaction() {
    let mut bundle = Bundle::without_traces();
    bundle.blocks[2].transactions.remove(5);
    let found = found(&bundle);
    assert_eq!(found.at.0, 2);
    assert!(found.at.1 >= 5);
}

#[test]
fn a_wrong_height_of_a_block() {
    let mut bundle = Bundle::without_traces();
    bundle.blocks[3].block.height += 1;
    let found = found(&bundle);
    assert_eq!((found.at, &*found.field), ((3, 0), "receipt.height"));
}

#[test]
fn a_wrong_root() {
    for index in [1, 3] {
        let mut bundle = Bundle::without_traces();
        bundle.blocks[index].root.0[9] ^= 0x10;
        let replayed = bundle.replay(Replay::new(tested()));
        assert!(replayed.transaction.is_none());
        let root = replayed.root.unwrap();
        assert_eq!(root.block, Some(bundle.blocks[index].block));
        assert_eq!(root.recorded, bundle.blocks[index].root);
        assert_ne!(root.found, root.recorded);
        let all: usize = bundle.blocks.iter().map(|block| block.transactions.len()).sum();
        assert_eq!(replayed.transactions, all as u64, "all transactions are executed all the same");
    }
}

/// Of two differences that workers find at the same time, the one that comes first in the chain is told.
#[test]
fn the_first_of_two_differences() {
    let mut stream = Stream::new(78, &TESTED);
    let mut recorder = stream.recorder(Vec::new());
    (0..4).for_each(|_| stream.transfers(&mut recorder, 200));
    let mut bundle = Bundle::read(&recorder.finish().unwrap().0);
    // Each block is a chunk: the earlier one ends with a difference, the later one begins with one.
    bundle.tx((1, 199)).receipt.gas_used += 1;
    bundle.tx((2, 0)).receipt.gas_used += 1;
    let bytes = bundle.write();
    for _ in 0..50 {
        let replay = Replay::new(tested()).workers(4);
        let replayed = replay.run(BundleReader::new(&bytes[..]).unwrap(), &|_| {}).unwrap();
        let found = replayed.transaction.unwrap();
        assert_eq!((found.block_index, found.index), (1, 199));
    }
}

/// Replays with an environment of other rules, which the traces are there to hold it against.
fn other_rules(environment: &Environment) -> Location {
    let executor = Executor { name: "other", environment };
    let replayed = Bundle::traced().replay(Replay::new(executor).any_fingerprint(true));
    locate(&replayed.transaction.unwrap(), executor, None, None, true)
}

#[test]
fn a_wrong_price_of_a_host_function() {
    let mut schedule = HostSchedule::default();
    schedule.state_write += 1;
    let environment = Environment::with(&Engine::default(), schedule, Default::default()).unwrap();
    let location = other_rules(&environment);
    assert_eq!(location.host_call.unwrap().function, Function::StorageSet);
    assert_eq!(location.values[0].field, "gas after the call");
    assert!(location.place.is_some());
}

#[test]
fn a_wrong_price_of_an_operator() {
    let mut schedule = Schedule::default();
    schedule.set(Op::I64Rotl, schedule.price(Op::I64Rotl) + 1);
    let engine = Engine::new(&Config::new().schedule(schedule)).unwrap();
    let environment = Environment::new(&engine).unwrap();
    let location = other_rules(&environment);
    // It first shows where the host is next called behind it.
    let host_call = location.host_call.unwrap();
    assert_eq!((host_call.function, host_call.number), (Function::Event, 2));
    assert_eq!(location.values[0].field, "gas before the call");
    assert_eq!(location.place.unwrap().name(), Some("work"));
}

/// An engine that makes another instruction of one operator. The run in which that operator is must be named.
fn wrong_instruction(right: &str, wrong: &str) -> Location {
    let text = worker_text();
    assert_eq!(text.matches(right).count(), 1);
    let [good, bad] = [text.clone(), text.replace(right, wrong)].map(|text| wat::parse_str(text).unwrap());
    assert_eq!(good.len(), bad.len());
    let at = good.iter().zip(&bad).position(|(a, b)| a != b).unwrap();
    let mut environment = Environment::new(&Engine::default()).unwrap();
    environment.miscompile(&code_hash(&good), &bad).unwrap();
    let executor = Executor { name: "wrong", environment: &environment };
    let replayed = Bundle::without_traces().replay(Replay::new(executor));
    let difference = replayed.transaction.unwrap();
    let at_tx = (difference.block_index, difference.index);
    assert!(((1, 2)..(1, 8)).contains(&at_tx), "{at_tx:?}");
    // Both engines executed together find the same transaction.
    let both = Bundle::without_traces().replay(Replay::new(reference()).against(executor));
    let other = both.transaction.unwrap();
    assert_eq!((other.block_index, other.index), at_tx);
    assert!(other.fields.is_empty() && !other.against.is_empty());

    let location = locate(&difference, executor, Some(reference()), None, false);
    assert_eq!(location.verdict, Verdict::Engines);
    assert_eq!(location.path.len(), 1);
    let place = location.place.clone().unwrap();
    assert_eq!(place.name(), Some("work"));
    let from = place.offset() as usize;
    assert!((from..from + 64).contains(&at), "{place} and {at:#x}: {location}");
    location
}

#[test]
fn a_wrong_arithmetic_instruction() {
    let location = wrong_instruction("(i64.add (i64.mul", "(i64.sub (i64.mul");
    assert_eq!(location.values[0].field, "memory from 0x80");
}

#[test]
fn a_wrong_offset_of_a_store() {
    let location = wrong_instruction("(i64.store offset=128", "(i64.store offset=136");
    assert_eq!(location.values[0].field, "memory from 0x80");
}

#[test]
fn a_wrong_condition_of_a_branch() {
    let location = wrong_instruction("(br_if $next (i32.lt_u", "(br_if $next (i32.gt_u");
    assert_eq!(location.values[0].field, "where the guest stands");
}

#[test]
fn a_wrong_direction_of_a_rotation() {
    let location = wrong_instruction("(i64.rotl", "(i64.rotr");
    assert_eq!(location.values[0].field, "memory from 0x200");
}

#[test]
fn a_wrong_argument_of_a_host_call() {
    let right = "(call $output (i32.const 512) (i32.const 8))))";
    let location = wrong_instruction(right, "(call $output (i32.const 512) (i32.const 9))))");
    assert_eq!(location.values[0].field, "argument len");
    assert_eq!(location.host_call.unwrap().function, Function::Output);
}

/// What the cross-check finds is told, and is a difference like any other.
#[test]
fn a_difference_that_the_cross_check_finds() {
    let Ok(engine) = Engine::new(&Config::new().backend(Backend::CrossCheck)) else { return };
    for seed in [Seed::HostArgument, Seed::Gas, Seed::HostMemoryByte(70)] {
        let mut environment = Environment::new(&engine).unwrap();
        environment.seed_difference(Some(seed));
        let executor = Executor { name: "crosscheck", environment: &environment };
        let replayed = Bundle::without_traces().replay(Replay::new(executor));
        let difference = replayed.transaction.unwrap();
        assert_eq!(difference.fields[0].field, "outcome", "{seed:?}");
        let location = locate(&difference, tested(), Some(reference()), Some(executor), false);
        assert_eq!(location.verdict, Verdict::NotReproduced, "neither engine alone is wrong");
        let said = location.crosscheck.unwrap();
        assert!(said.contains("the engines differ") && said.contains("function"), "{said}");
    }
}
