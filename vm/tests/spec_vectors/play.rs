//! Plays a vector and compares.
//!
//! Owns what each part of a vector demands of the engine. It must not know where vectors come from.

use crate::host::{self, Stopped};
use crate::vector::{ModuleEntry, ModuleOutcome, Step, StepOutcome, TrapName, Vector};
use lockstep_vm::{
    Backend, Config, Engine, Error, ErrorKind, Instance, Limits, LinkError, Linker, Module, Schedule, Store,
    Val,
};
use std::collections::BTreeMap;
use std::fmt::{self, Debug};

/// Whose limits a vector's are: it must not matter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LimitsOf {
    Engine,
    Store,
}

impl fmt::Display for LimitsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LimitsOf::Engine => "engine",
            LimitsOf::Store => "store",
        })
    }
}

/// Both ways to set limits.
pub(crate) const LIMITS: &[LimitsOf] = &[LimitsOf::Engine, LimitsOf::Store];

/// What came of a vector.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// How many things were compared.
    pub(crate) checks: u64,
    /// What was not as expected.
    pub(crate) failures: Vec<String>,
}

impl Report {
    fn compare<V: PartialEq + Debug>(&mut self, at: &str, what: &str, expected: &V, found: &V) {
        self.checks += 1;
        if expected != found {
            self.failures.push(format!("{at}: {what}: expected {expected:?}, found {found:?}"));
        }
    }

    /// As `compare`, where the vector may say nothing.
    fn compare_if<V: PartialEq + Debug>(&mut self, at: &str, what: &str, expected: Option<&V>, found: &V) {
        if let Some(expected) = expected {
            self.compare(at, what, expected, found);
        }
    }

    fn fail(&mut self, at: &str, what: impl fmt::Display) {
        self.checks += 1;
        self.failures.push(format!("{at}: {what}"));
    }
}

/// Plays one vector in a store of its own.
pub(crate) fn play(
    vector: &Vector,
    schedule: &Schedule,
    backend: Backend,
    limits_of: LimitsOf,
    report: &mut Report,
) {
    let mut limits = Limits::default();
    let mut store_limits = limits.run();
    let wanted = vector.limits;
    match limits_of {
        LimitsOf::Engine => {
            limits.stack_slots = wanted.stack_slots.unwrap_or(limits.stack_slots);
            limits.activation_depth = wanted.activation_depth.map_or(limits.activation_depth, u64::from);
            limits.memory_pages = wanted.memory_pages.unwrap_or(limits.memory_pages);
            limits.table_elements = wanted.table_elements.unwrap_or(limits.table_elements);
            store_limits = limits.run();
        }
        LimitsOf::Store => {
            store_limits.stack_slots = wanted.stack_slots.unwrap_or(store_limits.stack_slots);
            store_limits.activation_depth = wanted.activation_depth.unwrap_or(store_limits.activation_depth);
            store_limits.memory_pages = wanted.memory_pages.unwrap_or(store_limits.memory_pages);
            store_limits.table_elements = wanted.table_elements.unwrap_or(store_limits.table_elements);
        }
    }
    let config =
        Config::new().backend(backend).floats(vector.floats.into()).limits(limits).schedule(schedule.clone());
    let engine = match Engine::new(&config) {
        Ok(engine) => engine,
        Err(error) => return report.fail("engine", error),
    };
    let mut linker = Linker::new(&engine);
    host::define(&mut linker).expect("the host functions can be defined");
    let mut store = Store::new(&engine, ());
    if let Err(error) = store.limit(store_limits) {
        return report.fail("store", error);
    }
    let mut player = Player {
        engine,
        linker,
        store,
        named: BTreeMap::new(),
        last: None,
        audited: backend == Backend::Interpreter,
        sets_gas: vector.modules.iter().any(|module| module.wat.contains("\"set_gas\"")),
        report,
    };
    for (index, module) in vector.modules.iter().enumerate() {
        player.module(index, module);
    }
    for (index, step) in vector.steps.iter().enumerate() {
        player.step(index, step);
    }
}

