//! Traps: on many threads at once, in great numbers, and with every kind of alternate stack.

use super::{Outcome, interpreter, iterations, kernel, native, outcome};
use crate::support::module;
use lockstep_vm::{Engine, Func, Instance, Module, Store, Trap, Val};

/// `trap` raises the trap that its first argument says, below as many frames as its second one.
pub(crate) const TRAPS: &str = r#"(module
    (memory (export "memory") 1 3)
    (type $t (func (param i32 i32) (result i64)))
    (type $other (func (param f32)))
    (table 3 funcref) (elem (i32.const 0) $other)
    (func $other (type $other))
    (func $forever (param i64) (result i64)
        (i64.add (i64.const 1) (call $forever (i64.add (local.get 0) (i64.const 1)))))
    (func $trap (export "trap") (type $t) (local $a i64) (local $b i64)
        (local.set $a (i64.const 5))
        (if (local.get 1)
            (then (return (i64.add (local.get $a)
                (call $trap (local.get 0) (i32.sub (local.get 1) (i32.const 1)))))))
        (block $far (block $edge (block $store (block $unreachable (block $stack (block $gas (block $zero
        (block $overflow (block $table (block $null (block $signature
            (br_table $far $edge $store $unreachable $stack $gas $zero $overflow $table $null $signature
                (local.get 0)))
        (return (call_indirect (type $t) (i32.const 1) (i32.const 1) (i32.const 0))))
        (return (call_indirect (type $t) (i32.const 1) (i32.const 1) (i32.const 1))))
        (return (call_indirect (type $t) (i32.const 1) (i32.const 1) (i32.const 3))))
        (return (i64.div_s (i64.const 0x8000000000000000) (i64.sub (local.get $b) (i64.const 1)))))
        (return (i64.rem_u (local.get $a) (local.get $b))))
        (loop $again (br $again)))
        (return (call $forever (local.get $a))))
        unreachable)
        (i64.store offset=4 (i32.const 65529) (local.get $a)))
        (return (i64.load (i32.const 65529))))
        (i64.load offset=0xffffffff (i32.const -1))))"#;

/// What the arguments of `trap` are, in order.
pub(crate) const KINDS: [Trap; 11] = [
    Trap::MemoryOutOfBounds,
    Trap::MemoryOutOfBounds,
    Trap::MemoryOutOfBounds,
    Trap::Unreachable,
    Trap::StackOverflow,
    Trap::OutOfGas,
    Trap::DivideByZero,
    Trap::IntegerOverflow,
    Trap::TableOutOfBounds,
    Trap::IndirectCallToNull,
    Trap::BadSignature,
];

/// Enough for the stack to overflow.
const GAS: u64 = 300_000;

pub(crate) fn instance(engine: &Engine, module: &Module) -> (Store<()>, Func) {
    let mut store = crate::support::store(engine, ());
    let instance = Instance::new(&mut store, module, &[]).unwrap();
    let trap = instance.get_func(&store, "trap").unwrap();
    (store, trap)
}

pub(crate) fn raise(store: &mut Store<()>, trap: Func, kind: usize, depth: i32) -> Outcome {
    outcome(store, trap, GAS, &[Val::I32(kind as i32), Val::I32(depth)])
}

/// What the reference says of every kind of trap, below no frames and below some.
pub(crate) fn expected() -> Vec<(usize, i32, Outcome)> {
    let engine = interpreter();
    let (mut store, trap) = instance(&engine, &module(&engine, TRAPS));
    let mut expected = Vec::new();
    for (kind, name) in KINDS.iter().enumerate() {
        for depth in [0, 1, 30] {
            let outcome = raise(&mut store, trap, kind, depth);
            assert_eq!(outcome.ended, format!("{:?}", format!("{name:?}")));
            expected.push((kind, depth, outcome));
        }
    }
    expected
}

#[test]
fn l53_every_trap_is_what_the_reference_says() {
    for (name, engine) in crate::engines() {
        let (mut store, trap) = instance(&engine, &module(&engine, TRAPS));
        for (kind, depth, expected) in expected() {
            assert_eq!(raise(&mut store, trap, kind, depth), expected, "{name}");
        }
    }
}

/// Faults are delivered to the thread that runs into them, whatever the others are doing.
#[test]
fn l57_sixty_four_threads_trap_at_once() {
    const THREADS: u64 = 64;
    let expected = expected();
    let engine = native();
    let module = module(&engine, TRAPS);
    let rounds = (iterations() / THREADS / expected.len() as u64).max(3);
    let barrier = std::sync::Barrier::new(THREADS as usize);
    std::thread::scope(|threads| {
        for thread in 0..THREADS as usize {
            let (engine, module, expected, barrier) = (&engine, &module, &expected, &barrier);
            threads.spawn(move || {
                let (mut store, trap) = instance(engine, module);
                barrier.wait();
                for round in 0..rounds as usize {
                    for at in 0..expected.len() {
                        let (kind, depth, expected) = &expected[(at + thread) % expected.len()];
                        assert_eq!(&raise(&mut store, trap, *kind, *depth), expected, "round {round}");
                    }
                }
            });
        }
    });
}

/// Nothing is used up by a fault: no stack, no mask, no memory.
#[test]
fn l56_memory_traps_in_a_row() {
    let expected = expected();
    let engine = native();
    let (mut store, trap) = instance(&engine, &module(&engine, TRAPS));
    for round in 0..iterations() as usize {
        let (kind, depth, expected) = &expected[round % 9];
        assert_eq!(&raise(&mut store, trap, *kind, *depth), expected, "round {round}");
    }
}

/// Threads that no Rust code made have no alternate stack: the handler runs on the guest's then.
#[test]
fn l57_faults_with_a_small_alternate_stack_and_with_none() {
    let expected = expected();
    for stack in [None, Some(32 << 10)] {
        std::thread::scope(|threads| {
            threads.spawn(|| {
                kernel::alternate_stack(stack);
                let engine = native();
                let (mut store, trap) = instance(&engine, &module(&engine, TRAPS));
                for _ in 0..100 {
                    for (kind, depth, expected) in &expected {
                        assert_eq!(&raise(&mut store, trap, *kind, *depth), expected, "{stack:?}");
                    }
                }
                kernel::alternate_stack(None);
            });
        });
    }
}
