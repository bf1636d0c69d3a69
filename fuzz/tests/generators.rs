//! The generators keep their promises: valid modules, executions that return, every operator executed often.

mod profile;

use std::collections::BTreeMap;

use lockstep_fuzz::census;
use lockstep_fuzz::features::{FEATURES, validate};
use lockstep_fuzz::generate::Allowed;
use lockstep_fuzz::generate::program::{Options, Size, program};
use lockstep_fuzz::generate::smith::smith;
use wasmi::{Caller, Config, Engine, Func, Instance, Linker, Store, Val};

/// Enough for every program; some modules of wasm-smith run for ever.
const FUEL: u64 = 30_000_000;

/// What some executions did.
#[derive(Default)]
struct Outcomes {
    returned: u64,
    trapped: BTreeMap<String, u64>,
    executed: Vec<u64>,
    operators: BTreeMap<&'static str, u64>,
    bytes: usize,
    panicked: u64,
}

impl Outcomes {
    fn add(&mut self, other: Self) {
        self.returned += other.returned;
        self.bytes += other.bytes;
        self.panicked += other.panicked;
        self.executed.extend(&other.executed);
        for (kind, times) in other.trapped {
            *self.trapped.entry(kind).or_default() += times;
        }
        for (name, times) in other.operators {
            *self.operators.entry(name).or_default() += times;
        }
    }

    fn print(&mut self, what: &str) {
        self.executed.sort_unstable();
        let count = self.executed.len();
        let part = |percent: usize| self.executed[(count - 1) * percent / 100];
        println!(
            "{what}: {count} executions, {} returned ({:.1} %), mean {} bytes; \
             operators executed: 10 % {}, median {}, 90 % {}, 99 % {}, most {}",
            self.returned,
            self.returned as f64 * 100.0 / count as f64,
            self.bytes / count,
            part(10),
            part(50),
            part(90),
            part(99),
            part(100),
        );
        println!("  trapped: {:?}; wasmi panicked on {}", self.trapped, self.panicked);
        let mut rarest: Vec<_> = census::accepted()
            .into_iter()
            .map(|name| (self.operators.get(name).copied().unwrap_or(0), name))
            .collect();
        rarest.sort_unstable();
        println!("  rarest: {:?}", &rarest[..24]);
    }
}

fn engine() -> Engine {
    let mut config = Config::default();
    // A panic of wasmi's translator can only be caught when it translates before it executes.
    config.compilation_mode(wasmi::CompilationMode::Eager);
    config.consume_fuel(true).set_max_recursion_depth(100_000).set_max_stack_height(64 << 20);
    Engine::new(&config)
}

fn linker(engine: &Engine) -> Linker<()> {
    let mut linker = Linker::new(engine);
    linker.func_wrap("env", "tick", || {}).expect("names differ");
    linker
        .func_wrap("env", "mix", |a: i32, b: i64| b.rotate_left(a as u32) ^ 0x9e37_79b9)
        .expect("names differ");
    linker.func_wrap("env", "charge", |_: i64| {}).expect("names differ");
    let reenter = |mut caller: Caller<'_, ()>, a: i32| -> Result<i32, wasmi::Error> {
        let Some(callback) = caller.get_export("callback").and_then(wasmi::Extern::into_func) else {
            return Ok(a);
        };
        let Ok(callback) = callback.typed::<i32, i32>(&caller) else { return Ok(a) };
        callback.call(&mut caller, a)
    };
    linker.func_wrap("env", "reenter", reenter).expect("names differ");
    linker
}

/// Runs a function and answers whether it returned; else why not.
fn call(store: &mut Store<()>, function: Func) -> Result<(), String> {
    let ty = function.ty(&*store);
    let arguments: Vec<Val> = ty
        .params()
        .iter()
        .map(|ty| match ty {
            wasmi::ValType::I32 => Val::I32(5),
            wasmi::ValType::I64 => Val::I64(-77),
            other => Val::default_for_ty(*other),
        })
        .collect();
    let mut results: Vec<Val> = ty.results().iter().map(|ty| Val::default_for_ty(*ty)).collect();
    function.call(&mut *store, &arguments, &mut results).map_err(|error| kind(&error))
}

fn kind(error: &wasmi::Error) -> String {
    error.as_trap_code().map_or_else(|| error.to_string(), |code| format!("{code:?}"))
}

/// Runs the module if wasmi can: its translator panics on a few valid modules.
fn run(engine: &Engine, wasm: &[u8], entry: Option<&str>, outcomes: &mut Outcomes) {
    let attempt = std::panic::AssertUnwindSafe(|| {
        let mut outcomes = Outcomes::default();
        run_unguarded(engine, wasm, entry, &mut outcomes);
        outcomes
    });
    match std::panic::catch_unwind(attempt) {
        Ok(one) => outcomes.add(one),
        Err(_) => outcomes.panicked += 1,
    }
}

