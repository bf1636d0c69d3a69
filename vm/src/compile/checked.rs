//! A machine that distrusts its driver: for tests.
//!
//! Owns what is checked around each method of another machine: that every source of 32 bits has a zero upper half, and so
//! has every result; and what a method may change is changed, so that nobody relies on it. A check that fails traps as
//! `unreachable` at its operator, where no other engine does. It must not know which machine it is.

use super::machine::{Assembled, Machine};
use super::magic::Reciprocal;
use super::masm::{
    Address, Alu, Cond, Conversion, Division, Divisor, FloatBinary, FloatCompare, FloatUnary, Label, Load,
    Masm, Reg, RegSet, Shift, Size, Source, Store, Target, Unary,
};
use super::{Env, Fixup, Site};
use crate::trap::Trap;
use alloc::vec::Vec;
use lockstep_gas::Run;

/// What is left where nothing may be read.
const GARBAGE: u64 = 0xdead_beef_bad0_f00d;

pub(super) struct Checked<M> {
    machine: M,
    /// Where the operator at hand stands.
    wasm: u32,
}

impl<M: Masm> Checked<M> {
    fn check(&mut self, size: Size, value: Source) {
        match value {
            Source::Imm(value) => assert!(size == Size::S64 || value >> 32 == 0, "a constant of 32 bits"),
            value if size == Size::S32 => self.machine.check_upper_half(value, self.wasm),
            _ => {}
        }
    }

    fn check_register(&mut self, size: Size, register: Reg) {
        self.check(size, Source::Reg(register));
    }

    fn check_index(&mut self, address: Address) {
        if let Some(index) = address.index {
            self.check_register(Size::S32, index);
        }
    }

    fn clobber(&mut self, registers: RegSet) {
        for register in registers {
            self.machine.mov(register, Source::Imm(GARBAGE));
        }
    }

    /// After a call: what no call keeps.
    fn clobber_unkept(&mut self) {
        let homes = RegSet::of(M::HOMES).minus(M::KEPT).minus(RegSet::of(&[M::IMPORTED_BASE]));
        self.clobber(M::TEMPS.union(homes).minus(RegSet::of(&[M::RESULT])));
    }
}

/// Methods that are handed on as they are.
macro_rules! hand_on {
    ($($name:ident(&mut self $(, $argument:ident: $ty:ty)*) $(-> $result:ty)?;)*) => {
        $(fn $name(&mut self $(, $argument: $ty)*) $(-> $result)? {
            self.machine.$name($($argument),*)
        })*
    };
}

impl<M: Machine> Machine for Checked<M> {
    const REACH: usize = M::REACH;

    fn new(env: &Env<'_>, bytes: usize, largest: usize) -> Self {
        Checked { machine: M::new(env, bytes, largest), wasm: 0 }
    }

    fn begin_function(&mut self) -> u32 {
        self.machine.begin_function()
    }

    fn into_parts(self) -> (Vec<u8>, Vec<Site>, Vec<Fixup>) {
        self.machine.into_parts()
    }

    fn thunks(env: &Env<'_>) -> Assembled {
        M::thunks(env)
    }

    fn align(code: &mut Vec<u8>) {
        M::align(code);
    }

    fn relocate(code: &mut [u8], at: u32, start: u32, target: u32) {
        M::relocate(code, at, start, target);
    }
}

impl<M: Masm> Masm for Checked<M> {
    const TEMPS: RegSet = M::TEMPS;
    const HOMES: &'static [Reg] = M::HOMES;
    const KEPT: RegSet = M::KEPT;
    const BULK: [Reg; 3] = M::BULK;
    const IMPORTED_BASE: Reg = M::IMPORTED_BASE;
    const ARGUMENTS: [Reg; crate::abi::REGISTER_ARGUMENTS] = M::ARGUMENTS;
    const RESULT: Reg = M::RESULT;
    const SCRATCH: Reg = M::SCRATCH;
    const DIVIDEND: Reg = M::DIVIDEND;
    const REMAINDER: Reg = M::REMAINDER;
    const DISTANCE: Reg = M::DISTANCE;
    const ADDS_SHIFTED: bool = M::ADDS_SHIFTED;

