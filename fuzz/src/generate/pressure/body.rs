//! One body: code that pushes more than it pops, until it must fold.
//!
//! Owns the operand stack's types and the labels while code is written. It must not know the module around it but by its
//! layout.

use wasm_encoder::{BlockType, Encode as _, Function, InstructionSink, MemArg, MemArgTarget, ValType};

use super::operator::{FAMILIES, INTEGER_FAMILIES, loads, stores};
use super::{GLOBALS, Layout, Signature};
use crate::random::Random;

/// Operators that a call may execute, calls within it included.
const COST_MAX: u64 = 30_000;
/// Operands beyond which none is pushed for its own sake.
const DEPTH: usize = 26;

struct Label {
    /// What a branch takes along.
    types: Vec<ValType>,
    /// Whether a branch ahead may name it: not a loop's.
    ahead: bool,
}

/// A body while it is written.
pub(super) struct Body<'a> {
    layout: &'a mut Layout,
    random: &'a mut Random,
    function: usize,
    code: Vec<u8>,
    locals: Vec<ValType>,
    /// Locals that loops count in, which nothing else sets.
    counters: u32,
    stack: Vec<ValType>,
    /// Operands of outer constructs, which may not be touched.
    floor: usize,
    labels: Vec<Label>,
    cost: u64,
    times: u64,
    budget: usize,
}

impl<'a> Body<'a> {
    /// The body of a function, and what it costs.
    pub(super) fn write(layout: &'a mut Layout, random: &'a mut Random, function: usize) -> (Function, u64) {
        let signature = layout.signature(function).clone();
        let params = signature.params.len();
        let mut locals = signature.params.clone();
        // Loop counters come first among the declared ones.
        let counters = locals.len() as u32;
        locals.extend([ValType::I32; 3]);
        let more = [random.range(0, 4), random.range(4, 12), random.range(10, 40)][random.below(3)];
        locals.extend(layout.types(random, more));
        let budget = random.log_range(12, 260) as usize;
        let labels = vec![Label { types: signature.results.clone(), ahead: true }];
        let mut body = Body {
            layout,
            random,
            function,
            code: Vec::new(),
            locals,
            counters,
            stack: Vec::new(),
            floor: 0,
            labels,
            cost: 0,
            times: 1,
            budget,
        };
        body.statements(0);
        body.end(&signature);
        let cost = body.cost + 50;
        let declared = body.locals[params..].to_vec();
        let mut function = Function::new_with_locals_types(declared);
        function.raw(body.code);
        (function, cost)
    }

