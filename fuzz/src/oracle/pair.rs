//! Both sides, step by step.
//!
//! Owns what must be equal after a step: outcome, gas, peak, memories, globals, tables. It must not know what steps there
//! are.

use std::fmt;

use lockstep_vm::{Extern, Module};

use super::foreign::{self, Foreign, Unable};
use super::ours::{Ours, Seen};
use super::setup::Setup;
use super::three_ways::{Difference, Step};
use super::value::{Ended, Outcome, Value};

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

pub(super) fn recount_difference(seen: &Seen) -> Option<Difference> {
    let other = seen.recount_difference()?;
    let ours = format!("{} of {} gas left", seen.ended.gas, seen.gas_before);
    Some(Difference { step: 0, what: "recount of gas".into(), ours, other })
}
