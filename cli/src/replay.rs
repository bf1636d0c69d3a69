//! `lockstep replay`: executes a bundle again and says what differs.
//!
//! Owns the options, the files and the progress bar. It must not know how a replay works, nor how its result is told.

use crate::exit::Exit;
use crate::failure::Failure;
use crate::options::{EngineName, EngineOptions};
use crate::output::{Output, complain};
use crate::replay_report::{Outcome, Refused};
use crate::text::{Name, printable};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use lockstep_host_env::Environment;
use lockstep_host_env::replay::{
    BundleError, BundleReader, Difference, Executor, Location, Progress, Replay, ReplayError, Resume, Totals,
    locate, verify,
};
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// What `replay` is told.
#[derive(Args, Debug)]
pub(crate) struct ReplayArgs {
    /// The bundle
    bundle: PathBuf,
    /// How many threads execute; by default as many as the machine has processors
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    workers: Option<u16>,
    /// What executes contracts
    #[arg(long, value_name = "ENGINE", value_enum, default_value_t)]
    engine: EngineName,
    /// Execute everything with this engine too, and compare the two
    #[arg(long, value_name = "ENGINE", value_enum)]
    against: Option<EngineName>,
    /// Accept a bundle of another version or configuration, and compare all but the fingerprint
    #[arg(long)]
    any_fingerprint: bool,
    /// Where to keep how far the replay is; by default the bundle's name with `.resume` behind it
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    /// Begin at the first block, whatever that file says
    #[arg(long)]
    fresh: bool,
    #[command(flatten)]
    options: EngineOptions,
    /// Print one JSON object instead
    #[arg(long)]
    json: bool,
}

pub(crate) const EXAMPLES: &str = "\
The state before every block is the recorded one, so blocks are executed in parallel. On the first transaction that
differs, it is executed again until frame, host call, function, operator and values are known. A replay that was
stopped goes on where it was.

The JSON object has: equal, blocks, transactions, gas, seconds, resumed_at, root, difference; or, when the bundle cannot
be read, error with code, message, offset, record, section.

Exit codes of `replay`: 0 equal, 1 a difference, 2 the bundle cannot be read.

Examples:
  lockstep replay fixtures/bundles/stream.lsb
  lockstep replay history.lsb --workers 16 --engine native --against interpreter --json";

/// How often a replay's progress is kept.
const KEEP_EVERY: Duration = Duration::from_secs(1);

/// Runs the command.
pub(crate) fn run(args: &ReplayArgs, output: &mut Output) -> Result<Exit, Failure> {
    match replay(args) {
        Ok(outcome) => {
            if args.json {
                output.json(&outcome.report())?;
            } else {
                output.text(&printable(&outcome.describe()))?;
            }
            Ok(if outcome.is_equal() { Exit::Ok } else { Exit::Guest })
        }
        Err(refusal) => {
            let (failure, refused) = *refusal;
            if args.json {
                output.json(&refused)?;
            }
            Err(failure)
        }
    }
}

/// The environments that a replay needs.
struct Engines {
    first: (EngineName, Environment),
    against: Option<(EngineName, Environment)>,
}

fn environment(args: &ReplayArgs, name: EngineName) -> Result<Environment, Failure> {
    let engine = args.options.engine(name.backend())?;
    Environment::new(&engine).map_err(|error| Failure::usage("option", error.to_string()))
}

fn executor((name, environment): &(EngineName, Environment)) -> Executor<'_> {
    Executor { name: name.word(), environment }
}

/// What people are told, and what `--json` says.
type Refusal = Box<(Failure, Refused)>;

fn replay(args: &ReplayArgs) -> Result<Outcome, Refusal> {
    let engines = Engines {
        first: (args.engine, environment(args, args.engine).map_err(plain)?),
        against: match args.against {
            Some(name) => Some((name, environment(args, name).map_err(plain)?)),
            None => None,
        },
    };
    let mut file = File::open(&args.bundle).map_err(|error| unreadable(args, &error.into()))?;
    let (header, totals) = verify(&mut file).map_err(|error| unreadable(args, &error))?;
    let mut kept = Kept::open(args, &engines, &totals).map_err(plain)?;
    let resumed_at = kept.resume.blocks;

    let workers = args.workers.map_or_else(
        || std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get),
        usize::from,
    );
    let mut replay = Replay::new(executor(&engines.first))
        .workers(workers)
        .skip(resumed_at)
        .any_fingerprint(args.any_fingerprint);
    if let Some(against) = &engines.against {
        replay = replay.against(executor(against));
    }
    let bar = bar(args, &totals);
    let started = Instant::now();
    let reader = BundleReader::new(BufReader::with_capacity(1 << 18, file));
    let reader = reader.map_err(|error| unreadable(args, &error))?;
    let keeping = Mutex::new((&mut kept, Instant::now()));
    let replayed = replay.run(reader, &|progress: Progress| {
        bar.set_position(progress.blocks);
        let mut keeping = keeping.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if keeping.1.elapsed() >= KEEP_EVERY {
            keeping.0.keep(progress.blocks);
            keeping.1 = Instant::now();
        }
    });
    bar.finish_and_clear();
    let replayed = replayed.map_err(|error| match error {
        ReplayError::Bundle(error) => unreadable(args, &error),
        other => plain(Failure::usage("bundle", other.to_string())),
    })?;
    let seconds = started.elapsed().as_secs_f64();
    // What was found is found again by going on from the block before.
    if replayed.is_equal() {
        kept.remove();
    }
    let location = replayed.transaction.as_deref().map(|difference| search(args, &engines, difference));
    Ok(Outcome { header, totals, replayed, location, resumed_at, seconds, workers })
}

