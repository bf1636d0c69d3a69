//! Floats on x86-64: bits in general registers, arithmetic in `xmm0` and `xmm1`.
//!
//! Owns the cases where the processor and the law differ: NaNs become the canonical one, minimum and maximum know signed
//! zeros, conversions that do not fit trap or saturate. It must not know where operands are.

use super::{ABOVE, BELOW, EQUAL, NOT_EQUAL, PARITY, X64};
use crate::compile::masm::{
    Conversion, FloatBinary, FloatCompare, FloatUnary, Label, Masm, Reg, Size, Source,
};
use crate::trap::Trap;
use dynasmrt::{DynasmApi, dynasm};

/// An instruction in both widths: `ss` and `sd` forms.
macro_rules! sized {
    ($s:expr, $size:expr, $single:ident, $double:ident, $($operands:tt)*) => {
        match $size {
            Size::S32 => dynasm!($s.ops ; .arch x64 ; $single $($operands)*),
            Size::S64 => dynasm!($s.ops ; .arch x64 ; $double $($operands)*),
        }
    };
}

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

/// 2 to a power below 64, as a float's bits.
fn power(size: Size, exponent: u64) -> u64 {
    match size {
        Size::S32 => (127 + exponent) << 23,
        Size::S64 => (1023 + exponent) << 52,
    }
}

/// -1.0, as bits.
fn minus_one(size: Size) -> u64 {
    sign_bit(size) | power(size, 0)
}

impl X64 {
    fn enter_vector(&mut self, xmm: u8, size: Size, from: Reg) {
        let from = from.number();
        match size {
            Size::S32 => dynasm!(self.ops ; .arch x64 ; movd Rx(xmm), Rd(from)),
            Size::S64 => dynasm!(self.ops ; .arch x64 ; movq Rx(xmm), Rq(from)),
        }
    }

    fn leave_vector(&mut self, size: Size, to: Reg, xmm: u8) {
        let to = to.number();
        match size {
            Size::S32 => dynasm!(self.ops ; .arch x64 ; movd Rd(to), Rx(xmm)),
            Size::S64 => dynasm!(self.ops ; .arch x64 ; movq Rq(to), Rx(xmm)),
        }
    }

    /// Jumps ahead; to be [landed](Self::land).
    fn ahead(&mut self, condition: u8) -> u32 {
        self.forward(condition)
    }

    fn land(&mut self, jump: u32) {
        let here = self.position();
        self.patch(jump, here);
    }

    /// `dst` becomes `xmm0`, or the canonical NaN if that is one.
    fn canonicalize(&mut self, size: Size, dst: Reg) {
        self.leave_vector(size, dst, 0);
        sized!(self, size, ucomiss, ucomisd, xmm0, xmm0);
        let number = self.ahead(PARITY ^ 1);
        self.mov(dst, Source::Imm(canonical_nan(size)));
        self.land(number);
    }

    pub(super) fn emit_float_binary(&mut self, op: FloatBinary, size: Size, dst: Reg, lhs: Reg, rhs: Reg) {
        if op == FloatBinary::Copysign {
            return self.copysign(size, dst, lhs, rhs);
        }
        self.enter_vector(0, size, lhs);
        self.enter_vector(1, size, rhs);
        match op {
            FloatBinary::Add => sized!(self, size, addss, addsd, xmm0, xmm1),
            FloatBinary::Sub => sized!(self, size, subss, subsd, xmm0, xmm1),
            FloatBinary::Mul => sized!(self, size, mulss, mulsd, xmm0, xmm1),
            FloatBinary::Div => sized!(self, size, divss, divsd, xmm0, xmm1),
            FloatBinary::Min | FloatBinary::Max => return self.extremum(op, size, dst),
            FloatBinary::Copysign => unreachable!("done above"),
        }
        self.canonicalize(size, dst);
    }

