//! Wasmi with fuel, translating eagerly.

use super::{Compiled, Engine, Linked, Program, Running};
use anyhow::Result;
use wasmi::{Caller, CompilationMode, Config, Error, Instance, Linker, Module, Store, TypedFunc};

const FUEL: u64 = u64::MAX;

type Export = TypedFunc<i32, i64>;

/// The export `leaf`, once it was looked up.
type Data = Option<Export>;

struct Wasmi(wasmi::Engine);

/// The one configuration.
pub(super) fn all() -> Vec<Box<dyn Engine>> {
    let mut config = Config::default();
    config.consume_fuel(true).compilation_mode(CompilationMode::Eager);
    // Deep recursion is part of the programs.
    config.set_max_recursion_depth(1 << 20).set_max_stack_height(64 << 20);
    vec![Box::new(Wasmi(wasmi::Engine::new(&config)))]
}

impl Engine for Wasmi {
    fn name(&self) -> &'static str {
        "wasmi"
    }

    fn compile(&self, program: Program<'_>) -> Result<Option<Box<dyn Compiled>>> {
        Ok(Some(Box::new(Ready { module: Module::new(&self.0, program.wasm)?, engine: self.0.clone() })))
    }
}

struct Ready {
    module: Module,
    engine: wasmi::Engine,
}

impl Compiled for Ready {
    fn code_bytes(&self) -> Option<usize> {
        None
    }

    fn link(self: Box<Self>) -> Result<Box<dyn Linked>> {
        let mut linker: Linker<Data> = Linker::new(&self.engine);
        linker.func_wrap("env", "host", |n: i32| i64::from(n.cast_unsigned()) + 1)?;
        linker.func_wrap("env", "reenter", |mut caller: Caller<'_, Data>, n: i32| match *caller.data() {
            Some(leaf) => leaf.call(&mut caller, n),
            None => Err(Error::new("the module has no leaf")),
        })?;
        Ok(Box::new(Prepared { linker, module: self.module }))
    }
}

struct Prepared {
    linker: Linker<Data>,
    module: Module,
}

impl Linked for Prepared {
    fn instantiate(&self) -> Result<Box<dyn Running>> {
        let mut store = Store::new(self.module.engine(), None);
        store.set_fuel(FUEL)?;
        let instance = self.linker.instantiate_and_start(&mut store, &self.module)?;
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
