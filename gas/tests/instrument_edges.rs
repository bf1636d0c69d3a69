//! The edges of the instrumenter: limits, names that are taken, indices in every place that has them, sections that
//! must go or stay, and how long the result may be.

mod common;

use common::FEATURES;
use lockstep_gas::{
    Form, InstrumentConfig, InstrumentErrorKind as Kind, METER_GLOBALS, PRICE_CEILING, Schedule, instrument,
};
use wasm_encoder::{
    CodeSection, ConstExpr, CustomSection, ExportKind, ExportSection, Function, FunctionSection,
    GlobalSection, GlobalType, Instruction as I, Module, TypeSection, ValType,
};
use wasmparser::{KnownCustom, Name, Parser, Payload, Validator};

const IMPORTED: Form<'_> = Form::Imported { module: "lockstep" };

/// Instruments under the dearest schedule there is and checks validity and length.
#[track_caller]
fn dearest(wasm: &[u8], form: Form<'_>) -> Result<Vec<u8>, Kind> {
    let schedule = Schedule::uniform(PRICE_CEILING - 1);
    let config = InstrumentConfig::new(&schedule, u64::MAX).form(form).operand_height_max(2_000_000);
    let out = match instrument(wasm, &config) {
        Ok(out) => out,
        Err(error) => {
            let text = error.to_string();
            assert!(text.contains("at offset"), "{text}");
            return Err(match error.kind() {
                Kind::Limit { what, count, limit } => Kind::Limit { what, count: *count, limit: *limit },
                Kind::ExportTaken(name) => Kind::ExportTaken(name),
                Kind::ImportTaken(name) => Kind::ImportTaken(name),
                Kind::HasStart => Kind::HasStart,
                Kind::OperandHeight { limit } => Kind::OperandHeight { limit: *limit },
                other => panic!("{other}"),
            });
        }
    };
    Validator::new_with_features(FEATURES).validate_all(&out).unwrap();
    assert!(out.len() <= 24 * wasm.len(), "{} bytes to {}", wasm.len(), out.len());
    Ok(out)
}

fn text(wat: &str) -> Vec<u8> {
    wat::parse_str(wat).unwrap()
}

/// The sections that are not custom, by number.
fn section_ids(wasm: &[u8]) -> Vec<u8> {
    let payloads = Parser::new(0).parse_all(wasm).map(|payload| payload.unwrap());
    payloads.filter_map(|payload| payload.as_section().map(|(id, _)| id).filter(|&id| id != 0)).collect()
}

fn custom_names(wasm: &[u8]) -> Vec<String> {
    let payloads = Parser::new(0).parse_all(wasm).map(|payload| payload.unwrap());
    payloads
        .filter_map(|payload| match payload {
            Payload::CustomSection(section) => Some(section.name().to_owned()),
            _ => None,
        })
        .collect()
}

/// A module of so many equal types, functions, globals and exports.
fn crowd(types: u32, functions: u32, globals: u32, exports: u32) -> Vec<u8> {
    let mut type_section = TypeSection::new();
    for _ in 0..types {
        type_section.ty().function([], []);
    }
    let mut function_section = FunctionSection::new();
    let mut code = CodeSection::new();
    let mut body = Function::new([]);
    body.instruction(&I::End);
    for _ in 0..functions {
        function_section.function(0);
        code.function(&body);
    }
    let mut global_section = GlobalSection::new();
    let ty = GlobalType { val_type: ValType::I32, mutable: false, shared: false };
    for _ in 0..globals {
        global_section.global(ty, &ConstExpr::i32_const(0));
    }
    let mut export_section = ExportSection::new();
    for index in 0..exports {
        export_section.export(&format!("{index:x}"), ExportKind::Global, 0);
    }
    let mut module = Module::new();
    module.section(&type_section).section(&function_section).section(&global_section);
    module.section(&export_section).section(&code);
    module.finish()
}

