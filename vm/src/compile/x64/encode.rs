//! Instructions whose registers are known only when they are emitted, as short as they can be.
//!
//! Owns prefixes, ModRM, SIB, displacements and immediates of the common integer instructions. The assembler would give
//! registers that it does not know a REX prefix, a SIB byte and four bytes of displacement each; everything rarer is
//! left to it. It must not know operators.

use super::X64;
use crate::compile::masm::{Reg, Size, Source};

/// An operand in memory: `[base + index + displacement]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mem {
    pub(super) base: Reg,
    pub(super) index: Option<Reg>,
    pub(super) displacement: i32,
}

/// A slot of the frame.
pub(super) fn slot(slot: u32) -> Mem {
    at(RSP, super::slot_offset(slot))
}

/// `[base + displacement]`.
pub(super) fn at(base: Reg, displacement: i32) -> Mem {
    Mem { base, index: None, displacement }
}

const RSP: Reg = Reg(4);

/// Instructions that have a register and a register or memory: their opcode, with `0x0f` before it or not.
#[derive(Clone, Copy, Debug)]
pub(super) enum Op {
    One(u8),
    Two(u8),
}

pub(super) const MOV: Op = Op::One(0x8b);
pub(super) const MOV_STORE: Op = Op::One(0x89);
pub(super) const MOV_STORE_BYTE: Op = Op::One(0x88);
pub(super) const LEA: Op = Op::One(0x8d);
pub(super) const ADD: Op = Op::One(0x03);
pub(super) const OR: Op = Op::One(0x0b);
pub(super) const AND: Op = Op::One(0x23);
pub(super) const SUB: Op = Op::One(0x2b);
pub(super) const XOR: Op = Op::One(0x33);
pub(super) const CMP: Op = Op::One(0x3b);
pub(super) const TEST: Op = Op::One(0x85);
pub(super) const MOVSXD: Op = Op::One(0x63);
pub(super) const IMUL: Op = Op::Two(0xaf);
pub(super) const MOVZX_BYTE: Op = Op::Two(0xb6);
pub(super) const MOVZX_WORD: Op = Op::Two(0xb7);
pub(super) const MOVSX_BYTE: Op = Op::Two(0xbe);
pub(super) const MOVSX_WORD: Op = Op::Two(0xbf);

/// Instructions with an immediate, or with one operand, are told apart by a number in place of a register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Extension(pub(super) u8);

/// Of opcodes `0x81` and `0x83`.
pub(super) const ADD_IMM: Extension = Extension(0);
pub(super) const OR_IMM: Extension = Extension(1);
pub(super) const AND_IMM: Extension = Extension(4);
pub(super) const SUB_IMM: Extension = Extension(5);
pub(super) const XOR_IMM: Extension = Extension(6);
pub(super) const CMP_IMM: Extension = Extension(7);
/// Of opcodes `0xc1` and `0xd3`.
pub(super) const ROL: Extension = Extension(0);
pub(super) const ROR: Extension = Extension(1);
pub(super) const SHL: Extension = Extension(4);
pub(super) const SHR: Extension = Extension(5);
pub(super) const SAR: Extension = Extension(7);
/// Of opcode `0xf7`.
pub(super) const NEG: Extension = Extension(3);
pub(super) const MUL: Extension = Extension(4);
pub(super) const DIV: Extension = Extension(6);
pub(super) const IDIV: Extension = Extension(7);

/// Whether a register of 8 bits needs a REX prefix to be named, and not the upper half of another.
fn needs_rex(Reg(register): Reg) -> bool {
    register >= 4
}

impl X64 {
    fn byte(&mut self, byte: u8) {
        self.ops.ops.push(byte);
    }

    /// Prefix and opcode. `reg` and `rm` are the registers in the two places, `index` the one in the SIB byte.
    #[inline]
    fn opcode(&mut self, size: Size, op: Op, reg: u8, rm: u8, index: u8, force_rex: bool) {
        let wide = if size == Size::S64 { 8 } else { 0 };
        let rex = 0x40 | wide | (reg >> 3) << 2 | (index >> 3) << 1 | rm >> 3;
        if rex != 0x40 || force_rex {
            self.byte(rex);
        }
        match op {
            Op::One(op) => self.byte(op),
            Op::Two(op) => self.ops.ops.extend_from_slice(&[0x0f, op]),
        }
    }

