//! `campaign equality`: machine code against the interpreter, on many modules.
//!
//! Owns the workers, the progress and the verdict. It must not know how a module is examined.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use lockstep_fuzz::oracle::equality::{Counts, Options, examine};
use lockstep_vm::CompilerTesting;

use super::log;

/// A worker's stack: host functions that call back nest on it.
const STACK: usize = 256 << 20;
/// From so many modules on, what they execute must be enough too.
const JUDGED_FROM: u64 = 10_000;
/// How often each operator must be executed then, where operators are counted.
const EXECUTED_AT_LEAST: u64 = 1_000;
/// Differences after which there is no use in going on.
const ENOUGH: usize = 40;

/// Outcome, gas, stack, backtrace and state of machine code, with guard pages and with explicit bounds, against the
/// interpreter.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// How many generated modules.
    #[arg(long, default_value_t = 2_000)]
    modules: u64,
    /// The seed of the first; the next have the numbers that follow.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many inputs each module gets, beside those with limits of gas and stack.
    #[arg(long, default_value_t = 40)]
    inputs: usize,
    /// How many modules at once.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// In how many of a hundred modules there are floats.
    #[arg(long, default_value_t = 40)]
    floats: u32,
    /// In how many of a hundred small modules gas runs out at every charge, and the stack at every height.
    #[arg(long, default_value_t = 20)]
    sweep: u32,
    /// Let machine code check itself.
    #[arg(long)]
    checked: bool,
    /// How many locals have a register at most; registers beside the temporaries are then left alone.
    #[arg(long)]
    homes: Option<u8>,
    /// What of lzcnt, tzcnt and bmi2 not to use.
    #[arg(long, value_delimiter = ',')]
    without: Vec<String>,
    /// Append a line to the log of campaigns.
    #[arg(long)]
    log: bool,
    /// What the line says of the processor, where it is emulated: as `qemu cortex-a53`.
    #[arg(long)]
    on: Option<String>,
    /// Where modules with a difference are kept, and the seeds being examined: what to look at when the process dies.
    #[arg(long, default_value = "equality-findings")]
    findings: PathBuf,
}

impl Args {
    fn compiler(&self) -> Result<CompilerTesting> {
        let mut compiler =
            CompilerTesting { checked: self.checked, homes_max: self.homes, ..CompilerTesting::default() };
        for feature in &self.without {
            match feature.as_str() {
                "lzcnt" => compiler.lzcnt = false,
                "tzcnt" => compiler.tzcnt = false,
                "bmi2" => compiler.bmi2 = false,
                other => bail!("`{other}` is none of lzcnt, tzcnt and bmi2"),
            }
        }
        Ok(compiler)
    }
}

/// Runs the campaign; fails when anything differs, or when too little was executed to tell.
pub(crate) fn run(args: &Args) -> Result<()> {
    std::fs::create_dir_all(&args.findings)?;
    let counts = generated(args)?;
    let what = format!(
        "equality seeds={}..{} inputs={} floats={}% sweep={}%",
        args.seed,
        args.seed + args.modules,
        args.inputs,
        args.floats,
        args.sweep
    );
    let compiler = args.compiler()?;
    let what = if compiler == CompilerTesting::default() { what } else { format!("{what} {compiler:?}") };
    let machine = std::env::consts::ARCH;
    let what = match &args.on {
        Some(processor) => format!("{what} {machine} ({processor})"),
        None => format!("{what} {machine}"),
    };
    println!("{what}\n{}\n{}", counts.line(), counts.table());
    for finding in &counts.findings {
        finding.save(&args.findings)?;
        if finding.name.ends_with("reduced") {
            println!("{}", wasmprinter::print_bytes(&finding.wasm).unwrap_or_default());
        }
    }
    if args.log {
        log::append(&what, &counts.line())?;
    }
    if !counts.findings.is_empty() {
        bail!("{} differences; the modules are in {}", counts.findings.len(), args.findings.display());
    }
    let rare = counts.rarer_than(EXECUTED_AT_LEAST);
    if args.modules >= JUDGED_FROM && !rare.is_empty() {
        bail!("executed less than {EXECUTED_AT_LEAST} times: {rare:?}");
    }
    Ok(())
}

fn generated(args: &Args) -> Result<Counts> {
    let options = Options {
        float_percent: args.floats,
        inputs: args.inputs,
        sweep_percent: args.sweep,
        compiler: args.compiler()?,
    };
    let total = Mutex::new(Counts::default());
    let next = AtomicU64::new(args.seed);
    let end = args.seed.saturating_add(args.modules);
    let path = args.findings.join("seeds");
    let seeds = File::create(&path).with_context(|| path.display().to_string())?;
    let begun = Instant::now();
    let told = Mutex::new(begun);
    thread::scope(|scope| {
        let (total, next, seeds, told) = (&total, &next, &seeds, &told);
        for worker in 0..args.jobs.max(1) as u64 {
            let work = move || {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        break;
                    }
                    // When machine code ends the process, the last seeds are there.
                    seeds
                        .write_all_at(format!("{seed:>20}\n").as_bytes(), worker * 21)
                        .expect("the file is open");
                    let counts = examine(seed, options);
                    let mut total = total.lock().expect("no worker panics with the counts");
                    for finding in &counts.findings {
                        eprintln!("{}: {}", finding.name, finding.script);
                        finding.differences.iter().for_each(|difference| eprintln!("  {difference}"));
                    }
                    total.add(counts);
                    if total.findings.len() >= ENOUGH {
                        break;
                    }
                    let mut told = told.lock().expect("no worker panics with the clock");
                    if told.elapsed() >= Duration::from_secs(10) {
                        *told = Instant::now();
                        eprintln!(
                            "{} of {} modules, {} executions, {} differences, {} s",
                            total.module_count(),
                            args.modules,
                            total.executions,
                            total.findings.len(),
                            begun.elapsed().as_secs()
                        );
                    }
                }
            };
            thread::Builder::new()
                .stack_size(STACK)
                .spawn_scoped(scope, work)
                .expect("a thread can be started");
        }
    });
    Ok(total.into_inner().expect("the workers have ended"))
}
