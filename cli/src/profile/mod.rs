//! `lockstep profile`: whose gas it was, exactly, as tables, a flamegraph or folded stacks.
//!
//! Owns its arguments, and where each form goes. What is executed is other commands': a call of an export, a transaction
//! on a chain, a scenario's steps. It must not know how gas is noted.

mod flamegraph;
mod folded;
mod table;
#[cfg(test)]
mod tests;

use crate::chain::{Chain, ChainArgs, parse_address};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::options::{EngineName, EngineOptions};
use crate::outcome::Spent;
use crate::output::Output;
use crate::run::{self, Played, RunArgs};
use crate::test;
use crate::text::{Name, grouped, printable};
use clap::Args;
use lockstep_host_env::Action;
use lockstep_test::scenario::{Options, PlayedStep, Scenario};
use lockstep_test::{Names, Outcome, ProfileView};
use lockstep_vm::{Backend, Profile, ProfileOptions};
use std::path::{Path, PathBuf};

/// What `profile` is told.
#[derive(Args, Debug)]
pub(crate) struct ProfileArgs {
    /// The module, wasm or wat (`-` reads standard input), or a scenario, `.toml`
    #[arg(required_unless_present = "call", conflicts_with = "call")]
    file: Option<PathBuf>,
    /// Of a module: the exported function to call
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    invoke: Option<String>,
    /// Of a scenario: only the transaction of this step, from 1; checks do not count
    #[arg(long, value_name = "N", conflicts_with_all = ["invoke", "call"])]
    step: Option<usize>,
    /// In place of a file: the contract to call, which is on a chain; nothing is written there
    #[arg(long, value_name = "ADDRESS", requires = "state", conflicts_with = "invoke")]
    call: Option<String>,
    /// The file that holds the chain's state
    #[arg(long, value_name = "FILE", requires = "call")]
    state: Option<PathBuf>,
    /// Who sends: an address or a name
    #[arg(long, value_name = "WHO", default_value = "alice")]
    from: String,
    /// The input: bytes (`0x...`), or a text
    #[arg(long, value_name = "BYTES", default_value = "0x", allow_hyphen_values = true)]
    input: String,
    /// The amount that goes with it
    #[arg(long, value_name = "N", default_value_t = 0)]
    value: u128,
    /// The number of the chain
    #[arg(long, value_name = "N", default_value_t = 1)]
    chain: u64,
    /// The height of the block
    #[arg(long, value_name = "N", default_value_t = 1)]
    height: u64,
    /// The time of the block, in milliseconds since the start of 1970
    #[arg(long, value_name = "MS", default_value_t = 0)]
    time: u64,
    /// Gas given
    #[arg(long, value_name = "N", default_value = "1000000000", allow_hyphen_values = true)]
    gas: String,
    /// Write a flamegraph, an SVG, to this file; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write folded stacks to this file; `-` is standard output
    #[arg(long, value_name = "FILE")]
    folded: Option<PathBuf>,
    /// Rows of each table
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,
    /// The greatest depth of the tree; what is deeper is summed up
    #[arg(long, value_name = "N", default_value_t = ProfileOptions::default().depth)]
    depth: u32,
    /// Show each call of a recursion, not one for all
    #[arg(long)]
    unfold_recursion: bool,
    #[command(flatten)]
    options: EngineOptions,
    /// The arguments, as for `run`
    #[arg(value_name = "ARG", allow_negative_numbers = true)]
    arguments: Vec<String>,
}

pub(crate) const EXAMPLES: &str = "\
Every unit of gas is told: the table's last row, the folded stacks' sum and the flamegraph's first box
are the gas used. Where a module names the lines of its sources (DWARF), so do the boxes' titles and a
second table. The tables are not printed when something else goes to standard output.

A scenario says itself who sends what, and is played with the engine's default options; without --step
its transactions stand beside each other.

Examples:
  lockstep profile hashes.wasm --invoke sha256_chain 100 -o hashes.svg
  lockstep profile scenarios/allowance.toml --step 3 -o transfer.svg
  lockstep profile --call 0x3f...c1 --state chain.redb --input 0x01... -o call.svg --folded call.txt";

/// Runs the command.
pub(crate) fn run(args: &ProfileArgs, output: &mut Output) -> Result<Exit, Failure> {
    let options = ProfileOptions {
        depth: args.depth,
        fold_recursion: !args.unfold_recursion,
        ..ProfileOptions::default()
    };
    let is_scenario = args.file.as_ref().is_some_and(|file| test::is_file(&file.to_string_lossy()));
    let done = match (&args.call, &args.file, &args.invoke) {
        (Some(address), ..) => transaction(args, address, options)?,
        (None, Some(file), Some(invoke)) if args.step.is_none() && !is_scenario => {
            call(args, file, invoke, options)?
        }
        (None, Some(file), None) if is_scenario => scenario(args, file, options)?,
        _ => {
            return Err(Failure::usage("usage", "nothing to profile").help(
                "give a module and `--invoke NAME`, a scenario (`.toml`), or `--call ADDRESS --state FILE`",
            ));
        }
    };
    show(args, &done, output)?;
    Ok(done.exit)
}

