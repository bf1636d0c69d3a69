//! The `lockstep` command line: check, run, compile, instrument and inspect WebAssembly contracts.
//!
//! ```text
//! lockstep check FILE...                                 does the engine accept it?
//! lockstep run FILE --invoke NAME [ARG...]               call an export; results, gas, stack
//! lockstep compile FILE -o OUT [--target MACHINE]        make an artifact, which `run` takes too
//! lockstep instrument IN -o OUT                          write the meter into the module
//! lockstep inspect FILE [--function NAME|INDEX] [--runs|--asm]  what does it cost, what is it compiled to?
//! lockstep profile FILE --invoke NAME [ARG...] -o SVG   whose gas was it?
//! lockstep deploy FILE --state CHAIN                     bring a contract on a chain in a file
//! lockstep call ADDRESS --state CHAIN [--input BYTES]    call it; receipt, events, gas, state root
//! lockstep replay BUNDLE [--engine A] [--against B]      execute recorded blocks again; what differs, and where
//! lockstep test [FILTER] [--update] [--gas report]       play scenarios of contracts
//! ```
//! Modules are read as wasm or wat, from a file or, for `-`, standard input. `--json` answers in one object whose words
//! are stable. Answers go to standard output and complaints to standard error: one line `error: ...`, and a line
//! `help: ...` that says what to do.
//!
//! | exit code | meaning |
//! |---|---|
//! | 0 | done; for `run`, the call returned |
//! | 1 | the guest trapped or was stopped; for `replay`, something differs |
//! | 2 | wrong usage: options, arguments, exports, imports, files |
//! | 3 | the module is refused |
//! | 4 | the node failed: the outcome is unknown |
//!
//! Each command is a file of its own. What a module or a file name contains is escaped before it is printed.

#![forbid(unsafe_code)]

mod call;
mod chain;
mod check;
mod compile;
mod deploy;
mod diagnostic;
mod disassembly;
mod exit;
mod failure;
mod inspect;
mod instrument;
mod key;
mod load;
mod machine_code;
mod options;
mod outcome;
mod output;
mod place;
mod problem;
mod profile;
mod refusal;
mod replay;
mod replay_report;
mod run;
mod shape;
mod source;
mod test;
mod test_report;
mod text;
mod values;
mod whole_file;

use clap::{Parser, Subcommand};
use exit::{EXIT_CODES, Exit};
use failure::Failure;
use output::{Output, coloured, complain};
use std::ffi::OsString;
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "lockstep", version, about = "A deterministic, metered WebAssembly VM", after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say whether the engine accepts modules, and why not
    #[command(after_help = format!("{}\n\n{EXIT_CODES}", check::EXAMPLES))]
    Check(check::CheckArgs),
    /// Call an exported function of a module
    #[command(after_help = format!("{}\n\n{EXIT_CODES}", run::EXAMPLES))]
    Run(run::RunArgs),
    /// Make an artifact of a module, which runs without being compiled again
    #[command(after_help = format!("{}\n\n{EXIT_CODES}", compile::EXAMPLES))]
    Compile(compile::CompileArgs),
    /// Write the meter into a module, for any other engine
    #[command(after_help = format!("{}\n\n{EXIT_CODES}", instrument::EXAMPLES))]
    Instrument(instrument::InstrumentArgs),
    /// Show prices, runs and frames of a module's functions
    #[command(after_help = format!("{}\n\n{EXIT_CODES}", inspect::EXAMPLES))]
    Inspect(inspect::InspectArgs),
    /// Say whose gas it was: a table, a flamegraph, folded stacks
    #[command(after_help = format!("{}\n\n{EXIT_CODES}", profile::EXAMPLES))]
    Profile(profile::ProfileArgs),
    /// Bring a contract on a chain that is kept in a file
    #[command(after_help = format!("{}\n\n{EXIT_CODES}", deploy::EXAMPLES))]
    Deploy(deploy::DeployArgs),
    /// Call a contract on that chain
    #[command(after_help = format!("{}\n\n{EXIT_CODES}", call::EXAMPLES))]
    Call(call::CallArgs),
    /// Execute recorded blocks again and say what differs
    #[command(after_help = format!("{}\n\n{EXIT_CODES}", replay::EXAMPLES))]
    Replay(replay::ReplayArgs),
    /// Play scenarios of contracts and say what is not as expected
    #[command(after_help = test::EXAMPLES)]
    Test(test::TestArgs),
}

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let mut output = Output::new();
    let done = match Arguments::try_parse_from(&words) {
        Ok(arguments) => execute(&arguments.command, &mut output),
        Err(error) => answer_without_command(&error, &words, &mut output),
    };
    // What was answered goes out before any complaint, and a failure to write it is one itself.
    let flushed = output.flush();
    match done.and_then(|exit| flushed.map(|()| exit)) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            complain(&diagnostic::render(&failure, coloured(&std::io::stderr())));
            failure.exit.into()
        }
    }
}

fn execute(command: &Command, output: &mut Output) -> Result<Exit, Failure> {
    match command {
        Command::Check(args) => check::run(args, output),
        Command::Run(args) => run::run(args, output),
        Command::Compile(args) => compile::run(args, output),
        Command::Instrument(args) => instrument::run(args, output),
        Command::Inspect(args) => inspect::run(args, output),
        Command::Profile(args) => profile::run(args, output),
        Command::Deploy(args) => deploy::run(args, output),
        Command::Call(args) => call::run(args, output),
        Command::Replay(args) => replay::run(args, output),
        Command::Test(args) => test::run(args, output),
    }
}

/// Help that was asked for, or words that are no command. Tools that asked for JSON get an object even so.
fn answer_without_command(
    error: &clap::Error,
    words: &[OsString],
    output: &mut Output,
) -> Result<Exit, Failure> {
    if !error.use_stderr() {
        output.text(&error.render().to_string())?;
        return Ok(Exit::Ok);
    }
    let message = text::printable(&error.render().to_string()).into_owned();
    let options = words.iter().take_while(|word| *word != "--");
    if options.into_iter().any(|word| word == "--json") {
        let failure = Failure::usage("usage", message.trim_end());
        output.json(&outcome::Report::of_failure(&failure, outcome::Spent::default()))?;
    }
    complain(&message);
    Ok(Exit::Usage)
}
