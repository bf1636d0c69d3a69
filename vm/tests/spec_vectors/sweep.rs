//! Further vectors that follow from one: the same with exactly the gas it says that it uses, and with one less.
//!
//! Owns how an expectation changes with the gas. It must not know how a vector is played.

use crate::vector::{ModuleEntry, ModuleOutcome, Step, StepOutcome, TrapName, Vector};
use lockstep_vm::Trap;

const OUT_OF_GAS: Option<TrapName> = Some(TrapName(Trap::OutOfGas));

/// Each execution of a vector with exactly enough gas, after which all is as the vector says, and one unit short, which
/// ends in OutOfGas: the last charge is at least 1, and nothing takes gas but charges.
///
/// A vector that uses host functions is left out: they look at the gas, set it, or swallow that it ran out.
pub(crate) fn exact_and_short(vector: &Vector) -> Vec<(String, Vector)> {
    let mut found = Vec::new();
    if vector.modules.iter().any(|module| module.wat.contains("\"host\"")) {
        return found;
    }
    for (index, module) in vector.modules.iter().enumerate() {
        let ran = matches!(module.outcome, ModuleOutcome::Returned | ModuleOutcome::Trapped);
        let Some(used) = module.gas_used.filter(|used| ran && *used > 0 && module.trap != OUT_OF_GAS) else {
            continue;
        };
        let mut cut = |how: &str, last: ModuleEntry| {
            let modules = vector.modules[..index].iter().cloned().chain([last]).collect();
            let name = format!("module {index} with {how}");
            found.push((name, Vector { modules, steps: Vec::new(), ..vector.clone() }));
        };
        cut("exact gas", ModuleEntry { gas: used, ..module.clone() });
        cut(
            "one gas less",
            ModuleEntry {
                gas: used - 1,
                outcome: ModuleOutcome::Trapped,
                trap: OUT_OF_GAS,
                gas_used: Some(used - 1),
                ..module.clone()
            },
        );
    }
    for (index, step) in vector.steps.iter().enumerate() {
        let Some(used) = step.gas_used.filter(|used| *used > 0 && step.trap != OUT_OF_GAS) else { continue };
        let mut cut = |how: &str, last: Step| {
            let steps = vector.steps[..index].iter().cloned().chain([last]).collect();
            found.push((format!("step {index} with {how}"), Vector { steps, ..vector.clone() }));
        };
        cut("exact gas", Step { gas: used, ..step.clone() });
        cut(
            "one gas less",
            Step {
                module: step.module.clone(),
                call: step.call.clone(),
                args: step.args.clone(),
                gas: used - 1,
                outcome: StepOutcome::Trapped,
                results: None,
                trap: OUT_OF_GAS,
                trap_function: None,
                gas_used: Some(used - 1),
                peak: None,
                memory: Vec::new(),
                globals: Default::default(),
            },
        );
    }
    found
}
