//! Regular expressions of the crate `regex-lite`: a machine with threads over prose.

use crate::random::{Random, mix};
use regex_lite::Regex;

/// Searches `n` kilobytes.
pub fn run(n: i32) -> i64 {
    let text = String::from_utf8(Random::new(18).prose(n as usize * 1024)).unwrap();
    let mut sum = 0;
    for pattern in ["[aeiou]{2,}[a-z]*x", "(q|z)[^ ]+ (?:[a-f]+)", r"\b([a-z])[a-z]+[a-m]\b"] {
        let regex = Regex::new(pattern).unwrap();
        for found in regex.find_iter(&text) {
            sum = mix(sum, (found.start() << 8 | found.len()) as u64);
        }
    }
    sum as i64
}
