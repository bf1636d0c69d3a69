//! Names this build: `LOCKSTEP_BUILD` is a hash of the sources that decide what machine code is and what it runs with.
//!
//! Artifacts carry it, because a version's number stays the same while it is worked on. It is no defence against anybody,
//! so a simple hash will do. The gas crate's sources are there wherever this is built from its repository.

use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    let mut hash = Fnv::default();
    for root in ["src", "../gas/src"] {
        let root = Path::new(root);
        if root.is_dir() {
            println!("cargo:rerun-if-changed={}", root.display());
            let mut files = Vec::new();
            find(root, &mut files);
            files.sort();
            for file in files {
                let content = fs::read(&file).expect("sources can be read");
                hash.add(file.to_string_lossy().replace('\\', "/").as_bytes());
                hash.add(&content);
            }
        }
    }
    hash.add(&[u8::from(cfg!(feature = "short-branches"))]);
    println!("cargo:rustc-env=LOCKSTEP_BUILD={:016x}", hash.0);
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("sources can be listed") {
        let path = entry.expect("sources can be listed").path();
        if path.is_dir() {
            find(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// The hash FNV-1a, with the length of each part.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn add(&mut self, bytes: &[u8]) {
        for byte in (bytes.len() as u64).to_le_bytes().iter().chain(bytes) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
}
