//! The bytes of an artifact.
//!
//! ```text
//!   magic [19]  format u16  length u64 | settings  lengths  wasm  functions  sites  code | hash [32]  tag [32]
//! ```
//! Owns their layout, and that nothing behind the magic, the format and the length is read before hash and tag are right.
//! Even then nothing is believed that would make loading panic. It must not know what settings mean.
//!
//! The hash is BLAKE3's, which reads memory at several GB/s: with SHA3-256, which the protocol's hashes are, checking an
//! artifact takes as long as compiling its module.

use super::{ArtifactKey, settings};
use crate::Config;
use crate::abi::Thunks;
use crate::compile::{Compiled, CompiledFunction, Options, Site};
use crate::error::ArtifactError;
use crate::validate::Validated;
use alloc::vec::Vec;
use codec::{Decode, Encode};

/// What every artifact begins with; no wasm does, and no text.
pub(super) const MAGIC: &[u8; 19] = b"\x7flockstep artifact\n";

/// The number of this layout.
const FORMAT: u16 = 1;

/// Bytes of magic, format and length.
const PREFIX: usize = MAGIC.len() + 2 + 8;

/// Bytes of hash and tag.
const SUFFIX: usize = 64;

/// What the tag is computed over, before the hash.
const TAG_CONTEXT: &[u8; 19] = b"lockstep/artifact/1";

/// What an artifact is made of.
#[derive(Debug)]
pub(super) struct Contents<'a> {
    pub(super) wasm: &'a [u8],
    pub(super) thunks: Thunks,
    pub(super) functions: &'a [CompiledFunction],
    pub(super) sites: &'a [Site],
    pub(super) code: &'a [u8],
}

/// How long the parts behind it are, and where thunks are.
#[derive(Encode, Decode)]
struct Lengths {
    thunks: [u32; 9],
    wasm: u32,
    functions: u32,
    sites: u32,
    code: u32,
}

/// The bytes of an artifact.
pub(super) fn seal(
    key: &ArtifactKey,
    config: &Config,
    options: &Options,
    contents: &Contents<'_>,
) -> Vec<u8> {
    let Contents { wasm, thunks, functions, sites, code } = contents;
    // A module has at most 2^30 bytes and its code 2^31; of functions and sites there are fewer than bytes.
    let length = |length: usize| u32::try_from(length).expect("ceilings are low");
    let lengths = Lengths {
        thunks: thunks_to_array(thunks),
        wasm: length(wasm.len()),
        functions: length(functions.len()),
        sites: length(sites.len()),
        code: length(code.len()),
    };
    let tables = 8 * (functions.len() + sites.len());
    let mut bytes = Vec::with_capacity(PREFIX + 4096 + wasm.len() + tables + code.len() + SUFFIX);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    bytes.extend_from_slice(&[0; 8]);
    settings::write(config, options, &mut bytes);
    lengths.encode_to(&mut bytes);
    bytes.extend_from_slice(wasm);
    for function in *functions {
        bytes.extend_from_slice(&pair(function.entry, function.end));
    }
    for site in *sites {
        bytes.extend_from_slice(&pair(site.native, site.wasm));
    }
    bytes.extend_from_slice(code);
    finish(key, bytes)
}

/// Puts in the length, and hash and tag behind everything.
fn finish(key: &ArtifactKey, mut bytes: Vec<u8>) -> Vec<u8> {
    let whole = (bytes.len() + SUFFIX) as u64;
    bytes[PREFIX - 8..PREFIX].copy_from_slice(&whole.to_le_bytes());
    let hash = blake3::hash(&bytes);
    bytes.extend_from_slice(hash.as_bytes());
    bytes.extend_from_slice(tag(key, &hash).as_bytes());
    bytes
}

/// An artifact of any bytes, for tests.
#[cfg(test)]
pub(super) fn reseal(key: &ArtifactKey, bytes: &[u8]) -> Vec<u8> {
    finish(key, bytes.to_vec())
}

/// What a holder of the key says of the bytes with this hash.
fn tag(key: &ArtifactKey, hash: &blake3::Hash) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new_keyed(&key.0);
    hasher.update(TAG_CONTEXT);
    hasher.update(hash.as_bytes());
    hasher.finalize()
}

fn pair(first: u32, second: u32) -> [u8; 8] {
    (u64::from(first) | u64::from(second) << 32).to_le_bytes()
}

fn unpair(bytes: &[u8; 8]) -> (u32, u32) {
    let both = u64::from_le_bytes(*bytes);
    // The two halves.
    (both as u32, (both >> 32) as u32)
}

