//! Receipts: what a transaction did, to the byte the same on every replica.
//!
//! Owns the encoding and hashes of receipts and events. Nothing is in them that depends on engine, machine, time or
//! names. It must not know how a transaction is executed.

use crate::types::{Address, Hash, sha3_tagged};
use codec::{Decode, Encode};
use lockstep_vm::Trap;

/// The version of the encoding.
pub const RECEIPT_VERSION: u16 = 1;

/// What only a wrong contract does. It ends the frame, and its caller sees a trap.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, thiserror::Error)]
#[repr(u8)]
#[allow(clippy::exhaustive_enums, reason = "a new kind is a new version")]
pub enum Misuse {
    /// A static frame, or one below it, was to change the state.
    #[error("state change in a static frame")]
    StateChangeInStatic = 1,
    /// Something is above a host limit.
    #[error("host limit exceeded")]
    LimitExceeded = 2,
    /// An unknown flag, an empty key, a key outside its prefix, a buffer too small for any key; of a transaction: an
    /// account or code that is not there, or that is there already, or code that is refused.
    #[error("bad argument")]
    BadArgument = 3,
}

impl Misuse {
    /// The kind with this number.
    pub fn from_number(number: u8) -> Option<Misuse> {
        [Misuse::StateChangeInStatic, Misuse::LimitExceeded, Misuse::BadArgument]
            .into_iter()
            .find(|misuse| *misuse as u8 == number)
    }
}

/// How a transaction ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(clippy::exhaustive_enums, reason = "a new ending is a new version")]
pub enum Status {
    /// It did what it was to do.
    Ok,
    /// The contract undid it, for the reason in `output`.
    Reverted,
    /// The contract trapped.
    Trapped(Trap),
    /// The contract misused the host.
    Misuse(Misuse),
}

/// As SCALE encodes an enum whose last two variants hold a number.
impl Encode for Status {
    fn encode_to<T: codec::Output + ?Sized>(&self, dest: &mut T) {
        match self {
            Status::Ok => 0_u8.encode_to(dest),
            Status::Reverted => 1_u8.encode_to(dest),
            Status::Trapped(trap) => [2, *trap as u8].encode_to(dest),
            Status::Misuse(misuse) => [3, *misuse as u8].encode_to(dest),
        }
    }
}

impl Decode for Status {
    fn decode<I: codec::Input>(input: &mut I) -> Result<Self, codec::Error> {
        Ok(match u8::decode(input)? {
            0 => Status::Ok,
            1 => Status::Reverted,
            2 => Status::Trapped(Trap::from_number(u8::decode(input)?).ok_or("unknown trap")?),
            3 => Status::Misuse(Misuse::from_number(u8::decode(input)?).ok_or("unknown misuse")?),
            _ => return Err("unknown status".into()),
        })
    }
}

/// Something a contract said for the world outside.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[allow(clippy::exhaustive_structs, reason = "another field is another encoding")]
pub struct Event {
    /// The account that said it.
    pub account: Address,
    /// What indexes find it by.
    pub topics: Vec<[u8; 32]>,
    /// What it says.
    pub data: Vec<u8>,
}

/// What a transaction did.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[allow(clippy::exhaustive_structs, reason = "another field is another encoding")]
pub struct Receipt {
    /// [`RECEIPT_VERSION`].
    pub version: u16,
    /// The fingerprint of the environment that executed it.
    pub fingerprint: Hash,
    /// The transaction's hash.
    pub tx: Hash,
    /// The height of the block.
    pub height: u64,
    /// Its place in the block.
    pub index: u32,
    /// How it ended.
    pub status: Status,
    /// The gas it could use.
    pub gas_limit: u64,
    /// The gas it used.
    pub gas_used: u64,
    /// The output, the revert data, or the hash of uploaded code.
    pub output: Vec<u8>,
    /// The account that the transaction itself created.
    pub created: Option<Address>,
    /// The events that were not undone, in order.
    pub events: Vec<Event>,
    /// The hash of the changes.
    pub changes: Hash,
}

impl Receipt {
    /// SHA3-256 over `lockstep/receipt/1` and the encoding.
    pub fn hash(&self) -> Hash {
        sha3_tagged("lockstep/receipt/1", &self.encode())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_encoded_by_its_numbers() {
        let mut all = vec![Status::Ok, Status::Reverted];
        all.extend(Trap::ALL.iter().map(|trap| Status::Trapped(*trap)));
        all.extend((1..=3).filter_map(Misuse::from_number).map(Status::Misuse));
        for status in all {
            assert_eq!(Status::decode(&mut &status.encode()[..]).unwrap(), status);
        }
        assert_eq!(Status::Trapped(Trap::OutOfGas).encode(), [2, 11]);
        assert_eq!(Status::Misuse(Misuse::BadArgument).encode(), [3, 3]);
        for bad in [&[4_u8][..], &[2, 12], &[2, 0], &[3, 4], &[]] {
            assert!(Status::decode(&mut &bad[..]).is_err());
        }
    }
}