/// What was profiled.
struct Done {
    heading: String,
    text: String,
    view: ProfileView,
    exit: Exit,
}

fn call(args: &ProfileArgs, file: &Path, invoke: &str, options: ProfileOptions) -> Result<Done, Failure> {
    let run_args = RunArgs {
        file: file.to_path_buf(),
        invoke: invoke.to_owned(),
        gas: args.gas.clone(),
        engine: EngineName::Interpreter,
        key: None,
        options: args.options.clone(),
        json: false,
        arguments: args.arguments.clone(),
    };
    let Played { outcome, input, profile } = run::execute(&run_args, &mut Spent::default(), Some(options))?;
    Ok(Done {
        heading: format!("{} {}", Name(&input.file), Name(invoke)),
        text: outcome.describe(&input),
        view: ProfileView::new(&profile.ok_or_else(missing)?, &Names::default()),
        exit: outcome.exit(),
    })
}

fn transaction(args: &ProfileArgs, address: &str, options: ProfileOptions) -> Result<Done, Failure> {
    let state = args.state.clone().unwrap_or_default();
    let chain_args = ChainArgs {
        state,
        from: args.from.clone(),
        input: args.input.clone(),
        value: args.value,
        gas: args.gas.clone(),
        chain: args.chain,
        height: args.height,
        time: args.time,
        engine: EngineName::Interpreter,
        options: args.options.clone(),
        record: None,
        json: false,
    };
    let chain = Chain::open(&chain_args)?;
    let (to, input) = (parse_address(address)?, chain.input()?);
    let mut applied = chain.profile(Action::Call { to, value: chain.value(), input }, options)?;
    let profile = applied.executed.report.profile.take().ok_or_else(missing)?;
    Ok(Done {
        heading: format!("call of 0x{to}"),
        view: ProfileView::new(&profile, &Names::default()),
        text: applied.describe(),
        exit: applied.exit(),
    })
}

/// One step of a scenario, or all of them beside each other. What it expects is `test`'s affair.
fn scenario(args: &ProfileArgs, file: &Path, options: ProfileOptions) -> Result<Done, Failure> {
    if !args.arguments.is_empty() {
        return Err(
            Failure::usage("usage", "a scenario takes no arguments").help("say `--step N` for one step")
        );
    }
    let cannot = |error| test::unreadable(file, error);
    let scenario = Scenario::load(file).map_err(cannot)?;
    let on = Options::on(Backend::Interpreter);
    let profiled =
        |outcome: &Outcome| outcome.profile(options).map_err(|failure| Failure::fault(failure.to_string()));
    if let Some(number) = args.step {
        let outcome = scenario.play_to(&on, number).map_err(cannot)?;
        return Ok(Done {
            heading: printable(outcome.title()).into_owned(),
            text: ended(number, &outcome),
            view: ProfileView::new(&profiled(&outcome)?, outcome.names()),
            exit: Exit::Ok,
        });
    }
    let played = scenario.play(&on).map_err(cannot)?;
    let (mut all, mut text) = (Profile::new(options), String::new());
    for PlayedStep { number, outcome, .. } in &played.steps {
        let Some(outcome) = outcome else { continue };
        all.append(&[&format!("{number}. {}", outcome.title())], &profiled(outcome)?);
        text.push_str(&ended(*number, outcome));
    }
    Ok(Done {
        heading: Name(&scenario.name).to_string(),
        text,
        view: ProfileView::new(&all, played.chain.names()),
        exit: Exit::Ok,
    })
}

fn ended(number: usize, outcome: &Outcome) -> String {
    format!("{number}. {}: {}\n", printable(outcome.title()), printable(&outcome.ending()))
}

/// A name on one line, of bounded length; quotes stay, titles of transactions have them.
fn shown(name: &str) -> String {
    Name(name).to_string().replace("\\\"", "\"")
}

fn missing() -> Failure {
    Failure::fault("no profile was taken")
}

fn show(args: &ProfileArgs, done: &Done, output: &mut Output) -> Result<(), Failure> {
    let view = &done.view;
    let mut to_stdout = false;
    if let Some(path) = &args.output {
        let heading = format!("{}: {} gas", done.heading, grouped(view.gas()));
        to_stdout |= write(path, &flamegraph::flamegraph(view, &heading), output)?;
    }
    if let Some(path) = &args.folded {
        to_stdout |= write(path, &folded::folded(view), output)?;
    }
    if to_stdout {
        return Ok(());
    }
    output.text(&done.text)?;
    output.text("\n")?;
    output.text(&table::table(view, args.top))
}

/// Writes to a file, or to standard output; whether that was it.
fn write(path: &Path, text: &str, output: &mut Output) -> Result<bool, Failure> {
    if path == Path::new("-") {
        output.text(text)?;
        return Ok(true);
    }
    std::fs::write(path, text).map_err(|error| {
        Failure::usage("file", format!("cannot write {}: {error}", Name(&path.to_string_lossy())))
            .help("name a file that can be written, or `-` for standard output")
    })?;
    Ok(false)
}
