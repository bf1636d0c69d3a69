//! A chain in memory, and a contract that does what its input says.
//!
//! The contract's input is a script: calls of host functions with their arguments, and the bytes that are in memory from
//! [`DATA`] on. Its output tells what each call returned and cost, and the bytes that are there afterwards.
#![allow(dead_code, reason = "each test uses a part of it")]

use lockstep_host_env::{
    Account, Action, Address, Block, Changes, Database, Environment, ExecuteError, Executed, Function, Hash,
    HostLimits, HostSchedule, MODULE, MemoryDatabase, Status, Tx, Unit,
};
use lockstep_vm::{Backend, Config, Engine, Op, ProfileOptions, Schedule, ValType};
use std::fmt::Write;

pub(crate) const CHAIN: u64 = 7;
pub(crate) const GAS: u64 = 4_000_000_000;
pub(crate) const DATA: u32 = 65_536;
/// The script's memory, in bytes.
pub(crate) const MEMORY: u32 = 4 * 65_536;
/// A step that executes `unreachable`.
pub(crate) const TRAP: u32 = 1_000;
/// A step that never ends.
pub(crate) const SPIN: u32 = 1_001;

/// Transactions that use no more gas are executed again with a profile, whose sum must be the gas used.
const PROFILED: u64 = 1 << 22;

/// Operators cost nothing where they may, so that what a host function costs can be read off.
pub(crate) fn engine(backend: Backend) -> Engine {
    let mut schedule = Schedule::uniform(1);
    for op in Op::ALL {
        schedule.set(*op, u32::from(*op == Op::Loop));
    }
    Engine::new(&Config::new().backend(backend).schedule(schedule)).unwrap()
}

pub(crate) fn environment(backend: Backend) -> Environment {
    Environment::new(&engine(backend)).unwrap()
}

/// One call of a host function.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) function: u32,
    pub(crate) args: Vec<u64>,
}

pub(crate) fn step(function: Function, args: &[u64]) -> Step {
    assert_eq!(function.def().params.len(), args.len(), "{}", function.def().name);
    Step { function: function as u32, args: args.to_vec() }
}

/// An address within [`DATA`].
pub(crate) const fn at(offset: u32) -> u64 {
    (DATA + offset) as u64
}

/// The input for the script contract. It outputs `dump` bytes of its memory.
pub(crate) fn script(steps: &[Step], data: &[u8], dump: u32) -> Vec<u8> {
    let mut input = Vec::new();
    input.extend((steps.len() as u32).to_le_bytes());
    input.extend(dump.to_le_bytes());
    for step in steps {
        let mut record = [0; 64];
        record[..4].copy_from_slice(&step.function.to_le_bytes());
        for (place, arg) in record[8..].chunks_exact_mut(8).zip(&step.args) {
            place.copy_from_slice(&arg.to_le_bytes());
        }
        input.extend(record);
    }
    input.extend(data);
    input
}

/// What a script's output says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Told {
    /// What each step returned; `i32` is sign-extended.
    pub(crate) results: Vec<i64>,
    /// What each step cost.
    pub(crate) gas: Vec<u64>,
    pub(crate) memory: Vec<u8>,
}

pub(crate) fn told(output: &[u8], steps: usize) -> Told {
    let (results, memory) = output.split_at(steps * 16);
    let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
    Told {
        results: results.chunks_exact(16).map(|pair| word(&pair[..8]) as i64).collect(),
        gas: results.chunks_exact(16).map(|pair| word(&pair[8..])).collect(),
        memory: memory.to_vec(),
    }
}

/// Imports of every host function, from the list.
pub(crate) fn imports() -> String {
    let mut text = String::new();
    for function in Function::all() {
        let def = function.def();
        let types: Vec<String> = def.params.iter().map(|(_, kind)| kind.ty().to_string()).collect();
        let result = def.returns.ty().map_or(String::new(), |ty| format!("(result {ty})"));
        let _ = writeln!(
            text,
            "(import \"{MODULE}\" \"{0}\" (func ${0} (param {1}) {result}))",
            def.name,
            types.join(" ")
        );
    }
    text
}

