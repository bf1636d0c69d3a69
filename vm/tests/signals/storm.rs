//! Signals that have nothing to do with guest code, while it runs: a profiler's, and those that other runtimes send to
//! preempt their threads.

use super::traps::{self, KINDS, TRAPS};
use super::{in_another_process, interpreter, iterations, kernel, native, outcome};
use crate::support::{module, store};
use libc::{SA_ONSTACK, SA_RESTART, SIGPROF, SIGURG, c_int};
use lockstep_vm::{Caller, Engine, Error, Func, Linker, Store, Val};
#[cfg(target_arch = "x86_64")]
use lockstep_vm::{Instance, Limits};
use std::sync::atomic::Ordering;
use std::time::Duration;

const GAS: u64 = 60_000;

/// Work in registers, memory and frames, with a way through the host and back.
const WORK: &str = r#"(module
    (import "env" "again" (func $again (param i64) (result i64)))
    (memory 1 4)
    (func $fib (param i64) (result i64)
        (if (result i64) (i64.lt_u (local.get 0) (i64.const 2))
            (then (local.get 0))
            (else (i64.add (call $fib (i64.sub (local.get 0) (i64.const 1)))
                (call $fib (i64.sub (local.get 0) (i64.const 2)))))))
    (func (export "work") (param $n i64) (result i64)
        (local $a i64) (local $b i64) (local $c i64) (local $d i64) (local $e f64) (local $at i32)
        (local.set $a (i64.const 0x9e3779b97f4a7c15))
        (local.set $e (f64.convert_i64_s (local.get $n)))
        (loop $next
            (local.set $b (i64.add (i64.rotl (local.get $b) (i64.const 7)) (local.get $a)))
            (local.set $c (i64.xor (i64.mul (local.get $c) (local.get $a)) (local.get $b)))
            (local.set $d (i64.add (i64.div_u (local.get $b) (i64.or (local.get $c) (i64.const 1))) (local.get $d)))
            (local.set $e (f64.sqrt (f64.add (f64.mul (local.get $e) (local.get $e)) (f64.const 2))))
            (i64.store (local.get $at) (i64.add (i64.load (local.get $at)) (local.get $d)))
            (local.set $at (i32.add (local.get $at) (i32.const 8)))
            (br_if $next (i32.lt_u (local.get $at) (i32.const 2048))))
        (drop (memory.grow (i32.const 1)))
        (memory.copy (i32.const 4096) (i32.const 0) (i32.const 2048))
        (local.set $b (i64.add (local.get $b) (call $fib (i64.const 11))))
        (if (i64.ne (local.get $n) (i64.const 0))
            (then (local.set $d (i64.add (local.get $d) (call $again (i64.sub (local.get $n) (i64.const 1)))))))
        (i64.add (i64.add (local.get $a) (local.get $b)) (i64.add (i64.add (local.get $c) (local.get $d))
            (i64.add (i64.reinterpret_f64 (local.get $e)) (i64.load (i32.const 4104)))))))"#;

fn work(engine: &Engine) -> (Store<()>, Func) {
    let mut linker = Linker::<()>::new(engine);
    linker
        .func_wrap("env", "again", |mut caller: Caller<'_, ()>, left: i64| -> Result<i64, Error> {
            let work = caller.instance().unwrap().get_typed_func::<i64, i64>(&caller, "work")?;
            work.call(&mut caller, left)
        })
        .unwrap();
    let mut store = store(engine, ());
    let instance = linker.instantiate(&mut store, &module(engine, WORK)).unwrap();
    let work = instance.get_func(&store, "work").unwrap();
    (store, work)
}

