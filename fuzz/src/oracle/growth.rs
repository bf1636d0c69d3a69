//! How time and memory grow with a module.
//!
//! Owns the measuring of one stage on one module, and the search for sizes. Time is that of the thread, so that a busy
//! machine disturbs less: whoever measures compilation does so in a pool of one thread. Memory is what `peakmem_alloc::INSTRUMENTED_SYSTEM` has seen, which the program that measures
//! installs as its global allocator (a block that is resized counts with its new size only). It must not know how results are shown.

use std::hint::black_box;
use std::time::Duration;

use cpu_time::ThreadTime;
use lockstep_gas::{Form, InstrumentConfig, Schedule, instrument};
use lockstep_vm::{Backend, Config, Engine, FloatPolicy, Limits, Module};
use peakmem_alloc::{INSTRUMENTED_SYSTEM, PeakMemAllocTrait};

use crate::families::Family;
use crate::features;

/// A part of the handling of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// wasmparser's validation alone, without any limit of ours.
    Bare,
    /// Validation and planning.
    Validate,
    /// Validation, planning and the interpreter's decoding.
    Decode,
    /// Validation, planning and compilation to machine code.
    Compile,
    /// Instrumentation with an imported meter; it validates and plans too.
    Instrument,
}

impl Stage {
    /// All stages.
    pub const ALL: [Stage; 5] =
        [Stage::Bare, Stage::Validate, Stage::Decode, Stage::Compile, Stage::Instrument];

    /// What the stage is called in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Stage::Bare => "wasmparser",
            Stage::Validate => "validate, plan",
            Stage::Decode => "with decode",
            Stage::Compile => "with compile",
            Stage::Instrument => "instrument",
        }
    }
}

/// What a stage took.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Bytes of the module.
    pub bytes: usize,
    /// The least time of all repetitions.
    pub time: Duration,
    /// The most memory held at once, beside the module itself.
    pub peak: usize,
    /// Whether the stage accepted the module.
    pub accepted: bool,
}

impl Cost {
    /// Time by module byte.
    pub fn nanoseconds_per_byte(&self) -> f64 {
        self.time.as_nanos() as f64 / self.bytes as f64
    }

    /// Peak memory by module byte.
    pub fn peak_per_byte(&self) -> f64 {
        self.peak as f64 / self.bytes as f64
    }

    /// How much more this takes than `half`, a module of about half the bytes: time and memory, each for a doubling.
    pub fn ratios(&self, half: &Cost) -> (f64, f64) {
        let doublings = (self.bytes as f64 / half.bytes as f64).log2();
        let ratio =
            |whole: f64, half: f64| (whole / half.max(1.0)).max(f64::MIN_POSITIVE).powf(1.0 / doublings);
        (
            ratio(self.time.as_nanos() as f64, half.time.as_nanos() as f64),
            ratio(self.peak as f64, half.peak as f64),
        )
    }
}

/// The limits under which a module is handled.
#[derive(Debug)]
pub struct Bench {
    engine: Engine,
    /// An engine that compiles.
    native: Engine,
    schedule: Schedule,
    operand_height_max: u32,
}

impl Bench {
    /// A bench with these limits. Floats are accepted: they cost what integers cost.
    pub fn new(limits: Limits) -> Self {
        let operand_height_max = u32::try_from(limits.operand_height).unwrap_or(u32::MAX);
        let config = Config::new().floats(FloatPolicy::Canonical).limits(limits);
        let engine = |backend| {
            let config = config.clone().backend(backend);
            Engine::new(&config)
                .expect("limits are at most their ceilings, and the machine is one for native code")
        };
        Bench {
            engine: engine(Backend::Interpreter),
            native: engine(Backend::Native),
            schedule: Schedule::default(),
            operand_height_max,
        }
    }

    /// Whether the bench's engine accepts a module.
    pub fn accepts(&self, wasm: &[u8]) -> bool {
        Module::validate(&self.engine, wasm).is_ok()
    }

    /// The word for why the bench's engine refuses a module.
    pub fn refusal(&self, wasm: &[u8]) -> Option<String> {
        let error = Module::validate(&self.engine, wasm).err()?;
        let lockstep_vm::ErrorKind::Invalid(invalid) = error.kind() else { return Some("no refusal".into()) };
        Some(invalid.code().into_owned())
    }

    /// Runs a stage so often and answers what it took.
    ///
    /// # Panics
    /// When the program has not installed the counting allocator, see the head of this file.
    pub fn measure(&self, stage: Stage, wasm: &[u8], repetitions: u32) -> Cost {
        let mut cost = Cost { bytes: wasm.len(), time: Duration::MAX, peak: 0, accepted: false };
        for _ in 0..repetitions.max(1) {
            INSTRUMENTED_SYSTEM.reset_peak_memory();
            drop(black_box(vec![0u8; 16]));
            assert!(INSTRUMENTED_SYSTEM.get_peak_memory() >= 16, "the counting allocator is not installed");
            INSTRUMENTED_SYSTEM.reset_peak_memory();
            let start = ThreadTime::now();
            let accepted = self.run(stage, black_box(wasm));
            let time = start.elapsed();
            cost.peak = cost.peak.max(INSTRUMENTED_SYSTEM.get_peak_memory());
            cost.time = cost.time.min(time);
            cost.accepted = accepted;
        }
        cost
    }

    fn run(&self, stage: Stage, wasm: &[u8]) -> bool {
        match stage {
            Stage::Bare => features::validate(wasm).is_ok(),
            Stage::Validate => Module::validate(&self.engine, wasm).is_ok(),
            Stage::Decode => black_box(Module::new(&self.engine, wasm)).is_ok(),
            Stage::Compile => black_box(Module::new(&self.native, wasm)).is_ok(),
            Stage::Instrument => {
                let config = InstrumentConfig::new(&self.schedule, 131_072)
                    .form(Form::Imported { module: "meter" })
                    .operand_height_max(self.operand_height_max);
                black_box(instrument(wasm, &config)).is_ok()
            }
        }
    }

    /// The greatest `n` up to `most` (to a part in thirty) whose member is accepted; `None` when not even the smallest
    /// that has a shape, of 1,000 bytes, is.
    pub fn largest_accepted(&self, family: &Family, most: usize) -> Option<usize> {
        let accepts = |n| self.accepts(&family.build(n));
        let most = most.min(family.largest);
        if accepts(most) {
            return Some(most);
        }
        let (mut accepted, mut refused) = (1_000, most);
        if !accepts(accepted) {
            return None;
        }
        while refused - accepted > accepted / 30 {
            // Sizes are far apart at first: halve the number of doublings.
            let middle =
                ((accepted as f64 * refused as f64).sqrt() as usize).clamp(accepted + 1, refused - 1);
            if accepts(middle) {
                accepted = middle;
            } else {
                refused = middle;
            }
        }
        Some(accepted)
    }
}
