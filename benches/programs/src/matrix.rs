//! Products of integer matrices, 32 and 64 bits wide.

use crate::random::{Random, mix};
use std::ops::{AddAssign, Mul};

fn multiply<T: Copy + Default + AddAssign + Mul<Output = T>>(left: &[T], right: &[T], side: usize) -> Vec<T> {
    let mut product = vec![T::default(); side * side];
    for i in 0..side {
        for k in 0..side {
            let factor = left[i * side + k];
            for j in 0..side {
                product[i * side + j] += factor * right[k * side + j];
            }
        }
    }
    product
}

/// Of `n` by `n`.
pub fn run(n: i32) -> i64 {
    let side = n as usize;
    let mut random = Random::new(16);
    let narrow: Vec<u32> = (0..side * side).map(|_| random.below(1000)).collect();
    let wide: Vec<u64> = narrow.iter().map(|&value| u64::from(value) << 16).collect();
    let narrow = multiply(&narrow, &narrow, side);
    let wide = multiply(&wide, &wide, side);
    narrow.into_iter().zip(wide).fold(0, |sum, (narrow, wide)| mix(sum, u64::from(narrow) ^ wide)) as i64
}
