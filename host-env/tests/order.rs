//! Every function of the list, by the list: sizes, pointers at each boundary, the order of checks by every pair of failures,
//! static frames, and a database that fails or panics at each call. The expected gas is exact everywhere.

mod support;

use lockstep_host_env::Function as F;
use lockstep_host_env::{
    Account, Action, Address, Changes, ExecuteError, Executed, Hash, Misuse, Order, ParamKind, Status,
    Storage, StorageError, StorageResult, Tx, Unit,
};
use lockstep_vm::{Trap, ValType};
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use support::{Chain, GAS, MEMORY, contract, cost, script, step};

const LIMITED: Status = Status::Misuse(Misuse::LimitExceeded);
const BAD: Status = Status::Misuse(Misuse::BadArgument);
const OUT_OF_BOUNDS: Status = Status::Trapped(Trap::MemoryOutOfBounds);
const OUT_OF_GAS: Status = Status::Trapped(Trap::OutOfGas);

/// Where the probe keeps its record; all other memory is zero.
const RECORD: u32 = 131_072;
const RECORD_LEN: u32 = 64;
/// What the probe's key `[0]` holds; `[0, 0]` holds a byte.
const VALUE: u64 = 4_096;
/// A pointer that nothing fits at, and that is not none.
const NOWHERE: u64 = MEMORY as u64 + 1;
/// No function of the list: the probe does nothing but output.
const NOTHING: u32 = 999;

/// A contract that calls the function its input names, with the arguments there, and outputs 16 bytes.
fn probe() -> Vec<u8> {
    let mut arms = String::new();
    for function in F::all() {
        let def = function.def();
        let mut call = format!("call ${}", def.name);
        for (index, (_, kind)) in def.params.iter().enumerate() {
            let load = if kind.ty() == ValType::I64 { "i64.load" } else { "i32.load" };
            let _ = write!(call, " ({load} offset={} (i32.const {RECORD}))", 8 + 8 * index);
        }
        let call = match def.returns.ty() {
            None => format!("({call})"),
            Some(_) => format!("(drop ({call}))"),
        };
        let _ = writeln!(arms, "(if (i32.eq (local.get $f) (i32.const {})) (then {call}))", function as u32);
    }
    contract(&format!(
        r#"(func (export "call") (local $f i32)
            (drop (call $input_read (i32.const 0) (i32.const {RECORD}) (i32.const {RECORD_LEN})))
            (local.set $f (i32.load (i32.const {RECORD})))
            {arms}
            (call $output (i32.const {RECORD}) (i32.const 16)))"#
    ))
}

struct Probe {
    chain: Chain,
    to: Address,
    /// Gas used up to the call of the function.
    start: u64,
}

/// What a run shows.
type Shown = (Status, u64);

impl Probe {
    fn new() -> Probe {
        let chain = Chain::default();
        let code_hash = chain.upload(probe());
        let to = chain.create(code_hash, 1);
        let key = |len: usize| (to, vec![0; len]);
        let storage = [(key(1), Some(vec![7; VALUE as usize])), (key(2), Some(vec![7]))].into();
        chain.commit(&Changes { storage, ..Changes::default() });
        let mut probe = Probe { chain, to, start: 0 };
        let (status, used) = probe.shown(NOTHING, &[], GAS);
        assert_eq!(status, Status::Ok);
        probe.start = used - probe.output();
        probe
    }

    /// What the probe's output costs: the slots of the call and the price.
    fn output(&self) -> u64 {
        2 + u64::from(self.base(F::Output)) + 16 * u64::from(self.chain.schedule().read)
    }

    fn base(&self, function: F) -> u32 {
        self.chain.schedule().base(function)
    }

    /// Gas used when the function has paid its base price: what a misuse or a bad pointer leaves.
    fn based(&self, function: F) -> u64 {
        let def = function.def();
        let slots = def.params.len() + usize::from(def.returns.ty().is_some());
        self.start + slots as u64 + u64::from(self.base(function))
    }

    fn input(function: u32, args: &[u64]) -> Vec<u8> {
        let mut record = vec![0; RECORD_LEN as usize];
        record[..4].copy_from_slice(&function.to_le_bytes());
        for (place, arg) in record[8..].chunks_exact_mut(8).zip(args) {
            place.copy_from_slice(&arg.to_le_bytes());
        }
        record
    }

