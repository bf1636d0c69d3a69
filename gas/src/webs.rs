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
struct Open {
    web: Web,
    /// How many constructs are around the block that it began in.
    depth: u32,
    /// The web of the same local before it, or [`NONE`].
    below: u32,
    /// The outermost loop that needs it, or [`NONE`].
    within: u32,
    /// What the calls of the body weighed when it began, and at its last use.
    calls_before: u32,
    calls_behind: u32,
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
    webs: Vec<Open>,
    /// The last web of each local.
    last: Vec<u32>,
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
        for open in self.webs.drain(..) {
            self.last[open.web.local as usize] = NONE;
        }
    }

    pub(crate) fn open(&mut self, offset: u32, is_loop: bool) {
        self.blocks.push(offset);
        if is_loop {
            // Loops are fewer than bytes.
            self.open_loops.push(self.loops.len() as u32);
            self.loops.push(Loop { start: offset, end: 0, calls_behind: 0 });
        }
    }

    /// The `else` of the construct opened last.
    pub(crate) fn open_else(&mut self, offset: u32) {
        if let Some(block) = self.blocks.last_mut() {
            *block = offset;
        }
    }

    pub(crate) fn close(&mut self, offset: u32, is_loop: bool, calls: u32) {
        self.blocks.pop();
        if is_loop && let Some(at) = self.open_loops.pop() {
            let closed = &mut self.loops[at as usize];
            closed.end = offset;
            closed.calls_behind = calls;
        }
    }

    /// Whether the block that a web began in has not ended.
    #[inline]
    fn is_open(&self, open: &Open) -> bool {
        self.blocks.get(open.depth as usize).is_some_and(|block| *block <= open.web.start)
    }

    /// The place of a local's last web.
    #[inline]
    fn last(&mut self, local: u32) -> u32 {
        match self.last.get(local as usize) {
            Some(last) => *last,
            None => {
                self.last.resize(local as usize + 1, NONE);
                NONE
            }
        }
    }

    pub(crate) fn get(&mut self, local: u32, offset: u32, weight: u32, calls: u32) {
        let mut at = self.last(local);
        if at == NONE {
            at = self.push(local, 0, 0, NONE, 0);
        }
        while !self.is_open(&self.webs[at as usize]) {
            at = self.merge(at);
        }
        self.last[local as usize] = at;
        self.use_(at, offset, weight, calls);
    }

    pub(crate) fn set(&mut self, local: u32, offset: u32, weight: u32, calls: u32) {
        let below = self.last(local);
        if below != NONE {
            let within = self.webs[below as usize].within;
            if within != NONE && self.loops[within as usize].end == 0 {
                return self.use_(below, offset, weight, calls);
            }
        }
        // Constructs are fewer than bytes.
        let depth = self.blocks.len() as u32 - 1;
        let at = self.push(local, offset, depth, below, calls);
        self.last[local as usize] = at;
        self.webs[at as usize].web.weight = weight;
    }

    fn push(&mut self, local: u32, start: u32, depth: u32, below: u32, calls: u32) -> u32 {
        // Webs are fewer than operators.
        let at = self.webs.len() as u32;
        self.webs.push(Open {
            web: Web { local, start, end: start, weight: 0, call_weight: 0 },
            depth,
            below,
            within: NONE,
            calls_before: calls,
            calls_behind: calls,
        });
        at
    }

    /// Lets a web be part of the one that its value comes together with.
    fn merge(&mut self, at: u32) -> u32 {
        self.settle(at);
        let Open { web, below, calls_behind, .. } = self.webs[at as usize];
        let below = if below == NONE { self.push(web.local, 0, 0, NONE, 0) } else { below };
        self.webs[at as usize].web.weight = 0;
        let other = &mut self.webs[below as usize];
        other.web.end = other.web.end.max(web.end);
        other.web.weight = other.web.weight.saturating_add(web.weight);
        other.calls_behind = other.calls_behind.max(calls_behind);
        below
    }

    #[inline]
    fn use_(&mut self, at: u32, offset: u32, weight: u32, calls: u32) {
        let open = &mut self.webs[at as usize];
        open.web.end = offset;
        open.web.weight = open.web.weight.saturating_add(weight);
        open.calls_behind = calls;
        let start = open.web.start;
        if let Some(innermost) = self.open_loops.last()
            && self.loops[*innermost as usize].start > start
        {
            self.extend(at, start);
        }
    }

    /// A use in loops that began after the web did.
    fn extend(&mut self, at: u32, start: u32) {
        let within = self.webs[at as usize].within;
        if within != NONE && self.loops[within as usize].end == 0 {
            return;
        }
        self.settle(at);
        let outermost = self.open_loops.partition_point(|at| self.loops[*at as usize].start <= start);
        self.webs[at as usize].within = self.open_loops[outermost];
    }

    /// Lets a web end with the loop that needs it, if that has ended.
    fn settle(&mut self, at: u32) {
        let open = &mut self.webs[at as usize];
        if let Some(needed) = self.loops.get(open.within as usize)
            && needed.end > 0
        {
            open.web.end = open.web.end.max(needed.end);
            open.calls_behind = open.calls_behind.max(needed.calls_behind);
        }
    }

    /// Ends the body, and hands over its webs: first those that begin with it, then the others in their order.
    pub(crate) fn end(&mut self, to: &mut Vec<Web>) {
        for at in 0..self.webs.len() as u32 {
            self.settle(at);
            let open = &mut self.webs[at as usize];
            open.web.call_weight = open.calls_behind - open.calls_before.min(open.calls_behind);
        }
        let webs = || self.webs.iter().map(|open| open.web).filter(|web| web.weight > 0);
        to.extend(webs().filter(|web| web.start == 0));
        to.extend(webs().filter(|web| web.start > 0));
    }
}
