//! Small helpers of the tests of the API.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test file uses some of them")]

use lockstep_vm::{Config, Engine, FloatPolicy, Module, Schedule, Store};

/// The gas that a test's store has, unless the test is about gas.
pub const GAS: u64 = 1_000_000;

/// An engine in which every price is 1, with floats.
pub fn engine() -> Engine {
    Engine::new(&Config::new().schedule(Schedule::uniform(1)).floats(FloatPolicy::Canonical)).unwrap()
}

pub fn module(engine: &Engine, text: &str) -> Module {
    Module::new(engine, wat::parse_str(text).unwrap()).unwrap()
}

pub fn store<T>(engine: &Engine, data: T) -> Store<T> {
    let mut store = Store::new(engine, data);
    store.set_gas(GAS).unwrap();
    store
}

/// The result of a panic, with its message kept off the terminal.
pub fn quietly<R>(run: impl FnOnce() -> R) -> std::thread::Result<R> {
    static HOOK: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one_at_a_time = HOOK.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
    std::panic::set_hook(hook);
    result
}