    /// The lesser or greater of `xmm0` and `xmm1`.
    fn extremum(&mut self, op: FloatBinary, size: Size, dst: Reg) {
        sized!(self, size, ucomiss, ucomisd, xmm0, xmm1);
        let nan = self.ahead(PARITY);
        let differ = self.ahead(NOT_EQUAL);
        // Equal, so either the same bits or zeros of both signs: -0 is the lesser.
        match op {
            FloatBinary::Min => dynasm!(self.ops ; .arch x64 ; orps xmm0, xmm1),
            _ => dynasm!(self.ops ; .arch x64 ; andps xmm0, xmm1),
        }
        let done = self.new_label();
        self.jump(done);
        self.land(nan);
        // The sum of a NaN and anything is one.
        sized!(self, size, addss, addsd, xmm0, xmm1);
        self.jump(done);
        self.land(differ);
        match op {
            FloatBinary::Min => sized!(self, size, minss, minsd, xmm0, xmm1),
            _ => sized!(self, size, maxss, maxsd, xmm0, xmm1),
        }
        self.bind(done);
        self.canonicalize(size, dst);
    }

    fn copysign(&mut self, size: Size, dst: Reg, lhs: Reg, rhs: Reg) {
        self.enter_vector(0, size, lhs);
        self.enter_vector(1, size, rhs);
        // The sign's mask in xmm2: all ones, shifted.
        dynasm!(self.ops ; .arch x64 ; pcmpeqd xmm2, xmm2);
        match size {
            Size::S32 => dynasm!(self.ops ; .arch x64 ; pslld xmm2, BYTE 31),
            Size::S64 => dynasm!(self.ops ; .arch x64 ; psllq xmm2, BYTE 63),
        }
        dynasm!(self.ops
            ; .arch x64
            ; andps xmm1, xmm2
            ; andnps xmm2, xmm0
            ; orps xmm2, xmm1
        );
        self.leave_vector(size, dst, 2);
    }

    pub(super) fn emit_float_unary(&mut self, op: FloatUnary, size: Size, dst: Reg, src: Reg) {
        const NEAREST: i8 = 0;
        const DOWN: i8 = 1;
        const UP: i8 = 2;
        const TOWARDS_ZERO: i8 = 3;
        let to = dst.number();
        match op {
            FloatUnary::Abs | FloatUnary::Neg => {
                self.mov(dst, Source::Reg(src));
                match (op, size) {
                    (FloatUnary::Abs, Size::S32) => dynasm!(self.ops ; .arch x64 ; btr Rd(to), BYTE 31),
                    (FloatUnary::Abs, Size::S64) => dynasm!(self.ops ; .arch x64 ; btr Rq(to), BYTE 63),
                    (_, Size::S32) => dynasm!(self.ops ; .arch x64 ; btc Rd(to), BYTE 31),
                    (_, Size::S64) => dynasm!(self.ops ; .arch x64 ; btc Rq(to), BYTE 63),
                }
                return;
            }
            FloatUnary::Sqrt => {
                self.enter_vector(0, size, src);
                sized!(self, size, sqrtss, sqrtsd, xmm0, xmm0);
            }
            FloatUnary::Ceil | FloatUnary::Floor | FloatUnary::Trunc | FloatUnary::Nearest => {
                self.enter_vector(0, size, src);
                let mode = match op {
                    FloatUnary::Ceil => UP,
                    FloatUnary::Floor => DOWN,
                    FloatUnary::Trunc => TOWARDS_ZERO,
                    _ => NEAREST,
                };
                sized!(self, size, roundss, roundsd, xmm0, xmm0, BYTE mode);
            }
        }
        self.canonicalize(size, dst);
    }

    pub(super) fn emit_float_compare(&mut self, op: FloatCompare, size: Size, dst: Reg, lhs: Reg, rhs: Reg) {
        // "Above" is false for NaNs, "below" is not: exchange the sides instead.
        let (first, second) = match op {
            FloatCompare::Lt | FloatCompare::Le => (rhs, lhs),
            _ => (lhs, rhs),
        };
        self.enter_vector(0, size, first);
        self.enter_vector(1, size, second);
        self.mov(dst, Source::Imm(0));
        let to = dst.number();
        sized!(self, size, ucomiss, ucomisd, xmm0, xmm1);
        match op {
            FloatCompare::Lt | FloatCompare::Gt => dynasm!(self.ops ; .arch x64 ; seta Rb(to)),
            FloatCompare::Le | FloatCompare::Ge => dynasm!(self.ops ; .arch x64 ; setae Rb(to)),
            FloatCompare::Eq => {
                // A NaN is equal to nothing.
                let nan = self.ahead(PARITY);
                dynasm!(self.ops ; .arch x64 ; sete Rb(to));
                self.land(nan);
            }
            FloatCompare::Ne => {
                dynasm!(self.ops ; .arch x64 ; setne Rb(to));
                let number = self.ahead(PARITY ^ 1);
                self.mov(dst, Source::Imm(1));
                self.land(number);
            }
        }
    }

