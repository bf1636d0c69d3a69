//! The law that both engines are set up with: a schedule and limits.
//!
//! Owns both engines' configuration, and the random choice of one. It must not know modules.

use lockstep_gas::{Form, InstrumentConfig, Op, PRICE_CEILING, Schedule};
use lockstep_vm::{Backend, CompilerTesting, Config, Engine, FloatPolicy, Limits};

use crate::random::Random;

/// Where instrumented modules import the meter from; no module here imports from it otherwise.
pub(super) const METER: &str = "lockstep meter";

/// Frames of a foreign engine: more than our stack can hold, twice over for the meter's own.
const FOREIGN_FRAMES: usize = 200_000;
/// Bytes of a foreign engine's stack. Its frames may be larger than ours.
const FOREIGN_STACK: usize = 512 << 20;

/// A schedule, limits and a float policy, with our engine made of them: the interpreter, unless asked for otherwise.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Our engine.
    pub engine: Engine,
}

impl Setup {
    /// An engine of these.
    ///
    /// # Panics
    /// When they are refused.
    pub fn new(schedule: Schedule, limits: Limits, floats: FloatPolicy) -> Self {
        let config = Config::new().schedule(schedule).limits(limits).floats(floats);
        Self::of(&config.backend(Backend::Interpreter))
    }

    /// The same law for machine code, which checks accesses to memory by itself where there are to be no signals.
    ///
    /// # Panics
    /// When there is no native backend here.
    pub fn native(&self, signals_based_traps: bool) -> Self {
        let config = self.engine.config().clone().backend(Backend::Native);
        Self::of(&config.signals_based_traps(signals_based_traps))
    }

    /// The same with machine code made in another way.
    ///
    /// # Panics
    /// Never: what made this can be made again.
    #[must_use]
    pub fn compiled(&self, testing: CompilerTesting) -> Self {
        Self::of(&self.engine.config().clone().compiler_for_tests(testing))
    }

    fn of(config: &Config) -> Self {
        Self { engine: Engine::new(config).unwrap_or_else(|error| panic!("{error}")) }
    }

    /// The defaults, with floats.
    pub fn standard() -> Self {
        Self::new(Schedule::default(), Limits::default(), FloatPolicy::Canonical)
    }

    /// A random schedule and random limits, low enough that growing beyond them is tried in small memories.
    pub fn random(random: &mut Random, floats: bool) -> Self {
        let mut limits = Limits { memory_pages: 16, table_elements: 400, ..Limits::default() };
        if random.percent(10) {
            limits.activation_depth = 1;
        }
        let policy = match floats || random.percent(50) {
            true => FloatPolicy::Canonical,
            false => FloatPolicy::Reject,
        };
        Self::new(schedule(random), limits, policy)
    }

    /// The schedule.
    pub fn schedule(&self) -> &Schedule {
        self.engine.schedule()
    }

    /// How modules are instrumented.
    pub(super) fn instrument(&self) -> InstrumentConfig<'_> {
        InstrumentConfig::new(self.schedule(), self.engine.limits().stack_slots)
            .form(Form::Imported { module: METER })
            .operand_height_max(u32::try_from(self.engine.limits().operand_height).unwrap_or(u32::MAX))
    }

    /// A foreign engine whose own limits lie beyond ours.
    pub(super) fn foreign(&self) -> wasmi::Engine {
        let mut config = wasmi::Config::default();
        config.set_max_recursion_depth(FOREIGN_FRAMES).set_max_stack_height(FOREIGN_STACK);
        config.wasm_tail_call(true).wasm_extended_const(true);
        // A panic of its translator can only be caught as such when it translates before it executes.
        config.compilation_mode(wasmi::CompilationMode::Eager);
        wasmi::Engine::new(&config)
    }

    /// The foreign engine's limits of growth: ours.
    pub(super) fn foreign_limits(&self) -> wasmi::StoreLimits {
        let limits = self.engine.run_limits();
        wasmi::StoreLimitsBuilder::new()
            .memory_size(usize::try_from(limits.memory_pages << 16).unwrap_or(usize::MAX))
            .table_elements(usize::try_from(limits.table_elements).unwrap_or(usize::MAX))
            .instances(1 << 20)
            .tables(1 << 20)
            .memories(1 << 20)
            .build()
    }
}

/// The default schedule for half of all modules. The others get prices of which no two terms are likely to be mixed up,
/// some of them with many operators that cost nothing, so that there are runs of price 0.
fn schedule(random: &mut Random) -> Schedule {
    let mut schedule = Schedule::default();
    if random.percent(50) {
        return schedule;
    }
    let free = if random.percent(40) { 70 } else { 3 };
    let most = if random.percent(5) { u64::from(PRICE_CEILING - 1) } else { 250 };
    for &op in Op::ALL {
        let price = match op {
            Op::Block | Op::Else | Op::End => 0,
            Op::Loop => 1 + random.u32() % 20,
            _ if random.percent(free) => 0,
            _ => random.log_range(1, most) as u32,
        };
        schedule.set(op, price);
    }
    let names: Vec<&'static str> = schedule.prices.named().map(|(name, _)| name).collect();
    for name in names {
        if let Some(price) = schedule.prices.by_name_mut(name) {
            *price = random.log_range(1, 120) as u32;
        }
    }
    schedule
}
