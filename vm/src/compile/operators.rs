//! Operators that go on with the next one: numeric, parametric, locals, globals, memory, tables.
//!
//! Owns which instructions each becomes, a method for each family. It must not know control.

use super::fold;
use super::function::{Compiler, Destination, FIRST_SLOT};
use super::magic;
use super::masm::{
    Address, Alu, Cond, Conversion, Division, Divisor, FloatBinary, FloatCompare, FloatUnary, Load, Masm,
    RegSet, Shift, Size, Source, Store, Target, Unary,
};
use super::stack::{Place, Value};
use crate::abi::{GlobalPlace, builtin, import_word, table_header};
use crate::trap::Trap;

/// Numeric operators.
impl<M: Masm> Compiler<'_, M> {
    pub(super) fn constant(&mut self, value: u64) {
        self.settle_flags();
        self.stack.push(Place::Const(value));
    }

    pub(super) fn alu(&mut self, op: Alu, size: Size) {
        if core::mem::take(&mut self.is_added) {
            return;
        }
        let (mut b, mut a) = (self.pop(), self.pop());
        if let (Value::Const(a), Value::Const(b)) = (a, b) {
            self.stack.push(Place::Const(fold::alu(op, size, a, b)));
            return;
        }
        // On the left what may be overwritten, on the right what an instruction can read where it is.
        if op.is_commutative()
            && (matches!(a, Value::Const(_)) || !matches!(a, Value::Reg(_)) && matches!(b, Value::Reg(_)))
        {
            core::mem::swap(&mut a, &mut b);
        }
        if (op, size, b) == (Alu::And, Size::S64, Value::Const(0xffff_ffff)) {
            return self.unary_of(Unary::Wrap, Size::S32, a);
        }
        let rhs = self.right_operand(size, &mut b);
        let destination = self.destination(self.offset + 1, a, b);
        let dst = destination.register();
        let lhs = match a.source() {
            Source::Reg(register) => register,
            // A multiplication by a constant reads its other factor from anywhere, but that is rare.
            source if rhs != Source::Reg(dst) => {
                self.masm.mov(dst, source);
                dst
            }
            _ => self.in_register(&mut a),
        };
        self.masm.alu(op, size, dst, lhs, rhs);
        self.finish_binary(destination, a, b);
    }

    /// An operand as an instruction's right-hand side.
    fn right_operand(&mut self, size: Size, value: &mut Value) -> Source {
        match value.source() {
            Source::Imm(constant) if !M::is_immediate(size, constant) => Source::Reg(self.in_register(value)),
            source => source,
        }
    }

    /// Gives back what operands were in, and pushes the result.
    fn finish_binary(&mut self, destination: Destination, a: Value, b: Value) {
        let dst = destination.register();
        match destination {
            Destination::Temp(_) => {
                self.release_but(a, dst);
                self.release_but(b, dst);
            }
            Destination::Home(_) => {
                self.release(a);
                self.release(b);
            }
        }
        self.push_destination(destination);
    }

    pub(super) fn shift(&mut self, op: Shift, size: Size) {
        let (mut b, mut a) = (self.pop(), self.pop());
        if let Value::Const(distance) = b {
            if let Value::Const(a) = a {
                self.stack.push(Place::Const(fold::shift(op, size, a, distance)));
                return;
            }
            if op == Shift::Shl && self.is_added_next(size, distance) {
                return self.add_shifted(size, a, distance as u8);
            }
            let destination = self.destination(self.offset + 1, a, b);
            let dst = destination.register();
            let lhs = match a.source() {
                Source::Reg(register) => register,
                source => {
                    self.masm.mov(dst, source);
                    dst
                }
            };
            self.masm.shift(op, size, dst, lhs, Source::Imm(distance));
            return self.finish_binary(destination, a, b);
        }
        if self.masm.shifts_freely(op) {
            let lhs = self.in_register(&mut a);
            let distance = self.in_register(&mut b);
            let destination = self.destination(self.offset + 1, a, b);
            self.masm.shift(op, size, destination.register(), lhs, Source::Reg(distance));
            return self.finish_binary(destination, a, b);
        }
        let fixed = RegSet::of(&[M::DISTANCE]);
        let lhs = self.in_register_but(&mut a, fixed);
        if b != Value::Reg(M::DISTANCE) && b != Value::Copy(M::DISTANCE) {
            self.take_this(M::DISTANCE);
            let source = b.source();
            self.masm.mov(M::DISTANCE, source);
            self.release(b);
            b = Value::Reg(M::DISTANCE);
        }
        let destination = match (self.next_home(self.offset + 1), a) {
            (Some(destination), _) => destination,
            (None, Value::Reg(register)) => Destination::Temp(register),
            (None, _) => Destination::Temp(self.take_but(fixed)),
        };
        self.masm.shift(op, size, destination.register(), lhs, Source::Reg(M::DISTANCE));
        self.finish_binary(destination, a, b);
    }

    /// Whether the operator that comes next adds to another operand what is shifted left by so many, and there is an
    /// instruction for both.
    fn is_added_next(&self, size: Size, distance: u64) -> bool {
        const I32_ADD: u8 = 0x6a;
        const I64_ADD: u8 = 0x7c;
        let add = if size == Size::S32 { I32_ADD } else { I64_ADD };
        M::ADDS_SHIFTED
            && matches!(distance, 1..=3)
            && self.env.bytes.get(self.offset as usize + 1) == Some(&add)
            && !matches!(self.stack.top(), None | Some(Place::Const(_)))
    }

    /// Shifts an operand and adds it to the last one: this operator and the next.
    fn add_shifted(&mut self, size: Size, mut shifted: Value, distance: u8) {
        let mut other = self.pop();
        let (rhs, lhs) = (self.in_register(&mut shifted), self.in_register(&mut other));
        let destination = self.destination(self.offset + 2, other, shifted);
        self.masm.add_shifted(size, destination.register(), lhs, rhs, distance);
        self.finish_binary(destination, other, shifted);
        self.is_added = true;
    }

    pub(super) fn divide(&mut self, op: Division, size: Size) {
        let (mut b, a) = (self.pop(), self.pop());
        let mut divisor = Divisor { may_be_zero: true, may_be_minus_one: true };
        if let Value::Const(b) = b {
            if let Value::Const(a) = a
                && let Some(result) = fold::divide(op, size, a, b)
            {
                self.stack.push(Place::Const(result));
                return;
            }
            divisor.may_be_zero = b == 0;
            divisor.may_be_minus_one = b == fold::truncate(size, u64::MAX);
            if b.is_power_of_two() && matches!(op, Division::DivU | Division::RemU) {
                self.push_value(a);
                return match op {
                    Division::DivU => {
                        self.stack.push(Place::Const(u64::from(b.trailing_zeros())));
                        self.shift(Shift::ShrU, size);
                    }
                    _ => {
                        self.stack.push(Place::Const(b - 1));
                        self.alu(Alu::And, size);
                    }
                };
            }
        }
        if let Value::Const(divisor) = b
            && divisor > 2
            && matches!(op, Division::DivU | Division::RemU)
        {
            return self.divide_by(op, size, a, divisor);
        }
        let fixed = RegSet::of(&[M::DIVIDEND, M::REMAINDER]);
        let rhs = match b.source() {
            Source::Reg(register) if !fixed.contains(register) => Source::Reg(register),
            Source::Slot(slot) => Source::Slot(slot),
            Source::Reg(_) | Source::Imm(_) => Source::Reg(self.in_register_but(&mut b, fixed)),
        };
        if a == Value::Copy(M::DIVIDEND) {
            self.claim(M::DIVIDEND);
        } else if a != Value::Reg(M::DIVIDEND) {
            self.take_this(M::DIVIDEND);
            let source = a.source();
            self.masm.mov(M::DIVIDEND, source);
            self.release(a);
        }
        self.take_this(M::REMAINDER);
        self.masm.divide(op, size, rhs, divisor, self.offset);
        self.release(b);
        let (result, other) = match op {
            Division::DivS | Division::DivU => (M::DIVIDEND, M::REMAINDER),
            Division::RemS | Division::RemU => (M::REMAINDER, M::DIVIDEND),
        };
        self.free.insert(other);
        self.push_register(result);
    }

    /// Divides without a sign by a constant that is greater than 2 and no power of two.
    fn divide_by(&mut self, op: Division, size: Size, mut a: Value, divisor: u64) {
        let by = match size {
            // An `i32`'s upper half is zero.
            Size::S32 => magic::reciprocal_32(divisor as u32),
            Size::S64 => magic::reciprocal_64(divisor),
        };
        let dividend = self.in_register_but(&mut a, RegSet::of(&[M::DIVIDEND, M::REMAINDER]));
        self.take_this(M::DIVIDEND);
        self.take_this(M::REMAINDER);
        self.masm.mov(M::DIVIDEND, Source::Reg(dividend));
        self.masm.divide_by(by, dividend);
        if op == Division::DivU {
            self.release(a);
            self.free.insert(M::DIVIDEND);
            self.push_register(M::REMAINDER);
            return;
        }
        // What is left over from the multiple.
        let mut product = Source::Imm(divisor);
        if !M::is_immediate(size, divisor) {
            self.masm.mov(M::DIVIDEND, product);
            product = Source::Reg(M::DIVIDEND);
        }
        self.masm.alu(Alu::Mul, size, M::REMAINDER, M::REMAINDER, product);
        self.masm.alu(Alu::Sub, size, M::DIVIDEND, dividend, Source::Reg(M::REMAINDER));
        self.release(a);
        self.free.insert(M::REMAINDER);
        self.push_register(M::DIVIDEND);
    }

    /// Puts an operand back that has just been taken.
    fn push_value(&mut self, value: Value) {
        match value {
            Value::Const(value) => self.stack.push(Place::Const(value)),
            Value::Reg(register) => self.push_register(register),
            Value::Slot(_) => self.stack.push(Place::Slot),
            Value::Local(slot) => self.stack.push(Place::Local(slot - FIRST_SLOT)),
            Value::Home(home) => self.stack.push(Place::Local(self.home_locals[home.0 as usize])),
            Value::Copy(register) => {
                self.free.insert(register);
                self.stack.push(Place::Local(self.copied_local(register)));
            }
        }
    }

    pub(super) fn unary(&mut self, op: Unary, size: Size) {
        let a = self.pop();
        self.unary_of(op, size, a);
    }

    fn unary_of(&mut self, op: Unary, size: Size, mut a: Value) {
        if let Value::Const(a) = a {
            self.stack.push(Place::Const(fold::unary(op, size, a)));
            return;
        }
        let src = self.in_register(&mut a);
        let destination = self.destination(self.offset + 1, a, a);
        self.masm.unary(op, size, destination.register(), src);
        self.finish_binary(destination, a, a);
    }

    /// `i64.extend_i32_u`: an `i32` has a zero upper half already.
    pub(super) fn extend_u(&mut self) {
        self.settle_flags();
        self.check_operands(&[crate::ValType::I32]);
    }

    pub(super) fn compare(&mut self, cond: Cond, size: Size) {
        self.pay_before_branch(self.offset + 1);
        let (mut b, mut a) = (self.pop(), self.pop());
        let mut cond = cond;
        if let (Value::Const(a), Value::Const(b)) = (a, b) {
            self.stack.push(Place::Const(u64::from(fold::compare(cond, size, a, b))));
            return;
        }
        if matches!(a, Value::Const(_)) {
            core::mem::swap(&mut a, &mut b);
            cond = cond.swapped();
        }
        if b == Value::Const(0) && matches!(cond, Cond::Eq | Cond::Ne | Cond::LtS | Cond::GeS) {
            let lhs = self.in_register(&mut a);
            self.masm.test(size, lhs);
        } else {
            let rhs = self.right_operand(size, &mut b);
            let lhs = self.in_register(&mut a);
            self.masm.compare(size, lhs, rhs);
        }
        self.release(a);
        self.release(b);
        self.stack.push(Place::Flags(cond));
    }

    pub(super) fn eqz(&mut self, size: Size) {
        if let Some(Place::Flags(cond)) = self.stack.top() {
            self.stack.pop();
            self.stack.push(Place::Flags(cond.negated()));
            return;
        }
        self.stack.push(Place::Const(0));
        self.compare(Cond::Eq, size);
    }

    pub(super) fn float_binary(&mut self, op: FloatBinary, size: Size) {
        let (mut b, mut a) = (self.pop(), self.pop());
        let rhs = self.in_register(&mut b);
        let lhs = self.in_register(&mut a);
        let destination = self.destination(self.offset + 1, a, b);
        self.masm.float_binary(op, size, destination.register(), lhs, rhs);
        self.finish_binary(destination, a, b);
    }

    pub(super) fn float_unary(&mut self, op: FloatUnary, size: Size) {
        let mut a = self.pop();
        let src = self.in_register(&mut a);
        let destination = self.destination(self.offset + 1, a, a);
        self.masm.float_unary(op, size, destination.register(), src);
        self.finish_binary(destination, a, a);
    }

    pub(super) fn float_compare(&mut self, op: FloatCompare, size: Size) {
        let (mut b, mut a) = (self.pop(), self.pop());
        let rhs = self.in_register(&mut b);
        let lhs = self.in_register(&mut a);
        let destination = self.destination(self.offset + 1, a, b);
        self.masm.float_compare(op, size, destination.register(), lhs, rhs);
        self.finish_binary(destination, a, b);
    }

    pub(super) fn convert(&mut self, op: Conversion) {
        let mut a = self.pop();
        let src = self.in_register(&mut a);
        // Conversions use their destination before they have read their source for the last time.
        let register = self.take();
        self.masm.convert(op, register, src, self.offset);
        self.release(a);
        self.push_register(register);
    }

    /// Reinterpretations: the same bits for both types.
    pub(super) fn reinterpret(&mut self) {
        self.settle_flags();
    }
}

