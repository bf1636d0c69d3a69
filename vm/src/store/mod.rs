//! Stores: where instances live, with the data of the host.
//!
//! Owns a store's parts, their identity and its poisoning. It must not know how guest code is executed.

pub(crate) mod activation;
mod backend;
mod context;
pub(crate) mod elements;
mod instantiate;
pub(crate) mod objects;
mod profile;
pub(crate) mod rules;
pub(crate) mod step;

pub use context::{AsContext, AsContextMut, StoreContext, StoreContextMut};

use crate::Engine;
use crate::crosscheck::{Effect, Seed};
use crate::error::{Error, Fault, Usage};
use crate::func::HostCode;
use crate::interpret::{Audit, AuditState};
use crate::limits::{Limit, RunLimits};
use crate::profile::{Profile, ProfileOptions};
use crate::trap::Trap;
use crate::types::FuncType;
use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::any::Any;
use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};
use objects::{Callee, FuncRef, Objects, OutOfMemory};

/// The most gas that a store can have.
pub(crate) const GAS_MAX: u64 = i64::MAX as u64;

/// A store: instances, memories, tables, globals and functions that may refer to each other, gas, and the data of the
/// host. Everything in it lives as long as the store.
///
/// The data may borrow and needs to be neither `Send` nor `Sync`; a store is `Send` when its data is.
///
/// ```
/// use lockstep_vm::{Engine, Instance, Module, Store};
///
/// let engine = Engine::default();
/// let wasm = wat::parse_str(r#"(module (func (export "add") (param i32 i32) (result i32)
///     local.get 0 local.get 1 i32.add))"#)?;
/// let mut store = Store::new(&engine, "my data");
/// assert_eq!(store.gas(), 0); // a new store can pay for nothing
/// store.set_gas(1_000_000)?;
/// let instance = Instance::new(&mut store, &Module::new(&engine, &wasm)?, &[])?;
/// let add = instance.get_typed_func::<(i32, i32), i32>(&store, "add")?;
/// assert_eq!(add.call(&mut store, (40, 2))?, 42);
/// assert!(store.gas() < 1_000_000);
/// assert_eq!(store.into_data(), "my data");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Store<T> {
    inner: StoreInner<T>,
}

/// What a context borrows. Only this crate sees it, so that no host function can put another store in its place.
pub(crate) struct StoreInner<T> {
    pub(crate) id: StoreId,
    pub(crate) engine: Engine,
    pub(crate) objects: Objects,
    pub(crate) data: T,
    /// The code of each host function; the types are in `objects`. A host function that runs holds all of them, which
    /// costs no more than one, and counts nothing that other stores count too.
    host_codes: Arc<Vec<Arc<HostCode<T>>>>,
    externs: Vec<Box<dyn Any + Send + Sync>>,
    /// Whether a charge failed in the host function that runs now.
    pub(crate) charge_failed: bool,
    /// Whether stops are told where they happened.
    stop_backtraces: bool,
    /// Once set, no guest code runs in this store any more.
    fault: Option<Fault>,
    /// What a test of the cross-check makes different on the native side.
    pub(crate) seed: Option<Seed>,
}

/// Tells stores apart: no two of a process have the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct StoreId(u64);

