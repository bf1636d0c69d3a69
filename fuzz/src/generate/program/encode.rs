//! The finished module.
//!
//! Owns the order of sections and the encodings that say the same in several ways. It must not decide
//! anything that an execution can see.

use std::borrow::Cow;

use wasm_encoder::{
    CodeSection, ConstExpr, DataCountSection, DataSection, ElementSection, Elements, EntityType, ExportKind,
    ExportSection, Function, FunctionSection, GlobalSection, GlobalType, ImportSection, MemorySection,
    MemoryType, Module, NameMap, NameSection, RefType, StartSection, TableSection, TableType, TypeSection,
};

use super::layout::{Contents, Layout, initial_value};
use super::ty::{Signature, Ty};
use crate::generate::{HOST_FUNCTIONS, HostType};
use crate::random::Random;

/// The module of that shape with those bodies, by level.
pub(super) fn module(layout: &Layout, random: &mut Random, bodies: &[Function]) -> Vec<u8> {
    let mut signatures = layout.signatures.clone();
    let imports = imports(layout, &mut signatures);
    let mut types = TypeSection::new();
    for signature in &signatures {
        types.ty().function(
            signature.params.iter().map(|ty| ty.val_type()),
            signature.results.iter().map(|ty| ty.val_type()),
        );
    }
    let mut module = Module::new();
    module.section(&types);
    if !imports.is_empty() {
        module.section(&imports);
    }
    let mut by_index: Vec<usize> = (0..bodies.len()).collect();
    by_index.sort_by_key(|&level| layout.functions[level].index);
    let mut functions = FunctionSection::new();
    for &level in &by_index {
        functions.function(layout.functions[level].signature as u32);
    }
    module.section(&functions).section(&tables(layout));
    if let Some(memory) = &layout.memory {
        let mut memories = MemorySection::new();
        memories.memory(MemoryType {
            minimum: u64::from(memory.pages),
            maximum: memory.maximum.map(u64::from),
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        module.section(&memories);
    }
    if !layout.globals.is_empty() {
        module.section(&globals(layout, random));
    }
    module.section(&exports(layout));
    if let Some(start) = layout.start {
        module.section(&StartSection { function_index: layout.functions[start].index });
    }
    module.section(&elements(layout));
    if !layout.data.is_empty() {
        module.section(&DataCountSection { count: layout.data.len() as u32 });
    }
    let mut code = CodeSection::new();
    for &level in &by_index {
        code.function(&bodies[level]);
    }
    module.section(&code);
    if !layout.data.is_empty() {
        module.section(&data(layout, random));
    }
    if random.percent(30) {
        module.section(&names(layout));
    }
    module.finish()
}

fn imports(layout: &Layout, signatures: &mut Vec<Signature>) -> ImportSection {
    let mut imports = ImportSection::new();
    let ty = |ty: &HostType| if *ty == HostType::I32 { Ty::I32 } else { Ty::I64 };
    for &host in &layout.imports {
        let host = &HOST_FUNCTIONS[host];
        let signature = Signature {
            params: host.params.iter().map(ty).collect(),
            results: host.results.iter().map(ty).collect(),
        };
        let index = signatures.iter().position(|known| *known == signature).unwrap_or_else(|| {
            signatures.push(signature);
            signatures.len() - 1
        });
        imports.import(host.module, host.name, EntityType::Function(index as u32));
    }
    imports
}

fn tables(layout: &Layout) -> TableSection {
    let mut tables = TableSection::new();
    for table in &layout.tables {
        tables.table(TableType {
            element_type: table.ty.ref_type(),
            table64: false,
            minimum: u64::from(table.size),
            maximum: table.maximum.map(u64::from),
            shared: false,
        });
    }
    tables
}

fn globals(layout: &Layout, random: &mut Random) -> GlobalSection {
    let mut globals = GlobalSection::new();
    for global in &layout.globals {
        let value = initial_value(random, global.ty, &layout.functions);
        let ty = GlobalType { val_type: global.ty.val_type(), mutable: global.mutable, shared: false };
        globals.global(ty, &value);
    }
    globals
}

fn exports(layout: &Layout) -> ExportSection {
    let mut exports = ExportSection::new();
    exports.export("run", ExportKind::Func, layout.functions[0].index);
    exports.export("callback", ExportKind::Func, layout.functions[layout.callback].index);
    if layout.memory.is_some() {
        exports.export("memory", ExportKind::Memory, 0);
    }
    for global in 0..layout.globals.len() as u32 {
        exports.export(&format!("g{global}"), ExportKind::Global, global);
    }
    for table in 0..layout.tables.len() as u32 {
        exports.export(&format!("t{table}"), ExportKind::Table, table);
    }
    exports
}

fn elements(layout: &Layout) -> ElementSection {
    let mut elements = ElementSection::new();
    for segment in &layout.elements {
        let (table, contents) = match &segment.contents {
            Contents::Functions { table, items, expressions: true } => {
                let items = items.iter().map(|item| match item {
                    Some(function) => ConstExpr::ref_func(*function),
                    None => ConstExpr::ref_null(Ty::Func.heap_type()),
                });
                (*table, Elements::Expressions(RefType::FUNCREF, Cow::Owned(items.collect())))
            }
            Contents::Functions { table, items, expressions: false } => {
                (*table, Elements::Functions(Cow::Owned(items.iter().flatten().copied().collect())))
            }
            Contents::Externs { table, items } => {
                let null = ConstExpr::ref_null(Ty::Extern.heap_type());
                let items = vec![null; *items as usize];
                (*table, Elements::Expressions(RefType::EXTERNREF, Cow::Owned(items)))
            }
            Contents::Declared(functions) => {
                elements.declared(Elements::Functions(Cow::Borrowed(functions)));
                continue;
            }
            Contents::Bytes(_) => unreachable!("element segments hold references"),
        };
        match segment.active {
            Some(offset) => {
                // Table 0 may go without its index, if the elements are functions.
                let plain = table == 0 && !matches!(contents, Elements::Expressions(RefType::EXTERNREF, _));
                elements.active((!plain).then_some(table), &ConstExpr::i32_const(offset as i32), contents);
            }
            None => {
                elements.passive(contents);
            }
        }
    }
    elements
}

fn data(layout: &Layout, random: &mut Random) -> DataSection {
    let mut data = DataSection::new();
    for segment in &layout.data {
        let Contents::Bytes(bytes) = &segment.contents else { unreachable!("data segments hold bytes") };
        match segment.active {
            Some(offset) if random.percent(30) => {
                let part = random.u32() as i32;
                let rest = (offset as i32).wrapping_sub(part);
                let offset = ConstExpr::i32_const(part).with_i32_const(rest).with_i32_add();
                data.active(0, &offset, bytes.iter().copied());
            }
            Some(offset) => {
                data.active(0, &ConstExpr::i32_const(offset as i32), bytes.iter().copied());
            }
            None => {
                data.passive(bytes.iter().copied());
            }
        }
    }
    data
}

fn names(layout: &Layout) -> NameSection {
    let mut by_index: Vec<(u32, usize)> =
        layout.functions.iter().enumerate().map(|(level, function)| (function.index, level)).collect();
    by_index.sort_unstable();
    let mut functions = NameMap::new();
    for (index, level) in by_index {
        functions.append(index, &format!("level_{level}"));
    }
    let mut names = NameSection::new();
    names.module("generated");
    names.functions(&functions);
    names
}
