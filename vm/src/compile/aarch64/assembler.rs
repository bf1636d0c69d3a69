//! The code of a part of a module while it grows: words, labels, and what is out of line.
//!
//! Owns branches and their reach. A branch to a place that is not known yet is patched when it is; an *island* between two
//! operators catches those that would not reach any further. It must not know operators.
//!
//! | branch | reaches | an island makes it |
//! |---|---|---|
//! | `b.cond`, `cbz` to a label | 1 MiB | a branch to a `b` in the island |
//! | the same to a stub | 1 MiB | a branch to the stub, which then stands in the island |
//! | `b` to a label | 128 MiB | a branch to a computed one |
//! | a computed one | everything | |
//!
//! A function without islands pays nothing for them but a comparison for each operator.

use super::encode::{self, B, BL, Condition, Extend, RET, SP, ZR};
use super::{GAS, LINK, PASSING, TEMP};
use crate::compile::machine::{BYTES_BY_SITE, CODE_BY_BYTE};
use crate::compile::masm::{Label, Reg, Size, Target};
use crate::compile::{Fixup, Site};
use crate::trap::Trap;
use alloc::vec::Vec;
use lockstep_gas::Run;

/// Nothing: no position, no jump.
const NONE: u32 = u32::MAX;

/// How far branches reach. Tests divide them, so that small functions need islands.
const DIVIDED_BY: u32 = if cfg!(feature = "short-branches") { 1024 } else { 1 };
const SHORT: u32 = (1 << 20) / DIVIDED_BY;
const LONG: u32 = (1 << 27) / DIVIDED_BY;
/// More than one operator emits, and than its stubs take, but for tables.
const SLACK: u32 = 448;
/// Calls reach as far as this, with a module's thunks and veneers to spare.
pub(super) const REACH: usize = (LONG - LONG / 16) as usize;