    fn tx(&self, function: u32, args: &[u64], gas_limit: u64) -> Tx {
        let input = Probe::input(function, args);
        Tx { gas_limit, ..self.chain.tx(Action::Call { to: self.to, value: 0, input }) }
    }

    fn shown(&self, function: u32, args: &[u64], gas_limit: u64) -> Shown {
        let receipt = self.chain.execute(&self.tx(function, args, gas_limit)).unwrap().receipt;
        (receipt.status, receipt.gas_used)
    }

    /// The sum of a price's parts.
    fn parts(&self, function: F, args: &[u64]) -> u64 {
        let schedule = self.chain.schedule();
        let parts = function.def().parts.iter();
        parts.map(|part| u64::from(schedule.unit(function, part.unit)) * count(function, part.of, args)).sum()
    }

    /// What a call with these arguments shows that does not fail.
    fn good(&self, function: F, args: &[u64]) -> Shown {
        let used = self.based(function) + self.parts(function, args);
        match function {
            F::Revert => (Status::Reverted, used),
            F::Exit => (Status::Ok, used),
            _ => (Status::Ok, used + self.output()),
        }
    }
}

fn param(function: F, name: &str) -> usize {
    let params = function.def().params;
    params.iter().position(|(param, _)| *param == name).unwrap_or_else(|| panic!("{function:?} {name}"))
}

fn arg(function: F, args: &[u64], name: &str) -> u64 {
    args[param(function, name)]
}

/// How much of a part of the price these arguments make, with the probe's state; nothing has code.
fn count(function: F, of: &str, args: &[u64]) -> u64 {
    let of_arg = |name| arg(function, args, name);
    let seek = || {
        let (prefix, key) = (of_arg("prefix_len"), of_arg("key_len"));
        let keys = [1, 2].into_iter().filter(|len| *len >= prefix);
        let found = match (function, key) {
            (F::StorageNext, _) => {
                keys.min_by_key(|len| if *len > key { *len } else { 9 }).filter(|len| *len > key)
            }
            (_, 0) => keys.max(),
            (_, key) => keys.filter(|len| *len < key).max(),
        };
        found.unwrap_or(0)
    };
    let value = || if of_arg("key_len") == 1 { VALUE } else { 0 };
    match (function, of) {
        (F::InputRead, "copied") => of_arg("len").min(u64::from(RECORD_LEN).saturating_sub(of_arg("off"))),
        (F::StorageGet, "copied") => of_arg("cap").min(value()),
        (F::ResultRead | F::TransientGet, "copied") => 0,
        (_, "value") => value(),
        (_, "found") => seek(),
        (_, "if new") if function == F::StorageSet => u64::from(of_arg("key_len") > 2),
        (_, "if new" | "if value" | "code" | "always") => 0,
        (F::HashRipemd, "out") => 20,
        (_, "out") => 32,
        (_, "key + val") => of_arg("key_len") + of_arg("val_len"),
        (_, "prefix + key") => of_arg("prefix_len") + of_arg("key_len"),
        (_, "len" | "count") => of_arg(of),
        (_, "key" | "val" | "input" | "msg") => of_arg(&format!("{of}_len")),
        (_, of) => {
            let block: u64 = of.strip_prefix("blocks of ").expect("a part that is known").parse().unwrap();
            of_arg("len") / block + 1
        }
    }
}