fn run_unguarded(engine: &Engine, wasm: &[u8], entry: Option<&str>, outcomes: &mut Outcomes) {
    let profiled = profile::profile(wasm);
    if let Err(error) = validate(&profiled.wasm) {
        panic!("the profiled module is invalid: {error}");
    }
    let module = wasmi::Module::new(engine, &profiled.wasm[..]).expect("wasmi takes the module");
    let mut store = Store::new(engine, ());
    store.set_fuel(FUEL).expect("fuel is on");
    outcomes.bytes += wasm.len();
    let count = |store: &Store<()>, instance: &Instance, piece: usize| {
        let global = instance.get_global(store, &profile::counter(piece)).expect("the counter is exported");
        match global.get(store) {
            Val::I64(count) => count as u64,
            _ => unreachable!("counters are i64"),
        }
    };
    let instance = match linker(engine).instantiate_and_start(&mut store, &module) {
        Ok(instance) => instance,
        Err(error) => {
            *outcomes.trapped.entry(format!("start: {}", kind(&error))).or_default() += 1;
            outcomes.executed.push(0);
            return;
        }
    };
    let functions: Vec<Func> = match entry {
        Some(name) => vec![instance.get_func(&store, name).expect("the entry is exported")],
        None => instance.exports(&store).filter_map(wasmi::Export::into_func).collect(),
    };
    for function in functions {
        let before: Vec<u64> =
            (0..profiled.pieces.len()).map(|piece| count(&store, &instance, piece)).collect();
        let result = call(&mut store, function);
        match result {
            Ok(()) => outcomes.returned += 1,
            Err(kind) => *outcomes.trapped.entry(kind).or_default() += 1,
        }
        let executed = profile::add(
            &profiled,
            |piece| count(&store, &instance, piece) - before[piece],
            &mut outcomes.operators,
        );
        outcomes.executed.push(executed);
    }
}

fn count(default: u64) -> u64 {
    std::env::var("LOCKSTEP_FUZZ_COUNT").ok().and_then(|count| count.parse().ok()).unwrap_or(default)
}

fn allowed(seed: u64) -> Allowed {
    Allowed { floats: seed.is_multiple_of(2), imports: seed.is_multiple_of(3) }
}

#[test]
fn programs_are_valid_and_return_and_execute_every_operator() {
    let engine = engine();
    let modules = count(2_000);
    let mut all = Outcomes::default();
    for (size, share) in [(Size::Tiny, 30), (Size::Normal, 60), (Size::Large, 10)] {
        let mut outcomes = Outcomes::default();
        for seed in 0..modules * share / 100 {
            let wasm = program(seed, Options { size, allowed: allowed(seed) });
            if let Err(error) = validate(&wasm) {
                panic!("{size:?} {seed}: {error}");
            }
            run(&engine, &wasm, Some("run"), &mut outcomes);
            if outcomes.executed.last() > Some(&2_000_000) {
                println!("{size:?} {seed} executes {:?}", outcomes.executed.last());
            }
        }
        outcomes.print(&format!("{size:?}"));
        all.add(outcomes);
    }
    all.print("all programs");
    assert!(all.returned * 2 >= all.executed.len() as u64, "at least half return");
    assert!(all.executed[all.executed.len() / 2] >= 1_000, "the median executes 1,000 operators");
    for name in census::accepted() {
        let executed = all.operators.get(name).copied().unwrap_or(0);
        assert!(executed * 20_000 / modules >= 1_000, "{name} is executed too rarely: {executed}");
    }
}

#[test]
fn smith_modules_are_valid() {
    let engine = engine();
    let mut outcomes = Outcomes::default();
    for seed in 0..count(2_000) {
        let wasm = smith(seed, allowed(seed).floats);
        if let Err(error) = validate(&wasm) {
            panic!("{seed}: {error}");
        }
        run(&engine, &wasm, None, &mut outcomes);
    }
    outcomes.print("wasm-smith");
}

#[test]
fn modules_without_floats_have_none() {
    let features = FEATURES.difference(wasmparser::WasmFeatures::FLOATS);
    for seed in 0..300 {
        let allowed = Allowed { floats: false, imports: true };
        for wasm in [smith(seed, false), program(seed, Options { size: Size::Normal, allowed })] {
            let verdict = wasmparser::Validator::new_with_features(features).validate_all(&wasm);
            assert!(verdict.is_ok(), "{seed}: {:?}", verdict.err());
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_module() {
    for seed in 0..50 {
        let options = Options { size: Size::Normal, allowed: allowed(seed) };
        assert_eq!(program(seed, options), program(seed, options));
        assert_eq!(smith(seed, true), smith(seed, true));
    }
}
