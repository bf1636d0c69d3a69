//! Wasmtime: Cranelift with and without fuel, Winch with fuel.

use super::{Compiled, Engine, Linked, Program, Purpose, Running};
use anyhow::Result;
use wasmtime::{
    Caller, Config, Instance, InstanceAllocationStrategy, InstancePre, Linker, Module, Store, Strategy,
    TypedFunc,
};

const FUEL: u64 = u64::MAX;

type Export = TypedFunc<i32, i64>;

/// The export `leaf`, once it was looked up.
type Data = Option<Export>;

struct Wasmtime {
    name: &'static str,
    engine: wasmtime::Engine,
    pooled: bool,
}

/// The compilers and kinds of metering.
pub(super) fn all() -> Result<Vec<Box<dyn Engine>>> {
    let mut engines: Vec<Box<dyn Engine>> = Vec::new();
    for (name, strategy, fuel, pooled) in [
        ("cranelift", Strategy::Cranelift, false, false),
        ("cranelift-pooled", Strategy::Cranelift, false, true),
        ("cranelift-fuel", Strategy::Cranelift, true, false),
        ("winch-fuel", Strategy::Winch, true, false),
    ] {
        let mut config = Config::new();
        config.strategy(strategy).consume_fuel(fuel).parallel_compilation(false);
        if pooled {
            config.allocation_strategy(InstanceAllocationStrategy::pooling());
        }
        engines.push(Box::new(Wasmtime { name, engine: wasmtime::Engine::new(&config)?, pooled }));
    }
    Ok(engines)
}

impl Engine for Wasmtime {
    fn name(&self) -> &'static str {
        self.name
    }

    fn serves(&self, purpose: Purpose) -> bool {
        !self.pooled || purpose == Purpose::Calls
    }

    fn compile(&self, program: Program<'_>) -> Result<Option<Box<dyn Compiled>>> {
        Ok(Some(Box::new(Ready(Module::new(&self.engine, program.wasm)?))))
    }
}

struct Ready(Module);

impl Compiled for Ready {
    fn code_bytes(&self) -> Option<usize> {
        // The text is rounded up to pages; this is what functions take of it.
        Some(self.0.functions().map(|function| function.len).sum())
    }

    fn link(self: Box<Self>) -> Result<Box<dyn Linked>> {
        let mut linker: Linker<Data> = Linker::new(self.0.engine());
        linker.func_wrap("env", "host", |n: i32| i64::from(n.cast_unsigned()) + 1)?;
        linker.func_wrap(
            "env",
            "reenter",
            |mut caller: Caller<'_, Data>, n: i32| -> wasmtime::Result<i64> {
                let leaf = caller.data().clone().expect("the module has a leaf");
                leaf.call(&mut caller, n)
            },
        )?;
        Ok(Box::new(Prepared(linker.instantiate_pre(&self.0)?)))
    }
}

struct Prepared(InstancePre<Data>);

impl Linked for Prepared {
    fn instantiate(&self) -> Result<Box<dyn Running>> {
        let mut store = Store::new(self.0.module().engine(), None);
        // Fails where fuel is off.
        let _ = store.set_fuel(FUEL);
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
            *self.store.data_mut() = self.instance.get_typed_func(&mut self.store, "leaf").ok();
        }
        Ok(self.instance.get_typed_func(&mut self.store, name)?)
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
