//! Writing bundles.
//!
//! Owns the order in which records are written while a chain goes on. It must not know where the bytes go, nor how
//! transactions are executed.

use super::framing::{self, Checksums, MAGIC};
use super::record::{BUNDLE_FORMAT, BlockEnd, Header, Kind, RecordedTx, Totals};
use crate::environment::Environment;
use crate::execute::Executed;
use crate::list::ABI_VERSION;
use crate::state::Changes;
use crate::transaction::{Block, Tx};
use crate::types::Hash;
use codec::Encode;
use std::io::{self, Write};
use std::mem;

use super::trace::Trace;

/// About so many bytes of state go into one record.
const STATE_RECORD_BYTES: usize = 1 << 18;

/// Records what is executed, while it is, into a bundle.
///
/// ```
/// use lockstep_host_env::{replay::Recorder, *};
///
/// let environment = Environment::new(&lockstep_vm::Engine::default())?;
/// let database = MemoryDatabase::new();
/// let mut recorder =
///     Recorder::new(Vec::new(), &environment, &database.contents()?, &database.version()?.root()?)?;
///
/// let block = Block { chain: 1, height: 1, time: 0 };
/// let action = Action::Transfer { to: Address([2; 32]), amount: 0 };
/// let tx = Tx { chain: 1, sender: Address([1; 32]), nonce: 0, gas_limit: 1_000_000, action };
/// let version = database.version()?;
/// let executed = environment.execute(&*version, &block, 0, &tx)?;
/// let root = database.commit(&version.root()?, &executed.changes)?;
///
/// recorder.begin_block(&block)?;
/// recorder.transaction(&tx, &executed)?;
/// recorder.end_block(&root)?;
/// let (bundle, totals) = recorder.finish()?;
/// assert_eq!(totals.transactions, 1);
/// # assert!(!bundle.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Recorder<W> {
    out: W,
    checksums: Checksums,
    traced: bool,
    totals: Totals,
    /// Transactions of the block that is open.
    open: Option<u32>,
}

impl<W: Write> Recorder<W> {
    /// Begins a bundle: of what this environment will execute, from this state with this root on.
    ///
    /// # Errors
    /// When the output cannot be written; so for all of these.
    pub fn new(out: W, environment: &Environment, state: &Changes, root: &Hash) -> io::Result<Recorder<W>> {
        Recorder::begin(out, environment, state, root, false)
    }

