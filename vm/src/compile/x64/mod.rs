//! x86-64: the macro-assembler with dynasm.
//!
//! Owns encodings, labels, and what is out of line. It must not know wasm's stack, nor where locals are. The register
//! file, the frame and the context are the native ABI's.
//!
//! | registers | role |
//! |---|---|
//! | `rax rcx rdx rbx` | operands |
//! | `rdi rsi r8 r9 r13` | homes of locals, or operands; `r13` unless memory 0 is imported |
//! | `rbp r10 r11 r12` | the same, and kept by calls |
//! | `rsp r14 r15` | frame, anchor, gas |
//!
//! Needs SSE4.1 and popcnt, which every processor has had since 2009; lzcnt, tzcnt and BMI2 are used where there are.

#![allow(clippy::useless_conversion, reason = "the assembler's macros convert every register")]

#[macro_use]
mod forms;

mod encode;
mod float;
mod thunks;

#[cfg(test)]
mod tests;

use super::machine::{Assembled, BYTES_BY_SITE, CODE_BY_BYTE, Machine};
use super::magic::Reciprocal;
use super::masm::{
    Address, Alu, Cond, Conversion, Division, Divisor, FloatBinary, FloatCompare, FloatUnary, Label, Load,
    Masm, Reg, RegSet, Shift, Size, Source, Store, Target, Unary,
};
use super::{Env, Fixup, Site};
use crate::abi::{builtin, field, import_word, state};
use crate::trap::Trap;
use alloc::vec::Vec;
use dynasmrt::{DynasmApi, SimpleAssembler, dynasm};
use encode::{
    ADD, ADD_IMM, AND, AND_IMM, CMP, CMP_IMM, IMUL, LEA, MOV, MOV_STORE, MOVSX_BYTE, MOVSX_WORD, MOVSXD,
    MOVZX_BYTE, MOVZX_WORD, Mem, OR, OR_IMM, SUB, SUB_IMM, TEST, XOR, XOR_IMM, at,
};
use lockstep_gas::Run;

/// Frames of at most so many bytes are taken before it is known whether they fit, which processors follow better. A signal
/// may arrive in between, and a handler without a stack of its own then runs below them: greater frames would leave it too
/// little of the headroom, or none.
const TAKEN_FIRST: i32 = 4096;

/// What the processor has beside the baseline. It changes the code and never an outcome.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct CpuFeatures {
    pub(crate) lzcnt: bool,
    pub(crate) tzcnt: bool,
    pub(crate) bmi2: bool,
}

impl CpuFeatures {
    /// What this processor has; nothing where it lacks the baseline.
    pub(crate) fn detect() -> Option<CpuFeatures> {
        #[cfg(not(target_arch = "x86_64"))]
        return None;
        #[cfg(target_arch = "x86_64")]
        CpuFeatures::detect_here()
    }

    #[cfg(target_arch = "x86_64")]
    fn detect_here() -> Option<CpuFeatures> {
        use std::arch::is_x86_feature_detected as has;
        let baseline = has!("sse4.1") && has!("popcnt");
        baseline.then(|| CpuFeatures { lzcnt: has!("lzcnt"), tzcnt: has!("bmi1"), bmi2: has!("bmi2") })
    }
}

const RAX: Reg = Reg(0);
const RCX: Reg = Reg(1);
const RDX: Reg = Reg(2);
const RBX: Reg = Reg(3);
const RBP: Reg = Reg(5);
const RSI: Reg = Reg(6);
const RDI: Reg = Reg(7);
const R8: Reg = Reg(8);
const R9: Reg = Reg(9);
const R10: Reg = Reg(10);
const R11: Reg = Reg(11);
const R12: Reg = Reg(12);
const R13: Reg = Reg(13);
const R14: Reg = Reg(14);
const R15: Reg = Reg(15);
const RSP: Reg = Reg(4);

/// The first scratch slot of a frame.
const SCRATCH_SLOT: i8 = 8;

/// Nothing: no position, no fixup.
const NONE: u32 = u32::MAX;

/// A label: where it is, or the last of the jumps to it. Each holds, in place of its distance, where the one before is.
#[derive(Clone, Copy, Debug)]
struct LabelState {
    position: u32,
    jumps: u32,
}

/// What is emitted behind a function.
#[derive(Clone, Copy, Debug)]
enum Stub {
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
        /// Bytes of the frame that has been taken already; 0 where `rbx` says where it would be.
        taken: i32,
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

/// The register, of this width, that the flags tell as if it had been tested, as long as nothing has been emitted since.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Tested {
    position: u32,
    register: Reg,
    size: Size,
}

impl Tested {
    const NOTHING: Tested = Tested { position: NONE, register: Reg(0), size: Size::S32 };
}

pub(super) struct X64 {
    ops: SimpleAssembler,
    sites: Vec<Site>,
    fixups: Vec<Fixup>,
    labels: Vec<LabelState>,
    stubs: Vec<Stub>,
    /// The runs that stubs have, by where they begin here and end.
    stub_runs: Vec<Run>,
    /// Tables of labels: where they begin, and how many there are. Each word is the label's number until the function
    /// ends.
    tables: Vec<(u32, u32)>,
    cpu: CpuFeatures,
    explicit_bounds: bool,
    tested: Tested,
    /// The register that holds the base of memory 0.
    memory: Reg,
}

/// Lets functions begin at multiples of 16.
fn align(code: &mut Vec<u8>) {
    const BREAKPOINT: u8 = 0xcc;
    code.resize(code.len().next_multiple_of(16), BREAKPOINT);
}

impl Machine for X64 {
    // Every branch has 32 bits of distance.
    const REACH: usize = usize::MAX;

