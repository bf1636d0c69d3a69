//! Levenshtein's distance between texts, one row at a time.

use crate::random::{Random, mix};

fn distance(left: &[u8], right: &[u8]) -> u16 {
    let mut row: Vec<u16> = (0..=right.len() as u16).collect();
    for (i, &a) in left.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i as u16 + 1;
        for (j, &b) in right.iter().enumerate() {
            let substitution = diagonal + u16::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = substitution.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

/// Between pairs of `n` texts.
pub fn run(n: i32) -> i64 {
    let mut random = Random::new(13);
    let texts: Vec<Vec<u8>> = (0..=n).map(|_| random.prose(200 + n as usize % 7)).collect();
    texts.windows(2).fold(0, |sum, pair| mix(sum, u64::from(distance(&pair[0], &pair[1])))) as i64
}
