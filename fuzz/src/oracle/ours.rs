//! Our side of a comparison: the interpreter, by its public API, with or without the recount.
//!
//! Owns a store and its instances, by number. It must not know the plan nor the foreign engine.

use std::collections::BTreeMap;

use lockstep_vm::{
    Audit, Caller, Error, ErrorKind, Extern, ExternRef, ExternType, Func, Global, GlobalType, Instance,
    Linker, Memory, MemoryType, Module, Profile, ProfileFrame, ProfileOptions, Store, Table, TableType, Trap,
    Val, ValType,
};

use super::digest::Digest;
use super::host::{self, Kind};
use super::setup::Setup;
use super::value::{Ended, Outcome, UNNAMED, Value, function_name};

/// A store of ours.
pub struct Ours {
    store: Store<Host>,
    linker: Linker<Host>,
    instances: Vec<Instance>,
    names: Vec<(Func, String)>,
    functions: BTreeMap<String, Func>,
    /// Whether gas is recounted.
    audited: bool,
}

#[derive(Default)]
struct Host {
    externs: Vec<ExternRef>,
}

/// What a call of ours took, and where it trapped.
pub struct Seen {
    /// How it ended.
    pub ended: Ended,
    /// Function and offset of the trap.
    pub site: Option<(u32, u32)>,
    /// The whole backtrace: function and offset of each frame, innermost first, and how many frames more there were.
    pub backtrace: (Vec<(u32, u32)>, u64),
    /// What the recount found.
    pub audit: Option<Audit>,
    /// Whose gas it was, where gas was recounted.
    pub profile: Option<Profile>,
    /// Gas before.
    pub gas_before: u64,
    /// What the instance exported after it, where somebody looked.
    pub state: Option<Digest>,
}

impl Seen {
    /// What the recount says against the gas used.
    pub fn recount_difference(&self) -> Option<String> {
        let audit = self.audit.as_ref()?;
        if let Some(mismatch) = &audit.mismatch {
            return Some(mismatch.clone());
        }
        let used = self.gas_before.checked_sub(self.ended.gas);
        let counted = audit.recounted_gas + audit.charged_gas;
        if used != Some(counted) {
            let (before, left) = (self.gas_before, self.ended.gas);
            return Some(format!("{before} gas was set and {left} is left; {counted} was counted"));
        }
        self.profile.as_ref().and_then(|profile| profile_difference(profile, counted))
    }

    /// How many operators were executed, where they were counted.
    pub fn executed(&self) -> u64 {
        self.audit.as_ref().map_or(0, |audit| audit.executed.iter().sum())
    }
}

/// A profile must say whose each unit of gas was, and of guest code at which operator.
fn profile_difference(profile: &Profile, counted: u64) -> Option<String> {
    if profile.gas() != counted {
        return Some(format!("the profile's sum is {}; {counted} was counted", profile.gas()));
    }
    let wrong = profile.nodes().find(|node| {
        let placed: u64 = node.places().map(|(_, gas)| gas).sum();
        matches!(node.frame(), ProfileFrame::Function { .. }) && placed != node.gas()
    })?;
    Some(format!("a node of the profile has {} gas, and its places another sum: {wrong:?}", wrong.gas()))
}

impl Ours {
    /// An empty store with this stack, at most the setup's, and the host functions of generated modules.
    ///
    /// # Panics
    /// When our API refuses what it must accept.
    pub fn new(setup: &Setup, stack_slots: u64, audited: bool) -> Self {
        let mut store = Store::new(&setup.engine, Host::default());
        let mut limits = store.limits();
        limits.stack_slots = limits.stack_slots.min(stack_slots);
        store.limit(limits).expect("tighter limits are accepted");
        let mut linker = Linker::new(&setup.engine);
        linker.allow_shadowing(true);
        define_host(&mut linker).expect("the names differ");
        Self { store, linker, instances: Vec::new(), names: Vec::new(), functions: BTreeMap::new(), audited }
    }

    /// Defines the module that the official suite imports from.
    ///
    /// # Panics
    /// When our API refuses what it must accept.
    pub fn define_spectest(&mut self) {
        let Self { store, linker, .. } = self;
        define_spectest(linker, store).expect("spectest can be defined");
    }

    /// Makes an instance with this much gas, and starts it.
    pub fn instantiate(&mut self, module: &Module, gas: u64) -> Seen {
        self.begin(gas);
        let made = self.linker.instantiate_without_start(&mut self.store, module);
        // Peaks are those of calls.
        let (outcome, peak) = match made {
            Err(error) => (Err(error), 0),
            Ok(instance) => {
                let started = instance.run_start(&mut self.store);
                let peak = if starts(module) { self.store.peak_stack_slots() } else { 0 };
                (started.map(|()| instance), peak)
            }
        };
        let outcome = outcome.map(|instance| {
            self.add(instance);
            Vec::new()
        });
        self.end(gas, outcome, peak)
    }

