//! Lockstep: a deterministic, metered WebAssembly VM for smart contracts.
//!
//! Every replica that runs the same module on the same input gets the same results, the same gas, the same trap and the
//! same memory. The public names follow wasmtime's shape; what differs is that gas, stack and every limit are exact.
//!
//! ```
//! use lockstep_vm::{Caller, Engine, Linker, Module, Store};
//!
//! let engine = Engine::default();
//! let wasm = wat::parse_str(
//!     r#"(module
//!         (import "env" "double" (func $double (param i64) (result i64)))
//!         (func (export "run") (param i64) (result i64) local.get 0 call $double))"#,
//! )?;
//! let module = Module::new(&engine, &wasm)?;
//!
//! let mut linker = Linker::new(&engine);
//! linker.func_wrap("env", "double", |mut caller: Caller<'_, u32>, value: i64| {
//!     *caller.data_mut() += 1; // the store's data
//!     caller.charge(5)?; // what this host function costs
//!     Ok::<_, lockstep_vm::Error>(value * 2)
//! })?;
//!
//! let mut store = Store::new(&engine, 0);
//! store.set_gas(1_000_000)?;
//! let instance = linker.instantiate(&mut store, &module)?;
//! let run = instance.get_typed_func::<i64, i64>(&mut store, "run")?;
//! assert_eq!(run.call(&mut store, 21)?, 42);
//! assert_eq!(*store.data(), 1);
//! println!("gas left {}, peak stack {} slots", store.gas(), store.peak_stack_slots());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Guest code is never given the clock, randomness, the machine or the backend; a host function is the only way out.
#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

// Without a runtime for its code, the compiler still makes it, for tools that show it.
#[cfg(feature = "native")]
#[cfg_attr(
    not(all(any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "linux")),
    allow(dead_code, reason = "the runtime's half")
)]
mod abi;
#[cfg(feature = "native")]
mod artifact;
mod caller;
#[cfg(feature = "native")]
#[cfg_attr(
    not(all(any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "linux")),
    allow(dead_code, reason = "the runtime's half")
)]
mod compile;
mod config;
mod crosscheck;
mod engine;
mod error;
mod external;
mod externref;
mod features;
mod func;
mod global;
mod host;
mod instance;
mod interpret;
mod limits;
mod linker;
mod memory;
mod module;
#[cfg(all(feature = "native", any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "linux"))]
mod native;
#[cfg(not(all(
    feature = "native",
    any(target_arch = "x86_64", target_arch = "aarch64"),
    target_os = "linux"
)))]
#[path = "native/absent.rs"]
mod native;
mod operators;
mod profile;
mod store;
mod sys;
mod table;
mod trap;
mod types;
mod validate;
mod value;

#[cfg(feature = "native")]
pub use artifact::ArtifactKey;
pub use caller::Caller;
#[doc(hidden)]
pub use config::CompilerTesting;
pub use config::{Backend, Config, ConfigError, FloatPolicy};
#[doc(hidden)]
pub use crosscheck::Seed;
pub use engine::{Engine, SEMANTICS_VERSION};
pub use error::{
    ArtifactError, Error, ErrorKind, Fault, Found, Frame, ImportProblem, Invalid, LinkError, Reason, Stop,
    TrapError, Usage,
};
pub use external::Extern;
pub use externref::ExternRef;
pub use features::Features;
pub use func::{Func, HostResults, IntoFunc, TypedFunc, WasmParams, WasmResults, WasmTy};
pub use global::Global;
pub use host::{Host, Owned};
pub use instance::{Export, Instance};
#[doc(hidden)]
pub use interpret::Audit;
pub use limits::{Limit, Limits, RunLimits};
pub use linker::{HostInstancePre, HostLinker, InstancePre, Linker};
pub use lockstep_gas::{Op, Plan, Prices, Schedule, ScheduleError};
pub use memory::Memory;
#[doc(hidden)]
pub use module::CodeMap;
pub use module::{CodeTarget, ExportType, ImportType, Module};
pub use profile::{Profile, ProfileFrame, ProfileNode, ProfileOptions};
pub use store::{AsContext, AsContextMut, Store, StoreContext, StoreContextMut};
pub use table::Table;
pub use trap::Trap;
pub use types::{ExternType, FuncType, GlobalType, MemoryType, TableType, ValType};
pub use validate::ModuleFacts;
pub use value::Val;
