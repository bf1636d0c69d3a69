//! Modules that are made for these tests.

use lockstep_vm::{CodeTarget, Engine, Module};
use std::fmt::Write;
use wasm_encoder::{
    CodeSection, ExportKind, ExportSection, Function, FunctionSection, Instruction, TypeSection, ValType,
};

/// Offsets next to where displacements end, aligned and not, up to the greatest.
const OFFSETS: [u32; 16] = [
    0,
    1,
    2,
    4,
    7,
    8,
    255,
    256,
    4095,
    4096,
    4 * 4095,
    8 * 4095,
    8 * 4096,
    0x1234_5678,
    0x8000_0000,
    u32::MAX,
];
const STORES: [(&str, &str); 7] = [
    ("i32.store8", "i32"),
    ("i32.store16", "i32"),
    ("i32.store", "i32"),
    ("i64.store8", "i64"),
    ("i64.store16", "i64"),
    ("i64.store32", "i64"),
    ("i64.store", "i64"),
];

/// Stores of every width at every offset, at constants and indices, of values in registers and constants; and among them
/// what else is stored: globals, elements of tables, slots of frames. With a memory of their own, and one that is imported.
pub(crate) fn stores() -> Vec<Vec<u8>> {
    let mut functions = String::new();
    for (store, ty) in STORES {
        for offset in OFFSETS {
            for address in ["i32.const 0", "i32.const 3", "i32.const 4096", "local.get 0", "local.get 2"] {
                for value in
                    [format!("{ty}.const 0"), format!("{ty}.const 0x12345678"), format!("local.get ${ty}")]
                {
                    let many: String = (0..40).map(|local| format!("local.get {local} drop ")).collect();
                    let _ = writeln!(
                        functions,
                        "(func (param i32) (param $i32 i32) (param i32) (param $i64 i64) (local {}) \
                         {many} ({store} offset={offset} ({address}) ({value})) \
                         (global.set $g (local.get $i64)) \
                         (table.set (local.get 0) (ref.null func)))",
                        "i64 ".repeat(40),
                    );
                }
            }
        }
    }
    let globals = "(global (mut i64) (i64.const 0)) ".repeat(100);
    let module = |memory: &str| {
        let text = format!(
            "(module {memory} (table 3 funcref) {globals} (global $g (mut i64) (i64.const 0)) {functions})"
        );
        wat::parse_str(text).unwrap()
    };
    vec![module("(memory 1)"), module(r#"(import "m" "m" (memory 1))"#)]
}

/// All branches that there are, in a function that also calls.
pub(crate) fn branches() -> Vec<u8> {
    let text = "(module (func $f (param i32 i32) (result i32)
        (block (loop
            (br_if 1 (i32.eqz (local.get 0)))
            (br_if 0 (i32.div_u (local.get 0) (local.get 1)))
            (block (block (br_table 0 1 2 3 (local.get 1))))
            (if (i32.lt_s (local.get 0) (local.get 1)) (then (br 1)) (else (return (i32.const 3))))
            (br_if 0 (call $f (local.get 1) (local.get 0)))
            (br 0)))
        (local.get 1)))";
    wat::parse_str(text).unwrap()
}

/// Bodies over which branches go both ways, so that the machine code is next to so many bytes long.
pub(crate) fn long_bodies(engine: &Engine, bytes: usize) -> Vec<Vec<u8>> {
    let length = |wasm: &[u8]| {
        let module = Module::new(engine, wasm).unwrap();
        let (_, map) = module.code_for(CodeTarget::Aarch64).unwrap();
        let (_, entry, end) = map.functions[0];
        (end - entry) as usize
    };
    let (few, many) = (length(&long_body(100)), length(&long_body(200)));
    let at = bytes.saturating_sub(few) * 100 / (many - few) + 100;
    // By a piece each where they are short, and by a few where that takes long.
    let step = if bytes >= 1 << 20 { 5 } else { 1 };
    let near = (at.saturating_sub(3)..at + 13).step_by(step);
    near.chain([at + at / 50, at - at / 50]).map(long_body).collect()
}

/// A body with so many pieces in the middle of it.
pub(crate) fn long_body(pieces: usize) -> Vec<u8> {
    let piece = "(local.set 2 (i64.xor (i64.mul (local.get 2) (i64.const 0x1234567)) (i64.const 77)))\n";
    let text = format!(
        "(module (func (export \"run\") (param i32 i32) (result i64) (local i64)
            (block $out (loop $again
                (br_if $out (i32.eqz (local.get 0)))
                (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
                (block $a (block $b (block $c
                    (br_table $a $b $c $again $out (local.get 1)))
                    (drop (i32.div_s (local.get 1) (local.get 0))))
                  (br_if $again (i32.and (local.get 0) (i32.const 1))))
                (if (i32.eq (local.get 0) (local.get 1)) (then
                {}
                ))
                (local.set 1 (i32.add (local.get 1) (i32.const 1)))
                (br_if $again (i32.lt_u (local.get 1) (i32.const 9)))
                (br_if $out (i32.eq (local.get 1) (i32.const 100)))
                (br $again)))
            (local.get 2)))",
        piece.repeat(pieces)
    );
    wat::parse_str(text).unwrap()
}

/// Functions with so many operators in a row each, that call each other back and forth through the whole module.
pub(crate) fn calls_near_and_far(functions: u32, operators: u32) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([ValType::F64], [ValType::F64]);
    let (mut section, mut code) = (FunctionSection::new(), CodeSection::new());
    for index in 0..functions {
        section.function(0);
        let mut body = Function::new([]);
        body.instruction(&Instruction::LocalGet(0));
        for operator in 0..operators {
            match operator % 8 {
                7 => body.instruction(&Instruction::LocalGet(0)).instruction(&Instruction::F64Add),
                _ => body.instruction(&Instruction::F64Sqrt),
            };
        }
        // From each end towards the middle: 0, last, 1, last but one, ...
        let next = functions - 1 - index + u32::from(index > functions / 2);
        if next != functions / 2 {
            body.instruction(&Instruction::Call(next));
        }
        body.instruction(&Instruction::LocalGet(0)).instruction(&Instruction::F64Add);
        code.function(body.instruction(&Instruction::End));
    }
    let mut exports = ExportSection::new();
    exports.export("run", ExportKind::Func, 0);
    let mut module = wasm_encoder::Module::new();
    module.section(&types).section(&section).section(&exports).section(&code);
    module.finish()
}
