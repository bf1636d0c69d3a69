//! Homes: which register each web of a function has, if any.
//!
//! Owns the choice, a linear scan over the webs. It must not know operators, nor where values are when code is emitted.
//!
//! Webs whose intervals do not overlap share a register; where there are too few, those that are worth least stay in their
//! local's slot. A register that calls keep is first given to one local, with all its webs: its slot is free to hold what the
//! register held before. Other webs may have the register between those.

use super::masm::{Reg, RegSet};
use alloc::vec::Vec;
use lockstep_gas::Web;

/// No home.
pub(super) const NO_HOME: u8 = u8::MAX;

/// A local must weigh so much to be given a register that calls keep: saving and giving back costs two moves.
const KEPT_WEIGHT: u32 = 3;

/// Registers that may be homes.
pub(super) struct Registers<'m> {
    /// All of them, best first.
    pub(super) order: &'m [Reg],
    /// Those that may be used at all.
    pub(super) usable: RegSet,
    /// Those that calls keep.
    pub(super) kept: RegSet,
    /// Where arguments arrive, and how many do so at all.
    pub(super) arguments: &'m [Reg],
    pub(super) parameters: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Active {
    web: u32,
    end: u32,
    weight: u32,
    score: u64,
}

/// What a web that has a register is worth: its weight, but down to an eighth of that where it keeps others from having the
/// register for long.
fn score(web: &Web) -> u64 {
    const SHORT: u32 = 256;
    let length = (web.end - web.start).min(7 * SHORT);
    (u64::from(web.weight) << 16) / u64::from(SHORT + length)
}

/// The homes of one function after another.
#[derive(Debug, Default)]
pub(super) struct HomeChoice {
    /// For each web its register.
    registers: Vec<u8>,
    /// The locals that kept registers are given to, and these.
    pub(super) kept: Vec<(u32, Reg)>,
    /// For each web of such a local, where its next one begins.
    next: Vec<u32>,
    /// By local: the register that it is given, what its webs weigh that are to be chosen from, where its next web begins.
    given: Vec<u8>,
    weights: Vec<u32>,
    starts: Vec<u32>,
    chosen: Vec<(u32, u32)>,
}

impl HomeChoice {
    /// The register of the web at this place.
    pub(super) fn of(&self, web: usize) -> Option<Reg> {
        match self.registers[web] {
            NO_HOME => None,
            register => Some(Reg(register.into())),
        }
    }

    /// Chooses for a function with these webs, which are in the order of their starts, and so many locals. The registers
    /// that are homes.
    pub(super) fn choose(&mut self, webs: &[Web], locals: usize, from: &Registers<'_>) -> RegSet {
        if self.given.len() < locals {
            self.given.resize(locals, NO_HOME);
            self.weights.resize(locals, 0);
            self.starts.resize(locals, u32::MAX);
        }
        self.kept.clear();
        if webs.iter().any(|web| web.call_weight > 1) {
            self.give(webs, from, |web, _| web.call_weight > 1);
        }
        let (mut homes, is_without) = self.scan(webs, from);
        if is_without && self.kept.len() < from.usable.and(from.kept).len() {
            let before = self.kept.len();
            self.give(webs, from, |_, register| register == NO_HOME);
            if self.kept.len() > before {
                (homes, _) = self.scan(webs, from);
            }
        }
        for (local, _) in &self.kept {
            self.given[*local as usize] = NO_HOME;
        }
        #[cfg(debug_assertions)]
        self.check(webs, homes);
        homes
    }

    /// No two webs have the same register at the same place.
    #[cfg(debug_assertions)]
    fn check(&self, webs: &[Web], homes: RegSet) {
        let mut last: [Option<&Web>; 32] = [None; 32];
        for (at, web) in webs.iter().enumerate() {
            let Some(home) = self.of(at) else { continue };
            assert!(homes.contains(home), "{home:?} is nobody's");
            if let Some(before) = last[home.0 as usize].replace(web) {
                assert!(before.end < web.start, "{before:?} and {web:?} are both in {home:?}");
            }
        }
    }

    /// Gives what kept registers are left to the locals that weigh most, counting such webs only.
    fn give(&mut self, webs: &[Web], from: &Registers<'_>, counts: impl Fn(&Web, u8) -> bool) {
        let registers = from.order.iter().filter(|register| from.usable.and(from.kept).contains(**register));
        let count = registers.clone().count() - self.kept.len();
        if count == 0 {
            return;
        }
        self.registers.resize(webs.len(), NO_HOME);
        let counted = || webs.iter().zip(&self.registers).filter(|(web, home)| counts(web, **home));
        for (web, _) in counted() {
            let weight = &mut self.weights[web.local as usize];
            *weight = weight.saturating_add(web.weight);
        }
        self.chosen.clear();
        for (web, _) in counted() {
            let weight = core::mem::take(&mut self.weights[web.local as usize]);
            // What arrives in a slot stays there: the slot is not free.
            let arrives_in_slot = web.local < from.parameters && web.local as usize >= from.arguments.len();
            if weight < KEPT_WEIGHT || arrives_in_slot || self.given[web.local as usize] != NO_HOME {
                continue;
            }
            if self.chosen.len() == count {
                if self.chosen.last().is_none_or(|last| weight <= last.1) {
                    continue;
                }
                self.chosen.pop();
            }
            let at = self.chosen.partition_point(|(_, other)| *other >= weight);
            self.chosen.insert(at, (web.local, weight));
        }
        for ((local, _), register) in self.chosen.iter().zip(registers.skip(self.kept.len())) {
            self.kept.push((*local, *register));
            self.given[*local as usize] = register.number();
        }
    }

