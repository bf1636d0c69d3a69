//! Seeded differences: what a test makes different on the native side, to see that the cross-check finds it.
//!
//! Owns the list, and how each is done. It must not know how it will be found.

use super::log::HostCall;
use crate::error::{Error, ErrorKind, Frame, TrapError};
use crate::store::objects::{GlobalId, InstanceId, Objects};
use crate::trap::Trap;

/// One thing that is different on the native side. For tests of the cross-check.
#[doc(hidden)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Seed {
    /// The lowest bit of the first result.
    Result,
    /// Another trap.
    Trap,
    /// Where a trap happened, by 1.
    Place,
    /// One frame more in the backtrace of a trap.
    Frames,
    /// The gas left, by 1.
    Gas,
    /// The peak, by 1.
    Peak,
    /// A bit of a byte of the first memory, at the end.
    MemoryByte(usize),
    /// A page more in the first memory.
    MemorySize,
    /// The first element of the first table.
    Element,
    /// An element more in the first table.
    TableSize,
    /// A bit of the first global.
    Global,
    /// Whether the first data segment of the first instance is dropped.
    DroppedData,
    /// Whether the first element segment of the first instance is dropped.
    DroppedElements,
    /// The lowest bit of the first argument of every host call.
    HostArgument,
    /// The gas at every host call, by 1.
    HostGas,
    /// The height at every host call, by 1.
    HostHeight,
    /// Who calls host functions.
    HostCaller,
    /// Which host function is called.
    HostFunction,
    /// A bit of a byte of the first memory, at every host call.
    HostMemoryByte(usize),
    /// A bit of the first global, at every host call.
    HostGlobal,
    /// The first element of the first table, at every host call.
    HostElement,
    /// The lowest bit of the first result of every host call, on its way to the guest.
    HostAnswer,
    /// The lowest bit of the first result of every call that a host function makes.
    NestedResult,
    /// The gas after every call that a host function makes, by 1.
    NestedGas,
}

impl Seed {
    /// Before a host function is called.
    pub(crate) fn before_host(self, objects: &mut Objects, slots: &mut [u64]) {
        match self {
            Seed::HostArgument => slots.iter_mut().take(1).for_each(|slot| *slot ^= 1),
            Seed::HostGas => objects.gas -= 1,
            Seed::HostMemoryByte(at) => objects.memories[0].bytes[at] ^= 0x10,
            Seed::HostGlobal => flip_global(objects),
            Seed::HostElement => flip_element(objects),
            _ => {}
        }
    }

    /// In what is noted of a host call.
    pub(crate) fn in_host_call(self, call: &mut HostCall) {
        match self {
            Seed::HostHeight => call.height += 1,
            Seed::HostCaller => call.caller = call.caller.xor(Some(InstanceId(0))),
            Seed::HostFunction => call.host ^= 1,
            _ => {}
        }
    }

    /// After a host function has answered.
    pub(crate) fn after_host(self, slots: &mut [u64]) {
        if self == Seed::HostAnswer {
            slots.iter_mut().take(1).for_each(|slot| *slot ^= 1);
        }
    }

    /// After a call that a host function made.
    pub(crate) fn after_nested(self, objects: &mut Objects, results: &mut [u64]) {
        match self {
            Seed::NestedResult => results.iter_mut().take(1).for_each(|slot| *slot ^= 1),
            Seed::NestedGas => objects.gas -= 1,
            _ => {}
        }
    }

    /// The trap with another backtrace.
    fn elsewhere(self, trap: &TrapError) -> TrapError {
        let moved = u32::from(self == Seed::Place);
        let mut other = TrapError::new(trap.trap());
        let frames = trap.frames().iter();
        other.extend(frames.map(|at| Frame::new(at.function(), at.name(), at.offset() + moved)));
        if self == Seed::Frames {
            other.extend([Frame::new(0, None, 0)].into_iter());
        }
        other
    }

    /// After the outermost call.
    pub(super) fn at_end(self, objects: &mut Objects, ended: &mut Result<(), Error>, results: &mut [u64]) {
        match self {
            Seed::Result => results[0] ^= 1,
            Seed::Trap => *ended = Err(Trap::BadConversion.into()),
            Seed::Place | Seed::Frames => {
                let outcome = core::mem::replace(ended, Ok(()));
                *ended = outcome.map_err(|error| match error.into_kind() {
                    ErrorKind::Trap(trap) => self.elsewhere(&trap).into(),
                    other => other.into(),
                });
            }
            Seed::Gas => objects.gas -= 1,
            Seed::Peak => objects.peak += 1,
            Seed::MemoryByte(at) => objects.memories[0].bytes[at] ^= 0x10,
            Seed::MemorySize => drop(objects.memories[0].bytes.grow(65_536)),
            Seed::Element => flip_element(objects),
            Seed::TableSize => drop(objects.tables[0].elements.grow(0, 1)),
            Seed::Global => flip_global(objects),
            Seed::DroppedData => objects.instances[0].dropped_data[0] ^= true,
            Seed::DroppedElements => objects.instances[0].dropped_elements[0] ^= true,
            _ => {}
        }
    }
}

fn flip_global(objects: &mut Objects) {
    let value = objects.global(GlobalId(0));
    objects.set_global(GlobalId(0), value ^ 4);
}

fn flip_element(objects: &mut Objects) {
    let elements = &mut objects.tables[0].elements;
    elements[0] = if elements[0] == 0 { 1 << 32 } else { 0 };
}
