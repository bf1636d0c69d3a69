//! Artifacts: what is loaded does what was compiled, and what is not whole, or not for here, is refused.

#[path = "support/process.rs"]
mod process;

use lockstep_vm::{
    ArtifactError, ArtifactKey, Backend, Caller, CodeTarget, CompilerTesting, Config, Engine, Error,
    ErrorKind, Features, FloatPolicy, Func, Limit, Limits, Linker, Module, Op, Schedule, Store, Val,
};
use process::this_program;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::fmt::Write;
use std::path::Path;

const GAS: u64 = 10_000_000;

/// Memory, tables, globals, data, a host function, and traps of several kinds in frames below others.
const WAT: &str = r#"(module $m
    (import "env" "add" (func $host (param i64) (result i64)))
    (memory (export "memory") 1 2)
    (table 4 funcref)
    (elem (i32.const 0) $divide $host $load)
    (global $count (export "count") (mut i64) (i64.const 3))
    (data (i32.const 8) "lockstep")
    (type $unary (func (param i64) (result i64)))
    (func $divide (param i64) (result i64) i64.const 100 local.get 0 i64.div_u)
    (func $load (param i64) (result i64) local.get 0 i32.wrap_i64 i64.load)
    (func $recurse (export "recurse") (param i64) (result i64)
        local.get 0 i64.eqz if (result i64) i64.const 0 else
        local.get 0 i64.const 1 i64.sub call $recurse i64.const 2 i64.add end)
    (func $dispatch (export "dispatch") (param i64 i32) (result i64)
        local.get 0 local.get 1 call_indirect (type $unary)
        global.get $count i64.add global.set $count
        global.get $count)
    (func (export "copy") (param i64 i32) (result i64)
        i32.const 100 i32.const 8 local.get 1 memory.copy i32.const 100 i64.load)
    (func (export "clz") (param i64) (result i64) (local $i i64)
        loop
            local.get 0 i64.clz local.get 0 i64.ctz i64.add local.get 0 local.get $i i64.shl i64.add
            local.get 0 local.get $i i64.shr_u i64.xor local.set 0
            local.get $i i64.const 1 i64.add local.tee $i i64.const 50 i64.lt_u br_if 0
        end
        local.get 0))"#;

/// Calls of it: the function and its arguments.
const CALLS: [(&str, i64, Option<i32>); 12] = [
    ("recurse", 40, None),
    ("recurse", 1_000_000, None),
    ("dispatch", 7, Some(0)),
    ("dispatch", 0, Some(0)),
    ("dispatch", 7, Some(1)),
    ("dispatch", -1, Some(1)),
    ("dispatch", 65_528, Some(2)),
    ("dispatch", 65_529, Some(2)),
    ("dispatch", 7, Some(3)),
    ("dispatch", 7, Some(4)),
    ("copy", 0, Some(8)),
    ("clz", 0x0123_4567_89ab_cdef, None),
];

fn config() -> Config {
    Config::new().backend(Backend::Native)
}

fn engine(config: &Config) -> Engine {
    Engine::new(config).unwrap()
}

fn key() -> ArtifactKey {
    ArtifactKey::new([7; 32])
}

fn wasm() -> Vec<u8> {
    wat::parse_str(WAT).unwrap()
}

/// Everything that can be seen of all calls, each in a fresh instance.
fn outcomes(engine: &Engine, module: &Module) -> String {
    let mut linker = Linker::new(engine);
    linker
        .func_wrap("env", "add", |mut caller: Caller<'_, ()>, value: i64| {
            caller.charge(11)?;
            if value < 0 { Err(Error::stop(value)) } else { Ok(value + 1) }
        })
        .unwrap();
    let mut text = String::new();
    for (name, first, second) in CALLS {
        let mut store = Store::new(engine, ());
        store.set_gas(GAS).unwrap();
        let instance = linker.instantiate(&mut store, module).unwrap();
        let func: Func = instance.get_func(&mut store, name).unwrap();
        let arguments: Vec<Val> = [Val::I64(first)].into_iter().chain(second.map(Val::I32)).collect();
        let mut results = [Val::I64(0)];
        let ended = func.call(&mut store, &arguments, &mut results);
        // The message of a trap has its whole backtrace.
        let ended = ended.map(|()| results).map_err(|error| format!("{error} {:?}", error.kind()));
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        let memory: u64 = memory.data(&store).iter().map(|byte| u64::from(*byte)).sum();
        let count = instance.get_global(&mut store, "count").unwrap().get(&mut store);
        let (gas, peak) = (store.gas(), store.peak_stack_slots());
        writeln!(
            text,
            "{name} {arguments:?}: {ended:?} gas {gas} peak {peak} memory {memory} count {count:?}"
        )
        .unwrap();
    }
    text
}

