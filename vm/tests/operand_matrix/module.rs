//! A module of cases.
//!
//! Owns its sections, and the function that calls all cases and keeps what each gives. It must not know how a case is
//! written.

use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, ElementSection, Elements, ExportKind, ExportSection, Function,
    FunctionSection, GlobalSection, GlobalType, ImportSection, InstructionSink, MemArg, MemArgTarget,
    MemorySection, MemoryType, Module, RefType, TableSection, TableType, TypeSection, ValType,
};

use crate::operators::{F32, F64, I32, I64};
use crate::places::{Case, HELPERS, to_bits, val_type};

/// Bytes that a case has for its result and for the global.
pub(crate) const KEPT: u32 = 16;
/// Where they begin: below are the cases' own results.
pub(crate) const KEPT_FROM: u32 = 64;

/// The memory of a module.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Memory {
    /// Its own, for what `all` keeps.
    Kept,
    /// Its own, of [`MEMORY_PAGES`] and with bytes in it.
    Own,
    /// The same of `provider`.
    Imported,
}

/// Pages of a memory that is tested.
pub(crate) const MEMORY_PAGES: u64 = 2;
/// Where it has bytes: at its ends, and where offsets lead.
const PATTERNS: [i32; 5] = [0, 4000, 8100, 65400, 130_872];
/// How many.
const PATTERN: u32 = 200;

fn memory_type(minimum: u64) -> MemoryType {
    MemoryType { minimum, maximum: None, memory64: false, shared: false, page_size_log2: None }
}

/// A module that exports a memory.
pub(crate) fn provider() -> Vec<u8> {
    let mut memories = MemorySection::new();
    memories.memory(memory_type(MEMORY_PAGES));
    let mut exports = ExportSection::new();
    exports.export("memory", ExportKind::Memory, 0);
    let mut module = Module::new();
    module.section(&memories).section(&exports);
    module.finish()
}

/// A module of cases, which have parameters and result in common. Export `all` calls every one and keeps what each gives,
/// `one` calls the one of that number.
pub(crate) fn module(cases: &[Case], memory: Memory) -> Vec<u8> {
    let operator = cases[0].operator;
    let parameters: Vec<ValType> = operator.operands.iter().map(|ty| val_type(*ty)).collect();
    let result = val_type(operator.result);
    let mut types = TypeSection::new();
    types.ty().function([], []);
    for ty in [I32, I64, F32, F64] {
        types.ty().function([val_type(ty)], [val_type(ty)]);
    }
    let (case_type, all_type, one_type) = (5, 6, 7);
    types.ty().function(parameters.clone(), [result]);
    types.ty().function(parameters.clone(), []);
    types.ty().function([parameters.as_slice(), &[ValType::I32]].concat(), [result]);

    let mut functions = FunctionSection::new();
    let mut code = CodeSection::new();
    let mut nothing = Function::new([]);
    nothing.instructions().end();
    functions.function(0);
    code.function(&nothing);
    for ty in 1..HELPERS {
        let mut identity = Function::new([]);
        identity.instructions().local_get(0).end();
        functions.function(ty);
        code.function(&identity);
    }
    let count = cases.len() as u32;
    for case in cases {
        functions.function(case_type);
        code.function(&case.body());
    }
    let arguments = |code: &mut InstructionSink<'_>| {
        (0..parameters.len() as u32).for_each(|local| {
            code.local_get(local);
        });
    };
    let at = |offset: u32| MemArg {
        offset: offset.into(),
        align: 0,
        target: MemArgTarget::Memory(0),
        ordering: None,
    };
    let mut all = Function::new([]);
    let mut body = all.instructions();
    for case in 0..count {
        let kept = KEPT_FROM + case * KEPT;
        body.i32_const(0);
        arguments(&mut body);
        body.call(HELPERS + case);
        to_bits(&mut body, operator.result);
        body.i64_store(at(kept)).i32_const(0).global_get(0).i64_store(at(kept + 8));
    }
    body.end();
    functions.function(all_type);
    code.function(&all);
    let mut one = Function::new([]);
    let mut body = one.instructions();
    arguments(&mut body);
    body.local_get(parameters.len() as u32).call_indirect(0, case_type).end();
    functions.function(one_type);
    code.function(&one);

    let mut tables = TableSection::new();
    let size = u64::from(count);
    tables.table(TableType {
        element_type: RefType::FUNCREF,
        table64: false,
        minimum: size,
        maximum: None,
        shared: false,
    });
    let pages = match memory {
        Memory::Kept => u64::from((KEPT_FROM + count * KEPT).div_ceil(1 << 16)),
        Memory::Own | Memory::Imported => MEMORY_PAGES,
    };
    let mut imports = ImportSection::new();
    let mut memories = MemorySection::new();
    match memory {
        Memory::Imported => {
            imports.import("provider", "memory", memory_type(pages));
        }
        Memory::Kept | Memory::Own => {
            memories.memory(memory_type(pages));
        }
    }
    let mut data = DataSection::new();
    if memory != Memory::Kept {
        for at in PATTERNS {
            let bytes: Vec<u8> =
                (0..PATTERN).map(|byte| (at as u32 + byte).wrapping_mul(0x9d) as u8).collect();
            data.active(0, &ConstExpr::i32_const(at), bytes);
        }
    }
    let mut globals = GlobalSection::new();
    let ty = GlobalType { val_type: ValType::I64, mutable: true, shared: false };
    globals.global(ty, &ConstExpr::i64_const(0));
    let mut exports = ExportSection::new();
    exports.export("all", ExportKind::Func, HELPERS + count);
    exports.export("one", ExportKind::Func, HELPERS + count + 1);
    exports.export("memory", ExportKind::Memory, 0);
    exports.export("global", ExportKind::Global, 0);
    let mut elements = ElementSection::new();
    let indices: Vec<u32> = (HELPERS..HELPERS + count).collect();
    elements.active(None, &ConstExpr::i32_const(0), Elements::Functions(indices.into()));

    let mut module = Module::new();
    module.section(&types).section(&imports).section(&functions).section(&tables).section(&memories);
    module.section(&globals).section(&exports).section(&elements).section(&code).section(&data);
    module.finish()
}
