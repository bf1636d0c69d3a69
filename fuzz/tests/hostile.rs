//! Bytes that are no module are refused and nothing else happens.

use lockstep_fuzz::oracle::hostile::{Gauntlet, corpus, input};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

/// How many inputs each test tries; `LOCKSTEP_FUZZ_ITERS` sets another number.
fn iterations() -> u32 {
    let wanted = std::env::var("LOCKSTEP_FUZZ_ITERS").ok();
    wanted.map_or(2_000, |wanted| wanted.parse().expect("LOCKSTEP_FUZZ_ITERS is a number"))
}

fn run<S: Strategy>(strategy: &S, bytes: impl Fn(S::Value) -> Vec<u8>) -> u32 {
    let config = Config { cases: iterations(), failure_persistence: None, ..Config::default() };
    let gauntlet = Gauntlet::new(false);
    let accepted = std::cell::Cell::new(0);
    let outcome = TestRunner::new(config).run(strategy, |value| {
        let passed = gauntlet.examine(&bytes(value)).map_err(TestCaseError::fail)?;
        accepted.set(accepted.get() + u32::from(passed.accepted));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    accepted.get()
}

#[test]
fn mutated_and_truncated_modules_are_answered() {
    let corpus = corpus();
    let accepted = run(&any::<u64>(), |seed| input(seed, &corpus));
    println!("{accepted} of {} inputs are accepted", iterations());
    assert!(accepted > 0, "inputs that are never accepted test little");
}

#[test]
fn bytes_behind_a_header_are_answered() {
    run(&proptest::collection::vec(any::<u8>(), 0..256), |tail| {
        let mut bytes = b"\0asm\x01\0\0\0".to_vec();
        bytes.extend(tail);
        bytes
    });
}

/// Every prefix of a module: each stops at another place.
#[test]
fn every_prefix_of_a_fixture_is_answered() {
    let gauntlet = Gauntlet::new(false);
    let mut fixtures = lockstep_fixtures::all();
    fixtures.sort_by_key(|fixture| fixture.wasm.len());
    for fixture in fixtures.iter().take(2) {
        for length in 0..fixture.wasm.len() {
            if let Err(why) = gauntlet.examine(&fixture.wasm[..length]) {
                panic!("{} cut to {length} bytes: {why}", fixture.name);
            }
        }
    }
}
