//! `campaign growth`: the table of how time and memory grow with a module.
//!
//! Owns the choice of sizes, the bounds and the tables. It must not know how a stage is measured. Doublings above the
//! bound are looked at more closely (`series`), to tell our code from the machine's memory.

mod series;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};
use lockstep_fuzz::families::{FAMILIES, Family};
use lockstep_fuzz::oracle::growth::{Bench, Cost, Stage};
use lockstep_vm::{Limit, Limits};
use series::{Series, Verdict};

/// No doubling of a module may take more than this much more time or memory.
const RATIO_MAX: f64 = 2.3;
/// Nanoseconds, and bytes of memory, by module byte at default limits.
const PER_BYTE_MAX: f64 = 200.0;
/// The largest member of a family is grown until a stage takes this long.
const LARGEST_TIME: Duration = Duration::from_millis(50);
/// Below this a ratio of times says more of the machine than of the code.
const JUDGED_TIME: Duration = Duration::from_millis(5);
/// Below this, what does not grow with the module counts for too much.
const JUDGED_BYTES: usize = 16_000;
/// Of families that are not accepted to the end, a member of this size is refused.
const REFUSED_BYTES: usize = 2_000_000;
/// Memory that every module takes.
const PEAK_CONSTANT: usize = 256 << 10;

/// What glibc is told, so that it keeps what is freed.
const HEAP: [(&str, &str); 3] =
    [("MALLOC_MMAP_MAX_", "0"), ("MALLOC_TRIM_THRESHOLD_", "17179869184"), ("MALLOC_TOP_PAD_", "16777216")];
/// How often a doubling that takes too long is measured again: neighbours on the machine come and go.
const ROUNDS: usize = 4;

/// Measure how time and memory grow with a module, for every adversarial family.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Only families whose name contains this; prints instead of writing the file.
    #[arg(long)]
    family: Option<String>,
    /// Only at default limits, without the ratios.
    #[arg(long)]
    defaults_only: bool,
    /// How often each measurement is repeated; the best counts.
    #[arg(long, default_value_t = 5)]
    repetitions: u32,
    /// How many measurements at once. Memory is counted by the process, so there is no other number than 1.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1))]
    jobs: u32,
    /// The file to write.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/growth.md"))]
    output: PathBuf,
}

/// Measures, prints, writes the file unless only some families were asked for, and fails above a bound.
pub(crate) fn run(args: &Args) -> Result<()> {
    debug_assert_eq!(args.jobs, 1);
    if std::env::var_os(HEAP[0].0).is_none() {
        return with_a_warm_heap();
    }
    let wanted = args.family.as_deref().unwrap_or_default();
    let chosen: Vec<&Family> = FAMILIES.iter().filter(|family| family.name.contains(wanted)).collect();
    if chosen.is_empty() {
        bail!("no family's name contains `{wanted}`");
    }
    // The time of this thread is measured, so all of a module must be compiled by it.
    let threads = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build()?;
    let report = threads.install(|| {
        let mut report = Report::default();
        defaults(&chosen, args.repetitions, &mut report);
        if !args.defaults_only {
            growth(&chosen, args.repetitions, &mut report);
        }
        report
    });
    let text = report.text(chosen.len());
    if args.family.is_some() || args.defaults_only {
        print!("{text}");
    } else {
        write(&args.output, &text)?;
    }
    if !report.misses.is_empty() {
        bail!("{} numbers are above their bound:\n{}", report.misses.len(), report.misses.join("\n"));
    }
    Ok(())
}

/// Runs this command again with an allocator that keeps what is freed. Otherwise glibc gives large blocks back at once and
/// the best of several runs of a larger module pays for fresh pages that the best of a smaller one does not.
fn with_a_warm_heap() -> Result<()> {
    let program = std::env::current_exe()?;
    let status = Command::new(program).args(std::env::args_os().skip(1)).envs(HEAP).status()?;
    if !status.success() {
        bail!("see above");
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text)?;
    println!("wrote {}", path.display());
    Ok(())
}

#[derive(Default)]
struct Report {
    tables: String,
    misses: Vec<String>,
    /// Doublings that take too long, wherever that comes from.
    series: Vec<Series>,
}

