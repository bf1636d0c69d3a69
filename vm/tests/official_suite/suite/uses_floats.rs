//! Whether a module uses floating point anywhere.
//!
//! Owns a walk over all types and operators that shares nothing with the engine's own check: it reads what wasmparser
//! calls them. It must not know whether the module is valid.

use std::fmt::Debug;
use wasmparser::{CompositeInnerType, ElementItems, Parser, Payload, TypeRef, ValType};

/// Whether `f32` or `f64` stands anywhere in the module: in a type (used or not), an import, a global, a local, a block, a
/// select, or an operator, live or dead.
pub(crate) fn uses_floats(wasm: &[u8]) -> wasmparser::Result<bool> {
    let mut found = false;
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::TypeSection(groups) => {
                for group in groups {
                    for ty in group?.into_types() {
                        if let CompositeInnerType::Func(ty) = ty.composite_type.inner {
                            found |= ty.params().iter().chain(ty.results()).any(is_float);
                        }
                    }
                }
            }
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    if let TypeRef::Global(ty) = import?.ty {
                        found |= is_float(&ty.content_type);
                    }
                }
            }
            Payload::GlobalSection(globals) => {
                for global in globals {
                    let global = global?;
                    found |= is_float(&global.ty.content_type);
                    for operator in global.init_expr.get_operators_reader() {
                        found |= names_float(&operator?);
                    }
                }
            }
            Payload::ElementSection(segments) => {
                for segment in segments {
                    if let ElementItems::Expressions(_, items) = segment?.items {
                        for item in items {
                            for operator in item?.get_operators_reader() {
                                found |= names_float(&operator?);
                            }
                        }
                    }
                }
            }
            Payload::CodeSectionEntry(body) => {
                for locals in body.get_locals_reader()? {
                    found |= is_float(&locals?.1);
                }
                for operator in body.get_operators_reader()? {
                    found |= names_float(&operator?);
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

fn is_float(ty: &ValType) -> bool {
    matches!(ty, ValType::F32 | ValType::F64)
}

/// Operators on floats and those with a float type as immediate have it in what they print as: `I32TruncF32S`,
/// `Block { blockty: Type(F64) }`, `TypedSelect { ty: F32 }`. Numbers print in decimal.
fn names_float(operator: &impl Debug) -> bool {
    let printed = format!("{operator:?}");
    printed.contains("F32") || printed.contains("F64")
}

#[cfg(test)]
mod tests {
    use super::uses_floats;

    #[test]
    fn floats_are_found_wherever_they_hide() {
        let with = [
            "(type (func (param f32)))",
            "(type (func (result i32 f64)))",
            "(import \"a\" \"b\" (global f32))",
            "(import \"a\" \"b\" (func (param f64)))",
            "(global f64 (f64.const 0))",
            "(func (local i32 f32))",
            "(func unreachable f64.const 0 drop)",
            "(func unreachable i64.trunc_sat_f64_u drop)",
            "(func unreachable i32.reinterpret_f32 drop)",
            "(func unreachable f32.convert_i32_s drop)",
            "(func unreachable select (result f32) drop)",
            "(func block (result f64) unreachable end drop)",
            "(memory 1) (func unreachable f32.load drop)",
            "(memory 1) (func unreachable f64.store)",
        ];
        let uses =
            |fields: &str| uses_floats(&wat::parse_str(format!("(module {fields})")).unwrap()).unwrap();
        for fields in with {
            assert!(uses(fields), "{fields}");
        }
        let without = [
            "",
            "(type (func (param i32 i64 externref) (result funcref)))",
            "(func (export \"f32.add\") (param i32) (result i64) i64.const 0xf32)",
            "(func i32.const 3890 drop call 0)",
        ];
        for fields in without {
            assert!(!uses(fields), "{fields}");
        }
    }
}