/// How long the range at a pointer is.
fn range(function: F, index: usize, args: &[u64]) -> u64 {
    let name = function.def().params[index].0;
    let times = |by: u64| by * arg(function, args, "count");
    match (function, name) {
        (F::Balance | F::Value, "out") | (_, "value" | "amount") => 16,
        (F::HashRipemd, "out") => 20,
        (F::StorageGet | F::TransientGet, "out") => arg(function, args, "cap"),
        (F::InputRead | F::ResultRead, "out") => arg(function, args, "len"),
        (F::Secp256k1Recover | F::Bn254Add | F::Bn254Mul, "out") | (_, "sig") | (F::Bls12MapG1, "input") => {
            64
        }
        (F::Bls12G1Add | F::Bls12G1Msm | F::Bls12MapG1, "out") => 128,
        (F::Bls12G2Add | F::Bls12G2Msm | F::Bls12MapG2, "out") => 256,
        (F::Bn254Add | F::Bls12MapG2, "input") => 128,
        (F::Bn254Mul, "input") => 96,
        (F::Bls12G1Add, "input") => 256,
        (F::Bls12G2Add, "input") => 512,
        (F::Bn254Pairing, "input") => times(192),
        (F::Bls12G1Msm, "input") => times(160),
        (F::Bls12G2Msm, "input") => times(288),
        (F::Bls12Pairing, "input") => times(384),
        (F::Ed25519Verify, "key") | (_, "out" | "addr" | "to" | "code_hash" | "salt" | "hash") => 32,
        (F::StorageNext | F::StoragePrev, "key") => {
            arg(function, args, "key_len").max(arg(function, args, "cap"))
        }
        (_, "topics") => times(32),
        (_, "ptr" | "data") => arg(function, args, "len"),
        (_, name) => arg(function, args, &format!("{name}_len")),
    }
}

/// The greatest that a size may be, where the host has a limit.
fn limit(function: F, name: &str) -> Option<u64> {
    match (function, name) {
        (F::Secp256k1Verify | F::Secp256r1Verify | F::InputRead | F::ResultRead, _) => None,
        (_, "key_len" | "prefix_len") => Some(256),
        (F::Output | F::Revert, "len") | (_, "val_len" | "input_len") => Some(131_072),
        (F::Event, "count") => Some(4),
        (F::Event, "len") => Some(16_384),
        (F::Debug, "len") => Some(4_096),
        (_, "count") => Some(128),
        _ => None,
    }
}

fn is_seek(function: F) -> bool {
    matches!(function, F::StorageNext | F::StoragePrev)
}

/// Arguments that fail nothing: every pointer is 0, every size small.
fn valid(function: F) -> Vec<u64> {
    let of = |(name, kind): &(&str, ParamKind)| match (*name, kind) {
        ("key_len" | "prefix_len", _) if is_seek(function) => 0,
        ("cap", _) if is_seek(function) => 256,
        ("flags" | "off" | "id", _) => 0,
        (_, ParamKind::U64) => u64::MAX,
        (_, ParamKind::U32) => 1,
        _ => 0,
    };
    function.def().params.iter().map(of).collect()
}

fn pointers(function: F) -> Vec<usize> {
    let is_pointer = |kind| !matches!(kind, ParamKind::U32 | ParamKind::U64);
    let params = function.def().params.iter().enumerate();
    params.filter(|(_, (_, kind))| is_pointer(*kind)).map(|(index, _)| index).collect()
}

/// Something wrong with a call: what it does to the arguments or the gas, and what shows when it is the first.
#[derive(Clone, Debug)]
enum Wrong {
    /// The gas is one short of the base price.
    Base,
    Arg {
        index: usize,
        value: u64,
        shows: Status,
    },
    /// The gas is the base price and nothing more.
    Parts,
}

/// All that can be wrong with a function's call, in the order of the law.
fn wrongs(probe: &Probe, function: F) -> Vec<Wrong> {
    let mut all = vec![Wrong::Base];
    all.extend(pointers(function).into_iter().map(|index| Wrong::Arg {
        index,
        value: NOWHERE,
        shows: OUT_OF_BOUNDS,
    }));
    for (index, (name, kind)) in function.def().params.iter().enumerate() {
        let mut wrong = |value, shows| all.push(Wrong::Arg { index, value, shows });
        match (*name, kind) {
            ("flags", _) => wrong(2, BAD),
            ("cap", _) if is_seek(function) => wrong(255, BAD),
            (_, ParamKind::U32) => {
                let is_key = *name == "key_len" && limit(function, name).is_some();
                if is_key && !is_seek(function) {
                    wrong(0, BAD);
                }
                if let Some(limit) = limit(function, name) {
                    wrong(limit + 1, LIMITED);
                }
            }
            _ => {}
        }
    }
    if probe.parts(function, &valid(function)) != 0 {
        all.push(Wrong::Parts);
    }
    all
}

