//! Engines behind one trait, so that every command treats them alike.
//!
//! Owns the list of engines and the module that the calls between host and guest are measured with. It must not know
//! what is measured.

mod lockstep;
mod native;
#[cfg(feature = "wasmer")]
mod wasmer;
#[cfg(feature = "wasmi")]
mod wasmi;
#[cfg(feature = "wasmtime")]
mod wasmtime;

use anyhow::{Result, bail};

/// What an engine is given: a module, and for programs in Rust the same source compiled for the host.
#[derive(Clone, Copy)]
pub struct Program<'a> {
    /// The module.
    pub wasm: &'a [u8],
    /// The program as host code.
    pub host: Option<fn(i32) -> i64>,
}

/// What a command does with an engine.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Runs programs.
    Run,
    /// Compiles modules.
    Compile,
    /// Crosses between host and guest.
    Calls,
}

/// An engine with its configuration.
pub trait Engine {
    /// The name, as `--engines` takes it.
    fn name(&self) -> &'static str;

    /// Whether it has something to say there.
    fn serves(&self, _purpose: Purpose) -> bool {
        true
    }

    /// Compiles a module on one thread; `None` when this engine cannot take this kind of program.
    ///
    /// # Errors
    /// The engine refuses the module.
    fn compile(&self, program: Program<'_>) -> Result<Option<Box<dyn Compiled>>>;
}

/// A compiled module.
pub trait Compiled {
    /// The bytes of machine code, where the engine tells.
    fn code_bytes(&self) -> Option<usize>;

    /// Resolves the imports, which may only be those of [`CALLS`].
    ///
    /// # Errors
    /// There are others.
    fn link(self: Box<Self>) -> Result<Box<dyn Linked>>;
}

/// A module ready for instantiation.
pub trait Linked {
    /// A new store with a new instance, and with fuel or gas that never ends.
    ///
    /// # Errors
    /// Instantiation fails.
    fn instantiate(&self) -> Result<Box<dyn Running>>;
}

/// An instance in a store of its own. Every export it calls is of type `(i32) -> i64`.
pub trait Running {
    /// Calls an export once.
    ///
    /// # Errors
    /// There is no such export, or it traps.
    fn call(&mut self, export: &str, n: i32) -> Result<i64>;

    /// Looks an export up once and calls it `times` times.
    ///
    /// # Errors
    /// As [`Running::call`].
    fn repeat(&mut self, export: &str, n: i32, times: u32) -> Result<()>;
}

/// A module with one page of memory for calls between host and guest. Every engine gives it `env.host`, which adds 1,
/// and `env.reenter`, which calls the export `leaf`.
pub const CALLS: &str = r#"
(module
  (import "env" "host" (func $host (param i32) (result i64)))
  (import "env" "reenter" (func $reenter (param i32) (result i64)))
  (memory (export "memory") 1)
  (func (export "empty") (param i32) (result i64) i64.const 0)
  (func (export "leaf") (param i32) (result i64) (i64.add (i64.extend_i32_u (local.get 0)) (i64.const 2)))
  (func (export "host_loop") (param $n i32) (result i64) (local $sum i64)
    (loop $again
      (local.set $sum (i64.add (local.get $sum) (call $host (local.get $n))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))
  (func (export "reenter_loop") (param $n i32) (result i64) (local $sum i64)
    (loop $again
      (local.set $sum (i64.add (local.get $sum) (call $reenter (local.get $n))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum)))
"#;

/// The engine that others are compared with.
pub const REFERENCE: &str = "cranelift";

/// Lockstep's compiler, and the same without gas and stack checks.
pub const METERED: &str = "lockstep";
/// See [`METERED`].
pub const UNMETERED: &str = "lockstep-unmetered";

/// Every engine that this build has, in the order of the tables.
///
/// # Errors
/// An engine refuses its configuration.
pub fn all() -> Result<Vec<Box<dyn Engine>>> {
    let mut engines: Vec<Box<dyn Engine>> = Vec::new();
    engines.extend(lockstep::all()?);
    #[cfg(feature = "wasmtime")]
    engines.extend(wasmtime::all()?);
    #[cfg(feature = "wasmer")]
    engines.push(Box::new(wasmer::Singlepass));
    #[cfg(feature = "wasmi")]
    engines.extend(wasmi::all());
    engines.push(Box::new(native::Native));
    Ok(engines)
}

/// The engines of these names that serve a purpose, or all when there are none.
///
/// # Errors
/// A name is not an engine of this build.
pub fn select(names: &[String], purpose: Purpose) -> Result<Vec<Box<dyn Engine>>> {
    let mut engines = all()?;
    for name in names {
        if !engines.iter().any(|engine| engine.name() == name) {
            let known: Vec<&str> = engines.iter().map(|engine| engine.name()).collect();
            bail!("no engine is named `{name}`; this build has {}", known.join(", "));
        }
    }
    engines.retain(|engine| {
        engine.serves(purpose) && (names.is_empty() || names.iter().any(|name| name == engine.name()))
    });
    Ok(engines)
}
