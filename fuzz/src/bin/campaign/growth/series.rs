//! A family at all its sizes, a stage beside wasmparser alone.
//!
//! Owns the question where the excess of a doubling comes from. wasmparser keeps 32 bytes for each open construct and hashes
//! every type and export name; where these leave a level of the machine's cache, time by byte rises for everybody who
//! validates with it, once, in work that is linear. It must not know the table that asks.

use std::fmt::Write as _;
use std::time::Duration;

use lockstep_fuzz::families::Family;
use lockstep_fuzz::oracle::growth::{Bench, Cost, Stage};

use super::{RATIO_MAX, ROUNDS};

/// Members whose stage takes less are left out: the smallest say more of the machine than of the code.
const SMALLEST_TIME: Duration = Duration::from_millis(1);

/// Whose a doubling above the bound is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// It was not there when all sizes were measured in turn: a disturbance.
    NotAgain,
    /// The machine's, where more memory is used than a cache holds.
    Step,
    /// The stage's own.
    Ours,
}

/// What a stage and wasmparser alone take for the same members, each about twice the one before.
pub(super) struct Series {
    family: &'static str,
    stage: Stage,
    /// The stage at all sizes that it accepts.
    costs: Vec<Cost>,
    /// wasmparser at the same sizes, and at larger ones that the stage refuses.
    bare: Vec<Cost>,
}

impl Series {
    /// Measures from the smallest member that takes long enough to the family's largest, in rounds, so that a neighbour on
    /// the machine disturbs both alike. The member of `n`, which the stage accepts, is one of them.
    pub(super) fn measure(bench: &Bench, stage: Stage, family: &Family, n: usize, repetitions: u32) -> Self {
        let mut members = vec![family.build(n)];
        let mut size = n / 2;
        while bench.measure(stage, &members[0], 1).time >= SMALLEST_TIME * 2 && size > 0 {
            members.insert(0, family.build(size));
            size /= 2;
        }
        for size in std::iter::successors(Some(n * 2), |size| Some(size * 2)) {
            let wasm = family.build(size);
            // A last member that is hardly larger would only repeat the one before.
            if wasm.len() * 2 < members.last().map_or(0, Vec::len) * 3 || !bench.accepts(&wasm) {
                break;
            }
            members.push(wasm);
        }
        let measure = |stage| -> Vec<Cost> {
            let costs = members.iter().map(|wasm| bench.measure(stage, wasm, repetitions));
            costs.take_while(|cost| cost.accepted).collect()
        };
        let (mut costs, mut bare) = (measure(stage), measure(Stage::Bare));
        for _ in 1..ROUNDS {
            for (costs, again) in [(&mut costs, measure(stage)), (&mut bare, measure(Stage::Bare))] {
                for (cost, again) in costs.iter_mut().zip(again) {
                    cost.time = cost.time.min(again.time);
                }
            }
        }
        Series { family: family.name, stage, costs, bare }
    }

    /// Whose the excess is. A step needs wasmparser alone to have a doubling above the bound, and the stage to take over
    /// all sizes for each doubling no more of the bound than wasmparser takes of twice.
    pub(super) fn verdict(&self) -> Verdict {
        let above = |costs| doublings(costs).any(|ratio| ratio > RATIO_MAX);
        let [stage, bare] = self.slopes();
        if !above(&self.costs) {
            Verdict::NotAgain
        } else if above(&self.bare) && stage <= RATIO_MAX * (bare / 2.0).max(1.0) {
            Verdict::Step
        } else {
            Verdict::Ours
        }
    }

    /// Time by doubling over all sizes of the stage: its own and that of wasmparser.
    fn slopes(&self) -> [f64; 2] {
        let last = self.costs.len() - 1;
        [&self.costs, &self.bare].map(|costs| costs[last].ratios(&costs[0]).0)
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let verdict = match self.verdict() {
            Verdict::NotAgain => "measured again, none is above the bound",
            Verdict::Step => "a step of the machine's memory",
            Verdict::Ours => "ours",
        };
        let [stage, bare] = self.slopes();
        write!(
            out,
            "\n### {}, {}\n\nOver all its sizes {stage:.2} by doubling, wasmparser alone {bare:.2}: {verdict}.\n\n\
             | bytes | ms | ns by byte | by doubling | wasmparser ms | ns by byte | by doubling |\n\
             |---|---|---|---|---|---|---|\n",
            self.family,
            self.stage.name(),
        )?;
        for at in 0..self.bare.len() {
            write!(out, "| {} |", self.bare[at].bytes)?;
            for costs in [&self.costs, &self.bare] {
                let Some(cost) = costs.get(at) else {
                    out.push_str(" refused | | |");
                    continue;
                };
                let half = at.checked_sub(1).map(|half| &costs[half]);
                let ratio = half.map(|half| format!("{:.2}", cost.ratios(half).0)).unwrap_or_default();
                let ms = cost.time.as_secs_f64() * 1e3;
                write!(out, " {ms:.1} | {:.1} | {ratio} |", cost.nanoseconds_per_byte())?;
            }
            out.push('\n');
        }
        Ok(())
    }
}

fn doublings(costs: &[Cost]) -> impl Iterator<Item = f64> {
    costs.windows(2).map(|pair| pair[1].ratios(&pair[0]).0)
}

/// The section of a report about these.
pub(super) fn section(series: &[Series]) -> String {
    if series.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "\n## Doublings above the bound\n\n\
         Each at all sizes, beside wasmparser alone on the same members in the same rounds. The excess is the machine's if it \
         does not come again, or where wasmparser alone has a doubling above {RATIO_MAX}, and the stage takes over all sizes at most {:.2} times as much \
         for a doubling as wasmparser (or as twice, if that is more). Everywhere else it is ours, and missed.\n",
        RATIO_MAX / 2.0,
    );
    for series in series {
        series.write(&mut text).expect("a string can be written to");
    }
    text
}
