//! Wasmer's singlepass compiler with its metering middleware. 5.0 is the last version whose every part is permissively
//! licensed.

use super::{Compiled, Engine, Linked, Program, Running};
use anyhow::{Context, Result};
use std::sync::Arc;
use wasmer::sys::{CompilerConfig, EngineBuilder};
use wasmer::wasmparser::Operator;
use wasmer::{
    Function, FunctionEnv, FunctionEnvMut, Imports, Instance, Module, Store, TypedFunction, imports,
};
use wasmer_compiler_singlepass::Singlepass as Compiler;
use wasmer_middlewares::Metering;

const POINTS: u64 = u64::MAX;

type Export = TypedFunction<i32, i64>;

/// The export `leaf`, once it was looked up.
type Data = Option<Export>;

/// Rust's compiler no longer brings this function, which Wasmer's libraries name. Code of singlepass never calls it.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "the linker asks for this name")]
#[unsafe(no_mangle)]
extern "C" fn __rust_probestack() {
    std::process::abort()
}

/// Singlepass with metering.
pub(super) struct Singlepass;

impl Singlepass {
    /// A middleware serves one module, so each module has an engine of its own.
    fn engine() -> wasmer::Engine {
        let mut compiler = Compiler::new();
        compiler.push_middleware(Arc::new(Metering::new(POINTS, |_: &Operator<'_>| 1)));
        EngineBuilder::new(compiler).engine().into()
    }
}

impl Engine for Singlepass {
    fn name(&self) -> &'static str {
        "wasmer-singlepass"
    }

    fn compile(&self, program: Program<'_>) -> Result<Option<Box<dyn Compiled>>> {
        let engine = Singlepass::engine();
        let module = Module::new(&engine, program.wasm)?;
        Ok(Some(Box::new(Ready { engine, module })))
    }
}

struct Ready {
    engine: wasmer::Engine,
    module: Module,
}

impl Compiled for Ready {
    fn code_bytes(&self) -> Option<usize> {
        None
    }

    fn link(self: Box<Self>) -> Result<Box<dyn Linked>> {
        Ok(self)
    }
}

fn imports(store: &mut Store, data: &FunctionEnv<Data>) -> Imports {
    let host = Function::new_typed(store, |n: i32| i64::from(n.cast_unsigned()) + 1);
    let reenter =
        Function::new_typed_with_env(store, data, |mut caller: FunctionEnvMut<'_, Data>, n: i32| {
            let leaf = caller.data().clone().expect("the module has a leaf");
            leaf.call(&mut caller, n)
        });
    imports! { "env" => { "host" => host, "reenter" => reenter } }
}

impl Linked for Ready {
    fn instantiate(&self) -> Result<Box<dyn Running>> {
        let mut store = Store::new(self.engine.clone());
        let data = FunctionEnv::new(&mut store, None);
        // Its functions belong to a store, so that there is nothing to resolve before.
        let imports = imports(&mut store, &data);
        let instance = Instance::new(&mut store, &self.module, &imports)?;
        Ok(Box::new(Live { store, instance, data }))
    }
}

struct Live {
    store: Store,
    instance: Instance,
    data: FunctionEnv<Data>,
}

impl Live {
    fn export(&mut self, name: &str) -> Result<Export> {
        if self.data.as_ref(&self.store).is_none() {
            let leaf = self.instance.exports.get_typed_function(&self.store, "leaf").ok();
            *self.data.as_mut(&mut self.store) = leaf;
        }
        self.instance.exports.get_typed_function(&self.store, name).context("no such export")
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
