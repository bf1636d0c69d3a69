//! What `test` says of scenarios, to people and to tools.
//!
//! Owns the stable words of its JSON object. It must not know files.

use crate::diagnostic;
use crate::failure::Failure;
use crate::problem::Problem;
use crate::text::{Name, count, grouped, printable};
use lockstep_test::gas::{GasReport, Grown};
use lockstep_test::scenario::{Played, Scenario};
use lockstep_test::{Outcome, ProfileOptions, ProfileView};
use serde::Serialize;
use std::fmt::Write;

/// Findings of one scenario that people are shown.
const FINDINGS_SHOWN: usize = 8;

/// What became of a scenario, better first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Verdict {
    Passed,
    Updated,
    Failed,
    Unreadable,
    Fault,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Updated => "updated",
            Verdict::Failed => "failed",
            Verdict::Unreadable => "unreadable",
            Verdict::Fault => "fault",
        }
    }
}

/// What is said of one scenario.
pub(crate) struct Report {
    pub(crate) file: String,
    pub(crate) name: String,
    pub(crate) verdict: Verdict,
    /// For people.
    pub(crate) text: String,
    pub(crate) gas: GasReport,
    findings: Vec<FindingReport>,
    steps: Vec<StepReport>,
    receipts: Option<String>,
    state_root: Option<String>,
    failure: Option<Failure>,
    /// The chain that it made, where that is to be recorded.
    pub(crate) bundle: Option<Vec<u8>>,
}

#[derive(Serialize)]
struct FindingReport {
    line: usize,
    message: String,
}

#[derive(Serialize)]
struct StepReport {
    step: usize,
    line: usize,
    contract: Option<String>,
    function: String,
    status: &'static str,
    gas_used: Option<u64>,
}

impl Report {
    /// It could not be read or played.
    pub(crate) fn unreadable(file: &str, failure: Failure) -> Report {
        let text = format!("error  {}\n{}", Name(file), diagnostic::render(&failure, false));
        Report {
            file: file.to_owned(),
            name: String::new(),
            verdict: Verdict::Unreadable,
            text,
            gas: GasReport::default(),
            findings: Vec::new(),
            steps: Vec::new(),
            receipts: None,
            state_root: None,
            failure: Some(failure),
            bundle: None,
        }
    }

    /// It was played.
    pub(crate) fn of(
        file: &str,
        scenario: &Scenario,
        played: &Played,
        verdict: Verdict,
        verbose: u8,
    ) -> Report {
        let mut gas = GasReport::default();
        let mut steps = Vec::new();
        for step in &played.steps {
            let used = step.outcome.as_ref().map(|outcome| outcome.gas_used());
            if let (Some(contract), Some(used)) = (&step.contract, used) {
                gas.add(contract, &step.function, used);
            }
            steps.push(StepReport {
                step: step.number,
                line: step.line,
                contract: step.contract.clone(),
                function: step.function.clone(),
                status: step.outcome.as_ref().map_or("rejected", |outcome| status(outcome.status())),
                gas_used: used,
            });
        }
        let findings = played
            .findings
            .iter()
            .map(|finding| FindingReport { line: finding.line, message: finding.message.clone() })
            .collect();
        Report {
            file: file.to_owned(),
            name: scenario.name.clone(),
            verdict,
            text: describe(file, scenario, played, verdict, verbose),
            gas,
            findings,
            steps,
            receipts: Some(played.chain.receipts().to_string()),
            state_root: Some(played.chain.root().to_string()),
            failure: None,
            bundle: None,
        }
    }
}

fn status(status: lockstep_host_env::Status) -> &'static str {
    use lockstep_host_env::Status;
    match status {
        Status::Ok => "ok",
        Status::Reverted => "reverted",
        Status::Trapped(_) => "trapped",
        Status::Misuse(_) => "misuse",
    }
}

