//! Scenarios: tests in files.
//!
//! A scenario is TOML: accounts, steps that deploy, call, transfer and move on, and checks, in the order in which they
//! stand. What is not named is not checked; `"*"` says so aloud.
//!
//! ```toml
//! name     = "an allowance is spent once"
//! engine   = "crosscheck"                    # native | interpreter | crosscheck
//! accounts = { alice = 1000, bob = 1000, carol = 0 }
//!
//! [[step]]
//! deploy = "../contracts/token.wasm"         # beside this file
//! as     = "token"
//! from   = "alice"
//! input  = ["init", "Gold", { u128 = 500 }]
//!
//! [[step]]
//! call   = "token"
//! from   = "bob"
//! gas    = 3_000_000
//! input  = ["transfer_from", "@alice", "@carol", { u128 = 160 }]
//! expect = { status = "reverted", output = "allowance", events = [] }
//!
//! [[step]]
//! advance = { blocks = 10, seconds = 60 }
//!
//! [[check]]
//! account = "token"
//! balance = 0
//! storage = { "balance/@carol" = { absent = true } }
//! ```
//!
//! | word | of | what it is |
//! |---|---|---|
//! | `deploy`, `as` | step | the module's file, and what its account is called |
//! | `call` | step | the account that is called |
//! | `transfer`, `value` | step | the account that gets so much |
//! | `advance` | step | `blocks`, `millis`, `seconds`, `minutes`, `hours`, `days` |
//! | `from`, `gas`, `value`, `input` | step | the sender, the gas limit, what goes with it, what is said |
//! | `expect` | step | `status` (ok, reverted, trapped, misuse, rejected), `why` (of those three: `OutOfGas`, `LimitExceeded`, `Balance`, ...), `output`, `gas`, `gas_at_most`, `events` |
//! | `account` | check | whose `balance`, `nonce`, `storage` |
//! | `receipts`, `root`, `height`, `time` | check | the hash over all receipts so far, the state's root, the block |
//!
//! **Values.** `"@bob"` is an address, another text itself. Numbers say how wide they are: `{ u128 = 100 }`, u8 to u128 and
//! i8 to i128; above 2^63 as a text. `true` and `false`. `{ bytes = "0x.." }` has its length in front of it,
//! `{ raw = "0x.." }` has not. `{ list = [..] }`, `{ some = .. }`, `{ none = true }`, and `[..]` for a tuple;
//! `{ string = "@x" }` for a text that begins with `@`. An `input` is a name and values, or `"0x.."`. As an `output` a text
//! is itself, without a length.

mod error;
mod expect;
mod parse;
mod run;
mod step;
mod table;
mod update;
mod value;

pub use error::ScenarioError;
pub use run::{Finding, Options, Played, PlayedStep, Prepared};
pub use step::{Action, Check, Event, Expect, Field, Scenario, Step};
pub use value::Value;
