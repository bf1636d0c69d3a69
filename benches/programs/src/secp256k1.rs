//! ECDSA over secp256k1 of the crate `k256`: `n` recoveries of the public key from a signature.

use crate::random::mix;
use k256::ecdsa::{RecoveryId, Signature, SigningKey, VerifyingKey};

/// Signs once, recovers often.
pub fn run(n: i32) -> i64 {
    let key = SigningKey::from_slice(&[0x42; 32]).unwrap();
    let mut hash = [0x17; 32];
    let (signature, id): (Signature, RecoveryId) = key.sign_prehash_recoverable(&hash);
    let mut sum = 0;
    for i in 0..n {
        // Any hash gives some key; the first gives the signer's.
        hash[31] = 0x17 ^ i as u8;
        let recovered = VerifyingKey::recover_from_prehash(&hash, &signature, id).unwrap();
        assert_eq!(recovered == *key.verifying_key(), hash == [0x17; 32]);
        for bytes in recovered.to_sec1_point(true).as_bytes()[1..].chunks_exact(8) {
            sum = mix(sum, u64::from_le_bytes(bytes.try_into().unwrap()));
        }
    }
    sum as i64
}
