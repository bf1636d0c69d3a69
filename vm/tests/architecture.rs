//! Holds what ARCHITECTURE.md says of who may know whom, by reading the sources.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(under: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![under.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty(), "no sources under {}", under.display());
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The code of a file: without comments, documentation and test modules.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn assert_unmentioned(folder: &str, words: &[&str]) {
    for (path, text) in sources(&root().join(folder)) {
        if path.ends_with("tests.rs") || path.parent().is_some_and(|folder| folder.ends_with("tests")) {
            continue;
        }
        let code = code(&text);
        for word in words {
            assert!(!code.contains(word), "{} must not know `{word}`", path.display());
        }
    }
}

#[test]
fn dependencies_run_one_way() {
    assert_unmentioned(
        "gas/src",
        &["lockstep_vm", "lockstep_host_env", "lockstep_cli", "lockstep_fixtures", "lockstep_fuzz"],
    );
    assert_unmentioned(
        "vm/src",
        &["lockstep_host_env", "lockstep_cli", "lockstep_fixtures", "lockstep_fuzz"],
    );
    assert_unmentioned(
        "host-env/src",
        &["lockstep_gas", "lockstep_test", "lockstep_cli", "lockstep_fixtures", "lockstep_fuzz"],
    );
    assert_unmentioned("host-env/harness/src", &["lockstep_cli", "lockstep_fixtures", "lockstep_fuzz"]);
    assert_unmentioned("cli/src", &["lockstep_fixtures", "lockstep_fuzz"]);
}

/// The interpreter is compiled once: it sees neither the host's data nor its functions.
#[test]
fn the_interpreter_does_not_know_the_host() {
    let words =
        ["Caller", "Linker", "crate::linker", "crate::caller", "crate::func", "StoreInner", "crate::error"];
    assert_unmentioned("vm/src/interpret", &words);
}

/// The compiler makes bytes: it knows neither how they are run nor anybody who runs anything.
#[test]
fn the_compiler_does_not_know_execution() {
    let words = [
        "crate::sys",
        "crate::interpret",
        "crate::native",
        "crate::store",
        "crate::linker",
        "crate::func",
        "crate::caller",
        "crate::instance",
        "crate::error",
    ];
    assert_unmentioned("vm/src/compile", &words);
}

/// What runs compiled code is compiled once too, and no engine knows another.
#[test]
fn the_native_backend_knows_neither_the_host_nor_the_interpreter() {
    let words = [
        "Caller",
        "Linker",
        "crate::linker",
        "crate::caller",
        "crate::func",
        "StoreInner",
        "crate::interpret",
    ];
    assert_unmentioned("vm/src/native", &words);
    assert_unmentioned("vm/src/interpret", &["crate::native", "crate::compile", "crate::abi"]);
}

/// The cross-check compares what two engines did: it knows neither how code is made nor how either executes, nor what a
/// host function is behind its log.
#[test]
fn the_cross_check_does_not_know_engines() {
    let words = [
        "crate::compile",
        "crate::abi",
        "crate::native",
        "crate::interpret",
        "crate::linker",
        "crate::validate",
        "machine",
    ];
    assert_unmentioned("vm/src/crosscheck", &words);
    for engine in ["vm/src/native", "vm/src/interpret", "vm/src/compile"] {
        assert_unmentioned(engine, &["crate::crosscheck", "recorder"]);
    }
}

/// Of the rest of the crate `sys` knows the native ABI, in which it and compiled code meet.
#[test]
fn sys_does_not_know_webassembly() {
    let words = [
        "crate::native",
        "crate::compile",
        "crate::interpret",
        "crate::store",
        "crate::module",
        "crate::trap",
        "wasmparser",
    ];
    assert_unmentioned("vm/src/sys", &words);
}

/// Validation decides by the wasm alone.
#[test]
fn validation_does_not_know_execution() {
    assert_unmentioned(
        "vm/src/validate",
        &["crate::interpret", "crate::store", "crate::sys", "crate::linker"],
    );
}

/// And in one file of the tests, which asks the kernel for signals and forks.
#[test]
fn unsafe_stands_only_in_sys() {
    for folder in ["gas", "vm", "cli", "fixtures/src", "fuzz/src"] {
        for (path, text) in sources(&root().join(folder)) {
            let allowed = ["vm/src/sys", "vm/tests/signals/kernel.rs"];
            let in_sys = allowed.iter().any(|allowed| path.starts_with(root().join(allowed)));
            let blocks = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern"];
            let found =
                !path.ends_with("architecture.rs") && blocks.iter().any(|word| code(&text).contains(word));
            assert!(in_sys || !found, "`unsafe` in {}", path.display());
        }
    }
}

/// The table in spec/limits.md is the table in the code.
#[test]
fn the_spec_states_the_limits() {
    use lockstep_vm::{Limit, Limits};
    let spec = fs::read_to_string(root().join("spec/limits.md")).unwrap();
    let grouped = |number: u64| {
        let digits = number.to_string();
        let mut out = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                out.push(',');
            }
            out.push(digit);
        }
        out
    };
    let rows: Vec<Vec<&str>> = spec
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    assert_eq!(rows.len(), Limit::ALL.len());
    for (row, &limit) in rows.iter().zip(Limit::ALL) {
        let kind = if limit.is_run() { "run" } else { "shape" };
        let default = grouped(Limits::default().get(limit));
        assert_eq!(row[0], format!("`{limit}`"));
        assert_eq!((row[1], row[3], row[4]), (kind, &*default, &*grouped(limit.ceiling())), "{limit}");
    }
}
