//! Dijkstra's shortest paths with the standard library's binary heap.

use crate::random::{Random, mix};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// `n` hundred nodes with eight edges each, from four of them.
pub fn run(n: i32) -> i64 {
    let nodes = n as u32 * 100;
    let mut random = Random::new(12);
    let edges: Vec<Vec<(u32, u32)>> =
        (0..nodes).map(|_| (0..8).map(|_| (random.below(nodes), 1 + random.below(1000))).collect()).collect();
    let mut sum = 0;
    for start in 0..4 {
        let mut distances = vec![u32::MAX; nodes as usize];
        let mut heap = BinaryHeap::from([Reverse((0, start))]);
        distances[start as usize] = 0;
        while let Some(Reverse((distance, node))) = heap.pop() {
            if distance > distances[node as usize] {
                continue;
            }
            for &(to, length) in &edges[node as usize] {
                let through = distance + length;
                if through < distances[to as usize] {
                    distances[to as usize] = through;
                    heap.push(Reverse((through, to)));
                }
            }
        }
        sum = distances.into_iter().fold(sum, |sum, distance| mix(sum, u64::from(distance)));
    }
    sum as i64
}
