//! Webs: which uses of a local belong together, and from where to where in the body their value is needed.
//!
//! Owns liveness, told from syntax alone and in one pass. It must not know prices, runs, or what becomes of a web.
//!
//! A `local.set` begins a new web where nothing that comes later in the body can need the value before:
//!
//! * Code behind the set, up to the end of the block that it stands in, is only reached through it. What uses the local
//!   behind that end may come from before the set too: there the two webs become one.
//! * A web that is used in a loop which began after it is needed in the whole loop; a set in that loop belongs to it.
//!
//! A web's interval has no gaps, and webs of the same local do not overlap: where two become one, so do all between. A web
//! that is needed behind the end of a block began before that block did.

use alloc::vec::Vec;

/// Uses of a local that belong together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Web {
    /// The local's index; parameters come first.
    pub local: u32,
    /// Where its first `local.set` or `local.tee` stands, in bytes from the start of the module; 0 if it begins with the
    /// body, with an argument or zero.
    pub start: u32,
    /// Where its last use stands, or the `end` of a loop that needs it.
    pub end: u32,
    /// The sum over its live `local.get`, `local.set`, `local.tee` of 8 to the power of the loops around each (at most
    /// 8^6), saturating.
    pub weight: u32,
    /// The sum over live calls between its first and last use, in the same way.
    pub call_weight: u32,
}

const NONE: u32 = u32::MAX;

/// A web that may still grow.
#[derive(Clone, Copy, Debug)]
struct Growing {
    local: u32,
    start: u32,
    end: u32,
    weight: u32,
    /// Its place among the webs that do not begin with the body, or [`NONE`].
    place: u32,
    /// How many constructs are around the block that it began in.
    depth: u32,
    /// The web of the same local before it, among those put aside, or [`NONE`].
    below: u32,
    /// The outermost loop that needs it, or [`NONE`].
    within: u32,
    /// What the calls of the body weighed when it began, and at its last use.
    calls_before: u32,
    calls_behind: u32,
    /// When it was last seen to be open, and to be needed in all loops around that began after it: see [`Webs::now`].
    seen: u32,
}

impl Growing {
    /// The web of a local that begins with the body; none yet if it weighs nothing.
    const fn of_body(local: u32) -> Self {
        Growing {
            local,
            start: 0,
            end: 0,
            weight: 0,
            place: NONE,
            depth: 0,
            below: NONE,
            within: NONE,
            calls_before: 0,
            calls_behind: 0,
            seen: 0,
        }
    }

    #[inline(always)]
    fn add_use(&mut self, offset: u32, weight: u32, calls: u32) {
        self.end = offset;
        self.weight = self.weight.saturating_add(weight);
        self.calls_behind = calls;
    }

    /// Lets it end with the loop that needs it, if that has ended.
    fn settle(&mut self, loops: &[Loop]) {
        if let Some(needed) = loops.get(self.within as usize)
            && needed.end > 0
        {
            self.end = self.end.max(needed.end);
            self.calls_behind = self.calls_behind.max(needed.calls_behind);
        }
    }

    /// What is found where the body ends.
    fn found(mut self, loops: &[Loop]) -> Web {
        self.settle(loops);
        let Growing { local, start, end, weight, calls_before, calls_behind, .. } = self;
        Web { local, start, end, weight, call_weight: calls_behind.saturating_sub(calls_before) }
    }

    /// Whether a loop needs it that has not ended.
    #[inline(always)]
    fn is_needed_around(&self, loops: &[Loop]) -> bool {
        self.within != NONE && loops[self.within as usize].end == 0
    }
}

#[derive(Clone, Copy, Debug)]
struct Loop {
    start: u32,
    /// Where it ends; 0 while it has not.
    end: u32,
    calls_behind: u32,
}

/// Finds the webs of one body after another.
#[derive(Debug, Default)]
pub(crate) struct Webs {
    /// The last web of each local.
    locals: Vec<Growing>,
    /// The locals that have one.
    used: Vec<u32>,
    /// Webs put aside by later ones of the same local.
    aside: Vec<Growing>,
    /// How many webs have begun with a set.
    places: u32,
    /// Counts what may end webs or have them grow: ends of blocks, and loops. So nothing need be looked at for a use where
    /// nothing of that has come since the last one.
    now: u32,
    /// Where each construct around begins, or its `else`; the body at 0.
    blocks: Vec<u32>,
    loops: Vec<Loop>,
    /// The loops around.
    open_loops: Vec<u32>,
}

impl Webs {
    /// Begins a body. Operators are told of in their order, and only those that are live.
    pub(crate) fn begin(&mut self) {
        self.blocks.clear();
        self.blocks.push(0);
        self.loops.clear();
        self.open_loops.clear();
        self.aside.clear();
        self.places = 0;
        self.now = 1;
        for local in self.used.drain(..) {
            self.locals[local as usize] = Growing::of_body(local);
        }
    }

