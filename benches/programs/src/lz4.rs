//! LZ4 of the crate `lz4_flex`: compresses text and expands it, several times.

use crate::random::{Random, mix};
use lz4_flex::block::{compress, decompress};

/// `n` kilobytes, four times.
pub fn run(n: i32) -> i64 {
    let mut text = Random::new(10).prose(n as usize * 1024);
    let mut sum = 0;
    for _ in 0..4 {
        let packed = compress(&text);
        assert!(packed.len() < text.len());
        // Matches depend on the width of an address; what they expand to does not.
        let unpacked = decompress(&packed, text.len()).unwrap();
        assert!(unpacked == text);
        sum = unpacked.iter().step_by(3).fold(sum, |sum, &byte| mix(sum, u64::from(byte)));
        text.reverse();
    }
    sum as i64
}
