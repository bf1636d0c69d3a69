//! Replay: a bundle executed again, in parallel.
//!
//! Owns the workers, and which difference is the first. Every record has the changes in full, so that the state before
//! each chunk is known without executing anything and workers need not wait for each other. It must not know how a
//! difference is taken apart.

use super::compare::{self, FieldDifference};
use super::framing::BundleError;
use super::progress::Progress;
use super::reader::BundleReader;
use super::record::{RecordedBlock, RecordedTx};
use super::source::{Chunk, Source};
use crate::environment::Environment;
use crate::state::{MemoryState, StorageError};
use crate::transaction::Block;
use crate::types::Hash;
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

/// An environment, with the name that reports call it by.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_structs, reason = "it is a name and what it names")]
pub struct Executor<'a> {
    /// The name, as `native`.
    pub name: &'a str,
    /// What executes.
    pub environment: &'a Environment,
}

/// How a bundle is executed again.
///
/// ```
/// use lockstep_host_env::{replay::{BundleReader, Executor, Recorder, Replay}, *};
///
/// let environment = Environment::new(&lockstep_vm::Engine::default())?;
/// let database = MemoryDatabase::new();
/// let root = database.version()?.root()?;
/// let (bundle, _) = Recorder::new(Vec::new(), &environment, &database.contents()?, &root)?.finish()?;
///
/// let executor = Executor { name: "default", environment: &environment };
/// let replayed = Replay::new(executor).workers(2).run(BundleReader::new(&bundle[..])?, &|_| {})?;
/// assert!(replayed.is_equal());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Replay<'a> {
    executor: Executor<'a>,
    against: Option<Executor<'a>>,
    workers: usize,
    skip: u64,
    any_fingerprint: bool,
}

/// What came of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Replayed {
    /// Blocks that were executed and are equal.
    pub blocks: u64,
    /// Transactions that were executed and are equal, of whole chunks.
    pub transactions: u64,
    /// The gas that these used.
    pub gas: u64,
    /// The first root that differs: of the pre-state, or of the state after a block by its recorded changes.
    pub root: Option<RootDifference>,
    /// The first transaction that differs.
    pub transaction: Option<Box<Difference>>,
}

impl Replayed {
    /// Whether nothing differs.
    pub fn is_equal(&self) -> bool {
        self.root.is_none() && self.transaction.is_none()
    }
}

/// A state whose root is not the recorded one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct RootDifference {
    /// The block after which; none: before the first.
    pub block: Option<Block>,
    /// The recorded root.
    pub recorded: Hash,
    /// That of the state.
    pub found: Hash,
}

/// A transaction that does not do what was recorded, or not the same on two executors.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Difference {
    /// How many blocks of the bundle come before.
    pub block_index: u64,
    /// The block.
    pub block: Block,
    /// The transaction's place in it.
    pub index: u32,
    /// What was recorded.
    pub recorded: RecordedTx,
    /// In what the execution differs from the record.
    pub fields: Vec<FieldDifference>,
    /// In what the second executor differs from the first.
    pub against: Vec<FieldDifference>,
    pub(super) state: MemoryState,
}

