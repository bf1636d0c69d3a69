//! Instructions as words, and which immediates they have room for.
//!
//! Owns the encodings of the instructions that the compiler uses: a function for each form, which takes operands that fit
//! and answers the word. Whoever has an immediate asks here first whether it fits: `immediate` has those of arithmetic,
//! `memory` displacements, `float` what the vector unit does. It must not know operators.

mod float;
mod immediate;
mod memory;

use crate::compile::masm::{Reg, Size};

pub(super) use float::*;
pub(super) use immediate::*;
pub(super) use memory::*;

/// In most places the register that is always 0, in others the stack pointer.
pub(super) const ZR: Reg = Reg(31);
pub(super) const SP: Reg = Reg(31);

/// Conditions, by the machine's number; the lowest bit negates.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Condition(pub(super) u32);

pub(super) const EQ: Condition = Condition(0);
pub(super) const NE: Condition = Condition(1);
pub(super) const HS: Condition = Condition(2);
pub(super) const LO: Condition = Condition(3);
pub(super) const MI: Condition = Condition(4);
pub(super) const VS: Condition = Condition(6);
pub(super) const HI: Condition = Condition(8);
pub(super) const LS: Condition = Condition(9);
pub(super) const GE: Condition = Condition(10);
pub(super) const LT: Condition = Condition(11);
pub(super) const GT: Condition = Condition(12);
pub(super) const LE: Condition = Condition(13);

impl Condition {
    pub(super) fn negated(self) -> Condition {
        Condition(self.0 ^ 1)
    }
}

fn wide(size: Size) -> u32 {
    match size {
        Size::S32 => 0,
        Size::S64 => 1 << 31,
    }
}

fn rd(register: Reg) -> u32 {
    debug_assert!(register.0 < 32);
    register.number().into()
}

fn rn(register: Reg) -> u32 {
    rd(register) << 5
}

fn ra(register: Reg) -> u32 {
    rd(register) << 10
}

fn rm(register: Reg) -> u32 {
    rd(register) << 16
}

/// A field of so many bits.
fn field(value: i64, bits: u32, at: u32) -> u32 {
    debug_assert!(fits_signed(value, bits) || (value >> bits) == 0, "{value} has no {bits} bits");
    // Cut to its bits, it fits.
    ((value as u32) & ((1 << bits) - 1)) << at
}

fn fits_signed(value: i64, bits: u32) -> bool {
    let limit = 1_i64 << (bits - 1);
    (-limit..limit).contains(&value)
}

/// Instructions with three registers, each also with the third one shifted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Three(u32);

pub(super) const ADD: Three = Three(0x0b00_0000);
pub(super) const ADDS: Three = Three(0x2b00_0000);
pub(super) const SUB: Three = Three(0x4b00_0000);
pub(super) const SUBS: Three = Three(0x6b00_0000);
pub(super) const AND: Three = Three(0x0a00_0000);
pub(super) const ORR: Three = Three(0x2a00_0000);
pub(super) const EOR: Three = Three(0x4a00_0000);

pub(super) fn three(size: Size, Three(op): Three, d: Reg, n: Reg, m: Reg) -> u32 {
    wide(size) | op | rm(m) | rn(n) | rd(d)
}

/// How a third register is shifted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum By {
    Left,
    RightUnsigned,
}

pub(super) fn shifted(size: Size, op: Three, d: Reg, n: Reg, m: Reg, by: By, distance: u32) -> u32 {
    let kind = match by {
        By::Left => 0,
        By::RightUnsigned => 1 << 22,
    };
    three(size, op, d, n, m) | kind | field(distance.into(), 6, 10)
}

/// How a third register is extended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Extend {
    /// 32 bits without a sign.
    Word,
    /// 32 bits with a sign.
    SignedWord,
    /// All 64; what lets the stack pointer be the first operand and the result.
    All,
}

impl Extend {
    fn bits(self) -> u32 {
        match self {
            Extend::Word => 2 << 13,
            Extend::All => 3 << 13,
            Extend::SignedWord => 6 << 13,
        }
    }
}

/// Additions and subtractions of 64 bits, the third register extended; `SP` may be first and second, unless flags are set.
pub(super) fn extended(Three(op): Three, d: Reg, n: Reg, m: Reg, extend: Extend) -> u32 {
    wide(Size::S64) | op | 1 << 21 | rm(m) | extend.bits() | rn(n) | rd(d)
}

/// `UBFM` and `SBFM`: shifts to either side, and extensions.
fn bitfield(op: u32, size: Size, d: Reg, n: Reg, rotation: u32, last: u32) -> u32 {
    let n_bit = wide(size) >> 9;
    wide(size) | op | n_bit | field(rotation.into(), 6, 16) | field(last.into(), 6, 10) | rn(n) | rd(d)
}

fn width(size: Size) -> u32 {
    match size {
        Size::S32 => 32,
        Size::S64 => 64,
    }
}

/// Shifts by a distance below the width.
pub(super) fn lsl_imm(size: Size, d: Reg, n: Reg, distance: u32) -> u32 {
    let width = width(size);
    bitfield(0x5300_0000, size, d, n, (width - distance) % width, width - 1 - distance)
}

pub(super) fn lsr_imm(size: Size, d: Reg, n: Reg, distance: u32) -> u32 {
    bitfield(0x5300_0000, size, d, n, distance, width(size) - 1)
}

pub(super) fn asr_imm(size: Size, d: Reg, n: Reg, distance: u32) -> u32 {
    bitfield(0x1300_0000, size, d, n, distance, width(size) - 1)
}

