//! aarch64: the macro-assembler with an encoder of its own.
//!
//! Owns what each operator becomes. `encode` has the instructions, `assembler` labels, islands and stubs, `operand` constants
//! and addresses, `integer` and `float` arithmetic, `calls` what is called, `control` branches, frames and gas, `thunks` the
//! ways in and out. It must not know wasm's stack, nor where locals are. The
//! register file, the frame and the context are the native ABI's.
//!
//! | registers | role |
//! |---|---|
//! | `x0 x7`-`x11` | operands; `x0` is the result |
//! | `x1`-`x6` | arguments, homes of locals, or operands |
//! | `x12`-`x15` | homes of locals, or operands; `x15` unless memory 0 is imported |
//! | `x19`-`x26` | homes that calls keep |
//! | `x16 x17 x30` | within one operator; `x30` is the return address where a function begins and ends |
//! | `x27 x28 sp` | gas, anchor, frame |
//! | `x18 x29` | never touched: the platform's, and the host's frame |
//!
//! Needs nothing beyond ARMv8.0.

mod assembler;
mod calls;
mod control;
mod encode;
mod float;
mod integer;
mod operand;
mod thunks;

#[cfg(test)]
mod tests;

use super::machine::{Assembled, Machine};
use super::magic::Reciprocal;
use super::masm::{
    Address, Alu, Cond, Conversion, Division, Divisor, FloatBinary, FloatCompare, FloatUnary, Label, Load,
    Masm, Reg, RegSet, Shift, Size, Source, Store, Target, Unary,
};
use super::{Env, Fixup, Site};
use crate::abi::{builtin, field, state};
use crate::trap::Trap;
use alloc::vec::Vec;
use assembler::{Assembler, Stub};
use encode::{
    ADD, Condition, EQ, Extend, HI, Imm12, LDR_W, LDR_X, LO, LS, NE, ORR, SP, STR_X, SUB, SUBS, Three, ZR,
    three,
};
use lockstep_gas::Run;

const fn x(register: u64) -> Reg {
    Reg(register)
}

/// Registers that one operator uses for itself: for constants and addresses, for what goes with them, and, within
/// functions, the link register.
const TEMP: Reg = x(16);
const PASSING: Reg = x(17);
const LINK: Reg = x(30);
const GAS: Reg = x(27);
const ANCHOR: Reg = x(28);

/// Traps when a division's quotient has no representation: what `ccmp` leaves when there is nothing to compare.
const NO_FLAGS: u32 = 0;

pub(super) struct Aarch64 {
    asm: Assembler,
    explicit_bounds: bool,
    /// The register that holds the base of memory 0.
    memory: Reg,
    /// A comparison with 0 that ended here: a branch may do without it.
    tested: Option<(u32, Size, Reg)>,
}

impl Machine for Aarch64 {
    const REACH: usize = assembler::REACH;

    fn new(env: &Env<'_>, bytes: usize, largest: usize) -> Aarch64 {
        Aarch64 {
            asm: Assembler::new(env.far_calls, bytes, largest),
            explicit_bounds: env.options.explicit_bounds,
            memory: if env.imports_memory() { Self::IMPORTED_BASE } else { ANCHOR },
            tested: None,
        }
    }

    fn begin_function(&mut self) -> u32 {
        assembler::align(&mut self.asm.code);
        self.asm.begin_function();
        self.tested = None;
        self.position()
    }

    fn into_parts(self) -> (Vec<u8>, Vec<Site>, Vec<Fixup>) {
        (self.asm.code, self.asm.sites, self.asm.fixups)
    }

    fn thunks(env: &Env<'_>) -> Assembled {
        thunks::thunks(env)
    }

    fn align(code: &mut Vec<u8>) {
        assembler::align(code);
    }

    fn relocate(code: &mut [u8], at: u32, start: u32, target: u32) {
        assembler::relocate(code, at, start, target);
    }
}

/// The machine's number of a condition.
fn condition(cond: Cond) -> Condition {
    match cond {
        Cond::Eq => EQ,
        Cond::Ne => NE,
        Cond::LtS => encode::LT,
        Cond::LtU => LO,
        Cond::GtS => encode::GT,
        Cond::GtU => HI,
        Cond::LeS => encode::LE,
        Cond::LeU => LS,
        Cond::GeS => encode::GE,
        Cond::GeU => encode::HS,
    }
}

/// Bytes from the stack pointer to a slot.
fn slot_offset(slot: u64) -> i64 {
    // Frames are limited far below 2^28 slots.
    slot as i64 * 8
}

/// The low bits that an immediate of this size has.
fn truncate(size: Size, value: u64) -> u64 {
    match size {
        Size::S32 => value & 0xffff_ffff,
        Size::S64 => value,
    }
}

