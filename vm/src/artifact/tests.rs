//! Artifacts that a holder of the key has made wrongly: loading them may refuse or not, and does not panic. They are not run.

use super::format::{MAGIC, reseal};
use super::*;
use crate::{Config, ErrorKind};
use alloc::string::String;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const WAT: &str = r#"(module
    (import "env" "f" (func $f (param i64) (result i64)))
    (memory 1)
    (func $g (export "g") (param i64) (result i64) local.get 0 call $f i64.const 3 i64.div_u)
    (func (export "h") (param i32) (result i64) local.get 0 i64.load call $g))"#;

fn key() -> ArtifactKey {
    ArtifactKey::new([3; 32])
}

/// An artifact's bytes without hash and tag, and where its code begins.
fn artifact(engine: &Engine) -> (Vec<u8>, usize) {
    let module = Module::new(engine, wat::parse_str(WAT).unwrap()).unwrap();
    let mut bytes = module.serialize(&key()).unwrap();
    bytes.truncate(bytes.len() - 64);
    let code = bytes.len() - module.machine_code().unwrap().len();
    (bytes, code)
}

fn load(engine: &Engine, bytes: &[u8]) -> Result<Module, ErrorKind> {
    Module::deserialize(engine, &key(), reseal(&key(), bytes)).map_err(Error::into_kind)
}

#[track_caller]
fn malformed(engine: &Engine, bytes: &[u8], expected: &str) {
    match load(engine, bytes) {
        Err(ErrorKind::Artifact(ArtifactError::Malformed { what })) => assert_eq!(what, expected),
        other => panic!("{expected}: {other:?}"),
    }
}

#[test]
fn l81_what_does_not_fit_together_is_refused_even_with_the_key() {
    let engine = Engine::new(&Config::new().backend(Backend::Native)).unwrap();
    let (bytes, code) = artifact(&engine);
    load(&engine, &bytes).unwrap();
    let module = Module::new(&engine, wat::parse_str(WAT).unwrap()).unwrap();
    let sites = code - 8 * module.native().unwrap().sites().len();
    let functions = sites - 8 * 2;
    let lengths = functions - module.bytes().len() - 13 * 4;
    let with = |at: usize, value: u32| {
        let mut bytes = bytes.clone();
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        bytes
    };
    let length = (bytes.len() - code) as u32;
    for thunk in 0..9 {
        malformed(&engine, &with(lengths + 4 * thunk, length), "a thunk is not in its code");
    }
    for part in 9..13 {
        for value in [0, length + 1, u32::MAX] {
            malformed(&engine, &with(lengths + 4 * part, value), "its parts are not as long as it says");
        }
    }
    // A function becomes a site.
    let mut moved = with(lengths + 4 * 10, 1);
    let sites_count = ((code - sites) / 8) as u32;
    moved[lengths + 4 * 11..][..4].copy_from_slice(&(sites_count + 1).to_le_bytes());
    malformed(&engine, &moved, "it has not as many functions as its module");
    for at in [functions, functions + 4, functions + 12] {
        malformed(&engine, &with(at, length + 1), "its functions are not one behind the other");
    }
    for at in [sites, code - 8] {
        malformed(&engine, &with(at, u32::MAX), "its sites are not in order");
    }
    malformed(&engine, &[&bytes[..], &[0]].concat(), "its parts are not as long as it says");
    malformed(&engine, &bytes[..bytes.len() - 1], "its parts are not as long as it says");
    malformed(&engine, &bytes[..MAGIC.len() + 10], "its settings cannot be read");
}

#[test]
fn l80_nothing_that_a_holder_of_the_key_makes_panics() {
    let engine = Engine::new(&Config::new().backend(Backend::Native)).unwrap();
    let (bytes, code) = artifact(&engine);
    let start = MAGIC.len() + 10;
    let mut random = StdRng::seed_from_u64(81);
    let mut seen = alloc::collections::BTreeMap::new();
    for _ in 0..20_000 {
        let mut bytes = bytes.clone();
        for _ in 0..random.random_range(1..=3) {
            let at = random.random_range(start..code);
            match random.random_range(0..4) {
                0 => bytes[at] ^= 1 << random.random_range(0..8),
                1 => bytes[at] = random.random(),
                2 => bytes[at..(at + 4).min(code)].fill([0, 0x7f, 0xff][random.random_range(0..3)]),
                _ => bytes.truncate(at.max(start + 1)),
            }
            if bytes.len() < code {
                break;
            }
        }
        let word = match load(&engine, &bytes) {
            Ok(_) => String::from("accepted"),
            Err(ErrorKind::Artifact(error)) => error.code().into(),
            Err(ErrorKind::Invalid(_)) => String::from("invalid"),
            Err(other) => panic!("{other:?}"),
        };
        *seen.entry(word).or_insert(0) += 1;
    }
    std::println!("{seen:?}");
    assert!(seen.len() >= 6, "{seen:?}");
}
