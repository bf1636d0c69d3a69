//! What a module declares, beyond what the engine tells: the types and bodies of functions, sizes of memories and
//! tables.
//!
//! Owns one more reading of a module that has been accepted. It must not know prices.

use crate::text::printable;
use lockstep_vm::{FuncType, ValType};
use std::collections::BTreeMap;
use std::ops::Range;
use wasmparser::{ExternalKind, FunctionBody, Parser, Payload, RefType, Result, TypeRef};

/// A module's declarations.
#[derive(Default)]
pub(crate) struct Shape<'w> {
    types: Vec<FuncType>,
    /// The type index of every function.
    functions: Vec<u32>,
    bodies: Vec<FunctionBody<'w>>,
    /// Names of exported functions, by function index.
    exports: BTreeMap<u32, Vec<&'w str>>,
    /// The greatest declared minimum.
    pub(crate) memory_pages: u64,
    /// The greatest declared minimum.
    pub(crate) table_elements: u64,
}

impl<'w> Shape<'w> {
    /// Reads a module that has been accepted.
    pub(crate) fn read(wasm: &'w [u8]) -> Result<Shape<'w>> {
        let mut shape = Shape::default();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::TypeSection(section) => {
                    for ty in section.into_iter_err_on_gc_types() {
                        let ty = ty?;
                        let types = |types: &[wasmparser::ValType]| -> Vec<ValType> {
                            types.iter().map(|&ty| value_type(ty)).collect()
                        };
                        shape.types.push(FuncType::new(types(ty.params()), types(ty.results())));
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        match import?.ty {
                            TypeRef::Func(ty) | TypeRef::FuncExact(ty) => shape.functions.push(ty),
                            TypeRef::Memory(ty) => shape.memory_pages = shape.memory_pages.max(ty.initial),
                            TypeRef::Table(ty) => shape.table_elements = shape.table_elements.max(ty.initial),
                            _ => {}
                        }
                    }
                }
                Payload::FunctionSection(section) => {
                    for ty in section {
                        shape.functions.push(ty?);
                    }
                }
                Payload::MemorySection(section) => {
                    for memory in section {
                        shape.memory_pages = shape.memory_pages.max(memory?.initial);
                    }
                }
                Payload::TableSection(section) => {
                    for table in section {
                        shape.table_elements = shape.table_elements.max(table?.ty.initial);
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export?;
                        if matches!(export.kind, ExternalKind::Func | ExternalKind::FuncExact) {
                            shape.exports.entry(export.index).or_default().push(export.name);
                        }
                    }
                }
                Payload::CodeSectionEntry(body) => shape.bodies.push(body),
                _ => {}
            }
        }
        Ok(shape)
    }

    /// The type of a function.
    pub(crate) fn function_type(&self, function: u32) -> Option<&FuncType> {
        self.types.get(*self.functions.get(function as usize)? as usize)
    }

    /// The names that a function is exported under.
    pub(crate) fn exports(&self, function: u32) -> &[&'w str] {
        self.exports.get(&function).map_or(&[], Vec::as_slice)
    }

    /// The body at this index of the code section.
    pub(crate) fn body(&self, index: usize) -> Option<&FunctionBody<'w>> {
        self.bodies.get(index)
    }

    /// Where all bodies are, in bytes from the start of the module.
    pub(crate) fn code(&self) -> Range<u64> {
        match (self.bodies.first(), self.bodies.last()) {
            (Some(first), Some(last)) => first.range().start..last.range().end,
            _ => 0..0,
        }
    }
}

fn value_type(ty: wasmparser::ValType) -> ValType {
    match ty {
        wasmparser::ValType::I32 => ValType::I32,
        wasmparser::ValType::I64 => ValType::I64,
        wasmparser::ValType::F32 => ValType::F32,
        wasmparser::ValType::F64 => ValType::F64,
        wasmparser::ValType::Ref(RefType::FUNCREF) => ValType::FuncRef,
        // The engine accepts no other.
        wasmparser::ValType::Ref(_) | wasmparser::ValType::V128 => ValType::ExternRef,
    }
}

/// A reader of our own that does not understand what the engine accepted.
pub(crate) fn unread(error: &wasmparser::BinaryReaderError) -> crate::failure::Failure {
    crate::failure::Failure::fault(format!(
        "an accepted module cannot be read again: {}",
        printable(&error.to_string())
    ))
    .help("this is a mistake of this tool: please report it, with the module")
}
