//! What code checks between operators, where it [checks itself](super::checked): for tests.
//!
//! Owns which operands have 32 bits by their types, where an operator passes them on as they are. It must not know how they
//! are checked.

use super::function::Compiler;
use super::masm::{Masm, Source};
use super::stack::Place;
use crate::ValType;

impl<M: Masm> Compiler<'_, M> {
    /// The last operands are arguments for a function of this type.
    pub(super) fn check_arguments(&mut self, type_index: u32) {
        let env = self.env;
        self.check_operands(env.info.types[type_index as usize].params());
    }

    /// The last operands are results of a function of this type.
    pub(super) fn check_results(&mut self, type_index: u32) {
        let env = self.env;
        self.check_operands(env.info.types[type_index as usize].results());
    }

    /// The last operands have these types. No comparison waits in the flags.
    pub(super) fn check_operands(&mut self, types: &[ValType]) {
        if !self.env.options.checked {
            return;
        }
        let from = self.stack.len() - types.len();
        for (depth, ty) in (from..).zip(types) {
            if !matches!(ty, ValType::I32 | ValType::F32) {
                continue;
            }
            let value = match self.stack.place(depth) {
                Place::Const(value) => Source::Imm(value),
                Place::Reg(register) => Source::Reg(register),
                Place::Slot => Source::Slot(self.operand_slot(depth)),
                Place::Local(local) => match self.home(local) {
                    Some(home) if !self.state.stale.contains(home) => Source::Reg(home),
                    _ => Source::Slot(self.local_slot(local)),
                },
                Place::Flags(_) => unreachable!("flags have been settled"),
            };
            self.masm.check_upper_half(value, self.offset);
        }
    }
}
