//! The fixtures, three ways.
//!
//! Owns which of their executions are compared. What they must answer is in their own manifest.

use lockstep_fixtures::{Fixture, Value as FixtureValue};
use lockstep_vm::Trap;

use super::setup::Setup;
use super::tally::{Finding, Tally};
use super::three_ways::{Call, Comparison, NotReady, Script, Subject};
use super::value::{Outcome, Value};
use crate::random::Random;

/// Operators that all executions of one call with less gas may execute together.
const STARVED_OPERATORS: u64 = 3_000_000;
/// Executions of one call with less gas.
const STARVED: u64 = 60;

/// Compares every call of every fixture, with plenty of gas and with less.
pub fn fixtures() -> Tally {
    let mut tally = Tally::default();
    let setup = Setup::standard();
    for fixture in lockstep_fixtures::all() {
        *tally.modules.entry("fixtures".into()).or_default() += 1;
        let subject = match Subject::new(&setup, fixture.wasm) {
            Ok(subject) => subject,
            Err(not_ready) => {
                let NotReady::Different(difference) = not_ready else {
                    tally.skip(format!("fixture refused: {}", fixture.name));
                    continue;
                };
                report(&mut tally, &fixture, "preparing it".into(), vec![difference]);
                continue;
            }
        };
        for call in &fixture.calls {
            let arguments = call.arg_values().iter().map(value).collect();
            let step = Call { export: call.export.clone(), arguments, gas: None };
            let script = Script {
                gas: call.gas_limit.unwrap_or(1 << 50),
                stack_slots: setup.engine.limits().stack_slots,
                calls: vec![step],
            };
            compare(&mut tally, &fixture, &subject, script);
        }
        tally.contradictions += u64::from(subject.contradicted());
    }
    tally
}

fn compare(tally: &mut Tally, fixture: &Fixture, subject: &Subject<'_>, mut script: Script) {
    let steps = match subject.compare(&script, true) {
        Comparison::Same(steps) => steps,
        Comparison::Skipped(reason) => return tally.skip(reason),
        Comparison::Different(differences) => {
            return report(tally, fixture, script.to_string(), differences);
        }
    };
    tally.count(&steps);
    let used: u64 = steps.iter().map(|step| step.gas_before - step.ended.gas).sum();
    let counts = steps.iter().filter_map(|step| step.executed.as_ref());
    let operators: u64 = counts.map(|counts| counts.iter().sum::<u64>()).sum();
    let mut random = Random::new(used);
    let times = (STARVED_OPERATORS / operators.max(1)).clamp(2, STARVED);
    for time in 0..times {
        script.gas = match time {
            0 => used.saturating_sub(1),
            _ => random.u64() % used.max(1),
        };
        match subject.compare(&script, false) {
            Comparison::Same(steps) => {
                let trapped =
                    |step: &super::three_ways::Step| step.ended.outcome == Outcome::Trapped(Trap::OutOfGas);
                tally.starved.0 += 1;
                tally.starved.1 += u64::from(steps.iter().any(trapped));
            }
            Comparison::Skipped(reason) => tally.skip(reason),
            Comparison::Different(differences) => report(tally, fixture, script.to_string(), differences),
        }
    }
}

fn report(
    tally: &mut Tally,
    fixture: &Fixture,
    script: String,
    differences: Vec<super::three_ways::Difference>,
) {
    let name = format!("fixture {}", fixture.name);
    tally.findings.push(Finding { name, wasm: fixture.wasm.to_vec(), script, differences });
}

fn value(value: &FixtureValue) -> Value {
    match *value {
        FixtureValue::I32(value) => Value::I32(value),
        FixtureValue::I64(value) => Value::I64(value),
    }
}