/// A label: where it is, and the last of the jumps to it.
#[derive(Clone, Copy, Debug)]
struct LabelState {
    position: u32,
    jumps: u32,
    /// The last branch to it from an island.
    veneer: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reach {
    Short,
    Long,
    Any,
    /// An island's branch to the same label is what it goes to.
    Caught,
}

/// A jump to a label that is not bound, and the one before to the same label.
#[derive(Clone, Copy, Debug)]
struct Jump {
    at: u32,
    before: u32,
    label: Label,
    reach: Reach,
}

/// What is emitted behind a function, or in an island.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stub {
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
    /// Pays for these runs and goes to the label.
    Edge {
        jump: u32,
        runs: (u32, u32),
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
/// The same for one with runs: a price of four words, paying, a far branch; and for each of four runs a price of two words,
/// paying back, a far call.
const RUNS_BYTES: u32 = 4 * (4 + 2 + 5 + 4 * (2 + 2 + 3));
/// What an island's branches take.
const VENEER_BYTES: u32 = 4;
const FAR_BYTES: u32 = 4 * 5;

#[derive(Debug)]
pub(super) struct Assembler {
    pub(super) code: Vec<u8>,
    pub(super) sites: Vec<Site>,
    pub(super) fixups: Vec<Fixup>,
    labels: Vec<LabelState>,
    jumps: Vec<Jump>,
    stubs: Vec<Stub>,
    /// The runs that stubs have, by where they begin here and end.
    stub_runs: Vec<Run>,
    /// Tables of labels: where they begin, and how many there are. Each word is the label's number until the function
    /// ends.
    tables: Vec<(u32, u32)>,
    /// Jumps from these on may be short, or long.
    short_from: usize,
    long_from: usize,
    /// Where the next island must begin, for either.
    short_deadline: u32,
    long_deadline: u32,
    /// Whether calls of what is elsewhere in the module may be out of a branch's reach.
    far: bool,
}

impl Assembler {
    pub(super) fn new(far: bool, bytes: usize, largest: usize) -> Assembler {
        Assembler {
            code: Vec::with_capacity(bytes * CODE_BY_BYTE + 4096),
            sites: Vec::with_capacity(bytes / BYTES_BY_SITE),
            fixups: Vec::with_capacity(bytes / BYTES_BY_SITE),
            labels: Vec::with_capacity(largest / BYTES_BY_SITE),
            jumps: Vec::with_capacity(largest / BYTES_BY_SITE),
            stubs: Vec::with_capacity(largest / BYTES_BY_SITE),
            stub_runs: Vec::new(),
            tables: Vec::new(),
            short_from: 0,
            long_from: 0,
            short_deadline: u32::MAX,
            long_deadline: u32::MAX,
            far,
        }
    }

    /// Forgets the labels of the function before.
    pub(super) fn begin_function(&mut self) {
        debug_assert!(self.stubs.is_empty() && self.tables.is_empty());
        self.labels.clear();
        self.jumps.clear();
        (self.short_from, self.long_from) = (0, 0);
        (self.short_deadline, self.long_deadline) = (u32::MAX, u32::MAX);
    }

    /// Bytes so far.
    #[inline]
    pub(super) fn position(&self) -> u32 {
        // Code of a part is smaller than 2 GiB.
        self.code.len() as u32
    }

    #[inline]
    pub(super) fn emit(&mut self, word: u32) {
        self.code.extend_from_slice(&word.to_le_bytes());
    }

    /// Takes back the last instruction.
    pub(super) fn take_back(&mut self) {
        self.code.truncate(self.code.len() - 4);
    }

    pub(super) fn site(&mut self, wasm: u32) {
        let native = self.position();
        self.sites.push(Site { native, wasm });
    }

    fn read(&self, at: u32) -> u32 {
        read(&self.code, at)
    }

    fn write(&mut self, at: u32, word: u32) {
        write(&mut self.code, at, word);
    }

    /// Fills in the distance of a `b.cond`, `cbz` or `cbnz`.
    pub(super) fn patch_short(&mut self, at: u32, target: u32) {
        debug_assert!(at.abs_diff(target) <= SHORT, "an island comes too late");
        self.write(at, encode::with_short(self.read(at), words(at, target)));
    }

    fn patch_long(&mut self, at: u32, target: u32) {
        debug_assert!(at.abs_diff(target) <= LONG, "an island comes too late");
        self.write(at, encode::with_long(self.read(at), words(at, target)));
    }

    /// Lets a branch over a few instructions, which has just been emitted at `at`, end here.
    pub(super) fn land(&mut self, at: u32) {
        self.patch_short(at, self.position());
    }

    /// A branch whose distance is to be patched.
    pub(super) fn branch(&mut self, word: u32) -> u32 {
        let at = self.position();
        self.emit(word);
        at
    }

    /// Branches to code of this function that stands already.
    pub(super) fn branch_back(&mut self, target: u32) {
        let at = self.position();
        if at - target < LONG {
            let at = self.branch(B);
            self.patch_long(at, target);
        } else {
            self.far_branch();
            self.patch_far(at, target);
        }
    }

    /// A branch to anywhere, whose distance is to be patched.
    fn far_branch(&mut self) {
        self.emit(encode::adr(TEMP, 0));
        self.emit(encode::movz(Size::S32, PASSING, 0, 0));
        self.emit(encode::movk(Size::S32, PASSING, 0, 1));
        self.emit(encode::extended(encode::ADD, TEMP, TEMP, PASSING, Extend::SignedWord));
        self.emit(encode::br(TEMP));
    }

    fn patch_far(&mut self, at: u32, target: u32) {
        let distance = target.wrapping_sub(at);
        // Halves of 16 bits.
        self.write(at + 4, encode::movz(Size::S32, PASSING, distance as u16, 0));
        self.write(at + 8, encode::movk(Size::S32, PASSING, (distance >> 16) as u16, 1));
    }

    /// A word with an address that is known when the module is put together.
    fn fixup(&mut self, target: Target, word: u32) {
        let at = self.position();
        self.fixups.push(Fixup { at, target });
        self.emit(word);
    }

    pub(super) fn address(&mut self, dst: Reg, target: Target) {
        self.fixup(target, encode::adrp(dst, 0));
        self.emit(encode::add_imm(Size::S64, encode::ADD, dst, dst, encode::Imm12::default()));
    }

    /// Calls what is elsewhere in the module.
    pub(super) fn call(&mut self, target: Target) {
        if self.far {
            self.address(LINK, target);
            self.emit(encode::blr(LINK));
        } else {
            self.fixup(target, BL);
        }
    }

    /// Goes on elsewhere in the module.
    pub(super) fn tail(&mut self, target: Target) {
        if self.far {
            self.address(TEMP, target);
            self.emit(encode::br(TEMP));
        } else {
            self.fixup(target, B);
        }
    }

    pub(super) fn call_trap(&mut self, trap: Trap, wasm: u32) {
        self.call(Target::Trap(trap));
        self.site(wasm);
    }

    pub(super) fn ret(&mut self) {
        self.emit(RET);
    }

    /// The frame's words below the stack pointer's next value: none is live there.
    pub(super) fn push_link(&mut self) {
        self.emit(encode::stp_pre(ZR, LINK, SP, -16));
    }
}

/// Labels.
impl Assembler {
    pub(super) fn new_label(&mut self) -> Label {
        self.labels.push(LabelState { position: NONE, jumps: NONE, veneer: NONE });
        Label(self.labels.len() as u32 - 1)
    }

    pub(super) fn bind(&mut self, label: Label) {
        let here = self.position();
        let state = &mut self.labels[label.0 as usize];
        state.position = here;
        let mut index = core::mem::replace(&mut state.jumps, NONE);
        while index != NONE {
            let Jump { at, before, reach, .. } = self.jumps[index as usize];
            match reach {
                Reach::Short => self.patch_short(at, here),
                Reach::Long => self.patch_long(at, here),
                Reach::Any => self.patch_far(at, here),
                Reach::Caught => {}
            }
            index = before;
        }
    }

    pub(super) fn jump(&mut self, label: Label) {
        let target = self.labels[label.0 as usize].position;
        if target == NONE {
            let at = self.branch(B);
            self.note(label, at, Reach::Long);
            self.hold_long(at);
        } else {
            self.branch_back(target);
        }
    }

    /// Jumps by a `b.cond`, `cbz` or `cbnz`, of which `otherwise` is the opposite.
    pub(super) fn jump_by(&mut self, word: u32, otherwise: u32, label: Label) {
        let target = self.labels[label.0 as usize].position;
        if target == NONE {
            let at = self.branch(word);
            self.note(label, at, Reach::Short);
            self.hold_short(at, VENEER_BYTES);
        } else if self.position() - target < SHORT {
            let at = self.branch(word);
            self.patch_short(at, target);
        } else {
            let over = self.branch(otherwise);
            self.branch_back(target);
            self.land(over);
        }
    }

    fn note(&mut self, label: Label, at: u32, reach: Reach) {
        // There are fewer jumps than words.
        let index = self.jumps.len() as u32;
        let before = core::mem::replace(&mut self.labels[label.0 as usize].jumps, index);
        self.jumps.push(Jump { at, before, label, reach });
    }

    /// A table of labels, behind the code that reads it.
    pub(super) fn table(&mut self, labels: &[Label]) {
        let table = self.position();
        // A table has at most as many labels as a body has bytes.
        self.tables.push((table, labels.len() as u32));
        for label in labels {
            self.emit(label.0);
        }
    }

    /// Ends a function: emits what is out of line.
    pub(super) fn finish(&mut self) {
        self.emit_stubs();
        let mut tables = core::mem::take(&mut self.tables);
        for (table, count) in tables.drain(..) {
            for at in (table..).step_by(4).take(count as usize) {
                let label = self.labels[self.read(at) as usize];
                self.write(at, label.position.wrapping_sub(table));
            }
        }
        self.tables = tables;
    }
}

/// Stubs and islands.
impl Assembler {
    pub(super) fn stub(&mut self, stub: Stub) {
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
    pub(super) fn keep(&mut self, runs: &[Run]) -> (u32, u32) {
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

    pub(super) fn trap_by(&mut self, word: u32, trap: Trap, wasm: u32) {
        let jump = self.branch(word);
        self.stub(Stub::Trap { jump, trap, wasm });
    }

    pub(super) fn trap_on(&mut self, cond: Condition, trap: Trap, wasm: u32) {
        self.trap_by(encode::b_cond(cond), trap, wasm);
    }

    /// Notes that a short branch waits for an island, where it takes so many bytes.
    fn hold_short(&mut self, at: u32, bytes: u32) {
        self.short_deadline = self.short_deadline.min(at.saturating_add(SHORT - SLACK)).saturating_sub(bytes);
    }

    /// Notes that a long branch waits for an island. Its far branches stand behind all stubs and short branches of the same
    /// island, which take less than a short branch reaches.
    fn hold_long(&mut self, at: u32) {
        self.long_deadline =
            self.long_deadline.min(at.saturating_add(LONG - SHORT - SLACK)).saturating_sub(FAR_BYTES);
    }

    /// Makes an island if the next operator would come too late for it.
    #[inline]
    pub(super) fn room(&mut self) {
        self.room_for(0);
    }

    /// The same for an operator that emits so many bytes more than most.
    #[inline]
    pub(super) fn room_for(&mut self, bytes: u32) {
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

    fn emit_stubs(&mut self) {
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
                Stub::Edge { jump, runs, label } => {
                    self.patch_short(jump, here);
                    let kept = &self.stub_runs[runs.0 as usize..runs.1 as usize];
                    let price = kept.iter().map(|run| run.price).sum();
                    self.gas(encode::SUBS, price);
                    let jump = self.branch(encode::b_cond(encode::LO));
                    self.stubs.push(Stub::Gas { jump, runs });
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

/// From one place to another, in words.
fn words(from: u32, to: u32) -> i64 {
    (i64::from(to) - i64::from(from)) / 4
}

fn read(code: &[u8], at: u32) -> u32 {
    let bytes = code[at as usize..at as usize + 4].try_into();
    u32::from_le_bytes(bytes.expect("four bytes"))
}

fn write(code: &mut [u8], at: u32, word: u32) {
    code[at as usize..at as usize + 4].copy_from_slice(&word.to_le_bytes());
}

/// Fills in an address when the module is put together. Its code will begin at a multiple of 4 KiB.
pub(super) fn relocate(code: &mut [u8], at: u32, start: u32, target: u32) {
    const PAGE_BITS: u32 = 12;
    let word = read(code, at);
    let place = start + at;
    let Some(register) = encode::is_adrp(word) else {
        return write(code, at, encode::with_long(word, words(place, target)));
    };
    let pages = i64::from(target >> PAGE_BITS) - i64::from(place >> PAGE_BITS);
    write(code, at, encode::adrp(register, pages));
    let within = encode::Imm12::low(target);
    write(code, at + 4, encode::add_imm(Size::S64, encode::ADD, register, register, within));
}

/// Lets functions begin at multiples of 16.
pub(super) fn align(code: &mut Vec<u8>) {
    while !code.len().is_multiple_of(16) {
        code.extend_from_slice(&encode::BRK.to_le_bytes());
    }
}
