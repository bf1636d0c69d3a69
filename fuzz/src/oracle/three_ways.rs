//! One number, three ways: the interpreter, the recount from the operators executed, and the instrumented module on a
//! foreign engine.
//!
//! Owns the comparison. What differs is told in terms of both sides; who is wrong is for people, by the law. It must not
//! know where modules come from.

use std::cell::{Cell, OnceCell};
use std::fmt;

use lockstep_gas::{InstrumentErrorKind, Op, instrument};
use lockstep_vm::{ErrorKind, Extern, Module};

use super::foreign::{self, Foreign, Unable};
use super::ours::{Ours, Seen};
use super::quiet;
use super::recount;
use super::rewrite::rewrite;
use super::setup::Setup;
use super::value::{Ended, Outcome, Value};

/// What is run on a fresh store: an instantiation, then calls of the instance's exports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The gas before instantiation.
    pub gas: u64,
    /// The stack's limit in slots; the setup's where that is lower.
    pub stack_slots: u64,
    /// The calls, in order.
    pub calls: Vec<Call>,
}

/// A call of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The exported function.
    pub export: String,
    /// The arguments.
    pub arguments: Vec<Value>,
    /// The gas; what the step before left, unless set.
    pub gas: Option<u64>,
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stack_slots {}; instantiate with gas {}", self.stack_slots, self.gas)?;
        for call in &self.calls {
            write!(f, "; call {:?}", call.export)?;
            call.arguments.iter().try_for_each(|value| write!(f, " {value}"))?;
            match call.gas {
                Some(gas) => write!(f, " with gas {gas}")?,
                None => f.write_str(" with what is left")?,
            }
        }
        Ok(())
    }
}

/// What two ways do not agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The step: 0 is the instantiation.
    pub step: usize,
    /// What differs.
    pub what: String,
    /// What the interpreter says.
    pub ours: String,
    /// What the other way says.
    pub other: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {}: {}: {} here, {} there", self.step, self.what, self.ours, self.other)
    }
}

/// What came of a comparison.
#[derive(Clone, Debug)]
pub enum Comparison {
    /// All agree on each step.
    Same(Vec<Step>),
    /// The foreign engine cannot tell, for this reason; the recount agrees.
    Skipped(String),
    /// They do not agree.
    Different(Vec<Difference>),
}

/// A step on which all agreed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// How it ended.
    pub ended: Ended,
    /// The gas before.
    pub gas_before: u64,
    /// How often each operator was executed, by its number in [`Op`]; nothing when it was not counted.
    pub executed: Option<Box<[u64; Op::COUNT]>>,
}

/// Compares the three ways for one call of one export of a module, on a fresh instance, under the default schedule and
/// limits. The gas is for instantiation and call together.
pub fn three_ways(wasm: &[u8], export: &str, input: &[Value], gas: u64) -> Comparison {
    let setup = Setup::standard();
    let call = Call { export: export.into(), arguments: input.to_vec(), gas: None };
    let stack_slots = setup.engine.limits().stack_slots;
    match Subject::new(&setup, wasm) {
        Ok(subject) => subject.compare(&Script { gas, stack_slots, calls: vec![call] }, true),
        Err(NotReady::Refused(code)) => Comparison::Skipped(format!("refused: {code}")),
        Err(NotReady::Different(difference)) => Comparison::Different(vec![difference]),
    }
}

/// A module ready for both sides.
pub struct Subject<'a> {
    pub(super) setup: &'a Setup,
    /// Our module.
    pub module: Module,
    engine: wasmi::Engine,
    forms: Forms,
    /// The form to be run next.
    form: Cell<Form>,
    contradicted: Cell<bool>,
}

/// Why a module cannot be run.
#[derive(Clone, Debug)]
pub enum NotReady {
    /// Our engine refuses it with this code.
    Refused(String),
    /// Our own parts do not agree on it.
    Different(Difference),
}

impl<'a> Subject<'a> {
    /// Validates, decodes, instruments and translates a module.
    ///
    /// # Errors
    /// When it is refused, or when our parts disagree whether it should be.
    pub fn new(setup: &'a Setup, wasm: &[u8]) -> Result<Self, NotReady> {
        let engine = setup.foreign();
        let (module, forms) = prepare(setup, wasm)?;
        let (form, contradicted) = (Cell::new(Form::Plain), Cell::new(false));
        Ok(Self { setup, module, engine, forms, form, contradicted })
    }

    /// Whether the foreign engine gave an answer for the module that it took back for the module rewritten, which is the
    /// one used from then on.
    pub fn contradicted(&self) -> bool {
        self.contradicted.get()
    }

    /// Runs a script on our side alone, with the recount.
    pub fn ours(&self, script: &Script) -> Vec<Seen> {
        let mut ours = Ours::new(self.setup, script.stack_slots, true);
        let mut seen = vec![ours.instantiate(&self.module, script.gas)];
        if let Outcome::Returned(_) = seen[0].ended.outcome {
            for call in &script.calls {
                seen.push(ours.call(0, &call.export, &call.arguments, call.gas));
            }
        }
        seen
    }

