//! What every module's code begins with: the ways into guest code and out of it.
//!
//! Owns the machine's side of the native ABI's thunks. It must not know functions.

use super::{Env, R13, X64, align};
use crate::abi::{Thunks, builtin, exit, field, import_word, state};
use crate::compile::machine::{Assembled, Machine, TRAPS};
use crate::compile::masm::{Masm, Reg};
use crate::trap::Trap;
use alloc::vec::Vec;
use dynasmrt::{DynasmApi, dynasm};

/// The registers that resolving leaves alone, beside `rax` and `rbx`: arguments and homes.
const SAVED: [u8; 11] = [1, 2, 5, 6, 7, 8, 9, 10, 11, 12, 13];

/// From a thunk that resolving has called, `rbx` is kept in the second scratch slot of the frame above.
const SAVED_RBX: i8 = 8 + 16;
/// And the type's index in the first.
const TYPE_INDEX: i8 = 8 + 8;

pub(super) fn thunks(env: &Env<'_>) -> Assembled {
    let mut x = X64::new(env, 0, 0);
    let imports_memory = env.imports_memory();

    // Leaves with everything in the state, whose address is in rax.
    let leave = x.position();
    dynasm!(x.ops
        ; .arch x64
        ; mov [BYTE rax + state::GAS as i8], r15
        ; mov [BYTE rax + state::ANCHOR as i8], r14
        ; mov [BYTE rax + state::GUEST_SP as i8], rsp
    );
    for (at, register) in (0..).zip(X64::KEPT) {
        based!(x, 0, state::KEPT + 8 * at, [mov] [, Rq(register.number())]);
    }
    dynasm!(x.ops ; .arch x64 ; jmp QWORD [BYTE rax + state::EXIT_PC as i8]);
    let trapped = x.position();
    store(&mut x, 0, state::EXIT, exit::TRAPPED);
    x.jump_back(leave);

    let mut traps = Vec::new();
    for trap in TRAPS {
        traps.push((trap, x.position()));
        x.state(Reg(0));
        store(&mut x, 0, state::PAYLOAD, trap as u64);
        x.jump_back(trapped);
    }
    let memory_fault =
        traps.iter().find(|(trap, _)| *trap == Trap::MemoryOutOfBounds).map_or(0, |(_, at)| *at);

    // rax: the state; rbx: the stack pointer that the frame would have.
    let stack_check = x.position();
    dynasm!(x.ops ; .arch x64 ; cmp rbx, [BYTE rax + state::LIMIT as i8]);
    let overflow = x.forward(super::BELOW);
    dynasm!(x.ops ; .arch x64 ; mov [BYTE rax + state::MARK as i8], rbx ; ret);
    let here = x.position();
    x.patch(overflow, here);
    store(&mut x, 0, state::PAYLOAD, Trap::StackOverflow as u64);
    x.jump_back(trapped);

    let host_import = leave_with_arguments(&mut x, exit::HOST_IMPORT, true, leave);
    let host_indirect = leave_with_arguments(&mut x, exit::HOST_INDIRECT, false, leave);
    let builtin_thunk = leave_with_arguments(&mut x, exit::BUILTIN, true, leave);

    align(&mut x.ops.ops);
    let resume = x.position();
    x.state(Reg(0));
    for (at, register) in (0..).zip(X64::KEPT) {
        based!(x, 0, state::KEPT + 8 * at, [mov Rq(register.number()),] []);
    }
    based!(x, 0, state::VALUES, [mov rax,] []);
    if imports_memory {
        based!(x, 14, field::MEMORY_BASE, [mov r13,] []);
    }
    dynasm!(x.ops ; .arch x64 ; ret);

    let enter = entry(&mut x, imports_memory, true, leave);
    let enter_values = entry(&mut x, imports_memory, false, leave);

    // rax: the index of the import.
    let switch_import = x.position();
    // Words of import k are 32 bytes below those of import k - 1.
    let first = env.layout.imported_function(0);
    dynasm!(x.ops ; .arch x64 ; shl rax, BYTE 5 ; mov rbx, r14 ; sub rbx, rax);
    based!(x, 3, first + import_word::CODE, [mov rax,] []);
    based!(x, 3, first + import_word::ANCHOR, [mov r14,] []);
    based!(x, 14, field::MEMORY_BASE, [mov r13,] []);
    dynasm!(x.ops ; .arch x64 ; jmp rax);

    let switch_indirect = x.position();
    x.state(Reg(3));
    based!(x, 3, state::INDIRECT_CODE, [mov rax,] []);
    based!(x, 3, state::INDIRECT_ANCHOR, [mov r14,] []);
    based!(x, 14, field::MEMORY_BASE, [mov r13,] []);
    dynasm!(x.ops ; .arch x64 ; jmp rax);

    // rax: the reference.
    let resolve = x.position();
    leave_unchanged(&mut x);
    based!(x, 3, state::VALUES, [mov] [, rax]);
    dynasm!(x.ops ; .arch x64 ; mov eax, [BYTE rsp + TYPE_INDEX]);
    based!(x, 3, state::VALUES + 8, [mov] [, rax]);
    finish_leaving(&mut x, builtin::RESOLVE, leave);

    let memory_fill = bulk(&mut x, builtin::MEMORY_FILL, env.options.fill_price, leave);
    let memory_copy = bulk(&mut x, builtin::MEMORY_COPY, env.options.copy_price, leave);

    let resume_unchanged = x.position();
    x.state(Reg(3));
    for (at, register) in (0..).zip(SAVED) {
        based!(x, 3, state::SAVED + 8 * at, [mov Rq(register),] []);
    }
    based!(x, 3, state::VALUES, [mov rax,] []);
    dynasm!(x.ops ; .arch x64 ; mov rbx, [BYTE rsp + SAVED_RBX] ; ret);

    debug_assert!(x.fixups.is_empty() && x.stubs.is_empty());
    Assembled {
        code: x.ops.finalize(),
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

/// Keeps all registers for `resume_unchanged`, and puts the state's address into `rbx`.
fn leave_unchanged(x: &mut X64) {
    dynasm!(x.ops ; .arch x64 ; mov [BYTE rsp + SAVED_RBX], rbx);
    x.state(Reg(3));
    for (at, register) in (0..).zip(SAVED) {
        based!(x, 3, state::SAVED + 8 * at, [mov] [, Rq(register)]);
    }
}

/// Leaves for a builtin; `rbx` is the state.
fn finish_leaving(x: &mut X64, builtin: u64, leave: u32) {
    dynasm!(x.ops ; .arch x64 ; mov rax, rbx);
    store(x, 0, state::PAYLOAD, builtin);
    store(x, 0, state::EXIT, exit::BUILTIN);
    x.jump_back(leave);
}

/// Fills or copies memory from `rbx` on, `rcx` bytes, with `dl` or what is from `rdx` on. Pays for it first. What is
/// long, out of bounds, cannot be paid, or must be copied from its end is left to the runtime, gas being as before.
fn bulk(x: &mut X64, builtin: u64, price: u32, leave: u32) -> u32 {
    /// Beyond this the runtime's way is the faster one.
    const LONGEST: i32 = 512;
    let is_copy = builtin == builtin::MEMORY_COPY;
    // Prices are below 2^24.
    let price = price as i32;
    align(&mut x.ops.ops);
    let start = x.position();
    let memory = x.memory.number();

    dynasm!(x.ops ; .arch x64 ; cmp rcx, DWORD LONGEST);
    let long = x.forward(super::ABOVE);
    dynasm!(x.ops ; .arch x64 ; imul rax, rcx, DWORD price ; cmp r15, rax);
    let unpaid = x.forward(super::BELOW);
    dynasm!(x.ops ; .arch x64 ; lea rax, [rbx + rcx]);
    based!(x, memory, field::MEMORY_LENGTH, [cmp rax,] []);
    let out_of_bounds = x.forward(super::ABOVE);
    let mut slow = Vec::from([long, unpaid, out_of_bounds]);
    if is_copy {
        dynasm!(x.ops ; .arch x64 ; lea rax, [rdx + rcx]);
        based!(x, memory, field::MEMORY_LENGTH, [cmp rax,] []);
        slow.push(x.forward(super::ABOVE));
        // Copied from its start, a place is read before it is written unless it is written by one that comes earlier.
        dynasm!(x.ops ; .arch x64 ; mov rax, rbx ; sub rax, rdx ; cmp rax, rcx);
        slow.push(x.forward(super::BELOW));
    }
    dynasm!(x.ops ; .arch x64 ; imul rax, rcx, DWORD price ; sub r15, rax ; add rbx, Rq(memory));
    if is_copy {
        dynasm!(x.ops ; .arch x64 ; add rdx, Rq(memory));
    } else {
        dynasm!(x.ops ; .arch x64 ; movzx edx, dl ; mov rax, QWORD 0x0101_0101_0101_0101 ; imul rdx, rax);
    }

    // Eight bytes at a time, then one.
    dynasm!(x.ops ; .arch x64 ; sub rcx, BYTE 8);
    let no_words = x.forward(super::BELOW);
    let words = x.position();
    if is_copy {
        dynasm!(x.ops ; .arch x64 ; mov rax, [rdx] ; mov [rbx], rax ; add rdx, BYTE 8);
    } else {
        dynasm!(x.ops ; .arch x64 ; mov [rbx], rdx);
    }
    dynasm!(x.ops ; .arch x64 ; add rbx, BYTE 8 ; sub rcx, BYTE 8);
    let more_words = x.forward(AT_LEAST);
    x.patch(more_words, words);
    let here = x.position();
    x.patch(no_words, here);
    dynasm!(x.ops ; .arch x64 ; add rcx, BYTE 8);
    let no_bytes = x.forward(super::EQUAL);
    let bytes = x.position();
    if is_copy {
        dynasm!(x.ops ; .arch x64 ; mov al, [rdx] ; mov [rbx], al ; inc rdx);
    } else {
        dynasm!(x.ops ; .arch x64 ; mov [rbx], dl);
    }
    dynasm!(x.ops ; .arch x64 ; inc rbx ; dec rcx);
    let more_bytes = x.forward(super::NOT_EQUAL);
    x.patch(more_bytes, bytes);
    let here = x.position();
    x.patch(no_bytes, here);
    dynasm!(x.ops ; .arch x64 ; ret);

    let here = x.position();
    for jump in slow {
        x.patch(jump, here);
    }
    leave_unchanged(x);
    based!(x, 3, state::VALUES + 8, [mov] [, rdx]);
    based!(x, 3, state::VALUES + 16, [mov] [, rcx]);
    dynasm!(x.ops ; .arch x64 ; mov rax, [BYTE rsp + SAVED_RBX]);
    based!(x, 3, state::VALUES, [mov] [, rax]);
    finish_leaving(x, builtin, leave);
    start
}

const AT_LEAST: u8 = 0x3;

/// Stores a small number in the state.
fn store(x: &mut X64, base: u8, displacement: i32, value: u64) {
    let value = value as i32;
    based!(x, base, displacement, [mov QWORD] [, DWORD value]);
}

/// Leaves with arguments in `values`; `rax` may be the payload. A call's return address is on the stack, or, in a tail
/// call, that of the frame which has been released; `rbx` is what the state calls `tail_pc`.
fn leave_with_arguments(x: &mut X64, reason: u64, has_payload: bool, leave: u32) -> u32 {
    let start = x.position();
    // Where it is the base of memory 0, who resumes loads it again.
    x.state(R13);
    for (at, register) in (0..).zip(X64::ARGUMENTS) {
        based!(x, 13, state::VALUES + 8 * at, [mov] [, Rq(register.number())]);
    }
    if has_payload {
        based!(x, 13, state::PAYLOAD, [mov] [, rax]);
    }
    if reason != exit::BUILTIN {
        based!(x, 13, state::TAIL_PC, [mov] [, rbx]);
    }
    dynasm!(x.ops ; .arch x64 ; mov rax, r13);
    store(x, 0, state::EXIT, reason);
    x.jump_back(leave);
    start
}

/// Calls the function that the state names.
fn entry(x: &mut X64, imports_memory: bool, has_result: bool, leave: u32) -> u32 {
    align(&mut x.ops.ops);
    let start = x.position();
    x.state(Reg(0));
    for (at, register) in (0..).zip(X64::ARGUMENTS) {
        based!(x, 0, state::VALUES + 8 * at, [mov Rq(register.number()),] []);
    }
    if imports_memory {
        debug_assert_eq!(x.memory, R13);
        based!(x, 14, field::MEMORY_BASE, [mov r13,] []);
    }
    based!(x, 0, state::CALLEE, [call QWORD] []);
    // A tail call may have ended in another instance of the same store.
    x.state(Reg(3));
    if has_result {
        based!(x, 3, state::VALUES, [mov] [, rax]);
    }
    dynasm!(x.ops ; .arch x64 ; mov rax, rbx);
    store(x, 0, state::EXIT, exit::RETURNED);
    x.jump_back(leave);
    start
}
