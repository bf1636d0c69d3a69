//! Everything that can go wrong, in kinds that are never mixed.
//!
//! Owns [`Error`] and its kinds. Only *trap* and *stop* are outcomes of an execution that replicas agree on; what a
//! message says is for people and never part of consensus.

mod artifact;
mod fault;
mod invalid;
mod link;
mod stop;
mod trap_error;
mod usage;

pub use artifact::ArtifactError;
pub use fault::Fault;
pub use invalid::{Invalid, Reason};
pub use link::{Found, ImportProblem, LinkError};
pub use stop::Stop;
pub(crate) use trap_error::Backtrace;
pub use trap_error::{Frame, TrapError};
pub use usage::Usage;

use crate::config::ConfigError;
use crate::trap::Trap;
use alloc::boxed::Box;
use core::fmt;

/// What went wrong. As large as a pointer, so that results stay small.
///
/// ```
/// use lockstep_vm::{Caller, Engine, ErrorKind, Linker, Module, Stop, Store, Trap};
///
/// let engine = Engine::default();
/// let wasm = wat::parse_str(
///     r#"(module
///         (import "env" "exit" (func $exit (param i32)))
///         (func (export "divide") (param i32 i32) (result i32) local.get 0 local.get 1 i32.div_u)
///         (func (export "leave") i32.const 3 call $exit))"#,
/// )?;
/// let module = Module::new(&engine, &wasm)?;
/// let mut linker = Linker::new(&engine);
/// linker.func_wrap("env", "exit", |_: Caller<'_, ()>, code: i32| Err::<(), _>(Stop::host(code)))?;
/// let mut store = Store::new(&engine, ());
/// store.set_gas(1_000_000)?;
/// let instance = linker.instantiate(&mut store, &module)?;
///
/// // A trap is an outcome: every replica sees the same.
/// let divide = instance.get_typed_func::<(i32, i32), i32>(&mut store, "divide")?;
/// assert_eq!(divide.call(&mut store, (1, 0)).unwrap_err().trap(), Some(Trap::DivideByZero));
///
/// // So is a stop, with what the host function gave.
/// let leave = instance.get_typed_func::<(), ()>(&mut store, "leave")?;
/// let stop = leave.call(&mut store, ()).unwrap_err().into_stop().unwrap();
/// assert_eq!(stop.downcast::<i32>().unwrap(), 3);
///
/// // Asking for what is not there is a mistake of the caller's.
/// let error = instance.get_typed_func::<(), ()>(&mut store, "divde").unwrap_err();
/// assert!(matches!(error.kind(), ErrorKind::Usage(_)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Error(Box<ErrorKind>);

/// The kinds of [`Error`].
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A configuration is refused.
    Config(ConfigError),
    /// A module is refused.
    Invalid(Invalid),
    /// An artifact is refused; the module has to be compiled again.
    Artifact(ArtifactError),
    /// A module cannot be instantiated with what it was given.
    Link(LinkError),
    /// The embedder called the API wrongly.
    Usage(Usage),
    /// An execution trapped: an outcome.
    Trap(TrapError),
    /// A host function ended the execution on purpose: an outcome.
    Stop(Stop),
    /// The node failed. It says nothing about the contract and must never become a receipt.
    Fault(Fault),
}

impl Error {
    /// What kind of error this is.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// What kind of error this is, by value.
    pub fn into_kind(self) -> ErrorKind {
        *self.0
    }

    /// The trap, where this is one.
    pub fn trap(&self) -> Option<Trap> {
        match self.kind() {
            ErrorKind::Trap(error) => Some(error.trap()),
            _ => None,
        }
    }

    /// The stop of a host function, where this is one; otherwise the error comes back.
    ///
    /// # Errors
    /// The error itself, when it is no stop.
    pub fn into_stop(self) -> Result<Stop, Error> {
        match *self.0 {
            ErrorKind::Stop(stop) => Ok(stop),
            other => Err(other.into()),
        }
    }

    /// Ends the execution on purpose with a payload; the same as `Stop::host(payload).into()`.
    pub fn stop(payload: impl core::any::Any + Send + Sync) -> Error {
        Stop::host(payload).into()
    }

    /// A failure of the node: a database that does not answer, a broken invariant.
    pub fn fault(message: impl fmt::Display) -> Error {
        Fault::new(message).into()
    }

    /// A failure of the node with what caused it.
    pub fn fault_from(
        message: impl fmt::Display,
        source: impl Into<Box<dyn core::error::Error + Send + Sync>>,
    ) -> Error {
        Fault::with_source(message, source).into()
    }

    /// Whether the node failed, so that there is no outcome.
    pub fn is_fault(&self) -> bool {
        matches!(self.kind(), ErrorKind::Fault(_))
    }

    fn source_kind(&self) -> &(dyn core::error::Error + 'static) {
        match self.kind() {
            ErrorKind::Config(error) => error,
            ErrorKind::Invalid(error) => error,
            ErrorKind::Artifact(error) => error,
            ErrorKind::Link(error) => error,
            ErrorKind::Usage(error) => error,
            ErrorKind::Trap(error) => error,
            ErrorKind::Stop(error) => error,
            ErrorKind::Fault(error) => error,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.source_kind(), f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        // The message of the kind is this error's own; what lies behind it is the source.
        self.source_kind().source()
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Error(Box::new(kind))
    }
}

macro_rules! from_kinds {
    ($($kind:ident($type:ty))*) => {
        $(impl From<$type> for Error {
            fn from(error: $type) -> Self {
                ErrorKind::$kind(error).into()
            }
        })*
    };
}

from_kinds! {
    Config(ConfigError)
    Invalid(Invalid)
    Artifact(ArtifactError)
    Link(LinkError)
    Usage(Usage)
    Trap(TrapError)
    Stop(Stop)
    Fault(Fault)
}

impl From<Box<Invalid>> for Error {
    fn from(error: Box<Invalid>) -> Self {
        (*error).into()
    }
}

impl From<Trap> for Error {
    fn from(trap: Trap) -> Self {
        TrapError::new(trap).into()
    }
}

impl core::error::Error for Trap {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every call of the VM returns one: a large error would be copied through all of them.
    #[test]
    fn an_error_is_as_large_as_a_pointer() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        assert_eq!(size_of::<Result<(), Error>>(), size_of::<usize>());
    }

    #[test]
    fn an_error_can_cross_threads() {
        fn check<E: core::error::Error + Send + Sync + 'static>() {}
        check::<Error>();
    }
}