/// Parametric operators, locals, globals and references.
impl<M: Masm> Compiler<'_, M> {
    pub(super) fn drop_operand(&mut self) {
        self.truncate(self.stack.len() - 1);
    }

    pub(super) fn select(&mut self) {
        let cond = self.pop_condition();
        // From here on no instruction changes the flags.
        let (mut b, mut a) = (self.pop(), self.pop());
        let (cond, dst, other) = match (a, b) {
            (_, Value::Reg(register)) => (cond, register, &mut a),
            (Value::Reg(register), _) => (cond.negated(), register, &mut b),
            _ => {
                let register = self.take();
                let source = b.source();
                self.masm.mov(register, source);
                self.release(b);
                (cond, register, &mut a)
            }
        };
        let mut value = *other;
        let source = match value.source() {
            Source::Imm(_) => Source::Reg(self.in_register(&mut value)),
            source => source,
        };
        self.masm.select(cond, dst, source);
        self.release_but(value, dst);
        self.push_register(dst);
    }

    pub(super) fn local_get(&mut self, local: u64) {
        self.settle_flags();
        self.stack.push(Place::Local(local));
    }

    pub(super) fn local_set(&mut self, local: u64) {
        let home = self.home_set_at(local, self.offset);
        if core::mem::take(&mut self.is_set) {
            self.begin_web(local);
            return self.home_set(home.expect("a home has been set"));
        }
        if let Some(Place::Flags(cond)) = self.stack.top()
            && let Some(home) = home
        {
            self.stack.pop();
            self.detach(local);
            self.begin_web(local);
            self.masm.set(cond, home);
            self.home_set(home);
            return;
        }
        let is_same = home == self.home(local);
        if self.stack.top() == Some(Place::Local(local)) && is_same {
            self.drop_operand();
            return self.begin_same_web(local);
        }
        let mut value = self.pop();
        if let Value::Copy(register) = value
            && self.is_copy_of(register, local)
            && is_same
        {
            self.release(value);
            return self.begin_same_web(local);
        }
        self.detach(local);
        self.begin_web(local);
        match home {
            Some(home) => {
                let source = value.source();
                self.masm.mov(home, source);
                self.home_set(home);
                self.release(value);
            }
            None => {
                self.forget_copy(local);
                let source = match value.source() {
                    Source::Slot(_) => Source::Reg(self.in_register(&mut value)),
                    source => source,
                };
                self.masm.store_slot(self.local_slot(local), source);
                // What was a copy of another local is soon more likely to be wanted as this one.
                if let Value::Copy(register) = value {
                    self.forget_copy(self.copied_local(register));
                    value = Value::Reg(register);
                }
                if let Value::Reg(register) = value {
                    self.note_copy(register, local);
                }
                self.release(value);
            }
        }
    }

    pub(super) fn local_tee(&mut self, local: u64) {
        let is_set = self.is_set;
        let constant = self.stack.top().filter(|place| !is_set && matches!(place, Place::Const(_)));
        self.local_set(local);
        self.stack.push(constant.unwrap_or(Place::Local(local)));
    }

    pub(super) fn global_get(&mut self, global: u32) {
        self.settle_flags();
        let register = self.take();
        match self.env.layout.global(global) {
            GlobalPlace::Value(displacement) => self.masm.load_context(register, displacement),
            GlobalPlace::Address(displacement) => {
                self.masm.load_context(register, displacement);
                self.masm.load_word(register, register, 0);
            }
        }
        self.push_register(register);
    }

    pub(super) fn global_set(&mut self, global: u32) {
        self.settle_flags();
        let mut value = self.pop();
        let source = self.storable(Size::S64, &mut value);
        match self.env.layout.global(global) {
            GlobalPlace::Value(displacement) => self.masm.store_context(displacement, source),
            GlobalPlace::Address(displacement) => {
                let register = self.take();
                self.masm.load_context(register, displacement);
                self.masm.store_word(register, 0, source);
                self.free.insert(register);
            }
        }
        self.release(value);
    }

    /// A value as what can be stored: a register, or an immediate.
    fn storable(&mut self, size: Size, value: &mut Value) -> Source {
        match value.source() {
            Source::Imm(constant) if M::is_immediate(size, constant) => Source::Imm(constant),
            _ => Source::Reg(self.in_register(value)),
        }
    }

    pub(super) fn ref_func(&mut self, function: u32) {
        self.settle_flags();
        let register = self.take();
        if function < self.env.info.imported_functions {
            let displacement = self.env.layout.imported_function(function) + import_word::REFERENCE;
            self.masm.load_context(register, displacement);
        } else {
            self.masm.own_reference(register, function);
        }
        self.push_register(register);
    }
}

