//! A module's code written by hand, for tests of what runs code: the thunks of the native ABI, and functions that do one
//! thing each.
//!
//! It goes with `(module (import "" "host" (func (param i64) (result i64))) (memory 1) ...)`: one imported function, a
//! memory, no globals and no tables.

use crate::abi::{Thunks, builtin, exit, field, import_word, state};
use core::arch::global_asm;
use core::slice;

global_asm!(
    "lockstep_sample_start:",
    // Thunks that enter: the arguments are those of one-parameter functions.
    "lockstep_sample_enter:",
    "mov rdx, [r14 + {STATE}]",
    "mov rdi, [rdx + {VALUES}]",
    "call qword ptr [rdx + {CALLEE}]",
    "mov rdx, [r14 + {STATE}]",
    "mov [rdx + {VALUES}], rax",
    "mov qword ptr [rdx + {EXIT}], {RETURNED}",
    "jmp lockstep_sample_leave",
    "lockstep_sample_enter_values:",
    "mov rdx, [r14 + {STATE}]",
    "mov rdi, [rdx + {VALUES}]",
    "call qword ptr [rdx + {CALLEE}]",
    "mov rdx, [r14 + {STATE}]",
    "mov qword ptr [rdx + {EXIT}], {RETURNED}",
    "jmp lockstep_sample_leave",
    // Thunks that go on.
    "lockstep_sample_resume:",
    "mov rdx, [r14 + {STATE}]",
    "mov rax, [rdx + {VALUES}]",
    "ret",
    // Thunks that leave.
    "lockstep_sample_host_import:",
    "mov rdx, [r14 + {STATE}]",
    "mov [rdx + {VALUES}], rdi",
    "mov qword ptr [rdx + {EXIT}], {HOST_IMPORT}",
    "mov [rdx + {PAYLOAD}], rax",
    "jmp lockstep_sample_leave",
    "lockstep_sample_switch_import:",
    "mov r14, [r14 + {IMPORT} + {ANCHOR_OF_IMPORT}]",
    "ud2",
    "lockstep_sample_memory_fault:",
    "mov eax, 2",
    "lockstep_sample_trap:",
    "mov rdx, [r14 + {STATE}]",
    "mov qword ptr [rdx + {EXIT}], {TRAPPED}",
    "mov [rdx + {PAYLOAD}], rax",
    "lockstep_sample_leave:",
    "mov [rdx + {GAS}], r15",
    "mov [rdx + {ANCHOR}], r14",
    "mov [rdx + {GUEST_SP}], rsp",
    "mov rax, rdx",
    "jmp qword ptr [rdx + {EXIT_PC}]",
    // (param i64) (result i64): calls the import with its argument, and adds 1. Ten gas. Spoils all that it may.
    "lockstep_sample_call_host:",
    "sub rsp, 8 * 5",
    "sub r15, 10",
    "xor eax, eax",
    "call qword ptr [r14 + {IMPORT} + {ENTRY}]",
    "lockstep_sample_call_host_site:",
    "inc rax",
    "mov rbx, 1",
    "mov rbp, 1",
    "mov r12, 1",
    "mov r13, 1",
    "add rsp, 8 * 5",
    "ret",
    // (param i64) (result i64): loads 8 bytes at the argument.
    "lockstep_sample_load:",
    "sub rsp, 8 * 5",
    "lockstep_sample_load_site:",
    "mov rax, [r14 + rdi]",
    "add rsp, 8 * 5",
    "ret",
    // (param i64) (result i64): calls itself until the stack is full.
    "lockstep_sample_recurse:",
    "mov rdx, [r14 + {STATE}]",
    "sub rsp, 8 * 5",
    "cmp rsp, [rdx + {MARK}]",
    "jae 2f",
    "cmp rsp, [rdx + {LIMIT}]",
    "jae 1f",
    "add rsp, 8 * 5",
    "mov eax, 9",
    "call lockstep_sample_trap",
    "lockstep_sample_recurse_refused:",
    "1: mov [rdx + {MARK}], rsp",
    "2: call lockstep_sample_recurse",
    "lockstep_sample_recurse_site:",
    "ud2",
    // (param i64) (result i64): grows the memory by its argument.
    "lockstep_sample_grow:",
    "sub rsp, 8 * 5",
    "mov rdx, [r14 + {STATE}]",
    "mov [rdx + {VALUES}], rdi",
    "call 3f",
    "lockstep_sample_grow_site:",
    "add rsp, 8 * 5",
    "ret",
    "3: mov qword ptr [rdx + {EXIT}], {BUILTIN}",
    "mov qword ptr [rdx + {PAYLOAD}], {MEMORY_GROW}",
    "jmp lockstep_sample_leave",
    // (param i64) (result i64): calls the import in its own place.
    "lockstep_sample_tail_call:",
    "sub rsp, 8 * 5",
    "mov rdx, [r14 + {STATE}]",
    "lea rax, [rip + lockstep_sample_tail_call_site]",
    "mov [rdx + {TAIL_PC}], rax",
    "xor eax, eax",
    "add rsp, 8 * 5",
    "jmp qword ptr [r14 + {IMPORT} + {ENTRY}]",
    "lockstep_sample_tail_call_site:",
    "ud2",
    "lockstep_sample_end:",
    STATE = const field::STATE,
    IMPORT = const field::END - import_word::BYTES,
    ENTRY = const import_word::ENTRY,
    ANCHOR_OF_IMPORT = const import_word::ANCHOR,
    VALUES = const state::VALUES,
    CALLEE = const state::CALLEE,
    GAS = const state::GAS,
    ANCHOR = const state::ANCHOR,
    GUEST_SP = const state::GUEST_SP,
    EXIT_PC = const state::EXIT_PC,
    EXIT = const state::EXIT,
    PAYLOAD = const state::PAYLOAD,
    TAIL_PC = const state::TAIL_PC,
    MARK = const state::MARK,
    LIMIT = const state::LIMIT,
    RETURNED = const exit::RETURNED,
    TRAPPED = const exit::TRAPPED,
    HOST_IMPORT = const exit::HOST_IMPORT,
    BUILTIN = const exit::BUILTIN,
    MEMORY_GROW = const builtin::MEMORY_GROW,
);