    fn new(env: &Env<'_>, bytes: usize, largest: usize) -> X64 {
        let mut ops = SimpleAssembler::new();
        ops.ops.reserve_exact(bytes * CODE_BY_BYTE + 4096);
        X64 {
            ops,
            sites: Vec::with_capacity(bytes / BYTES_BY_SITE),
            fixups: Vec::with_capacity(bytes / BYTES_BY_SITE),
            labels: Vec::with_capacity(largest / BYTES_BY_SITE),
            stubs: Vec::with_capacity(largest / BYTES_BY_SITE),
            stub_runs: Vec::new(),
            tables: Vec::new(),
            cpu: env.options.cpu,
            explicit_bounds: env.options.explicit_bounds,
            tested: Tested::NOTHING,
            memory: if env.imports_memory() { R13 } else { R14 },
        }
    }

    fn begin_function(&mut self) -> u32 {
        align(&mut self.ops.ops);
        self.labels.clear();
        self.position()
    }

    fn into_parts(self) -> (Vec<u8>, Vec<Site>, Vec<Fixup>) {
        (self.ops.finalize(), self.sites, self.fixups)
    }

    fn thunks(env: &Env<'_>) -> Assembled {
        thunks::thunks(env)
    }

    fn align(code: &mut Vec<u8>) {
        align(code);
    }

    fn relocate(code: &mut [u8], at: u32, start: u32, target: u32) {
        // Code is smaller than 2 GiB by the ceiling on a module's bytes and the bound on its growth.
        let relative = i64::from(target) - (i64::from(start) + i64::from(at) + 4);
        let relative = i32::try_from(relative).expect("code is smaller than 2 GiB");
        code[at as usize..at as usize + 4].copy_from_slice(&relative.to_le_bytes());
    }
}

impl X64 {
    /// Fills in the distance of a jump.
    fn patch(&mut self, at: u32, target: u32) {
        let distance = target.wrapping_sub(at + 4);
        self.ops.ops[at as usize..at as usize + 4].copy_from_slice(&distance.to_le_bytes());
    }

    fn read(&self, at: u32) -> u32 {
        let bytes = self.ops.ops[at as usize..at as usize + 4].try_into();
        u32::from_le_bytes(bytes.expect("four bytes"))
    }

    /// The distance from behind a jump of two bytes to a label that is so near behind.
    fn short_distance(&self, label: Label) -> Option<i8> {
        let position = self.labels[label.0 as usize].position;
        if position == NONE {
            return None;
        }
        i8::try_from(i64::from(position) - i64::from(self.position()) - 2).ok()
    }

    /// Ends a jump with its distance.
    fn distance(&mut self, label: Label) {
        let at = self.position();
        let state = &mut self.labels[label.0 as usize];
        if state.position == NONE {
            let before = core::mem::replace(&mut state.jumps, at);
            self.ops.ops.extend_from_slice(&before.to_le_bytes());
        } else {
            let distance = state.position.wrapping_sub(at + 4);
            self.ops.ops.extend_from_slice(&distance.to_le_bytes());
        }
    }

    /// A conditional jump to somewhere behind, whose distance is to be [patched](Self::patch).
    fn forward(&mut self, condition: u8) -> u32 {
        self.ops.ops.extend_from_slice(&[0x0f, 0x80 | condition]);
        let at = self.position();
        self.ops.ops.extend_from_slice(&[0; 4]);
        at
    }

    /// A distance that is known when the module is put together.
    fn fixup(&mut self, target: Target) {
        let at = self.position();
        self.fixups.push(Fixup { at, target });
        self.ops.ops.extend_from_slice(&[0; 4]);
    }

    fn call_target(&mut self, target: Target) {
        self.ops.ops.push(0xe8);
        self.fixup(target);
    }

    fn lea_target(&mut self, dst: Reg, target: Target) {
        // lea dst, [rip + distance]
        let dst = dst.number();
        let rex = 0x48 | (dst >> 3) << 2;
        self.ops.ops.extend_from_slice(&[rex, 0x8d, 0x05 | (dst & 7) << 3]);
        self.fixup(target);
    }
}

/// The machine's number of a condition.
fn condition(cond: Cond) -> u8 {
    match cond {
        Cond::LtU => BELOW,
        Cond::GeU => 0x3,
        Cond::Eq => EQUAL,
        Cond::Ne => 0x5,
        Cond::LeU => 0x6,
        Cond::GtU => ABOVE,
        Cond::LtS => 0xc,
        Cond::GeS => 0xd,
        Cond::LeS => 0xe,
        Cond::GtS => 0xf,
    }
}

const OVERFLOW: u8 = 0x0;
const BELOW: u8 = 0x2;
const EQUAL: u8 = 0x4;
const NOT_EQUAL: u8 = 0x5;
const ABOVE: u8 = 0x7;
const PARITY: u8 = 0xa;

/// Bytes from `rsp` to a slot.
fn slot_offset(slot: u64) -> i32 {
    // Frames are limited far below 2^28 slots.
    slot as i32 * 8
}

impl X64 {
    /// Checks an address where that is not the guard's business, and makes it one that an instruction can name.
    fn place(&mut self, address: Address, bytes: u32, scratch: Reg, wasm: u32) -> Mem {
        if self.explicit_bounds {
            let end = address.offset + u64::from(bytes);
            match (address.index, i32::try_from(end)) {
                (Some(index), Ok(end)) => self.rm(Size::S64, LEA, scratch, at(index, end)),
                (index, _) => {
                    self.load_immediate(scratch, end);
                    if let Some(index) = index {
                        self.rr(Size::S64, ADD, scratch, index);
                    }
                }
            }
            self.rm(Size::S64, CMP, scratch, at(self.memory, field::MEMORY_LENGTH));
            let jump = self.forward(ABOVE);
            self.stubs.push(Stub::Trap { jump, trap: Trap::MemoryOutOfBounds, wasm });
        }
        if let Ok(displacement) = i32::try_from(address.offset) {
            return Mem { base: self.memory, index: address.index, displacement };
        }
        self.load_immediate(scratch, address.offset);
        if let Some(index) = address.index {
            self.rr(Size::S64, ADD, scratch, index);
        }
        Mem { base: self.memory, index: Some(scratch), displacement: 0 }
    }

