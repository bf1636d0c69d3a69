//! Frames: records in a file, each with its kind, its length and a checksum.
//!
//! Owns the bytes around a record, and says of each that is wrong where it is. A checksum covers what a record is, where
//! it stands and which bundle it is of, so that none can be changed, moved, doubled, dropped or taken from elsewhere. It
//! must not know what records mean.

use super::record::{BUNDLE_FORMAT, Kind, Section};
use std::fmt;
use std::io::{self, Read, Write};

/// What a file begins with.
pub(super) const MAGIC: [u8; 16] = *b"lockstep bundle\n";

/// Bytes before the first frame: magic and format.
pub(super) const PREFIX_LEN: u64 = 18;

/// Bytes of a frame before its payload: kind, length, checksum.
pub(super) const FRAME_LEN: u64 = 13;

/// Where in a bundle something is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Place {
    /// Bytes from the start of the file to the record's frame.
    pub offset: u64,
    /// How many records come before.
    pub record: u64,
    /// The section; of a record whose kind cannot be read, that of the one before.
    pub section: Section,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "offset {:#x}, record {}, section {}", self.offset, self.record, self.section)
    }
}

/// Why a bundle cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// It is no bundle.
    #[error("this is no bundle: it does not begin with the words `lockstep bundle`")]
    NotABundle,
    /// It has another format.
    #[error("the bundle has format {found}, and this reads format {BUNDLE_FORMAT}")]
    Format {
        /// Its format.
        found: u16,
    },
    /// It was recorded by an environment with another fingerprint.
    #[error("the bundle was recorded with fingerprint {found}, and this environment has {expected}")]
    Fingerprint {
        /// The environment's.
        expected: crate::types::Hash,
        /// The bundle's.
        found: crate::types::Hash,
    },
    /// Something in it is not as it was written.
    #[error("the bundle is corrupted at {place}: {what}")]
    Corrupted {
        /// Where.
        place: Place,
        /// What is wrong there.
        what: Corruption,
    },
    /// The file cannot be read or written.
    #[error("the bundle cannot be read or written: {0}")]
    Io(#[from] io::Error),
}

/// What is wrong with a record.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Corruption {
    /// The file ends within it.
    #[error("the file ends within the record, which would have {expected} more bytes")]
    Truncated {
        /// Bytes that are missing at least.
        expected: u64,
    },
    /// Its checksum is of other bytes.
    #[error("the checksum is {expected:016x}, and that of the bytes is {found:016x}")]
    Checksum {
        /// What stands in the frame.
        expected: u64,
        /// What the bytes have.
        found: u64,
    },
    /// There is no such kind of record, or not here.
    #[error("a record of kind {kind} cannot stand here")]
    Kind {
        /// The kind's number.
        kind: u8,
    },
    /// Its contents cannot be decoded.
    #[error("the contents cannot be decoded: {0}")]
    Contents(String),
    /// A count is not what was counted.
    #[error("the record counts {expected} {what}, and there are {found}")]
    Count {
        /// What is counted.
        what: &'static str,
        /// What the record says.
        expected: u64,
        /// What there is.
        found: u64,
    },
    /// The hash over everything is another.
    #[error("the digest of all records is another")]
    Digest,
    /// Something comes behind the end.
    #[error("there are bytes behind the end")]
    Behind,
}

/// Checksums of the records of one bundle, in order.
pub(super) struct Checksums {
    /// The hash of the header's contents; zeros before it is known.
    salt: [u8; 32],
    records: u64,
    all: blake3::Hasher,
}

impl Checksums {
    pub(super) fn new() -> Checksums {
        Checksums { salt: [0; 32], records: 0, all: blake3::Hasher::new() }
    }

    /// How many records there have been.
    pub(super) fn records(&self) -> u64 {
        self.records
    }

    /// The checksum of the next record.
    fn next(&self, kind: u8, payload: &[u8]) -> [u8; 8] {
        let mut hasher = blake3::Hasher::new_keyed(&self.salt);
        hasher.update(&self.records.to_le_bytes());
        hasher.update(&[kind]);
        hasher.update(payload);
        let mut check = [0; 8];
        hasher.finalize_xof().fill(&mut check);
        check
    }

    /// Goes on behind a record.
    fn accept(&mut self, check: [u8; 8], payload: &[u8]) {
        if self.records == 0 {
            self.salt = *blake3::hash(payload).as_bytes();
        }
        self.records += 1;
        self.all.update(&check);
    }

