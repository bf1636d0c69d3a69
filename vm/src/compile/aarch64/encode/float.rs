//! Instructions of the vector unit.
//!
//! Owns their words. It must not know what the law says of floats.

use super::{rd, rn, wide};
use crate::compile::masm::{Reg, Size};

/// A register for floats.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::compile::aarch64) struct Vector(pub(in crate::compile::aarch64) u8);

fn vd(Vector(register): Vector) -> u32 {
    u32::from(register)
}

fn vn(register: Vector) -> u32 {
    vd(register) << 5
}

fn vm(register: Vector) -> u32 {
    vd(register) << 16
}

/// Which of the two kinds of floats.
fn kind(size: Size) -> u32 {
    match size {
        Size::S32 => 0,
        Size::S64 => 1 << 22,
    }
}

/// Bits to a float, and back.
pub(in crate::compile::aarch64) fn fmov_in(size: Size, d: Vector, n: Reg) -> u32 {
    wide(size) | kind(size) | 0x1e27_0000 | rn(n) | vd(d)
}

pub(in crate::compile::aarch64) fn fmov_out(size: Size, d: Reg, n: Vector) -> u32 {
    wide(size) | kind(size) | 0x1e26_0000 | vn(n) | rd(d)
}

/// Float instructions with two operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::compile::aarch64) struct FloatTwo(u32);

pub(in crate::compile::aarch64) const FMUL: FloatTwo = FloatTwo(0x1e20_0800);
pub(in crate::compile::aarch64) const FDIV: FloatTwo = FloatTwo(0x1e20_1800);
pub(in crate::compile::aarch64) const FADD: FloatTwo = FloatTwo(0x1e20_2800);
pub(in crate::compile::aarch64) const FSUB: FloatTwo = FloatTwo(0x1e20_3800);
pub(in crate::compile::aarch64) const FMAX: FloatTwo = FloatTwo(0x1e20_4800);
pub(in crate::compile::aarch64) const FMIN: FloatTwo = FloatTwo(0x1e20_5800);

pub(in crate::compile::aarch64) fn float_two(
    size: Size,
    FloatTwo(op): FloatTwo,
    d: Vector,
    n: Vector,
    m: Vector,
) -> u32 {
    kind(size) | op | vm(m) | vn(n) | vd(d)
}

/// Float instructions with one operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::compile::aarch64) struct FloatOne(u32);

pub(in crate::compile::aarch64) const FSQRT: FloatOne = FloatOne(0x1e21_c000);
pub(in crate::compile::aarch64) const FRINTN: FloatOne = FloatOne(0x1e24_4000);
pub(in crate::compile::aarch64) const FRINTP: FloatOne = FloatOne(0x1e24_c000);
pub(in crate::compile::aarch64) const FRINTM: FloatOne = FloatOne(0x1e25_4000);
pub(in crate::compile::aarch64) const FRINTZ: FloatOne = FloatOne(0x1e25_c000);

pub(in crate::compile::aarch64) fn float_one(
    size: Size,
    FloatOne(op): FloatOne,
    d: Vector,
    n: Vector,
) -> u32 {
    kind(size) | op | vn(n) | vd(d)
}

pub(in crate::compile::aarch64) fn fcmp(size: Size, n: Vector, m: Vector) -> u32 {
    kind(size) | 0x1e20_2000 | vm(m) | vn(n)
}

pub(in crate::compile::aarch64) fn promote(d: Vector, n: Vector) -> u32 {
    0x1e22_c000 | vn(n) | vd(d)
}

pub(in crate::compile::aarch64) fn demote(d: Vector, n: Vector) -> u32 {
    0x1e62_4000 | vn(n) | vd(d)
}

/// To an integer, towards zero; what does not fit becomes the nearest that does, and a NaN 0.
pub(in crate::compile::aarch64) fn fcvtz(to: Size, from: Size, signed: bool, d: Reg, n: Vector) -> u32 {
    let op = if signed { 0x1e38_0000 } else { 0x1e39_0000 };
    wide(to) | kind(from) | op | vn(n) | rd(d)
}

/// From an integer.
pub(in crate::compile::aarch64) fn cvtf(to: Size, from: Size, signed: bool, d: Vector, n: Reg) -> u32 {
    let op = if signed { 0x1e22_0000 } else { 0x1e23_0000 };
    wide(from) | kind(to) | op | rn(n) | vd(d)
}

/// The ones in each of eight bytes, and the sum of eight bytes.
pub(in crate::compile::aarch64) fn cnt(d: Vector, n: Vector) -> u32 {
    0x0e20_5800 | vn(n) | vd(d)
}

pub(in crate::compile::aarch64) fn addv(d: Vector, n: Vector) -> u32 {
    0x0e31_b800 | vn(n) | vd(d)
}
