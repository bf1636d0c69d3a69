//! Transactions: what is rejected, what every end leaves, receipts to the byte, uploads, faults.

mod support;

use codec::{Decode, Encode};
use lockstep_host_env::Function as F;
use lockstep_host_env::{
    Account, Action, Address, Database, Environment, EnvironmentError, ExecuteError, Executed, Function,
    Hash, HostLimits, HostSchedule, Misuse, Order, Receipt, Refused, Rejected, Status, Storage, StorageError,
    StorageResult, Tx, code_hash,
};
use lockstep_vm::{Backend, Config, Engine, Limits, Trap};
use std::sync::Arc;
use support::{CHAIN, Chain, GAS, SPIN, Step, TRAP, at, contract, engine, environment, script, step};

fn rejected(result: Result<Executed, ExecuteError>) -> Rejected {
    match result.unwrap_err() {
        ExecuteError::Rejected(rejected) => rejected,
        other => panic!("{other}"),
    }
}

fn transfer(amount: u128) -> Action {
    Action::Transfer { to: Address([1; 32]), amount }
}

#[test]
fn what_cannot_start_is_rejected_in_order() {
    let chain = Chain::default();
    let owned = chain.account(&chain.sender).balance;
    let good = chain.tx(transfer(owned));
    let least = chain.environment.intrinsic_gas(&good);
    let poor = Tx { gas_limit: least - 1, ..chain.tx(transfer(owned + 1)) };
    let late = Tx { nonce: 1, ..poor.clone() };
    let foreign = Tx { chain: CHAIN + 1, ..late.clone() };
    assert_eq!(rejected(chain.execute(&foreign)), Rejected::Chain { expected: CHAIN, found: CHAIN + 1 });
    assert_eq!(rejected(chain.execute(&late)), Rejected::Nonce { expected: 0, found: 1 });
    assert_eq!(rejected(chain.execute(&poor)), Rejected::Gas { expected: least, found: least - 1 });
    let greatest = Tx { gas_limit: 1 << 63, ..good.clone() };
    assert_eq!(rejected(chain.execute(&greatest)), Rejected::Gas { expected: least, found: 1 << 63 });
    let spends = chain.tx(transfer(owned + 1));
    assert_eq!(rejected(chain.execute(&spends)), Rejected::Balance { expected: owned + 1, found: owned });
    // At the limits it starts.
    let new_entry = u64::from(chain.schedule().new_entry);
    let executed = chain.execute(&Tx { gas_limit: least + new_entry, ..good.clone() }).unwrap();
    assert_eq!((executed.receipt.status, executed.receipt.gas_used), (Status::Ok, least + new_entry));
    let executed = chain.execute(&Tx { gas_limit: least + new_entry - 1, ..good.clone() }).unwrap();
    assert_eq!(executed.receipt.status, Status::Trapped(Trap::OutOfGas));
    assert_eq!(executed.receipt.gas_used, least + new_entry - 1);
    let executed = chain.execute(&Tx { gas_limit: (1 << 63) - 1, ..good }).unwrap();
    assert_eq!(executed.receipt.status, Status::Ok);
}

