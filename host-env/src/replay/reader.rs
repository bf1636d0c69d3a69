//! Reading bundles.
//!
//! Owns the way from bytes to blocks: every record is checked, counted and decoded before it is handed out, what is
//! wrong is refused with its place, and nothing is believed that has not been checked. It must not know how
//! transactions are executed.

use super::framing::{BundleError, Corruption, FRAME_LEN, Frames, Place, RawRecord};
use super::record::{BlockEnd, Header, Kind, RecordedBlock, RecordedTx, TOTALS_LEN, Totals};
use crate::state::Changes;
use crate::transaction::Block;
use crate::types::code_hash;
use codec::{Decode, DecodeAll};
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

/// Reads a bundle from its start to its end.
pub struct BundleReader<R> {
    frames: Frames<R>,
    header: Header,
    state: Changes,
    /// A record that has been read and belongs to what comes next.
    next: Option<RawRecord>,
    counted: (u64, u64),
    last_root: crate::types::Hash,
    ended: Option<Totals>,
}

impl<R: Read> BundleReader<R> {
    /// Reads everything before the blocks.
    ///
    /// # Errors
    /// When this is no bundle, or one of another format, or corrupted.
    pub fn new(input: R) -> Result<BundleReader<R>, BundleError> {
        let mut frames = Frames::new(input)?;
        let first = frames.next()?;
        let header: Header = contents(&first)?;
        let mut state = Changes::default();
        let next = loop {
            let record = frames.next()?;
            match record.kind {
                Kind::Code => drop(state.code.insert(code_hash(&record.payload), Arc::from(record.payload))),
                Kind::State => add_state(&mut state, &record)?,
                _ => break record,
            }
        };
        let last_root = header.root;
        Ok(BundleReader { frames, header, state, next: Some(next), counted: (0, 0), last_root, ended: None })
    }

    /// What was recorded, and how.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The state before the first block, as changes to a state with nothing in it.
    pub fn state(&self) -> &Changes {
        &self.state
    }

    /// The sums at the end, once that has been read.
    pub fn totals(&self) -> Option<Totals> {
        self.ended
    }

    /// The next block, or none at the end.
    ///
    /// # Errors
    /// When the bundle is corrupted.
    pub fn next_block(&mut self) -> Result<Option<RecordedBlock>, BundleError> {
        if self.ended.is_some() {
            return Ok(None);
        }
        let first = match self.next.take() {
            Some(record) => record,
            None => self.frames.next()?,
        };
        // The order of records leaves no other kind here.
        match first.kind {
            Kind::End => self.end(&first).map(|()| None),
            _ => self.block(&first).map(Some),
        }
    }

    fn block(&mut self, first: &RawRecord) -> Result<RecordedBlock, BundleError> {
        let block: Block = contents(first)?;
        let mut transactions: Vec<RecordedTx> = Vec::new();
        loop {
            let record = self.frames.next()?;
            if record.kind == Kind::Transaction {
                let transaction: RecordedTx = contents(&record)?;
                if transaction.trace.is_some() != self.header.traced {
                    let what = "a trace that is missing, or that should not be".to_owned();
                    return Err(corrupted(record.place, Corruption::Contents(what)));
                }
                transactions.push(transaction);
                continue;
            }
            let end: BlockEnd = contents(&record)?;
            let found = transactions.len() as u64;
            same_count(record.place, "transactions of the block", end.transactions.into(), found)?;
            self.counted.0 += 1;
            self.counted.1 += found;
            self.last_root = end.root;
            return Ok(RecordedBlock { block, transactions, root: end.root });
        }
    }

    fn end(&mut self, record: &RawRecord) -> Result<(), BundleError> {
        let totals: Totals = contents(record)?;
        same_count(record.place, "blocks", totals.blocks, self.counted.0)?;
        same_count(record.place, "transactions", totals.transactions, self.counted.1)?;
        if totals.digest.0 != record.digest_before {
            return Err(corrupted(record.place, Corruption::Digest));
        }
        if totals.root != self.last_root {
            let what = "the root at the end is not that of the last block".to_owned();
            return Err(corrupted(record.place, Corruption::Contents(what)));
        }
        if !self.frames.is_at_end()? {
            return Err(corrupted(self.frames.place(), Corruption::Behind));
        }
        self.ended = Some(totals);
        Ok(())
    }
}

