//! What contracts for Lockstep are written with, in Rust.
//!
//! A contract is a `no_std` crate of type `cdylib` for `wasm32-unknown-unknown`. Its functions are plain functions, and
//! [`contract!`] names those that others may call:
//!
//! ```ignore
#![doc = include_str!("../../contracts/counter.rs")]
//! ```
//!
//! (That is `contracts/counter.rs` of the host environment, built and tested with the others there.)
//!
//! Its `Cargo.toml` has `crate-type = ["cdylib"]`, this crate and `parity-scale-codec` under the name `codec`, and a profile
//! with `panic = "abort"`, `lto = "fat"`, `opt-level = "s"`, `codegen-units = 1`; this crate's own is one to copy from.
//! `cargo build --release --target wasm32-unknown-unknown` makes it, `lockstep check` says what the chain thinks of it.
//!
//! **The convention.** A function is called with the input `sha256(name)[..4] ‖ SCALE(arguments)`, as `deploy` is, and
//! outputs `SCALE(result)`. An event has `sha256(name)` as its first topic and SCALE as its data. A storage key is
//! SCALE of a name and of what follows it. What a caller can get wrong is answered by [`revert`] with a word.
//!
//! **What is here**, beside the macros:
//!
//! - [`raw`]: every host function, made from the same list as the host's side. All below is built on it.
//! - [`context`]: who calls whom, with what, when.
//! - [`storage`]: [`storage::Value`] and [`storage::Map`]; [`transient`] for what lives for one transaction.
//! - [`call`]: calls, creations, payments, with their [`call::Status`].
//! - [`event`], [`crypto`], [`debug`].
//!
//! An allocator that only goes forward serves `alloc`; a frame's memory is gone with the frame. A panic traps.

#![no_std]

pub extern crate alloc;
pub use codec;

#[cfg(target_arch = "wasm32")]
mod allocator;
pub mod call;
pub mod context;
pub mod crypto;
mod dispatch;
pub mod event;
#[allow(clippy::missing_safety_doc, reason = "pointers must name memory of the contract, everywhere")]
#[path = "../lockstep.rs"]
#[rustfmt::skip]
pub mod raw;
mod selector;
pub mod storage;
pub mod transient;
mod types;

pub use dispatch::{OrRevert, arguments, ensure, entered, input, output, reply, revert};
pub use selector::{Selector, selector, sha256};
pub use types::{Address, Amount, Hash};

/// What most contracts use.
pub mod prelude {
    pub use crate::alloc::string::String;
    pub use crate::alloc::vec::Vec;
    pub use crate::call::{Call, Failure, Status};
    pub use crate::storage::{Map, Value};
    pub use crate::{
        Address, Amount, Hash, OrRevert, call, context, contract, crypto, emit, ensure, revert, selector_of,
        storage,
    };
    pub use codec::{Decode, Encode};
}

/// A text for whoever listens. It changes nothing, whether anybody does or not.
pub fn debug(text: &str) {
    // SAFETY: the host reads the text, which is borrowed.
    unsafe { raw::debug(text.as_ptr(), text.len() as u32) }
}

#[cfg(all(target_arch = "wasm32", not(test)))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
