//! Machine code against the interpreter: a short slice of the campaign, and the stack at every height.
//! `LOCKSTEP_FUZZ_ITERS` multiplies the number of generated modules.
#![cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "linux"))]

use std::fmt::Write as _;
use std::thread;

use lockstep_fuzz::features::validate;
use lockstep_fuzz::generate::Allowed;
use lockstep_fuzz::generate::pressure::pressure;
use lockstep_fuzz::oracle::equality::{Counts, Options, Subject, examine};
use lockstep_fuzz::oracle::setup::Setup;
use lockstep_fuzz::oracle::three_ways::{Call, Script};
use lockstep_fuzz::oracle::value::{Outcome, Value};
use lockstep_vm::{CompilerTesting, Trap};

/// Generated modules, unless more are asked for.
const MODULES: u64 = 4_000;

/// Host functions that call back nest on a worker's stack.
fn on_large_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let worker = thread::Builder::new().stack_size(256 << 20).spawn(work).expect("a thread can be started");
    worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

#[test]
fn l91_generated_modules_end_alike_in_every_engine() {
    let factor = std::env::var("LOCKSTEP_FUZZ_ITERS").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    let counts = on_large_stack(move || {
        let mut counts = Counts::default();
        for seed in 0..MODULES * factor {
            counts.add(examine(
                seed,
                Options {
                    float_percent: 40,
                    inputs: 12,
                    sweep_percent: 15,
                    compiler: CompilerTesting::default(),
                },
            ));
        }
        counts
    });
    println!("{}\n{}", counts.line(), counts.table());
    assert!(counts.findings.is_empty(), "{}", counts.table());
    assert!(counts.returned * 2 > counts.executions, "at least half return");
    assert!(counts.traps.len() >= 9, "most traps happen: {:?}", counts.traps);
    assert!(counts.swept.0 > 0 && counts.limits.0 > 0 && counts.limits.1 > 0, "limits strike");
    assert!(counts.modules.contains_key("linked"), "instances call each other");
    assert!(counts.refused * 50 <= counts.module_count(), "few modules are refused");
}

/// Code that checks itself, with fewer and fewer registers for locals, and without what not every processor has.
#[test]
fn l60_generated_modules_end_alike_whatever_the_compiler_may_use() {
    const EACH: u64 = 400;
    let baseline = CompilerTesting { lzcnt: false, tzcnt: false, bmi2: false, ..CompilerTesting::default() };
    let fewer = [None, Some(0), Some(1), Some(2), Some(5)];
    let compilers = fewer.map(|homes_max| CompilerTesting { checked: true, homes_max, ..baseline });
    let counts = on_large_stack(move || {
        let mut counts = Counts::default();
        for (seed, compiler) in (0..).step_by(EACH as usize).zip(compilers) {
            for seed in seed..seed + EACH {
                counts
                    .add(examine(seed, Options { float_percent: 40, inputs: 8, sweep_percent: 5, compiler }));
            }
        }
        counts
    });
    println!("{}\n{}", counts.line(), counts.table());
    assert!(counts.findings.is_empty(), "{}", counts.table());
    assert!(counts.returned * 2 > counts.executions, "at least half return");
}

#[test]
fn modules_of_high_pressure_are_valid_and_follow_from_their_seed() {
    for seed in 0..300 {
        let allowed = Allowed { floats: seed % 2 == 0, imports: seed % 3 == 0 };
        let wasm = pressure(seed, allowed);
        validate(&wasm).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert_eq!(wasm, pressure(seed, allowed), "seed {seed}");
    }
}

/// Runs one call with every height of the stack up to what it needs, each in a store of its own; answers that height.
fn at_every_height(wat: &str, export: &str, argument: i32) -> u64 {
    let wasm = wat::parse_str(wat).expect("the text is right");
    let setup = Setup::standard();
    let subject = Subject::new(&setup, &wasm).unwrap_or_else(|why| panic!("{why:?}"));
    let call = || Call { export: export.into(), arguments: vec![Value::I32(argument)], gas: Some(1 << 40) };
    let script = |stack_slots| Script { gas: 1 << 40, stack_slots, calls: vec![call(), call()] };
    let enough = setup.engine.limits().stack_slots;
    let run = |stack_slots| {
        let steps = subject.compare(&script(stack_slots), false);
        steps.unwrap_or_else(|differences| panic!("{stack_slots} slots: {}", told(&differences)))
    };
    let steps = run(enough);
    assert_ne!(steps[1].ended.outcome, Outcome::Trapped(Trap::StackOverflow), "there is enough");
    let peak = steps[1].ended.peak;
    for stack_slots in 0..=peak + 2 {
        let steps = run(stack_slots);
        let overflows = steps[1].ended.outcome == Outcome::Trapped(Trap::StackOverflow);
        // A host function may swallow the overflow of what it calls.
        assert!(stack_slots < peak || !overflows, "{stack_slots} slots of {peak} are enough");
        assert!(steps[1].ended.peak <= stack_slots, "the peak is within the limit");
    }
    peak
}

