//! What a validated module contains, as engines and the linker read it.
//!
//! Owns the facts; every index in them has been checked by the validator. It must not know stores or how code is
//! executed.

use crate::types::{ExternType, FuncType, GlobalType, MemoryType, TableType};
use alloc::{boxed::Box, vec::Vec};
use core::ops::Range;

/// The facts of one module. Index spaces begin with the imports, as the spec has them.
#[derive(Debug, Default)]
pub(crate) struct ModuleInfo {
    pub(crate) types: Vec<FuncType>,
    pub(crate) imports: Vec<Import>,
    /// The type index of every function.
    pub(crate) functions: Vec<u32>,
    pub(crate) imported_functions: u32,
    pub(crate) tables: Vec<TableType>,
    pub(crate) imported_tables: u32,
    pub(crate) memories: Vec<MemoryType>,
    pub(crate) imported_memories: u32,
    pub(crate) globals: Vec<GlobalType>,
    pub(crate) imported_globals: u32,
    /// The initial value of each defined global.
    pub(crate) global_initializers: Vec<ConstExpr>,
    pub(crate) exports: Vec<Export>,
    /// The key of each export's name and its place in `exports`, sorted by key, then by name.
    pub(crate) exports_by_name: Vec<(u64, u32)>,
    pub(crate) start: Option<u32>,
    pub(crate) elements: Vec<ElementSegment>,
    pub(crate) data: Vec<DataSegment>,
    /// The body of each defined function.
    pub(crate) bodies: Vec<Body>,
    /// Whether any function ends with a tail call.
    pub(crate) has_tail_calls: bool,
    /// Function names of the name section, for people; sorted by function index.
    pub(crate) function_names: Vec<(u32, Box<str>)>,
}

#[derive(Debug)]
pub(crate) struct Import {
    pub(crate) module: Box<str>,
    pub(crate) name: Box<str>,
    pub(crate) item: ImportItem,
}

/// What is imported. The k-th import of a kind is index k of that kind's space.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ImportItem {
    /// By type index.
    Function(u32),
    Table(TableType),
    Memory(MemoryType),
    Global(GlobalType),
}

#[derive(Debug)]
pub(crate) struct Export {
    pub(crate) name: Box<str>,
    pub(crate) item: ExportItem,
}

/// What is exported, by its index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ExportItem {
    Function(u32),
    Table(u32),
    Memory(u32),
    Global(u32),
}

/// A constant expression in postfix order, without its `end`.
pub(crate) type ConstExpr = Box<[ConstOp]>;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ConstOp {
    I32(i32),
    I64(i64),
    /// Bits.
    F32(u32),
    /// Bits.
    F64(u64),
    GlobalGet(u32),
    RefNull,
    RefFunc(u32),
    I32Add,
    I32Sub,
    I32Mul,
    I64Add,
    I64Sub,
    I64Mul,
}

#[derive(Debug)]
pub(crate) struct ElementSegment {
    pub(crate) mode: ElementMode,
    pub(crate) items: ElementItems,
}

#[derive(Debug)]
pub(crate) enum ElementMode {
    Active { table: u32, offset: ConstExpr },
    Passive,
    Declared,
}

#[derive(Debug)]
pub(crate) enum ElementItems {
    /// By function index.
    Functions(Box<[u32]>),
    /// One constant expression each.
    Expressions(Box<[ConstExpr]>),
}

impl ElementItems {
    pub(crate) fn len(&self) -> usize {
        match self {
            ElementItems::Functions(items) => items.len(),
            ElementItems::Expressions(items) => items.len(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct DataSegment {
    pub(crate) mode: DataMode,
    /// The segment's bytes within the module's.
    pub(crate) bytes: Range<u32>,
}

#[derive(Debug)]
pub(crate) enum DataMode {
    /// Into memory 0, the only one.
    Active {
        offset: ConstExpr,
    },
    Passive,
}

#[derive(Debug)]
pub(crate) struct Body {
    /// The whole body (local declarations and operators) within the module's bytes.
    pub(crate) bytes: Range<u32>,
    /// Where its operators begin, from the start of the module.
    pub(crate) operators: u32,
}

impl ModuleInfo {
    /// The type of a function by its index.
    pub(crate) fn function_type(&self, function: u32) -> &FuncType {
        &self.types[self.functions[function as usize] as usize]
    }

    /// The name of a function where the name section has one.
    pub(crate) fn function_name(&self, function: u32) -> Option<&str> {
        let at = self.function_names.binary_search_by_key(&function, |(index, _)| *index).ok()?;
        Some(&self.function_names[at].1)
    }

    /// The full type of an import.
    pub(crate) fn import_type(&self, import: &Import) -> ExternType {
        match import.item {
            ImportItem::Function(ty) => ExternType::Func(self.types[ty as usize].clone()),
            ImportItem::Table(ty) => ExternType::Table(ty),
            ImportItem::Memory(ty) => ExternType::Memory(ty),
            ImportItem::Global(ty) => ExternType::Global(ty),
        }
    }

    /// The full type of an export.
    pub(crate) fn export_type(&self, item: ExportItem) -> ExternType {
        match item {
            ExportItem::Function(index) => ExternType::Func(self.function_type(index).clone()),
            ExportItem::Table(index) => ExternType::Table(self.tables[index as usize]),
            ExportItem::Memory(index) => ExternType::Memory(self.memories[index as usize]),
            ExportItem::Global(index) => ExternType::Global(self.globals[index as usize]),
        }
    }

    /// The export of this name.
    pub(crate) fn export(&self, name: &str) -> Option<ExportItem> {
        let key = name_key(name);
        let by_name = |(other, at): &(u64, u32)| {
            other.cmp(&key).then_with(|| (*self.exports[*at as usize].name).cmp(name))
        };
        let found = self.exports_by_name.binary_search_by(by_name).ok()?;
        let (_, at) = self.exports_by_name[found];
        Some(self.exports[at as usize].item)
    }
}

/// A number by which names mostly differ, so that long ones are seldom compared: each word is mixed in by a rotation and a
/// multiplication (the hash of Firefox). The same on every machine; what somebody makes collide is compared.
pub(crate) fn name_key(name: &str) -> u64 {
    const FACTOR: u64 = 0x517c_c1b7_2722_0a95;
    let mix = |key: u64, word: u64| (key.rotate_left(5) ^ word).wrapping_mul(FACTOR);
    let (words, rest) = name.as_bytes().as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let key = words.iter().fold(name.len() as u64, |key, word| mix(key, u64::from_le_bytes(*word)));
    mix(key, u64::from_le_bytes(last))
}
