//! `lockstep run`: outcomes, their words and their exit codes.

mod common;

use common::{Ran, file, lockstep, lockstep_with_input};
use serde_json::{Value, json};

const CALLS: &str = r#"(module
  (func $div (export "div") (param i32 i32) (result i32)
    local.get 0
    local.get 1
    i32.div_s)
  (func $outer (export "outer") (param i32) (result i32)
    (call $div (i32.const 5) (local.get 0)))
  (func (export "wide") (param i64) (result i64) local.get 0)
  (func (export "swap") (param i32 i64) (result i64 i32) local.get 1 local.get 0)
  (func (export "refs") (param externref funcref) (result externref funcref) local.get 0 local.get 1)
  (func (export "nothing"))
  (func (export "--odd"))
  (func $deep (export "deep") call $deep)
  (func (export "spin") (loop (br 0)))
  (global (export "answer") i32 (i32.const 42))
  (memory (export "mem") 1))"#;

fn calls(test: &str, arguments: &[&str]) -> Ran {
    let file = file(&format!("run-{test}.wat"), CALLS);
    lockstep(&[&["run", &file][..], arguments].concat()).clean()
}

/// Every call of every fixture gives what its manifest says.
#[test]
fn the_fixtures_give_what_their_manifest_says() {
    let mut calls = 0;
    for fixture in lockstep_fixtures::all() {
        for call in &fixture.calls {
            let gas = call.gas_limit.unwrap_or(1_000_000_000_000).to_string();
            let mut arguments =
                vec!["run", fixture.wasm_path, "--invoke", &call.export, "--gas", &gas, "--json"];
            arguments.extend(call.args.iter().map(String::as_str));
            let ran = lockstep(&arguments).clean();
            let object = ran.json();
            let context = format!("{} {} {:?}: {object}", fixture.name, call.export, call.args);
            let word = if call.trap.is_some() { "trapped" } else { "returned" };
            assert_eq!(object["outcome"], word, "{context}");
            assert_eq!(ran.code, i32::from(call.trap.is_some()), "{context}");
            assert_eq!(object["results"], json!(call.results), "{context}");
            assert_eq!(object["trap"], json!(call.trap), "{context}");
            let (used, left) = (object["gas_used"].as_u64().unwrap(), object["gas_left"].as_u64().unwrap());
            assert_eq!((used + left).to_string(), gas, "{context}");
            if let Some(expected) = call.gas_used {
                assert_eq!(used, expected, "{context}");
            }
            if let Some(expected) = call.peak_stack_slots {
                assert_eq!(object["peak_stack_slots"], expected, "{context}");
            }
            calls += 1;
        }
    }
    assert!(calls >= 24, "{calls} calls");
}

#[test]
fn the_words_of_the_json_object_are_stable() {
    let object = calls("words", &["--invoke", "div", "7", "2", "--json"]).json();
    let words: Vec<&String> = object.as_object().unwrap().keys().collect();
    assert_eq!(
        words,
        [
            "outcome",
            "results",
            "trap",
            "gas_used",
            "gas_left",
            "peak_stack_slots",
            "gas_instantiation",
            "phase",
            "code",
            "message",
            "help",
            "function",
            "function_name",
            "offset",
            "line",
            "column",
            "backtrace",
            "omitted_frames"
        ]
    );
    assert_eq!(object["outcome"], "returned");
    assert_eq!(object["results"], json!(["i32:3"]));
    assert_eq!(object["trap"], Value::Null);
    assert_eq!(object["phase"], "call");
    let gas = |word: &str| object[word].as_u64().unwrap();
    assert_eq!(gas("gas_used") + gas("gas_left"), 1_000_000_000);
    assert!(gas("gas_instantiation") < gas("gas_used"));
    assert_eq!(object["peak_stack_slots"], 8);
}

#[test]
fn people_see_results_gas_and_stack() {
    let ran = calls("people", &["--invoke", "swap", "1", "-1"]);
    assert_eq!(ran.code, 0);
    let lines: Vec<&str> = ran.text().lines().collect();
    assert_eq!(lines[0], "returned (i64:-1, i32:1)");
    assert!(lines[1].starts_with("gas      ") && lines[1].contains(" used (") && lines[1].ends_with(" left"));
    assert_eq!(lines[2], "stack    8 slots at its highest");
    assert!(calls("people", &["--invoke", "nothing"]).text().starts_with("returned nothing\n"));
}