/// Whatever happens meanwhile, outcomes are the reference's: threads that work, trap and re-enter.
fn weather(flags: c_int, spoiled_bytes: usize, alternate: Option<usize>) {
    const THREADS: u64 = 3;
    let traps_expected = traps::expected();
    let engines = [interpreter(), native()];
    let [expected, _] = engines.each_ref().map(|engine| {
        // Some of them run out of gas.
        [0, 1, 2, 5, 9].map(|n| {
            let (mut store, func) = work(engine);
            (n, outcome(&mut store, func, GAS, &[Val::I64(n)]))
        })
    });
    assert!(expected.iter().any(|(_, outcome)| outcome.ended.contains("OutOfGas")));
    assert!(expected.iter().any(|(_, outcome)| outcome.ended.contains("I64")));
    let engine = &engines[1];
    let traps_module = module(engine, TRAPS);

    kernel::SPOILED_BYTES.store(spoiled_bytes, Ordering::Relaxed);
    for signal in [SIGPROF, SIGURG] {
        kernel::install(signal, kernel::counting, flags | SA_RESTART);
    }
    // The timer's signals may come to any thread of the process.
    kernel::alternate_stack(alternate);
    let rounds = (iterations() / THREADS / 60).clamp(10, 5_000);
    kernel::profile_every(1_000);
    std::thread::scope(|threads| {
        for _ in 0..THREADS {
            threads.spawn(|| {
                kernel::alternate_stack(alternate);
                kernel::pestered(SIGURG, Duration::from_micros(20), alternate, || {
                    let (mut trapping, trap) = traps::instance(engine, &traps_module);
                    for round in 0..rounds {
                        for (n, expected) in &expected {
                            let (mut store, func) = work(engine);
                            let found = outcome(&mut store, func, GAS, &[Val::I64(*n)]);
                            assert_eq!(&found, expected, "round {round}");
                        }
                        for (kind, depth, expected) in &traps_expected {
                            let found = traps::raise(&mut trapping, trap, *kind, *depth);
                            assert_eq!(&found, expected, "round {round}, {}", KINDS[*kind]);
                        }
                    }
                });
                kernel::alternate_stack(None);
            });
        }
    });
    kernel::profile_every(0);
    let counted = kernel::COUNTED.load(Ordering::Relaxed);
    println!("{counted} signals");
    assert!(counted > 100, "{counted} signals");
}

/// As a careful runtime does it.
#[test]
#[ignore = "changes its process"]
fn child_on_alternate_stacks() {
    weather(SA_ONSTACK, 4 << 10, Some(32 << 10));
}

/// As a careless one does: the handlers run wherever the stack pointer is, and take what they
/// need of that, one within the other. That may be the alternate stack, too, while a fault is handled.
#[test]
#[ignore = "changes its process"]
fn child_on_the_stack_at_hand() {
    weather(0, 64 << 10, Some(192 << 10));
}

/// A frame that is greater than all the room for handlers does not fit, and whatever the instruction, a handler finds room
/// where the stack pointer is behind it.
#[test]
#[ignore = "changes its process"]
#[cfg(target_arch = "x86_64")]
fn child_at_every_instruction_while_frames_are_refused() {
    const SPOILED_BYTES: usize = 192 << 10;
    let text = format!(
        r#"(module
        (func $great (result i64) (local {}) (local.get 7))
        (func (export "great") (param i64) (result i64) (call $great))
        (func $small (export "small") (param i64) (result i64) (call $small (local.get 0))))"#,
        "i64 ".repeat(48_990),
    );
    for stack_slots in [20, 20_000] {
        let limits = Limits {
            locals: 49_000,
            frame_slots: 50_000,
            values_per_byte: 1_000,
            stack_slots,
            ..Limits::default()
        };
        let engine = Engine::new(&native().config().clone().limits(limits)).unwrap();
        let mut store = store(&engine, ());
        let instance = Instance::new(&mut store, &module(&engine, &text), &[]).unwrap();
        for name in ["great", "small"] {
            let func = instance.get_func(&store, name).unwrap();
            let mut refuse = || {
                let outcome = outcome(&mut store, func, GAS, &[Val::I64(0)]);
                assert!(outcome.ended.contains("StackOverflow"), "{outcome:?}");
            };
            refuse();
            // The way down is long where many small frames fit.
            if name == "great" || stack_slots == 20 {
                let signals = kernel::at_every_instruction(SPOILED_BYTES, refuse);
                println!("{name}, {stack_slots} slots: {signals} signals");
                assert!(signals > 1_000, "{signals} signals");
            }
        }
    }
}

/// And with no alternate stack at all, so that faults are handled there, too.
#[test]
#[ignore = "changes its process"]
fn child_without_alternate_stacks() {
    weather(SA_ONSTACK, 64 << 10, None);
}

#[test]
fn l56_signals_on_alternate_stacks_change_nothing() {
    in_another_process("storm::child_on_alternate_stacks");
}

#[test]
#[cfg(target_arch = "x86_64")]
fn l54_a_signal_behind_any_instruction_finds_room() {
    in_another_process("storm::child_at_every_instruction_while_frames_are_refused");
}

#[test]
fn l56_signals_on_the_guests_stack_change_nothing() {
    in_another_process("storm::child_on_the_stack_at_hand");
    in_another_process("storm::child_without_alternate_stacks");
}
