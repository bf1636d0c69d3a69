//! Whatever is accepted compiles, for every machine, and machine code is at most so many times as long as wasm code.

#![cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "linux"))]

use lockstep_fuzz::families::FAMILIES;
use lockstep_vm::{Backend, CodeTarget, Config, Engine, FloatPolicy, Limits, Module};

/// Bytes of machine code by byte of wasm code, by function, and by module for what every module has.
const BY_BYTE: usize = 64;
const BY_FUNCTION: usize = 256;
const BY_MODULE: usize = 8 << 10;

#[test]
fn l62_code_is_bounded_by_wasm() {
    let engine = |limits, signals| {
        let config = Config::new().backend(Backend::Native).floats(FloatPolicy::Canonical).limits(limits);
        Engine::new(&config.signals_based_traps(signals)).unwrap()
    };
    let (default, ceilings) = (Limits::default(), Limits::ceilings());
    let mut worst = (0.0, String::new());
    let mut compiled = 0;
    for (limits, name) in [(default, "default limits"), (ceilings, "ceilings")] {
        for signals in [true, false] {
            let engine = engine(limits.clone(), signals);
            for family in FAMILIES {
                for n in [1_000, 20_000, 100_000] {
                    let wasm = family.build(n / family.amplification.min(20));
                    let Ok(module) = Module::new(&engine, &wasm) else { continue };
                    let code_for = |target| module.code_for(target).unwrap().0.len();
                    let code = code_for(CodeTarget::X86_64).max(code_for(CodeTarget::Aarch64));
                    let functions = module.plan().function_count();
                    compiled += 1;
                    let ratio =
                        code.saturating_sub(BY_MODULE + BY_FUNCTION * functions) as f64 / wasm.len() as f64;
                    if ratio > worst.0 {
                        worst = (ratio, format!("{} at {n}, {name}", family.name));
                    }
                    if ratio > 20.0 {
                        println!("{} at {n}, {name}, signals {signals}: {ratio:.1}", family.name);
                    }
                    let bound = BY_BYTE * wasm.len() + BY_FUNCTION * functions + BY_MODULE;
                    assert!(
                        name == "ceilings" || code <= bound,
                        "{} at {n}: {code} bytes of {}",
                        family.name,
                        wasm.len()
                    );
                }
            }
        }
    }
    println!("{compiled} modules; at most {:.1} times as long: {}", worst.0, worst.1);
    assert!(compiled > 500);
}
