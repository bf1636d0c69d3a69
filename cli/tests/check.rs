//! `lockstep check`: verdicts, where they point, and files that are no modules.

mod common;

use common::{Ran, file, lockstep, lockstep_with_input, path};
use serde_json::{Value, json};

fn check(arguments: &[&str]) -> Ran {
    lockstep(&[&["check"][..], arguments].concat()).clean()
}

#[test]
fn the_fixtures_are_accepted() {
    let fixtures = lockstep_fixtures::all();
    let paths: Vec<&str> = fixtures.iter().map(|fixture| fixture.wasm_path).collect();
    let ran = check(&paths);
    assert_eq!(ran.code, 0, "{}", ran.text());
    assert_eq!(ran.text().matches(": accepted\n").count(), fixtures.len());

    let ran = check(&[&["--json"], &paths[..]].concat());
    for (line, fixture) in ran.text().lines().zip(&fixtures) {
        let object: Value = serde_json::from_str(line).unwrap();
        assert_eq!((&object["verdict"], &object["file"]), (&json!("accepted"), &json!(fixture.wasm_path)));
        assert_eq!(object["code"], Value::Null);
    }
}

#[test]
fn the_words_of_the_json_objects_are_stable() {
    let file = file("check-words.wat", "(module (func $f (result i64) i32.const 1))");
    let ran = check(&[&file, "--json"]);
    let object = ran.json();
    let words: Vec<&String> = object.as_object().unwrap().keys().collect();
    assert_eq!(
        words,
        [
            "file",
            "verdict",
            "features",
            "limits_near",
            "code",
            "message",
            "help",
            "function",
            "function_name",
            "offset",
            "line",
            "column"
        ]
    );
    assert_eq!(ran.code, 3);
    assert_eq!(object["verdict"], "refused");
    assert_eq!(object["code"], "invalid");
    assert_eq!((&object["function"], &object["function_name"]), (&json!(0), &json!("f")));
    assert!(object["message"].as_str().unwrap().contains("expected i64, found i32"));
    assert!(object["offset"].as_u64().unwrap() > 8);
    assert_eq!(object["line"], 1);
}

