//! Every shape limit on both sides: at the limit a module is accepted, one above it is refused with that limit's code.
//! One builder per limit makes a module that measures exactly so much; a limit without a builder fails the test.

use lockstep_vm::{Config, Engine, ErrorKind, FloatPolicy, Limit, Limits, Module};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, CustomSection, DataSection, ElementSection, Elements, ExportKind,
    ExportSection, Function, FunctionSection, GlobalSection, GlobalType, ImportSection, Instruction,
    MemorySection, MemoryType, RefType, TableSection, TableType, TypeSection, ValType,
};

/// A module that measures exactly `size` in the given limit, and little in the others.
fn module_of(limit: Limit, size: usize) -> Option<Vec<u8>> {
    let count = u32::try_from(size).unwrap();
    let mut module = wasm_encoder::Module::new();
    match limit {
        Limit::ModuleBytes => {
            // Header 8, section id 1, its size as LEB, name length 1, no name.
            let lebs = (1..=5)
                .find(|leb| size.checked_sub(8 + 1 + leb).is_some_and(|rest| rest >> (7 * leb) == 0))?;
            let data = size.checked_sub(8 + 1 + lebs + 1)?;
            module.section(&CustomSection { name: "".into(), data: vec![0; data].into() });
            let wasm = module.finish();
            assert_eq!(wasm.len(), size);
            return Some(wasm);
        }
        Limit::Types => {
            module.section(&types(size));
        }
        Limit::Functions => {
            module.section(&types(1));
            let mut functions = FunctionSection::new();
            let mut code = CodeSection::new();
            for _ in 0..size {
                functions.function(0);
                code.function(&body(&[]));
            }
            module.section(&functions);
            module.section(&code);
        }
        Limit::Imports => {
            module.section(&types(1));
            let mut imports = ImportSection::new();
            for _ in 0..size {
                imports.import("m", "f", wasm_encoder::EntityType::Function(0));
            }
            module.section(&imports);
        }
        Limit::Exports => {
            module.section(&TableSection::new().table(table()).clone());
            let mut exports = ExportSection::new();
            for index in 0..size {
                exports.export(&index.to_string(), ExportKind::Table, 0);
            }
            module.section(&exports);
        }
        Limit::Parameters => {
            let mut types = TypeSection::new();
            types.ty().function(vec![ValType::I32; size], []);
            module.section(&types);
        }
        Limit::Results => {
            let mut types = TypeSection::new();
            types.ty().function([], vec![ValType::I32; size]);
            module.section(&types);
        }
        Limit::Locals => {
            return Some(with_function(&[(count / 2, ValType::I32), (count - count / 2, ValType::I64)], &[]));
        }
        Limit::ModuleLocals => {
            module.section(&types(1));
            let mut functions = FunctionSection::new();
            let mut code = CodeSection::new();
            let mut left = count;
            while left > 0 {
                let part = left.min(10_000);
                functions.function(0);
                let mut function = Function::new([(part, ValType::I32)]);
                function.instruction(&Instruction::End);
                code.function(&function);
                left -= part;
            }
            module.section(&functions);
            module.section(&code);
        }
        // A count of local groups, `nop` each a byte, and `end`.
        Limit::BodyBytes => return Some(with_function(&[], &vec![Instruction::Nop; size.checked_sub(2)?])),
        Limit::Nesting => {
            // The body itself counts.
            let depth = size.checked_sub(1)?;
            let mut operators = vec![Instruction::Block(BlockType::Empty); depth];
            operators.extend(vec![Instruction::End; depth]);
            return Some(with_function(&[], &operators));
        }
        Limit::BrTableTargets => {
            let operators = [Instruction::I32Const(0), Instruction::BrTable(vec![0; size].into(), 0)];
            return Some(with_function(&[], &operators));
        }
        Limit::OperandHeight => {
            let mut operators = vec![Instruction::I32Const(0); size];
            operators.extend(vec![Instruction::Drop; size]);
            return Some(with_function(&[], &operators));
        }
        // Linkage 4; an odd count is rounded up, so the step is 2.
        Limit::FrameSlots => {
            let groups: Vec<(u32, ValType)> = vec![(count.checked_sub(4)?, ValType::I32)];
            return Some(with_function(&groups, &[]));
        }
        // Calls in dead code, two bytes each, of a function with many parameters.
        Limit::ValuesPerByte => {
            let parameters = if size < 30 { 100 } else { 1_000 };
            let with_calls = |calls: usize| {
                let mut module = wasm_encoder::Module::new();
                let mut types = TypeSection::new();
                types.ty().function([], []);
                types.ty().function(vec![ValType::I32; parameters], []);
                module.section(&types);
                module.section(ImportSection::new().import("m", "f", wasm_encoder::EntityType::Function(1)));
                module.section(FunctionSection::new().function(0));
                let mut operators = vec![Instruction::Unreachable];
                operators.extend(vec![Instruction::Call(0); calls]);
                module.section(CodeSection::new().function(&body(&operators)));
                module.finish()
            };
            return (0..).map(|calls| (calls, with_calls(calls))).find_map(|(calls, wasm)| {
                let found = (calls * parameters).div_ceil(wasm.len());
                (found == size).then_some(wasm)
            });
        }
        Limit::Globals => {
            let mut globals = GlobalSection::new();
            for _ in 0..size {
                let ty = GlobalType { val_type: ValType::I32, mutable: false, shared: false };
                globals.global(ty, &ConstExpr::i32_const(0));
            }
            module.section(&globals);
        }
        Limit::Tables => {
            let mut tables = TableSection::new();
            for _ in 0..size {
                tables.table(table());
            }
            module.section(&tables);
        }
        Limit::ElementSegments => {
            let mut elements = ElementSection::new();
            for _ in 0..size {
                elements.passive(Elements::Functions(vec![].into()));
            }
            module.section(&elements);
        }
        Limit::DataSegments => {
            let mut memories = MemorySection::new();
            memories.memory(MemoryType {
                minimum: 0,
                maximum: None,
                memory64: false,
                shared: false,
                page_size_log2: None,
            });
            module.section(&memories);
            let mut data = DataSection::new();
            for _ in 0..size {
                data.active(0, &ConstExpr::i32_const(0), []);
            }
            module.section(&data);
        }
        Limit::NameBytes => {
            module.section(&TableSection::new().table(table()).clone());
            let mut exports = ExportSection::new();
            exports.export(&"n".repeat(size), ExportKind::Table, 0);
            module.section(&exports);
        }
        Limit::MemoryPages | Limit::TableElements | Limit::StackSlots | Limit::ActivationDepth => {
            return None;
        }
        other => panic!("no module is built for the limit {other}"),
    }
    Some(module.finish())
}

