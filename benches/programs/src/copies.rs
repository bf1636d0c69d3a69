//! Memory traffic: bulk copies and fills, loops over bytes and words, transposition.

use crate::random::{Random, mix};

/// `n` times around a quarter of a megabyte.
pub fn run(n: i32) -> i64 {
    const SIZE: usize = 1 << 18;
    let mut random = Random::new(17);
    let mut from = random.bytes(SIZE);
    let mut to = vec![0_u8; SIZE];
    let mut sum = 0;
    for i in 0..n as usize {
        to[i + 1..].copy_from_slice(&from[..SIZE - 1 - i]);
        to[..=i].fill(i as u8);
        for (a, b) in from.iter_mut().zip(to.iter().rev()) {
            *a = a.wrapping_add(*b);
        }
        for (a, b) in from.chunks_exact_mut(8).zip(to.chunks_exact(8).skip(3)) {
            let word = u64::from_le_bytes(a.as_ref().try_into().unwrap()) ^ u64::from_le_bytes(b.try_into().unwrap());
            a.copy_from_slice(&word.to_le_bytes());
        }
        for y in 0..256 {
            for x in 0..256 {
                to[x * 256 + y] = from[y * 256 + x];
            }
        }
        from[..SIZE / 2].copy_from_slice(&to[..SIZE / 2]);
        sum = mix(sum, u64::from(from[(i * 31) % SIZE]));
    }
    from.iter().step_by(61).fold(sum, |sum, &byte| mix(sum, u64::from(byte))) as i64
}
