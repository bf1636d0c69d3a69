//! One function body while it is being written.
//!
//! Owns the code so far, the locals, the labels in scope and the running estimate of cost: every operator
//! written adds the number of times it may execute, so that loops and calls are only written while they can
//! be afforded. Values and statements are written by the sibling modules, which extend [`Body`]; here is what
//! they all use.

use wasm_encoder::{BlockType, InstructionSink, ValType};

use super::layout::{Function, Layout};
use super::operator::Operator;
use super::ty::{Signature, Ty};
use crate::random::Random;

/// A label that a branch may name.
#[derive(Clone, Debug)]
pub(super) struct Label {
    /// What a branch to it takes along.
    pub(super) types: Vec<Ty>,
    /// Whether a branch to it cannot make an endless loop.
    pub(super) open: bool,
}

/// A function body in the making.
pub(super) struct Body<'a> {
    pub(super) layout: &'a mut Layout,
    pub(super) random: &'a mut Random,
    /// The estimated cost of a call of each greater level.
    pub(super) costs: &'a [u64],
    pub(super) level: usize,
    pub(super) code: Vec<u8>,
    /// Operators executed so far, at most.
    pub(super) cost: u64,
    /// What `cost` should not exceed by much.
    pub(super) cap: u64,
    /// How often the code being written executes, at most; 0 in dead code.
    pub(super) times: u64,
    /// Statements that may still be written.
    pub(super) statements: usize,
    pub(super) depth: usize,
    /// All locals, parameters first.
    pub(super) locals: Vec<Ty>,
    /// The locals that statements may set; loop counters are not among them.
    pub(super) settable: Vec<u32>,
    free_counters: Vec<u32>,
    scratch: [Option<u32>; 4],
    /// The labels in scope, outermost first.
    pub(super) labels: Vec<Label>,
    /// The countdown of a function that may call itself.
    pub(super) countdown: Option<u32>,
}

impl<'a> Body<'a> {
    /// An empty body of the function at `level`.
    pub(super) fn new(
        layout: &'a mut Layout,
        random: &'a mut Random,
        costs: &'a [u64],
        level: usize,
        cap: u64,
    ) -> Self {
        let signature = layout.signature(level).clone();
        let recursive = layout.functions[level].recursion.is_some();
        let locals = signature.params.clone();
        let first = u32::from(recursive);
        let settable = (first..locals.len() as u32).collect();
        let labels = vec![Label { types: signature.results, open: false }];
        Self {
            layout,
            random,
            costs,
            level,
            code: Vec::new(),
            cost: 0,
            cap,
            times: 1,
            statements: 0,
            depth: 0,
            locals,
            settable,
            free_counters: Vec::new(),
            scratch: [None; 4],
            labels,
            countdown: recursive.then_some(0),
        }
    }

