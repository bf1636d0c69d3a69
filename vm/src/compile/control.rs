//! Control: constructs, labels, branches.
//!
//! Owns what is where at a label. It must not know operators that go on with the next one.
//!
//! ```text
//!   operands below the construct   constants, or in their slots: settled when it is opened
//!   a label's values               one: in the result register; a loop's, several, or those of a construct with
//!                                  parameters: in their slots
//!   locals                         in slot or home as the label's first edge had them
//! ```
//! So an edge moves its own values and a few homes; it never depends on how many operands or locals there are.

use super::function::{Compiler, Homes};
use super::masm::{Cond, Label, Masm, Reg, Source};
use super::stack::{Place, Value};
use lockstep_gas::Run;
use wasmparser::{BlockType, BrTable};

/// A construct whose opening operator is live, or the body itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Construct {
    kind: Kind,
    /// Where it begins.
    start: u32,
    /// Operands below its parameters.
    base: u32,
    parameters: u32,
    results: u32,
    label: Label,
    /// What homes are to hold at the label, once an edge has come.
    edges: Option<Homes>,
    /// Whether the label's only value is in the result register.
    in_register: bool,
    /// Where this `br_table` at hand goes first to get here.
    pad: Option<Label>,
    /// What the label owes, once an edge has come.
    owed: Option<Owed>,
    /// Whether a branch has come to the label, or the end of an arm.
    is_reached: bool,
}

/// Runs that are not paid for where edges come together at a label: a range of the compiler's `owed`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Owed {
    start: u32,
    end: u32,
}

impl Owed {
    const NOTHING: Owed = Owed { start: 0, end: 0 };
}

/// What an edge pays on its way to a label: its first unpaid runs, so many, and what it is given back, which is what the label
/// owes, if its other unpaid runs are not that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Toll {
    runs: usize,
    credit: u64,
}

impl Toll {
    const NOTHING: Toll = Toll { runs: 0, credit: 0 };
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Body,
    /// A block, or an `if` whose `else` has come.
    Block,
    Loop,
    /// An `if` whose `else` has not come: where that begins, what homes hold there, and what it owes.
    If(Label, Homes, Owed),
}

impl Construct {
    /// How many values a branch to its label takes.
    fn arity(&self) -> u32 {
        if self.kind == Kind::Loop { self.parameters } else { self.results }
    }
}

