//! Floats on aarch64: bits in general registers, arithmetic in `v0` and `v1`.
//!
//! Owns the cases where the processor and the law differ: NaNs become the canonical one, and conversions that do not fit
//! trap. Minimum, maximum and conversions that saturate are as the law has them. It must not know where operands are.

use super::encode::{
    self, AND, EOR, EQ, FADD, FDIV, FMAX, FMIN, FMUL, FSUB, GE, GT, LS, MI, NE, ORR, SUBS, VS, Vector, ZR,
};
use super::{Aarch64, PASSING, TEMP};
use crate::compile::masm::{Conversion, FloatBinary, FloatCompare, FloatUnary, Reg, Size, Source};
use crate::trap::Trap;

const V0: Vector = Vector(0);
const V1: Vector = Vector(1);

fn canonical_nan(size: Size) -> u64 {
    match size {
        Size::S32 => 0x7fc0_0000,
        Size::S64 => 0x7ff8_0000_0000_0000,
    }
}

fn sign_bit(size: Size) -> u64 {
    match size {
        Size::S32 => 1 << 31,
        Size::S64 => 1 << 63,
    }
}

/// 2 to a power up to 64, as a float's bits.
fn power(size: Size, exponent: u64) -> u64 {
    match size {
        Size::S32 => (127 + exponent) << 23,
        Size::S64 => (1023 + exponent) << 52,
    }
}

impl Aarch64 {
    /// `dst` becomes `v0`, or the canonical NaN if that is one.
    fn canonicalize(&mut self, size: Size, dst: Reg) {
        self.emit(encode::fcmp(size, V0, V0));
        self.emit(encode::fmov_out(size, dst, V0));
        self.constant(TEMP, canonical_nan(size));
        self.emit(encode::csel(Size::S64, dst, TEMP, dst, VS));
    }

    pub(super) fn emit_float_binary(&mut self, op: FloatBinary, size: Size, dst: Reg, lhs: Reg, rhs: Reg) {
        let op = match op {
            FloatBinary::Add => FADD,
            FloatBinary::Sub => FSUB,
            FloatBinary::Mul => FMUL,
            FloatBinary::Div => FDIV,
            FloatBinary::Min => FMIN,
            FloatBinary::Max => FMAX,
            FloatBinary::Copysign => {
                let sign = sign_bit(size);
                self.logical(size, AND, TEMP, rhs, Source::Imm(sign));
                self.logical(size, AND, PASSING, lhs, Source::Imm(sign - 1));
                return self.three(size, ORR, dst, TEMP, PASSING);
            }
        };
        self.emit(encode::fmov_in(size, V0, lhs));
        self.emit(encode::fmov_in(size, V1, rhs));
        self.emit(encode::float_two(size, op, V0, V0, V1));
        self.canonicalize(size, dst);
    }

    pub(super) fn emit_float_unary(&mut self, op: FloatUnary, size: Size, dst: Reg, src: Reg) {
        let op = match op {
            FloatUnary::Abs => return self.logical(size, AND, dst, src, Source::Imm(sign_bit(size) - 1)),
            FloatUnary::Neg => return self.logical(size, EOR, dst, src, Source::Imm(sign_bit(size))),
            FloatUnary::Ceil => encode::FRINTP,
            FloatUnary::Floor => encode::FRINTM,
            FloatUnary::Trunc => encode::FRINTZ,
            FloatUnary::Nearest => encode::FRINTN,
            FloatUnary::Sqrt => encode::FSQRT,
        };
        self.emit(encode::fmov_in(size, V0, src));
        self.emit(encode::float_one(size, op, V0, V0));
        self.canonicalize(size, dst);
    }

