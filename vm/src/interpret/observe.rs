//! Observers of the loop: an independent recount of gas, and how often each operator was executed.
//!
//! Owns a second reading of the law: it adds up the prices of the operators that are *executed*, where the plan added up
//! those of a run before it starts. It must not know the plan, nor what the charges between operators say. An engine
//! that nobody audits pays nothing for it.

use super::frame::Frames;
use super::instr::Instr;
use crate::module::ModuleInner;
use crate::profile::Profiler;
use crate::store::objects::Objects;
use crate::trap::Trap;
use alloc::{boxed::Box, format, string::String};
use lockstep_gas::Op;

/// What the recount found out since [`Store::start_audit`](crate::Store::start_audit).
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Audit {
    /// The gas of the operators executed, of the entries into functions and of the dynamic parts, counted by the law
    /// without the plan. What was left when gas ran out is in it. What host functions and instantiation charge is not.
    pub recounted_gas: u64,
    /// The gas that host functions and instantiation charged; not recounted.
    pub charged_gas: u64,
    /// How often each operator was executed, by its number in [`Op`].
    pub executed: [u64; Op::COUNT],
    /// The first place where charges and recount differed, for people.
    pub mismatch: Option<String>,
}

/// An instruction of a module.
#[derive(Clone, Copy)]
pub(super) struct Site<'a> {
    pub(super) module: &'a ModuleInner,
    pub(super) instr: usize,
}

