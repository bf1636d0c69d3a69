//! `campaign three-ways`: the interpreter, the recount and the instrumented module on a foreign engine, on many modules.
//!
//! Owns the workers, the progress and the verdict. It must not know how a module is examined.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use lockstep_fuzz::oracle::examine::{Options, examine};
use lockstep_fuzz::oracle::fixtures::fixtures;
use lockstep_fuzz::oracle::suite::suite;
use lockstep_fuzz::oracle::tally::{EXECUTED_AT_LEAST, Tally};

use super::log;

/// A worker's stack: host functions that call back nest on it, in two engines.
const STACK: usize = 256 << 20;
/// From so many modules on, what they execute must be enough too.
const JUDGED_FROM: u64 = 10_000;
/// Differences after which there is no use in going on.
const ENOUGH: usize = 50;

/// Outcome, gas, stack and state of the interpreter, against a recount and against a foreign engine.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// How many generated modules.
    #[arg(long, default_value_t = 0)]
    modules: u64,
    /// The seed of the first; the next have the numbers that follow. To go on with a campaign, begin behind its last.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many at once.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// In how many of a hundred modules there are floats.
    #[arg(long, default_value_t = 50, default_missing_value = "100", num_args = 0..=1)]
    floats: u32,
    /// Let gas run out at every charge of small modules.
    #[arg(long)]
    sweep: bool,
    /// Also the modules of the official test suite, and every call that it makes.
    #[arg(long)]
    suite: bool,
    /// Also the fixtures.
    #[arg(long)]
    fixtures: bool,
    /// Append a line to the log of campaigns.
    #[arg(long)]
    log: bool,
    /// Where modules with a difference are kept.
    #[arg(long, default_value = "three-ways-findings")]
    findings: PathBuf,
}

/// Runs the campaign; fails when anything differs, or when too little was executed to tell.
pub(crate) fn run(args: &Args) -> Result<()> {
    if args.modules == 0 && !args.suite && !args.fixtures {
        bail!("nothing to do: ask for --modules, --suite or --fixtures");
    }
    let mut findings = 0;
    if args.suite {
        findings += finish(args, "suite", &on_large_stack(suite))?;
    }
    if args.fixtures {
        findings += finish(args, "fixtures", &on_large_stack(fixtures))?;
    }
    if args.modules > 0 {
        let seeds = args.seed..args.seed.saturating_add(args.modules);
        let tally = generated(args, seeds.clone());
        let what = format!(
            "seeds={}..{} floats={}%{}",
            seeds.start,
            seeds.end,
            args.floats,
            if args.sweep { " sweep" } else { "" }
        );
        findings += finish(args, &what, &tally)?;
        if args.modules >= JUDGED_FROM {
            judge(&tally)?;
        }
    }
    if findings > 0 {
        bail!("{findings} differences; the modules are in {}", args.findings.display());
    }
    Ok(())
}

/// Prints, logs and keeps; answers the number of differences.
fn finish(args: &Args, what: &str, tally: &Tally) -> Result<usize> {
    println!("three-ways {what}\n{}", tally.table());
    for finding in &tally.findings {
        finding.save(&args.findings)?;
    }
    if args.log {
        log::append(&format!("three-ways {what}"), &tally.line())?;
    }
    Ok(tally.findings.len())
}

/// Whether the generated modules did enough for their agreement to mean something.
fn judge(tally: &Tally) -> Result<()> {
    let rare = tally.rarer_than(EXECUTED_AT_LEAST);
    if !rare.is_empty() {
        bail!("executed less than {EXECUTED_AT_LEAST} times: {rare:?}");
    }
    if tally.returned * 2 < tally.executions {
        bail!("less than half of the executions return");
    }
    if tally.median() < EXECUTED_AT_LEAST {
        bail!("the median execution executes {} operators", tally.median());
    }
    Ok(())
}

fn on_large_stack(work: impl FnOnce() -> Tally + Send + 'static) -> Tally {
    let worker = thread::Builder::new().stack_size(STACK).spawn(work).expect("a thread can be started");
    worker.join().expect("panics of engines are caught")
}

fn generated(args: &Args, seeds: Range<u64>) -> Tally {
    let options = Options { float_percent: args.floats, sweep: args.sweep };
    let total = Mutex::new(Tally::default());
    let (next, done) = (AtomicU64::new(seeds.start), AtomicBool::new(false));
    let jobs = args.jobs.max(1);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs)
            .map(|_| {
                let work = || {
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= seeds.end {
                            break;
                        }
                        let tally = examine(seed, options);
                        let mut total = total.lock().expect("no worker panics with the tally");
                        total.add(tally);
                        if total.findings.len() >= ENOUGH {
                            break;
                        }
                    }
                };
                thread::Builder::new()
                    .stack_size(STACK)
                    .spawn_scoped(scope, work)
                    .expect("a thread can be started")
            })
            .collect();
        let (total, done, modules) = (&total, &done, args.modules);
        scope.spawn(move || progress(total, done, modules));
        for worker in workers {
            worker.join().expect("panics of engines are caught");
        }
        done.store(true, Ordering::Relaxed);
    });
    total.into_inner().expect("the workers have ended")
}

/// A line now and then.
fn progress(total: &Mutex<Tally>, done: &AtomicBool, modules: u64) {
    let begun = Instant::now();
    let mut told = begun;
    while !done.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(100));
        if told.elapsed() < Duration::from_secs(10) {
            continue;
        }
        told = Instant::now();
        let (count, findings, executions) = match total.lock() {
            Ok(tally) => (tally.module_count(), tally.findings.len(), tally.executions + tally.starved.0),
            Err(_) => return,
        };
        let seconds = begun.elapsed().as_secs();
        eprintln!(
            "{count} of {modules} modules, {executions} executions, {findings} differences, {seconds} s"
        );
    }
}
