//! Failures: an expectation that does not hold, said in words.
//!
//! Owns the text and its kind. It must not know chains.

use std::fmt;

/// What tests return.
pub type Result<T = ()> = std::result::Result<T, Failure>;

/// Why a test fails. `Debug` prints the same text as `Display`, because that is what a test prints.
#[derive(Clone)]
pub struct Failure {
    kind: FailureKind,
    text: Box<str>,
}

/// What kind of failure it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum FailureKind {
    /// Something is not as expected.
    Expectation,
    /// The test asks for what cannot be: an unknown name, a module that is refused, bytes that are no such value.
    Usage,
    /// The node failed, or two engines differ: the outcome is unknown.
    Fault,
}

impl Failure {
    /// An expectation that does not hold. Tests may make their own.
    pub fn expectation(text: impl Into<String>) -> Failure {
        Failure { kind: FailureKind::Expectation, text: text.into().into() }
    }

    pub(crate) fn usage(text: impl Into<String>) -> Failure {
        Failure { kind: FailureKind::Usage, text: text.into().into() }
    }

    pub(crate) fn fault(text: impl Into<String>) -> Failure {
        Failure { kind: FailureKind::Fault, text: text.into().into() }
    }

    /// What kind it is.
    pub fn kind(&self) -> FailureKind {
        self.kind
    }

    /// With where the test said so.
    pub(crate) fn at(mut self, place: &std::panic::Location<'_>) -> Failure {
        self.text = format!("{}\n  at {}:{}", self.text, place.file(), place.line()).into();
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Failure {}

impl From<lockstep_host_env::StorageError> for Failure {
    fn from(error: lockstep_host_env::StorageError) -> Failure {
        Failure::fault(error.to_string())
    }
}
