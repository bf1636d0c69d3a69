//! The operand stack of places: for each operand, where its value is now.
//!
//! Owns the places and, for each local, the list of operands that are aliases of it. It must not know registers' owners
//! nor emit code.

use super::masm::{Cond, Reg, Source};
use alloc::vec::Vec;

/// Where an operand's value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    Const(u64),
    /// In a register that holds nothing else.
    Reg(Reg),
    /// In the slot that belongs to its depth.
    Slot,
    /// Still in a local, which has not been set since.
    Local(u64),
    /// In the flags: 1 if the condition holds. Only the top operand, until the next operator.
    Flags(Cond),
}

/// An operand that has been taken from the stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Value {
    Const(u64),
    Reg(Reg),
    /// A local's home, which has its value. Not to be changed.
    Home(Reg),
    /// A local without a home, whose slot this register has a copy of. Not to be changed.
    Copy(Reg),
    /// By the index of the slot in the frame.
    Slot(u64),
    /// A local without a home, by its slot.
    Local(u64),
}

impl Value {
    /// Where it can be read.
    #[inline]
    pub(super) fn source(self) -> Source {
        match self {
            Value::Const(value) => Source::Imm(value),
            Value::Reg(register) | Value::Home(register) | Value::Copy(register) => Source::Reg(register),
            Value::Slot(slot) | Value::Local(slot) => Source::Slot(slot),
        }
    }
}

/// No operand.
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Entry {
    place: Place,
    /// Aliases of the same local, deeper and higher.
    deeper: u32,
    higher: u32,
}

/// The operands of the function at hand.
#[derive(Debug, Default)]
pub(super) struct Stack {
    entries: Vec<Entry>,
    /// The highest alias of each local.
    aliases: Vec<u32>,
}

impl Stack {
    /// Empties the stack; there are so many locals. Aliases have all been popped or [forgotten](Self::forget).
    pub(super) fn reset(&mut self, locals: usize) {
        self.entries.clear();
        if self.aliases.len() < locals {
            self.aliases.resize(locals, NONE);
        }
    }

    /// Forgets the aliases of a local.
    pub(super) fn forget(&mut self, local: u64) {
        self.aliases[local as usize] = NONE;
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn top(&self) -> Option<Place> {
        self.entries.last().map(|entry| entry.place)
    }

    pub(super) fn place(&self, depth: usize) -> Place {
        self.entries[depth].place
    }

    #[inline]
    pub(super) fn push(&mut self, place: Place) {
        let mut entry = Entry { place, deeper: NONE, higher: NONE };
        if let Place::Local(local) = place {
            // Heights are limited far below 2^32.
            let depth = self.entries.len() as u32;
            entry.deeper = core::mem::replace(&mut self.aliases[local as usize], depth);
            if entry.deeper != NONE {
                self.entries[entry.deeper as usize].higher = depth;
            }
        }
        self.entries.push(entry);
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Place {
        let entry = self.entries.pop().expect("validated: operands are there");
        if let Place::Local(local) = entry.place {
            self.unlink(local, entry);
        }
        entry.place
    }

    /// Changes where an operand is.
    pub(super) fn move_to(&mut self, depth: usize, place: Place) {
        debug_assert!(!matches!(place, Place::Local(_)));
        let entry = self.entries[depth];
        if let Place::Local(local) = entry.place {
            self.unlink(local, entry);
        }
        self.entries[depth] = Entry { place, deeper: NONE, higher: NONE };
    }

    fn unlink(&mut self, local: u64, entry: Entry) {
        match entry.higher {
            NONE => self.aliases[local as usize] = entry.deeper,
            higher => self.entries[higher as usize].deeper = entry.deeper,
        }
        if entry.deeper != NONE {
            self.entries[entry.deeper as usize].higher = entry.higher;
        }
    }

    /// The depth of the highest alias of a local.
    #[inline]
    pub(super) fn alias(&self, local: u64) -> Option<usize> {
        match self.aliases[local as usize] {
            NONE => None,
            depth => Some(depth as usize),
        }
    }
}