    /// The sink for one operator, which is counted.
    pub(super) fn op(&mut self) -> InstructionSink<'_> {
        self.cost += self.times;
        InstructionSink::new(&mut self.code)
    }

    /// Writes an operator from the tables.
    pub(super) fn operator(&mut self, operator: Operator) {
        self.cost += self.times;
        if operator.prefixed {
            self.code.push(0xfc);
        }
        self.code.push(operator.opcode);
    }

    /// Writes an operator of one byte.
    pub(super) fn opcode(&mut self, opcode: u8) {
        self.cost += self.times;
        self.code.push(opcode);
    }

    /// What may still be spent at this place: the number of operators, given how often the place executes.
    pub(super) fn affordable(&self) -> u64 {
        self.cap.saturating_sub(self.cost) / self.times.max(1)
    }

    /// Whether floats may appear.
    pub(super) fn floats(&self) -> bool {
        self.layout.options.allowed.floats
    }

    /// Whether something that may trap should be written here.
    pub(super) fn wild(&mut self) -> bool {
        self.layout.wild && self.random.percent(3)
    }

    /// The function being written.
    pub(super) fn function(&self) -> &Function {
        &self.layout.functions[self.level]
    }

    /// The signature of the function being written.
    pub(super) fn signature(&self) -> &Signature {
        self.layout.signature(self.level)
    }

    /// A new local that statements may set.
    pub(super) fn add_local(&mut self, ty: Ty) -> u32 {
        let local = self.add_reserved(ty);
        self.settable.push(local);
        local
    }

    fn add_reserved(&mut self, ty: Ty) -> u32 {
        self.locals.push(ty);
        self.locals.len() as u32 - 1
    }

    /// A local of the type that statements may set; one is added when there is none.
    pub(super) fn settable(&mut self, ty: Ty) -> u32 {
        let count = self.settable.iter().filter(|&&local| self.locals[local as usize] == ty).count();
        if count == 0 {
            return self.add_local(ty);
        }
        let nth = self.random.below(count);
        let mut of_type = self.settable.iter().filter(|&&local| self.locals[local as usize] == ty);
        *of_type.nth(nth).expect("nth is below the count")
    }

    /// Any local of the type, counters included.
    pub(super) fn readable(&mut self, ty: Ty) -> u32 {
        let count = self.locals.iter().filter(|&&local| local == ty).count();
        if count == 0 {
            return self.add_local(ty);
        }
        let nth = self.random.below(count);
        let of_type = self.locals.iter().enumerate().filter(|(_, local)| **local == ty);
        of_type.map(|(index, _)| index as u32).nth(nth).expect("nth is below the count")
    }

    /// A local that only the writer of a guard sets.
    pub(super) fn scratch(&mut self, ty: Ty) -> u32 {
        if let Some(local) = self.scratch[ty as usize] {
            return local;
        }
        let local = self.add_reserved(ty);
        self.scratch[ty as usize] = Some(local);
        local
    }

    /// A local for a loop's counter, to be given back.
    pub(super) fn take_counter(&mut self) -> u32 {
        self.free_counters.pop().unwrap_or_else(|| self.add_reserved(Ty::I32))
    }

    /// Gives a counter back.
    pub(super) fn free_counter(&mut self, counter: u32) {
        self.free_counters.push(counter);
    }

    /// The block type of the given parameters and results.
    pub(super) fn block_type(&mut self, params: &[Ty], results: &[Ty]) -> BlockType {
        match (params, results) {
            ([], []) if !self.random.percent(3) => BlockType::Empty,
            ([], [result]) if !self.random.percent(10) => BlockType::Result(result.val_type()),
            _ => BlockType::FunctionType(self.layout.intern(Signature::new(params, results)) as u32),
        }
    }

    /// Enters a construct whose label takes `types`.
    pub(super) fn enter(&mut self, types: &[Ty], open: bool) {
        self.labels.push(Label { types: types.to_vec(), open });
        self.depth += 1;
    }

    /// Writes the end of the innermost construct.
    pub(super) fn leave(&mut self) {
        self.labels.pop();
        self.depth -= 1;
        self.op().end();
    }

    /// A label that takes `types`, as the immediate that names it; the function's own is among them on
    /// request.
    pub(super) fn label(&mut self, types: Option<&[Ty]>, with_function: bool) -> Option<(u32, Vec<Ty>)> {
        let first = usize::from(!with_function);
        let fits = |label: &Label, index: usize| {
            (label.open || index == 0) && types.is_none_or(|types| label.types == types)
        };
        let candidates: Vec<usize> =
            (first..self.labels.len()).filter(|&index| fits(&self.labels[index], index)).collect();
        if candidates.is_empty() {
            return None;
        }
        let index = self.random.pick(&candidates);
        Some(((self.labels.len() - 1 - index) as u32, self.labels[index].types.clone()))
    }

    /// The body in the binary format, locals declared.
    pub(super) fn finish(self) -> wasm_encoder::Function {
        let params = self.signature().params.len();
        let declared: Vec<ValType> = self.locals[params..].iter().map(|ty| ty.val_type()).collect();
        let mut function = match self.random.percent(80) {
            true => wasm_encoder::Function::new_with_locals_types(declared),
            false => wasm_encoder::Function::new(declared.into_iter().map(|ty| (1, ty)).collect::<Vec<_>>()),
        };
        function.raw(self.code);
        function
    }
}