impl<R> std::fmt::Debug for BundleReader<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BundleReader").field("header", &self.header).finish_non_exhaustive()
    }
}

/// Reads a whole bundle and refuses it where anything in it cannot be read; answers header and sums. What is read is
/// where it was before, at the bundle's start.
///
/// # Errors
/// When this is no bundle, or one of another format, or corrupted.
pub fn verify(input: &mut (impl Read + Seek)) -> Result<(Header, Totals), BundleError> {
    let start = input.stream_position()?;
    let mut reader = BundleReader::new(std::io::BufReader::with_capacity(1 << 18, &mut *input))?;
    while reader.next_block()?.is_some() {}
    let header = reader.header().clone();
    let ended = reader.totals();
    input.seek(SeekFrom::Start(start))?;
    // There is no other way out of the loop.
    ended.map(|totals| (header, totals)).ok_or(BundleError::NotABundle)
}

/// Header and sums of a bundle, without what is between, which [`verify`] checks. What is read is where it was before,
/// at the bundle's start.
///
/// # Errors
/// When this is no bundle, or one of another format, or start or end are damaged.
pub fn peek(input: &mut (impl Read + Seek)) -> Result<(Header, Totals), BundleError> {
    let start = input.stream_position()?;
    let header = contents(&Frames::new(&mut *input)?.next()?)?;
    let frame = FRAME_LEN + u64::from(TOTALS_LEN);
    let end = input.seek(SeekFrom::End(0))?;
    let offset = end.checked_sub(frame).filter(|offset| *offset > start);
    let section = super::record::Section::End;
    let place = Place { offset: offset.unwrap_or(end).saturating_sub(start), record: 0, section };
    let cut = || corrupted(place, Corruption::Truncated { expected: frame });
    input.seek(SeekFrom::Start(offset.ok_or_else(cut)?))?;
    let mut bytes = Vec::new();
    (&mut *input).take(frame).read_to_end(&mut bytes)?;
    input.seek(SeekFrom::Start(start))?;
    let (kind, payload) = bytes.split_at_checked(FRAME_LEN as usize).ok_or_else(cut)?;
    let [number, a, b, c, d, ..] = *kind else { return Err(cut()) };
    if number != Kind::End as u8 || u32::from_le_bytes([a, b, c, d]) != TOTALS_LEN {
        return Err(cut());
    }
    let totals = Totals::decode(&mut &payload[..]).map_err(|error| undecoded(place, &error))?;
    Ok((header, totals))
}

/// Adds a part of the pre-state, behind what there is.
fn add_state(state: &mut Changes, record: &RawRecord) -> Result<(), BundleError> {
    let wrong = |what: &str| Err(corrupted(record.place, Corruption::Contents(what.to_owned())));
    let part: Changes = contents(record)?;
    let removes = part.accounts.values().any(Option::is_none) || part.storage.values().any(Option::is_none);
    if removes || !part.code.is_empty() {
        return wrong("a state has neither removals nor code");
    }
    let follows = |last: bool, first: bool| !(last && first);
    let accounts = match (state.accounts.last_key_value(), part.accounts.first_key_value()) {
        (Some((last, _)), Some((first, _))) => last < first,
        _ => true,
    };
    let storage = match (state.storage.last_key_value(), part.storage.first_key_value()) {
        (Some((last, _)), Some((first, _))) => last < first,
        _ => true,
    };
    if !accounts || !storage || !follows(!state.storage.is_empty(), !part.accounts.is_empty()) {
        return wrong("the parts of the state are not in order");
    }
    state.then(part);
    Ok(())
}

fn same_count(place: Place, what: &'static str, expected: u64, found: u64) -> Result<(), BundleError> {
    if expected == found {
        return Ok(());
    }
    Err(corrupted(place, Corruption::Count { what, expected, found }))
}

fn contents<C: Decode>(record: &RawRecord) -> Result<C, BundleError> {
    C::decode_all(&mut &record.payload[..]).map_err(|error| undecoded(record.place, &error))
}

fn undecoded(place: Place, error: &codec::Error) -> BundleError {
    corrupted(place, Corruption::Contents(error.to_string()))
}

fn corrupted(place: Place, what: Corruption) -> BundleError {
    BundleError::Corrupted { place, what }
}