impl Aarch64 {
    #[inline]
    fn emit(&mut self, word: u32) {
        self.asm.emit(word);
    }

    fn three(&mut self, size: Size, op: Three, d: Reg, n: Reg, m: Reg) {
        self.emit(three(size, op, d, n, m));
    }

    fn copy(&mut self, dst: Reg, src: Reg) {
        if dst != src {
            self.three(Size::S64, ORR, dst, ZR, src);
        }
    }

    /// A right-hand side in a register: `TEMP` where it had none.
    fn operand(&mut self, size: Size, src: Source) -> Reg {
        match src {
            Source::Reg(register) => register,
            Source::Imm(value) => {
                self.constant(TEMP, truncate(size, value));
                TEMP
            }
            Source::Slot(slot) => {
                self.load_at(LDR_X, TEMP, SP, slot_offset(slot));
                TEMP
            }
        }
    }

    /// Adds to the stack pointer, or another register, a number of bytes.
    fn move_pointer(&mut self, subtracts: bool, d: Reg, n: Reg, bytes: i64) {
        // Frames are limited far below 2^31 bytes.
        let bytes = bytes as u64;
        let op = if subtracts { SUB } else { ADD };
        match Imm12::new(bytes) {
            Some(imm) => self.emit(encode::add_imm(Size::S64, op, d, n, imm)),
            None => {
                self.constant(PASSING, bytes);
                self.emit(encode::extended(op, d, n, PASSING, Extend::All));
            }
        }
    }
}