    hand_on! {
        site(&mut self, wasm: u32);
        new_label(&mut self) -> Label;
        bind(&mut self, label: Label);
        jump(&mut self, label: Label);
        jump_if(&mut self, cond: Cond, label: Label);
        trap_if(&mut self, cond: Cond, trap: Trap, wasm: u32);
        trap(&mut self, trap: Trap, wasm: u32);
        release_frame(&mut self, frame_slots: u32);
        ret(&mut self);
        charge(&mut self, runs: &[Run]);
        credit(&mut self, price: u64);
        jump_if_paying(&mut self, cond: Cond, runs: &[Run], credit: u64, label: Label);
        finish(&mut self);
        mov(&mut self, dst: Reg, src: Source);
        zero(&mut self, dst: Reg);
        exchange(&mut self, a: Reg, b: Reg);
        store_slot(&mut self, slot: u64, src: Source);
        select(&mut self, cond: Cond, dst: Reg, src: Source);
        load_context(&mut self, dst: Reg, displacement: i32);
        store_context(&mut self, displacement: i32, src: Source);
        load_word(&mut self, dst: Reg, base: Reg, displacement: i32);
        store_word(&mut self, base: Reg, displacement: i32, src: Source);
        compare_word(&mut self, lhs: Reg, base: Reg, displacement: i32);
        own_reference(&mut self, dst: Reg, function: u32);
        save_anchor(&mut self);
        restore_anchor(&mut self);
        jump_to(&mut self, target: Target);
        jump_to_import(&mut self, function: u32, displacement: i32, frame_slots: u32, wasm: u32);
        jump_to_resolved(&mut self, frame_slots: u32, wasm: u32);
    }

    fn check_upper_half(&mut self, value: Source, wasm: u32) {
        self.machine.check_upper_half(value, wasm);
    }

    fn operator(&mut self, wasm: u32) {
        self.wasm = wasm;
    }

    fn position(&self) -> u32 {
        self.machine.position()
    }

    fn shifts_freely(&self, op: Shift) -> bool {
        self.machine.shifts_freely(op)
    }

    fn needs_scratch(&self, address: Address, bytes: u32) -> bool {
        self.machine.needs_scratch(address, bytes)
    }

    fn is_immediate(size: Size, value: u64) -> bool {
        M::is_immediate(size, value)
    }

    fn enter(&mut self, frame_slots: u32, check: bool, body: u32) {
        self.machine.enter(frame_slots, check, body);
        self.clobber(M::TEMPS.minus(RegSet::of(&M::ARGUMENTS)).minus(RegSet::of(&[M::RESULT])));
    }

    fn jump_table(&mut self, index: Reg, scratch: Reg, labels: &[Label]) {
        self.check_register(Size::S32, index);
        self.machine.jump_table(index, scratch, labels);
    }

    fn copy_slots(&mut self, to: u64, from: u64, count: u32) {
        self.machine.copy_slots(to, from, count);
        self.clobber(RegSet::of(&[M::RESULT, M::SCRATCH]));
    }

    fn slots_to_values(&mut self, from: u64, count: u32, place: u32) {
        self.machine.slots_to_values(from, count, place);
        self.clobber(M::TEMPS.minus(RegSet::of(&[M::RESULT])));
    }

    fn values_to_slots(&mut self, place: u32, count: u32, to: u64) {
        self.machine.values_to_slots(place, count, to);
        self.clobber(M::TEMPS.minus(RegSet::of(&[M::RESULT])));
    }

    fn alu(&mut self, op: Alu, size: Size, dst: Reg, lhs: Reg, rhs: Source) {
        self.check_register(size, lhs);
        self.check(size, rhs);
        self.machine.alu(op, size, dst, lhs, rhs);
        self.check_register(size, dst);
    }

    fn shift(&mut self, op: Shift, size: Size, dst: Reg, lhs: Reg, distance: Source) {
        self.check_register(size, lhs);
        self.check(size, distance);
        self.machine.shift(op, size, dst, lhs, distance);
        self.check_register(size, dst);
    }

    fn add_shifted(&mut self, size: Size, dst: Reg, lhs: Reg, rhs: Reg, distance: u8) {
        self.check_register(size, lhs);
        self.check_register(size, rhs);
        self.machine.add_shifted(size, dst, lhs, rhs, distance);
        self.check_register(size, dst);
    }

    fn divide(&mut self, op: Division, size: Size, rhs: Source, divisor: Divisor, wasm: u32) {
        self.check_register(size, M::DIVIDEND);
        self.check(size, rhs);
        self.machine.divide(op, size, rhs, divisor, wasm);
        let (result, other) = match op {
            Division::DivS | Division::DivU => (M::DIVIDEND, M::REMAINDER),
            Division::RemS | Division::RemU => (M::REMAINDER, M::DIVIDEND),
        };
        self.check_register(size, result);
        self.clobber(RegSet::of(&[other]));
    }

    fn divide_by(&mut self, by: Reciprocal, copy: Reg) {
        self.machine.divide_by(by, copy);
        self.clobber(RegSet::of(&[M::DIVIDEND]));
    }

