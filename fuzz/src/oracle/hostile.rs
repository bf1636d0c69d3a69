//! Hostile bytes: no panic, bounded memory, and answers that agree.
//!
//! Owns the making of inputs that are mostly no modules, and what must hold of each input, whatever it is. It must not
//! know how many are tried.

use lockstep_gas::{Form, InstrumentConfig, InstrumentErrorKind, Plan, Schedule, instrument, plan};
use lockstep_vm::{Config, Engine, FloatPolicy, Limits, Module};
use peakmem_alloc::{INSTRUMENTED_SYSTEM, PeakMemAllocTrait};
use wasmparser::{Validator, WasmFeatures};

use super::acceptance::suite_modules;
use super::quiet;
use crate::features::{self, FEATURES};
use crate::generate::Allowed;
use crate::generate::program::{Options, Size, program};
use crate::mutate::mutate;
use crate::random::Random;

/// Memory that the handling of any input may take, whatever its size: what the default limits let a section declare and a
/// stack hold.
pub const PEAK_CONSTANT: usize = 2 << 20;
/// Memory that it may take by byte of the input.
pub const PEAK_PER_BYTE: usize = 200;

/// Modules to make inputs of: small, so that many inputs can be tried.
pub fn corpus() -> Vec<Vec<u8>> {
    let small = suite_modules().into_iter().filter(|bytes| bytes.len() <= 4_096);
    // Most of the suite is invalid or of other proposals; a part of it is enough.
    let chosen = small.enumerate().filter(|(at, bytes)| at % 4 == 0 || features::validate(bytes).is_ok());
    let mut corpus: Vec<Vec<u8>> = chosen.map(|(_, bytes)| bytes).collect();
    for seed in 0..400 {
        let allowed = Allowed { floats: seed % 4 == 3, imports: seed % 2 == 1 };
        corpus.push(program(seed, Options { size: Size::Tiny, allowed }));
    }
    corpus
}

/// The input of `seed`: a mutant, a module that is truncated or has one other byte, or random bytes.
pub fn input(seed: u64, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut random = Random::new(!seed);
    match random.weighted(&[60, 12, 4, 4, 20]) {
        0 => mutate(seed, corpus),
        1 => {
            let mut bytes = corpus[random.below(corpus.len())].clone();
            bytes.truncate(random.below(bytes.len() + 1));
            bytes
        }
        2 => {
            let len = random.log_range(1, 512) as usize;
            random.bytes(len)
        }
        3 => {
            let mut bytes = b"\0asm\x01\0\0\0".to_vec();
            let len = random.log_range(1, 512) as usize;
            bytes.extend(random.bytes(len));
            bytes
        }
        _ => {
            let mut bytes = corpus[random.below(corpus.len())].clone();
            let at = random.below(bytes.len());
            if let Some(byte) = bytes.get_mut(at) {
                *byte = random.u32() as u8;
            }
            bytes
        }
    }
}

/// The engines that inputs are given to.
#[derive(Debug)]
pub struct Gauntlet {
    engine: Engine,
    schedule: Schedule,
    /// Whether the program has installed the counting allocator and runs nothing beside.
    counts_memory: bool,
}

/// What became of an input for which everything holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Whether it was accepted.
    pub accepted: bool,
    /// The most memory held at once; 0 where memory is not counted.
    pub peak: usize,
}

impl Gauntlet {
    /// Default limits, floats accepted. `counts_memory` says that the program has installed
    /// `peakmem_alloc::INSTRUMENTED_SYSTEM` and that nothing else allocates meanwhile.
    ///
    /// # Panics
    /// Never: default limits are below their ceilings.
    pub fn new(counts_memory: bool) -> Self {
        let config = Config::new().floats(FloatPolicy::Canonical).limits(Limits::default());
        let engine = Engine::new(&config).expect("the defaults are sound");
        Gauntlet { engine, schedule: Schedule::default(), counts_memory }
    }

