//! Forks: a child goes on with what its parent has compiled.

use super::traps::{self, TRAPS, expected, raise};
use super::{in_another_process, kernel, native};
use crate::support::module;
use lockstep_vm::{Caller, Engine, Func, Instance, Module};
use std::fmt::Write;
use std::time::Duration;

const LONGEST: Duration = Duration::from_secs(20);

/// So much wasm that several threads compile it.
fn large(engine: &Engine) -> Module {
    let mut text = String::from("(module");
    for function in 0..4_000 {
        write!(text, "(func (export \"f{function}\") (param i64) (result i64) (i64.mul (local.get 0) (i64.add (local.get 0) (i64.const {function}))))")
            .unwrap();
    }
    text.push(')');
    module(engine, &text)
}

/// Stores of the parent, new stores, and new modules.
#[test]
#[ignore = "forks"]
fn child_forks_again_and_again() {
    let expected = expected();
    let engine = native();
    let compiled = module(&engine, TRAPS);
    let (mut store, trap) = traps::instance(&engine, &compiled);
    for round in 0..30 {
        let code = kernel::in_fork(LONGEST, || {
            for (kind, depth, expected) in &expected {
                assert_eq!(&raise(&mut store, trap, *kind, *depth), expected);
            }
            let (mut store, trap) = traps::instance(&engine, &compiled);
            for (kind, depth, expected) in &expected {
                assert_eq!(&raise(&mut store, trap, *kind, *depth), expected);
            }
            let compiled = module(&engine, TRAPS);
            let (mut store, trap) = traps::instance(&engine, &compiled);
            for (kind, depth, expected) in &expected {
                assert_eq!(&raise(&mut store, trap, *kind, *depth), expected);
            }
            7
        });
        assert_eq!(code, Some(7), "round {round}");
        // And nothing of that is the parent's.
        let (kind, depth, expected) = &expected[round];
        assert_eq!(&raise(&mut store, trap, *kind, *depth), expected);
    }
}

/// Within a host function: guest code waits on its stack, in both processes.
#[test]
#[ignore = "forks"]
fn child_forks_in_a_host_function() {
    let engine = native();
    let text = r#"(module (import "" "fork" (func $fork (result i64)))
        (memory 1)
        (func (export "run") (param i64) (result i64) (local i64 i64)
            (local.set 1 (i64.mul (local.get 0) (i64.const 3)))
            (local.set 2 (call $fork))
            (i64.store (i32.const 8) (local.get 2))
            (i64.add (local.get 1) (i64.load (i32.const 8))))
        (func (export "trap") (result i64) (i64.load (i32.const -1))))"#;
    let mut store = crate::support::store(&engine, ());
    let fork = Func::wrap(&mut store, |mut caller: Caller<'_, ()>| {
        let code = kernel::in_fork(LONGEST, || {
            let instance = caller.instance().unwrap();
            let trap = instance.get_typed_func::<(), i64>(&caller, "trap").unwrap();
            trap.call(&mut caller, ()).unwrap_err().trap().unwrap() as i32
        });
        i64::from(code.unwrap())
    });
    let instance = Instance::new(&mut store, &module(&engine, text), &[fork.into()]).unwrap();
    let run = instance.get_typed_func::<i64, i64>(&store, "run").unwrap();
    for round in 0..20 {
        assert_eq!(run.call(&mut store, round).unwrap(), 3 * round + 2);
    }
}

/// The threads that help to compile are the parent's alone.
#[test]
#[ignore = "forks"]
fn child_compiles_much_after_its_parent_did() {
    let engine = native();
    large(&engine);
    let code = kernel::in_fork(LONGEST, || {
        large(&engine);
        7
    });
    assert_eq!(code, Some(7));
}

/// Other threads are within anything when the fork happens.
#[test]
#[ignore = "forks"]
fn child_forks_while_others_run() {
    let expected = expected();
    let engine = native();
    let compiled = module(&engine, TRAPS);
    let done = std::sync::atomic::AtomicBool::new(false);
    let order = std::sync::atomic::Ordering::Relaxed;
    std::thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| {
                while !done.load(order) {
                    let (mut store, trap) = traps::instance(&engine, &compiled);
                    raise(&mut store, trap, 0, 1);
                }
            });
        }
        let codes: Vec<_> = (0..100)
            .map(|_| {
                kernel::in_fork(LONGEST, || {
                    let (mut store, trap) = traps::instance(&engine, &compiled);
                    for (kind, depth, expected) in &expected {
                        assert_eq!(&raise(&mut store, trap, *kind, *depth), expected);
                    }
                    7
                })
            })
            .collect();
        done.store(true, order);
        assert!(codes.iter().all(|code| *code == Some(7)), "{codes:?}");
    });
}

#[test]
fn l58_a_child_runs_traps_and_compiles() {
    in_another_process("fork::child_forks_again_and_again");
    in_another_process("fork::child_forks_in_a_host_function");
}

#[test]
fn l58_a_child_compiles_what_takes_threads() {
    in_another_process("fork::child_compiles_much_after_its_parent_did");
}

#[test]
fn l58_a_child_of_a_busy_process() {
    in_another_process("fork::child_forks_while_others_run");
}
