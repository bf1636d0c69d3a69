//! Tests of contracts: a chain in one line, calls whose ends are asserted, snapshots, scenarios in files, gas.
//!
//! ```
//! use lockstep_test::*;
//!
//! fn an_allowance_is_spent_once() -> Result {
//!     let mut chain = Chain::new(); // block 1, a fixed time, the default engine
//!     let [alice, bob, carol] = chain.accounts(["alice", "bob", "carol"], 1_000);
//!     let token = chain.deploy(alice, wasm!(path "../contracts/token.wasm"), ("init", "Gold", 500u128))?;
//!     chain.call(alice, token, ("approve", bob, 100u128)).ok()?;
//!     let before = chain.snapshot();
//!
//!     let paid = chain.call(bob, token, ("transfer_from", alice, carol, 60u128)).gas(3_000_000).ok()?;
//!     paid.event(token, "Transfer")?.is((alice, carol, 60u128))?;
//!     paid.gas_at_most(2_000_000)?;
//!     assert_eq!(chain.view::<u128>(token, ("balance_of", carol))?, 60);
//!     assert_eq!(chain.storage(token).get(("allowance", alice, bob))?, Some(40u128));
//!
//!     chain.call(bob, token, ("transfer_from", alice, carol, 60u128)).reverts_with("allowance")?;
//!     chain.call(alice, token, ("approve", bob, 0u128)).value(5_000).rejected(Rejected::Balance)?;
//!
//!     chain.restore(&before);
//!     chain.advance(10.blocks()).advance(1.hours());
//!     chain.call(bob, token, ("transfer_from", alice, carol, 100u128)).on_every_engine()?.same_receipt()
//! }
//! # an_allowance_is_spent_once().unwrap();
//! ```
//!
//! **Convention.** The input of `("name", a, b)` is `sha256(name)[..4] ‖ SCALE(a, b)`; bytes that are an input already go
//! in as [`Bytes`]. An event's first topic is `sha256(name)`, its data SCALE. A storage key is the SCALE of a tuple.
//!
//! **Rules for authors.** A test depends on no time of day, no order and no file outside: a chain begins at a fixed time
//! and its modules are read when the test is compiled. A [`Snapshot`] is a value, so a property test shrinks over it
//! freely. A failed expectation is an error that tells the call by name, where the contract was, and what it had read:
//! return it with `?`.
//!
//! ```text
//!   Chain ── call ──▶ Call ── ok, reverts_with, ... ──▶ Outcome ── event, gas_at_most, ...
//!     │                 │                                  └──▶ Trace: the same transaction again, with an observer
//!     └─ snapshot       └──▶ Environment::execute, commit to a MemoryDatabase
//! ```

#![forbid(unsafe_code)]

mod call;
mod chain;
mod code;
mod engine;
mod failure;
pub mod gas;
mod input;
mod names;
mod outcome;
mod profile;
pub mod scenario;
mod symbols;
mod text;
mod time;
mod trace;

pub use call::{Call, EveryEngine, Rejected};
pub use chain::{Applied, Chain, Snapshot, StorageOf};
pub use code::Code;
pub use failure::{Failure, FailureKind, Result};
pub use input::{Bytes, Input, Said, selector, sha256};
pub use lockstep_host_env::{Address, Event, Hash, Misuse, Receipt, Status};
pub use lockstep_vm::{Backend, Profile, ProfileOptions, Trap};
pub use names::Names;
pub use outcome::{EventOf, Outcome};
pub use profile::{ProfileItem, ProfileKind, ProfileLine, ProfileRow, ProfileView};
pub use symbols::{SourceFrame, Symbols};
pub use time::{Blocks, Duration, Step};
pub use trace::{FrameRecord, HostRecord, Trace, TraceItem};
