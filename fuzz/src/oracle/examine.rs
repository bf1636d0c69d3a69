//! One generated module, examined.
//!
//! Owns what is tried with a module: its inputs with plenty of gas, then gas limits at which charges fail and stacks that
//! are too small. It must not know how many modules there are.

use super::ours::exported_functions;
use super::recipe::{Kind, Recipe};
use super::sweep;
use super::tally::{Finding, Tally};
use super::three_ways::{Comparison, Difference, NotReady, Script, Step, Subject};
use super::value::Outcome;
use crate::random::Random;
use lockstep_vm::Trap;

/// How a campaign examines.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// In how many of a hundred modules there are floats.
    pub float_percent: u32,
    /// Whether gas runs out at every charge of small modules.
    pub sweep: bool,
}

/// Executions that a search for charges may take.
const SWEEP_BUDGET: usize = 3_000;

/// Examines the module of a seed.
pub fn examine(seed: u64, options: Options) -> Tally {
    let mut recipe = Recipe::new(seed, options.float_percent);
    let mut tally = Tally::default();
    *tally.modules.entry(format!("{:?}", recipe.kind).to_lowercase()).or_default() += 1;
    let setup = recipe.setup.clone();
    let subject = match Subject::new(&setup, &recipe.wasm) {
        Ok(subject) => subject,
        Err(NotReady::Refused(code)) => {
            tally.skip(format!("refused by our limits: {code}"));
            return tally;
        }
        Err(NotReady::Different(difference)) => {
            tally.findings.push(finding(&recipe, "preparing it".into(), vec![difference]));
            return tally;
        }
    };
    let calls = recipe.calls(&exported_functions(&subject.module));
    let stack_slots = setup.engine.limits().stack_slots;
    let plenty = Script { gas: recipe.gas(), stack_slots, calls };
    let mut judge = Judge { recipe, subject: &subject, tally };
    let steps = judge.judge(&plenty, true);
    if let Some(steps) = steps.as_ref().filter(|_| judge.recipe.kind == Kind::Edges) {
        judge.tally.count_edges(steps);
    } else if let Some(steps) = steps {
        judge.tally.count(&steps);
        judge.starve(&plenty, &steps, options);
        judge.cramp(&plenty, &steps);
    }
    judge.tally.contradictions += u64::from(subject.contradicted());
    judge.tally
}

fn finding(recipe: &Recipe, script: String, differences: Vec<Difference>) -> Finding {
    Finding { name: format!("seed {}", recipe.seed), wasm: recipe.wasm.clone(), script, differences }
}

struct Judge<'a> {
    recipe: Recipe,
    subject: &'a Subject<'a>,
    tally: Tally,
}

impl Judge<'_> {
    /// Compares a script; answers the steps when all agree.
    fn judge(&mut self, script: &Script, audited: bool) -> Option<Vec<Step>> {
        match self.subject.compare(script, audited) {
            Comparison::Same(steps) => Some(steps),
            Comparison::Skipped(reason) => {
                self.tally.skip(reason);
                None
            }
            Comparison::Different(differences) => {
                self.report(script, differences);
                None
            }
        }
    }

    fn report(&mut self, script: &Script, differences: Vec<Difference>) {
        let script = format!(
            "{script}; {:?}, schedule {:?}",
            self.recipe.kind,
            Hex(&self.recipe.setup.schedule().hash())
        );
        self.tally.findings.push(finding(&self.recipe, script, differences));
    }

    /// Lets gas run out: at every charge of a small module, at some of others.
    fn starve(&mut self, plenty: &Script, steps: &[Step], options: Options) {
        let Some(first) = plenty.calls.first() else { return };
        let used = used(steps);
        let mut script = plenty.clone();
        script.calls = vec![super::three_ways::Call { gas: None, ..first.clone() }];
        let small = self.recipe.kind == Kind::Tiny && steps.len() > 1;
        let points = if options.sweep && small {
            let limits = sweep::limits(|script| self.subject.ours(script), &script, used, SWEEP_BUDGET);
            self.tally.swept.0 += 1;
            self.tally.swept.1 += u64::from(limits.complete);
            for (gas, difference) in limits.recount {
                let script = Script { gas, ..script.clone() };
                let difference = Difference {
                    step: 0,
                    what: "recount of gas".into(),
                    ours: difference,
                    other: "agreement".into(),
                };
                self.report(&script, vec![difference]);
            }
            limits.points
        } else {
            let random = &mut self.recipe.random;
            vec![used.saturating_sub(1), random.u64() % used.max(1), random.log_range(1, used.max(2))]
        };
        for gas in points {
            script.gas = gas;
            let Some(steps) = self.judge(&script, false) else { return };
            self.tally.starved.0 += 1;
            self.tally.starved.1 += u64::from(ends_with(&steps, Trap::OutOfGas));
        }
    }

    /// Gives a part of the stack that was used.
    fn cramp(&mut self, plenty: &Script, steps: &[Step]) {
        let peak = steps.iter().map(|step| step.ended.peak).max().unwrap_or_default();
        if peak == 0 {
            return;
        }
        let random = &mut self.recipe.random;
        for stack_slots in cramped(random, peak) {
            let script = Script { stack_slots, ..plenty.clone() };
            let Some(steps) = self.judge(&script, false) else { return };
            self.tally.cramped.0 += 1;
            self.tally.cramped.1 += u64::from(ends_with(&steps, Trap::StackOverflow));
        }
    }
}

/// Stack limits about the peak and somewhere below it; for few modules, as each takes an execution.
fn cramped(random: &mut Random, peak: u64) -> Vec<u64> {
    match random.below(4) {
        0 => vec![peak - 1],
        1 => vec![random.u64() % peak],
        _ => Vec::new(),
    }
}

/// The gas of the instantiation and the first call.
fn used(steps: &[Step]) -> u64 {
    steps.iter().take(2).map(|step| step.gas_before - step.ended.gas).sum()
}

fn ends_with(steps: &[Step], trap: Trap) -> bool {
    steps.iter().any(|step| step.ended.outcome == Outcome::Trapped(trap))
}

struct Hex<'a>(&'a [u8]);

impl std::fmt::Debug for Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