impl StoreId {
    fn next() -> StoreId {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        // Uniqueness is all that matters: no other memory is published through it.
        StoreId(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// Whether something of the store `self` may be used with the store `other`.
    pub(crate) fn check(self, other: StoreId, what: &'static str) -> Result<(), Usage> {
        if self == other { Ok(()) } else { Err(Usage::OtherStore { what }) }
    }

    /// As [`check`](Self::check), where the API has no error to return.
    #[track_caller]
    pub(crate) fn expect(self, other: StoreId, what: &'static str) {
        if let Err(usage) = self.check(other, what) {
            panic!("{usage}");
        }
    }
}

impl<T> Store<T> {
    /// An empty store with gas 0.
    pub fn new(engine: &Engine, data: T) -> Store<T> {
        let objects = Objects::new(engine.run_limits(), engine.machine());
        Store { inner: StoreInner::of(StoreId::next(), engine.clone(), objects, data) }
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// The data.
    pub fn data(&self) -> &T {
        &self.inner.data
    }

    /// The data, to change it.
    pub fn data_mut(&mut self) -> &mut T {
        &mut self.inner.data
    }

    /// The data, ending the store.
    pub fn into_data(self) -> T {
        self.inner.data
    }

    /// The gas left; known after every ending, a node fault included.
    pub fn gas(&self) -> u64 {
        self.inner.objects.gas
    }

    /// Sets the gas. Calls spend it and never reset it.
    ///
    /// # Errors
    /// [`Usage::TooMuchGas`] above 2^63 - 1.
    pub fn set_gas(&mut self, gas: u64) -> Result<(), Error> {
        self.inner.set_gas(gas)
    }

    /// The greatest stack height since the outermost call began, in slots of 8 bytes.
    pub fn peak_stack_slots(&self) -> u64 {
        self.inner.objects.peak
    }

    /// The limits of this store: the engine's, or tighter.
    pub fn limits(&self) -> RunLimits {
        self.inner.objects.limits
    }

    /// Tightens the limits of this store. What is there already stays; it just cannot grow.
    ///
    /// ```
    /// use lockstep_vm::{Engine, Store};
    ///
    /// let mut store = Store::new(&Engine::default(), ());
    /// let mut limits = store.limits();
    /// limits.stack_slots = 1_000;
    /// store.limit(limits)?;
    /// limits.stack_slots = 1_001;
    /// assert!(store.limit(limits).is_err());
    /// # Ok::<(), lockstep_vm::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Usage::LooserLimit`] when one would be looser than it is; then none is changed.
    pub fn limit(&mut self, limits: RunLimits) -> Result<(), Error> {
        let RunLimits { memory_pages, table_elements, stack_slots, activation_depth } = limits;
        let now = self.limits();
        for (limit, current, wanted) in [
            (Limit::MemoryPages, now.memory_pages, memory_pages),
            (Limit::TableElements, now.table_elements, table_elements),
            (Limit::StackSlots, now.stack_slots, stack_slots),
            (Limit::ActivationDepth, now.activation_depth.into(), activation_depth.into()),
        ] {
            if wanted > current {
                return Err(Usage::LooserLimit { limit, current, wanted }.into());
            }
        }
        self.inner.objects.limits = limits;
        Ok(())
    }

    /// Whether stops of this store have a [backtrace](crate::Stop::frames), as traps have. By default they have none: a
    /// contract that reverts does so on purpose, and a node need not know where.
    pub fn stop_backtraces(&mut self, wanted: bool) {
        self.inner.stop_backtraces = wanted;
    }

    /// Starts a recount of the gas that guest code spends, by the law and without the plan, and of the operators that
    /// it executes. For tests of the engine; the interpreter executes, whatever the backend, and takes several times as
    /// long.
    #[doc(hidden)]
    pub fn start_audit(&mut self) {
        self.inner.objects.audit = Some(Box::new(AuditState::new()));
    }

    /// Ends the recount and answers what it found, if one was [started](Self::start_audit).
    #[doc(hidden)]
    pub fn take_audit(&mut self) -> Option<Audit> {
        self.inner.objects.audit.take().map(|audit| audit.into_audit())
    }

    /// Starts a profile: from now on each unit of gas that is charged in this store is noted with who paid it. A profile
    /// under way is dropped. No outcome changes; but the interpreter executes, whatever the backend, and takes several
    /// times as long.
    pub fn start_profile(&mut self, options: ProfileOptions) {
        self.inner.objects.start_profile(options);
    }

    /// Ends the profile and answers it, if one was [started](Self::start_profile). Its sum is the gas charged since then;
    /// [`set_gas`](Self::set_gas) gives and takes without charging.
    pub fn take_profile(&mut self) -> Option<Profile> {
        self.inner.objects.take_profile()
    }

    /// Makes something different on the native side of every call that is cross-checked, for tests of the cross-check.
    #[doc(hidden)]
    pub fn seed_difference(&mut self, seed: Option<Seed>) {
        self.inner.seed = seed;
    }

    /// The node fault after which this store runs nothing any more.
    pub fn fault(&self) -> Option<&Fault> {
        self.inner.fault.as_ref()
    }
}

impl<T> StoreInner<T> {
    /// A store with these objects and without host functions.
    pub(crate) fn of(id: StoreId, engine: Engine, objects: Objects, data: T) -> StoreInner<T> {
        StoreInner {
            id,
            engine,
            objects,
            data,
            host_codes: Arc::default(),
            externs: Vec::new(),
            charge_failed: false,
            stop_backtraces: false,
            fault: None,
            seed: None,
        }
    }

    pub(crate) fn set_gas(&mut self, gas: u64) -> Result<(), Error> {
        if gas > GAS_MAX {
            return Err(Usage::TooMuchGas { gas }.into());
        }
        self.objects.note(|| Effect::SetGas(gas));
        self.objects.gas = gas;
        Ok(())
    }

    /// Charges for the host function that runs now.
    pub(crate) fn charge(&mut self, gas: u64) -> Result<(), Trap> {
        self.objects.note(|| Effect::Charge(gas));
        let charged = self.objects.charge(gas);
        self.charge_failed |= charged.is_err();
        charged
    }

    /// Adds a host function.
    pub(crate) fn add_host(&mut self, ty: Arc<FuncType>, code: Arc<HostCode<T>>) -> FuncRef {
        let index = rules::next_index(self.host_codes.len());
        self.objects.note(|| Effect::NewHostFunction(Arc::clone(&ty)));
        // Copied at most once for each host function that runs, and adds some.
        Arc::make_mut(&mut self.host_codes).push(code);
        self.objects.host_types.push(ty);
        FuncRef::new(Callee::Host(index))
    }

    /// Adds a value of the host's and answers its index.
    pub(crate) fn add_extern(&mut self, value: Box<dyn Any + Send + Sync>) -> u32 {
        let index = rules::next_index(self.externs.len());
        self.externs.push(value);
        index
    }

    pub(crate) fn extern_value(&self, index: u32) -> &(dyn Any + Send + Sync) {
        &*self.externs[index as usize]
    }

    /// Whether guest code may run: not after a fault.
    pub(crate) fn check_alive(&self) -> Result<(), Error> {
        match &self.fault {
            None => Ok(()),
            Some(fault) => Err(fault.clone().into()),
        }
    }

    /// Poisons the store. The first fault is the one that stays.
    pub(crate) fn poison(&mut self, fault: Fault) -> Error {
        self.fault.get_or_insert(fault).clone().into()
    }

    /// Poisons the store because the host has no memory left.
    pub(crate) fn out_of_memory(&mut self, OutOfMemory: OutOfMemory) -> Error {
        self.poison(Fault::new("the host has no memory left for a guest's memory, table or stack"))
    }
}

impl<T> fmt::Debug for Store<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("id", &self.inner.id)
            .field("gas", &self.gas())
            .field("fault", &self.inner.fault)
            .finish_non_exhaustive()
    }
}
