//! Multiplication of 64 limbs of 32 bits by hand, and reduction as Montgomery did it.

use crate::random::{Random, mix};

const LIMBS: usize = 64;

type Number = [u32; LIMBS];

/// -1 / modulus, modulo 2^32.
fn inverse(low: u32) -> u32 {
    let mut inverse = 1_u32;
    for _ in 0..5 {
        inverse = inverse.wrapping_mul(2_u32.wrapping_sub(low.wrapping_mul(inverse)));
    }
    inverse.wrapping_neg()
}

fn montgomery(a: &Number, b: &Number, modulus: &Number, inverse: u32) -> Number {
    let mut wide = [0_u32; LIMBS + 2];
    for &factor in a {
        let mut carry = 0_u64;
        for (limb, &other) in wide.iter_mut().zip(b) {
            carry += u64::from(factor) * u64::from(other) + u64::from(*limb);
            *limb = carry as u32;
            carry >>= 32;
        }
        carry += u64::from(wide[LIMBS]);
        wide[LIMBS] = carry as u32;
        wide[LIMBS + 1] = (carry >> 32) as u32;
        let multiple = wide[0].wrapping_mul(inverse);
        let mut carry = (u64::from(multiple) * u64::from(modulus[0]) + u64::from(wide[0])) >> 32;
        for i in 1..LIMBS {
            carry += u64::from(multiple) * u64::from(modulus[i]) + u64::from(wide[i]);
            wide[i - 1] = carry as u32;
            carry >>= 32;
        }
        carry += u64::from(wide[LIMBS]);
        wide[LIMBS - 1] = carry as u32;
        wide[LIMBS] = wide[LIMBS + 1] + (carry >> 32) as u32;
    }
    let mut reduced = [0; LIMBS];
    let mut borrow = 0_i64;
    for i in 0..LIMBS {
        borrow += i64::from(wide[i]) - i64::from(modulus[i]);
        reduced[i] = borrow as u32;
        borrow >>= 32;
    }
    if i64::from(wide[LIMBS]) + borrow < 0 {
        reduced.copy_from_slice(&wide[..LIMBS]);
    }
    reduced
}

/// `n` products of 2,048 bits.
pub fn run(n: i32) -> i64 {
    let mut random = Random::new(23);
    let mut modulus: Number = std::array::from_fn(|_| random.next() as u32);
    modulus[0] |= 1;
    modulus[LIMBS - 1] |= 1 << 31;
    let factor: Number = std::array::from_fn(|i| if i < LIMBS - 1 { random.next() as u32 } else { 5 });
    let inverse = inverse(modulus[0]);
    let mut value = factor;
    for _ in 0..n {
        value = montgomery(&value, &factor, &modulus, inverse);
    }
    value.into_iter().fold(0, |sum, limb| mix(sum, u64::from(limb))) as i64
}
