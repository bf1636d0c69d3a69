//! Floats between host and guest: what a host function returns is canonical when it is a NaN, everything else keeps its
//! bits.
//!
//! Owns the crossing only; the operators are the vectors' and the official suite's.

use lockstep_vm::{Config, Engine, Error, FloatPolicy, FuncType, Linker, Module, Store, Val, ValType};

const GUEST: &str = r#"(module
    (import "host" "f32" (func $f32 (param i32) (result f32)))
    (import "host" "f64" (func $f64 (param i64) (result f64)))
    (import "host" "both" (func $both (param i32 i64) (result f32 f64)))
    (func (export "f32") (param i32) (result i32) local.get 0 call $f32 i32.reinterpret_f32)
    (func (export "f64") (param i64) (result i64) local.get 0 call $f64 i64.reinterpret_f64)
    (func (export "both") (param i32 i64) (result f32 f64) local.get 0 local.get 1 call $both)
    (func (export "tail") (param i32) (result f32) local.get 0 return_call $f32)
    (func (export "bits") (param f32 f64) (result i32 i64)
        local.get 0 i32.reinterpret_f32 local.get 1 i64.reinterpret_f64)
    (func (export "back") (param f32 f64) (result f32 f64) local.get 0 local.get 1)
    (export "host" (func $f32)))"#;

/// Bits as a host function returns them, and as they must arrive.
const F32: &[(u32, u32)] = &[
    (0x7fc0_0000, 0x7fc0_0000),
    (0xffc0_0000, 0x7fc0_0000), // what x86-64 makes of 0/0
    (0x7fa0_0001, 0x7fc0_0000),
    (0x7f80_0001, 0x7fc0_0000),
    (0xffff_ffff, 0x7fc0_0000),
    (0x7f80_0000, 0x7f80_0000), // infinities are no NaNs
    (0xff80_0000, 0xff80_0000),
    (0x8000_0000, 0x8000_0000),
    (0x0000_0001, 0x0000_0001),
];
const F64: &[(u64, u64)] = &[
    (0x7ff8_0000_0000_0000, 0x7ff8_0000_0000_0000),
    (0xfff8_0000_0000_0000, 0x7ff8_0000_0000_0000),
    (0x7ff4_0000_0000_0001, 0x7ff8_0000_0000_0000),
    (0x7ff0_0000_0000_0001, 0x7ff8_0000_0000_0000),
    (0xffff_ffff_ffff_ffff, 0x7ff8_0000_0000_0000),
    (0x7ff0_0000_0000_0000, 0x7ff0_0000_0000_0000),
    (0xfff0_0000_0000_0000, 0xfff0_0000_0000_0000),
    (0x8000_0000_0000_0000, 0x8000_0000_0000_0000),
    (0x0000_0000_0000_0001, 0x0000_0000_0000_0001),
];

fn call(name: &str, arguments: &[Val], results: usize) -> Result<Vec<Val>, Error> {
    let engine = Engine::new(&Config::new().floats(FloatPolicy::Canonical))?;
    let mut linker = Linker::new(&engine);
    linker.func_wrap("host", "f32", |bits: u32| f32::from_bits(bits))?;
    linker.func_wrap("host", "f64", |bits: u64| f64::from_bits(bits))?;
    let both = FuncType::new([ValType::I32, ValType::I64], [ValType::F32, ValType::F64]);
    linker.func_new("host", "both", both, |_, arguments, results| {
        results[0] = Val::F32(arguments[0].unwrap_i32() as u32);
        results[1] = Val::F64(arguments[1].unwrap_i64() as u64);
        Ok(())
    })?;
    let mut store = Store::new(&engine, ());
    store.set_gas(1_000_000)?;
    let module = Module::new(&engine, wat::parse_str(GUEST).expect("the guest parses"))?;
    let instance = linker.instantiate(&mut store, &module)?;
    let mut found = vec![Val::I32(0); results];
    instance.get_func(&store, name).expect("it is exported").call(&mut store, arguments, &mut found)?;
    Ok(found)
}

#[test]
fn a_nan_that_a_host_function_returns_becomes_canonical() -> Result<(), Error> {
    for ((f32_given, f32_expected), (f64_given, f64_expected)) in F32.iter().copied().zip(F64.iter().copied())
    {
        let (narrow, wide) = (Val::from(f32_given), Val::from(f64_given));
        assert_eq!(call("f32", &[narrow], 1)?, [Val::from(f32_expected)], "{f32_given:#x}");
        assert_eq!(call("f64", &[wide], 1)?, [Val::from(f64_expected)], "{f64_given:#x}");
        let expected = [Val::F32(f32_expected), Val::F64(f64_expected)];
        assert_eq!(call("both", &[narrow, wide], 2)?, expected, "{f32_given:#x} {f64_given:#x}");
        // Whoever called it: a tail call, or the embedder through an export.
        assert_eq!(call("tail", &[narrow], 1)?, [Val::F32(f32_expected)], "{f32_given:#x}");
        assert_eq!(call("host", &[narrow], 1)?, [Val::F32(f32_expected)], "{f32_given:#x}");
    }
    Ok(())
}

/// Arguments and results of guest functions are moved, not computed: a payload survives.
#[test]
fn bits_that_the_embedder_passes_survive_both_ways() -> Result<(), Error> {
    for ((f32_bits, _), (f64_bits, _)) in F32.iter().copied().zip(F64.iter().copied()) {
        let floats = [Val::F32(f32_bits), Val::F64(f64_bits)];
        assert_eq!(call("bits", &floats, 2)?, [Val::from(f32_bits), Val::from(f64_bits)]);
        assert_eq!(call("back", &floats, 2)?, floats);
    }
    Ok(())
}
