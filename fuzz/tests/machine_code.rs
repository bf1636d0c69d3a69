//! What holds of all machine code of aarch64, of generated modules and of families: see `vm/tests/machine_code`.
//! `LOCKSTEP_FUZZ_ITERS` multiplies the number of generated modules.

#[path = "../../vm/tests/machine_code/aarch64/mod.rs"]
mod aarch64;

use aarch64::{Bounds, Counts, Kind, check};
use lockstep_fuzz::families::FAMILIES;
use lockstep_fuzz::generate::program::{Options, Size, program};
use lockstep_fuzz::generate::{Allowed, edges::edges, pressure::pressure, smith::smith};
use lockstep_vm::{Backend, CodeTarget, Config, Engine, ExternType, FloatPolicy, Limits, Module};

const BOUNDS: [Bounds; 2] = [Bounds::Guard, Bounds::Explicit];

/// What each kind of code is made of; modules that limits refuse are not counted.
fn counts(
    bounds: Bounds,
    limits: Limits,
    modules: impl Iterator<Item = (String, Vec<u8>)>,
) -> (usize, Counts) {
    let config = Config::new().backend(Backend::Interpreter).floats(FloatPolicy::Canonical).limits(limits);
    let engine = Engine::new(&config.signals_based_traps(bounds == Bounds::Guard)).unwrap();
    let (mut compiled, mut counts) = (0, Counts::default());
    for (name, wasm) in modules {
        let Ok(module) = Module::new(&engine, &wasm) else { continue };
        let (code, map) = module.code_for(CodeTarget::Aarch64).unwrap();
        let imports_memory = module.imports().any(|import| matches!(import.ty(), ExternType::Memory(_)));
        match check(&code, &map, Kind { bounds, imports_memory }) {
            Ok(found) => counts.add(&found),
            Err(error) => panic!("{name}, {bounds:?}: {error}"),
        }
        compiled += 1;
    }
    (compiled, counts)
}

#[test]
fn code_of_generated_modules_is_sound() {
    let factor = std::env::var("LOCKSTEP_FUZZ_ITERS").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    let allowed = Allowed { floats: true, imports: true };
    let of = |seed: u64| match seed % 4 {
        0 => program(seed, Options { size: Size::Normal, allowed }),
        1 => pressure(seed, allowed),
        2 => edges(seed, true),
        _ => smith(seed, true),
    };
    for bounds in BOUNDS {
        let modules = (0..400 * factor).map(|seed| (format!("seed {seed}"), of(seed)));
        let (compiled, counts) = counts(bounds, Limits::default(), modules);
        println!("{compiled} modules, {bounds:?}: {counts:?}");
        assert!(compiled > 300, "{compiled}");
        assert!(counts.probed.max(counts.compared) > 1_000, "{counts:?}");
    }
}

#[test]
fn code_of_families_is_sound() {
    for bounds in BOUNDS {
        let modules = FAMILIES.iter().flat_map(|family| {
            let sizes = [1_000, 30_000].map(|n| n / family.amplification.min(20));
            sizes.map(|n| (family.name.to_string(), family.build(n)))
        });
        let (compiled, counts) = counts(bounds, Limits::default(), modules);
        println!("{compiled} modules, {bounds:?}: {counts:?}");
        assert!(compiled > 100, "{compiled}");
    }
}