    /// Notes that the instruction that comes next may fault.
    fn may_fault(&mut self, wasm: u32) {
        if !self.explicit_bounds {
            self.site(wasm);
        }
    }

    /// For operators that give the same with their sides exchanged: `dst` becomes one of them, and the other is what
    /// remains.
    fn merge_left(&mut self, dst: Reg, lhs: Reg, rhs: Source) -> Source {
        if rhs == Source::Reg(dst) && dst != lhs {
            return Source::Reg(lhs);
        }
        self.mov(dst, Source::Reg(lhs));
        rhs
    }

    fn call_trap(&mut self, trap: Trap, wasm: u32) {
        self.call_target(Target::Trap(trap));
        self.site(wasm);
    }

    /// Takes a price; below is what it leaves where it cannot be paid.
    fn pay(&mut self, price: u64) {
        match i32::try_from(price) {
            Ok(price) => self.ri(Size::S64, SUB_IMM, R15, price),
            Err(_) => {
                let (low, high) = (price as u32 as i32, (price >> 32) as u32 as i32);
                dynasm!(self.ops
                    ; .arch x64
                    ; mov DWORD [BYTE rsp + SCRATCH_SLOT], DWORD low
                    ; mov DWORD [BYTE rsp + SCRATCH_SLOT + 4], DWORD high
                    ; sub r15, [BYTE rsp + SCRATCH_SLOT]
                );
            }
        }
    }

    /// Keeps runs for a stub.
    fn keep(&mut self, runs: &[Run]) -> (u32, u32) {
        // A function has fewer runs than bytes, and each is kept a few times at most.
        let start = self.stub_runs.len() as u32;
        self.stub_runs.extend_from_slice(runs);
        (start, start + runs.len() as u32)
    }

    /// Pays for runs at once.
    fn charge_kept(&mut self, runs: (u32, u32)) {
        let price = self.stub_runs[runs.0 as usize..runs.1 as usize].iter().map(|run| run.price).sum();
        self.pay(price);
        let jump = self.forward(BELOW);
        self.stubs.push(Stub::Gas { jump, runs });
    }

    /// Finds the run that could not be paid: gives prices back, from the last, until there was enough for all before.
    fn out_of_gas(&mut self, (first, end): (u32, u32)) {
        for at in (first + 1..end).rev() {
            let run = self.stub_runs[at as usize];
            // Several runs cost less than 2^31 together.
            self.ri(Size::S64, ADD_IMM, R15, run.price as i32);
            self.trap_on(BELOW, Trap::OutOfGas, run.offset);
        }
        let run = self.stub_runs[first as usize];
        self.call_trap(Trap::OutOfGas, run.offset);
    }

    fn trap_on(&mut self, condition: u8, trap: Trap, wasm: u32) {
        let jump = self.forward(condition);
        self.stubs.push(Stub::Trap { jump, trap, wasm });
    }

    /// Loads the state's address.
    fn state(&mut self, dst: Reg) {
        self.rm(Size::S64, MOV, dst, at(R14, field::STATE));
    }

    /// Copies words from one block to another, both named by a register and where the words end.
    fn copy_words(&mut self, to: (Reg, i32), from: (Reg, i32), count: u32, value: Reg, counter: Reg) {
        const UNROLLED: u32 = 4;
        let ((to, to_start), (from, from_start)) = (to, from);
        if count <= UNROLLED {
            for word in 0..count as i32 {
                self.rm(Size::S64, MOV, value, at(from, from_start + 8 * word));
                self.rm(Size::S64, MOV_STORE, value, at(to, to_start + 8 * word));
            }
            return;
        }
        let (to, from, value) = (to.number(), from.number(), value.number());
        let counter = counter.number();
        let bytes = slot_offset(count.into());
        let (to_end, from_end) = (to_start + bytes, from_start + bytes);
        dynasm!(self.ops ; .arch x64 ; mov Rq(counter), DWORD -(count as i32));
        let top = self.position();
        dynasm!(self.ops
            ; .arch x64
            ; mov Rq(value), [DWORD Rq(from) + 8 * Rq(counter) + from_end]
            ; mov [DWORD Rq(to) + 8 * Rq(counter) + to_end], Rq(value)
            ; inc Rq(counter)
        );
        let jump = self.forward(NOT_EQUAL);
        self.patch(jump, top);
    }

    /// The address that comes next, for a tail call's host function to be found at.
    fn tail_site(&mut self, wasm: u32) {
        dynasm!(self.ops ; .arch x64 ; lea rbx, [rip]);
        self.site(wasm);
    }
}

impl Masm for X64 {
    const TEMPS: RegSet = RegSet::of(&[RAX, RCX, RDX, RBX]);
    const HOMES: &'static [Reg] = &[RSI, RDI, R8, R9, R13, RBP, R10, R11, R12];
    const KEPT: RegSet = RegSet::of(&[RBP, R10, R11, R12]);
    const BULK: [Reg; 3] = [RBX, RDX, RCX];
    const IMPORTED_BASE: Reg = R13;
    const ARGUMENTS: [Reg; 6] = [RDI, RSI, R8, R9, RCX, RDX];
    const RESULT: Reg = RAX;
    const SCRATCH: Reg = RBX;
    const DIVIDEND: Reg = RAX;
    const REMAINDER: Reg = RDX;
    const DISTANCE: Reg = RCX;
    const ADDS_SHIFTED: bool = true;

    fn check_upper_half(&mut self, value: Source, wasm: u32) {
        let half = match value {
            Source::Reg(register) => {
                self.rm(Size::S64, MOV_STORE, register, at(RSP, SCRATCH_SLOT.into()));
                at(RSP, i32::from(SCRATCH_SLOT) + 4)
            }
            Source::Slot(slot) => at(RSP, slot_offset(slot) + 4),
            Source::Imm(_) => return,
        };
        self.mi(Size::S32, CMP_IMM, half, 0);
        self.trap_on(NOT_EQUAL, Trap::Unreachable, wasm);
    }

