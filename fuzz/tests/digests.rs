//! Every engine on every machine gives the digests of `fixtures/digests.toml`: the interpreter, machine code with guard
//! pages, with explicit bounds, without each thing that not every processor has, and without registers for locals.
//! `BLESS=1 cargo test -p lockstep-fuzz --test digests` makes the file again.

use std::collections::BTreeMap;
use std::thread;

use lockstep_fuzz::oracle::golden::{Corpus, Played};
use lockstep_fuzz::oracle::setup::Setup;
use lockstep_vm::CompilerTesting;

/// The committed digests.
const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/digests.toml");
/// Generated modules.
const MODULES: u64 = 400;

/// An engine, by name.
type Way = (String, Box<dyn Fn(&Setup) -> Setup>);

#[cfg(not(all(any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "linux")))]
fn native_ways(_masks: bool) -> Vec<Way> {
    Vec::new()
}

/// The ways to have machine code; with `masks`, for all processors there may be.
#[cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "linux"))]
fn native_ways(masks: bool) -> Vec<Way> {
    let mut ways: Vec<(bool, CompilerTesting)> =
        vec![(true, CompilerTesting::default()), (false, CompilerTesting::default())];
    let testing = |checked, homes_max, mask: u8| {
        let [lzcnt, tzcnt, bmi2] = [0, 1, 2].map(|bit| mask >> bit & 1 == 1);
        CompilerTesting { checked, homes_max, lzcnt, tzcnt, bmi2 }
    };
    ways.push((true, testing(true, Some(0), 0)));
    // On aarch64 nothing optional is used.
    if masks && cfg!(target_arch = "x86_64") {
        ways.extend((0..7).map(|mask| (mask % 2 == 0, testing(false, None, mask))));
    }
    let way = |(signals, testing): (bool, CompilerTesting)| -> Way {
        let name =
            format!("machine code, {} bounds, {testing:?}", if signals { "guarded" } else { "explicit" });
        (name, Box::new(move |setup: &Setup| setup.native(signals).compiled(testing)))
    };
    ways.into_iter().map(way).collect()
}

/// Host functions that call back nest on a worker's stack.
fn on_large_stack(work: impl FnOnce() + Send + 'static) {
    let worker = thread::Builder::new().stack_size(256 << 20).spawn(work).expect("a thread can be started");
    worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

/// The parts on which two engines differ: at most a few.
fn differing(ours: &Played, others: &Played) -> Vec<String> {
    let pairs = ours.parts.iter().zip(&others.parts).filter(|(ours, others)| ours != others);
    pairs.map(|((name, _), _)| name.clone()).take(5).collect()
}

#[allow(clippy::disallowed_methods, reason = "a test may read its environment")]
fn hold(corpus: &Corpus, least: u64, masks: bool) {
    let played = corpus.play(Setup::clone);
    let found = played.digest().to_string();
    println!("{} {found}: {} returned, {} trapped", corpus.name, played.returned, played.trapped);
    assert!(played.returned + played.trapped >= least, "most is executed");
    for (name, way) in native_ways(masks) {
        let others = corpus.play(way);
        let differ = differing(&played, &others);
        assert!(differ.is_empty(), "{}: {name} differs from the interpreter in {differ:?}", corpus.name);
        assert_eq!(played, others, "{}: {name}", corpus.name);
        println!("{} {found}: {name}", corpus.name);
    }
    if std::env::var_os("BLESS").is_some() {
        bless(corpus.name, &found);
    }
    let text = std::fs::read_to_string(PATH).expect("the digests are there");
    let digests: BTreeMap<String, String> = toml::from_str(&text).expect("the digests can be read");
    assert_eq!(
        digests.get(corpus.name),
        Some(&found),
        "{}: not the digest that is committed; if the law has changed, run with BLESS=1",
        corpus.name
    );
}

/// Writes one digest into the file. The tests may be at it at once.
fn bless(name: &str, found: &str) {
    static FILE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _alone = FILE.lock().expect("nobody panics with the file");
    let text = std::fs::read_to_string(PATH).expect("the digests are there");
    let mut lines: Vec<String> = text.lines().map(String::from).collect();
    lines.retain(|line| !line.starts_with(&format!("{name} =")));
    lines.push(format!("{name} = \"{found}\""));
    let comments = lines.iter().take_while(|line| line.starts_with('#')).count();
    lines[comments..].sort();
    std::fs::write(PATH, lines.join("\n") + "\n").expect("the digests can be written");
}

#[test]
fn l91_the_official_suite_has_its_digest() {
    on_large_stack(|| hold(&Corpus::suite(), 40_000, false));
}

#[test]
fn l91_the_fixtures_have_their_digest() {
    on_large_stack(|| hold(&Corpus::fixtures(), 200, true));
}

#[test]
fn l91_generated_modules_have_their_digest() {
    on_large_stack(|| hold(&Corpus::generated(MODULES), 10_000, true));
}
