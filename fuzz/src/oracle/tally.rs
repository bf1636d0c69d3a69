//! What a campaign counted and what it found.
//!
//! Owns the counts, their sums over workers, the table that is printed, and the files in which a difference is kept. It
//! must not know how anything was found out.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

use lockstep_gas::Op;

use super::three_ways::{Difference, Step};
use super::value::Outcome;

/// How often each operator must be executed by a campaign.
pub const EXECUTED_AT_LEAST: u64 = 1_000;

/// Counts, which can be added up.
#[derive(Clone, Debug)]
pub struct Tally {
    /// Modules, by where they come from.
    pub modules: BTreeMap<String, u64>,
    /// Executions on which all three ways agreed, without those with a limit made for them.
    pub executions: u64,
    /// Of these, those that returned.
    pub returned: u64,
    /// The others, by kind.
    pub traps: BTreeMap<&'static str, u64>,
    /// How many operators each of them executed.
    pub lengths: Vec<u64>,
    /// How often each operator was executed in them.
    pub executed: [u64; Op::COUNT],
    /// Modules whose charges were searched for gas limits; those of which every charge was found.
    pub swept: (u64, u64),
    /// Executions with a gas limit made for them; those that ran out.
    pub starved: (u64, u64),
    /// Executions with a stack limit made for them; those that overflowed.
    pub cramped: (u64, u64),
    /// Calls of single operators with special operands; their operators count, they themselves nowhere else.
    pub edges: u64,
    /// Modules on which the foreign engine contradicted itself, so that a difference was its own.
    pub contradictions: u64,
    /// What could not be compared, by reason.
    pub skips: BTreeMap<String, u64>,
    /// The differences.
    pub findings: Vec<Finding>,
}

/// A difference, with everything needed to see it again.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The seed, or the name of what is not generated.
    pub name: String,
    /// The module.
    pub wasm: Vec<u8>,
    /// What was done.
    pub script: String,
    /// What differs.
    pub differences: Vec<Difference>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            modules: BTreeMap::new(),
            executions: 0,
            returned: 0,
            traps: BTreeMap::new(),
            lengths: Vec::new(),
            executed: [0; Op::COUNT],
            swept: (0, 0),
            starved: (0, 0),
            cramped: (0, 0),
            edges: 0,
            contradictions: 0,
            skips: BTreeMap::new(),
            findings: Vec::new(),
        }
    }
}

impl Tally {
    /// Counts the steps of an execution on which all agreed: its calls, and the instantiation when it trapped.
    pub fn count(&mut self, steps: &[Step]) {
        for (index, step) in steps.iter().enumerate() {
            let mut length = 0;
            for (sum, executed) in
                self.executed.iter_mut().zip(step.executed.iter().flat_map(|counts| counts.iter()))
            {
                *sum += executed;
                length += executed;
            }
            match &step.ended.outcome {
                Outcome::Returned(_) if index == 0 => continue,
                Outcome::Returned(_) => self.returned += 1,
                Outcome::Trapped(trap) => *self.traps.entry(trap.name()).or_default() += 1,
                Outcome::Refused(_) | Outcome::Failed(_) => continue,
            }
            self.executions += 1;
            self.lengths.push(length);
        }
    }

    /// Counts calls of single operators.
    pub fn count_edges(&mut self, steps: &[Step]) {
        self.edges += steps.len().saturating_sub(1) as u64;
        for counts in steps.iter().filter_map(|step| step.executed.as_ref()) {
            self.executed.iter_mut().zip(counts.iter()).for_each(|(sum, count)| *sum += count);
        }
    }

    /// Counts something that could not be compared.
    pub fn skip(&mut self, reason: impl Into<String>) {
        *self.skips.entry(reason.into()).or_default() += 1;
    }

    /// Adds another tally.
    pub fn add(&mut self, other: Self) {
        let pair = |a: &mut (u64, u64), b: (u64, u64)| *a = (a.0 + b.0, a.1 + b.1);
        self.executions += other.executions;
        self.returned += other.returned;
        self.edges += other.edges;
        self.contradictions += other.contradictions;
        other.modules.into_iter().for_each(|(kind, count)| *self.modules.entry(kind).or_default() += count);
        other.traps.into_iter().for_each(|(trap, count)| *self.traps.entry(trap).or_default() += count);
        other.skips.into_iter().for_each(|(reason, count)| *self.skips.entry(reason).or_default() += count);
        self.executed.iter_mut().zip(other.executed).for_each(|(sum, count)| *sum += count);
        self.lengths.extend(other.lengths);
        pair(&mut self.swept, other.swept);
        pair(&mut self.starved, other.starved);
        pair(&mut self.cramped, other.cramped);
        self.findings.extend(other.findings);
    }