    fn op(&mut self) -> InstructionSink<'_> {
        self.cost += self.times;
        InstructionSink::new(&mut self.code)
    }

    fn opcode(&mut self, opcode: u8) {
        self.cost += self.times;
        self.code.push(opcode);
    }

    fn push(&mut self, ty: ValType) {
        self.stack.push(ty);
    }

    /// Operands that may be taken here.
    fn here(&self) -> usize {
        self.stack.len() - self.floor
    }

    fn settable(&mut self, ty: ValType) -> Option<u32> {
        let counters = self.counters..self.counters + 3;
        let fits: Vec<u32> = (0..self.locals.len() as u32)
            .filter(|local| self.locals[*local as usize] == ty && !counters.contains(local))
            .collect();
        (!fits.is_empty()).then(|| self.random.pick(&fits))
    }

    fn constant(&mut self, ty: ValType) {
        let word = match self.random.below(6) {
            0 => 0,
            1 => u64::MAX,
            2 => 1 << self.random.below(64),
            3 => (1_u64 << self.random.below(64)).wrapping_sub(1),
            4 => u64::from(self.random.u32() % 256),
            _ => self.random.u64(),
        };
        match ty {
            ValType::I32 => self.op().i32_const(word as u32 as i32),
            ValType::I64 => self.op().i64_const(word as i64),
            ValType::F32 => self.op().f32_const(wasm_encoder::Ieee32::new(word as u32)),
            _ => self.op().f64_const(wasm_encoder::Ieee64::new(word)),
        };
        self.push(ty);
    }

    /// Pushes a value of a type that costs little: mostly a local.
    fn leaf(&mut self, ty: ValType) {
        let fits: Vec<u32> =
            (0..self.locals.len() as u32).filter(|local| self.locals[*local as usize] == ty).collect();
        match self.random.below(10) {
            0 => self.constant(ty),
            1 if ty == ValType::I64 => {
                let global = self.random.u32() % GLOBALS;
                self.op().global_get(global);
                self.push(ty);
            }
            _ if fits.is_empty() => self.constant(ty),
            _ => {
                let local = self.random.pick(&fits);
                self.op().local_get(local);
                self.push(ty);
            }
        }
    }

    /// Pushes a value of a type.
    fn value(&mut self, ty: ValType) {
        if self.here() > 0 && self.stack.last() == Some(&ty) && self.random.percent(20) {
            // The top operand itself serves, once more by way of a local.
            if let Some(local) = self.settable(ty) {
                self.op().local_tee(local).local_get(local);
                self.push(ty);
                return;
            }
        }
        self.leaf(ty);
        for _ in 0..self.random.below(3) {
            self.grow(ty);
        }
    }

    /// Applies an operator whose result is of the type to a top operand of the type.
    fn grow(&mut self, ty: ValType) {
        let families = if self.layout.allowed.floats { FAMILIES.len() } else { INTEGER_FAMILIES };
        let fits: Vec<usize> = (0..families)
            .filter(|family| FAMILIES[*family].result == ty && FAMILIES[*family].operands[0] == ty)
            .collect();
        let family = &FAMILIES[self.random.pick(&fits)];
        if family.operands.len() == 2 {
            self.leaf(ty);
            self.stack.pop();
        }
        let opcode = self.random.pick(family.opcodes);
        self.opcode(opcode);
    }

    fn statements(&mut self, depth: usize) {
        let mut count = self.random.range(3, 30);
        while count > 0 && self.budget > 0 {
            count -= 1;
            self.budget -= 1;
            self.statement(depth);
        }
    }

    fn statement(&mut self, depth: usize) {
        let deep = if depth < 5 { 5 } else { 0 };
        let full = self.here() > DEPTH || self.stack.len() > 3 * DEPTH;
        let push = if full { 0 } else { 34 };
        match self.random.weighted(&[push, 20, 14, 5, 8, 7, 9, deep, deep, deep, 3, 2, 2]) {
            0 => {
                let ty = self.layout.ty(self.random);
                self.value(ty);
            }
            1 => self.combine(),
            2 => self.set(),
            3 => self.select(),
            4 => self.load(),
            5 => self.store(),
            6 => self.call(),
            7 => self.block(depth),
            8 => self.if_(depth),
            9 => self.loop_(depth),
            10 => self.branch_if(),
            11 => self.divide(),
            _ => self.rare(),
        }
    }

    /// Applies any operator to what is on top, made to fit.
    fn combine(&mut self) {
        let families = if self.layout.allowed.floats { FAMILIES.len() } else { INTEGER_FAMILIES };
        let start = self.random.below(families);
        for turn in 0..families {
            let family = &FAMILIES[(start + turn) % families];
            let operands = family.operands;
            if self.here() >= operands.len() && self.stack.ends_with(operands) {
                self.stack.truncate(self.stack.len() - operands.len());
                let opcode = self.random.pick(family.opcodes);
                self.opcode(opcode);
                self.push(family.result);
                return;
            }
        }
        let ty = self.stack.last().copied().filter(|_| self.here() > 0);
        let ty = ty.unwrap_or_else(|| self.layout.ty(self.random));
        self.value(ty);
    }

    fn set(&mut self) {
        if self.here() == 0 {
            let ty = self.layout.ty(self.random);
            self.value(ty);
        }
        let ty = self.stack[self.stack.len() - 1];
        let Some(local) = self.settable(ty) else { return self.fold() };
        if self.random.percent(35) {
            self.op().local_tee(local);
        } else {
            self.op().local_set(local);
            self.stack.pop();
        }
    }

    fn condition(&mut self) {
        self.value(ValType::I32);
        if self.random.percent(70) {
            self.leaf(ValType::I32);
            self.stack.pop();
            let opcode = self.random.pick(FAMILIES[2].opcodes);
            self.opcode(opcode);
        }
    }

    fn select(&mut self) {
        let ty = self.stack.last().copied().filter(|_| self.here() > 0);
        let ty = ty.unwrap_or_else(|| self.layout.ty(self.random));
        if self.here() == 0 {
            self.value(ty);
        }
        self.value(ty);
        self.condition();
        self.op().select();
        self.stack.truncate(self.stack.len() - 2);
    }

    /// Turns a value into an address for an access of this many bytes, and answers the offset: seldom beyond the end.
    fn address(&mut self, bytes: u32) -> u32 {
        if self.layout.wild && self.random.percent(8) {
            self.value(ValType::I32);
            return [0, 1, 65_535, 65_536, 0x7fff_ffff, u32::MAX][self.random.below(6)];
        }
        let offset = [0, 1, 4_095, 4_096, 30_000, 65_536 - bytes][self.random.below(6)];
        if self.random.percent(25) {
            let index = self.random.u32() % (65_536 - bytes - offset + 1);
            self.op().i32_const(index as i32);
            self.push(ValType::I32);
            return offset;
        }
        self.value(ValType::I32);
        let room = 65_536 - bytes - offset;
        let mask = if room == 0 { 0 } else { (1_u32 << room.ilog2()) - 1 };
        self.op().i32_const(mask as i32).i32_and();
        offset
    }

    fn memarg(&mut self, offset: u32) {
        MemArg { offset: offset.into(), align: 0, target: MemArgTarget::Memory(0), ordering: None }
            .encode(&mut self.code);
    }

    fn load(&mut self) {
        let ty = self.layout.ty(self.random);
        let (opcode, bytes) = self.random.pick(loads(ty));
        let offset = self.address(bytes);
        self.stack.pop();
        self.opcode(opcode);
        self.memarg(offset);
        self.push(ty);
    }

    fn store(&mut self) {
        let ty = self.layout.ty(self.random);
        let (opcode, bytes) = self.random.pick(stores(ty));
        let offset = self.address(bytes);
        self.value(ty);
        self.opcode(opcode);
        self.memarg(offset);
        self.stack.truncate(self.stack.len() - 2);
    }

    fn divide(&mut self) {
        let wide = self.random.percent(50);
        let ty = if wide { ValType::I64 } else { ValType::I32 };
        self.value(ty);
        self.value(ty);
        if !(self.layout.wild && self.random.percent(10)) {
            // Odd, and neither 0 nor -1.
            match wide {
                true => self.op().i64_const(0xffff).i64_and().i64_const(1).i64_or(),
                false => self.op().i32_const(0xffff).i32_and().i32_const(1).i32_or(),
            };
        }
        let opcode = if wide { [0x7f, 0x80, 0x81, 0x82] } else { [0x6d, 0x6e, 0x6f, 0x70] };
        let opcode = self.random.pick(&opcode);
        self.opcode(opcode);
        self.stack.pop();
    }

    /// A function that can be called here: one with a greater number, which is not dear.
    fn callee(&mut self, fits: impl Fn(&Signature) -> bool) -> Option<usize> {
        let left = COST_MAX.saturating_sub(self.cost) / self.times;
        let fits: Vec<usize> = (self.function + 1..self.layout.functions.len())
            .filter(|callee| self.layout.costs[*callee] + 20 <= left && fits(self.layout.signature(*callee)))
            .collect();
        (!fits.is_empty()).then(|| self.random.pick(&fits))
    }

    fn arguments(&mut self, types: &[ValType]) {
        for &ty in types {
            if self.random.percent(40) { self.leaf(ty) } else { self.value(ty) }
        }
    }

    fn call(&mut self) {
        if self.layout.imports > 0 && self.random.percent(20) {
            return self.host_call();
        }
        let Some(callee) = self.callee(|_| true) else { return self.combine() };
        let Signature { params, results } = self.layout.signature(callee).clone();
        let given = self.here() >= params.len() && self.stack.ends_with(&params) && !params.is_empty();
        if !given {
            self.arguments(&params);
        }
        let index = self.layout.imports + callee as u32;
        let ty = self.layout.functions[callee] as u32;
        self.cost += self.times * self.layout.costs[callee];
        if self.random.percent(35) {
            self.index(index);
            self.op().call_indirect(0, ty);
        } else {
            self.op().call(index);
        }
        self.stack.truncate(self.stack.len() - params.len());
        self.stack.extend(results);
    }

    /// A table index, which the compiler does not know in half of the cases.
    fn index(&mut self, index: u32) {
        let index = index as i32;
        if self.layout.wild && self.random.percent(5) {
            self.leaf(ValType::I32);
            self.stack.pop();
        } else if self.random.percent(50) {
            self.op().i32_const(index);
        } else {
            self.leaf(ValType::I32);
            self.stack.pop();
            self.op().i32_const(0).i32_and().i32_const(index).i32_or();
        }
    }

    fn host_call(&mut self) {
        match self.random.below(4) {
            0 => {
                self.op().call(0);
            }
            1 => {
                self.value(ValType::I32);
                self.value(ValType::I64);
                self.op().call(1);
                self.stack.truncate(self.stack.len() - 2);
                self.push(ValType::I64);
            }
            2 => {
                self.value(ValType::I64);
                self.op().call(2);
                self.stack.pop();
            }
            // The callback itself does not call back.
            _ if self.function + 1 < self.layout.functions.len() && self.times <= 4 => {
                self.value(ValType::I32);
                self.op().call(3);
                self.cost += self.times * self.layout.costs[self.layout.functions.len() - 1];
            }
            _ => {}
        }
    }

    /// The type of a construct that takes the last few operands.
    fn construct(&mut self) -> (BlockType, Vec<ValType>, Vec<ValType>) {
        let taken = if self.random.percent(40) { self.random.range(0, self.here().min(4)) } else { 0 };
        let params = self.stack[self.stack.len() - taken..].to_vec();
        let results = [0, 1, self.random.range(2, 4)][self.random.weighted(&[35, 45, 20])];
        let results = self.layout.types(self.random, results);
        let ty = match (params.as_slice(), results.as_slice()) {
            ([], []) => BlockType::Empty,
            ([], [one]) => BlockType::Result(*one),
            _ => BlockType::FunctionType(
                self.layout.intern(Signature { params: params.clone(), results: results.clone() }),
            ),
        };
        (ty, params, results)
    }

    /// Writes a construct's inside: leaves exactly its results. Then its parameters are on the stack as before.
    fn inside(&mut self, params: &[ValType], results: &[ValType], depth: usize) {
        let floor = std::mem::replace(&mut self.floor, self.stack.len() - params.len());
        self.statements(depth + 1);
        self.leave(results);
        self.stack.truncate(self.floor);
        self.stack.extend_from_slice(params);
        self.floor = floor;
    }

    /// Folds what is here and pushes results.
    fn leave(&mut self, results: &[ValType]) {
        if self.stack[self.floor..] == *results {
            return;
        }
        while self.here() > 0 {
            self.fold();
        }
        for &ty in results {
            self.value(ty);
        }
    }

    fn block(&mut self, depth: usize) {
        let (ty, params, results) = self.construct();
        let table = self.random.percent(30);
        self.op().block(ty);
        self.labels.push(Label { types: results.clone(), ahead: true });
        if table {
            self.tables(&params, &results, depth);
        } else {
            self.inside(&params, &results, depth);
        }
        self.labels.pop();
        self.op().end();
        self.stack.truncate(self.stack.len() - params.len());
        self.stack.extend(results);
    }

    /// Blocks with the same results within each other, all left by a `br_table` with values.
    fn tables(&mut self, params: &[ValType], results: &[ValType], depth: usize) {
        let floor = std::mem::replace(&mut self.floor, self.stack.len() - params.len());
        let inner = Signature { params: Vec::new(), results: results.to_vec() };
        let ty = BlockType::FunctionType(self.layout.intern(inner));
        let count = self.random.range(1, 4);
        for _ in 0..count {
            self.op().block(ty);
        }
        let inner_floor = std::mem::replace(&mut self.floor, self.stack.len());
        // They are no labels for what stands inside: it would take what is not there.
        let labels = std::mem::take(&mut self.labels);
        self.statements(depth + 3);
        while self.here() > 0 {
            self.fold();
        }
        self.labels = labels;
        for &ty in results {
            self.value(ty);
        }
        self.value(ValType::I32);
        if self.random.percent(80) {
            self.op().i32_const(7).i32_and();
        }
        let targets: Vec<u32> =
            (0..self.random.below(9)).map(|_| self.random.u32() % (count as u32 + 1)).collect();
        let default = self.random.u32() % (count as u32 + 1);
        self.op().br_table(targets, default);
        self.stack.truncate(self.floor);
        self.floor = inner_floor;
        for _ in 0..count {
            self.op().end();
            // Each end does something of its own with what arrives.
            self.stack.extend_from_slice(results);
            for _ in 0..self.random.below(3) {
                self.set_over(results);
            }
            if self.random.percent(50) && !results.is_empty() {
                let ty = results[results.len() - 1];
                self.grow(ty);
            }
            self.stack.truncate(self.stack.len() - results.len());
        }
        self.stack.extend_from_slice(results);
        // Left with operands of the construct below: a branch drops these.
        if self.here() > results.len() {
            self.op().br(0);
        }
        self.stack.truncate(self.floor);
        self.floor = floor;
        // The construct's own parameters are there until the caller takes them.
        self.stack.extend_from_slice(params);
    }

    /// Sets a local to another value, with results on the stack.
    fn set_over(&mut self, results: &[ValType]) {
        let ty = results.first().copied().unwrap_or(ValType::I32);
        if let Some(local) = self.settable(ty) {
            self.leaf(ty);
            self.stack.pop();
            self.op().local_set(local);
        }
    }

    fn if_(&mut self, depth: usize) {
        let (ty, params, results) = self.construct();
        self.condition();
        self.stack.pop();
        // The condition may have made another top operand, of the same type.
        self.op().if_(ty);
        self.labels.push(Label { types: results.clone(), ahead: true });
        self.inside(&params, &results, depth);
        if params != results || self.random.percent(60) {
            self.op().else_();
            self.inside(&params, &results, depth);
        }
        self.labels.pop();
        self.op().end();
        self.stack.truncate(self.stack.len() - params.len());
        self.stack.extend(results);
    }

    fn loop_(&mut self, depth: usize) {
        let nested = self.times.ilog2() as usize / 2;
        if nested >= 3 || self.cost + self.times * 400 > COST_MAX {
            return self.combine();
        }
        let counter = self.counters + nested as u32;
        let (ty, params, results) = self.construct();
        let rounds = self.random.range(1, 4);
        self.op().i32_const(rounds as i32).local_set(counter).loop_(ty);
        self.times *= 4;
        self.labels.push(Label { types: params.clone(), ahead: false });
        let floor = std::mem::replace(&mut self.floor, self.stack.len() - params.len());
        self.statements(depth + 1);
        // Back to the beginning with new parameters.
        while self.here() > 0 {
            self.fold();
        }
        for &ty in &params {
            self.value(ty);
        }
        self.op().local_get(counter).i32_const(1).i32_sub().local_tee(counter);
        match self.random.below(3) {
            0 => self.op().br_if(0),
            1 => self.op().i32_const(0).i32_gt_s().br_if(0),
            _ => self.op().i32_eqz().i32_eqz().br_if(0),
        };
        self.leave(&results);
        self.stack.truncate(self.floor);
        self.floor = floor;
        self.times /= 4;
        self.labels.pop();
        self.op().end();
        self.stack.extend(results);
    }

    /// Leaves a construct early, or not, with values.
    fn branch_if(&mut self) {
        let ahead: Vec<usize> = (0..self.labels.len()).filter(|label| self.labels[*label].ahead).collect();
        let Some(&label) = ahead.get(self.random.below(ahead.len())) else { return self.combine() };
        let types = self.labels[label].types.clone();
        if !(self.here() >= types.len() && self.stack.ends_with(&types)) {
            self.arguments(&types);
        }
        self.condition();
        let depth = (self.labels.len() - 1 - label) as u32;
        self.stack.pop();
        self.op().br_if(depth);
    }

    fn rare(&mut self) {
        match self.random.below(6) {
            0 => {
                self.op().memory_size(0);
                self.push(ValType::I32);
            }
            1 => {
                let delta = self.random.below(2) as i32;
                self.op().i32_const(delta).memory_grow(0);
                self.push(ValType::I32);
            }
            2 => {
                let offset = self.address(512);
                self.value(ValType::I32);
                self.op().i32_const((offset % 300) as i32).memory_fill(0);
                self.stack.truncate(self.stack.len() - 2);
            }
            3 => {
                let offset = self.address(512);
                self.address(512);
                self.op().i32_const((offset % 300) as i32).memory_copy(0, 0);
                self.stack.truncate(self.stack.len() - 2);
            }
            4 => {
                let slot = self.random.u32() % (self.layout.imports + self.layout.functions.len() as u32 + 1);
                self.op().i32_const(slot as i32).table_get(0).ref_is_null();
                self.push(ValType::I32);
            }
            _ => {
                self.value(ValType::I64);
                let global = self.random.u32() % GLOBALS;
                self.op().global_set(global);
                self.stack.pop();
            }
        }
    }

    /// Takes the top operand into the first global.
    fn fold(&mut self) {
        let Some(ty) = self.stack.pop() else { return };
        match ty {
            ValType::I32 => self.op().i64_extend_i32_u(),
            ValType::F32 => self.op().i32_reinterpret_f32().i64_extend_i32_s(),
            ValType::F64 => self.op().i64_reinterpret_f64(),
            _ => &mut self.op(),
        };
        self.op().global_get(0).i64_const(7).i64_rotl().i64_xor().global_set(0);
    }

    /// Folds operands and locals, then gives results that depend on them, or ends in another function.
    fn end(&mut self, signature: &Signature) {
        while self.here() > 0 {
            self.fold();
        }
        for local in 0..self.locals.len() as u32 {
            let ty = self.locals[local as usize];
            self.op().local_get(local);
            self.push(ty);
            self.fold();
        }
        let results = signature.results.clone();
        if self.random.percent(25)
            && let Some(callee) = self.callee(|other| other.results == results)
        {
            let params = self.layout.signature(callee).params.clone();
            self.arguments(&params);
            self.cost += self.layout.costs[callee];
            let (index, ty) = (self.layout.imports + callee as u32, self.layout.functions[callee] as u32);
            if self.random.percent(50) {
                self.index(index);
                self.op().return_call_indirect(0, ty);
            } else {
                self.op().return_call(index);
            }
            self.op().end();
            return;
        }
        for (number, &ty) in (0..).zip(&results) {
            self.op().global_get(0).i64_const(number).i64_rotl();
            match ty {
                ValType::I32 => self.op().i32_wrap_i64(),
                ValType::F32 => self.op().i32_wrap_i64().f32_reinterpret_i32(),
                ValType::F64 => self.op().f64_reinterpret_i64(),
                _ => &mut self.op(),
            };
        }
        if self.random.percent(30) {
            self.op().return_();
        }
        self.op().end();
    }
}