#[test]
fn a_trap_shows_its_backtrace_by_name_and_line() {
    let ran = calls("trap", &["--invoke", "outer", "0"]);
    assert_eq!(ran.code, 1);
    let lines: Vec<&str> = ran.text().lines().collect();
    assert_eq!(lines[0], "trapped  DivideByZero: integer division by zero");
    assert!(
        lines[1].starts_with("  in function 0 <div> at offset 0x") && lines[1].ends_with("run-trap.wat:5:5")
    );
    assert!(
        lines[2].starts_with("  in function 1 <outer> at offset 0x")
            && lines[2].ends_with("run-trap.wat:7:6")
    );

    let object = calls("trap", &["--invoke", "outer", "0", "--json"]).json();
    assert_eq!(object["outcome"], "trapped");
    assert_eq!(object["trap"], "DivideByZero");
    assert_eq!(object["results"], json!([]));
    assert_eq!(object["backtrace"][0]["name"], "div");
    assert_eq!(object["backtrace"][1]["function"], 1);
}

#[test]
fn a_deep_backtrace_is_short() {
    let ran = calls("deep", &["--invoke", "deep"]);
    assert_eq!(ran.code, 1);
    assert!(ran.text().starts_with("trapped  StackOverflow"));
    assert!(ran.text().lines().count() < 10, "{}", ran.text());
    let object = calls("deep", &["--invoke", "deep", "--limit", "stack_slots=1000", "--json"]).json();
    assert_eq!(object["peak_stack_slots"], 1_000);
    assert_eq!(object["trap"], "StackOverflow");
    assert!(object["backtrace"].as_array().unwrap().len() <= 100);
}

#[test]
fn arguments_are_integers_or_say_their_type() {
    let result =
        |arguments: &[&str]| calls("arguments", &[arguments, &["--json"]].concat()).json()["results"].clone();
    assert_eq!(result(&["--invoke", "div", "-7", "0x2"]), json!(["i32:-3"]));
    assert_eq!(result(&["--invoke", "div", "i32:-7", "4294967295"]), json!(["i32:7"]));
    assert_eq!(result(&["--invoke", "wide", "i64:0xffffffffffffffff"]), json!(["i64:-1"]));
    assert_eq!(result(&["--invoke", "wide", "-9223372036854775808"]), json!(["i64:-9223372036854775808"]));
    let refs = ["--invoke", "refs", "externref:null", "funcref:null"];
    assert_eq!(result(&refs), json!(["externref:null", "funcref:null"]));
    // Behind `--` nothing is an option.
    let file = file("run-dashes.wat", CALLS);
    let ran = lockstep(&["run", &file, "--invoke", "wide", "--json", "--", "-0x10"]);
    assert_eq!(ran.json()["results"], json!(["i64:-16"]));
    // Nor is the name of an export.
    assert_eq!(calls("arguments", &["--invoke", "--odd"]).code, 0);
}

#[test]
fn floats_are_refused_or_canonical() {
    let text = r#"(module
        (func (export "add") (param f64 f64) (result f64) local.get 0 local.get 1 f64.add)
        (func (export "bits") (param f32) (result f32) local.get 0))"#;
    let file = file("run-floats.wat", text);
    let run = |arguments: &[&str]| lockstep(&[&["run", &file, "--json"][..], arguments].concat());
    let refused =
        run(&["--invoke", "add", "f64:1", "f64:2"]).refuses(3, &["error[float]", "--floats canonical"]);
    assert_eq!((&refused.json()["outcome"], &refused.json()["code"]), (&json!("invalid"), &json!("float")));
    let add = ["--floats", "canonical", "--invoke", "add"];
    let result = |arguments: &[&str]| run(&[&add[..], arguments].concat()).json()["results"][0].clone();
    assert_eq!(result(&["f64:1.5", "f64:2"]), "f64:0x400c000000000000");
    assert_eq!(result(&["f64:inf", "f64:-inf"]), "f64:0x7ff8000000000000");
    let bits = run(&["--floats", "canonical", "--invoke", "bits", "f32:0xff800001"]);
    assert_eq!(bits.json()["results"], json!(["f32:0xff800001"]));
    let people = lockstep(&["run", &file, "--floats", "canonical", "--invoke", "bits", "f32:1.5"]);
    assert!(people.text().starts_with("returned f32:0x3fc00000 (1.5)\n"), "{}", people.text());
    run(&["--floats", "canonical", "--invoke", "bits", "1"])
        .refuses(2, &["does not say its type: expected f32"]);
}

#[test]
fn gas_runs_out_at_zero_and_in_a_loop() {
    let zero = calls("gas", &["--invoke", "nothing", "--gas", "0", "--json"]);
    assert_eq!(zero.code, 1);
    let object = zero.json();
    assert_eq!((&object["outcome"], &object["trap"]), (&json!("trapped"), &json!("OutOfGas")));
    assert_eq!((&object["gas_used"], &object["gas_left"]), (&json!(0), &json!(0)));
    assert_eq!(object["phase"], "instantiation");

    let spin = calls("gas", &["--invoke", "spin", "--gas", "300_000", "--json"]).json();
    assert_eq!(
        (&spin["trap"], &spin["gas_left"], &spin["gas_used"]),
        (&json!("OutOfGas"), &json!(0), &json!(300_000))
    );
    assert_eq!(spin["phase"], "call");
    assert_eq!(calls("gas", &["--invoke", "div", "1", "1", "--gas", "9223372036854775807"]).code, 0);
}