/// What is between prefix and suffix, when the bytes are whole and a holder of the key has made them.
pub(super) fn open<'a>(key: &ArtifactKey, bytes: &'a [u8]) -> Result<&'a [u8], ArtifactError> {
    let behind = bytes.strip_prefix(MAGIC).ok_or(ArtifactError::NotAnArtifact)?;
    let found = bytes.len() as u64;
    let short = ArtifactError::Length { expected: 0, found };
    let (format, behind) = behind.split_first_chunk().ok_or(short.clone())?;
    let format = u16::from_le_bytes(*format);
    if format != FORMAT {
        return Err(ArtifactError::Format { found: format });
    }
    let (expected, behind) = behind.split_first_chunk().ok_or(short.clone())?;
    let expected = u64::from_le_bytes(*expected);
    if expected != found {
        return Err(ArtifactError::Length { expected, found });
    }
    let (contents, suffix) = behind.split_last_chunk::<SUFFIX>().ok_or(short)?;
    let (hash, authentic) = suffix.split_at(32);
    let (hashed, _) = bytes.split_at(bytes.len() - SUFFIX);
    let computed = blake3::hash(hashed);
    // Comparisons of these hashes take the same time for all of them.
    if computed != *<&[u8; 32]>::try_from(hash).expect("half of 64") {
        return Err(ArtifactError::Damaged);
    }
    if tag(key, &computed) != *<&[u8; 32]>::try_from(authentic).expect("half of 64") {
        return Err(ArtifactError::Key);
    }
    Ok(contents)
}

/// The parts behind the settings, as they stand in the bytes.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    thunks: Thunks,
    pub(super) wasm: &'a [u8],
    functions: &'a [[u8; 8]],
    sites: &'a [[u8; 8]],
    code: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Reads what is behind the settings, to the end.
    pub(super) fn read(mut from: &'a [u8]) -> Result<Parts<'a>, ArtifactError> {
        let malformed = ArtifactError::Malformed { what: "its parts are not as long as it says" };
        let Ok(lengths) = Lengths::decode(&mut from) else { return Err(malformed) };
        let mut take = |count: u32, each: usize| {
            let bytes = usize::try_from(count).ok()?.checked_mul(each)?;
            let (part, behind) = from.split_at_checked(bytes)?;
            from = behind;
            Some(part)
        };
        let parts = (|| {
            Some(Parts {
                thunks: thunks_from_array(lengths.thunks),
                wasm: take(lengths.wasm, 1)?,
                functions: take(lengths.functions, 8)?.as_chunks().0,
                sites: take(lengths.sites, 8)?.as_chunks().0,
                code: take(lengths.code, 1)?,
            })
        })();
        parts.filter(|_| from.is_empty()).ok_or(malformed)
    }

    /// The code with its tables, as the compiler would have made it of the validated module. Frames are the plan's.
    pub(super) fn compiled(&self, validated: &Validated) -> Result<Compiled, ArtifactError> {
        let malformed = |what| Err(ArtifactError::Malformed { what });
        let Validated { info, plan, .. } = validated;
        let beyond = |at: u32| at as usize > self.code.len();
        let is_in_code = |offset: u32| (offset as usize) < self.code.len();
        if !thunks_to_array(&self.thunks).into_iter().all(is_in_code) {
            return malformed("a thunk is not in its code");
        }
        if self.functions.len() != info.bodies.len() {
            return malformed("it has not as many functions as its module");
        }
        let functions: Vec<CompiledFunction> = self
            .functions
            .iter()
            .zip(plan.functions())
            .map(|(function, plan)| {
                let (entry, end) = unpair(function);
                CompiledFunction { entry, end, frame_slots: plan.frame_slots() }
            })
            .collect();
        let in_order = functions.iter().all(|function| function.entry <= function.end)
            && functions.is_sorted_by(|one, next| one.end <= next.entry);
        if !in_order || functions.last().is_some_and(|function| beyond(function.end)) {
            return malformed("its functions are not one behind the other");
        }
        let sites: Vec<Site> = self
            .sites
            .iter()
            .map(|site| {
                let (native, wasm) = unpair(site);
                Site { native, wasm }
            })
            .collect();
        if !sites.is_sorted_by_key(|site| site.native) || sites.last().is_some_and(|site| beyond(site.native))
        {
            return malformed("its sites are not in order");
        }
        Ok(Compiled { code: self.code.to_vec().into(), thunks: self.thunks, functions, sites })
    }
}

/// The thunks in the order of the format.
fn thunks_to_array(thunks: &Thunks) -> [u32; 9] {
    let Thunks {
        enter,
        enter_values,
        resume,
        resume_unchanged,
        host_import,
        host_indirect,
        switch_import,
        switch_indirect,
        memory_fault,
    } = *thunks;
    [
        enter,
        enter_values,
        resume,
        resume_unchanged,
        host_import,
        host_indirect,
        switch_import,
        switch_indirect,
        memory_fault,
    ]
}

fn thunks_from_array(offsets: [u32; 9]) -> Thunks {
    let [
        enter,
        enter_values,
        resume,
        resume_unchanged,
        host_import,
        host_indirect,
        switch_import,
        switch_indirect,
        memory_fault,
    ] = offsets;
    Thunks {
        enter,
        enter_values,
        resume,
        resume_unchanged,
        host_import,
        host_indirect,
        switch_import,
        switch_indirect,
        memory_fault,
    }
}
