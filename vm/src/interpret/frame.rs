//! Frames: calls, tail calls and returns between the functions of one activation.
//!
//! Owns the stack of suspended frames and where the current one stands on the value stack. Guest calls never recurse on
//! the host. It must not know operators other than those that enter and leave functions.
//!
//! ```text
//!   slots   | parameters | declared locals | operands ...  | free
//!             ^ base                                         ^ top
//! ```
//! A caller's last operands are its callee's parameters, in place; the results take their place.

use crate::store::objects::{Callee, InstanceId, Objects};
use crate::store::step::FrameSite;
use crate::trap::Trap;
use alloc::vec::Vec;

/// A frame: whose code it runs, where, and where its values are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) instance: InstanceId,
    /// The instruction that comes next.
    pub(super) pc: usize,
    /// Its first slot.
    pub(super) base: usize,
}

/// The frames of an activation.
#[derive(Debug)]
pub(super) struct Frames {
    pub(super) current: Frame,
    /// The first slot above the current frame's operands.
    pub(super) top: usize,
    /// Callers, each to be continued behind its call.
    suspended: Vec<Frame>,
    /// The function that did not fit the stack: `current` would have been its frame. It is reported with the offset of
    /// its body.
    refused: Option<u32>,
}

/// Why the current frame cannot just go on.
#[derive(Debug)]
pub(super) enum Stop {
    /// The current frame is now one of another instance.
    Elsewhere,
    /// The current frame needs this many slots in all before its first operator.
    Slots(usize),
    /// A host function is called with the last operands as arguments.
    Host {
        host: u32,
        arguments: usize,
        is_tail: bool,
    },
    /// The first function has returned, with this many results at the start of the slots.
    Returned(usize),
    Trapped(Trap),
    OutOfMemory,
}

impl Frames {
    /// The frames of an activation that calls this function, its arguments being the first slots.
    pub(super) fn new(
        objects: &mut Objects,
        instance: InstanceId,
        function: u32,
    ) -> (Frames, Result<(), Trap>) {
        let current = Frame { instance, pc: 0, base: 0 };
        let mut frames = Frames { current, top: 0, suspended: Vec::new(), refused: None };
        frames.top =
            objects.instances[instance.index()].module.0.code().function(function).parameters as usize;
        let entered = frames.enter(objects, instance, function);
        (frames, entered)
    }

    /// How many frames there are.
    pub(super) fn depth(&self) -> usize {
        self.suspended.len() + 1
    }

    /// Makes the current frame that of a function whose parameters are the last operands.
    fn enter(&mut self, objects: &mut Objects, instance: InstanceId, function: u32) -> Result<(), Trap> {
        let callee = objects.instances[instance.index()].module.0.code().function(function);
        self.current =
            Frame { instance, pc: callee.entry as usize, base: self.top - callee.parameters as usize };
        objects.enter_frame(callee.frame_slots).inspect_err(|_| self.refused = Some(function))
    }

    /// Calls a function: the caller is suspended.
    pub(super) fn call(
        &mut self,
        objects: &mut Objects,
        callee: Callee,
        parameters: usize,
    ) -> Result<(), Stop> {
        match callee {
            Callee::Host(host) => Err(Stop::Host { host, arguments: parameters, is_tail: false }),
            Callee::Wasm { instance, function } => {
                self.suspended.try_reserve(1).map_err(|_| Stop::OutOfMemory)?;
                self.suspended.push(self.current);
                self.transfer(objects, instance, function)
            }
        }
    }

    /// Calls a function in place of the current one, whose frame is released first.
    pub(super) fn tail_call(
        &mut self,
        objects: &mut Objects,
        slots: &mut [u64],
        callee: Callee,
        parameters: usize,
        frame_slots: u32,
    ) -> Result<(), Stop> {
        objects.leave_frame(frame_slots);
        match callee {
            Callee::Host(host) => Err(Stop::Host { host, arguments: parameters, is_tail: true }),
            Callee::Wasm { instance, function } => {
                self.move_to_base(slots, parameters);
                self.transfer(objects, instance, function)
            }
        }
    }

    fn transfer(&mut self, objects: &mut Objects, instance: InstanceId, function: u32) -> Result<(), Stop> {
        let caller = self.current.instance;
        self.enter(objects, instance, function).map_err(Stop::Trapped)?;
        self.continue_from(caller)
    }

    /// Returns with the last operands as results.
    pub(super) fn leave(
        &mut self,
        objects: &mut Objects,
        slots: &mut [u64],
        results: usize,
        frame_slots: u32,
    ) -> Result<(), Stop> {
        objects.leave_frame(frame_slots);
        self.leave_released(slots, results)
    }

    /// The same where the frame is released already.
    pub(super) fn leave_released(&mut self, slots: &mut [u64], results: usize) -> Result<(), Stop> {
        self.move_to_base(slots, results);
        let callee = self.current.instance;
        self.current = self.suspended.pop().ok_or(Stop::Returned(results))?;
        self.continue_from(callee)
    }

    /// The last values become all there is above the frame's base.
    fn move_to_base(&mut self, slots: &mut [u64], values: usize) {
        let base = self.current.base;
        slots.copy_within(self.top - values..self.top, base);
        self.top = base + values;
    }

    fn continue_from(&self, instance: InstanceId) -> Result<(), Stop> {
        if self.current.instance == instance { Ok(()) } else { Err(Stop::Elsewhere) }
    }

    /// Where execution is, innermost first.
    pub(super) fn backtrace<'a>(
        &'a self,
        objects: &'a Objects,
    ) -> impl ExactSizeIterator<Item = FrameSite> + use<'a> {
        let innermost = self.suspended.len();
        (0..innermost + 1).map(move |outwards| match self.suspended.get(innermost - outwards) {
            Some(caller) => site(caller, objects),
            None => self.innermost_site(objects),
        })
    }

    fn innermost_site(&self, objects: &Objects) -> FrameSite {
        let Some(function) = self.refused else { return site(&self.current, objects) };
        let instance = self.current.instance;
        let info = &objects.instances[instance.index()].module.0.info;
        let body = &info.bodies[(function - info.imported_functions) as usize];
        FrameSite { instance, function, offset: body.bytes.start }
    }
}

/// Where a frame is: at the instruction before its `pc`.
fn site(frame: &Frame, objects: &Objects) -> FrameSite {
    let code = &objects.instances[frame.instance.index()].module.0.code();
    let instr = code.site(frame.pc);
    FrameSite { instance: frame.instance, function: code.function_at(instr), offset: code.offsets[instr] }
}
