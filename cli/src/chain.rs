//! What `deploy` and `call` share: a chain in a file, whose blocks have one transaction each.
//!
//! Owns the options, the way of a transaction to a committed block, and how it is told. It must not know what the
//! transaction does.

use crate::exit::Exit;
use crate::failure::Failure;
use crate::options::{EngineName, EngineOptions, parse_gas};
use crate::output::Output;
use crate::text::{Name, grouped, hex, printable};
use clap::Args;
use lockstep_host_env::replay::Recorder;
use lockstep_host_env::{
    Action, Address, Block, CommitError, Database, EmbeddedDatabase, Environment, ExecuteError, Executed,
    Hash, Status, Storage, StorageError, Tx,
};
use lockstep_vm::ProfileOptions;
use serde::Serialize;
use std::cell::RefCell;
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// What both commands are told.
#[derive(Args, Debug)]
pub(crate) struct ChainArgs {
    /// The file that holds the chain's state; made where there is none
    #[arg(long, value_name = "FILE")]
    pub(crate) state: PathBuf,
    /// Who sends: an address (`0x` and 64 digits), or a name, which stands for the hash of it
    #[arg(long, value_name = "WHO", default_value = "alice")]
    pub(crate) from: String,
    /// The input: bytes (`0x...`), or a text
    #[arg(long, value_name = "BYTES", default_value = "0x", allow_hyphen_values = true)]
    pub(crate) input: String,
    /// The amount that goes with it
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) value: u128,
    /// The gas that each transaction may use
    #[arg(long, value_name = "N", default_value = "1000000000", allow_hyphen_values = true)]
    pub(crate) gas: String,
    /// The number of the chain
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) chain: u64,
    /// The height of the block
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) height: u64,
    /// The time of the block, in milliseconds since the start of 1970
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(crate) time: u64,
    /// What executes contracts; it never changes an outcome
    #[arg(long, value_name = "ENGINE", value_enum, default_value_t)]
    pub(crate) engine: EngineName,
    #[command(flatten)]
    pub(crate) options: EngineOptions,
    /// Record the state and what happens to it in a bundle, for `lockstep replay`
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// Print one JSON object instead
    #[arg(long)]
    pub(crate) json: bool,
}

/// A chain that has been opened, and a sender.
pub(crate) struct Chain<'a> {
    pub(crate) environment: Environment,
    database: EmbeddedDatabase,
    sender: Address,
    gas: u64,
    recorder: Option<RefCell<Recorder<Vec<u8>>>>,
    args: &'a ChainArgs,
}

