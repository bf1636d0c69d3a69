//! Instructions as words, and which immediates they have room for.
//!
//! Owns the encodings of the instructions that the compiler uses: a function for each form, which takes operands that fit
//! and answers the word. Whoever has an immediate asks here first whether it fits. It must not know operators.

use crate::compile::masm::{Reg, Size};

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

/// 12 bits, or the 12 above them: what additions and subtractions take.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Imm12(u32);

impl Imm12 {
    pub(super) fn new(value: u64) -> Option<Imm12> {
        // Below 2^12 each.
        match value {
            0..=0xfff => Some(Imm12((value as u32) << 10)),
            _ if value & !0xff_f000 == 0 => Some(Imm12(1 << 22 | (value as u32 >> 12) << 10)),
            _ => None,
        }
    }

    pub(super) const fn one() -> Imm12 {
        Imm12(1 << 10)
    }

    pub(super) const fn eight() -> Imm12 {
        Imm12(8 << 10)
    }

    /// The low 12 bits of a number.
    pub(super) fn low(value: u32) -> Imm12 {
        Imm12((value & 0xfff) << 10)
    }
}

/// `ADD`, `ADDS`, `SUB` or `SUBS` with an immediate. Where flags are set `ZR` is the result, elsewhere `SP`.
pub(super) fn add_imm(size: Size, Three(op): Three, d: Reg, n: Reg, Imm12(imm): Imm12) -> u32 {
    debug_assert!(op & 0x0100_0000 != 0);
    wide(size) | ((op & 0xff00_0000) + 0x0600_0000) | imm | rn(n) | rd(d)
}

/// A repeated run of ones: what logical operators take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Bitmask(u32);