fn load(engine: &Engine, artifact: &[u8]) -> Result<Module, ArtifactError> {
    Module::deserialize(engine, &key(), artifact).map_err(|error| match error.into_kind() {
        ErrorKind::Artifact(error) => error,
        other => panic!("not about an artifact: {other:?}"),
    })
}

fn refused(engine: &Engine, artifact: &[u8]) -> ArtifactError {
    let error = load(engine, artifact).expect_err("it is refused");
    assert!(error.to_string().ends_with("; compile the module again"), "{error}");
    error
}

#[test]
fn what_is_loaded_does_what_was_compiled() {
    for config in [config(), config().signals_based_traps(false), config().backend(Backend::CrossCheck)] {
        let engine = engine(&config);
        let module = Module::new(&engine, wasm()).unwrap();
        let artifact = module.serialize(&key()).unwrap();
        let loaded = load(&engine, &artifact).unwrap();
        assert_eq!(loaded.bytes(), module.bytes());
        assert_eq!(loaded.machine_code(), module.machine_code());
        assert_eq!(loaded.code_map(), module.code_map());
        assert_eq!(loaded.plan(), module.plan());
        assert_eq!(loaded.facts(), module.facts());
        assert_eq!(outcomes(&engine, &loaded), outcomes(&engine, &module));
        assert_eq!(loaded.serialize(&key()).unwrap(), artifact);
        // What was compiled may go.
        drop(module);
        let other = load(&engine, &artifact).unwrap();
        drop(artifact);
        assert_eq!(outcomes(&engine, &loaded), outcomes(&engine, &other));
        let text = outcomes(&engine, &other);
        for word in ["DivideByZero", "MemoryOutOfBounds", "StackOverflow", "Stop", "recurse"] {
            assert!(text.contains(word), "no {word} in {text}");
        }
    }
}

#[test]
fn what_is_compiled_for_any_processor_runs_on_this_one() {
    let engine = engine(&config());
    let module = Module::new(&engine, wasm()).unwrap();
    let artifact = engine.precompile_module(&wasm(), CodeTarget::HOST, &key()).unwrap();
    let loaded = load(&engine, &artifact).unwrap();
    assert_eq!(outcomes(&engine, &loaded), outcomes(&engine, &module));
    // It stays what it is.
    assert_eq!(loaded.serialize(&key()).unwrap(), artifact);
    // What executes at home is no matter.
    let interpreter = Engine::new(&Config::new().backend(Backend::Interpreter)).unwrap();
    assert_eq!(interpreter.precompile_module(&wasm(), CodeTarget::HOST, &key()).unwrap(), artifact);
}

#[test]
fn an_engine_that_interprets_has_no_artifacts() {
    let engine = engine(&config().backend(Backend::Interpreter));
    let module = Module::new(&engine, wasm()).unwrap();
    let error = module.serialize(&key()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Artifact(ArtifactError::NoMachineCode)), "{error}");
    let artifact = engine.precompile_module(&wasm(), CodeTarget::HOST, &key()).unwrap();
    assert_eq!(load(&engine, &artifact).unwrap_err(), ArtifactError::NoMachineCode);
}

/// A module that is compiled in several parts.
fn large() -> Vec<u8> {
    let mut text = String::from("(module (memory 1)");
    for function in 0..400 {
        write!(text, "(func (export \"f{function}\") (param i64 i32) (result i64)").unwrap();
        for operator in 0..30 {
            write!(text, "local.get 1 i64.load offset={operator} local.get 0 i64.add i64.clz local.set 0 ")
                .unwrap();
        }
        write!(text, "local.get 0 local.get 1 call {})", (function * 7) % 400).unwrap();
    }
    text.push(')');
    wat::parse_str(text).unwrap()
}

/// All artifacts of the large module that can be made here, one behind the other.
fn made_here() -> Vec<u8> {
    let mut all = Vec::new();
    for config in [config(), config().signals_based_traps(false)] {
        let engine = engine(&config);
        let module = Module::new(&engine, large()).unwrap();
        let once = module.serialize(&key()).unwrap();
        assert_eq!(once, module.serialize(&key()).unwrap());
        all.extend(once);
        for target in [CodeTarget::X86_64, CodeTarget::Aarch64] {
            all.extend(engine.precompile_module(module.bytes(), target, &key()).unwrap());
        }
    }
    all
}

