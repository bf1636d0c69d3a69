//! Code that leaves one value.
//!
//! Owns expressions: trees of operators down to constants, locals and globals. Every operand of an operator
//! is written by the same means, so any operator meets any kind of operand. It must not change locals but by
//! `local.tee`.

use wasm_encoder::{Encode, Ieee32, Ieee64, MemArg, MemArgTarget};

use super::body::Body;
use super::constant;
use super::layout::PAGE;
use super::operator::{self, TRUNCATIONS};
use super::ty::Ty;

impl Body<'_> {
    /// A value of the type, of a tree at most `depth` high.
    pub(super) fn value(&mut self, ty: Ty, depth: usize) {
        match ty {
            _ if self.affordable() < 4 => self.leaf(ty),
            Ty::Func | Ty::Extern => self.reference(ty, depth),
            _ if depth == 0 => self.leaf(ty),
            Ty::I32 => self.int32(depth),
            Ty::I64 => self.int64(depth),
            Ty::F32 | Ty::F64 => self.float(ty, depth),
        }
    }

    /// A value without operands.
    pub(super) fn leaf(&mut self, ty: Ty) {
        if matches!(ty, Ty::Func | Ty::Extern) {
            return self.reference(ty, 0);
        }
        match self.random.weighted(&[28, 60, 9, 3]) {
            0 => self.constant(ty),
            2 if self.global(ty, false).is_some() => {
                let global = self.global(ty, false).expect("there is one of the type");
                self.op().global_get(global);
            }
            3 if ty == Ty::I32 => self.size(),
            _ => {
                let local = self.readable(ty);
                self.op().local_get(local);
            }
        }
    }

    /// A constant of a number type.
    pub(super) fn constant(&mut self, ty: Ty) {
        match ty {
            Ty::I32 => {
                let value = constant::i32(self.random);
                self.op().i32_const(value);
            }
            Ty::I64 => {
                let value = constant::i64(self.random);
                self.op().i64_const(value);
            }
            Ty::F32 => {
                let value = constant::f32(self.random);
                self.op().f32_const(Ieee32::new(value));
            }
            Ty::F64 => {
                let value = constant::f64(self.random);
                self.op().f64_const(Ieee64::new(value));
            }
            Ty::Func | Ty::Extern => {
                self.op().ref_null(ty.heap_type());
            }
        }
    }

    /// A global of the type.
    pub(super) fn global(&mut self, ty: Ty, mutable: bool) -> Option<u32> {
        let fits = |index: &usize| {
            let global = &self.layout.globals[*index];
            global.ty == ty && (global.mutable || !mutable)
        };
        let candidates: Vec<usize> = (0..self.layout.globals.len()).filter(fits).collect();
        (!candidates.is_empty()).then(|| self.random.pick(&candidates) as u32)
    }

    fn size(&mut self) {
        let table = self.random.below(self.layout.tables.len()) as u32;
        if self.layout.memory.is_some() && self.random.percent(60) {
            self.op().memory_size(0);
        } else {
            self.op().table_size(table);
        }
    }

    /// An i32 that is usually 0 or 1.
    pub(super) fn condition(&mut self) {
        match self.random.weighted(&[50, 10, 20, 20]) {
            0 => self.compare(1),
            1 => {
                self.value(Ty::I64, 1);
                self.op().i64_eqz();
            }
            2 => {
                self.value(Ty::I32, 1);
                self.op().i32_eqz();
            }
            _ => {
                self.value(Ty::I32, 1);
                self.op().i32_const(1).i32_and();
            }
        }
    }

    fn compare(&mut self, depth: usize) {
        let ty = Ty::number(self.random, self.floats());
        self.operands(&[ty, ty], depth);
        let operator = self.random.pick(operator::compare(ty));
        self.operator(operator);
    }

    /// Operands of the types: sometimes the same local twice, often a constant at the right.
    fn operands(&mut self, types: &[Ty], depth: usize) {
        let same = types.len() == 2 && types[0] == types[1];
        if same && self.random.percent(6) {
            let local = self.readable(types[0]);
            self.op().local_get(local).local_get(local);
            return;
        }
        let shallow = self.random.below(2);
        for (index, &ty) in types.iter().enumerate() {
            let lean = index == shallow && types.len() == 2;
            match lean && self.random.percent(50) {
                true if self.random.percent(50) => self.constant(ty),
                true => self.leaf(ty),
                false => self.value(ty, depth.saturating_sub(1)),
            }
        }
    }

    fn unary_or_binary(&mut self, ty: Ty, depth: usize) {
        let table = if self.random.percent(80) { operator::binary(ty) } else { operator::unary(ty) };
        let operator = self.random.pick(table);
        self.operands(operator.operands, depth);
        self.operator(operator);
    }

    fn convert(&mut self, ty: Ty, depth: usize) {
        let float = self.floats() && self.random.percent(60);
        let operator = self.random.pick(operator::convert(ty, float));
        self.operands(operator.operands, depth);
        self.operator(operator);
    }

    fn int32(&mut self, depth: usize) {
        match self.random.weighted(&[48, 6, 9, 6, 9, 3, 3, 2, 14]) {
            0 => self.unary_or_binary(Ty::I32, depth),
            1 => self.division(Ty::I32, depth),
            2 => self.compare(depth),
            3 => self.convert(Ty::I32, depth),
            4 => self.load(Ty::I32, depth),
            5 if self.floats() => self.truncation(Ty::I32, depth),
            6 => {
                let ty = if self.random.percent(50) { Ty::Func } else { Ty::Extern };
                self.reference(ty, depth - 1);
                self.op().ref_is_null();
            }
            7 => self.grow(),
            _ => self.any(Ty::I32, depth),
        }
    }

    fn int64(&mut self, depth: usize) {
        match self.random.weighted(&[56, 7, 8, 9, 4, 14]) {
            0 => self.unary_or_binary(Ty::I64, depth),
            1 => self.division(Ty::I64, depth),
            2 => self.convert(Ty::I64, depth),
            3 => self.load(Ty::I64, depth),
            4 if self.floats() => self.truncation(Ty::I64, depth),
            _ => self.any(Ty::I64, depth),
        }
    }

    fn float(&mut self, ty: Ty, depth: usize) {
        match self.random.weighted(&[55, 14, 9, 14]) {
            0 => self.unary_or_binary(ty, depth),
            1 => self.convert(ty, depth),
            2 => self.load(ty, depth),
            _ => self.any(ty, depth),
        }
    }

    /// A value of any type by what works on all types.
    fn any(&mut self, ty: Ty, depth: usize) {
        let reference = matches!(ty, Ty::Func | Ty::Extern);
        match self.random.weighted(&[5, 3, 6, 3, 3, 2, 2]) {
            0 if !reference => {
                self.operands(&[ty, ty], depth);
                self.condition();
                self.op().select();
            }
            0 | 1 => {
                self.operands(&[ty, ty], depth);
                self.condition();
                self.op().typed_select(ty.val_type());
            }
            2 => {
                self.value(ty, depth - 1);
                let local = self.settable(ty);
                self.op().local_tee(local);
            }
            3 => self.if_value(ty, depth),
            4 => self.block_value(ty, depth),
            5 => self.loop_value(ty, depth),
            _ => self.call_value(ty, depth),
        }
    }

    fn if_value(&mut self, ty: Ty, depth: usize) {
        self.condition();
        let block = self.block_type(&[], &[ty]);
        self.op().if_(block);
        self.enter(&[ty], true);
        self.value(ty, depth - 1);
        self.op().else_();
        self.value(ty, depth - 1);
        self.leave();
    }

    /// A block that is left early with its value, or not.
    fn block_value(&mut self, ty: Ty, depth: usize) {
        let block = self.block_type(&[], &[ty]);
        self.op().block(block);
        self.enter(&[ty], true);
        self.value(ty, depth - 1);
        if self.random.percent(70) {
            self.condition();
            self.op().br_if(0);
        }
        match self.random.below(3) {
            0 => {
                let local = self.settable(ty);
                self.op().local_set(local);
                self.value(ty, depth - 1);
            }
            1 => {
                self.op().drop();
                self.value(ty, depth - 1);
            }
            _ => {}
        }
        if self.random.percent(25) {
            self.op().br(0);
            self.dead(&[ty]);
        }
        self.leave();
    }

    /// A loop that is never repeated: the construct alone.
    fn loop_value(&mut self, ty: Ty, depth: usize) {
        let block = self.block_type(&[], &[ty]);
        self.op().loop_(block);
        self.enter(&[], false);
        self.value(ty, depth - 1);
        self.leave();
    }

    /// A call that has a result of the type; its other results are folded into locals.
    fn call_value(&mut self, ty: Ty, depth: usize) {
        let Some(level) = self.callee(|signature| signature.results.contains(&ty)) else {
            return self.value(ty, depth - 1);
        };
        self.call(level);
        let mut results = self.layout.signature(level).results.clone();
        while results.last() != Some(&ty) {
            let top = results.pop().expect("the results contain the type");
            self.fold(top);
        }
        results.pop();
        if !results.is_empty() {
            let local = self.settable(ty);
            self.op().local_set(local);
            self.consume(&results);
            self.op().local_get(local);
        }
    }

    /// A division, its divisor neither zero nor able to overflow, unless the program is wild.
    fn division(&mut self, ty: Ty, depth: usize) {
        let kind = self.random.below(4);
        self.value(ty, depth - 1);
        let wide = ty == Ty::I64;
        match self.random.below(3) {
            _ if self.wild() => self.value(ty, depth - 1),
            0 if wide => {
                let value =
                    self.random.pick(&[1, 2, 3, 7, 10, 64, 1000, 0x1_0000_0001, i64::MAX, i64::MIN, -3]);
                self.op().i64_const(value);
            }
            0 => {
                let value =
                    self.random.pick(&[1, 2, 3, 5, 7, 8, 10, 641, 65_536, i32::MAX, i32::MIN, -2, -7]);
                self.op().i32_const(value);
            }
            // The signed quotient overflows for -1 only.
            _ if wide => {
                self.value(ty, depth - 1);
                self.op().i64_const(1).i64_or();
                if kind == 0 {
                    self.op().i64_const(i64::MAX).i64_and();
                }
            }
            _ => {
                self.value(ty, depth - 1);
                self.op().i32_const(1).i32_or();
                if kind == 0 {
                    self.op().i32_const(i32::MAX).i32_and();
                }
            }
        }
        self.opcode(operator::divisions(ty)[kind]);
    }

    /// A conversion that traps on what it cannot represent, guarded unless the program is wild.
    fn truncation(&mut self, ty: Ty, depth: usize) {
        let fits: Vec<_> = TRUNCATIONS.iter().filter(|(operator, ..)| operator.result == ty).collect();
        let &&(operator, signed, bound) = &fits[self.random.below(fits.len())];
        let float = operator.operands[0];
        self.value(float, depth - 1);
        if !self.wild() {
            // A NaN is less than nothing, so it takes the other arm.
            let scratch = self.scratch(float);
            let absolute = if float == Ty::F32 { 0x8b } else { 0x99 };
            let less = if float == Ty::F32 { 0x5d } else { 0x63 };
            if !signed {
                self.opcode(absolute);
            }
            self.op().local_tee(scratch);
            self.zero(float);
            self.op().local_get(scratch);
            self.opcode(absolute);
            match float {
                Ty::F32 => self.op().f32_const(Ieee32::new(bound as u32)),
                _ => self.op().f64_const(Ieee64::new(bound)),
            };
            self.opcode(less);
            self.op().select();
        }
        self.operator(operator);
    }

    fn zero(&mut self, float: Ty) {
        match float {
            Ty::F32 => self.op().f32_const(Ieee32::new(0)),
            _ => self.op().f64_const(Ieee64::new(0)),
        };
    }

    fn load(&mut self, ty: Ty, depth: usize) {
        if self.layout.memory.is_none() {
            return self.leaf(ty);
        }
        let (opcode, width) = self.random.pick(operator::loads(ty));
        let offset = self.address(width, depth - 1);
        self.memory_op(opcode, width, offset);
    }

    /// Writes a load or store whose operands are there.
    pub(super) fn memory_op(&mut self, opcode: u8, width: u32, offset: u32) {
        let align = self.random.below(width.ilog2() as usize + 1) as u32;
        self.opcode(opcode);
        let place =
            MemArg { offset: u64::from(offset), align, target: MemArgTarget::Memory(0), ordering: None };
        place.encode(&mut self.code);
    }

    /// An address and the static offset that goes with it: within the memory unless the program is wild.
    pub(super) fn address(&mut self, width: u32, depth: usize) -> u32 {
        let pages = self.layout.memory.as_ref().map_or(0, |memory| memory.pages);
        let last = pages * PAGE - width;
        if self.wild() {
            self.value(Ty::I32, depth);
            return self.random.pick(&[0, 1, 4095, 4096, 65_535, 65_536, 0x7fff_ffff, 0xffff_ffff]);
        }
        match self.random.weighted(&[70, 12, 10, 8]) {
            // The last bytes of the memory, half by the address and half by the offset.
            1 => {
                let at = last - self.random.below(3) as u32;
                let offset = self.random.pick(&[0, 1, 4096.min(at), at / 2, at]);
                self.op().i32_const((at - offset) as i32);
                offset
            }
            2 => {
                let at = self.random.below(4096) as i32;
                self.op().i32_const(at);
                self.random.pick(&[0, 4, 8, 1000, 32_000])
            }
            choice => {
                // A few hot bytes, so that loads meet earlier stores, or anywhere in the first half page.
                let mask = if choice == 3 { 0x7fff } else { self.random.pick(&[0xff, 0xf8, 0xfff, 0x3ff0]) };
                self.value(Ty::I32, depth);
                self.op().i32_const(mask).i32_and();
                let far = pages * PAGE - 0x8000 - width;
                self.random.pick(&[0, 0, 0, 1, 3, 4, 8, 16, 255, 1024, 4095, 4096, 0x4000, far])
            }
        }
    }

    /// A growth of memory or of a table, whose answer is the value.
    fn grow(&mut self) {
        let growable: Vec<usize> =
            (0..self.layout.tables.len()).filter(|&table| table as u32 != self.layout.dispatch).collect();
        let memory = self.layout.memory.as_ref().map(|memory| memory.maximum.is_some());
        if self.random.percent(50) || growable.is_empty() {
            match memory {
                None => return self.leaf(Ty::I32),
                // Without a maximum only what cannot grow at all, lest memory grows as loops please.
                Some(false) => {
                    let delta = self.random.pick(&[0, 65_536]);
                    self.op().i32_const(delta);
                }
                Some(true) => self.delta(),
            }
            self.op().memory_grow(0);
        } else {
            let table = self.random.pick(&growable);
            let ty = self.layout.tables[table].ty;
            self.reference(ty, 1);
            if self.layout.tables[table].maximum.is_some() {
                self.delta();
            } else {
                self.op().i32_const(0);
            }
            self.op().table_grow(table as u32);
        }
    }

    fn delta(&mut self) {
        if self.random.percent(60) {
            let delta = self.random.pick(&[0, 1, 1, 2, 40]);
            self.op().i32_const(delta);
        } else {
            self.value(Ty::I32, 1);
            let mask = self.random.pick(&[1, 3, 15]);
            self.op().i32_const(mask).i32_and();
        }
    }

    /// A reference.
    pub(super) fn reference(&mut self, ty: Ty, depth: usize) {
        let tables: Vec<usize> =
            (0..self.layout.tables.len()).filter(|&table| self.layout.tables[table].ty == ty).collect();
        match self.random.weighted(&[15, 25, 20, 20, 10, 10]) {
            0 => {
                self.op().ref_null(ty.heap_type());
            }
            1 if ty == Ty::Func => {
                let level = self.random.below(self.layout.functions.len());
                let index = self.layout.functions[level].index;
                self.op().ref_func(index);
            }
            2 if !tables.is_empty() => {
                let table = self.random.pick(&tables);
                self.element_index(table);
                self.op().table_get(table as u32);
            }
            3 if depth > 0 && self.affordable() > 20 => self.any(ty, depth),
            4 if self.global(ty, false).is_some() => {
                let global = self.global(ty, false).expect("there is one of the type");
                self.op().global_get(global);
            }
            _ => {
                let local = self.readable(ty);
                self.op().local_get(local);
            }
        }
    }

    /// An index within the table unless the program is wild.
    pub(super) fn element_index(&mut self, table: usize) {
        let size = self.layout.tables[table].size;
        if self.wild() {
            let index = self.random.pick(&[size as i32, size as i32 + 30, -1, i32::MAX]);
            self.op().i32_const(index);
        } else if self.random.percent(50) {
            let index = self.random.below(size as usize) as i32;
            self.op().i32_const(index);
        } else {
            self.value(Ty::I32, 1);
            let mask = (1 << size.ilog2()) - 1;
            self.op().i32_const(mask).i32_and();
        }
    }
}
