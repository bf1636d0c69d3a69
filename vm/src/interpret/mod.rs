//! The reference interpreter: written to be read beside the spec and the law.
//!
//! `decode` makes instructions (`instr`) out of bodies, `execute` is the loop over them, with the arithmetic of
//! `numeric` and `float`; `frame` has calls and returns; `observe` recounts gas, `profile` says
//! whose it was.
//!
//! Owns an [`Activation`]: the frames and values between an entry from the host and its end. Guest calls do not recurse
//! on the host, and calls of host functions are handed out as [`Step`]s. It must not know the host's data, nor any
//! compiler.

mod decode;
mod execute;
mod float;
mod frame;
mod instr;
mod numeric;
mod observe;
mod profile;

#[cfg(test)]
mod tests;

use crate::store::objects::{InstanceId, Objects};
use crate::store::step::{FrameSite, Step};
use crate::sys::float_environment;
use crate::trap::Trap;
use alloc::{sync::Arc, vec::Vec};
use frame::{Frames, Stop};
use observe::{Observer, Observers, Unobserved};

pub(crate) use decode::Code;
pub use observe::Audit;
pub(crate) use observe::AuditState;
pub(crate) use profile::finish as finish_profile;

/// A call from the host into a guest function, with all guest frames above it.
#[derive(Debug)]
pub(crate) struct Activation {
    frames: Frames,
    slots: Vec<u64>,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Running,
    /// A host function is called with the last operands, so many.
    Calling {
        arguments: usize,
        is_tail: bool,
    },
    /// So many results are the first slots.
    Returned(usize),
}

/// A first growth of the slots beyond this would only be zeroed for nothing in most calls.
const FIRST_SLOTS: usize = 64;

impl Activation {
    /// Enters a guest function: its frame is added. Its first run is charged when the activation is resumed.
    pub(crate) fn enter(
        objects: &mut Objects,
        instance: InstanceId,
        function: u32,
        arguments: &[u64],
    ) -> (Activation, Result<(), Trap>) {
        let (frames, entered) = Frames::new(objects, instance, function);
        (Activation { frames, slots: arguments.to_vec(), state: State::Running }, entered)
    }

    /// Runs until there is something for the host to do. The processor's float environment is the default one
    /// meanwhile, and the host's again afterwards.
    pub(crate) fn resume(&mut self, objects: &mut Objects) -> Step {
        let _restored_on_drop = float_environment::enter_default();
        self.resume_in_default_environment(objects)
    }

    /// Not inlined: nothing of it may move to where the float environment is another.
    #[inline(never)]
    fn resume_in_default_environment(&mut self, objects: &mut Objects) -> Step {
        if !objects.is_observed() {
            return self.run(objects, &mut Unobserved);
        }
        let mut observers = Observers { audit: objects.audit.take(), profiler: objects.profiler.take() };
        if let Some(audit) = &mut observers.audit {
            audit.resumed(objects.gas);
        }
        let step = self.run(objects, &mut observers);
        if let Some(audit) = &mut observers.audit
            && !matches!(step, Step::OutOfMemory)
        {
            audit.paused(objects.gas);
        }
        (objects.audit, objects.profiler) = (observers.audit, observers.profiler);
        step
    }

    fn run<O: Observer>(&mut self, objects: &mut Objects, observer: &mut O) -> Step {
        if let State::Returned(_) = self.state {
            return Step::Returned;
        }
        loop {
            observer.moves(&self.frames, objects);
            let instance = self.frames.current.instance;
            let module = Arc::clone(&objects.instances[instance.index()].module.0);
            match execute::run(&mut self.frames, &mut self.slots, objects, &module, observer) {
                Stop::Elsewhere => {}
                Stop::Slots(needed) => {
                    if self.grow(needed).is_err() {
                        return Step::OutOfMemory;
                    }
                }
                Stop::Host { host, arguments, is_tail } => {
                    self.state = State::Calling { arguments, is_tail };
                    return Step::HostCall { host, caller: instance };
                }
                Stop::Returned(results) => {
                    self.state = State::Returned(results);
                    return Step::Returned;
                }
                Stop::Trapped(trap) => return Step::Trapped(trap),
                Stop::OutOfMemory => return Step::OutOfMemory,
            }
        }
    }

    /// Makes room for `needed` slots. A frame's slots are entered before, so that the limit on them bounds this; room
    /// grows by doubling.
    fn grow(&mut self, needed: usize) -> Result<(), alloc::collections::TryReserveError> {
        let length = needed.max(self.slots.len().saturating_mul(2)).max(FIRST_SLOTS);
        self.slots.try_reserve_exact(length - self.slots.len())?;
        self.slots.resize(length, 0);
        Ok(())
    }

    /// The arguments of the host function that is being called, a slot each.
    pub(crate) fn arguments(&self) -> &[u64] {
        let State::Calling { arguments, .. } = self.state else { return &[] };
        &self.slots[self.frames.top - arguments..self.frames.top]
    }

    /// The host function has returned; resume to go on.
    pub(crate) fn host_returned(&mut self, results: &[u64]) {
        let State::Calling { arguments, is_tail } = self.state else {
            panic!("no host function is being called");
        };
        self.state = State::Running;
        // The results take the place of the arguments, or, where they are the frame's own, of the whole frame. Operand
        // heights have counted them in either case.
        let at = if is_tail { self.frames.current.base } else { self.frames.top - arguments };
        self.frames.top = at + results.len();
        self.slots[at..self.frames.top].copy_from_slice(results);
        // Where the caller is another instance, resuming will find it.
        if is_tail
            && let Err(Stop::Returned(results)) = self.frames.leave_released(&mut self.slots, results.len())
        {
            self.state = State::Returned(results);
        }
    }

    /// The results, a slot each, after [`Step::Returned`].
    pub(crate) fn results(&self) -> &[u64] {
        let State::Returned(results) = self.state else { return &[] };
        &self.slots[..results]
    }

    /// Where execution is, innermost first: where it trapped, or where the host function is called.
    pub(crate) fn backtrace<'a>(
        &'a self,
        objects: &'a Objects,
    ) -> impl ExactSizeIterator<Item = FrameSite> + use<'a> {
        self.frames.backtrace(objects)
    }
}
