//! What is out of line: stubs behind a function, and islands within it.
//!
//! Owns when an island must begin, and what is in it. It must not know operators.

use super::{Assembler, Jump, LONG, LabelState, NONE, Reach, SHORT, SLACK};
use crate::compile::aarch64::encode::{self, B, Condition, ZR};
use crate::compile::aarch64::{GAS, LINK, PASSING, TEMP};
use crate::compile::masm::{Label, Size, Target};
use crate::trap::Trap;
use lockstep_gas::Run;

/// What is emitted behind a function, or in an island.
#[derive(Clone, Copy, Debug)]
pub(in crate::compile::aarch64) enum Stub {
    Trap {
        jump: u32,
        trap: Trap,
        wasm: u32,
    },
    /// Of these runs, which have been paid for at once, one could not be paid.
    Gas {
        jump: u32,
        runs: (u32, u32),
    },
    /// Pays for these runs, gives a price back, and goes to the label.
    Edge {
        jump: u32,
        runs: (u32, u32),
        credit: u64,
        label: Label,
    },
    /// The stack may overflow; goes back behind the check.
    Stack {
        jump: u32,
        back: u32,
        wasm: u32,
    },
    /// The callee is not this instance's own.
    Resolve {
        jump: u32,
        back: u32,
        type_index: u32,
        wasm: u32,
    },
}

/// The most bytes that a stub takes: two words of constant, a far call, a branch back.
const STUB_BYTES: u32 = 4 * (2 + 3 + 5);
/// The same for one with runs: a price of four words, paying, a price of two words given back, a far branch; and for each
/// of four runs a price of two words, paying back, a far call.
const RUNS_BYTES: u32 = 4 * (4 + 2 + 3 + 5 + 4 * (2 + 2 + 3));
/// What an island's branches take.
pub(super) const VENEER_BYTES: u32 = 4;
const FAR_BYTES: u32 = 4 * 5;

/// Stubs and islands.
impl Assembler {
    pub(in crate::compile::aarch64) fn stub(&mut self, stub: Stub) {
        let (jump, bytes) = match stub {
            Stub::Gas { jump, .. } | Stub::Edge { jump, .. } => (jump, RUNS_BYTES),
            Stub::Trap { jump, .. } | Stub::Stack { jump, .. } | Stub::Resolve { jump, .. } => {
                (jump, STUB_BYTES)
            }
        };
        self.stubs.push(stub);
        self.hold_short(jump, bytes);
    }

    /// Keeps runs for a stub.
    pub(in crate::compile::aarch64) fn keep(&mut self, runs: &[Run]) -> (u32, u32) {
        // A function has fewer runs than bytes, and each is kept a few times at most.
        let start = self.stub_runs.len() as u32;
        self.stub_runs.extend_from_slice(runs);
        (start, start + runs.len() as u32)
    }

    /// Takes or gives a price, setting the flags.
    fn gas(&mut self, op: encode::Three, price: u64) {
        self.emit(encode::movz(Size::S64, TEMP, price as u16, 0));
        for half in 1..4 {
            let bits = (price >> (16 * half)) as u16;
            if bits != 0 {
                self.emit(encode::movk(Size::S64, TEMP, bits, half));
            }
        }
        self.emit(encode::three(Size::S64, op, GAS, GAS, TEMP));
    }

    /// Finds the run that could not be paid: gives prices back, from the last, until there was enough for all before.
    fn out_of_gas(&mut self, (first, end): (u32, u32)) {
        for at in (first + 1..end).rev() {
            let run = self.stub_runs[at as usize];
            self.gas(encode::ADDS, run.price);
            self.trap_on(encode::HS, Trap::OutOfGas, run.offset);
        }
        let run = self.stub_runs[first as usize];
        self.call_trap(Trap::OutOfGas, run.offset);
    }

    pub(in crate::compile::aarch64) fn trap_by(&mut self, word: u32, trap: Trap, wasm: u32) {
        let jump = self.branch(word);
        self.stub(Stub::Trap { jump, trap, wasm });
    }

    pub(in crate::compile::aarch64) fn trap_on(&mut self, cond: Condition, trap: Trap, wasm: u32) {
        self.trap_by(encode::b_cond(cond), trap, wasm);
    }

    /// Notes that a short branch waits for an island, where it takes so many bytes.
    pub(super) fn hold_short(&mut self, at: u32, bytes: u32) {
        self.short_deadline = self.short_deadline.min(at.saturating_add(SHORT - SLACK)).saturating_sub(bytes);
    }

    /// Notes that a long branch waits for an island. Its far branches stand behind all stubs and short branches of the same
    /// island, which take less than a short branch reaches.
    pub(super) fn hold_long(&mut self, at: u32) {
        self.long_deadline =
            self.long_deadline.min(at.saturating_add(LONG - SHORT - SLACK)).saturating_sub(FAR_BYTES);
    }

