//! `lockstep instrument` and `lockstep inspect`, and what all commands have in common.

mod common;

use common::{file, lockstep, path};
use serde_json::{Value, json};
use std::process::{Command, Stdio};

const FIB: &str = r#"(module
  (func $fib (export "fib") (param i32) (result i64)
    local.get 0
    i32.const 2
    i32.lt_u
    if (result i64)
      local.get 0
      i64.extend_i32_u
    else
      (i64.add
        (call $fib (i32.sub (local.get 0) (i32.const 1)))
        (call $fib (i32.sub (local.get 0) (i32.const 2))))
    end)
  (func $free (export "free") (result i32)
    block
      br 0
      i32.const 1
      drop
    end
    i32.const 7))"#;

#[test]
fn an_instrumented_module_runs_out_of_its_own_gas() {
    let input = file("instrument-in.wat", FIB);
    let out = path("instrument-out.wasm");
    let out = out.to_str().unwrap();
    let ran = lockstep(&["instrument", &input, "-o", out]).clean();
    assert_eq!((ran.code, ran.stdout.len()), (0, 0), "{}", ran.stderr);
    assert!(ran.stderr.contains("with the meter; instantiation costs 30,000 gas more"), "{}", ran.stderr);
    // Nobody has given its meter gas.
    let object = lockstep(&["run", out, "--invoke", "fib", "3", "--json"]).json();
    assert_eq!(object["trap"], "Unreachable");
    // Instrumented again, its names are taken.
    lockstep(&["instrument", out, "-o", out])
        .refuses(3, &["already exports `lockstep:gas`", "--form imported"]);

    let ran = lockstep(&["instrument", &input, "-o", "-"]);
    assert_eq!(ran.stdout, std::fs::read(out).unwrap());
}

