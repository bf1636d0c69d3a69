//! Registers that calls keep: whatever is called, and however that ends, the caller's locals and operands are as before.

use super::{Outcome, engines, outcome};
use crate::support::{module, store};
use lockstep_vm::{Caller, Engine, Error, Instance, Linker, Val};
use std::fmt::Write;

/// Changes every register: many locals in a loop, each read and written, and calls of itself. Then it ends as it is told.
const SPOIL: &str = r#"
    (func $spoil (export "spoil") (param $how i64) (param $deep i64) (result i64)
        (local $a i64) (local $b i64) (local $c i64) (local $d i64) (local $e i64) (local $f i64) (local $g i64)
        (local $h i64) (local $i i64) (local $j i64) (local $k i64) (local $l i64) (local $m i64) (local $n i64)
        (loop $again
            (local.set $a (i64.add (local.get $a) (i64.const 0x1111)))
            (local.set $b (i64.xor (local.get $a) (i64.add (local.get $b) (i64.const 0x2222))))
            (local.set $c (i64.mul (i64.add (local.get $b) (local.get $c)) (i64.const 0x3333)))
            (local.set $d (i64.sub (local.get $c) (i64.add (local.get $d) (i64.const 0x4444))))
            (local.set $e (i64.rotl (i64.add (local.get $d) (local.get $e)) (local.get $a)))
            (local.set $f (i64.or (i64.add (local.get $e) (local.get $f)) (i64.const 0x5555)))
            (local.set $g (i64.add (local.get $g) (i64.mul (local.get $f) (local.get $a))))
            (local.set $h (i64.add (local.get $h) (i64.xor (local.get $g) (local.get $b))))
            (local.set $i (i64.add (local.get $i) (i64.xor (local.get $h) (local.get $c))))
            (local.set $j (i64.add (local.get $j) (i64.xor (local.get $i) (local.get $d))))
            (local.set $k (i64.add (local.get $k) (i64.xor (local.get $j) (local.get $e))))
            (local.set $l (i64.add (local.get $l) (i64.xor (local.get $k) (local.get $f))))
            (local.set $m (i64.add (local.get $m) (i64.xor (local.get $l) (local.get $g))))
            (local.set $n (i64.add (local.get $n) (i64.const 1)))
            (br_if $again (i64.lt_u (local.get $n) (i64.const 5))))
        (if (i64.ne (local.get $deep) (i64.const 0))
            (then (return (i64.add (local.get $m)
                (call $spoil (local.get $how) (i64.sub (local.get $deep) (i64.const 1)))))))
        (block $forever (block $gas (block $divide (block $memory (block $unreachable (block $return
            (br_table $return $unreachable $memory $divide $gas $forever (i32.wrap_i64 (local.get $how))))
        (return (i64.add (local.get $m) (local.get $k))))
        unreachable)
        (return (i64.load (i32.const -1))))
        (return (i64.div_u (local.get $a) (i64.sub (local.get $b) (local.get $b)))))
        (loop $again (br $again)))
        (call $spoil (local.get $how) (i64.const 1)))"#;

/// What the outer function does between writing its locals and reading them.
const CALLS: [&str; 12] = [
    "(call $host (local.get $how))",
    "(call_indirect (type $t) (local.get $how) (i32.const 0))",
    "(call $spoil (local.get $how) (i64.const 3))",
    "(call_indirect (type $two) (local.get $how) (i64.const 3) (i32.const 1))",
    "(call $other (local.get $how) (i64.const 2))",
    "(call_indirect (type $two) (local.get $how) (i64.const 2) (i32.const 2))",
    "(i64.extend_i32_s (memory.grow (i32.const 1)))",
    "(memory.fill (i32.const 9) (i32.const 1) (i32.const 99)) (i64.load (i32.const 50))",
    "(i64.extend_i32_s (table.grow $growing (ref.func $host) (i32.const 3)))",
    "(call $tail (local.get $how))",
    "(call $tail_indirect (local.get $how))",
    "(call $host (local.get $how)) (drop (memory.grow (i32.const 0))) (drop (call $host (i64.const 0)))",
];

