//! How long a program takes, and how much gas.
//!
//! Owns the clock: that of the thread, so that a busy machine disturbs less. It must not know what is fair.

use std::time::Duration;

use cpu_time::ThreadTime;
use lockstep_vm::{
    Backend, Caller, Config, Engine, Error, FloatPolicy, Instance, Linker, Module, Store, TypedFunc,
};

use super::{Kind, Workload};

/// Gas for every call.
const GAS: u64 = 1 << 60;
/// A program's loop goes round until it takes so long: short enough that some repetition is not disturbed.
const LONG_ENOUGH: Duration = Duration::from_micros(1_500);
/// What the host function charges that does.
const CHARGED: u64 = 150;

/// What a program took.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    /// The least time of all repetitions.
    pub nanoseconds: f64,
    /// Gas, which is the same in all of them.
    pub gas: u64,
    /// How often what is measured happened.
    pub times: u64,
}

impl Taken {
    /// Nanoseconds by gas.
    pub fn ratio(&self) -> f64 {
        self.nanoseconds / self.gas as f64
    }
}

/// Runs programs as metered machine code.
#[derive(Debug)]
pub struct Bench {
    engine: Engine,
    linker: Linker<()>,
}

impl Bench {
    /// A bench with the default schedule and limits, and floats.
    ///
    /// # Errors
    /// When there is no native backend here.
    pub fn new() -> Result<Bench, Error> {
        let engine = Engine::new(&Config::new().backend(Backend::Native).floats(FloatPolicy::Canonical))?;
        let mut linker = Linker::new(&engine);
        linker.func_wrap("host", "charges", |mut caller: Caller<'_, ()>, value: i64| {
            caller.charge(CHARGED)?;
            Ok::<_, Error>(value + 1)
        })?;
        linker.func_wrap("host", "free", |_: Caller<'_, ()>, value: i64| Ok::<_, Error>(value + 1))?;
        Ok(Bench { engine, linker })
    }

    /// Runs a program so often and answers what it took.
    ///
    /// # Errors
    /// When it is refused or traps.
    pub fn measure(&self, workload: &Workload, repetitions: u32) -> Result<Taken, Error> {
        let module = Module::new(&self.engine, workload.wasm())?;
        match workload.kind {
            Kind::Steady => self.steady(workload, &module, repetitions),
            Kind::Fresh => self.fresh(workload, &module, repetitions),
        }
    }

    fn steady(&self, workload: &Workload, module: &Module, repetitions: u32) -> Result<Taken, Error> {
        let (mut store, instance) = self.instance(module)?;
        if let Ok(setup) = instance.get_typed_func::<(), ()>(&mut store, "setup") {
            setup.call(&mut store, ())?;
        }
        let run = instance.get_typed_func::<i32, ()>(&mut store, "run")?;
        let mut rounds = 1;
        let mut taken = self.once(&mut store, &run, rounds)?;
        while taken.0 < LONG_ENOUGH && rounds < 1 << 24 {
            let scale = LONG_ENOUGH.as_nanos() / taken.0.as_nanos().max(100);
            rounds *= i32::try_from(scale).unwrap_or(i32::MAX).clamp(2, 16);
            taken = self.once(&mut store, &run, rounds)?;
        }
        for _ in 1..repetitions {
            taken.0 = taken.0.min(self.once(&mut store, &run, rounds)?.0);
        }
        // Rounds are positive.
        let times = u64::from(workload.repeats) * rounds.unsigned_abs() as u64;
        Ok(Taken { nanoseconds: taken.0.as_nanos() as f64, gas: taken.1, times })
    }

    /// Time and gas of one call.
    fn once(
        &self,
        store: &mut Store<()>,
        run: &TypedFunc<i32, ()>,
        rounds: i32,
    ) -> Result<(Duration, u64), Error> {
        store.set_gas(GAS)?;
        let start = ThreadTime::now();
        run.call(&mut *store, rounds)?;
        Ok((start.elapsed(), GAS - store.gas()))
    }

    fn fresh(&self, workload: &Workload, module: &Module, repetitions: u32) -> Result<Taken, Error> {
        let mut taken = Taken { nanoseconds: f64::MAX, gas: 0, times: workload.repeats.into() };
        for _ in 0..repetitions.max(1) {
            let start = ThreadTime::now();
            let (mut store, instance) = self.instance(module)?;
            instance.get_typed_func::<i32, ()>(&mut store, "run")?.call(&mut store, 1)?;
            taken.gas = GAS - store.gas();
            drop(store);
            taken.nanoseconds = taken.nanoseconds.min(start.elapsed().as_nanos() as f64);
        }
        Ok(taken)
    }

    fn instance(&self, module: &Module) -> Result<(Store<()>, Instance), Error> {
        let mut store = Store::new(&self.engine, ());
        store.set_gas(GAS)?;
        let instance = self.linker.instantiate(&mut store, module)?;
        Ok((store, instance))
    }
}