    /// As [`new`](Self::new), with a trace of every transaction, which [`traced`](Self::traced) is given.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn with_traces(
        out: W,
        environment: &Environment,
        state: &Changes,
        root: &Hash,
    ) -> io::Result<Recorder<W>> {
        Recorder::begin(out, environment, state, root, true)
    }

    fn begin(
        out: W,
        environment: &Environment,
        state: &Changes,
        root: &Hash,
        traced: bool,
    ) -> io::Result<Recorder<W>> {
        let header = Header {
            abi: ABI_VERSION,
            fingerprint: environment.fingerprint(),
            root: *root,
            traced,
            made_by: concat!("lockstep ", env!("CARGO_PKG_VERSION")).to_owned(),
        };
        Recorder::from_parts(out, &header, state)
    }

    /// Begins a bundle with this header and state: for tools that cut or change bundles.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn from_parts(out: W, header: &Header, state: &Changes) -> io::Result<Recorder<W>> {
        let totals = Totals { blocks: 0, transactions: 0, root: header.root, digest: Hash::default() };
        let mut recorder =
            Recorder { out, checksums: Checksums::new(), traced: header.traced, totals, open: None };
        recorder.out.write_all(&MAGIC)?;
        recorder.out.write_all(&BUNDLE_FORMAT.to_le_bytes())?;
        recorder.write(Kind::Header, &header.encode())?;
        for code in state.code.values() {
            recorder.write(Kind::Code, code)?;
        }
        recorder.write_state(state)?;
        Ok(recorder)
    }

    fn write(&mut self, kind: Kind, payload: &[u8]) -> io::Result<()> {
        framing::write(&mut self.out, &mut self.checksums, kind, payload)
    }

    /// Writes accounts and storage in parts.
    fn write_state(&mut self, state: &Changes) -> io::Result<()> {
        let (mut part, mut bytes) = (Changes::default(), 0);
        let accounts = state.accounts.iter().map(|entry| (Some(entry), None));
        let storage = state.storage.iter().map(|entry| (None, Some(entry)));
        for (account, entry) in accounts.chain(storage) {
            if let Some((address, Some(account))) = account {
                part.accounts.insert(*address, Some(*account));
                bytes += 96;
            }
            if let Some((key, Some(value))) = entry {
                part.storage.insert(key.clone(), Some(value.clone()));
                bytes += 64 + key.1.len() + value.len();
            }
            if bytes >= STATE_RECORD_BYTES {
                self.write(Kind::State, &mem::take(&mut part).encode())?;
                bytes = 0;
            }
        }
        if part.is_empty() { Ok(()) } else { self.write(Kind::State, &part.encode()) }
    }

    /// Begins a block.
    ///
    /// # Errors
    /// When the output cannot be written, or a block is open.
    pub fn begin_block(&mut self, block: &Block) -> io::Result<()> {
        if self.open.is_some() {
            return Err(misused("a block is open"));
        }
        self.open = Some(0);
        self.write(Kind::Block, &block.encode())
    }

    /// Adds a transaction, with what it did, to the block that is open.
    ///
    /// # Errors
    /// When the output cannot be written, no block is open, or the bundle has traces.
    pub fn transaction(&mut self, tx: &Tx, executed: &Executed) -> io::Result<()> {
        self.add(tx, executed, None)
    }

    /// As [`transaction`](Self::transaction), with its trace.
    ///
    /// # Errors
    /// When the output cannot be written, no block is open, or the bundle has no traces.
    pub fn traced(&mut self, tx: &Tx, executed: &Executed, trace: &Trace) -> io::Result<()> {
        self.add(tx, executed, Some(trace))
    }

    fn add(&mut self, tx: &Tx, executed: &Executed, trace: Option<&Trace>) -> io::Result<()> {
        // As `RecordedTx` is encoded, without copies.
        let payload = (tx, &executed.receipt, &executed.changes, trace).encode();
        self.add_encoded(trace.is_some(), &payload)
    }

    /// Adds a transaction as it was read.
    ///
    /// # Errors
    /// As [`transaction`](Self::transaction).
    pub fn recorded(&mut self, recorded: &RecordedTx) -> io::Result<()> {
        self.add_encoded(recorded.trace.is_some(), &recorded.encode())
    }

    fn add_encoded(&mut self, traced: bool, payload: &[u8]) -> io::Result<()> {
        if traced != self.traced {
            return Err(misused("either every transaction has a trace or none has"));
        }
        let Some(count) = self.open else { return Err(misused("no block is open")) };
        self.open = Some(count.checked_add(1).ok_or_else(|| misused("a block has 2^32 transactions"))?);
        self.write(Kind::Transaction, payload)
    }

    /// Closes the block that is open, after which the state has this root.
    ///
    /// # Errors
    /// When the output cannot be written, or no block is open.
    pub fn end_block(&mut self, root: &Hash) -> io::Result<()> {
        let Some(transactions) = self.open.take() else { return Err(misused("no block is open")) };
        self.write(Kind::BlockEnd, &BlockEnd { transactions, root: *root }.encode())?;
        // There are fewer than 2^64 of anything that was written.
        self.totals.blocks += 1;
        self.totals.transactions += u64::from(transactions);
        self.totals.root = *root;
        Ok(())
    }

    /// Writes the end, and answers the output. A bundle without its end is refused by readers.
    ///
    /// # Errors
    /// When the output cannot be written, or a block is open.
    pub fn finish(mut self) -> io::Result<(W, Totals)> {
        if self.open.is_some() {
            return Err(misused("a block is open"));
        }
        self.totals.digest = Hash(self.checksums.digest());
        let totals = self.totals;
        self.write(Kind::End, &totals.encode())?;
        self.out.flush()?;
        Ok((self.out, totals))
    }
}

fn misused(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}

impl<W> std::fmt::Debug for Recorder<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").field("totals", &self.totals).finish_non_exhaustive()
    }
}