#[track_caller]
fn exceeds(verdict: Result<Vec<u8>, Kind>, expected: &str) {
    match verdict {
        Err(Kind::Limit { what, .. }) => assert_eq!(what, expected),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("accepted"),
    }
}

/// The meter's functions need a type, and a function with parameters and several results another.
#[test]
fn l64_modules_at_the_limit_of_types() {
    dearest(&crowd(999_999, 1, 0, 0), IMPORTED).unwrap();
    exceeds(dearest(&crowd(1_000_000, 1, 0, 0), IMPORTED), "types");
    exceeds(dearest(&crowd(1_000_000, 1, 0, 0), Form::Exported), "types");
    // Without a function there is no meter to need one.
    dearest(&crowd(1_000_000, 0, 0, 0), IMPORTED).unwrap();
}

#[test]
fn l64_modules_at_the_limit_of_functions() {
    dearest(&crowd(1, 999_997, 0, 0), IMPORTED).unwrap();
    exceeds(dearest(&crowd(1, 999_998, 0, 0), IMPORTED), "functions");
    exceeds(dearest(&crowd(1, 1_000_000, 0, 0), Form::Exported), "functions");
}

#[test]
fn l64_modules_at_the_limit_of_globals() {
    for form in [IMPORTED, Form::Exported] {
        dearest(&crowd(1, 1, 999_996, 0), form).unwrap();
        exceeds(dearest(&crowd(1, 1, 999_997, 0), form), "globals");
        exceeds(dearest(&crowd(1, 1, 1_000_000, 0), form), "globals");
    }
}

/// wasmparser weighs imports and exports by their types as well, which ends a little earlier.
#[test]
fn l64_modules_at_the_limit_of_exports() {
    for form in [IMPORTED, Form::Exported] {
        dearest(&crowd(1, 1, 1, 999_994), form).unwrap();
        exceeds(dearest(&crowd(1, 1, 1, 999_995), form), "values in the types of its imports and exports");
    }
    exceeds(dearest(&crowd(1, 1, 1, 999_998), Form::Exported), "exports");
}

/// No local is added, so that a function may have as many as ever.
#[test]
fn l64_a_function_at_the_limit_of_locals() {
    let wat = format!("(module (func (param i32) (local {}) nop))", "i64 ".repeat(49_999));
    dearest(&text(&wat), IMPORTED).unwrap();
}

/// A body that grows beyond what engines take is refused, not written.
#[test]
fn l63_a_body_that_gets_too_long_is_refused() {
    let body = |nops: usize| {
        let mut module = text("(module (func nop))");
        let code = module.len() - 6; // 0a 05 01 03 00 01 0b
        assert_eq!(module[code - 1..], [0x0a, 5, 1, 3, 0, 1, 0x0b]);
        module.truncate(code - 1);
        let mut function = Function::new([]);
        for _ in 0..nops {
            function.instruction(&I::Nop);
        }
        function.instruction(&I::End);
        let mut section = CodeSection::new();
        section.function(&function);
        wasm_encoder::Section::append_to(&section, &mut module);
        module
    };
    // The price has seven bytes; with it: const, call, block, type; const, call; const, call, end.
    let added = 4 + 2 + (8 + 2) + 4 + 1;
    let fits = 7_654_321 - added - 2;
    assert_eq!(7_654_321u64.ilog2() + 24, 46);
    dearest(&body(fits), IMPORTED).unwrap();
    exceeds(dearest(&body(fits + 1), IMPORTED), "bytes in a body");
    exceeds(dearest(&body(7_654_321 - 2), IMPORTED), "bytes in a body");
}

