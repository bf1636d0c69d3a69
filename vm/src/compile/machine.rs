//! What every machine is to the compiler.
//!
//! Owns what putting a module together asks of each beside its macro-assembler. It must not know operators.

use super::masm::{Masm, Target};
use super::{Env, Fixup, Site};
use crate::abi::Thunks;
use crate::trap::Trap;
use alloc::vec::Vec;

/// More bytes of code than most bodies have for each of theirs.
pub(super) const CODE_BY_BYTE: usize = 3;
/// Most bodies have more bytes for each call, each access to memory, each label and each piece of code out of line.
pub(super) const BYTES_BY_SITE: usize = 8;

/// A machine's code, by part and as a whole.
pub(super) trait Machine: Masm + Sized {
    /// A module with so many bytes of code or fewer needs no far calls.
    const REACH: usize;

    /// For bodies of so many bytes, the largest of so many. Memory is reserved in proportion to them, so that what is
    /// reserved grows as they do.
    fn new(env: &Env<'_>, bytes: usize, largest: usize) -> Self;
    /// Goes to where the next function begins, and forgets the labels of the one before.
    fn begin_function(&mut self) -> u32;
    fn into_parts(self) -> (Vec<u8>, Vec<Site>, Vec<Fixup>);
    fn thunks(env: &Env<'_>) -> Assembled;
    /// Lets functions begin where it is best.
    fn align(code: &mut Vec<u8>);
    /// Fills in an address, as an offset in the module's code, of which this code begins at `start`.
    fn relocate(code: &mut [u8], at: u32, start: u32, target: u32);
}

/// The thunks of a module.
pub(super) struct Assembled {
    pub(super) code: Vec<u8>,
    pub(super) thunks: Thunks,
    pub(super) stack_check: u32,
    pub(super) builtin: u32,
    pub(super) resolve: u32,
    pub(super) memory_fill: u32,
    pub(super) memory_copy: u32,
    pub(super) traps: Vec<(Trap, u32)>,
}

impl Assembled {
    /// Where a thunk is that functions call.
    pub(super) fn target(&self, target: Target) -> u32 {
        match target {
            Target::Trap(trap) => {
                let found = self.traps.iter().find(|(other, _)| *other == trap);
                found.expect("guest code raises no other traps").1
            }
            Target::StackCheck => self.stack_check,
            Target::Builtin => self.builtin,
            Target::Resolve => self.resolve,
            Target::MemoryFill => self.memory_fill,
            Target::MemoryCopy => self.memory_copy,
            Target::Function(_) | Target::FunctionTable | Target::Start => unreachable!("no thunk"),
        }
    }
}

/// The traps that compiled code raises itself.
pub(super) const TRAPS: [Trap; 8] = [
    Trap::Unreachable,
    Trap::MemoryOutOfBounds,
    Trap::TableOutOfBounds,
    Trap::BadSignature,
    Trap::IntegerOverflow,
    Trap::DivideByZero,
    Trap::BadConversion,
    Trap::OutOfGas,
];
