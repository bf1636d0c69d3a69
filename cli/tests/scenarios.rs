//! `lockstep test`: what it plays, what it says, what it writes, how it ends.

mod common;

use common::{Ran, lockstep};
use std::path::Path;

const TOKEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../host-env/contracts/token.wasm");
const SCENARIOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../host-env/scenarios");

/// A folder with one scenario, of which only the first step is as expected.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "name = \"pays\" # a comment\naccounts = {{ alice = 1, bob = 0 }}\n\n[[step]]\ndeploy = {TOKEN:?}\nas = \"token\"\n\
         from = \"alice\"\ninput = [\"init\", \"Gold\", {{ u128 = 500 }}]\n\n[[step]]\ncall = \"token\"\nfrom = \"alice\"\n\
         input = [\"transfer\", \"@bob\", {{ u128 = 501 }}]\nexpect = {{ status = \"ok\" }} # too much\n"
    );
    std::fs::write(folder.path().join("pays.toml"), text).unwrap();
    folder
}

fn test(folder: &Path, words: &[&str]) -> Ran {
    lockstep(&[&["test", "--dir", folder.to_str().unwrap()][..], words].concat()).clean()
}

#[test]
fn the_contracts_scenarios_pass() {
    let ran = lockstep(&["test", "--dir", SCENARIOS, "--json", "--jobs", "2"]).clean();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let all = ran.json();
    let scenarios = all["scenarios"].as_array().unwrap();
    assert!(scenarios.len() >= 5 && scenarios.iter().all(|one| one["verdict"] == "passed"), "{all}");
    assert!(all["gas"].as_array().unwrap().iter().any(|row| row["function"] == "transfer_from"));

    let ran = lockstep(&["test", "--dir", SCENARIOS, "allowance", "-vv", "--gas", "report"]).clean();
    assert_eq!(ran.code, 0);
    let words = [
        "ok       ",
        "1 passed",
        "transfer_from(alice, carol, 60) by bob on token",
        "storage_get(key: allowance/alice/bob",
    ];
    for word in words.into_iter().chain(["token.transfer_from", "median"]) {
        assert!(ran.text().contains(word), "{word}: {}", ran.text());
    }
}

#[test]
fn what_fails_is_told_and_written_when_asked_for() {
    let folder = folder();
    let path = folder.path();
    let ran = test(path, &[]);
    assert_eq!(ran.code, 1);
    for word in [
        "failed",
        "pays.toml:14: transfer(bob, 501) by alice on token: expected ok, got reverted \"balance\"",
        "1 failed",
    ] {
        assert!(ran.text().contains(word), "{word}: {}", ran.text());
    }
    let all = test(path, &["--json"]).json();
    assert_eq!(
        (&all["scenarios"][0]["verdict"], &all["scenarios"][0]["findings"][0]["line"]),
        (&"failed".into(), &14.into())
    );

    let ran = test(path, &["--update"]);
    assert_eq!(ran.code, 0, "{}", ran.text());
    let text = std::fs::read_to_string(path.join("pays.toml")).unwrap();
    assert!(
        text.contains("expect = { status = \"reverted\" } # too much") && text.contains("# a comment"),
        "{text}"
    );
    assert_eq!(std::fs::read_dir(path).unwrap().count(), 1, "nothing is left beside it");
    let ran = test(path, &["--engine", "interpreter"]);
    assert_eq!((ran.code, ran.text().contains("1 passed")), (0, true));
    assert_eq!(test(path, &["--update"]).code, 0);
    assert_eq!(std::fs::read_to_string(path.join("pays.toml")).unwrap(), text);
}

#[test]
fn gas_that_grew_ends_with_3() {
    let folder = folder();
    let path = folder.path();
    test(path, &["--update"]);
    let kept = path.join("gas.txt");
    let save = format!("save={}", kept.display());
    let check = format!("check={}", kept.display());
    assert_eq!(test(path, &["--gas", &save]).code, 0);
    assert_eq!(test(path, &["--gas", &check]).code, 0);
    let text = std::fs::read_to_string(&kept).unwrap();
    let before = text.lines().find_map(|line| line.strip_prefix("transfer = ")).unwrap();
    let less = before.parse::<u64>().unwrap() * 99 / 100;
    std::fs::write(&kept, text.replace(before, &less.to_string())).unwrap();
    let ran = test(path, &["--gas", &check]);
    assert_eq!(ran.code, 3);
    assert!(ran.text().contains("grown token.transfer: "), "{}", ran.text());
    assert_eq!(test(path, &["--gas", &check, "--tolerance", "2%"]).code, 0);
    std::fs::write(&kept, "[token]\ntransfer = 1.5").unwrap();
    test(path, &["--gas", &check]).refuses(2, &["no file of gas", "`token.transfer`"]);
}

#[test]
fn what_cannot_be_read_ends_with_2() {
    let folder = folder();
    let path = folder.path();
    std::fs::write(path.join("wrong.toml"), "name = \"x\"\n[[step]]\ncal = \"token\"\n").unwrap();
    let ran = test(path, &[]);
    assert_eq!(ran.code, 2);
    for word in ["a step has no `cal`", "wrong.toml:3", "did you mean `call`?", "1 failed, 1 unreadable"] {
        assert!(ran.text().contains(word), "{word}: {}", ran.text());
    }
    std::fs::write(path.join("wrong.toml"), [0xff, 0xfe]).unwrap();
    assert!(test(path, &[]).text().contains("no text in UTF-8"));
    std::fs::remove_file(path.join("wrong.toml")).unwrap();

    test(path, &["no such word"]).refuses(2, &["there is no such scenario"]);
    test(&path.join("none"), &[]).refuses(2, &["cannot read", "--dir"]);
    test(path, &["--gas", "guess"]).refuses(2, &["`--gas guess`", "report"]);
    test(path, &["--gas", "check=none"]).refuses(2, &["cannot read none", "save"]);
    let ran = test(path, &["--tolerance", "two"]);
    assert_eq!(ran.code, 2);
    std::fs::write(
        path.join("pays.toml"),
        "accounts = { a = 1 }\n[[step]]\ndeploy = \"none.wasm\"\nfrom = \"a\"",
    )
    .unwrap();
    assert!(test(path, &[]).text().contains("cannot read the module"));
}

#[test]
fn what_a_scenario_did_is_recorded_and_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("allowance.lsb");
    let bundle = bundle.to_str().unwrap();
    let ran = lockstep(&["test", "--dir", SCENARIOS, "allowance", "--record", bundle]).clean();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let ran = lockstep(&["replay", bundle, "--against", "interpreter"]).clean();
    assert_eq!(ran.code, 0, "{} {}", ran.text(), ran.stderr);
    assert!(ran.text().starts_with("equal: "), "{}", ran.text());
    // A bundle is one chain's.
    let ran = lockstep(&["test", "--dir", SCENARIOS, "--record", bundle]).clean();
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("name the scenario"), "{}", ran.stderr);
}