    pub(super) fn emit_conversion(&mut self, op: Conversion, dst: Reg, src: Reg, wasm: u32) {
        match op {
            Conversion::Demote => {
                self.enter_vector(0, Size::S64, src);
                dynasm!(self.ops ; .arch x64 ; cvtsd2ss xmm0, xmm0);
                self.canonicalize(Size::S32, dst);
            }
            Conversion::Promote => {
                self.enter_vector(0, Size::S32, src);
                dynasm!(self.ops ; .arch x64 ; cvtss2sd xmm0, xmm0);
                self.canonicalize(Size::S64, dst);
            }
            Conversion::Convert { to, from, signed } => self.convert_integer(to, from, signed, dst, src),
            Conversion::Trunc { to, from, signed, saturating } => {
                self.enter_vector(0, from, src);
                if saturating {
                    self.truncate_saturating(to, from, signed, dst);
                } else {
                    self.truncate(to, from, signed, dst, wasm);
                }
            }
        }
    }

    /// `src` and `dst` are different registers.
    fn convert_integer(&mut self, to: Size, from: Size, signed: bool, dst: Reg, src: Reg) {
        let (d, s) = (dst.number(), src.number());
        dynasm!(self.ops ; .arch x64 ; xorps xmm0, xmm0);
        match (from, signed) {
            (Size::S32, true) => sized!(self, to, cvtsi2ss, cvtsi2sd, xmm0, Rd(s)),
            // As 64 bits it is not negative.
            (Size::S32, false) | (Size::S64, true) => sized!(self, to, cvtsi2ss, cvtsi2sd, xmm0, Rq(s)),
            (Size::S64, false) => {
                self.test(Size::S64, src);
                let large = self.ahead(SIGN);
                sized!(self, to, cvtsi2ss, cvtsi2sd, xmm0, Rq(s));
                let done = self.new_label();
                self.jump(done);
                self.land(large);
                // Half of it, the lost bit kept so that rounding comes out the same; then twice that.
                dynasm!(self.ops ; .arch x64 ; mov Rq(d), Rq(s) ; shr Rq(d), BYTE 1);
                let even = self.ahead(AT_LEAST);
                dynasm!(self.ops ; .arch x64 ; or Rq(d), BYTE 1);
                self.land(even);
                sized!(self, to, cvtsi2ss, cvtsi2sd, xmm0, Rq(d));
                sized!(self, to, addss, addsd, xmm0, xmm0);
                self.bind(done);
            }
        }
        self.leave_vector(to, dst, 0);
    }

    /// A float's bits in a vector register, by way of a general one.
    fn load_constant(&mut self, xmm: u8, size: Size, bits: u64, by: Reg) {
        self.mov(by, Source::Imm(bits));
        self.enter_vector(xmm, size, by);
    }

    fn truncate_to(&mut self, from: Size, dst: Reg) {
        let to = dst.number();
        sized!(self, from, cvttss2si, cvttsd2si, Rq(to), xmm0);
    }