    /// Runs a script all ways; the recount only if asked for.
    pub fn compare(&self, script: &Script, audited: bool) -> Comparison {
        let comparison = self.compare_guarded(script, audited);
        if self.form.get() == Form::Rewritten || matches!(comparison, Comparison::Same(_)) {
            return comparison;
        }
        // Does the foreign engine stand by its word?
        self.form.set(Form::Rewritten);
        let again = self.compare_guarded(script, audited);
        match (&comparison, &again) {
            (Comparison::Different(_), Comparison::Same(_)) => self.contradicted.set(true),
            (Comparison::Different(_), _) => return comparison,
            _ => {}
        }
        again
    }

    fn compare_guarded(&self, script: &Script, audited: bool) -> Comparison {
        match quiet::catch(|| self.compare_unguarded(script, audited)) {
            Ok(comparison) => comparison,
            Err(panic) => Comparison::Different(vec![Difference {
                step: 0,
                what: "a panic".into(),
                ours: panic,
                other: "none".into(),
            }]),
        }
    }

    fn compare_unguarded(&self, script: &Script, audited: bool) -> Comparison {
        let mut pair = Pair::new(self.setup, &self.engine, script.stack_slots, audited);
        let prepared = match self.forms.get(&self.engine, self.form.get()) {
            Ok(prepared) => prepared,
            Err(unable) => return self.compare_with_recount(script, unable),
        };
        let mut steps = Vec::new();
        for step in 0..=script.calls.len() {
            let verdict = match step.checked_sub(1).map(|call| &script.calls[call]) {
                None => pair.instantiate(&self.module, prepared, script.gas),
                Some(call) => pair.call(0, &call.export, &call.arguments, call.gas),
            };
            match verdict {
                Verdict::Same(step) => steps.push(step),
                Verdict::Skipped(reason) => return Comparison::Skipped(reason),
                Verdict::Different(mut differences) => {
                    differences.iter_mut().for_each(|difference| difference.step = step);
                    return Comparison::Different(differences);
                }
            }
            if pair.instances == 0 {
                break;
            }
        }
        Comparison::Same(steps)
    }

    /// Two ways, where the third is not to be had.
    fn compare_with_recount(&self, script: &Script, unable: &Unable) -> Comparison {
        for (step, seen) in self.ours(script).iter().enumerate() {
            if let Some(difference) = recount_difference(seen) {
                return Comparison::Different(vec![Difference { step, ..difference }]);
            }
        }
        Comparison::Skipped(unable.0.clone())
    }
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
    Ok((
        module,
        Forms { instrumented, instantiation_price, plain: OnceCell::new(), rewritten: OnceCell::new() },
    ))
}

/// What the foreign engine is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The instrumented module.
    Plain,
    /// The same in other words.
    Rewritten,
}

/// A module in its forms, each translated when it is asked for.
pub(super) struct Forms {
    instrumented: Result<Vec<u8>, Unable>,
    instantiation_price: u64,
    plain: OnceCell<Result<foreign::Prepared, Unable>>,
    rewritten: OnceCell<Result<foreign::Prepared, Unable>>,
}

impl Forms {
    pub(super) fn get(&self, engine: &wasmi::Engine, form: Form) -> Result<&foreign::Prepared, &Unable> {
        let instrumented = self.instrumented.as_ref()?;
        let prepare = |wasm: &[u8]| foreign::Prepared::new(engine, wasm, self.instantiation_price);
        let prepared = match form {
            Form::Plain => self.plain.get_or_init(|| prepare(instrumented)),
            Form::Rewritten => self.rewritten.get_or_init(|| match rewrite(instrumented) {
                Ok(rewritten) => prepare(&rewritten),
                Err(error) => Err(Unable(format!("the instrumented module cannot be read: {error}"))),
            }),
        };
        prepared.as_ref()
    }
}

/// What came of one step on both sides.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    Same(Step),
    Skipped(String),
    Different(Vec<Difference>),
}

/// Both sides, step by step.
pub(super) struct Pair {
    pub(super) ours: Ours,
    pub(super) foreign: Foreign,
    /// How many instances were made.
    pub(super) instances: usize,
}

impl Pair {
    pub(super) fn new(setup: &Setup, engine: &wasmi::Engine, stack_slots: u64, audited: bool) -> Self {
        Self {
            ours: Ours::new(setup, stack_slots, audited),
            foreign: Foreign::new(setup, engine, stack_slots),
            instances: 0,
        }
    }

    pub(super) fn instantiate(&mut self, module: &Module, prepared: &foreign::Prepared, gas: u64) -> Verdict {
        let seen = self.ours.instantiate(module, gas);
        let ended = self.foreign.instantiate(prepared, gas);
        let made = matches!(seen.ended.outcome, Outcome::Returned(_));
        let verdict = self.judge(seen, ended, made.then_some(self.instances));
        if made && matches!(verdict, Verdict::Same(_)) {
            self.instances += 1;
        }
        verdict
    }

