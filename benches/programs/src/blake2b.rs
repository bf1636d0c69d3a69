//! BLAKE2b of the crate `blake2`: `n` digests, each of the one before in front of a kilobyte.

use blake2::{Blake2b512, Digest};

/// Hashes.
pub fn run(n: i32) -> i64 {
    let mut message = [7; 1024];
    for _ in 0..n {
        let digest = Blake2b512::digest(message);
        message[..64].copy_from_slice(&digest);
    }
    i64::from_be_bytes(message[..8].try_into().unwrap())
}
