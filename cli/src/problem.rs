//! Failures as tools read them.
//!
//! Owns the fields' names, which are stable. It must not know how people read a failure.

use crate::exit::Exit;
use crate::failure::Failure;
use serde::Serialize;

/// What is wrong and where. Every field is there; nothing known is `null`.
#[derive(Serialize, Default, Debug)]
pub(crate) struct Problem<'a> {
    pub(crate) code: Option<&'a str>,
    pub(crate) message: Option<&'a str>,
    pub(crate) help: Option<&'a str>,
    /// The function's index.
    pub(crate) function: Option<u32>,
    pub(crate) function_name: Option<&'a str>,
    /// In bytes from the start of the module.
    pub(crate) offset: Option<u64>,
    /// In the text that the module was given as, from 1.
    pub(crate) line: Option<usize>,
    pub(crate) column: Option<usize>,
}

impl<'a> Problem<'a> {
    pub(crate) fn new(failure: &'a Failure) -> Problem<'a> {
        let place = failure.place.as_deref();
        Problem {
            code: Some(&failure.code),
            message: Some(&failure.message),
            help: failure.help.as_deref(),
            function: place.and_then(|place| place.function),
            function_name: place.and_then(|place| place.function_name.as_deref()),
            offset: place.and_then(|place| place.offset),
            line: place.and_then(|place| place.position).map(|(line, _)| line),
            column: place.and_then(|place| place.position).map(|(_, column)| column),
        }
    }
}

/// What a command other than `run` prints in place of its answer.
#[derive(Serialize)]
pub(crate) struct NoAnswer<'a> {
    outcome: &'static str,
    #[serde(flatten)]
    problem: Problem<'a>,
}

impl<'a> NoAnswer<'a> {
    pub(crate) fn new(failure: &'a Failure) -> NoAnswer<'a> {
        NoAnswer { outcome: outcome_word(failure), problem: Problem::new(failure) }
    }
}

/// The outcome of a command that failed.
pub(crate) fn outcome_word(failure: &Failure) -> &'static str {
    if failure.exit == Exit::Fault { "fault" } else { "invalid" }
}
