//! The official test suite of WebAssembly, versions 1 and 2 without SIMD, with tail calls and extended constants.
//!
//! Owns the configurations that must pass it, and the counts that show that nothing was skipped in silence. See all of it
//! with `cargo test -p lockstep-vm --test official_suite -- --nocapture`.

mod suite;
mod transcript;

use lockstep_vm::{Backend, Config, Engine, FloatPolicy, Limit, Limits};
use suite::observer::{Nobody, Observer};
use suite::runner::{FLOAT_IMPORT, FLOAT_MODULE, Subject, TEXT_ONLY};
use suite::{Report, selection};
use transcript::Transcript;

/// What must pass the suite: a name, a backend, and whether it may rely on signals.
const CONFIGURATIONS: &[(&str, Backend, bool)] = &[
    ("interpreter", Backend::Interpreter, true),
    #[cfg(all(
        feature = "native",
        any(target_arch = "x86_64", target_arch = "aarch64"),
        target_os = "linux"
    ))]
    ("native, guard pages", Backend::Native, true),
    #[cfg(all(
        feature = "native",
        any(target_arch = "x86_64", target_arch = "aarch64"),
        target_os = "linux"
    ))]
    ("native, explicit bounds", Backend::Native, false),
    #[cfg(all(
        feature = "native",
        any(target_arch = "x86_64", target_arch = "aarch64"),
        target_os = "linux"
    ))]
    ("cross-checked", Backend::CrossCheck, true),
];

/// Directives of the selection by kind: that none is lost, whatever becomes of it.
const DIRECTIVES: &[(&str, u64)] = &[
    ("assert_exhaustion", 30),
    ("assert_invalid", 2_559),
    ("assert_malformed (binary)", 1_369),
    ("assert_malformed (quoted)", 1_025),
    ("assert_return", 37_379),
    ("assert_return (get)", 22),
    ("assert_trap", 2_825),
    ("assert_trap (module)", 93),
    ("assert_unlinkable", 146),
    ("invoke", 197),
    ("module", 1_981),
    ("register", 34),
];

/// Of the quoted texts that are malformed, those that the text parser of the tests refuses, so that there is no module.
const TEXTS_SKIPPED: usize = 1_016;

/// Directives whose float-free module imports from a module with floats, which [`FloatPolicy::Reject`] takes away.
const IMPORTS_SKIPPED: usize = 110;

/// Directives for an instance of a module with floats, of which there is none under [`FloatPolicy::Reject`].
const INSTANCES_SKIPPED: usize = 29_115;

/// Limits that the suite needs above their defaults.
fn limits() -> Limits {
    Limits::default()
}

fn config(backend: Backend, signals: bool, floats: FloatPolicy) -> Config {
    Config::new().backend(backend).signals_based_traps(signals).floats(floats).limits(limits())
}

fn subject(backend: Backend, signals: bool, floats: FloatPolicy) -> Subject {
    let subject = subject_of(&config(backend, signals, floats), floats);
    Subject { audit: backend == Backend::Interpreter, ..subject }
}

fn subject_of(config: &Config, floats: FloatPolicy) -> Subject {
    let engine = Engine::new(config).expect("the limits are below their ceilings");
    Subject { engine, floats, audit: false }
}

/// Plays the whole selection.
fn run(subject: &Subject, observer: &mut dyn Observer) -> Report {
    let mut report = Report::default();
    for file in selection::selection() {
        suite::run_file(subject, &file, observer, &mut report);
    }
    report
}

fn print_limits() {
    let (used, default) = (limits(), Limits::default());
    let raised: Vec<String> = Limit::ALL
        .iter()
        .filter(|&&limit| used.get(limit) != default.get(limit))
        .map(|&limit| format!("{limit} {} instead of {}", used.get(limit), default.get(limit)))
        .collect();
    println!("raised limits: {}", if raised.is_empty() { "none".to_string() } else { raised.join(", ") });
}

