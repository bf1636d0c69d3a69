//! The foreign side of a comparison: instrumented modules on wasmi, which knows nothing of Lockstep.
//!
//! Owns what the instrumented form asks of a harness: gas set, peak read, height reset when an activation ends, the price
//! of instantiation. Host functions are in `foreign_host`. It must not know the interpreter.
//!
//! The stack's limit is a constant of the instrumented code. A lower one is had by beginning at a height above 0.

use std::collections::BTreeMap;
use std::fmt;

use lockstep_gas::METER_GLOBALS;
use lockstep_vm::Trap;
use wasmi::errors::{ErrorKind, HostError, InstantiationError};
use wasmi::{
    AsContext, AsContextMut, Extern, ExternRef, F32, F64, Func, Global, Instance, Linker, Memory, Module,
    Mutability, Nullable, Ref, Store, StoreLimits, Table, TrapCode, Val,
};

use super::foreign_host::{define_host, define_spectest};
use super::quiet;
use super::setup::{METER, Setup};
use super::value::{Ended, Outcome, UNNAMED, Value, function_name};

/// Why the foreign engine cannot tell: a limit or a fault of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unable(pub String);

/// A module, instrumented and translated.
pub struct Prepared {
    module: Module,
    instantiation_price: u64,
}

impl Prepared {
    /// Translates the instrumented bytes of a module.
    ///
    /// # Errors
    /// When the engine refuses a valid module, or panics.
    pub fn new(engine: &wasmi::Engine, bytes: &[u8], instantiation_price: u64) -> Result<Self, Unable> {
        match quiet::catch(|| Module::new(engine, bytes)) {
            Ok(Ok(module)) => Ok(Self { module, instantiation_price }),
            Ok(Err(error)) => {
                Err(Unable(format!("the foreign engine refuses the module: {}", general(&error.to_string()))))
            }
            Err(panic) => Err(Unable(format!("the foreign translator panics: {}", general(&panic)))),
        }
    }
}

/// A message without its numbers, so that the same reason is counted once.
fn general(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let mut general: String = line.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect();
    while general.contains("##") {
        general = general.replace("##", "#");
    }
    general.chars().take(120).collect()
}

/// A foreign store.
pub struct Foreign {
    store: Store<Host>,
    linker: Linker<Host>,
    instances: Vec<Instance>,
    names: BTreeMap<String, String>,
    functions: BTreeMap<String, Func>,
    /// The height at which the stack begins, so that only its limit is left.
    floor: i64,
}

pub(super) struct Host {
    meter: Option<[Global; 4]>,
    limits: StoreLimits,
    externs: Vec<ExternRef>,
    pub(super) depth: u32,
    pub(super) depth_limit: u32,
}

impl Host {
    fn global(&self, index: usize) -> Global {
        self.meter.expect("the meter is made with the store")[index]
    }
}

pub(super) const GAS: usize = 0;
pub(super) const HEIGHT: usize = 1;
const PEAK: usize = 2;
const TRAP: usize = 3;

pub(super) fn get(store: impl AsContext<Data = Host>, index: usize) -> i64 {
    let store = store.as_context();
    let Val::I64(value) = store.data().global(index).get(store) else {
        unreachable!("the meter's globals are i64")
    };
    value
}

pub(super) fn set(mut store: impl AsContextMut<Data = Host>, index: usize, value: i64) {
    let global = store.as_context().data().global(index);
    global.set(store.as_context_mut(), Val::I64(value)).expect("the meter's globals are mutable i64");
}

/// An ending that a host function raises.
#[derive(Clone, Debug)]
pub(super) enum Raised {
    Trap(Trap),
    Unable(Unable),
}

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl HostError for Raised {}

impl Foreign {
    /// An empty store with this stack, at most the setup's, and the host functions of generated modules.
    ///
    /// # Panics
    /// When the foreign API refuses what it must accept.
    pub fn new(setup: &Setup, engine: &wasmi::Engine, stack_slots: u64) -> Self {
        let limits = setup.engine.run_limits();
        let host = Host {
            meter: None,
            limits: setup.foreign_limits(),
            externs: Vec::new(),
            depth: 0,
            depth_limit: limits.activation_depth,
        };
        let mut store = Store::new(engine, host);
        store.limiter(|host| &mut host.limits);
        let meter = [0; 4].map(|_| Global::new(&mut store, Val::I64(0), Mutability::Var));
        store.data_mut().meter = Some(meter);
        let mut linker = Linker::new(engine);
        linker.allow_shadowing(true);
        for (name, global) in METER_GLOBALS.iter().zip(meter) {
            linker.define(METER, name, global).expect("shadowing is allowed");
        }
        define_host(&mut linker).expect("the names differ");
        let floor = limits.stack_slots.saturating_sub(stack_slots) as i64;
        Self {
            store,
            linker,
            instances: Vec::new(),
            names: BTreeMap::new(),
            functions: BTreeMap::new(),
            floor,
        }
    }