struct Player<'r> {
    engine: Engine,
    linker: Linker<()>,
    store: Store<()>,
    named: BTreeMap<String, Instance>,
    /// The last module that was instantiated.
    last: Option<Instance>,
    /// Whether the engine recounts the gas as it executes.
    audited: bool,
    /// Whether a module imports `host.set_gas`.
    sets_gas: bool,
    report: &'r mut Report,
}

impl Player<'_> {
    fn module(&mut self, index: usize, entry: &ModuleEntry) {
        let at = format!("module {}", entry.name.clone().unwrap_or_else(|| index.to_string()));
        let wasm = match wat::parse_str(&entry.wat) {
            Ok(wasm) => wasm,
            Err(error) => return self.report.fail(&at, format_args!("the text does not parse: {error}")),
        };
        let trapped = entry.outcome == ModuleOutcome::Trapped;
        if trapped != entry.trap.is_some() {
            self.report.fail(&at, "`trap` goes with the outcome `trapped`");
        }
        let coded = matches!(entry.outcome, ModuleOutcome::Refused | ModuleOutcome::Invalid);
        if entry.code.is_some() && !coded {
            self.report.fail(&at, "`code` goes with the outcomes `refused` and `invalid`");
        }

        self.set_gas(&at, entry.gas);
        let made = Module::new(&self.engine, &wasm)
            .and_then(|module| self.linker.instantiate(&mut self.store, &module));
        let gas_used = entry.gas.wrapping_sub(self.store.gas());
        let outcome = match &made {
            Ok(_) => Ok(ModuleOutcome::Returned),
            Err(error) => match error.kind() {
                ErrorKind::Trap(_) => Ok(ModuleOutcome::Trapped),
                ErrorKind::Link(_) => Ok(ModuleOutcome::Refused),
                ErrorKind::Invalid(_) => Ok(ModuleOutcome::Invalid),
                _ => Err(error.to_string()),
            },
        };
        self.audit(&at, gas_used);
        self.report.compare(&at, "outcome", &Ok(entry.outcome), &outcome);
        self.report.compare_if(&at, "gas_used", entry.gas_used.as_ref(), &gas_used);
        match made {
            Ok(instance) => {
                self.last = Some(instance);
                if let Some(name) = &entry.name {
                    self.named.insert(name.clone(), instance);
                    self.linker
                        .instance(&self.store, name, instance)
                        .expect("no two modules have the same name");
                }
            }
            Err(error) => {
                self.trap(&at, entry.trap, None, &error);
                if let Some(code) = &entry.code {
                    self.report.compare(&at, "code", &Some(code.clone()), &code_of(&error));
                }
            }
        }
    }

    fn step(&mut self, index: usize, step: &Step) {
        let at = format!("step {index} ({})", step.call);
        let instance = match &step.module {
            Some(name) => self.named.get(name).copied(),
            None => self.last,
        };
        let Some(instance) = instance else { return self.report.fail(&at, "there is no such instance") };
        let Some(function) = instance.get_func(&self.store, &step.call) else {
            return self.report.fail(&at, "there is no such exported function");
        };
        let trapped = step.outcome == StepOutcome::Trapped;
        if trapped != step.trap.is_some() || (step.trap_function.is_some() && !trapped) {
            self.report.fail(&at, "`trap` and `trap_function` go with the outcome `trapped`");
        }
        if step.results.is_some() && step.outcome != StepOutcome::Returned {
            self.report.fail(&at, "`results` go with the outcome `returned`");
        }

        self.set_gas(&at, step.gas);
        let arguments: Vec<Val> = step.args.iter().map(|value| value.0).collect();
        let mut results = vec![Val::I32(0); function.ty(&self.store).results().len()];
        let outcome = function.call(&mut self.store, &arguments, &mut results);
        let gas_used = step.gas.wrapping_sub(self.store.gas());
        let peak = self.store.peak_stack_slots();

        let found = match &outcome {
            Ok(()) => Ok(StepOutcome::Returned),
            Err(error) => match error.kind() {
                ErrorKind::Trap(_) => Ok(StepOutcome::Trapped),
                ErrorKind::Stop(_) => Ok(StepOutcome::Stopped),
                _ => Err(error.to_string()),
            },
        };
        self.audit(&at, gas_used);
        self.report.compare(&at, "outcome", &Ok(step.outcome), &found);
        if let (Some(expected), Ok(())) = (&step.results, &outcome) {
            let expected: Vec<String> = expected.iter().map(|value| value.0.to_string()).collect();
            let found: Vec<String> = results.iter().map(Val::to_string).collect();
            self.report.compare(&at, "results", &expected, &found);
        }
        self.report.compare_if(&at, "gas_used", step.gas_used.as_ref(), &gas_used);
        self.report.compare_if(&at, "peak", step.peak.as_ref(), &peak);
        if let Err(error) = outcome {
            self.trap(&at, step.trap, step.trap_function, &error);
            if let Ok(stop) = error.into_stop() {
                self.report.compare(&at, "the payload is the host function's", &true, &stop.is::<Stopped>());
            }
        }
        self.left_behind(&at, instance, step);
    }

    /// Compares memory and globals after a step.
    fn left_behind(&mut self, at: &str, instance: Instance, step: &Step) {
        for (address, expected) in &step.memory {
            let Some(memory) = instance.get_memory(&self.store, "memory") else {
                self.report.fail(at, "there is no exported memory `memory`");
                break;
            };
            let start = usize::try_from(*address).unwrap_or(usize::MAX);
            let bytes = memory.data(&self.store);
            let found = bytes.get(start..).and_then(|rest| rest.get(..expected.0.len())).map(<[u8]>::to_vec);
            self.report.compare(at, &format!("memory at {address}"), &Some(expected.0.clone()), &found);
        }
        for (name, expected) in &step.globals {
            let found =
                instance.get_global(&self.store, name).map(|global| global.get(&self.store).to_string());
            self.report.compare(at, &format!("global {name:?}"), &Some(expected.0.to_string()), &found);
        }
    }

    /// Compares the kind of a trap and the function that it is reported in.
    fn trap(&mut self, at: &str, kind: Option<TrapName>, function: Option<u32>, error: &Error) {
        let ErrorKind::Trap(trap) = error.kind() else { return };
        self.report.compare_if(at, "trap", kind.as_ref(), &TrapName(trap.trap()));
        let found = trap.frames().first().map(|frame| frame.function());
        self.report.compare_if(at, "trap_function", function.map(Some).as_ref(), &found);
    }

    fn set_gas(&mut self, at: &str, gas: u64) {
        if let Err(error) = self.store.set_gas(gas) {
            self.report.fail(at, error);
        }
        if self.audited {
            self.store.start_audit();
        }
    }

    /// Compares the recount of gas, where the engine made one since [`set_gas`](Self::set_gas).
    fn audit(&mut self, at: &str, gas_used: u64) {
        let Some(audit) = self.store.take_audit() else { return };
        self.report.compare(at, "recount of gas", &None, &audit.mismatch);
        // Who sets the gas neither charges nor spends.
        if !self.sets_gas {
            let counted = audit.recounted_gas + audit.charged_gas;
            self.report.compare(at, "gas_used, recounted", &counted, &gas_used);
        }
    }
}

/// The code that people see.
fn code_of(error: &Error) -> Option<String> {
    match error.kind() {
        ErrorKind::Invalid(invalid) => Some(invalid.code().into_owned()),
        ErrorKind::Link(LinkError::Limit { limit, .. }) => Some(format!("limit.{limit}")),
        _ => None,
    }
}