    fn position(&self) -> u32 {
        // Code of a part is smaller than 2 GiB.
        self.ops.ops.len() as u32
    }

    fn site(&mut self, wasm: u32) {
        let native = self.position();
        self.sites.push(Site { native, wasm });
    }

    fn new_label(&mut self) -> Label {
        self.labels.push(LabelState { position: NONE, jumps: NONE });
        Label(self.labels.len() as u32 - 1)
    }

    fn bind(&mut self, label: Label) {
        let here = self.position();
        self.tested = Tested::NOTHING;
        let state = &mut self.labels[label.0 as usize];
        state.position = here;
        let mut at = core::mem::replace(&mut state.jumps, NONE);
        while at != NONE {
            let before = self.read(at);
            self.patch(at, here);
            at = before;
        }
    }

    fn jump(&mut self, label: Label) {
        if let Some(distance) = self.short_distance(label) {
            self.ops.ops.extend_from_slice(&[0xeb, distance as u8]);
            return;
        }
        self.ops.ops.push(0xe9);
        self.distance(label);
    }

    fn jump_if(&mut self, cond: Cond, label: Label) {
        if let Some(distance) = self.short_distance(label) {
            self.ops.ops.extend_from_slice(&[0x70 | condition(cond), distance as u8]);
            return;
        }
        self.ops.ops.extend_from_slice(&[0x0f, 0x80 | condition(cond)]);
        self.distance(label);
    }

    fn jump_table(&mut self, index: Reg, scratch: Reg, labels: &[Label]) {
        let (index, scratch) = (index.number(), scratch.number());
        // A table has at most as many labels as a body has bytes.
        let last = labels.len() as i32 - 1;
        dynasm!(self.ops
            ; .arch x64
            ; cmp Rd(index), DWORD last
            ; mov Rd(scratch), DWORD last
            ; cmova Rd(index), Rd(scratch)
            ; lea Rq(scratch), [rip + 0x7fff_ffff]
        );
        let to_table = self.position() - 4;
        dynasm!(self.ops
            ; .arch x64
            ; movsxd Rq(index), DWORD [Rq(scratch) + 4 * Rq(index)]
            ; add Rq(index), Rq(scratch)
            ; jmp Rq(index)
        );
        let table = self.position();
        self.patch(to_table, table);
        self.tables.push((table, labels.len() as u32));
        for label in labels {
            self.ops.ops.extend_from_slice(&label.0.to_le_bytes());
        }
    }

    fn trap_if(&mut self, cond: Cond, trap: Trap, wasm: u32) {
        self.trap_on(condition(cond), trap, wasm);
    }

    fn trap(&mut self, trap: Trap, wasm: u32) {
        self.call_trap(trap, wasm);
        // Nothing else begins at the return address, which says where this was.
        dynasm!(self.ops ; .arch x64 ; int3);
    }

    fn enter(&mut self, frame_slots: u32, check: bool, body: u32) {
        self.tested = Tested::NOTHING;
        // The return address is part of the frame.
        let bytes = slot_offset(frame_slots.into()) - 8;
        if !check {
            dynasm!(self.ops ; .arch x64 ; sub rsp, DWORD bytes);
            return;
        }
        self.state(RAX);
        let taken = if bytes <= TAKEN_FIRST { bytes } else { 0 };
        if taken != 0 {
            self.ri(Size::S64, ADD_IMM, RSP, -taken);
            self.rm(Size::S64, CMP, RSP, at(RAX, state::MARK));
        } else {
            self.rm(Size::S64, LEA, RBX, at(RSP, -bytes));
            self.rm(Size::S64, CMP, RBX, at(RAX, state::MARK));
        }
        let jump = self.forward(BELOW);
        let back = self.position();
        self.stubs.push(Stub::Stack { jump, back, taken, wasm: body });
        if taken == 0 {
            self.rr(Size::S64, MOV, RSP, RBX);
        }
    }

    fn release_frame(&mut self, frame_slots: u32) {
        let bytes = slot_offset(frame_slots.into()) - 8;
        self.ri(Size::S64, ADD_IMM, RSP, bytes);
    }

    fn ret(&mut self) {
        dynasm!(self.ops ; .arch x64 ; ret);
    }

    fn charge(&mut self, runs: &[Run]) {
        match runs {
            [] => {}
            [run] => {
                self.pay(run.price);
                self.trap_on(BELOW, Trap::OutOfGas, run.offset);
            }
            runs => {
                let runs = self.keep(runs);
                self.charge_kept(runs);
            }
        }
    }

    fn credit(&mut self, price: u64) {
        self.ri(Size::S64, ADD_IMM, R15, price as i32);
    }

    fn jump_if_paying(&mut self, cond: Cond, runs: &[Run], credit: u64, label: Label) {
        let jump = self.forward(condition(cond));
        let runs = self.keep(runs);
        self.stubs.push(Stub::Edge { jump, runs, credit, label });
    }