    fn unary(&mut self, op: Unary, size: Size, dst: Reg, src: Reg) {
        // What is wrapped has 64 bits; what is extended from 32 may have.
        if !matches!(op, Unary::Wrap | Unary::Extend32) {
            self.check_register(size, src);
        }
        self.machine.unary(op, size, dst, src);
        self.check_register(size, dst);
    }

    fn compare(&mut self, size: Size, lhs: Reg, rhs: Source) {
        self.check_register(size, lhs);
        self.check(size, rhs);
        self.machine.compare(size, lhs, rhs);
    }

    fn test(&mut self, size: Size, value: Reg) {
        self.check_register(size, value);
        self.machine.test(size, value);
    }

    fn set(&mut self, cond: Cond, dst: Reg) {
        self.machine.set(cond, dst);
        self.check_register(Size::S32, dst);
    }

    fn float_binary(&mut self, op: FloatBinary, size: Size, dst: Reg, lhs: Reg, rhs: Reg) {
        self.check_register(size, lhs);
        self.check_register(size, rhs);
        self.machine.float_binary(op, size, dst, lhs, rhs);
        self.check_register(size, dst);
    }

    fn float_unary(&mut self, op: FloatUnary, size: Size, dst: Reg, src: Reg) {
        self.check_register(size, src);
        self.machine.float_unary(op, size, dst, src);
        self.check_register(size, dst);
    }

    fn float_compare(&mut self, op: FloatCompare, size: Size, dst: Reg, lhs: Reg, rhs: Reg) {
        self.check_register(size, lhs);
        self.check_register(size, rhs);
        self.machine.float_compare(op, size, dst, lhs, rhs);
        self.check_register(Size::S32, dst);
    }

    fn convert(&mut self, op: Conversion, dst: Reg, src: Reg, wasm: u32) {
        let (to, from) = match op {
            Conversion::Trunc { to, from, .. } | Conversion::Convert { to, from, .. } => (to, from),
            Conversion::Demote => (Size::S32, Size::S64),
            Conversion::Promote => (Size::S64, Size::S32),
        };
        self.check_register(from, src);
        self.machine.convert(op, dst, src, wasm);
        self.check_register(to, dst);
    }

    fn load(&mut self, kind: Load, dst: Reg, address: Address, scratch: Reg, wasm: u32) {
        self.check_index(address);
        self.machine.load(kind, dst, address, scratch, wasm);
        if self.machine.needs_scratch(address, kind.bytes()) && scratch != dst {
            self.clobber(RegSet::of(&[scratch]));
        }
        let size = match kind {
            Load::U8 | Load::U16 | Load::U32 => Size::S32,
            Load::S8(size) | Load::S16(size) => size,
            Load::U64 | Load::S32 => Size::S64,
        };
        self.check_register(size, dst);
    }

    fn store(&mut self, kind: Store, src: Source, address: Address, scratch: Reg, wasm: u32) {
        self.check_index(address);
        self.machine.store(kind, src, address, scratch, wasm);
        if self.machine.needs_scratch(address, kind.bytes()) {
            self.clobber(RegSet::of(&[scratch]));
        }
    }

    fn memory_size(&mut self, dst: Reg) {
        self.machine.memory_size(dst);
        self.check_register(Size::S32, dst);
    }

    fn load_indexed(&mut self, dst: Reg, base: Reg, index: Reg) {
        self.check_register(Size::S32, index);
        self.machine.load_indexed(dst, base, index);
    }

    fn store_indexed(&mut self, base: Reg, index: Reg, src: Source) {
        self.check_register(Size::S32, index);
        self.machine.store_indexed(base, index, src);
    }

    fn call(&mut self, target: Target, wasm: u32) {
        self.machine.call(target, wasm);
        self.clobber_unkept();
    }

    fn call_import(&mut self, function: u32, displacement: i32, wasm: u32) {
        self.machine.call_import(function, displacement, wasm);
        self.clobber_unkept();
    }

    fn resolve(&mut self, type_id: u32, type_index: u32, wasm: u32) {
        self.machine.resolve(type_id, type_index, wasm);
        self.clobber(RegSet::of(&[M::SCRATCH]));
    }

    fn call_resolved(&mut self, wasm: u32) {
        self.machine.call_resolved(wasm);
        self.clobber_unkept();
    }

    fn bulk(&mut self, target: Target, wasm: u32) {
        for register in M::BULK {
            self.check_register(Size::S32, register);
        }
        self.machine.bulk(target, wasm);
        self.clobber(M::TEMPS);
    }

    fn call_builtin(&mut self, builtin: u64, wasm: u32) {
        self.machine.call_builtin(builtin, wasm);
        self.clobber_unkept();
    }
}
