//! One generated module, run each way with many inputs and limits.
//!
//! Owns what is tried with a module. It must not know how many modules there are.

use lockstep_vm::{CompilerTesting, ValType};

use super::super::digest::Hasher;
use super::super::ours::{Seen, exported_functions};
use super::super::prepare::NotReady;
use super::super::recipe::{Kind, Recipe, inputs};
use super::super::sweep;
use super::super::tally::Finding;
use super::super::three_ways::{Call, Difference, Script};
use super::counts::LINKED;
use super::linked::linked;
use super::reduce::reduce;
use super::{Counts, Subject};

/// How a campaign examines.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// In how many of a hundred modules there are floats.
    pub float_percent: u32,
    /// How many inputs a module gets.
    pub inputs: usize,
    /// In how many of a hundred small modules gas runs out at every charge, and the stack at every height.
    pub sweep_percent: u32,
    /// How machine code is made.
    pub compiler: CompilerTesting,
}

/// Executions that a search for charges may take.
const SWEEP_BUDGET: usize = 1_500;
/// Inputs whose operators are counted.
const AUDITED: usize = 3;
/// Inputs of long programs.
const LARGE_INPUTS: usize = 3;
/// Gas of modules that may run for ever, where it is not swept.
const ENDLESS_GAS: u64 = 20_000;
/// Of so many modules in a hundred there are two instances, too.
const LINKED_PERCENT: u32 = 35;
/// Gas of modules that may recurse until the stack ends.
const LONG_GAS: u64 = 1 << 20;
/// Gas for instantiation.
const START_GAS: u64 = 1 << 40;
/// Heights at which the stack of one module ends.
const HEIGHTS: u64 = 40;

/// Examines the module of a seed.
pub fn examine(seed: u64, options: Options) -> Counts {
    let mut recipe = Recipe::of_compilers(seed, options.float_percent);
    recipe.setup = recipe.setup.compiled(options.compiler);
    let mut counts = Counts::default();
    *counts.modules.entry(format!("{:?}", recipe.kind).to_lowercase()).or_default() += 1;
    let subject = match Subject::new(&recipe.setup, &recipe.wasm) {
        Ok(subject) => subject,
        Err(NotReady::Refused(_)) => {
            counts.refused += 1;
            return counts;
        }
        Err(NotReady::Different(difference)) => {
            let script = Script { gas: 0, stack_slots: 0, calls: Vec::new() };
            report(&mut counts, &recipe, &script, vec![difference]);
            return counts;
        }
    };
    let exports = exported_functions(subject.module());
    let mut hasher = Hasher::default();
    hasher.number(seed);
    let mut examination = Examination { recipe, subject, exports, counts, hasher, linked: None };
    examination.run(options);
    examination.link(options);
    examination.counts.digest = examination.hasher.finish();
    examination.counts
}

/// Keeps a difference, and a smaller module with one.
fn report(counts: &mut Counts, recipe: &Recipe, script: &Script, differences: Vec<Difference>) {
    let name = format!("seed {}", recipe.seed);
    let reduced = reduce(&recipe.setup, &recipe.wasm, script);
    let script = format!("{script}; {:?}", recipe.kind);
    counts.findings.push(Finding { name: name.clone(), wasm: recipe.wasm.clone(), script, differences });
    if let Some((wasm, script, differences)) = reduced {
        let name = format!("{name} reduced");
        counts.findings.push(Finding { name, wasm, script: script.to_string(), differences });
    }
}

struct Examination {
    recipe: Recipe,
    subject: Subject,
    exports: Vec<(String, Vec<ValType>)>,
    counts: Counts,
    /// What the module's executions came to.
    hasher: Hasher,
    /// The two modules, while they are examined.
    linked: Option<(Vec<u8>, Vec<u8>)>,
}

impl Examination {
    fn run(&mut self, options: Options) {
        let calls = self.calls(options.inputs);
        let stack_slots = self.recipe.setup.engine.limits().stack_slots;
        let gas = match self.recipe.kind {
            Kind::Smith => self.recipe.gas(),
            _ => START_GAS,
        };
        let edges = self.recipe.kind == Kind::Edges;
        // Their operators are counted in a store of its own, as counting is slow.
        let audited = if edges { calls.len() } else { AUDITED.min(calls.len()) };
        let first = Script { gas, stack_slots, calls: calls[..audited].to_vec() };
        let Some(steps) = self.judge(&first, true) else { return };
        if edges || calls.is_empty() {
            return;
        }
        let all = Script { calls, ..first.clone() };
        let Some(all_steps) = self.judge(&all, false) else { return };
        self.starve(&all, &all_steps);
        let small = matches!(self.recipe.kind, Kind::Tiny | Kind::Pressure);
        let sweep = small && self.recipe.random.percent(options.sweep_percent);
        self.cramp(&first, &all_steps, sweep);
        if sweep {
            self.sweep(&first, &steps);
        }
    }