    pub(crate) fn open(&mut self, offset: u32, is_loop: bool) {
        self.blocks.push(offset);
        if is_loop {
            // Loops are fewer than bytes.
            self.open_loops.push(self.loops.len() as u32);
            self.loops.push(Loop { start: offset, end: 0, calls_behind: 0 });
            self.now += 1;
        }
    }

    /// The `else` of the construct opened last.
    pub(crate) fn open_else(&mut self, offset: u32) {
        if let Some(block) = self.blocks.last_mut() {
            *block = offset;
        }
        self.now += 1;
    }

    pub(crate) fn close(&mut self, offset: u32, is_loop: bool, calls: u32) {
        self.blocks.pop();
        self.now += 1;
        if is_loop && let Some(at) = self.open_loops.pop() {
            let closed = &mut self.loops[at as usize];
            closed.end = offset;
            closed.calls_behind = calls;
        }
    }

    #[inline(always)]
    pub(crate) fn get(&mut self, local: u32, offset: u32, weight: u32, calls: u32) {
        if let Some(web) = self.locals.get_mut(local as usize)
            && web.seen == self.now
        {
            web.add_use(offset, weight, calls);
        } else {
            self.get_again(local, offset, weight, calls);
        }
    }

    /// A get behind what may have ended its local's web or have it grow.
    #[inline(never)]
    fn get_again(&mut self, local: u32, offset: u32, weight: u32, calls: u32) {
        let web = Self::last(&mut self.locals, local);
        if web.weight == 0 {
            self.used.push(local);
        }
        // A web whose block has ended is part of the one that its value comes together with.
        while self.blocks.get(web.depth as usize).is_none_or(|block| *block > web.start) {
            web.settle(&self.loops);
            let below = self.aside.get(web.below as usize).copied();
            let mut below = below.unwrap_or(Growing::of_body(local));
            below.end = below.end.max(web.end);
            below.weight = below.weight.saturating_add(web.weight);
            below.calls_behind = below.calls_behind.max(web.calls_behind);
            *web = below;
        }
        web.add_use(offset, weight, calls);
        web.seen = self.now;
        // In loops that began after it, it is needed as long as they go on.
        if let Some(innermost) = self.open_loops.last()
            && self.loops[*innermost as usize].start > web.start
            && !web.is_needed_around(&self.loops)
        {
            web.settle(&self.loops);
            let outermost = self.open_loops.partition_point(|at| self.loops[*at as usize].start <= web.start);
            web.within = self.open_loops[outermost];
        }
    }

    #[inline(always)]
    pub(crate) fn set(&mut self, local: u32, offset: u32, weight: u32, calls: u32) {
        let web = Self::last(&mut self.locals, local);
        if web.weight == 0 {
            self.used.push(local);
        } else if web.is_needed_around(&self.loops) {
            return web.add_use(offset, weight, calls);
        } else {
            // Webs are fewer than operators.
            let below = self.aside.len() as u32;
            self.aside.push(*web);
            web.below = below;
        }
        web.start = offset;
        web.end = offset;
        web.weight = weight;
        web.place = self.places;
        // Constructs are fewer than bytes.
        web.depth = self.blocks.len() as u32 - 1;
        web.within = NONE;
        web.calls_before = calls;
        web.calls_behind = calls;
        web.seen = self.now;
        self.places += 1;
    }

    /// The last web of a local.
    #[inline(always)]
    fn last(locals: &mut Vec<Growing>, local: u32) -> &mut Growing {
        if local as usize >= locals.len() {
            Self::know(locals, local);
        }
        &mut locals[local as usize]
    }

    /// Makes room for the locals up to this one. Records are large: there is never room for a quarter more than needed.
    #[cold]
    fn know(locals: &mut Vec<Growing>, local: u32) {
        // Locals are limited far below 2^32.
        let known = locals.len() as u32;
        let more = (local + 1 - known) as usize;
        if more > locals.capacity() - locals.len() {
            locals.reserve_exact(more.max(locals.len() / 4));
        }
        locals.extend((known..=local).map(Growing::of_body));
    }

    /// Ends the body, and hands over its webs: first those that begin with it, then the others in their order.
    pub(crate) fn end(&mut self, to: &mut Vec<Web>) {
        const NOTHING: Web = Web { local: 0, start: 0, end: 0, weight: 0, call_weight: 0 };
        for local in &self.used {
            let mut first = self.locals[*local as usize];
            while let Some(below) = self.aside.get(first.below as usize) {
                first = *below;
            }
            if first.place == NONE {
                to.push(first.found(&self.loops));
            }
        }
        let places = to.len();
        to.resize(places + self.places as usize, NOTHING);
        for local in &self.used {
            let mut next = Some(&self.locals[*local as usize]);
            while let Some(web) = next {
                if web.place != NONE {
                    to[places + web.place as usize] = web.found(&self.loops);
                }
                next = self.aside.get(web.below as usize);
            }
        }
        // Those that have become part of others have left their places.
        let mut kept = places;
        for at in places..to.len() {
            if to[at].weight > 0 {
                to[kept] = to[at];
                kept += 1;
            }
        }
        to.truncate(kept);
    }
}
