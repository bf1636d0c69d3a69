//! Signature schemes.

use ed25519_zebra::{Signature, VerificationKey};
use k256::ecdsa::RecoveryId;
use k256::ecdsa::signature::hazmat::PrehashVerifier;

/// Whether the bytes can be a key in SEC1's plain forms: compressed, or uncompressed. Others that libraries know are
/// malformed here.
fn is_plain_sec1(key: &[u8]) -> bool {
    matches!((key.len(), key.first()), (33, Some(2 | 3)) | (65, Some(4)))
}

/// ECDSA on secp256k1, over a hash. A high s is as good as a low one unless `low_s`.
pub(crate) fn secp256k1(hash: &[u8; 32], sig: &[u8; 64], key: &[u8], low_s: bool) -> bool {
    use k256::ecdsa::{Signature, VerifyingKey};
    if !is_plain_sec1(key) {
        return false;
    }
    let (Ok(key), Ok(sig)) = (VerifyingKey::from_sec1_bytes(key), Signature::from_slice(sig)) else {
        return false;
    };
    // The library refuses a high s, and n - s verifies exactly where s does.
    let low = sig.normalize_s();
    !(low_s && low != sig) && key.verify_prehash(hash, &low).is_ok()
}

/// ECDSA on P-256, over a hash. A high s is as good as a low one unless `low_s`.
pub(crate) fn secp256r1(hash: &[u8; 32], sig: &[u8; 64], key: &[u8], low_s: bool) -> bool {
    use p256::ecdsa::{Signature, VerifyingKey};
    if !is_plain_sec1(key) {
        return false;
    }
    let (Ok(key), Ok(sig)) = (VerifyingKey::from_sec1_bytes(key), Signature::from_slice(sig)) else {
        return false;
    };
    !(low_s && sig.normalize_s() != sig) && key.verify_prehash(hash, &sig).is_ok()
}

/// The key x, y that a signature on secp256k1 was made with.
pub(crate) fn recover_secp256k1(id: u32, hash: &[u8; 32], sig: &[u8; 64]) -> Option<[u8; 64]> {
    use k256::ecdsa::{Signature, VerifyingKey};
    let id = RecoveryId::from_byte(u8::try_from(id).ok()?)?;
    let sig = Signature::from_slice(sig).ok()?;
    let key = VerifyingKey::recover_from_prehash(hash, &sig, id).ok()?;
    let point = key.to_sec1_point(false);
    point.as_bytes().get(1..)?.try_into().ok()
}

/// Ed25519 by ZIP-215.
pub(crate) fn ed25519(sig: &[u8; 64], key: &[u8; 32], msg: &[u8]) -> bool {
    let Ok(key) = VerificationKey::try_from(*key) else { return false };
    key.verify(&Signature::from(*sig), msg).is_ok()
}
