//! Progress: how far a replay is, and how it goes on after it was stopped.
//!
//! Owns the bytes of a resume file. It must not know files.

use super::record::Totals;
use crate::types::Hash;
use codec::{Decode, DecodeAll, Encode};

/// What has been executed and is equal, without a gap.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode)]
#[allow(clippy::exhaustive_structs, reason = "another field is another format")]
pub struct Progress {
    /// Blocks from the bundle's start on, those of earlier runs too.
    pub blocks: u64,
    /// Transactions of this run.
    pub transactions: u64,
    /// The gas that these used.
    pub gas: u64,
}

const MAGIC: [u8; 16] = *b"lockstep resume\n";
const FORMAT: u16 = 1;

/// How far a replay came: of which bundle, by which environment and engines.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[non_exhaustive]
pub struct Resume {
    bundle: Hash,
    fingerprint: Hash,
    engines: String,
    /// Blocks that were equal, from the bundle's start on.
    pub blocks: u64,
}

/// Why a replay cannot go on from a file.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResumeError {
    /// It is no such file, of another version, or damaged.
    #[error("this is no resume file of this version, or it is damaged")]
    Unreadable,
    /// It was written for something else.
    #[error("the resume file is of another {what}")]
    Other {
        /// What is another.
        what: &'static str,
    },
}

impl Resume {
    /// At the start of a bundle. `engines` says which execute, as `native against interpreter`.
    pub fn new(totals: &Totals, fingerprint: &Hash, engines: &str) -> Resume {
        Resume { bundle: totals.digest, fingerprint: *fingerprint, engines: engines.to_owned(), blocks: 0 }
    }

    /// The bytes of the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = [&MAGIC[..], &FORMAT.encode(), &self.encode()].concat();
        let check = *blake3::hash(&bytes).as_bytes();
        bytes.extend(check);
        bytes
    }

    /// Goes on where a file says, if it is of the same bundle, environment and engines.
    ///
    /// # Errors
    /// When the file cannot be read, or is of something else.
    pub fn go_on(&mut self, bytes: &[u8]) -> Result<(), ResumeError> {
        let (bytes, check) = bytes.split_last_chunk::<32>().ok_or(ResumeError::Unreadable)?;
        let rest = bytes.strip_prefix(&MAGIC).ok_or(ResumeError::Unreadable)?;
        let rest = rest.strip_prefix(&FORMAT.encode()[..]).ok_or(ResumeError::Unreadable)?;
        if blake3::hash(bytes).as_bytes() != check {
            return Err(ResumeError::Unreadable);
        }
        let found = Resume::decode_all(&mut &*rest).map_err(|_| ResumeError::Unreadable)?;
        let same = [
            ("bundle", found.bundle == self.bundle),
            ("fingerprint", found.fingerprint == self.fingerprint),
            ("choice of engines", found.engines == self.engines),
        ];
        if let Some((what, _)) = same.into_iter().find(|(_, same)| !same) {
            return Err(ResumeError::Other { what });
        }
        self.blocks = found.blocks;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_goes_on_only_with_its_own_file() {
        let totals = |digest| Totals { blocks: 9, transactions: 9, root: Hash::default(), digest };
        let [a, b] = [Hash([1; 32]), Hash([2; 32])];
        let mut written = Resume::new(&totals(a), &b, "native");
        written.blocks = 7;
        let bytes = written.to_bytes();
        let mut read = Resume::new(&totals(a), &b, "native");
        read.go_on(&bytes).unwrap();
        assert_eq!(read, written);
        for (other, what) in [
            (Resume::new(&totals(b), &b, "native"), "bundle"),
            (Resume::new(&totals(a), &a, "native"), "fingerprint"),
            (Resume::new(&totals(a), &b, "interpreter"), "choice of engines"),
        ] {
            let mut other = other;
            assert_eq!(other.go_on(&bytes), Err(ResumeError::Other { what }));
            assert_eq!(other.blocks, 0);
        }
        for at in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            assert_eq!(read.go_on(&bytes), Err(ResumeError::Unreadable), "{at}");
            assert_eq!(read.go_on(&bytes[..at]), Err(ResumeError::Unreadable), "{at}");
        }
    }
}
