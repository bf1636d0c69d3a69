//! Calls: arguments, results, and what a call changes.
//!
//! Owns the way of arguments and results between operands and the registers and values of the native ABI. It must not
//! know how a call is encoded.

use super::function::{Compiler, FIRST_SLOT};
use super::masm::{Masm, Reg, RegSet, Source, Target};
use super::stack::{Place, Value};
use crate::abi::REGISTER_ARGUMENTS;

/// Arguments beyond the registers are copied one by one into homes up to this many.
const REGISTERS: u32 = REGISTER_ARGUMENTS as u32;

/// Moves between registers that are to happen at once.
#[derive(Default)]
struct Moves {
    to: [Reg; REGISTER_ARGUMENTS],
    from: [Option<Reg>; REGISTER_ARGUMENTS],
    count: usize,
}

impl Moves {
    fn add(&mut self, to: Reg, from: Reg) {
        self.to[self.count] = to;
        self.from[self.count] = Some(from);
        self.count += 1;
    }
}

impl<M: Masm> Compiler<'_, M> {
    /// Takes the parameters from where the caller has put them to where this function has them. Of those that come in
    /// registers only these are needed, a bit for each.
    pub(super) fn receive_arguments(&mut self, parameters: u32, needed: u64) {
        let in_registers = parameters.min(REGISTERS);
        // First those without a home, so that their registers may become homes of others.
        for local in 0..in_registers.into() {
            if self.home(local).is_none() && needed & 1 << local != 0 {
                self.masm.store_slot(FIRST_SLOT + local, Source::Reg(M::ARGUMENTS[local as usize]));
            }
        }
        let mut moves = Moves::default();
        for local in 0..in_registers.into() {
            if let Some(home) = self.home(local) {
                moves.add(home, M::ARGUMENTS[local as usize]);
            }
        }
        self.move_all(moves);
        if parameters > REGISTERS {
            // The scratch registers of copying are temporaries, or homes that get their values below.
            self.store_argument_homes(in_registers);
            self.masm.values_to_slots(REGISTERS, parameters - REGISTERS, FIRST_SLOT + u64::from(REGISTERS));
            for register in self.taken {
                let local = self.home_locals[register.0 as usize];
                let is_stored = local >= in_registers.into() || self.changed_homes.contains(register);
                if local < parameters.into() && is_stored {
                    self.masm.mov(register, Source::Slot(FIRST_SLOT + local));
                    self.state.dirty.remove(register);
                }
            }
        }
    }

    /// Puts arguments that are in homes into their slots too.
    fn store_argument_homes(&mut self, in_registers: u32) {
        for local in 0..in_registers.into() {
            if let Some(home) = self.home(local)
                && self.changed_homes.contains(home)
            {
                self.masm.store_slot(FIRST_SLOT + local, Source::Reg(home));
            }
        }
    }

    pub(super) fn call(&mut self, function: u32) {
        if !self.live {
            return;
        }
        self.charge();
        self.settle_flags();
        let (parameters, results) = self.env.function_arity(function);
        self.check_arguments(self.env.info.functions[function as usize]);
        self.pass_arguments(parameters, true);
        match function.checked_sub(self.env.info.imported_functions) {
            Some(own) => {
                if self.env.anchors_calls {
                    self.masm.save_anchor();
                }
                self.masm.call(Target::Function(own), self.offset);
                if self.env.anchors_calls {
                    self.masm.restore_anchor();
                }
            }
            None => {
                self.masm.save_anchor();
                let displacement = self.env.layout.imported_function(function);
                self.masm.call_import(function, displacement, self.offset);
                self.masm.restore_anchor();
            }
        }
        self.take_results(results);
        self.check_results(self.env.info.functions[function as usize]);
    }

    pub(super) fn call_indirect(&mut self, type_index: u32, table: u32) {
        if !self.live {
            return;
        }
        self.charge();
        self.settle_flags();
        let (parameters, results) = self.env.arity(type_index);
        self.resolve_callee(type_index, table, parameters, true);
        self.masm.save_anchor();
        self.masm.call_resolved(self.offset);
        self.masm.restore_anchor();
        self.take_results(results);
        self.check_results(type_index);
    }

    pub(super) fn return_call(&mut self, function: u32) {
        if !self.live {
            return;
        }
        self.charge();
        self.settle_flags();
        let (parameters, _) = self.env.function_arity(function);
        self.check_arguments(self.env.info.functions[function as usize]);
        self.pass_arguments(parameters, false);
        self.restore_kept();
        match function.checked_sub(self.env.info.imported_functions) {
            Some(own) => {
                self.masm.release_frame(self.frame_slots);
                self.masm.jump_to(Target::Function(own));
            }
            None => {
                let displacement = self.env.layout.imported_function(function);
                self.masm.jump_to_import(function, displacement, self.frame_slots, self.offset);
            }
        }
        self.live = false;
    }

    pub(super) fn return_call_indirect(&mut self, type_index: u32, table: u32) {
        if !self.live {
            return;
        }
        self.charge();
        self.settle_flags();
        let (parameters, _) = self.env.arity(type_index);
        self.resolve_callee(type_index, table, parameters, false);
        self.restore_kept();
        self.masm.jump_to_resolved(self.frame_slots, self.offset);
        self.live = false;
    }

    /// Takes the index of an indirect call, then the arguments: leaves the address to call in `RESULT` and the arguments
    /// where they are passed.
    fn resolve_callee(&mut self, type_index: u32, table: u32, parameters: u32, returns: bool) {
        let mut index = self.pop();
        // What the address is computed in, and what that needs, is no argument.
        let not = RegSet::of(&[M::RESULT, M::SCRATCH]);
        let at = self.in_register_but(&mut index, not);
        self.take_this(M::RESULT);
        self.take_this(M::SCRATCH);
        self.load_element(M::RESULT, M::SCRATCH, at, table);
        self.masm.resolve(self.env.type_ids[type_index as usize], type_index, self.offset);
        self.free.insert(M::SCRATCH);
        self.release(index);
        self.check_arguments(type_index);
        // The result register is taken, so that no argument is moved through it.
        self.pass_arguments(parameters, returns);
        self.free.insert(M::RESULT);
    }

    /// Moves the last operands, so many, to where arguments are passed, and all others to their slots. Homes are stored if
    /// the call returns here, so that they are needed again.
    fn pass_arguments(&mut self, count: u32, returns: bool) {
        let from = self.stack.len() - count as usize;
        if count > REGISTERS {
            // Stale homes are in their slots; so is every argument afterwards.
            self.flush_top(count);
            self.spill_all();
            self.masm.slots_to_values(
                self.operand_slot(from + REGISTER_ARGUMENTS),
                count - REGISTERS,
                REGISTERS,
            );
        }
        let mut values = [Value::Const(0); REGISTER_ARGUMENTS];
        let in_registers = count.min(REGISTERS) as usize;
        while self.stack.len() > from + in_registers {
            let value = self.pop();
            self.release(value);
        }
        for value in values[..in_registers].iter_mut().rev() {
            *value = self.pop_unloaded();
        }
        self.spill_all();
        if returns {
            self.release_ended();
            self.store_homes(self.changed_homes);
        }
        self.move_to(&M::ARGUMENTS, &values[..in_registers]);
        for value in &values[..in_registers] {
            self.release(*value);
        }
    }

    /// Moves values to registers, all at once.
    fn move_to(&mut self, registers: &[Reg], values: &[Value]) {
        // What is in registers first; after that, nothing reads them.
        let mut moves = Moves::default();
        let mut rest = [None; REGISTER_ARGUMENTS];
        for (at, value) in values.iter().enumerate() {
            match value.source() {
                Source::Reg(register) => moves.add(registers[at], register),
                other => rest[at] = Some(other),
            }
        }
        self.move_all(moves);
        for (register, source) in registers.iter().zip(rest) {
            if let Some(source) = source {
                self.masm.mov(*register, source);
            }
        }
    }

    /// Moves registers as if all at once.
    fn move_all(&mut self, mut moves: Moves) {
        let Moves { to, from, count } = &mut moves;
        loop {
            let (mut moved, mut blocked) = (false, None);
            for at in 0..*count {
                let Some(source) = from[at] else { continue };
                let is_needed = (0..*count).any(|other| other != at && from[other] == Some(to[at]));
                if source == to[at] {
                    from[at] = None;
                } else if is_needed {
                    blocked = Some((at, source));
                    continue;
                } else {
                    self.masm.mov(to[at], Source::Reg(source));
                    from[at] = None;
                }
                moved = true;
            }
            match blocked {
                None => return,
                Some(_) if moved => {}
                Some((at, source)) => {
                    // A cycle. After the exchange one is in place, and what was there is where that came from.
                    let target = to[at];
                    self.masm.exchange(source, target);
                    from[at] = None;
                    for other in from.iter_mut().flatten() {
                        if *other == target {
                            *other = source;
                        } else if *other == source {
                            *other = target;
                        }
                    }
                }
            }
        }
    }

    /// What a call leaves: no home, and its results.
    fn take_results(&mut self, results: u32) {
        self.forget_copies();
        self.state.stale = self.changed_homes.and(self.taken);
        debug_assert!(self.state.dirty.is_empty(), "a home is lost");
        match results {
            0 => {}
            1 => {
                self.take_this(M::RESULT);
                self.push_register(M::RESULT);
            }
            _ => {
                let to = self.operand_slot(self.stack.len());
                self.masm.values_to_slots(0, results, to);
                for _ in 0..results {
                    self.stack.push(Place::Slot);
                }
            }
        }
    }

    /// Fills or copies memory with the last three operands. Homes are left alone.
    pub(super) fn bulk(&mut self, target: Target) {
        self.settle_flags();
        let mut values = [Value::Const(0); 3];
        for value in values.iter_mut().rev() {
            *value = self.pop_unloaded();
        }
        self.spill_all();
        self.move_to(&M::BULK, &values);
        self.masm.bulk(target, self.offset);
        self.forget_copies();
        for value in values {
            self.release(value);
        }
    }

    /// Asks the runtime for a builtin with the last operands, so many, and these constants.
    pub(super) fn builtin(&mut self, builtin: u64, operands: u32, immediates: &[u32], results: u32) {
        self.settle_flags();
        self.pass_arguments(operands, true);
        for (register, immediate) in M::ARGUMENTS[operands as usize..].iter().zip(immediates) {
            self.masm.mov(*register, Source::Imm(u64::from(*immediate)));
        }
        self.masm.call_builtin(builtin, self.offset);
        self.take_results(results);
    }

    /// Loads a table's element, or traps beyond the end. `index` is another register than `dst` and `scratch`, or `dst`.
    pub(super) fn load_element(&mut self, dst: Reg, scratch: Reg, index: Reg, table: u32) {
        self.table_base(scratch, index, table);
        self.masm.load_indexed(dst, scratch, index);
    }

    /// The address of a table's first element; traps if an index is beyond the end.
    pub(super) fn table_base(&mut self, dst: Reg, index: Reg, table: u32) {
        use crate::abi::table_header;
        self.masm.load_context(dst, self.env.layout.table(table));
        self.masm.compare_word(index, dst, table_header::LENGTH);
        let trap = crate::trap::Trap::TableOutOfBounds;
        self.masm.trap_if(super::masm::Cond::GeU, trap, self.offset);
        self.masm.load_word(dst, dst, table_header::BASE);
    }
}
