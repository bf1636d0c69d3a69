//! What is refused, by which code, and what the error says.

use lockstep_vm::{Config, Engine, ErrorKind, Features, FloatPolicy, Invalid, Module};

fn refusal(config: &Config, wat: &str) -> Option<Invalid> {
    let wasm = wat::parse_str(wat).unwrap_or_else(|error| panic!("{wat}: {error}"));
    let engine = Engine::new(config).unwrap();
    match Module::validate(&engine, &wasm) {
        Ok(()) => None,
        Err(error) => match error.kind() {
            ErrorKind::Invalid(invalid) => Some(invalid.clone()),
            other => panic!("{wat}: a refusal is expected, not {other:?}"),
        },
    }
}

fn code(config: &Config, wat: &str) -> Option<String> {
    refusal(config, wat).map(|invalid| invalid.code().to_string())
}

/// Wherever a float can be written, it is found: used or not, live or dead.
#[test]
fn a_float_anywhere_is_refused() {
    let places = [
        "(module (type (func (param f32))))",
        "(module (type (func (result f64))))",
        r#"(module (import "m" "f" (func (param f64))))"#,
        r#"(module (import "m" "g" (global f32)))"#,
        "(module (global f64 (f64.const 0)))",
        "(module (func (local f32)))",
        "(module (func (local i32 f64)))",
        "(module (func (param f32)))",
        "(module (func f32.const 0 drop))",
        "(module (func unreachable f64.const 0 drop))",
        "(module (func unreachable f64.add drop))",
        "(module (func (block (result f32) unreachable) drop))",
        "(module (func unreachable (block (result f32) unreachable) drop))",
        "(module (func unreachable select (result f32) drop))",
        "(module (memory 1) (func i32.const 0 f32.load drop))",
        "(module (memory 1) (func unreachable f64.store))",
        "(module (func unreachable i32.trunc_sat_f32_s drop))",
        "(module (func unreachable i64.reinterpret_f64 drop))",
        "(module (func unreachable f32.neg drop))",
        "(module (func return f32.convert_i32_s drop))",
    ];
    for wat in places {
        let invalid = refusal(&Config::new(), wat);
        assert_eq!(
            invalid.as_ref().map(|invalid| invalid.code()).as_deref(),
            Some("float"),
            "{wat}: {invalid:?}"
        );
        assert_eq!(code(&Config::new().floats(FloatPolicy::Canonical), wat), None, "{wat}");
    }
}

