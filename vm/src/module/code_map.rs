//! What is where in a module's machine code, and for which machine that is.
//!
//! Owns what tools are told that show machine code. It must not know how code is made.

use alloc::vec::Vec;
use core::fmt;

/// Where functions and operators are in [`Module::machine_code`](super::Module::machine_code).
#[doc(hidden)]
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct CodeMap {
    /// Each function that the module defines: its index, and where its code begins and ends. Before the first there are
    /// thunks, behind the last a table.
    pub functions: Vec<(u32, u32, u32)>,
    /// In order, the end of each call, or the beginning of an instruction that may fault, and the operator there, in bytes
    /// from the start of the module. Where both are at one offset the call comes first.
    pub sites: Vec<(u32, u32)>,
}

/// A machine that modules are compiled for. Code for each can be made on any, wherever the feature `native` is.
///
/// ```
/// use lockstep_vm::CodeTarget;
///
/// assert_eq!(CodeTarget::Aarch64.to_string(), "aarch64");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum CodeTarget {
    /// x86-64, that is x86-64-v2 or later.
    X86_64,
    /// aarch64.
    Aarch64,
}

impl CodeTarget {
    /// The machine at hand, or the one that stands for it where there is no code for that.
    pub const HOST: CodeTarget =
        if cfg!(target_arch = "aarch64") { CodeTarget::Aarch64 } else { CodeTarget::X86_64 };
}

impl fmt::Display for CodeTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CodeTarget::X86_64 => "x86_64",
            CodeTarget::Aarch64 => "aarch64",
        })
    }
}
