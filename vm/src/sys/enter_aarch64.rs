//! The switch to guest code and back, on aarch64.
//!
//! Owns the host's registers meanwhile: all that a function must preserve are on the host's stack, but for `x29` and `d8` to
//! `d15`, which guest code does not touch.

use crate::abi::{State, state};
use core::arch::naked_asm;

/// Saves the registers that a function must preserve, keeps the stack pointer in the state, and jumps. Guest code comes
/// back to the second half.
///
/// The guest's stack pointer becomes the multiple of 16 at or below the state's: where guest code left by a call, the return
/// address is the word above it, as the thunks that go on expect.
///
/// # Safety
/// The state is to be as for [`enter`](super::enter::enter).
#[unsafe(naked)]
pub(super) unsafe extern "C" fn switch(state: *mut State) {
    naked_asm!(
        "stp x19, x20, [sp, #-96]!",
        "stp x21, x22, [sp, #16]",
        "stp x23, x24, [sp, #32]",
        "stp x25, x26, [sp, #48]",
        "stp x27, x28, [sp, #64]",
        "stp x29, x30, [sp, #80]",
        "mov x9, sp",
        "adr x10, 2f",
        "str x9, [x0, {host_sp}]",
        "str x10, [x0, {exit_pc}]",
        "ldr x27, [x0, {gas}]",
        "ldr x28, [x0, {anchor}]",
        "ldr x9, [x0, {guest_sp}]",
        "ldr x16, [x0, {resume_pc}]",
        "and sp, x9, #-16",
        "br x16",
        // Guest code left with the state's address in x0. The hint says that it may be jumped to: `bti j`.
        "2:",
        "hint #36",
        "ldr x9, [x0, {host_sp}]",
        "mov sp, x9",
        "ldp x29, x30, [sp, #80]",
        "ldp x27, x28, [sp, #64]",
        "ldp x25, x26, [sp, #48]",
        "ldp x23, x24, [sp, #32]",
        "ldp x21, x22, [sp, #16]",
        "ldp x19, x20, [sp], #96",
        "ret",
        host_sp = const state::HOST_SP,
        exit_pc = const state::EXIT_PC,
        gas = const state::GAS,
        anchor = const state::ANCHOR,
        guest_sp = const state::GUEST_SP,
        resume_pc = const state::RESUME_PC,
    )
}
