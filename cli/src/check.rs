//! `lockstep check`: says of each file whether the engine accepts it.
//!
//! Owns the verdict and its words. It must not know how a module is validated.

use crate::diagnostic;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::load::Input;
use crate::options::EngineOptions;
use crate::output::{Output, coloured, complain};
use crate::problem::Problem;
use crate::refusal::accept;
use crate::shape::{Shape, unread};
use crate::text::{Name, grouped};
use clap::Args;
use lockstep_vm::{Backend, Engine, Limit};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What `check` is told.
#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    /// Modules, wasm or wat; `-` reads standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    options: EngineOptions,
    /// Print one JSON object a line for each file instead
    #[arg(long)]
    json: bool,
}

pub(crate) const EXAMPLES: &str = "\
An accepted module is listed with the features it uses and the limits of which it needs half or more.
The JSON objects have: file, verdict (accepted, refused, unreadable), features, limits_near (name, usage,
limit), code, message, help, function, function_name, offset, line, column.
With several files the exit code is the first that applies: 4, 2, 3, 0.

Examples:
  lockstep check token.wasm
  lockstep check --floats canonical --limit nesting=10000 *.wasm *.wat";

/// The verdict on one file.
#[derive(Serialize)]
struct Verdict<'a> {
    file: &'a str,
    verdict: &'static str,
    features: Vec<&'static str>,
    limits_near: Vec<Near>,
    #[serde(flatten)]
    problem: Problem<'a>,
}

/// A limit of which a module needs half or more.
#[derive(Serialize)]
struct Near {
    name: &'static str,
    usage: u64,
    limit: u64,
}

/// Runs the command.
pub(crate) fn run(args: &CheckArgs, output: &mut Output) -> Result<Exit, Failure> {
    let engine = args.options.engine(Backend::default())?;
    let mut exits = Vec::new();
    for path in &args.files {
        exits.push(check(path, &engine, args.json, output)?);
    }
    let order = [Exit::Fault, Exit::Usage, Exit::Refused];
    Ok(order.into_iter().find(|exit| exits.contains(exit)).unwrap_or(Exit::Ok))
}

fn check(path: &Path, engine: &Engine, json: bool, output: &mut Output) -> Result<Exit, Failure> {
    let file = path.to_string_lossy();
    let checked = Input::load(path, engine.limits().module_bytes).and_then(|input| facts(engine, &input));
    let (verdict, exit) = match &checked {
        Ok((features, limits_near)) => {
            let verdict = Verdict {
                file: &file,
                verdict: "accepted",
                features: features.clone(),
                limits_near: limits_near.iter().map(|near| Near { ..*near }).collect(),
                problem: Problem::default(),
            };
            (verdict, Exit::Ok)
        }
        Err(failure) => {
            let verdict = Verdict {
                file: &file,
                verdict: if failure.exit == Exit::Refused { "refused" } else { "unreadable" },
                features: Vec::new(),
                limits_near: Vec::new(),
                problem: Problem::new(failure),
            };
            (verdict, failure.exit)
        }
    };
    if json {
        output.json(&verdict)?;
        return Ok(exit);
    }
    match &checked {
        Ok(_) => output.text(&describe(&verdict))?,
        Err(failure) if failure.exit == Exit::Refused => {
            output.text(&format!("{}: refused, {}\n", Name(&file), failure.code))?;
            output.text(&diagnostic::render(failure, coloured(&std::io::stdout())))?;
        }
        Err(failure) => {
            output.flush()?;
            complain(&diagnostic::render(failure, coloured(&std::io::stderr())));
        }
    }
    Ok(exit)
}

/// The features used and the limits near, of a module that is accepted.
fn facts(engine: &Engine, input: &Input) -> Result<(Vec<&'static str>, Vec<Near>), Failure> {
    let module = accept(engine, input)?;
    let shape = Shape::read(&input.wasm).map_err(|error| unread(&error))?;
    let features =
        module.facts().features().named().filter(|(_, used)| *used).map(|(name, _)| name).collect();
    let near = Limit::ALL.iter().map(|&limit| {
        let usage = match limit {
            Limit::MemoryPages => shape.memory_pages,
            Limit::TableElements => shape.table_elements,
            _ => module.facts().usage(limit),
        };
        Near { name: limit.name(), usage, limit: engine.limits().get(limit) }
    });
    Ok((features, near.filter(|near| near.usage > 0 && near.usage >= near.limit.div_ceil(2)).collect()))
}

fn describe(verdict: &Verdict<'_>) -> String {
    let mut text = format!("{}: accepted\n", Name(verdict.file));
    let features = if verdict.features.is_empty() { "none".into() } else { verdict.features.join(", ") };
    text.push_str(&format!("  features used  {features}\n"));
    for (index, near) in verdict.limits_near.iter().enumerate() {
        let label = if index == 0 { "limits near" } else { "" };
        let percent = u128::from(near.usage) * 100 / u128::from(near.limit.max(1));
        // Only what is checked when a module runs can be above its limit here.
        let above = if near.usage > near.limit { ": no instance can be made" } else { "" };
        text.push_str(&format!(
            "  {label:<13}  {}: {} of {}, {percent} %{above}\n",
            near.name,
            grouped(near.usage),
            grouped(near.limit),
        ));
    }
    text
}