    /// The hash over the checksums of all records so far.
    pub(super) fn digest(&self) -> [u8; 32] {
        *self.all.finalize().as_bytes()
    }
}

/// Writes a record's frame.
pub(super) fn write(
    out: &mut impl Write,
    checksums: &mut Checksums,
    kind: Kind,
    payload: &[u8],
) -> io::Result<()> {
    let len = u32::try_from(payload.len())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a record has 4 GiB or more"))?;
    let check = checksums.next(kind as u8, payload);
    out.write_all(&[kind as u8])?;
    out.write_all(&len.to_le_bytes())?;
    out.write_all(&check)?;
    out.write_all(payload)?;
    checksums.accept(check, payload);
    Ok(())
}

/// Reads frames, and knows where it is.
pub(super) struct Frames<R> {
    input: R,
    offset: u64,
    checksums: Checksums,
    before: Option<Kind>,
}

/// A record as it stands in the file; its checksum is right and its kind may stand there.
pub(super) struct RawRecord {
    pub(super) kind: Kind,
    pub(super) place: Place,
    pub(super) payload: Vec<u8>,
    /// The hash over the checksums of all records before.
    pub(super) digest_before: [u8; 32],
}

impl<R: Read> Frames<R> {
    /// Reads magic and format.
    pub(super) fn new(mut input: R) -> Result<Frames<R>, BundleError> {
        let mut prefix = Vec::new();
        (&mut input).take(PREFIX_LEN).read_to_end(&mut prefix)?;
        let Some((magic, format)) = prefix.split_first_chunk::<16>() else {
            return Err(BundleError::NotABundle);
        };
        if *magic != MAGIC {
            return Err(BundleError::NotABundle);
        }
        let frames = Frames { input, offset: PREFIX_LEN, checksums: Checksums::new(), before: None };
        match format.try_into().map(u16::from_le_bytes) {
            Ok(BUNDLE_FORMAT) => Ok(frames),
            Ok(found) => Err(BundleError::Format { found }),
            Err(_) => Err(frames.corrupted(Corruption::Truncated { expected: 1 })),
        }
    }

    /// The place of the record that comes next.
    pub(super) fn place(&self) -> Place {
        let section = self.before.map_or(Section::Header, Kind::section);
        Place { offset: self.offset, record: self.checksums.records(), section }
    }

    fn corrupted(&self, what: Corruption) -> BundleError {
        BundleError::Corrupted { place: self.place(), what }
    }

    /// The next record.
    pub(super) fn next(&mut self) -> Result<RawRecord, BundleError> {
        let mut frame = Vec::new();
        (&mut self.input).take(FRAME_LEN).read_to_end(&mut frame)?;
        let Ok(frame) = <[u8; FRAME_LEN as usize]>::try_from(frame.as_slice()) else {
            let expected = FRAME_LEN - frame.len() as u64;
            return Err(self.corrupted(Corruption::Truncated { expected }));
        };
        let [number, a, b, c, d, check @ ..] = frame;
        let Some(kind) = Kind::from_number(number).filter(|kind| kind.may_follow(self.before)) else {
            return Err(self.corrupted(Corruption::Kind { kind: number }));
        };
        let place = Place { section: kind.section(), ..self.place() };
        let wrong = |what| BundleError::Corrupted { place, what };
        let len = u64::from(u32::from_le_bytes([a, b, c, d]));
        // The buffer grows with what is there, not with what the length says.
        let mut payload = Vec::new();
        (&mut self.input).take(len).read_to_end(&mut payload)?;
        if payload.len() as u64 != len {
            return Err(wrong(Corruption::Truncated { expected: len - payload.len() as u64 }));
        }
        let found = self.checksums.next(number, &payload);
        if found != check {
            let [expected, found] = [check, found].map(u64::from_be_bytes);
            return Err(wrong(Corruption::Checksum { expected, found }));
        }
        let digest_before = if kind == Kind::End { self.checksums.digest() } else { [0; 32] };
        self.checksums.accept(check, &payload);
        self.offset = self.offset.saturating_add(FRAME_LEN).saturating_add(len);
        self.before = Some(kind);
        Ok(RawRecord { kind, place, payload, digest_before })
    }

    /// Whether the file ends here.
    pub(super) fn is_at_end(&mut self) -> Result<bool, BundleError> {
        let mut rest = Vec::new();
        (&mut self.input).take(1).read_to_end(&mut rest)?;
        Ok(rest.is_empty())
    }
}
