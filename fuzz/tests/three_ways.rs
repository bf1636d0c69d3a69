//! One number, three ways: a short slice of the campaign, the fixtures and the official suite. `LOCKSTEP_FUZZ_ITERS`
//! multiplies the number of generated modules.

use std::thread;

use lockstep_fuzz::oracle::examine::{Options, examine};
use lockstep_fuzz::oracle::fixtures::fixtures;
use lockstep_fuzz::oracle::suite::suite;
use lockstep_fuzz::oracle::tally::Tally;
use lockstep_fuzz::oracle::value::Value;
use lockstep_fuzz::oracle::{Comparison, three_ways};

/// Generated modules, unless more are asked for.
const MODULES: u64 = 300;

/// Host functions that call back nest on a worker's stack, in two engines.
fn on_large_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let worker = thread::Builder::new().stack_size(256 << 20).spawn(work).expect("a thread can be started");
    worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn expect_agreement(what: &str, tally: &Tally) {
    println!("{what}: {}\n{}", tally.line(), tally.table());
    assert!(tally.findings.is_empty(), "{what}: {}", tally.table());
}

#[test]
fn l30_l31_l36_l37_generated_modules_agree_three_ways() {
    let factor = std::env::var("LOCKSTEP_FUZZ_ITERS").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    let workers: Vec<_> = (0..2)
        .map(|worker| {
            let work = move || {
                let mut tally = Tally::default();
                for seed in (worker..MODULES * factor).step_by(2) {
                    tally.add(examine(seed, Options { float_percent: 50, sweep: true }));
                }
                tally
            };
            thread::Builder::new().stack_size(256 << 20).spawn(work).expect("a thread can be started")
        })
        .collect();
    let mut all = Tally::default();
    for worker in workers {
        all.add(worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
    }
    expect_agreement("generated modules", &all);
    assert!(all.returned * 2 >= all.executions, "at least half return");
    assert!(all.median() >= 1_000, "the median executes {} operators", all.median());
    assert!(all.swept.1 * 10 >= all.swept.0 * 9, "the charges of most small modules are found");
    assert!(all.starved.1 > all.starved.0 / 3 && all.cramped.1 > 0, "limits strike");
    let skipped: u64 = all.skips.values().sum();
    assert!(skipped * 50 <= all.module_count(), "few modules are skipped: {:?}", all.skips);
}

#[test]
fn every_call_of_the_fixtures_agrees_three_ways() {
    let tally = on_large_stack(fixtures);
    expect_agreement("fixtures", &tally);
    assert!(tally.skips.is_empty(), "{:?}", tally.skips);
}

#[test]
fn the_official_suite_agrees_three_ways() {
    let tally = on_large_stack(suite);
    expect_agreement("suite", &tally);
    assert!(tally.executions > 35_000, "{} executions", tally.executions);
}

/// The oracle itself, on a module whose numbers are known.
#[test]
fn an_agreement_says_what_was_agreed_on() {
    let wasm = wat::parse_str(
        r#"(module (func (export "f") (param i32) (result i32) local.get 0 i32.const 2 i32.mul))"#,
    );
    let wasm = wasm.expect("the text is right");
    let Comparison::Same(steps) = three_ways(&wasm, "f", &[Value::I32(21)], 1_000_000) else {
        panic!("nothing differs")
    };
    let call = &steps[1].ended;
    assert_eq!(call.outcome, lockstep_fuzz::oracle::value::Outcome::Returned(vec![Value::I32(42)]));
    assert_eq!(call.peak, 8, "linkage 4, a parameter, two operands, rounded up");
}
