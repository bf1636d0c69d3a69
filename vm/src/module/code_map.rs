//! What is where in a module's machine code.
//!
//! Owns what tools are told that show machine code. It must not know how code is made.

use alloc::vec::Vec;

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
