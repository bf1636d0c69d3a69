//! `lockstep profile`: modules, scenarios, chains; tables, pictures, folded stacks, lines of sources.

mod common;

use common::lockstep;
use std::path::Path;

const HASHES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/wasm/hashes.wasm");
const ALLOWANCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../host-env/scenarios/allowance.toml");
const LINES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../host-env/harness/tests/lines/lines.wasm");
const TOKEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../host-env/contracts/token.wasm");

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The sum of folded stacks.
fn sum(folded: &str) -> u64 {
    folded.lines().map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum()
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|g| std::str::from_utf8(g).unwrap()).collect();
    groups.join(",")
}

#[test]
fn a_modules_call_is_told_to_the_unit() {
    let folder = tempfile::tempdir().unwrap();
    let (svg, folded) = (folder.path().join("hashes.svg"), folder.path().join("hashes.txt"));
    let words =
        ["profile", HASHES, "--invoke", "sha256_chain", "3", "-o", text(&svg), "--folded", text(&folded)];
    let ran = lockstep(&words).clean();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let folded = std::fs::read_to_string(folded).unwrap();
    let used =
        lockstep(&["run", HASHES, "--invoke", "sha256_chain", "--json", "3"]).clean().json()["gas_used"]
            .as_u64()
            .unwrap();
    assert_eq!(sum(&folded), used, "{folded}");
    let svg = std::fs::read_to_string(svg).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains(&format!("{} gas, 100.0%", grouped(used))), "{svg}");
    assert!(ran.text().contains(&grouped(used)) && !ran.text().contains("gas by line"), "{}", ran.text());
}

#[test]
fn a_step_of_a_scenario_and_all_of_them() {
    let ran = lockstep(&["profile", ALLOWANCE, "--step", "3", "--folded", "-"]).clean();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let test = lockstep(&["test", ALLOWANCE, "--json"]).clean().json();
    let steps = test["scenarios"][0]["steps"].as_array().unwrap().clone();
    let gas = |step: &serde_json::Value| step["gas_used"].as_u64().unwrap_or(0);
    let third = steps.iter().find(|step| step["step"] == 3).unwrap();
    assert_eq!(sum(ran.text()), gas(third), "{}", ran.text());
    assert!(ran.text().contains("token call;call;") && ran.text().contains(";lockstep.storage_get "));

    let all = lockstep(&["profile", ALLOWANCE, "--folded", "-"]).clean();
    assert_eq!(sum(all.text()), steps.iter().map(gas).sum::<u64>(), "{}", all.text());
    assert!(all.text().lines().any(|line| line.starts_with("1. init(\"Gold\", 500) by alice on token;")));

    for words in [
        &["profile", ALLOWANCE, "--step", "99"][..],
        &["profile", ALLOWANCE, "--invoke", "call"],
        &["profile", HASHES],
        &["profile", HASHES, "--invoke", "sha256_chain", "--step", "1", "3"],
        &["profile", "no-such.toml"],
        &["profile", ALLOWANCE, "5"],
    ] {
        let ran = lockstep(words).clean();
        assert_eq!(ran.code, 2, "{words:?}: {}", ran.text());
        assert!(ran.stderr.starts_with("error"), "{words:?}: {}", ran.stderr);
    }
}

#[test]
fn lines_of_sources_are_told_where_a_module_has_them() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = folder.path().join("lines.toml");
    let (svg, text_of) = (folder.path().join("lines.svg"), |path: &Path| path.to_str().unwrap().to_owned());
    let steps = format!(
        "name = \"lines\"\naccounts = {{ alice = 1 }}\n\n[[step]]\ndeploy = {LINES:?}\nas = \"lines\"\nfrom = \"alice\"\n\n\
         [[step]]\ncall = \"lines\"\nfrom = \"alice\"\ninput = \"0x64000000\"\n"
    );
    std::fs::write(&scenario, steps).unwrap();
    let ran = lockstep(&["profile", &text_of(&scenario), "--step", "2", "-o", &text_of(&svg)]).clean();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.text().contains("gas by line"), "{}", ran.text());
    assert!(ran.text().contains("/lines/lines.c:7 in square"), "{}", ran.text());
    let svg = std::fs::read_to_string(svg).unwrap();
    assert!(svg.contains("/lines/lines.c:7 in square: "), "{svg}");
    // At -vvv the tree of functions stands beside that of calls.
    let ran = lockstep(&["test", &text_of(&scenario), "-vvv"]).clean();
    assert_eq!(ran.code, 0, "{}", ran.text());
    assert!(ran.text().contains("squares") && ran.text().contains("instantiation"), "{}", ran.text());
    let ran = lockstep(&["test", &text_of(&scenario), "-vv"]).clean();
    assert!(!ran.text().contains("squares"), "{}", ran.text());
}

#[test]
fn a_call_on_a_chain_is_profiled_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("chain.redb");
    let init = "0xbb54068a10476f6c64e8030000000000000000000000000000";
    let made =
        lockstep(&["deploy", TOKEN, "--state", text(&state), "--input", init, "--json"]).clean().json();
    let token = format!("0x{}", made["created"].as_str().unwrap());
    // `name()`
    let call = |words: &[&str]| {
        lockstep(
            &[&["profile", "--call", &token, "--state", text(&state), "--input", "0x82a3537f"], words]
                .concat(),
        )
        .clean()
    };
    let (first, second) = (call(&["--folded", "-"]), call(&["--folded", "-"]));
    assert!(first.code <= 1 && first.text() == second.text(), "{} {}", first.text(), first.stderr);
    assert!(first.text().contains(&format!("{token} call;call")), "{}", first.text());
}
