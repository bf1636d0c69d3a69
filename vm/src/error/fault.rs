//! Failures of the node.
//!
//! Owns the message and the cause. It must not know outcomes: a fault never becomes one.

use alloc::{boxed::Box, string::String, string::ToString, sync::Arc};
use core::fmt;

/// The node failed: out of memory, a database that does not answer, a panic in a host function. There is no outcome, and
/// the store is of no use any more; run the execution again on a healthy node.
///
/// A host function that returns an error which is neither a trap nor a stop has failed in this way too. Panics of host
/// functions are caught where the feature `std` is on and panics unwind; otherwise a panic is the process's own.
///
/// ```
/// use lockstep_vm::{Error, Fault};
///
/// let error = Error::fault("the database does not answer");
/// assert!(error.is_fault());
/// assert_eq!(error.to_string(), "node fault: the database does not answer");
/// ```
#[derive(Clone)]
pub struct Fault(Arc<Inner>);

struct Inner {
    message: String,
    source: Option<Box<dyn core::error::Error + Send + Sync>>,
}

impl Fault {
    /// A fault with what to tell the node's operator.
    pub fn new(message: impl fmt::Display) -> Fault {
        Fault(Arc::new(Inner { message: message.to_string(), source: None }))
    }

    /// A fault with what to tell the node's operator, and its cause.
    pub fn with_source(
        message: impl fmt::Display,
        source: impl Into<Box<dyn core::error::Error + Send + Sync>>,
    ) -> Fault {
        Fault(Arc::new(Inner { message: message.to_string(), source: Some(source.into()) }))
    }

    /// What to tell the node's operator.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Whether both are one and the same fault, not merely alike: a poisoned store answers with the same each time.
    pub fn same(&self, other: &Fault) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node fault: {}", self.0.message)
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault").field("message", &self.0.message).field("source", &self.0.source).finish()
    }
}

impl core::error::Error for Fault {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
