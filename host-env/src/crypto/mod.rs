//! The cryptography behind the host functions: bytes in, bytes or a verdict out.
//!
//! Owns encodings and which of them are accepted. The arithmetic is that of audited crates. It must not know guests.

pub(crate) mod bls12_381;
pub(crate) mod bn254;
pub(crate) mod hash;
pub(crate) mod signature;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
