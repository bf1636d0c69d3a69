//! Transactions and blocks, as execution sees them.
//!
//! Owns their encoding and the transaction's hash. It must not know signatures: the sender is authenticated by the node.

use crate::types::{Address, Hash, sha3_tagged};
use codec::{Decode, Encode};

/// A transaction whose sender has been authenticated.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[allow(clippy::exhaustive_structs, reason = "another field is another encoding")]
pub struct Tx {
    /// The chain it is for.
    pub chain: u64,
    /// Who sent it.
    pub sender: Address,
    /// How many the sender sent before.
    pub nonce: u64,
    /// The gas it may use; at most 2^63 - 1.
    pub gas_limit: u64,
    /// What it does.
    pub action: Action,
}

/// What a transaction does.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[allow(clippy::exhaustive_enums, reason = "another action is another encoding")]
pub enum Action {
    /// Moves an amount and runs no code.
    #[codec(index = 0)]
    Transfer {
        /// To whom.
        to: Address,
        /// How much.
        amount: u128,
    },
    /// Calls an account's code.
    #[codec(index = 1)]
    Call {
        /// The account.
        to: Address,
        /// What goes with it.
        value: u128,
        /// What is said to it.
        input: Vec<u8>,
    },
    /// Brings code on chain.
    #[codec(index = 2)]
    Upload {
        /// The wasm bytes.
        code: Vec<u8>,
    },
    /// Makes an account with code that is on chain.
    #[codec(index = 3)]
    Create {
        /// The code.
        code_hash: Hash,
        /// Tells accounts of one creator and code apart.
        salt: [u8; 32],
        /// What goes with it.
        value: u128,
        /// What is said to its `deploy`.
        input: Vec<u8>,
    },
}

/// The block that a transaction is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[allow(clippy::exhaustive_structs, reason = "another field is another encoding")]
pub struct Block {
    /// The chain.
    pub chain: u64,
    /// How many blocks came before.
    pub height: u64,
    /// Milliseconds since the start of 1970.
    pub time: u64,
}

impl Tx {
    /// SHA3-256 over `lockstep/tx/1` and the encoding.
    pub fn hash(&self) -> Hash {
        sha3_tagged("lockstep/tx/1", &self.encode())
    }
}

impl Action {
    /// What the sender must own beside gas.
    pub fn value(&self) -> u128 {
        match self {
            Action::Transfer { amount, .. } => *amount,
            Action::Call { value, .. } | Action::Create { value, .. } => *value,
            Action::Upload { .. } => 0,
        }
    }
}