/// Checks that no directive is lost and that those skipped are the known ones.
fn assert_complete(report: &Report, reasons: &[(&str, usize)]) {
    assert_eq!(report.directives().into_iter().collect::<Vec<_>>(), DIRECTIVES);
    for reason in report.skips.keys() {
        assert!(reasons.iter().any(|(known, _)| known == reason), "skipped, {reason}");
    }
    for (reason, count) in reasons {
        assert_eq!(report.skipped(reason), *count, "skipped, {reason}");
    }
}

#[test]
fn under_canonical_everything_passes() {
    selection::print(&selection::selection());
    print_limits();
    println!("exports whose NaNs may be any: {:?}", suite::expect::MOVES_BITS);
    println!("limits that the suite means: {:?}", suite::modules::LIMITS_THAT_ARE_MEANT);
    for (name, backend, signals) in CONFIGURATIONS {
        let report = run(&subject(*backend, *signals, FloatPolicy::Canonical), &mut Nobody);
        report.print_skips(&[]);
        report.print_details();
        report.print_table(&format!("{name}, canonical"));
        report.expect_no_failures(name);
        assert_complete(&report, &[(TEXT_ONLY, TEXTS_SKIPPED)]);
    }
}

/// What is not judged here is judged under canonical: directives for a module that must be refused for its floats.
#[test]
fn under_reject_floats_are_refused_and_all_else_is_the_same() {
    for (name, backend, signals) in CONFIGURATIONS {
        let (mut canonical, mut reject) = (Transcript::default(), Transcript::default());
        run(&subject(*backend, *signals, FloatPolicy::Canonical), &mut canonical);
        let report = run(&subject(*backend, *signals, FloatPolicy::Reject), &mut reject);
        report.print_skips(&[TEXT_ONLY, FLOAT_MODULE]);
        report.print_details();
        report.print_table(&format!("{name}, reject"));
        report.expect_no_failures(name);
        let same = reject.assert_part_of(&canonical);
        println!(
            "{same} of {} executions are float-free: same outcome, gas, peak and prints",
            canonical.len()
        );
        let refused = report.refusals.get(&("valid module", "float".to_string())).copied();
        assert_eq!(refused, Some(report.valid(true)), "every valid module with floats is refused as such");
        let reasons =
            [(TEXT_ONLY, TEXTS_SKIPPED), (FLOAT_IMPORT, IMPORTS_SKIPPED), (FLOAT_MODULE, INSTANCES_SKIPPED)];
        assert_complete(&report, &reasons);
    }
}

/// Code that checks itself, locals without registers, processors that lack something: all of them say the same. More of them
/// with `LOCKSTEP_ALL_COMPILERS`.
#[cfg(all(feature = "native", target_arch = "x86_64", target_os = "linux"))]
#[test]
#[allow(clippy::disallowed_methods, reason = "how much a test tries is no part of an outcome")]
fn l60_whatever_the_compiler_may_use_everything_passes() {
    use lockstep_vm::CompilerTesting;
    let all = CompilerTesting::default();
    let checked = CompilerTesting { checked: true, ..all };
    let none = CompilerTesting { lzcnt: false, tzcnt: false, bmi2: false, ..all };
    let mut ways = vec![
        checked,
        CompilerTesting { checked: true, homes_max: Some(0), ..none },
        CompilerTesting { homes_max: Some(1), ..checked },
    ];
    if std::env::var_os("LOCKSTEP_ALL_COMPILERS").is_some() {
        for mask in 0..7 {
            let [lzcnt, tzcnt, bmi2] = [0, 1, 2].map(|bit| mask >> bit & 1 == 1);
            ways.push(CompilerTesting { lzcnt, tzcnt, bmi2, ..all });
        }
        ways.extend([2, 3, 4, 6].map(|most| CompilerTesting { homes_max: Some(most), ..checked }));
    }
    for (number, testing) in ways.into_iter().enumerate() {
        let config = config(Backend::Native, number % 2 == 0, FloatPolicy::Canonical);
        let subject = subject_of(&config.compiler_for_tests(testing), FloatPolicy::Canonical);
        let report = run(&subject, &mut Nobody);
        report.expect_no_failures(&format!("{testing:?}"));
        assert_complete(&report, &[(TEXT_ONLY, TEXTS_SKIPPED)]);
    }
}
