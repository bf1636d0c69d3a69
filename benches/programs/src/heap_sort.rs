//! Heapsort by hand over pairs of words.

use crate::random::{Random, mix};

fn sift_down(items: &mut [(u32, u32)], mut at: usize) {
    loop {
        let mut child = 2 * at + 1;
        if child >= items.len() {
            return;
        }
        if child + 1 < items.len() && items[child] < items[child + 1] {
            child += 1;
        }
        if items[at] >= items[child] {
            return;
        }
        items.swap(at, child);
        at = child;
    }
}

/// Sorts `n` thousand pairs.
pub fn run(n: i32) -> i64 {
    let mut random = Random::new(4);
    let mut items: Vec<(u32, u32)> = (0..n * 1000).map(|_| (random.below(1000), random.next() as u32)).collect();
    for at in (0..items.len() / 2).rev() {
        sift_down(&mut items, at);
    }
    for end in (1..items.len()).rev() {
        items.swap(0, end);
        sift_down(&mut items[..end], 0);
    }
    items.iter().step_by(97).fold(0, |sum, &(high, low)| mix(sum, u64::from(high) << 32 | u64::from(low))) as i64
}
