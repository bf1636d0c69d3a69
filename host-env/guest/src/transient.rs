//! What an account keeps for one transaction.

use crate::dispatch::OrRevert;
use crate::raw;
use crate::storage::decoded;
use codec::{Decode, Encode, MaxEncodedLen};

/// The value behind a key.
pub fn get<V: Decode + MaxEncodedLen>(key: &impl Encode) -> Option<V> {
    let mut value = alloc::vec![0; V::max_encoded_len()];
    let len = key.using_encoded(|key| {
        // SAFETY: the host reads the key and writes at most the room there is.
        unsafe { raw::transient_get(key.as_ptr(), key.len() as u32, value.as_mut_ptr(), value.len() as u32) }
    });
    let len = usize::try_from(len).ok()?;
    Some(decoded(value.get(..len).or_revert("storage of another type")))
}

/// Sets the value behind a key.
pub fn set<V: Encode + MaxEncodedLen>(key: &impl Encode, value: &V) {
    key.using_encoded(|key| {
        value.using_encoded(|value| {
            // SAFETY: the host reads both.
            unsafe { raw::transient_set(key.as_ptr(), key.len() as u32, value.as_ptr(), value.len() as u32) }
        })
    });
}

/// Removes the value behind a key; whether it was there.
pub fn remove(key: &impl Encode) -> bool {
    // SAFETY: the host reads the key; none as the value means "remove".
    key.using_encoded(|key| unsafe { raw::transient_set(key.as_ptr(), key.len() as u32, raw::NONE, 0) >= 0 })
}
