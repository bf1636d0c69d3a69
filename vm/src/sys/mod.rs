//! What safe Rust cannot say: the only `unsafe` of the crate.
//!
//! Owns the processor's state, memory at fixed addresses, machine code and what runs it. It must not know WebAssembly.
//! Of the native ABI it knows where the store's state and a context's first fields are.
//!
//! | part | what |
//! |---|---|
//! | `float_environment` | the mode of the float unit |
//! | `words` | blocks of words on the heap that do not move |
//! | `memory` | bytes that grow: on the heap, or in place within a `reservation` |
//! | `pool` | what waits to be used again |
//! | `pages` | address space of the process, under the next four |
//! | `reservation` | a base that never moves, with room before it and a guard behind |
//! | `code` | machine code, never writable and executable at once |
//! | `stack` | the stack that guest code runs on |
//! | `state` | a store's state, which guest code reads and writes |
//! | `enter`, `enter_x64`, `enter_aarch64` | the way into guest code and out of it |
//! | `signals` | faults of guest code become traps |
//!
//! Below `words` and `memory` everything is for the native backend alone.
#![allow(unsafe_code, reason = "this is where it is allowed; every block says why it is sound")]

#[cfg(all(feature = "native", any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "linux"))]
pub(crate) mod code;
#[cfg(all(feature = "native", any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "linux"))]
pub(crate) mod enter;
#[cfg(all(feature = "native", target_arch = "aarch64", target_os = "linux"))]
mod enter_aarch64;
#[cfg(all(feature = "native", target_arch = "x86_64", target_os = "linux"))]
mod enter_x64;
pub(crate) mod float_environment;
pub(crate) mod memory;
#[cfg(all(feature = "native", any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "linux"))]
mod pages;
#[cfg(all(feature = "native", any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "linux"))]
mod pool;
#[cfg(all(feature = "native", any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "linux"))]
mod reservation;
#[cfg(all(
    test,
    feature = "native",
    any(target_arch = "x86_64", target_arch = "aarch64"),
    target_os = "linux"
))]
pub(crate) mod sample;
#[cfg(all(feature = "native", any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "linux"))]
pub(crate) mod signals;
#[cfg(all(feature = "native", any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "linux"))]
pub(crate) mod stack;
#[cfg(all(feature = "native", any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "linux"))]
pub(crate) mod state;
pub(crate) mod words;

/// The host could not provide memory: never seen by a guest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct OutOfMemory;
