//! Plays a script.
//!
//! Owns a script's store and instances, which directive goes where, and that each takes as much gas as it should. It must
//! not know which files there are or what becomes of the report.

use super::observer::{Cost, Observer};
use super::report::Report;
use super::selection::SuiteFile;
use super::spectest::{self, Host};
use lockstep_vm::{Engine, FloatPolicy, Func, Instance, Linker, Op, Store};
use std::collections::{BTreeMap, BTreeSet};
use wast::core::ModuleKind;
use wast::lexer::Lexer;
use wast::parser::{self, ParseBuffer};
use wast::token::Id;
use wast::{QuoteWat, Wast, WastDirective, WastExecute, Wat};

/// Gas of each script's store. It is set once, so that every directive can be seen to take some or none.
pub(crate) const GAS: u64 = 1 << 62;

/// Why a directive is not judged: the text parser of the tests, and not the engine, refuses what is quoted.
pub(crate) const TEXT_ONLY: &str = "quoted text that does not parse, so that no module reaches the engine";
/// Why a directive is not judged: under [`FloatPolicy::Reject`] its module was refused, as it must be.
pub(crate) const FLOAT_MODULE: &str =
    "it needs an instance of a module with floats, which was refused with `float`";
/// Why a directive is not judged: under [`FloatPolicy::Reject`] its module imports from a refused one.
pub(crate) const FLOAT_IMPORT: &str =
    "its module imports from a module with floats, which was refused with `float`";

/// What is tested.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) engine: Engine,
    /// The engine's float policy.
    pub(crate) floats: FloatPolicy,
    /// Whether the engine recounts the gas as it executes.
    pub(crate) audit: bool,
}

/// Plays one script in a store of its own.
///
/// # Panics
/// When the script does not parse.
pub(crate) fn run_file(
    subject: &Subject,
    file: &SuiteFile,
    observer: &mut dyn Observer,
    report: &mut Report,
) {
    let mut lexer = Lexer::new(file.text);
    lexer.allow_confusing_unicode(true);
    let buffer = ParseBuffer::new_with_lexer(lexer).unwrap_or_else(|error| panic!("{}: {error}", file.name));
    let script: Wast<'_> = parser::parse(&buffer).unwrap_or_else(|error| panic!("{}: {error}", file.name));

    let engine = &subject.engine;
    let mut store = Store::new(engine, Host::default());
    store.set_gas(GAS).expect("as much gas as this is allowed");
    let mut linker = Linker::new(engine);
    linker.allow_shadowing(true);
    spectest::define(&mut linker, &mut store).expect("spectest can be defined");
    let nothing = Func::wrap(&mut store, || {});
    observer.file(&file.name, GAS);
    let mut runner = Runner {
        subject,
        file,
        store,
        linker,
        nothing,
        current: Place::Empty,
        named: BTreeMap::new(),
        refused_names: BTreeSet::new(),
        instances: 0,
        offset: 0,
        observer,
        report,
    };
    for directive in script.directives {
        runner.directive(directive);
    }
    let prints = runner.store.data().prints;
    report.prints += prints;
}

/// Where a script's instances are kept.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// No module came yet.
    Empty,
    /// The module was refused for its floats, or imports from such a one.
    Refused,
    Instance {
        number: usize,
        instance: Instance,
    },
}

/// How a directive was judged.
pub(super) enum Verdict {
    Passed,
    Failed(String),
    Skipped(&'static str),
}

pub(super) use Verdict::{Failed, Passed, Skipped};

macro_rules! failed {
    ($($format:tt)*) => {
        Failed(format!($($format)*))
    };
}
pub(super) use failed;

pub(super) struct Runner<'r> {
    pub(super) subject: &'r Subject,
    pub(super) file: &'r SuiteFile,
    pub(super) store: Store<Host>,
    pub(super) linker: Linker<Host>,
    /// A host function that does nothing.
    pub(super) nothing: Func,
    pub(super) current: Place,
    pub(super) named: BTreeMap<String, Place>,
    /// Registered names whose module was refused.
    pub(super) refused_names: BTreeSet<String>,
    pub(super) instances: usize,
    /// Where the current directive stands.
    pub(super) offset: usize,
    pub(super) observer: &'r mut dyn Observer,
    pub(super) report: &'r mut Report,
}

