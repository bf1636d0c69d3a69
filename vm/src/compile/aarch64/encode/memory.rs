//! Loads and stores, and the displacements that they have room for.
//!
//! Owns their words. It must not know what is in memory.

use super::{Extend, field, fits_signed, ra, rd, rm, rn};
use crate::compile::masm::Reg;

/// What a load or a store moves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::compile::aarch64) struct Move {
    /// Bytes, as a power of 2.
    scale: u32,
    op: u32,
}

const fn access(scale: u32, op: u32) -> Move {
    Move { scale, op }
}

pub(in crate::compile::aarch64) const STRB: Move = access(0, 0);
pub(in crate::compile::aarch64) const STRH: Move = access(1, 0);
pub(in crate::compile::aarch64) const STR_W: Move = access(2, 0);
pub(in crate::compile::aarch64) const STR_X: Move = access(3, 0);
pub(in crate::compile::aarch64) const LDRB: Move = access(0, 1);
pub(in crate::compile::aarch64) const LDRH: Move = access(1, 1);
pub(in crate::compile::aarch64) const LDR_W: Move = access(2, 1);
pub(in crate::compile::aarch64) const LDR_X: Move = access(3, 1);
pub(in crate::compile::aarch64) const LDRSB_X: Move = access(0, 2);
pub(in crate::compile::aarch64) const LDRSH_X: Move = access(1, 2);
pub(in crate::compile::aarch64) const LDRSW: Move = access(2, 2);
pub(in crate::compile::aarch64) const LDRSB_W: Move = access(0, 3);
pub(in crate::compile::aarch64) const LDRSH_W: Move = access(1, 3);

impl Move {
    fn word(self) -> u32 {
        0x3800_0000 | self.scale << 30 | self.op << 22
    }

    /// The load of as many bytes without a sign.
    pub(in crate::compile::aarch64) fn as_load(self) -> Move {
        Move { op: 1, ..self }
    }

    /// How far its index is shifted where it is scaled.
    #[cfg(test)]
    pub(in crate::compile::aarch64) fn scale(self) -> u32 {
        self.scale
    }
}

/// A displacement that a load or store has room for: a multiple of its width, or a short one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::compile::aarch64) struct Displacement(u32);

impl Displacement {
    pub(in crate::compile::aarch64) fn new(of: Move, value: i64) -> Option<Displacement> {
        let units = value >> of.scale;
        if value >= 0 && units < 4096 && units << of.scale == value {
            return Some(Displacement(1 << 24 | field(units, 12, 10)));
        }
        fits_signed(value, 9).then(|| Displacement(field(value, 9, 12)))
    }
}

/// `[n + displacement]`; `SP` may be the base.
pub(in crate::compile::aarch64) fn at(
    of: Move,
    t: Reg,
    n: Reg,
    Displacement(displacement): Displacement,
) -> u32 {
    of.word() | displacement | rn(n) | rd(t)
}

/// `[n + m]`, the index extended, and multiplied by the width if it is scaled.
pub(in crate::compile::aarch64) fn indexed(
    of: Move,
    t: Reg,
    n: Reg,
    m: Reg,
    extend: Extend,
    scaled: bool,
) -> u32 {
    of.word() | 0x0020_0800 | rm(m) | extend.bits() | u32::from(scaled) << 12 | rn(n) | rd(t)
}

/// `[n]`, and then adds to `n`.
pub(in crate::compile::aarch64) fn post(of: Move, t: Reg, n: Reg, bytes: i64) -> u32 {
    of.word() | 0x0000_0400 | field(bytes, 9, 12) | rn(n) | rd(t)
}

/// Stores two words of 64 bits, having moved `n` by so many bytes.
pub(in crate::compile::aarch64) fn stp_pre(t: Reg, u: Reg, n: Reg, bytes: i64) -> u32 {
    0xa980_0000 | field(bytes >> 3, 7, 15) | ra(u) | rn(n) | rd(t)
}

/// Loads two words of 64 bits, and then moves `n` by so many bytes.
pub(in crate::compile::aarch64) fn ldp_post(t: Reg, u: Reg, n: Reg, bytes: i64) -> u32 {
    0xa8c0_0000 | field(bytes >> 3, 7, 15) | ra(u) | rn(n) | rd(t)
}

/// Loads two words of 32 bits.
pub(in crate::compile::aarch64) fn ldp_w(t: Reg, u: Reg, n: Reg) -> u32 {
    0x2940_0000 | ra(u) | rn(n) | rd(t)
}
