//! `lockstep test`: plays scenarios and says what is not as expected.
//!
//! Owns its arguments, which files are played, and the verdict. It must not know how a scenario is played or told.

use crate::exit::Exit;
use crate::failure::Failure;
use crate::options::EngineName;
use crate::output::Output;
use crate::place::{Excerpt, Place};
use crate::test_report::{self, Report, Verdict};
use crate::text::{Name, count, grouped};
use crate::whole_file;
use clap::Args;
use lockstep_test::gas::{GasFile, GasReport, Tolerance};
use lockstep_test::scenario::{Options, Played, Scenario, ScenarioError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What `test` is told.
#[derive(Args, Debug)]
pub(crate) struct TestArgs {
    /// Scenario files, or words: those are played that have one of them in their path or name
    #[arg(value_name = "FILTER")]
    filters: Vec<String>,
    /// The folder of scenarios, with the folders in it
    #[arg(long, value_name = "FOLDER", default_value = "scenarios")]
    dir: PathBuf,
    /// Show more: -v the tree of calls, -vv host functions with their arguments, -vvv functions with gas
    #[arg(short, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Write what was found into the files, in place of what was expected
    #[arg(long)]
    update: bool,
    /// `report` prints the gas of each function, `save=FILE` keeps it, `check=FILE` compares with what was kept
    #[arg(long, value_name = "MODE")]
    gas: Option<String>,
    /// How much more than was kept is tolerated
    #[arg(long, value_name = "PERCENT", default_value = "0%")]
    tolerance: String,
    /// Record the state and the transactions of the one scenario that is played in a bundle, for `lockstep replay`
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// What executes contracts, whatever the scenarios say
    #[arg(long, value_name = "ENGINE", value_enum)]
    engine: Option<EngineName>,
    /// How many scenarios are played at once; 0: as many as there are processors
    #[arg(long, value_name = "N", default_value_t = 0)]
    jobs: usize,
    /// Print one JSON object instead
    #[arg(long)]
    json: bool,
}

pub(crate) const EXAMPLES: &str = "\
A scenario is a TOML file with accounts, steps and checks; the documentation of `lockstep_test::scenario` lists its
words. A step that says nothing of its status is to end well. `--update` keeps comments and order, writes no field that
was not there, and gives a step without `expect` one.

The JSON object has: scenarios (file, name, verdict: passed, failed, updated or unreadable, findings: line and message,
steps: step, line, contract, function, status, gas_used; receipts, state_root, code, message, help, line, column),
gas (contract, function, calls, least, median, most) and grown (contract, function, before, now).

Examples:
  lockstep test                                    every scenario under scenarios/
  lockstep test allowance -vv                      one, with its calls and host functions
  lockstep test --dir host-env/scenarios --update  write what was found
  lockstep test allowance --record allowance.lsb   keep it for `lockstep replay allowance.lsb`
  lockstep test --gas save=gas.toml                keep what each function costs
  lockstep test --gas check=gas.toml --tolerance 2%

Exit codes:
  0  all pass
  1  something is not as expected
  2  wrong usage, or a file cannot be read
  3  a function costs more gas than was kept
  4  the node failed, or two engines differ";

/// What is done with gas.
enum Gas {
    No,
    Report,
    Save(PathBuf),
    Check(GasFile, Tolerance),
}

/// Runs the command.
pub(crate) fn run(args: &TestArgs, output: &mut Output) -> Result<Exit, Failure> {
    let gas = read_gas(args)?;
    let files = find(args)?;
    let mut options = args.engine.map_or_else(Options::default, |engine| Options::on(engine.backend()));
    if args.record.is_some() {
        options = options.with_history();
    }
    let reports = play_all(args, &files, &options);
    let played: Vec<Report> = reports.into_iter().filter(|report| args.is_wanted(report)).collect();
    if played.is_empty() {
        return Err(Failure::usage("file", "there is no such scenario").help(format!(
            "{} were read in {}",
            count(files.len(), "file"),
            Name(&args.dir.to_string_lossy())
        )));
    }
    if let Some(path) = &args.record {
        record(path, &played)?;
    }
    let mut total = GasReport::default();
    played.iter().for_each(|report| total.merge(&report.gas));
    let grown = match &gas {
        Gas::Check(file, tolerance) => total.grown(file, *tolerance),
        _ => Vec::new(),
    };
    if let Gas::Save(path) = &gas {
        std::fs::write(path, total.to_file()).map_err(|error| cannot_write(path, &error))?;
    }
    if args.json {
        output.json(&test_report::json(&played, &total, &grown))?;
    } else {
        for report in &played {
            output.text(&report.text)?;
        }
        if matches!(gas, Gas::Report) {
            output.text(&format!("\n{}", total.table()))?;
        }
        for grown in &grown {
            let (contract, function) = (Name(&grown.contract), Name(&grown.function));
            let (before, now) = (grouped(grown.before), grouped(grown.now));
            output.text(&format!("grown {contract}.{function}: {before} gas before, {now} now\n"))?;
        }
        output.text(&test_report::summary(&played))?;
    }
    let worst = played.iter().map(|report| report.verdict).max().unwrap_or(Verdict::Passed);
    Ok(match worst {
        Verdict::Fault => Exit::Fault,
        Verdict::Unreadable => Exit::Usage,
        Verdict::Failed => Exit::Guest,
        Verdict::Passed | Verdict::Updated if grown.is_empty() => Exit::Ok,
        Verdict::Passed | Verdict::Updated => Exit::Refused,
    })
}

impl TestArgs {
    /// What cannot be read is told, whatever is asked for.
    fn is_wanted(&self, report: &Report) -> bool {
        let words = || self.filters.iter().filter(|filter| !is_file(filter));
        report.verdict == Verdict::Unreadable
            || self.filters.is_empty()
            || self
                .filters
                .iter()
                .any(|filter| is_file(filter) && Path::new(filter) == Path::new(&report.file))
            || words().any(|word| report.file.contains(word.as_str()) || report.name.contains(word.as_str()))
    }
}

/// Whether a word names a scenario's file.
pub(crate) fn is_file(filter: &str) -> bool {
    filter.ends_with(".toml")
}

fn read_gas(args: &TestArgs) -> Result<Gas, Failure> {
    let tolerance = Tolerance::parse(&args.tolerance).map_err(|error| Failure::usage("option", error))?;
    let Some(mode) = &args.gas else { return Ok(Gas::No) };
    match mode.split_once('=') {
        None if mode == "report" => Ok(Gas::Report),
        Some(("save", file)) if !file.is_empty() => Ok(Gas::Save(file.into())),
        Some(("check", file)) if !file.is_empty() => {
            let text = std::fs::read_to_string(file).map_err(|error| {
                Failure::usage("file", format!("cannot read {}: {error}", Name(file)))
                    .help("`--gas save=FILE` makes such a file")
            })?;
            let kept = GasFile::parse(&text).map_err(|error| {
                Failure::usage("file", format!("{} is no file of gas: {error}", Name(file)))
                    .help("`--gas save=FILE` makes such a file")
            })?;
            Ok(Gas::Check(kept, tolerance))
        }
        _ => Err(Failure::usage("option", format!("`--gas {}` is not known", Name(mode)))
            .help("give `report`, `save=FILE` or `check=FILE`")),
    }
}

/// Writes the bundle of the only scenario that was played.
fn record(path: &Path, played: &[Report]) -> Result<(), Failure> {
    let [one] = played else {
        let many = count(played.len(), "scenario");
        return Err(Failure::usage("option", format!("a bundle holds one chain, and {many} were played"))
            .help("name the scenario that `--record` is to keep"));
    };
    // One that could not be read is told as such.
    let Some(bundle) = &one.bundle else { return Ok(()) };
    std::fs::write(path, bundle).map_err(|error| cannot_write(path, &error))
}

/// Every scenario file that might be played, in order.
fn find(args: &TestArgs) -> Result<Vec<PathBuf>, Failure> {
    let named: Vec<PathBuf> =
        args.filters.iter().filter(|filter| is_file(filter)).map(PathBuf::from).collect();
    if !named.is_empty() && named.len() == args.filters.len() {
        return Ok(named);
    }
    let mut found = named;
    let mut folders = vec![args.dir.clone()];
    while let Some(folder) = folders.pop() {
        let cannot = |error: io::Error| {
            Failure::usage("file", format!("cannot read {}: {error}", Name(&folder.to_string_lossy())))
                .help("give the folder of scenarios: `--dir FOLDER`")
        };
        for entry in std::fs::read_dir(&folder).map_err(cannot)? {
            let entry = entry.map_err(cannot)?;
            // A link to a folder might lead back here.
            let kind = entry.file_type().map_err(cannot)?;
            let path = entry.path();
            if kind.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "toml") && !found.contains(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Plays all files, several at once, and answers in their order.
fn play_all(args: &TestArgs, files: &[PathBuf], options: &Options) -> Vec<Report> {
    let jobs = match args.jobs {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        jobs => jobs,
    };
    let next = AtomicUsize::new(0);
    let reports: Mutex<Vec<(usize, Report)>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..jobs.min(files.len()) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(file) = files.get(at) else { return };
                    let report = play(args, file, options);
                    // A report is added in one step, so a panic elsewhere leaves none half added.
                    reports.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((at, report));
                }
            });
        }
    });
    let mut reports = reports.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    reports.sort_by_key(|(at, _)| *at);
    reports.into_iter().map(|(_, report)| report).collect()
}