impl Runner<'_> {
    fn directive(&mut self, directive: WastDirective<'_>) {
        let span = directive.span();
        self.offset = span.offset();
        let line = span.linecol_in(self.file.text).0 + 1;
        let gas_before = self.store.gas();
        if self.subject.audit {
            self.store.start_audit();
        }
        let (kind, mut verdict) = self.judge(directive);
        if let Err(what) = self.check_gas(gas_before) {
            verdict = Failed(what);
        }
        match verdict {
            Passed => self.report.tally(kind).passed += 1,
            Skipped(reason) => self.report.skip(kind, reason, &self.file.name, line),
            Failed(what) => {
                self.report.tally(kind).failed += 1;
                self.report.failures.push(format!("{}:{line}: {kind}: {what}", self.file.name));
            }
        }
    }

    /// Whether a directive took some gas or none, and as much as the recount found.
    fn check_gas(&mut self, before: u64) -> Result<(), String> {
        let after = self.store.gas();
        let Some(used) = before.checked_sub(after) else {
            return Err(format!("the gas rose from {before} to {after}"));
        };
        self.report.gas += used;
        let Some(audit) = self.store.take_audit() else { return Ok(()) };
        self.report.recounted_gas += audit.recounted_gas;
        for (&op, executed) in Op::ALL.iter().zip(audit.executed) {
            *self.report.executed.entry(op.name()).or_default() += executed;
        }
        if let Some(mismatch) = audit.mismatch {
            return Err(format!("the recount of gas differs: {mismatch}"));
        }
        let counted = audit.recounted_gas + audit.charged_gas;
        if used != counted {
            return Err(format!("{used} gas was used, and the recount found {counted}"));
        }
        Ok(())
    }

    fn judge(&mut self, directive: WastDirective<'_>) -> (&'static str, Verdict) {
        match directive {
            WastDirective::Module(module) => ("module", self.module(module)),
            WastDirective::Register { name, module, .. } => ("register", self.register(name, module)),
            WastDirective::Invoke(invoke) => {
                let verdict = self.with_results(&invoke, |_, outcome| match outcome {
                    Ok(_) => Passed,
                    Err(error) => failed!("{error}"),
                });
                ("invoke", verdict)
            }
            WastDirective::AssertReturn { exec: WastExecute::Invoke(invoke), results, .. } => {
                let verdict = self.with_results(&invoke, |runner, outcome| match outcome {
                    Ok(values) => runner.compare(invoke.name, &results, &values),
                    Err(error) => failed!("{error}"),
                });
                ("assert_return", verdict)
            }
            WastDirective::AssertReturn {
                exec: WastExecute::Get { module, global, .. }, results, ..
            } => ("assert_return (get)", self.get(module, global, &results)),
            WastDirective::AssertTrap { exec: WastExecute::Invoke(invoke), message, .. } => {
                let verdict =
                    self.with_results(&invoke, |runner, outcome| runner.trapped(message, outcome.err()));
                ("assert_trap", verdict)
            }
            WastDirective::AssertTrap { exec: WastExecute::Wat(module), message, .. } => {
                ("assert_trap (module)", self.module_traps(module, message))
            }
            WastDirective::AssertExhaustion { call, message, .. } => {
                let verdict =
                    self.with_results(&call, |runner, outcome| runner.trapped(message, outcome.err()));
                ("assert_exhaustion", verdict)
            }
            WastDirective::AssertInvalid { module, message, .. } => {
                ("assert_invalid", self.refused("assert_invalid", module, message))
            }
            WastDirective::AssertMalformed { module, message, .. } => {
                let kind = match &module {
                    QuoteWat::QuoteModule(..) => "assert_malformed (quoted)",
                    QuoteWat::Wat(Wat::Module(module)) if matches!(module.kind, ModuleKind::Binary(_)) => {
                        "assert_malformed (binary)"
                    }
                    _ => "assert_malformed (text)",
                };
                (kind, self.refused(kind, module, message))
            }
            WastDirective::AssertUnlinkable { module, message, .. } => {
                ("assert_unlinkable", self.unlinkable(module, message))
            }
            other => ("unknown", failed!("the runner does not know this directive: {other:?}")),
        }
    }

    /// What an execution took that began with this much gas and so many prints.
    pub(super) fn cost(&mut self, (gas_before, prints_before): (u64, u64)) -> Cost {
        self.report.calls += 1;
        Cost {
            gas_before,
            gas_after: self.store.gas(),
            peak: self.store.peak_stack_slots(),
            prints: self.store.data().prints - prints_before,
        }
    }

    pub(super) fn place(&self, module: Option<Id<'_>>) -> Place {
        match module {
            None => self.current,
            Some(id) => self.named.get(id.name()).copied().unwrap_or(Place::Empty),
        }
    }
}
