//! The configuration of an engine.
//!
//! Owns what an embedder chooses. Everything here but the backend and its settings can change an outcome and enters the
//! engine's fingerprint.

use crate::{Features, Limit, Limits, native};
use lockstep_gas::{Schedule, ScheduleError};

/// What to do with floating point.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[allow(clippy::exhaustive_enums, reason = "a new policy is a new semantics version")]
pub enum FloatPolicy {
    /// Any `f32` or `f64` anywhere in a module, used or not, refuses the module.
    #[default]
    Reject,
    /// Floats are accepted, and arithmetic that results in a NaN gives the positive canonical NaN.
    Canonical,
}

/// What executes guest code. It never changes an outcome.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Backend {
    /// Machine code, made by a single-pass compiler: the default where there is one, that is on x86-64-v2 and on
    /// aarch64, with Linux and the feature `native`. Elsewhere an engine with it is refused.
    Native,
    /// The reference interpreter.
    Interpreter,
    /// Both: native code for real, then the interpreter on a copy of the store, with host functions answered from a log; a
    /// difference is a node fault. For nodes that would rather stop than be wrong, and for tests. Refused where there is
    /// no native backend.
    CrossCheck,
}

impl Default for Backend {
    fn default() -> Self {
        if native::is_available() { Backend::Native } else { Backend::Interpreter }
    }
}

/// How tests want machine code to be made: other code, the same outcomes.
#[doc(hidden)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(clippy::exhaustive_structs, reason = "no part of the API")]
pub struct CompilerTesting {
    /// Whether code checks that values of 32 bits have a zero upper half wherever they are made or used, and overwrites what
    /// may not be read any more.
    pub checked: bool,
    /// How many locals have a register at most; registers beside these and the temporaries are then left alone.
    pub homes_max: Option<u8>,
    /// Whether to use lzcnt, where there is one.
    pub lzcnt: bool,
    /// Whether to use tzcnt, where there is one.
    pub tzcnt: bool,
    /// Whether to use BMI2, where it is.
    pub bmi2: bool,
}

impl Default for CompilerTesting {
    fn default() -> Self {
        CompilerTesting { checked: false, homes_max: None, lzcnt: true, tzcnt: true, bmi2: true }
    }
}

/// The configuration of an [`Engine`](crate::Engine).
///
/// ```
/// use lockstep_vm::{Config, Engine, FloatPolicy, Limits};
///
/// let config = Config::new()
///     .floats(FloatPolicy::Canonical)
///     .limits(Limits { memory_pages: 256, ..Limits::default() });
/// let engine = Engine::new(&config)?;
/// # Ok::<(), lockstep_vm::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    pub(crate) floats: FloatPolicy,
    pub(crate) backend: Backend,
    pub(crate) signals_based_traps: bool,
    pub(crate) unmetered: bool,
    pub(crate) compiler_testing: CompilerTesting,
    pub(crate) features: Features,
    pub(crate) limits: Limits,
    pub(crate) schedule: Schedule,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            floats: FloatPolicy::default(),
            backend: Backend::default(),
            signals_based_traps: true,
            unmetered: false,
            compiler_testing: CompilerTesting::default(),
            features: Features::default(),
            limits: Limits::default(),
            schedule: Schedule::default(),
        }
    }
}

impl Config {
    /// The default configuration: floats refused, all features, default limits and schedule.
    pub fn new() -> Self {
        Config::default()
    }

    /// Sets the policy on floating point.
    #[must_use]
    pub fn floats(mut self, floats: FloatPolicy) -> Self {
        self.floats = floats;
        self
    }

    /// Sets what executes guest code.
    #[must_use]
    pub fn backend(mut self, backend: Backend) -> Self {
        self.backend = backend;
        self
    }

    /// Sets whether machine code relies on the handlers of SIGSEGV and SIGBUS, which the first module then installs for
    /// the process, to find accesses beyond a memory's end. Otherwise every access compares: slower, and the same
    /// outcomes. The interpreter needs no signals.
    #[must_use]
    pub fn signals_based_traps(mut self, enable: bool) -> Self {
        self.signals_based_traps = enable;
        self
    }

    /// Lets machine code check neither gas nor stack, to measure what these checks cost. Guest code may then never end, or
    /// end the process: for benchmarks of trusted programs and nothing else.
    #[doc(hidden)]
    #[must_use]
    pub fn unmetered_for_benches(mut self, enable: bool) -> Self {
        self.unmetered = enable;
        self
    }

    /// Lets machine code be made in another way, for tests of the compiler.
    #[doc(hidden)]
    #[must_use]
    pub fn compiler_for_tests(mut self, testing: CompilerTesting) -> Self {
        self.compiler_testing = testing;
        self
    }

    /// Sets the features that modules may use.
    #[must_use]
    pub fn features(mut self, features: Features) -> Self {
        self.features = features;
        self
    }

    /// Sets the limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the gas schedule.
    #[must_use]
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        self.limits.check()?;
        self.schedule.check()?;
        match self.backend {
            Backend::Native | Backend::CrossCheck if !native::is_available() => {
                Err(ConfigError::NoNativeBackend)
            }
            Backend::Native | Backend::Interpreter | Backend::CrossCheck => Ok(()),
        }
    }
}

/// Why a configuration is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A limit is above its ceiling.
    #[error("the limit `{limit}` is {value}, above its ceiling of {}; lower it in `Limits`", limit.ceiling())]
    AboveCeiling {
        /// The limit.
        limit: Limit,
        /// What it was set to.
        value: u64,
    },
    /// There is no native backend here.
    #[error(
        "there is no native backend here: it needs the feature `native`, Linux, and x86-64-v2 or aarch64; use the interpreter"
    )]
    NoNativeBackend,
    /// The schedule is unsound.
    #[error("the gas schedule is unsound: {0}")]
    Schedule(#[from] ScheduleError),
}