/// Takes a difference apart, with whatever engines this machine has.
fn search(args: &ReplayArgs, engines: &Engines, difference: &Difference) -> Location {
    let of = |name: EngineName| environment(args, name).ok().map(|environment| (name, environment));
    let is_both = |name: EngineName| matches!(name, EngineName::CrossCheck);
    let (native, interpreter) = (of(EngineName::Native), of(EngineName::Interpreter));
    let mut others = [&native, &interpreter].into_iter().flatten();
    let first = match is_both(engines.first.0) {
        true => others.next().map_or(executor(&engines.first), executor),
        false => executor(&engines.first),
    };
    let second = match &engines.against {
        Some(against) if !is_both(against.0) => Some(executor(against)),
        _ => {
            [&native, &interpreter].into_iter().flatten().map(executor).find(|other| other.name != first.name)
        }
    };
    let both = of(EngineName::CrossCheck);
    locate(difference, first, second, both.as_ref().map(executor), args.any_fingerprint)
}

fn bar(args: &ReplayArgs, totals: &Totals) -> ProgressBar {
    if args.json {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} blocks, {per_sec}, {eta} left");
    let bar = ProgressBar::new(totals.blocks);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// The file that says how far a replay is.
struct Kept {
    path: PathBuf,
    resume: Resume,
}

impl Kept {
    fn open(args: &ReplayArgs, engines: &Engines, totals: &Totals) -> Result<Kept, Failure> {
        let path = args.resume.clone().unwrap_or_else(|| {
            let mut name = args.bundle.clone().into_os_string();
            name.push(".resume");
            name.into()
        });
        let against = engines.against.as_ref().map_or("nothing", |(name, _)| name.word());
        let names = format!("{} against {against}", engines.first.0.word());
        let mut resume = Resume::new(totals, &engines.first.1.fingerprint(), &names);
        if !args.fresh
            && let Some(bytes) = read(&path)?
        {
            resume.go_on(&bytes).map_err(|error| {
                let file = path.to_string_lossy();
                Failure::usage("resume", format!("cannot go on from {}: {error}", Name(&file)))
                    .help("give `--fresh` to begin at the first block")
            })?;
        }
        Ok(Kept { path, resume })
    }

    /// Replaced in one step. A replay goes on without it too.
    fn keep(&mut self, blocks: u64) {
        self.resume.blocks = blocks;
        let mut new = self.path.clone().into_os_string();
        new.push(".new");
        let written =
            std::fs::write(&new, self.resume.to_bytes()).and_then(|()| std::fs::rename(&new, &self.path));
        if let Err(error) = written {
            complain(&format!("warning: the replay's progress cannot be kept: {error}\n"));
        }
    }

    fn remove(&self) {
        drop(std::fs::remove_file(&self.path));
    }
}

/// The bytes of a small file, if there is one.
fn read(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    const RESUME_MAX: u64 = 4_096;
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(RESUME_MAX).read_to_end(&mut bytes)) {
        Ok(_) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let file = path.to_string_lossy();
            Err(Failure::usage("file", format!("cannot read {}: {error}", Name(&file))))
        }
    }
}

fn plain(failure: Failure) -> Refusal {
    let refused = Refused::new(&failure, None);
    Box::new((failure, refused))
}

fn unreadable(args: &ReplayArgs, error: &BundleError) -> Refusal {
    let file = args.bundle.to_string_lossy();
    let (code, help) = match error {
        BundleError::NotABundle => ("bundle", "give a file that was recorded with `--record`"),
        BundleError::Format { .. } => ("format", "use the version of lockstep that recorded it"),
        BundleError::Fingerprint { .. } => {
            ("fingerprint", "use the version and the options that recorded it, or give `--any-fingerprint`")
        }
        BundleError::Corrupted { .. } => ("corrupted", "get the bundle again, or record it again"),
        _ => ("file", "give a file that can be read"),
    };
    let failure = Failure::usage(code, format!("{}: {error}", Name(&file))).help(help);
    let place = match error {
        BundleError::Corrupted { place, .. } => Some(*place),
        _ => None,
    };
    let refused = Refused::new(&failure, place);
    Box::new((failure, refused))
}