#[test]
fn features_used_and_limits_near_are_shown() {
    let text = "(module (table 60000 funcref)
        (func (export \"f\") (param i32) (result i32 i32) block block block end end end local.get 0 i32.extend8_s local.get 0))";
    let file = file("check-features.wat", text);
    let ran = check(&[&file, "--limit", "nesting=5", "--limit", "locals=0"]);
    assert_eq!(ran.code, 0);
    assert!(ran.text().contains("features used  sign_extension, multi_value\n"), "{}", ran.text());
    assert!(ran.text().contains("nesting: 4 of 5, 80 %\n"), "{}", ran.text());
    assert!(ran.text().contains("table_elements: 60,000 of 100,000, 60 %\n"), "{}", ran.text());
    let object = check(&[&file, "--limit", "nesting=5", "--json"]).json();
    assert_eq!(object["features"], json!(["sign_extension", "multi_value"]));
    assert_eq!(object["limits_near"][0], json!({ "name": "nesting", "usage": 4, "limit": 5 }));
}

#[test]
fn a_memory_that_cannot_be_made_is_pointed_out() {
    let file = file("check-memory.wat", "(module (memory 2000))");
    let ran = check(&[&file]);
    assert_eq!(ran.code, 0);
    assert!(
        ran.text().contains("memory_pages: 2,000 of 1,024, 195 %: no instance can be made\n"),
        "{}",
        ran.text()
    );
}

#[test]
fn a_limit_refuses_by_name() {
    let file = file("check-limit.wat", "(module (func $deep block block block end end end))");
    assert_eq!(check(&[&file, "--limit", "nesting=4"]).code, 0);
    let ran = check(&[&file, "--limit", "nesting=3"]);
    assert_eq!(ran.code, 3);
    for words in
        ["error[limit.nesting]", "found 4, at most 3 allowed", "`--limit nesting=N`", "function 0 <deep>"]
    {
        assert!(ran.text().contains(words), "no {words:?} in {}", ran.text());
    }
    check(&[&file, "--limit", "depth=3"]).refuses(2, &["no limit `depth`", "stack_slots"]);
    check(&[&file, "--limit", "nesting"]).refuses(2, &["--limit nesting=N"]);
    check(&[&file, "--limit", "nesting=4000001"]).refuses(2, &["its ceiling is 4000000"]);
}

#[test]
fn a_refused_operator_is_shown_in_the_text_it_was_written_in() {
    let text = "(module\n  (func $f (param i32) (result i64)\n    (if (local.get 0) (then nop))\n    local.get 0\n  ))";
    let file = file("check-text.wat", text);
    let ran = check(&[&file]);
    assert_eq!(ran.code, 3);
    let shown = "3 |     (if (local.get 0) (then nop))\n4 |     local.get 0\n  |     ^^^^^^^^^ in function 0 <f>, at offset 0x";
    assert!(ran.text().contains(shown), "{}", ran.text());
    assert!(ran.text().contains("check-text.wat:4:5\n"), "{}", ran.text());
}

#[test]
fn a_refused_operator_is_shown_disassembled() {
    let text = "(module (func $f (param i32) (result i32) local.get 0 nop i64.eqz))";
    let file = file("check-binary.wasm", wat::parse_str(text).unwrap());
    let ran = check(&[&file]);
    assert_eq!(ran.code, 3);
    let lines: Vec<&str> = ran.text().lines().collect();
    let mark =
        lines.iter().position(|line| line.contains("^^^^^^^ in function 0 <f>, at offset 0x")).unwrap();
    assert!(lines[mark - 1].ends_with("i64.eqz") && lines[mark - 1].contains("(;@1"), "{}", ran.text());
    assert!(lines[mark - 2].ends_with("nop"), "{}", ran.text());
    assert!(ran.text().contains("check-binary.wasm, disassembled\n"), "{}", ran.text());
}

#[test]
fn an_error_of_the_text_shows_its_line() {
    let file = file("check-syntax.wat", "(module\n  (func $f\n    i32.ad\n  ))");
    let ran = check(&[&file]);
    assert_eq!(ran.code, 3);
    assert!(ran.text().contains("error[text]"), "{}", ran.text());
    assert!(ran.text().contains("check-syntax.wat:3:5\n"), "{}", ran.text());
    assert!(ran.text().contains("3 |     i32.ad\n  |     ^^^^^^\n"), "{}", ran.text());
    let object = check(&[&file, "--json"]).json();
    assert_eq!((&object["code"], &object["line"], &object["column"]), (&json!("text"), &json!(3), &json!(5)));
}

#[test]
fn floats_and_features_are_refused_by_name() {
    let float = file("check-float.wat", "(module (func $half (local f32)))");
    let ran = check(&[&float]);
    assert_eq!(ran.code, 3);
    assert!(
        ran.text().contains("error[float]") && ran.text().contains("--floats canonical"),
        "{}",
        ran.text()
    );
    assert_eq!(check(&["--floats", "canonical", &float]).code, 0);

    let simd = file("check-simd.wat", "(module (func (param v128)))");
    let ran = check(&[&simd, "--json"]);
    assert_eq!(ran.code, 3);
    assert!(ran.json()["code"].as_str().unwrap().starts_with("feature."), "{}", ran.text());
    let memories = file("check-memories.wat", "(module (memory 1) (memory 1))");
    assert_eq!(check(&[&memories, "--json"]).json()["code"], "feature.multi_memory");
}

#[test]
fn files_that_are_no_modules() {
    let folder = path("");
    let folder = folder.to_str().unwrap();
    check(&[folder]).refuses(2, &["it is a directory"]);
    check(&["no such file.wasm"]).refuses(2, &["cannot read no such file.wasm"]);
    check(&["\u{1b}[2J.wasm"]).refuses(2, &[r"\u{1b}[2J.wasm"]);

    let wasm = lockstep_fixtures::get("sort").unwrap().wasm;
    let cases: [(&str, &[u8], &str); 7] = [
        ("empty", b"", "the file is empty"),
        ("magic", b"\0asm", "error[malformed]"),
        ("zeros", &[0; 64], "error[malformed]"),
        ("version", b"\0asm\x02\0\0\0", "error[malformed]"),
        ("component", b"\0asm\x0d\0\x01\0", "error["),
        ("truncated", &wasm[..wasm.len() / 2], "error[malformed]"),
        ("binary", b"\x7fELF\x02\x01\x01\0\xff\xfe", "neither a wasm module"),
    ];
    for (name, bytes, words) in cases {
        let file = file(&format!("check-{name}.wasm"), bytes);
        let ran = check(&[&file]);
        assert_eq!(ran.code, 3, "{name}: {}", ran.text());
        assert!(ran.text().contains(words) && ran.text().contains("help: "), "{name}: {}", ran.text());
        let object = check(&[&file, "--json"]).json();
        assert_eq!(object["verdict"], "refused", "{name}");
    }
}

#[test]
fn a_file_above_the_limit_is_not_read() {
    let large = path("check-large.wasm");
    let sparse = std::fs::File::create(&large).unwrap();
    sparse.set_len(1 << 40).unwrap();
    let ran = check(&[large.to_str().unwrap()]);
    std::fs::remove_file(&large).unwrap();
    assert_eq!(ran.code, 3);
    assert!(ran.text().contains("error[limit.module_bytes]"), "{}", ran.text());
    assert!(ran.text().contains("1,099,511,627,776 bytes, at most 4,194,304 allowed"), "{}", ran.text());

    let ran = lockstep_with_input(&["check", "-", "--limit", "module_bytes=10"], &[0; 11]);
    assert_eq!(ran.code, 3);
    assert!(ran.text().contains("more than 10 bytes, at most 10 allowed"), "{}", ran.text());
}

#[test]
fn one_bad_file_does_not_hide_the_others() {
    let good = file("check-good.wat", "(module)");
    let bad = file("check-bad.wat", "(module (func i32.add))");
    let ran = check(&[&bad, &good]);
    assert_eq!(ran.code, 3);
    assert!(ran.text().contains("check-good.wat: accepted"));
    let ran = check(&[&bad, "missing.wasm", &good]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.text().contains("check-good.wat: accepted")
            && ran.text().contains("check-bad.wat: refused, invalid")
    );
    assert_eq!(check(&[]).code, 2);
}

/// Whatever a file contains: a verdict, no panic, and nothing that a terminal would obey.
#[test]
fn mutated_modules_get_a_verdict() {
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % below as u64) as usize
    };
    let mut files = Vec::new();
    for fixture in lockstep_fixtures::all() {
        for round in 0..24 {
            let mut bytes = fixture.wasm.to_vec();
            for _ in 0..1 + round % 4 {
                let at = 8 + next(bytes.len() - 8);
                bytes[at] = next(256) as u8;
            }
            if round % 6 == 5 {
                bytes.truncate(next(bytes.len()));
            }
            files.push(file(&format!("check-mutated-{}-{round}.wasm", fixture.name), bytes));
        }
    }
    for format in [&["check"][..], &["check", "--json"]] {
        let arguments: Vec<&str> = format.iter().copied().chain(files.iter().map(String::as_str)).collect();
        let ran = lockstep(&arguments).clean();
        assert_eq!(ran.code, 3);
        assert_eq!(ran.stderr, "");
        if format.len() == 2 {
            assert_eq!(ran.text().lines().count(), files.len());
            for line in ran.text().lines() {
                let object: Value = serde_json::from_str(line).unwrap();
                assert!(["accepted", "refused"].contains(&object["verdict"].as_str().unwrap()), "{line}");
            }
        }
    }
    for file in files {
        std::fs::remove_file(file).unwrap();
    }
}

/// A module cut off or broken inside a body: the mark is at the byte, never at what happened to be printed last.
#[test]
fn what_cannot_be_disassembled_is_shown_as_bytes() {
    let mut wasm = wat::parse_str("(module (func nop nop nop))").unwrap();
    let body = wasm.windows(4).position(|bytes| bytes == [1, 1, 1, 0x0b]).unwrap();
    wasm[body + 1] = 0xff;
    let file = file("check-bytes.wasm", &wasm);
    let ran = check(&[&file]);
    assert_eq!(ran.code, 3);
    assert!(ran.text().contains("these are bytes of"), "{}", ran.text());
    let lines: Vec<&str> = ran.text().lines().collect();
    let mark = lines.iter().position(|line| line.contains("^^")).unwrap();
    let column = lines[mark].find("^^").unwrap();
    assert_eq!(&lines[mark - 1][column..column + 2], "ff", "{}", ran.text());
}
