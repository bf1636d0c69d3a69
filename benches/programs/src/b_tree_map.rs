//! The standard library's B-tree map: insertions, ranges, removals.

use crate::random::{Random, mix};
use std::collections::BTreeMap;

/// `n` thousand insertions and as many ranges.
pub fn run(n: i32) -> i64 {
    let mut random = Random::new(6);
    let mut map = BTreeMap::new();
    let mut sum = 0;
    for i in 0..n as u32 * 1000 {
        map.insert(random.below(1 << 20), i);
        let from = random.below(1 << 20);
        if let Some((&key, &value)) = map.range(from..).next() {
            sum = mix(sum, u64::from(key) << 32 | u64::from(value));
            if value % 3 == 0 {
                map.remove(&key);
            }
        }
    }
    map.iter().fold(sum, |sum, (&key, &value)| mix(sum, u64::from(key ^ value))) as i64
}
