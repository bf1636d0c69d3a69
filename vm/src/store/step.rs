//! What an engine that runs guest code says to the store.
//!
//! Owns the words for it, the same for every engine. It must not know how guest code is executed.

use super::objects::InstanceId;
use crate::trap::Trap;

/// What an activation came to.
#[derive(Debug)]
pub(crate) enum Step {
    /// It returned, with results.
    Returned,
    /// It calls a host function with arguments. The caller is this instance.
    HostCall { host: u32, caller: InstanceId },
    /// It trapped; a backtrace says where.
    Trapped(Trap),
    /// The host has no memory for it: a node fault.
    OutOfMemory,
}

/// A place in a guest function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FrameSite {
    pub(crate) instance: InstanceId,
    /// The index in the function space of the instance's module.
    pub(crate) function: u32,
    /// Bytes from the start of the module.
    pub(crate) offset: u32,
}