    /// Defines the module that the official suite imports from.
    ///
    /// # Panics
    /// When the foreign API refuses what it must accept.
    pub fn define_spectest(&mut self) {
        let Self { store, linker, .. } = self;
        define_spectest(linker, store).expect("spectest can be defined");
    }

    /// Makes an instance with this much gas, and starts it.
    ///
    /// # Errors
    /// When this engine cannot tell.
    pub fn instantiate(&mut self, module: &Prepared, gas: u64) -> Result<Ended, Unable> {
        self.begin(gas);
        let price = module.instantiation_price;
        if gas < price {
            set(&mut self.store, GAS, 0);
            return Ok(self.end(Outcome::Trapped(Trap::OutOfGas)));
        }
        set(&mut self.store, GAS, (gas - price) as i64);
        let Self { store, linker, .. } = self;
        store.data_mut().depth = 1;
        let made = quiet::catch(|| linker.instantiate_and_start(&mut *store, &module.module));
        store.data_mut().depth = 0;
        let made = made.map_err(|panic| Unable(format!("the foreign engine panics: {}", general(&panic))))?;
        let outcome = match made {
            Ok(instance) => {
                self.add(instance);
                Outcome::Returned(Vec::new())
            }
            Err(error) => match self.ending(&error) {
                Ok(trap) => Outcome::Trapped(trap),
                Err(Unable(_)) if is_link_error(&error) => {
                    set(&mut self.store, GAS, gas as i64);
                    Outcome::Refused(error.to_string())
                }
                Err(unable) => return Err(unable),
            },
        };
        Ok(self.end(outcome))
    }

    /// Calls an export with this much gas, or with what is left.
    ///
    /// # Errors
    /// When this engine cannot tell.
    ///
    /// # Panics
    /// When there is no such export.
    pub fn call(
        &mut self,
        instance: usize,
        export: &str,
        arguments: &[Value],
        gas: Option<u64>,
    ) -> Result<Ended, Unable> {
        let gas = gas.unwrap_or(get(&self.store, GAS) as u64);
        self.begin(gas);
        let function =
            self.instances[instance].get_func(&self.store, export).expect("the function is exported");
        let arguments: Vec<Val> = arguments.iter().map(|value| self.lower(value)).collect();
        let results = function.ty(&self.store).results().len();
        let mut results = vec![Val::I64(0x5a5a); results];
        self.store.data_mut().depth = 1;
        let store = &mut self.store;
        let called = quiet::catch(|| function.call(store, &arguments, &mut results));
        self.store.data_mut().depth = 0;
        let called =
            called.map_err(|panic| Unable(format!("the foreign engine panics: {}", general(&panic))))?;
        let outcome = match called {
            Ok(()) => Outcome::Returned(results.iter().map(|value| self.lift(value)).collect()),
            Err(error) => Outcome::Trapped(self.ending(&error)?),
        };
        Ok(self.end(outcome))
    }

    /// Lets later modules import the exports of an instance.
    ///
    /// # Panics
    /// When the foreign API refuses what it must accept.
    pub fn register(&mut self, instance: usize, name: &str) {
        let instance = self.instances[instance];
        self.linker.instance(&mut self.store, name, instance).expect("shadowing is allowed");
    }

    /// An export of an instance.
    pub fn export(&self, instance: usize, name: &str) -> Option<Extern> {
        self.instances[instance].get_export(&self.store, name)
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
        table.get(&self.store, index).map(|reference| match reference {
            Ref::Func(reference) => self.lift(&Val::FuncRef(reference)),
            Ref::Extern(reference) => self.lift(&Val::ExternRef(reference)),
        })
    }

    /// Something that the linker defines, to look at.
    pub fn defined(&self, module: &str, name: &str) -> Option<Extern> {
        self.linker.get(&self.store, module, name)
    }

    fn begin(&mut self, gas: u64) {
        for (index, value) in [(GAS, gas as i64), (HEIGHT, self.floor), (PEAK, self.floor), (TRAP, 0)] {
            set(&mut self.store, index, value);
        }
    }

    fn end(&mut self, outcome: Outcome) -> Ended {
        let [gas, height, peak] = [GAS, HEIGHT, PEAK].map(|index| get(&self.store, index));
        // What was left of it by a trap is the harness's to reset; a return must have lowered it.
        let outcome = match outcome {
            Outcome::Returned(_) if height != self.floor => {
                Outcome::Failed(format!("it returned at a height of {}", height - self.floor))
            }
            outcome => outcome,
        };
        Ended { outcome, gas: gas as u64, peak: (peak - self.floor) as u64 }
    }

    fn ending(&mut self, error: &wasmi::Error) -> Result<Trap, Unable> {
        trap_of(&mut self.store, error)
    }

