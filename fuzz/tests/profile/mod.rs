//! Counts of the operators that an execution executes, by rewriting the module: each straight piece of code
//! gets a global that counts its executions. Knows nothing of Lockstep.

use std::collections::BTreeMap;

use lockstep_fuzz::census;
use wasm_encoder::{
    CodeSection, ConstExpr, ExportKind, ExportSection, GlobalSection, GlobalType, InstructionSink, Module,
    RawSection, ValType,
};
use wasmparser::{Operator, Parser, Payload};

/// A module that counts, and for each counter the operators that it stands for.
pub(crate) struct Profiled {
    pub(crate) wasm: Vec<u8>,
    pub(crate) pieces: Vec<Vec<&'static str>>,
}

/// The name under which a counter is exported.
pub(crate) fn counter(piece: usize) -> String {
    format!("count:{piece}")
}

pub(crate) fn profile(bytes: &[u8]) -> Profiled {
    let mut globals_before = 0;
    for payload in Parser::new(0).parse_all(bytes) {
        if let Payload::GlobalSection(section) = payload.expect("the module is valid") {
            globals_before += section.count();
        }
    }
    let mut pieces = Vec::new();
    let mut code = CodeSection::new();
    for payload in Parser::new(0).parse_all(bytes) {
        if let Payload::CodeSectionEntry(body) = payload.expect("the module is valid") {
            code.raw(&rewrite(bytes, &body, globals_before, &mut pieces));
        }
    }
    let mut counters = GlobalSection::new();
    let ty = GlobalType { val_type: ValType::I64, mutable: true, shared: false };
    if let Some(range) = section(bytes, 6) {
        let reader = wasmparser::BinaryReader::new(&bytes[range.clone()], range.start as u64);
        for global in wasmparser::GlobalSectionReader::new(reader).expect("the module is valid") {
            let global = global.expect("the module is valid");
            let expr = global.init_expr.get_binary_reader().range();
            let expr = ConstExpr::raw(bytes[expr.start as usize..expr.end as usize - 1].iter().copied());
            let val_type = match global.ty.content_type {
                wasmparser::ValType::I32 => ValType::I32,
                wasmparser::ValType::I64 => ValType::I64,
                wasmparser::ValType::F32 => ValType::F32,
                wasmparser::ValType::F64 => ValType::F64,
                wasmparser::ValType::FUNCREF => ValType::FUNCREF,
                _ => ValType::EXTERNREF,
            };
            counters.global(GlobalType { val_type, mutable: global.ty.mutable, shared: false }, &expr);
        }
    }
    for _ in &pieces {
        counters.global(ty, &ConstExpr::i64_const(0));
    }
    let mut exports = ExportSection::new();
    if let Some(range) = section(bytes, 7) {
        let reader = wasmparser::BinaryReader::new(&bytes[range.clone()], range.start as u64);
        for export in wasmparser::ExportSectionReader::new(reader).expect("the module is valid") {
            let export = export.expect("the module is valid");
            let kind = match export.kind {
                wasmparser::ExternalKind::Func => ExportKind::Func,
                wasmparser::ExternalKind::Table => ExportKind::Table,
                wasmparser::ExternalKind::Memory => ExportKind::Memory,
                _ => ExportKind::Global,
            };
            exports.export(export.name, kind, export.index);
        }
    }
    for piece in 0..pieces.len() {
        exports.export(&counter(piece), ExportKind::Global, globals_before + piece as u32);
    }
    let mut module = Module::new();
    for id in [1, 2, 3, 4, 5] {
        copy(bytes, id, &mut module);
    }
    module.section(&counters).section(&exports);
    for id in [8, 9, 12] {
        copy(bytes, id, &mut module);
    }
    module.section(&code);
    copy(bytes, 11, &mut module);
    Profiled { wasm: module.finish(), pieces }
}

fn section(bytes: &[u8], id: u8) -> Option<std::ops::Range<usize>> {
    Parser::new(0).parse_all(bytes).find_map(|payload| {
        let payload = payload.expect("the module is valid");
        let (found, range) = payload.as_section()?;
        (found == id).then_some(range.start as usize..range.end as usize)
    })
}

fn copy(bytes: &[u8], id: u8, module: &mut Module) {
    if let Some(range) = section(bytes, id) {
        module.section(&RawSection { id, data: &bytes[range] });
    }
}

fn rewrite(
    bytes: &[u8],
    body: &wasmparser::FunctionBody<'_>,
    globals_before: u32,
    pieces: &mut Vec<Vec<&'static str>>,
) -> Vec<u8> {
    let mut operators = body.get_operators_reader().expect("the module is valid");
    let mut out = bytes[body.range().start as usize..operators.original_position() as usize].to_vec();
    let start = |out: &mut Vec<u8>, pieces: &mut Vec<Vec<&'static str>>| {
        let global = globals_before + pieces.len() as u32;
        pieces.push(Vec::new());
        InstructionSink::new(out).global_get(global).i64_const(1).i64_add().global_set(global);
    };
    start(&mut out, pieces);
    // Whether each open construct was itself live, and whether the code here is.
    let mut constructs = Vec::new();
    let mut live = true;
    while !operators.eof() {
        let (operator, at) = operators.read_with_offset().expect("the module is valid");
        let end = operators.original_position();
        let is_end = matches!(operator, Operator::End);
        let is_else = matches!(operator, Operator::Else);
        if live && !is_end && !is_else {
            pieces.last_mut().expect("a body has a piece").push(census::name(&operator));
        }
        if matches!(operator, Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. }) {
            constructs.push(live);
        }
        if is_end || is_else {
            let outer = if is_end { constructs.pop() } else { constructs.last().copied() };
            live = outer.unwrap_or(live);
        }
        out.extend(&bytes[at as usize..end as usize]);
        let starts = matches!(
            operator,
            Operator::Loop { .. }
                | Operator::If { .. }
                | Operator::Else
                | Operator::End
                | Operator::BrIf { .. }
                | Operator::Call { .. }
                | Operator::CallIndirect { .. }
        );
        if starts && live && !operators.eof() {
            start(&mut out, pieces);
            if is_end || is_else {
                pieces.last_mut().expect("a piece was added").push(census::name(&operator));
            }
        }
        if matches!(
            operator,
            Operator::Br { .. }
                | Operator::BrTable { .. }
                | Operator::Return
                | Operator::Unreachable
                | Operator::ReturnCall { .. }
                | Operator::ReturnCallIndirect { .. }
        ) {
            live = false;
        }
    }
    out
}

/// Adds up what the counters say.
pub(crate) fn add(
    profiled: &Profiled,
    count: impl Fn(usize) -> u64,
    total: &mut BTreeMap<&'static str, u64>,
) -> u64 {
    let mut executed = 0;
    for (piece, operators) in profiled.pieces.iter().enumerate() {
        let times = count(piece);
        for name in operators {
            *total.entry(name).or_default() += times;
        }
        executed += times * operators.len() as u64;
    }
    executed
}