pub(super) fn ror_imm(size: Size, d: Reg, n: Reg, distance: u32) -> u32 {
    wide(size) | 0x1380_0000 | wide(size) >> 9 | rm(n) | field(distance.into(), 6, 10) | rn(n) | rd(d)
}

/// Extends the low 8, 16 or 32 bits with their sign.
pub(super) fn sign_extend(size: Size, d: Reg, n: Reg, bits: u32) -> u32 {
    bitfield(0x1300_0000, size, d, n, 0, bits - 1)
}

/// Instructions with two operands of which each is any register, without variants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Two(u32);

pub(super) const UDIV: Two = Two(0x1ac0_0800);
pub(super) const SDIV: Two = Two(0x1ac0_0c00);
pub(super) const LSLV: Two = Two(0x1ac0_2000);
pub(super) const LSRV: Two = Two(0x1ac0_2400);
pub(super) const ASRV: Two = Two(0x1ac0_2800);
pub(super) const RORV: Two = Two(0x1ac0_2c00);

pub(super) fn two(size: Size, Two(op): Two, d: Reg, n: Reg, m: Reg) -> u32 {
    wide(size) | op | rm(m) | rn(n) | rd(d)
}

/// Instructions with one operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct One(u32);

pub(super) const RBIT: One = One(0x5ac0_0000);
pub(super) const CLZ: One = One(0x5ac0_1000);

pub(super) fn one(size: Size, One(op): One, d: Reg, n: Reg) -> u32 {
    wide(size) | op | rn(n) | rd(d)
}

/// `d := n * m`.
pub(super) fn mul(size: Size, d: Reg, n: Reg, m: Reg) -> u32 {
    wide(size) | 0x1b00_0000 | rm(m) | ra(ZR) | rn(n) | rd(d)
}

/// `d := a - n * m`.
pub(super) fn msub(size: Size, d: Reg, n: Reg, m: Reg, a: Reg) -> u32 {
    wide(size) | 0x1b00_8000 | rm(m) | ra(a) | rn(n) | rd(d)
}

/// The upper half of the product of 128 bits, without signs.
pub(super) fn umulh(d: Reg, n: Reg, m: Reg) -> u32 {
    0x9bc0_7c00 | rm(m) | rn(n) | rd(d)
}

/// `d := n` if the condition holds, else `m`.
pub(super) fn csel(size: Size, d: Reg, n: Reg, m: Reg, cond: Condition) -> u32 {
    wide(size) | 0x1a80_0000 | rm(m) | cond.0 << 12 | rn(n) | rd(d)
}

/// `d := 1` if the condition holds, else 0.
pub(super) fn cset(d: Reg, cond: Condition) -> u32 {
    0x1a80_0400 | rm(ZR) | cond.negated().0 << 12 | rn(ZR) | rd(d)
}

/// Compares with a number below 32 if the condition holds; otherwise the flags become these.
pub(super) fn ccmp_imm(size: Size, n: Reg, value: u32, flags: u32, cond: Condition) -> u32 {
    wide(size) | 0x7a40_0800 | field(value.into(), 5, 16) | cond.0 << 12 | rn(n) | field(flags.into(), 4, 0)
}

/// Branches. Distances are in words.
pub(super) const B: u32 = 0x1400_0000;
pub(super) const BL: u32 = 0x9400_0000;

pub(super) fn b_cond(cond: Condition) -> u32 {
    0x5400_0000 | cond.0
}

/// Branches if a register is 0, or is not.
pub(super) fn cbz(size: Size, n: Reg) -> u32 {
    wide(size) | 0x3400_0000 | rd(n)
}

pub(super) fn cbnz(size: Size, n: Reg) -> u32 {
    wide(size) | 0x3500_0000 | rd(n)
}

pub(super) fn br(n: Reg) -> u32 {
    0xd61f_0000 | rn(n)
}

pub(super) fn blr(n: Reg) -> u32 {
    0xd63f_0000 | rn(n)
}

pub(super) const RET: u32 = 0xd65f_03c0;
pub(super) const BRK: u32 = 0xd420_0000;

/// Puts a distance in words into a `b.cond`, `cbz` or `cbnz`.
pub(super) fn with_short(word: u32, distance: i64) -> u32 {
    assert!(fits_signed(distance, 19), "islands keep short branches short");
    word & !(0x7_ffff << 5) | field(distance, 19, 5)
}

/// Puts a distance in words into a `b` or `bl`.
pub(super) fn with_long(word: u32, distance: i64) -> u32 {
    assert!(fits_signed(distance, 26), "islands keep long branches in reach");
    word & !0x3ff_ffff | field(distance, 26, 0)
}

/// The address that is so many bytes from here, below 1 MiB.
pub(super) fn adr(d: Reg, bytes: i64) -> u32 {
    0x1000_0000 | field(bytes & 3, 2, 29) | field(bytes >> 2, 19, 5) | rd(d)
}

/// The address of the page, of 4 KiB, that is so many pages from this one.
pub(super) fn adrp(d: Reg, pages: i64) -> u32 {
    assert!(fits_signed(pages, 21), "code is smaller than 4 GiB");
    0x9000_0000 | field(pages & 3, 2, 29) | field(pages >> 2, 19, 5) | rd(d)
}

/// Whether a word is an `adrp`; its register.
pub(super) fn is_adrp(word: u32) -> Option<Reg> {
    // Five bits.
    (word & 0x9f00_0000 == 0x9000_0000).then_some(Reg((word & 31).into()))
}