/// A call with these wrongs shows the first of them.
fn shows_the_first(probe: &Probe, function: F, wrongs: &[&Wrong]) {
    let mut args = valid(function);
    let mut gas = GAS;
    for wrong in wrongs {
        match wrong {
            Wrong::Base => gas = gas.min(probe.based(function) - 1),
            Wrong::Arg { index, value, .. } => args[*index] = *value,
            Wrong::Parts => gas = gas.min(probe.based(function)),
        }
    }
    let expected = match wrongs[0] {
        Wrong::Base | Wrong::Parts => (OUT_OF_GAS, gas),
        Wrong::Arg { shows, .. } => (*shows, probe.based(function)),
    };
    assert_eq!(probe.shown(function as u32, &args, gas), expected, "{function:?} {wrongs:?}");
}

#[test]
fn the_first_of_two_failures_ends_every_function() {
    let probe = Probe::new();
    let mut pairs = 0;
    for function in F::all() {
        let wrongs = wrongs(&probe, function);
        for (index, first) in wrongs.iter().enumerate() {
            shows_the_first(&probe, function, &[first]);
            for second in &wrongs[index + 1..] {
                if let (Wrong::Arg { index: a, .. }, Wrong::Arg { index: b, .. }) = (first, second)
                    && a == b
                {
                    continue; // one argument cannot be wrong in two ways
                }
                shows_the_first(&probe, function, &[first, second]);
                pairs += 1;
            }
        }
    }
    assert!(pairs > 350, "{pairs}");
}

#[test]
fn every_function_costs_its_price_and_not_one_less() {
    let probe = Probe::new();
    for function in F::all() {
        let args = valid(function);
        let good = probe.good(function, &args);
        assert_eq!(probe.shown(function as u32, &args, GAS), good, "{function:?}");
        let ends = matches!(function, F::Revert | F::Exit);
        assert_eq!(probe.shown(function as u32, &args, good.1), good, "{function:?}");
        let price = good.1 - if ends { 0 } else { probe.output() };
        assert_eq!(probe.shown(function as u32, &args, price - 1), (OUT_OF_GAS, price - 1), "{function:?}");
    }
}

#[test]
fn every_size_at_its_boundaries() {
    let probe = Probe::new();
    for function in F::all() {
        for (index, (name, kind)) in function.def().params.iter().enumerate() {
            if *kind != ParamKind::U32 || matches!(*name, "flags" | "id") {
                continue;
            }
            let limit = limit(function, name);
            let last = limit.unwrap_or(MEMORY.into());
            for size in [0, 1, 31, 32, 33, 4_096, last, last + 1] {
                let mut args = valid(function);
                args[index] = size;
                let based = probe.based(function);
                let in_memory =
                    pointers(function).iter().all(|index| range(function, *index, &args) <= MEMORY.into());
                let is_empty_key = size == 0 && *name == "key_len" && limit.is_some() && !is_seek(function);
                let is_small = *name == "cap" && is_seek(function) && size < 256;
                let expected = if !in_memory {
                    (OUT_OF_BOUNDS, based)
                } else if limit.is_some_and(|limit| size > limit) {
                    (LIMITED, based)
                } else if is_empty_key || is_small {
                    (BAD, based)
                } else {
                    probe.good(function, &args)
                };
                assert_eq!(probe.shown(function as u32, &args, GAS), expected, "{function:?} {name} {size}");
            }
        }
    }
}