impl Bitmask {
    pub(super) fn new(size: Size, value: u64) -> Option<Bitmask> {
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
pub(super) fn logical_imm(size: Size, Three(op): Three, d: Reg, n: Reg, Bitmask(mask): Bitmask) -> u32 {
    wide(size) | (op + 0x0800_0000) | mask | rn(n) | rd(d)
}

/// Puts 16 bits into a register, at a multiple of 16: the others are zero, ones, or as they were.
pub(super) fn movz(size: Size, d: Reg, half: u16, place: u32) -> u32 {
    wide(size) | 0x5280_0000 | place << 21 | u32::from(half) << 5 | rd(d)
}

pub(super) fn movn(size: Size, d: Reg, half: u16, place: u32) -> u32 {
    wide(size) | 0x1280_0000 | place << 21 | u32::from(half) << 5 | rd(d)
}

pub(super) fn movk(size: Size, d: Reg, half: u16, place: u32) -> u32 {
    wide(size) | 0x7280_0000 | place << 21 | u32::from(half) << 5 | rd(d)
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

/// What a load or a store moves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Move {
    /// Bytes, as a power of 2.
    scale: u32,
    op: u32,
}

const fn access(scale: u32, op: u32) -> Move {
    Move { scale, op }
}

pub(super) const STRB: Move = access(0, 0);
pub(super) const STRH: Move = access(1, 0);
pub(super) const STR_W: Move = access(2, 0);
pub(super) const STR_X: Move = access(3, 0);
pub(super) const LDRB: Move = access(0, 1);
pub(super) const LDRH: Move = access(1, 1);
pub(super) const LDR_W: Move = access(2, 1);
pub(super) const LDR_X: Move = access(3, 1);
pub(super) const LDRSB_X: Move = access(0, 2);
pub(super) const LDRSH_X: Move = access(1, 2);
pub(super) const LDRSW: Move = access(2, 2);
pub(super) const LDRSB_W: Move = access(0, 3);
pub(super) const LDRSH_W: Move = access(1, 3);

impl Move {
    fn word(self) -> u32 {
        0x3800_0000 | self.scale << 30 | self.op << 22
    }

    /// The load of as many bytes without a sign.
    pub(super) fn as_load(self) -> Move {
        Move { op: 1, ..self }
    }

    /// How far its index is shifted where it is scaled.
    #[cfg(test)]
    pub(super) fn scale(self) -> u32 {
        self.scale
    }
}

/// A displacement that a load or store has room for: a multiple of its width, or a short one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Displacement(u32);

impl Displacement {
    pub(super) fn new(of: Move, value: i64) -> Option<Displacement> {
        let units = value >> of.scale;
        if value >= 0 && units < 4096 && units << of.scale == value {
            return Some(Displacement(1 << 24 | field(units, 12, 10)));
        }
        fits_signed(value, 9).then(|| Displacement(field(value, 9, 12)))
    }
}

/// `[n + displacement]`; `SP` may be the base.
pub(super) fn at(of: Move, t: Reg, n: Reg, Displacement(displacement): Displacement) -> u32 {
    of.word() | displacement | rn(n) | rd(t)
}

/// `[n + m]`, the index extended, and multiplied by the width if it is scaled.
pub(super) fn indexed(of: Move, t: Reg, n: Reg, m: Reg, extend: Extend, scaled: bool) -> u32 {
    of.word() | 0x0020_0800 | rm(m) | extend.bits() | u32::from(scaled) << 12 | rn(n) | rd(t)
}

/// `[n]`, and then adds to `n`.
pub(super) fn post(of: Move, t: Reg, n: Reg, bytes: i64) -> u32 {
    of.word() | 0x0000_0400 | field(bytes, 9, 12) | rn(n) | rd(t)
}

/// Stores two words of 64 bits, having moved `n` by so many bytes.
pub(super) fn stp_pre(t: Reg, u: Reg, n: Reg, bytes: i64) -> u32 {
    0xa980_0000 | field(bytes >> 3, 7, 15) | ra(u) | rn(n) | rd(t)
}

/// Loads two words of 64 bits, and then moves `n` by so many bytes.
pub(super) fn ldp_post(t: Reg, u: Reg, n: Reg, bytes: i64) -> u32 {
    0xa8c0_0000 | field(bytes >> 3, 7, 15) | ra(u) | rn(n) | rd(t)
}

/// Loads two words of 32 bits.
pub(super) fn ldp_w(t: Reg, u: Reg, n: Reg) -> u32 {
    0x2940_0000 | ra(u) | rn(n) | rd(t)
}

/// A register for floats.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Vector(pub(super) u8);

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
pub(super) fn fmov_in(size: Size, d: Vector, n: Reg) -> u32 {
    wide(size) | kind(size) | 0x1e27_0000 | rn(n) | vd(d)
}

pub(super) fn fmov_out(size: Size, d: Reg, n: Vector) -> u32 {
    wide(size) | kind(size) | 0x1e26_0000 | vn(n) | rd(d)
}

/// Float instructions with two operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct FloatTwo(u32);

pub(super) const FMUL: FloatTwo = FloatTwo(0x1e20_0800);
pub(super) const FDIV: FloatTwo = FloatTwo(0x1e20_1800);
pub(super) const FADD: FloatTwo = FloatTwo(0x1e20_2800);
pub(super) const FSUB: FloatTwo = FloatTwo(0x1e20_3800);
pub(super) const FMAX: FloatTwo = FloatTwo(0x1e20_4800);
pub(super) const FMIN: FloatTwo = FloatTwo(0x1e20_5800);

pub(super) fn float_two(size: Size, FloatTwo(op): FloatTwo, d: Vector, n: Vector, m: Vector) -> u32 {
    kind(size) | op | vm(m) | vn(n) | vd(d)
}

/// Float instructions with one operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct FloatOne(u32);

pub(super) const FSQRT: FloatOne = FloatOne(0x1e21_c000);
pub(super) const FRINTN: FloatOne = FloatOne(0x1e24_4000);
pub(super) const FRINTP: FloatOne = FloatOne(0x1e24_c000);
pub(super) const FRINTM: FloatOne = FloatOne(0x1e25_4000);
pub(super) const FRINTZ: FloatOne = FloatOne(0x1e25_c000);

pub(super) fn float_one(size: Size, FloatOne(op): FloatOne, d: Vector, n: Vector) -> u32 {
    kind(size) | op | vn(n) | vd(d)
}

pub(super) fn fcmp(size: Size, n: Vector, m: Vector) -> u32 {
    kind(size) | 0x1e20_2000 | vm(m) | vn(n)
}

pub(super) fn promote(d: Vector, n: Vector) -> u32 {
    0x1e22_c000 | vn(n) | vd(d)
}

pub(super) fn demote(d: Vector, n: Vector) -> u32 {
    0x1e62_4000 | vn(n) | vd(d)
}

/// To an integer, towards zero; what does not fit becomes the nearest that does, and a NaN 0.
pub(super) fn fcvtz(to: Size, from: Size, signed: bool, d: Reg, n: Vector) -> u32 {
    let op = if signed { 0x1e38_0000 } else { 0x1e39_0000 };
    wide(to) | kind(from) | op | vn(n) | rd(d)
}

/// From an integer.
pub(super) fn cvtf(to: Size, from: Size, signed: bool, d: Vector, n: Reg) -> u32 {
    let op = if signed { 0x1e22_0000 } else { 0x1e23_0000 };
    wide(from) | kind(to) | op | rn(n) | vd(d)
}

/// The ones in each of eight bytes, and the sum of eight bytes.
pub(super) fn cnt(d: Vector, n: Vector) -> u32 {
    0x0e20_5800 | vn(n) | vd(d)
}

pub(super) fn addv(d: Vector, n: Vector) -> u32 {
    0x0e31_b800 | vn(n) | vd(d)
}
