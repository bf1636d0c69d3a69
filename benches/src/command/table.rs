//! `table`: how fast programs run.
//!
//! Owns the interleaving: within a program, each round runs every engine once, on a fresh instance, so that whatever
//! disturbs the machine disturbs all alike.

use super::{Options, at, cell, progress, row, rule, spread};
use crate::clock;
use crate::engine::{self, Engine, Linked, METERED, Purpose, REFERENCE, UNMETERED};
use crate::statistics::{Samples, geomean, worst};
use crate::workload::{self, Workload};
use anyhow::{Context, Result, bail, ensure};

/// One program's samples, by engine.
struct Line {
    workload: Workload,
    cells: Vec<Cell>,
}

enum Cell {
    /// The engine does not take this kind of program.
    None,
    Measured(Samples),
    /// The engine failed, or computed something else than the others.
    Wrong,
}

impl Cell {
    fn samples(&self) -> Option<&Samples> {
        match self {
            Cell::Measured(samples) => Some(samples),
            Cell::None | Cell::Wrong => None,
        }
    }
}

/// Measures and prints the table.
///
/// # Errors
/// An engine fails on a program, or two disagree on its checksum. The others' figures are printed nevertheless.
pub fn run(options: &Options) -> Result<()> {
    let engines = engine::select(&options.engines, Purpose::Run)?;
    let (mut lines, mut wrong) = (Vec::new(), Vec::new());
    for workload in workload::select(&options.filter)? {
        progress(workload.name);
        lines.push(measure(workload, &engines, options.rounds, &mut wrong)?);
    }
    print(&engines, &lines, options);
    if !wrong.is_empty() {
        bail!("these went wrong:\n{}", wrong.join("\n"));
    }
    Ok(())
}

fn measure(
    workload: Workload,
    engines: &[Box<dyn Engine>],
    rounds: u32,
    wrong: &mut Vec<String>,
) -> Result<Line> {
    // One run of each to warm up and to see whether they agree, then the rounds.
    let mut linked = Vec::new();
    for engine in engines {
        linked.push(start(engine.as_ref(), workload));
    }
    let checksum =
        |result: &Started| result.as_ref().ok().and_then(Option::as_ref).map(|(_, checksum)| *checksum);
    let reference = engines.iter().position(|engine| engine.name() == REFERENCE);
    let expected =
        reference.and_then(|index| checksum(&linked[index])).or_else(|| linked.iter().find_map(checksum));

    let mut cells = Vec::new();
    for (engine, result) in engines.iter().zip(&linked) {
        let complaint = match result {
            Ok(None) => {
                cells.push(Cell::None);
                continue;
            }
            Ok(Some((_, checksum))) if Some(*checksum) == expected => {
                cells.push(Cell::Measured(Samples::new()));
                continue;
            }
            Ok(Some((_, checksum))) => format!("returns {checksum}, not {}", expected.unwrap_or_default()),
            Err(error) => format!("{error:#}"),
        };
        wrong.push(format!("{}: {complaint}", at(engine.as_ref(), workload.name)));
        cells.push(Cell::Wrong);
    }

    for _ in 0..rounds {
        for ((engine, linked), cell) in engines.iter().zip(&linked).zip(&mut cells) {
            let (Ok(Some((linked, _))), Cell::Measured(samples)) = (linked, cell) else { continue };
            let mut instance = linked.instantiate()?;
            let (checksum, duration) = clock::thread(|| instance.call("run", workload.n))
                .with_context(|| at(engine.as_ref(), workload.name))?;
            ensure!(Some(checksum) == expected, "{}: once {checksum}", at(engine.as_ref(), workload.name));
            samples.push(duration);
        }
    }
    Ok(Line { workload, cells })
}

type Started = Result<Option<(Box<dyn Linked>, i64)>>;

/// Compiles a program and runs it once.
fn start(engine: &dyn Engine, workload: Workload) -> Started {
    let Some(compiled) = engine.compile(workload.program)? else { return Ok(None) };
    let linked = compiled.link()?;
    let checksum = linked.instantiate()?.call("run", workload.n)?;
    Ok(Some((linked, checksum)))
}

fn print(engines: &[Box<dyn Engine>], lines: &[Line], options: &Options) {
    let seconds = |line: &Line, index: usize| line.cells[index].samples()?.seconds(options.pick);
    let reference = engines.iter().position(|engine| engine.name() == REFERENCE);
    let base = |line: &Line| reference.map_or(Some(1e-3), |index| seconds(line, index));
    let ratio = |line: &Line, index: usize| Some(seconds(line, index)? / base(line)?);

    let unit = if reference.is_some() { format!("{REFERENCE} = 1") } else { "ms".to_owned() };
    let mut head = vec![format!("{unit}, {:?} of {}", options.pick, options.rounds)];
    head.extend(reference.map(|_| format!("{REFERENCE} ms")));
    head.extend(engines.iter().map(|engine| engine.name().to_owned()));
    head.push("spread".to_owned());
    println!("{}", row(head.iter().cloned()));
    println!("{}", rule(head.len()));

    for line in lines {
        let mut cells = vec![line.workload.name.to_owned()];
        cells.extend(reference.map(|index| cell(seconds(line, index).map(|seconds| seconds * 1e3), 2)));
        cells.extend((0..engines.len()).map(|index| match line.cells[index] {
            Cell::Wrong => "WRONG".to_owned(),
            Cell::None | Cell::Measured(_) => cell(ratio(line, index), 2),
        }));
        cells.push(spread(line.cells.iter().filter_map(Cell::samples)));
        println!("{}", row(cells));
    }

    for (name, summary) in [("**geomean**", geomean as fn(&[f64]) -> Option<f64>), ("**worst**", worst)] {
        let mut cells = vec![name.to_owned()];
        cells.extend(reference.map(|_| String::new()));
        cells.extend((0..engines.len()).map(|index| {
            let ratios: Vec<f64> = lines.iter().filter_map(|line| ratio(line, index)).collect();
            cell(summary(&ratios), 2)
        }));
        cells.push(String::new());
        println!("{}", row(cells));
    }

    let position = |name| engines.iter().position(|engine| engine.name() == name);
    if let (Some(metered), Some(unmetered)) = (position(METERED), position(UNMETERED)) {
        let cost = |line: &Line| Some(seconds(line, metered)? / seconds(line, unmetered)?);
        let costs: Vec<f64> = lines.iter().filter_map(cost).collect();
        println!();
        println!(
            "{METERED} takes {} times as long as {UNMETERED} (geomean), {} at worst.",
            cell(geomean(&costs), 2),
            cell(worst(&costs), 2)
        );
    }
}
