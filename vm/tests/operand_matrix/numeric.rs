//! Numeric operators: every operator, every place of its operands, every use of its result, every special value.
//!
//! Owns the cases of an operator and its inputs. It must not know how a case is written.

use std::fmt::Write as _;

use lockstep_vm::{Limits, Val};

use crate::engines::Ways;
use crate::module::{KEPT, KEPT_FROM, Memory, module};
use crate::operators::{F32, F64, I32, I64, Operator, Ty, special};
use crate::places::{Case, Place, places, uses};
/// Most temporaries below operands: one more than there are registers then.
const BELOW: u32 = 5;

/// Of so many cases one is called by itself, where one traps.
const ALONE: usize = 11;

/// Of so many inputs one is tried. An emulator, which is where aarch64 is tested, takes ten minutes for all.
const EVERY: usize = if cfg!(target_arch = "aarch64") { 29 } else { 1 };

/// All cases of an operator.
fn cases(operator: Operator) -> Vec<Case> {
    let uses = uses(operator.result);
    let mut cases = Vec::new();
    let mut turn = 0;
    let binary = operator.operands.len() == 2;
    let firsts: Vec<Place> =
        places(operator.operands[0]).into_iter().filter(|place| *place != Place::Same).collect();
    let seconds = if binary { places(operator.operands[1]) } else { vec![Place::Home] };
    let mut rotated = || {
        turn += 1;
        uses[turn % uses.len()]
    };
    for &first in &firsts {
        for &second in &seconds {
            for &result in &uses {
                cases.push(Case { operator, first, second, result, below: None });
            }
            for below in 0..=BELOW {
                for _ in 0..if binary { 1 } else { uses.len() } {
                    cases.push(Case { operator, first, second, result: rotated(), below: Some(below) });
                }
            }
        }
    }
    for &bits in special(operator.operands[0]) {
        let bits = Place::Const(bits);
        for &second in &seconds {
            cases.push(Case { operator, first: bits, second, result: rotated(), below: None });
            cases.push(Case { operator, first: bits, second, result: rotated(), below: Some(2) });
        }
        for &other in if binary { &firsts } else { &[][..] } {
            cases.push(Case { operator, first: other, second: bits, result: rotated(), below: None });
            cases.push(Case { operator, first: other, second: bits, result: rotated(), below: Some(3) });
        }
        for &other in if binary { special(operator.operands[1]) } else { &[] } {
            cases.push(Case {
                operator,
                first: bits,
                second: Place::Const(other),
                result: rotated(),
                below: None,
            });
        }
    }
    cases
}

pub(crate) fn val(ty: Ty, bits: u64) -> Val {
    match ty {
        I32 => Val::I32(bits as u32 as i32),
        I64 => Val::I64(bits as i64),
        F32 => Val::F32(bits as u32),
        F64 => Val::F64(bits),
    }
}

/// Every special value, or every pair of them.
fn inputs(operator: Operator) -> Vec<Vec<Val>> {
    let first = special(operator.operands[0]).iter().map(|bits| val(operator.operands[0], *bits));
    match operator.operands {
        [_] => first.map(|value| vec![value]).collect(),
        [_, second, ..] => first
            .flat_map(|value| special(*second).iter().map(move |other| vec![value, val(*second, *other)]))
            .collect(),
        [] => unreachable!("operators have operands"),
    }
}

/// Runs all cases of operators with all inputs; answers what differs.
pub(crate) fn differences(operators: &[Operator]) -> String {
    let mut report = String::new();
    let (mut functions, mut calls) = (0, 0);
    for &operator in operators {
        let cases = cases(operator);
        functions += cases.len();
        let wasm = module(&cases, Memory::Kept);
        let mut ways = Ways::new(None, &wasm, Limits::default());
        let mut told = 0;
        for (turn, arguments) in inputs(operator).into_iter().step_by(EVERY).enumerate() {
            calls += 1;
            let ended = ways.call("all", &arguments);
            let mut suspects = Vec::new();
            match &ended {
                // Where one traps, some are called by themselves, others with the next input.
                Ok(ended) if ended.outcome.is_err() => {
                    suspects.extend((turn % ALONE..cases.len()).step_by(ALONE))
                }
                Ok(_) => {}
                Err(difference) => {
                    let memories = ways.memories();
                    let kept = |memory: &[u8], case: usize| {
                        let start = (KEPT_FROM + case as u32 * KEPT) as usize;
                        memory[start..start + KEPT as usize].to_vec()
                    };
                    let differs = |case: &usize| {
                        memories.iter().any(|memory| kept(memory, *case) != kept(memories[0], *case))
                    };
                    let first = (0..cases.len()).find(differs);
                    let _ = writeln!(report, "{operator:x?} {arguments:?}: {difference}");
                    told += 1;
                    if let Some(case) = first {
                        let _ = writeln!(report, "  first: {case}: {:x?}", cases[case]);
                    } else {
                        suspects.extend(0..cases.len());
                    }
                }
            }
            for case in suspects {
                calls += 1;
                let mut arguments = arguments.clone();
                arguments.push(Val::I32(case as i32));
                if let Err(difference) = ways.call("one", &arguments) {
                    told += 1;
                    let _ = writeln!(report, "  {:x?}: {difference}", cases[case]);
                    if told > 10 {
                        break;
                    }
                }
            }
            if told > 10 {
                break;
            }
        }
    }
    println!("{} operators, {functions} functions, {calls} calls", operators.len());
    report
}
