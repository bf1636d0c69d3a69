//! From a seed to a module and the law it runs under.
//!
//! Owns the mix: which generators, how many floats and imports, which inputs. It must not know what is found out.

use lockstep_vm::ValType;

use super::setup::Setup;
use super::three_ways::Call;
use super::value::{Value, function_name};
use crate::generate::Allowed;
use crate::generate::edges::{FLOATS, INTEGERS, edges, narrow};
use crate::generate::pressure::pressure;
use crate::generate::program::{Options, Size, program};
use crate::generate::smith::smith;
use crate::random::Random;

/// Where a module comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A program of a few dozen runs.
    Tiny,
    /// A program.
    Normal,
    /// A long program.
    Large,
    /// A module of wasm-smith's.
    Smith,
    /// Single operators, called with all special operands.
    Edges,
    /// Straight code with more values than there are registers.
    Pressure,
}

/// The share of each kind in a hundred.
const MIX: [(Kind, u32); 5] =
    [(Kind::Tiny, 26), (Kind::Normal, 47), (Kind::Large, 5), (Kind::Smith, 18), (Kind::Edges, 4)];

/// The same where compilers are tried.
const COMPILER_MIX: [(Kind, u32); 6] = [
    (Kind::Tiny, 25),
    (Kind::Normal, 22),
    (Kind::Large, 1),
    (Kind::Smith, 20),
    (Kind::Edges, 2),
    (Kind::Pressure, 30),
];

/// Gas for programs, which always end.
const PROGRAM_GAS: u64 = 1 << 60;
/// Gas for modules that may run for ever: in units of the default schedule some 100,000 operators.
const SMITH_GAS: u64 = 300_000;

/// A module, and choices yet to be made for it.
#[derive(Debug)]
pub struct Recipe {
    /// Its seed.
    pub seed: u64,
    /// Where it comes from.
    pub kind: Kind,
    /// The module.
    pub wasm: Vec<u8>,
    /// The law.
    pub setup: Setup,
    /// The choices to come.
    pub random: Random,
}

impl Recipe {
    /// The recipe of a seed, with floats in so many of a hundred modules.
    pub fn new(seed: u64, float_percent: u32) -> Self {
        Self::mixed(seed, Random::new(seed ^ 0x7468_7265_6577_6179), float_percent, &MIX)
    }

    /// The same with the mix that shows most of a compiler.
    pub fn of_compilers(seed: u64, float_percent: u32) -> Self {
        Self::mixed(seed, Random::new(seed ^ 0x6571_7561_6c69_7479), float_percent, &COMPILER_MIX)
    }

    fn mixed(seed: u64, mut random: Random, float_percent: u32, mix: &[(Kind, u32)]) -> Self {
        let floats = random.percent(float_percent);
        let imports = random.percent(60);
        let shares: Vec<u32> = mix.iter().map(|(_, share)| *share).collect();
        let (kind, _) = mix[random.weighted(&shares)];
        let module_seed = random.u64();
        let allowed = Allowed { floats, imports };
        let wasm = match kind {
            Kind::Tiny => program(module_seed, Options { size: Size::Tiny, allowed }),
            Kind::Normal => program(module_seed, Options { size: Size::Normal, allowed }),
            Kind::Large => program(module_seed, Options { size: Size::Large, allowed }),
            Kind::Smith => smith(module_seed, floats),
            Kind::Edges => edges(module_seed, floats),
            Kind::Pressure => pressure(module_seed, allowed),
        };
        let setup = Setup::random(&mut random, floats);
        Self { seed, kind, wasm, setup, random }
    }

    /// The gas for an instantiation, and for a call after it.
    pub fn gas(&self) -> u64 {
        match self.kind {
            Kind::Smith => SMITH_GAS,
            _ => PROGRAM_GAS,
        }
    }

