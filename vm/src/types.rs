//! The types of WebAssembly values and of what modules import and export.
//!
//! Owns the types and how an import's type is matched by what is given for it. It must not know values or stores.

use alloc::boxed::Box;
use core::fmt;

/// The type of a value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum ValType {
    /// 32-bit integer.
    I32,
    /// 64-bit integer.
    I64,
    /// 32-bit float, always handled as its bits.
    F32,
    /// 64-bit float, always handled as its bits.
    F64,
    /// A nullable reference to a function.
    FuncRef,
    /// A nullable reference to something of the host's.
    ExternRef,
}

impl ValType {
    /// Whether this is a reference type.
    pub const fn is_ref(self) -> bool {
        matches!(self, ValType::FuncRef | ValType::ExternRef)
    }

    /// Whether this is a float type.
    pub const fn is_float(self) -> bool {
        matches!(self, ValType::F32 | ValType::F64)
    }
}

impl fmt::Display for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ValType::I32 => "i32",
            ValType::I64 => "i64",
            ValType::F32 => "f32",
            ValType::F64 => "f64",
            ValType::FuncRef => "funcref",
            ValType::ExternRef => "externref",
        })
    }
}

/// The type of a function: what it takes and what it gives.
///
/// ```
/// use lockstep_vm::{FuncType, ValType};
///
/// let ty = FuncType::new([ValType::I32, ValType::I64], [ValType::I32]);
/// assert_eq!(ty.to_string(), "[i32 i64] -> [i32]");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FuncType {
    parameters: Box<[ValType]>,
    results: Box<[ValType]>,
}

impl FuncType {
    /// The type of functions that take these parameters and give these results.
    pub fn new(
        parameters: impl IntoIterator<Item = ValType>,
        results: impl IntoIterator<Item = ValType>,
    ) -> Self {
        FuncType { parameters: parameters.into_iter().collect(), results: results.into_iter().collect() }
    }

    /// The types of the parameters.
    pub fn params(&self) -> &[ValType] {
        &self.parameters
    }

    /// The types of the results.
    pub fn results(&self) -> &[ValType] {
        &self.results
    }
}

impl fmt::Display for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, types: &[ValType]| {
            f.write_str("[")?;
            for (index, ty) in types.iter().enumerate() {
                let space = if index == 0 { "" } else { " " };
                write!(f, "{space}{ty}")?;
            }
            f.write_str("]")
        };
        list(f, &self.parameters)?;
        f.write_str(" -> ")?;
        list(f, &self.results)
    }
}

/// The type of a memory, in pages of 64 KiB.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(clippy::exhaustive_structs, reason = "the spec's limits, and nothing else")]
pub struct MemoryType {
    /// Pages at the start.
    pub minimum: u64,
    /// Pages that growth may reach, where declared.
    pub maximum: Option<u64>,
}

impl fmt::Display for MemoryType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "memory {}", Range(self.minimum, self.maximum))
    }
}

/// The type of a table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(clippy::exhaustive_structs, reason = "the spec's limits and element type, and nothing else")]
pub struct TableType {
    /// The type of the elements; a reference type.
    pub element: ValType,
    /// Elements at the start.
    pub minimum: u64,
    /// Elements that growth may reach, where declared.
    pub maximum: Option<u64>,
}

impl fmt::Display for TableType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table {} {}", Range(self.minimum, self.maximum), self.element)
    }
}

/// The type of a global.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(clippy::exhaustive_structs, reason = "the spec's mutability and content, and nothing else")]
pub struct GlobalType {
    /// The type of the value.
    pub content: ValType,
    /// Whether it can be set.
    pub mutable: bool,
}

impl fmt::Display for GlobalType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.mutable {
            write!(f, "global (mut {})", self.content)
        } else {
            write!(f, "global {}", self.content)
        }
    }
}

/// The type of something that can be imported and exported.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[allow(clippy::exhaustive_enums, reason = "the spec's four")]
pub enum ExternType {
    /// A function.
    Func(FuncType),
    /// A table.
    Table(TableType),
    /// A memory.
    Memory(MemoryType),
    /// A global.
    Global(GlobalType),
}

impl ExternType {
    /// Whether something of type `given` may stand where this type is imported: the spec's import matching. For
    /// memories and tables, the minimum of `given` is the size now.
    pub fn matches(&self, given: &ExternType) -> bool {
        match (self, given) {
            (ExternType::Func(wanted), ExternType::Func(given)) => wanted == given,
            (ExternType::Table(wanted), ExternType::Table(given)) => {
                wanted.element == given.element
                    && Range(wanted.minimum, wanted.maximum).admits(Range(given.minimum, given.maximum))
            }
            (ExternType::Memory(wanted), ExternType::Memory(given)) => {
                Range(wanted.minimum, wanted.maximum).admits(Range(given.minimum, given.maximum))
            }
            (ExternType::Global(wanted), ExternType::Global(given)) => wanted == given,
            _ => false,
        }
    }
}

impl fmt::Display for ExternType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExternType::Func(ty) => write!(f, "func {ty}"),
            ExternType::Table(ty) => ty.fmt(f),
            ExternType::Memory(ty) => ty.fmt(f),
            ExternType::Global(ty) => ty.fmt(f),
        }
    }
}

/// A minimum and perhaps a maximum: the spec's *limits*.
struct Range(u64, Option<u64>);

impl Range {
    fn admits(&self, given: Range) -> bool {
        given.0 >= self.0
            && match (self.1, given.1) {
                (None, _) => true,
                (Some(wanted), Some(given)) => given <= wanted,
                (Some(_), None) => false,
            }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            None => write!(f, "{}..", self.0),
            Some(maximum) => write!(f, "{}..={maximum}", self.0),
        }
    }
}
