//! What every module's code begins with: the ways into guest code and out of it.
//!
//! Owns the machine's side of the native ABI's thunks. It must not know functions.
//!
//! A thunk that leaves is called: the link register says where from, and goes to the stack's next word, as if the call had
//! put it there. Going on takes it back.

use super::encode::{
    self, ADD, ADDS, AND, By, EQ, HI, HS, Imm12, LDR_X, LDRB, LO, NE, SP, STR_X, STRB, SUB, SUBS, ZR,
};
use super::{ANCHOR, Aarch64, GAS, LINK, PASSING, TEMP, x};
use crate::abi::{Thunks, builtin, exit, field, import_word, state};
use crate::compile::Env;
use crate::compile::machine::{Assembled, Machine, TRAPS};
use crate::compile::masm::{Masm, Reg, Size, Source};
use crate::trap::Trap;
use alloc::vec::Vec;

/// The registers that resolving leaves alone, beside those that every call keeps: `x1` to `x15`.
const SAVED: core::ops::Range<u64> = 1..16;

pub(super) fn thunks(env: &Env<'_>) -> Assembled {
    let mut a = Aarch64::new(env, 0, 0);
    let leave = Leave::emit(&mut a);

    // TEMP: nothing. PASSING: the trap's number.
    let trapped = a.position();
    a.load_state(TEMP);
    a.load_at(STR_X, PASSING, TEMP, state::PAYLOAD.into());
    a.leave(exit::TRAPPED, leave.from_call);
    let mut traps = Vec::new();
    for trap in TRAPS {
        traps.push((trap, a.position()));
        a.constant(PASSING, trap as u64);
        a.asm.branch_back(trapped);
    }
    let memory_fault =
        traps.iter().find(|(trap, _)| *trap == Trap::MemoryOutOfBounds).map_or(0, |(_, at)| *at);

    let stack_check = stack_check(&mut a, leave);
    let host_import = leave_with_arguments(&mut a, exit::HOST_IMPORT, leave);
    let host_indirect = leave_with_arguments(&mut a, exit::HOST_INDIRECT, leave);
    let builtin_thunk = leave_with_arguments(&mut a, exit::BUILTIN, leave);

    let resume = a.begin_function();
    a.load_state(TEMP);
    a.go_on();
    let enter = entry(&mut a, true, leave);
    let enter_values = entry(&mut a, false, leave);

    // x0: the index of the import, whose words are 32 bytes below those of the one before.
    let switch_import = a.begin_function();
    a.emit(encode::shifted(Size::S64, SUB, TEMP, ANCHOR, x(0), By::Left, 5));
    let first = i64::from(env.layout.imported_function(0));
    a.add_sub(Size::S64, false, false, TEMP, TEMP, Source::Imm(first as u64));
    a.load_at(LDR_X, PASSING, TEMP, import_word::CODE.into());
    a.load_at(LDR_X, ANCHOR, TEMP, import_word::ANCHOR.into());
    a.enter_instance();

    let switch_indirect = a.begin_function();
    a.load_state(TEMP);
    a.load_at(LDR_X, PASSING, TEMP, state::INDIRECT_CODE.into());
    a.load_at(LDR_X, ANCHOR, TEMP, state::INDIRECT_ANCHOR.into());
    a.enter_instance();

    // x0: the reference. TEMP: the type's index.
    let resolve = a.begin_function();
    a.save();
    a.load_at(STR_X, x(0), PASSING, state::VALUES.into());
    a.load_at(STR_X, TEMP, PASSING, i64::from(state::VALUES) + 8);
    a.leave_for_builtin(builtin::RESOLVE, leave);

    let memory_fill = bulk(&mut a, builtin::MEMORY_FILL, env.options.fill_price, leave);
    let memory_copy = bulk(&mut a, builtin::MEMORY_COPY, env.options.copy_price, leave);

    let resume_unchanged = a.begin_function();
    a.load_state(TEMP);
    for (at, register) in (0..).zip(SAVED) {
        a.load_at(LDR_X, x(register), TEMP, i64::from(state::SAVED) + 8 * at);
    }
    a.go_on();

    let (code, _, fixups) = a.into_parts();
    debug_assert!(fixups.is_empty());
    Assembled {
        code,
        thunks: Thunks {
            enter,
            enter_values,
            resume,
            resume_unchanged,
            host_import,
            host_indirect,
            switch_import,
            switch_indirect,
            memory_fault,
        },
        stack_check,
        builtin: builtin_thunk,
        resolve,
        memory_fill,
        memory_copy,
        traps,
    }
}

/// The last steps out.
#[derive(Clone, Copy)]
struct Leave {
    /// The link register says where from.
    from_call: u32,
    /// PASSING is the stack pointer that the runtime is told.
    with_pointer: u32,
}

