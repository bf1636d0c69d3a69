//! The format of vectors and of their schedule.
//!
//! Owns what can be written in one; everything else is refused. It must not know how a vector is played.

use lockstep_vm::{FloatPolicy, Op, Schedule, Val};
use serde::{Deserialize, Deserializer, de};
use std::collections::BTreeMap;

/// Gas where a vector says nothing.
pub(crate) const GAS: u64 = 1_000_000_000;

/// One vector.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vector {
    /// What could go wrong.
    #[allow(dead_code, reason = "for readers; it must be there")]
    pub(crate) title: String,
    /// The page of the law that decides.
    pub(crate) law: String,
    #[serde(default)]
    pub(crate) floats: Floats,
    #[serde(default)]
    pub(crate) limits: VectorLimits,
    #[serde(rename = "module")]
    pub(crate) modules: Vec<ModuleEntry>,
    #[serde(rename = "step", default)]
    pub(crate) steps: Vec<Step>,
}

#[derive(Deserialize, Clone, Copy, Debug, Default)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Floats {
    #[default]
    Reject,
    Canonical,
}

impl From<Floats> for FloatPolicy {
    fn from(floats: Floats) -> Self {
        match floats {
            Floats::Reject => FloatPolicy::Reject,
            Floats::Canonical => FloatPolicy::Canonical,
        }
    }
}

/// Run limits; what is not named has the engine's default.
#[derive(Deserialize, Clone, Copy, Debug, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct VectorLimits {
    pub(crate) stack_slots: Option<u64>,
    pub(crate) activation_depth: Option<u32>,
    pub(crate) memory_pages: Option<u64>,
    pub(crate) table_elements: Option<u64>,
}

/// A module to instantiate.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModuleEntry {
    pub(crate) name: Option<String>,
    #[serde(default = "default_gas")]
    pub(crate) gas: u64,
    pub(crate) wat: String,
    #[serde(default)]
    pub(crate) outcome: ModuleOutcome,
    pub(crate) trap: Option<TrapName>,
    pub(crate) code: Option<String>,
    pub(crate) gas_used: Option<u64>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ModuleOutcome {
    #[default]
    Returned,
    Trapped,
    Refused,
    Invalid,
}

/// A call.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) module: Option<String>,
    pub(crate) call: String,
    #[serde(default)]
    pub(crate) args: Vec<Value>,
    #[serde(default = "default_gas")]
    pub(crate) gas: u64,
    pub(crate) outcome: StepOutcome,
    pub(crate) results: Option<Vec<Value>>,
    pub(crate) trap: Option<TrapName>,
    pub(crate) trap_function: Option<u32>,
    pub(crate) gas_used: Option<u64>,
    pub(crate) peak: Option<u64>,
    #[serde(default)]
    pub(crate) memory: Vec<(u64, Bytes)>,
    #[serde(default)]
    pub(crate) globals: BTreeMap<String, Value>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StepOutcome {
    Returned,
    Trapped,
    Stopped,
}

fn default_gas() -> u64 {
    GAS
}

/// The kind of a trap by its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TrapName(pub(crate) lockstep_vm::Trap);

impl<'de> Deserialize<'de> for TrapName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let trap = lockstep_vm::Trap::from_name(&name);
        trap.map(TrapName).ok_or_else(|| de::Error::custom(format!("no trap is called {name:?}")))
    }
}

/// A value, as `i32:-1`, `f32:0x7fc00000` or `ref.null:func`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Value(pub(crate) Val);

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let value = parse_value(&text);
        value.map(Value).ok_or_else(|| de::Error::custom(format!("{text:?} is no value")))
    }
}

fn parse_value(text: &str) -> Option<Val> {
    let (ty, value) = text.split_once(':')?;
    // Floats are written as all of their bits, so that a forgotten digit is seen.
    let bits = |digits: usize| {
        let hexadecimal = value.strip_prefix("0x").filter(|rest| rest.len() == digits)?;
        u64::from_str_radix(hexadecimal, 16).ok()
    };
    Some(match ty {
        "i32" => Val::I32(value.parse().ok()?),
        "i64" => Val::I64(value.parse().ok()?),
        "f32" => Val::F32(u32::try_from(bits(8)?).ok()?),
        "f64" => Val::F64(bits(16)?),
        "ref.null" if value == "func" => Val::FuncRef(None),
        "ref.null" if value == "extern" => Val::ExternRef(None),
        _ => return None,
    })
}

/// Bytes in hexadecimal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes: Option<Vec<u8>> = match text.is_ascii() && text.len().is_multiple_of(2) {
            true => {
                (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
            }
            false => None,
        };
        bytes.map(Bytes).ok_or_else(|| de::Error::custom(format!("{text:?} is no hexadecimal")))
    }
}

/// The prices that the vectors were computed with.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScheduleFile {
    /// Every operator that is not listed.
    operator: u32,
    operators: BTreeMap<String, u32>,
    prices: BTreeMap<String, u32>,
}

impl ScheduleFile {
    /// The schedule.
    ///
    /// # Panics
    /// When a name is unknown or a price is missing.
    pub(crate) fn schedule(&self) -> Schedule {
        let mut schedule = Schedule::default();
        for &op in Op::ALL {
            // By law and in no schedule.
            let free = matches!(op, Op::Block | Op::Else | Op::End);
            schedule.set(op, if free { 0 } else { self.operator });
        }
        for (name, price) in &self.operators {
            schedule
                .set(Op::from_name(name).unwrap_or_else(|| panic!("no operator is called {name:?}")), *price);
        }
        let missing: Vec<&str> = schedule
            .prices
            .named()
            .map(|(name, _)| name)
            .filter(|name| !self.prices.contains_key(*name))
            .collect();
        assert!(missing.is_empty(), "the schedule has no price for {missing:?}");
        for (name, price) in &self.prices {
            *schedule.prices.by_name_mut(name).unwrap_or_else(|| panic!("no price is called {name:?}")) =
                *price;
        }
        schedule
    }
}
