//! The switch to guest code and back, on x86-64.
//!
//! Owns the host's registers meanwhile: all that a function must preserve are on the host's stack.

use crate::abi::{State, state};
use core::arch::naked_asm;

/// Saves the registers that a function must preserve, keeps the stack pointer in the state, and jumps. Guest code comes
/// back to the second half.
///
/// # Safety
/// The state is to be as for [`enter`](super::enter::enter).
#[unsafe(naked)]
pub(super) unsafe extern "sysv64" fn switch(state: *mut State) {
    naked_asm!(
        "push rbp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "mov [rdi + {host_sp}], rsp",
        "lea rax, [rip + 2f]",
        "mov [rdi + {exit_pc}], rax",
        "mov r15, [rdi + {gas}]",
        "mov r14, [rdi + {anchor}]",
        "mov rsp, [rdi + {guest_sp}]",
        "jmp qword ptr [rdi + {resume_pc}]",
        // Guest code left with the state's address in rax.
        "2:",
        "mov rsp, [rax + {host_sp}]",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        "ret",
        host_sp = const state::HOST_SP,
        exit_pc = const state::EXIT_PC,
        gas = const state::GAS,
        anchor = const state::ANCHOR,
        guest_sp = const state::GUEST_SP,
        resume_pc = const state::RESUME_PC,
    )
}