    /// ModRM, SIB and displacement of an operand in memory.
    #[inline]
    fn modrm(&mut self, reg: u8, mem: Mem) {
        const RBP: u8 = 5;
        let reg = (reg & 7) << 3;
        let (base, displacement) = (mem.base.0 & 7, mem.displacement);
        let short = i8::try_from(displacement);
        // Without a displacement `rbp` and `r13` cannot be bases.
        let mode = match short {
            Ok(0) if base != RBP => 0x00,
            Ok(_) => 0x40,
            Err(_) => 0x80,
        };
        match mem.index {
            Some(Reg(index)) => {
                let sib = (index & 7) << 3 | base;
                self.ops.ops.extend_from_slice(&[mode | reg | 4, sib]);
            }
            // `rsp` and `r12` are bases with a SIB byte only.
            None if base == RSP.0 => self.ops.ops.extend_from_slice(&[mode | reg | 4, 0x24]),
            None => self.byte(mode | reg | base),
        }
        match (mode, short) {
            (0x00, _) => {}
            (_, Ok(short)) => self.byte(short as u8),
            (_, Err(_)) => self.ops.ops.extend_from_slice(&displacement.to_le_bytes()),
        }
    }

    /// An instruction with two registers.
    #[inline]
    pub(super) fn rr(&mut self, size: Size, op: Op, Reg(reg): Reg, Reg(rm): Reg) {
        self.opcode(size, op, reg, rm, 0, false);
        self.byte(0xc0 | (reg & 7) << 3 | (rm & 7));
    }

    /// The same where the second is read as 8 bits.
    pub(super) fn rr_byte(&mut self, size: Size, op: Op, Reg(reg): Reg, rm: Reg) {
        self.opcode(size, op, reg, rm.0, 0, needs_rex(rm));
        self.byte(0xc0 | (reg & 7) << 3 | (rm.0 & 7));
    }

    /// An instruction with a register and memory.
    #[inline]
    pub(super) fn rm(&mut self, size: Size, op: Op, Reg(reg): Reg, mem: Mem) {
        self.opcode(size, op, reg, mem.base.0, mem.index.map_or(0, |index| index.0), false);
        self.modrm(reg, mem);
    }

    /// Stores the low 8 bits.
    pub(super) fn store_byte(&mut self, reg: Reg, mem: Mem) {
        let index = mem.index.map_or(0, |index| index.0);
        self.opcode(Size::S32, MOV_STORE_BYTE, reg.0, mem.base.0, index, needs_rex(reg));
        self.modrm(reg.0, mem);
    }

    /// Stores the low 16 bits.
    pub(super) fn store_word_16(&mut self, reg: Reg, mem: Mem) {
        self.byte(0x66);
        self.rm(Size::S32, MOV_STORE, reg, mem);
    }

    /// Stores an immediate of 1, 2, 4 or 8 bytes; of 8 it is the sign's extension.
    pub(super) fn store_immediate(&mut self, bytes: u32, mem: Mem, value: i32) {
        let index = mem.index.map_or(0, |index| index.0);
        let size = if bytes == 8 { Size::S64 } else { Size::S32 };
        if bytes == 2 {
            self.byte(0x66);
        }
        let op = if bytes == 1 { Op::One(0xc6) } else { Op::One(0xc7) };
        self.opcode(size, op, 0, mem.base.0, index, false);
        self.modrm(0, mem);
        let value = value.to_le_bytes();
        self.ops.ops.extend_from_slice(&value[..bytes.min(4) as usize]);
    }

    /// An instruction of the group that has short immediates.
    #[inline]
    pub(super) fn ri(&mut self, size: Size, Extension(op): Extension, Reg(rm): Reg, value: i32) {
        match i8::try_from(value) {
            Ok(short) => {
                self.opcode(size, Op::One(0x83), 0, rm, 0, false);
                self.ops.ops.extend_from_slice(&[0xc0 | op << 3 | (rm & 7), short as u8]);
            }
            Err(_) => {
                self.opcode(size, Op::One(0x81), 0, rm, 0, false);
                self.byte(0xc0 | op << 3 | (rm & 7));
                self.ops.ops.extend_from_slice(&value.to_le_bytes());
            }
        }
    }