    /// The calls of a module with these exported functions.
    pub fn calls(&mut self, exports: &[(String, Vec<ValType>)]) -> Vec<Call> {
        let gas = Some(self.gas());
        if self.kind == Kind::Edges {
            let calls = exports.iter().flat_map(|(export, parameters)| {
                let call = |arguments| Call { export: export.clone(), arguments, gas };
                special(parameters).into_iter().map(call)
            });
            return calls.collect();
        }
        let random = &mut self.random;
        let names: Vec<&str> = match self.kind {
            Kind::Tiny => vec!["run"],
            Kind::Normal => vec!["run", "callback", "run"],
            Kind::Large => vec!["run", "run"],
            Kind::Edges => Vec::new(),
            Kind::Smith | Kind::Pressure if exports.is_empty() => Vec::new(),
            Kind::Smith | Kind::Pressure => {
                let count = random.range(1, 3);
                (0..count).map(|_| exports[random.below(exports.len())].0.as_str()).collect()
            }
        };
        let parameters = |name: &str| {
            let export = exports.iter().find(|(export, _)| export == name);
            export.map(|(_, parameters)| parameters.as_slice()).unwrap_or_default()
        };
        names
            .into_iter()
            .map(|name| Call {
                export: name.into(),
                arguments: parameters(name).iter().map(|ty| value(random, *ty, exports)).collect(),
                gas,
            })
            .collect()
    }
}

/// Calls of all of these exported functions, in turn, so many together.
pub fn inputs(random: &mut Random, exports: &[(String, Vec<ValType>)], count: usize, gas: u64) -> Vec<Call> {
    let call = |(export, parameters): &(String, Vec<ValType>)| Call {
        export: export.clone(),
        arguments: parameters.iter().map(|ty| value(random, *ty, exports)).collect(),
        gas: Some(gas),
    };
    exports.iter().cycle().take(if exports.is_empty() { 0 } else { count }).map(call).collect()
}

/// Every special operand, or every pair of them.
fn special(parameters: &[ValType]) -> Vec<Vec<Value>> {
    let Some(first) = parameters.first() else { return vec![Vec::new()] };
    let values: Vec<Value> = match first {
        ValType::I32 => INTEGERS.iter().map(|value| Value::I32(*value as i32)).collect(),
        ValType::I64 => INTEGERS.iter().map(|value| Value::I64(*value)).collect(),
        ValType::F32 => FLOATS.iter().map(|bits| Value::F32(narrow(*bits))).collect(),
        _ => FLOATS.iter().map(|bits| Value::F64(*bits)).collect(),
    };
    let single = values.iter().map(|value| vec![value.clone()]);
    if parameters.len() == 1 {
        return single.collect();
    }
    let pairs = single.flat_map(|first| {
        values.iter().map(move |second| [first.as_slice(), std::slice::from_ref(second)].concat())
    });
    pairs.collect()
}

/// A value of a type: often one at which operators behave in a special way.
fn value(random: &mut Random, ty: ValType, exports: &[(String, Vec<ValType>)]) -> Value {
    const SPECIAL: [i64; 14] =
        [0, 1, -1, 2, 5, 31, 32, 63, 64, 0x7fff_ffff, -0x8000_0000, i64::MAX, i64::MIN, 0x1_0000];
    const SPECIAL_F64: [f64; 12] = [
        0.0,
        -0.0,
        1.0,
        -1.5,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        f64::MIN_POSITIVE,
        2147483648.0,
        -2147483649.0,
        9223372036854775808.0,
        0.5,
    ];
    let special = random.percent(50);
    match ty {
        ValType::I32 if special => Value::I32(random.pick(&SPECIAL) as i32),
        ValType::I32 => Value::I32(random.u32() as i32),
        ValType::I64 if special => Value::I64(random.pick(&SPECIAL)),
        ValType::I64 => Value::I64(random.u64() as i64),
        ValType::F32 if special => Value::F32((random.pick(&SPECIAL_F64) as f32).to_bits()),
        ValType::F32 => Value::F32(random.u32()),
        ValType::F64 if special => Value::F64(random.pick(&SPECIAL_F64).to_bits()),
        ValType::F64 => Value::F64(random.u64()),
        ValType::FuncRef if special || exports.is_empty() => Value::Func(None),
        ValType::FuncRef => Value::Func(Some(function_name(0, &exports[random.below(exports.len())].0))),
        ValType::ExternRef if special => Value::Extern(None),
        ValType::ExternRef => Value::Extern(Some(random.u32() % 4)),
        other => unreachable!("no accepted module has a value of type {other}"),
    }
}