/// The other half of the test below, in a process of its own.
#[test]
#[ignore = "it is run by the next"]
#[allow(clippy::disallowed_methods, reason = "this is how it is told where to write")]
fn made_elsewhere() {
    let Some(path) = std::env::var_os("LOCKSTEP_ARTIFACTS_OUT") else { return };
    std::fs::write(path, made_here()).unwrap();
}

#[test]
fn l29_the_bytes_are_the_same_in_every_process_and_with_any_number_of_threads() {
    assert!(large().len() > 3 * (32 << 10), "several parts");
    let here = made_here();
    for threads in ["1", "2", "5"] {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("artifacts-{threads}"));
        let output = this_program()
            .args(["--exact", "made_elsewhere", "--ignored"])
            .env("RAYON_NUM_THREADS", threads)
            .env("LOCKSTEP_ARTIFACTS_OUT", &path)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let there = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(here == there, "{threads} threads");
    }
}

#[test]
fn l33_any_other_configuration_is_refused_by_name() {
    let home = engine(&config());
    let artifact = Module::new(&home, wasm()).unwrap().serialize(&key()).unwrap();
    let mut hashes = vec![home.precompile_compatibility_hash()];
    let mut elsewhere = |config: Config| {
        let engine = engine(&config);
        hashes.push(engine.precompile_compatibility_hash());
        refused(&engine, &artifact)
    };

    let fingerprint = |error: ArtifactError, expected: &str| match error {
        ArtifactError::Fingerprint { rule, made, here } => {
            assert_eq!(&*rule, expected);
            assert_ne!(made, here);
        }
        other => panic!("{expected}: {other:?}"),
    };
    for &limit in Limit::ALL.iter().filter(|limit| !limit.is_run()) {
        let mut limits = Limits::default();
        limits.set(limit, limits.get(limit) - 1);
        fingerprint(elsewhere(config().limits(limits)), &format!("limit {limit}"));
    }
    for (name, _) in Features::default().named() {
        let mut features = Features::default();
        *features.by_name_mut(name).unwrap() = false;
        fingerprint(elsewhere(config().features(features)), &format!("feature {name}"));
    }
    for &op in Op::ALL {
        let mut schedule = Schedule::default();
        schedule.set(op, schedule.price(op) + 1);
        if schedule.check().is_err() {
            continue; // labels cost nothing
        }
        fingerprint(elsewhere(config().schedule(schedule)), "schedule");
    }
    let mut schedule = Schedule::default();
    schedule.prices.memory_copy_byte += 1;
    fingerprint(elsewhere(config().schedule(schedule)), "schedule");
    fingerprint(elsewhere(config().floats(FloatPolicy::Canonical)), "floats");

    let flag = |error: ArtifactError, expected: &str| match error {
        ArtifactError::Flag { flag, .. } => assert_eq!(&*flag, expected),
        other => panic!("{expected}: {other:?}"),
    };
    flag(elsewhere(config().signals_based_traps(false)), "bounds checks by");
    flag(elsewhere(config().unmetered_for_benches(true)), "metering");
    let testing = CompilerTesting::default();
    flag(
        elsewhere(config().compiler_for_tests(CompilerTesting { checked: true, ..testing })),
        "checked code",
    );
    flag(elsewhere(config().compiler_for_tests(CompilerTesting { homes_max: Some(1), ..testing })), "homes");

    let count = hashes.len();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), count, "whatever is refused has another name");
}

#[test]
fn l33_run_limits_and_the_backend_are_no_part_of_it() {
    let home = engine(&config());
    let artifact = Module::new(&home, wasm()).unwrap().serialize(&key()).unwrap();
    let mut same: Vec<Config> = Limit::ALL
        .iter()
        .filter(|limit| limit.is_run())
        .map(|&limit| {
            let mut limits = Limits::default();
            limits.set(limit, limits.get(limit) - 1);
            config().limits(limits)
        })
        .collect();
    assert_eq!(same.len(), 4);
    same.push(config().backend(Backend::CrossCheck));
    for config in same {
        let engine = engine(&config);
        assert_eq!(engine.precompile_compatibility_hash(), home.precompile_compatibility_hash());
        load(&engine, &artifact).unwrap();
    }
    // The limits are those of who runs it.
    let limits = Limits { stack_slots: 200, ..Limits::default() };
    let engine = engine(&config().limits(limits));
    let (loaded, compiled) = (load(&engine, &artifact).unwrap(), Module::new(&engine, wasm()).unwrap());
    assert_eq!(outcomes(&engine, &loaded), outcomes(&engine, &compiled));
}

