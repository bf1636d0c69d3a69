//! The words of 32 bytes that everything here is named by.
//!
//! Owns addresses and hashes, how they print and the protocol's hash function. It must not know what they name.

use codec::{Decode, Encode, MaxEncodedLen};
use sha3::{Digest, Sha3_256};
use std::fmt;

macro_rules! define_word {
    ($(#[doc = $doc:literal])* $name:ident) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode, MaxEncodedLen)]
        #[allow(clippy::exhaustive_structs, reason = "it is 32 bytes and nothing else")]
        pub struct $name(pub [u8; 32]);

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }

        impl From<[u8; 32]> for $name {
            fn from(bytes: [u8; 32]) -> Self {
                $name(bytes)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    };
}

define_word! {
    /// The name of an account.
    Address
}

define_word! {
    /// A hash of 32 bytes.
    Hash
}

/// The protocol's hash: SHA3-256 over a tag that says what is hashed, and the bytes.
pub(crate) fn sha3_tagged(tag: &str, bytes: &[u8]) -> Hash {
    let mut hasher = Sha3_256::new();
    hasher.update(tag.as_bytes());
    hasher.update(bytes);
    Hash(hasher.finalize().into())
}

/// The hash that code is named by: SHA3-256 of the wasm bytes.
///
/// ```
/// let empty = lockstep_host_env::code_hash(b"");
/// assert!(empty.to_string().starts_with("a7ffc6f8bf1ed766"));
/// ```
pub fn code_hash(wasm: &[u8]) -> Hash {
    sha3_tagged("", wasm)
}

/// The address of a created account: it depends on no nonce and no input, so it is known before.
pub fn created_address(chain: u64, creator: &Address, code_hash: &Hash, salt: &[u8; 32]) -> Address {
    let bytes = (chain, creator, code_hash, salt).encode();
    Address(sha3_tagged("lockstep/address/1", &bytes).0)
}
