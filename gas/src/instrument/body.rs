//! One function body with its charges written into it.
//!
//! Owns where in a body the meter is called. It must not know what the meter does, nor sections.
//!
//! ```text
//!   (param i32) (result i32)      i64.const 6   call $enter     room for the frame
//!                                 block (result i32)            every way out of the body ends at this block's end
//!   local.get 0                     i64.const 3   call $charge  the first run, before its first operator
//!   if                              local.get 0
//!                                   if
//!     i32.const 7                     i64.const 2   call $charge
//!     return                          i32.const 7
//!   end                               br 1                      `return` leaves by the block
//!   loop                            end
//!     br 0                          loop
//!   end                               i64.const 2   call $charge  within the loop: each iteration is a run
//!   unreachable                       br 0
//! end                               end
//!                                   unreachable                 dead
//!                                 end
//!                                 i64.const 6   call $leave
//!                               end
//! ```
//! The block stands where the function's own label stood, so no other label changes. It has no parameters: the
//! function's are locals. A tail call leaves before it is made, and its callee enters.

use super::meter::Meter;
use super::splice::Splice;
use super::types::Types;
use crate::{FunctionPlan, Prices};
use alloc::vec::Vec;
use wasm_encoder::{Encode, Instruction};
use wasmparser::Operator;

/// What is changed at an operator, beside the charge of the run that it starts.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// A `loop`: the charge of its run goes behind it.
    Loop,
    /// A `global.get` or `global.set`, of a global that has this index now.
    Global(u32),
    /// A `return` in so many constructs.
    Return(u32),
    /// A tail call: the frame goes first.
    Leave,
    /// An operator that is priced by length: this function charges for it first.
    Length(u32),
}

#[derive(Clone, Copy, Debug)]
struct Edit {
    /// The operator's range in the module.
    start: u32,
    end: u32,
    change: Change,
}

/// The changes to a body, in order. [`add`](Edits::add) collects them while the body is decoded; when its plan is
/// known, [`write`](Edits::write) writes the new body.
#[derive(Default)]
pub(super) struct Edits {
    edits: Vec<Edit>,
}

/// An operator and what is known about it when it is decoded.
pub(super) struct At<'o, 'a> {
    pub(super) operator: &'o Operator<'a>,
    /// Its range in the module.
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) live: bool,
    /// How many constructs it stands in.
    pub(super) nesting: u32,
}

impl Edits {
    /// Begins another body.
    pub(super) fn clear(&mut self) {
        self.edits.clear();
    }

    /// Notes what must change at an operator. Global indices rise by `globals_shift`. In dead code nothing else changes.
    pub(super) fn add(&mut self, at: &At<'_, '_>, globals_shift: u32, prices: &Prices, meter: &mut Meter) {
        let mut length = |price| Change::Length(meter.length_charger(price));
        let change = match *at.operator {
            Operator::GlobalGet { global_index } | Operator::GlobalSet { global_index } => {
                if globals_shift == 0 {
                    return;
                }
                Change::Global(global_index + globals_shift)
            }
            _ if !at.live => return,
            Operator::Loop { .. } => Change::Loop,
            Operator::Return => Change::Return(at.nesting),
            Operator::ReturnCall { .. } | Operator::ReturnCallIndirect { .. } => Change::Leave,
            Operator::MemoryGrow { .. } => length(prices.memory_grow_page),
            Operator::MemoryFill { .. } => length(prices.memory_fill_byte),
            Operator::MemoryCopy { .. } => length(prices.memory_copy_byte),
            Operator::MemoryInit { .. } => length(prices.memory_init_byte),
            Operator::TableGrow { .. } => length(prices.table_grow_element),
            Operator::TableFill { .. } => length(prices.table_fill_element),
            Operator::TableCopy { .. } => length(prices.table_copy_element),
            Operator::TableInit { .. } => length(prices.table_init_element),
            _ => return,
        };
        self.edits.push(Edit { start: at.start, end: at.end, change });
    }

    /// Writes the body whose range in the module is `start..end` and whose first operator stands at `operators`.
    pub(super) fn write(
        &self,
        module: &[u8],
        [start, operators, end]: [usize; 3],
        (type_index, plan): (u32, FunctionPlan<'_>),
        (meter, types): (&Meter, &mut Types),
        out: &mut Vec<u8>,
    ) {
        let frame_slots = plan.frame_slots();
        let mut body = Splice::new(module, start, out);
        body.copy_to(operators);
        meter.enter(frame_slots, body.out);
        body.out.push(BLOCK);
        types.encode_wrapper(type_index, body.out);

        // The first run begins with the body. Entry is part of it, so it is never free; where the body begins with a
        // `loop`, it has no operators, and the loop's own run comes next.
        let mut runs = plan.runs().iter().copied().peekable();
        if let Some(first) = runs.next() {
            meter.charge(first.price, body.out);
        }
        for edit in &self.edits {
            while let Some(run) = runs.next_if(|run| run.offset < edit.start) {
                body.copy_to(run.offset as usize);
                meter.charge(run.price, body.out);
            }
            body.copy_to(if let Change::Loop = edit.change { edit.end } else { edit.start } as usize);
            if let Some(run) = runs.next_if(|run| run.offset == edit.start) {
                meter.charge(run.price, body.out);
            }
            match edit.change {
                Change::Loop => {}
                Change::Global(index) => {
                    body.copy_to(edit.start as usize + 1);
                    index.encode(body.out);
                    body.skip_to(edit.end as usize);
                }
                Change::Return(nesting) => {
                    Instruction::Br(nesting).encode(body.out);
                    body.skip_to(edit.end as usize);
                }
                Change::Leave => meter.leave(frame_slots, body.out),
                Change::Length(charger) => Instruction::Call(charger).encode(body.out),
            }
        }
        for run in runs {
            body.copy_to(run.offset as usize);
            meter.charge(run.price, body.out);
        }
        body.copy_to(end); // the body's own `end` closes the block now

        meter.leave(frame_slots, body.out);
        Instruction::End.encode(body.out);
    }
}

const BLOCK: u8 = 0x02;
