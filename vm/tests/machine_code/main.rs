//! What holds of all machine code of aarch64, found by decoding it: where branches go and how far, and that no store that
//! is wider than a byte may be written in part. The code is made for aarch64 on any machine. `run` executes what is about
//! reach, on the machine at hand.
//!
//! With the feature `short-branches` branches may reach a 1,024th as far.

#![cfg(feature = "native")]

mod aarch64;
mod corpus;
mod made;
#[cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "linux"))]
mod run;

use aarch64::{Bounds, Counts, Kind, check};
use lockstep_vm::{Backend, CodeMap, CodeTarget, Config, Engine, ExternType, FloatPolicy, Module};

fn engine(bounds: Bounds) -> Engine {
    let config = Config::new().backend(Backend::Interpreter).floats(FloatPolicy::Canonical);
    Engine::new(&config.signals_based_traps(bounds == Bounds::Guard)).unwrap()
}

/// Decodes what a module is compiled to.
fn checked(module: &Module, bounds: Bounds) -> Result<Counts, String> {
    let (code, map) = code(module);
    check(&code, &map, kind(module, bounds))
}

fn code(module: &Module) -> (Vec<u8>, CodeMap) {
    module.code_for(CodeTarget::Aarch64).expect("the compiler is there")
}

fn kind(module: &Module, bounds: Bounds) -> Kind {
    let imports_memory = module.imports().any(|import| matches!(import.ty(), ExternType::Memory(_)));
    Kind { bounds, imports_memory }
}

const BOUNDS: [Bounds; 2] = [Bounds::Guard, Bounds::Explicit];

#[test]
fn code_of_the_official_suite_and_the_fixtures_is_sound() {
    let (mut counts, mut modules) = (Counts::default(), 0);
    for bounds in BOUNDS {
        let engine = engine(bounds);
        for (name, wasm) in corpus::suite().into_iter().chain(corpus::fixtures()) {
            // What must be refused is in the suite too.
            let Ok(module) = Module::new(&engine, &wasm) else { continue };
            let found =
                checked(&module, bounds).unwrap_or_else(|error| panic!("{name}, {bounds:?}: {error}"));
            counts.add(&found);
            modules += 1;
        }
    }
    println!("{modules} modules: {counts:?}");
    assert!(modules > 4_000, "{modules}");
    assert!(counts.probed > 1_000 && counts.compared > 1_000 && counts.aligned > 10, "{counts:?}");
    assert!(counts.branches > 50_000 && counts.entries > 10_000, "{counts:?}");
}

#[test]
fn every_way_to_store_is_sound() {
    let mut counts = Counts::default();
    for bounds in BOUNDS {
        let engine = engine(bounds);
        for wasm in made::stores() {
            let module = Module::new(&engine, &wasm).unwrap();
            counts.add(&checked(&module, bounds).unwrap_or_else(|error| panic!("{bounds:?}: {error}")));
        }
    }
    println!("{counts:?}");
    assert!(counts.probed > 300 && counts.aligned > 50, "{counts:?}");
}

/// What probes cost is a matter of how many stores code has.
#[test]
fn few_instructions_of_the_fixtures_are_probes() {
    let engine = engine(Bounds::Guard);
    let mut counts = Counts::default();
    for (_, wasm) in corpus::fixtures() {
        counts.add(&checked(&Module::new(&engine, &wasm).unwrap(), Bounds::Guard).unwrap());
    }
    println!("{counts:?}");
    assert!(counts.probed > 500 && counts.probed * 20 < counts.instructions, "{counts:?}");
}

/// Takes some of the probes and comparisons out of code, one at a time: each is missed.
#[test]
fn a_store_without_its_probe_is_found() {
    const NOP: u32 = 0xd503_201f;
    for bounds in BOUNDS {
        let engine = engine(bounds);
        let module = Module::new(&engine, &made::stores()[0]).unwrap();
        let ((mut code, map), kind) = (code(&module), kind(&module, bounds));
        let guards = aarch64::guards(&code, &map, kind);
        assert!(guards.len() > 500, "{}", guards.len());
        for at in guards.into_iter().step_by(97) {
            let word: [u8; 4] = code[at..at + 4].try_into().unwrap();
            code[at..at + 4].copy_from_slice(&NOP.to_le_bytes());
            let found = check(&code, &map, kind).expect_err("a store without a probe");
            assert!(found.contains("store") || found.contains("access"), "{found}");
            code[at..at + 4].copy_from_slice(&word);
        }
        check(&code, &map, kind).unwrap();
    }
}

/// Lets branches go somewhere else: each is missed.
#[test]
fn a_branch_to_nowhere_is_found() {
    let module = Module::new(&engine(Bounds::Guard), made::branches()).unwrap();
    let ((mut code, map), kind) = (code(&module), kind(&module, Bounds::Guard));
    check(&code, &map, kind).unwrap();
    let (_, entry, end) = map.functions[0];
    let mut changed = 0;
    for at in (entry as usize..end as usize).step_by(4) {
        let word = u32::from_le_bytes(code[at..at + 4].try_into().unwrap());
        let moved = match word {
            // `b`, `bl`: far behind everything. Conditional branches: before the first thunk.
            _ if word & 0x7c00_0000 == 0x1400_0000 => word & 0xfc00_0000 | 0x3f_ffff,
            _ if word & 0xff00_0010 == 0x5400_0000 || word & 0x7e00_0000 == 0x3400_0000 => {
                word & 0xff00_001f | 0x40_000 << 5
            }
            _ => continue,
        };
        code[at..at + 4].copy_from_slice(&moved.to_le_bytes());
        assert!(check(&code, &map, kind).is_err(), "{word:#x} at {at:#x}");
        code[at..at + 4].copy_from_slice(&word.to_le_bytes());
        changed += 1;
    }
    assert!(changed > 10, "{changed}");
}

/// A body as long as branches reach, and a little longer and shorter.
#[test]
fn branches_over_long_bodies_arrive() {
    let mut counts = Counts::default();
    let engine = engine(Bounds::Guard);
    for bytes in [32 << 10, 128 << 10, 1 << 20] {
        for wasm in made::long_bodies(&engine, bytes) {
            let module = Module::new(&engine, &wasm).unwrap();
            counts.add(&checked(&module, Bounds::Guard).unwrap_or_else(|error| panic!("{bytes}: {error}")));
        }
    }
    println!("{counts:?}");
    assert!(counts.veneers > 0, "{counts:?}");
    assert!(!cfg!(feature = "short-branches") || counts.far > 0, "{counts:?}");
}