    /// How many modules.
    pub fn module_count(&self) -> u64 {
        self.modules.values().sum()
    }

    /// The median number of operators that an execution executed.
    pub fn median(&self) -> u64 {
        let mut lengths = self.lengths.clone();
        lengths.sort_unstable();
        lengths.get(lengths.len() / 2).copied().unwrap_or_default()
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
            "modules={} executions={} returned={percent:.1}% median_operators={} rarest_operator={rarest} \
             swept={} charges_all_found={} starved={} out_of_gas={} cramped={} stack_overflows={} edges={} foreign_faults={} skipped={} differences={}",
            self.module_count(),
            self.executions,
            self.median(),
            self.swept.0,
            self.swept.1,
            self.starved.0,
            self.starved.1,
            self.cramped.0,
            self.cramped.1,
            self.edges,
            self.contradictions,
            self.skips.values().sum::<u64>(),
            self.findings.len(),
        )
    }

    /// Everything, for people.
    pub fn table(&self) -> String {
        let mut out = String::new();
        let mut line = |text: String| {
            out.push_str(&text);
            out.push('\n');
        };
        let counts = |counts: &BTreeMap<String, u64>| {
            counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
        };
        line(format!("modules      {} ({})", self.module_count(), counts(&self.modules)));
        let percent = self.returned as f64 * 100.0 / self.executions.max(1) as f64;
        line(format!("executions   {}, {} returned ({percent:.1} %)", self.executions, self.returned));
        let traps: BTreeMap<String, u64> =
            self.traps.iter().map(|(name, count)| (name.to_string(), *count)).collect();
        line(format!("traps        {}", counts(&traps)));
        let operators: u64 = self.executed.iter().sum();
        line(format!("operators    {operators} executed; median of an execution {}", self.median()));
        line(format!(
            "gas limits   {} modules swept, every charge found in {}; {} executions, {} out of gas",
            self.swept.0, self.swept.1, self.starved.0, self.starved.1
        ));
        line(format!("stack limits {} executions, {} overflowed", self.cramped.0, self.cramped.1));
        line(format!("special operands {} calls", self.edges));
        line(format!("foreign engine contradicts itself on {} modules", self.contradictions));
        line(format!("skipped      {}", self.skips.values().sum::<u64>()));
        for (reason, count) in &self.skips {
            line(format!("  {count:>8} {reason}"));
        }
        line("operators executed".into());
        let mut row = String::new();
        for (op, count) in Op::ALL.iter().zip(self.executed) {
            let _ = write!(row, "  {:<22}{count:>13}", op.name());
            if row.len() > 100 {
                line(std::mem::take(&mut row));
            }
        }
        line(row);
        let rare = self.rarer_than(EXECUTED_AT_LEAST);
        line(format!("operators executed less than {EXECUTED_AT_LEAST} times: {}", rare.len()));
        for (name, count) in rare {
            line(format!("  {name} {count}"));
        }
        line(format!("differences  {}", self.findings.len()));
        for finding in self.findings.iter().take(20) {
            line(format!("  {}: {}", finding.name, finding.script));
            finding.differences.iter().for_each(|difference| line(format!("    {difference}")));
        }
        out
    }
}

impl Finding {
    /// Writes the module as wasm and as text, and what was done and seen.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn save(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let name: String =
            self.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let path = |ending: &str| folder.join(format!("{name}.{ending}"));
        fs::write(path("wasm"), &self.wasm)?;
        fs::write(
            path("wat"),
            wasmprinter::print_bytes(&self.wasm).unwrap_or_else(|error| format!(";; {error}")),
        )?;
        let mut text = format!("{}\n{}\n", self.name, self.script);
        self.differences.iter().for_each(|difference| {
            let _ = writeln!(text, "{difference}");
        });
        fs::write(path("txt"), text)
    }
}
