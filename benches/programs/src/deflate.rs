//! Deflate of the crate `miniz_oxide`: compresses and expands text.

use crate::random::{Random, mix};
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec;

/// `n` kilobytes.
pub fn run(n: i32) -> i64 {
    let text = Random::new(9).prose(n as usize * 1024);
    let packed = compress_to_vec(&text, 6);
    assert!(decompress_to_vec(&packed).unwrap() == text);
    packed.iter().fold(0, |sum, &byte| mix(sum, u64::from(byte))) as i64
}