#[test]
fn l65_a_million_nested_blocks() {
    for opening in [I::Block(wasm_encoder::BlockType::Empty), I::Loop(wasm_encoder::BlockType::Empty)] {
        let mut body = Function::new([]);
        let depth = if let I::Block(_) = opening { 1_000_000 } else { 500_000 };
        for _ in 0..depth {
            body.instruction(&opening);
        }
        body.instruction(&I::Return);
        for _ in 0..=depth {
            body.instruction(&I::End);
        }
        let mut module = Module::new();
        let mut types = TypeSection::new();
        types.ty().function([], []);
        let mut functions = FunctionSection::new();
        functions.function(0);
        let mut code = CodeSection::new();
        code.function(&body);
        let module = module.section(&types).section(&functions).section(&code);
        dearest(module.as_slice(), IMPORTED).unwrap();
    }
}

/// Calls that return a thousand values each make an operand stack of gigabytes out of kilobytes, dead code too.
#[test]
fn l64_operands_are_bounded_while_validating() {
    let results = "i32 ".repeat(1_000);
    for dead in ["", "unreachable"] {
        let wat = format!(
            "(module (func $f (result {results}) {dead} {} unreachable))",
            "call $f ".repeat(100_000)
        );
        let wasm = text(&wat);
        let schedule = Schedule::default();
        let error = instrument(&wasm, &InstrumentConfig::new(&schedule, 1)).unwrap_err();
        assert!(matches!(error.kind(), Kind::OperandHeight { limit: 16_384 }), "{error}");
    }
}

