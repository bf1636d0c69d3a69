//! Where gas can run out.
//!
//! Owns the search for the charges of an execution: for the gas limits between which it ends in another way. It asks
//! our interpreter alone, and for nothing but how an execution ends; the limits found are then tried all ways.

use std::collections::BTreeMap;

use super::ours::Seen;
use super::three_ways::Script;
use super::value::Outcome;

/// The gas limits worth trying.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// For each charge the least and the greatest gas with which it is the one that cannot be paid.
    pub points: Vec<u64>,
    /// Whether every charge was found.
    pub complete: bool,
    /// What the recount says against our own executions.
    pub recount: Vec<(u64, String)>,
}

/// How an execution ended, as far as gas decides it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Signature {
    steps: usize,
    outcome: Outcome,
    site: Option<(u32, u32)>,
    peak: u64,
    executed: u64,
}

/// Finds the charges of a script, which ends well with `used` gas, in at most so many executions.
pub fn limits(ours: impl Fn(&Script) -> Vec<Seen>, script: &Script, used: u64, budget: usize) -> Limits {
    let mut seen = BTreeMap::new();
    let mut found = Limits { complete: true, ..Limits::default() };
    let mut open = vec![(0, used)];
    while let Some((low, high)) = open.pop() {
        for gas in [low, high] {
            seen.entry(gas).or_insert_with(|| signature(&ours, script, gas, &mut found.recount));
        }
        if seen[&low] == seen[&high] {
            continue;
        }
        if high - low == 1 {
            found.points.extend([low, high]);
            continue;
        }
        if seen.len() >= budget {
            found.complete = false;
            continue;
        }
        let middle = low + (high - low) / 2;
        // The lower half first: what is cut off lies at the end.
        open.extend([(middle, high), (low, middle)]);
    }
    found.points.push(0);
    found.points.sort_unstable();
    found.points.dedup();
    found
}

fn signature(
    ours: impl Fn(&Script) -> Vec<Seen>,
    script: &Script,
    gas: u64,
    recount: &mut Vec<(u64, String)>,
) -> Signature {
    let steps = ours(&Script { gas, ..script.clone() });
    recount.extend(steps.iter().filter_map(Seen::recount_difference).map(|difference| (gas, difference)));
    let executed = steps.iter().map(Seen::executed).sum();
    let peak = steps.iter().map(|seen| seen.ended.peak).max().unwrap_or_default();
    let last = steps.last().map(|seen| (seen.ended.outcome.clone(), seen.site));
    let (outcome, site) = last.unwrap_or((Outcome::Returned(Vec::new()), None));
    Signature { steps: steps.len(), outcome, site, peak, executed }
}
