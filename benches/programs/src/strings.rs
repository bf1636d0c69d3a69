//! Strings: splitting, joining, changing case, searching, formatting numbers.

use crate::random::{Random, mix};

/// Works on `n` kilobytes.
pub fn run(n: i32) -> i64 {
    let text = String::from_utf8(Random::new(24).prose(n as usize * 1024)).unwrap();
    let mut words: Vec<String> = text
        .split_whitespace()
        .enumerate()
        .map(|(i, word)| match i % 4 {
            0 => word.to_uppercase(),
            1 => word.chars().rev().collect(),
            2 => format!("{word}-{i:05}"),
            _ => word.replace('a', "ä"),
        })
        .collect();
    words.sort_unstable();
    words.dedup();
    let joined = words.join(", ");
    let found = joined.match_indices("x-0").count() + joined.matches('ä').count();
    let titled: String = joined.char_indices().map(|(i, c)| if i % 5 == 0 { c.to_ascii_uppercase() } else { c }).collect();
    titled.bytes().fold(found as u64, |sum, byte| mix(sum, u64::from(byte))) as i64
}
