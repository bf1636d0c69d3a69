//! The same module in other words, to catch the foreign engine contradicting itself.
//!
//! Owns rewritings of instrumented modules that change nothing they do: before every `select`, and behind the operators
//! that a [`Rewriting`] names, a zero is or-ed to the value. The zero is the meter's trap number, which no translator can
//! know to be 0 while code runs. It must not know what the module is compared with.
//!
//! wasmi 2.0.0 translates some valid modules wrongly: it keeps `local.get`, constants and comparisons back to fuse them
//! with what follows, and loses them when locals change in between; `br_table` may take wrong values along. An engine that
//! answers differently for a module and for its rewriting is wrong on one of the two by its own word, whatever we say. So a
//! difference counts as ours only if the rewritten modules show one too; the others are counted as the foreign engine's,
//! each time by this proof.

use wasm_encoder::{CodeSection, Encode as _, InstructionSink, Module, RawSection};
use wasmparser::{
    BinaryReaderError, CompositeInnerType, FunctionBody, Operator, Parser, Payload, TypeRef, ValType,
};

use crate::generate::edges::Numeric;

/// The index of the meter's trap number: the meter is imported first.
const TRAP_GLOBAL: u32 = 3;

/// Behind which operators the zero is or-ed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rewriting {
    /// Those that take the value of a local.
    Locals,
    /// All that answer one number; and a `br_table` becomes one `br_if` after the other.
    Values,
}

/// The module, rewritten.
///
/// # Errors
/// When the module cannot be read.
pub(super) fn rewrite(wasm: &[u8], rewriting: Rewriting) -> Result<Vec<u8>, BinaryReaderError> {
    let mut module = Module::new();
    let mut code = CodeSection::new();
    let mut types = Vec::new();
    let mut bodies = Vec::new();
    let mut written = 0;
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        match &payload {
            Payload::TypeSection(section) => {
                for group in section.clone() {
                    for ty in group?.into_types() {
                        let CompositeInnerType::Func(ty) = ty.composite_type.inner else { continue };
                        types.push(ty.params().to_vec());
                    }
                }
            }
            Payload::FunctionSection(section) => {
                for ty in section.clone() {
                    bodies.push(ty? as usize);
                }
            }
            Payload::ImportSection(section) => {
                let first = section.clone().into_imports().next().transpose()?;
                debug_assert!(
                    matches!(first.map(|import| import.ty), Some(TypeRef::Global(_))),
                    "the meter's"
                );
            }
            Payload::CodeSectionEntry(body) => {
                let parameters = bodies.get(written).and_then(|ty| types.get(*ty));
                code.raw(&rewrite_body(wasm, body, parameters.cloned().unwrap_or_default(), rewriting)?);
                written += 1;
                if written == bodies.len() {
                    module.section(&code);
                }
            }
            _ => {}
        }
        match payload.as_section() {
            Some((id, range)) if id != CODE => {
                module.section(&RawSection { id, data: &wasm[range.start as usize..range.end as usize] });
            }
            _ => {}
        }
    }
    Ok(module.finish())
}

/// The code section's number; it is written from the bodies.
const CODE: u8 = 10;

fn rewrite_body(
    wasm: &[u8],
    body: &FunctionBody<'_>,
    mut locals: Vec<ValType>,
    rewriting: Rewriting,
) -> Result<Vec<u8>, BinaryReaderError> {
    for group in body.get_locals_reader()? {
        let (count, ty) = group?;
        locals.extend(std::iter::repeat_n(ty, count as usize));
    }
    let range = body.range();
    let mut operators = body.get_operators_reader()?;
    let mut copied = operators.original_position() as usize;
    // One more local, for the index of a `br_table`.
    let index = locals.len() as u32;
    let mut out = Vec::new();
    (body.get_locals_reader()?.get_count() + 1).encode(&mut out);
    let declared = &wasm[range.start as usize..copied];
    let count_bytes = declared.iter().take_while(|byte| **byte >= 0x80).count() + 1;
    out.extend(&declared[count_bytes..]);
    out.extend([1, I32]);
    while !operators.eof() {
        let (operator, at) = operators.read_with_offset()?;
        let behind = operators.original_position() as usize;
        if let (Operator::BrTable { targets }, Rewriting::Values) = (&operator, rewriting) {
            out.extend(&wasm[copied..at as usize]);
            copied = behind;
            let mut sink = InstructionSink::new(&mut out);
            sink.local_set(index);
            for (place, target) in targets.targets().enumerate() {
                sink.local_get(index).i32_const(place as i32).i32_eq().br_if(target?);
            }
            sink.br(targets.default());
            continue;
        }
        let (place, ty) = match operator {
            Operator::Select | Operator::TypedSelect { .. } => (at as usize, Some(ValType::I32)),
            Operator::LocalGet { local_index } | Operator::LocalTee { local_index } => {
                (behind, locals.get(local_index as usize).copied())
            }
            _ if rewriting == Rewriting::Locals => continue,
            _ => match answer(&wasm[at as usize..behind]) {
                Some(ty) => (behind, Some(ty)),
                None => continue,
            },
        };
        out.extend(&wasm[copied..place]);
        copied = place;
        or_zero(&mut out, ty);
    }
    out.extend(&wasm[copied..range.end as usize]);
    Ok(out)
}

