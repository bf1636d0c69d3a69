//! What safe Rust cannot say: the only `unsafe` of the crate.
//!
//! Owns the processor's state. It must not know WebAssembly.
#![allow(unsafe_code, reason = "this is where it is allowed; every block says why it is sound")]

pub(crate) mod float_environment;