impl Report {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.tables, "{line}").expect("a string can be written to");
    }

    /// A number of a table; emphasised and remembered when it is above its bound.
    fn number(&mut self, what: &str, value: f64, bound: f64, judged: bool) -> String {
        let text = if value < 10.0 { format!("{value:.2}") } else { format!("{value:.0}") };
        if !judged {
            return format!("({text})");
        }
        if value <= bound {
            return text;
        }
        self.misses.push(format!("{what}: {text}, at most {bound}"));
        format!("**{text}**")
    }

    fn text(&self, families: usize) -> String {
        let misses = match self.misses.as_slice() {
            [] => "No number is above its bound.\n".to_string(),
            misses => misses.iter().map(|miss| format!("* {miss}\n")).collect(),
        };
        let excused = match self.series.iter().filter(|series| series.verdict() != Verdict::Ours).count() {
            0 => String::new(),
            rows => format!(
                "{rows} rows, marked with a dagger, have a doubling above the bound that is the machine's, see the end.\n\n"
            ),
        };
        let limits: Vec<String> = Limit::ALL
            .iter()
            .filter(|limit| !limit.is_run())
            .map(|limit| format!("{limit} {}", Limits::default().get(*limit)))
            .collect();
        format!(
            "# Growth of cost\n\n\
             Written by `cargo run --release -p lockstep-fuzz --bin campaign -- growth` on {machine}. {families} families \
             of `fuzz/src/families`. Times are of the thread, the best of several; memory is what a counting allocator saw \
             at its peak, beside the module itself. Bounds: {RATIO_MAX} by doubling; at default limits {PER_BYTE_MAX} ns and \
             {PER_BYTE_MAX} bytes by module byte for validation, planning and instrumentation together. Numbers in \
             parentheses are not held against a bound: the module is below {JUDGED_BYTES} bytes, or the time below {judged} \
             ms.\n\n{misses}\n{excused}Default limits: {limits}.\n{tables}{series}",
            machine = machine(),
            judged = JUDGED_TIME.as_millis(),
            limits = limits.join(", "),
            tables = self.tables,
            series = series::section(&self.series),
        )
    }
}

/// The machine, as far as it matters to times.
pub(super) fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find(|line| line.starts_with("model name"));
    let model =
        model.and_then(|line| line.split(": ").nth(1)).unwrap_or("a processor that does not tell its name");
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{model}, {threads} threads, {} {}", std::env::consts::OS, std::env::consts::ARCH)
}

