//! Values and endings, in terms that belong to no engine.
//!
//! Owns what two engines must agree on after a call. It must not know how either says it.

use std::fmt;

use lockstep_vm::Trap;

/// A value that can be compared across engines: floats by their bits, references by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A 32-bit integer.
    I32(i32),
    /// A 64-bit integer.
    I64(i64),
    /// The bits of a 32-bit float.
    F32(u32),
    /// The bits of a 64-bit float.
    F64(u64),
    /// Null, or a function by the name under which an instance exports it; [`UNNAMED`] when none does.
    Func(Option<String>),
    /// Null, or a value of the host's by its number.
    Extern(Option<u32>),
}

/// The name of a function that no instance exports.
pub const UNNAMED: &str = "not exported";

/// The name of a function: that of the instance and of its export.
pub fn function_name(instance: usize, export: &str) -> String {
    format!("{instance}:{export}")
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::I32(value) => write!(f, "i32:{value}"),
            Self::I64(value) => write!(f, "i64:{value}"),
            Self::F32(bits) => write!(f, "f32:{bits:#010x}"),
            Self::F64(bits) => write!(f, "f64:{bits:#018x}"),
            Self::Func(None) => f.write_str("ref.null:func"),
            Self::Func(Some(name)) => write!(f, "func:{name}"),
            Self::Extern(None) => f.write_str("ref.null:extern"),
            Self::Extern(Some(number)) => write!(f, "extern:{number}"),
        }
    }
}

/// How an execution came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It returned these values.
    Returned(Vec<Value>),
    /// It trapped.
    Trapped(Trap),
    /// The instance could not be linked. The text is for people and not compared.
    Refused(String),
    /// The engine failed, which none may.
    Failed(String),
}

impl Outcome {
    /// Whether this is the same for the law.
    pub fn agrees(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Refused(_), Self::Refused(_)) => true,
            (Self::Failed(_), _) | (_, Self::Failed(_)) => false,
            _ => self == other,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Returned(values) => {
                f.write_str("returned")?;
                values.iter().try_for_each(|value| write!(f, " {value}"))
            }
            Self::Trapped(trap) => write!(f, "trapped {}", trap.name()),
            Self::Refused(reason) => write!(f, "refused: {reason}"),
            Self::Failed(reason) => write!(f, "failed: {reason}"),
        }
    }
}

/// What an execution left behind, beside memories, tables and globals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// How it ended.
    pub outcome: Outcome,
    /// The gas left.
    pub gas: u64,
    /// The greatest height of the stack, in slots.
    pub peak: u64,
}
