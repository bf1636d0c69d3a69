//! Whole functions: what they start with, what they end with, and how much lies between.
//!
//! Owns the share of the module's work that each function gets, the first values of locals, and the checksum
//! that makes every local reach the result.

use super::Size;
use super::body::Body;
use super::layout::Layout;
use super::ty::Ty;
use crate::random::Random;

/// The function at `level` and the most that a call of it costs, roughly.
pub(super) fn function(
    layout: &mut Layout,
    random: &mut Random,
    costs: &[u64],
    level: usize,
) -> (wasm_encoder::Function, u64) {
    let size = layout.options.size;
    let target = layout.target;
    let entry = level == 0;
    let repeats = layout.functions[level].recursion.map_or(1, |mask| mask as u64 + 1);
    let cap = match entry {
        true => target,
        false => random.log_range(30, (target / 3).max(60)) / repeats,
    };
    let mut body = Body::new(layout, random, costs, level, cap);
    body.statements = match size {
        Size::Tiny => body.random.range(2, 6),
        Size::Normal => body.random.log_range(4, 40) as usize,
        Size::Large => body.random.log_range(12, 150) as usize,
    };
    let most = match size {
        Size::Tiny => 6,
        Size::Normal => 40,
        Size::Large => 60,
    };
    let most = most.min(if entry { 40 } else { 2 + cap as usize / 12 });
    let locals = body.random.log_range(1, most as u64) as usize;
    body.declare(locals);
    match entry {
        true => body.main_loop(target),
        false => {
            while body.statements > 0 && body.affordable() >= 10 {
                body.statement();
            }
            body.recurse();
        }
    }
    body.epilogue();
    let cost = (body.cost + 1) * repeats;
    (body.finish(), cost)
}

impl Body<'_> {
    /// Adds locals and gives most of them a value.
    fn declare(&mut self, count: usize) {
        for _ in 0..count {
            let ty = Ty::random(self.random, self.floats());
            let local = self.add_local(ty);
            if self.random.percent(75) {
                self.value(ty, 1);
                self.op().local_set(local);
            }
        }
        for ty in [Ty::I32, Ty::I64] {
            self.settable(ty);
        }
    }

    /// The work of the entry function: statements in a loop that repeats until the module's work is done.
    fn main_loop(&mut self, target: u64) {
        let share = self.random.pick(&[1, 1, 4, 16, 64]);
        let statements = self.statements;
        self.statements = statements / 3;
        while self.statements > 0 && self.affordable() > target / 2 {
            self.statement();
        }
        self.statements = statements;
        let before = self.cost;
        let outer_cap = self.cap;
        self.cap = before + (target.saturating_sub(before) / share).max(60);
        let counter = self.take_counter();
        let code = std::mem::take(&mut self.code);
        self.enter(&[], false);
        while self.statements > 0 && self.affordable() >= 10 {
            self.statement();
        }
        self.op().local_get(counter).i32_const(1).i32_sub().local_tee(counter).br_if(0);
        self.leave();
        let inner = std::mem::replace(&mut self.code, code);
        let once = (self.cost - before).max(1);
        let trips = (target.saturating_sub(before) / once).clamp(1, 20_000);
        self.op().i32_const(trips as i32).local_set(counter).loop_(wasm_encoder::BlockType::Empty);
        self.code.extend(inner);
        self.cost = before + once * trips;
        self.cap = outer_cap.max(self.cost + 200);
        self.free_counter(counter);
    }

    /// The results, the first integer among them a checksum of all locals; a function without results keeps
    /// it elsewhere.
    fn epilogue(&mut self) {
        self.cap = self.cost + 1000;
        if self.level == 0 && self.layout.doomed {
            let block = self.block_type(&[], &[]);
            self.op().i32_const(1).if_(block);
            self.enter(&[], true);
            self.op().unreachable();
            self.dead(&[]);
            self.leave();
        }
        let results = self.signature().results.clone();
        if results.is_empty() {
            self.checksum();
            match self.global(Ty::I64, true) {
                Some(global) => {
                    self.op().global_set(global);
                }
                None => {
                    self.op().drop();
                }
            }
        }
        let mut summed = false;
        for &ty in &results {
            let number = !matches!(ty, Ty::Func | Ty::Extern);
            if !number || std::mem::replace(&mut summed, number) {
                self.value(ty, 2);
                continue;
            }
            self.checksum();
            match ty {
                Ty::I32 => {
                    self.op().i32_wrap_i64();
                }
                Ty::F32 => {
                    self.op().f32_convert_i64_s();
                }
                Ty::F64 => {
                    self.op().f64_reinterpret_i64();
                }
                _ => {}
            }
        }
        match self.random.below(10) {
            0 => {
                self.op().return_();
                self.dead(&results);
            }
            1 => {
                self.op().br(0);
                self.dead(&results);
            }
            _ => {}
        }
        self.op().end();
    }

    /// An i64 made of all locals; in the entry function also of globals and of some memory.
    fn checksum(&mut self) {
        self.op().i64_const(0x51_7cc1_b727_2202);
        for local in 0..self.locals.len() as u32 {
            self.op().local_get(local);
            self.mix(self.locals[local as usize]);
        }
        if self.level != 0 {
            return;
        }
        for global in 0..self.layout.globals.len() as u32 {
            self.op().global_get(global);
            self.mix(self.layout.globals[global as usize].ty);
        }
        if self.layout.memory.is_some() {
            for at in [0, 8, 248, 0x1000, 0x7ff8] {
                self.op().i32_const(at);
                self.memory_op(0x29, 8, 0);
                self.mix(Ty::I64);
            }
        }
    }

    /// Takes a value into the i64 below it.
    fn mix(&mut self, ty: Ty) {
        match ty {
            Ty::I32 => {
                self.op().i64_extend_i32_u();
            }
            Ty::I64 => {}
            Ty::F32 => {
                self.op().i32_reinterpret_f32().i64_extend_i32_u();
            }
            Ty::F64 => {
                self.op().i64_reinterpret_f64();
            }
            Ty::Func | Ty::Extern => {
                self.op().ref_is_null().i64_extend_i32_s();
            }
        }
        self.op().i64_xor().i64_const(11).i64_rotl();
        if self.random.percent(30) {
            self.op().i64_const(0x2545_f491_4f6c_dd1d).i64_mul();
        }
    }
}
