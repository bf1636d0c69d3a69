//! Keccak-256 of the crate `sha3`: `n` digests, each of the one before in front of a kilobyte.

use sha3::{Digest, Keccak256};

/// Hashes.
pub fn run(n: i32) -> i64 {
    let mut message = [7; 1024];
    for _ in 0..n {
        let digest = Keccak256::digest(message);
        message[..32].copy_from_slice(&digest);
    }
    i64::from_be_bytes(message[..8].try_into().unwrap())
}
