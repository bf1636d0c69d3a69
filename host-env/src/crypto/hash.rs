//! Hash functions.

use sha3::Digest;

pub(crate) fn sha2_256(bytes: &[u8]) -> [u8; 32] {
    sha2::Sha256::digest(bytes).into()
}

pub(crate) fn sha3_256(bytes: &[u8]) -> [u8; 32] {
    sha3::Sha3_256::digest(bytes).into()
}

pub(crate) fn keccak_256(bytes: &[u8]) -> [u8; 32] {
    sha3::Keccak256::digest(bytes).into()
}

pub(crate) fn blake2b_256(bytes: &[u8]) -> [u8; 32] {
    blake2::Blake2b256::digest(bytes).into()
}

pub(crate) fn blake3(bytes: &[u8]) -> [u8; 32] {
    blake3::hash(bytes).into()
}

pub(crate) fn ripemd_160(bytes: &[u8]) -> [u8; 20] {
    ripemd::Ripemd160::digest(bytes).into()
}