    /// The same with memory on the left.
    pub(super) fn mi(&mut self, size: Size, Extension(op): Extension, mem: Mem, value: i8) {
        self.opcode(size, Op::One(0x83), 0, mem.base.0, mem.index.map_or(0, |index| index.0), false);
        self.modrm(op, mem);
        self.byte(value as u8);
    }

    /// A shift by a constant.
    pub(super) fn shift_by(&mut self, size: Size, Extension(op): Extension, Reg(rm): Reg, distance: u8) {
        self.opcode(size, Op::One(0xc1), 0, rm, 0, false);
        self.ops.ops.extend_from_slice(&[0xc0 | op << 3 | (rm & 7), distance]);
    }

    /// A shift by `cl`.
    pub(super) fn shift_by_cl(&mut self, size: Size, Extension(op): Extension, Reg(rm): Reg) {
        self.opcode(size, Op::One(0xd3), 0, rm, 0, false);
        self.byte(0xc0 | op << 3 | (rm & 7));
    }

    /// An instruction with one operand, of the group that negates and divides.
    pub(super) fn one(&mut self, size: Size, Extension(op): Extension, operand: Source) {
        match operand {
            Source::Reg(Reg(rm)) => {
                self.opcode(size, Op::One(0xf7), 0, rm, 0, false);
                self.byte(0xc0 | op << 3 | (rm & 7));
            }
            Source::Slot(index) => {
                let mem = slot(index);
                self.opcode(size, Op::One(0xf7), 0, mem.base.0, 0, false);
                self.modrm(op, mem);
            }
            Source::Imm(_) => unreachable!("an operand is no immediate"),
        }
    }

    /// `dst := lhs * value`.
    pub(super) fn multiply_by(&mut self, size: Size, Reg(dst): Reg, Reg(lhs): Reg, value: i32) {
        let short = i8::try_from(value);
        self.opcode(size, Op::One(if short.is_ok() { 0x6b } else { 0x69 }), dst, lhs, 0, false);
        self.byte(0xc0 | (dst & 7) << 3 | (lhs & 7));
        match short {
            Ok(short) => self.byte(short as u8),
            Err(_) => self.ops.ops.extend_from_slice(&value.to_le_bytes()),
        }
    }

    /// Puts a constant into a register and leaves the flags alone.
    pub(super) fn load_immediate(&mut self, Reg(dst): Reg, value: u64) {
        let short = 0xb8 | (dst & 7);
        if let Ok(value) = u32::try_from(value) {
            if dst >= 8 {
                self.byte(0x41);
            }
            self.byte(short);
            self.ops.ops.extend_from_slice(&value.to_le_bytes());
        } else if let Ok(value) = i32::try_from(value as i64) {
            self.opcode(Size::S64, Op::One(0xc7), 0, dst, 0, false);
            self.byte(0xc0 | (dst & 7));
            self.ops.ops.extend_from_slice(&value.to_le_bytes());
        } else {
            self.byte(0x48 | dst >> 3);
            self.byte(short);
            self.ops.ops.extend_from_slice(&value.to_le_bytes());
        }
    }

    /// An instruction whose right-hand side is a register or a slot.
    #[inline]
    pub(super) fn rs(&mut self, size: Size, op: Op, dst: Reg, src: Source) {
        match src {
            Source::Reg(src) => self.rr(size, op, dst, src),
            Source::Slot(index) => self.rm(size, op, dst, slot(index)),
            Source::Imm(_) => unreachable!("immediates have forms of their own"),
        }
    }

    /// The same, or an immediate.
    #[inline]
    pub(super) fn rsi(&mut self, size: Size, op: Op, immediate: Extension, dst: Reg, src: Source) {
        match src {
            // What is no immediate of 32 bits is not handed in.
            Source::Imm(value) => self.ri(size, immediate, dst, value as u32 as i32),
            src => self.rs(size, op, dst, src),
        }
    }
}
