//! The state of the function that is being compiled, and how values move between registers, slots and the stack.
//!
//! Owns registers: which are free, which operand or local is in which, what must be written back. Operators, control and
//! calls build on it. It must not know which machine it is.
//!
//! # Locals
//!
//! The plan divides what is done with a local into webs. A web that is worth it has a *home*: a register that is its own
//! from the set that it begins with to where it ends; then another web may have it. Which web has it now depends on the
//! place in the body only. Each local has its slot too. A home is *stale* when only the slot has the value, *dirty* when
//! only the register has it. A call makes all homes stale, so that what is dirty and needed again is stored before; a home is
//! loaded again when it is next used. At a label both sets are what the label's first edge left, and every later edge loads
//! and stores what it takes to agree. That concerns webs that began before the label's construct; no other is needed there.
//!
//! The other webs live in their locals' slots. A free register may still hold a *copy* of one: until something takes the register, the
//! local is set, or code comes together with other code.
//!
//! # Gas
//!
//! A run must be paid for before anything of it is done that can be seen. Operators that only compute let it wait: their
//! run is *unpaid* until an operator that may trap or be seen, or until the head of a loop. A branch lets it wait on both
//! its sides. What the first edge to a label has not paid for, the label *owes*: it is unpaid behind it, whoever came. Any
//! other edge pays for its own runs, all of them, and is given back what the label owes, out of line if it may. Which of
//! several runs was the first that could not be paid is found out of line; what an edge was given back is enough for what
//! the label owes, so that it is never one of those.

use super::Env;
use super::control::Construct;
use super::homes::{HomeChoice, NO_HOME, Registers};
use super::masm::{Masm, Reg, RegSet, Source};
use super::stack::{Place, Stack, Value};
use crate::abi::REGISTER_ARGUMENTS;
use alloc::vec::Vec;
use lockstep_gas::{FunctionPlan, Latches, Run, Web};

/// The first slot of a frame that belongs to a value.
pub(super) const FIRST_SLOT: u64 = 3;

/// What homes hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Homes {
    /// Those whose local is in its slot only.
    pub(super) stale: RegSet,
    /// Those whose local is in the register only.
    pub(super) dirty: RegSet,
}

/// So many runs are paid for at once at most. Each place where a function may be left pays for them, so this bounds code.
const UNPAID_MAX: usize = 3;

/// Runs that cost more are not paid for together.
const TOGETHER_MAX: u64 = i32::MAX as u64;

/// Where an operator's result goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Destination {
    Temp(Reg),
    /// The home of a local that the next operator sets.
    Home(Reg),
}

impl Destination {
    pub(super) fn register(self) -> Reg {
        match self {
            Destination::Temp(register) | Destination::Home(register) => register,
        }
    }
}

/// Compiles functions, one after another.
pub(super) struct Compiler<'m, M> {
    pub(super) env: &'m Env<'m>,
    pub(super) masm: M,
    // The function at hand.
    pub(super) stack: Stack,
    pub(super) constructs: Vec<Construct>,
    pub(super) dead_constructs: u32,
    pub(super) live: bool,
    /// Where the operator at hand stands, in bytes from the start of the module.
    pub(super) offset: u32,
    pub(super) runs: &'m [Run],
    /// The latches of the loops that come next, as the plan has them.
    latches: Latches<'m>,
    /// Runs that have begun and are not paid for yet: what has been executed of them can neither trap nor be seen.
    pub(super) unpaid: Vec<Run>,
    /// What labels owe: see [`Owed`](super::control::Owed).
    pub(super) owed: Vec<Run>,
    pub(super) frame_slots: u32,
    pub(super) parameters: u32,
    pub(super) results: u32,
    /// The slot of the operand at depth 0.
    pub(super) operand_slots: u64,
    /// Operands below this depth are constants or in their slots.
    pub(super) watermark: usize,
    /// Registers for operands.
    pool: RegSet,
    /// Those that hold nothing.
    pub(super) free: RegSet,
    /// Registers that an operand on the stack is in, and at which depth.
    pub(super) owned: RegSet,
    owners: [u32; 32],
    /// The webs of the function, their homes, and the one that begins next.
    webs: &'m [Web],
    choice: HomeChoice,
    next_web: usize,
    /// Registers that are some web's home at some time; those of them that one has now, its local, where it begins and ends.
    homes: RegSet,
    pub(super) taken: RegSet,
    pub(super) home_locals: [u64; 32],
    home_starts: [u32; 32],
    home_ends: [u32; 32],
    /// Homes that calls change.
    pub(super) changed_homes: RegSet,
    pub(super) state: Homes,
    /// The home that each local has now.
    local_homes: Vec<u8>,
    /// Registers that hold a copy of a local, and of which; and where each local's copy is.
    copies: RegSet,
    copied_locals: [u64; 32],
    local_copies: Vec<u8>,
    /// The next operator sets a local that has its value already.
    pub(super) is_set: bool,
    /// The next operator adds what has been added already.
    pub(super) is_added: bool,
    pub(super) labels: Vec<super::masm::Label>,
}