#[test]
fn l33_another_machine_or_key_is_refused() {
    let engine = engine(&config());
    let other = match CodeTarget::HOST {
        CodeTarget::Aarch64 => CodeTarget::X86_64,
        _ => CodeTarget::Aarch64,
    };
    let artifact = engine.precompile_module(&wasm(), other, &key()).unwrap();
    let made = other.to_string().into();
    assert_eq!(refused(&engine, &artifact), ArtifactError::Target { made, here: CodeTarget::HOST });

    for changed in 0..32 {
        let mut bytes = [7; 32];
        bytes[changed] ^= 1;
        let artifact = Module::new(&engine, wasm()).unwrap().serialize(&ArtifactKey::new(bytes)).unwrap();
        assert_eq!(refused(&engine, &artifact), ArtifactError::Key);
    }
}

#[test]
fn what_is_no_artifact_says_so() {
    let engine = engine(&config());
    let artifact = Module::new(&engine, wasm()).unwrap().serialize(&key()).unwrap();
    for other in [&b""[..], &wasm(), &artifact[..18], &artifact[1..], WAT.as_bytes()] {
        assert_eq!(refused(&engine, other), ArtifactError::NotAnArtifact);
        assert!(!Engine::detect_precompiled(other));
    }
    for length in 19..artifact.len() {
        assert!(Engine::detect_precompiled(&artifact[..length]));
        let expected = if length < 29 { 0 } else { artifact.len() as u64 };
        assert_eq!(
            refused(&engine, &artifact[..length]),
            ArtifactError::Length { expected, found: length as u64 }
        );
    }
    let mut newer = artifact;
    newer[19] = 2;
    assert_eq!(refused(&engine, &newer), ArtifactError::Format { found: 2 });
}

/// Settings, facts and prices are under the hash as code is: there is no byte that may be another.
#[test]
fn l81_no_byte_is_outside_of_the_hash() {
    let engine = engine(&config());
    let artifact = Module::new(&engine, wasm()).unwrap().serialize(&key()).unwrap();
    let tag = artifact.len() - 32;
    for at in 0..artifact.len() {
        for bit in [0, 3, 7] {
            let mut changed = artifact.clone();
            changed[at] ^= 1 << bit;
            let error = refused(&engine, &changed);
            let expected = match at {
                0..19 => matches!(error, ArtifactError::NotAnArtifact),
                19..21 => matches!(error, ArtifactError::Format { .. }),
                21..29 => matches!(error, ArtifactError::Length { .. }),
                _ if at < tag => error == ArtifactError::Damaged,
                _ => error == ArtifactError::Key,
            };
            assert!(expected, "byte {at}: {error:?}");
        }
    }
}

/// How many damaged artifacts are tried; `LOCKSTEP_FUZZ_ITERS` sets another number.
#[allow(clippy::disallowed_methods, reason = "a test may be told how long to run")]
fn iterations() -> u64 {
    let wanted = std::env::var("LOCKSTEP_FUZZ_ITERS").ok();
    wanted.map_or(20_000, |wanted| wanted.parse().expect("LOCKSTEP_FUZZ_ITERS is a number"))
}

/// Damages an artifact as disks, crashes and other files do; the other is of the same key.
fn damage(random: &mut StdRng, bytes: &mut Vec<u8>, other: &[u8]) {
    let at = random.random_range(0..bytes.len().max(1)).min(bytes.len().saturating_sub(1));
    let length = random.random_range(1..=4096).min(bytes.len() - at);
    match random.random_range(0..9) {
        0 => bytes[at] ^= 1 << random.random_range(0..8),
        1 => bytes.truncate(at.max(1)),
        2 => bytes.extend((0..length).map(|_| random.random::<u8>())),
        // A block that was not written, or is another's.
        3 => bytes[at..at + length].fill(0),
        4 => {
            let from = at.min(other.len());
            let until = (from + length).min(other.len());
            bytes[at..at + until - from].copy_from_slice(&other[from..until]);
        }
        // Two blocks at each other's place.
        5 => {
            let half = length / 2;
            let (first, second) = bytes[at..at + 2 * half].split_at_mut(half);
            first.swap_with_slice(second);
        }
        // The end of one behind the start of another; hash and tag, or the tag alone, of another.
        6 => {
            bytes.truncate(at.max(1));
            bytes.extend(&other[at.min(other.len())..]);
        }
        7 => {
            let suffix = [64, 32][random.random_range(0..2)].min(bytes.len()).min(other.len());
            let end = bytes.len();
            bytes[end - suffix..].copy_from_slice(&other[other.len() - suffix..]);
        }
        _ => {
            bytes.drain(at..at + length);
            bytes.push(random.random());
        }
    }
}