/// Why a bundle could not be replayed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The bundle cannot be read, or is of something else.
    #[error(transparent)]
    Bundle(BundleError),
    /// There are fewer blocks than were to be skipped.
    #[error("{blocks} blocks were to be skipped, and the bundle has {available}")]
    Skip {
        /// How many were to be skipped.
        blocks: u64,
        /// How many there are.
        available: u64,
    },
    /// The state cannot be kept.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl<'a> Replay<'a> {
    /// Replays with this executor, with one worker.
    pub fn new(executor: Executor<'a>) -> Replay<'a> {
        Replay { executor, against: None, workers: 1, skip: 0, any_fingerprint: false }
    }

    /// Executes everything with this one too, and compares the two.
    pub fn against(mut self, executor: Executor<'a>) -> Self {
        self.against = Some(executor);
        self
    }

    /// Works with so many threads; at least one.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers.max(1);
        self
    }

    /// Goes over so many blocks without executing them; their changes are made, and the root behind them is held
    /// against the recorded one.
    pub fn skip(mut self, blocks: u64) -> Self {
        self.skip = blocks;
        self
    }

    /// Accepts a bundle of another environment: receipts may then differ in the fingerprint.
    pub fn any_fingerprint(mut self, accept: bool) -> Self {
        self.any_fingerprint = accept;
        self
    }

    /// Executes everything, until a transaction differs. `progress` is told of every chunk that was equal.
    ///
    /// # Errors
    /// When the bundle cannot be read, or has another fingerprint.
    pub fn run<R: Read + Send>(
        &self,
        reader: BundleReader<R>,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<Replayed, ReplayError> {
        self.check_fingerprint(&reader.header().fingerprint)?;
        let mut source = Source::new(reader)?;
        source.skip(self.skip)?;
        let shared = Shared {
            source: Mutex::new(source),
            stop_behind: AtomicU64::new(u64::MAX),
            first: Mutex::new(None),
            failed: Mutex::new(None),
            done: Mutex::new(Done::default()),
            progress,
            skipped: self.skip,
        };
        thread::scope(|scope| {
            for _ in 1..self.workers {
                scope.spawn(|| self.work(&shared));
            }
            self.work(&shared);
        });
        if let Some(error) = lock(&shared.failed).take() {
            return Err(error);
        }
        let done = lock(&shared.done).sum;
        let root = lock(&shared.source).difference().copied();
        let transaction = lock(&shared.first).take();
        Ok(Replayed {
            blocks: done.blocks,
            transactions: done.transactions,
            gas: done.gas,
            root,
            transaction,
        })
    }

    fn check_fingerprint(&self, found: &Hash) -> Result<(), ReplayError> {
        for executor in [Some(self.executor), self.against].into_iter().flatten() {
            let expected = executor.environment.fingerprint();
            if !self.any_fingerprint && expected != *found {
                return Err(BundleError::Fingerprint { expected, found: *found }.into());
            }
        }
        Ok(())
    }

    fn work<R: Read>(&self, shared: &Shared<'_, R>) {
        while shared.stop_behind.load(Ordering::Acquire) == u64::MAX {
            let chunk = match lock(&shared.source).next_chunk() {
                Ok(Some(chunk)) => chunk,
                Ok(None) => return,
                Err(error) => {
                    shared.stop_behind.fetch_min(0, Ordering::AcqRel);
                    lock(&shared.failed).get_or_insert(error);
                    return;
                }
            };
            let number = chunk.number;
            match self.chunk(chunk, shared) {
                Some(sum) => shared.finished(number, sum),
                None => return,
            }
        }
    }

    /// Executes a chunk; answers sums over it when it is equal.
    fn chunk<R>(&self, chunk: Chunk, shared: &Shared<'_, R>) -> Option<Progress> {
        let mut sum = Progress::default();
        let mut state = chunk.state;
        for (block_index, recorded) in (chunk.first_block..).zip(chunk.blocks) {
            if block_index > shared.stop_behind.load(Ordering::Acquire) {
                return None;
            }
            let RecordedBlock { block, transactions, .. } = recorded;
            for (index, recorded) in (0..).zip(transactions) {
                if let Err((fields, against)) = self.transaction(&state, &block, index, &recorded) {
                    shared.stop_behind.fetch_min(block_index, Ordering::AcqRel);
                    shared.found(Difference { block_index, block, index, recorded, fields, against, state });
                    return None;
                }
                sum.transactions += 1;
                sum.gas = sum.gas.saturating_add(recorded.receipt.gas_used);
                state.put(recorded.changes);
            }
            sum.blocks += 1;
        }
        Some(sum)
    }

    /// Executes a transaction and compares.
    fn transaction(
        &self,
        state: &MemoryState,
        block: &Block,
        index: u32,
        recorded: &RecordedTx,
    ) -> Result<(), (Vec<FieldDifference>, Vec<FieldDifference>)> {
        let expected = (&recorded.receipt, &recorded.changes);
        let result = self.executor.environment.execute(state, block, index, &recorded.tx);
        let fields = compare::outcome(expected, &result, self.any_fingerprint);
        let against = self.against.map_or_else(Vec::new, |against| {
            let other = against.environment.execute(state, block, index, &recorded.tx);
            compare::outcomes(&result, &other, self.any_fingerprint)
        });
        if fields.is_empty() && against.is_empty() { Ok(()) } else { Err((fields, against)) }
    }
}

/// What workers share.
struct Shared<'p, R> {
    source: Mutex<Source<R>>,
    /// No block behind this one matters any more.
    stop_behind: AtomicU64,
    first: Mutex<Option<Box<Difference>>>,
    failed: Mutex<Option<ReplayError>>,
    done: Mutex<Done>,
    progress: &'p (dyn Fn(Progress) + Sync),
    skipped: u64,
}

/// What has been done without a gap, and what beyond a gap.
#[derive(Default)]
struct Done {
    sum: Progress,
    next: u64,
    beyond: BTreeMap<u64, Progress>,
}

impl<R> Shared<'_, R> {
    fn finished(&self, number: u64, sum: Progress) {
        let mut done = lock(&self.done);
        done.beyond.insert(number, sum);
        let before = done.next;
        while let Some(sum) = {
            let next = done.next;
            done.beyond.remove(&next)
        } {
            done.next += 1;
            done.sum.blocks += sum.blocks;
            done.sum.transactions += sum.transactions;
            done.sum.gas = done.sum.gas.saturating_add(sum.gas);
        }
        if done.next > before {
            // Still locked, so that what is told never goes back.
            (self.progress)(Progress { blocks: done.sum.blocks + self.skipped, ..done.sum });
        }
    }

    fn found(&self, difference: Difference) {
        let mut first = lock(&self.first);
        let place = |difference: &Difference| (difference.block_index, difference.index);
        if first.as_ref().is_none_or(|first| place(&difference) < place(first)) {
            *first = Some(Box::new(difference));
        }
    }
}

/// What is behind these locks is replaced in one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
