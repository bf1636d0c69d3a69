//! How long a test's steps take: `cargo run -p lockstep-test --example snapshots`.

#![allow(clippy::disallowed_methods, reason = "it measures time")]

use lockstep_test::*;
use std::time::Instant;

/// The least and the middle of many, in microseconds.
fn time<R>(what: &str, times: usize, mut step: impl FnMut() -> R) {
    let mut taken: Vec<_> = (0..times)
        .map(|_| {
            let start = Instant::now();
            let made = step();
            let taken = start.elapsed();
            drop(made);
            taken
        })
        .collect();
    taken.sort_unstable();
    let micros = |at: usize| taken[at].as_secs_f64() * 1e6;
    println!("{what:<44} least {:>9.1} us, median {:>9.1} us", micros(0), micros(times / 2));
}

fn main() -> Result {
    let code = || wasm!(path "../contracts/token.wasm");
    let start = Instant::now();
    let mut chain = Chain::new();
    let [alice, bob] = chain.accounts(["alice", "bob"], 1_000);
    let token = chain.deploy(alice, code(), ("init", "Gold", u128::MAX / 2))?;
    println!("the first chain, module compiled             {:>9.1} ms", start.elapsed().as_secs_f64() * 1e3);
    for key in 0..1_000u128 {
        chain.call(alice, token, ("approve", Address([key as u8; 32]), key)).ok()?;
    }
    time("a chain, two accounts, a token", 100, || {
        let mut chain = Chain::new();
        let [alice, _] = chain.accounts(["alice", "bob"], 1_000);
        chain.deploy(alice, code(), ("init", "Gold", 500u128))
    });
    time("snapshot after 1,000 transactions", 1_000, || chain.snapshot());
    let before = chain.snapshot();
    time("restore", 1_000, || chain.restore(&before));
    time("a transfer", 1_000, || chain.call(alice, token, ("transfer", bob, 1u128)).ok());
    time("a view", 1_000, || chain.view::<u128>(token, ("balance_of", bob)));
    time("a failure, with backtrace and reads", 100, || chain.call(bob, token, ("burn", u128::MAX)).ok());
    let mut every = Chain::on_every_engine();
    let [alice, bob] = every.accounts(["alice", "bob"], 1_000);
    let token = every.deploy(alice, code(), ("init", "Gold", 5_000u128))?;
    time("a transfer on every engine", 1_000, || every.call(alice, token, ("transfer", bob, 1u128)).ok());
    Ok(())
}