/// Sees what the loop does. Does nothing itself.
pub(super) trait Observer {
    /// An instruction is about to be executed.
    #[inline(always)]
    fn executes(&mut self, _instr: &Instr, _site: Site<'_>) {}

    /// A run's charge is about to be paid out of so much gas.
    #[inline(always)]
    fn charges(&mut self, _site: Site<'_>, _gas: u64) {}

    /// A function is entered, and its first run is paid.
    #[inline(always)]
    fn enters(&mut self, _declared_locals: u32, _module: &ModuleInner) {}

    /// The dynamic part of the instruction's price is about to be paid out of so much gas, for so many pages, bytes or
    /// elements.
    #[inline(always)]
    fn dynamic(&mut self, _units: u32, _site: Site<'_>, _gas: u64) {}

    /// Another frame may be the current one, whose next instruction is executed now.
    #[inline(always)]
    fn moves(&mut self, _frames: &Frames, _objects: &Objects) {}

    /// The instruction trapped, and so much gas is left.
    #[inline(always)]
    fn trapped(&mut self, _trap: Trap, _site: Site<'_>, _gas: u64) {}
}

/// Nobody looks.
pub(super) struct Unobserved;

impl Observer for Unobserved {}

/// Those who may look, each if it is there: one loop is compiled for them all.
pub(super) struct Observers {
    pub(super) audit: Option<Box<AuditState>>,
    pub(super) profiler: Option<Box<Profiler>>,
}

impl Observer for Observers {
    #[inline(always)]
    fn executes(&mut self, instr: &Instr, site: Site<'_>) {
        if let Some(audit) = &mut self.audit {
            audit.executes(instr, site);
        }
    }

    fn charges(&mut self, site: Site<'_>, gas: u64) {
        if let Some(audit) = &mut self.audit {
            audit.charges(site, gas);
        }
        if let Some(profiler) = &mut self.profiler {
            profiler.charges(site, gas);
        }
    }

    fn enters(&mut self, declared_locals: u32, module: &ModuleInner) {
        if let Some(audit) = &mut self.audit {
            audit.enters(declared_locals, module);
        }
    }

    fn dynamic(&mut self, units: u32, site: Site<'_>, gas: u64) {
        if let Some(audit) = &mut self.audit {
            audit.dynamic(units, site, gas);
        }
        if let Some(profiler) = &mut self.profiler {
            profiler.dynamic(units, site, gas);
        }
    }

    fn moves(&mut self, frames: &Frames, objects: &Objects) {
        if let Some(profiler) = &mut self.profiler {
            profiler.moves(frames, objects);
        }
    }

    fn trapped(&mut self, trap: Trap, site: Site<'_>, gas: u64) {
        if let Some(audit) = &mut self.audit {
            audit.trapped(trap, site, gas);
        }
    }
}

/// An audit under way.
#[derive(Debug)]
pub(crate) struct AuditState {
    audit: Audit,
    /// Gas when the interpreter was last entered.
    before: u64,
    /// Recounted since then.
    recounted: u64,
    /// The last dynamic part.
    dynamic: u64,
}

impl AuditState {
    pub(crate) fn new() -> Self {
        let audit = Audit { recounted_gas: 0, charged_gas: 0, executed: [0; Op::COUNT], mismatch: None };
        AuditState { audit, before: 0, recounted: 0, dynamic: 0 }
    }

    pub(crate) fn into_audit(self) -> Audit {
        self.audit
    }

    /// Somebody else than the interpreter charged so much.
    pub(crate) fn charged(&mut self, gas: u64) {
        self.audit.charged_gas = self.audit.charged_gas.saturating_add(gas);
    }

    /// The interpreter is entered, or goes on after a host function.
    pub(super) fn resumed(&mut self, gas: u64) {
        self.before = gas;
        self.recounted = 0;
    }

    /// The interpreter returns, traps, or calls a host function: everything charged has been executed.
    pub(super) fn paused(&mut self, gas: u64) {
        self.compare(gas, || String::from("at a return, trap or call of the host"));
        self.audit.recounted_gas = self.audit.recounted_gas.saturating_add(self.recounted);
    }

    fn add(&mut self, price: u64) {
        self.recounted = self.recounted.saturating_add(price);
    }

    /// What has been charged must be what has been executed.
    fn compare(&mut self, gas: u64, place: impl Fn() -> String) {
        let charged = self.before.saturating_sub(gas);
        if charged != self.recounted && self.audit.mismatch.is_none() {
            let (recounted, place) = (self.recounted, place());
            self.audit.mismatch =
                Some(format!("{place}: {charged} gas was charged, {recounted} is recounted"));
        }
    }

    /// Gas ran out: what came before was paid, and `price` could not be.
    fn ran_out(&mut self, paid: u64, price: u64, site: Site<'_>, gas: u64) {
        let before = self.before;
        let exhausted = paid <= before && paid.saturating_add(price) > before && gas == 0;
        if !exhausted && self.audit.mismatch.is_none() {
            let place = site.place();
            self.audit.mismatch = Some(format!(
                "{place}: out of gas with {before} gas, of which {paid} was paid and {price} not; {gas} is left"
            ));
        }
        // All of it is gone.
        self.recounted = before;
    }
}

impl Observer for AuditState {
    fn executes(&mut self, instr: &Instr, site: Site<'_>) {
        if let Some(op) = instr.op() {
            self.audit.executed[op as usize] += 1;
            self.add(price(instr, op, site.module));
        }
    }

    fn charges(&mut self, site: Site<'_>, gas: u64) {
        self.compare(gas, || site.place());
    }

    fn enters(&mut self, declared_locals: u32, module: &ModuleInner) {
        self.add(entry_price(declared_locals, module));
    }

    fn dynamic(&mut self, units: u32, site: Site<'_>, _gas: u64) {
        self.dynamic = u64::from(units) * u64::from(unit_price(site));
        self.add(self.dynamic);
    }

    fn trapped(&mut self, trap: Trap, site: Site<'_>, gas: u64) {
        match (trap, site.module.code().instrs[site.instr]) {
            (Trap::OutOfGas, Instr::Charge { .. }) => {
                self.ran_out(self.recounted, run_price(site), site, gas);
            }
            (Trap::OutOfGas, instr) => {
                let paid = self.recounted - self.dynamic + rest_of_run(&instr, site);
                self.ran_out(paid, self.dynamic, site, gas);
            }
            // The run was paid before its operators were executed, and a charge is never given back.
            (_, instr) => self.add(rest_of_run(&instr, site)),
        }
    }
}

impl Site<'_> {
    fn place(self) -> String {
        let code = self.module.code();
        format!("function {} at {:#x}", code.function_at(self.instr), code.offsets[self.instr])
    }
}

fn entry_price(declared_locals: u32, module: &ModuleInner) -> u64 {
    let prices = &module.engine.schedule().prices;
    u64::from(prices.entry) + u64::from(declared_locals) * u64::from(prices.local)
}

/// An operator's price with the part per slot, without the dynamic part.
fn price(instr: &Instr, op: Op, module: &ModuleInner) -> u64 {
    let schedule = module.engine.schedule();
    let prices = &schedule.prices;
    let info = &module.info;
    let slots = |length: usize| length as u64;
    let (slots, each) = match *instr {
        Instr::Br { branch } | Instr::BrIf { branch } => (branch.arity.into(), prices.branch_slot),
        Instr::BrTable { arity, .. } => (arity.into(), prices.branch_slot),
        Instr::Return { results, .. } => (results.into(), prices.branch_slot),
        Instr::Call { function } => {
            let ty = info.function_type(function);
            (slots(ty.params().len()) + slots(ty.results().len()), prices.call_slot)
        }
        Instr::CallIndirect { type_index, .. } => {
            let ty = &info.types[type_index as usize];
            (slots(ty.params().len()) + slots(ty.results().len()), prices.call_slot)
        }
        Instr::ReturnCall { function, .. } => {
            (slots(info.function_type(function).params().len()), prices.tail_call_slot)
        }
        Instr::ReturnCallIndirect { type_index, .. } => {
            (slots(info.types[type_index as usize].params().len()), prices.tail_call_slot)
        }
        _ => (0, 0),
    };
    u64::from(schedule.price(op)) + slots * u64::from(each)
}

/// What the operator at `site` pays for each page, byte or element that its last operand counts.
pub(super) fn unit_price(site: Site<'_>) -> u32 {
    let prices = &site.module.engine.schedule().prices;
    match site.module.code().instrs[site.instr].op() {
        Some(Op::MemoryGrow) => prices.memory_grow_page,
        Some(Op::MemoryFill) => prices.memory_fill_byte,
        Some(Op::MemoryCopy) => prices.memory_copy_byte,
        Some(Op::MemoryInit) => prices.memory_init_byte,
        Some(Op::TableGrow) => prices.table_grow_element,
        Some(Op::TableFill) => prices.table_fill_element,
        Some(Op::TableCopy) => prices.table_copy_element,
        Some(Op::TableInit) => prices.table_init_element,
        _ => 0,
    }
}

/// The price of the operators behind `instr`, the one at `site`, up to the end of its run.
fn rest_of_run(instr: &Instr, site: Site<'_>) -> u64 {
    if instr.ends_run() { 0 } else { operators_from(site.instr + 1, site.module) }
}

/// The price of the operators of a run from this instruction on.
fn operators_from(first: usize, module: &ModuleInner) -> u64 {
    let mut sum = 0;
    for instr in &module.code().instrs[first..] {
        if let Instr::Loop = instr {
            break;
        }
        let Some(op) = instr.op() else { continue };
        sum += price(instr, op, module);
        if instr.ends_run() {
            break;
        }
    }
    sum
}

/// The price of the run behind the charge at `site`.
fn run_price(site: Site<'_>) -> u64 {
    let module = site.module;
    let next = site.instr + 1;
    match module.code().instrs[next] {
        // The first run of a body, without operators if a `loop` comes next.
        Instr::Enter { declared_locals, .. } => {
            entry_price(declared_locals, module) + operators_from(next + 1, module)
        }
        Instr::Loop => price(&Instr::Loop, Op::Loop, module) + operators_from(next + 1, module),
        _ => operators_from(next, module),
    }
}

/// The instructions of the run behind the charge at `site`, each with its price; entry is at the function's first.
pub(super) fn each_of_run(site: Site<'_>, mut tell: impl FnMut(usize, u64)) {
    let module = site.module;
    let instrs = &module.code().instrs;
    let mut at = site.instr + 1;
    match instrs[at] {
        Instr::Enter { declared_locals, .. } => tell(at, entry_price(declared_locals, module)),
        Instr::Loop => tell(at, price(&Instr::Loop, Op::Loop, module)),
        _ => at -= 1,
    }
    for (at, instr) in instrs.iter().enumerate().skip(at + 1) {
        if let Instr::Loop = instr {
            break;
        }
        let Some(op) = instr.op() else { continue };
        tell(at, price(instr, op, module));
        if instr.ends_run() {
            break;
        }
    }
}