impl<'m, M: Masm> Compiler<'m, M> {
    pub(super) fn new(env: &'m Env<'m>, masm: M) -> Self {
        Compiler {
            env,
            masm,
            stack: Stack::default(),
            constructs: Vec::new(),
            dead_constructs: 0,
            live: false,
            offset: 0,
            runs: &[],
            latches: Latches::default(),
            unpaid: Vec::with_capacity(UNPAID_MAX),
            owed: Vec::new(),
            frame_slots: 0,
            parameters: 0,
            results: 0,
            operand_slots: 0,
            watermark: 0,
            pool: RegSet::EMPTY,
            free: RegSet::EMPTY,
            owned: RegSet::EMPTY,
            owners: [0; 32],
            webs: &[],
            choice: HomeChoice::default(),
            next_web: 0,
            homes: RegSet::EMPTY,
            taken: RegSet::EMPTY,
            home_locals: [0; 32],
            home_starts: [0; 32],
            home_ends: [0; 32],
            changed_homes: RegSet::EMPTY,
            state: Homes::default(),
            local_homes: Vec::new(),
            copies: RegSet::EMPTY,
            copied_locals: [0; 32],
            local_copies: Vec::new(),
            is_set: false,
            is_added: false,
            labels: Vec::new(),
        }
    }

    /// Compiles the function with this index among those that the module defines.
    pub(super) fn function(&mut self, index: u32) {
        let env = self.env;
        let plan = env.plan.function(index as usize).expect("the plan has every function");
        let body = &env.info.bodies[index as usize];
        let ty = env.info.function_type(env.info.imported_functions + index);
        // Counts are limited far below 2^32.
        let parameters = ty.params().len() as u32;
        self.parameters = parameters;
        self.results = ty.results().len() as u32;
        let locals = parameters + plan.declared_locals();
        self.frame_slots = plan.frame_slots();
        self.runs = plan.runs();
        self.latches = plan.latches();
        self.operand_slots = FIRST_SLOT + u64::from(locals);
        self.offset = body.operators;
        self.watermark = 0;
        self.live = true;
        self.is_set = false;
        self.dead_constructs = 0;
        self.constructs.clear();
        self.owed.clear();
        self.stack.reset(locals as usize);
        if self.local_homes.len() < locals as usize {
            self.local_homes.resize(locals as usize, NO_HOME);
            self.local_copies.resize(locals as usize, NO_HOME);
        }
        self.webs = plan.webs();
        for web in self.webs {
            self.stack.forget(web.local.into());
        }
        self.choose_homes(plan, locals as usize);
        self.masm.enter(self.frame_slots, !env.options.unmetered, body.bytes.start);
        for (local, register) in &self.choice.kept {
            self.masm.store_slot(FIRST_SLOT + u64::from(*local), Source::Reg(*register));
        }
        self.begin_body(parameters);
        self.begin_run();
        self.open_body();
        self.operators(index);
        self.masm.finish();

        self.forget_copies();
        for register in self.taken {
            self.release_home(register);
        }
    }