/// A function with so many locals of which each has its own value, and as many operands below the call.
fn outer(name: usize, call: &str, locals: usize, operands: usize) -> String {
    let mut text =
        format!(r#"(func (export "outer{name}") (param $how i64) (result i64) (local $result i64)"#);
    for local in 0..locals {
        write!(text, "(local $v{local} i64)").unwrap();
    }
    for local in 0..locals {
        let value = local as u64 * 0x0123_4567_89ab + 77;
        write!(
            text,
            "(local.set $v{local} (i64.mul (i64.add (local.get $how) (i64.const 3)) (i64.const {value})))"
        )
        .unwrap();
    }
    for operand in 0..operands {
        match operand % 3 {
            0 => write!(text, "(i64.add (local.get $how) (i64.const {operand}))").unwrap(),
            1 => write!(text, "(i64.const {operand})").unwrap(),
            _ => write!(text, "(local.get ${})", if locals > 0 { "v0" } else { "how" }).unwrap(),
        }
    }
    // Twice, with locals that have changed meanwhile and others that have not.
    for _ in 0..2 {
        write!(text, "{call} (local.set $result (i64.add (local.get $result)))").unwrap();
        for local in (0..locals).step_by(2) {
            write!(text, "(local.set $v{local} (i64.add (local.get $v{local}) (i64.const 1)))").unwrap();
        }
    }
    for local in (0..locals).rev() {
        write!(
            text,
            "(local.set $result (i64.add (i64.mul (local.get $result) (i64.const 31)) (local.get $v{local})))"
        )
        .unwrap();
    }
    for _ in 0..operands {
        text.push_str("(local.set $result (i64.add (i64.mul (local.get $result) (i64.const 37))))");
    }
    text.push_str("(i64.add (local.get $result) (local.get $how)))");
    text
}

fn guest(locals: usize, operands: usize, imports_memory: bool) -> String {
    let outers: String =
        CALLS.iter().enumerate().map(|(name, call)| outer(name, call, locals, operands)).collect();
    let memory = if imports_memory { r#"(import "env" "memory" (memory 1 64))"# } else { "" };
    let own = if imports_memory { "" } else { "(memory 1 64)" };
    format!(
        r#"(module
        (import "env" "host" (func $host (param i64) (result i64)))
        (import "other" "spoil" (func $other (param i64 i64) (result i64)))
        {memory}
        (type $t (func (param i64) (result i64)))
        (type $two (func (param i64 i64) (result i64)))
        {own}
        (table 3 funcref) (elem (i32.const 0) $host $spoil $other)
        (table $growing 0 20 funcref)
        (func $tail (type $t) local.get 0 return_call $host)
        (func $tail_indirect (type $t) local.get 0 i32.const 0 return_call_indirect (type $t))
        {SPOIL} {outers})"#
    )
}

/// The outcomes of every call with every way to end.
fn outcomes(engine: &Engine, locals: usize, operands: usize, imports_memory: bool) -> Vec<Outcome> {
    let mut linker = Linker::<()>::new(engine);
    linker
        .func_wrap("env", "host", |mut caller: Caller<'_, ()>, how: i64| -> Result<i64, Error> {
            caller.charge(11)?;
            let instance = caller.instance().unwrap();
            let spoil = instance.get_typed_func::<(i64, i64), i64>(&caller, "spoil")?;
            match spoil.call(&mut caller, (how, 2)) {
                Ok(result) => Ok(result),
                // What ends within is no business of the frames without.
                Err(error) => Ok(error.trap().map_or(-1, |trap| trap as i64)),
            }
        })
        .unwrap();
    let mut store = store(engine, ());
    let other = module(engine, &format!("(module (memory 1) {SPOIL})"));
    let other = Instance::new(&mut store, &other, &[]).unwrap();
    linker.instance(&store, "other", other).unwrap();
    let memory = module(engine, r#"(module (memory (export "memory") 1 64))"#);
    let memory = Instance::new(&mut store, &memory, &[]).unwrap();
    linker.instance(&store, "env", memory).unwrap();
    let guest = module(engine, &guest(locals, operands, imports_memory));
    let guest = linker.instantiate(&mut store, &guest).unwrap();
    let mut found = Vec::new();
    for name in 0..CALLS.len() {
        let func = guest.get_func(&store, &format!("outer{name}")).unwrap();
        for how in 0..6 {
            found.push(outcome(&mut store, func, 30_000, &[Val::I64(how)]));
        }
    }
    found
}

#[test]
fn locals_and_operands_are_as_before_whatever_was_called_and_however_it_ended() {
    for imports_memory in [false, true] {
        for (locals, operands) in (0..18).flat_map(|locals| [(locals, 0), (locals, 5), (locals, 11)]) {
            let [(_, reference), others @ ..] = engines();
            let expected = outcomes(&reference, locals, operands, imports_memory);
            for how in ["I64", "Unreachable", "MemoryOutOfBounds", "DivideByZero", "OutOfGas"] {
                assert!(expected.iter().any(|outcome| outcome.ended.contains(how)), "{how}");
            }
            for (name, engine) in others {
                let found = outcomes(&engine, locals, operands, imports_memory);
                for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
                    let (call, how) = (CALLS[at / 6], at % 6);
                    assert_eq!(
                        found, expected,
                        "{name}, {locals} locals, {operands} operands: {call} with {how}, {imports_memory}"
                    );
                }
            }
        }
    }
}

