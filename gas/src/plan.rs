//! The plan: what a module costs and how much stack its functions take, once and for all engines.
//!
//! Owns the tables that engines read. It must not know how they were made (`planner`) or what reads them.

use crate::webs::Web;
use alloc::vec::Vec;

/// Slots of every frame that hold no value of the function's own: return address, saved state, padding.
pub const LINKAGE_SLOTS: u32 = 4;

/// The slots of a frame: linkage, parameters, declared locals and the greatest operand height, rounded up to even.
/// Saturates at `u32::MAX`, which is above every ceiling.
///
/// ```
/// assert_eq!(lockstep_gas::frame_slots(2, 1, 4), 12);
/// ```
pub const fn frame_slots(parameters: u32, declared_locals: u32, operand_height: u32) -> u32 {
    let slots = LINKAGE_SLOTS
        .saturating_add(parameters)
        .saturating_add(declared_locals)
        .saturating_add(operand_height);
    slots.saturating_add(slots & 1)
}

/// A straight-line run that costs something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Run {
    /// Where the run's first operator stands, in bytes from the start of the module.
    pub offset: u32,
    /// The sum of the prices of the run's operators, in gas; never 0. The first run of a body includes the prices of
    /// entry and of its declared locals.
    pub price: u64,
}

/// In the place of a loop's latch while no branch goes back to it; none does in the end either.
pub(crate) const NO_BRANCH: u32 = u32::MAX - 1;

/// In the place of a loop's latch where it has none.
pub(crate) const NO_LATCH: u32 = u32::MAX;

/// What the planner found out about a module. Made by [`plan`](crate::plan) or a [`Planner`](crate::Planner).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Plan {
    pub(crate) functions: Vec<Entry>,
    pub(crate) runs: Vec<Run>,
    pub(crate) webs: Vec<Web>,
    /// By live loop: its latch among the function's runs.
    pub(crate) latches: Vec<u32>,
    pub(crate) instantiation_price: u64,
}

/// One function's row; its runs, webs and latches end here and begin where the row before ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    pub(crate) runs_end: u32,
    pub(crate) webs_end: u32,
    pub(crate) latches_end: u32,
    pub(crate) parameters: u32,
    pub(crate) declared_locals: u32,
    pub(crate) operand_height: u32,
    pub(crate) call_weight: u32,
}

impl Plan {
    /// What making an instance costs, in gas, charged before anything of it is done. The start function's call is not
    /// in it.
    pub const fn instantiation_price(&self) -> u64 {
        self.instantiation_price
    }

    /// How many functions the module defines; imported functions have no plan.
    pub fn function_count(&self) -> usize {
        self.functions.len()
    }

    /// All runs of all functions, in the order of their offsets.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// The plan of the function at `index` in the code section (imported functions are not counted).
    pub fn function(&self, index: usize) -> Option<FunctionPlan<'_>> {
        let entry = *self.functions.get(index)?;
        let before = index.checked_sub(1).and_then(|index| self.functions.get(index));
        let (runs_start, webs_start, latches_start) =
            before.map_or((0, 0, 0), |entry| (entry.runs_end, entry.webs_end, entry.latches_end));
        Some(FunctionPlan {
            entry,
            runs: self.runs.get(runs_start as usize..entry.runs_end as usize)?,
            webs: self.webs.get(webs_start as usize..entry.webs_end as usize)?,
            latches: self.latches.get(latches_start as usize..entry.latches_end as usize)?,
        })
    }

    /// The plans of all defined functions, in order.
    pub fn functions(&self) -> impl Iterator<Item = FunctionPlan<'_>> {
        (0..self.functions.len()).filter_map(|index| self.function(index))
    }
}

/// The plan of one function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FunctionPlan<'a> {
    entry: Entry,
    runs: &'a [Run],
    webs: &'a [Web],
    latches: &'a [u32],
}

impl<'a> FunctionPlan<'a> {
    /// The function's runs that cost something, in the order of their offsets. Never empty: the first includes entry.
    ///
    /// Where a body begins with a `loop`, its first two runs stand at the same offset: the first is paid at entry, the
    /// second at each iteration.
    pub const fn runs(&self) -> &'a [Run] {
        self.runs
    }

    /// The webs of the locals that live code uses: first those that begin with the body, then the others in the order of
    /// their starts.
    pub const fn webs(&self) -> &'a [Web] {
        self.webs
    }

    /// The latches of the live loops, in the order of the loops.
    pub fn latches(&self) -> Latches<'a> {
        Latches { latches: self.latches.iter(), runs: self.runs }
    }

    /// The sum over live calls of 8 to the power of the loops around each (at most 8^6), saturating; tail calls count too.
    pub const fn call_weight(&self) -> u32 {
        self.entry.call_weight
    }

    /// How many parameters the function has.
    pub const fn parameters(&self) -> u32 {
        self.entry.parameters
    }

    /// How many locals the function declares beside its parameters.
    pub const fn declared_locals(&self) -> u32 {
        self.entry.declared_locals
    }

    /// The greatest height of the operand stack before or after any live operator, in values.
    pub const fn operand_height(&self) -> u32 {
        self.entry.operand_height
    }

    /// What the function's frame counts for on the stack, in slots of 8 bytes.
    pub const fn frame_slots(&self) -> u32 {
        frame_slots(self.entry.parameters, self.entry.declared_locals, self.entry.operand_height)
    }
}

/// The latches of a function's live loops, in the order of the loops. A loop's latch is the run that ends with the only branch
/// back to it; it has none if that run may trap or be seen, or if nothing else in the loop may.
#[derive(Clone, Debug, Default)]
pub struct Latches<'a> {
    latches: core::slice::Iter<'a, u32>,
    runs: &'a [Run],
}

impl<'a> Iterator for Latches<'a> {
    type Item = Option<&'a Run>;

    fn next(&mut self) -> Option<Self::Item> {
        self.latches.next().map(|latch| self.runs.get(*latch as usize))
    }
}
