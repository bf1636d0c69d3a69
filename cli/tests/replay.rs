//! `lockstep replay`, and `--record`: from a chain in a file to a bundle, and back.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

const BUNDLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/bundles/stream.lsb");
const WAT: &str = r#"(module
    (import "lockstep" "storage_set" (func $set (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "call") (drop (call $set (i32.const 0) (i32.const 1) (i32.const 8) (i32.const 4)))))"#;

fn lockstep(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lockstep")).args(words).output().unwrap()
}

fn json(words: &[&str]) -> (Option<i32>, Value) {
    let output = lockstep(&[words, &["--json"]].concat());
    let value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code(), value)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn the_committed_bundle_is_equal() {
    let folder = tempfile::tempdir().unwrap();
    let resume = folder.path().join("resume");
    let words = ["replay", BUNDLE, "--workers", "2", "--against", "interpreter", "--resume", text(&resume)];
    let (code, told) = json(&words);
    assert_eq!((code, &told["equal"]), (Some(0), &true.into()), "{told}");
    assert_eq!(told["workers"], 2);
    assert!(told["transactions"].as_u64().unwrap() > 50);
    assert!(told["root"].is_null() && told["difference"].is_null());
    assert!(!resume.exists());

    let output = lockstep(&["replay", BUNDLE, "--resume", text(&resume)]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with("equal: 5 blocks, "), "{said}");
}

#[test]
fn a_damaged_bundle_is_refused_with_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.lsb");
    let good = std::fs::read(BUNDLE).unwrap();
    let mut bytes = good.clone();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let (code, told) = json(&["replay", text(&path)]);
    assert_eq!((code, &told["error"]["code"]), (Some(2), &"corrupted".into()), "{told}");
    assert!(told["error"]["offset"].as_u64().unwrap() <= at as u64);
    assert_eq!(told["error"]["section"], "blocks");
    assert!(told["error"]["record"].as_u64().unwrap() > 1);

    let refused = |bytes: &[u8], code: &str| {
        std::fs::write(&path, bytes).unwrap();
        let (exit, told) = json(&["replay", text(&path)]);
        assert_eq!((exit, told["error"]["code"].as_str()), (Some(2), Some(code)), "{told}");
    };
    refused(b"something else", "bundle");
    refused(b"", "bundle");
    let mut other = good.clone();
    other[16] += 1;
    refused(&other, "format");
    refused(&good[..good.len() - 1], "corrupted");
    std::fs::remove_file(&path).unwrap();
    let (exit, told) = json(&["replay", text(&path)]);
    assert_eq!((exit, &told["error"]["code"]), (Some(2), &"file".into()));
    // Other rules are another fingerprint; they may be compared on purpose.
    let (exit, told) = json(&["replay", BUNDLE, "--limit", "locals=1000"]);
    assert_eq!((exit, &told["error"]["code"]), (Some(2), &"fingerprint".into()), "{told}");
    let (exit, told) = json(&["replay", BUNDLE, "--limit", "locals=1000", "--any-fingerprint", "--fresh"]);
    assert_eq!((exit, &told["equal"]), (Some(0), &true.into()), "{told}");
}

#[test]
fn a_resume_file_of_something_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let resume = folder.path().join("resume");
    std::fs::write(&resume, b"nothing of the kind").unwrap();
    let words = ["replay", BUNDLE, "--resume", text(&resume)];
    let (code, told) = json(&words);
    assert_eq!((code, &told["error"]["code"]), (Some(2), &"resume".into()), "{told}");
    let (code, _) = json(&[&words[..], &["--fresh"]].concat());
    assert_eq!(code, Some(0));
}

/// What `deploy` and `call` record is replayed; under other rules the difference is told, with its place.
#[test]
fn a_chain_in_a_file_is_recorded_and_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (state, first, second, contract) = (at("chain.redb"), at("a.lsb"), at("b.lsb"), at("set.wat"));
    std::fs::write(&contract, WAT).unwrap();
    let (code, told) = json(&["deploy", &contract, "--state", &state, "--record", &first]);
    assert_eq!(code, Some(0), "{told}");
    let address = format!("0x{}", told["created"].as_str().unwrap());
    let (code, told) = json(&["call", &address, "--state", &state, "--record", &second]);
    assert_eq!(code, Some(0), "{told}");
    for (bundle, transactions) in [(&first, 2), (&second, 1)] {
        let (code, told) = json(&["replay", bundle]);
        assert_eq!(
            (code, &told["equal"], &told["transactions"]),
            (Some(0), &true.into(), &transactions.into())
        );
    }
    // An engine whose memories may not have a page does something else.
    let (code, told) = json(&["replay", &second, "--limit", "run_memory_pages=0", "--any-fingerprint"]);
    if code == Some(1) {
        assert_eq!(told["difference"]["index"], 0, "{told}");
    }
}