#[test]
fn a_name_of_the_meters_that_is_taken() {
    for name in METER_GLOBALS {
        let wasm = text(&format!(r#"(module (func (export "{name}")))"#));
        assert!(matches!(dearest(&wasm, Form::Exported), Err(Kind::ExportTaken(taken)) if taken == name));
        dearest(&wasm, IMPORTED).unwrap();
        // A guest that imported the meter could give itself gas.
        let wasm = text(&format!(r#"(module (import "lockstep" "{name}" (global (mut i64))))"#));
        assert!(matches!(dearest(&wasm, IMPORTED), Err(Kind::ImportTaken(taken)) if taken == name));
        dearest(&wasm, Form::Exported).unwrap();
        dearest(&wasm, Form::Imported { module: "elsewhere" }).unwrap();
    }
}

#[test]
fn l38_a_start_function_needs_an_imported_meter() {
    let wasm = text("(module (func $f) (start $f))");
    assert!(matches!(dearest(&wasm, Form::Exported), Err(Kind::HasStart)));
    let out = dearest(&wasm, IMPORTED).unwrap();
    assert!(section_ids(&out).contains(&8));
}

#[test]
fn an_unsound_schedule_is_refused() {
    let mut schedule = Schedule::default();
    schedule.prices.entry = 0;
    let error = instrument(&text("(module)"), &InstrumentConfig::new(&schedule, 1)).unwrap_err();
    assert!(matches!(error.kind(), Kind::Schedule(_)), "{error}");
}

/// Garbage and every truncation of a module get an error that says where.
#[test]
fn l67_bytes_that_are_no_module() {
    let wasm = text(
        r#"(module (memory 1) (global (mut i32) (i32.const 0)) (export "g" (global 0)) (table 1 funcref)
            (func (param i32) (result i32 i32) local.get 0 global.get 0) (elem (i32.const 0) 0) (data "a"))"#,
    );
    let schedule = Schedule::default();
    let config = InstrumentConfig::new(&schedule, 1).form(IMPORTED);
    instrument(&wasm, &config).unwrap();
    for cut in 0..wasm.len() {
        // A cut between two sections can leave a module.
        if let Ok(out) = instrument(&wasm[..cut], &config) {
            Validator::new_with_features(FEATURES).validate_all(&out).unwrap();
        }
    }
    for at in 0..wasm.len() {
        for bit in 0..8 {
            let mut wasm = wasm.clone();
            wasm[at] ^= 1 << bit;
            if let Ok(out) = instrument(&wasm, &config) {
                Validator::new_with_features(FEATURES).validate_all(&out).unwrap();
            }
        }
    }
    let error = instrument(b"not wasm at all", &config).unwrap_err();
    assert!(error.to_string().contains("magic"), "{error}");
    for (wat, feature) in [
        ("(module (func (result v128) v128.const i64x2 0 0))", "SIMD"),
        ("(module (memory 1) (memory 1))", "multiple memories"),
        ("(module (memory i64 1))", "64"),
        ("(module (tag))", "exceptions"),
        ("(component)", "component"),
    ] {
        let error = instrument(&text(wat), &config).unwrap_err();
        assert!(error.to_string().contains(feature), "{error}");
    }
}

/// Where the imported form moves global indices: in code live and dead, initialisers, offsets, items, exports.
#[test]
fn l39_every_global_index_is_shifted() {
    let wat = |meter: &str| {
        format!(
            r#"(module {meter}
                (import "env" "a" (global $a i32))
                (import "env" "r" (global $r funcref))
                (memory 1)
                (table $t 9 funcref)
                (table $u 9 externref)
                (global $own (mut i32) (i32.add (global.get $a) (i32.mul (i32.const 300) (global.get $a))))
                (global $ref funcref (global.get $r))
                (export "own" (global $own))
                (export "f" (func $f))
                (export "a" (global $a))
                (export "m" (memory 0))
                (elem (table $t) (offset (global.get $a)) funcref (item (global.get $r)) (item (ref.func $f)))
                (elem (i32.const 1) func $f $f)
                (elem funcref (item (global.get $r)) (item (ref.null func)))
                (elem declare func $f)
                (func $f)
                (data (offset (i32.sub (global.get $a) (i32.const 7))) "abc")
                (data "passive \23\00\0b"))"#
        )
    };
    let out = dearest(&text(&wat("")), IMPORTED).unwrap();
    let meter = METER_GLOBALS.map(|name| format!(r#"(import "lockstep" "{name}" (global (mut i64)))"#));
    let expected = text(&wat(&meter.concat()));
    for id in [4, 5, 6, 7, 9, 11] {
        assert_eq!(section(&out, id), section(&expected, id), "section {id}");
    }

    // 124 takes one byte, and 128 two.
    let own = "(global (mut i32) (i32.const 0)) ".repeat(130);
    let wat = format!(
        r#"(module {own} (func (result i32)
            global.get 124 global.set 123 global.get 3 return global.get 124 drop global.get 129))"#
    );
    let out = dearest(&text(&wat), IMPORTED).unwrap();
    let indices: Vec<u32> = body_operators(&out, 0)
        .into_iter()
        .filter_map(|operator| match operator {
            wasmparser::Operator::GlobalGet { global_index }
            | wasmparser::Operator::GlobalSet { global_index } => Some(global_index),
            _ => None,
        })
        .collect();
    assert_eq!(indices, [128, 127, 7, 128, 133]);
}

fn section(wasm: &[u8], id: u8) -> &[u8] {
    let payloads = Parser::new(0).parse_all(wasm).map(|payload| payload.unwrap());
    let (_, range) =
        payloads.filter_map(|payload| payload.as_section()).find(|(found, _)| *found == id).unwrap();
    &wasm[range.start as usize..range.end as usize]
}

fn body_operators(wasm: &[u8], index: usize) -> Vec<wasmparser::Operator<'_>> {
    let bodies = Parser::new(0).parse_all(wasm).filter_map(|payload| match payload.unwrap() {
        Payload::CodeSectionEntry(body) => Some(body),
        _ => None,
    });
    let mut bodies = bodies.skip(index);
    let operators = bodies.next().unwrap().get_operators_reader().unwrap();
    operators.into_iter().map(|operator| operator.unwrap()).collect()
}

/// Imported functions keep their indices, and so does everything that names a function.
#[test]
fn l39_no_function_index_moves() {
    let wasm = text(
        r#"(module (import "env" "h" (func $h)) (table 3 funcref) (elem (i32.const 0) $h $f $g)
            (func $f call $g call $h) (func $g) (start $g) (export "f" (func $f)))"#,
    );
    let out = dearest(&wasm, IMPORTED).unwrap();
    for id in [4, 7, 8, 9] {
        assert_eq!(section(&out, id), section(&wasm, id), "section {id}");
    }
    let calls: Vec<u32> = body_operators(&out, 0)
        .into_iter()
        .filter_map(|operator| match operator {
            wasmparser::Operator::Call { function_index } => Some(function_index),
            _ => None,
        })
        .collect();
    let (charge, enter, leave) = (3, 4, 5);
    // The run behind the second call has only `end` and is free.
    assert_eq!(calls, [enter, charge, 2, charge, 0, leave]);
}