    /// The module once more, in two instances.
    fn link(&mut self, options: Options) {
        if self.recipe.kind == Kind::Edges || !self.recipe.random.percent(LINKED_PERCENT) {
            return;
        }
        let Some((first, second)) = linked(&self.recipe.wasm, &mut self.recipe.random) else { return };
        self.subject = match Subject::linked(&self.recipe.setup, Some(&first), &second) {
            Ok(subject) => subject,
            Err(NotReady::Refused(_)) => return,
            Err(NotReady::Different(difference)) => {
                let script = Script { gas: 0, stack_slots: 0, calls: Vec::new() };
                return self.report(&script, vec![difference]);
            }
        };
        *self.counts.modules.entry(LINKED.into()).or_default() += 1;
        self.linked = Some((first, second));
        self.exports.retain(|(_, parameters)| !parameters.contains(&ValType::FuncRef));
        self.run(options);
    }

    fn calls(&mut self, count: usize) -> Vec<Call> {
        match self.recipe.kind {
            Kind::Edges => self.recipe.calls(&self.exports),
            Kind::Smith => inputs(&mut self.recipe.random, &self.exports, count, ENDLESS_GAS),
            Kind::Pressure => inputs(&mut self.recipe.random, &self.exports, count, LONG_GAS),
            Kind::Large => inputs(&mut self.recipe.random, &self.exports, LARGE_INPUTS.min(count), 1 << 60),
            _ => inputs(&mut self.recipe.random, &self.exports, count, 1 << 60),
        }
    }

    /// Compares a script; answers the steps when all ways agree.
    fn judge(&mut self, script: &Script, audited: bool) -> Option<Vec<Seen>> {
        match self.subject.compare(script, audited) {
            Ok(steps) => {
                self.counts.count(&steps);
                for step in &steps {
                    self.hasher.step(step);
                    step.state.iter().for_each(|state| self.hasher.text(&state.to_string()));
                }
                Some(steps)
            }
            Err(differences) => {
                self.report(script, differences);
                None
            }
        }
    }

    fn report(&mut self, script: &Script, differences: Vec<Difference>) {
        let Some((first, second)) = &self.linked else {
            return report(&mut self.counts, &self.recipe, script, differences);
        };
        for (name, wasm) in [("first", first), ("linked", second)] {
            self.counts.findings.push(Finding {
                name: format!("seed {} {name}", self.recipe.seed),
                wasm: wasm.clone(),
                script: script.to_string(),
                differences: differences.clone(),
            });
        }
    }

    /// Lets gas run out somewhere in each call, all in one store.
    fn starve(&mut self, plenty: &Script, steps: &[Seen]) {
        let mut script = plenty.clone();
        for (call, step) in script.calls.iter_mut().zip(steps.iter().skip(1)) {
            let used = step.gas_before - step.ended.gas;
            let random = &mut self.recipe.random;
            call.gas = Some(match random.below(4) {
                0 => used.saturating_sub(1),
                1 => random.log_range(1, used.max(2)),
                2 => used,
                _ => random.u64() % used.max(1),
            });
        }
        // A few calls: they are many already.
        script.calls.truncate(20);
        if self.judge(&script, false).is_some() {
            self.counts.limits.0 += script.calls.len() as u64;
        }
    }

    /// Gives a part of the stack that was used: somewhere, or every height there is.
    fn cramp(&mut self, plenty: &Script, steps: &[Seen], sweep: bool) {
        let peak = steps.iter().map(|step| step.ended.peak).max().unwrap_or_default();
        if peak == 0 {
            return;
        }
        let random = &mut self.recipe.random;
        let heights: Vec<u64> = match sweep {
            true if peak <= 2 * HEIGHTS => (0..peak + 2).collect(),
            true => (0..HEIGHTS).map(|_| random.u64() % (peak + 1)).collect(),
            false => vec![peak - 1, random.u64() % peak],
        };
        for stack_slots in heights {
            let mut script = Script { stack_slots, ..plenty.clone() };
            script.calls.truncate(2);
            if self.judge(&script, false).is_none() {
                return;
            }
            self.counts.limits.1 += 1;
        }
    }

    /// Lets gas run out at every charge of the first call.
    fn sweep(&mut self, plenty: &Script, steps: &[Seen]) {
        let Some(first) = plenty.calls.first() else { return };
        let used = steps.iter().take(2).map(|step| step.gas_before - step.ended.gas).sum();
        let mut script = plenty.clone();
        script.calls = vec![Call { gas: None, ..first.clone() }];
        let limits = sweep::limits(|script| self.subject.interpret(script), &script, used, SWEEP_BUDGET);
        self.counts.swept.0 += 1;
        self.counts.swept.1 += u64::from(limits.complete);
        for gas in limits.points {
            script.gas = gas;
            if self.judge(&script, false).is_none() {
                return;
            }
            self.counts.limits.0 += 1;
        }
    }
}