impl<'a> Chain<'a> {
    pub(crate) fn open(args: &'a ChainArgs) -> Result<Chain<'a>, Failure> {
        let engine = args.options.engine(args.engine.backend())?;
        let environment =
            Environment::new(&engine).map_err(|error| Failure::usage("option", error.to_string()))?;
        let (sender, gas) = (parse_address(&args.from)?, parse_gas(&args.gas)?);
        let file = args.state.to_string_lossy();
        let database = EmbeddedDatabase::open(&args.state).map_err(|error| {
            Failure::usage("file", format!("cannot open the state {}: {error}", Name(&file)))
                .help("give `--state` a file that these commands made, and that nothing else has open")
        })?;
        let recorder = match &args.record {
            Some(_) => Some(RefCell::new(recorder(&environment, &database).map_err(|error| failed(&error))?)),
            None => None,
        };
        Ok(Chain { environment, database, sender, gas, recorder, args })
    }

    pub(crate) fn value(&self) -> u128 {
        self.args.value
    }

    pub(crate) fn input(&self) -> Result<Vec<u8>, Failure> {
        parse_bytes(&self.args.input)
    }

    /// Whether this code is on the chain.
    pub(crate) fn has_code(&self, hash: &Hash) -> Result<bool, Failure> {
        let version = self.database.version().map_err(|error| failed(&error))?;
        Ok(version.code_len(hash).map_err(|error| failed(&error))?.is_some())
    }

    /// Executes a transaction and commits its block.
    pub(crate) fn apply(&self, action: Action) -> Result<Applied, Failure> {
        let Attempt { version, block, tx, executed } = self.execute(action, None)?;
        let parent = version.root().map_err(|error| failed(&error))?;
        let root = self.database.commit(&parent, &executed.changes).map_err(|error| match error {
            CommitError::Storage(error) => failed(&error),
            other => Failure::fault(other.to_string()),
        })?;
        if let Some(recorder) = &self.recorder {
            let mut recorder = recorder.borrow_mut();
            let recorded = recorder
                .begin_block(&block)
                .and_then(|()| recorder.transaction(&tx, &executed))
                .and_then(|()| recorder.end_block(&root));
            recorded.map_err(|error| unwritten(self.args, &error))?;
        }
        Ok(Applied { executed, root })
    }

    /// Executes a transaction, noting whose gas it was, and commits nothing.
    pub(crate) fn profile(&self, action: Action, options: ProfileOptions) -> Result<Applied, Failure> {
        let Attempt { version, executed, .. } = self.execute(action, Some(options))?;
        let root = version.root().map_err(|error| failed(&error))?;
        Ok(Applied { executed, root })
    }

    fn execute(&self, action: Action, profile: Option<ProfileOptions>) -> Result<Attempt, Failure> {
        let version = self.database.version().map_err(|error| failed(&error))?;
        let account = version.account(&self.sender).map_err(|error| failed(&error))?;
        let tx = Tx {
            chain: self.args.chain,
            sender: self.sender,
            nonce: account.map_or(0, |account| account.nonce),
            gas_limit: self.gas,
            action,
        };
        let block = Block { chain: self.args.chain, height: self.args.height, time: self.args.time };
        let executed = match profile {
            None => self.environment.execute(&*version, &block, 0, &tx),
            Some(options) => self.environment.execute_profiled(&*version, &block, 0, &tx, options),
        };
        let executed = executed.map_err(|error| match error {
            ExecuteError::Rejected(rejected) => Failure::usage("rejected", rejected.to_string()),
            other => Failure::fault(other.to_string()),
        })?;
        Ok(Attempt { version, block, tx, executed })
    }

    /// Writes what was recorded, if it is to be.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        let (Some(recorder), Some(path)) = (self.recorder, &self.args.record) else { return Ok(()) };
        let finished = recorder.into_inner().finish();
        let written = finished.and_then(|(bundle, _)| std::fs::write(path, bundle));
        written.map_err(|error| unwritten(self.args, &error))
    }
}

fn recorder(
    environment: &Environment,
    database: &EmbeddedDatabase,
) -> Result<Recorder<Vec<u8>>, StorageError> {
    let root = database.version()?.root()?;
    Recorder::new(Vec::new(), environment, &database.contents()?, &root).map_err(StorageError::new)
}

fn unwritten(args: &ChainArgs, error: &std::io::Error) -> Failure {
    let file = args.record.as_ref().map(|path| path.to_string_lossy()).unwrap_or_default();
    Failure::usage("file", format!("cannot write the bundle {}: {error}", Name(&file)))
        .help("the chain has gone on; give `--record` a file that can be written")
}

fn failed(error: &StorageError) -> Failure {
    Failure::fault(error.to_string())
}

/// A transaction that was executed, and what on.
struct Attempt {
    version: Arc<dyn Storage>,
    block: Block,
    tx: Tx,
    executed: Executed,
}

/// A transaction in a committed block.
pub(crate) struct Applied {
    pub(crate) executed: Executed,
    pub(crate) root: Hash,
}

/// What JSON says of a transaction.
#[derive(Serialize)]
struct Report {
    status: &'static str,
    detail: Option<String>,
    gas_used: u64,
    gas_limit: u64,
    output: String,
    created: Option<String>,
    events: Vec<EventReport>,
    debug: Vec<String>,
    receipt: String,
    state_root: String,
}

#[derive(Serialize)]
struct EventReport {
    account: String,
    topics: Vec<String>,
    data: String,
}

impl Applied {
    pub(crate) fn exit(&self) -> Exit {
        match self.executed.receipt.status {
            Status::Ok => Exit::Ok,
            Status::Reverted | Status::Trapped(_) | Status::Misuse(_) => Exit::Guest,
        }
    }

    fn status(&self) -> (&'static str, Option<String>) {
        let report = &self.executed.report;
        match self.executed.receipt.status {
            Status::Ok => ("ok", None),
            Status::Reverted => ("reverted", Some(readable(&self.executed.receipt.output))),
            Status::Trapped(trap) => {
                ("trapped", Some(report.trap.as_ref().map_or(trap.to_string(), ToString::to_string)))
            }
            Status::Misuse(misuse) => ("misuse", Some(report.refused.clone().unwrap_or(misuse.to_string()))),
        }
    }

