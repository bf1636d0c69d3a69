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
pub(super) fn slot(slot: u64) -> Mem {
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

/// The first bytes of an instruction, up to eight: they are written at once.
#[derive(Clone, Copy, Debug)]
struct Head {
    bytes: u64,
    bits: u32,
}

impl Head {
    /// Prefix and opcode. `reg` and `rm` are the registers in the two places, `index` the one in the SIB byte.
    #[inline(always)]
    fn new(size: Size, op: Op, Reg(reg): Reg, Reg(rm): Reg, Reg(index): Reg, force_rex: bool) -> Head {
        let wide = if size == Size::S64 { 8 } else { 0 };
        let rex = 0x40 | wide | (reg >> 3) << 2 | (index >> 3) << 1 | rm >> 3;
        let (bytes, bits) = match op {
            Op::One(op) => (u64::from(op), 8),
            Op::Two(op) => (0x0f | u64::from(op) << 8, 16),
        };
        if rex != 0x40 || force_rex {
            Head { bytes: bytes << 8 | rex, bits: bits + 8 }
        } else {
            Head { bytes, bits }
        }
    }

    /// One more byte.
    #[inline(always)]
    fn with(self, byte: u64) -> Head {
        Head { bytes: self.bytes | byte << self.bits, bits: self.bits + 8 }
    }

    /// ModRM for two registers.
    #[inline(always)]
    fn registers(self, Reg(reg): Reg, Reg(rm): Reg) -> Head {
        self.with(0xc0 | (reg & 7) << 3 | rm & 7)
    }
}

/// A number of 8 bits as the byte that it is.
fn byte(value: i8) -> u64 {
    u64::from(value as u8)
}

impl Mem {
    fn index_or_none(self) -> Reg {
        self.index.unwrap_or(Reg(0))
    }
}

impl X64 {
    #[inline]
    fn put(&mut self, head: Head) {
        let code = &mut self.ops.ops;
        let end = code.len() + (head.bits / 8) as usize;
        code.extend_from_slice(&head.bytes.to_le_bytes());
        code.truncate(end);
    }

    #[inline]
    fn put_32(&mut self, value: i32) {
        self.ops.ops.extend_from_slice(&value.to_le_bytes());
    }

    fn byte(&mut self, byte: u8) {
        self.ops.ops.push(byte);
    }

    /// An instruction whose ModRM, SIB and displacement name memory.
    #[inline(never)]
    fn memory(&mut self, head: Head, Reg(reg): Reg, mem: Mem) {
        const RBP: u64 = 5;
        const SIB: u64 = 4;
        let reg = (reg & 7) << 3;
        let (base, displacement) = (mem.base.0 & 7, mem.displacement);
        let short = i8::try_from(displacement);
        // Without a displacement `rbp` and `r13` cannot be bases.
        let mode = match short {
            Ok(0) if base != RBP => 0x00,
            Ok(_) => 0x40,
            Err(_) => 0x80,
        };
        let head = match mem.index {
            Some(Reg(index)) => head.with(mode | reg | SIB).with((index & 7) << 3 | base),
            // `rsp` and `r12` are bases with a SIB byte only.
            None if base == RSP.0 => head.with(mode | reg | SIB).with(0x24),
            None => head.with(mode | reg | base),
        };
        match (mode, short) {
            (0x00, _) => self.put(head),
            (_, Ok(short)) => self.put(head.with(byte(short))),
            (_, Err(_)) => {
                self.put(head);
                self.put_32(displacement);
            }
        }
    }

    /// `dst := base + (index << distance)`, for distances up to 3.
    pub(super) fn lea_scaled(&mut self, size: Size, dst: Reg, base: Reg, index: Reg, distance: u8) {
        const SIB: u64 = 4;
        debug_assert!(distance <= 3 && index != RSP);
        let head = Head::new(size, LEA, dst, base, index, false);
        let scaled = u64::from(distance) << 6 | (index.0 & 7) << 3 | base.0 & 7;
        // With a displacement every register can be a base.
        self.put(head.with(0x40 | (dst.0 & 7) << 3 | SIB).with(scaled).with(0));
    }

    /// An instruction with two registers.
    #[inline(never)]
    pub(super) fn rr(&mut self, size: Size, op: Op, reg: Reg, rm: Reg) {
        self.put(Head::new(size, op, reg, rm, Reg(0), false).registers(reg, rm));
    }

    /// The same where the second is read as 8 bits.
    pub(super) fn rr_byte(&mut self, size: Size, op: Op, reg: Reg, rm: Reg) {
        self.put(Head::new(size, op, reg, rm, Reg(0), needs_rex(rm)).registers(reg, rm));
    }

    /// An instruction with a register and memory.
    #[inline(never)]
    pub(super) fn rm(&mut self, size: Size, op: Op, reg: Reg, mem: Mem) {
        self.memory(Head::new(size, op, reg, mem.base, mem.index_or_none(), false), reg, mem);
    }

    /// Stores the low 8 bits.
    pub(super) fn store_byte(&mut self, reg: Reg, mem: Mem) {
        let force_rex = needs_rex(reg);
        let head = Head::new(Size::S32, MOV_STORE_BYTE, reg, mem.base, mem.index_or_none(), force_rex);
        self.memory(head, reg, mem);
    }

    /// Stores the low 16 bits.
    pub(super) fn store_word_16(&mut self, reg: Reg, mem: Mem) {
        self.byte(0x66);
        self.rm(Size::S32, MOV_STORE, reg, mem);
    }

    /// Stores an immediate of 1, 2, 4 or 8 bytes; of 8 it is the sign's extension.
    pub(super) fn store_immediate(&mut self, bytes: u32, mem: Mem, value: i32) {
        let size = if bytes == 8 { Size::S64 } else { Size::S32 };
        if bytes == 2 {
            self.byte(0x66);
        }
        let op = if bytes == 1 { Op::One(0xc6) } else { Op::One(0xc7) };
        self.memory(Head::new(size, op, Reg(0), mem.base, mem.index_or_none(), false), Reg(0), mem);
        let value = value.to_le_bytes();
        self.ops.ops.extend_from_slice(&value[..bytes.min(4) as usize]);
    }

    /// An instruction of the group that has short immediates.
    #[inline(never)]
    pub(super) fn ri(&mut self, size: Size, Extension(op): Extension, rm: Reg, value: i32) {
        let op = Reg(op.into());
        match i8::try_from(value) {
            Ok(short) => {
                let head = Head::new(size, Op::One(0x83), Reg(0), rm, Reg(0), false);
                self.put(head.registers(op, rm).with(byte(short)));
            }
            Err(_) => {
                let head = Head::new(size, Op::One(0x81), Reg(0), rm, Reg(0), false);
                self.put(head.registers(op, rm));
                self.put_32(value);
            }
        }
    }

    /// The same with memory on the left.
    pub(super) fn mi(&mut self, size: Size, Extension(op): Extension, mem: Mem, value: i8) {
        let head = Head::new(size, Op::One(0x83), Reg(0), mem.base, mem.index_or_none(), false);
        self.memory(head, Reg(op.into()), mem);
        self.byte(value as u8);
    }

    /// A shift by a constant.
    pub(super) fn shift_by(&mut self, size: Size, Extension(op): Extension, rm: Reg, distance: u8) {
        let head = Head::new(size, Op::One(0xc1), Reg(0), rm, Reg(0), false);
        self.put(head.registers(Reg(op.into()), rm).with(distance.into()));
    }

    /// A shift by `cl`.
    pub(super) fn shift_by_cl(&mut self, size: Size, Extension(op): Extension, rm: Reg) {
        let head = Head::new(size, Op::One(0xd3), Reg(0), rm, Reg(0), false);
        self.put(head.registers(Reg(op.into()), rm));
    }

    /// An instruction with one operand, of the group that negates and divides.
    pub(super) fn one(&mut self, size: Size, Extension(op): Extension, operand: Source) {
        let op = Reg(op.into());
        match operand {
            Source::Reg(rm) => {
                let head = Head::new(size, Op::One(0xf7), Reg(0), rm, Reg(0), false);
                self.put(head.registers(op, rm));
            }
            Source::Slot(index) => {
                let mem = slot(index);
                self.memory(Head::new(size, Op::One(0xf7), Reg(0), mem.base, Reg(0), false), op, mem);
            }
            Source::Imm(_) => unreachable!("an operand is no immediate"),
        }
    }

    /// `dst := lhs * value`.
    pub(super) fn multiply_by(&mut self, size: Size, dst: Reg, lhs: Reg, value: i32) {
        match i8::try_from(value) {
            Ok(short) => {
                let head = Head::new(size, Op::One(0x6b), dst, lhs, Reg(0), false);
                self.put(head.registers(dst, lhs).with(byte(short)));
            }
            Err(_) => {
                self.put(Head::new(size, Op::One(0x69), dst, lhs, Reg(0), false).registers(dst, lhs));
                self.put_32(value);
            }
        }
    }

    /// Puts a constant into a register and leaves the flags alone.
    pub(super) fn load_immediate(&mut self, dst: Reg, value: u64) {
        let short = 0xb8 | (dst.0 & 7);
        if let Ok(value) = u32::try_from(value) {
            let head = Head { bytes: short, bits: 8 };
            self.put(if dst.0 >= 8 { Head { bytes: 0x41 | short << 8, bits: 16 } } else { head });
            self.put_32(value as i32);
        } else if let Ok(value) = i32::try_from(value as i64) {
            let head = Head::new(Size::S64, Op::One(0xc7), Reg(0), dst, Reg(0), false);
            self.put(head.registers(Reg(0), dst));
            self.put_32(value);
        } else {
            self.put(Head { bytes: 0x48 | dst.0 >> 3 | short << 8, bits: 16 });
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