#[test]
fn l80_damaged_artifacts_are_refused_and_never_run() {
    let engine = engine(&config());
    let modules = [wasm(), large(), wat::parse_str("(module)").unwrap()];
    let originals: Vec<Vec<u8>> = modules
        .iter()
        .map(|wasm| Module::new(&engine, wasm).unwrap().serialize(&key()).unwrap())
        .chain([engine.precompile_module(&modules[0], CodeTarget::HOST, &key()).unwrap()])
        .collect();
    let expected = outcomes(&engine, &Module::new(&engine, wasm()).unwrap());
    let mut random = StdRng::seed_from_u64(80);
    let (mut refusals, mut whole) = ([0; 5], 0);
    for _ in 0..iterations() {
        // The small ones more often: what is in them is denser.
        let pick = |random: &mut StdRng| [0, 0, 0, 0, 2, 2, 2, 2, 3, 3, 3, 1][random.random_range(0..12)];
        let mut bytes = originals[pick(&mut random)].clone();
        for _ in 0..random.random_range(1..=3) {
            let other = &originals[pick(&mut random)];
            if bytes.len() > 1 {
                damage(&mut random, &mut bytes, other);
            }
        }
        match load(&engine, &bytes) {
            Ok(module) => {
                // Some damage changes nothing.
                let original = originals.iter().position(|original| *original == bytes);
                let original = original.expect("what is accepted is what was made");
                whole += 1;
                if matches!(original, 0 | 3) {
                    assert_eq!(outcomes(&engine, &module), expected);
                }
            }
            Err(error) => {
                let kind = match error {
                    ArtifactError::NotAnArtifact => 0,
                    ArtifactError::Format { .. } => 1,
                    ArtifactError::Length { .. } => 2,
                    ArtifactError::Damaged => 3,
                    ArtifactError::Key => 4,
                    other => panic!("nothing behind the hash is read: {other:?}"),
                };
                refusals[kind] += 1;
            }
        }
    }
    println!("{refusals:?} refused: no artifact, format, length, damaged, key; {whole} were whole");
    assert!(refusals.iter().all(|count| *count > 0), "{refusals:?}");
}

#[test]
#[cfg(target_arch = "x86_64")]
fn l82_code_for_a_processor_that_has_more_is_refused() {
    let with = |lzcnt, tzcnt, bmi2| {
        let testing = CompilerTesting { lzcnt, tzcnt, bmi2, ..CompilerTesting::default() };
        engine(&config().compiler_for_tests(testing))
    };
    let everywhere = engine(&config()).precompile_module(&wasm(), CodeTarget::X86_64, &key()).unwrap();
    let here = [
        std::arch::is_x86_feature_detected!("lzcnt"),
        std::arch::is_x86_feature_detected!("bmi1"),
        std::arch::is_x86_feature_detected!("bmi2"),
    ];
    let sets = || (0..8).map(|set| [set & 1 > 0, set & 2 > 0, set & 4 > 0]);
    let mut refusals = 0;
    for [lzcnt, tzcnt, bmi2] in sets() {
        let made = [lzcnt && here[0], tzcnt && here[1], bmi2 && here[2]];
        let maker = with(lzcnt, tzcnt, bmi2);
        let module = Module::new(&maker, wasm()).unwrap();
        let (artifact, expected) = (module.serialize(&key()).unwrap(), outcomes(&maker, &module));
        for [lzcnt, tzcnt, bmi2] in sets() {
            let has = [lzcnt && here[0], tzcnt && here[1], bmi2 && here[2]];
            let loader = with(lzcnt, tzcnt, bmi2);
            let missing: Vec<Box<str>> = ["lzcnt", "bmi1", "bmi2"]
                .iter()
                .enumerate()
                .filter(|&(at, _)| made[at] && !has[at])
                .map(|(_, name)| Box::from(*name))
                .collect();
            if missing.is_empty() {
                assert_eq!(outcomes(&loader, &load(&loader, &artifact).unwrap()), expected);
            } else {
                assert_eq!(refused(&loader, &artifact), ArtifactError::CpuFeatures { missing });
                refusals += 1;
            }
            assert_eq!(outcomes(&loader, &load(&loader, &everywhere).unwrap()), expected);
        }
    }
    assert_eq!(refusals > 0, here.contains(&true));
}