#[test]
fn an_amount_of_gas_that_is_none_is_refused() {
    for gas in ["9223372036854775808", "18446744073709551616", "-1", "1.5", "much", ""] {
        let ran = calls("no-gas", &["--invoke", "nothing", "--gas", gas, "--json"]);
        let ran = ran.refuses(2, &["gas", "9223372036854775807"]);
        let object = ran.json();
        assert_eq!((&object["outcome"], &object["code"]), (&json!("invalid"), &json!("gas")), "{gas}");
    }
}

#[test]
fn wrong_arguments_say_what_was_expected() {
    let refuses = |arguments: &[&str], words: &[&str]| {
        let ran = calls("wrong", &[arguments, &["--json"]].concat()).refuses(2, words);
        let object = ran.json();
        assert_eq!(
            (&object["outcome"], &object["code"]),
            (&json!("invalid"), &json!("argument")),
            "{arguments:?}"
        );
        assert_eq!(object["gas_used"], 0);
    };
    refuses(&["--invoke", "div"], &["takes 2 arguments, not 0", "func [i32 i32] -> [i32]"]);
    refuses(&["--invoke", "div", "1", "2", "3"], &["takes 2 arguments, not 3"]);
    refuses(&["--invoke", "nothing", "1"], &["takes 0 arguments, not 1"]);
    refuses(&["--invoke", "div", "1", "i64:2"], &["argument 2 `i64:2` has type i64: expected i32"]);
    refuses(&["--invoke", "div", "1", "x"], &["argument 2 `x` is no integer of 32 bits"]);
    refuses(&["--invoke", "div", "1", "4294967296"], &["does not fit 32 bits"]);
    refuses(&["--invoke", "div", "1", "v128:0"], &["has no type that there is"]);
    refuses(&["--invoke", "div", "1", "\u{1b}[31m"], &["\\u{1b}[31m"]);
    refuses(&["--invoke", "refs", "externref:1", "funcref:null"], &["only `null` can"]);
}

#[test]
fn a_missing_export_says_which_there_are() {
    let ran = calls("export", &["--invoke", "Div", "1", "2", "--json"]);
    let ran = ran
        .refuses(2, &["exports no function `Div`", "div: func [i32 i32] -> [i32]", "--odd: func [] -> []"]);
    assert_eq!((&ran.json()["outcome"], &ran.json()["code"]), (&json!("invalid"), &json!("export")));
    calls("export", &["--invoke", "mem"]).refuses(2, &["the export `mem` is a memory 1.., not a function"]);
    calls("export", &["--invoke", "answer"]).refuses(2, &["is a global i32"]);
    let none = file("run-no-exports.wat", "(module (func))");
    lockstep(&["run", &none, "--invoke", "f"]).refuses(2, &["exports no function at all"]);
}

#[test]
fn unlinked_imports_are_all_listed_with_their_types() {
    let text = r#"(module
        (import "env" "f" (func (param i32) (result i64)))
        (import "env" "mem" (memory 1 2))
        (import "\1b]0;title\07" "\e2\80\ae" (global (mut i32)))
        (func (export "run")))"#;
    let file = file("run-imports.wat", text);
    let ran = lockstep(&["run", &file, "--invoke", "run", "--json"]).refuses(
        2,
        &[
            "3 imports cannot be linked",
            "env f: expected func [i32] -> [i64], found nothing",
            "env mem: expected memory 1..=2, found nothing",
            "\\u{1b}]0;title\\u{7} \\u{202e}: expected global (mut i32), found nothing",
        ],
    );
    assert_eq!((&ran.json()["outcome"], &ran.json()["code"]), (&json!("invalid"), &json!("link")));
}

#[test]
fn a_thousand_imports_are_not_all_printed() {
    let imports: String = (0..1_000).map(|n| format!("(import \"env\" \"f{n}\" (func))")).collect();
    let file = file("run-many-imports.wat", format!("(module {imports})"));
    let ran = lockstep(&["run", &file, "--invoke", "run"]).refuses(2, &["1,000 imports", "and 984 more"]);
    assert!(ran.stderr.lines().count() < 25);
}

