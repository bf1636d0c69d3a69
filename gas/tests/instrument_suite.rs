//! Every module of the official suite through the instrumenter: what is valid stays valid and stays small, what is not
//! gets an error.

mod common;
mod suite;

use common::FEATURES;
use lockstep_gas::{
    Form, InstrumentConfig, InstrumentErrorKind, METER_GLOBALS, PRICE_CEILING, Schedule, instrument,
};
use suite::{is_valid, modules};
use wasmparser::{Parser, Payload, Validator};

#[test]
fn l39_every_valid_module_of_the_suite_stays_valid_and_small() {
    let (default, dearest) = (Schedule::default(), Schedule::uniform(PRICE_CEILING - 1));
    let imported = Form::Imported { module: "lockstep" };
    let (mut valid, mut refused, mut exported) = (0, 0, 0);
    let (mut bytes_in, mut bytes_out, mut worst) = (0, 0, 0.0f64);
    for (name, bytes) in modules() {
        let is_valid = is_valid(&bytes);
        for (schedule, form) in [(&default, imported), (&dearest, imported), (&default, Form::Exported)] {
            let config = InstrumentConfig::new(schedule, 1 << 16).form(form);
            let out = match instrument(&bytes, &config) {
                Ok(out) => out,
                Err(error) if !is_valid => {
                    assert!(matches!(error.kind(), InstrumentErrorKind::Invalid(_)), "{name}: {error}");
                    refused += 1;
                    continue;
                }
                Err(error) => {
                    let has_start = matches!(error.kind(), InstrumentErrorKind::HasStart);
                    assert!(has_start && form == Form::Exported, "{name}: {error}");
                    continue;
                }
            };
            assert!(is_valid, "{name} is invalid and was instrumented");
            let verdict = Validator::new_with_features(FEATURES).validate_all(&out);
            verdict.unwrap_or_else(|error| panic!("{name}: {error}"));
            let growth = out.len() as f64 / bytes.len() as f64;
            assert!(growth <= 24.0, "{name}: {} bytes to {}", bytes.len(), out.len());
            worst = worst.max(growth);
            if form == Form::Exported {
                exported += 1;
            } else if *schedule == default {
                valid += 1;
                // In smaller modules the meter itself is what is measured.
                if bytes.len() >= 1_000 {
                    bytes_in += bytes.len();
                    bytes_out += out.len();
                    assert!(growth <= 8.0, "{name}: {growth}");
                }
            }
        }
    }
    let mean = bytes_out as f64 / bytes_in as f64;
    println!("{valid} valid ({exported} in the exported form too), {refused} refusals");
    println!("{mean:.2} times as long from 1,000 bytes on; worst of all {worst:.2}");
    assert!(valid > 5_000 && exported > 5_000);
    assert!(mean <= 4.0, "{mean}");
}

/// The meter's imports come first and in their order, whatever the module imports itself.
#[test]
fn l39_the_meter_is_imported_first() {
    let schedule = Schedule::default();
    let config = InstrumentConfig::new(&schedule, 1 << 16).form(Form::Imported { module: "meter" });
    for (name, bytes) in modules() {
        let Ok(out) = instrument(&bytes, &config) else { continue };
        let mut imports = Vec::new();
        for payload in Parser::new(0).parse_all(&out) {
            if let Ok(Payload::ImportSection(section)) = payload {
                imports.extend(section.into_imports().map(|import| import.unwrap().name.to_owned()));
            }
        }
        assert_eq!(imports[..4], METER_GLOBALS, "{name}");
    }
}
