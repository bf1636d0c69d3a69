//! The code of a part of a module while it grows: words, labels, and what is out of line.
//!
//! Owns branches and their reach. A branch to a place that is not known yet is patched when it is; an *island* between two
//! operators catches those that would not reach any further, see `islands`. It must not know operators.
//!
//! | branch | reaches | an island makes it |
//! |---|---|---|
//! | `b.cond`, `cbz` to a label | 1 MiB | a branch to a `b` in the island |
//! | the same to a stub | 1 MiB | a branch to the stub, which then stands in the island |
//! | `b` to a label | 128 MiB | a branch to a computed one |
//! | a computed one | everything | |
//!
//! A function without islands pays nothing for them but a comparison for each operator.

mod islands;

use super::encode::{self, B, BL, Extend, RET, SP, ZR};
use super::{LINK, PASSING, TEMP};
use crate::compile::machine::{BYTES_BY_SITE, CODE_BY_BYTE};
use crate::compile::masm::{Label, Reg, Size, Target};
use crate::compile::{Fixup, Site};
use crate::trap::Trap;
use alloc::vec::Vec;
use islands::VENEER_BYTES;
use lockstep_gas::Run;

pub(super) use islands::Stub;

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