    /// Gives each web a register, or none. The registers given, and whether a web has none that would be worth one which
    /// calls keep.
    fn scan(&mut self, webs: &[Web], from: &Registers<'_>) -> (RegSet, bool) {
        self.registers.clear();
        self.registers.resize(webs.len(), NO_HOME);
        // Until when a kept register may be lent.
        let mut lent = [u32::MAX; 32];
        if !self.kept.is_empty() {
            self.next.clear();
            self.next.resize(webs.len(), u32::MAX);
            for (web, next) in webs.iter().zip(&mut self.next).rev() {
                *next = core::mem::replace(&mut self.starts[web.local as usize], web.start);
            }
            for (local, register) in &self.kept {
                lent[register.0 as usize] = self.starts[*local as usize];
            }
            for web in webs {
                self.starts[web.local as usize] = u32::MAX;
            }
        }
        let kept = RegSet::of_iter(self.kept.iter().map(|(_, register)| *register));
        let changed = from.usable.minus(from.kept);
        let arguments = RegSet::of(from.arguments);
        let mut free = changed.union(kept);
        let mut active = [Active::default(); 32];
        let mut homes = RegSet::EMPTY;
        let mut without = false;
        // No web that has a register ends before.
        let mut first_end = u32::MAX;
        for (at, web) in webs.iter().enumerate() {
            // Webs are fewer than 2^32.
            let entry = Active { web: at as u32, end: web.end, weight: web.weight, score: score(web) };
            if first_end < web.start {
                first_end = u32::MAX;
                for register in changed.union(kept).minus(free) {
                    let end = active[register.0 as usize].end;
                    if end < web.start {
                        free.insert(register);
                    } else {
                        first_end = first_end.min(end);
                    }
                }
            }
            let given = self.given[web.local as usize];
            let register = if given != NO_HOME {
                lent[usize::from(given)] = self.next[at];
                Some(Reg(given.into()))
            } else {
                let lendable = |register: &Reg| web.end < lent[register.0 as usize];
                let first = |among: RegSet| {
                    let mut among =
                        from.order.iter().copied().filter(move |register| among.contains(*register));
                    among.find(lendable)
                };
                let kept = kept.and(free);
                if web.call_weight > 0 {
                    let pays = u64::from(web.weight) > 2 * u64::from(web.call_weight);
                    let choice = first(kept);
                    if pays {
                        choice.or_else(|| self.any(&entry, changed, free, &active, first))
                    } else {
                        choice
                    }
                } else {
                    let argument = from.arguments.get(web.local as usize).copied();
                    let argument = argument.filter(|register| {
                        web.start == 0 && web.local < from.parameters && changed.and(free).contains(*register)
                    });
                    // An argument may yet need its register.
                    let others =
                        if web.start == 0 { changed.and(free).minus(arguments) } else { RegSet::EMPTY };
                    argument
                        .or_else(|| first(others))
                        .or_else(|| first(changed.and(free)))
                        .or_else(|| first(kept))
                        .or_else(|| self.any(&entry, changed, free, &active, first))
                }
            };
            match register {
                Some(register) => {
                    let evicted = !free.contains(register);
                    if evicted {
                        let other = active[register.0 as usize];
                        self.registers[other.web as usize] = NO_HOME;
                        without |= other.weight >= KEPT_WEIGHT;
                    }
                    free.remove(register);
                    homes.insert(register);
                    first_end = first_end.min(web.end);
                    active[register.0 as usize] = entry;
                    self.registers[at] = register.number();
                }
                None => without |= web.weight >= KEPT_WEIGHT,
            }
        }
        (homes, without)
    }

    /// A free register among those that calls change, or else that of the web that is worth least, if it is worth less.
    fn any(
        &self,
        web: &Active,
        changed: RegSet,
        free: RegSet,
        active: &[Active; 32],
        first: impl Fn(RegSet) -> Option<Reg>,
    ) -> Option<Reg> {
        if let Some(register) = first(changed.and(free)) {
            return Some(register);
        }
        let least = changed.min_by_key(|register| active[register.0 as usize].score)?;
        (active[least.0 as usize].score < web.score).then_some(least)
    }
}