    /// Truncates `xmm0`, or traps.
    fn truncate(&mut self, to: Size, from: Size, signed: bool, dst: Reg, wasm: u32) {
        let d = dst.number();
        sized!(self, from, ucomiss, ucomisd, xmm0, xmm0);
        self.trap_on(PARITY, Trap::BadConversion, wasm);
        match (to, signed) {
            (Size::S32, _) => {
                // 64 bits have room for every i32 and u32; what does not fit them becomes the least i64.
                self.truncate_to(from, dst);
                dynasm!(self.ops ; .arch x64 ; movq xmm1, Rq(d));
                match signed {
                    true => dynasm!(self.ops ; .arch x64 ; movsxd Rq(d), Rd(d)),
                    false => dynasm!(self.ops ; .arch x64 ; mov Rd(d), Rd(d)),
                }
                // Equal as 64 bits: no lane differs.
                dynasm!(self.ops ; .arch x64 ; movq xmm0, Rq(d) ; pxor xmm0, xmm1 ; ptest xmm0, xmm0);
                self.trap_on(NOT_EQUAL, Trap::IntegerOverflow, wasm);
                dynasm!(self.ops ; .arch x64 ; mov Rd(d), Rd(d));
            }
            (Size::S64, true) => {
                // Within [-2^63, 2^63).
                self.load_constant(1, from, sign_bit(from) | power(from, 63), dst);
                sized!(self, from, ucomiss, ucomisd, xmm0, xmm1);
                self.trap_on(BELOW, Trap::IntegerOverflow, wasm);
                self.load_constant(1, from, power(from, 63), dst);
                sized!(self, from, ucomiss, ucomisd, xmm0, xmm1);
                self.trap_on(AT_LEAST, Trap::IntegerOverflow, wasm);
                self.truncate_to(from, dst);
            }
            (Size::S64, false) => {
                // Within (-1, 2^64).
                self.load_constant(1, from, minus_one(from), dst);
                sized!(self, from, ucomiss, ucomisd, xmm0, xmm1);
                self.trap_on(AT_MOST, Trap::IntegerOverflow, wasm);
                self.load_constant(1, from, power(from, 64), dst);
                sized!(self, from, ucomiss, ucomisd, xmm0, xmm1);
                self.trap_on(AT_LEAST, Trap::IntegerOverflow, wasm);
                self.truncate_to_unsigned(from, dst);
            }
        }
    }

    /// Truncates `xmm0`, which is within (-1, 2^64), to 64 bits without a sign.
    fn truncate_to_unsigned(&mut self, from: Size, dst: Reg) {
        let d = dst.number();
        self.load_constant(1, from, power(from, 63), dst);
        sized!(self, from, ucomiss, ucomisd, xmm0, xmm1);
        let large = self.ahead(AT_LEAST);
        self.truncate_to(from, dst);
        let done = self.new_label();
        self.jump(done);
        self.land(large);
        sized!(self, from, subss, subsd, xmm0, xmm1);
        self.truncate_to(from, dst);
        dynasm!(self.ops ; .arch x64 ; btc Rq(d), BYTE 63);
        self.bind(done);
    }

    /// Truncates `xmm0`; what does not fit becomes the nearest that does, and a NaN 0.
    fn truncate_saturating(&mut self, to: Size, from: Size, signed: bool, dst: Reg) {
        let (least, greatest) = match (to, signed) {
            (Size::S32, true) => (0x8000_0000, 0x7fff_ffff),
            (Size::S32, false) => (0, 0xffff_ffff),
            (Size::S64, true) => (1 << 63, u64::MAX >> 1),
            (Size::S64, false) => (0, u64::MAX),
        };
        let exponent = match (to, signed) {
            (Size::S32, true) => 31,
            (Size::S32, false) => 32,
            (Size::S64, true) => 63,
            (Size::S64, false) => 64,
        };
        let done: Label = self.new_label();
        self.mov(dst, Source::Imm(0));
        sized!(self, from, ucomiss, ucomisd, xmm0, xmm0);
        let nan = self.ahead(PARITY);
        // From 2^exponent on it is too great.
        self.load_constant(1, from, power(from, exponent), dst);
        self.mov(dst, Source::Imm(greatest));
        sized!(self, from, ucomiss, ucomisd, xmm0, xmm1);
        let great = self.ahead(AT_LEAST);
        // At or below the least it is that; a fraction more is truncated to it as well.
        let floor = if signed { sign_bit(from) | power(from, exponent) } else { minus_one(from) };
        self.load_constant(1, from, floor, dst);
        self.mov(dst, Source::Imm(least));
        sized!(self, from, ucomiss, ucomisd, xmm0, xmm1);
        let small = self.ahead(AT_MOST);
        if (to, signed) == (Size::S64, false) {
            self.truncate_to_unsigned(from, dst);
        } else {
            self.truncate_to(from, dst);
            if to == Size::S32 {
                let d = dst.number();
                dynasm!(self.ops ; .arch x64 ; mov Rd(d), Rd(d));
            }
        }
        self.bind(done);
        self.land(nan);
        self.land(great);
        self.land(small);
    }
}

const SIGN: u8 = 0x8;
/// Of two floats neither of which is a NaN.
const AT_LEAST: u8 = 0x3;
const AT_MOST: u8 = 0x6;

const _: () = assert!(EQUAL == NOT_EQUAL ^ 1 && ABOVE == AT_MOST ^ 1 && BELOW == AT_LEAST ^ 1);