#[test]
fn every_end_raises_the_nonce_and_nothing_else_stays() {
    let chain = Chain::default();
    let to = chain.scripted(1);
    let set = step(F::StorageSet, &[at(0), 1, at(0), 1]);
    for (ending, status) in [
        (step(F::Revert, &[at(0), 1]), Status::Reverted),
        (Step { function: TRAP, args: vec![] }, Status::Trapped(Trap::Unreachable)),
        (Step { function: SPIN, args: vec![] }, Status::Trapped(Trap::OutOfGas)),
        (step(F::StorageLen, &[at(0), 0]), Status::Misuse(Misuse::BadArgument)),
    ] {
        let before = chain.account(&chain.sender);
        let input = script(&[set.clone(), ending], b"x", 0);
        let executed = chain.apply(Action::Call { to, value: 3, input });
        assert_eq!(executed.receipt.status, status);
        let after = Account { nonce: before.nonce + 1, ..before };
        assert_eq!(executed.changes.accounts, [(chain.sender, Some(after))].into());
        assert!(executed.changes.storage.is_empty() && executed.receipt.events.is_empty());
        assert_eq!(executed.receipt.output, if status == Status::Reverted { b"x".to_vec() } else { vec![] });
    }
    for (action, misuse) in [
        (Action::Call { to: Address([5; 32]), value: 0, input: vec![] }, Misuse::BadArgument),
        (Action::Call { to, value: 0, input: vec![0; 131_073] }, Misuse::LimitExceeded),
        (
            Action::Create { code_hash: Hash([5; 32]), salt: [0; 32], value: 0, input: vec![] },
            Misuse::BadArgument,
        ),
        (Action::Upload { code: b"\0asm".to_vec() }, Misuse::BadArgument),
    ] {
        let tx = chain.tx(action);
        let executed = chain.execute(&tx).unwrap();
        assert_eq!(executed.receipt.status, Status::Misuse(misuse));
        assert_eq!(executed.receipt.gas_used, chain.environment.intrinsic_gas(&tx));
        assert_eq!(executed.changes.accounts.len(), 1);
    }
    // The same account cannot be created twice.
    let hash = chain.account(&to).code.unwrap();
    let again = Action::Create { code_hash: hash, salt: [1; 32], value: 0, input: vec![] };
    assert_eq!(chain.apply(again).receipt.status, Status::Misuse(Misuse::BadArgument));
}

/// Bytes of a receipt, field by field as the page on the host says, and its hash, recorded.
#[test]
fn a_receipt_is_stable_to_the_byte() {
    let chain = Chain::new(Environment::new(&Engine::default()).unwrap());
    let to = chain.scripted(1);
    let steps = [step(F::Event, &[at(0), 1, at(32), 3]), step(F::StorageSet, &[at(0), 2, at(2), 2])];
    let executed = chain.call(to, script(&steps, &[0x11; 40], 0));
    let receipt = executed.receipt;
    let mut bytes = vec![1, 0];
    bytes.extend(chain.environment.fingerprint().0);
    bytes.extend(receipt.tx.0);
    bytes.extend(42_u64.to_le_bytes());
    bytes.extend(0_u32.to_le_bytes());
    bytes.push(0);
    bytes.extend(GAS.to_le_bytes());
    bytes.extend(receipt.gas_used.to_le_bytes());
    bytes.push(32 << 2); // two results of 16 bytes
    bytes.extend(&receipt.output);
    bytes.push(0);
    bytes.push(1 << 2);
    bytes.extend(to.0);
    bytes.push(1 << 2);
    bytes.extend([0x11; 32]);
    bytes.extend([3 << 2, 0x11, 0x11, 0x11]);
    bytes.extend(executed.changes.hash().0);
    assert_eq!(receipt.encode(), bytes);
    assert_eq!(Receipt::decode(&mut &bytes[..]).unwrap(), receipt);
    let mut other = receipt.clone();
    other.gas_used += 1;
    assert_ne!(other.hash(), receipt.hash());
}

/// What executes contracts is not in a receipt.
#[test]
fn receipts_are_the_same_on_every_engine_and_with_an_empty_cache() {
    let receipts = |backend| {
        let chain = Chain::new(environment(backend));
        let (a, b) = (chain.scripted(1), chain.scripted(2));
        let fresh = environment(backend);
        let mut receipts = Vec::new();
        let inner =
            script(&[step(F::StorageSet, &[at(0), 4, at(4), 9]), step(F::GasLeft, &[])], &[3; 40], 30);
        for function in Function::all() {
            // Arguments that mean something to most functions: a length, an address, an input.
            let args: Vec<u64> = function
                .def()
                .params
                .iter()
                .map(|(name, kind)| match (*name, kind.ty()) {
                    ("gas", _) => u64::MAX,
                    ("flags" | "id", _) => 1,
                    ("cap", _) => 256,
                    ("count", _) => 2,
                    ("off", _) => 5,
                    ("input", _) => at(64),
                    ("input_len", _) => inner.len() as u64,
                    (name, _) if name.ends_with("len") => 33,
                    ("value", _) => u64::from(lockstep_host_env::NONE),
                    _ => at(0),
                })
                .collect();
            let data = [&b.0[..], &[0; 32], &inner].concat();
            let tx = chain.tx(Action::Call {
                to: a,
                value: 0,
                input: script(&[step(function, &args)], &data, 900),
            });
            let executed = chain.execute(&tx).unwrap();
            let state = chain.database.version().unwrap();
            let again = fresh.execute(&*state, &chain.block, 0, &tx).unwrap();
            assert_eq!(executed.receipt, again.receipt);
            chain.commit(&executed.changes);
            receipts.push(executed.receipt.encode());
        }
        (receipts, chain.database.version().unwrap().root().unwrap())
    };
    let reference = receipts(Backend::Interpreter);
    for backend in [Backend::Native, Backend::CrossCheck] {
        assert_eq!(receipts(backend), reference, "{backend:?}");
    }
}

