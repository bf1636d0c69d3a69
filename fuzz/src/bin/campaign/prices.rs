//! `campaign prices`: the table of how much time a unit of gas buys, of every operator and of attacks.
//!
//! Owns the bound and the table. It must not know how a program is made or measured.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use lockstep_fuzz::prices::measure::{Bench, Taken};
use lockstep_fuzz::prices::{Workload, is_exempt, workloads};
use lockstep_gas::{Op, Schedule};

/// No program may take so many times more time for its gas than the one in the middle.
const WORST_OVER_MEDIAN: f64 = 4.0;
/// How often what is above the bound is measured again: neighbours on the machine come and go.
const ROUNDS: u32 = 3;

/// Measure how much time a unit of gas buys, as metered machine code: every operator, chained and not, and attacks.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Only programs whose name or form contains this; prints instead of writing the file.
    #[arg(long)]
    only: Option<String>,
    /// How often each program is run; the best counts.
    #[arg(long, default_value_t = 15)]
    repetitions: u32,
    /// The file to write.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/prices.md"))]
    output: PathBuf,
}

/// A program and what it took.
struct Row {
    workload: Workload,
    taken: Taken,
}

impl Row {
    fn ratio(&self) -> f64 {
        self.taken.ratio()
    }

    /// What stands for others of its name in the table: an operator's dearest form.
    fn key(&self) -> (String, String) {
        let form = if self.workload.op.is_some() { String::new() } else { self.workload.form.clone() };
        (self.workload.name.clone(), form)
    }
}

/// Measures, prints, writes the file unless only some programs were asked for, and fails above the bound.
pub(crate) fn run(args: &Args) -> Result<()> {
    let bench = Bench::new()?;
    let wanted = args.only.as_deref().unwrap_or_default();
    let chosen = workloads().into_iter();
    let chosen: Vec<Workload> =
        chosen.filter(|workload| workload.name.contains(wanted) || workload.form.contains(wanted)).collect();
    if chosen.is_empty() {
        bail!("no program's name or form contains `{wanted}`");
    }
    let measure = |workload: &Workload| {
        let context = || format!("{}, {}", workload.name, workload.form);
        bench.measure(workload, args.repetitions).with_context(context)
    };
    let mut rows = Vec::new();
    for workload in chosen {
        eprintln!("{}, {}", workload.name, workload.form);
        let taken = measure(&workload)?;
        rows.push(Row { workload, taken });
    }
    for _ in 1..ROUNDS {
        let bound = WORST_OVER_MEDIAN * median(&rows);
        for row in rows.iter_mut().filter(|row| row.ratio() > 0.8 * bound) {
            let again = measure(&row.workload)?;
            row.taken.nanoseconds = row.taken.nanoseconds.min(again.nanoseconds);
        }
    }
    rows.sort_by(|a, b| b.ratio().total_cmp(&a.ratio()));
    let median = median(&rows);
    let text = text(&rows, median);
    if args.only.is_some() {
        print!("{text}");
        return Ok(());
    }
    fs::write(&args.output, &text)?;
    println!("wrote {}", args.output.display());
    let judged = |row: &&Row| row.workload.judged && row.ratio() > WORST_OVER_MEDIAN * median;
    let above: Vec<String> = rows.iter().filter(judged).map(|row| line(row, median)).collect();
    if !above.is_empty() {
        bail!("above {WORST_OVER_MEDIAN} times the median of {median:.3} ns:\n{}", above.concat());
    }
    Ok(())
}

/// The dearest form of each operator, and all attacks; the dearest first.
fn dearest(rows: &[Row]) -> Vec<&Row> {
    let mut dearest: BTreeMap<(String, String), &Row> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.workload.judged) {
        let kept = dearest.entry(row.key()).or_insert(row);
        if row.ratio() > kept.ratio() {
            *kept = row;
        }
    }
    let mut dearest: Vec<&Row> = dearest.into_values().collect();
    dearest.sort_by(|a, b| b.ratio().total_cmp(&a.ratio()));
    dearest
}

/// Nanoseconds by gas of the program in the middle.
fn median(rows: &[Row]) -> f64 {
    let dearest = dearest(rows);
    dearest.get(dearest.len() / 2).map_or(f64::NAN, |row| row.ratio())
}

fn text(rows: &[Row], median: f64) -> String {
    let dearest = dearest(rows);
    let (operators, attacks): (Vec<&Row>, Vec<&Row>) =
        dearest.iter().copied().partition(|row| row.workload.op.is_some());
    let worst = dearest.first().map_or(f64::NAN, |row| row.ratio());
    let exempt: Vec<String> =
        Op::ALL.iter().filter(|op| is_exempt(**op)).map(|op| format!("`{}`", op.name())).collect();
    let schedule: String =
        Schedule::default().hash().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let mut text = format!(
        "# Prices and time\n\n\
         Written by `cargo run --release -p lockstep-fuzz --bin campaign -- prices` on {machine}, for the default schedule \
         (its hash begins with {schedule}) and the default limits. Each line is a program of `fuzz/src/prices`: a loop that does one \
         thing again and again, as metered machine code. Time is of the thread, the best of several; it holds operands, loop and \
         metering, and so does gas.\n\n\
         {operators} operators, each in its dearest form, and {attacks} attacks. **The worst takes {factor:.1} times as long for its gas as the \
         one in the middle, which takes {median:.3} ns; the bound is {WORST_OVER_MEDIAN}.** Not measured: {exempt}, which end the program \
         or are free by law. In parentheses, and not judged: what the schedule has no price for, because it is the embedder's to charge.\n",
        machine = super::growth::machine(),
        operators = operators.len(),
        attacks = attacks.len(),
        factor = worst / median,
        exempt = exempt.join(", "),
    );
    let head = "\n| what | how | ns | gas | ns by gas | by the median |\n|---|---|--:|--:|--:|--:|\n";
    text += "\n## Each operator in its dearest form, and attacks\n";
    text += head;
    dearest.iter().for_each(|row| text += &line(row, median));
    text += "\n## All programs\n";
    text += head;
    rows.iter().for_each(|row| text += &line(row, median));
    text
}

fn line(row: &Row, median: f64) -> String {
    let Row { workload, taken } = row;
    let by = |total: f64| {
        let one = total / taken.times as f64;
        if one < 100.0 { format!("{one:.2}") } else { format!("{one:.0}") }
    };
    let factor = row.ratio() / median;
    let factor = match (workload.judged, factor > WORST_OVER_MEDIAN) {
        (false, _) => format!("({factor:.2})"),
        (true, true) => format!("**{factor:.2}**"),
        (true, false) => format!("{factor:.2}"),
    };
    let mut line = String::new();
    writeln!(
        line,
        "| {} | {} | {} | {} | {:.3} | {factor} |",
        workload.name,
        workload.form.trim(),
        by(taken.nanoseconds),
        by(taken.gas as f64),
        row.ratio(),
    )
    .expect("a string can be written to");
    line
}