    /// Calls an export with this much gas, or with what is left.
    ///
    /// # Panics
    /// When there is no such export.
    pub fn call(&mut self, instance: usize, export: &str, arguments: &[Value], gas: Option<u64>) -> Seen {
        let gas = gas.unwrap_or(self.store.gas());
        self.begin(gas);
        let function =
            self.instances[instance].get_func(&self.store, export).expect("the function is exported");
        let arguments: Vec<Val> = arguments.iter().map(|value| self.lower(value)).collect();
        let mut results = vec![Val::I64(0x5a5a); function.ty(&self.store).results().len()];
        let outcome = function.call(&mut self.store, &arguments, &mut results);
        let peak = self.store.peak_stack_slots();
        let outcome = outcome.map(|()| results.iter().map(|value| self.lift(value)).collect());
        self.end(gas, outcome, peak)
    }

    /// Lets later modules import the exports of an instance.
    ///
    /// # Panics
    /// When our API refuses what it must accept.
    pub fn register(&mut self, instance: usize, name: &str) {
        let instance = self.instances[instance];
        self.linker.instance(&mut self.store, name, instance).expect("the instance is of this store");
    }

    /// What an instance exports.
    pub fn exports(&self, instance: usize) -> Vec<(String, Extern)> {
        let exports = self.instances[instance].exports(&self.store);
        exports.map(|export| (export.name().to_string(), export.into_extern())).collect()
    }

    /// The types of an exported function's parameters.
    pub fn parameters(&self, instance: usize, export: &str) -> Option<Vec<ValType>> {
        let function = self.instances[instance].get_func(&self.store, export)?;
        Some(function.ty(&self.store).params().to_vec())
    }

    /// The bytes of a memory.
    pub fn memory(&self, memory: Memory) -> &[u8] {
        memory.data(&self.store)
    }

    /// The value of a global.
    pub fn global(&self, global: Global) -> Value {
        self.lift(&global.get(&self.store))
    }

    /// The size of a table.
    pub fn table_size(&self, table: Table) -> u64 {
        table.size(&self.store)
    }

    /// An element of a table.
    pub fn element(&self, table: Table, index: u64) -> Option<Value> {
        table.get(&self.store, index).map(|value| self.lift(&value))
    }

    /// Something that the linker defines, to look at.
    pub fn defined(&mut self, module: &str, name: &str) -> Option<Extern> {
        self.linker.get(&mut self.store, module, name)
    }

    fn begin(&mut self, gas: u64) {
        self.store.set_gas(gas).expect("as much gas is allowed");
        if self.audited {
            self.store.start_audit();
            self.store.start_profile(ProfileOptions::default());
        }
    }

    fn end(&mut self, gas_before: u64, outcome: Result<Vec<Value>, Error>, peak: u64) -> Seen {
        let backtrace = match outcome.as_ref().map_err(Error::kind) {
            Err(ErrorKind::Trap(trap)) => {
                let frames = trap.frames().iter().map(|frame| (frame.function(), frame.offset()));
                (frames.collect(), trap.omitted_frames())
            }
            _ => (Vec::new(), 0),
        };
        let site = backtrace.0.first().copied();
        let outcome = match outcome {
            Ok(values) => Outcome::Returned(values),
            Err(error) => match (error.trap(), error.kind()) {
                (Some(trap), _) => Outcome::Trapped(trap),
                (None, ErrorKind::Link(_)) => Outcome::Refused(error.to_string()),
                (None, _) => Outcome::Failed(error.to_string()),
            },
        };
        let (audit, profile) = (self.store.take_audit(), self.store.take_profile());
        Seen {
            ended: Ended { outcome, gas: self.store.gas(), peak },
            site,
            backtrace,
            audit,
            profile,
            gas_before,
            state: None,
        }
    }

    fn add(&mut self, instance: Instance) {
        let number = self.instances.len();
        self.instances.push(instance);
        let mut exports = self.exports(number);
        exports.sort_by(|a, b| a.0.cmp(&b.0));
        for (name, item) in exports {
            let Some(function) = item.into_func() else { continue };
            let name = function_name(number, &name);
            if !self.names.iter().any(|(known, _)| *known == function) {
                self.names.push((function, name.clone()));
            }
            self.functions.insert(name, function);
        }
    }

    fn lift(&self, value: &Val) -> Value {
        match *value {
            Val::I32(value) => Value::I32(value),
            Val::I64(value) => Value::I64(value),
            Val::F32(bits) => Value::F32(bits),
            Val::F64(bits) => Value::F64(bits),
            Val::FuncRef(function) => Value::Func(function.map(|function| {
                let known = self.names.iter().find(|(known, _)| *known == function);
                known.map_or(UNNAMED, |(_, name)| name).to_string()
            })),
            Val::ExternRef(reference) => Value::Extern(reference.map(|reference| {
                *reference.data(&self.store).downcast_ref::<u32>().expect("externrefs are numbers here")
            })),
        }
    }