/// In dead code the meter is not called, and the code stays as valid as it was.
#[test]
fn dead_code_is_left_alone() {
    let wasm = text(
        r#"(module (memory 1) (table 1 funcref) (global (mut i32) (i32.const 0))
            (func $f (param i32) (result i32 i64)
                unreachable
                memory.grow drop memory.fill return return_call $f
                block (result i32) i32.const 0 loop br 0 end memory.grow end
                global.set 0 table.grow if i32.const 0 i64.const 0 return else i32.const 0 i64.const 0 return end))"#,
    );
    for form in [IMPORTED, Form::Exported] {
        let out = dearest(&wasm, form).unwrap();
        let operators = body_operators(&out, 0);
        let is_call =
            |operator: &&wasmparser::Operator<'_>| matches!(operator, wasmparser::Operator::Call { .. });
        assert_eq!(operators.iter().filter(is_call).count(), 3); // enter, charge, leave
        let is_return =
            |operator: &&wasmparser::Operator<'_>| matches!(operator, wasmparser::Operator::Return);
        assert_eq!(operators.iter().filter(is_return).count(), 3);
    }
}

/// A type for several results is added once, and not at all where the module has one.
#[test]
fn types_for_several_results_are_shared() {
    let types = |wat: &str| {
        let out = dearest(&text(wat), IMPORTED).unwrap();
        section(&out, 1)[0]
    };
    let function = "(func (param i32) (result i32 i64) unreachable)";
    // One for the charge and one for the block, beside the module's own.
    assert_eq!(types(&format!("(module {function})")), 1 + 2);
    assert_eq!(types(&format!("(module {function} {function})")), 1 + 2);
    let other = "(func (param f32) (result i32 i64) unreachable)";
    assert_eq!(types(&format!("(module {function} {other})")), 2 + 2);
    assert_eq!(types(&format!("(module (type (func (result i32 i64))) {function} {other})")), 3 + 1);
    let refs = "(func (param i32) (result funcref externref f64) unreachable)";
    assert_eq!(types(&format!("(module {refs} {function})")), 2 + 3);
    // One for the functions that charge for a length.
    assert_eq!(types("(module (memory 1) (func i32.const 1 memory.grow drop))"), 1 + 2);
}

/// Sections about offsets in code would be wrong; those about anything else stay where they are.
#[test]
fn stale_debug_sections_are_dropped() {
    let dropped = [
        ".debug_info",
        ".debug_line",
        "sourceMappingURL",
        "external_debug_info",
        "linking",
        "reloc.CODE",
        "reloc..debug_info",
        "metadata.code.branch_hint",
    ];
    let kept =
        ["producers", "target_features", "dylink.0", "build_id", "names", "debug_info", "anything else"];
    let mut module = Module::new();
    for name in dropped.iter().chain(&kept) {
        module.section(&CustomSection { name: (*name).into(), data: [0xff, 0, 1][..].into() });
    }
    let mut wasm = module.finish();
    let code = text("(module (func nop))");
    wasm.extend_from_slice(&code[8..]);
    for form in [IMPORTED, Form::Exported] {
        let out = dearest(&wasm, form).unwrap();
        assert_eq!(custom_names(&out), kept);
        for payload in Parser::new(0).parse_all(&out) {
            if let Payload::CustomSection(section) = payload.unwrap() {
                assert_eq!(section.data(), [0xff, 0, 1]);
            }
        }
    }
}

