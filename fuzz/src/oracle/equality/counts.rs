//! What a campaign for equality counted and what it found.
//!
//! Owns the counts, their sums and the table that is printed. It must not know how anything was found out.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use lockstep_gas::Op;

use super::super::digest::Digest;
use super::super::ours::Seen;
use super::super::tally::Finding;
use super::super::value::Outcome;

/// How modules in two instances are counted.
pub(super) const LINKED: &str = "linked";

/// Counts, which can be added up.
#[derive(Clone, Debug)]
pub struct Counts {
    /// Modules, by where they come from.
    pub modules: BTreeMap<String, u64>,
    /// Executions on which all ways agreed: a module with an input, a gas limit and a stack limit.
    pub executions: u64,
    /// Of these, those that returned.
    pub returned: u64,
    /// The others, by kind.
    pub traps: BTreeMap<&'static str, u64>,
    /// Modules whose charges were searched for gas limits; those of which every charge was found.
    pub swept: (u64, u64),
    /// Gas limits and stack limits made for executions.
    pub limits: (u64, u64),
    /// Executions whose operators were counted.
    pub audited: u64,
    /// How often each operator was executed in those.
    pub executed: [u64; Op::COUNT],
    /// Modules that are refused.
    pub refused: u64,
    /// What all executions came to: the sum of the modules' digests, which depends on no order.
    pub digest: Digest,
    /// The differences.
    pub findings: Vec<Finding>,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            modules: BTreeMap::new(),
            executions: 0,
            returned: 0,
            traps: BTreeMap::new(),
            swept: (0, 0),
            limits: (0, 0),
            audited: 0,
            executed: [0; Op::COUNT],
            refused: 0,
            digest: Digest::default(),
            findings: Vec::new(),
        }
    }
}

impl Counts {
    /// Counts steps on which all ways agreed: the calls, and the instantiation when it trapped.
    pub fn count(&mut self, steps: &[Seen]) {
        for (index, step) in steps.iter().enumerate() {
            if let Some(audit) = &step.audit {
                self.audited += 1;
                self.executed.iter_mut().zip(audit.executed).for_each(|(sum, count)| *sum += count);
            }
            match &step.ended.outcome {
                Outcome::Returned(_) if index == 0 => continue,
                Outcome::Returned(_) => self.returned += 1,
                Outcome::Trapped(trap) => *self.traps.entry(trap.name()).or_default() += 1,
                Outcome::Refused(_) | Outcome::Failed(_) => continue,
            }
            self.executions += 1;
        }
    }

    /// Adds other counts.
    pub fn add(&mut self, other: Self) {
        let pair = |a: &mut (u64, u64), b: (u64, u64)| *a = (a.0 + b.0, a.1 + b.1);
        other.modules.into_iter().for_each(|(kind, count)| *self.modules.entry(kind).or_default() += count);
        self.executions += other.executions;
        self.returned += other.returned;
        other.traps.into_iter().for_each(|(trap, count)| *self.traps.entry(trap).or_default() += count);
        pair(&mut self.swept, other.swept);
        pair(&mut self.limits, other.limits);
        self.audited += other.audited;
        self.executed.iter_mut().zip(other.executed).for_each(|(sum, count)| *sum += count);
        self.refused += other.refused;
        self.digest.add(other.digest);
        self.findings.extend(other.findings);
    }

    /// How many modules, without those that are there in two instances as well.
    pub fn module_count(&self) -> u64 {
        self.modules.iter().filter(|(kind, _)| *kind != LINKED).map(|(_, count)| count).sum()
    }

    /// The operators executed less often than this.
    pub fn rarer_than(&self, least: u64) -> Vec<(&'static str, u64)> {
        let counts = Op::ALL.iter().zip(self.executed);
        counts.filter(|(_, count)| *count < least).map(|(op, count)| (op.name(), count)).collect()
    }

    /// The counts in one line.
    pub fn line(&self) -> String {
        let percent = self.returned as f64 * 100.0 / self.executions.max(1) as f64;
        let rarest = self.executed.iter().min().copied().unwrap_or_default();
        format!(
            "modules={} executions={} returned={percent:.1}% audited={} rarest_operator={rarest} swept={} \
             charges_all_found={} gas_limits={} stack_limits={} refused={} digest={} differences={}",
            self.module_count(),
            self.executions,
            self.audited,
            self.swept.0,
            self.swept.1,
            self.limits.0,
            self.limits.1,
            self.refused,
            self.digest.short(),
            self.findings.len(),
        )
    }

    /// Everything, for people.
    pub fn table(&self) -> String {
        let mut out = String::new();
        let kinds: Vec<String> = self.modules.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        let traps: Vec<String> = self.traps.iter().map(|(trap, count)| format!("{trap} {count}")).collect();
        let percent = self.returned as f64 * 100.0 / self.executions.max(1) as f64;
        let _ = writeln!(out, "modules      {} ({})", self.module_count(), kinds.join(", "));
        let _ = writeln!(out, "refused      {}", self.refused);
        let _ =
            writeln!(out, "executions   {}, {} returned ({percent:.1} %)", self.executions, self.returned);
        let _ = writeln!(out, "traps        {}", traps.join(", "));
        let _ = writeln!(
            out,
            "gas limits   {} executions; {} modules swept, every charge found in {}",
            self.limits.0, self.swept.0, self.swept.1
        );
        let _ = writeln!(out, "stack limits {} executions", self.limits.1);
        let _ = writeln!(out, "operators executed, in {} executions", self.audited);
        let mut row = String::new();
        for (op, count) in Op::ALL.iter().zip(self.executed) {
            let _ = write!(row, "  {:<22}{count:>13}", op.name());
            if row.len() > 100 {
                let _ = writeln!(out, "{row}");
                row.clear();
            }
        }
        let _ = writeln!(out, "{row}");
        let _ = writeln!(out, "differences  {}", self.findings.len());
        for finding in self.findings.iter().take(20) {
            let _ = writeln!(out, "  {}: {}", finding.name, finding.script);
            for difference in &finding.differences {
                let _ = writeln!(out, "    {difference}");
            }
        }
        out
    }
}