/// A contract with all imports, memory and this text.
pub(crate) fn contract(text: &str) -> Vec<u8> {
    wat::parse_str(format!("(module {} (memory (export \"memory\") 4) {text})", imports())).unwrap()
}

/// The contract that runs scripts; `deploy` does the same.
pub(crate) fn script_contract() -> Vec<u8> {
    let mut arms = String::new();
    for function in Function::all() {
        let def = function.def();
        let mut call = String::new();
        for (index, (_, kind)) in def.params.iter().enumerate() {
            let load = if kind.ty() == ValType::I64 { "i64.load" } else { "i32.load" };
            let _ = write!(call, "({load} offset={} (local.get $p))", 8 + 8 * index);
        }
        let call = format!("(call ${} {call})", def.name);
        let call = match def.returns.ty() {
            None => call,
            Some(ValType::I64) => format!("(local.set $r {call})"),
            Some(_) => format!("(local.set $r (i64.extend_i32_s {call}))"),
        };
        let _ = writeln!(
            arms,
            "(if (i32.eq (local.get $f) (i32.const {})) (then
                (local.set $before (call $gas_left)) {call}
                (local.set $before (i64.sub (local.get $before) (call $gas_left)))))",
            function as u32
        );
    }
    contract(&format!(
        r#"(func $run (export "call") (export "deploy")
            (local $n i32) (local $i i32) (local $p i32) (local $f i32) (local $before i64) (local $r i64)
            (drop (call $input_read (i32.const 0) (i32.const 0) (i32.const 8)))
            (local.set $n (i32.load (i32.const 0)))
            (drop (call $input_read (i32.const 8) (i32.const 8) (i32.mul (local.get $n) (i32.const 64))))
            (drop (call $input_read (i32.add (i32.const 8) (i32.mul (local.get $n) (i32.const 64)))
                (i32.const {DATA}) (i32.const 131072)))
            (block $done (loop $next
                (br_if $done (i32.ge_u (local.get $i) (local.get $n)))
                (local.set $p (i32.add (i32.const 8) (i32.mul (local.get $i) (i32.const 64))))
                (local.set $f (i32.load (local.get $p)))
                (local.set $r (i64.const 0))
                (local.set $before (i64.const 0))
                {arms}
                (if (i32.eq (local.get $f) (i32.const {TRAP})) (then unreachable))
                (if (i32.eq (local.get $f) (i32.const {SPIN})) (then (loop $spin (br $spin))))
                (local.set $p (i32.sub (i32.const {DATA})
                    (i32.mul (i32.sub (local.get $n) (local.get $i)) (i32.const 16))))
                (i64.store (local.get $p) (local.get $r))
                (i64.store offset=8 (local.get $p) (local.get $before))
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (br $next)))
            (call $output (i32.sub (i32.const {DATA}) (i32.mul (local.get $n) (i32.const 16)))
                (i32.add (i32.mul (local.get $n) (i32.const 16)) (i32.load (i32.const 4)))))"#
    ))
}

/// What a step tells that it cost: the function's price, the slots of both calls, and `gas_left`'s own price.
pub(crate) fn cost(schedule: &HostSchedule, function: Function, parts: &[(Unit, u64)]) -> u64 {
    let def = function.def();
    let slots = def.params.len() + usize::from(def.returns.ty().is_some()) + 1;
    let units: u64 =
        parts.iter().map(|(unit, count)| u64::from(schedule.unit(function, *unit)) * count).sum();
    u64::from(schedule.base(function)) + units + slots as u64 + u64::from(schedule.base(Function::GasLeft))
}

pub(crate) struct Chain {
    pub(crate) environment: Environment,
    pub(crate) database: MemoryDatabase,
    pub(crate) block: Block,
    pub(crate) sender: Address,
}

impl Default for Chain {
    fn default() -> Self {
        Chain::new(environment(Backend::default()))
    }
}

