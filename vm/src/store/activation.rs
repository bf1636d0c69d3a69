//! Activations: the one way in which functions are run, guest's and host's alike.
//!
//! Owns what happens around every function that the host calls and around every host function: activation depth, the
//! stack's height, failed charges, faults, backtraces. Guest code is executed by an engine, which knows nothing of the
//! host's data.
//!
//! ```text
//!   Func::call, start ──▶ call ──▶ run ──▶ Activation::resume ──▶ guest code
//!                           │       │ ◀────────── HostCall ───────────┘
//!                           └───────┴──▶ call_host ──▶ host function ──▶ Func::call, one deeper
//! ```
//!
//! The host's stack grows only by such a round, and the activation depth bounds how many there are.

use super::StoreInner;
use super::backend::Activation;
use super::objects::{Callee, InstanceId};
use super::step::Step;
use crate::Backend;
use crate::caller::Caller;
use crate::crosscheck::Event;
use crate::error::{Error, ErrorKind, Fault};
use crate::func::HostCode;
use crate::trap::Trap;
use crate::types::ValType;
use alloc::{sync::Arc, vec::Vec};
use core::mem;

impl<T> StoreInner<T> {
    /// Calls a function from the host: a new activation. Arguments and results have been checked against its type.
    pub(crate) fn call(
        &mut self,
        callee: Callee,
        caller: Option<InstanceId>,
        arguments: &[u64],
        results: &mut [u64],
    ) -> Result<(), Error> {
        self.check_alive()?;
        let objects = &mut self.objects;
        if objects.depth == 0 {
            if self.is_checked() {
                return self.call_checked(callee, caller, arguments, results);
            }
            self.objects.peak = 0;
        } else if objects.recorder.is_some() {
            objects.note(|| Event::Call { callee, caller, arguments: arguments.into() });
            let ended = self.call_in_turn(callee, caller, arguments, results);
            self.objects.note_call_end(&ended, results);
            return ended;
        }
        self.call_in_turn(callee, caller, arguments, results)
    }

    /// Whether an outermost call is made with both engines. While it is, there is a recorder; the store in which it is
    /// replayed has no machine. A recount or a profile is the interpreter's
    /// alone.
    fn is_checked(&self) -> bool {
        let objects = &self.objects;
        self.engine.config().backend == Backend::CrossCheck
            && objects.machine.is_some()
            && objects.recorder.is_none()
            && !objects.is_observed()
    }

    fn call_in_turn(
        &mut self,
        callee: Callee,
        caller: Option<InstanceId>,
        arguments: &[u64],
        results: &mut [u64],
    ) -> Result<(), Error> {
        let objects = &mut self.objects;
        if objects.depth >= objects.limits.activation_depth {
            return Err(Trap::ActivationDepth.into());
        }
        let height = objects.height;
        objects.depth += 1;
        let mark = objects.profile_activation();
        let outcome = match callee {
            Callee::Wasm { instance, function } => self.run(instance, function, arguments, results),
            Callee::Host(host) => {
                let mut slots = arguments.to_vec();
                self.call_host(host, caller, &mut slots, &mut None).map(|()| results.copy_from_slice(&slots))
            }
        };
        self.objects.profile_restore(mark);
        self.objects.depth -= 1;
        self.objects.height = height;
        outcome
    }

    /// Runs a function of a module to its end.
    fn run(
        &mut self,
        instance: InstanceId,
        function: u32,
        arguments: &[u64],
        results: &mut [u64],
    ) -> Result<(), Error> {
        let (mut activation, entered) = Activation::enter(&mut self.objects, instance, function, arguments);
        let ended = match entered {
            Err(trap) => Err(trap.into()),
            Ok(()) => self.resume(&mut activation),
        };
        let outcome = match ended {
            Ok(()) => {
                results.copy_from_slice(activation.results(&self.objects));
                Ok(())
            }
            Err(error) => Err(self.with_backtrace(error, &activation)),
        };
        activation.end(&mut self.objects);
        outcome
    }

    /// Goes on with guest code until it returns, calling host functions as it asks for them.
    fn resume(&mut self, activation: &mut Activation) -> Result<(), Error> {
        let mut slots = Vec::new();
        // Shared once for all calls, not once for each. Codes are only added, so what there is of them stays right.
        let mut codes = None;
        loop {
            match activation.resume(&mut self.objects) {
                Step::Returned => return Ok(()),
                Step::Trapped(trap) => return Err(trap.into()),
                Step::OutOfMemory => return Err(self.out_of_memory(super::OutOfMemory)),
                Step::HostCall { host, caller } => {
                    slots.clear();
                    slots.extend_from_slice(activation.arguments(&self.objects));
                    self.call_host(host, Some(caller), &mut slots, &mut codes)?;
                    activation.host_returned(&mut self.objects, &slots);
                }
            }
        }
    }

