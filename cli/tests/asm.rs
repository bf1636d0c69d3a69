//! `lockstep inspect --asm`: machine code beside the operators that it was made of.
#![cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "linux"))]

mod common;

use common::{file, lockstep};
use serde_json::Value;

const TEXT: &str = r#"(module
  (import "env" "host" (func $host (param i64)))
  (memory 1)
  (func $fib (export "fib") (param i32) (result i64)
    (if (result i64) (i32.lt_u (local.get 0) (i32.const 2))
      (then (i64.extend_i32_u (local.get 0)))
      (else (i64.add
        (call $fib (i32.sub (local.get 0) (i32.const 1)))
        (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
  (func $all (export "all") (param i32 i32) (result i64)
    (block (block (block (br_table 0 1 2 (local.get 0))) unreachable)
      (return (i64.div_u (i64.load (local.get 1)) (i64.load offset=8 (local.get 1)))))
    (call $host (i64.const 5))
    (i64.const 7)))"#;

fn array<'v>(value: &'v Value, name: &str) -> &'v Vec<Value> {
    value[name].as_array().unwrap_or_else(|| panic!("no {name} in {value}"))
}

fn texts(segment: &Value, name: &str) -> Vec<String> {
    array(segment, name).iter().map(|item| item["text"].as_str().unwrap().to_owned()).collect()
}

/// Whatever a module is like: each operator once and in order, and every byte of the code.
fn check(function: &Value) {
    let asm = &function["asm"];
    let segments = array(asm, "segments");
    let offsets = |name: &str| -> Vec<u64> {
        let items = segments.iter().flat_map(|segment| array(segment, name));
        items.map(|item| item["offset"].as_u64().unwrap()).collect()
    };
    let (operators, instructions) = (offsets("operators"), offsets("instructions"));
    assert!(operators.is_sorted_by(|a, b| a < b) && instructions.is_sorted_by(|a, b| a < b));
    let (start, bytes) = (asm["offset"].as_u64().unwrap(), asm["bytes"].as_u64().unwrap());
    assert_eq!(instructions.first(), Some(&start));
    assert!(*instructions.last().unwrap() < start + bytes);
    let stubs = segments.iter().position(|segment| !segment["stub"].is_null()).unwrap_or(segments.len());
    for (at, segment) in segments.iter().enumerate() {
        assert_eq!(at >= stubs, !segment["stub"].is_null(), "stubs come last: {function}");
        assert!(at < stubs || array(segment, "operators").is_empty());
        for instruction in texts(segment, "instructions") {
            assert!(!instruction.contains("(bad)"), "{instruction} in {function}");
        }
    }
}

/// Both machines, and what each calls a charge and a call.
const MACHINES: [(&str, &str, &str); 2] =
    [("x86_64", "sub r15, ", "call "), ("aarch64", "subs x27, x27, ", "bl ")];

#[test]
fn operators_stand_beside_their_code() {
    for (target, charge, call) in MACHINES {
        operators_stand_beside(target, charge, call);
    }
}

fn operators_stand_beside(target: &str, charge: &str, call: &str) {
    let file = file(&format!("asm-{target}.wat"), TEXT);
    let object = lockstep(&["inspect", &file, "--asm", "--json", "--target", target]).clean().json();
    let functions = array(&object, "functions");
    functions.iter().for_each(check);
    let segments = array(&functions[0]["asm"], "segments");
    // What ends with the first call of itself.
    let calling = |operator: &String| operator == "call $fib";
    let segment = segments.iter().find(|segment| texts(segment, "operators").iter().any(calling)).unwrap();
    // Runs before it that can neither trap nor be seen are paid for with it, and stand with it.
    let operators = texts(segment, "operators");
    assert!(
        operators.ends_with(&["local.get 0", "i32.const 1", "i32.sub", "call $fib"].map(String::from)),
        "{operators:?}"
    );
    let instructions = texts(segment, "instructions");
    let charges = instructions.iter().filter(|instruction| instruction.starts_with(charge));
    assert!(charges.count() > 0, "what a call is behind is paid for: {instructions:?}");
    let last = instructions.last().unwrap();
    assert!(last.starts_with(call) && last.ends_with(" <fib>"), "{instructions:?}");
}

#[test]
fn stubs_and_tables_are_shown_as_such() {
    let file = file("asm-stubs.wat", TEXT);
    for (target, ..) in MACHINES {
        let ran = lockstep(&["inspect", &file, "--function", "all", "--asm", "--target", target]).clean();
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let text = ran.text();
        for words in ["stack check", "trap OutOfGas", "trap DivideByZero", "<trap Unreachable>"] {
            assert!(text.contains(words), "no {words:?} in {text}");
        }
        assert_eq!(text.matches("table entry 0x").count(), 3, "{text}");
        assert!(!text.contains("<fib>"), "one function was asked for");
    }
    assert_eq!(lockstep(&["inspect", &file, "--target", "aarch64"]).clean().code, 2);
    assert_eq!(lockstep(&["inspect", &file, "--asm", "--runs"]).clean().code, 2);
}

#[test]
fn every_fixture_can_be_shown() {
    let fixtures = lockstep_fixtures::all();
    for (fixture, (target, ..)) in
        fixtures.iter().flat_map(|fixture| MACHINES.map(|machine| (fixture, machine)))
    {
        let arguments = ["inspect", fixture.wasm_path, "--asm", "--target", target];
        let ran = lockstep(&[&arguments[..], &["--json"]].concat()).clean();
        let object = ran.json();
        let with_floats = [&arguments[..], &["--json", "--floats", "canonical"]].concat();
        let object = if ran.code == 0 { object } else { lockstep(&with_floats).clean().json() };
        array(&object, "functions").iter().for_each(check);
    }
}
