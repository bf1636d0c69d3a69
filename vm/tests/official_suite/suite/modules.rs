//! Directives about modules.
//!
//! Owns which modules must be accepted, refused, linked or trap at instantiation, under either float policy. It must not
//! know calls.

use super::observer::Instantiation;
use super::runner::{
    FLOAT_IMPORT, FLOAT_MODULE, Failed, Passed, Place, Runner, Skipped, TEXT_ONLY, Verdict, failed,
};
use super::uses_floats::uses_floats;
use lockstep_vm::{Error, ErrorKind, FloatPolicy, Found, LinkError, Module};
use wast::token::Id;
use wast::{QuoteWat, Wat};

/// Where a module that is malformed because it is above a limit of the specification may be refused for a lower one of
/// ours: the suite's message and our code.
pub(crate) const LIMITS_THAT_ARE_MEANT: &[(&str, &str)] = &[("too many locals", "limit.locals")];

/// What came of a valid module.
enum Made {
    Instance(Place),
    Error(Error),
    /// It is not judged, and stays away as the float policy demands.
    Away(&'static str),
    /// The engine wrongly refused or accepted it.
    Wrong(String),
}

impl Runner<'_> {
    /// A module that must be instantiated.
    pub(super) fn module(&mut self, mut module: QuoteWat<'_>) -> Verdict {
        let id = module.name();
        let (place, verdict) = match module.encode() {
            Err(error) => (Place::Empty, failed!("{error}")),
            Ok(wasm) => match self.make(&wasm) {
                Made::Instance(place) => (place, Passed),
                Made::Error(error) => (Place::Empty, failed!("{error}")),
                // That it was refused, and with which code, has been checked.
                Made::Away(FLOAT_MODULE) => (Place::Refused, Passed),
                Made::Away(reason) => (Place::Refused, Skipped(reason)),
                Made::Wrong(what) => (Place::Empty, Failed(what)),
            },
        };
        self.current = place;
        if let Some(id) = id {
            self.named.insert(id.name().to_string(), place);
        }
        verdict
    }

    /// Validates and instantiates a module of which the suite says that it is valid.
    fn make(&mut self, wasm: &[u8]) -> Made {
        let reject = self.subject.floats == FloatPolicy::Reject;
        let has_floats = match uses_floats(wasm) {
            Ok(has_floats) => has_floats,
            Err(error) => return Made::Wrong(format!("the walk over a valid module failed: {error}")),
        };
        *self.report.valid_modules.entry(has_floats).or_default() += 1;
        let module = match (Module::new(&self.subject.engine, wasm), reject && has_floats) {
            (Ok(module), false) => module,
            (Ok(_), true) => return Made::Wrong("a module with floats is accepted".to_string()),
            (Err(error), false) => return Made::Error(error),
            (Err(error), true) => {
                return match refusal(&error) {
                    Some(code) if code == "float" => {
                        *self.report.refusals.entry(("valid module", code)).or_default() += 1;
                        Made::Away(FLOAT_MODULE)
                    }
                    _ => Made::Wrong(format!("a module with floats is refused otherwise: {error}")),
                };
            }
        };
        if module.imports().any(|import| self.refused_names.contains(import.module())) {
            return Made::Away(FLOAT_IMPORT);
        }
        // The peak is that of the last outermost call, and an instantiation without a start function makes none.
        if let Err(error) = self.nothing.call(&mut self.store, &[], &mut []) {
            return Made::Error(error);
        }
        let before = (self.store.gas(), self.store.data().prints);
        let outcome = self.linker.instantiate(&mut self.store, &module);
        let cost = self.cost(before);
        let number = self.instances;
        let seen = outcome.as_ref().map(|_| number);
        self.observer.instantiated(Instantiation { offset: self.offset, wasm, outcome: seen, cost });
        match outcome {
            Ok(instance) => {
                self.instances += 1;
                Made::Instance(Place::Instance { number, instance })
            }
            Err(error) => Made::Error(error),
        }
    }

    pub(super) fn register(&mut self, name: &str, module: Option<Id<'_>>) -> Verdict {
        match self.place(module) {
            Place::Empty => failed!("there is no such module"),
            Place::Refused => {
                self.refused_names.insert(name.to_string());
                Skipped(FLOAT_MODULE)
            }
            Place::Instance { number, instance } => {
                self.refused_names.remove(name);
                if let Err(error) = self.linker.instance(&mut self.store, name, instance) {
                    return failed!("{error}");
                }
                self.observer.registered(number, name);
                Passed
            }
        }
    }

    /// A valid module whose instantiation must trap.
    pub(super) fn module_traps(&mut self, mut module: Wat<'_>, message: &str) -> Verdict {
        match module.encode() {
            Err(error) => failed!("{error}"),
            Ok(wasm) => match self.make(&wasm) {
                Made::Instance(_) => failed!("instantiated"),
                Made::Error(error) => self.trapped(message, Some(error)),
                Made::Away(reason) => Skipped(reason),
                Made::Wrong(what) => Failed(what),
            },
        }
    }

    /// A valid module that must not link, for the reason that the message names.
    pub(super) fn unlinkable(&mut self, mut module: Wat<'_>, message: &str) -> Verdict {
        let wasm = match module.encode() {
            Ok(wasm) => wasm,
            Err(error) => return failed!("{error}"),
        };
        let error = match self.make(&wasm) {
            Made::Instance(_) => return failed!("instantiated"),
            Made::Away(reason) => return Skipped(reason),
            Made::Wrong(what) => return Failed(what),
            Made::Error(error) => error,
        };
        let ErrorKind::Link(LinkError::Imports(problems)) = error.kind() else {
            return failed!("expected {message:?}, found {error}");
        };
        let as_expected = problems.iter().any(|problem| {
            matches!(
                (message, &problem.found),
                ("unknown import", Found::Missing) | ("incompatible import type", Found::Type(_))
            )
        });
        if as_expected { Passed } else { failed!("expected {message:?}, found {error}") }
    }

    /// A module that must be refused.
    pub(super) fn refused(&mut self, kind: &'static str, mut module: QuoteWat<'_>, message: &str) -> Verdict {
        let quoted = matches!(module, QuoteWat::QuoteModule(..));
        let wasm = match module.encode() {
            Ok(wasm) => wasm,
            Err(_) if quoted && kind.starts_with("assert_malformed") => return Skipped(TEXT_ONLY),
            Err(error) => return failed!("the text does not parse: {error}"),
        };
        let Err(error) = Module::new(&self.subject.engine, &wasm) else { return failed!("accepted") };
        let Some(code) = refusal(&error) else { return failed!("not refused by validation: {error}") };
        // A module above a limit of ours is not what the suite means, but for where it means a limit itself.
        if code.starts_with("limit.") && !LIMITS_THAT_ARE_MEANT.contains(&(message, code.as_str())) {
            return failed!("expected {message:?}, refused for another reason: {error}");
        }
        *self.report.refusals.entry((kind, code)).or_default() += 1;
        Passed
    }
}

/// The code with which a module was refused.
fn refusal(error: &Error) -> Option<String> {
    match error.kind() {
        ErrorKind::Invalid(invalid) => Some(invalid.code().into_owned()),
        _ => None,
    }
}
