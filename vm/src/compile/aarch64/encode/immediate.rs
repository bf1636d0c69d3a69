//! Instructions with an immediate of arithmetic, and the immediates that exist.
//!
//! Owns which numbers have an encoding. It must not know what they are for.

use super::{Three, rd, rn, wide};
use crate::compile::masm::{Reg, Size};

/// 12 bits, or the 12 above them: what additions and subtractions take.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(in crate::compile::aarch64) struct Imm12(u32);

impl Imm12 {
    pub(in crate::compile::aarch64) fn new(value: u64) -> Option<Imm12> {
        // Below 2^12 each.
        match value {
            0..=0xfff => Some(Imm12((value as u32) << 10)),
            _ if value & !0xff_f000 == 0 => Some(Imm12(1 << 22 | (value as u32 >> 12) << 10)),
            _ => None,
        }
    }

    pub(in crate::compile::aarch64) const fn one() -> Imm12 {
        Imm12(1 << 10)
    }

    pub(in crate::compile::aarch64) const fn eight() -> Imm12 {
        Imm12(8 << 10)
    }

    /// The low 12 bits of a number.
    pub(in crate::compile::aarch64) fn low(value: u32) -> Imm12 {
        Imm12((value & 0xfff) << 10)
    }
}

/// `ADD`, `ADDS`, `SUB` or `SUBS` with an immediate. Where flags are set `ZR` is the result, elsewhere `SP`.
pub(in crate::compile::aarch64) fn add_imm(
    size: Size,
    Three(op): Three,
    d: Reg,
    n: Reg,
    Imm12(imm): Imm12,
) -> u32 {
    debug_assert!(op & 0x0100_0000 != 0);
    wide(size) | ((op & 0xff00_0000) + 0x0600_0000) | imm | rn(n) | rd(d)
}

/// A repeated run of ones: what logical operators take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::compile::aarch64) struct Bitmask(u32);

impl Bitmask {
    pub(in crate::compile::aarch64) fn new(size: Size, value: u64) -> Option<Bitmask> {
        let value = match size {
            Size::S32 => value & 0xffff_ffff | value << 32,
            Size::S64 => value,
        };
        if value == 0 || value == u64::MAX {
            return None;
        }
        // The shortest element that the value repeats.
        let mut bits = 64_u32;
        while bits > 2 && value.rotate_right(bits / 2) == value {
            bits /= 2;
        }
        let element = value & (u64::MAX >> (64 - bits));
        let ones = element.count_ones();
        // The element is so many ones, rotated to the right.
        let rotation = if element & 1 == 0 {
            bits - element.trailing_zeros()
        } else {
            let above = element << (64 - bits);
            above.leading_ones() % bits
        };
        let run = u64::MAX >> (64 - ones);
        let rotated = if rotation == 0 { run } else { run >> rotation | run << (bits - rotation) };
        if rotated & (u64::MAX >> (64 - bits)) != element {
            return None;
        }
        let n = u32::from(bits == 64);
        let length = !(2 * bits - 1) & 0x3f | (ones - 1);
        Some(Bitmask(n << 22 | rotation << 16 | length << 10))
    }
}

/// `AND`, `ORR` or `EOR` with an immediate. `SP` is the result, not `ZR`.
pub(in crate::compile::aarch64) fn logical_imm(
    size: Size,
    Three(op): Three,
    d: Reg,
    n: Reg,
    Bitmask(mask): Bitmask,
) -> u32 {
    wide(size) | (op + 0x0800_0000) | mask | rn(n) | rd(d)
}

/// Puts 16 bits into a register, at a multiple of 16: the others are zero, ones, or as they were.
pub(in crate::compile::aarch64) fn movz(size: Size, d: Reg, half: u16, place: u32) -> u32 {
    wide(size) | 0x5280_0000 | place << 21 | u32::from(half) << 5 | rd(d)
}

pub(in crate::compile::aarch64) fn movn(size: Size, d: Reg, half: u16, place: u32) -> u32 {
    wide(size) | 0x1280_0000 | place << 21 | u32::from(half) << 5 | rd(d)
}

pub(in crate::compile::aarch64) fn movk(size: Size, d: Reg, half: u16, place: u32) -> u32 {
    wide(size) | 0x7280_0000 | place << 21 | u32::from(half) << 5 | rd(d)
}
