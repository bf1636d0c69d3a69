//! Ed25519 of the crate `ed25519-dalek`: `n` signatures, each checked.

use crate::random::mix;
use ed25519_dalek::{Signer, SigningKey};

/// Signs and verifies.
pub fn run(n: i32) -> i64 {
    let key = SigningKey::from_bytes(&[0x42; 32]);
    let mut message = [0; 64];
    let mut sum = 0;
    for i in 0..n {
        message[0] = i as u8;
        let signature = key.sign(&message);
        key.verifying_key().verify_strict(&message, &signature).unwrap();
        message = signature.to_bytes();
        sum = mix(sum, u64::from_le_bytes(message[..8].try_into().unwrap()));
    }
    sum as i64
}
