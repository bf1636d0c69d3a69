//! Handlers of others: whether they were there before ours or came after, each gets what is its own.

use super::traps::{self, TRAPS, expected, raise};
use super::{in_another_process, kernel, native};
use crate::support::module;
use libc::{SA_NODEFER, SA_ONSTACK, SIGSEGV, c_int, c_void, siginfo_t};
use lockstep_vm::{Func, Instance, Module, Store, Val};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The page whose faults are the foreign handler's, and how many there were.
static PAGE: AtomicUsize = AtomicUsize::new(0);
static OPENED: AtomicU64 = AtomicU64::new(0);
/// What the foreign handler passes other faults to.
static NEXT: AtomicUsize = AtomicUsize::new(0);
static PASSED_ON: AtomicU64 = AtomicU64::new(0);

/// Opens its page; every other fault is for the handler that was there before, or the end.
extern "C" fn foreign(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    let page = PAGE.load(Ordering::Relaxed);
    let next = NEXT.load(Ordering::Relaxed);
    if kernel::fault_address(info) & !0xfff == page {
        OPENED.fetch_add(1, Ordering::Relaxed);
        kernel::open(page, true);
    } else if next != 0 {
        PASSED_ON.fetch_add(1, Ordering::Relaxed);
        kernel::chain(next, signal, info, context);
    } else {
        std::process::abort();
    }
}

/// Runs into the foreign handler's page, which must have been opened afterwards.
fn fault_of_others() {
    let page = PAGE.load(Ordering::Relaxed);
    let before = OPENED.load(Ordering::Relaxed);
    kernel::open(page, false);
    assert_eq!(kernel::touch(page), 0);
    assert_eq!(OPENED.load(Ordering::Relaxed), before + 1);
}

/// Traps and foreign faults by turns, between calls and within a host function that guest code waits for.
fn mix() {
    let expected = expected();
    let engine = native();
    let traps = module(&engine, TRAPS);
    let waiting = Module::new(
        &engine,
        wat::parse_str(
            r#"(module (import "" "host" (func $host (param i64) (result i64)))
                (memory 1)
                (func (export "run") (param i64) (result i64)
                    (i64.add (call $host (i64.load (i32.const 0))) (local.get 0))))"#,
        )
        .unwrap(),
    );
    let waiting = waiting.unwrap();
    let (mut store, trap) = traps::instance(&engine, &traps);
    for _ in 0..200 {
        fault_of_others();
        for (kind, depth, expected) in &expected {
            assert_eq!(&raise(&mut store, trap, *kind, *depth), expected);
        }
        let mut store: Store<()> = crate::support::store(&engine, ());
        let host = Func::wrap(&mut store, |value: i64| {
            fault_of_others();
            value
        });
        let instance = Instance::new(&mut store, &waiting, &[host.into()]).unwrap();
        let run = instance.get_func(&store, "run").unwrap();
        let mut results = [Val::I64(0)];
        run.call(&mut store, &[Val::I64(5)], &mut results).unwrap();
        assert_eq!(results, [Val::I64(5)]);
    }
}

fn prepare() {
    PAGE.store(kernel::closed_page(), Ordering::Relaxed);
}

#[test]
#[ignore = "changes its process"]
fn child_before() {
    prepare();
    kernel::install(SIGSEGV, foreign, SA_ONSTACK);
    let theirs = kernel::installed(SIGSEGV);
    mix();
    assert_ne!(kernel::installed(SIGSEGV), theirs, "ours stands before it");
    assert_eq!(PASSED_ON.load(Ordering::Relaxed), 0);
}

fn after(flags: c_int) {
    prepare();
    // The handlers come with the first module.
    module(&native(), "(module)");
    let ours = kernel::install(SIGSEGV, foreign, flags);
    NEXT.store(ours, Ordering::Relaxed);
    let theirs = kernel::installed(SIGSEGV);
    mix();
    assert_eq!(kernel::installed(SIGSEGV), theirs, "we come once and never again");
    assert!(PASSED_ON.load(Ordering::Relaxed) > 1_000, "memory traps went through it");
}

#[test]
#[ignore = "changes its process"]
fn child_after() {
    after(SA_ONSTACK);
}

/// On the guest's stack, then.
#[test]
#[ignore = "changes its process"]
fn child_after_without_its_stack() {
    after(0);
}

#[test]
#[ignore = "changes its process"]
fn child_after_with_nested_signals() {
    after(SA_ONSTACK | SA_NODEFER);
}

/// Nobody hands us the signal: with explicit bounds nobody needs to.
#[test]
#[ignore = "changes its process"]
fn child_explicit_bounds_need_no_handler() {
    let [_, _, (_, engine)] = super::engines();
    let before = kernel::installed(SIGSEGV);
    let (mut store, trap) = traps::instance(&engine, &module(&engine, TRAPS));
    for (kind, depth, expected) in expected() {
        assert_eq!(raise(&mut store, trap, kind, depth), expected);
    }
    assert_eq!(kernel::installed(SIGSEGV), before, "no handler was installed");
}

#[test]
fn l57_a_handler_that_was_there_before_keeps_its_faults() {
    in_another_process("foreign::child_before");
}

#[test]
fn l57_a_handler_that_came_after_and_passes_on_keeps_its_faults_and_we_ours() {
    in_another_process("foreign::child_after");
    in_another_process("foreign::child_after_without_its_stack");
    in_another_process("foreign::child_after_with_nested_signals");
}

#[test]
fn l56_explicit_bounds_touch_no_signal() {
    in_another_process("foreign::child_explicit_bounds_need_no_handler");
}
