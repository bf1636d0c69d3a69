//! Records: what a bundle says, one thing at a time.
//!
//! Owns their kinds, their order and their contents. The law of the format is `spec/bundle.md`. It must not know how
//! records are framed in a file.

use crate::receipt::Receipt;
use crate::state::Changes;
use crate::transaction::{Block, Tx};
use crate::types::Hash;
use codec::{Decode, Encode};
use std::fmt;

use super::trace::Trace;

/// The version of the format.
pub const BUNDLE_FORMAT: u16 = 1;

/// The part of a bundle that a record belongs to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[non_exhaustive]
pub enum Section {
    /// What was recorded, and how.
    Header,
    /// The code of the pre-state.
    Code,
    /// Accounts and storage of the pre-state.
    State,
    /// Blocks with their transactions.
    Blocks,
    /// Sums over all of it.
    End,
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Section::Header => "header",
            Section::Code => "code",
            Section::State => "state",
            Section::Blocks => "blocks",
            Section::End => "end",
        })
    }
}

/// What kind of record a frame holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Kind {
    Header = 1,
    Code = 2,
    State = 3,
    Block = 4,
    Transaction = 5,
    BlockEnd = 6,
    End = 7,
}

impl Kind {
    pub(super) fn from_number(number: u8) -> Option<Kind> {
        use Kind::*;
        [Header, Code, State, Block, Transaction, BlockEnd, End]
            .into_iter()
            .find(|kind| *kind as u8 == number)
    }

    pub(super) fn section(self) -> Section {
        match self {
            Kind::Header => Section::Header,
            Kind::Code => Section::Code,
            Kind::State => Section::State,
            Kind::Block | Kind::Transaction | Kind::BlockEnd => Section::Blocks,
            Kind::End => Section::End,
        }
    }

    /// Whether a record of this kind may come after one of `before`; `None`: at the start.
    pub(super) fn may_follow(self, before: Option<Kind>) -> bool {
        use Kind::*;
        match (before, self) {
            (None, Header) => true,
            (Some(Header | Code), Code | State | Block | End) => true,
            (Some(State), State | Block | End) => true,
            (Some(Block | Transaction), Transaction | BlockEnd) => true,
            (Some(BlockEnd), Block | End) => true,
            _ => false,
        }
    }
}

/// What was recorded, and how.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[allow(clippy::exhaustive_structs, reason = "another field is another format")]
pub struct Header {
    /// The version of the list of host functions.
    pub abi: u16,
    /// The fingerprint of the environment that executed everything.
    pub fingerprint: Hash,
    /// The root of the state before the first block.
    pub root: Hash,
    /// Whether every transaction has a trace.
    pub traced: bool,
    /// What made the bundle, for people.
    pub made_by: String,
}

/// A transaction and all that it did.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[allow(clippy::exhaustive_structs, reason = "another field is another format")]
pub struct RecordedTx {
    /// The transaction.
    pub tx: Tx,
    /// Its receipt.
    pub receipt: Receipt,
    /// What it changed, in full.
    pub changes: Changes,
    /// Its frames and host calls, in a bundle with traces.
    pub trace: Option<Trace>,
}

/// A block with its transactions.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(clippy::exhaustive_structs, reason = "another field is another format")]
pub struct RecordedBlock {
    /// The block.
    pub block: Block,
    /// Its transactions, in order.
    pub transactions: Vec<RecordedTx>,
    /// The root of the state after it.
    pub root: Hash,
}

/// What closes a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub(super) struct BlockEnd {
    pub(super) transactions: u32,
    pub(super) root: Hash,
}

/// What closes a bundle. Its encoding has one length, so that it is found from the file's end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[allow(clippy::exhaustive_structs, reason = "another field is another format")]
pub struct Totals {
    /// How many blocks there are.
    pub blocks: u64,
    /// How many transactions there are.
    pub transactions: u64,
    /// The root of the state after the last block.
    pub root: Hash,
    /// BLAKE3 over the checksums of all records before: the bundle's name.
    pub digest: Hash,
}

/// The encoded length of [`Totals`].
pub(super) const TOTALS_LEN: u32 = 8 + 8 + 32 + 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_has_one_length() {
        let totals =
            Totals { blocks: u64::MAX, transactions: 0, root: Hash::default(), digest: Hash([1; 32]) };
        assert_eq!(totals.encode().len(), TOTALS_LEN as usize);
    }

    #[test]
    fn kinds_have_their_numbers() {
        for number in 0..=u8::MAX {
            let kind = Kind::from_number(number);
            assert_eq!(kind.map(|kind| kind as u8), (1..=7).contains(&number).then_some(number));
        }
    }
}
