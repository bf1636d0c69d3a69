//! `lockstep compile`, and `lockstep run` of what it makes.

mod common;

use common::{Ran, file, lockstep, lockstep_of, path};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

const DIVIDE: &str = r#"(module
  (func $divide (export "divide") (param i32 i32) (result i32) local.get 0 local.get 1 i32.div_u))"#;

/// A user of one test, who has no key yet.
fn user(test: &str) -> String {
    let folder = path(&format!("artifact-{test}-user"));
    drop(fs::remove_dir_all(&folder));
    folder.to_str().unwrap().to_owned()
}

/// Compiles the module of one test; the artifact's file.
fn compiled(test: &str, user: &str, options: &[&str]) -> String {
    let input = file(&format!("artifact-{test}.wat"), DIVIDE);
    let out = path(&format!("artifact-{test}")).to_str().unwrap().to_owned();
    let ran = lockstep_of(user, &[&["compile", &input, "-o", &out][..], options].concat()).clean();
    assert_eq!((ran.code, ran.stdout.len()), (0, 0), "{}", ran.stderr);
    assert!(ran.stderr.contains("as an artifact for "), "{}", ran.stderr);
    out
}

fn run(user: &str, out: &str, options: &[&str]) -> Ran {
    lockstep_of(user, &[&["run", out, "--invoke", "divide", "7", "2"][..], options].concat())
}

fn key(test: &str, bytes: &[u8]) -> String {
    let key = file(&format!("artifact-{test}.key"), bytes);
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    key
}

/// Every call of every fixture gives what its manifest says.
#[test]
fn artifacts_of_the_fixtures_give_what_their_manifest_says() {
    let user = user("fixtures");
    for fixture in lockstep_fixtures::all() {
        let out = path(&format!("artifact-fixture-{}", fixture.name)).to_str().unwrap().to_owned();
        let ran = lockstep_of(&user, &["compile", fixture.wasm_path, "-o", &out]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        for call in &fixture.calls {
            let gas = call.gas_limit.unwrap_or(1_000_000_000_000).to_string();
            let arguments = |file| {
                let mut words = vec!["run", file, "--invoke", &call.export, "--gas", &gas, "--json"];
                words.extend(call.args.iter().map(String::as_str));
                words
            };
            let object = lockstep_of(&user, &arguments(&out)).clean().json();
            let context = format!("{} {} {:?}: {object}", fixture.name, call.export, call.args);
            assert_eq!(object, lockstep(&arguments(fixture.wasm_path)).json(), "{context}");
            assert_eq!(object["trap"], serde_json::json!(call.trap), "{context}");
            assert_eq!(object["gas_used"].as_u64(), call.gas_used, "{context}");
        }
    }
}

#[test]
fn the_users_own_key_is_made_once_and_is_nobody_elses() {
    let (alice, bob) = (user("alice"), user("bob"));
    let out = compiled("alice", &alice, &[]);
    let key = fs::metadata(format!("{alice}/lockstep/artifact-key")).unwrap();
    assert_eq!((key.len(), key.permissions().mode() & 0o777), (32, 0o600));
    assert_eq!(fs::read_dir(format!("{alice}/lockstep")).unwrap().count(), 1, "nothing else is left");
    assert!(run(&alice, &out, &[]).clean().text().contains('3'));
    // Once more it is the same.
    let first = fs::read(&out).unwrap();
    assert_eq!(fs::read(compiled("alice", &alice, &[])).unwrap(), first);

    run(&bob, &out, &[]).refuses(2, &["cannot read the key", "lockstep compile"]);
    compiled("bob", &bob, &[]);
    run(&bob, &out, &[]).refuses(3, &["error[artifact.key]", "another key", "--key FILE"]);
}

#[test]
fn a_key_can_be_given_and_must_be_a_secret_of_32_bytes() {
    let nobody = user("given");
    let good = key("given", &[9; 32]);
    let out = compiled("given", &nobody, &["--key", &good]);
    assert!(!path("artifact-given-user").exists(), "no other key is made");
    assert_eq!(run(&nobody, &out, &["--key", &good]).clean().code, 0);
    for length in [0, 31, 33] {
        let bad = key(&format!("given-{length}"), &vec![9; length]);
        run(&nobody, &out, &["--key", &bad]).refuses(2, &["not exactly 32 bytes"]);
    }
    fs::set_permissions(&good, Permissions::from_mode(0o640)).unwrap();
    run(&nobody, &out, &["--key", &good]).refuses(2, &["by others", "chmod 600"]);
}

#[test]
fn what_is_not_for_here_says_what_to_do() {
    let user = user("refused");
    let out = compiled("refused", &user, &[]);
    run(&user, &out, &["--limit", "nesting=5"])
        .refuses(3, &["error[artifact.fingerprint]", "limit nesting 4096", "lockstep compile"]);
    run(&user, &out, &["--engine", "interpreter"]).refuses(3, &["interprets", "--engine native"]);
    assert_eq!(run(&user, &out, &["--engine", "crosscheck"]).clean().code, 0);
    // A limit on what runs is no matter.
    assert_eq!(run(&user, &out, &["--limit", "memory_pages=5"]).clean().code, 0);

    let mut bytes = fs::read(&out).unwrap();
    bytes[100] ^= 1;
    let damaged = file("artifact-damaged", &bytes);
    run(&user, &damaged, &[]).refuses(3, &["error[artifact.damaged]"]);
    let cut = file("artifact-cut", &bytes[..bytes.len() - 1]);
    let ran = run(&user, &cut, &["--json"]);
    assert_eq!((ran.code, ran.json()["code"].as_str()), (3, Some("artifact.length")));
    // An artifact is a module for nothing else.
    assert_eq!(lockstep_of(&user, &["check", &out]).clean().code, 3);
    for arguments in [&["inspect", &out][..], &["instrument", &out, "-o", "-"]] {
        lockstep_of(&user, arguments).refuses(3, &["it is an artifact"]);
    }
}

/// The kernel ends a process that writes more to a file than it may: here at the first byte.
#[test]
fn an_artifact_is_written_whole_or_not_at_all() {
    let user = user("whole");
    let out = compiled("whole", &user, &[]);
    let before = fs::read(&out).unwrap();
    let compile = |limit: &str| {
        let ended = Command::new("sh")
            .args(["-c", "ulimit -c 0; ulimit -f \"$1\"; shift; exec \"$@\"", "sh", limit])
            .args([
                env!("CARGO_BIN_EXE_lockstep"),
                "compile",
                &file("artifact-whole.wat", DIVIDE),
                "-o",
                &out,
            ])
            .env("XDG_CONFIG_HOME", &user)
            .output();
        ended.unwrap().status.success()
    };
    assert!(!compile("0"));
    assert!(fs::read(&out).unwrap() == before, "what was there is there");
    assert_eq!(run(&user, &out, &[]).clean().code, 0);
    assert!(compile("unlimited"));
    assert!(fs::read(&out).unwrap() == before);
}

#[test]
fn a_target_is_for_any_of_its_processors() {
    let user = user("target");
    let (here, there) = match std::env::consts::ARCH {
        "aarch64" => ("aarch64", "x86_64"),
        _ => ("x86_64", "aarch64"),
    };
    let out = compiled("here", &user, &["--target", here]);
    assert_eq!(run(&user, &out, &[]).clean().code, 0);
    let out = compiled("there", &user, &["--target", there]);
    run(&user, &out, &[]).refuses(3, &["error[artifact.target]", here, there]);
}