impl Leave {
    /// TEMP: the state.
    fn emit(a: &mut Aarch64) -> Leave {
        let from_call = a.position();
        a.asm.push_link();
        a.emit(encode::add_imm(Size::S64, ADD, PASSING, SP, Imm12::eight()));
        let with_pointer = a.position();
        a.load_at(STR_X, PASSING, TEMP, state::GUEST_SP.into());
        a.load_at(STR_X, GAS, TEMP, state::GAS.into());
        a.load_at(STR_X, ANCHOR, TEMP, state::ANCHOR.into());
        for (at, register) in (0..).zip(Aarch64::KEPT) {
            a.load_at(STR_X, register, TEMP, i64::from(state::KEPT) + 8 * at);
        }
        a.copy(x(0), TEMP);
        a.load_at(LDR_X, PASSING, TEMP, state::EXIT_PC.into());
        a.emit(encode::br(PASSING));
        Leave { from_call, with_pointer }
    }
}

impl Aarch64 {
    /// Says why, and leaves. TEMP: the state.
    fn leave(&mut self, reason: u64, way: u32) {
        self.say(reason);
        self.asm.branch_back(way);
    }

    fn say(&mut self, reason: u64) {
        self.constant(PASSING, reason);
        self.load_at(STR_X, PASSING, TEMP, state::EXIT.into());
    }

    /// Leaves from where no call comes back to.
    fn leave_here(&mut self, reason: u64, leave: Leave) {
        self.say(reason);
        self.emit(encode::add_imm(Size::S64, ADD, PASSING, SP, Imm12::default()));
        self.asm.branch_back(leave.with_pointer);
    }

    /// Goes on behind the call that left, with the first result. TEMP: the state.
    fn go_on(&mut self) {
        for (at, register) in (0..).zip(Self::KEPT) {
            self.load_at(LDR_X, register, TEMP, i64::from(state::KEPT) + 8 * at);
        }
        self.load_at(LDR_X, Self::RESULT, TEMP, state::VALUES.into());
        self.load_imported_base();
        self.emit(encode::ldp_post(PASSING, LINK, SP, 16));
        self.asm.ret();
    }

    fn load_imported_base(&mut self) {
        if self.memory != ANCHOR {
            self.load_at(LDR_X, self.memory, ANCHOR, field::MEMORY_BASE.into());
        }
    }

    /// Goes to PASSING, a function of the instance whose anchor has just been taken.
    fn enter_instance(&mut self) {
        self.load_at(LDR_X, Self::IMPORTED_BASE, ANCHOR, field::MEMORY_BASE.into());
        self.emit(encode::br(PASSING));
    }

    /// Keeps what resolving leaves alone, and loads the state's address into PASSING.
    fn save(&mut self) {
        self.load_state(PASSING);
        for (at, register) in (0..).zip(SAVED) {
            self.load_at(STR_X, x(register), PASSING, i64::from(state::SAVED) + 8 * at);
        }
    }

    /// PASSING: the state.
    fn leave_for_builtin(&mut self, builtin: u64, leave: Leave) {
        self.copy(TEMP, PASSING);
        self.constant(PASSING, builtin);
        self.load_at(STR_X, PASSING, TEMP, state::PAYLOAD.into());
        self.leave(exit::BUILTIN, leave.from_call);
    }
}

/// x0: the state. TEMP: the stack pointer that the frame would have. PASSING: where the function returns to.
fn stack_check(a: &mut Aarch64, leave: Leave) -> u32 {
    let start = a.begin_function();
    let scratch = Aarch64::SCRATCH;
    a.load_at(LDR_X, scratch, x(0), state::LIMIT.into());
    a.three(Size::S64, SUBS, ZR, TEMP, scratch);
    let overflow = a.asm.branch(encode::b_cond(LO));
    a.load_at(STR_X, TEMP, x(0), state::MARK.into());
    a.copy(scratch, LINK);
    a.copy(LINK, PASSING);
    a.emit(encode::br(scratch));
    a.asm.land(overflow);
    // A return address into the function that has been refused, and above it the one into its caller.
    a.emit(encode::stp_pre(LINK, PASSING, SP, -16));
    a.copy(TEMP, x(0));
    a.constant(PASSING, Trap::StackOverflow as u64);
    a.load_at(STR_X, PASSING, TEMP, state::PAYLOAD.into());
    a.leave_here(exit::TRAPPED, leave);
    start
}

/// Leaves with arguments in `values`; `x0` may be the payload, and `x7` is what the state calls `tail_pc`.
fn leave_with_arguments(a: &mut Aarch64, reason: u64, leave: Leave) -> u32 {
    let start = a.begin_function();
    a.load_state(TEMP);
    for (at, register) in (0..).zip(Aarch64::ARGUMENTS) {
        a.load_at(STR_X, register, TEMP, i64::from(state::VALUES) + 8 * at);
    }
    if reason != exit::HOST_INDIRECT {
        a.load_at(STR_X, x(0), TEMP, state::PAYLOAD.into());
    }
    if reason != exit::BUILTIN {
        a.load_at(STR_X, Aarch64::SCRATCH, TEMP, state::TAIL_PC.into());
    }
    a.leave(reason, leave.from_call);
    start
}

