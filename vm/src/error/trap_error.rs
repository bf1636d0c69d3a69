//! A trap with where it happened.
//!
//! Owns the backtrace, which is for people: bounded in length, safe to print whatever a module's names contain. Only the
//! kind of the trap is an outcome.

use crate::trap::Trap;
use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt;

/// Frames that a backtrace holds; of more, the outermost are only counted.
const FRAMES_MAX: usize = 64;

/// Characters of a function's name that are kept.
const NAME_MAX: usize = 128;

/// An execution trapped: the kind, and a backtrace for people.
///
/// ```
/// use lockstep_vm::{Engine, ErrorKind, Instance, Module, Store, Trap};
///
/// let wasm = wat::parse_str(r#"(module (func $burn (export "burn") unreachable))"#)?;
/// let engine = Engine::default();
/// let mut store = Store::new(&engine, ());
/// store.set_gas(1_000_000)?;
/// let instance = Instance::new(&mut store, &Module::new(&engine, &wasm)?, &[])?;
/// let error = instance.get_func(&store, "burn").unwrap().call(&mut store, &[], &mut []).unwrap_err();
/// let ErrorKind::Trap(trap) = error.kind() else { unreachable!() };
/// assert_eq!(trap.trap(), Trap::Unreachable);
/// assert_eq!(trap.frames()[0].name(), Some("burn"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct TrapError {
    trap: Trap,
    backtrace: Backtrace,
}

/// Where an execution was, as far as it is kept.
#[derive(Clone, Default, Debug)]
pub(crate) struct Backtrace {
    pub(crate) frames: Vec<Frame>,
    /// Frames beyond those kept.
    omitted: u64,
}

impl Backtrace {
    /// Adds the frames of an activation, innermost first, outside of those already there.
    pub(crate) fn extend(&mut self, frames: impl ExactSizeIterator<Item = Frame>) {
        let room = FRAMES_MAX - self.frames.len();
        self.omitted = self.omitted.saturating_add(frames.len().saturating_sub(room) as u64);
        self.frames.extend(frames.take(room));
    }
}

/// One frame of a backtrace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    function: u32,
    name: Option<Box<str>>,
    offset: u32,
}

impl TrapError {
    pub(crate) fn new(trap: Trap) -> TrapError {
        TrapError { trap, backtrace: Backtrace::default() }
    }

    /// Adds the frames of an activation.
    pub(crate) fn extend(&mut self, frames: impl ExactSizeIterator<Item = Frame>) {
        self.backtrace.extend(frames);
    }

    pub(crate) fn backtrace_mut(&mut self) -> &mut Backtrace {
        &mut self.backtrace
    }

    /// The kind of the trap: the outcome.
    pub fn trap(&self) -> Trap {
        self.trap
    }

    /// Where it happened, innermost frame first, across nested activations. Host functions have no frames; a long
    /// backtrace ends early.
    pub fn frames(&self) -> &[Frame] {
        &self.backtrace.frames
    }

    /// How many more frames there were.
    pub fn omitted_frames(&self) -> u64 {
        self.backtrace.omitted
    }
}

impl Frame {
    pub(crate) fn new(function: u32, name: Option<&str>, offset: u32) -> Frame {
        let name = name.map(|name| name.chars().take(NAME_MAX).collect::<String>().into_boxed_str());
        Frame { function, name, offset }
    }

    /// The function, by its index in its module's function space.
    pub fn function(&self) -> u32 {
        self.function
    }

    /// The beginning of the function's name, where the name section has one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The operator, in bytes from the start of the module.
    pub fn offset(&self) -> u32 {
        self.offset
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "function {}", self.function)?;
        if let Some(name) = &self.name {
            // A module chooses its names: control characters must not reach a terminal.
            write!(f, " <{}>", name.escape_debug())?;
        }
        write!(f, " at offset {:#x}", self.offset)
    }
}

impl fmt::Display for TrapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "trap: {}", self.trap)?;
        for frame in &self.backtrace.frames {
            write!(f, "\n  {frame}")?;
        }
        match self.backtrace.omitted {
            0 => Ok(()),
            omitted => write!(f, "\n  and {omitted} more"),
        }
    }
}

impl core::error::Error for TrapError {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    /// A contract may recurse deeply with names of 100,000 bytes: its backtrace must not fill a node's log.
    #[test]
    fn a_hostile_backtrace_prints_short_and_clean() {
        let name = "\u{1b}[2J\n".repeat(50_000);
        let mut error = TrapError::new(Trap::StackOverflow);
        error.extend((0..1_000_000).map(|index| Frame::new(index, Some(&name), index)));
        error.extend((0..5).map(|index| Frame::new(index, None, index)));
        assert_eq!((error.frames().len(), error.omitted_frames()), (64, 1_000_000 - 64 + 5));
        let text = error.to_string();
        assert!(text.len() < 64 * 1_000, "{} bytes", text.len());
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
    }
}