#[test]
fn every_pointer_at_its_boundaries() {
    let probe = Probe::new();
    let end = u64::from(MEMORY);
    for function in F::all() {
        for index in pointers(function) {
            let len = range(function, index, &valid(function));
            let is_optional = function.def().params[index].1 == ParamKind::InOrNone;
            for (pointer, fits) in
                [(0, true), (end - len, true), (end - len + 1, false), (u64::from(u32::MAX), false)]
            {
                let mut args = valid(function);
                args[index] = pointer;
                // A value that is none is none; `val` is none only with length 0.
                let none = is_optional && pointer == u64::from(u32::MAX) && function != F::TransientSet;
                let expected = if fits || none {
                    probe.good(function, &args)
                } else {
                    (OUT_OF_BOUNDS, probe.based(function))
                };
                assert_eq!(
                    probe.shown(function as u32, &args, GAS),
                    expected,
                    "{function:?} {index} {pointer}"
                );
            }
            // A range of no bytes may begin at the end of memory and not beyond it.
            let mut args = valid(function);
            let sizes = function.def().params.iter().enumerate();
            for (size, _) in
                sizes.filter(|(_, (name, kind))| *kind == ParamKind::U32 && !name.contains("flags"))
            {
                args[size] = 0;
            }
            if range(function, index, &args) == 0 {
                for (pointer, fits) in [(end, true), (end + 1, false)] {
                    args[index] = pointer;
                    let (status, _) = probe.shown(function as u32, &args, GAS);
                    assert_eq!(status != OUT_OF_BOUNDS, fits, "{function:?} {index} {pointer}");
                }
            }
        }
    }
}

/// A module without memory may pass no pointer, not even for nothing.
#[test]
fn without_memory_no_pointer_is_good() {
    let chain = Chain::default();
    for function in F::all() {
        let def = function.def();
        let types: Vec<String> = def.params.iter().map(|(_, kind)| kind.ty().to_string()).collect();
        let result = def.returns.ty().map_or(String::new(), |ty| format!("(result {ty})"));
        let args: String = def
            .params
            .iter()
            .map(|(_, kind)| format!("({}.const 0)", kind.ty()))
            .collect::<Vec<_>>()
            .join(" ");
        let call = format!("(call $f {args})");
        let call = if def.returns.ty().is_some() { format!("(drop {call})") } else { call };
        let text = format!(
            r#"(module (import "lockstep" "{}" (func $f (param {}) {result})) (func (export "call") {call}))"#,
            def.name,
            types.join(" ")
        );
        let code_hash = chain.upload(wat::parse_str(text).unwrap());
        let created = chain.apply(Action::Create { code_hash, salt: [0; 32], value: 0, input: vec![] });
        let status = chain.call(created.receipt.created.unwrap(), vec![]).receipt.status;
        let expected = if pointers(function).is_empty() { Status::Ok } else { OUT_OF_BOUNDS };
        assert_eq!(status, expected, "{function:?}");
    }
}

/// In a static frame a function that changes something fails right after its base price, whatever else is wrong with the
/// call and however little gas there is for more; and every other one does what it does elsewhere.
#[test]
fn static_frames_stop_what_changes_state_after_the_base_price() {
    let probe = Probe::new();
    let outer = probe.chain.scripted(9);
    let to = u64::from(support::DATA);
    let nested = |function: u32, args: &[u64], gas: u64| {
        let data = [&probe.to.0[..], &Probe::input(function, args)].concat();
        let call = step(F::CallStatic, &[0, gas, to, to + 32, RECORD_LEN.into()]);
        let told = support::told(
            &probe
                .chain
                .execute(&probe.chain.tx(Action::Call {
                    to: outer,
                    value: 0,
                    input: script(&[call], &data, 0),
                }))
                .unwrap()
                .receipt
                .output,
            1,
        );
        let code = super_len(&probe);
        let price = cost(
            probe.chain.schedule(),
            F::CallStatic,
            &[(Unit::Read, RECORD_LEN.into()), (Unit::Code, code)],
        );
        (told.results[0], told.gas[0] - price)
    };
    let all = u64::MAX;
    let (status, used) = nested(NOTHING, &[], all);
    assert_eq!(status, 0);
    let start = used - probe.output();
    for function in F::all() {
        let args = valid(function);
        let based = start + probe.based(function) - probe.start;
        // A value makes a call a change.
        let changes = function.def().changes_state || function == F::Call;
        if !changes {
            let good = probe.good(function, &args);
            let status = if good.0 == Status::Ok { 0 } else { 1 };
            assert_eq!(
                nested(function as u32, &args, all),
                (status, start + good.1 - probe.start),
                "{function:?}"
            );
            continue;
        }
        assert_eq!(nested(function as u32, &args, all), (2, based), "{function:?}");
        assert_eq!(nested(function as u32, &args, based), (2, based), "{function:?}");
        assert_eq!(nested(function as u32, &args, based - 1), (3, based - 1), "{function:?}");
        for wrong in wrongs(&probe, function) {
            let Wrong::Arg { index, value, .. } = wrong else { continue };
            let mut args = args.clone();
            args[index] = value;
            assert_eq!(nested(function as u32, &args, based), (2, based), "{function:?} {index}");
        }
    }
}

