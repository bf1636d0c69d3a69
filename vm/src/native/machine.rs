//! What the compiled code of a store runs with.
//!
//! Owns the state and the stack, which are there once they are needed, and who is at which anchor. It must not know
//! activations.

use crate::RunLimits;
use crate::store::objects::{InstanceId, OutOfMemory};
use crate::sys::memory::LinearMemory;
use crate::sys::stack::Stack;
use crate::sys::state::PinnedState;
use alloc::collections::BTreeMap;

/// What compiled code of a store runs with.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    state: Option<PinnedState>,
    stack: Option<Stack>,
    /// Up to where the stack is in use, by activations that wait for a host function.
    pub(super) in_use: u64,
    /// Every instance by its anchor.
    pub(super) instances: BTreeMap<u64, InstanceId>,
}

/// Bytes that each activation may take on the stack beside its frames, and all that guest code takes there: below the
/// innermost frame the return address with which guest code leaves or calls a thunk, and what aligns the activation that
/// may follow; where a frame has been refused, two return addresses, one of them its caller's.
pub(super) const ACTIVATION_BYTES: u64 = 16;

impl Machine {
    /// For a store without instances.
    pub(crate) fn new() -> Machine {
        Machine::default()
    }

    /// A memory of so many bytes, with at least so many words before it.
    pub(crate) fn memory(&self, length: u64, prefix: usize) -> Result<LinearMemory, OutOfMemory> {
        LinearMemory::reserved(length, prefix)
    }

    /// Makes the state, if it is not there yet, and answers its address.
    pub(super) fn make_state(&mut self) -> Result<u64, OutOfMemory> {
        let state = match self.state.take() {
            Some(state) => state,
            None => PinnedState::new()?,
        };
        Ok(self.state.insert(state).address())
    }

    /// Makes the stack, if it is not there yet, with room for what the limits allow. They never become looser.
    pub(super) fn make_stack(&mut self, limits: &RunLimits) -> Result<(), OutOfMemory> {
        if self.stack.is_none() {
            let activations = u64::from(limits.activation_depth).saturating_mul(ACTIVATION_BYTES);
            let frames = limits.stack_slots.saturating_mul(8);
            let stack = Stack::new(frames.saturating_add(activations))?;
            self.in_use = stack.top();
            self.stack = Some(stack);
        }
        Ok(())
    }

    /// Makes the stack if it is not there yet, and paints it, as [`Stack::repaint`] does.
    #[cfg(test)]
    pub(super) fn repaint_stack(&mut self, limits: &RunLimits) -> u64 {
        self.make_stack(limits).expect("there is room for a stack");
        self.stack.as_mut().map_or(0, Stack::repaint)
    }

    /// The state: it is there since the first instance was made.
    #[inline]
    pub(super) fn state(&self) -> &PinnedState {
        self.state.as_ref().expect("there is an instance")
    }

    #[inline]
    pub(super) fn state_mut(&mut self) -> &mut PinnedState {
        self.state.as_mut().expect("there is an instance")
    }

    /// The stack: it is there since the first activation was resumed.
    #[inline]
    pub(super) fn stack(&self) -> &Stack {
        self.stack.as_ref().expect("there is an activation")
    }

    /// Both, to run.
    #[inline]
    pub(super) fn parts(&mut self) -> (&mut PinnedState, &Stack) {
        let Machine { state, stack, .. } = self;
        (state.as_mut().expect("there is an instance"), stack.as_ref().expect("there is an activation"))
    }
}
