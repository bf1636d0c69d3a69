//! Where workers get their chunks from.
//!
//! Owns the one pass over a bundle: it carries the state from block to block by the recorded changes, holds every root
//! against the recorded one, and hands out chunks of blocks with the state before them. It must not execute anything.

use super::framing::BundleError;
use super::player::{ReplayError, RootDifference};
use super::reader::BundleReader;
use super::record::RecordedBlock;
use crate::state::{Changes, CommitError, Database, MemoryDatabase, MemoryState, StorageError};
use crate::transaction::Block;
use crate::types::Hash;
use std::io::Read;

/// A chunk is closed when it has so many transactions.
const CHUNK_TRANSACTIONS: usize = 128;

/// While blocks are skipped, their changes are committed when there are about so many.
const SKIP_CHANGES: usize = 1 << 14;

/// Blocks that follow each other, and the state before them.
pub(super) struct Chunk {
    pub(super) number: u64,
    pub(super) first_block: u64,
    pub(super) state: MemoryState,
    pub(super) blocks: Vec<RecordedBlock>,
}

/// A bundle that is being handed out.
pub(super) struct Source<R> {
    reader: BundleReader<R>,
    state: MemoryState,
    /// The same state with its tree, as long as all roots were right.
    tree: Option<MemoryDatabase>,
    difference: Option<RootDifference>,
    next_block: u64,
    next_chunk: u64,
}

impl<R: Read> Source<R> {
    /// Holds the pre-state against its root.
    pub(super) fn new(reader: BundleReader<R>) -> Result<Source<R>, ReplayError> {
        let database = MemoryDatabase::new();
        let state = MemoryState::clone(&database.state());
        let mut source =
            Source { state, tree: Some(database), reader, difference: None, next_block: 0, next_chunk: 0 };
        let (changes, root) = (source.reader.state().clone(), source.reader.header().root);
        source.advance(changes, root, None)?;
        Ok(source)
    }

    /// The first root that differs, so far.
    pub(super) fn difference(&self) -> Option<&RootDifference> {
        self.difference.as_ref()
    }

    /// Goes over the first blocks.
    pub(super) fn skip(&mut self, blocks: u64) -> Result<(), ReplayError> {
        let mut changes = Changes::default();
        let mut waiting = 0;
        while self.next_block < blocks {
            let Some(block) = self.reader.next_block()? else {
                return Err(ReplayError::Skip { blocks, available: self.next_block });
            };
            for recorded in block.transactions {
                waiting += recorded.changes.accounts.len() + recorded.changes.storage.len();
                changes.then(recorded.changes);
            }
            self.next_block += 1;
            if waiting >= SKIP_CHANGES || self.next_block == blocks {
                waiting = 0;
                self.advance(std::mem::take(&mut changes), block.root, Some(block.block))?;
            }
        }
        Ok(())
    }

    /// The next chunk; none at the end.
    pub(super) fn next_chunk(&mut self) -> Result<Option<Chunk>, ReplayError> {
        let (state, first_block) = (self.state.clone(), self.next_block);
        let (mut blocks, mut transactions) = (Vec::new(), 0);
        while transactions < CHUNK_TRANSACTIONS {
            let Some(block) = self.reader.next_block()? else { break };
            let mut changes = Changes::default();
            for recorded in &block.transactions {
                changes.then(recorded.changes.clone());
            }
            self.advance(changes, block.root, Some(block.block))?;
            transactions += block.transactions.len();
            blocks.push(block);
            self.next_block += 1;
        }
        if blocks.is_empty() {
            return Ok(None);
        }
        let number = self.next_chunk;
        self.next_chunk += 1;
        Ok(Some(Chunk { number, first_block, state, blocks }))
    }

    fn advance(&mut self, changes: Changes, recorded: Hash, block: Option<Block>) -> Result<(), ReplayError> {
        let Some(tree) = &self.tree else {
            self.state.put(changes);
            return Ok(());
        };
        let parent = tree.version()?.root()?;
        let found = tree.commit(&parent, &changes).map_err(|error| match error {
            CommitError::Storage(error) => error,
            other => StorageError::new(other),
        })?;
        self.state = MemoryState::clone(&tree.state());
        if recorded != found {
            // What comes after has other roots for this reason alone.
            self.difference = Some(RootDifference { block, recorded, found });
            self.tree = None;
        }
        Ok(())
    }
}

impl From<BundleError> for ReplayError {
    fn from(error: BundleError) -> Self {
        ReplayError::Bundle(error)
    }
}
