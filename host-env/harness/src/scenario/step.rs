//! What a scenario is: accounts, steps, checks.
//!
//! Owns the shape. It must not know TOML or chains.

use super::value::Value;
use lockstep_vm::Backend;
use std::ops::Range;
use std::path::PathBuf;

/// A scenario that has been read. Every name in it is known where it is used.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Scenario {
    /// The file, as messages call it.
    pub file: String,
    /// What is tested, in words.
    pub name: String,
    /// What it is executed by, unless something else is asked for.
    pub engine: Option<Backend>,
    /// Accounts with what they own.
    pub accounts: Vec<(String, u128)>,
    /// Steps and checks, in the order in which they stand.
    pub steps: Vec<Step>,
    pub(super) text: String,
    /// The folder that paths begin at.
    pub(super) folder: PathBuf,
}

/// A step or a check.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Step {
    /// What it does.
    pub action: Action,
    /// What is expected.
    pub expect: Expect,
    /// Where it stands, in bytes.
    pub span: Range<usize>,
}

/// What a step does.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Action {
    /// Brings code on chain and makes an account with it.
    Deploy {
        /// The file, from the scenario's folder.
        file: String,
        /// Where that stands.
        span: Range<usize>,
        /// What the account is called.
        name: String,
        /// The sender.
        from: String,
        /// What is said to `deploy`.
        input: Vec<Value>,
        /// What goes with it.
        value: u128,
        /// The gas limit.
        gas: Option<u64>,
    },
    /// Calls an account.
    Call {
        /// The account.
        to: String,
        /// The sender.
        from: String,
        /// What is said to it.
        input: Vec<Value>,
        /// What goes with it.
        value: u128,
        /// The gas limit.
        gas: Option<u64>,
    },
    /// Moves an amount.
    Transfer {
        /// To whom.
        to: String,
        /// The sender.
        from: String,
        /// How much.
        value: u128,
        /// The gas limit.
        gas: Option<u64>,
    },
    /// Goes on to a later block.
    Advance {
        /// So many blocks.
        blocks: u64,
        /// And so much later.
        millis: u64,
    },
    /// Compares the state.
    Check(Check),
}

/// Something expected, and where it stands. `None`: anything.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Field<T> {
    /// What.
    pub value: Option<T>,
    /// Where, in bytes.
    pub span: Range<usize>,
}

/// What is expected of a transaction.
#[derive(Clone, Default, Debug)]
#[non_exhaustive]
pub struct Expect {
    /// Where it stands, if the step says anything of what it expects.
    pub span: Option<Range<usize>>,
    /// How it ends: ok, reverted, trapped, misuse, rejected.
    pub status: Option<Field<String>>,
    /// Which trap, misuse or reason to reject it.
    pub why: Option<Field<String>>,
    /// What it answers.
    pub output: Option<Field<Value>>,
    /// The gas it uses.
    pub gas: Option<Field<u64>>,
    /// The gas it uses at most.
    pub gas_at_most: Option<Field<u64>>,
    /// All its events, in order.
    pub events: Option<Field<Vec<Event>>>,
}

/// An event that is expected.
#[derive(Clone, Default, Debug)]
#[non_exhaustive]
pub struct Event {
    /// Whose.
    pub account: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its topics behind the name's.
    pub topics: Option<Vec<Value>>,
    /// Its data.
    pub data: Option<Value>,
}

/// What is expected of the state.
#[derive(Clone, Default, Debug)]
#[non_exhaustive]
pub struct Check {
    /// Whose balance, nonce and storage.
    pub account: Option<String>,
    /// What it owns.
    pub balance: Option<Field<u128>>,
    /// How many transactions it has sent.
    pub nonce: Option<Field<u64>>,
    /// Its storage.
    pub storage: Vec<Entry>,
    /// Whether it has no key beside those in `storage`.
    pub nothing_else: bool,
    /// The hash over all receipts.
    pub receipts: Option<Field<String>>,
    /// The state's root.
    pub root: Option<Field<String>>,
    /// The block's height.
    pub height: Option<Field<u64>>,
    /// The block's time.
    pub time: Option<Field<u64>>,
}

/// A key and what is expected of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// The key as it is written.
    pub text: String,
    /// The key.
    pub key: Vec<Value>,
    /// Its value: anything, nothing, or this.
    pub value: EntryValue,
    /// Where the value stands.
    pub span: Range<usize>,
}

/// What is expected of a key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum EntryValue {
    /// That it is there.
    Any,
    /// That it is not.
    Absent,
    /// This value.
    Is(Value),
}
