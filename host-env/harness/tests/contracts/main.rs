//! The contracts of the host environment, tested as their authors would.
//!
//! Every chain here executes every transaction on the interpreter, as machine code and cross-checked, and a receipt that
//! differs fails the test.

mod amm;
mod counter;
mod digest;
mod factory;
mod harness;
mod misbehaving;
mod multisig;
mod profile;
mod registry;
mod scenarios;
mod timelock;
mod token;
mod upgrades;
mod vault;
mod wallet;

use lockstep_test::*;

/// A contract of `host-env/contracts`.
macro_rules! contract {
    ($name:literal) => {
        lockstep_test::wasm!(path concat!("../contracts/", $name, ".wasm"))
    };
}
pub(crate) use contract;

/// A chain with three people who own 1,000 each.
fn people() -> (Chain, [Address; 3]) {
    let mut chain = Chain::on_every_engine();
    let people = chain.accounts(["alice", "bob", "carol"], 1_000);
    (chain, people)
}