/// `memory.init` and `data.drop` are not valid without the data count section.
#[test]
fn the_data_count_section_is_kept() {
    let wasm = text(
        r#"(module (memory 1) (data "abc")
            (func i32.const 0 i32.const 0 i32.const 3 memory.init 0 data.drop 0))"#,
    );
    for (form, ids) in
        [(IMPORTED, &[1, 2, 3, 5, 12, 10, 11][..]), (Form::Exported, &[1, 3, 5, 6, 7, 12, 10, 11][..])]
    {
        let out = dearest(&wasm, form).unwrap();
        assert_eq!(section_ids(&out), ids);
        assert_eq!(section(&out, 12), section(&wasm, 12));
        assert_eq!(section(&out, 11), section(&wasm, 11));
    }
}

/// Sections that the module does not have stand where they belong: in the order of sections, before the names.
#[test]
fn missing_sections_are_made_in_order() {
    for wat in [
        "(module)",
        "(module $named)",
        "(module (memory 1))",
        "(module (memory $m 1) (data (i32.const 0) \"a\"))",
        "(module (table 1 funcref) (elem (i32.const 0) funcref))",
        "(module (type $t (func)))",
        "(module (func $f) (start $f))",
        r#"(module (@custom "first" (before first) "") (memory 1) (@custom "last" (after last) ""))"#,
    ] {
        let wasm = text(wat);
        for form in [IMPORTED, Form::Exported] {
            match dearest(&wasm, form) {
                Ok(out) => assert_eq!(custom_names(&out), custom_names(&wasm), "{wat}"),
                Err(Kind::HasStart) => assert_eq!(form, Form::Exported),
                Err(other) => panic!("{wat}: {other}"),
            }
        }
    }
    let out = dearest(&text("(module $named (memory 1))"), Form::Exported).unwrap();
    assert!(matches!(out[out.len() - 15..], [0, _, 4, b'n', b'a', b'm', b'e', ..]), "{out:x?}");
}

/// Names of globals move with their indices; all other names stay, but those of labels.
#[test]
fn the_name_section_names_what_it_named() {
    let wasm = text(
        r#"(module $m (type $t (func (param i32))) (import "env" "h" (func $host)) (import "env" "i" (global $i i32))
            (memory $mem 1) (table $tab 1 funcref) (global $g i32 (i32.const 0)) (elem $e func) (data $d "")
            (func $f (type $t) (local $l i32) block $label br $label end))"#,
    );
    let names = |wasm: &[u8]| {
        let mut all = Vec::new();
        for payload in Parser::new(0).parse_all(wasm) {
            let Payload::CustomSection(section) = payload.unwrap() else { continue };
            let KnownCustom::Name(reader) = section.as_known() else { continue };
            for name in reader {
                let mut map = |space: &str, map: wasmparser::NameMap<'_>| {
                    all.extend(map.into_iter().map(|naming| {
                        let naming = naming.unwrap();
                        format!("{space} {} {}", naming.index, naming.name)
                    }));
                };
                match name.unwrap() {
                    Name::Module { name, .. } => all.push(format!("module {name}")),
                    Name::Function(names) => map("function", names),
                    Name::Type(names) => map("type", names),
                    Name::Table(names) => map("table", names),
                    Name::Memory(names) => map("memory", names),
                    Name::Global(names) => map("global", names),
                    Name::Element(names) => map("elem", names),
                    Name::Data(names) => map("data", names),
                    Name::Local(names) | Name::Label(names) => {
                        for function in names {
                            let function = function.unwrap();
                            map(&format!("in {}", function.index), function.names);
                        }
                    }
                    _ => panic!("another kind of name"),
                }
            }
        }
        all
    };
    let before = names(&wasm);
    assert!(before.iter().any(|name| name.ends_with(" label")), "{before:?}");
    let without_label: Vec<String> = before.into_iter().filter(|name| !name.ends_with(" label")).collect();
    assert_eq!(names(&dearest(&wasm, Form::Exported).unwrap()), without_label);
    let shifted: Vec<String> = without_label
        .iter()
        .map(|name| name.replace("global 0 i", "global 4 i").replace("global 1 g", "global 5 g"))
        .collect();
    assert_ne!(shifted, without_label);
    assert_eq!(names(&dearest(&wasm, IMPORTED).unwrap()), shifted);
}