    /// Calls a host function: its arguments are in `slots`, its results will be. `codes` are the store's of some time ago,
    /// or none.
    fn call_host(
        &mut self,
        host: u32,
        caller: Option<InstanceId>,
        slots: &mut Vec<u64>,
        codes: &mut Option<Arc<Vec<Arc<HostCode<T>>>>>,
    ) -> Result<(), Error> {
        let ty = &self.objects.host_types[host as usize];
        let (params, results) = (ty.params().len(), ty.results().len());
        slots.resize(params.max(results), 0);
        if self.objects.recorder.is_some() {
            self.objects.note_host_call(host, caller, &mut slots[..params]);
        }
        if codes.as_ref().is_none_or(|codes| codes.len() <= host as usize) {
            *codes = Some(Arc::clone(&self.host_codes));
        }
        let code =
            codes.as_ref().and_then(|codes| codes.get(host as usize)).expect("host functions have code");

        // Where it ends otherwise than by returning, so does the activation.
        let mark = self.objects.profile_host(host, caller);
        // Around nested activations each host function has a flag of its own.
        let outer = mem::replace(&mut self.charge_failed, false);
        let outcome = catch_panic(|| code(Caller::new(self, caller), slots));
        let charge_failed = mem::replace(&mut self.charge_failed, outer);
        if self.objects.recorder.is_some() {
            self.objects.note_host_end(&outcome, &mut slots[..results]);
        }

        // A fault comes before everything: there is no outcome. So does one that the host function saw and kept silent.
        if let Err(error) = outcome.as_ref()
            && let Some(fault) = fault_of(error)
        {
            return Err(self.poison(fault));
        }
        self.check_alive()?;
        // Then what could not be paid, whatever the host function made of it.
        if charge_failed {
            self.objects.gas = 0;
            return Err(Trap::OutOfGas.into());
        }
        // OutOfGas leaves nothing, also when a host function fails with it of its own accord.
        if outcome.as_ref().is_err_and(|error| error.trap() == Some(Trap::OutOfGas)) {
            self.objects.charge(self.objects.gas)?;
        }
        outcome?;
        self.objects.profile_restore(mark);

        let ty = &self.objects.host_types[host as usize];
        slots.truncate(ty.results().len());
        for (slot, ty) in slots.iter_mut().zip(ty.results()) {
            *slot = canonical(*slot, *ty);
        }
        Ok(())
    }

    /// Adds to a trap, and to a stop where that is asked for, where the activation is.
    fn with_backtrace(&self, error: Error, activation: &Activation) -> Error {
        match error.into_kind() {
            ErrorKind::Trap(mut trap) => {
                activation.add_backtrace(&self.objects, trap.backtrace_mut());
                trap.into()
            }
            ErrorKind::Stop(mut stop) if self.stop_backtraces => {
                activation.add_backtrace(&self.objects, stop.backtrace_mut());
                stop.into()
            }
            other => other.into(),
        }
    }
}

/// The node fault in a host function's error. An error that is no outcome (a mistake in using the API, a module that
/// does not link) is one too: the host function did not say how the execution ends.
fn fault_of(error: &Error) -> Option<Fault> {
    match error.kind() {
        ErrorKind::Trap(_) | ErrorKind::Stop(_) => None,
        ErrorKind::Fault(fault) => Some(fault.clone()),
        _ => Some(Fault::new(format_args!("a host function failed: {error}"))),
    }
}

/// A host function's float is canonical when it is a NaN, as any operator's would be.
fn canonical(slot: u64, ty: ValType) -> u64 {
    const F32_INFINITY: u64 = 0x7f80_0000;
    const F64_INFINITY: u64 = 0x7ff0_0000_0000_0000;
    match ty {
        ValType::F32 if slot & 0x7fff_ffff > F32_INFINITY => 0x7fc0_0000,
        ValType::F64 if slot & (u64::MAX >> 1) > F64_INFINITY => 0x7ff8_0000_0000_0000,
        _ => slot,
    }
}

/// Runs a host function; its panic is a failure of the node.
#[cfg(feature = "std")]
fn catch_panic(host: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    // Whatever the panic left half done: the store runs nothing any more.
    catch_unwind(AssertUnwindSafe(host)).unwrap_or_else(|payload| {
        let message = match payload.downcast_ref::<&str>() {
            Some(message) => *message,
            None => payload.downcast_ref::<alloc::string::String>().map_or("no message", |message| message),
        };
        let fault = Fault::new(format_args!("a host function panicked: {message}"));
        if !payload.is::<&str>() && !payload.is::<alloc::string::String>() {
            // Dropping a payload of the embedder's might panic again.
            mem::forget(payload);
        }
        Err(fault.into())
    })
}

/// Runs a host function. Without `std` panics cannot be caught.
#[cfg(not(feature = "std"))]
fn catch_panic(host: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
    host()
}
