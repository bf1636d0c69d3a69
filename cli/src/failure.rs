//! Why a command could not do what it was asked for.
//!
//! Owns the failure: a stable code, what is wrong, what to do about it, and where it is. It must not know how it is
//! printed.

use crate::exit::Exit;
use crate::place::Place;
use std::borrow::Cow;

/// A command's failure.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// A stable word; for a refused module the engine's own.
    pub(crate) code: Cow<'static, str>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    pub(crate) place: Option<Box<Place>>,
}

impl Failure {
    /// The command was called wrongly, or a file cannot be used.
    pub(crate) fn usage(code: &'static str, message: impl Into<String>) -> Failure {
        Failure::new(Exit::Usage, code, message)
    }

    /// The module is refused.
    pub(crate) fn refused(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Failure {
        Failure::new(Exit::Refused, code, message)
    }

    /// The node failed.
    pub(crate) fn fault(message: impl Into<String>) -> Failure {
        Failure::new(Exit::Fault, "fault", message)
    }

    fn new(exit: Exit, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Failure {
        Failure { exit, code: code.into(), message: message.into(), help: None, place: None }
    }

    /// Says what to do about it.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Failure {
        self.help = Some(help.into());
        self
    }

    /// Says where it is.
    pub(crate) fn at(mut self, place: Place) -> Failure {
        self.place = Some(Box::new(place));
        self
    }
}