    fn add(&mut self, instance: Instance) {
        let number = self.instances.len();
        self.instances.push(instance);
        let mut functions: Vec<(String, Func)> = instance
            .exports(&self.store)
            .filter_map(|export| Some((export.name().to_string(), export.into_func()?)))
            .collect();
        functions.sort_by(|a, b| a.0.cmp(&b.0));
        for (name, function) in functions {
            let name = function_name(number, &name);
            self.names.entry(key(&function)).or_insert(name.clone());
            self.functions.insert(name, function);
        }
    }

    fn lift(&self, value: &Val) -> Value {
        match value {
            Val::I32(value) => Value::I32(*value),
            Val::I64(value) => Value::I64(*value),
            Val::F32(value) => Value::F32(value.to_bits()),
            Val::F64(value) => Value::F64(value.to_bits()),
            Val::FuncRef(reference) => Value::Func(reference.val().map(|function| {
                let known = self.names.get(&key(function));
                known.map_or(UNNAMED, |name| name).to_string()
            })),
            Val::ExternRef(reference) => Value::Extern(reference.val().map(|reference| {
                *reference.data(&self.store).downcast_ref::<u32>().expect("externrefs are numbers here")
            })),
            Val::V128(_) => unreachable!("vectors are not accepted"),
        }
    }

    fn lower(&mut self, value: &Value) -> Val {
        match value {
            Value::I32(value) => Val::I32(*value),
            Value::I64(value) => Val::I64(*value),
            Value::F32(bits) => Val::F32(F32::from_bits(*bits)),
            Value::F64(bits) => Val::F64(F64::from_bits(*bits)),
            Value::Func(None) => Val::FuncRef(Nullable::Null),
            Value::Func(Some(name)) => Val::FuncRef(Nullable::Val(self.functions[name])),
            Value::Extern(None) => Val::ExternRef(Nullable::Null),
            Value::Extern(Some(number)) => {
                while self.store.data().externs.len() <= *number as usize {
                    let next = self.store.data().externs.len() as u32;
                    let reference = ExternRef::new(&mut self.store, next);
                    self.store.data_mut().externs.push(reference);
                }
                Val::ExternRef(Nullable::Val(self.store.data().externs[*number as usize]))
            }
        }
    }
}

/// A function's identity: handles cannot be compared, but they show what they are.
fn key(function: &Func) -> String {
    format!("{function:?}")
}

/// The trap that an error of this engine stands for.
pub(super) fn trap_of(
    mut store: impl AsContextMut<Data = Host>,
    error: &wasmi::Error,
) -> Result<Trap, Unable> {
    if let Some(raised) = error.downcast_ref::<Raised>() {
        return match raised {
            Raised::Trap(trap) => Ok(*trap),
            Raised::Unable(unable) => Err(unable.clone()),
        };
    }
    // Text and code of other errors are no outcomes, even where a trap code is near enough for their author.
    let ErrorKind::TrapCode(code) = error.kind() else {
        return instantiation_trap(error)
            .ok_or_else(|| Unable(format!("the foreign engine fails: {}", general(&error.to_string()))));
    };
    Ok(match code {
        TrapCode::UnreachableCodeReached => {
            let number = get(store.as_context(), TRAP);
            set(store.as_context_mut(), TRAP, 0);
            match number {
                0 => Trap::Unreachable,
                number => u8::try_from(number)
                    .ok()
                    .and_then(Trap::from_number)
                    .expect("the meter's traps are known"),
            }
        }
        TrapCode::MemoryOutOfBounds => Trap::MemoryOutOfBounds,
        TrapCode::TableOutOfBounds => Trap::TableOutOfBounds,
        TrapCode::IndirectCallToNull => Trap::IndirectCallToNull,
        TrapCode::BadSignature => Trap::BadSignature,
        TrapCode::IntegerOverflow => Trap::IntegerOverflow,
        TrapCode::IntegerDivisionByZero => Trap::DivideByZero,
        TrapCode::BadConversionToInteger => Trap::BadConversion,
        other => return Err(Unable(format!("a limit of the foreign engine: {other:?}"))),
    })
}

/// The trap of an active segment that does not fit.
fn instantiation_trap(error: &wasmi::Error) -> Option<Trap> {
    if let ErrorKind::Instantiation(InstantiationError::ElementSegmentDoesNotFit { .. }) = error.kind() {
        return Some(Trap::TableOutOfBounds);
    }
    match error.as_trap_code()? {
        TrapCode::MemoryOutOfBounds => Some(Trap::MemoryOutOfBounds),
        TrapCode::TableOutOfBounds => Some(Trap::TableOutOfBounds),
        _ => None,
    }
}

fn is_link_error(error: &wasmi::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Linker(_) | ErrorKind::Instantiation(_) | ErrorKind::Memory(_) | ErrorKind::Table(_)
    )
}
