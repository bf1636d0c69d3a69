//! Traces: the frames and host calls of a transaction, in order.
//!
//! Owns what is kept of each. It must not know how they are observed.

use crate::types::{Address, Hash};
use codec::{Decode, Encode};

/// The frames and host calls of a transaction.
#[derive(Clone, PartialEq, Eq, Default, Debug, Encode, Decode)]
#[allow(clippy::exhaustive_structs, reason = "another field is another format")]
pub struct Trace {
    /// What happened, in order.
    pub events: Vec<TraceEvent>,
}

/// One thing that happened. Digests are of eight bytes, and for finding a difference only.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[allow(clippy::exhaustive_enums, reason = "another event is another format")]
pub enum TraceEvent {
    /// A frame begins.
    #[codec(index = 0)]
    Enter {
        /// The account whose storage it works on.
        account: Address,
        /// Its code.
        code: Hash,
        /// Whether it runs `deploy`.
        deploy: bool,
        /// The gas that it has.
        #[codec(compact)]
        gas: u64,
        /// The digest of its input.
        input: [u8; 8],
    },
    /// A host function has answered.
    #[codec(index = 1)]
    Host {
        /// Its place in the list.
        function: u8,
        /// Its arguments' bits.
        arguments: Vec<u64>,
        /// The gas before it charged anything.
        #[codec(compact)]
        gas_before: u64,
        /// The gas when it returned.
        #[codec(compact)]
        gas_after: u64,
        /// The digest of what it read of the guest's memory.
        read: [u8; 8],
        /// The digest of what it wrote there.
        written: [u8; 8],
        /// The result's bits; none if it returned none.
        result: Option<u64>,
    },
    /// A frame has ended.
    #[codec(index = 2)]
    Leave {
        /// How, as nested calls tell it.
        status: u8,
        /// The gas that was left.
        #[codec(compact)]
        gas: u64,
        /// The digest of its output or revert data.
        output: [u8; 8],
    },
}
