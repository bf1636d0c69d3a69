//! The commands.

pub mod calls;
pub mod compile;
pub mod table;

use crate::engine::Engine;
use crate::statistics::{Pick, Samples, worst};
use clap::Args;

/// What every command takes.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Only programs or modules with one of these in their name
    #[arg(long, value_delimiter = ',')]
    pub filter: Vec<String>,
    /// Only these engines
    #[arg(long, value_delimiter = ',')]
    pub engines: Vec<String>,
    /// Rounds; each measures every engine once
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// Which round stands for all
    #[arg(long, value_enum, default_value_t = Pick::Best)]
    pub pick: Pick,
}

/// Says on standard error how far a command is.
fn progress(text: &str) {
    eprintln!("{text}");
}

/// What an engine was busy with, for an error.
fn at(engine: &dyn Engine, what: &str) -> String {
    format!("{what} on {}", engine.name())
}

/// A cell of a table, or a dash.
fn cell(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.decimals$}"))
}

/// The greatest spread of a line.
fn spread<'a>(samples: impl IntoIterator<Item = &'a Samples>) -> String {
    let spreads: Vec<f64> = samples.into_iter().filter_map(Samples::spread).collect();
    cell(worst(&spreads).map(|spread| spread * 100.0), 0) + " %"
}

/// A row of a Markdown table.
fn row(cells: impl IntoIterator<Item = String>) -> String {
    let cells: Vec<String> = cells.into_iter().collect();
    format!("| {} |", cells.join(" | "))
}

/// The line under a table's head: the first column to the left, numbers to the right.
fn rule(columns: usize) -> String {
    format!("|---|{}", "--:|".repeat(columns.saturating_sub(1)))
}
