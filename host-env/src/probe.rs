//! Probes: a frame stopped at a chosen point, so that two engines can be held against each other there.
//!
//! Owns which point that is, what the frame is like there, and the end of the transaction, which is a node fault: an
//! execution with a probe has no outcome. It must not know what is compared.

use crate::frame::Frame;
use crate::list::Function;
use lockstep_vm::{Caller, Error, ErrorKind, Extern, Instance, Memory, Store, Trap};
use std::cell::RefCell;

/// Stops a frame: at the first host call behind a number of them, or when a little gas is used up before that.
#[derive(Debug)]
pub struct Probe {
    /// How many frames of the transaction begin before the one that is meant.
    frame: u64,
    /// How many host calls of that frame return before the part that is meant.
    calls: u64,
    /// The gas that this part may use, where it is to stop within.
    gas: Option<u64>,
    state: RefCell<State>,
}

#[derive(Default, Debug)]
struct State {
    frames: u64,
    active: Vec<Active>,
    /// Memory 0 of the frame that is meant, as far as it is exported or a host function was called.
    memory: Option<Memory>,
    stopped: Option<Stopped>,
}

#[derive(Clone, Copy, Debug)]
struct Active {
    frame: u64,
    returned: u64,
}

/// A frame where a probe stopped it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Stopped {
    pub(crate) how: How,
    /// Where it stands, innermost first; of a frame that has returned, nothing.
    pub(crate) place: Vec<lockstep_vm::Frame>,
    pub(crate) gas: u64,
    pub(crate) memory: Vec<u8>,
}

/// What a frame was doing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum How {
    /// It calls a host function.
    Calls(Function, Vec<u64>),
    Trapped(Trap),
    Returned,
    /// It ended otherwise.
    Ended,
}

impl Probe {
    pub(crate) fn new(frame: u64, calls: u64, gas: Option<u64>) -> Probe {
        Probe { frame, calls, gas, state: RefCell::default() }
    }

    /// What was seen, if the execution came there.
    pub(crate) fn into_stopped(self) -> Option<Stopped> {
        self.state.into_inner().stopped
    }

    /// A frame begins.
    pub(crate) fn enter(&self, store: &mut Store<Frame<'_>>) -> Result<(), Error> {
        let mut state = self.state.borrow_mut();
        let frame = state.frames;
        state.frames += 1;
        state.active.push(Active { frame, returned: 0 });
        match self.gas {
            Some(gas) if frame == self.frame && self.calls == 0 => store.set_gas(gas.min(store.gas())),
            _ => Ok(()),
        }
    }

    /// The innermost frame has its instance.
    pub(crate) fn instantiated(&self, store: &Store<Frame<'_>>, instance: &Instance) {
        let mut state = self.state.borrow_mut();
        if state.active.last().is_some_and(|active| active.frame == self.frame) {
            let memories = instance.exports(store).map(lockstep_vm::Export::into_extern);
            state.memory = memories.into_iter().find_map(Extern::into_memory);
        }
    }

    /// Whether the innermost frame is in the part that is meant.
    fn is_there(&self, state: &State) -> bool {
        state.active.last().is_some_and(|active| active.frame == self.frame && active.returned == self.calls)
    }

    /// The innermost frame calls a host function.
    pub(crate) fn calls(
        &self,
        caller: &Caller<'_, Frame<'_>>,
        function: Function,
        args: &[u64],
    ) -> Result<(), Error> {
        let mut state = self.state.borrow_mut();
        if !self.is_there(&state) {
            return Ok(());
        }
        let memory = caller.memory().map_or_else(Vec::new, |memory| memory.data(caller).to_vec());
        let how = How::Calls(function, args.to_vec());
        state.stopped = Some(Stopped { how, place: Vec::new(), gas: caller.gas(), memory });
        // Any trap tells where it happened.
        Err(Trap::Unreachable.into())
    }

    /// A host function of the innermost frame has returned.
    pub(crate) fn returned(&self, caller: &mut Caller<'_, Frame<'_>>) -> Result<(), Error> {
        let mut state = self.state.borrow_mut();
        if let Some(active) = state.active.last_mut() {
            active.returned += 1;
        }
        match self.gas {
            Some(gas) if self.is_there(&state) => caller.set_gas(gas.min(caller.gas())),
            _ => Ok(()),
        }
    }

    /// The innermost frame has ended; the error that ends the transaction, if it is the one that is meant.
    pub(crate) fn leave(&self, store: &Store<Frame<'_>>, ended: &Result<(), Error>) -> Result<(), Error> {
        let mut state = self.state.borrow_mut();
        if state.active.pop().is_none_or(|active| active.frame != self.frame) {
            return Ok(());
        }
        let (how, place) = match ended.as_ref().map_err(Error::kind) {
            Ok(()) => (How::Returned, Vec::new()),
            Err(ErrorKind::Trap(trap)) => (How::Trapped(trap.trap()), trap.frames().to_vec()),
            Err(ErrorKind::Stop(stop)) => (How::Ended, stop.frames().to_vec()),
            Err(_) => (How::Ended, Vec::new()),
        };
        match &mut state.stopped {
            Some(stopped) => stopped.place = place,
            None => {
                let memory = state.memory.map_or_else(Vec::new, |memory| memory.data(store).to_vec());
                state.stopped = Some(Stopped { how, place, gas: store.gas(), memory });
            }
        }
        Err(Error::fault("the transaction was stopped by a probe"))
    }
}
