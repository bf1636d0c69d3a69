//! A module in two instances: one that has everything, and one that imports from it.
//!
//! Owns the rewriting. The second instance has the same functions, but memory, tables and globals of the first, and its
//! direct calls and references go to the first's functions in half of the places. So calls cross instances in all ways, and
//! code works on what it imports. It must not know what the module does.

use std::collections::BTreeMap;

use wasm_encoder::{
    CodeSection, ConstExpr, DataCountSection, ElementSection, Elements, EntityType, ExportKind,
    ExportSection, FunctionSection, GlobalType, ImportSection, MemoryType, Module, RawSection, RefType,
    TableType, ValType,
};
use wasmparser::{ExternalKind, FunctionBody, Operator, Parser, Payload, TypeRef};

use crate::random::Random;

/// The name under which the first instance is imported.
pub(super) const FIRST: &str = "first";

/// What a module has, by index.
#[derive(Default)]
struct Contents {
    imports: Vec<(String, String, u32)>,
    functions: Vec<u32>,
    tables: Vec<wasmparser::TableType>,
    memories: Vec<wasmparser::MemoryType>,
    globals: Vec<wasmparser::GlobalType>,
    exports: Vec<(String, ExternalKind, u32)>,
    sections: BTreeMap<u8, Vec<u8>>,
}

/// Both modules; nothing for modules that import more than functions, or start by themselves.
pub(super) fn linked(wasm: &[u8], random: &mut Random) -> Option<(Vec<u8>, Vec<u8>)> {
    let module = read(wasm)?;
    Some((first(&module), second(wasm, &module, random)?))
}

fn read(wasm: &[u8]) -> Option<Contents> {
    let mut module = Contents::default();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.ok()?;
        if let Some((id, range)) = payload.as_section() {
            module.sections.insert(id, wasm[range.start as usize..range.end as usize].to_vec());
        }
        match payload {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.ok()?;
                    let TypeRef::Func(ty) = import.ty else { return None };
                    module.imports.push((import.module.into(), import.name.into(), ty));
                }
            }
            Payload::FunctionSection(section) => {
                module.functions = section.into_iter().collect::<Result<_, _>>().ok()?;
            }
            Payload::TableSection(section) => {
                for table in section {
                    module.tables.push(table.ok()?.ty);
                }
            }
            Payload::MemorySection(section) => {
                module.memories = section.into_iter().collect::<Result<_, _>>().ok()?;
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    module.globals.push(global.ok()?.ty);
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export.ok()?;
                    module.exports.push((export.name.into(), export.kind, export.index));
                }
            }
            Payload::StartSection { .. } => return None,
            _ => {}
        }
    }
    Some(module)
}

/// The names under which the first module exports all that it has.
fn name(kind: ExportKind, index: usize) -> String {
    format!("{kind:?} {index}")
}

/// The same module, which exports everything.
fn first(module: &Contents) -> Vec<u8> {
    let mut exports = ExportSection::new();
    for (name, kind, index) in &module.exports {
        exports.export(name, export_kind(*kind), *index);
    }
    let all = [
        (ExportKind::Func, module.imports.len() + module.functions.len()),
        (ExportKind::Table, module.tables.len()),
        (ExportKind::Memory, module.memories.len()),
        (ExportKind::Global, module.globals.len()),
    ];
    for (kind, count) in all {
        for index in 0..count {
            exports.export(&name(kind, index), kind, index as u32);
        }
    }
    let mut out = Module::new();
    for id in [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11] {
        match module.sections.get(&id) {
            _ if id == 7 => {
                out.section(&exports);
            }
            Some(data) => {
                out.section(&RawSection { id, data });
            }
            None => {}
        }
    }
    out.finish()
}

