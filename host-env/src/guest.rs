//! A host function's view of the guest that called it.
//!
//! Owns paying, checked ranges of memory, and the first two steps of the order in which everything is checked: base
//! price, then static frames. It must not know what a function does.

use crate::frame::{Frame, FrameProfile};
use crate::list::{Function, Unit};
use crate::receipt::Misuse;
use lockstep_vm::{Caller, Error, Memory, Trap};

/// The pointer that means "none" where a parameter allows it.
///
/// ```
/// assert_eq!(lockstep_host_env::NONE, u32::MAX);
/// ```
pub const NONE: u32 = 0xffff_ffff;

/// The guest, to a host function.
pub(crate) struct Guest<'c, 'a> {
    caller: Caller<'c, Frame<'a>>,
    function: Function,
}

/// A range that was within the guest's memory; memories do not shrink.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    memory: Memory,
    start: usize,
    len: usize,
}

impl Range {
    pub(crate) fn len(&self) -> u64 {
        self.len as u64
    }

    /// The first bytes of it, or all.
    pub(crate) fn first(self, len: usize) -> Range {
        Range { len: self.len.min(len), ..self }
    }
}

impl<'c, 'a> Guest<'c, 'a> {
    /// Pays the base price and refuses what a static frame may not do.
    pub(crate) fn enter(mut caller: Caller<'c, Frame<'a>>, function: Function) -> Result<Self, Error> {
        let base = caller.data().environment.schedule().base(function);
        caller.charge(base.into())?;
        let guest = Guest { caller, function };
        if function.def().changes_state {
            guest.refuse_static()?;
        }
        Ok(guest)
    }

    /// Refuses a change in a static frame.
    pub(crate) fn refuse_static(&self) -> Result<(), Misuse> {
        if self.frame().entry.is_static { Err(Misuse::StateChangeInStatic) } else { Ok(()) }
    }

    pub(crate) fn frame(&self) -> &Frame<'a> {
        self.caller.data()
    }

    pub(crate) fn frame_mut(&mut self) -> &mut Frame<'a> {
        self.caller.data_mut()
    }

    pub(crate) fn gas(&self) -> u64 {
        self.caller.gas()
    }

    /// Notes whose gas a nested frame's was.
    pub(crate) fn append_profile(&mut self, frame: &FrameProfile) {
        self.caller.append_profile(&frame.label, &frame.profile);
    }

    pub(crate) fn set_gas(&mut self, gas: u64) -> Result<(), Error> {
        self.caller.set_gas(gas)
    }

    /// Pays for `count` units of a part of the function's price.
    pub(crate) fn pay(&mut self, unit: Unit, count: u64) -> Result<(), Trap> {
        let parts = self.function.def().parts;
        debug_assert!(parts.iter().any(|part| part.unit == unit), "{unit:?} is no part of the price");
        let price = self.frame().environment.schedule().unit(self.function, unit);
        // Prices are below 2^24 and counts below 2^33.
        self.caller.charge(u64::from(price).saturating_mul(count))
    }

    /// The range, if it is within memory 0 of the guest.
    pub(crate) fn range(&self, start: u32, len: u64) -> Result<Range, Trap> {
        let memory = self.caller.memory().ok_or(Trap::MemoryOutOfBounds)?;
        let end = u64::from(start).checked_add(len).ok_or(Trap::MemoryOutOfBounds)?;
        if end > memory.data_size(&self.caller) as u64 {
            return Err(Trap::MemoryOutOfBounds);
        }
        // Both are at most the memory's size now.
        Ok(Range { memory, start: start as usize, len: len as usize })
    }

    /// As [`range`](Self::range), for a parameter that may be none.
    pub(crate) fn range_or_none(&self, start: u32, len: u64) -> Result<Option<Range>, Trap> {
        if start == NONE { Ok(None) } else { self.range(start, len).map(Some) }
    }

    pub(crate) fn read(&self, range: Range) -> Result<Vec<u8>, Trap> {
        let mut bytes = vec![0; range.len];
        range.memory.read(&self.caller, range.start, &mut bytes)?;
        Ok(bytes)
    }

    /// The first `N` bytes of a range of at least as many.
    pub(crate) fn read_array<const N: usize>(&self, range: Range) -> Result<[u8; N], Trap> {
        let mut bytes = [0; N];
        range.memory.read(&self.caller, range.start, &mut bytes)?;
        Ok(bytes)
    }

    /// Writes as much of the bytes as the range has room for.
    pub(crate) fn write(&mut self, range: Range, bytes: &[u8]) -> Result<(), Trap> {
        let bytes = &bytes[..bytes.len().min(range.len)];
        range.memory.write(&mut self.caller, range.start, bytes)
    }

    /// Refuses a length above a host limit.
    pub(crate) fn limit(&self, len: u32, limit: u32) -> Result<(), Misuse> {
        if len > limit { Err(Misuse::LimitExceeded) } else { Ok(()) }
    }

    /// Refuses an empty key and one above the limit.
    pub(crate) fn limit_key(&self, len: u32) -> Result<(), Misuse> {
        match len {
            0 => Err(Misuse::BadArgument),
            len => self.limit(len, self.frame().environment.limits().key),
        }
    }

    /// Refuses flags other than those that there are.
    pub(crate) fn known_flags(&self, flags: u32, known: u32) -> Result<(), Misuse> {
        if flags & !known == 0 { Ok(()) } else { Err(Misuse::BadArgument) }
    }
}

/// A length as a guest sees it: lengths are below 2^31, and -1 is absence.
pub(crate) fn length_or_absent(len: Option<u32>) -> i32 {
    len.and_then(|len| i32::try_from(len).ok()).unwrap_or(-1)
}
