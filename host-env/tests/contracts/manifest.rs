//! The manifest names every contract, and the committed modules are those it names.

use super::chain::wasm;
use sha2::{Digest, Sha256};
use std::path::Path;

/// `key = "value"` or `key = value`.
fn field<'a>(block: &'a str, key: &str) -> &'a str {
    let line = block.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
    line.unwrap_or_else(|| panic!("no {key} in {block}")).trim_matches('"')
}

#[test]
fn every_contract_is_in_the_manifest() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("contracts");
    let manifest = std::fs::read_to_string(folder.join("manifest.toml")).unwrap();
    let readme = std::fs::read_to_string(folder.join("README.md")).unwrap();
    let mut blocks = manifest.split("[[contract]]\n");
    assert!(field(blocks.next().unwrap(), "rustc").starts_with("rustc 1."));
    let mut named = Vec::new();
    for block in blocks {
        let name = field(block, "name");
        let code = wasm(name);
        let hash: String = Sha256::digest(&code).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            (field(block, "bytes"), field(block, "sha256")),
            (&code.len().to_string()[..], &hash[..]),
            "{name}"
        );
        assert!(folder.join(field(block, "source")).is_file(), "{name}");
        assert!(readme.contains(&format!("## {name}\n")), "README.md has no section {name}");
        named.push(format!("{name}.wasm"));
    }
    let mut found: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".wasm"))
        .collect();
    found.sort();
    assert_eq!(named, found);
}
