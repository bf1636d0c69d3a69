//! What a contract says to the world outside.

use crate::raw;
use alloc::vec::Vec;
use codec::Encode;

/// Emits an event: its name, the values that indexes find it by, and all of its values.
///
/// ```ignore
/// emit!("Transfer", [from.0, to.0], (from, to, amount));
/// ```
#[macro_export]
macro_rules! emit {
    ($name:literal, [$($topic:expr),*], $data:expr) => {
        $crate::event::emit(&[const { $crate::sha256($name) } $(, $topic)*], &$data)
    };
}

/// Emits an event with these topics, at most 4, and SCALE as its data.
pub fn emit(topics: &[[u8; 32]], data: &impl Encode) {
    data.using_encoded(|data| emit_bytes(topics, data));
}

/// Emits an event with these topics and data.
pub fn emit_bytes(topics: &[[u8; 32]], data: &[u8]) {
    // SAFETY: the host reads 32 bytes a topic, and the data.
    unsafe {
        raw::event(topics.as_ptr().cast(), topics.len() as u32, data.as_ptr(), data.len() as u32);
    }
}

/// A topic for a value that is no word: the encoding, filled with zeros or, if it is longer than 32 bytes, cut off.
pub fn topic(value: &impl Encode) -> [u8; 32] {
    let mut bytes: Vec<u8> = value.encode();
    bytes.resize(32, 0);
    let mut topic = [0; 32];
    topic.copy_from_slice(&bytes);
    topic
}
