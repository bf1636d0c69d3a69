//! One outcome from the interpreter and from machine code, with guard pages and with explicit bounds.
//!
//! Owns the comparison: outcome, gas left, peak, the whole backtrace, memories, globals and tables, after every step. It
//! must not know where modules come from, nor which of the two is right.

mod counts;
mod examine;
mod linked;
mod reduce;

use lockstep_vm::{Extern, Module};

pub use counts::Counts;
pub use examine::{Options, examine};

use super::digest::{Digest, Hasher};
use super::ours::{Ours, Seen};
use super::prepare::NotReady;
use super::quiet;
use super::setup::Setup;
use super::three_ways::{Call, Difference, Script};
use super::value::{Outcome, Value};
use linked::FIRST;

/// A module, ready for each way of running it.
pub struct Subject {
    /// The interpreter's first.
    ways: Vec<Way>,
}

struct Way {
    name: &'static str,
    setup: Setup,
    /// What the module imports from, if it is linked.
    first: Option<Module>,
    module: Module,
}

impl Subject {
    /// Validates and compiles a module for each way.
    ///
    /// # Errors
    /// When it is refused, or when not all ways refuse it.
    pub fn new(setup: &Setup, wasm: &[u8]) -> Result<Self, NotReady> {
        Self::linked(setup, None, wasm)
    }

    /// The same for a module that imports from another.
    ///
    /// # Errors
    /// When one is refused, or when not all ways refuse it.
    pub fn linked(setup: &Setup, first: Option<&[u8]>, wasm: &[u8]) -> Result<Self, NotReady> {
        let setups = [
            ("interpreter", setup.clone()),
            ("guarded", setup.native(true)),
            ("bounded", setup.native(false)),
        ];
        let mut ways = Vec::new();
        for (name, setup) in setups {
            let made = quiet::catch(|| {
                let first = first.map(|first| Module::new(&setup.engine, first)).transpose()?;
                Ok::<_, lockstep_vm::Error>((first, Module::new(&setup.engine, wasm)?))
            });
            let why = match made {
                Ok(Ok((first, module))) => {
                    ways.push(Way { name, setup, first, module });
                    continue;
                }
                Ok(Err(error)) if ways.is_empty() => return Err(NotReady::Refused(error.to_string())),
                Ok(Err(error)) => error.to_string(),
                Err(panic) => panic,
            };
            return Err(NotReady::Different(Difference {
                step: 0,
                what: format!("{name}: whether it can be compiled"),
                ours: "accepted".into(),
                other: why,
            }));
        }
        Ok(Self { ways })
    }

    /// The module, as the interpreter has it.
    pub fn module(&self) -> &Module {
        &self.ways[0].module
    }

    /// Runs a script on the interpreter alone, with the recount.
    pub fn interpret(&self, script: &Script) -> Vec<Seen> {
        let mut run = Run::new(&self.ways[0], script.stack_slots, true);
        let mut seen = vec![run.instantiate(script.gas)];
        if run.exports.is_some() {
            for call in &script.calls {
                seen.push(run.call(call));
            }
        }
        seen
    }

    /// Runs a script each way and answers the steps as the interpreter took them.
    ///
    /// # Errors
    /// What the other ways say of the first step on which not all agree.
    pub fn compare(&self, script: &Script, audited: bool) -> Result<Vec<Seen>, Vec<Difference>> {
        let guarded = quiet::catch(|| self.compare_unguarded(script, audited));
        guarded.unwrap_or_else(|panic| {
            Err(vec![Difference { step: 0, what: "a panic".into(), ours: panic, other: "none".into() }])
        })
    }

    fn compare_unguarded(&self, script: &Script, audited: bool) -> Result<Vec<Seen>, Vec<Difference>> {
        let mut runs: Vec<Run<'_>> = (0..)
            .zip(&self.ways)
            .map(|(number, way)| Run::new(way, script.stack_slots, audited && number == 0))
            .collect();
        let mut steps = Vec::new();
        for step in 0..=script.calls.len() {
            let call = step.checked_sub(1).map(|call| &script.calls[call]);
            let mut seen: Vec<Seen> = runs
                .iter_mut()
                .map(|run| match call {
                    None => run.instantiate(script.gas),
                    Some(call) => run.call(call),
                })
                .collect();
            let last = step == script.calls.len();
            let mut differences = Vec::new();
            for other in 1..runs.len() {
                let mut differ = |what: &str, ours: String, other_one: String| {
                    let what = format!("{}: {what}", runs[other].way.name);
                    differences.push(Difference { step, what, ours, other: other_one });
                };
                compare_endings(&seen[0], &seen[other], &mut differ);
                runs[0].compare_state(&runs[other], last, &mut differ);
            }
            if !differences.is_empty() {
                return Err(differences);
            }
            let mut agreed = seen.swap_remove(0);
            if last {
                agreed.state = runs[0].state();
            }
            steps.push(agreed);
            if runs[0].exports.is_none() {
                break;
            }
        }
        Ok(steps)
    }
}

