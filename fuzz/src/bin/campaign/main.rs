//! `campaign`: the long searches for faults.
//!
//! Owns the command line. What is searched for, and how it is recognised, is the library's.

mod accept;
mod equality;
mod growth;
mod hostile;
mod log;
mod prices;
mod three_ways;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Counts the memory that is held, for the campaigns that bound it.
#[global_allocator]
static ALLOCATOR: &peakmem_alloc::PeakMemAlloc<std::alloc::System> = &peakmem_alloc::INSTRUMENTED_SYSTEM;

/// Long searches for faults. Each prints what it did and fails when it found something.
#[derive(Debug, Parser)]
#[command(name = "campaign")]
struct Cli {
    #[command(subcommand)]
    campaign: Campaign,
}

#[derive(Debug, Subcommand)]
enum Campaign {
    Accept(accept::Args),
    Equality(equality::Args),
    Growth(growth::Args),
    Hostile(hostile::Args),
    Prices(prices::Args),
    ThreeWays(three_ways::Args),
}

fn main() -> Result<()> {
    match Cli::parse().campaign {
        Campaign::Accept(args) => accept::run(&args),
        Campaign::Equality(args) => equality::run(&args),
        Campaign::Growth(args) => growth::run(&args),
        Campaign::Hostile(args) => hostile::run(&args),
        Campaign::Prices(args) => prices::run(&args),
        Campaign::ThreeWays(args) => three_ways::run(&args),
    }
}