fn told(differences: &[lockstep_fuzz::oracle::three_ways::Difference]) -> String {
    differences.iter().fold(String::new(), |mut text, difference| {
        let _ = writeln!(text, "{difference}");
        text
    })
}

/// Functions with ever more locals, each of which calls the next before and behind using them.
fn ladder(sizes: &[usize], kind: &str) -> String {
    let mut wat = String::from("(module (table 64 funcref) (type $f (func (param i32) (result i32)))");
    for (number, locals) in sizes.iter().enumerate() {
        let _ = write!(wat, "(func $f{number} (type $f) (local {})", "i64 ".repeat(*locals));
        let next = number + 1;
        let _ = match (kind, next < sizes.len()) {
            (_, false) => write!(wat, "local.get 0 i32.const 1 i32.add)"),
            ("call", _) => write!(
                wat,
                "local.get 0 local.get 0 i32.const 3 i32.mul call $f{next} i32.xor local.get 0 call $f{next} i32.add)"
            ),
            ("indirect", _) => {
                write!(wat, "local.get 0 local.get 0 i32.const {next} call_indirect (type $f) i32.xor)")
            }
            ("tail", _) => write!(wat, "local.get 0 i32.const 5 i32.add return_call $f{next})"),
            _ => write!(
                wat,
                "local.get 0 i32.const 1 i32.and if local.get 0 i32.const 1 i32.shr_u return_call $f{next} end
                 local.get 0 local.get 0 i32.const 1 i32.shr_u i32.const {next} call_indirect (type $f) i32.sub)"
            ),
        };
    }
    let _ = write!(wat, "(elem (i32.const 0)");
    (0..sizes.len()).for_each(|number| {
        let _ = write!(wat, " $f{number}");
    });
    wat.push_str(") (export \"run\" (func $f0)))");
    wat
}

/// Frames from the smallest to large ones, growing and shrinking by one slot, by sixteen, by a thousand.
const SIZES: [&[usize]; 4] = [
    &[0, 1, 2, 3, 4, 5, 6, 7, 8],
    &[8, 7, 6, 5, 4, 3, 2, 1, 0],
    &[0, 16, 1, 40, 3, 100, 0],
    &[0, 1000, 2, 300],
];

#[test]
fn l50_calls_overflow_at_the_same_height() {
    for sizes in SIZES {
        for kind in ["call", "indirect"] {
            at_every_height(&ladder(sizes, kind), "run", 77);
        }
    }
}

#[test]
fn l50_tail_calls_overflow_at_the_same_height() {
    for sizes in SIZES {
        at_every_height(&ladder(sizes, "tail"), "run", 77);
        for argument in [0x55, 0xaa, 0x0f, 0x3c] {
            at_every_height(&ladder(sizes, "mixed"), "run", argument);
        }
    }
}

#[test]
fn l50_recursion_overflows_at_the_same_height() {
    let many = |count: usize| "i64.const 7 ".repeat(count);
    for operands in [0, 1, 2, 5, 31] {
        let fold = "i64.xor ".repeat(operands);
        let wat = format!(
            r#"(module (func $f (export "run") (param i32) (result i32)
                 i64.const 1 {} local.get 0 i32.eqz if i32.const 1 return end
                 {fold} i32.wrap_i64 local.get 0 i32.const 1 i32.sub call $f i32.add))"#,
            many(operands)
        );
        at_every_height(&wat, "run", 12);
    }
}

/// Activations within activations: the host's callback calls back, and swallows what its nested activation ends with, or
/// does not, as the argument's lowest bits say.
#[test]
fn l50_nested_activations_overflow_at_the_same_height() {
    for locals in [0, 1, 2, 17] {
        for low in 0..4 {
            let wat = format!(
                r#"(module (import "env" "reenter" (func $reenter (param i32) (result i32)))
                     (func $deep (param i32 i64 i64 i64 i64 i64 i64 i64) (result i32) (local {})
                       local.get 0 i32.const 4 i32.sub call $reenter local.get 1 i32.wrap_i64 i32.add)
                     (func (export "callback") (param i32) (result i32)
                       local.get 0 i32.const 4 i32.lt_s if i32.const 9 return end
                       local.get 0 i64.const 1 i64.const 2 i64.const 3 i64.const 4 i64.const 5 i64.const 6 i64.const 7
                       call $deep local.get 0 i32.xor)
                     (func (export "run") (param i32) (result i32) (local i64)
                       local.get 0 call $reenter local.get 0 call $reenter i32.add))"#,
                "i64 ".repeat(locals)
            );
            // With bit 1 the nested activation gets little gas: enough, or not.
            at_every_height(&wat, "run", 4 * 4 + low + if low & 2 != 0 { 0x400 } else { 0 });
        }
    }
}