/// Memory.
impl<M: Masm> Compiler<'_, M> {
    /// An address from the operand that is its index. A register that the operand was in stays taken.
    fn address(&mut self, index: &mut Value, offset: u32) -> Address {
        match *index {
            Value::Const(index) => Address { index: None, offset: index + u64::from(offset) },
            _ => Address { index: Some(self.in_register(index)), offset: offset.into() },
        }
    }

    /// The operator ends at `next` in the module.
    pub(super) fn load(&mut self, kind: Load, offset: u32) {
        let mut index = self.pop();
        let address = self.address(&mut index, offset);
        let next = self.after_memarg();
        let destination = self.destination(next, index, index);
        let dst = destination.register();
        let needs_scratch = self.masm.needs_scratch(address, kind.bytes());
        let scratch = if needs_scratch { self.take() } else { dst };
        self.masm.load(kind, dst, address, scratch, self.offset);
        if needs_scratch {
            self.free.insert(scratch);
        }
        self.finish_binary(destination, index, index);
    }

    /// Where the operator behind this load or store begins.
    fn after_memarg(&self) -> u32 {
        let mut at = self.offset + 1;
        for _ in 0..2 {
            while self.env.bytes.get(at as usize).is_some_and(|byte| *byte >= 0x80) {
                at += 1;
            }
            at += 1;
        }
        at
    }

    pub(super) fn store(&mut self, kind: Store, offset: u32) {
        self.settle_flags();
        let (mut value, mut index) = (self.pop(), self.pop());
        let size = if kind == Store::B8 { Size::S64 } else { Size::S32 };
        let source = self.storable(size, &mut value);
        let address = self.address(&mut index, offset);
        let needs_scratch = self.masm.needs_scratch(address, kind.bytes());
        let scratch = if needs_scratch { self.take() } else { M::SCRATCH };
        self.masm.store(kind, source, address, scratch, self.offset);
        if needs_scratch {
            self.free.insert(scratch);
        }
        self.release(value);
        self.release(index);
    }

    pub(super) fn memory_size(&mut self) {
        self.settle_flags();
        let register = self.take();
        self.masm.memory_size(register);
        self.push_register(register);
    }

    pub(super) fn memory_grow(&mut self) {
        self.builtin(builtin::MEMORY_GROW, 1, &[], 1);
    }

    pub(super) fn memory_fill(&mut self) {
        self.bulk(Target::MemoryFill);
    }

    pub(super) fn memory_copy(&mut self) {
        self.bulk(Target::MemoryCopy);
    }

    pub(super) fn memory_init(&mut self, segment: u32) {
        self.builtin(builtin::MEMORY_INIT, 3, &[segment], 0);
    }

    pub(super) fn data_drop(&mut self, segment: u32) {
        self.builtin(builtin::DATA_DROP, 0, &[segment], 0);
    }
}

