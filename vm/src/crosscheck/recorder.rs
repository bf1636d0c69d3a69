//! The recorder: writes the log while native code runs.
//!
//! Owns the log under way, and copies of memories that a host function has in hand to change: what it changed is known
//! when it does the next thing. It must not know what the log is for.

use super::lock::Lock;
use super::log::{Effect, Event, HostCall, Outcome, hash};
use super::seed::Seed;
use crate::error::Error;
use crate::store::objects::{InstanceId, MemoryData, MemoryId, Objects};
use alloc::{boxed::Box, vec::Vec};
use core::ops::Range;

/// A memory is compared in blocks of so many bytes.
const BLOCK: usize = 4_096;

/// Writes the log of one outermost call.
#[derive(Debug)]
pub(crate) struct Recorder {
    log: Lock<Log>,
    /// What a test wants to be different.
    seed: Option<Seed>,
}

#[derive(Debug, Default)]
struct Log {
    events: Vec<Event>,
    /// The memory that is lent to be changed, as it was.
    lent: Option<(MemoryId, Box<[u8]>)>,
}

impl Log {
    /// Notes what has changed in a memory that was lent.
    fn settle(&mut self, memories: &[MemoryData]) {
        let Some((memory, before)) = self.lent.take() else { return };
        let after = &memories[memory.index()].bytes;
        for (block, (old, new)) in before.chunks(BLOCK).zip(after.chunks(BLOCK)).enumerate() {
            if let Some(range) = changed(old, new) {
                let offset = block * BLOCK + range.start;
                let bytes = new[range].into();
                self.events.push(Effect::Write { memory, offset, bytes }.into());
            }
        }
    }
}

/// From the first to the last byte that differs.
fn changed(old: &[u8], new: &[u8]) -> Option<Range<usize>> {
    if old == new {
        return None;
    }
    let mut differing = old.iter().zip(new).enumerate().filter(|(_, (old, new))| old != new);
    let first = differing.next()?.0;
    Some(first..differing.next_back().map_or(first, |(last, _)| last) + 1)
}

impl Recorder {
    pub(super) fn new(seed: Option<Seed>) -> Recorder {
        Recorder { log: Lock::new(Log::default()), seed }
    }

    /// What a test wants to be different.
    pub(crate) fn seed(&self) -> Option<Seed> {
        self.seed
    }

    /// All that was noted.
    pub(super) fn into_events(self) -> Vec<Event> {
        self.log.into_inner().events
    }
}

/// Without a recorder each of these is a branch.
impl Objects {
    /// Notes something, before it is done.
    #[inline]
    pub(crate) fn note<E: Into<Event>>(&self, event: impl FnOnce() -> E) {
        if self.recorder.is_some() {
            self.push_event(|| event().into());
        }
    }

    /// Out of line, like everything else that only a recorder needs: without one a call costs a branch.
    #[cold]
    #[inline(never)]
    fn push_event(&self, event: impl FnOnce() -> Event) {
        let Some(recorder) = &self.recorder else { return };
        let event = event();
        recorder.log.with(|log| {
            log.settle(&self.memories);
            log.events.push(event);
        });
    }

    /// Notes that a host function is called.
    #[inline]
    pub(crate) fn note_host_call(&mut self, host: u32, caller: Option<InstanceId>, arguments: &mut [u64]) {
        if self.recorder.is_some() {
            self.push_host_call(host, caller, arguments);
        }
    }

    #[cold]
    #[inline(never)]
    fn push_host_call(&mut self, host: u32, caller: Option<InstanceId>, arguments: &mut [u64]) {
        let Some(recorder) = &self.recorder else { return };
        let seed = recorder.seed;
        if let Some(seed) = seed {
            seed.before_host(self, arguments);
        }
        let (gas, height, depth) = (self.gas, self.height, self.depth);
        let mut call = HostCall { host, caller, arguments: (&*arguments).into(), gas, height, depth };
        if let Some(seed) = seed {
            seed.in_host_call(&mut call);
        }
        self.note(|| Event::HostCall(call));
    }