impl<M: Masm> Compiler<'_, M> {
    pub(super) fn open_body(&mut self) {
        let label = self.masm.new_label();
        self.constructs.push(Construct {
            kind: Kind::Body,
            start: 0,
            base: 0,
            parameters: 0,
            results: self.results,
            label,
            edges: None,
            in_register: self.results == 1,
            pad: None,
            owed: Some(Owed::NOTHING),
            is_reached: false,
        });
    }

    fn block_type(&self, ty: BlockType) -> (u32, u32) {
        match ty {
            BlockType::Empty => (0, 0),
            BlockType::Type(_) => (0, 1),
            BlockType::FuncType(index) => self.env.arity(index),
        }
    }

    /// Opens a construct whose parameters are the last operands.
    fn open(&mut self, kind: Kind, parameters: u32, results: u32, edges: Option<Homes>) -> Label {
        let label = self.masm.new_label();
        // Heights are limited far below 2^32.
        let base = self.stack.len() as u32 - parameters;
        self.settle_below(base as usize);
        let owed = match kind {
            Kind::Body | Kind::Loop => Some(Owed::NOTHING),
            Kind::Block => None,
            // Where there is no `else`, the edge from here is one to the label.
            Kind::If(_, _, owed) => Some(owed),
        };
        self.constructs.push(Construct {
            kind,
            start: self.offset,
            base,
            parameters,
            results,
            label,
            edges,
            in_register: kind != Kind::Loop && results == 1 && parameters == 0,
            pad: None,
            owed,
            is_reached: false,
        });
        label
    }

    pub(super) fn block(&mut self, ty: BlockType) {
        if !self.live {
            self.dead_constructs += 1;
            return;
        }
        self.begin_run();
        self.settle_flags();
        let (parameters, results) = self.block_type(ty);
        self.open(Kind::Block, parameters, results, None);
    }

    pub(super) fn loop_(&mut self, ty: BlockType) {
        if !self.live {
            self.dead_constructs += 1;
            return;
        }
        self.pay();
        self.settle_flags();
        let (parameters, results) = self.block_type(ty);
        self.flush_top(parameters);
        self.load_needed_homes();
        self.settle_below(self.stack.len() - parameters as usize);
        self.release_ended();
        self.state.dirty = self.changed_homes.and(self.taken);
        let label = self.open(Kind::Loop, parameters, results, Some(self.state));
        // What a latch costs is owed by the head: it is paid for with what comes first in the next iteration. Who enters is
        // given it.
        if let Some(latch) = self.next_latch() {
            self.masm.credit(latch.price);
            self.unpaid.push(latch);
            let owed = self.keep_unpaid();
            self.innermost().owed = Some(owed);
        }
        self.masm.bind(label);
        self.forget_copies();
        self.begin_run();
    }

    pub(super) fn if_(&mut self, ty: BlockType) {
        if !self.live {
            self.dead_constructs += 1;
            return;
        }
        self.begin_run();
        let (parameters, results) = self.block_type(ty);
        let cond = self.pop_condition();
        self.flush_top(parameters);
        self.settle_below(self.stack.len() - parameters as usize);
        let otherwise = self.masm.new_label();
        self.masm.jump_if(cond.negated(), otherwise);
        // Where there is no `else`, the edge from here is one to the label.
        let edges = self.lenient();
        let owed = self.keep_unpaid();
        self.open(Kind::If(otherwise, self.state, owed), parameters, results, Some(edges));
    }

    pub(super) fn else_(&mut self) {
        if self.dead_constructs > 0 {
            return;
        }
        let construct = self.innermost();
        if !construct.is_reached {
            construct.owed = None;
        }
        if self.live {
            self.settle_flags();
            self.fall_to_label();
            let label = self.innermost().label;
            self.masm.jump(label);
        }
        let construct = self.innermost();
        let Kind::If(otherwise, homes, owed) = construct.kind else {
            unreachable!("validated: an `else` has its `if`")
        };
        construct.kind = Kind::Block;
        let (base, parameters, start) = (construct.base, construct.parameters, construct.start);
        self.masm.bind(otherwise);
        self.take_owed(Some(owed));
        self.forget_copies();
        self.live = true;
        self.truncate(base as usize);
        self.come_together(homes, start);
        for _ in 0..parameters {
            self.stack.push(Place::Slot);
        }
    }

    pub(super) fn end(&mut self) {
        if self.dead_constructs > 0 {
            self.dead_constructs -= 1;
            return;
        }
        if self.live {
            self.settle_flags();
        }
        let construct = *self.innermost();
        match construct.kind {
            Kind::Body => return self.end_body(),
            // Nothing comes together behind a loop. Behind a construct that nobody leaves early neither.
            Kind::Loop if self.live => {
                self.constructs.pop();
                return;
            }
            Kind::Block if self.live && construct.edges.is_none() => {
                self.constructs.pop();
                return;
            }
            Kind::Loop | Kind::Block | Kind::If(..) => {}
        }
        if self.live {
            self.fall_to_label();
        }
        let construct = self.constructs.pop().expect("validated: an `end` has its opening");
        if let Kind::If(otherwise, ..) = construct.kind {
            // An `if` without `else` gives what it takes, which is in the same slots.
            self.masm.bind(otherwise);
        }
        if construct.kind != Kind::Loop {
            self.masm.bind(construct.label);
            self.take_owed(construct.owed);
        }
        self.forget_copies();
        // Code behind a construct that nobody leaves is never reached; it may find anything.
        let edges = construct.edges.filter(|_| construct.kind != Kind::Loop).unwrap_or(self.lenient());
        self.live = true;
        self.truncate(construct.base as usize);
        self.come_together(edges, construct.start);
        if construct.in_register {
            self.take_this(M::RESULT);
            self.push_register(M::RESULT);
        } else {
            for _ in 0..construct.results {
                self.stack.push(Place::Slot);
            }
        }
    }

    /// Ends the function: whatever leaves it comes here.
    fn end_body(&mut self) {
        if self.live {
            self.pay();
            self.move_to_label(0, self.stack.len() as u32 - self.results);
        }
        let construct = self.constructs.pop().expect("the body is there");
        self.masm.bind(construct.label);
        self.return_results();
        self.live = false;
    }

    /// Returns, the results being as the body's label has them.
    fn return_results(&mut self) {
        if self.results > 1 {
            self.masm.slots_to_values(self.operand_slot(0), self.results, 0);
        }
        self.restore_kept();
        self.masm.release_frame(self.frame_slots);
        self.masm.ret();
    }

    fn innermost(&mut self) -> &mut Construct {
        self.constructs.last_mut().expect("validated: an `end` has its opening")
    }

    /// Goes on to the label of the innermost construct, at its end.
    fn fall_to_label(&mut self) {
        let index = self.constructs.len() - 1;
        self.agree_with(index);
        let from = self.stack.len() as u32 - self.constructs[index].results;
        self.move_to_label(index, from);
        self.pay_toll(index);
    }

    /// Keeps the runs that are unpaid for a label.
    fn keep_unpaid(&mut self) -> Owed {
        // Labels owe a few runs each at most, and are fewer than bytes.
        let start = self.owed.len() as u32;
        self.owed.extend_from_slice(&self.unpaid);
        Owed { start, end: self.owed.len() as u32 }
    }

    fn runs_owed(&self, owed: Owed) -> &[Run] {
        &self.owed[owed.start as usize..owed.end as usize]
    }

    /// What is owed at a label is unpaid behind it.
    fn take_owed(&mut self, owed: Option<Owed>) {
        self.unpaid.clear();
        if let Some(owed) = owed {
            self.unpaid.extend_from_slice(&self.owed[owed.start as usize..owed.end as usize]);
        }
    }

    /// What an edge has to pay on its way to a label.
    fn toll(&mut self, index: usize) -> Toll {
        self.constructs[index].is_reached = true;
        let Some(owed) = self.constructs[index].owed else {
            self.constructs[index].owed = Some(self.keep_unpaid());
            return Toll::NOTHING;
        };
        let owed = self.runs_owed(owed);
        match self.unpaid.strip_suffix(owed) {
            Some(others) => Toll { runs: others.len(), credit: 0 },
            None => Toll { runs: self.unpaid.len(), credit: owed.iter().map(|run| run.price).sum() },
        }
    }

    /// Pays what is to be paid on the way to a label. Flags have been settled.
    fn pay_toll(&mut self, index: usize) {
        let toll = self.toll(index);
        self.masm.charge(&self.unpaid[..toll.runs]);
        self.give_back(toll);
        self.unpaid.clear();
    }

    fn give_back(&mut self, toll: Toll) {
        if toll.credit > 0 {
            self.masm.credit(toll.credit);
        }
    }

    /// Pays before a branch to a loop, which most go to, what would otherwise be paid out of line.
    fn pay_for_loop(&mut self, index: usize) {
        let toll = self.toll(index);
        self.pay_but(self.unpaid.len() - toll.runs);
    }

    /// Lets homes agree with a label; its first edge decides.
    fn agree_with(&mut self, index: usize) {
        if self.constructs[index].kind == Kind::Body {
            return;
        }
        match self.constructs[index].edges {
            Some(homes) => self.agree(homes, self.constructs[index].start),
            None => self.constructs[index].edges = Some(self.lenient()),
        }
    }

    /// Whether the label's values, the last operands, are where it has them.
    fn is_in_place(&self, index: usize) -> bool {
        let construct = &self.constructs[index];
        let arity = construct.arity();
        if construct.in_register {
            return self.stack.top() == Some(Place::Reg(M::RESULT));
        }
        let from = self.stack.len() - arity as usize;
        arity == 0
            || from == construct.base as usize
                && (from..self.stack.len()).all(|depth| self.stack.place(depth) == Place::Slot)
    }

    /// Moves the label's values, the operands from a depth on, to where it has them. Changes the flags not, and nothing
    /// that is on the stack but these operands.
    fn move_to_label(&mut self, index: usize, from: u32) {
        let construct = self.constructs[index];
        if construct.in_register {
            let source = self.peek_source(self.stack.len() - 1);
            self.masm.mov(M::RESULT, source);
            return;
        }
        let arity = construct.arity();
        if arity > 0 {
            self.flush_top(arity);
            self.copy_down(construct.base, from, arity);
        }
    }

    /// Copies operands that are in their slots to deeper slots.
    fn copy_down(&mut self, to: u32, from: u32, count: u32) {
        if to != from {
            let (to, from) = (self.operand_slot(to as usize), self.operand_slot(from as usize));
            self.masm.copy_slots(to, from, count);
        }
    }

    /// Where an operand can be read that stays on the stack.
    fn peek_source(&mut self, depth: usize) -> Source {
        match self.stack.place(depth) {
            Place::Const(value) => Source::Imm(value),
            Place::Reg(register) => Source::Reg(register),
            Place::Slot => Source::Slot(self.operand_slot(depth)),
            Place::Local(local) => self.local_source(local),
            Place::Flags(_) => unreachable!("flags have been settled"),
        }
    }

    fn label_index(&self, depth: u32) -> usize {
        self.constructs.len() - 1 - depth as usize
    }

    pub(super) fn br(&mut self, depth: u32) {
        if !self.live {
            return;
        }
        self.begin_run();
        self.settle_flags();
        let index = self.label_index(depth);
        self.agree_with(index);
        let from = self.stack.len() as u32 - self.constructs[index].arity();
        self.move_to_label(index, from);
        self.pay_toll(index);
        self.leave_for(index);
        self.live = false;
    }

    /// Jumps to a label whose values are in place.
    fn leave_for(&mut self, index: usize) {
        let construct = self.constructs[index];
        if construct.kind == Kind::Body && self.results <= 1 {
            self.return_results();
        } else {
            self.masm.jump(construct.label);
        }
    }

    /// Pays before a comparison what a branch to a loop on that condition has to pay: most go there, so that it is not
    /// paid for out of line; and it cannot be paid for between the comparison and the branch. The operator behind the
    /// comparison stands there in the module.
    pub(super) fn pay_before_branch(&mut self, at: u32) {
        if !self.unpaid.is_empty()
            && let Some(index) = self.branch_to_loop(at)
        {
            self.pay_for_loop(index);
        }
    }

    /// The loop that the operator at this place in the module, behind any `i32.eqz`, branches to on a condition.
    fn branch_to_loop(&self, mut at: u32) -> Option<usize> {
        const I32_EQZ: u8 = 0x45;
        const BR_IF: u8 = 0x0d;
        while self.env.bytes.get(at as usize) == Some(&I32_EQZ) {
            at += 1;
        }
        match self.env.bytes.get(at as usize..) {
            // A deeper label than one byte can name is outside more than a hundred constructs.
            Some(&[BR_IF, depth, ..]) if depth < 0x80 => {
                let index = self.label_index(depth.into());
                (self.constructs[index].kind == Kind::Loop).then_some(index)
            }
            _ => None,
        }
    }

    pub(super) fn br_if(&mut self, depth: u32) {
        if !self.live {
            return;
        }
        self.begin_run();
        let index = self.label_index(depth);
        if self.constructs[index].kind == Kind::Loop {
            self.pay_for_loop(index);
        }
        let cond = self.pop_condition();
        self.agree_with(index);
        let toll = self.toll(index);
        let construct = self.constructs[index];
        let arity = construct.arity();
        if arity > 0 && !construct.in_register {
            self.flush_top(arity);
        }
        if arity == 0 || self.is_in_place(index) {
            return self.jump_if(cond, toll, construct.label);
        }
        if construct.in_register && self.free.contains(M::RESULT) {
            self.move_top(M::RESULT);
            return self.jump_if(cond, toll, construct.label);
        }
        // Who goes there needs no other operand any more, so that moving may overwrite what they are in.
        let source = construct.in_register.then(|| self.peek_source(self.stack.len() - 1));
        let over = self.masm.new_label();
        self.masm.jump_if(cond.negated(), over);
        self.masm.charge(&self.unpaid[..toll.runs]);
        self.give_back(toll);
        match source {
            Some(source) => self.masm.mov(M::RESULT, source),
            None => self.copy_down(construct.base, self.stack.len() as u32 - arity, arity),
        }
        self.masm.jump(construct.label);
        self.masm.bind(over);
    }

    fn jump_if(&mut self, cond: Cond, toll: Toll, label: Label) {
        if toll == Toll::NOTHING {
            self.masm.jump_if(cond, label);
        } else {
            self.masm.jump_if_paying(cond, &self.unpaid[..toll.runs], toll.credit, label);
        }
    }

    /// Moves the top operand to a register that is free.
    fn move_top(&mut self, register: Reg) {
        let value = self.pop();
        let source = value.source();
        self.claim(register);
        self.masm.mov(register, source);
        self.release_but(value, register);
        self.push_register(register);
    }

    pub(super) fn br_table(&mut self, table: &BrTable<'_>) {
        if !self.live {
            return;
        }
        self.charge();
        self.settle_flags();
        let mut index = self.pop();
        let arity = {
            let default = self.label_index(table.default());
            self.constructs[default].arity()
        };
        self.flush_top(arity);
        self.spill_all();
        // Labels that have edges decide; the others then take what has come of it.
        for depth in table.targets() {
            self.agree_with_known(depth.expect("validated"));
        }
        self.agree_with_known(table.default());

        // No operand is left in a register, so there are free ones.
        let at = self.in_register(&mut index);
        let at = match index {
            Value::Reg(register) => register,
            _ => {
                let register = self.take();
                self.masm.mov(register, Source::Reg(at));
                self.release(index);
                register
            }
        };
        let scratch = self.take();
        let mut labels = core::mem::take(&mut self.labels);
        labels.clear();
        for depth in table.targets() {
            let label = self.table_label(depth.expect("validated"), arity);
            labels.push(label);
        }
        let label = self.table_label(table.default(), arity);
        labels.push(label);
        self.masm.jump_table(at, scratch, &labels);
        self.labels = labels;
        self.free.insert(at);
        self.free.insert(scratch);

        for depth in table.targets() {
            self.pad(depth.expect("validated"), arity);
        }
        self.pad(table.default(), arity);
        self.live = false;
    }

    fn agree_with_known(&mut self, depth: u32) {
        let index = self.label_index(depth);
        let construct = &self.constructs[index];
        if construct.kind != Kind::Body
            && let Some(homes) = construct.edges
        {
            self.agree(homes, construct.start);
        }
    }

    /// Where a `br_table` goes to reach this label: to itself, or where its values are moved first and what the label owes
    /// is given back.
    fn table_label(&mut self, depth: u32, arity: u32) -> Label {
        let index = self.label_index(depth);
        self.agree_with(index);
        let is_direct = arity == 0 && self.toll(index) == Toll::NOTHING;
        let construct = self.constructs[index];
        if is_direct {
            return construct.label;
        }
        match construct.pad {
            Some(pad) => pad,
            None => {
                let pad = self.masm.new_label();
                self.constructs[index].pad = Some(pad);
                pad
            }
        }
    }

    /// Moves the values of a `br_table` to a label, once for each label.
    fn pad(&mut self, depth: u32, arity: u32) {
        let index = self.label_index(depth);
        let Some(pad) = self.constructs[index].pad.take() else { return };
        self.masm.bind(pad);
        // All runs are paid for.
        let toll = self.toll(index);
        self.give_back(toll);
        let construct = self.constructs[index];
        let from = self.stack.len() as u32 - arity;
        if arity == 0 {
            // There is nothing to move.
        } else if construct.in_register {
            let slot = self.operand_slot(from as usize);
            self.masm.mov(M::RESULT, Source::Slot(slot));
        } else {
            self.copy_down(construct.base, from, arity);
        }
        self.masm.jump(construct.label);
    }

    pub(super) fn return_(&mut self) {
        if !self.live {
            return;
        }
        self.charge();
        self.settle_flags();
        let from = self.stack.len() as u32 - self.results;
        self.move_to_label(0, from);
        self.leave_for(0);
        self.live = false;
    }

    /// Takes the top operand as a condition: holds when it is not 0.
    pub(super) fn pop_condition(&mut self) -> Cond {
        if let Some(Place::Flags(cond)) = self.stack.top() {
            self.stack.pop();
            return cond;
        }
        let mut value = self.pop();
        let register = self.in_register(&mut value);
        self.masm.test(super::masm::Size::S32, register);
        self.release(value);
        Cond::Ne
    }
}
