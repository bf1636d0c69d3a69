//! Executes what only long branches make work, and compares with the interpreter: bodies about as long as branches reach,
//! and modules with more code than a call reaches.

use crate::aarch64::Bounds;
use crate::{engine, made};
use lockstep_vm::{
    Backend, CodeTarget, Config, Engine, ErrorKind, FloatPolicy, Instance, Limits, Module, Store, Val,
};

/// What an execution came to: the result or the trap, with where it was, and the gas left.
type Outcome = (Result<u64, String>, u64);

fn engines() -> [Engine; 3] {
    [(Backend::Interpreter, true), (Backend::Native, true), (Backend::Native, false)].map(
        |(backend, signals)| {
            let limits = Limits { module_bytes: 32 << 20, stack_slots: 10_000_000, ..Limits::default() };
            let config = Config::new().backend(backend).floats(FloatPolicy::Canonical).limits(limits);
            Engine::new(&config.signals_based_traps(signals)).unwrap()
        },
    )
}

fn outcome(module: &Module, arguments: &[Val], gas: u64) -> Outcome {
    let mut store = Store::new(module.engine(), ());
    store.set_gas(1 << 40).unwrap();
    let instance = Instance::new(&mut store, module, &[]).unwrap();
    store.set_gas(gas).unwrap();
    let run = instance.get_func(&store, "run").unwrap();
    let mut results = [Val::I64(0)];
    let result = match run.call(&mut store, arguments, &mut results) {
        Ok(()) => Ok(match results[0] {
            Val::I64(value) => value as u64,
            Val::F64(bits) => bits,
            other => panic!("{other:?}"),
        }),
        Err(error) => {
            let ErrorKind::Trap(trap) = error.kind() else { panic!("{error}") };
            let frames = trap.frames().iter().map(|frame| (frame.function(), frame.offset()));
            Err(format!("{:?} {:?}", error.trap(), frames.collect::<Vec<_>>()))
        }
    };
    (result, store.gas())
}

/// Executes with these arguments on all engines, with enough gas and with a little less, and answers how often.
fn same_everywhere(modules: &[Module; 3], arguments: &[Val]) -> usize {
    const GAS: u64 = 1 << 40;
    let [reference, others @ ..] = modules;
    let expected = outcome(reference, arguments, GAS);
    let used = GAS - expected.1;
    let mut executed = 0;
    for gas in [GAS, used.saturating_sub(1), used / 2, used / 3, used / 7] {
        let expected = outcome(reference, arguments, gas);
        for other in others {
            assert_eq!(outcome(other, arguments, gas), expected, "{arguments:?} with {gas} gas");
            executed += 1;
        }
    }
    executed
}

/// Forward and back, conditional or not, by tables, to stubs: over as many bytes as branches of some machine reach, a few
/// instructions less and a few more.
#[test]
fn long_functions_do_what_the_interpreter_does() {
    let engines = engines();
    let measure = engine(Bounds::Guard);
    let mut executed = 0;
    for bytes in [32 << 10, 128 << 10, 1 << 20] {
        for wasm in made::long_bodies(&measure, bytes) {
            let modules = [0, 1, 2].map(|at| Module::new(&engines[at], &wasm).unwrap());
            for (count, start) in [(0, 0), (1, 0), (1, 2), (3, 2), (3, 0), (4, 3), (9, 2), (200, 97)] {
                executed += same_everywhere(&modules, &[Val::I32(count), Val::I32(start)]);
            }
        }
    }
    println!("{executed} executions");
    assert!(executed > 1_000, "{executed}");
}

fn run_calls(functions: u32, operators: u32) -> (usize, usize) {
    let wasm = made::calls_near_and_far(functions, operators);
    let modules = engines().map(|engine| Module::new(&engine, &wasm).unwrap());
    let length = modules[1].machine_code().unwrap().len();
    let mut executed = 0;
    for argument in [2.5_f64, 1e300, -1.0] {
        executed += same_everywhere(&modules, &[Val::F64(argument.to_bits())]);
    }
    (length, executed)
}

/// Where branches are short, this module has far calls; elsewhere the next one.
#[test]
fn functions_call_near_and_far() {
    let (length, executed) = run_calls(60, 300);
    assert!(length > 256 << 10 && executed > 20, "{length} bytes, {executed} executions");
}

/// More code than a branch of aarch64 reaches. Takes minutes under emulation, and a gigabyte.
#[test]
#[ignore = "takes long, and a gigabyte of memory"]
fn a_module_with_more_than_128_mib_of_code_does_what_the_interpreter_does() {
    let (length, executed) = run_calls(40, 150_000);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM unknown");
    println!("{:?}: {length} bytes of code, {executed} executions, {peak}", CodeTarget::HOST);
    assert!(length > 128 << 20, "{length}");
}
