//! The standard library's sorts: stable by a key, then unstable over strings.

use crate::random::{Random, mix};

/// Sorts `n` thousand records twice.
pub fn run(n: i32) -> i64 {
    let mut random = Random::new(5);
    let mut items: Vec<(u16, [u8; 6])> = (0..n * 1000)
        .map(|_| (random.next() as u16, std::array::from_fn(|_| b'a' + random.below(4) as u8)))
        .collect();
    items.sort_by_key(|item| item.0);
    let stable = items.iter().step_by(89).fold(0, |sum, item| mix(sum, u64::from(item.1[0]) ^ u64::from(item.0)));
    items.sort_unstable_by(|left, right| left.1.cmp(&right.1).then(right.0.cmp(&left.0)));
    items.iter().step_by(97).fold(stable, |sum, item| mix(sum, u64::from(item.1[5]) ^ u64::from(item.0))) as i64
}