fn compare_endings(ours: &Seen, other: &Seen, differ: &mut dyn FnMut(&str, String, String)) {
    let (a, b) = (&ours.ended, &other.ended);
    if !a.outcome.agrees(&b.outcome) {
        differ("outcome", a.outcome.to_string(), b.outcome.to_string());
    }
    if a.gas != b.gas {
        differ("gas left", a.gas.to_string(), b.gas.to_string());
    }
    if a.peak != b.peak {
        differ("peak of the stack", a.peak.to_string(), b.peak.to_string());
    }
    if ours.backtrace != other.backtrace {
        differ("backtrace", format!("{:x?}", ours.backtrace), format!("{:x?}", other.backtrace));
    }
}

/// A store with an instance.
struct Run<'a> {
    way: &'a Way,
    ours: Ours,
    /// The number of the module's instance.
    instance: usize,
    /// What the instance exports, once there is one.
    exports: Option<Vec<(String, Extern)>>,
}

impl<'a> Run<'a> {
    fn new(way: &'a Way, stack_slots: u64, audited: bool) -> Self {
        Self { way, ours: Ours::new(&way.setup, stack_slots, audited), instance: 0, exports: None }
    }

    fn instantiate(&mut self, gas: u64) -> Seen {
        let mut gas = gas;
        if let Some(first) = &self.way.first {
            let seen = self.ours.instantiate(first, gas);
            if !matches!(seen.ended.outcome, Outcome::Returned(_)) {
                return seen;
            }
            self.ours.register(0, FIRST);
            self.instance = 1;
            gas = seen.ended.gas;
        }
        let seen = self.ours.instantiate(&self.way.module, gas);
        if let Outcome::Returned(_) = seen.ended.outcome {
            self.exports = Some(self.ours.exports(self.instance));
        }
        seen
    }

    fn call(&mut self, call: &Call) -> Seen {
        self.ours.call(self.instance, &call.export, &call.arguments, call.gas)
    }

    /// A digest of what is exported.
    fn state(&self) -> Option<Digest> {
        let mut hasher = Hasher::default();
        hasher.state(&self.ours, self.exports.as_ref()?);
        Some(hasher.finish())
    }

    /// Compares memories and globals; tables too, when asked to.
    fn compare_state(&self, other: &Run<'_>, tables: bool, differ: &mut dyn FnMut(&str, String, String)) {
        let (Some(ours), Some(others)) = (&self.exports, &other.exports) else { return };
        for ((name, a), (_, b)) in ours.iter().zip(others) {
            match (*a, *b) {
                (Extern::Memory(a), Extern::Memory(b)) => {
                    let (a, b) = (self.ours.memory(a), other.ours.memory(b));
                    if a.len() != b.len() {
                        differ(
                            &format!("bytes of memory {name:?}"),
                            a.len().to_string(),
                            b.len().to_string(),
                        );
                    } else if a != b {
                        let at = a.iter().zip(b).position(|(a, b)| a != b).unwrap_or_default();
                        differ(&format!("memory {name:?} at {at:#x}"), a[at].to_string(), b[at].to_string());
                    }
                }
                (Extern::Global(a), Extern::Global(b)) => {
                    let (a, b) = (self.ours.global(a), other.ours.global(b));
                    if a != b {
                        differ(&format!("global {name:?}"), a.to_string(), b.to_string());
                    }
                }
                (Extern::Table(a), Extern::Table(b)) if tables => {
                    let sizes = (self.ours.table_size(a), other.ours.table_size(b));
                    if sizes.0 != sizes.1 {
                        differ(&format!("size of table {name:?}"), sizes.0.to_string(), sizes.1.to_string());
                        continue;
                    }
                    for index in 0..sizes.0 {
                        let (a, b) = (self.ours.element(a, index), other.ours.element(b, index));
                        if a != b {
                            let show =
                                |value: Option<Value>| value.map_or("nothing".into(), |it| it.to_string());
                            differ(&format!("table {name:?} at {index}"), show(a), show(b));
                            break;
                        }
                    }
                }
                _ => {}
            }
        }
    }
}