#[test]
fn uploads_are_checked_once_for_all() {
    let small = Limits { memory_pages: 3, table_elements: 5, ..Limits::default() };
    let engine = Engine::new(&Config::new().limits(small)).unwrap();
    let environment = Environment::new(&engine).unwrap();
    let check = |text: &str| environment.check_upload(&wat::parse_str(text).unwrap()).unwrap();
    let call = r#"(func (export "call"))"#;
    let module = |text: &str| format!("(module {text} {call})");
    for good in [
        module(""),
        module(r#"(func (export "deploy"))"#),
        module("(memory 3)"),
        module("(memory 0 65536)"),
        module("(table 5 funcref)"),
    ] {
        assert!(check(&good).is_ok(), "{good}");
    }
    assert!(matches!(check("(module)"), Err(Refused::NoCall)));
    for (name, bad) in [
        ("call", r#"(module (func (export "call") (param i32)))"#.to_string()),
        ("call", r#"(module (memory (export "call") 1))"#.to_string()),
        ("deploy", module(r#"(func (export "deploy") (result i32) i32.const 0)"#)),
        ("deploy", module(r#"(global (export "deploy") i32 i32.const 0)"#)),
    ] {
        assert!(matches!(check(&bad), Err(Refused::EntryType { name: found, .. }) if found == name), "{bad}");
    }
    for import in [
        r#"(import "lockstep" "no_such" (func))"#,
        r#"(import "env" "exit" (func))"#,
        r#"(import "lockstep" "exit" (func (param i32)))"#,
        r#"(import "lockstep" "memory" (memory 1))"#,
        r#"(import "lockstep" "exit" (global i32))"#,
    ] {
        assert!(matches!(check(&module(import)), Err(Refused::Import { .. })), "{import}");
    }
    // Whatever is accepted can be instantiated: what begins too large is refused here, and not a fault later.
    for large in ["(memory 4)", "(table 6 funcref)"] {
        assert!(matches!(check(&module(large)), Err(Refused::TooLarge { .. })), "{large}");
    }
    assert!(matches!(environment.check_upload(b"").unwrap(), Err(Refused::Invalid(_))));

    // The same code again changes nothing but the nonce, and says the same.
    let chain = Chain::default();
    let code = contract(r#"(func (export "call"))"#);
    assert_eq!(chain.upload(code.clone()), code_hash(&code));
    let again = chain.apply(Action::Upload { code: code.clone() });
    assert_eq!(again.receipt.output, code_hash(&code).0);
    assert!(again.changes.code.is_empty());
}

/// A start function runs inside the frame; one that traps is the contract's failure.
#[test]
fn the_start_function_is_part_of_the_frame() {
    let chain = Chain::default();
    let code =
        |start: &str| contract(&format!(r#"(start $start) (func $start {start}) (func (export "call"))"#));
    let create = |code: Vec<u8>| {
        let code_hash = chain.upload(code);
        chain.apply(Action::Create { code_hash, salt: [0; 32], value: 0, input: b"input".to_vec() }).receipt
    };
    let copies = "(drop (call $input_read (i32.const 0) (i32.const 0) (i32.const 9)))
        (call $output (i32.const 0) (i32.const 5))";
    assert_eq!(create(code(copies)).output, b"input");
    assert_eq!(create(code("(call $revert (i32.const 0) (i32.const 2))")).status, Status::Reverted);
    assert_eq!(create(code("unreachable")).status, Status::Trapped(Trap::Unreachable));
    let segment = r#"(data (i32.const 262143) "ab") (func (export "call"))"#;
    assert_eq!(create(contract(segment)).status, Status::Trapped(Trap::MemoryOutOfBounds));
}

/// A state that fails after so many reads.
struct Failing(Arc<dyn Storage>, std::sync::atomic::AtomicI64);

impl Failing {
    fn read<T>(&self, read: impl FnOnce(&dyn Storage) -> StorageResult<T>) -> StorageResult<T> {
        if self.1.fetch_sub(1, std::sync::atomic::Ordering::SeqCst) <= 0 {
            return Err(StorageError::new("the disk is gone"));
        }
        read(&*self.0)
    }
}

impl Storage for Failing {
    fn account(&self, address: &Address) -> StorageResult<Option<Account>> {
        self.read(|state| state.account(address))
    }
    fn code(&self, hash: &Hash) -> StorageResult<Option<Arc<[u8]>>> {
        self.read(|state| state.code(hash))
    }
    fn get(&self, address: &Address, key: &[u8]) -> StorageResult<Option<Vec<u8>>> {
        self.read(|state| state.get(address, key))
    }
    fn seek(
        &self,
        address: &Address,
        prefix: &[u8],
        from: Option<&[u8]>,
        order: Order,
    ) -> StorageResult<Option<Vec<u8>>> {
        self.read(|state| state.seek(address, prefix, from, order))
    }
    fn root(&self) -> StorageResult<Hash> {
        self.read(|state| state.root())
    }
}

/// However deep the read that fails: there is no receipt, and no contract can catch it.
#[test]
fn a_node_that_cannot_read_gives_no_receipt() {
    let chain = Chain::default();
    let (a, b) = (chain.scripted(1), chain.scripted(2));
    let inner_steps = [
        step(F::StorageGet, &[at(0), 1, at(0), 1]),
        step(F::StorageNext, &[at(0), 0, at(0), 0, 256]),
        step(F::StorageSet, &[at(0), 1, at(0), 1]),
    ];
    let inner = script(&inner_steps, &[], 0);
    let call = [0, u64::MAX, at(0), u64::from(lockstep_host_env::NONE), at(32), inner.len() as u64];
    let data = [&b.0[..], &inner].concat();
    let tx = chain.tx(Action::Call { to: a, value: 0, input: script(&[step(F::Call, &call)], &data, 0) });
    let mut faults = 0;
    for reads in 0.. {
        let state = Failing(chain.database.version().unwrap(), reads.into());
        match chain.environment.execute(&state, &chain.block, 0, &tx) {
            Ok(executed) => {
                assert_eq!(executed.receipt, chain.execute(&tx).unwrap().receipt);
                break;
            }
            Err(ExecuteError::Fault(fault)) => {
                faults += 1;
                let source = std::error::Error::source(&fault).map(ToString::to_string);
                assert_eq!(source.as_deref(), Some("the disk is gone"), "{fault}");
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!(faults > 10, "{faults}");
}

#[test]
fn l33_the_fingerprint_covers_engine_list_prices_and_limits() {
    let mut seen = std::collections::BTreeSet::new();
    let mut add = |engine: &Engine, schedule: HostSchedule, limits: HostLimits| {
        assert!(seen.insert(Environment::with(engine, schedule, limits).unwrap().fingerprint()));
    };
    let default = Engine::default();
    add(&default, HostSchedule::default(), HostLimits::default());
    add(&engine(Backend::default()), HostSchedule::default(), HostLimits::default());
    add(&default, HostSchedule { upload_byte: 1, ..HostSchedule::default() }, HostLimits::default());
    add(&default, HostSchedule::default(), HostLimits { key: 255, ..HostLimits::default() });
    for function in Function::all() {
        let mut schedule = HostSchedule::default();
        schedule.set_base(function, 77);
        add(&default, schedule, HostLimits::default());
    }
    let interpreter = Engine::new(&Config::new().backend(Backend::Interpreter)).unwrap();
    assert_eq!(
        Environment::new(&interpreter).unwrap().fingerprint(),
        Environment::new(&default).unwrap().fingerprint()
    );
    let deep = HostLimits { depth: 65, ..HostLimits::default() };
    let refused = Environment::with(&default, HostSchedule::default(), deep);
    assert!(matches!(refused, Err(EnvironmentError::Limit(_))));
}