/// Functions that read the byte at 8 of a memory, entered in every way that there is.
const READS: &str = r#"(module
    (import "env" "memory" (memory 1))
    (import "env" "host" (func $host (result i64)))
    (import "other" "read" (func $other (result i64)))
    (type $t (func (result i64)))
    (table 3 funcref) (elem (i32.const 0) $read $host $other)
    (func $read (export "direct") (type $t) (i64.load8_u (i32.const 8)))
    (func $call (export "call") (type $t) (call $read))
    (func $tail (export "tail") (type $t) return_call $read)
    (func (export "indirect") (type $t) (call_indirect (type $t) (i32.const 0)))
    (func $tail_indirect (export "tail indirect") (type $t) i32.const 0 return_call_indirect (type $t))
    (func (export "tail within") (type $t) (i64.add (call $tail) (i64.sub (call $tail_indirect) (call $read))))
    (func (export "behind host") (type $t) (drop (call $host)) (call $read))
    (func (export "behind host, indirect") (type $t)
        (drop (call_indirect (type $t) (i32.const 1))) (i64.load8_u (i32.const 8)))
    (func (export "behind other") (type $t) (drop (call $other)) (i64.load8_u (i32.const 8)))
    (func (export "behind other, indirect") (type $t)
        (drop (call_indirect (type $t) (i32.const 2))) (call_indirect (type $t) (i32.const 0)))
    (func (export "behind growth") (type $t) (drop (memory.grow (i32.const 1))) (call_indirect (type $t) (i32.const 0)))
    (func (export "host") (type $t) return_call $host)
    (func (export "other") (type $t) return_call $other))"#;

/// Otherwise a guest would read, and write, wherever the register happens to point.
#[test]
fn l75_an_imported_memory_is_there_however_a_function_is_entered() {
    for (name, engine) in engines() {
        let mut store = store(&engine, ());
        let text = |byte: u8| {
            format!(r#"(module (memory (export "memory") 1 9) (data (i32.const 8) "\{byte:02x}"))"#)
        };
        let mut linker = Linker::<()>::new(&engine);
        linker
            .func_wrap("env", "host", |caller: Caller<'_, ()>| i64::from(caller.memory().is_some()) + 99)
            .unwrap();
        let owner = Instance::new(&mut store, &module(&engine, &text(42)), &[]).unwrap();
        let memory = owner.get_export(&store, "memory").unwrap();
        linker.define(&store, "env", "memory", memory).unwrap();
        let other = r#"(module (memory 1) (data (i32.const 8) "\07")
            (func (export "read") (result i64) (i64.load8_u (i32.const 8))))"#;
        let other = Instance::new(&mut store, &module(&engine, other), &[]).unwrap();
        linker.instance(&store, "other", other).unwrap();
        let guest = module(&engine, READS);
        let instance = linker.instantiate(&mut store, &guest).unwrap();
        for export in guest.exports() {
            let read = instance.get_typed_func::<(), i64>(&store, export.name()).unwrap();
            let expected = match export.name() {
                "host" => 100,
                "other" => 7,
                _ => 42,
            };
            assert_eq!(read.call(&mut store, ()).unwrap(), expected, "{name}: {}", export.name());
        }
    }
}
