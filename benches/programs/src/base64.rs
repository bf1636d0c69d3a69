//! Base64 by hand, there and back.

use crate::random::{Random, mix};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn encode(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = (0..3).fold(0, |word, i| word << 8 | u32::from(chunk.get(i).copied().unwrap_or(0)));
        for i in 0..4 {
            let symbol = ALPHABET[(word >> (18 - 6 * i)) as usize & 63];
            text.push(if i <= chunk.len() { symbol } else { b'=' });
        }
    }
    text
}

fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for chunk in text.chunks_exact(4) {
        let (mut word, mut padding) = (0, 0);
        for &symbol in chunk {
            word = word << 6
                | u32::from(match symbol {
                    b'A'..=b'Z' => symbol - b'A',
                    b'a'..=b'z' => symbol - b'a' + 26,
                    b'0'..=b'9' => symbol - b'0' + 52,
                    b'+' => 62,
                    b'/' => 63,
                    b'=' => {
                        padding += 1;
                        0
                    }
                    _ => return None,
                });
        }
        bytes.extend_from_slice(&word.to_be_bytes()[1..4 - padding]);
    }
    Some(bytes)
}

/// `n` kilobytes and one byte.
pub fn run(n: i32) -> i64 {
    let bytes = Random::new(14).bytes(n as usize * 1024 + 1);
    let text = encode(&bytes);
    assert!(decode(&text).unwrap() == bytes);
    text.iter().fold(0, |sum, &byte| mix(sum, u64::from(byte))) as i64
}

#[cfg(test)]
mod tests {
    #[test]
    fn known_text() {
        assert_eq!(super::encode(b"lock steps"), b"bG9jayBzdGVwcw==");
        assert_eq!(super::decode(b"bG9jayBzdGVwcw==").unwrap(), b"lock steps");
    }
}