/// The module that imports. Function indices: the imports, the first's functions, its own functions.
fn second(wasm: &[u8], module: &Contents, random: &mut Random) -> Option<Vec<u8>> {
    let (hosts, own) = (module.imports.len() as u32, module.functions.len() as u32);
    let mut imports = ImportSection::new();
    for (from, field, ty) in &module.imports {
        imports.import(from, field, EntityType::Function(*ty));
    }
    for (index, ty) in module.functions.iter().enumerate() {
        imports.import(FIRST, &name(ExportKind::Func, hosts as usize + index), EntityType::Function(*ty));
    }
    for (index, ty) in module.tables.iter().enumerate() {
        let element_type = if ty.element_type == wasmparser::RefType::FUNCREF {
            RefType::FUNCREF
        } else {
            RefType::EXTERNREF
        };
        let (minimum, maximum) = (ty.initial, ty.maximum);
        let ty = TableType { element_type, table64: false, minimum, maximum, shared: false };
        imports.import(FIRST, &name(ExportKind::Table, index), ty);
    }
    for (index, ty) in module.memories.iter().enumerate() {
        let (minimum, maximum) = (ty.initial, ty.maximum);
        let ty = MemoryType { minimum, maximum, memory64: false, shared: false, page_size_log2: None };
        imports.import(FIRST, &name(ExportKind::Memory, index), ty);
    }
    for (index, ty) in module.globals.iter().enumerate() {
        let ty = GlobalType { val_type: val_type(ty.content_type), mutable: ty.mutable, shared: false };
        imports.import(FIRST, &name(ExportKind::Global, index), ty);
    }
    let mut exports = ExportSection::new();
    for (name, kind, index) in &module.exports {
        let index = if *kind == ExternalKind::Func && *index >= hosts { *index + own } else { *index };
        exports.export(name, export_kind(*kind), index);
    }
    let mut functions = FunctionSection::new();
    module.functions.iter().for_each(|ty| {
        functions.function(*ty);
    });
    let mut code = CodeSection::new();
    for payload in Parser::new(0).parse_all(wasm) {
        if let Payload::CodeSectionEntry(body) = payload.ok()? {
            code.raw(&rewrite(wasm, &body, hosts, own, random)?);
        }
    }
    let mut out = Module::new();
    for id in [1, 2, 3, 7, 9, 12, 10, 11] {
        match (id, module.sections.get(&id)) {
            (2, _) => {
                out.section(&imports);
            }
            (3, Some(_)) => {
                out.section(&functions);
            }
            (7, Some(_)) => {
                out.section(&exports);
            }
            (10, Some(_)) => {
                out.section(&code);
            }
            (9, Some(data)) => {
                // What stays as it is names the first instance's functions.
                match elements(wasm, hosts, own, random) {
                    Some(elements) => out.section(&elements),
                    None => out.section(&RawSection { id, data }),
                };
            }
            (12, Some(_)) => {
                let count = module.sections.get(&11).map_or(0, |data| leb(data));
                out.section(&DataCountSection { count });
            }
            (_, Some(data)) => {
                out.section(&RawSection { id, data });
            }
            (_, None) => {}
        }
    }
    Some(out.finish())
}

fn export_kind(kind: ExternalKind) -> ExportKind {
    match kind {
        ExternalKind::Table => ExportKind::Table,
        ExternalKind::Memory => ExportKind::Memory,
        ExternalKind::Global => ExportKind::Global,
        _ => ExportKind::Func,
    }
}

fn val_type(ty: wasmparser::ValType) -> ValType {
    match ty {
        wasmparser::ValType::I32 => ValType::I32,
        wasmparser::ValType::I64 => ValType::I64,
        wasmparser::ValType::F32 => ValType::F32,
        wasmparser::ValType::F64 => ValType::F64,
        wasmparser::ValType::FUNCREF => ValType::FUNCREF,
        _ => ValType::EXTERNREF,
    }
}

/// The element segments, of which half the functions become this instance's own; nothing where one has expressions.
fn elements(wasm: &[u8], hosts: u32, own: u32, random: &mut Random) -> Option<ElementSection> {
    let mut out = ElementSection::new();
    for payload in Parser::new(0).parse_all(wasm) {
        let Payload::ElementSection(section) = payload.ok()? else { continue };
        for segment in section {
            let segment = segment.ok()?;
            let wasmparser::ElementItems::Functions(functions) = segment.items else { return None };
            let functions: Vec<u32> = functions.into_iter().collect::<Result<_, _>>().ok()?;
            // Those that are declared are declared in both instances.
            let functions: Vec<u32> = match segment.kind {
                wasmparser::ElementKind::Declared => {
                    functions.iter().flat_map(|index| [*index, own_index(*index, hosts, own)]).collect()
                }
                _ => functions
                    .iter()
                    .map(|index| if random.percent(50) { own_index(*index, hosts, own) } else { *index })
                    .collect(),
            };
            let functions = Elements::Functions(functions.into());
            match segment.kind {
                wasmparser::ElementKind::Passive => out.passive(functions),
                wasmparser::ElementKind::Declared => out.declared(functions),
                wasmparser::ElementKind::Active { table_index, offset_expr } => {
                    let range = offset_expr.get_binary_reader().range();
                    let bytes = wasm[range.start as usize..range.end as usize - 1].iter().copied();
                    out.active(table_index, &ConstExpr::raw(bytes), functions)
                }
            };
        }
    }
    Some(out)
}

fn own_index(index: u32, hosts: u32, own: u32) -> u32 {
    if index >= hosts { index + own } else { index }
}

/// The number that a section begins with.
fn leb(data: &[u8]) -> u32 {
    wasmparser::BinaryReader::new(data, 0).read_var_u32().unwrap_or_default()
}

/// A body whose direct calls and references go to the first instance or to this one.
fn rewrite(
    wasm: &[u8],
    body: &FunctionBody<'_>,
    hosts: u32,
    own: u32,
    random: &mut Random,
) -> Option<Vec<u8>> {
    let mut reader = body.get_operators_reader().ok()?;
    let mut out = wasm[body.range().start as usize..reader.original_position() as usize].to_vec();
    while !reader.eof() {
        let start = reader.original_position() as usize;
        let operator = reader.read().ok()?;
        let end = reader.original_position() as usize;
        let mut there = |index: u32| if index >= hosts && random.percent(50) { index + own } else { index };
        let mut sink = wasm_encoder::InstructionSink::new(&mut out);
        match operator {
            Operator::Call { function_index } => sink.call(there(function_index)),
            Operator::ReturnCall { function_index } => sink.return_call(there(function_index)),
            // Declared in a segment are those that are imported here.
            _ => {
                out.extend_from_slice(&wasm[start..end]);
                continue;
            }
        };
    }
    Some(out)
}