impl Masm for Aarch64 {
    const TEMPS: RegSet = RegSet::of(&[x(0), x(7), x(8), x(9), x(10), x(11)]);
    const HOMES: &'static [Reg] = &[
        x(12),
        x(13),
        x(14),
        x(15),
        x(1),
        x(2),
        x(3),
        x(4),
        x(5),
        x(6),
        x(19),
        x(20),
        x(21),
        x(22),
        x(23),
        x(24),
        x(25),
        x(26),
    ];
    const KEPT: RegSet = RegSet::of(&[x(19), x(20), x(21), x(22), x(23), x(24), x(25), x(26)]);
    const BULK: [Reg; 3] = [x(8), x(9), x(10)];
    const IMPORTED_BASE: Reg = x(15);
    const ARGUMENTS: [Reg; 6] = [x(1), x(2), x(3), x(4), x(5), x(6)];
    const RESULT: Reg = x(0);
    const SCRATCH: Reg = x(7);
    const DIVIDEND: Reg = x(9);
    const REMAINDER: Reg = x(10);
    // Every register may hold a distance.
    const DISTANCE: Reg = x(10);

    fn position(&self) -> u32 {
        self.asm.position()
    }

    fn site(&mut self, wasm: u32) {
        self.asm.site(wasm);
    }

    fn new_label(&mut self) -> Label {
        self.asm.new_label()
    }

    fn bind(&mut self, label: Label) {
        self.tested = None;
        self.asm.bind(label);
    }

    fn jump(&mut self, label: Label) {
        self.asm.room();
        self.asm.jump(label);
    }

    fn jump_if(&mut self, cond: Cond, label: Label) {
        self.asm.room();
        let (word, otherwise) = self.branches_on(cond);
        self.asm.jump_by(word, otherwise, label);
    }

    fn credit(&mut self, price: u64) {
        self.asm.room();
        self.add_sub(Size::S64, false, false, GAS, GAS, Source::Imm(price));
    }

    fn jump_if_paying(&mut self, cond: Cond, runs: &[Run], credit: u64, label: Label) {
        self.asm.room();
        let (word, _) = self.branches_on(cond);
        let jump = self.asm.branch(word);
        let runs = self.asm.keep(runs);
        self.asm.stub(Stub::Edge { jump, runs, credit, label });
    }

    fn jump_table(&mut self, index: Reg, _: Reg, labels: &[Label]) {
        self.emit_jump_table(index, labels);
    }

    fn trap_if(&mut self, cond: Cond, trap: Trap, wasm: u32) {
        self.asm.room();
        self.asm.trap_on(condition(cond), trap, wasm);
    }

    fn trap(&mut self, trap: Trap, wasm: u32) {
        self.asm.room();
        self.asm.call_trap(trap, wasm);
        // Nothing else begins at the return address, which says where this was.
        self.emit(encode::BRK);
    }

    fn enter(&mut self, frame_slots: u32, check: bool, body: u32) {
        self.emit_enter(frame_slots, check, body);
    }

    fn release_frame(&mut self, frame_slots: u32) {
        self.asm.room();
        self.give_frame_back(frame_slots);
    }

    fn ret(&mut self) {
        self.asm.ret();
    }

    fn charge(&mut self, runs: &[Run]) {
        self.asm.room();
        self.emit_charge(runs);
    }

    fn finish(&mut self) {
        self.asm.room();
        self.asm.finish();
    }

    fn mov(&mut self, dst: Reg, src: Source) {
        self.asm.room();
        match src {
            Source::Reg(register) => self.copy(dst, register),
            Source::Imm(value) => self.constant(dst, value),
            Source::Slot(slot) => self.load_at(LDR_X, dst, SP, slot_offset(slot)),
        }
    }

    fn check_upper_half(&mut self, value: Source, wasm: u32) {
        self.asm.room();
        match value {
            Source::Reg(register) => self.emit(encode::lsr_imm(Size::S64, TEMP, register, 32)),
            Source::Slot(slot) => self.load_at(LDR_W, TEMP, SP, slot_offset(slot) + 4),
            Source::Imm(_) => return,
        }
        self.asm.trap_by(encode::cbnz(Size::S64, TEMP), Trap::Unreachable, wasm);
    }

    fn zero(&mut self, dst: Reg) {
        self.asm.room();
        self.constant(dst, 0);
    }

    fn exchange(&mut self, a: Reg, b: Reg) {
        self.asm.room();
        self.copy(TEMP, a);
        self.copy(a, b);
        self.copy(b, TEMP);
    }

    fn store_slot(&mut self, slot: u64, src: Source) {
        self.asm.room();
        let from = self.storable(src);
        self.load_at(STR_X, from, SP, slot_offset(slot));
    }

    fn copy_slots(&mut self, to: u64, from: u64, count: u32) {
        self.asm.room();
        self.copy_words((SP, slot_offset(to)), (SP, slot_offset(from)), count);
    }

    fn slots_to_values(&mut self, from: u64, count: u32, place: u32) {
        self.asm.room();
        self.load_state(TEMP);
        let values = i64::from(state::VALUES) + slot_offset(place.into());
        self.copy_words((TEMP, values), (SP, slot_offset(from)), count);
    }

    fn values_to_slots(&mut self, place: u32, count: u32, to: u64) {
        self.asm.room();
        self.load_state(TEMP);
        let values = i64::from(state::VALUES) + slot_offset(place.into());
        self.copy_words((SP, slot_offset(to)), (TEMP, values), count);
    }

    fn is_immediate(_: Size, _: u64) -> bool {
        // What an instruction has no room for is as long in a register of the operator's own.
        true
    }

    fn alu(&mut self, op: Alu, size: Size, dst: Reg, lhs: Reg, rhs: Source) {
        self.asm.room();
        self.emit_alu(op, size, dst, lhs, rhs);
    }

    fn shift(&mut self, op: Shift, size: Size, dst: Reg, lhs: Reg, distance: Source) {
        self.asm.room();
        self.emit_shift(op, size, dst, lhs, distance);
    }

    fn shifts_freely(&self, _: Shift) -> bool {
        true
    }

    fn divide(&mut self, op: Division, size: Size, rhs: Source, divisor: Divisor, wasm: u32) {
        self.asm.room();
        self.emit_divide(op, size, rhs, divisor, wasm);
    }

    fn divide_by(&mut self, by: Reciprocal, copy: Reg) {
        self.asm.room();
        self.emit_divide_by(by, copy);
    }

    fn unary(&mut self, op: Unary, size: Size, dst: Reg, src: Reg) {
        self.asm.room();
        self.emit_unary(op, size, dst, src);
    }

    fn compare(&mut self, size: Size, lhs: Reg, rhs: Source) {
        self.asm.room();
        self.add_sub(size, true, true, ZR, lhs, rhs);
    }

    fn test(&mut self, size: Size, value: Reg) {
        self.asm.room();
        self.add_sub(size, true, true, ZR, value, Source::Imm(0));
        self.tested = Some((self.position(), size, value));
    }

    fn set(&mut self, cond: Cond, dst: Reg) {
        self.asm.room();
        self.emit(encode::cset(dst, condition(cond)));
    }

    fn select(&mut self, cond: Cond, dst: Reg, src: Source) {
        self.asm.room();
        let src = self.operand(Size::S64, src);
        self.emit(encode::csel(Size::S64, dst, src, dst, condition(cond)));
    }

    fn float_binary(&mut self, op: FloatBinary, size: Size, dst: Reg, lhs: Reg, rhs: Reg) {
        self.asm.room();
        self.emit_float_binary(op, size, dst, lhs, rhs);
    }

    fn float_unary(&mut self, op: FloatUnary, size: Size, dst: Reg, src: Reg) {
        self.asm.room();
        self.emit_float_unary(op, size, dst, src);
    }

    fn float_compare(&mut self, op: FloatCompare, size: Size, dst: Reg, lhs: Reg, rhs: Reg) {
        self.asm.room();
        self.emit_float_compare(op, size, dst, lhs, rhs);
    }

    fn convert(&mut self, op: Conversion, dst: Reg, src: Reg, wasm: u32) {
        self.asm.room();
        self.emit_conversion(op, dst, src, wasm);
    }

    fn load(&mut self, kind: Load, dst: Reg, address: Address, _: Reg, wasm: u32) {
        self.asm.room();
        self.load_memory(kind, dst, address, wasm);
    }

    fn store(&mut self, kind: Store, src: Source, address: Address, _: Reg, wasm: u32) {
        self.asm.room();
        self.store_memory(kind, src, address, wasm);
    }

    fn needs_scratch(&self, _: Address, _: u32) -> bool {
        false
    }

    fn memory_size(&mut self, dst: Reg) {
        const PAGE_BITS: u32 = 16;
        self.asm.room();
        self.load_at(LDR_X, dst, self.memory, field::MEMORY_LENGTH.into());
        self.emit(encode::lsr_imm(Size::S64, dst, dst, PAGE_BITS));
    }

    fn load_context(&mut self, dst: Reg, displacement: i32) {
        self.load_word(dst, ANCHOR, displacement);
    }

    fn store_context(&mut self, displacement: i32, src: Source) {
        self.store_word(ANCHOR, displacement, src);
    }

    fn load_word(&mut self, dst: Reg, base: Reg, displacement: i32) {
        self.asm.room();
        self.load_at(LDR_X, dst, base, displacement.into());
    }

    fn store_word(&mut self, base: Reg, displacement: i32, src: Source) {
        self.asm.room();
        let from = self.storable(src);
        self.load_at(STR_X, from, base, displacement.into());
    }

    fn load_indexed(&mut self, dst: Reg, base: Reg, index: Reg) {
        self.asm.room();
        self.emit(encode::indexed(LDR_X, dst, base, index, Extend::All, true));
    }

    fn store_indexed(&mut self, base: Reg, index: Reg, src: Source) {
        self.asm.room();
        let from = self.storable(src);
        self.emit(encode::indexed(STR_X, from, base, index, Extend::All, true));
    }

    fn compare_word(&mut self, lhs: Reg, base: Reg, displacement: i32) {
        self.asm.room();
        self.load_at(LDR_X, TEMP, base, displacement.into());
        self.three(Size::S64, SUBS, ZR, lhs, TEMP);
    }

    fn own_reference(&mut self, dst: Reg, function: u32) {
        self.asm.room();
        self.load_at(LDR_X, dst, ANCHOR, field::INSTANCE.into());
        // The lower half is 0.
        self.add_sub(Size::S64, false, false, dst, dst, Source::Imm(function.into()));
    }

    fn save_anchor(&mut self) {
        self.asm.room();
        self.load_at(STR_X, ANCHOR, SP, 0);
    }

    fn restore_anchor(&mut self) {
        self.asm.room();
        self.load_at(LDR_X, ANCHOR, SP, 0);
        if self.memory != ANCHOR {
            self.load_at(LDR_X, self.memory, ANCHOR, field::MEMORY_BASE.into());
        }
    }

    fn call(&mut self, target: Target, wasm: u32) {
        self.asm.room();
        self.asm.call(target);
        self.asm.site(wasm);
    }

    fn jump_to(&mut self, target: Target) {
        self.asm.room();
        self.asm.tail(target);
    }

    fn call_import(&mut self, function: u32, displacement: i32, wasm: u32) {
        self.asm.room();
        self.emit_call_import(function, displacement, wasm);
    }

    fn jump_to_import(&mut self, function: u32, displacement: i32, frame_slots: u32, wasm: u32) {
        self.asm.room();
        self.emit_jump_to_import(function, displacement, frame_slots, wasm);
    }

    fn resolve(&mut self, type_id: u32, type_index: u32, wasm: u32) {
        self.asm.room();
        self.emit_resolve(type_id, type_index, wasm);
    }

    fn call_resolved(&mut self, wasm: u32) {
        self.asm.room();
        self.constant(Self::SCRATCH, 0);
        self.emit(encode::blr(Self::RESULT));
        self.asm.site(wasm);
    }

    fn jump_to_resolved(&mut self, frame_slots: u32, wasm: u32) {
        self.asm.room();
        self.emit_jump_to_resolved(frame_slots, wasm);
    }

    fn bulk(&mut self, target: Target, wasm: u32) {
        self.call(target, wasm);
    }

    fn call_builtin(&mut self, builtin: u64, wasm: u32) {
        debug_assert!(builtin != builtin::RESOLVE);
        self.asm.room();
        self.constant(Self::RESULT, builtin);
        self.asm.call(Target::Builtin);
        self.asm.site(wasm);
    }
}
