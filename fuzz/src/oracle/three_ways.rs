//! One number, three ways: the interpreter, the recount from the operators executed, and the instrumented module on a
//! foreign engine.
//!
//! Owns the comparison. What differs is told in terms of both sides; who is wrong is for people, by the law. It must not
//! know where modules come from.

use std::cell::Cell;
use std::fmt;

use lockstep_gas::Op;
use lockstep_vm::Module;

pub use super::prepare::NotReady;

use super::foreign::Unable;
use super::ours::{Ours, Seen};
use super::pair::{Pair, Verdict, recount_difference};
use super::prepare::{Form, Forms, prepare};
use super::quiet;
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
        let form = self.form.get();
        let first = self.compare_guarded(script, audited);
        if let Comparison::Same(_) = first {
            return first;
        }
        // Does the foreign engine stand by its word?
        let untried = Form::ALL.iter().position(|known| *known == form).map_or(0, |index| index + 1);
        for form in &Form::ALL[untried..] {
            self.form.set(*form);
            let again = self.compare_guarded(script, audited);
            if let Comparison::Same(_) = again {
                self.contradicted.set(self.contradicted.get() || matches!(first, Comparison::Different(_)));
                return again;
            }
        }
        self.form.set(form);
        first
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