fn types(count: usize) -> TypeSection {
    let mut types = TypeSection::new();
    for _ in 0..count {
        types.ty().function([], []);
    }
    types
}

fn table() -> TableType {
    TableType { element_type: RefType::FUNCREF, minimum: 0, maximum: None, table64: false, shared: false }
}

fn body(operators: &[Instruction<'_>]) -> Function {
    let mut function = Function::new([]);
    for operator in operators {
        function.instruction(operator);
    }
    function.instruction(&Instruction::End);
    function
}

fn with_function(locals: &[(u32, ValType)], operators: &[Instruction<'_>]) -> Vec<u8> {
    let mut module = wasm_encoder::Module::new();
    module.section(&types(1));
    module.section(FunctionSection::new().function(0));
    let mut function = Function::new(locals.iter().copied());
    for operator in operators {
        function.instruction(operator);
    }
    function.instruction(&Instruction::End);
    module.section(CodeSection::new().function(&function));
    module.finish()
}

fn verdict(engine: &Engine, wasm: &[u8]) -> Result<(), String> {
    Module::validate(engine, wasm).map_err(|error| match error.kind() {
        ErrorKind::Invalid(invalid) => invalid.code().to_string(),
        other => panic!("a refusal is expected, not {other:?}"),
    })
}

/// At `at` accepted, and by its usage exactly so; at the next size refused, with the limit's own code.
fn both_sides(limit: Limit, at: u64, mut limits: Limits) {
    let Some(accepted) = module_of(limit, at as usize) else { return };
    limits.set(limit, at);
    let engine = Engine::new(&Config::new().floats(FloatPolicy::Canonical).limits(limits)).unwrap();
    assert_eq!(verdict(&engine, &accepted), Ok(()), "{limit} at {at}");
    assert_eq!(Module::inspect(&accepted).unwrap().usage(limit), at, "{limit} measured");

    let step = if limit == Limit::FrameSlots { 2 } else { 1 };
    // wasmparser has no parser limit between ours and the next size, as the ceilings are below its own.
    let refused = module_of(limit, (at + step) as usize).unwrap();
    assert_eq!(verdict(&engine, &refused), Err(format!("limit.{limit}")), "{limit} above {at}");
}

#[test]
fn l71_each_shape_limit_on_both_sides_of_its_default() {
    for &limit in Limit::ALL {
        // One limit is in the way of another only where the module must be large.
        let mut limits = Limits::default();
        limits.locals = limits.locals.max(limits.frame_slots);
        limits.frame_slots = limits.frame_slots.max(limits.operand_height + limits.locals + 4);
        let at = Limits::default().get(limit);
        both_sides(limit, at, limits);
    }
}

#[test]
fn l71_each_shape_limit_on_both_sides_of_small_values() {
    for &limit in Limit::ALL {
        for at in [12, 20, 124, 130, 254] {
            both_sides(limit, at, Limits::ceilings());
        }
    }
}

/// At the ceilings, one above cannot be configured, so only acceptance is shown. The largest ones take too long for an
/// ordinary test run and are represented by what real contracts need.
#[test]
fn what_real_contracts_need_can_be_configured() {
    let limits = Limits::ceilings();
    let engine = Engine::new(&Config::new().limits(limits)).unwrap();
    for (limit, size) in [
        (Limit::BodyBytes, 1_260_000),
        (Limit::Nesting, 1_344),
        (Limit::Nesting, 1_000_000),
        (Limit::Locals, 49_000),
        (Limit::Functions, 44_000),
        (Limit::ModuleBytes, 9_000_000),
        (Limit::Parameters, 1_000),
        (Limit::Results, 1_000),
        (Limit::Types, 1_000_000),
        (Limit::DataSegments, 100_000),
        (Limit::ElementSegments, 100_000),
        (Limit::OperandHeight, 1_000_000),
        (Limit::NameBytes, 100_000),
    ] {
        let wasm = module_of(limit, size).unwrap();
        assert_eq!(verdict(&engine, &wasm), Ok(()), "{limit} of {size}");
    }
}

/// A body's height in dead code must be bounded too, or its validation takes memory without bound.
#[test]
fn dead_code_is_held_to_the_operand_height() {
    let engine =
        Engine::new(&Config::new().limits(Limits { operand_height: 50, ..Limits::default() })).unwrap();
    for (height, expected) in [(50, Ok(())), (51, Err("limit.operand_height".to_string()))] {
        let mut operators = vec![Instruction::Unreachable];
        operators.extend(vec![Instruction::I32Const(0); height]);
        operators.extend(vec![Instruction::Drop; height]);
        let wasm = with_function(&[], &operators);
        assert_eq!(verdict(&engine, &wasm), expected);
        let dead = Module::inspect(&wasm).unwrap();
        assert_eq!(dead.usage(Limit::OperandHeight), height as u64);
        assert_eq!(dead.usage(Limit::FrameSlots), 4, "dead code takes no stack");
    }
}
