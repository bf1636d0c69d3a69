//! The vectors of `spec/vectors`: small modules with outcome, gas and peak computed by hand from the law.
//!
//! Owns finding the vectors and reporting all that disagree. See `spec/README.md` for their format.

mod host;
mod play;
mod sweep;
mod vector;

use lockstep_vm::{Backend, Schedule};
use std::path::{Path, PathBuf};
use vector::{ScheduleFile, Vector};

/// What must agree with the vectors.
const BACKENDS: &[(&str, Backend)] = &[
    ("interpreter", Backend::Interpreter),
    #[cfg(all(
        feature = "native",
        any(target_arch = "x86_64", target_arch = "aarch64"),
        target_os = "linux"
    ))]
    ("native", Backend::Native),
    #[cfg(all(
        feature = "native",
        any(target_arch = "x86_64", target_arch = "aarch64"),
        target_os = "linux"
    ))]
    ("cross-checked", Backend::CrossCheck),
];

/// Vectors that there are at least, so that a wrong folder cannot pass.
const VECTORS_MIN: usize = 150;

fn spec() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec")
}

fn read<V: serde::de::DeserializeOwned>(path: &Path) -> V {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All vectors by `topic/name`, in that order.
fn vectors() -> Vec<(String, Vector)> {
    let root = spec().join("vectors");
    let mut vectors = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in
            std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        {
            let path = entry.expect("a folder can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path != root.join("schedule.toml") {
                assert!(path.extension().is_some_and(|end| end == "toml"), "{} is no vector", path.display());
                let name = path.strip_prefix(&root).expect("it is below").with_extension("");
                vectors.push((name.to_string_lossy().into_owned(), read(&path)));
            }
        }
    }
    vectors.sort_by(|a, b| a.0.cmp(&b.0));
    vectors
}

fn schedule() -> Schedule {
    read::<ScheduleFile>(&spec().join("vectors/schedule.toml")).schedule()
}

/// Plays vectors in every way and panics with all that disagree.
fn play_all(vectors: &[(String, Vector)]) {
    let schedule = schedule();
    let (mut failures, mut checks) = (Vec::new(), 0);
    for (name, vector) in vectors {
        for (backend_name, backend) in BACKENDS {
            for limits_of in play::LIMITS {
                let mut report = play::Report::default();
                play::play(vector, &schedule, *backend, *limits_of, &mut report);
                checks += report.checks;
                let how = format!("{name} ({backend_name}, limits of the {limits_of})");
                failures.extend(report.failures.into_iter().map(|failure| format!("{how}: {failure}")));
            }
        }
    }
    println!("{} vectors, {checks} checks, {} failed", vectors.len(), failures.len());
    assert!(failures.is_empty(), "{} checks failed\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_vector_agrees() {
    let vectors = vectors();
    assert!(vectors.len() >= VECTORS_MIN, "only {} vectors were found", vectors.len());
    for (name, vector) in &vectors {
        let page = spec().join(format!("{}.md", vector.law));
        assert!(page.is_file(), "{name}: there is no page `{}` of the law", vector.law);
    }
    play_all(&vectors);
}

/// What a vector says that it uses is what it needs, to the unit.
#[test]
fn every_vector_needs_exactly_the_gas_it_uses() {
    let swept: Vec<(String, Vector)> = vectors()
        .iter()
        .flat_map(|(name, vector)| {
            sweep::exact_and_short(vector).into_iter().map(move |(how, v)| (format!("{name}, {how}"), v))
        })
        .collect();
    play_all(&swept);
}

/// A vector with a misspelt key would check nothing and pass.
#[test]
fn a_vector_with_a_misspelt_key_is_refused() {
    let parse = |text: &str| toml::from_str::<Vector>(text).map(|_| ());
    let good = "title = 'a'\nlaw = 'gas'\n[[module]]\nwat = '(module)'\n[[step]]\ncall = 'f'\noutcome = 'returned'\n";
    parse(good).expect("a vector");
    for (right, wrong) in [
        ("title", "titel"),
        ("law = 'gas'", "law = 'gas'\nfloat = 'reject'"),
        ("law = 'gas'", "law = 'gas'\nfloats = 'refuse'"),
        ("law = 'gas'", "law = 'gas'\nlimits = { stack = 1 }"),
        ("wat = '(module)'", "wat = '(module)'\nused_gas = 1"),
        ("wat = '(module)'", "wat = '(module)'\noutcome = 'stopped'"),
        ("call = 'f'", "call = 'f'\npeek = 3"),
        ("'returned'", "'returns'"),
        ("outcome", "result"),
    ] {
        let bad = good.replace(right, wrong);
        assert_ne!(good, bad);
        assert!(parse(&bad).is_err(), "accepted:\n{bad}");
    }
}