    fn finish(&mut self) {
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
                        self.patch(jump, at);
                        continue;
                    }
                    last = Some((trap, wasm, here));
                    self.patch(jump, here);
                    self.call_trap(trap, wasm);
                }
                Stub::Gas { jump, runs } => {
                    self.patch(jump, here);
                    self.out_of_gas(runs);
                }
                Stub::Edge { jump, runs, credit, label } => {
                    self.patch(jump, here);
                    if runs.0 < runs.1 {
                        self.charge_kept(runs);
                    }
                    if credit > 0 {
                        self.credit(credit);
                    }
                    self.jump(label);
                }
                Stub::Stack { jump, back, taken, wasm } => {
                    self.patch(jump, here);
                    // What traps here has no frame yet.
                    if taken != 0 {
                        self.rr(Size::S64, MOV, RBX, RSP);
                        self.ri(Size::S64, ADD_IMM, RSP, taken);
                    }
                    self.call_target(Target::StackCheck);
                    self.site(wasm);
                    if taken != 0 {
                        self.ri(Size::S64, ADD_IMM, RSP, -taken);
                    }
                    self.jump_back(back);
                }
                Stub::Resolve { jump, back, type_index, wasm } => {
                    self.patch(jump, here);
                    // There are fewer than 2^31 types.
                    let type_index = type_index as i32;
                    dynasm!(self.ops ; .arch x64 ; mov DWORD [BYTE rsp + SCRATCH_SLOT], DWORD type_index);
                    self.call_target(Target::Resolve);
                    self.site(wasm);
                    self.jump_back(back);
                }
            }
        }
        self.stubs.clear();
        self.stub_runs.clear();
        let mut tables = core::mem::take(&mut self.tables);
        for (table, count) in tables.drain(..) {
            for at in (table..).step_by(4).take(count as usize) {
                let label = self.labels[self.read(at) as usize];
                let distance = label.position.wrapping_sub(table);
                self.ops.ops[at as usize..at as usize + 4].copy_from_slice(&distance.to_le_bytes());
            }
        }
        self.tables = tables;
    }

    fn mov(&mut self, dst: Reg, src: Source) {
        match src {
            Source::Reg(register) if register == dst => {}
            Source::Imm(value) => self.load_immediate(dst, value),
            src => self.rs(Size::S64, MOV, dst, src),
        }
    }

    fn zero(&mut self, dst: Reg) {
        self.rr(Size::S32, XOR, dst, dst);
    }

    fn exchange(&mut self, a: Reg, b: Reg) {
        dynasm!(self.ops ; .arch x64 ; xchg Rq(a.number()), Rq(b.number()));
    }

    fn store_slot(&mut self, slot: u64, src: Source) {
        match src {
            Source::Reg(from) => self.rm(Size::S64, MOV_STORE, from, encode::slot(slot)),
            Source::Imm(value) => match i32::try_from(value as i64) {
                Ok(value) => self.store_immediate(8, encode::slot(slot), value),
                Err(_) => {
                    let low = slot_offset(slot);
                    self.store_immediate(4, at(RSP, low), value as u32 as i32);
                    self.store_immediate(4, at(RSP, low + 4), (value >> 32) as u32 as i32);
                }
            },
            Source::Slot(_) => unreachable!("a slot is not copied at once"),
        }
    }

    fn copy_slots(&mut self, to: u64, from: u64, count: u32) {
        self.copy_words((Reg(4), slot_offset(to)), (Reg(4), slot_offset(from)), count, RAX, RBX);
    }

    fn slots_to_values(&mut self, from: u64, count: u32, place: u32) {
        self.state(RCX);
        let values = state::VALUES + slot_offset(place.into());
        self.copy_words((RCX, values), (Reg(4), slot_offset(from)), count, RBX, RDX);
    }

    fn values_to_slots(&mut self, place: u32, count: u32, to: u64) {
        self.state(RCX);
        let values = state::VALUES + slot_offset(place.into());
        self.copy_words((Reg(4), slot_offset(to)), (RCX, values), count, RBX, RDX);
    }

    fn is_immediate(size: Size, value: u64) -> bool {
        size == Size::S32 || i32::try_from(value as i64).is_ok()
    }

    fn alu(&mut self, op: Alu, size: Size, dst: Reg, lhs: Reg, rhs: Source) {
        match op {
            Alu::Add => match rhs {
                Source::Reg(right) if dst != lhs && dst != right => {
                    self.rm(size, LEA, dst, Mem { base: lhs, index: Some(right), displacement: 0 });
                }
                Source::Imm(value) if dst != lhs => self.rm(size, LEA, dst, at(lhs, value as u32 as i32)),
                rhs => {
                    let rhs = self.merge_left(dst, lhs, rhs);
                    self.rsi(size, ADD, ADD_IMM, dst, rhs);
                }
            },
            Alu::Sub => match rhs {
                Source::Reg(right) if dst == right && dst != lhs => {
                    self.one(size, encode::NEG, Source::Reg(dst));
                    self.rr(size, ADD, dst, lhs);
                }
                Source::Imm(value) if dst != lhs && value as u32 as i32 != i32::MIN => {
                    self.rm(size, LEA, dst, at(lhs, -(value as u32 as i32)));
                }
                rhs => {
                    self.mov(dst, Source::Reg(lhs));
                    self.rsi(size, SUB, SUB_IMM, dst, rhs);
                }
            },
            Alu::And => {
                let rhs = self.merge_left(dst, lhs, rhs);
                self.rsi(size, AND, AND_IMM, dst, rhs);
                self.tested = Tested { position: self.position(), register: dst, size };
            }
            Alu::Or => {
                let rhs = self.merge_left(dst, lhs, rhs);
                self.rsi(size, OR, OR_IMM, dst, rhs);
                self.tested = Tested { position: self.position(), register: dst, size };
            }
            Alu::Xor => {
                let rhs = self.merge_left(dst, lhs, rhs);
                self.rsi(size, XOR, XOR_IMM, dst, rhs);
                self.tested = Tested { position: self.position(), register: dst, size };
            }
            Alu::Mul => match rhs {
                Source::Imm(value) if value.is_power_of_two() => {
                    self.shift(Shift::Shl, size, dst, lhs, Source::Imm(value.trailing_zeros().into()));
                }
                Source::Imm(value) => self.multiply_by(size, dst, lhs, value as u32 as i32),
                rhs => {
                    let rhs = self.merge_left(dst, lhs, rhs);
                    self.rs(size, IMUL, dst, rhs);
                }
            },
        }
    }

    fn shift(&mut self, op: Shift, size: Size, dst: Reg, lhs: Reg, distance: Source) {
        let (to, left) = (dst.number(), lhs.number());
        let by = match op {
            Shift::Shl => encode::SHL,
            Shift::ShrS => encode::SAR,
            Shift::ShrU => encode::SHR,
            Shift::Rotl => encode::ROL,
            Shift::Rotr => encode::ROR,
        };
        match distance {
            Source::Imm(value) => {
                let mask = if size == Size::S32 { 31 } else { 63 };
                let distance = (value & mask) as u8;
                if distance != 0 && dst != lhs && self.cpu.bmi2 && matches!(op, Shift::Rotl | Shift::Rotr) {
                    let right = if op == Shift::Rotl { mask as u8 + 1 - distance } else { distance };
                    match size {
                        Size::S32 => dynasm!(self.ops ; .arch x64 ; rorx Rd(to), Rd(left), right as i8),
                        Size::S64 => dynasm!(self.ops ; .arch x64 ; rorx Rq(to), Rq(left), right as i8),
                    }
                    return;
                }
                self.mov(dst, Source::Reg(lhs));
                if distance != 0 {
                    self.shift_by(size, by, dst, distance);
                }
            }
            Source::Reg(by) if self.shifts_freely(op) => match (op, size) {
                (Shift::Shl, Size::S32) => {
                    dynasm!(self.ops ; .arch x64 ; shlx Rd(to), Rd(left), Rd(by.number()));
                }
                (Shift::Shl, Size::S64) => {
                    dynasm!(self.ops ; .arch x64 ; shlx Rq(to), Rq(left), Rq(by.number()));
                }
                (Shift::ShrS, Size::S32) => {
                    dynasm!(self.ops ; .arch x64 ; sarx Rd(to), Rd(left), Rd(by.number()));
                }
                (Shift::ShrS, Size::S64) => {
                    dynasm!(self.ops ; .arch x64 ; sarx Rq(to), Rq(left), Rq(by.number()));
                }
                (Shift::ShrU, Size::S32) => {
                    dynasm!(self.ops ; .arch x64 ; shrx Rd(to), Rd(left), Rd(by.number()));
                }
                (Shift::ShrU, Size::S64) => {
                    dynasm!(self.ops ; .arch x64 ; shrx Rq(to), Rq(left), Rq(by.number()));
                }
                (Shift::Rotl | Shift::Rotr, _) => {
                    unreachable!("rotations need their distance in a fixed place")
                }
            },
            Source::Reg(register) => {
                debug_assert!(register == RCX && dst != RCX);
                self.mov(dst, Source::Reg(lhs));
                self.shift_by_cl(size, by, dst);
            }
            Source::Slot(_) => unreachable!("a distance is in a register"),
        }
    }

    fn add_shifted(&mut self, size: Size, dst: Reg, lhs: Reg, rhs: Reg, distance: u8) {
        self.lea_scaled(size, dst, lhs, rhs, distance);
    }

    fn shifts_freely(&self, op: Shift) -> bool {
        self.cpu.bmi2 && !matches!(op, Shift::Rotl | Shift::Rotr)
    }

    fn divide(&mut self, op: Division, size: Size, rhs: Source, divisor: Divisor, wasm: u32) {
        if divisor.may_be_zero {
            match rhs {
                Source::Reg(rhs) => self.test(size, rhs),
                Source::Slot(slot) => self.mi(size, CMP_IMM, encode::slot(slot), 0),
                Source::Imm(_) => unreachable!("a divisor is no immediate"),
            }
            self.trap_on(EQUAL, Trap::DivideByZero, wasm);
        }
        if matches!(op, Division::DivU | Division::RemU) {
            dynasm!(self.ops ; .arch x64 ; xor edx, edx);
            self.one(size, encode::DIV, rhs);
            return;
        }
        // The processor faults where the quotient cannot be represented: dividing by -1 is negating.
        let mut done = None;
        if divisor.may_be_minus_one {
            match rhs {
                Source::Reg(rhs) => self.ri(size, CMP_IMM, rhs, -1),
                Source::Slot(slot) => self.mi(size, CMP_IMM, encode::slot(slot), -1),
                Source::Imm(_) => unreachable!("a divisor is no immediate"),
            }
            let other = self.forward(NOT_EQUAL);
            if op == Division::DivS {
                match size {
                    Size::S32 => dynasm!(self.ops ; .arch x64 ; neg eax),
                    Size::S64 => dynasm!(self.ops ; .arch x64 ; neg rax),
                }
                self.trap_on(OVERFLOW, Trap::IntegerOverflow, wasm);
            } else {
                dynasm!(self.ops ; .arch x64 ; xor edx, edx);
            }
            let label = self.new_label();
            self.jump(label);
            done = Some(label);
            let here = self.position();
            self.patch(other, here);
        }
        match size {
            Size::S32 => dynasm!(self.ops ; .arch x64 ; cdq),
            Size::S64 => dynasm!(self.ops ; .arch x64 ; cqo),
        }
        self.one(size, encode::IDIV, rhs);
        if let Some(done) = done {
            self.bind(done);
        }
    }

    fn divide_by(&mut self, by: Reciprocal, copy: Reg) {
        self.load_immediate(RDX, by.factor);
        self.one(Size::S64, encode::MUL, Source::Reg(RDX));
        if by.adds {
            self.mov(RAX, Source::Reg(copy));
            self.rr(Size::S64, SUB, RAX, RDX);
            self.shift_by(Size::S64, encode::SHR, RAX, 1);
            self.rr(Size::S64, ADD, RDX, RAX);
        }
        if by.shift > 0 {
            // Below 64, so it fits.
            self.shift_by(Size::S64, encode::SHR, RDX, by.shift as u8);
        }
    }

    fn unary(&mut self, op: Unary, size: Size, dst: Reg, src: Reg) {
        let (to, from) = (dst.number(), src.number());
        match (op, size) {
            (Unary::Clz, Size::S32) if self.cpu.lzcnt => {
                dynasm!(self.ops ; .arch x64 ; lzcnt Rd(to), Rd(from));
            }
            (Unary::Clz, Size::S64) if self.cpu.lzcnt => {
                dynasm!(self.ops ; .arch x64 ; lzcnt Rq(to), Rq(from));
            }
            (Unary::Ctz, Size::S32) if self.cpu.tzcnt => {
                dynasm!(self.ops ; .arch x64 ; tzcnt Rd(to), Rd(from));
            }
            (Unary::Ctz, Size::S64) if self.cpu.tzcnt => {
                dynasm!(self.ops ; .arch x64 ; tzcnt Rq(to), Rq(from));
            }
            (Unary::Clz, Size::S32) => {
                dynasm!(self.ops ; .arch x64 ; bsr Rd(to), Rd(from));
                self.unless_zero(dst, 63);
                dynasm!(self.ops ; .arch x64 ; xor Rd(to), BYTE 31);
            }
            (Unary::Clz, Size::S64) => {
                dynasm!(self.ops ; .arch x64 ; bsr Rq(to), Rq(from));
                self.unless_zero(dst, 127);
                dynasm!(self.ops ; .arch x64 ; xor Rd(to), BYTE 63);
            }
            (Unary::Ctz, Size::S32) => {
                dynasm!(self.ops ; .arch x64 ; bsf Rd(to), Rd(from));
                self.unless_zero(dst, 32);
            }
            (Unary::Ctz, Size::S64) => {
                dynasm!(self.ops ; .arch x64 ; bsf Rq(to), Rq(from));
                self.unless_zero(dst, 64);
            }
            (Unary::Popcnt, Size::S32) => dynasm!(self.ops ; .arch x64 ; popcnt Rd(to), Rd(from)),
            (Unary::Popcnt, Size::S64) => dynasm!(self.ops ; .arch x64 ; popcnt Rq(to), Rq(from)),
            (Unary::Extend8, size) => self.rr_byte(size, MOVSX_BYTE, dst, src),
            (Unary::Extend16, size) => self.rr(size, MOVSX_WORD, dst, src),
            (Unary::Extend32, _) => self.rr(Size::S64, MOVSXD, dst, src),
            (Unary::Wrap, _) => self.rr(Size::S32, MOV, dst, src),
        }
    }

    fn compare(&mut self, size: Size, lhs: Reg, rhs: Source) {
        self.rsi(size, CMP, CMP_IMM, lhs, rhs);
    }

    fn test(&mut self, size: Size, value: Reg) {
        if self.tested != (Tested { position: self.position(), register: value, size }) {
            self.rr(size, TEST, value, value);
        }
    }

    fn set(&mut self, cond: Cond, dst: Reg) {
        // The extension in place of a register is 0.
        self.rr_byte(Size::S32, encode::Op::Two(0x90 | condition(cond)), RAX, dst);
        self.rr_byte(Size::S32, MOVZX_BYTE, dst, dst);
    }

    fn select(&mut self, cond: Cond, dst: Reg, src: Source) {
        self.rs(Size::S64, encode::Op::Two(0x40 | condition(cond)), dst, src);
    }

    fn float_binary(&mut self, op: FloatBinary, size: Size, dst: Reg, lhs: Reg, rhs: Reg) {
        self.emit_float_binary(op, size, dst, lhs, rhs);
    }

    fn float_unary(&mut self, op: FloatUnary, size: Size, dst: Reg, src: Reg) {
        self.emit_float_unary(op, size, dst, src);
    }

    fn float_compare(&mut self, op: FloatCompare, size: Size, dst: Reg, lhs: Reg, rhs: Reg) {
        self.emit_float_compare(op, size, dst, lhs, rhs);
    }

    fn convert(&mut self, op: Conversion, dst: Reg, src: Reg, wasm: u32) {
        self.emit_conversion(op, dst, src, wasm);
    }

    fn load(&mut self, kind: Load, dst: Reg, address: Address, scratch: Reg, wasm: u32) {
        let place = self.place(address, kind.bytes(), scratch, wasm);
        self.may_fault(wasm);
        let (size, op) = match kind {
            Load::U8 => (Size::S32, MOVZX_BYTE),
            Load::U16 => (Size::S32, MOVZX_WORD),
            Load::U32 => (Size::S32, MOV),
            Load::U64 => (Size::S64, MOV),
            Load::S8(size) => (size, MOVSX_BYTE),
            Load::S16(size) => (size, MOVSX_WORD),
            Load::S32 => (Size::S64, MOVSXD),
        };
        self.rm(size, op, dst, place);
    }

    fn store(&mut self, kind: Store, src: Source, address: Address, scratch: Reg, wasm: u32) {
        let place = self.place(address, kind.bytes(), scratch, wasm);
        self.may_fault(wasm);
        match (kind, src) {
            (Store::B1, Source::Reg(from)) => self.store_byte(from, place),
            (Store::B2, Source::Reg(from)) => self.store_word_16(from, place),
            (Store::B4, Source::Reg(from)) => self.rm(Size::S32, MOV_STORE, from, place),
            (Store::B8, Source::Reg(from)) => self.rm(Size::S64, MOV_STORE, from, place),
            // Of an immediate as much counts as is stored.
            (kind, Source::Imm(value)) => self.store_immediate(kind.bytes(), place, value as u32 as i32),
            (_, Source::Slot(_)) => unreachable!("a slot is not stored at once"),
        }
    }

    fn needs_scratch(&self, address: Address, _bytes: u32) -> bool {
        self.explicit_bounds || i32::try_from(address.offset).is_err()
    }

    fn memory_size(&mut self, dst: Reg) {
        const PAGE_BITS: u8 = 16;
        self.rm(Size::S64, MOV, dst, at(self.memory, field::MEMORY_LENGTH));
        self.shift_by(Size::S64, encode::SHR, dst, PAGE_BITS);
    }

    fn load_context(&mut self, dst: Reg, displacement: i32) {
        self.load_word(dst, R14, displacement);
    }

    fn store_context(&mut self, displacement: i32, src: Source) {
        self.store_word(R14, displacement, src);
    }

    fn load_word(&mut self, dst: Reg, base: Reg, displacement: i32) {
        self.rm(Size::S64, MOV, dst, at(base, displacement));
    }

    fn store_word(&mut self, base: Reg, displacement: i32, src: Source) {
        match src {
            Source::Reg(from) => self.rm(Size::S64, MOV_STORE, from, at(base, displacement)),
            Source::Imm(value) => self.store_immediate(8, at(base, displacement), value as u32 as i32),
            Source::Slot(_) => unreachable!("a slot is not stored at once"),
        }
    }

    fn load_indexed(&mut self, dst: Reg, base: Reg, index: Reg) {
        dynasm!(self.ops ; .arch x64 ; mov Rq(dst.number()), [BYTE Rq(base.number()) + 8 * Rq(index.number()) + 0]);
    }

    fn store_indexed(&mut self, base: Reg, index: Reg, src: Source) {
        match src {
            Source::Reg(from) => {
                let (base, index, from) = (base.number(), index.number(), from.number());
                dynasm!(self.ops ; .arch x64 ; mov [BYTE Rq(base) + 8 * Rq(index) + 0], Rq(from));
            }
            Source::Imm(value) => {
                dynasm!(self.ops ; .arch x64
                    ; mov QWORD [BYTE Rq(base.number()) + 8 * Rq(index.number()) + 0], DWORD value as i32);
            }
            Source::Slot(_) => unreachable!("a slot is not stored at once"),
        }
    }

    fn compare_word(&mut self, lhs: Reg, base: Reg, displacement: i32) {
        self.rm(Size::S64, CMP, lhs, at(base, displacement));
    }

    fn own_reference(&mut self, dst: Reg, function: u32) {
        self.rm(Size::S64, MOV, dst, at(R14, field::INSTANCE));
        // There are fewer than 2^31 functions, and the lower half is 0.
        self.ri(Size::S64, ADD_IMM, dst, function as i32);
    }

    fn save_anchor(&mut self) {
        dynasm!(self.ops ; .arch x64 ; mov [rsp], r14);
    }

    fn restore_anchor(&mut self) {
        dynasm!(self.ops ; .arch x64 ; mov r14, [rsp]);
        if self.memory == R13 {
            self.rm(Size::S64, MOV, R13, at(R14, field::MEMORY_BASE));
        }
    }

    fn call(&mut self, target: Target, wasm: u32) {
        self.call_target(target);
        self.site(wasm);
    }

    fn jump_to(&mut self, target: Target) {
        self.ops.ops.push(0xe9);
        self.fixup(target);
    }

    fn call_import(&mut self, function: u32, displacement: i32, wasm: u32) {
        self.mov(RAX, Source::Imm(function.into()));
        self.zero(RBX);
        based!(self, 14, displacement + import_word::ENTRY, [call QWORD] []);
        self.site(wasm);
    }

    fn jump_to_import(&mut self, function: u32, displacement: i32, frame_slots: u32, wasm: u32) {
        self.tail_site(wasm);
        self.release_frame(frame_slots);
        self.mov(RAX, Source::Imm(function.into()));
        based!(self, 14, displacement + import_word::ENTRY, [jmp QWORD] []);
    }

    fn resolve(&mut self, type_id: u32, type_index: u32, wasm: u32) {
        dynasm!(self.ops ; .arch x64 ; mov rbx, rax ; shr rbx, BYTE 32);
        self.rm(Size::S32, CMP, RBX, at(R14, field::INSTANCE + 4));
        let jump = self.forward(NOT_EQUAL);
        dynasm!(self.ops ; .arch x64 ; mov eax, eax);
        self.lea_target(RBX, Target::FunctionTable);
        dynasm!(self.ops ; .arch x64 ; mov rax, [rbx + 8 * rax]);
        // There are fewer than 2^31 types.
        self.ri(Size::S32, CMP_IMM, RAX, type_id as i32);
        self.trap_on(NOT_EQUAL, Trap::BadSignature, wasm);
        dynasm!(self.ops ; .arch x64 ; shr rax, BYTE 32);
        self.lea_target(RBX, Target::Start);
        dynasm!(self.ops ; .arch x64 ; add rax, rbx);
        let back = self.position();
        self.stubs.push(Stub::Resolve { jump, back, type_index, wasm });
    }

    fn call_resolved(&mut self, wasm: u32) {
        self.zero(RBX);
        dynasm!(self.ops ; .arch x64 ; call rax);
        self.site(wasm);
    }

    fn jump_to_resolved(&mut self, frame_slots: u32, wasm: u32) {
        self.tail_site(wasm);
        self.release_frame(frame_slots);
        dynasm!(self.ops ; .arch x64 ; jmp rax);
    }

    fn bulk(&mut self, target: Target, wasm: u32) {
        self.call_target(target);
        self.site(wasm);
    }

    fn call_builtin(&mut self, builtin: u64, wasm: u32) {
        debug_assert!(builtin != builtin::RESOLVE);
        self.mov(RAX, Source::Imm(builtin));
        self.call_target(Target::Builtin);
        self.site(wasm);
    }
}

impl X64 {
    /// Behind a bit scan: its result where there was none.
    fn unless_zero(&mut self, dst: Reg, otherwise: u64) {
        let jump = self.forward(NOT_EQUAL);
        self.mov(dst, Source::Imm(otherwise));
        let here = self.position();
        self.patch(jump, here);
    }

    fn jump_back(&mut self, back: u32) {
        self.ops.ops.push(0xe9);
        let at = self.position();
        self.ops.ops.extend_from_slice(&[0; 4]);
        self.patch(at, back);
    }
}
