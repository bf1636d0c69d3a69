//! Code that is never reached.
//!
//! Owns what follows an unconditional transfer up to the construct's `else` or `end`: operators that take
//! operands out of nowhere, values that nothing takes, whole constructs, more transfers. It keeps track of
//! the operands that the validator knows, so that the construct's results come out right.

use super::body::Body;
use super::operator::{self, Operator};
use super::ty::{Ty, types};

/// The operands that the validator knows, above any number that it does not.
struct Known(Vec<Ty>);

impl Body<'_> {
    /// Dead code up to the end of a construct of the given results; often none.
    pub(super) fn dead(&mut self, results: &[Ty]) {
        if self.random.percent(50) {
            return;
        }
        let times = std::mem::replace(&mut self.times, 0);
        let mut known = Known(Vec::new());
        for _ in 0..self.random.below(7) {
            self.dead_operator(&mut known);
        }
        self.forget(&mut known);
        let given = self.random.below(results.len() + 1);
        self.values(&results[given..], 1);
        self.times = times;
    }

    fn forget(&mut self, known: &mut Known) {
        for _ in known.0.drain(..) {
            self.op().drop();
        }
    }

    /// Makes the known operands such that `operands` can be taken, and takes them.
    fn take(&mut self, known: &mut Known, operands: &[Ty]) {
        let count = operands.len().min(known.0.len());
        let kept = known.0.len() - count;
        if known.0[kept..] == operands[operands.len() - count..] {
            known.0.truncate(kept);
        } else {
            self.forget(known);
        }
    }

    fn dead_operator(&mut self, known: &mut Known) {
        match self.random.below(12) {
            0 | 1 => {
                let ty = Ty::random(self.random, self.floats());
                self.value(ty, 1);
                known.0.push(ty);
            }
            2 | 3 => self.dead_arithmetic(known),
            4 => {
                known.0.pop();
                self.op().drop();
            }
            5 => {
                let ty = Ty::random(self.random, self.floats());
                self.take(known, &[ty]);
                let local = self.settable(ty);
                if self.random.percent(50) {
                    self.op().local_set(local);
                } else {
                    self.op().local_tee(local);
                    known.0.push(ty);
                }
            }
            6 if self.depth < 5 => self.statement(),
            7 if self.depth < 6 => self.dead_construct(known),
            8 => self.dead_transfer(known),
            9 => {
                let Some((label, types)) = self.label(None, true) else { return };
                let mut operands = types.clone();
                operands.push(Ty::I32);
                self.take(known, &operands);
                self.op().br_if(label);
                known.0.extend(types);
            }
            10 => {
                let level = self.random.below(self.layout.functions.len());
                let signature = self.layout.signature(level).clone();
                self.take(known, &signature.params);
                let index = self.layout.functions[level].index;
                self.op().call(index);
                known.0.extend(signature.results);
            }
            _ => self.dead_select(known),
        }
    }

    fn dead_arithmetic(&mut self, known: &mut Known) {
        let ty = Ty::number(self.random, self.floats());
        let float = self.floats();
        let tables: [&[Operator]; 4] =
            [operator::binary(ty), operator::unary(ty), operator::compare(ty), operator::convert(ty, float)];
        let table = self.random.pick(&tables);
        let operator = self.random.pick(table);
        if !float && operator.operands.iter().any(|ty| matches!(ty, Ty::F32 | Ty::F64)) {
            return;
        }
        self.take(known, operator.operands);
        self.operator(operator);
        known.0.push(operator.result);
    }

    /// A construct whose operands come out of nowhere.
    fn dead_construct(&mut self, known: &mut Known) {
        let floats = self.floats();
        let params = types(self.random, 2, floats);
        let results = types(self.random, 2, floats);
        let mut operands = params.clone();
        let kind = self.random.below(3);
        if kind == 2 {
            operands.push(Ty::I32);
        }
        self.take(known, &operands);
        let block = self.block_type(&params, &results);
        match kind {
            0 => self.op().block(block),
            1 => self.op().loop_(block),
            _ => self.op().if_(block),
        };
        self.enter(if kind == 1 { &params } else { &results }, true);
        self.consume(&params);
        self.some(1);
        if self.random.percent(30) {
            self.op().unreachable();
        } else {
            self.values(&results, 1);
        }
        if kind == 2 {
            self.op().else_();
            self.consume(&params);
            self.values(&results, 1);
        }
        self.leave();
        known.0.extend(results);
    }

    /// A transfer; the operands below it are unknown again.
    fn dead_transfer(&mut self, known: &mut Known) {
        self.forget(known);
        match self.random.below(4) {
            0 => {
                self.op().unreachable();
            }
            1 => {
                self.op().return_();
            }
            _ => {
                let Some((label, types)) = self.label(None, true) else { return };
                if self.random.percent(50) {
                    self.op().br(label);
                } else {
                    let other = self.label(Some(&types), true).map_or(label, |(other, _)| other);
                    self.op().br_table([label, other], label);
                }
            }
        }
    }

    /// A select without a type, which must find its own from operands that may be unknown.
    fn dead_select(&mut self, known: &mut Known) {
        self.take(known, &[Ty::I32]);
        let number = |ty: &Ty| !matches!(ty, Ty::Func | Ty::Extern);
        match known.0[..] {
            [] => {
                self.op().select().drop();
            }
            [only] if number(&only) => {
                self.op().select();
            }
            [.., below, top] if below == top && number(&top) => {
                self.op().select();
                known.0.pop();
            }
            _ => {
                self.op().drop();
                self.forget(known);
            }
        }
    }
}
