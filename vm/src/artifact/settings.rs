//! What must be the same where an artifact is made and where it is loaded.
//!
//! Owns the list, by name and in words, so that a refusal can say what differs. Everything that changes machine code or what
//! it may be run with is in it, and everything that changes an outcome but the run limits, which are held when it runs. It
//! must not know how code is made.

use crate::compile::{CpuFeatures, Options};
use crate::error::ArtifactError;
use crate::{Config, FloatPolicy, Limit, SEMANTICS_VERSION};
use alloc::{boxed::Box, format, string::String, string::ToString, vec::Vec};
use codec::{Decode, Encode};
use core::fmt::Write;

/// Which error says that a setting differs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Version,
    Rule,
    Target,
    Flag,
}

/// The list, in the order of the format; the version comes first, as it says what else there is.
fn settings(config: &Config, options: &Options) -> Vec<(Kind, String, String)> {
    // Whatever is added to either has to be thought of here.
    let Config {
        floats,
        backend: _,
        signals_based_traps: _,
        unmetered: _,
        compiler_testing: _,
        features,
        limits,
        schedule,
    } = config;
    let Options {
        target,
        explicit_bounds,
        unmetered,
        fill_price: _,
        copy_price: _,
        cpu: _,
        checked,
        homes_max,
    } = options;
    let mut list = Vec::with_capacity(48);
    let mut add = |kind, name: &str, value: String| list.push((kind, String::from(name), value));
    let version = format!("{} ({})", env!("CARGO_PKG_VERSION"), env!("LOCKSTEP_BUILD"));
    add(Kind::Version, "version", version);
    add(Kind::Rule, "semantics version", SEMANTICS_VERSION.to_string());
    add(Kind::Rule, "schedule", hex(&schedule.hash()));
    let floats = match floats {
        FloatPolicy::Reject => "reject",
        FloatPolicy::Canonical => "canonical",
    };
    add(Kind::Rule, "floats", floats.into());
    for &limit in Limit::ALL.iter().filter(|limit| !limit.is_run()) {
        add(Kind::Rule, &format!("limit {limit}"), limits.get(limit).to_string());
    }
    for (name, on) in features.named() {
        add(Kind::Rule, &format!("feature {name}"), switch(on));
    }
    add(Kind::Target, "target", target.to_string());
    let bounds = if *explicit_bounds { "comparison" } else { "signals" };
    add(Kind::Flag, "bounds checks by", bounds.into());
    add(Kind::Flag, "metering", switch(!unmetered));
    add(Kind::Flag, "checked code", switch(*checked));
    add(Kind::Flag, "homes", homes_max.map_or(String::from("all"), |homes| homes.to_string()));
    list
}

fn switch(on: bool) -> String {
    String::from(if on { "on" } else { "off" })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}

/// The features of an x86-64 by name.
fn cpu_features(cpu: CpuFeatures) -> impl Iterator<Item = &'static str> {
    let CpuFeatures { lzcnt, tzcnt, bmi2 } = cpu;
    [(lzcnt, "lzcnt"), (tzcnt, "bmi1"), (bmi2, "bmi2")]
        .into_iter()
        .filter_map(|(has, name)| has.then_some(name))
}

/// Writes settings and processor features at the start of the contents.
pub(super) fn write(config: &Config, options: &Options, to: &mut Vec<u8>) {
    let list: Vec<(String, String)> =
        settings(config, options).into_iter().map(|(_, name, value)| (name, value)).collect();
    list.encode_to(to);
    cpu_features(options.cpu).collect::<Vec<_>>().encode_to(to);
}

/// Reads what `write` has written and holds it against this engine's; the processor features that the code may use.
pub(super) fn check(
    from: &mut &[u8],
    config: &Config,
    options: &Options,
) -> Result<CpuFeatures, ArtifactError> {
    let malformed = ArtifactError::Malformed { what: "its settings cannot be read" };
    let Ok(made) = Vec::<(String, String)>::decode(from) else { return Err(malformed) };
    let mut made = made.into_iter();
    for (kind, name, here) in settings(config, options) {
        let value = match made.next() {
            Some((other, value)) if other == name => value,
            _ => return Err(malformed),
        };
        if value != here {
            let (name, value) = (name.into_boxed_str(), value.into_boxed_str());
            let here = here.into_boxed_str();
            return Err(match kind {
                Kind::Version => ArtifactError::Version { made: value, here },
                Kind::Rule => ArtifactError::Fingerprint { rule: name, made: value, here },
                Kind::Target => ArtifactError::Target { made: value, here: options.target },
                Kind::Flag => ArtifactError::Flag { flag: name, made: value, here },
            });
        }
    }
    let Ok(used) = Vec::<String>::decode(from) else { return Err(malformed) };
    if made.next().is_some() {
        return Err(malformed);
    }
    let has = |name: &str| cpu_features(options.cpu).any(|other| other == name);
    let missing: Vec<Box<str>> =
        used.iter().filter(|name| !has(name)).map(|name| name.as_str().into()).collect();
    if !missing.is_empty() {
        return Err(ArtifactError::CpuFeatures { missing });
    }
    let uses = |name: &str| used.iter().any(|other| other == name);
    Ok(CpuFeatures { lzcnt: uses("lzcnt"), tzcnt: uses("bmi1"), bmi2: uses("bmi2") })
}

/// A hash of what would be written.
pub(super) fn hash(config: &Config, options: &Options) -> [u8; 32] {
    let mut bytes = Vec::new();
    write(config, options, &mut bytes);
    *blake3::hash(&bytes).as_bytes()
}
