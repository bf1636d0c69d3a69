//! Digests of executions: one hash over everything that must be the same on every machine.
//!
//! Owns what goes into a digest and in which order. It must not know which executions there are, nor what made the machine
//! code.

use std::fmt;

use lockstep_vm::Extern;
use sha3::{Digest as _, Sha3_256};

use super::ours::{Ours, Seen};
use super::value::{Outcome, Value};

/// A hash in the making.
#[derive(Clone, Debug, Default)]
pub struct Hasher(Sha3_256);

/// A finished hash.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Adds a digest to a sum of digests that does not depend on their order.
    pub fn add(&mut self, other: Self) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, byte)| *sum ^= byte);
    }

    /// The first half in hexadecimal.
    pub fn short(&self) -> String {
        self.to_string()[..32].to_string()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Hasher {
    /// A number.
    pub fn number(&mut self, number: u64) {
        self.0.update(number.to_le_bytes());
    }

    /// A text, with its length.
    pub fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.update(text);
    }

    /// What came of a step: outcome with values or kind of trap, gas left, peak of the stack, the whole backtrace.
    pub fn step(&mut self, seen: &Seen) {
        match &seen.ended.outcome {
            Outcome::Returned(values) => {
                self.text("returned");
                values.iter().for_each(|value| self.value(value));
            }
            Outcome::Trapped(trap) => self.text(trap.name()),
            Outcome::Refused(_) => self.text("refused"),
            Outcome::Failed(_) => self.text("failed"),
        }
        self.number(seen.ended.gas);
        self.number(seen.ended.peak);
        let (frames, omitted) = &seen.backtrace;
        self.number(frames.len() as u64);
        for (function, offset) in frames {
            self.number(u64::from(*function));
            self.number(u64::from(*offset));
        }
        self.number(*omitted);
    }

    fn value(&mut self, value: &Value) {
        self.text(&value.to_string());
    }

    /// The memories, globals and tables that an instance exports.
    pub fn state(&mut self, ours: &Ours, exports: &[(String, Extern)]) {
        for (name, item) in exports {
            match *item {
                Extern::Memory(memory) => {
                    let bytes = ours.memory(memory);
                    self.text(name);
                    self.number(bytes.len() as u64);
                    self.number(fold(bytes));
                }
                Extern::Global(global) => {
                    self.text(name);
                    self.value(&ours.global(global));
                }
                Extern::Table(table) => {
                    let size = ours.table_size(table);
                    self.text(name);
                    self.number(size);
                    let elements = (0..size).filter_map(|index| ours.element(table, index));
                    elements.for_each(|value| self.value(&value));
                }
                Extern::Func(_) => {}
            }
        }
    }

    /// The digest.
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

/// A number for the contents of a memory. Each round is a bijection of the sum and of the word, so that one word that
/// differs always shows; memories are too long for a cryptographic hash of each.
fn fold(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let round = |sum: u64, word: u64| (sum.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    let sum = words.iter().fold(0, |sum, word| round(sum, u64::from_le_bytes(*word)));
    rest.iter().fold(sum, |sum, byte| round(sum, u64::from(*byte)))
}
