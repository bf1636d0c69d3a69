//! Constants at which arithmetic goes wrong.
//!
//! Owns the choice of immediate operands: edges of widths and signs, of immediate encodings and of
//! floating-point classes, and now and then any value at all.

use crate::random::Random;

const I32: [i32; 40] = [
    0,
    0,
    1,
    1,
    2,
    3,
    4,
    5,
    7,
    8,
    10,
    15,
    16,
    31,
    32,
    33,
    63,
    64,
    100,
    127,
    128,
    255,
    256,
    4095,
    4096,
    32_767,
    32_768,
    65_535,
    65_536,
    16_777_215,
    i32::MAX,
    i32::MAX - 1,
    i32::MIN,
    i32::MIN + 1,
    -1,
    -2,
    -128,
    -129,
    -32_768,
    -65_536,
];

const I64: [i64; 36] = [
    0,
    1,
    2,
    3,
    5,
    10,
    31,
    32,
    63,
    64,
    65,
    127,
    128,
    255,
    4095,
    65_535,
    65_536,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0x1_0000_0001,
    i64::MAX,
    i64::MAX - 1,
    i64::MIN,
    i64::MIN + 1,
    -1,
    -2,
    -128,
    -32_769,
    -0x7fff_ffff,
    -0x8000_0000,
    -0x8000_0001,
    -0x1_0000_0000,
    0x5555_5555_5555_5555,
    0x0123_4567_89ab_cdef,
];

const F32: [u32; 24] = [
    0x0000_0000, // 0
    0x8000_0000, // -0
    0x3f80_0000, // 1
    0xbf80_0000, // -1
    0x3f00_0000, // 0.5
    0x3fc0_0000, // 1.5
    0x4020_0000, // 2.5
    0x0000_0001, // least subnormal
    0x007f_ffff, // greatest subnormal
    0x0080_0000, // least normal
    0x7f7f_ffff, // greatest
    0x7f80_0000, // infinity
    0xff80_0000, // -infinity
    0x7fc0_0000, // canonical NaN
    0xffc0_0000, // the same, negative
    0x7f80_0001, // signalling NaN
    0xff8a_bcde, // another, negative
    0x4b00_0000, // 2^23
    0x4b80_0001, // above 2^24
    0x4f00_0000, // 2^31
    0xcf00_0000, // -2^31
    0x4f80_0000, // 2^32
    0x5f00_0000, // 2^63
    0x5f80_0000, // 2^64
];

const F64: [u64; 26] = [
    0x0000_0000_0000_0000, // 0
    0x8000_0000_0000_0000, // -0
    0x3ff0_0000_0000_0000, // 1
    0xbff0_0000_0000_0000, // -1
    0x3fe0_0000_0000_0000, // 0.5
    0x3ff8_0000_0000_0000, // 1.5
    0xc004_0000_0000_0000, // -2.5
    0x0000_0000_0000_0001, // least subnormal
    0x000f_ffff_ffff_ffff, // greatest subnormal
    0x0010_0000_0000_0000, // least normal
    0x7fef_ffff_ffff_ffff, // greatest
    0x7ff0_0000_0000_0000, // infinity
    0xfff0_0000_0000_0000, // -infinity
    0x7ff8_0000_0000_0000, // canonical NaN
    0xfff8_0000_0000_0000, // the same, negative
    0x7ff0_0000_0000_0001, // signalling NaN
    0xfff4_0000_dead_beef, // another, negative
    0x4330_0000_0000_0001, // above 2^52
    0x41df_ffff_ffc0_0000, // 2^31 - 1
    0xc1e0_0000_0000_0000, // -2^31
    0x41ef_ffff_ffe0_0000, // 2^32 - 1
    0x43e0_0000_0000_0000, // 2^63
    0x43f0_0000_0000_0000, // 2^64
    0x36a0_0000_0000_0000, // least f32 subnormal
    0x47ef_ffff_e000_0000, // greatest f32
    0x47ef_ffff_f000_0000, // half way above it
];

/// An i32 constant.
pub(super) fn i32(random: &mut Random) -> i32 {
    if random.percent(80) { random.pick(&I32) } else { random.u32() as i32 }
}

/// An i64 constant.
pub(super) fn i64(random: &mut Random) -> i64 {
    match random.below(10) {
        0..7 => random.pick(&I64),
        7 => i64::from(i32(random)),
        _ => random.u64() as i64,
    }
}

/// The bits of an f32 constant.
pub(super) fn f32(random: &mut Random) -> u32 {
    if random.percent(75) { random.pick(&F32) } else { random.u32() }
}

/// The bits of an f64 constant.
pub(super) fn f64(random: &mut Random) -> u64 {
    if random.percent(75) { random.pick(&F64) } else { random.u64() }
}