/// Both directions of the bound at default limits: the largest member accepted, and one that is refused.
fn defaults(chosen: &[&'static Family], repetitions: u32, report: &mut Report) {
    let bench = Bench::new(Limits::default());
    let most = Limits::default().module_bytes as usize - (64 << 10);
    report.line(format_args!(
        "\n## At default limits\n\n\
         The largest member that is accepted: time and peak memory by module byte. Then a larger one that is refused: why, and time and memory until then.\n\n\
         | family | bytes | validate ns | instrument ns | sum ns | validate B | instrument B | refused bytes | why | ns | B |\n\
         |---|---|---|---|---|---|---|---|---|---|---|"
    ));
    for family in chosen {
        eprintln!("default limits: {}", family.name);
        let largest = bench.largest_accepted(family, most);
        let mut row = format!("| {} |", family.name);
        let accepted = largest.map(|n| accepted(&bench, family, n, repetitions, report));
        row += &accepted.unwrap_or_else(|| " none | | | | | |".into());
        row += &match largest {
            Some(n) if n >= most.min(family.largest) => " | | | |".into(),
            _ => refused(&bench, family, most, repetitions, report),
        };
        report.line(format_args!("{row}"));
    }
}

fn accepted(bench: &Bench, family: &Family, n: usize, repetitions: u32, report: &mut Report) -> String {
    let wasm = family.build(n);
    let validate = bench.measure(Stage::Validate, &wasm, repetitions);
    let instrument = bench.measure(Stage::Instrument, &wasm, repetitions);
    if !instrument.accepted {
        report.misses.push(format!("{}: accepted, and then not instrumented", family.name));
    }
    let judged = wasm.len() >= JUDGED_BYTES;
    let sum = validate.nanoseconds_per_byte() + instrument.nanoseconds_per_byte();
    format!(
        " {} | {:.1} | {:.1} | {} | {} | {} |",
        wasm.len(),
        validate.nanoseconds_per_byte(),
        instrument.nanoseconds_per_byte(),
        report.number(&format!("{}: ns a byte", family.name), sum, PER_BYTE_MAX, judged),
        peak(family, &validate, "validation", report),
        peak(family, &instrument, "instrumentation", report),
    )
}

fn refused(bench: &Bench, family: &Family, most: usize, repetitions: u32, report: &mut Report) -> String {
    // A body above its limit is refused at once; below it another limit strikes, later.
    let below = family.build(REFUSED_BYTES);
    let wasm = if bench.accepts(&below) { family.build(most) } else { below };
    let cost = bench.measure(Stage::Validate, &wasm, repetitions);
    let what = format!("{}: ns a byte until refusal", family.name);
    format!(
        " {} | {} | {} | {} |",
        wasm.len(),
        bench.refusal(&wasm).unwrap_or_else(|| "accepted".into()),
        report.number(&what, cost.nanoseconds_per_byte(), PER_BYTE_MAX, true),
        peak(family, &cost, "a refusal", report),
    )
}

fn peak(family: &Family, cost: &Cost, what: &str, report: &mut Report) -> String {
    let judged = cost.peak > PEAK_CONSTANT || cost.bytes >= JUDGED_BYTES;
    report.number(
        &format!("{}: bytes a byte of {what}", family.name),
        cost.peak_per_byte(),
        PER_BYTE_MAX,
        judged,
    )
}

/// Growth by doubling, at the widest limits.
fn growth(chosen: &[&'static Family], repetitions: u32, report: &mut Report) {
    let bench = Bench::new(Limits::ceilings());
    for stage in Stage::ALL {
        report.line(format_args!(
            "\n## Growth: {}\n\n\
             At the ceilings of all limits. `n`, `2n`, `4n` with the largest at {} ms where the family and the ceilings \
             admit it.\n\n\
             | family | bytes of 4n | ms | time 2n / n | time 4n / 2n | ns by byte | B by byte | memory 2n / n | memory 4n / 2n |\n\
             |---|---|---|---|---|---|---|---|---|",
            stage.name(),
            LARGEST_TIME.as_millis(),
        ));
        for family in chosen {
            eprintln!("growth of {}: {}", stage.name(), family.name);
            let row = doublings(&bench, stage, family, repetitions, report);
            report.line(format_args!("{row}"));
        }
    }
}

fn doublings(bench: &Bench, stage: Stage, family: &Family, repetitions: u32, report: &mut Report) -> String {
    let Some(largest) = largest(bench, stage, family) else {
        return format!("| {} | refused at the ceilings | | | | | | | |", family.name);
    };
    let members = [largest / 4, largest / 2, largest].map(|n| family.build(n));
    let mut costs = [0, 1, 2].map(|at: usize| bench.measure(stage, &members[at], repetitions));
    for _ in 1..ROUNDS {
        if costs[2].ratios(&costs[1]).0 <= RATIO_MAX && costs[1].ratios(&costs[0]).0 <= RATIO_MAX {
            break;
        }
        for (cost, wasm) in costs.iter_mut().zip(&members) {
            cost.time = cost.time.min(bench.measure(stage, wasm, repetitions).time);
        }
    }
    let [first, second, third] = &costs;
    let name = format!("{}, {}", family.name, stage.name());
    let mut row = format!("| {} | {} | {:.1} |", family.name, third.bytes, third.time.as_secs_f64() * 1e3);
    let ratios = [(second, first), (third, second)].map(|(whole, half)| (whole, half, whole.ratios(half)));
    // What the wasmparser crate does without our limits is shown, not judged.
    let ours = stage != Stage::Bare;
    let judged =
        |whole: &Cost, half: &Cost| ours && whole.time >= JUDGED_TIME && half.bytes >= JUDGED_BYTES / 2;
    let is_above = ratios.iter().any(|(whole, half, (time, _))| judged(whole, half) && *time > RATIO_MAX);
    let series = is_above.then(|| Series::measure(bench, stage, family, largest, repetitions));
    let is_excused = series.as_ref().is_some_and(|series| series.verdict() != Verdict::Ours);
    report.series.extend(series);
    for (whole, half, (time, _)) in &ratios {
        let judged = judged(whole, half);
        row += &if is_excused && judged && *time > RATIO_MAX {
            format!(" {time:.2} † |")
        } else {
            format!(" {} |", report.number(&format!("{name}: time by doubling"), *time, RATIO_MAX, judged))
        };
    }
    row += &format!(" {:.1} | {:.1} |", third.nanoseconds_per_byte(), third.peak_per_byte());
    for (whole, _, (_, memory)) in &ratios {
        let judged = ours && whole.peak > PEAK_CONSTANT && whole.bytes >= JUDGED_BYTES;
        row += &format!(
            " {} |",
            report.number(&format!("{name}: memory by doubling"), *memory, RATIO_MAX, judged)
        );
    }
    row
}

/// The size at which a stage takes long enough, or the largest that there is; `None` when even small members are
/// refused.
fn largest(bench: &Bench, stage: Stage, family: &Family) -> Option<usize> {
    let mut largest = None;
    // Members of wide types begin with thousands of bytes that are the same at every size.
    let mut n = if family.amplification < 100 { 16_384 } else { 262_144 };
    loop {
        n = n.min(family.largest);
        let wasm = family.build(n);
        // Without our limits the amplifying families would take all memory there is.
        let cost = bench.accepts(&wasm).then(|| bench.measure(stage, &wasm, 1)).filter(|cost| cost.accepted);
        let Some(cost) = cost else {
            return largest.or_else(|| bench.largest_accepted(family, n));
        };
        largest = Some(n);
        if cost.time >= LARGEST_TIME + LARGEST_TIME / 4 || n == family.largest {
            return largest;
        }
        n *= 2;
    }
}