    /// Makes an island if the next operator would come too late for it.
    #[inline]
    pub(in crate::compile::aarch64) fn room(&mut self) {
        self.room_for(0);
    }

    /// The same for an operator that emits so many bytes more than most.
    #[inline]
    pub(in crate::compile::aarch64) fn room_for(&mut self, bytes: u32) {
        if self.position().saturating_add(bytes) >= self.short_deadline.min(self.long_deadline) {
            self.island(bytes);
        }
    }

    #[cold]
    fn island(&mut self, bytes: u32) {
        let over = self.branch(B);
        let start = self.position();
        self.emit_stubs();
        self.short_deadline = u32::MAX;
        for index in core::mem::replace(&mut self.short_from, self.jumps.len())..self.jumps.len() {
            self.catch_short(index, start);
        }
        if self.position().saturating_add(bytes + FAR_BYTES) >= self.long_deadline {
            self.long_deadline = u32::MAX;
            for index in core::mem::replace(&mut self.long_from, self.jumps.len())..self.jumps.len() {
                self.catch_long(index);
            }
        }
        let here = self.position();
        self.patch_long(over, here);
    }

    /// Lets a short jump go on from the island that began at `start`.
    fn catch_short(&mut self, index: usize, start: u32) {
        let Jump { at, label, reach, .. } = self.jumps[index];
        let LabelState { position, veneer, .. } = self.labels[label.0 as usize];
        if reach != Reach::Short || position != NONE {
            return;
        }
        if veneer != NONE && veneer >= start {
            self.patch_short(at, veneer);
            self.jumps[index].reach = Reach::Caught;
            return;
        }
        let veneer = self.branch(B);
        self.patch_short(at, veneer);
        self.labels[label.0 as usize].veneer = veneer;
        let jump = &mut self.jumps[index];
        (jump.at, jump.reach) = (veneer, Reach::Long);
        self.hold_long(veneer);
    }

    fn catch_long(&mut self, index: usize) {
        let Jump { at, label, reach, .. } = self.jumps[index];
        if reach != Reach::Long || self.labels[label.0 as usize].position != NONE {
            return;
        }
        let here = self.position();
        self.far_branch();
        self.patch_long(at, here);
        let jump = &mut self.jumps[index];
        (jump.at, jump.reach) = (here, Reach::Any);
    }

    pub(super) fn emit_stubs(&mut self) {
        let mut last: Option<(Trap, u32, u32)> = None;
        let mut next = 0;
        // Stubs may add others.
        while let Some(&stub) = self.stubs.get(next) {
            next += 1;
            let here = self.position();
            match stub {
                Stub::Trap { jump, trap, wasm } => {
                    // One for all jumps of an operator with the same trap.
                    if let Some((last_trap, last_wasm, at)) = last
                        && (last_trap, last_wasm) == (trap, wasm)
                    {
                        self.patch_short(jump, at);
                        continue;
                    }
                    last = Some((trap, wasm, here));
                    self.patch_short(jump, here);
                    self.call_trap(trap, wasm);
                }
                Stub::Gas { jump, runs } => {
                    self.patch_short(jump, here);
                    self.out_of_gas(runs);
                }
                Stub::Edge { jump, runs, credit, label } => {
                    self.patch_short(jump, here);
                    let kept = &self.stub_runs[runs.0 as usize..runs.1 as usize];
                    if !kept.is_empty() {
                        let price = kept.iter().map(|run| run.price).sum();
                        self.gas(encode::SUBS, price);
                        let jump = self.branch(encode::b_cond(encode::LO));
                        self.stubs.push(Stub::Gas { jump, runs });
                    }
                    if credit > 0 {
                        self.gas(encode::ADDS, credit);
                    }
                    self.jump(label);
                }
                Stub::Stack { jump, back, wasm } => {
                    self.patch_short(jump, here);
                    self.emit(encode::three(Size::S64, encode::ORR, PASSING, ZR, LINK));
                    self.call(Target::StackCheck);
                    self.site(wasm);
                    self.branch_back(back);
                }
                Stub::Resolve { jump, back, type_index, wasm } => {
                    self.patch_short(jump, here);
                    // Halves of 16 bits.
                    self.emit(encode::movz(Size::S32, TEMP, type_index as u16, 0));
                    self.emit(encode::movk(Size::S32, TEMP, (type_index >> 16) as u16, 1));
                    self.call(Target::Resolve);
                    self.site(wasm);
                    self.branch_back(back);
                }
            }
        }
        self.stubs.clear();
        self.stub_runs.clear();
    }
}