/// Tables.
impl<M: Masm> Compiler<'_, M> {
    pub(super) fn table_get(&mut self, table: u32) {
        self.settle_flags();
        let mut index = self.pop();
        let at = self.in_register(&mut index);
        let register = self.take();
        self.load_element(register, register, at, table);
        self.release(index);
        self.push_register(register);
    }

    pub(super) fn table_set(&mut self, table: u32) {
        self.settle_flags();
        let (mut value, mut index) = (self.pop(), self.pop());
        let source = self.storable(Size::S64, &mut value);
        let at = self.in_register(&mut index);
        let base = self.take();
        self.table_base(base, at, table);
        self.masm.store_indexed(base, at, source);
        self.free.insert(base);
        self.release(value);
        self.release(index);
    }

    pub(super) fn table_size(&mut self, table: u32) {
        self.settle_flags();
        let register = self.take();
        self.masm.load_context(register, self.env.layout.table(table));
        self.masm.load_word(register, register, table_header::LENGTH);
        self.push_register(register);
    }

    pub(super) fn table_grow(&mut self, table: u32) {
        self.builtin(builtin::TABLE_GROW, 2, &[table], 1);
    }

    pub(super) fn table_fill(&mut self, table: u32) {
        self.builtin(builtin::TABLE_FILL, 3, &[table], 0);
    }

    pub(super) fn table_copy(&mut self, to: u32, from: u32) {
        self.builtin(builtin::TABLE_COPY, 3, &[to, from], 0);
    }

    pub(super) fn table_init(&mut self, segment: u32, table: u32) {
        self.builtin(builtin::TABLE_INIT, 3, &[segment, table], 0);
    }

    pub(super) fn elem_drop(&mut self, segment: u32) {
        self.builtin(builtin::ELEM_DROP, 0, &[segment], 0);
    }

    pub(super) fn unreachable(&mut self) {
        self.charge();
        self.masm.trap(Trap::Unreachable, self.offset);
        self.live = false;
    }
}