    pub(super) fn call(
        &mut self,
        instance: usize,
        export: &str,
        arguments: &[Value],
        gas: Option<u64>,
    ) -> Verdict {
        let seen = self.ours.call(instance, export, arguments, gas);
        let ended = self.foreign.call(instance, export, arguments, gas);
        self.judge(seen, ended, Some(instance))
    }

    /// Compares a step, and what `instance` exports after it.
    fn judge(&self, seen: Seen, ended: Result<Ended, Unable>, instance: Option<usize>) -> Verdict {
        let mut differences: Vec<Difference> = recount_difference(&seen).into_iter().collect();
        let theirs = match ended {
            Ok(theirs) => theirs,
            Err(Unable(_)) if !differences.is_empty() => return Verdict::Different(differences),
            Err(Unable(reason)) => return Verdict::Skipped(reason),
        };
        let mut differ = |what: &str, ours: &dyn fmt::Display, other: &dyn fmt::Display| {
            differences.push(Difference {
                step: 0,
                what: what.into(),
                ours: ours.to_string(),
                other: other.to_string(),
            });
        };
        let ours = &seen.ended;
        if !ours.outcome.agrees(&theirs.outcome) {
            differ("outcome", &ours.outcome, &theirs.outcome);
        }
        if ours.gas != theirs.gas {
            differ("gas left", &ours.gas, &theirs.gas);
        }
        if ours.peak != theirs.peak {
            differ("peak of the stack", &ours.peak, &theirs.peak);
        }
        if let Some(instance) = instance.filter(|_| ours.outcome.agrees(&theirs.outcome)) {
            self.compare_state(instance, &mut differ);
        }
        if differences.is_empty() {
            let executed = seen.audit.map(|audit| Box::new(audit.executed));
            Verdict::Same(Step { ended: seen.ended, gas_before: seen.gas_before, executed })
        } else {
            Verdict::Different(differences)
        }
    }

    /// Compares the memories, globals and tables that an instance exports.
    pub(super) fn compare_state(
        &self,
        instance: usize,
        differ: &mut dyn FnMut(&str, &dyn fmt::Display, &dyn fmt::Display),
    ) {
        for (name, item) in self.ours.exports(instance) {
            match self.foreign.export(instance, &name) {
                Some(theirs) => self.compare_item(&name, item, theirs, differ),
                None => differ(&format!("export {name:?}"), &"present", &"absent"),
            }
        }
    }

    /// Compares a memory, global or table.
    pub(super) fn compare_item(
        &self,
        name: &str,
        ours: Extern,
        theirs: wasmi::Extern,
        differ: &mut dyn FnMut(&str, &dyn fmt::Display, &dyn fmt::Display),
    ) {
        match (ours, theirs) {
            (Extern::Func(_), wasmi::Extern::Func(_)) => {}
            (Extern::Memory(a), wasmi::Extern::Memory(b)) => {
                let (a, b) = (self.ours.memory(a), self.foreign.memory(b));
                if a.len() != b.len() {
                    differ(&format!("bytes of memory {name:?}"), &a.len(), &b.len());
                } else if a != b {
                    let at = a.iter().zip(b).position(|(a, b)| a != b).unwrap_or_default();
                    differ(&format!("memory {name:?} at {at:#x}"), &a[at], &b[at]);
                }
            }
            (Extern::Global(a), wasmi::Extern::Global(b)) => {
                let (a, b) = (self.ours.global(a), self.foreign.global(b));
                if a != b {
                    differ(&format!("global {name:?}"), &a, &b);
                }
            }
            (Extern::Table(a), wasmi::Extern::Table(b)) => {
                let (sizes, most) =
                    ((self.ours.table_size(a), self.foreign.table_size(b)), TABLE_ELEMENTS_SEEN);
                if sizes.0 != sizes.1 {
                    differ(&format!("size of table {name:?}"), &sizes.0, &sizes.1);
                    return;
                }
                // Of a large table the beginning and the end.
                for index in (0..sizes.0.min(most)).chain(sizes.0.saturating_sub(most)..sizes.0) {
                    let (a, b) = (self.ours.element(a, index), self.foreign.element(b, index));
                    let show =
                        |value: Option<Value>| value.map_or("nothing".into(), |value| value.to_string());
                    if a != b {
                        differ(&format!("table {name:?} at {index}"), &show(a), &show(b));
                        return;
                    }
                }
            }
            _ => differ(&format!("export {name:?}"), &"of one kind", &"of another"),
        }
    }
}

/// Elements of a table that are compared at either end.
const TABLE_ELEMENTS_SEEN: u64 = 300;

fn recount_difference(seen: &Seen) -> Option<Difference> {
    let other = seen.recount_difference()?;
    let ours = format!("{} of {} gas left", seen.ended.gas, seen.gas_before);
    Some(Difference { step: 0, what: "recount of gas".into(), ours, other })
}