    /// Tells the receipt, events, gas and the state root.
    pub(crate) fn tell(&self, json: bool, output: &mut Output) -> Result<(), Failure> {
        if json { output.json(&self.report()) } else { output.text(&self.describe()) }
    }

    fn report(&self) -> Report {
        let (receipt, (status, detail)) = (&self.executed.receipt, self.status());
        let events = receipt.events.iter().map(|event| EventReport {
            account: event.account.to_string(),
            topics: event.topics.iter().map(|topic| hex(topic)).collect(),
            data: hex(&event.data),
        });
        Report {
            status,
            detail,
            gas_used: receipt.gas_used,
            gas_limit: receipt.gas_limit,
            output: hex(&receipt.output),
            created: receipt.created.map(|address| address.to_string()),
            events: events.collect(),
            debug: self.executed.report.debug.iter().map(|said| said.text.clone()).collect(),
            receipt: receipt.hash().to_string(),
            state_root: self.root.to_string(),
        }
    }

    pub(crate) fn describe(&self) -> String {
        let (receipt, (status, detail)) = (&self.executed.receipt, self.status());
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = match detail {
            None => writeln!(text, "status   {status}"),
            Some(detail) => writeln!(text, "status   {status}: {}", printable(&detail)),
        };
        if let Some(address) = receipt.created {
            let _ = writeln!(text, "account  0x{address}");
        }
        let _ = writeln!(text, "gas      {} of {}", grouped(receipt.gas_used), grouped(receipt.gas_limit));
        if !receipt.output.is_empty() {
            let _ = writeln!(text, "output   0x{}", hex(&receipt.output));
        }
        for event in &receipt.events {
            let _ = writeln!(text, "event    of 0x{}", event.account);
            for topic in &event.topics {
                let _ = writeln!(text, "  topic  0x{}", hex(topic));
            }
            let _ = writeln!(text, "  data   0x{}", hex(&event.data));
        }
        for said in &self.executed.report.debug {
            let _ = writeln!(text, "debug    {}", Name(&said.text));
        }
        let _ = writeln!(text, "receipt  0x{}", receipt.hash());
        let _ = writeln!(text, "root     0x{}", self.root);
        text
    }
}

/// Bytes as text where they are text.
fn readable(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.is_empty() => Name(text).to_string(),
        _ => format!("0x{}", hex(bytes)),
    }
}

/// An address, or the one that a name stands for.
pub(crate) fn parse_address(text: &str) -> Result<Address, Failure> {
    if !text.starts_with("0x") {
        return Ok(Address(lockstep_host_env::code_hash(text.as_bytes()).0));
    }
    match parse_bytes(text)?.try_into() {
        Ok(bytes) => Ok(Address(bytes)),
        Err(_) => Err(Failure::usage("address", format!("`{}` is no address", Name(text)))
            .help("give `0x` and 64 hexadecimal digits, or a name")),
    }
}

/// Bytes in hexadecimal behind `0x`, otherwise those of the text.
fn parse_bytes(text: &str) -> Result<Vec<u8>, Failure> {
    let Some(digits) = text.strip_prefix("0x") else { return Ok(text.as_bytes().to_vec()) };
    let digits: Option<Vec<u8>> =
        digits.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    match digits {
        Some(digits) if digits.len().is_multiple_of(2) => {
            Ok(digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect())
        }
        _ => Err(Failure::usage("bytes", format!("`{}` is not hexadecimal", Name(text)))
            .help("write an even number of digits behind `0x`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_addresses() {
        assert!(parse_bytes("0x").unwrap().is_empty());
        assert_eq!(parse_bytes("0x00fF").unwrap(), [0, 255]);
        assert_eq!(parse_bytes("ab").unwrap(), b"ab");
        for wrong in ["0x1", "0xzz", "0x+1"] {
            assert_eq!(parse_bytes(wrong).unwrap_err().code, "bytes");
        }
        assert_eq!(parse_address(&format!("0x{}", "01".repeat(32))).unwrap(), Address([1; 32]));
        assert_ne!(parse_address("alice").unwrap(), parse_address("bob").unwrap());
        assert_eq!(parse_address("0x0102").unwrap_err().code, "address");
    }
}
