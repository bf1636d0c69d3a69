//! Integers on aarch64: arithmetic, shifts, divisions.
//!
//! Owns which instructions an operator of integers takes, and how a constant becomes an immediate. It must not know where
//! operands are.

use super::encode::{self, ADD, ADDS, AND, Bitmask, By, EOR, EQ, Imm12, ORR, SUB, SUBS, Three, VS, ZR};
use super::{Aarch64, NO_FLAGS, PASSING, TEMP, truncate};
use crate::compile::magic::Reciprocal;
use crate::compile::masm::{Alu, Division, Divisor, Masm, Reg, Shift, Size, Source, Unary};
use crate::trap::Trap;

impl Aarch64 {
    pub(super) fn emit_alu(&mut self, op: Alu, size: Size, dst: Reg, lhs: Reg, rhs: Source) {
        match op {
            Alu::Add => self.add_sub(size, false, false, dst, lhs, rhs),
            Alu::Sub => self.add_sub(size, true, false, dst, lhs, rhs),
            Alu::And => self.logical(size, AND, dst, lhs, rhs),
            Alu::Or => self.logical(size, ORR, dst, lhs, rhs),
            Alu::Xor => self.logical(size, EOR, dst, lhs, rhs),
            Alu::Mul => match rhs {
                Source::Imm(value) if truncate(size, value).is_power_of_two() => {
                    let distance = truncate(size, value).trailing_zeros();
                    self.emit(encode::lsl_imm(size, dst, lhs, distance));
                }
                rhs => {
                    let rhs = self.operand(size, rhs);
                    self.emit(encode::mul(size, dst, lhs, rhs));
                }
            },
        }
    }

    pub(super) fn emit_shift(&mut self, op: Shift, size: Size, dst: Reg, lhs: Reg, distance: Source) {
        match distance {
            Source::Imm(value) => {
                let width: u32 = if size == Size::S32 { 32 } else { 64 };
                // Below 64.
                let distance = value as u32 & (width - 1);
                self.emit(match op {
                    Shift::Shl => encode::lsl_imm(size, dst, lhs, distance),
                    Shift::ShrS => encode::asr_imm(size, dst, lhs, distance),
                    Shift::ShrU => encode::lsr_imm(size, dst, lhs, distance),
                    Shift::Rotr => encode::ror_imm(size, dst, lhs, distance),
                    Shift::Rotl => encode::ror_imm(size, dst, lhs, (width - distance) % width),
                });
            }
            distance => {
                let mut by = self.operand(Size::S64, distance);
                let op = match op {
                    Shift::Shl => encode::LSLV,
                    Shift::ShrS => encode::ASRV,
                    Shift::ShrU => encode::LSRV,
                    Shift::Rotr => encode::RORV,
                    Shift::Rotl => {
                        self.three(Size::S32, SUB, TEMP, ZR, by);
                        by = TEMP;
                        encode::RORV
                    }
                };
                self.emit(encode::two(size, op, dst, lhs, by));
            }
        }
    }

    pub(super) fn emit_divide(&mut self, op: Division, size: Size, rhs: Source, divisor: Divisor, wasm: u32) {
        let (dividend, by) = (Self::DIVIDEND, self.operand(size, rhs));
        if divisor.may_be_zero {
            self.trap_if_zero(size, by, wasm);
        }
        if op == Division::DivS && divisor.may_be_minus_one {
            // By -1, the least number has no quotient: it is the one from which subtracting 1 overflows.
            self.add_sub(size, false, true, ZR, by, Source::Imm(1));
            self.emit(encode::ccmp_imm(size, dividend, 1, NO_FLAGS, EQ));
            self.asm.trap_on(VS, Trap::IntegerOverflow, wasm);
        }
        let divide = if matches!(op, Division::DivU | Division::RemU) { encode::UDIV } else { encode::SDIV };
        match op {
            Division::DivS | Division::DivU => self.emit(encode::two(size, divide, dividend, dividend, by)),
            Division::RemS | Division::RemU => {
                self.emit(encode::two(size, divide, PASSING, dividend, by));
                self.emit(encode::msub(size, Self::REMAINDER, PASSING, by, dividend));
            }
        }
    }

    pub(super) fn emit_divide_by(&mut self, by: Reciprocal, copy: Reg) {
        let quotient = Self::REMAINDER;
        self.constant(TEMP, by.factor);
        self.emit(encode::umulh(quotient, copy, TEMP));
        if by.adds {
            self.three(Size::S64, SUB, TEMP, copy, quotient);
            self.emit(encode::shifted(Size::S64, ADD, quotient, quotient, TEMP, By::RightUnsigned, 1));
        }
        if by.shift > 0 {
            self.emit(encode::lsr_imm(Size::S64, quotient, quotient, by.shift));
        }
    }

    pub(super) fn emit_unary(&mut self, op: Unary, size: Size, dst: Reg, src: Reg) {
        match op {
            Unary::Clz => self.emit(encode::one(size, encode::CLZ, dst, src)),
            Unary::Ctz => {
                self.emit(encode::one(size, encode::RBIT, dst, src));
                self.emit(encode::one(size, encode::CLZ, dst, dst));
            }
            Unary::Popcnt => self.popcnt(dst, src),
            Unary::Extend8 => self.emit(encode::sign_extend(size, dst, src, 8)),
            Unary::Extend16 => self.emit(encode::sign_extend(size, dst, src, 16)),
            Unary::Extend32 => self.emit(encode::sign_extend(Size::S64, dst, src, 32)),
            Unary::Wrap => self.three(Size::S32, ORR, dst, ZR, src),
        }
    }

    /// Adds or subtracts, with flags or without; the destination may be `ZR` where flags are set.
    pub(super) fn add_sub(&mut self, size: Size, subtracts: bool, flags: bool, d: Reg, n: Reg, src: Source) {
        let (op, opposite) = match (subtracts, flags) {
            (false, false) => (ADD, SUB),
            (true, false) => (SUB, ADD),
            (false, true) => (ADDS, SUBS),
            (true, true) => (SUBS, ADDS),
        };
        if let Source::Imm(value) = src {
            let value = truncate(size, value);
            if let Some(imm) = Imm12::new(value) {
                return self.emit(encode::add_imm(size, op, d, n, imm));
            }
            // The opposite sets carry in another way where the number is 0 or the least, neither of which comes here.
            if let Some(imm) = Imm12::new(truncate(size, value.wrapping_neg())) {
                return self.emit(encode::add_imm(size, opposite, d, n, imm));
            }
        }
        let m = self.operand(size, src);
        self.three(size, op, d, n, m);
    }

    pub(super) fn logical(&mut self, size: Size, op: Three, d: Reg, n: Reg, src: Source) {
        if let Source::Imm(value) = src
            && let Some(mask) = Bitmask::new(size, truncate(size, value))
        {
            return self.emit(encode::logical_imm(size, op, d, n, mask));
        }
        let m = self.operand(size, src);
        self.three(size, op, d, n, m);
    }

    /// Traps if a register is 0.
    pub(super) fn trap_if_zero(&mut self, size: Size, register: Reg, wasm: u32) {
        self.asm.trap_by(encode::cbz(size, register), Trap::DivideByZero, wasm);
    }
}
