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

/// Bytes of wasm and machine code that are kept ready, unless somebody says otherwise.
const CACHE_BYTES: usize = 256 << 20;

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
        let modules = Mutex::new(ModuleCache::new(CACHE_BYTES));
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

    /// Keeps modules ready that have together at most so many bytes of wasm and of machine code, 256 MiB where nothing is
    /// said; those longest unused are made again when they are called. The one last used is kept, however great it is.
    /// No outcome depends on it.
    ///
    /// ```
    /// use lockstep_host_env::Environment;
    ///
    /// let small = Environment::new(&lockstep_vm::Engine::default())?.with_module_cache(16 << 20);
    /// # drop(small);
    /// # Ok::<(), lockstep_host_env::EnvironmentError>(())
    /// ```
    #[must_use]
    pub fn with_module_cache(self, bytes: usize) -> Environment {
        self.cache().limit(bytes);
        self
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
    /// What they take together.
    bytes: usize,
    most: usize,
}

struct Kept {
    prepared: HostInstancePre<Node>,
    /// It passed the check of uploads; code that a state had from elsewhere need not.
    accepted: bool,
}

impl Kept {
    /// What it takes of memory: its wasm, and what that was compiled to. What the interpreter makes of a function when it
    /// first runs is in proportion to the wasm, and not counted.
    fn bytes(&self) -> usize {
        let module = self.prepared.module();
        module.bytes().len() + module.machine_code().map_or(0, <[u8]>::len)
    }
}

impl ModuleCache {
    fn new(most: usize) -> ModuleCache {
        ModuleCache { modules: LruCache::unbounded(), bytes: 0, most }
    }

    fn put(&mut self, hash: Hash, kept: Kept) {
        self.bytes += kept.bytes();
        if let Some(before) = self.modules.put(hash, kept) {
            self.bytes -= before.bytes();
        }
        self.limit(self.most);
    }

    /// The last is kept: were it made again for each frame, that would cost more than its place.
    fn limit(&mut self, most: usize) {
        self.most = most;
        while self.bytes > most && self.modules.len() > 1 {
            let Some((_, oldest)) = self.modules.pop_lru() else { return };
            self.bytes -= oldest.bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_vm::{Backend, Config};

    fn environment(backend: Backend) -> Option<Environment> {
        Environment::new(&Engine::new(&Config::new().backend(backend)).ok()?).ok()
    }

    /// A contract that differs from others of these by its number.
    fn keep(environment: &Environment, number: u32) -> usize {
        let work = "local.get 0 i32.const 3 i32.mul i32.const 7 i32.add local.set 0 ".repeat(50);
        let text =
            format!("(module (func (export \"call\") (local i32) i32.const {number} local.set 0 {work}))");
        let module = Module::new(&environment.engine, wat::parse_str(text).unwrap()).unwrap();
        drop(environment.keep(Hash([number as u8; 32]), &module, true).unwrap());
        module.bytes().len() + module.machine_code().map_or(0, <[u8]>::len)
    }

    #[test]
    fn machine_code_counts_as_wasm_does() {
        for backend in [Backend::Interpreter, Backend::Native] {
            let Some(environment) = environment(backend) else { continue };
            let one = keep(&environment, 1);
            assert_eq!(environment.cache().bytes, one);
            assert_eq!(one > 1_000, backend == Backend::Native, "{one}");
            keep(&environment, 1);
            assert_eq!(environment.cache().bytes, one, "once");
        }
    }

    #[test]
    fn those_longest_unused_go_and_the_last_stays() {
        let Some(environment) = environment(Backend::Native) else { return };
        let one = keep(&environment, 1);
        let environment = environment.with_module_cache(one * 2 + one / 2);
        keep(&environment, 2);
        assert!(environment.is_accepted(&Hash([1; 32])), "used again");
        keep(&environment, 3);
        let kept = [1, 2, 3].map(|number| environment.is_accepted(&Hash([number; 32])));
        assert_eq!(kept, [true, false, true]);
        assert!(environment.cache().bytes <= one * 3);
        let environment = environment.with_module_cache(0);
        assert_eq!(environment.cache().modules.len(), 1);
        let last = keep(&environment, 4);
        assert!(environment.is_accepted(&Hash([4; 32])));
        assert_eq!(environment.cache().bytes, last);
    }
}