    /// Notes how a host function ended. Where it has no outcome there will be none to compare.
    #[inline]
    pub(crate) fn note_host_end(&self, ended: &Result<(), Error>, results: &mut [u64]) {
        if self.recorder.is_some() {
            self.push_host_end(ended, results);
        }
    }

    #[cold]
    #[inline(never)]
    fn push_host_end(&self, ended: &Result<(), Error>, results: &mut [u64]) {
        if let Some(outcome) = Outcome::of(ended, results) {
            self.note(|| Event::HostEnd(outcome));
        }
        if let Some(seed) = self.recorder.as_ref().and_then(|recorder| recorder.seed) {
            seed.after_host(results);
        }
    }

    /// Notes how a call ended that a host function made.
    #[inline]
    pub(crate) fn note_call_end(&mut self, ended: &Result<(), Error>, results: &mut [u64]) {
        if self.recorder.is_some() {
            self.push_call_end(ended, results);
        }
    }

    #[cold]
    #[inline(never)]
    fn push_call_end(&mut self, ended: &Result<(), Error>, results: &mut [u64]) {
        if let Some(seed) = self.recorder.as_ref().and_then(|recorder| recorder.seed) {
            seed.after_nested(self, results);
        }
        if let Some(outcome) = Outcome::of(ended, results) {
            self.note(|| Event::CallEnd { outcome, gas: self.gas, peak: self.peak });
        }
    }

    /// Notes that the size of a memory is looked at.
    #[inline]
    pub(crate) fn note_memory_size(&self, memory: MemoryId) {
        self.note(|| Effect::MemorySize { memory, bytes: self.memories[memory.index()].bytes.len() });
    }

    /// Notes that bytes of a memory are looked at, as far as they are there; where not, that they are not.
    #[inline]
    pub(crate) fn note_read(&self, memory: MemoryId, offset: usize, length: usize) {
        if self.recorder.is_some() {
            self.push_read(memory, offset, length);
        }
    }

    #[cold]
    #[inline(never)]
    fn push_read(&self, memory: MemoryId, offset: usize, length: usize) {
        let bytes = &self.memories[memory.index()].bytes;
        match bytes.get(offset..).and_then(|rest| rest.get(..length)) {
            Some(bytes) => self.note(|| Effect::Read { memory, offset, length, hash: hash(bytes) }),
            None => self.note_memory_size(memory),
        }
    }

    /// Notes that bytes are written to a memory, as far as there is room; where not, that there is not.
    #[inline]
    pub(crate) fn note_write(&self, memory: MemoryId, offset: usize, bytes: &[u8]) {
        if self.recorder.is_some() {
            self.push_write(memory, offset, bytes);
        }
    }

    #[cold]
    #[inline(never)]
    fn push_write(&self, memory: MemoryId, offset: usize, bytes: &[u8]) {
        let there = self.memories[memory.index()].bytes.get(offset..);
        match there.and_then(|rest| rest.get(..bytes.len())) {
            Some(_) => self.note(|| Effect::Write { memory, offset, bytes: bytes.into() }),
            None => self.note_memory_size(memory),
        }
    }

    /// Notes that all of a memory is lent to be looked at.
    #[inline]
    pub(crate) fn note_lent(&self, memory: MemoryId) {
        if self.recorder.is_some() {
            self.note_memory_size(memory);
            self.note_read(memory, 0, self.memories[memory.index()].bytes.len());
        }
    }

    /// Notes that all of a memory is lent to be changed.
    #[inline]
    pub(crate) fn note_lent_mut(&self, memory: MemoryId) {
        if self.recorder.is_some() {
            self.push_lent_mut(memory);
        }
    }

    #[cold]
    #[inline(never)]
    fn push_lent_mut(&self, memory: MemoryId) {
        self.note_lent(memory);
        if let Some(recorder) = &self.recorder {
            let before = Box::from(&*self.memories[memory.index()].bytes);
            recorder.log.with(|log| log.lent = Some((memory, before)));
        }
    }
}
