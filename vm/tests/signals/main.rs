//! Compiled code and the process around it: faults, foreign handlers, threads, forks, panics, and both stacks.
//!
//! What changes the process as a whole runs in another one, as a test that is ignored otherwise.
#![cfg(all(feature = "native", any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "linux"))]

mod foreign;
mod fork;
mod heights;
mod kernel;
mod mappings;
mod panics;
#[path = "../support/process.rs"]
mod process;
mod recursion;
mod registers;
mod storm;
#[path = "../support/mod.rs"]
mod support;
mod traps;

use lockstep_vm::{Backend, Config, Engine, Error, ErrorKind, FloatPolicy, Func, Schedule, Store, Val};
use process::this_program;

/// Engines that must agree: the reference first.
fn engines() -> [(&'static str, Engine); 3] {
    let engine = |backend, signals| {
        let config = Config::new().schedule(Schedule::uniform(1)).floats(FloatPolicy::Canonical);
        Engine::new(&config.backend(backend).signals_based_traps(signals)).unwrap()
    };
    [
        ("interpreter", engine(Backend::Interpreter, true)),
        ("native", engine(Backend::Native, true)),
        ("native with explicit bounds", engine(Backend::Native, false)),
    ]
}

/// The reference.
fn interpreter() -> Engine {
    let [(_, interpreter), ..] = engines();
    interpreter
}

/// Machine code whose memory traps are signals.
fn native() -> Engine {
    let [_, (_, native), _] = engines();
    native
}

/// How often the tests that are about numbers do it; `LOCKSTEP_FUZZ_ITERS` sets another number.
#[allow(clippy::disallowed_methods, reason = "a test may be told how long to run")]
fn iterations() -> u64 {
    let wanted = std::env::var("LOCKSTEP_FUZZ_ITERS").ok();
    let ordinary = if cfg!(debug_assertions) { 20_000 } else { 1_000_000 };
    wanted.map_or(ordinary, |wanted| wanted.parse().expect("LOCKSTEP_FUZZ_ITERS is a number"))
}

/// How a call ended, in words that can be compared, and what is left behind.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Outcome {
    ended: String,
    /// Where a trap's frames stood.
    sites: Vec<(u32, u32)>,
    gas: u64,
    peak: u64,
}

/// Calls a function with so much gas.
fn outcome<T>(store: &mut Store<T>, func: Func, gas: u64, arguments: &[Val]) -> Outcome {
    store.set_gas(gas).unwrap();
    let mut results = vec![Val::I32(0); func.ty(&*store).results().len()];
    let called = func.call(&mut *store, arguments, &mut results);
    let ended = match &called {
        Ok(()) => format!("{results:?}"),
        Err(error) => format!("{:?}", kind(error)),
    };
    let sites = match called.as_ref().map_err(Error::kind) {
        Err(ErrorKind::Trap(trap)) => {
            trap.frames().iter().map(|frame| (frame.function(), frame.offset())).collect()
        }
        _ => Vec::new(),
    };
    Outcome { ended, sites, gas: store.gas(), peak: store.peak_stack_slots() }
}

fn kind(error: &Error) -> String {
    match error.trap() {
        Some(trap) => format!("{trap:?}"),
        None => error.to_string(),
    }
}

/// Runs one of the ignored tests in another process, where it may change what it likes.
#[track_caller]
fn in_another_process(name: &str) {
    let output = this_program().args(["--exact", name, "--ignored", "--test-threads=1"]).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{name}: {}\n{out}{err}", output.status);
    assert!(out.contains("1 passed"), "{name} is a test: {out}");
}
