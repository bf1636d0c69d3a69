//! The ways to run a module, and a comparison of all they do.
//!
//! Owns the stores. It must not know what is run.

use lockstep_vm::{
    Backend, CompilerTesting, Config, Engine, Error, ErrorKind, Extern, FloatPolicy, Instance, Limits,
    Linker, Module, Store, Val,
};

/// Gas for every call.
const GAS: u64 = 1 << 50;

/// All that is used by default.
const ALL: CompilerTesting =
    CompilerTesting { checked: false, homes_max: None, lzcnt: true, tzcnt: true, bmi2: true };
const CHECKED: CompilerTesting = CompilerTesting { checked: true, ..ALL };

/// Other machine code that must do the same: code that checks itself, locals that have few registers or none, processors
/// that lack something. The first two leave nothing out; `LOCKSTEP_ALL_COMPILERS` asks for all, which takes three times as
/// long.
const OTHER_COMPILERS: &[(&str, bool, CompilerTesting)] = &[
    ("checked", true, CHECKED),
    (
        "checked, without homes, baseline",
        false,
        CompilerTesting { checked: true, homes_max: Some(0), lzcnt: false, tzcnt: false, bmi2: false },
    ),
    ("one home", true, CompilerTesting { homes_max: Some(1), ..ALL }),
    ("five homes", true, CompilerTesting { homes_max: Some(5), ..ALL }),
    ("without lzcnt", true, CompilerTesting { lzcnt: false, ..ALL }),
    ("without tzcnt", true, CompilerTesting { tzcnt: false, ..ALL }),
    ("without bmi2", true, CompilerTesting { bmi2: false, ..ALL }),
    ("lzcnt only", true, CompilerTesting { tzcnt: false, bmi2: false, ..ALL }),
    ("tzcnt only", true, CompilerTesting { lzcnt: false, bmi2: false, ..ALL }),
    ("bmi2 only", true, CompilerTesting { lzcnt: false, tzcnt: false, ..ALL }),
    ("baseline", true, CompilerTesting { lzcnt: false, tzcnt: false, bmi2: false, ..ALL }),
];
/// How many of them there are unless all are asked for.
const USUAL: usize = 2;

/// A module's instances: one interpreted, one with guard pages, one with explicit bounds, and those of other compilers.
pub(crate) struct Ways(Vec<Way>);

struct Way {
    name: &'static str,
    store: Store<()>,
    instance: Instance,
    exports: Vec<(String, Extern)>,
}

/// How a call ended, with all that it left.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Ended {
    pub(crate) outcome: Result<Vec<Val>, String>,
    pub(crate) frames: Vec<(u32, u32)>,
    pub(crate) gas: u64,
    pub(crate) peak: u64,
}

impl Ways {
    /// Instances of a module, which may import from another.
    #[allow(clippy::disallowed_methods, reason = "how much a test tries is no part of an outcome")]
    pub(crate) fn new(provider: Option<&[u8]>, wasm: &[u8], limits: Limits) -> Ways {
        let config = Config::new().floats(FloatPolicy::Canonical).limits(limits);
        let native = config.clone().backend(Backend::Native);
        let mut configs = vec![
            ("interpreter", config.backend(Backend::Interpreter)),
            ("guarded", native.clone()),
            ("bounded", native.clone().signals_based_traps(false)),
        ];
        let count = match std::env::var_os("LOCKSTEP_ALL_COMPILERS") {
            Some(_) => OTHER_COMPILERS.len(),
            // Emulated, each takes minutes.
            None if cfg!(target_arch = "aarch64") => 0,
            None => USUAL,
        };
        for (name, signals, testing) in &OTHER_COMPILERS[..count] {
            let config = native.clone().signals_based_traps(*signals).compiler_for_tests(*testing);
            configs.push((name, config));
        }
        Ways(configs.into_iter().map(|(name, config)| Way::new(name, &config, provider, wasm)).collect())
    }

