//! The words and numbers that accounts and code are named and counted by.

use codec::{Decode, Encode, MaxEncodedLen};

/// An amount of the chain's own value, or of a token.
pub type Amount = u128;

/// The name of an account.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug, Encode, Decode, MaxEncodedLen)]
pub struct Address(pub [u8; 32]);

/// A hash of 32 bytes; the name of code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug, Encode, Decode, MaxEncodedLen)]
pub struct Hash(pub [u8; 32]);

impl Address {
    /// Nobody's address: events name it where something comes from nowhere or goes there.
    pub const NOBODY: Address = Address([0; 32]);
}

/// What a host function writes, of a length that both sides know.
pub(crate) fn written<const N: usize>(write: impl FnOnce(*mut u8)) -> [u8; N] {
    let mut bytes = [0; N];
    write(bytes.as_mut_ptr());
    bytes
}
