//! Code that leaves the operand stack as it found it.
//!
//! Owns statements: assignments, stores, control constructs, calls and table and memory operators, and the
//! choice among them. Whatever a statement computes goes into a local, a global, memory or a table, all of
//! which reach the result.

use super::body::Body;
use super::operator;
use super::ty::{Ty, types};

impl Body<'_> {
    /// Up to `count` statements.
    pub(super) fn some(&mut self, count: usize) {
        for _ in 0..count {
            self.statement();
        }
    }

    /// One statement, if one can be afforded.
    pub(super) fn statement(&mut self) {
        if self.statements == 0 || self.affordable() < 10 {
            return;
        }
        self.statements -= 1;
        let deep = self.depth > 6;
        match self.random.weighted(&[36, 10, 5, 7, 5, 9, 4, 4, 8, 3, 5, 4, 4, 4, 2, 2]) {
            1 => self.store(),
            2 => self.set_global(),
            3 if !deep => self.if_statement(),
            4 if !deep => self.block_statement(),
            5 if !deep => self.loop_statement(),
            6 if !deep => self.switch(),
            7 if !deep => self.burst(),
            8 => self.call_statement(),
            9 => self.exit_statement(),
            10 => self.bulk_memory(),
            11 => self.table_statement(),
            12 => self.branch_statement(),
            13 => self.host_call(),
            14 => self.oddity(),
            15 if self.times == 1 => self.recurse(),
            _ => self.assign(),
        }
    }

    /// Sets a local to a value that usually depends on what the local held.
    pub(super) fn assign(&mut self) {
        let local = self.random.pick(&self.settable.clone());
        let ty = self.locals[local as usize];
        let depth = self.random.range(1, 5);
        if matches!(ty, Ty::Func | Ty::Extern) {
            self.reference(ty, depth);
        } else if self.random.percent(70) {
            let operator = self.random.pick(operator::binary(ty));
            let first = self.random.percent(70);
            if first {
                self.op().local_get(local);
            }
            self.value(ty, depth);
            if !first {
                self.op().local_get(local);
            }
            self.operator(operator);
        } else {
            self.value(ty, depth);
        }
        self.op().local_set(local);
    }

    /// Takes a value off the stack and mixes it into a local.
    pub(super) fn fold(&mut self, ty: Ty) {
        match ty {
            Ty::Func | Ty::Extern => {
                self.op().ref_is_null();
                self.fold(Ty::I32);
            }
            Ty::F32 if self.random.percent(70) => {
                self.op().i32_reinterpret_f32();
                self.fold(Ty::I32);
            }
            Ty::F64 if self.random.percent(70) => {
                self.op().i64_reinterpret_f64();
                self.fold(Ty::I64);
            }
            _ => {
                let local = self.settable(ty);
                let opcode = match ty {
                    Ty::I32 => self.random.pick(&[0x6a, 0x6b, 0x73]),
                    Ty::I64 => self.random.pick(&[0x7c, 0x7d, 0x85]),
                    Ty::F32 => self.random.pick(&[0x92, 0x93]),
                    _ => self.random.pick(&[0xa0, 0xa1]),
                };
                self.op().local_get(local);
                self.opcode(opcode);
                self.op().local_set(local);
            }
        }
    }

    /// Takes values of the types off the stack into locals.
    pub(super) fn consume(&mut self, types: &[Ty]) {
        for &ty in types.iter().rev() {
            if self.random.percent(30) {
                let local = self.settable(ty);
                self.op().local_set(local);
            } else {
                self.fold(ty);
            }
        }
    }

    fn store(&mut self) {
        if self.layout.memory.is_none() {
            return self.assign();
        }
        let ty = Ty::number(self.random, self.floats());
        let (opcode, width) = self.random.pick(operator::stores(ty));
        let offset = self.address(width, 2);
        let depth = self.random.below(4);
        self.value(ty, depth);
        self.memory_op(opcode, width, offset);
    }

    fn set_global(&mut self) {
        let ty = Ty::random(self.random, self.floats());
        let Some(global) = self.global(ty, true) else { return self.assign() };
        self.value(ty, 2);
        self.op().global_set(global);
    }

    fn if_statement(&mut self) {
        if self.random.percent(35) {
            return self.if_with_values();
        }
        self.condition();
        let block = self.block_type(&[], &[]);
        self.op().if_(block);
        self.enter(&[], true);
        let count = self.random.below(4);
        self.some(count);
        if self.random.percent(40) {
            if self.random.percent(15) {
                self.exit();
            }
            self.op().else_();
            let count = self.random.below(4);
            self.some(count);
            if self.random.percent(10) {
                self.exit();
            }
        }
        self.leave();
    }

    /// An `if` that takes operands and leaves others.
    fn if_with_values(&mut self) {
        let floats = self.floats();
        let params = types(self.random, 3, floats);
        let results = types(self.random, 4, floats);
        self.values(&params, 2);
        self.condition();
        let block = self.block_type(&params, &results);
        self.op().if_(block);
        self.enter(&results, true);
        for arm in 0..2 {
            if arm == 1 {
                self.op().else_();
            }
            self.consume(&params);
            let count = self.random.below(3);
            self.some(count);
            self.values(&results, 2);
        }
        self.leave();
        self.consume(&results);
    }

    fn block_statement(&mut self) {
        let floats = self.floats();
        let (params, results) = match self.random.percent(50) {
            true => (Vec::new(), Vec::new()),
            false => (types(self.random, 4, floats), types(self.random, 4, floats)),
        };
        self.values(&params, 2);
        let block = self.block_type(&params, &results);
        self.op().block(block);
        self.enter(&results, true);
        self.consume(&params);
        let count = self.random.below(4);
        self.some(count);
        if self.random.percent(50) {
            self.values(&results, 1);
            self.condition();
            self.op().br_if(0);
            self.consume(&results);
            let count = self.random.below(3);
            self.some(count);
        }
        if self.random.percent(25) {
            self.exit_to_end(&results);
        } else {
            self.values(&results, 2);
        }
        self.leave();
        self.consume(&results);
    }

    /// A branch to the end of the innermost block, and dead code.
    fn exit_to_end(&mut self, results: &[Ty]) {
        if self.random.percent(30) {
            // What lies below the operands is thrown away.
            let junk = types(self.random, 2, false);
            self.values(&junk, 1);
        }
        self.values(results, 1);
        if self.random.percent(50) {
            self.op().br(0);
        } else {
            self.value(Ty::I32, 1);
            let targets = vec![0; self.random.below(4)];
            self.op().br_table(targets, 0);
        }
        self.dead(results);
    }

    fn loop_statement(&mut self) {
        let affordable = self.affordable() / 24;
        if affordable < 2 {
            return self.assign();
        }
        let trips = self.random.log_range(1, affordable.min(160)).max(1);
        match self.random.weighted(&[35, 30, 20, 5]) {
            0 => self.loop_checked_first(trips),
            1 => self.loop_checked_last(trips),
            2 => self.loop_with_values(trips),
            _ => {
                let block = self.block_type(&[], &[]);
                self.op().loop_(block);
                self.enter(&[], false);
                let count = self.random.below(3);
                self.some(count);
                self.leave();
            }
        }
    }

    /// Sets a counter: to `trips`, or to a value that is at most that.
    fn set_counter(&mut self, counter: u32, trips: u64) {
        if trips >= 2 && self.random.percent(30) {
            self.value(Ty::I32, 1);
            let mask = (1 << trips.ilog2()) - 1;
            self.op().i32_const(mask).i32_and().i32_const(1).i32_or();
        } else {
            self.op().i32_const(trips as i32);
        }
        self.op().local_set(counter);
    }

    /// A loop whose counter is checked at its start, so that any branch to it is safe.
    fn loop_checked_first(&mut self, trips: u64) {
        let counter = self.take_counter();
        self.set_counter(counter, trips);
        let outer = self.times;
        self.op().block(wasm_encoder::BlockType::Empty);
        self.enter(&[], true);
        self.times = outer * (trips + 1);
        self.op().loop_(wasm_encoder::BlockType::Empty);
        self.enter(&[], true);
        self.op().local_get(counter).i32_eqz().br_if(1);
        self.op().local_get(counter).i32_const(1).i32_sub().local_set(counter);
        let count = self.random.range(1, 4);
        self.some(count);
        self.op().br(0);
        self.dead(&[]);
        self.leave();
        self.times = outer;
        self.leave();
        self.free_counter(counter);
    }

    /// A loop whose counter is checked at its end.
    fn loop_checked_last(&mut self, trips: u64) {
        let counter = self.take_counter();
        let up = self.random.percent(30);
        match up {
            true => {
                self.op().i32_const(0).local_set(counter);
            }
            false => self.set_counter(counter, trips),
        }
        let outer = self.times;
        self.times *= trips;
        self.op().loop_(wasm_encoder::BlockType::Empty);
        self.enter(&[], false);
        let count = self.random.range(1, 4);
        self.some(count);
        self.count(counter, up.then_some(trips));
        self.op().br_if(0);
        if self.random.percent(15) {
            self.some(1);
        }
        self.leave();
        self.times = outer;
        self.free_counter(counter);
    }

    /// Moves a counter, down to zero or up to a bound; leaves whether the loop goes on.
    fn count(&mut self, counter: u32, bound: Option<u64>) {
        self.op().local_get(counter).i32_const(1);
        match bound {
            Some(trips) => self.op().i32_add().local_tee(counter).i32_const(trips as i32).i32_lt_u(),
            None => self.op().i32_sub().local_tee(counter),
        };
    }

    /// A loop that takes operands round.
    fn loop_with_values(&mut self, trips: u64) {
        let floats = self.floats();
        let carried = types(self.random, 4, floats);
        let results = types(self.random, 3, floats);
        let counter = self.take_counter();
        self.values(&carried, 2);
        self.set_counter(counter, trips);
        let outer = self.times;
        self.times *= trips;
        let block = self.block_type(&carried, &results);
        self.op().loop_(block);
        self.enter(&carried, false);
        self.consume(&carried);
        let count = self.random.range(1, 3);
        self.some(count);
        self.values(&carried, 2);
        self.count(counter, None);
        self.op().br_if(0);
        self.consume(&carried);
        self.values(&results, 1);
        self.leave();
        self.times = outer;
        self.consume(&results);
        self.free_counter(counter);
    }

    /// Nested blocks entered by a table of branches.
    fn switch(&mut self) {
        let floats = self.floats();
        let arms = self.random.range(1, 6);
        let carried = if self.random.percent(30) { types(self.random, 2, floats) } else { Vec::new() };
        for _ in 0..arms {
            let block = self.block_type(&[], &carried);
            self.op().block(block);
            self.enter(&carried, true);
        }
        self.values(&carried, 1);
        self.value(Ty::I32, 2);
        if self.random.percent(70) {
            let mask = self.random.pick(&[1, 3, 7]);
            self.op().i32_const(mask).i32_and();
        }
        let count = if self.random.percent(10) { self.random.below(60) } else { self.random.below(2 * arms) };
        let targets: Vec<u32> = (0..count).map(|_| self.random.below(arms) as u32).collect();
        let default = self.random.below(arms) as u32;
        self.op().br_table(targets, default);
        self.dead(&carried);
        for arm in 0..arms {
            self.leave();
            self.consume(&carried);
            let count = self.random.below(3);
            self.some(count);
            let left = arms - arm - 1;
            if left > 0 {
                self.values(&carried, 1);
                if self.random.percent(60) {
                    let target = self.random.below(left) as u32;
                    self.op().br(target);
                    self.dead(&carried);
                }
            }
        }
    }

    /// Many values at once on the stack, with other statements above them.
    fn burst(&mut self) {
        let floats = self.floats();
        let count = self.random.log_range(2, 28) as usize;
        let burst: Vec<Ty> = (0..count).map(|_| Ty::number(self.random, floats)).collect();
        self.values(&burst, 1);
        if self.random.percent(60) {
            self.depth += 1;
            let count = self.random.range(1, 3);
            self.some(count);
            self.depth -= 1;
        }
        self.consume(&burst);
    }

    fn call_statement(&mut self) {
        if self.wild() {
            return self.wild_call();
        }
        let Some(level) = self.callee(|_| true) else { return self.assign() };
        self.call(level);
        let results = self.layout.signature(level).results.clone();
        self.consume(&results);
    }

    /// An i32 that is rarely other than 0.
    fn rare_condition(&mut self) {
        self.value(Ty::I32, 2);
        let residue = self.random.below(32) as i32;
        self.op().i32_const(31).i32_and().i32_const(residue).i32_eq();
    }

    /// A way out that is rarely or never taken.
    fn exit_statement(&mut self) {
        let never = self.random.percent(20);
        if never {
            let local = self.readable(Ty::I32);
            self.op().local_get(local).local_get(local).i32_ne();
        } else {
            self.rare_condition();
        }
        let block = self.block_type(&[], &[]);
        self.op().if_(block);
        self.enter(&[], true);
        if self.random.percent(50) {
            self.some(1);
        }
        if never || self.wild() {
            self.op().unreachable();
            self.dead(&[]);
        } else {
            self.exit();
        }
        self.leave();
    }

    /// An unconditional transfer out of a construct without results, and dead code.
    pub(super) fn exit(&mut self) {
        let results = self.signature().results.clone();
        if self.random.percent(20) {
            let junk = types(self.random, 3, false);
            self.values(&junk, 1);
        }
        // Returning from the entry function would end the whole execution.
        let may_return = self.level > 0 && self.countdown.is_none();
        match self.random.weighted(&[40, 20, 15, 15]) {
            1 => {
                let Some((first, types)) = self.label(None, may_return) else { return };
                self.values(&types, 1);
                self.value(Ty::I32, 1);
                let count = self.random.below(5);
                let targets: Vec<u32> = (0..count)
                    .map(|_| self.label(Some(&types), may_return).map_or(first, |(label, _)| label))
                    .collect();
                self.op().br_table(targets, first);
            }
            2 if may_return => {
                self.values(&results, 2);
                self.op().return_();
            }
            3 if may_return || self.random.percent(20) => {
                match self.callee(|signature| signature.results == results) {
                    Some(level) => self.tail_call(level),
                    None => {
                        self.values(&results, 1);
                        self.op().return_();
                    }
                }
            }
            _ => {
                let Some((label, types)) = self.label(None, may_return) else { return };
                self.values(&types, 1);
                self.op().br(label);
            }
        }
        self.dead(&[]);
    }

    /// A conditional branch to any label, its operands used when it is not taken.
    fn branch_statement(&mut self) {
        let may_return = self.level > 0 && self.random.percent(20);
        let Some((label, types)) = self.label(None, may_return) else { return self.assign() };
        self.values(&types, 2);
        if self.random.percent(60) {
            self.rare_condition();
        } else {
            self.condition();
        }
        self.op().br_if(label);
        self.consume(&types);
    }

    /// What compilers forget: operators and constructs that do nothing.
    fn oddity(&mut self) {
        match self.random.below(6) {
            0 => {
                self.op().nop();
            }
            1 => {
                let ty = Ty::random(self.random, self.floats());
                self.value(ty, 2);
                self.op().drop();
            }
            2 => {
                self.op().block(wasm_encoder::BlockType::Empty).end();
            }
            3 => {
                self.condition();
                self.op().if_(wasm_encoder::BlockType::Empty).else_().end();
            }
            4 => {
                self.op().loop_(wasm_encoder::BlockType::Empty).nop().end();
            }
            _ => {
                let local = self.random.pick(&self.settable.clone());
                self.op().local_get(local).local_set(local);
            }
        }
    }
}
