//! `lockstep call`: calls a contract on a chain.
//!
//! Owns its arguments. It must not know how the transaction is told.

use crate::chain::{Chain, ChainArgs, parse_address};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use clap::Args;
use lockstep_host_env::Action;

/// What `call` is told.
#[derive(Args, Debug)]
pub(crate) struct CallArgs {
    /// The contract's address, as `deploy` printed it
    address: String,
    #[command(flatten)]
    chain: ChainArgs,
}

pub(crate) const EXAMPLES: &str = "\
The JSON object has: status (ok, reverted, trapped, misuse), detail, gas_used, gas_limit, output, created,
events, debug, receipt, state_root.

Example:
  lockstep call 0x3f...c1 --state chain.redb --from alice --input 0x01...";

/// Runs the command.
pub(crate) fn run(args: &CallArgs, output: &mut Output) -> Result<Exit, Failure> {
    let chain = Chain::open(&args.chain)?;
    let (to, input) = (parse_address(&args.address)?, chain.input()?);
    let called = chain.apply(Action::Call { to, value: chain.value(), input })?;
    chain.finish()?;
    called.tell(args.chain.json, output)?;
    Ok(called.exit())
}
