//! Modules in the text format.
//!
//! Owns parsing and the way back from a byte of the module to the text. It must not know what is done with the module.

use crate::failure::Failure;
use crate::place::{Excerpt, Place, position};
use wasmparser::{Parser, Payload};
use wast::core::{FuncKind, ModuleField, ModuleKind};
use wast::parser::{self, ParseBuffer};
use wast::{Error, Wat};

/// The module that a text describes.
pub(crate) fn parse(file: &str, text: &str) -> Result<Vec<u8>, Failure> {
    let encode = || {
        let buffer = ParseBuffer::new(text)?;
        parser::parse::<Wat<'_>>(&buffer)?.encode()
    };
    encode().map_err(|error: Error| {
        let at = error.span().offset();
        Failure::refused("text", format!("not a module in the text format: {}", error.message()))
            .help("the text format is WebAssembly's own, as in `(module (func (export \"f\")))`")
            .at(Place {
                file: file.to_owned(),
                position: Some(position(text, at)),
                excerpt: Some(Excerpt::of_text(text, at)),
                ..Place::default()
            })
    })
}

/// Where in the text the operator at this offset of the module was written; outside of bodies, nobody knows.
pub(crate) fn locate(text: &str, wasm: &[u8], offset: u64) -> Option<usize> {
    let (body, operator) = find_operator(wasm, offset)?;
    let mut buffer = ParseBuffer::new(text).ok()?;
    buffer.track_instr_spans(true);
    let Ok(Wat::Module(module)) = parser::parse::<Wat<'_>>(&buffer) else { return None };
    let ModuleKind::Text(fields) = &module.kind else { return None };
    let functions = fields.iter().filter_map(|field| match field {
        ModuleField::Func(function) => Some(function),
        _ => None,
    });
    let mut defined = functions.filter_map(|function| match &function.kind {
        FuncKind::Inline { expression, .. } => Some((function.span, expression)),
        FuncKind::Import(..) => None,
    });
    let (function, expression) = defined.nth(body)?;
    let spans = expression.instr_spans.as_ref()?;
    // The last `end` of a body is not written in the text.
    let span = operator.map_or(Some(&function), |operator| spans.get(operator)).or(spans.last());
    Some(span.unwrap_or(&function).offset())
}

/// Which body an offset is in, and which operator of it; none before the first.
fn find_operator(wasm: &[u8], offset: u64) -> Option<(usize, Option<usize>)> {
    let mut body = 0;
    for payload in Parser::new(0).parse_all(wasm) {
        let Payload::CodeSectionEntry(entry) = payload.ok()? else { continue };
        if !entry.range().contains(&offset) {
            body += 1;
            continue;
        }
        let mut operators = entry.get_operators_reader().ok()?;
        let mut operator = None;
        for index in 0_usize.. {
            if operators.eof() || operators.original_position() > offset {
                break;
            }
            operator = Some(index);
            operators.read().ok()?;
        }
        return Some((body, operator));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operator_is_found_where_it_was_written() {
        let text = r#"(module
            (import "env" "f" (func (param i32)))
            (func (import "env" "g"))
            (func $one (param i32) (local i64)
                (if (i32.eqz (local.get 0)) (then (call 0 (i32.const 7))) (else nop)))
            (func $two (result i32) block (result i32) i32.const 3 br 0 end))"#;
        let wasm = parse("test.wat", text).unwrap();
        let mut found = Vec::new();
        for payload in Parser::new(0).parse_all(&wasm) {
            let Payload::CodeSectionEntry(body) = payload.unwrap() else { continue };
            let mut operators = body.get_operators_reader().unwrap();
            while !operators.eof() {
                let at = locate(text, &wasm, operators.original_position()).unwrap();
                let word: String =
                    text[at..].chars().take_while(|c| c.is_alphanumeric() || "._".contains(*c)).collect();
                found.push(word);
                operators.read().unwrap();
            }
        }
        let one = ["local.get", "i32.eqz", "if", "i32.const", "call", "else", "nop"];
        let two = ["block", "i32.const", "br", "end", "end"];
        let found: Vec<&str> = found.iter().map(String::as_str).collect();
        assert_eq!(found[..7], one);
        assert_eq!(found[found.len() - 5..], two);
        assert_eq!(locate(text, &wasm, 3), None);
        assert_eq!(locate(text, &wasm, u64::MAX), None);
    }
}