    pub(super) fn emit_float_compare(&mut self, op: FloatCompare, size: Size, dst: Reg, lhs: Reg, rhs: Reg) {
        self.emit(encode::fmov_in(size, V0, lhs));
        self.emit(encode::fmov_in(size, V1, rhs));
        self.emit(encode::fcmp(size, V0, V1));
        // Where one is a NaN, carry and overflow are set and nothing else: only "not equal" holds of these.
        let cond = match op {
            FloatCompare::Eq => EQ,
            FloatCompare::Ne => NE,
            FloatCompare::Lt => MI,
            FloatCompare::Le => LS,
            FloatCompare::Gt => GT,
            FloatCompare::Ge => GE,
        };
        self.emit(encode::cset(dst, cond));
    }

    /// The number of ones, by way of the vector unit: general registers have no instruction for it.
    pub(super) fn popcnt(&mut self, dst: Reg, src: Reg) {
        // An `i32` has a zero upper half.
        self.emit(encode::fmov_in(Size::S64, V0, src));
        self.emit(encode::cnt(V0, V0));
        self.emit(encode::addv(V0, V0));
        self.emit(encode::fmov_out(Size::S32, dst, V0));
    }

    pub(super) fn emit_conversion(&mut self, op: Conversion, dst: Reg, src: Reg, wasm: u32) {
        match op {
            Conversion::Demote => {
                self.emit(encode::fmov_in(Size::S64, V0, src));
                self.emit(encode::demote(V0, V0));
                self.canonicalize(Size::S32, dst);
            }
            Conversion::Promote => {
                self.emit(encode::fmov_in(Size::S32, V0, src));
                self.emit(encode::promote(V0, V0));
                self.canonicalize(Size::S64, dst);
            }
            Conversion::Convert { to, from, signed } => {
                self.emit(encode::cvtf(to, from, signed, V0, src));
                self.emit(encode::fmov_out(to, dst, V0));
            }
            Conversion::Trunc { to, from, signed, saturating } => {
                self.emit(encode::fmov_in(from, V0, src));
                match (saturating, to) {
                    (true, _) => self.emit(encode::fcvtz(to, from, signed, dst, V0)),
                    (false, Size::S32) => self.truncate_32(from, signed, dst, wasm),
                    (false, Size::S64) => self.truncate_64(from, signed, dst, wasm),
                }
            }
        }
    }

    fn trap_if_nan(&mut self, size: Size, wasm: u32) {
        self.emit(encode::fcmp(size, V0, V0));
        self.asm.trap_on(VS, Trap::BadConversion, wasm);
    }

    /// Truncates `v0` to 32 bits, or traps.
    fn truncate_32(&mut self, from: Size, signed: bool, dst: Reg, wasm: u32) {
        self.trap_if_nan(from, wasm);
        // 64 bits have room for every i32 and u32; what does not fit them becomes an end of i64, which fits neither.
        self.emit(encode::fcvtz(Size::S64, from, true, TEMP, V0));
        let extend = if signed { encode::Extend::SignedWord } else { encode::Extend::Word };
        self.emit(encode::extended(SUBS, ZR, TEMP, TEMP, extend));
        self.asm.trap_on(NE, Trap::IntegerOverflow, wasm);
        self.three(Size::S32, ORR, dst, ZR, TEMP);
    }

    /// Truncates `v0` to 64 bits, or traps.
    fn truncate_64(&mut self, from: Size, signed: bool, dst: Reg, wasm: u32) {
        self.trap_if_nan(from, wasm);
        // Within [-2^63, 2^63), or (-1, 2^64).
        let (below, floor, exponent) = match signed {
            true => (MI, sign_bit(from) | power(from, 63), 63),
            false => (LS, sign_bit(from) | power(from, 0), 64),
        };
        self.compare_with(from, floor);
        self.asm.trap_on(below, Trap::IntegerOverflow, wasm);
        self.compare_with(from, power(from, exponent));
        self.asm.trap_on(GE, Trap::IntegerOverflow, wasm);
        self.emit(encode::fcvtz(Size::S64, from, signed, dst, V0));
    }

    fn compare_with(&mut self, size: Size, bits: u64) {
        self.constant(TEMP, bits);
        self.emit(encode::fmov_in(size, V1, TEMP));
        self.emit(encode::fcmp(size, V0, V1));
    }
}
