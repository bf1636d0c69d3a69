//! The engine: a checked configuration, shared by modules and stores.
//!
//! Owns the fingerprint. It must not know modules or stores.

use crate::native::Machine;
use crate::{Backend, Config, Error, FloatPolicy, Limit, Limits, RunLimits};
use alloc::{string::String, sync::Arc, vec::Vec};
use codec::Encode;
use lockstep_gas::Schedule;
use sha3::{Digest, Sha3_256};

/// The version of the semantics: gas by runs, frames, traps and their numbers, and everything else in `spec/`.
pub const SEMANTICS_VERSION: u32 = 1;

/// A checked configuration. Cloning it copies a pointer; modules and stores of one engine go together.
///
/// ```
/// use lockstep_vm::{Config, Engine};
///
/// let engine = Engine::new(&Config::new())?;
/// assert_eq!(engine.fingerprint(), Engine::default().fingerprint());
/// # Ok::<(), lockstep_vm::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Engine(Arc<EngineInner>);

#[derive(Debug)]
struct EngineInner {
    config: Config,
    fingerprint: [u8; 32],
}

impl Default for Engine {
    fn default() -> Self {
        Engine::of(Config::default())
    }
}

impl Engine {
    /// An engine of this configuration.
    ///
    /// # Errors
    /// A limit above its ceiling, or an unsound schedule: see [`ConfigError`](crate::ConfigError).
    pub fn new(config: &Config) -> Result<Engine, Error> {
        config.check()?;
        Ok(Engine::of(config.clone()))
    }

    fn of(config: Config) -> Engine {
        let fingerprint = fingerprint(&config);
        Engine(Arc::new(EngineInner { config, fingerprint }))
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The gas schedule.
    pub fn schedule(&self) -> &Schedule {
        &self.0.config.schedule
    }

    /// The limits.
    pub fn limits(&self) -> &Limits {
        &self.0.config.limits
    }

    /// The limits on a running store.
    pub fn run_limits(&self) -> RunLimits {
        self.0.config.limits.run()
    }

    /// A hash of everything that can change an outcome: semantics version, schedule, limits, features, float policy.
    /// The machine, the backend and its flags are not in it, for they may not matter.
    pub fn fingerprint(&self) -> [u8; 32] {
        self.0.fingerprint
    }

    /// What a store of this engine runs compiled code with, if it does.
    pub(crate) fn machine(&self) -> Option<Machine> {
        match self.0.config.backend {
            Backend::Native | Backend::CrossCheck => Some(Machine::new()),
            Backend::Interpreter => None,
        }
    }

    /// Whether both are the same engine, not merely alike.
    pub fn same(&self, other: &Engine) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// SHA3-256 over `lockstep/engine/1` and the SCALE encoding of: semantics version, schedule hash, limits and features as
/// (name, value) in the order of their names, float policy.
fn fingerprint(config: &Config) -> [u8; 32] {
    let Config {
        floats,
        backend: _,
        signals_based_traps: _,
        unmetered: _,
        compiler_testing: _,
        features,
        limits,
        schedule,
    } = config;
    let mut named_limits: Vec<(&str, u64)> =
        Limit::ALL.iter().map(|&limit| (limit.name(), limits.get(limit))).collect();
    named_limits.sort_unstable();
    let mut named_features: Vec<(&str, bool)> = features.named().collect();
    named_features.sort_unstable();
    let float_policy = match floats {
        FloatPolicy::Reject => String::from("reject"),
        FloatPolicy::Canonical => String::from("canonical"),
    };
    let mut hasher = Sha3_256::new();
    hasher.update(b"lockstep/engine/1");
    hasher.update((SEMANTICS_VERSION, schedule.hash(), named_limits, named_features, float_policy).encode());
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Features;
    use alloc::collections::BTreeSet;
    use lockstep_gas::Op;

    /// Whatever can change an outcome must change the fingerprint, and nothing else may.
    #[test]
    fn l33_the_fingerprint_covers_everything_but_the_backend() {
        let mut seen = BTreeSet::new();
        let mut add = |config: &Config| assert!(seen.insert(Engine::new(config).unwrap().fingerprint()));
        add(&Config::new());
        add(&Config::new().floats(FloatPolicy::Canonical));
        for &limit in Limit::ALL {
            let mut limits = Limits::default();
            limits.set(limit, limits.get(limit) - 1);
            add(&Config::new().limits(limits));
        }
        for (name, _) in Features::default().named() {
            let mut features = Features::default();
            *features.by_name_mut(name).unwrap() = false;
            add(&Config::new().features(features));
        }
        let mut schedule = Schedule::default();
        schedule.set(Op::I32Add, 77);
        add(&Config::new().schedule(schedule));

        for same in [
            Config::new().backend(Backend::Interpreter),
            Config::new().backend(Backend::default()),
            Config::new().signals_based_traps(false),
        ] {
            assert_eq!(Engine::new(&same).unwrap().fingerprint(), Engine::default().fingerprint());
        }
    }
}
