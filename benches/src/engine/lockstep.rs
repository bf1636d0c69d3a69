//! Lockstep with each of its backends.

use super::{Compiled, Engine, Linked, METERED, Program, Purpose, Running, UNMETERED};
use anyhow::Result;
use lockstep_vm::{
    Backend, Caller, Config, Error, FloatPolicy, Instance, InstancePre, Limit, Limits, Linker, Module, Store,
    TypedFunc,
};

/// As much gas as a store can have.
const GAS: u64 = i64::MAX as u64;

type Export = TypedFunc<i32, i64>;

/// The export `leaf`, once it was looked up.
type Data = Option<Export>;

struct Lockstep {
    name: &'static str,
    engine: lockstep_vm::Engine,
}

/// The backends of this build.
pub(super) fn all() -> Result<Vec<Box<dyn Engine>>> {
    // Modules that measure compilation may hold floats and be larger than a contract.
    let mut limits = Limits::default();
    for &limit in Limit::ALL.iter().filter(|limit| !limit.is_run()) {
        limits.set(limit, limit.ceiling());
    }
    let config = Config::new().floats(FloatPolicy::Canonical).limits(limits);
    let mut engines: Vec<Box<dyn Engine>> = Vec::new();
    let mut add = |name, config: &Config| -> Result<()> {
        engines.push(Box::new(Lockstep { name, engine: lockstep_vm::Engine::new(config)? }));
        Ok(())
    };
    if Backend::default() == Backend::Native {
        add(METERED, &config)?;
        add(UNMETERED, &config.clone().unmetered_for_benches(true))?;
    }
    add("lockstep-interpreter", &config.backend(Backend::Interpreter))?;
    Ok(engines)
}

impl Engine for Lockstep {
    fn name(&self) -> &'static str {
        self.name
    }

    fn serves(&self, purpose: Purpose) -> bool {
        self.name != UNMETERED || purpose == Purpose::Run
    }

    fn compile(&self, program: Program<'_>) -> Result<Option<Box<dyn Compiled>>> {
        Ok(Some(Box::new(Ready(Module::new(&self.engine, program.wasm)?))))
    }
}

struct Ready(Module);

impl Compiled for Ready {
    fn code_bytes(&self) -> Option<usize> {
        self.0.machine_code().map(<[u8]>::len)
    }

    fn link(self: Box<Self>) -> Result<Box<dyn Linked>> {
        let mut linker: Linker<Data> = Linker::new(self.0.engine());
        linker.func_wrap("env", "host", |n: i32| i64::from(n.cast_unsigned()) + 1)?;
        linker.func_wrap("env", "reenter", |mut caller: Caller<'_, Data>, n: i32| match *caller.data() {
            Some(leaf) => leaf.call(&mut caller, n),
            None => Err(Error::fault("the module has no leaf")),
        })?;
        Ok(Box::new(Prepared(linker.instantiate_pre(&self.0)?)))
    }
}

struct Prepared(InstancePre<Data>);

impl Linked for Prepared {
    fn instantiate(&self) -> Result<Box<dyn Running>> {
        let mut store = Store::new(self.0.module().engine(), None);
        store.set_gas(GAS)?;
        let instance = self.0.instantiate(&mut store)?;
        Ok(Box::new(Live { store, instance }))
    }
}

struct Live {
    store: Store<Data>,
    instance: Instance,
}

impl Live {
    fn export(&mut self, name: &str) -> Result<Export> {
        if self.store.data().is_none() {
            *self.store.data_mut() = self.instance.get_typed_func(&self.store, "leaf").ok();
        }
        Ok(self.instance.get_typed_func(&self.store, name)?)
    }
}

impl Running for Live {
    fn call(&mut self, export: &str, n: i32) -> Result<i64> {
        let export = self.export(export)?;
        Ok(export.call(&mut self.store, n)?)
    }

    fn repeat(&mut self, export: &str, n: i32, times: u32) -> Result<()> {
        let export = self.export(export)?;
        for _ in 0..times {
            export.call(&mut self.store, n)?;
        }
        Ok(())
    }
}