fn play(args: &TestArgs, file: &Path, options: &Options) -> Report {
    let name = file.to_string_lossy();
    let played = Scenario::load(file).and_then(|scenario| {
        let played = scenario.play(options)?;
        let updated = if args.update { scenario.updated(&played)? } else { None };
        Ok((scenario, played, updated))
    });
    let (scenario, played, updated) = match played {
        Ok(played) => played,
        Err(error) => return Report::unreadable(&name, unreadable(file, error)),
    };
    let is_updated = match &updated {
        Some(text) => match replace(file, text) {
            Ok(()) => true,
            Err(failure) => return Report::unreadable(&name, failure),
        },
        None => false,
    };
    let mut report = Report::of(&name, &scenario, &played, verdict(&played, is_updated), args.verbose);
    if args.record.is_some() {
        match played.bundle() {
            Ok(bundle) => report.bundle = Some(bundle),
            Err(error) => return Report::unreadable(&name, Failure::fault(error.to_string())),
        }
    }
    report
}

fn verdict(played: &Played, is_updated: bool) -> Verdict {
    if played.findings.iter().any(|finding| finding.is_fault) {
        Verdict::Fault
    } else if is_updated {
        Verdict::Updated
    } else if played.findings.is_empty() {
        Verdict::Passed
    } else {
        Verdict::Failed
    }
}

/// A mistake in a file, with the lines where it is.
pub(crate) fn unreadable(file: &Path, error: ScenarioError) -> Failure {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let place = Place {
        file: error.file.clone(),
        position: Some((error.line, error.column)),
        excerpt: (!text.is_empty()).then(|| Excerpt::of_text(&text, error.span.start)),
        ..Place::default()
    };
    let failure = Failure::usage("scenario", error.message).at(place);
    match error.help {
        Some(help) => failure.help(help),
        None => failure,
    }
}

/// Replaces a file in one step: whoever reads it sees the old text or the new one.
fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    whole_file::write(path, text.as_bytes()).map_err(|error| cannot_write(path, &error))
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::usage("file", format!("cannot write {}: {error}", Name(&path.to_string_lossy())))
        .help("make room, or give another file")
}
