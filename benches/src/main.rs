//! The command line.

#![forbid(unsafe_code)]

use clap::{Parser, Subcommand};
use lockstep_benches::command::compile::CompileOptions;
use lockstep_benches::command::{self, Options};

/// Measures Lockstep beside other engines
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// How fast programs run, as multiples of Cranelift without metering
    Table(Options),
    /// How fast modules are compiled, as multiples of bare validation, and how large the code is
    Compile(CompileOptions),
    /// What it takes to cross between host and guest
    Calls(Options),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Table(options) => command::table::run(&options),
        Command::Compile(options) => command::compile::run(&options),
        Command::Calls(options) => command::calls::run(&options),
    }
}