macro_rules! labels {
    ($($name:ident = $label:literal,)*) => {
        $(
            /// Where it is in the code.
            pub(crate) fn $name() -> u32 {
                unsafe extern "C" {
                    #[link_name = $label]
                    static LABEL: u8;
                }
                (&raw const LABEL as usize - start() as usize) as u32
            }
        )*
    };
}

labels! {
    enter = "lockstep_sample_enter",
    enter_values = "lockstep_sample_enter_values",
    resume = "lockstep_sample_resume",
    host_import = "lockstep_sample_host_import",
    switch_import = "lockstep_sample_switch_import",
    memory_fault = "lockstep_sample_memory_fault",
    call_host = "lockstep_sample_call_host",
    call_host_site = "lockstep_sample_call_host_site",
    load = "lockstep_sample_load",
    load_site = "lockstep_sample_load_site",
    recurse = "lockstep_sample_recurse",
    recurse_refused = "lockstep_sample_recurse_refused",
    recurse_site = "lockstep_sample_recurse_site",
    grow = "lockstep_sample_grow",
    grow_site = "lockstep_sample_grow_site",
    tail_call = "lockstep_sample_tail_call",
    tail_call_site = "lockstep_sample_tail_call_site",
    end = "lockstep_sample_end",
}

fn start() -> *const u8 {
    unsafe extern "C" {
        #[link_name = "lockstep_sample_start"]
        static LABEL: u8;
    }
    &raw const LABEL
}

/// The code.
pub(crate) fn code() -> &'static [u8] {
    // SAFETY: the assembler put all of this between the two labels, and nothing writes to it.
    unsafe { slice::from_raw_parts(start(), end() as usize) }
}

/// Where the thunks are. What the sample has not is where it stops.
pub(crate) fn thunks() -> Thunks {
    Thunks {
        enter: enter(),
        enter_values: enter_values(),
        resume: resume(),
        resume_unchanged: resume(),
        host_import: host_import(),
        host_indirect: host_import(),
        switch_import: switch_import(),
        switch_indirect: switch_import(),
        memory_fault: memory_fault(),
    }
}