fn describe(file: &str, scenario: &Scenario, played: &Played, verdict: Verdict, verbose: u8) -> String {
    let word = match verdict {
        Verdict::Passed => "ok",
        other => other.word(),
    };
    let used: u64 = played
        .steps
        .iter()
        .filter_map(|step| Some(step.outcome.as_ref()?.gas_used()))
        .fold(0, u64::saturating_add);
    let steps = count(played.steps.len(), "transaction");
    let mut text =
        format!("{word:<8} {}: {} ({steps}, gas {})\n", Name(file), Name(&scenario.name), grouped(used));
    if verbose > 0 {
        for step in &played.steps {
            let Some(outcome) = &step.outcome else { continue };
            let said = match outcome.trace() {
                Ok(trace) => trace.tree(outcome.names(), verbose > 1),
                Err(failure) => failure.to_string(),
            };
            let said = match (verbose > 2).then(|| functions(outcome)) {
                None => said,
                Some(functions) => format!("{said}{functions}"),
            };
            let indented: String = said.lines().map(|line| format!("    {line}\n")).collect();
            // Writing to a string does not fail.
            let _ = write!(
                text,
                "  {}. {}: {}\n{}",
                step.number,
                printable(outcome.title()),
                printable(&outcome.ending()),
                printable(&indented)
            );
        }
    }
    if verdict != Verdict::Updated {
        for finding in played.findings.iter().take(FINDINGS_SHOWN) {
            let mut lines = finding.message.lines();
            let first = lines.next().unwrap_or_default();
            let _ = writeln!(text, "  {}:{}: {}", Name(file), finding.line, printable(first));
            for line in lines {
                let _ = writeln!(text, "    {}", printable(line));
            }
        }
        if let Some(more) = played.findings.len().checked_sub(FINDINGS_SHOWN).filter(|more| *more > 0) {
            let _ = writeln!(text, "  and {} more", grouped(more as u64));
        }
    }
    text
}

/// The functions that a transaction called, with their gas.
fn functions(outcome: &Outcome) -> String {
    match outcome.profile(ProfileOptions::default()) {
        Ok(profile) => ProfileView::new(&profile, outcome.names()).tree(),
        Err(failure) => failure.to_string(),
    }
}

/// How many of which verdict.
pub(crate) fn summary(reports: &[Report]) -> String {
    let all = [Verdict::Passed, Verdict::Updated, Verdict::Failed, Verdict::Unreadable, Verdict::Fault];
    let said: Vec<String> = all
        .into_iter()
        .filter_map(|verdict| match reports.iter().filter(|report| report.verdict == verdict).count() {
            0 => None,
            number => Some(format!("{number} {}", verdict.word())),
        })
        .collect();
    format!("{}\n", said.join(", "))
}

#[derive(Serialize)]
struct All<'a> {
    scenarios: Vec<One<'a>>,
    gas: Vec<GasRow<'a>>,
    grown: Vec<GrownRow<'a>>,
}

#[derive(Serialize)]
struct One<'a> {
    file: &'a str,
    name: &'a str,
    verdict: &'static str,
    findings: &'a [FindingReport],
    steps: &'a [StepReport],
    receipts: Option<&'a str>,
    state_root: Option<&'a str>,
    #[serde(flatten)]
    problem: Problem<'a>,
}

#[derive(Serialize)]
struct GasRow<'a> {
    contract: &'a str,
    function: &'a str,
    calls: u64,
    least: u64,
    median: u64,
    most: u64,
}

#[derive(Serialize)]
struct GrownRow<'a> {
    contract: &'a str,
    function: &'a str,
    before: u64,
    now: u64,
}

/// All of it, for tools.
pub(crate) fn json<'a>(reports: &'a [Report], gas: &'a GasReport, grown: &'a [Grown]) -> impl Serialize + 'a {
    let scenarios = reports
        .iter()
        .map(|report| One {
            file: &report.file,
            name: &report.name,
            verdict: report.verdict.word(),
            findings: &report.findings,
            steps: &report.steps,
            receipts: report.receipts.as_deref(),
            state_root: report.state_root.as_deref(),
            problem: report.failure.as_ref().map(Problem::new).unwrap_or_default(),
        })
        .collect();
    let gas = gas
        .summaries()
        .map(|(contract, function, sum)| GasRow {
            contract,
            function,
            calls: sum.calls,
            least: sum.least,
            median: sum.median,
            most: sum.most,
        })
        .collect();
    let grown = grown
        .iter()
        .map(|row| GrownRow {
            contract: &row.contract,
            function: &row.function,
            before: row.before,
            now: row.now,
        })
        .collect();
    All { scenarios, gas, grown }
}
