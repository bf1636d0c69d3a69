//! Quicksort by hand: Hoare's partition around the median of three, insertion below sixteen.

use crate::random::{Random, mix};

fn insertion(items: &mut [u32]) {
    for i in 1..items.len() {
        let item = items[i];
        let mut at = i;
        while at > 0 && items[at - 1] > item {
            items[at] = items[at - 1];
            at -= 1;
        }
        items[at] = item;
    }
}

fn sort(items: &mut [u32]) {
    if items.len() < 16 {
        return insertion(items);
    }
    let (first, middle, last) = (items[0], items[items.len() / 2], items[items.len() - 1]);
    let pivot = first.max(middle).min(first.min(middle).max(last));
    let (mut low, mut high) = (0, items.len() - 1);
    loop {
        while items[low] < pivot {
            low += 1;
        }
        while items[high] > pivot {
            high -= 1;
        }
        if low >= high {
            break;
        }
        items.swap(low, high);
        low += 1;
        high -= 1;
    }
    let (left, right) = items.split_at_mut(low);
    sort(left);
    sort(right);
}

/// Sorts `n` thousand numbers.
pub fn run(n: i32) -> i64 {
    let mut random = Random::new(2);
    let mut items: Vec<u32> = (0..n * 1000).map(|_| random.next() as u32).collect();
    sort(&mut items);
    assert!(items.is_sorted());
    items.iter().step_by(97).fold(0, |sum, &item| mix(sum, u64::from(item))) as i64
}
