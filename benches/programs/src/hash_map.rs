//! The standard library's hash map with a fixed hasher: counts words of a skewed distribution, then removes half.

use crate::random::{Random, mix};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Multiplies and rotates, as rustc's own tables do.
#[derive(Default)]
struct Multiply(u64);

impl Hasher for Multiply {
    fn finish(&self) -> u64 {
        self.0.rotate_left(26)
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = self.0.wrapping_add(value).wrapping_mul(0xf135_7aea_2e62_a9c5);
    }
}

/// `n` thousand insertions.
pub fn run(n: i32) -> i64 {
    let mut random = Random::new(1);
    let mut counts: HashMap<u64, u32, BuildHasherDefault<Multiply>> = HashMap::default();
    for _ in 0..n * 1000 {
        let key = random.next() >> (40 + random.below(20));
        *counts.entry(key).or_default() += 1;
    }
    let mut sum = counts.len() as u64;
    for key in 0..n as u64 * 100 {
        if let Some(count) = counts.remove(&(key * 2)) {
            sum = mix(sum, key ^ u64::from(count));
        }
    }
    mix(sum, counts.len() as u64) as i64
}
