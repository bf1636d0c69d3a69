//! Prepared instances: a module with its imports looked up.
//!
//! Owns what is the same for every instance. It must not know names.

use super::link::{Resolved, check, instantiate};
use crate::error::Error;
use crate::host::{Host, Owned};
use crate::instance::Instance;
use crate::module::Module;
use crate::store::AsContextMut;
use alloc::{sync::Arc, vec::Vec};
use core::fmt;

/// A prepared instance for stores whose data is a `T` that borrows nothing.
pub type InstancePre<T> = HostInstancePre<Owned<T>>;

/// A module with its imports looked up by [`HostLinker::instantiate_pre`](crate::HostLinker::instantiate_pre), to make
/// many instances quickly. Cloning it copies pointers; threads can share it.
///
/// ```
/// use lockstep_vm::{Engine, Linker, Module, Store};
///
/// let engine = Engine::default();
/// let wasm = wat::parse_str(r#"(module (import "env" "one" (func $one (result i32)))
///     (func (export "two") (result i32) call $one call $one i32.add))"#)?;
/// let mut linker = Linker::new(&engine);
/// linker.func_wrap("env", "one", || 1)?;
/// let prepared = linker.instantiate_pre(&Module::new(&engine, &wasm)?)?;
///
/// std::thread::scope(|threads| {
///     for _ in 0..4 {
///         threads.spawn(|| {
///             let mut store = Store::new(&engine, ());
///             store.set_gas(1_000_000).unwrap();
///             let instance = prepared.instantiate(&mut store).unwrap();
///             let two = instance.get_typed_func::<(), i32>(&store, "two").unwrap();
///             assert_eq!(two.call(&mut store, ()).unwrap(), 2);
///         });
///     }
/// });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct HostInstancePre<H: Host> {
    module: Module,
    /// All are there.
    imports: Arc<[Option<Resolved<H>>]>,
}

impl<H: Host> HostInstancePre<H> {
    pub(super) fn new(module: &Module, imports: Vec<Option<Resolved<H>>>) -> Result<Self, Error> {
        check(module, &imports, None)?;
        Ok(HostInstancePre { module: module.clone(), imports: imports.into() })
    }

    /// The module.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// Makes an instance and calls its start function.
    ///
    /// # Errors
    /// As [`HostLinker::instantiate`](crate::HostLinker::instantiate).
    pub fn instantiate<'a>(
        &self,
        mut store: impl AsContextMut<Data = H::Data<'a>>,
    ) -> Result<Instance, Error> {
        let instance = self.instantiate_without_start(store.as_context_mut())?;
        store.as_context_mut().0.start(instance.id)?;
        Ok(instance)
    }

    /// As [`instantiate`](Self::instantiate), without the start function: call it by [`Instance::run_start`].
    ///
    /// # Errors
    /// As [`HostLinker::instantiate`](crate::HostLinker::instantiate).
    pub fn instantiate_without_start<'a>(
        &self,
        mut store: impl AsContextMut<Data = H::Data<'a>>,
    ) -> Result<Instance, Error> {
        instantiate(store.as_context_mut().0, &self.module, &self.imports)
    }
}

impl<H: Host> Clone for HostInstancePre<H> {
    fn clone(&self) -> Self {
        HostInstancePre { module: self.module.clone(), imports: Arc::clone(&self.imports) }
    }
}

impl<H: Host> fmt::Debug for HostInstancePre<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstancePre").field("imports", &self.imports).finish_non_exhaustive()
    }
}