    /// Chooses homes, and which registers are for operands.
    fn choose_homes(&mut self, plan: FunctionPlan<'_>, locals: usize) {
        let most = self.env.options.homes_max.map_or(usize::MAX, usize::from);
        let mut usable = RegSet::EMPTY;
        let mut available = M::TEMPS;
        let imported_base = self.env.imports_memory().then_some(M::IMPORTED_BASE);
        let mut count = 0;
        for register in M::HOMES.iter().filter(|register| Some(**register) != imported_base) {
            available.insert(*register);
            if count < most {
                usable.insert(*register);
                count += 1;
            }
        }
        let registers = Registers {
            order: M::HOMES,
            usable,
            kept: M::KEPT,
            arguments: &M::ARGUMENTS,
            parameters: self.parameters,
        };
        self.homes = self.choice.choose(plan.webs(), locals, &registers);
        let available = if self.env.options.homes_max.is_some() { M::TEMPS } else { available };
        self.pool = available.minus(self.homes).minus(M::KEPT);
        self.free = self.pool;
        self.owned = RegSet::EMPTY;
        self.changed_homes = self.homes.minus(M::KEPT);
        self.taken = RegSet::EMPTY;
        self.state = Homes::default();
    }

    /// Lets the webs begin that begin with the body: with an argument or zero.
    fn begin_body(&mut self, parameters: u32) {
        let webs = self.webs;
        let count = webs.partition_point(|web| web.start == 0);
        let (webs, _) = webs.split_at(count);
        let mut needed = 0u64;
        for (at, web) in webs.iter().enumerate() {
            if let Some(home) = self.choice.of(at) {
                self.take_home(home, web);
            }
            if web.local < REGISTER_ARGUMENTS as u32 {
                needed |= 1 << web.local;
            }
        }
        self.next_web = count;
        self.state.dirty = self.changed_homes.and(self.taken);
        self.receive_arguments(parameters, needed);
        for web in webs.iter().filter(|web| web.local >= parameters) {
            match self.home(web.local.into()) {
                Some(home) => self.masm.zero(home),
                None => self.masm.store_slot(self.local_slot(web.local.into()), Source::Imm(0)),
            }
        }
    }

    /// Makes a register that no web has the home of one.
    fn take_home(&mut self, home: Reg, web: &Web) {
        self.taken.insert(home);
        let at = home.0 as usize;
        self.home_locals[at] = web.local.into();
        self.home_starts[at] = web.start;
        self.home_ends[at] = web.end;
        self.local_homes[web.local as usize] = home.number();
    }

    /// Notes that no web has a home any more: what it holds is not needed.
    fn release_home(&mut self, home: Reg) {
        self.taken.remove(home);
        self.state.stale.remove(home);
        self.state.dirty.remove(home);
        self.local_homes[self.home_locals[home.0 as usize] as usize] = NO_HOME;
    }

    /// Whether the operator that stands there begins a web.
    #[inline]
    fn begins_web(&self, at: u32) -> bool {
        self.webs.get(self.next_web).is_some_and(|web| web.start == at)
    }

    /// The home that a local has when the operator that stands there sets it.
    #[inline]
    pub(super) fn home_set_at(&self, local: u64, at: u32) -> Option<Reg> {
        if self.begins_web(at) { self.choice.of(self.next_web) } else { self.home(local) }
    }

    /// Begins a web if the operator at hand does, which sets this local. Operands are no aliases of it.
    #[inline]
    pub(super) fn begin_web(&mut self, local: u64) {
        if self.begins_web(self.offset) {
            self.begin_next_web(local);
        }
    }

    fn begin_next_web(&mut self, local: u64) {
        let web = &self.webs[self.next_web];
        debug_assert_eq!(u64::from(web.local), local, "a web begins where its local is not set");
        match self.home(local) {
            Some(home) => self.release_home(home),
            None => self.forget_copy(local),
        }
        if let Some(home) = self.choice.of(self.next_web) {
            if self.taken.contains(home) {
                self.detach(self.home_locals[home.0 as usize]);
                self.release_home(home);
            }
            self.take_home(home, web);
        }
        self.next_web += 1;
    }

