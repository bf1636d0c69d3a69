//! The engines that run guest code, one of them per activation.
//!
//! Owns the choice. Each engine is a state machine of the same shape: it is entered, then resumed until it returns or
//! traps, and asks for every host call.

use super::objects::{InstanceId, Objects};
use super::step::Step;
use crate::error::Frame;
use crate::trap::Trap;
use crate::{interpret, native};

/// A call from the host into a guest function, with all guest frames above it.
#[derive(Debug)]
pub(super) enum Activation {
    Interpreted(interpret::Activation),
    Native(native::Activation),
}

impl Activation {
    /// Enters a guest function. Its frame may be refused here, or when the activation is resumed.
    pub(super) fn enter(
        objects: &mut Objects,
        instance: InstanceId,
        function: u32,
        arguments: &[u64],
    ) -> (Activation, Result<(), Trap>) {
        // Only the interpreter says what it does.
        if objects.machine.is_some() && !objects.is_observed() {
            let activation = native::Activation::enter(objects, instance, function, arguments);
            return (Activation::Native(activation), Ok(()));
        }
        let (activation, entered) = interpret::Activation::enter(objects, instance, function, arguments);
        (Activation::Interpreted(activation), entered)
    }

    /// Runs until there is something for the host to do.
    pub(super) fn resume(&mut self, objects: &mut Objects) -> Step {
        match self {
            Activation::Interpreted(activation) => activation.resume(objects),
            Activation::Native(activation) => activation.resume(objects),
        }
    }

    /// The arguments of the host function that is being called, a slot each.
    pub(super) fn arguments<'a>(&'a self, objects: &'a Objects) -> &'a [u64] {
        match self {
            Activation::Interpreted(activation) => activation.arguments(),
            Activation::Native(activation) => activation.arguments(objects),
        }
    }

    /// The host function has returned; resume to go on.
    pub(super) fn host_returned(&mut self, objects: &mut Objects, results: &[u64]) {
        match self {
            Activation::Interpreted(activation) => activation.host_returned(results),
            Activation::Native(activation) => activation.host_returned(objects, results),
        }
    }

    /// The results, a slot each, after [`Step::Returned`].
    pub(super) fn results<'a>(&'a self, objects: &'a Objects) -> &'a [u64] {
        match self {
            Activation::Interpreted(activation) => activation.results(),
            Activation::Native(activation) => activation.results(objects),
        }
    }

    /// Ends it, however it ended.
    pub(super) fn end(self, objects: &mut Objects) {
        match self {
            Activation::Interpreted(_) => {}
            Activation::Native(activation) => activation.end(objects),
        }
    }

    /// Adds to a backtrace where execution is, innermost first: where it trapped, or where the host function is called.
    pub(super) fn add_backtrace(&self, objects: &Objects, to: &mut crate::error::Backtrace) {
        let frame = |site: super::step::FrameSite| {
            let module = &objects.instances[site.instance.index()].module;
            Frame::new(site.function, module.function_name(site.function), site.offset)
        };
        match self {
            Activation::Interpreted(activation) => to.extend(activation.backtrace(objects).map(frame)),
            Activation::Native(activation) => to.extend(activation.backtrace(objects).into_iter().map(frame)),
        }
    }
}