/// The type in the binary format.
const I32: u8 = 0x7f;

/// The number that an operator answers whose type its opcode tells.
fn answer(operator: &[u8]) -> Option<ValType> {
    match operator.first()? {
        0x28 | 0x2c..=0x2f | 0x3f..=0x41 => Some(ValType::I32),
        0x29 | 0x30..=0x35 | 0x42 => Some(ValType::I64),
        0x2a | 0x43 => Some(ValType::F32),
        0x2b | 0x44 => Some(ValType::F64),
        _ => match Numeric::result_of(operator)? {
            wasm_encoder::ValType::I32 => Some(ValType::I32),
            wasm_encoder::ValType::I64 => Some(ValType::I64),
            wasm_encoder::ValType::F32 => Some(ValType::F32),
            _ => Some(ValType::F64),
        },
    }
}

fn or_zero(out: &mut Vec<u8>, ty: Option<ValType>) {
    let mut sink = InstructionSink::new(out);
    match ty {
        Some(ValType::I32) => sink.global_get(TRAP_GLOBAL).i32_wrap_i64().i32_or(),
        Some(ValType::I64) => sink.global_get(TRAP_GLOBAL).i64_or(),
        Some(ValType::F32) => {
            sink.i32_reinterpret_f32().global_get(TRAP_GLOBAL).i32_wrap_i64().i32_or().f32_reinterpret_i32()
        }
        Some(ValType::F64) => {
            sink.i64_reinterpret_f64().global_get(TRAP_GLOBAL).i64_or().f64_reinterpret_i64()
        }
        // References have no operator that could stand here.
        _ => &mut sink,
    };
}

#[cfg(test)]
mod tests {
    use super::{Rewriting, rewrite};

    const METER: &str = r#"(import "m" "a" (global i64)) (import "m" "b" (global i64))
        (import "m" "c" (global i64)) (import "m" "d" (global i64))"#;

    fn call(wasm: &[u8], arguments: (i32, i32)) -> Option<i32> {
        let engine = wasmi::Engine::default();
        let module = wasmi::Module::new(&engine, wasm).expect("it is valid");
        let mut store = wasmi::Store::new(&engine, ());
        let mut linker = wasmi::Linker::new(&engine);
        for name in ["a", "b", "c", "d"] {
            let zero = wasmi::Global::new(&mut store, wasmi::Val::I64(0), wasmi::Mutability::Const);
            linker.define("m", name, zero).expect("the names differ");
        }
        let instance = linker.instantiate_and_start(&mut store, &module).expect("all is defined");
        let f = instance.get_typed_func::<(i32, i32), i32>(&store, "f").expect("it is exported");
        f.call(&mut store, arguments).ok()
    }

    /// By the specification the third operand of `select` decides: 0 makes `i32.eqz` 1, which takes the first value. The
    /// day the foreign engine says so too, this test asks to think about what here is still needed.
    #[test]
    fn the_foreign_engine_contradicts_itself() {
        let wat = format!(
            r#"(module {METER} (func (export "f") (param i32 i32) (result i32)
                local.get 1 i32.const 3 i32.add local.set 1
                i32.const 10 i32.const 20 local.get 0 i32.eqz select))"#
        );
        let wasm = wat::parse_str(wat).expect("the text is right");
        for rewriting in [Rewriting::Locals, Rewriting::Values] {
            let rewritten = rewrite(&wasm, rewriting).expect("the module is valid");
            for (first, right) in [(0, 10), (1, 20)] {
                assert_eq!(call(&rewritten, (first, 5)), Some(right), "{first}");
            }
        }
        let wrong =
            [(0, 10), (1, 20)].into_iter().any(|(first, right)| call(&wasm, (first, 5)) != Some(right));
        assert!(wrong, "the foreign engine has got better");
    }
}