#[test]
fn the_imported_form_asks_for_a_meter() {
    let input = file("instrument-start.wat", "(module (func $s) (start $s))");
    let out = path("instrument-imported.wasm");
    let out = out.to_str().unwrap();
    lockstep(&["instrument", &input, "-o", out]).refuses(3, &["start function", "--form imported"]);
    let ran = lockstep(&["instrument", &input, "-o", out, "--form", "imported", "--stack-slots", "100"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    lockstep(&["run", out, "--invoke", "f"])
        .refuses(2, &["lockstep lockstep:gas: expected global (mut i64)"]);
}

#[test]
fn what_cannot_be_instrumented_says_why() {
    let invalid = file("instrument-invalid.wat", "(module (func (result i32) i64.const 1))");
    let out = path("instrument-never.wasm");
    let out = out.to_str().unwrap();
    lockstep(&["instrument", &invalid, "-o", out])
        .refuses(3, &["error[instrument]", "type mismatch", "lockstep check"]);
    assert!(!path("instrument-never.wasm").exists());
    lockstep(&["instrument", "missing.wat", "-o", out]).refuses(2, &["cannot read missing.wat"]);
    let valid = file("instrument-valid.wat", "(module)");
    lockstep(&["instrument", &valid, "-o", path("").to_str().unwrap()]).refuses(2, &["cannot write"]);
}

#[test]
fn a_plan_is_shown_in_a_table() {
    let file = file("inspect-table.wat", FIB);
    let ran = lockstep(&["inspect", &file]).clean();
    assert_eq!(ran.code, 0);
    assert!(ran.text().contains("instantiation  30,000 gas\n"), "{}", ran.text());
    let row = ran.text().lines().find(|line| line.ends_with("<fib>: [i32] -> [i64]")).unwrap();
    assert!(row.trim_start().starts_with("0 "), "{row}");
    let fingerprint = |arguments: &[&str]| {
        let ran = lockstep(&[&["inspect", &file, "--json"][..], arguments].concat());
        ran.json()["fingerprint"].as_str().unwrap().to_owned()
    };
    assert_eq!(fingerprint(&[]).len(), 64);
    assert_eq!(fingerprint(&[]), fingerprint(&["--floats", "reject"]));
    assert_ne!(fingerprint(&[]), fingerprint(&["--floats", "canonical"]));
    assert_ne!(fingerprint(&[]), fingerprint(&["--limit", "nesting=7"]));
}

/// Each operator once and in order; runs add up to the function's price; dead code and free runs have none.
#[test]
fn runs_are_shown_with_their_operators() {
    let file = file("inspect-runs.wat", FIB);
    let ran = lockstep(&["inspect", &file, "--function", "fib", "--runs"]).clean();
    assert_eq!(ran.code, 0);
    assert!(ran.text().contains("  run at 0x"), "{}", ran.text());
    assert!(ran.text().contains("  call $fib\n") && !ran.text().contains("$free"), "{}", ran.text());

    let object = lockstep(&["inspect", &file, "--runs", "--json"]).json();
    for function in object["functions"].as_array().unwrap() {
        let runs = function["runs"].as_array().unwrap();
        let price: u64 = runs.iter().map(|run| run["price"].as_u64().unwrap()).sum();
        assert_eq!(function["price"], price);
        let priced = runs.iter().filter(|run| run["price"] != 0).count();
        assert_eq!(function["run_count"], priced);
        let offsets: Vec<u64> = runs
            .iter()
            .flat_map(|run| run["operators"].as_array().unwrap())
            .map(|operator| operator["offset"].as_u64().unwrap())
            .collect();
        assert!(offsets.is_sorted_by(|a, b| a < b));
    }
    let text = |run: &Value| -> Vec<String> {
        run["operators"]
            .as_array()
            .unwrap()
            .iter()
            .map(|op| op["text"].as_str().unwrap().to_owned())
            .collect()
    };
    let runs = object["functions"][1]["runs"].as_array().unwrap();
    let shown: Vec<(bool, Vec<String>)> =
        runs.iter().map(|run| (run["price"].as_u64().unwrap() > 0, text(run))).collect();
    assert_eq!(shown.len(), 3, "{shown:?}");
    assert!(shown[0].0 && shown[0].1.len() == 2 && shown[0].1[1].starts_with("br 0"), "{shown:?}");
    assert_eq!((shown[1].0, &shown[1].1[..]), (false, &["i32.const 1", "drop", "end"].map(String::from)[..]));
    assert_eq!((shown[2].0, &shown[2].1[..]), (true, &["i32.const 7", "end"].map(String::from)[..]));
}

#[test]
fn every_fixture_can_be_inspected() {
    for fixture in lockstep_fixtures::all() {
        let object = lockstep(&["inspect", fixture.wasm_path, "--runs", "--json"]).clean().json();
        let functions = object["functions"].as_array().unwrap();
        assert!(!functions.is_empty(), "{}", fixture.name);
        for function in functions {
            let slots = function["frame_slots"].as_u64().unwrap();
            let sum = ["parameters", "declared_locals", "operand_height"]
                .map(|word| function[word].as_u64().unwrap());
            assert_eq!(slots, (4 + sum.iter().sum::<u64>()).next_multiple_of(2));
            let last = function["runs"].as_array().unwrap().last().unwrap();
            assert_eq!(last["operators"].as_array().unwrap().last().unwrap()["text"], "end");
        }
        assert_eq!(lockstep(&["inspect", fixture.wasm_path, "--runs"]).clean().code, 0);
    }
}

#[test]
fn a_function_is_found_by_index_name_or_export() {
    let text =
        r#"(module (import "env" "f" (func $imported)) (func $inner (export "outer")) (func (export "1")))"#;
    let file = file("inspect-find.wat", text);
    let find = |wanted: &str| lockstep(&["inspect", &file, "--function", wanted, "--json"]);
    for wanted in ["inner", "outer"] {
        assert_eq!(find(wanted).json()["functions"][0]["index"], 1);
    }
    assert_eq!(find("2").json()["functions"][0]["exports"], json!(["1"]));
    assert_eq!(find("1").json()["functions"].as_array().unwrap().len(), 2);
    let ran = find("0").refuses(2, &["function 0 is imported"]);
    assert_eq!((&ran.json()["outcome"], &ran.json()["code"]), (&json!("invalid"), &json!("function")));
    find("nothing").refuses(2, &["no function `nothing`", "functions 1 to 2"]);
    find("3").refuses(2, &["no function `3`"]);
}

#[test]
fn help_names_the_exit_codes_and_examples() {
    for command in [
        &["--help"][..],
        &["check", "--help"],
        &["run", "--help"],
        &["instrument", "--help"],
        &["inspect", "-h"],
    ] {
        let ran = lockstep(command).clean();
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        assert!(ran.text().contains("Exit codes:"), "{}", ran.text());
        assert_eq!(command.len() > 1, ran.text().contains("Examples:"));
    }
    assert_eq!(lockstep(&[]).code, 2);
    assert_eq!(lockstep(&["fly"]).code, 2);
}

/// `lockstep inspect ... | head -1` is no reason to complain.
#[test]
fn a_reader_that_goes_away_is_no_error() {
    let fixture = lockstep_fixtures::get("curve").unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_lockstep"))
        .args(["inspect", fixture.wasm_path, "--runs"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let fixture = lockstep_fixtures::get("curve").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_lockstep"))
        .args(["inspect", fixture.wasm_path, "--runs"])
        .stdout(full)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.starts_with("error: cannot write to standard output"), "{stderr}");
    assert_eq!(output.status.code(), Some(2));
}