    fn lower(&mut self, value: &Value) -> Val {
        match value {
            Value::I32(value) => Val::I32(*value),
            Value::I64(value) => Val::I64(*value),
            Value::F32(bits) => Val::F32(*bits),
            Value::F64(bits) => Val::F64(*bits),
            Value::Func(name) => Val::FuncRef(name.as_ref().map(|name| self.functions[name])),
            Value::Extern(number) => Val::ExternRef(number.map(|number| {
                while self.store.data().externs.len() <= number as usize {
                    let next = self.store.data().externs.len() as u32;
                    let reference = ExternRef::new(&mut self.store, next);
                    self.store.data_mut().externs.push(reference);
                }
                self.store.data().externs[number as usize]
            })),
        }
    }
}

/// Whether a module has a start function.
pub(super) fn starts(module: &Module) -> bool {
    let payloads = wasmparser::Parser::new(0).parse_all(module.bytes());
    payloads.flatten().any(|payload| matches!(payload, wasmparser::Payload::StartSection { .. }))
}

fn define_host(linker: &mut Linker<Host>) -> Result<(), Error> {
    linker.func_wrap("env", "tick", |mut caller: Caller<'_, Host>| {
        Ok::<_, Error>(caller.charge(host::TICK)?)
    })?;
    linker.func_wrap("env", "mix", host::mix)?;
    linker.func_wrap("env", "charge", |mut caller: Caller<'_, Host>, argument: i64| {
        match caller.charge(host::charge(argument)) {
            Err(_) if host::charge_is_swallowed(argument) => caller.set_gas(host::REFILL),
            outcome => Ok::<(), Error>(outcome?),
        }
    })?;
    linker.func_wrap("env", "reenter", |mut caller: Caller<'_, Host>, argument: i32| {
        let callback = caller.get_export("callback").and_then(Extern::into_func);
        let Some(callback) = callback.and_then(|callback| callback.typed::<i32, i32>(&caller).ok()) else {
            return Ok(argument);
        };
        let gas = caller.gas();
        let allowance = host::allowance(argument, gas);
        caller.set_gas(allowance)?;
        let outcome = callback.call(&mut caller, argument);
        caller.set_gas(gas - allowance + caller.gas())?;
        outcome.or_else(|error| {
            let swallowed = error.trap().and_then(|trap: Trap| host::swallowed(argument, trap));
            swallowed.ok_or(error)
        })
    })?;
    Ok(())
}

fn define_spectest(linker: &mut Linker<Host>, store: &mut Store<Host>) -> Result<(), Error> {
    for (name, kinds) in host::PRINTS {
        let parameters = kinds.iter().map(|kind| match kind {
            Kind::I32 => ValType::I32,
            Kind::I64 => ValType::I64,
            Kind::F32 => ValType::F32,
            Kind::F64 => ValType::F64,
        });
        let ty = lockstep_vm::FuncType::new(parameters, []);
        linker.func_new(host::SPECTEST, name, ty, |_, _, _| Ok(()))?;
    }
    let globals = [
        ("global_i32", Val::from(host::SPECTEST_INTEGER)),
        ("global_i64", Val::from(i64::from(host::SPECTEST_INTEGER))),
        ("global_f32", Val::from(host::SPECTEST_FLOAT as f32)),
        ("global_f64", Val::from(host::SPECTEST_FLOAT)),
    ];
    for (name, value) in globals {
        let global = Global::new(&mut *store, GlobalType { content: value.ty(), mutable: false }, value)?;
        linker.define(&*store, host::SPECTEST, name, global)?;
    }
    let (minimum, maximum) = host::SPECTEST_TABLE;
    let ty = TableType { element: ValType::FuncRef, minimum: minimum.into(), maximum: Some(maximum.into()) };
    let table = Table::new(&mut *store, ty, Val::FuncRef(None))?;
    linker.define(&*store, host::SPECTEST, "table", table)?;
    let (minimum, maximum) = host::SPECTEST_MEMORY;
    let ty = MemoryType { minimum: minimum.into(), maximum: Some(maximum.into()) };
    let memory = Memory::new(&mut *store, ty)?;
    linker.define(&*store, host::SPECTEST, "memory", memory)?;
    Ok(())
}

/// The exported functions of a module with the types of their parameters, in the order of their names.
pub fn exported_functions(module: &Module) -> Vec<(String, Vec<ValType>)> {
    let mut functions: Vec<(String, Vec<ValType>)> = module
        .exports()
        .filter_map(|export| match export.ty() {
            ExternType::Func(ty) => Some((export.name().to_string(), ty.params().to_vec())),
            _ => None,
        })
        .collect();
    functions.sort();
    functions
}
