//! The environment: an engine with its host functions, prices, limits and prepared modules.
//!
//! Owns the fingerprint and the cache of modules. It must not know a transaction's state; one environment serves any
//! number of threads.

use crate::frame::Node;
use crate::limits::{HostLimitError, HostLimits};
use crate::list::{self, HostSchedule, HostScheduleError};
use crate::types::{Hash, sha3_tagged};
use codec::Encode;
use lockstep_vm::{Engine, Error, HostInstancePre, HostLinker, Module, Seed};
use lru::LruCache;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// The version of the rules of state, calls, addresses and receipts that are not numbers.
const RULES_VERSION: u16 = 1;

/// Bytes of wasm whose modules are kept ready.
const CACHE_BYTES: usize = 64 << 20;

/// What contracts run in. Made once, it serves any number of threads.
///
/// ```
/// use lockstep_host_env::{Environment, HostSchedule};
/// use lockstep_vm::Engine;
///
/// let environment = Environment::new(&Engine::default())?;
/// let dearer = HostSchedule { state_write: 40, ..HostSchedule::default() };
/// let other = Environment::with(&Engine::default(), dearer, Default::default())?;
/// assert_ne!(environment.fingerprint(), other.fingerprint());
/// # Ok::<(), lockstep_host_env::EnvironmentError>(())
/// ```
pub struct Environment {
    engine: Engine,
    schedule: HostSchedule,
    limits: HostLimits,
    fingerprint: Hash,
    linker: HostLinker<Node>,
    modules: Mutex<ModuleCache>,
    seed: Option<Seed>,
    miscompiled: BTreeMap<Hash, HostInstancePre<Node>>,
}

/// Why an environment is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// The host schedule is unsound.
    #[error("the host schedule is unsound: {0}")]
    Schedule(#[from] HostScheduleError),
    /// A host limit is not within its bounds.
    #[error(transparent)]
    Limit(#[from] HostLimitError),
    /// The engine refused something.
    #[error(transparent)]
    Engine(#[from] Error),
}

impl Environment {
    /// An environment with default prices and limits.
    ///
    /// # Errors
    /// None that an engine of this version gives.
    pub fn new(engine: &Engine) -> Result<Environment, EnvironmentError> {
        Environment::with(engine, HostSchedule::default(), HostLimits::default())
    }

    /// An environment with these prices and limits.
    ///
    /// # Errors
    /// When the schedule is unsound or a limit is out of its bounds.
    pub fn with(
        engine: &Engine,
        schedule: HostSchedule,
        limits: HostLimits,
    ) -> Result<Environment, EnvironmentError> {
        schedule.check()?;
        limits.check()?;
        let mut linker = HostLinker::new(engine);
        list::define_all(&mut linker)?;
        let parts =
            (engine.fingerprint(), list::ABI_VERSION, RULES_VERSION, schedule.hash(), limits.encode());
        let fingerprint = sha3_tagged("lockstep/environment/1", &parts.encode());
        let modules = Mutex::new(ModuleCache { modules: LruCache::unbounded(), bytes: 0 });
        Ok(Environment {
            engine: engine.clone(),
            schedule,
            limits,
            fingerprint,
            linker,
            modules,
            seed: None,
            miscompiled: BTreeMap::new(),
        })
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The prices.
    pub fn schedule(&self) -> &HostSchedule {
        &self.schedule
    }

    /// The limits.
    pub fn limits(&self) -> &HostLimits {
        &self.limits
    }

    /// A hash of everything that can change a receipt: the engine's fingerprint, the list of functions with versions and
    /// prices, the host's limits, and the rules of state, calls and addresses.
    pub fn fingerprint(&self) -> Hash {
        self.fingerprint
    }

    /// The module of this code, ready to be instantiated; `wasm` answers the bytes when it is not at hand.
    pub(crate) fn module(
        &self,
        hash: &Hash,
        wasm: impl FnOnce() -> Result<std::sync::Arc<[u8]>, Error>,
    ) -> Result<HostInstancePre<Node>, Error> {
        if let Some(prepared) = self.miscompiled.get(hash) {
            return Ok(prepared.clone());
        }
        if let Some(kept) = self.cache().modules.get(hash) {
            return Ok(kept.prepared.clone());
        }
        // Not locked meanwhile: compiling takes long, and twice the same is no harm.
        let module = Module::new(&self.engine, wasm()?)?;
        self.keep(*hash, &module, false)
    }

    /// Makes the native side of a cross-check differ in every frame. For tests of what finds differences.
    #[doc(hidden)]
    pub fn seed_difference(&mut self, seed: Option<Seed>) {
        self.seed = seed;
    }

    pub(crate) fn seed(&self) -> Option<Seed> {
        self.seed
    }

    /// Has this module run where the code of this hash is called, as if the engine had made that of it. For tests of what
    /// finds differences.
    ///
    /// # Errors
    /// When the module is refused.
    #[doc(hidden)]
    pub fn miscompile(&mut self, hash: &Hash, wasm: &[u8]) -> Result<(), Error> {
        let prepared = self.linker.instantiate_pre(&Module::new(&self.engine, wasm)?)?;
        self.miscompiled.insert(*hash, prepared);
        Ok(())
    }

    /// Keeps a module ready; `accepted`: it passed the check of uploads.
    pub(crate) fn keep(
        &self,
        hash: Hash,
        module: &Module,
        accepted: bool,
    ) -> Result<HostInstancePre<Node>, Error> {
        let prepared = self.linker.instantiate_pre(module)?;
        self.cache().put(hash, Kept { prepared: prepared.clone(), accepted });
        Ok(prepared)
    }

    /// Whether code of this hash is known to pass the check of uploads, which depends on the code alone.
    pub(crate) fn is_accepted(&self, hash: &Hash) -> bool {
        self.cache().modules.get(hash).is_some_and(|kept| kept.accepted)
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, ModuleCache> {
        self.modules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

/// Modules by code hash; those longest unused go first. What is in it changes no outcome.
struct ModuleCache {
    modules: LruCache<Hash, Kept>,
    bytes: usize,
}

struct Kept {
    prepared: HostInstancePre<Node>,
    /// It passed the check of uploads; code that a state had from elsewhere need not.
    accepted: bool,
}

impl ModuleCache {
    fn put(&mut self, hash: Hash, kept: Kept) {
        self.bytes += kept.prepared.module().bytes().len();
        if let Some(before) = self.modules.put(hash, kept) {
            self.bytes -= before.prepared.module().bytes().len();
        }
        while self.bytes > CACHE_BYTES {
            let Some((_, oldest)) = self.modules.pop_lru() else { return };
            self.bytes -= oldest.prepared.module().bytes().len();
        }
    }
}
