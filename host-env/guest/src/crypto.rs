//! Hashes and signatures. Curves are in [`raw`](crate::raw).

use crate::raw;
use crate::types::written;

macro_rules! hashes {
    ($($(#[doc = $doc:literal])* $name:ident: $raw:ident -> $len:literal;)*) => {$(
        $(#[doc = $doc])*
        pub fn $name(bytes: &[u8]) -> [u8; $len] {
            // SAFETY: the host reads the bytes and writes as many as there is room for.
            written(|out| unsafe { raw::$raw(bytes.as_ptr(), bytes.len() as u32, out) })
        }
    )*};
}

hashes! {
    /// SHA2-256.
    sha2_256: hash_sha2_256 -> 32;
    /// SHA3-256.
    sha3_256: hash_sha3_256 -> 32;
    /// Keccak-256, as Ethereum has it.
    keccak_256: hash_keccak_256 -> 32;
    /// BLAKE2b with a digest of 32 bytes.
    blake2b_256: hash_blake2b_256 -> 32;
    /// BLAKE3.
    blake3: hash_blake3 -> 32;
    /// RIPEMD-160.
    ripemd_160: hash_ripemd_160 -> 20;
}

/// Whether an Ed25519 signature is valid, by ZIP-215.
pub fn ed25519_verify(signature: &[u8; 64], key: &[u8; 32], message: &[u8]) -> bool {
    let (signature, key, len) = (signature.as_ptr(), key.as_ptr(), message.len() as u32);
    // SAFETY: the host reads 64 bytes, 32 and the message.
    unsafe { raw::ed25519_verify(signature, key, message.as_ptr(), len) == 1 }
}

macro_rules! ecdsa {
    ($($(#[doc = $doc:literal])* $name:ident;)*) => {$(
        $(#[doc = $doc])*
        ///
        /// The key is SEC1, 33 or 65 bytes; a high s is refused, so that a signature has one form.
        pub fn $name(hash: &[u8; 32], signature: &[u8; 64], key: &[u8]) -> bool {
            let (hash, signature, len) = (hash.as_ptr(), signature.as_ptr(), key.len() as u32);
            // SAFETY: the host reads 32 bytes, 64 and the key.
            unsafe { raw::$name(raw::LOW_S, hash, signature, key.as_ptr(), len) == 1 }
        }
    )*};
}

ecdsa! {
    /// Whether an ECDSA signature over secp256k1 is valid.
    secp256k1_verify;
    /// Whether an ECDSA signature over P-256 is valid.
    secp256r1_verify;
}

/// The key x, y that made an ECDSA signature over secp256k1, with its recovery id of 0 to 3. A high s is accepted.
pub fn secp256k1_recover(id: u32, hash: &[u8; 32], signature: &[u8; 64]) -> Option<[u8; 64]> {
    let mut key = [0; 64];
    // SAFETY: the host reads 32 bytes and 64, and writes at most 64.
    let found = unsafe { raw::secp256k1_recover(id, hash.as_ptr(), signature.as_ptr(), key.as_mut_ptr()) };
    (found == 1).then_some(key)
}