/// Each feature that has a switch, with a module that needs it.
const SWITCHED: &[(&str, &str)] = &[
    ("mutable_globals", r#"(module (global (export "g") (mut i32) (i32.const 0)))"#),
    ("mutable_globals", r#"(module (import "m" "g" (global (mut i32))))"#),
    ("sign_extension", "(module (func i32.const 0 i32.extend8_s drop))"),
    ("saturating_conversions", "(module (func f32.const 0 i32.trunc_sat_f32_s drop))"),
    ("multi_value", "(module (type (func (result i32 i32))))"),
    ("multi_value", "(module (func i32.const 0 (block (param i32) drop)))"),
    ("bulk_memory", "(module (memory 1) (func i32.const 0 i32.const 0 i32.const 0 memory.fill))"),
    ("bulk_memory", r#"(module (memory 1) (data "passive"))"#),
    ("reference_types", "(module (func ref.null extern drop))"),
    ("reference_types", "(module (table 0 externref))"),
    ("reference_types", "(module (table 0 funcref) (table 0 funcref))"),
    ("reference_types", r#"(module (import "m" "t" (table 0 funcref)) (import "m" "u" (table 0 funcref)))"#),
    ("reference_types", "(module (table 0 funcref) (func i32.const 0 table.get 0 drop))"),
    ("tail_calls", "(module (func return_call 0))"),
    ("tail_calls", "(module (table 0 funcref) (func i32.const 0 return_call_indirect))"),
    ("extended_constants", "(module (global i32 (i32.add (i32.const 1) (i32.const 2))))"),
];

/// L06, L68: what a switch turns off is refused by that switch's name, and by nothing else.
#[test]
fn l68_each_feature_is_refused_by_name_when_it_is_off() {
    let canonical = Config::new().floats(FloatPolicy::Canonical);
    for (feature, wat) in SWITCHED {
        assert_eq!(code(&canonical, wat), None, "{wat}");
        let mut features = Features::default();
        *features.by_name_mut(feature).unwrap() = false;
        let off = canonical.clone().features(features);
        assert_eq!(code(&off, wat), Some(format!("feature.{feature}")), "{wat}");
    }
    for (name, _) in Features::default().named() {
        assert!(SWITCHED.iter().any(|(feature, _)| *feature == name), "no module for {name}");
    }
}

/// What no engine accepts is refused by its proposal's name.
#[test]
fn proposals_without_a_switch_are_refused_by_name() {
    let config = Config::new().floats(FloatPolicy::Canonical);
    for (feature, wat) in [
        ("simd", "(module (type (func (param v128))))"),
        ("simd", "(module (func v128.const i32x4 0 0 0 0 drop))"),
        ("simd", "(module (memory 1) (func i32.const 0 v128.load drop))"),
        ("threads", "(module (memory 1 1 shared))"),
        ("threads", "(module (memory 1) (func i32.const 0 i32.atomic.load drop))"),
        ("multi_memory", "(module (memory 1) (memory 1))"),
        ("multi_memory", r#"(module (import "m" "m" (memory 1)) (memory 1))"#),
        ("memory64", "(module (memory i64 1))"),
        ("exceptions", "(module (tag))"),
        ("gc", "(module (type (struct)))"),
        ("function_references", "(module (type $t (func)) (func (param (ref $t))))"),
        ("wide_arithmetic", "(module (func i64.const 0 i64.const 0 i64.mul_wide_s drop drop))"),
        ("custom_page_sizes", "(module (memory 1 (pagesize 1)))"),
        ("component_model", "(component)"),
    ] {
        assert_eq!(code(&config, wat), Some(format!("feature.{feature}")), "{wat}");
    }
}

/// Toolchains write `call_indirect`'s table index in five bytes; this is no feature.
#[test]
fn l74_an_overlong_table_index_parses_without_reference_types() {
    let mut wasm = wat::parse_str("(module (table 1 funcref) (func i32.const 0 call_indirect))").unwrap();
    let at = wasm.windows(3).position(|bytes| bytes == [0x11, 0x00, 0x00]).expect("call_indirect 0 0");
    wasm.splice(at + 2..at + 3, [0x80, 0x80, 0x80, 0x80, 0x00]);
    // The body and the code section grow by 4 bytes.
    let body = wasm.iter().rposition(|&byte| byte == 0x0a).unwrap();
    wasm[body + 1] += 4;
    wasm[body + 3] += 4;
    let features = Features { reference_types: false, ..Features::default() };
    let engine = Engine::new(&Config::new().features(features)).unwrap();
    Module::validate(&engine, &wasm).unwrap();
    Module::validate(&Engine::default(), &wasm).unwrap();
}

#[test]
fn an_error_says_which_function_and_where() {
    let wat = r#"(module (import "m" "f" (func)) (func $fine) (func $wrong (result i32) i64.const 1))"#;
    let invalid = refusal(&Config::new(), wat).unwrap();
    assert_eq!(invalid.code(), "invalid");
    assert_eq!(invalid.function(), Some(2));
    assert_eq!(invalid.function_name(), Some("wrong"));
    let text = invalid.to_string();
    assert!(text.contains("function 2 <wrong>") && text.contains("offset 0x"), "{text}");
}

#[test]
fn what_is_no_module_is_malformed() {
    let engine = Engine::default();
    let whole =
        wat::parse_str("(module (func (result i32) i32.const 7) (memory 1) (data (i32.const 0) \"x\"))")
            .unwrap();
    for bytes in
        [&b""[..], b"\0as", b"hello, world", b"\0asm\x02\0\0\0", &whole[..whole.len() - 1], &[0xff; 64]]
    {
        let error = Module::validate(&engine, bytes).unwrap_err();
        let ErrorKind::Invalid(invalid) = error.kind() else { panic!("{error}") };
        assert!(["malformed", "invalid"].contains(&&*invalid.code()), "{error}");
    }
    for cut in 0..whole.len() {
        // A cut at the end of a section leaves a whole module only where no section behind is needed.
        let _ = Module::validate(&engine, &whole[..cut]);
    }
}

/// A name section is for people: nothing in it can refuse a module, and hostile names do not make it slow or large.
#[test]
fn a_broken_name_section_does_not_refuse() {
    let mut wasm = wat::parse_str("(module (func $f))").unwrap();
    assert_eq!(Module::new(&Engine::default(), &wasm).unwrap().function_name(0), Some("f"));
    let last = wasm.len() - 1;
    wasm[last] = 0xff; // no longer UTF-8
    let module = Module::new(&Engine::default(), &wasm).unwrap();
    assert_eq!(module.function_name(0), None);
}

/// A hostile module chooses the names that its refusal prints.
#[test]
fn a_refusal_prints_hostile_names_short_and_clean() {
    let name = "\u{1b}[2J\n".repeat(10_000);
    let mut module = wat::parse_str("(module (func $f i32.const 0))").unwrap();
    // In place of the name section that ends the module.
    let mut names = wasm_encoder::NameSection::new();
    let mut functions = wasm_encoder::NameMap::new();
    functions.append(0, &name);
    names.functions(&functions);
    let at = module.windows(5).position(|bytes| bytes == b"\x04name").unwrap() - 2;
    module.truncate(at);
    wasm_encoder::Section::append_to(&names, &mut module);
    let error = Module::validate(&Engine::default(), &module).unwrap_err();
    let ErrorKind::Invalid(invalid) = error.kind() else { panic!("{error}") };
    assert_eq!(invalid.function_name(), Some(&*name));
    let text = error.to_string();
    assert!(text.len() < 2_000 && !text.chars().any(char::is_control), "{text}");
}
