//! Callers: a host function's way back into the store it was called from.
//!
//! Owns charging for host functions. It must not let a host function replace the store.

use crate::Engine;
use crate::error::Error;
use crate::external::Extern;
use crate::instance::Instance;
use crate::memory::Memory;
use crate::profile::{Profile, ProfileOptions};
use crate::store::objects::InstanceId;
use crate::store::{StoreId, StoreInner};
use crate::trap::Trap;
use core::fmt;

/// What a host function gets beside its arguments: the store, and the instance that called.
///
/// A host function charges first, then checks pointers, then does its work.
///
/// ```
/// use lockstep_vm::{Caller, Engine, Error, Linker, Module, Store, Trap};
///
/// let engine = Engine::default();
/// let wasm = wat::parse_str(
///     r#"(module
///         (import "env" "hash" (func $hash (param i32 i32) (result i64)))
///         (memory (export "memory") 1)
///         (data (i32.const 8) "abc")
///         (func (export "run") (result i64) i32.const 8 i32.const 3 call $hash))"#,
/// )?;
/// let mut linker = Linker::new(&engine);
/// linker.func_wrap("env", "hash", |mut caller: Caller<'_, ()>, ptr: i32, len: i32| -> Result<i64, Error> {
///     let (ptr, len) = (ptr as u32 as usize, len as u32 as usize);
///     caller.charge(100 + len as u64)?;
///     let memory = caller.memory().ok_or(Trap::MemoryOutOfBounds)?;
///     let bytes = memory.data(&caller).get(ptr..).and_then(|rest| rest.get(..len)).ok_or(Trap::MemoryOutOfBounds)?;
///     Ok(bytes.iter().map(|byte| i64::from(*byte)).sum())
/// })?;
/// let mut store = Store::new(&engine, ());
/// store.set_gas(1_000_000)?;
/// let instance = linker.instantiate(&mut store, &Module::new(&engine, &wasm)?)?;
/// let run = instance.get_typed_func::<(), i64>(&store, "run")?;
/// assert_eq!(run.call(&mut store, ())?, 97 + 98 + 99);
///
/// store.set_gas(50)?; // enough for the guest, not for the host function
/// assert_eq!(run.call(&mut store, ()).unwrap_err().trap(), Some(Trap::OutOfGas));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Caller<'c, T> {
    pub(crate) store: &'c mut StoreInner<T>,
    instance: Option<InstanceId>,
}

impl<'c, T> Caller<'c, T> {
    pub(crate) fn new(store: &'c mut StoreInner<T>, instance: Option<InstanceId>) -> Self {
        Caller { store, instance }
    }

    /// The store, and the instance that called.
    pub(crate) fn into_parts(self) -> (&'c mut StoreInner<T>, Option<InstanceId>) {
        (self.store, self.instance)
    }

    pub(crate) fn store_id(&self) -> StoreId {
        self.store.id
    }

    /// The same caller for a shorter time: what is given to another function can be used again afterwards.
    pub fn reborrow(&mut self) -> Caller<'_, T> {
        Caller { store: self.store, instance: self.instance }
    }

    /// The engine of the store.
    pub fn engine(&self) -> &Engine {
        &self.store.engine
    }

    /// The data of the store.
    pub fn data(&self) -> &T {
        &self.store.data
    }

    /// The data of the store, to change it.
    pub fn data_mut(&mut self) -> &mut T {
        &mut self.store.data
    }

    /// The gas left: exactly what the guest has not spent yet.
    pub fn gas(&self) -> u64 {
        self.store.objects.gas
    }

    /// Pays for what the host function is about to do. When that fails the gas is gone, and the execution traps with
    /// [`Trap::OutOfGas`] when the host function returns, whatever it returns: return at once, with `?`.
    ///
    /// # Errors
    /// [`Trap::OutOfGas`] when the gas left is less.
    pub fn charge(&mut self, gas: u64) -> Result<(), Trap> {
        self.store.charge(gas)
    }

    /// Sets the gas, as for a call that gets a part of it. It does not undo a failed charge.
    ///
    /// # Errors
    /// [`Usage::TooMuchGas`](crate::Usage::TooMuchGas) above 2^63 - 1.
    pub fn set_gas(&mut self, gas: u64) -> Result<(), Error> {
        self.store.set_gas(gas)
    }

    /// How a profile is taken of this store, if one is.
    pub fn profile_options(&self) -> Option<ProfileOptions> {
        self.store.objects.profiler.as_ref().map(|profiler| profiler.options())
    }

    /// Adds a profile to the one that is taken of this store, under a label, as something that this host function called:
    /// of an execution in another store, whose gas this one gave away by [`set_gas`](Self::set_gas). Where none is taken
    /// it does nothing.
    pub fn append_profile(&mut self, label: &str, profile: &Profile) {
        if let Some(profiler) = &mut self.store.objects.profiler {
            profiler.append(label, profile);
        }
    }

    /// The instance whose code called, or whose start function this is; `None` when the host called.
    pub fn instance(&self) -> Option<Instance> {
        self.instance.map(|id| Instance { store: self.store.id, id })
    }

    /// Memory 0 of the calling instance, exported or not.
    pub fn memory(&self) -> Option<Memory> {
        let instance = &self.store.objects.instances[self.instance?.index()];
        let id = *instance.memories.first()?;
        Some(Memory { store: self.store.id, id })
    }

    /// What the calling instance exports by this name.
    pub fn get_export(&self, name: &str) -> Option<Extern> {
        self.instance()?.get_export(self, name)
    }
}

impl<T> fmt::Debug for Caller<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("store", &self.store.id)
            .field("instance", &self.instance)
            .field("gas", &self.gas())
            .finish_non_exhaustive()
    }
}
