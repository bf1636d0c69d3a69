//! Calls: direct, through the dispatch table, through a table that changes, to the host, and in tail
//! position.
//!
//! Owns the choice of callee (only greater levels, or itself while counting down) and the order of arguments
//! and index.

use super::body::Body;
use super::ty::{Signature, Ty};

impl Body<'_> {
    /// A level that may be called here and whose signature fits.
    pub(super) fn callee(&mut self, fits: impl Fn(&Signature) -> bool) -> Option<usize> {
        let affordable = self.affordable();
        let candidates: Vec<usize> = (self.level + 1..self.layout.functions.len())
            .filter(|&level| self.costs[level] + 12 <= affordable && self.layout.start != Some(level))
            .filter(|&level| fits(self.layout.signature(level)))
            .collect();
        (!candidates.is_empty()).then(|| self.random.pick(&candidates))
    }

    /// Arguments of the types.
    pub(super) fn values(&mut self, types: &[Ty], depth: usize) {
        for &ty in types {
            let depth = self.random.below(depth + 1);
            self.value(ty, depth);
        }
    }

    /// Calls `level` with arguments of its own making; the results are left.
    pub(super) fn call(&mut self, level: usize) {
        self.invoke(level, false);
    }

    /// Calls `level` in place of the function being written, whose results it has.
    pub(super) fn tail_call(&mut self, level: usize) {
        self.invoke(level, true);
    }

    fn invoke(&mut self, level: usize, tail: bool) {
        let params = self.layout.signature(level).params.clone();
        self.values(&params, 2);
        let cost = self.transfer(level, tail);
        self.cost += self.times * cost;
    }

    /// Writes the operator that calls `level`, or another of its type; arguments are there. Answers the
    /// callee's cost.
    fn transfer(&mut self, level: usize, tail: bool) -> u64 {
        let function = &self.layout.functions[level];
        let (index, ty) = (function.index, function.signature as u32);
        let dispatch = self.layout.dispatch;
        match self.random.weighted(&[55, 15, 20, 10]) {
            1 => {
                self.op().i32_const(level as i32);
                self.indirect(dispatch, ty, tail);
            }
            2 => {
                let Some(group) = self.group(level) else { return self.direct(level, tail) };
                let base = self.layout.groups[group].base as i32;
                let len = self.layout.groups[group].levels.len() as i32;
                self.value(Ty::I32, 1);
                self.op().i32_const(len - 1).i32_and().i32_const(base).i32_add();
                self.indirect(dispatch, ty, tail);
                let levels = &self.layout.groups[group].levels;
                return levels.iter().map(|&level| self.costs[level]).max().unwrap_or_default();
            }
            3 => {
                let Some(table) = self.changing_table() else { return self.direct(level, tail) };
                let slot = self.random.below(self.layout.tables[table as usize].size as usize) as i32;
                self.op().i32_const(slot).ref_func(index).table_set(table).i32_const(slot);
                self.indirect(table, ty, tail);
            }
            _ => return self.direct(level, tail),
        }
        self.costs[level]
    }

    fn direct(&mut self, level: usize, tail: bool) -> u64 {
        let index = self.layout.functions[level].index;
        match tail {
            true => self.op().return_call(index),
            false => self.op().call(index),
        };
        self.costs[level]
    }

    fn indirect(&mut self, table: u32, ty: u32, tail: bool) {
        match tail {
            true => self.op().return_call_indirect(table, ty),
            false => self.op().call_indirect(table, ty),
        };
    }

    /// A group of the signature of `level` whose members may all be called here.
    fn group(&mut self, level: usize) -> Option<usize> {
        let signature = self.layout.functions[level].signature;
        let affordable = self.affordable();
        let candidates: Vec<usize> = (0..self.layout.groups.len())
            .filter(|&group| {
                let group = &self.layout.groups[group];
                let callable = |&member: &usize| member > self.level && self.costs[member] + 12 <= affordable;
                group.signature == signature && group.levels.iter().all(callable)
            })
            .collect();
        (!candidates.is_empty()).then(|| self.random.pick(&candidates))
    }

    /// A funcref table that code may change.
    fn changing_table(&mut self) -> Option<u32> {
        let fits =
            |&index: &u32| index != self.layout.dispatch && self.layout.tables[index as usize].ty == Ty::Func;
        (0..self.layout.tables.len() as u32).find(fits)
    }

    /// A call that ends in a trap: index beyond the table, null, or another signature.
    pub(super) fn wild_call(&mut self) {
        let level = self.random.below(self.layout.functions.len());
        let signature = self.random.below(self.layout.signatures.len());
        let dispatch = self.layout.dispatch;
        let size = self.layout.tables[dispatch as usize].size as i32;
        // A function of that very signature would be called, perhaps without end.
        if self.layout.functions[level].signature == signature {
            return;
        }
        let index = self.random.pick(&[level as i32, size - 1, size, -1, i32::MIN]);
        if index == size - 1 && self.layout.groups.last().is_some_and(|group| group.signature == signature) {
            return;
        }
        let Signature { params, results } = self.layout.signatures[signature].clone();
        self.values(&params, 1);
        self.op().i32_const(index);
        self.indirect(dispatch, signature as u32, false);
        self.consume(&results);
    }

    /// A call of a host function.
    pub(super) fn host_call(&mut self) {
        if let Some(&host) = self.layout.imports.get(self.random.below(4)) {
            let host = &crate::generate::HOST_FUNCTIONS[host];
            let index = self.layout.host(host.name).expect("the function is imported");
            match host.name {
                "tick" => {
                    self.op().call(index);
                }
                "mix" => {
                    self.values(&[Ty::I32, Ty::I64], 2);
                    self.op().call(index);
                    self.fold(Ty::I64);
                }
                "charge" => {
                    self.value(Ty::I64, 1);
                    self.op().i64_const(0xff).i64_and().call(index);
                }
                _ => {
                    let callback = self.layout.callback;
                    let cost = self.costs.get(callback).copied().unwrap_or(u64::MAX);
                    if callback <= self.level || cost.saturating_add(12) > self.affordable() {
                        return;
                    }
                    self.value(Ty::I32, 2);
                    self.op().call(index);
                    self.cost += self.times * cost;
                    self.fold(Ty::I32);
                }
            }
        }
    }

    /// The call of the function being written by itself, while its countdown lasts.
    pub(super) fn recurse(&mut self) {
        let (Some(countdown), Some(mask)) = (self.countdown.take(), self.function().recursion) else {
            return;
        };
        let Signature { params, results } = self.signature().clone();
        let tail = self.random.percent(40);
        let block = self.block_type(&[], &[]);
        self.op().local_get(countdown).i32_const(mask).i32_and().local_tee(countdown).if_(block);
        self.enter(&[], true);
        self.op().local_get(countdown).i32_const(1).i32_sub();
        self.values(&params[1..], 2);
        let (level, dispatch) = (self.level, self.layout.dispatch);
        let ty = self.function().signature as u32;
        if self.random.percent(60) {
            self.direct(level, tail);
        } else {
            self.op().i32_const(level as i32);
            self.indirect(dispatch, ty, tail);
        }
        match tail {
            true => self.dead(&[]),
            false => self.consume(&results),
        }
        self.leave();
    }
}
