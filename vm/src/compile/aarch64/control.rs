//! Branches, frames and gas on aarch64.
//!
//! Owns the instructions that a condition becomes, how a frame is taken, and how runs are paid for. It must not know which
//! labels there are.

use super::assembler::Stub;
use super::encode::{self, ADD, Extend, Imm12, LDR_X, LO, LS, SP, STR_X, SUBS, ZR};
use super::{Aarch64, GAS, LINK, PASSING, TEMP, condition, slot_offset};
use crate::abi::state;
use crate::compile::masm::{Cond, Label, Masm, Reg, Size, Source};
use crate::trap::Trap;
use lockstep_gas::Run;

impl Aarch64 {
    /// The instruction that branches on a condition, and the one that does so on its opposite.
    pub(super) fn branches_on(&mut self, cond: Cond) -> (u32, u32) {
        let (word, otherwise) = match self.tested.take() {
            Some((end, size, register)) if end == self.position() && matches!(cond, Cond::Eq | Cond::Ne) => {
                self.asm.take_back();
                let words = (encode::cbz(size, register), encode::cbnz(size, register));
                return if cond == Cond::Eq { words } else { (words.1, words.0) };
            }
            _ => (condition(cond), condition(cond).negated()),
        };
        (encode::b_cond(word), encode::b_cond(otherwise))
    }

    pub(super) fn pay_or(&mut self, price: u64, wasm: u32) {
        self.add_sub(Size::S64, true, true, GAS, GAS, Source::Imm(price));
        self.asm.trap_on(LO, Trap::OutOfGas, wasm);
    }

    pub(super) fn emit_jump_table(&mut self, index: Reg, labels: &[Label]) {
        // A table has at most as many labels as a body has bytes.
        let count = labels.len() as u32;
        self.asm.room_for(count.saturating_mul(4));
        self.constant(TEMP, u64::from(count - 1));
        self.three(Size::S32, SUBS, ZR, index, TEMP);
        self.emit(encode::csel(Size::S32, index, index, TEMP, LS));
        self.emit(encode::adr(PASSING, 16));
        self.emit(encode::indexed(encode::LDRSW, TEMP, PASSING, index, Extend::Word, true));
        self.three(Size::S64, ADD, TEMP, TEMP, PASSING);
        self.emit(encode::br(TEMP));
        self.asm.table(labels);
    }

    pub(super) fn emit_charge(&mut self, runs: &[Run]) {
        match runs {
            [] => {}
            [run] => self.pay_or(run.price, run.offset),
            runs => {
                let price = runs.iter().map(|run| run.price).sum();
                self.add_sub(Size::S64, true, true, GAS, GAS, Source::Imm(price));
                let jump = self.asm.branch(encode::b_cond(LO));
                let runs = self.asm.keep(runs);
                self.asm.stub(Stub::Gas { jump, runs });
            }
        }
    }

    pub(super) fn emit_enter(&mut self, frame_slots: u32, check: bool, body: u32) {
        let bytes = slot_offset(frame_slots.into());
        if check {
            self.load_state(Self::RESULT);
            self.move_pointer(true, TEMP, SP, bytes);
            self.load_at(LDR_X, PASSING, Self::RESULT, state::MARK.into());
            self.three(Size::S64, SUBS, ZR, TEMP, PASSING);
            let jump = self.asm.branch(encode::b_cond(LO));
            let back = self.position();
            self.asm.stub(Stub::Stack { jump, back, wasm: body });
            self.emit(encode::add_imm(Size::S64, ADD, SP, TEMP, Imm12::default()));
        } else {
            self.move_pointer(true, SP, SP, bytes);
        }
        self.load_at(STR_X, LINK, SP, bytes - 8);
    }
}
