//! RIPEMD-160 of the crate `ripemd`: `n` digests, each of the one before in front of a kilobyte.

use ripemd::{Digest, Ripemd160};

/// Hashes.
pub fn run(n: i32) -> i64 {
    let mut message = [7; 1024];
    for _ in 0..n {
        let digest = Ripemd160::digest(message);
        message[..20].copy_from_slice(&digest);
    }
    i64::from_be_bytes(message[..8].try_into().unwrap())
}
