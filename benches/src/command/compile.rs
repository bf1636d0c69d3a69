//! `compile`: how fast modules are compiled, and how large the code is.
//!
//! Owns the modules and the unit, which is bare validation by wasmparser. Everything is to run on one thread; the clock
//! counts all of them, so a thread too many is not mistaken for speed. Rounds are interleaved as in `table`.

use super::{Options, at, cell, progress, row, rule};
use crate::clock;
use crate::engine::{self, Engine, Program, Purpose};
use crate::statistics::{Samples, geomean, worst};
use crate::workload;
use anyhow::{Context, Result};
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;
use wasmparser::{Parser, Payload, Validator};

/// A sample lasts at least this long; a small module is compiled several times for it.
const SAMPLE: Duration = Duration::from_millis(5);

/// Of the programs, those of different sizes and kinds.
const PROGRAMS: [&str; 8] =
    ["fibonacci", "crc32", "sha256", "token", "regex", "scale", "secp256k1", "bls12_381"];

/// A module of several megabytes: parsers, printers and an interpreter.
const LARGE: &[u8] = include_bytes!("../../large/large.wasm");

/// What `compile` takes.
#[derive(Args, Clone, Debug)]
pub struct CompileOptions {
    #[command(flatten)]
    options: Options,
    /// Measure these modules instead
    #[arg(long)]
    module: Vec<PathBuf>,
}

struct Subject {
    name: String,
    wasm: Vec<u8>,
    code_section: usize,
}

/// One module's samples and code sizes, by engine.
struct Line {
    subject: Subject,
    validation: Samples,
    compilation: Vec<Samples>,
    code: Vec<Option<usize>>,
}

/// Measures and prints the tables.
///
/// # Errors
/// A file cannot be read, or an engine refuses a module.
pub fn run(options: &CompileOptions) -> Result<()> {
    // For engines that ask how many threads to use.
    rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build_global()?;
    let engines = engine::select(&options.options.engines, Purpose::Compile)?;
    let mut lines = Vec::new();
    for subject in subjects(options)? {
        progress(&subject.name);
        lines.push(measure(subject, &engines, options.options.rounds)?);
    }
    print(&engines, &lines, &options.options);
    Ok(())
}

fn subjects(options: &CompileOptions) -> Result<Vec<Subject>> {
    let mut modules = Vec::new();
    for path in &options.module {
        let wasm = std::fs::read(path).with_context(|| path.display().to_string())?;
        modules.push((path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(), wasm));
    }
    if modules.is_empty() {
        let filters = &options.options.filter;
        let programs = workload::ALL.iter().map(|workload| (workload.name, workload.program.wasm));
        for (name, wasm) in programs.filter(|(name, _)| PROGRAMS.contains(name)).chain([("large", LARGE)]) {
            if filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str())) {
                modules.push((name.to_owned(), wasm.to_vec()));
            }
        }
        modules.sort_by_key(|(_, wasm)| wasm.len());
    }
    modules
        .into_iter()
        .map(|(name, wasm)| Ok(Subject { name, code_section: code_section(&wasm)?, wasm }))
        .collect()
}

fn code_section(wasm: &[u8]) -> Result<usize> {
    for payload in Parser::new(0).parse_all(wasm) {
        if let Payload::CodeSectionStart { size, .. } = payload? {
            return Ok(usize::try_from(size)?);
        }
    }
    Ok(0)
}

fn measure(subject: Subject, engines: &[Box<dyn Engine>], rounds: u32) -> Result<Line> {
    let program = Program { wasm: &subject.wasm, host: None };
    let mut code = Vec::new();
    let mut repeats = Vec::new();
    for engine in engines {
        let (compiled, duration) =
            clock::process(|| engine.compile(program)).with_context(|| at(engine.as_ref(), &subject.name))?;
        code.push(compiled.and_then(|compiled| compiled.code_bytes()));
        repeats.push(repeat_for(duration));
    }
    let (_, duration) = clock::process(|| Ok(Validator::new().validate_all(&subject.wasm)?))?;
    let validations = repeat_for(duration);

    let mut validation = Samples::new();
    let mut compilation = vec![Samples::new(); engines.len()];
    for _ in 0..rounds {
        let mut total = Duration::ZERO;
        for _ in 0..validations {
            total += clock::process(|| Ok(Validator::new().validate_all(&subject.wasm)?))?.1;
        }
        validation.push(total / validations);
        for ((engine, &repeats), samples) in engines.iter().zip(&repeats).zip(&mut compilation) {
            let mut total = Duration::ZERO;
            for _ in 0..repeats {
                total += clock::process(|| engine.compile(program))?.1;
            }
            samples.push(total / repeats);
        }
    }
    Ok(Line { subject, validation, compilation, code })
}

fn repeat_for(duration: Duration) -> u32 {
    let times = SAMPLE.as_nanos() / duration.as_nanos().max(1) + 1;
    u32::try_from(times).unwrap_or(1).min(1000)
}

fn print(engines: &[Box<dyn Engine>], lines: &[Line], options: &Options) {
    let names = || engines.iter().map(|engine| engine.name().to_owned());
    let section = |line: &Line| f64::from(u32::try_from(line.subject.code_section).unwrap_or(u32::MAX));
    let times = |line: &Line, index: usize| {
        Some(line.compilation[index].seconds(options.pick)? / line.validation.seconds(options.pick)?)
    };

    let mut head = vec![format!("wasmparser = 1, {:?} of {}", options.pick, options.rounds)];
    head.extend(["KB of code".to_owned(), "wasmparser MB/s".to_owned()]);
    head.extend(names());
    head.push("spread".to_owned());
    println!("{}", row(head.iter().cloned()));
    println!("{}", rule(head.len()));
    for line in lines {
        let mut cells = vec![line.subject.name.clone(), cell(Some(section(line) / 1e3), 1)];
        cells.push(cell(
            line.validation.seconds(options.pick).map(|seconds| section(line) / 1e6 / seconds),
            0,
        ));
        cells.extend((0..engines.len()).map(|index| cell(times(line, index), 1)));
        cells.push(super::spread(line.compilation.iter().chain([&line.validation])));
        println!("{}", row(cells));
    }
    for (name, summary) in [("**geomean**", geomean as fn(&[f64]) -> Option<f64>), ("**worst**", worst)] {
        let mut cells = vec![name.to_owned(), String::new(), String::new()];
        cells.extend((0..engines.len()).map(|index| {
            cell(summary(&lines.iter().filter_map(|line| times(line, index)).collect::<Vec<_>>()), 1)
        }));
        cells.push(String::new());
        println!("{}", row(cells));
    }

    let with_code: Vec<usize> =
        (0..engines.len()).filter(|&index| lines.iter().any(|line| line.code[index].is_some())).collect();
    println!();
    let mut head = vec!["machine code by byte of wasm code".to_owned()];
    head.extend(with_code.iter().map(|&index| engines[index].name().to_owned()));
    println!("{}", row(head.iter().cloned()));
    println!("{}", rule(head.len()));
    for line in lines {
        let mut cells = vec![line.subject.name.clone()];
        cells.extend(with_code.iter().map(|&index| {
            let code = line.code[index].and_then(|code| u32::try_from(code).ok());
            cell(code.map(|code| f64::from(code) / section(line)), 2)
        }));
        println!("{}", row(cells));
    }
}