    /// Calls an export in every way; answers how it ended when all agree, or else what does not.
    pub(crate) fn call(&mut self, export: &str, arguments: &[Val]) -> Result<Ended, String> {
        self.call_with(export, arguments, GAS)
    }

    /// The same with this much gas.
    pub(crate) fn call_with(&mut self, export: &str, arguments: &[Val], gas: u64) -> Result<Ended, String> {
        let mut ended = self.0.iter_mut().map(|way| way.call(export, arguments, gas));
        let first = ended.next().expect("there is the interpreter");
        let others: Vec<Ended> = ended.collect();
        for (other, way) in others.iter().zip(&self.0[1..]) {
            if *other != first {
                return Err(format!("{export}{arguments:?}: {first:x?}, but {}: {other:x?}", way.name));
            }
        }
        let (interpreter, others) = self.0.split_first().expect("there is the interpreter");
        others.iter().try_for_each(|way| interpreter.compare(way))?;
        Ok(first)
    }

    /// A memory's bytes, in every way.
    pub(crate) fn memories(&self) -> Vec<&[u8]> {
        self.0.iter().filter_map(Way::memory).collect()
    }
}

impl Way {
    fn new(name: &'static str, config: &Config, provider: Option<&[u8]>, wasm: &[u8]) -> Way {
        let engine = Engine::new(config).unwrap();
        let mut store = Store::new(&engine, ());
        store.set_gas(GAS).unwrap();
        let mut linker = Linker::new(&engine);
        if let Some(provider) = provider {
            let module = Module::new(&engine, provider).unwrap();
            let instance = linker.instantiate(&mut store, &module).unwrap();
            linker.instance(&mut store, "provider", instance).unwrap();
        }
        let module = Module::new(&engine, wasm).unwrap_or_else(|error| panic!("{name}: {error}"));
        let instance = linker.instantiate(&mut store, &module).unwrap();
        let exports = instance.exports(&store);
        let exports = exports.map(|export| (export.name().to_string(), export.into_extern())).collect();
        Way { name, store, instance, exports }
    }

    fn call(&mut self, export: &str, arguments: &[Val], gas: u64) -> Ended {
        self.store.set_gas(gas).unwrap();
        let function = self.instance.get_func(&self.store, export).expect("it is exported");
        let mut results = vec![Val::I64(0x5a5a); function.ty(&self.store).results().len()];
        let outcome = function.call(&mut self.store, arguments, &mut results);
        let frames = match outcome.as_ref().map_err(Error::kind) {
            Err(ErrorKind::Trap(trap)) => {
                trap.frames().iter().map(|frame| (frame.function(), frame.offset())).collect()
            }
            _ => Vec::new(),
        };
        let outcome = match outcome {
            Ok(()) => Ok(results),
            Err(error) => Err(error.trap().map_or_else(|| error.to_string(), |trap| trap.name().to_string())),
        };
        Ended { outcome, frames, gas: self.store.gas(), peak: self.store.peak_stack_slots() }
    }

    fn memory(&self) -> Option<&[u8]> {
        self.exports.iter().find_map(|(_, item)| match item {
            Extern::Memory(memory) => Some(memory.data(&self.store)),
            _ => None,
        })
    }

    fn compare(&self, other: &Way) -> Result<(), String> {
        for ((name, a), (_, b)) in self.exports.iter().zip(&other.exports) {
            match (a, b) {
                (Extern::Memory(a), Extern::Memory(b)) => {
                    let (a, b) = (a.data(&self.store), b.data(&other.store));
                    if a != b {
                        let at = a.iter().zip(b).position(|(a, b)| a != b);
                        return Err(format!("{}: memory {name} at {at:x?}", other.name));
                    }
                }
                (Extern::Global(a), Extern::Global(b)) => {
                    let (a, b) = (a.get(&self.store), b.get(&other.store));
                    if a != b {
                        return Err(format!("{}: global {name}: {a:?} {b:?}", other.name));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}
