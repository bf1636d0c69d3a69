//! A module made ready for both sides of a comparison.
//!
//! Owns the forms in which the foreign engine gets it, and whether our own parts agree that it can be run. It must not
//! know what is done with it.

use std::cell::OnceCell;

use lockstep_gas::{InstrumentErrorKind, instrument};
use lockstep_vm::{ErrorKind, Module};

use super::foreign::{self, Unable};
use super::recount;
use super::rewrite::{Rewriting, rewrite};
use super::setup::Setup;
use super::three_ways::Difference;

/// Why a module cannot be run.
#[derive(Clone, Debug)]
pub enum NotReady {
    /// Our engine refuses it with this code.
    Refused(String),
    /// Our own parts do not agree on it.
    Different(Difference),
}

/// A module for our side, and for the other.
///
/// # Errors
/// When it is refused, or when our parts disagree whether it should be.
pub(super) fn prepare(setup: &Setup, wasm: &[u8]) -> Result<(Module, Forms), NotReady> {
    let module = Module::new(&setup.engine, wasm).map_err(|error| match error.kind() {
        ErrorKind::Invalid(invalid) => NotReady::Refused(invalid.code().into_owned()),
        _ => NotReady::Refused(error.to_string()),
    })?;
    if let Some(difference) = recount::difference(&module) {
        return Err(NotReady::Different(difference));
    }
    let instrumented = match instrument(wasm, &setup.instrument()) {
        Ok(instrumented) => Ok(instrumented),
        Err(error) => match error.kind() {
            InstrumentErrorKind::Limit { what, .. } => {
                Err(Unable(format!("the instrumented module has more {what} than engines accept")))
            }
            _ => {
                let (ours, other) = ("accepted".into(), error.to_string());
                let what = "whether it can be instrumented".into();
                return Err(NotReady::Different(Difference { step: 0, what, ours, other }));
            }
        },
    };
    let instantiation_price = module.plan().instantiation_price();
    Ok((module, Forms { instrumented, instantiation_price, prepared: Default::default() }))
}

/// What the foreign engine is given: the instrumented module, or the same in other words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The instrumented module.
    Plain,
    /// Rewritten.
    Rewritten(Rewriting),
}

impl Form {
    /// The forms, in the order in which they are tried.
    pub(super) const ALL: [Form; 3] =
        [Form::Plain, Form::Rewritten(Rewriting::Locals), Form::Rewritten(Rewriting::Values)];
}

/// A module in its forms, each translated when it is asked for.
pub(super) struct Forms {
    instrumented: Result<Vec<u8>, Unable>,
    instantiation_price: u64,
    prepared: [OnceCell<Result<foreign::Prepared, Unable>>; 3],
}

impl Forms {
    pub(super) fn get(&self, engine: &wasmi::Engine, form: Form) -> Result<&foreign::Prepared, &Unable> {
        let instrumented = self.instrumented.as_ref()?;
        let prepare = |wasm: &[u8]| foreign::Prepared::new(engine, wasm, self.instantiation_price);
        let index = Form::ALL.iter().position(|known| *known == form).unwrap_or_default();
        let prepared = self.prepared[index].get_or_init(|| match form {
            Form::Plain => prepare(instrumented),
            Form::Rewritten(rewriting) => match rewrite(instrumented, rewriting) {
                Ok(rewritten) => prepare(&rewritten),
                Err(error) => Err(Unable(format!("the instrumented module cannot be read: {error}"))),
            },
        });
        prepared.as_ref()
    }
}