#[test]
fn a_trap_while_the_instance_is_made_is_an_outcome() {
    let file =
        file("run-segment.wat", r#"(module (memory 1) (data (i32.const 65535) "ab") (func (export "f")))"#);
    let ran = lockstep(&["run", &file, "--invoke", "f", "--json"]);
    assert_eq!(ran.code, 1);
    let object = ran.json();
    assert_eq!((&object["trap"], &object["phase"]), (&json!("MemoryOutOfBounds"), &json!("instantiation")));
    assert_eq!(object["gas_used"], object["gas_instantiation"]);
    assert!(object["gas_used"].as_u64().unwrap() > 0);

    let start =
        common::file("run-start.wat", "(module (func $s unreachable) (start $s) (func (export \"f\")))");
    let object = lockstep(&["run", &start, "--invoke", "f", "--json"]).json();
    assert_eq!((&object["trap"], &object["phase"]), (&json!("Unreachable"), &json!("start")));
    assert_eq!(object["backtrace"][0]["name"], "s");
    let people = lockstep(&["run", &start, "--invoke", "f"]);
    assert!(people.text().starts_with("trapped  Unreachable: unreachable executed, in the start function\n"));
}

#[test]
fn a_memory_above_the_limit_is_refused_by_name() {
    let file = file("run-memory.wat", "(module (memory 2000) (func (export \"f\")))");
    let ran =
        lockstep(&["run", &file, "--invoke", "f", "--json"]).refuses(3, &["memory_pages", "2,000", "1,024"]);
    assert_eq!(ran.json()["code"], "limit.memory_pages");
    let raised = ["run", &file, "--invoke", "f", "--limit", "memory_pages=2000"];
    assert_eq!(lockstep(&raised).code, 0);
}

#[test]
fn a_module_comes_from_standard_input_too() {
    let wasm = wat::parse_str(CALLS).unwrap();
    for input in [CALLS.as_bytes(), &wasm] {
        let ran = lockstep_with_input(&["run", "-", "--invoke", "div", "9", "3", "--json"], input);
        assert_eq!(ran.json()["results"], json!(["i32:3"]), "{}", ran.stderr);
    }
}

/// A name section may name functions as it likes, and a trap shows it.
#[test]
fn hostile_names_are_escaped() {
    let text = r#"(module (func $f (@name "\1b[2J\07\0d\0aGET / \e2\80\ae\c2\9b31m") (export "\1b[31mf") unreachable))"#;
    let file = file("run-names.wat", text);
    let ran = lockstep(&["run", &file, "--invoke", "\u{1b}[31mf"]).clean();
    assert_eq!(ran.code, 1);
    assert!(ran.text().contains(r"<\u{1b}[2J\u{7}\r\nGET / \u{202e}\u{9b}31m>"), "{}", ran.text());
    let ran = lockstep(&["run", &file, "--invoke", "\u{1b}[31mf", "--json"]).clean();
    assert_eq!(ran.json()["backtrace"][0]["name"], "\u{1b}[2J\u{7}\r\nGET / \u{202e}\u{9b}31m");
    lockstep(&["run", &file, "--invoke", "\u{1b}[2J"]).refuses(2, &[r"`\u{1b}[2J`", r"\u{1b}[31mf: func"]);
    let ran = lockstep(&["inspect", &file, "--runs"]).clean();
    assert!(ran.text().contains(r"<\u{1b}[2J"));
}

#[test]
fn wrong_words_get_an_object_too() {
    let ran = lockstep(&["run", "--json", "--nonsense"]);
    assert_eq!(ran.code, 2);
    assert_eq!((&ran.json()["outcome"], &ran.json()["code"]), (&json!("invalid"), &json!("usage")));
    assert!(ran.stderr.starts_with("error: "), "{}", ran.stderr);
    let ran = lockstep(&["run", "x.wasm", "--invoke", "f", "--engine", "jit"]);
    assert_eq!((ran.code, ran.stdout.len()), (2, 0));
    assert!(ran.stderr.contains("interpreter"), "{}", ran.stderr);
}

/// Whatever executes the module, what is printed is the same; without a native backend two of the three are refused.
#[test]
fn every_engine_prints_the_same() {
    for (export, argument) in [("div", "7"), ("div", "0"), ("outer", "0")] {
        let run = |engine: &str| {
            let second: &[&str] = if export == "div" { &["2"] } else { &[] };
            let arguments =
                [&["--invoke", export, "--json", "--engine", engine, argument][..], second].concat();
            calls(&format!("engine-{engine}"), &arguments)
        };
        let expected = run("interpreter");
        for engine in ["native", "crosscheck"] {
            let ran = run(engine);
            if ran.code == 2 {
                assert!(ran.text().contains("there is no native backend here"), "{engine}: {}", ran.text());
            } else {
                assert_eq!((ran.code, ran.text()), (expected.code, expected.text()), "{engine} {export}");
            }
        }
    }
}
