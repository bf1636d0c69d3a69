//! `lockstep deploy`: brings a contract on a chain and makes an account with it.
//!
//! Owns the two transactions that this takes. It must not know how they are told.

use crate::chain::{Chain, ChainArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::load::Input;
use crate::output::Output;
use clap::Args;
use lockstep_host_env::{Action, Status, code_hash};
use std::path::PathBuf;

/// What `deploy` is told.
#[derive(Args, Debug)]
pub(crate) struct DeployArgs {
    /// The contract, wasm or wat; `-` reads standard input
    file: PathBuf,
    /// Tells accounts of one sender and contract apart
    #[arg(long, value_name = "N", default_value_t = 0)]
    salt: u64,
    #[command(flatten)]
    chain: ChainArgs,
}

pub(crate) const EXAMPLES: &str = "\
The contract is uploaded first, unless it is on the chain already; what is printed is of the transaction that
makes the account, or of the upload when that fails. A block holds one transaction.

Examples:
  lockstep deploy token.wasm --state chain.redb --from alice --input 0xbb54068a10476f6c64e8030000000000000000000000000000
  lockstep deploy token.wasm --state chain.redb --salt 1 --json";

/// Runs the command.
pub(crate) fn run(args: &DeployArgs, output: &mut Output) -> Result<Exit, Failure> {
    let chain = Chain::open(&args.chain)?;
    let code = Input::load(&args.file, chain.environment.engine().limits().module_bytes)?.wasm;
    let (hash, input) = (code_hash(&code), chain.input()?);
    if !chain.has_code(&hash)? {
        let uploaded = chain.apply(Action::Upload { code })?;
        if uploaded.executed.receipt.status != Status::Ok {
            chain.finish()?;
            uploaded.tell(args.chain.json, output)?;
            return Ok(Exit::Refused);
        }
    }
    let mut salt = [0; 32];
    salt[..8].copy_from_slice(&args.salt.to_le_bytes());
    let created = chain.apply(Action::Create { code_hash: hash, salt, value: chain.value(), input })?;
    chain.finish()?;
    created.tell(args.chain.json, output)?;
    Ok(created.exit())
}