impl Chain {
    pub(crate) fn new(environment: Environment) -> Chain {
        let sender = Address([0xaa; 32]);
        let chain = Chain {
            environment,
            database: MemoryDatabase::new(),
            block: Block { chain: CHAIN, height: 42, time: 1_700_000_000_123 },
            sender,
        };
        chain.give(sender, 1 << 60);
        chain
    }

    pub(crate) fn give(&self, address: Address, amount: u128) {
        let version = self.database.version().unwrap();
        let mut account = version.account(&address).unwrap().unwrap_or_default();
        account.balance += amount;
        self.commit(&Changes { accounts: [(address, Some(account))].into(), ..Changes::default() });
    }

    pub(crate) fn commit(&self, changes: &Changes) {
        let parent = self.database.version().unwrap().root().unwrap();
        let expected = self.database.root_after(changes).unwrap();
        assert_eq!(self.database.commit(&parent, changes).unwrap(), expected);
    }

    pub(crate) fn account(&self, address: &Address) -> Account {
        self.database.version().unwrap().account(address).unwrap().unwrap_or_default()
    }

    pub(crate) fn storage(&self, address: &Address, key: &[u8]) -> Option<Vec<u8>> {
        self.database.version().unwrap().get(address, key).unwrap()
    }

    pub(crate) fn tx(&self, action: Action) -> Tx {
        let nonce = self.account(&self.sender).nonce;
        Tx { chain: CHAIN, sender: self.sender, nonce, gas_limit: GAS, action }
    }

    pub(crate) fn execute(&self, tx: &Tx) -> Result<Executed, ExecuteError> {
        let version = self.database.version().unwrap();
        let executed = self.environment.execute(&*version, &self.block, 0, tx)?;
        if executed.receipt.gas_used <= PROFILED {
            let options = ProfileOptions::default();
            let profiled = self.environment.execute_profiled(&*version, &self.block, 0, tx, options).unwrap();
            assert_eq!(profiled.receipt, executed.receipt);
            assert_eq!(profiled.report.profile.unwrap().gas(), executed.receipt.gas_used);
        }
        Ok(executed)
    }

    /// Executes and commits.
    pub(crate) fn apply(&self, action: Action) -> Executed {
        let executed = self.execute(&self.tx(action)).unwrap();
        self.commit(&executed.changes);
        executed
    }

    pub(crate) fn upload(&self, code: Vec<u8>) -> Hash {
        let executed = self.apply(Action::Upload { code });
        assert_eq!(executed.receipt.status, Status::Ok, "{:?}", executed.report);
        Hash(executed.receipt.output.try_into().unwrap())
    }

    /// An account with the script contract.
    pub(crate) fn scripted(&self, salt: u8) -> Address {
        let code_hash = self.upload(script_contract());
        self.create(code_hash, salt)
    }

    pub(crate) fn create(&self, code_hash: Hash, salt: u8) -> Address {
        let input = script(&[], &[], 0);
        let executed = self.apply(Action::Create { code_hash, salt: [salt; 32], value: 0, input });
        assert_eq!(executed.receipt.status, Status::Ok, "{:?}", executed.report);
        executed.receipt.created.unwrap()
    }

    pub(crate) fn call(&self, to: Address, input: Vec<u8>) -> Executed {
        self.apply(Action::Call { to, value: 0, input })
    }

    /// Runs a script that ends well, and tells.
    pub(crate) fn run(&self, to: Address, steps: &[Step], data: &[u8], dump: u32) -> Told {
        let executed = self.call(to, script(steps, data, dump));
        assert_eq!(executed.receipt.status, Status::Ok, "{:?}", executed.report);
        told(&executed.receipt.output, steps.len())
    }

    /// How one step ends that does not end well.
    pub(crate) fn ends(&self, to: Address, step: Step, data: &[u8]) -> Status {
        self.call(to, script(&[step], data, 0)).receipt.status
    }

    pub(crate) fn schedule(&self) -> &HostSchedule {
        self.environment.schedule()
    }

    pub(crate) fn limits(&self) -> &HostLimits {
        self.environment.limits()
    }
}