/// The length of the probe's code.
fn super_len(probe: &Probe) -> u64 {
    let version = lockstep_host_env::Database::version(&probe.chain.database).unwrap();
    let code = version.account(&probe.to).unwrap().unwrap().code.unwrap();
    version.code_len(&code).unwrap().unwrap().into()
}

/// A state whose calls fail, or panic, from a number of them on.
struct Failing {
    state: Arc<dyn Storage>,
    left: AtomicU64,
    panics: bool,
}

impl Failing {
    fn pass(&self) -> StorageResult<()> {
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 {
            assert!(!self.panics, "the state panics");
            return Err(StorageError::new("the disk is gone"));
        }
        self.left.store(left - 1, Ordering::Relaxed);
        Ok(())
    }
}

impl Storage for Failing {
    fn account(&self, address: &Address) -> StorageResult<Option<Account>> {
        self.pass()?;
        self.state.account(address)
    }
    fn code(&self, hash: &Hash) -> StorageResult<Option<Arc<[u8]>>> {
        self.pass()?;
        self.state.code(hash)
    }
    fn code_len(&self, hash: &Hash) -> StorageResult<Option<u32>> {
        self.pass()?;
        self.state.code_len(hash)
    }
    fn get(&self, address: &Address, key: &[u8]) -> StorageResult<Option<Vec<u8>>> {
        self.pass()?;
        self.state.get(address, key)
    }
    fn len(&self, address: &Address, key: &[u8]) -> StorageResult<Option<u32>> {
        self.pass()?;
        self.state.len(address, key)
    }
    fn seek(
        &self,
        address: &Address,
        prefix: &[u8],
        from: Option<&[u8]>,
        order: Order,
    ) -> StorageResult<Option<Vec<u8>>> {
        self.pass()?;
        self.state.seek(address, prefix, from, order)
    }
    fn root(&self) -> StorageResult<Hash> {
        self.pass()?;
        self.state.root()
    }
}

/// Wherever the database fails there is a fault and no receipt, and the next run is as if nothing had been.
#[test]
fn a_database_that_fails_or_panics_at_any_call_leaves_nothing() {
    let probe = Probe::new();
    let state = lockstep_host_env::Database::version(&probe.chain.database).unwrap();
    let execute =
        |state: &dyn Storage, tx: &Tx| probe.chain.environment.execute(state, &probe.chain.block, 0, tx);
    let same =
        |one: &Executed, other: &Executed| one.receipt == other.receipt && one.changes == other.changes;
    std::panic::set_hook(Box::new(|_| ())); // they are expected
    let (mut faults, mut panics) = (0, 0);
    for function in F::all() {
        let tx = probe.tx(function as u32, &valid(function), GAS);
        let expected = execute(&*state, &tx).unwrap();
        for is_panic in [false, true] {
            for calls in 0.. {
                let failing = Failing { state: state.clone(), left: AtomicU64::new(calls), panics: is_panic };
                match catch_unwind(AssertUnwindSafe(|| execute(&failing, &tx))) {
                    Ok(Ok(executed)) => {
                        assert!(same(&executed, &expected), "{function:?} {calls}");
                        assert!(calls > 2, "{function:?}");
                        break;
                    }
                    Ok(Err(ExecuteError::Fault(_))) => faults += 1,
                    // Outside of host functions a panic is the embedder's own, and goes to it.
                    Err(_) if is_panic => panics += 1,
                    other => panic!("{function:?} {calls}: {other:?}"),
                }
                assert!(same(&execute(&*state, &tx).unwrap(), &expected), "{function:?} {calls}");
            }
        }
    }
    drop(std::panic::take_hook());
    assert!(faults > 300 && panics > 100, "{faults} {panics}");
}
