//! The configuration of an engine.
//!
//! Owns what an embedder chooses. Everything here but the backend can change an outcome and enters the engine's
//! fingerprint.

use crate::{Features, Limit, Limits};
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
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub enum Backend {
    /// The reference interpreter.
    #[default]
    Interpreter,
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
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Config {
    pub(crate) floats: FloatPolicy,
    pub(crate) backend: Backend,
    pub(crate) features: Features,
    pub(crate) limits: Limits,
    pub(crate) schedule: Schedule,
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
        Ok(())
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
    /// The schedule is unsound.
    #[error("the gas schedule is unsound: {0}")]
    Schedule(#[from] ScheduleError),
}
