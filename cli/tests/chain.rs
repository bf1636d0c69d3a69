//! `lockstep deploy` and `lockstep call`: a token on a chain in a file.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

const TOKEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../host-env/contracts/token.wasm");
/// The first bytes of SHA-256 of the functions' names.
const TRANSFER: &str = "27f576ca";
const BALANCE_OF: &str = "5c721497";

fn lockstep(state: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lockstep")).args(words).arg("--state").arg(state).output().unwrap()
}

fn json(state: &Path, words: &[&str]) -> (Option<i32>, Value) {
    let output = lockstep(state, &[words, &["--json"]].concat());
    let value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code(), value)
}

#[test]
fn a_token_is_deployed_and_moved() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("chain.redb");
    let supply = "0xbb54068a10476f6c64e8030000000000000000000000000000"; // init("Gold", 1,000)
    let (code, deployed) = json(&state, &["deploy", TOKEN, "--from", "alice", "--input", supply]);
    assert_eq!((code, &deployed["status"]), (Some(0), &"ok".into()), "{deployed}");
    let token = format!("0x{}", deployed["created"].as_str().unwrap());
    let alice = deployed["events"][0]["topics"][2].as_str().unwrap().to_string();

    let bob = "b0".repeat(32);
    let amount = "2c010000000000000000000000000000"; // 300
    let input = format!("0x{TRANSFER}{bob}{amount}");
    let (code, moved) = json(&state, &["call", &token, "--from", "alice", "--input", &input]);
    assert_eq!((code, &moved["status"]), (Some(0), &"ok".into()));
    assert_eq!(
        moved["events"][0]["topics"].as_array().unwrap()[1..],
        [alice.as_str().to_owned(), bob.as_str().to_owned()]
    );
    assert_ne!(moved["state_root"], deployed["state_root"]);

    let ask = format!("0x{BALANCE_OF}{bob}");
    let (_, asked) =
        json(&state, &["call", &token, "--from", "carol", "--input", &ask, "--engine", "interpreter"]);
    assert_eq!(asked["output"], amount);

    let too_much = format!("0x{TRANSFER}{alice}{amount}");
    let (code, refused) = json(&state, &["call", &token, "--from", "carol", "--input", &too_much]);
    assert_eq!(
        (code, &refused["status"], &refused["detail"]),
        (Some(1), &"reverted".into(), &"balance".into())
    );

    // In words, for people.
    let told = lockstep(&state, &["call", &token, "--input", &ask]);
    let text = String::from_utf8(told.stdout).unwrap();
    for word in ["status   ok\n", "gas      ", "output   0x2c01", "receipt  0x", "root     0x"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    // The same contract of the same sender is there already; with another salt it is not.
    let again = lockstep(&state, &["deploy", TOKEN, "--input", supply]);
    assert_eq!(again.status.code(), Some(1));
    assert_eq!(lockstep(&state, &["deploy", TOKEN, "--input", supply, "--salt", "1"]).status.code(), Some(0));
}

#[test]
fn mistakes_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("chain.redb");
    let code = |words: &[&str]| lockstep(&state, words).status.code();
    let nobody = format!("0x{}", "00".repeat(32));
    assert_eq!(code(&["call", &nobody]), Some(1)); // no code there
    assert_eq!(code(&["call", &nobody, "--value", "1"]), Some(2)); // rejected: the sender owns nothing
    assert_eq!(code(&["call", &nobody, "--gas", "1"]), Some(2));
    assert_eq!(code(&["call", "0x12"]), Some(2));
    assert_eq!(code(&["call", &nobody, "--input", "0x1"]), Some(2));
    // A module that is no contract.
    let file = folder.path().join("none.wat");
    std::fs::write(&file, "(module)").unwrap();
    assert_eq!(code(&["deploy", file.to_str().unwrap()]), Some(3));
    // A file that is no chain.
    let other = folder.path().join("none.wat");
    assert_eq!(lockstep(&other, &["call", &nobody]).status.code(), Some(2));
}