    /// Gives an input to everything that takes bytes.
    ///
    /// # Errors
    /// What does not hold, for people.
    pub fn examine(&self, bytes: &[u8]) -> Result<Passed, String> {
        let mut peak = 0;
        let first = self.step("Module::validate", bytes, &mut peak, || {
            Module::validate(&self.engine, bytes).map_err(|error| error.to_string())
        })?;
        let again = Module::validate(&self.engine, bytes).map_err(|error| error.to_string());
        if first != again {
            return Err(format!("validated twice: {first:?}, then {again:?}"));
        }
        let module = self.step("Module::new", bytes, &mut peak, || {
            Module::new(&self.engine, bytes).map_err(|error| error.to_string())
        })?;
        if module.as_ref().map(|_| ()).map_err(Clone::clone) != first {
            return Err(format!("Module::validate says {first:?}, Module::new {:?}", module.map(|_| ())));
        }
        let planned = self.step("plan", bytes, &mut peak, || plan(bytes, &self.schedule).ok())?;
        let metered = self.step("instrument", bytes, &mut peak, || self.instrument(bytes))?;
        if let Ok(module) = &module {
            judge_accepted(module, bytes, planned.as_ref(), metered)?;
        }
        Ok(Passed { accepted: module.is_ok(), peak })
    }

    /// A step that may neither panic nor take too much memory.
    fn step<T>(
        &self,
        name: &str,
        bytes: &[u8],
        peak: &mut usize,
        work: impl FnOnce() -> T,
    ) -> Result<T, String> {
        if self.counts_memory {
            INSTRUMENTED_SYSTEM.reset_peak_memory();
        }
        let outcome = quiet::catch(work).map_err(|message| format!("{name} panicked: {message}"))?;
        if self.counts_memory {
            let used = INSTRUMENTED_SYSTEM.get_peak_memory();
            *peak = used.max(*peak);
            if used > PEAK_CONSTANT + PEAK_PER_BYTE * bytes.len() {
                return Err(format!("{name} took {used} bytes of memory for {} bytes", bytes.len()));
            }
        }
        Ok(outcome)
    }

    /// The instrumented module; `None` for a refusal that a valid module may meet.
    fn instrument(&self, bytes: &[u8]) -> Result<Option<Vec<u8>>, String> {
        let stack_slots = self.engine.limits().stack_slots;
        let config = InstrumentConfig::new(&self.schedule, stack_slots)
            .form(Form::Imported { module: "lockstep meter" });
        match instrument(bytes, &config) {
            Ok(metered) => Ok(Some(metered)),
            Err(error) => match error.kind() {
                InstrumentErrorKind::ImportTaken(_) | InstrumentErrorKind::Limit { .. } => Ok(None),
                _ => Err(error.to_string()),
            },
        }
    }
}

/// wasmparser's own judgement.
fn is_valid(bytes: &[u8]) -> Result<(), wasmparser::BinaryReaderError> {
    // Today's toolchains write the table of `call_indirect` in five bytes.
    let features = FEATURES.union(WasmFeatures::CALL_INDIRECT_OVERLONG);
    Validator::new_with_features(features).validate_all(bytes).map(|_| ())
}

/// What must hold of an accepted module.
fn judge_accepted(
    module: &Module,
    bytes: &[u8],
    planned: Option<&Plan>,
    metered: Result<Option<Vec<u8>>, String>,
) -> Result<(), String> {
    if planned != Some(module.plan()) {
        return Err("the plan by itself is not the validated module's".to_string());
    }
    is_valid(bytes).map_err(|error| format!("accepted, and not by wasmparser: {error}"))?;
    let Some(metered) = metered.map_err(|error| format!("accepted, and not instrumented: {error}"))? else {
        return Ok(());
    };
    is_valid(&metered).map_err(|error| format!("the instrumented module is invalid: {error}"))?;
    Ok(())
}
