//! Why a module cannot be instrumented.
//!
//! Owns the error and its text. It must not know how instrumentation works.

use crate::{PlanError, ScheduleError};
use alloc::boxed::Box;
use wasmparser::BinaryReaderError;

/// Why a module cannot be instrumented, and where, in bytes from the start of the module.
#[derive(Debug, thiserror::Error)]
#[error("{kind} (at offset {offset:#x})")]
pub struct InstrumentError {
    kind: Box<InstrumentErrorKind>,
    offset: u64,
}

impl InstrumentError {
    #[cold]
    pub(super) fn new(kind: InstrumentErrorKind, offset: u64) -> Self {
        InstrumentError { kind: Box::new(kind), offset }
    }

    /// What is wrong.
    pub fn kind(&self) -> &InstrumentErrorKind {
        &self.kind
    }

    /// Where, in bytes from the start of the module; 0 where the module as a whole is meant.
    pub fn offset(&self) -> u64 {
        self.offset
    }
}

impl From<BinaryReaderError> for InstrumentError {
    fn from(error: BinaryReaderError) -> Self {
        let offset = error.offset();
        InstrumentError::new(InstrumentErrorKind::Invalid(error), offset)
    }
}

impl From<PlanError> for InstrumentError {
    fn from(error: PlanError) -> Self {
        let offset = error.offset();
        InstrumentError::new(InstrumentErrorKind::Plan(error), offset)
    }
}

/// The kinds of [`InstrumentError`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstrumentErrorKind {
    /// The schedule is unsound.
    #[error("the schedule is unsound: {0}")]
    Schedule(ScheduleError),
    /// The bytes are no valid module of WebAssembly 2.0 without SIMD, with tail calls and extended constant
    /// expressions.
    #[error("{}", .0.message())]
    Invalid(BinaryReaderError),
    /// A valid module that cannot be planned.
    #[error("{}", .0.kind())]
    Plan(PlanError),
    /// The module has a start function, which would run before the meter could be given gas.
    #[error(
        "a module with a start function must import its meter: nobody could give it gas before it starts"
    )]
    HasStart,
    /// The module already exports something under a name of the meter's.
    #[error("the module already exports `{0}`")]
    ExportTaken(&'static str),
    /// The module already imports a global of the meter's, and could change it.
    #[error("the module already imports `{0}` from where its meter comes from")]
    ImportTaken(&'static str),
    /// The operand stack gets too high.
    #[error("the operand stack is higher than the limit of {limit} values")]
    OperandHeight {
        /// See [`InstrumentConfig::operand_height_max`](crate::InstrumentConfig::operand_height_max).
        limit: u32,
    },
    /// The module is valid, and would not be once the meter is added to it.
    #[error("with its meter the module has {count} {what}, more than the limit of {limit}")]
    Limit {
        /// What there would be too many of.
        what: &'static str,
        /// How many there would be.
        count: u64,
        /// How many may be.
        limit: u64,
    },
}