/// Names are for people: a name section that cannot be read is no reason to refuse a module.
#[test]
fn a_broken_name_section_is_dropped() {
    let module = text("(module (func nop))");
    for data in [&[7, 100][..], &[7, 2, 1], &[0xff; 4], &[7, 4, 1, 0, 9, b'x'], &[7, 3, 0xff, 0xff, 0xff]] {
        let mut wasm = module.clone();
        wasm_encoder::Section::append_to(
            &CustomSection { name: "name".into(), data: data.into() },
            &mut wasm,
        );
        assert_eq!(custom_names(&dearest(&wasm, IMPORTED).unwrap()), [""; 0], "{data:x?}");
    }
    // An index that nothing can have.
    let mut wasm = module.clone();
    let data = [7, 10, 1, 0xff, 0xff, 0xff, 0xff, 0x0f, 3, b'a', b'b', b'c'];
    wasm_encoder::Section::append_to(
        &CustomSection { name: "name".into(), data: data[..].into() },
        &mut wasm,
    );
    dearest(&wasm, IMPORTED).unwrap();
}

/// Code made of as many charges as bytes allow, at the highest prices, with indices of three bytes.
#[test]
fn l63_the_result_is_never_24_times_as_long() {
    let many = 60_000;
    let shapes: [(&str, &str); 12] = [
        ("empty loops", "loop end"),
        ("nested ends", "block nop end"),
        ("calls", "call 0"),
        ("dear calls", "call 1"),
        ("branches", "i32.const 0 br_if 0"),
        ("ifs", "i32.const 0 if nop else nop end"),
        ("returns", "block return end"),
        ("tail calls", "block return_call 0 end"),
        ("globals", "global.get 0 global.set 0"),
        ("grows", "i32.const 0 memory.grow drop"),
        ("dead code", "block unreachable return return return return end"),
        ("traps", "block unreachable end"),
    ];
    for (name, shape) in shapes {
        let wat = format!(
            r#"(module (memory 1) (global (mut i32) (i32.const 0)) (func) (func (result {}) unreachable)
                (func {}))"#,
            "i64 ".repeat(16),
            if name == "dear calls" {
                format!("{} unreachable", format!("{shape} ").repeat(1_000))
            } else {
                format!("{shape} ").repeat(many)
            }
        );
        let wasm = text(&wat);
        for form in [IMPORTED, Form::Exported] {
            let out = dearest(&wasm, form).unwrap();
            println!("{name}: {:.2}", out.len() as f64 / wasm.len() as f64);
        }
    }
    // Many functions, each as small as can be; and each a call, at an index of three bytes.
    for functions in [1, 10, 1_000, 20_000] {
        for body in [&[I::End][..], &[I::Call(0), I::End], &[I::Return, I::End]] {
            let mut types = TypeSection::new();
            types.ty().function([], []);
            let mut function_section = FunctionSection::new();
            let mut code = CodeSection::new();
            for _ in 0..functions {
                function_section.function(0);
                let mut function = Function::new([]);
                for instruction in body {
                    function.instruction(instruction);
                }
                code.function(&function);
            }
            let mut module = Module::new();
            let wasm = module.section(&types).section(&function_section).section(&code).as_slice().to_vec();
            for form in [IMPORTED, Form::Exported] {
                let out = dearest(&wasm, form).unwrap();
                println!("{functions} functions {body:?}: {:.2}", out.len() as f64 / wasm.len() as f64);
            }
        }
    }
}