    /// The same where the web goes on with the value that the local has, and where that is.
    pub(super) fn begin_same_web(&mut self, local: u64) {
        if self.begins_web(self.offset) {
            let web = &self.webs[self.next_web];
            self.next_web += 1;
            if let Some(home) = self.home(local) {
                self.take_home(home, web);
            }
        }
    }

    /// Whether a web has ended, and no operand is an alias of its local.
    fn is_over(&self, home: Reg) -> bool {
        let at = home.0 as usize;
        self.home_ends[at] < self.offset && self.stack.alias(self.home_locals[at]).is_none()
    }

    /// Releases the homes of webs that are over.
    pub(super) fn release_ended(&mut self) {
        for home in self.changed_homes.and(self.taken) {
            if self.is_over(home) {
                self.release_home(home);
            }
        }
    }

    /// What homes hold where edges come together that have left them like this, at a label of a construct that begins there.
    /// Webs that began in it are over.
    pub(super) fn come_together(&mut self, edges: Homes, construct: u32) {
        self.state = edges;
        for home in self.taken {
            if self.home_starts[home.0 as usize] >= construct {
                self.release_home(home);
            }
        }
        let taken = self.changed_homes.and(self.taken);
        self.state = Homes { stale: edges.stale.and(taken), dirty: edges.dirty.and(taken) };
    }

    /// The home of a local.
    #[inline]
    pub(super) fn home(&self, local: u64) -> Option<Reg> {
        match self.local_homes[local as usize] {
            NO_HOME => None,
            register => Some(Reg(register.into())),
        }
    }

    /// The slot of a local.
    pub(super) fn local_slot(&self, local: u64) -> u64 {
        FIRST_SLOT + local
    }

    /// The slot of the operand at a depth.
    pub(super) fn operand_slot(&self, depth: usize) -> u64 {
        // Heights are limited far below 2^32.
        self.operand_slots + depth as u64
    }

    /// Counts registers from first principles, and compares.
    #[cfg(debug_assertions)]
    pub(super) fn check(&self) {
        if !self.live || self.constructs.is_empty() {
            return;
        }
        assert!(self.free.and(self.owned).is_empty(), "a free register is owned");
        assert_eq!(self.free.union(self.owned), self.pool, "a register is lost, at {:#x}", self.offset);
        assert!(self.state.stale.and(self.state.dirty).is_empty(), "a home has no value");
        assert!(self.copies.minus(self.free).is_empty(), "a copy is in use, at {:#x}", self.offset);
        let changed = self.taken.and(self.changed_homes);
        assert!(
            self.state.stale.union(self.state.dirty).minus(changed).is_empty(),
            "nobody's home has a value"
        );
        for home in self.taken {
            let local = self.home_locals[home.0 as usize];
            assert_eq!(self.home(local), Some(home), "local {local} at {:#x}", self.offset);
        }
        for register in self.owned {
            let depth = self.owners[register.0 as usize] as usize;
            assert_eq!(self.stack.place(depth), Place::Reg(register), "at {:#x}", self.offset);
        }
    }

    /// Notes the run that starts at this operator, if one does. The operator can neither trap nor be seen: paying may wait.
    #[inline]
    pub(super) fn begin_run(&mut self) {
        if let [run, rest @ ..] = self.runs
            && run.offset == self.offset
        {
            self.runs = rest;
            if !self.env.options.unmetered {
                self.owe(*run);
            }
        }
    }

    fn owe(&mut self, run: Run) {
        let price = self.unpaid.iter().fold(run.price, |sum, other| sum.saturating_add(other.price));
        if self.unpaid.len() == UNPAID_MAX || price > TOGETHER_MAX {
            self.pay();
        }
        self.unpaid.push(run);
        if run.price > TOGETHER_MAX {
            self.pay();
        }
    }

    /// Pays for all that has begun, the run that starts at this operator included: the operator may trap or be seen.
    #[inline]
    pub(super) fn charge(&mut self) {
        self.begin_run();
        if !self.unpaid.is_empty() {
            self.pay();
        }
    }