/// Calls the function that the state names.
fn entry(a: &mut Aarch64, has_result: bool, leave: Leave) -> u32 {
    let start = a.begin_function();
    a.load_state(TEMP);
    for (at, register) in (0..).zip(Aarch64::ARGUMENTS) {
        a.load_at(LDR_X, register, TEMP, i64::from(state::VALUES) + 8 * at);
    }
    a.load_imported_base();
    a.load_at(LDR_X, PASSING, TEMP, state::CALLEE.into());
    a.emit(encode::blr(PASSING));
    // A tail call may have ended in another instance of the same store.
    a.load_state(TEMP);
    if has_result {
        a.load_at(STR_X, Aarch64::RESULT, TEMP, state::VALUES.into());
    }
    a.leave_here(exit::RETURNED, leave);
    start
}

/// Fills or copies memory from `x8` on, `x10` bytes, with the low byte of `x9` or what is from `x9` on. Pays for it first.
/// What is long, out of bounds, cannot be paid, or must be copied from its end is left to the runtime, gas being as before.
fn bulk(a: &mut Aarch64, builtin: u64, price: u32, leave: Leave) -> u32 {
    /// Beyond this the runtime's way is the faster one.
    const LONGEST: u64 = 512;
    const WORD: Imm12 = Imm12::eight();
    let is_copy = builtin == builtin::MEMORY_COPY;
    let [to, from, count] = Aarch64::BULK;
    let (end, memory) = (Aarch64::SCRATCH, a.memory);
    let start = a.begin_function();

    let mut slow = Vec::new();
    a.add_sub(Size::S64, true, true, ZR, count, Source::Imm(LONGEST));
    slow.push(a.asm.branch(encode::b_cond(HI)));
    a.constant(TEMP, price.into());
    a.emit(encode::mul(Size::S64, TEMP, count, TEMP));
    a.three(Size::S64, SUBS, ZR, GAS, TEMP);
    slow.push(a.asm.branch(encode::b_cond(LO)));
    a.load_at(LDR_X, PASSING, memory, field::MEMORY_LENGTH.into());
    for begins in [Some(to), is_copy.then_some(from)].into_iter().flatten() {
        a.three(Size::S64, ADD, end, begins, count);
        a.three(Size::S64, SUBS, ZR, end, PASSING);
        slow.push(a.asm.branch(encode::b_cond(HI)));
    }
    if is_copy {
        // Copied from its start, a place is read before it is written unless it is written by one that comes earlier.
        a.three(Size::S64, SUB, end, to, from);
        a.three(Size::S64, SUBS, ZR, end, count);
        slow.push(a.asm.branch(encode::b_cond(LO)));
    }
    a.three(Size::S64, SUB, GAS, GAS, TEMP);
    a.three(Size::S64, ADD, to, to, memory);
    let value = if is_copy {
        a.three(Size::S64, ADD, from, from, memory);
        end
    } else {
        a.logical(Size::S32, AND, from, from, Source::Imm(0xff));
        a.constant(end, 0x0101_0101_0101_0101);
        a.emit(encode::mul(Size::S64, from, from, end));
        from
    };

    // Eight bytes at a time, then one.
    a.emit(encode::add_imm(Size::S64, SUBS, count, count, WORD));
    let no_words = a.asm.branch(encode::b_cond(LO));
    let words = a.position();
    if is_copy {
        a.emit(encode::post(LDR_X, value, from, 8));
    }
    a.emit(encode::post(STR_X, value, to, 8));
    a.emit(encode::add_imm(Size::S64, SUBS, count, count, WORD));
    let more_words = a.asm.branch(encode::b_cond(HS));
    a.asm.patch_short(more_words, words);
    a.asm.land(no_words);
    a.emit(encode::add_imm(Size::S64, ADDS, count, count, WORD));
    let no_bytes = a.asm.branch(encode::b_cond(EQ));
    let bytes = a.position();
    if is_copy {
        a.emit(encode::post(LDRB, value, from, 1));
    }
    a.emit(encode::post(STRB, value, to, 1));
    a.emit(encode::add_imm(Size::S64, SUBS, count, count, Imm12::one()));
    let more_bytes = a.asm.branch(encode::b_cond(NE));
    a.asm.patch_short(more_bytes, bytes);
    a.asm.land(no_bytes);
    a.asm.ret();

    for jump in slow {
        a.asm.land(jump);
    }
    a.save();
    let values: [Reg; 3] = [to, from, count];
    for (at, register) in (0..).zip(values) {
        a.load_at(STR_X, register, PASSING, i64::from(state::VALUES) + 8 * at);
    }
    a.leave_for_builtin(builtin, leave);
    start
}
