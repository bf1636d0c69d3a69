//! The native backend: drives compiled code by the native ABI.
//!
//! `code` is a module's code, `context` what an instance's code reaches its things by, `machine` what a store's code runs
//! with; `activation` enters and leaves it, `builtin` does what it asks for, `backtrace` reads its stack.
//!
//! Owns an [`Activation`]: what the interpreter's is, for compiled code. It must not know the host's data, nor how code is
//! made, nor the interpreter.

mod activation;
mod backtrace;
mod builtin;
mod code;
mod context;
mod machine;

#[cfg(test)]
mod tests;

use crate::compile::CpuFeatures;
use crate::module::CodeTarget;

pub(crate) use activation::Activation;
pub(crate) use code::ModuleCode;
pub(crate) use context::Context;
pub(crate) use machine::Machine;

/// Whether there is a native backend in this build, for this machine.
pub(crate) fn is_available() -> bool {
    match CodeTarget::HOST {
        CodeTarget::X86_64 => CpuFeatures::detect().is_some(),
        // The baseline is all that is needed.
        CodeTarget::Aarch64 => true,
    }
}