    /// Pays for all that has begun.
    pub(super) fn pay(&mut self) {
        self.pay_but(0);
    }

    /// Pays for all that has begun but the last runs, so many.
    pub(super) fn pay_but(&mut self, owed: usize) {
        let count = self.unpaid.len() - owed;
        if count > 0 {
            // Paying changes the flags.
            self.settle_flags();
            self.masm.charge(&self.unpaid[..count]);
            self.unpaid.drain(..count);
        }
    }

    /// What the head of the loop that begins at this operator owes: its latch, unless that costs too much to be paid for
    /// together with others.
    pub(super) fn next_latch(&mut self) -> Option<Run> {
        let latch = self.latches.next().expect("the plan has every live loop");
        latch.copied().filter(|latch| latch.price <= TOGETHER_MAX && !self.env.options.unmetered)
    }
}

/// Registers and places.
impl<M: Masm> Compiler<'_, M> {
    /// Takes a register for an operand; the deepest operand that is in one goes to its slot where none is free.
    pub(super) fn take(&mut self) -> Reg {
        self.take_but(RegSet::EMPTY)
    }

    /// The same, but none of these.
    pub(super) fn take_but(&mut self, not: RegSet) -> Reg {
        let free = self.free.minus(not);
        // Registers that operators ask for by name are taken later, and those that hold copies last.
        let fixed = RegSet::of(&[M::RESULT, M::DISTANCE, M::REMAINDER]);
        let idle = free.minus(self.copies);
        let choice = idle.minus(fixed).first().or_else(|| idle.first());
        if let Some(register) = choice.or_else(|| free.minus(fixed).first()).or_else(|| free.first()) {
            self.claim(register);
            return register;
        }
        let deepest = self.owned.minus(not).min_by_key(|register| self.owners[register.0 as usize]);
        let register = deepest.expect("an operator holds fewer registers than there are");
        self.spill(register);
        self.claim(register);
        register
    }

    /// Takes a free register for something new.
    pub(super) fn claim(&mut self, register: Reg) {
        self.free.remove(register);
        if self.copies.contains(register) {
            self.copies.remove(register);
            self.local_copies[self.copied_locals[register.0 as usize] as usize] = NO_HOME;
        }
    }

    /// Notes that a register, which is about to be released, holds a copy of a local without a home.
    pub(super) fn note_copy(&mut self, register: Reg, local: u64) {
        self.forget_copy(local);
        self.copies.insert(register);
        self.copied_locals[register.0 as usize] = local;
        self.local_copies[local as usize] = register.number();
    }

    /// Whether a copy is one of this local.
    pub(super) fn is_copy_of(&self, register: Reg, local: u64) -> bool {
        self.local_copies[local as usize] == register.number()
    }

    /// The local that a register holds a copy of.
    pub(super) fn copied_local(&self, register: Reg) -> u64 {
        self.copied_locals[register.0 as usize]
    }

    /// Notes that there is no copy of a local any more.
    pub(super) fn forget_copy(&mut self, local: u64) {
        match core::mem::replace(&mut self.local_copies[local as usize], NO_HOME) {
            NO_HOME => {}
            register => self.copies.remove(Reg(register.into())),
        }
    }

    /// Notes that no register holds a copy: code comes together here, or registers have been changed.
    pub(super) fn forget_copies(&mut self) {
        for register in self.copies {
            self.local_copies[self.copied_locals[register.0 as usize] as usize] = NO_HOME;
        }
        self.copies = RegSet::EMPTY;
    }

    /// Takes this register, moving out the operand that is in it.
    pub(super) fn take_this(&mut self, register: Reg) {
        if self.owned.contains(register) {
            let depth = self.owners[register.0 as usize] as usize;
            let other = self.free.minus(self.copies).first().or_else(|| self.free.first());
            match other {
                Some(other) => {
                    self.masm.mov(other, Source::Reg(register));
                    self.owned.remove(register);
                    self.claim(other);
                    self.stack.move_to(depth, Place::Reg(other));
                    self.own(other, depth);
                }
                None => {
                    self.spill(register);
                    self.claim(register);
                }
            }
        } else {
            debug_assert!(self.free.contains(register), "{register:?} is in use");
            self.claim(register);
        }
    }

    fn own(&mut self, register: Reg, depth: usize) {
        self.owned.insert(register);
        self.owners[register.0 as usize] = depth as u32;
    }

    /// Puts the operand that is in a register into its slot.
    fn spill(&mut self, register: Reg) {
        let depth = self.owners[register.0 as usize] as usize;
        self.masm.store_slot(self.operand_slot(depth), Source::Reg(register));
        self.stack.move_to(depth, Place::Slot);
        self.owned.remove(register);
        self.free.insert(register);
    }

    /// Puts all operands that are in registers into their slots. Aliases of locals stay.
    pub(super) fn spill_all(&mut self) {
        for register in self.owned {
            self.spill(register);
        }
    }

    /// Puts the operand at a depth into its slot.
    pub(super) fn flush(&mut self, depth: usize) {
        let slot = self.operand_slot(depth);
        match self.stack.place(depth) {
            Place::Slot => return,
            Place::Reg(register) => {
                self.masm.store_slot(slot, Source::Reg(register));
                self.owned.remove(register);
                self.free.insert(register);
            }
            Place::Const(value) => self.masm.store_slot(slot, Source::Imm(value)),
            Place::Local(local) => self.copy_to_slot(slot, local),
            Place::Flags(_) => unreachable!("flags have been settled"),
        }
        self.stack.move_to(depth, Place::Slot);
    }

    /// Stores a local in an operand's slot.
    fn copy_to_slot(&mut self, slot: u64, local: u64) {
        match self.home(local) {
            Some(_) => {
                let source = self.local_source(local);
                self.masm.store_slot(slot, source);
            }
            None => {
                let register = self.take();
                self.masm.mov(register, Source::Slot(self.local_slot(local)));
                self.masm.store_slot(slot, Source::Reg(register));
                self.free.insert(register);
            }
        }
    }

    /// Puts the last operands, so many, into their slots.
    pub(super) fn flush_top(&mut self, count: u32) {
        for depth in self.stack.len() - count as usize..self.stack.len() {
            self.flush(depth);
        }
    }

    /// Puts every operand below a depth where it stays: constants remain, all others go to their slots.
    pub(super) fn settle_below(&mut self, depth: usize) {
        for depth in self.watermark..depth {
            if !matches!(self.stack.place(depth), Place::Const(_)) {
                self.flush(depth);
            }
        }
        self.watermark = self.watermark.max(depth);
    }

    /// Turns a comparison that waits for its consumer into a value.
    #[inline]
    pub(super) fn settle_flags(&mut self) {
        if let Some(Place::Flags(cond)) = self.stack.top() {
            self.stack.pop();
            let register = self.take();
            self.masm.set(cond, register);
            self.push_register(register);
        }
    }

    #[inline]
    pub(super) fn push_register(&mut self, register: Reg) {
        let depth = self.stack.len();
        self.own(register, depth);
        self.stack.push(Place::Reg(register));
    }

    /// Takes the top operand. A register that it is in belongs to the caller. A local with a home is in it afterwards.
    #[inline(never)]
    pub(super) fn pop(&mut self) -> Value {
        self.pop_and_load::<true>()
    }

    /// The same, but a local whose home is stale stays in its slot.
    pub(super) fn pop_unloaded(&mut self) -> Value {
        self.pop_and_load::<false>()
    }

    #[inline(always)]
    fn pop_and_load<const LOAD: bool>(&mut self) -> Value {
        let place = self.stack.pop();
        let depth = self.stack.len();
        self.watermark = self.watermark.min(depth);
        match place {
            Place::Const(value) => Value::Const(value),
            Place::Reg(register) => {
                self.owned.remove(register);
                Value::Reg(register)
            }
            Place::Slot => Value::Slot(self.operand_slot(depth)),
            Place::Local(local) => {
                match (self.local_homes[local as usize], self.local_copies[local as usize]) {
                    (NO_HOME, NO_HOME) => Value::Local(self.local_slot(local)),
                    (NO_HOME, copy) => {
                        let register = Reg(copy.into());
                        // A copy belongs to one operand until that is released; a second one reads the slot.
                        if self.free.contains(register) {
                            self.free.remove(register);
                            Value::Copy(register)
                        } else {
                            Value::Local(self.local_slot(local))
                        }
                    }
                    (home, _) => {
                        let home = Reg(home.into());
                        if self.state.stale.contains(home) {
                            if !LOAD {
                                return Value::Slot(self.local_slot(local));
                            }
                            self.load_home(home, local);
                        }
                        Value::Home(home)
                    }
                }
            }
            Place::Flags(cond) => {
                let register = self.take();
                self.masm.set(cond, register);
                Value::Reg(register)
            }
        }
    }

    /// Drops operands down to a depth.
    pub(super) fn truncate(&mut self, depth: usize) {
        while self.stack.len() > depth {
            if let Place::Reg(register) = self.stack.pop() {
                self.owned.remove(register);
                self.free.insert(register);
            }
        }
        self.watermark = self.watermark.min(depth);
    }

    /// Gives back the register that an operand was in.
    #[inline]
    pub(super) fn release(&mut self, value: Value) {
        if let Value::Reg(register) | Value::Copy(register) = value {
            self.free.insert(register);
        }
    }

    /// Gives it back unless it is this one.
    #[inline]
    pub(super) fn release_but(&mut self, value: Value, not: Reg) {
        if value != Value::Reg(not) && value != Value::Copy(not) {
            self.release(value);
        }
    }

    /// A local's value: in its home, loaded again if need be, or in its slot.
    #[inline]
    pub(super) fn local_source(&mut self, local: u64) -> Source {
        match self.home(local) {
            Some(home) => {
                if self.state.stale.contains(home) {
                    self.load_home(home, local);
                }
                Source::Reg(home)
            }
            None => Source::Slot(self.local_slot(local)),
        }
    }

    fn load_home(&mut self, home: Reg, local: u64) {
        self.masm.mov(home, Source::Slot(self.local_slot(local)));
        self.state.stale.remove(home);
    }

    /// A value in a register, not to be changed. One that had none becomes a register that the caller owns.
    #[inline]
    pub(super) fn in_register(&mut self, value: &mut Value) -> Reg {
        if let Value::Reg(register) | Value::Home(register) | Value::Copy(register) = *value {
            return register;
        }
        let register = self.take();
        self.masm.mov(register, value.source());
        *value = match *value {
            Value::Local(slot) => {
                self.note_copy(register, slot - FIRST_SLOT);
                Value::Copy(register)
            }
            _ => Value::Reg(register),
        };
        register
    }

    /// A value in a register that is none of these.
    pub(super) fn in_register_but(&mut self, value: &mut Value, not: RegSet) -> Reg {
        match value.source() {
            Source::Reg(register) if !not.contains(register) => register,
            source => {
                let register = self.take_but(not);
                self.masm.mov(register, source);
                self.release(*value);
                *value = Value::Reg(register);
                register
            }
        }
    }

    /// A register for a result: the home of the local that comes next, that of an operand, or a free one.
    #[inline]
    pub(super) fn destination(&mut self, next: u32, a: Value, b: Value) -> Destination {
        if let Some(destination) = self.next_home(next) {
            return destination;
        }
        match (a, b) {
            (Value::Reg(register), _) | (_, Value::Reg(register)) => Destination::Temp(register),
            _ => Destination::Temp(self.take()),
        }
    }

    /// The home of the local that the next operator sets, which stands there in the module, if it can be written now.
    #[inline]
    pub(super) fn next_home(&self, next: u32) -> Option<Destination> {
        const LOCAL_SET: u8 = 0x21;
        const LOCAL_TEE: u8 = 0x22;
        let rest = self.env.bytes.get(next as usize..)?;
        let [LOCAL_SET | LOCAL_TEE, rest @ ..] = rest else { return None };
        // Two bytes are enough for most; a longer index is left to the operator itself.
        let local = match *rest {
            [low, ..] if low < 0x80 => u64::from(low),
            [low, high, ..] if high < 0x80 => u64::from(low & 0x7f) | u64::from(high) << 7,
            _ => return None,
        };
        let home = self.home_set_at(local, next)?;
        let is_another = self.taken.contains(home) && self.home_locals[home.0 as usize] != local;
        if self.stack.alias(local).is_some()
            || is_another && self.stack.alias(self.home_locals[home.0 as usize]).is_some()
        {
            return None;
        }
        Some(Destination::Home(home))
    }

    /// Puts an operator's result, which is where [`destination`](Self::destination) said, on the stack.
    #[inline]
    pub(super) fn push_destination(&mut self, destination: Destination) {
        match destination {
            Destination::Temp(register) => self.push_register(register),
            Destination::Home(_) => self.is_set = true,
        }
    }

    /// Notes that a home has a new value.
    #[inline]
    pub(super) fn home_set(&mut self, home: Reg) {
        if self.changed_homes.contains(home) {
            self.state.stale.remove(home);
            self.state.dirty.insert(home);
        }
    }

    /// Gives back the registers that calls keep: the function is about to be left.
    pub(super) fn restore_kept(&mut self) {
        for (local, register) in &self.choice.kept {
            self.masm.mov(*register, Source::Slot(FIRST_SLOT + u64::from(*local)));
        }
    }

    /// Lets operands that are aliases of a local have values of their own, before the local changes.
    pub(super) fn detach(&mut self, local: u64) {
        while let Some(depth) = self.stack.alias(local) {
            let fixed = RegSet::of(&[M::RESULT, M::DISTANCE, M::REMAINDER]);
            match self.free.minus(fixed).minus(self.copies).first() {
                Some(register) => {
                    let source = self.local_source(local);
                    self.masm.mov(register, source);
                    self.claim(register);
                    self.stack.move_to(depth, Place::Reg(register));
                    self.own(register, depth);
                }
                None => self.flush(depth),
            }
        }
    }

    /// Stores the homes that only have their value in the register, and these only.
    pub(super) fn store_homes(&mut self, homes: RegSet) {
        for register in self.state.dirty.and(homes) {
            let local = self.home_locals[register.0 as usize];
            self.masm.store_slot(self.local_slot(local), Source::Reg(register));
        }
        self.state.dirty = self.state.dirty.minus(homes);
    }

    /// Loads the homes of webs that are needed behind the operator at hand.
    pub(super) fn load_needed_homes(&mut self) {
        for home in self.state.stale {
            if self.home_ends[home.0 as usize] > self.offset {
                self.load_homes(RegSet::of(&[home]));
            }
        }
    }

    /// Loads the homes that have no value, and these only.
    pub(super) fn load_homes(&mut self, homes: RegSet) {
        for register in self.state.stale.and(homes) {
            let local = self.home_locals[register.0 as usize];
            self.masm.mov(register, Source::Slot(self.local_slot(local)));
        }
        self.state.stale = self.state.stale.minus(homes);
    }

    /// Lets homes be as an edge's target has them, a label of the construct that begins there. Only adds to what is known, so
    /// that both sides of a branch profit.
    pub(super) fn agree(&mut self, target: Homes, construct: u32) {
        let differ = self.state.stale.minus(target.stale).union(self.state.dirty.minus(target.dirty));
        let mut needed = RegSet::EMPTY;
        for home in differ {
            if self.home_starts[home.0 as usize] < construct {
                needed.insert(home);
            }
        }
        self.load_homes(needed.minus(target.stale));
        self.store_homes(needed.minus(target.dirty));
    }

    /// What a label is to have whose first edge comes from here.
    pub(super) fn lenient(&self) -> Homes {
        Homes { stale: self.state.stale, dirty: self.changed_homes.and(self.taken).minus(self.state.stale) }
    }
}
