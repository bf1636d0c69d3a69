//! Random numbers: three generators in turn, all in registers.

/// `n` thousand rounds.
pub fn run(n: i32) -> i64 {
    let (mut shifted, mut congruential, mut weyl) = (0x2545_f491_4f6c_dd1d_u64, 1_u64, 0_u64);
    let mut sum = 0_u64;
    for _ in 0..n * 1000 {
        shifted ^= shifted << 13;
        shifted ^= shifted >> 7;
        shifted ^= shifted << 17;
        congruential = congruential.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        weyl = weyl.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = weyl;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        sum = sum.wrapping_add(shifted ^ (congruential >> 33) ^ mixed ^ mixed >> 31);
    }
    sum as i64
}
