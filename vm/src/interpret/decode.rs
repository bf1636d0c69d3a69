//! The decoder: from the bodies of a validated module to [`Code`].
//!
//! Owns liveness, labels and operand heights, all found in one pass over the operators, without recursion and in memory
//! linear in the body. Where runs start and what they cost it takes from the plan. It must not know execution, nor how
//! the plan was made.
//!
//! ```text
//!   body     loop                block  local.get 0  br_if 0  br 1   i32.add  end  end
//!   code     Charge Enter  Charge Loop  Block  LocalGet 0  BrIf -+  Charge Br -+  -  End  End  Leave
//!                          ^----------------------------------------- | -------+      ^
//!                                                                     +---------------+
//! ```
//! What is dead is left out. A label is a place in the code: before a `loop`, behind any other construct's `end`.

use super::instr::{Branch, Instr, Target};
use crate::module::info::{Body, ModuleInfo};
use alloc::vec::Vec;
use core::mem;
use lockstep_gas::{FunctionPlan, Plan, Run};
use wasmparser::{
    BinaryReader, BlockType, BrTable, FunctionBody, MemArg, OperatorsReader, OperatorsReaderAllocations,
    VisitOperator,
};

/// The bodies of a module as the interpreter reads them.
#[derive(Debug, Default)]
pub(crate) struct Code {
    pub(super) instrs: Vec<Instr>,
    /// Where each instruction's operator stands, in bytes from the start of the module. Of an instruction that is no
    /// operator: where the next one stands, and for `Leave` the last.
    pub(super) offsets: Vec<u32>,
    /// The labels of every `br_table`.
    pub(super) targets: Vec<Target>,
    functions: Vec<Function>,
    imported_functions: u32,
}

/// What a call needs to know about a function.
#[derive(Clone, Copy, Debug)]
pub(super) struct Function {
    /// Its first instruction.
    pub(super) entry: u32,
    pub(super) parameters: u32,
    pub(super) frame_slots: u32,
}

impl Code {
    /// Decodes the bodies of a validated module.
    pub(crate) fn decode(bytes: &[u8], info: &ModuleInfo, plan: &Plan) -> Code {
        let mut decoder = Decoder::new(info);
        for (index, body) in info.bodies.iter().enumerate() {
            let plan = plan.function(index).expect("the plan has every function");
            decoder.body(bytes, index, body, plan);
        }
        let mut code = decoder.code;
        code.instrs.shrink_to_fit();
        code.offsets.shrink_to_fit();
        code.targets.shrink_to_fit();
        code
    }

    /// A function that the module defines, by its index in the function space.
    #[inline]
    pub(super) fn function(&self, function: u32) -> Function {
        self.functions[(function - self.imported_functions) as usize]
    }

    /// The instruction that a frame is at which would go on with `pc`: the one before, or the function's first.
    pub(super) fn site(&self, pc: usize) -> usize {
        let is_entry = self.functions.binary_search_by_key(&pc, |function| function.entry as usize).is_ok();
        if is_entry { pc } else { pc - 1 }
    }

    /// The index, in the function space, of the function that an instruction belongs to.
    pub(super) fn function_at(&self, instr: usize) -> u32 {
        let behind = self.functions.partition_point(|function| function.entry as usize <= instr);
        // There are fewer than 2^32 functions, and the first begins with the first instruction.
        self.imported_functions + (behind - 1) as u32
    }
}

/// No instruction, and no label.
const NONE: u32 = u32::MAX;

/// A construct whose opening operator is live, or the body itself.
#[derive(Clone, Copy, Debug)]
struct Construct {
    kind: Kind,
    /// The height below the construct's parameters.
    base: u32,
    parameters: u32,
    results: u32,
    /// Which of `labels` is its own, once something goes there by it; until then `NONE`.
    label: u32,
}

impl Construct {
    /// How many values a branch to it takes.
    fn label_arity(&self) -> u32 {
        if let Kind::Loop(_) = self.kind { self.parameters } else { self.results }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// A block, the body, or an `if` whose `else` has come.
    Block,
    /// A loop, with the instruction that its label is.
    Loop(u32),
    /// An `if` whose `else` has not come, with its instruction.
    If(u32),
}

struct Decoder<'a> {
    info: &'a ModuleInfo,
    code: Code,
    // The body at hand.
    offset: u32,
    runs: &'a [Run],
    frame_slots: u32,
    results: u32,
    constructs: Vec<Construct>,
    /// The instructions that labels are; of a construct whose `end` has not come, `NONE`.
    labels: Vec<u32>,
    /// The instructions that go behind an `end`. Until the body ends their targets are places in `labels`, as all targets
    /// of its tables are. Both are then gone through in order, so that only `labels` is read out of order.
    to_ends: Vec<u32>,
    /// Constructs opened in dead code and not yet closed.
    dead_constructs: u32,
    live: bool,
    /// Height in the frame: parameters, declared locals, operands.
    height: u32,
    height_max: u32,
    /// The parser's own memory, from body to body.
    reusable: OperatorsReaderAllocations,
}

/// A length. There are at most three instructions to a byte of a module, which has at most 2^30.
fn small(length: usize) -> u32 {
    u32::try_from(length).expect("validated: modules are small")
}

impl<'a> Decoder<'a> {
    fn new(info: &'a ModuleInfo) -> Self {
        Decoder {
            info,
            code: Code { imported_functions: info.imported_functions, ..Code::default() },
            offset: 0,
            runs: &[],
            frame_slots: 0,
            results: 0,
            constructs: Vec::new(),
            labels: Vec::new(),
            to_ends: Vec::new(),
            dead_constructs: 0,
            live: false,
            height: 0,
            height_max: 0,
            reusable: OperatorsReaderAllocations::default(),
        }
    }

    fn body(&mut self, bytes: &[u8], index: usize, body: &Body, plan: FunctionPlan<'a>) {
        let ty = self.info.function_type(self.info.imported_functions + small(index));
        let (parameters, results) = (small(ty.params().len()), small(ty.results().len()));
        let range = body.bytes.start as usize..body.bytes.end as usize;
        let reader = FunctionBody::new(BinaryReader::new(&bytes[range], body.bytes.start.into()));
        let mut locals = reader.get_locals_reader().expect("validated");
        let mut declared_locals = 0;
        for _ in 0..locals.get_count() {
            declared_locals += locals.read().expect("validated").0;
        }

        self.offset = body.operators;
        self.runs = plan.runs();
        self.frame_slots = plan.frame_slots();
        self.results = results;
        self.constructs.clear();
        self.labels.clear();
        self.dead_constructs = 0;
        self.live = true;
        self.height = parameters + declared_locals;
        self.height_max = self.height;
        let base = self.height;
        self.open(Kind::Block, 0, results);

        let entry = self.next();
        self.code.functions.push(Function { entry, parameters, frame_slots: self.frame_slots });
        // The first run pays for entry, so it is never free, and it is a run of its own where a `loop` comes first.
        let entry_run = self.charge();
        assert!(entry_run, "the plan charges every entry");
        let enter = self.next();
        let first_target = self.code.targets.len();
        self.emit(Instr::Enter { declared_locals, operand_height: 0 });

        let reusable = mem::take(&mut self.reusable);
        let mut operators = OperatorsReader::new_with_allocs(locals.get_binary_reader(), reusable);
        while !operators.eof() {
            self.offset = u32::try_from(operators.original_position()).expect("validated: modules are small");
            operators.visit_operator(self).expect("validated");
        }
        self.reusable = operators.into_allocations();
        assert!(
            self.constructs.is_empty() && self.dead_constructs == 0,
            "the body and its constructs end together"
        );
        self.emit(Instr::Leave { results, frame_slots: self.frame_slots });
        self.resolve(first_target);

        let operand_height = self.height_max - base;
        self.code.instrs[enter as usize] = Instr::Enter { declared_locals, operand_height };
        // Two readings of the law must agree: the plan's, which counts the frame, and this one, which makes room for it.
        assert_eq!(operand_height, plan.operand_height(), "operand height, function {index}");
        assert_eq!((parameters, declared_locals), (plan.parameters(), plan.declared_locals()));
        assert!(self.runs.is_empty(), "a run starts where no live operator is: {:?}", self.runs);
    }

    /// The index of the instruction that comes next.
    fn next(&self) -> u32 {
        small(self.code.instrs.len())
    }

    fn emit(&mut self, instr: Instr) {
        self.code.instrs.push(instr);
        self.code.offsets.push(self.offset);
    }

    /// Charges for the run that starts at this operator, if one does.
    fn charge(&mut self) -> bool {
        match self.runs {
            [run, rest @ ..] if run.offset == self.offset => {
                self.emit(Instr::Charge { price: run.price });
                self.runs = rest;
                true
            }
            _ => false,
        }
    }

    fn pop(&mut self, count: u32) {
        self.height = self.height.checked_sub(count).expect("validated: operands are there");
    }

    fn push(&mut self, count: u32) {
        self.height = self.height.checked_add(count).expect("validated: heights are limited");
        self.height_max = self.height_max.max(self.height);
    }

    /// An operator that goes on with the next one.
    #[inline]
    fn operator(&mut self, instr: Instr, pops: u32, pushes: u32) {
        if self.live {
            self.charge();
            self.emit(instr);
            self.pop(pops);
            self.push(pushes);
        }
    }

    /// An operator that always transfers control.
    fn transfer(&mut self, instr: Instr) {
        if self.live {
            self.charge();
            self.emit(instr);
            self.live = false;
        }
    }

    fn open(&mut self, kind: Kind, parameters: u32, results: u32) {
        self.pop(parameters);
        let base = self.height;
        self.constructs.push(Construct { kind, base, parameters, results, label: NONE });
        self.push(parameters);
    }

    fn block_type(&self, ty: BlockType) -> (u32, u32) {
        match ty {
            BlockType::Empty => (0, 0),
            BlockType::Type(_) => (0, 1),
            BlockType::FuncType(index) => self.call_type(index),
        }
    }

    fn call_type(&self, type_index: u32) -> (u32, u32) {
        let ty = &self.info.types[type_index as usize];
        (small(ty.params().len()), small(ty.results().len()))
    }

    fn function_type(&self, function: u32) -> (u32, u32) {
        self.call_type(self.info.functions[function as usize])
    }

    /// A construct to which something goes.
    fn label(&mut self, depth: u32) -> &Construct {
        let index = self.constructs.len() - 1 - depth as usize;
        let construct = &mut self.constructs[index];
        if construct.label == NONE {
            construct.label = small(self.labels.len());
            self.labels.push(if let Kind::Loop(start) = construct.kind { start } else { NONE });
        }
        construct
    }

    /// The branch that the next instruction makes to a label.
    fn branch(&mut self, depth: u32) -> Branch {
        let next = self.next();
        let construct = self.label(depth);
        let (arity, height) = (construct.label_arity(), construct.base);
        let target = match construct.kind {
            Kind::Loop(start) => start,
            _ => {
                let label = construct.label;
                self.to_ends.push(next);
                label
            }
        };
        Branch { target, arity, height }
    }

    fn table_label(&mut self, depth: u32) {
        let construct = self.label(depth);
        let target = Target { target: construct.label, height: construct.base };
        self.code.targets.push(target);
    }

    /// Lets everything in the body go where its label is; its first table begins at `first_target`.
    fn resolve(&mut self, first_target: usize) {
        for at in self.to_ends.drain(..) {
            let target = match &mut self.code.instrs[at as usize] {
                Instr::Br { branch } | Instr::BrIf { branch } => &mut branch.target,
                Instr::Else { end } => end,
                other => unreachable!("{other:?} has no label"),
            };
            *target = self.labels[*target as usize];
        }
        for target in &mut self.code.targets[first_target..] {
            target.target = self.labels[target.target as usize];
        }
    }

    /// Lets an `if` whose condition is 0 go to the next instruction.
    fn resolve_if(&mut self, index: u32) {
        let otherwise = self.next();
        self.code.instrs[index as usize] = Instr::If { otherwise };
    }
}

/// Control, operator by operator.
impl Decoder<'_> {
    fn block(&mut self, ty: BlockType) {
        if !self.live {
            self.dead_constructs += 1;
            return;
        }
        self.operator(Instr::Block, 0, 0);
        let (parameters, results) = self.block_type(ty);
        self.open(Kind::Block, parameters, results);
    }

    fn loop_(&mut self, ty: BlockType) {
        if !self.live {
            self.dead_constructs += 1;
            return;
        }
        // The label is the charge before the loop: every iteration pays.
        let start = self.next();
        assert!(self.charge(), "the plan charges every loop");
        self.emit(Instr::Loop);
        let (parameters, results) = self.block_type(ty);
        self.open(Kind::Loop(start), parameters, results);
    }

    fn if_(&mut self, ty: BlockType) {
        if !self.live {
            self.dead_constructs += 1;
            return;
        }
        self.operator(Instr::If { otherwise: NONE }, 1, 0);
        let (parameters, results) = self.block_type(ty);
        self.open(Kind::If(self.next() - 1), parameters, results);
    }

    fn else_(&mut self) {
        if self.dead_constructs > 0 {
            return;
        }
        if self.live {
            self.charge();
        }
        let Construct { kind, base, parameters, label: end, .. } = *self.label(0);
        let Kind::If(if_index) = kind else { unreachable!("validated: an `else` has its `if`") };
        self.to_ends.push(self.next());
        self.constructs.last_mut().expect("a construct has just been found").kind = Kind::Block;
        self.emit(Instr::Else { end });
        self.resolve_if(if_index);
        self.live = true;
        self.height = base;
        self.push(parameters);
    }

    fn end(&mut self) {
        if self.dead_constructs > 0 {
            self.dead_constructs -= 1;
            return;
        }
        if self.live {
            self.charge();
        }
        self.emit(Instr::End);
        let construct = self.constructs.pop().expect("validated: an `end` has its opening");
        if let Kind::If(index) = construct.kind {
            self.resolve_if(index);
        }
        // The label of a loop is its start.
        if construct.label != NONE && !matches!(construct.kind, Kind::Loop(_)) {
            self.labels[construct.label as usize] = self.next();
        }
        self.live = !self.constructs.is_empty();
        self.height = construct.base;
        self.push(construct.results);
    }

    fn br(&mut self, depth: u32) {
        if self.live {
            self.charge();
            let branch = self.branch(depth);
            self.emit(Instr::Br { branch });
            self.live = false;
        }
    }

    fn br_if(&mut self, depth: u32) {
        if self.live {
            self.charge();
            let branch = self.branch(depth);
            self.emit(Instr::BrIf { branch });
            self.pop(1);
        }
    }

    fn br_table(&mut self, table: &BrTable<'_>) {
        if self.live {
            let first = small(self.code.targets.len());
            for depth in table.targets() {
                self.table_label(depth.expect("validated"));
            }
            self.table_label(table.default());
            let arity = self.label(table.default()).label_arity();
            self.transfer(Instr::BrTable { first, count: table.len() + 1, arity });
        }
    }

    fn call(&mut self, function: u32) {
        if self.live {
            let (parameters, results) = self.function_type(function);
            self.operator(Instr::Call { function }, parameters, results);
        }
    }

    fn call_indirect(&mut self, type_index: u32, table: u32) {
        if self.live {
            let (parameters, results) = self.call_type(type_index);
            self.pop(1);
            self.operator(Instr::CallIndirect { type_index, table }, parameters, results);
        }
    }

    fn return_(&mut self) {
        self.transfer(Instr::Return { results: self.results, frame_slots: self.frame_slots });
    }

    fn return_call(&mut self, function: u32) {
        self.transfer(Instr::ReturnCall { function, frame_slots: self.frame_slots });
    }

    fn return_call_indirect(&mut self, type_index: u32, table: u32) {
        self.transfer(Instr::ReturnCallIndirect { type_index, table, frame_slots: self.frame_slots });
    }
}

/// Any access lies within 32 bits: a memory has no more.
fn memory_offset(memarg: MemArg) -> u32 {
    u32::try_from(memarg.offset).expect("validated: the offset of a 32-bit memory")
}

/// What each operator becomes: `proposal Operator(decoder, immediates...) (arity pops -> pushes)`.
macro_rules! decode {
    // Control.
    ($p:ident Unreachable($d:ident) $a:tt) => {
        $d.transfer(Instr::Unreachable)
    };
    ($p:ident Block($d:ident, $ty:ident) $a:tt) => {
        $d.block($ty)
    };
    ($p:ident Loop($d:ident, $ty:ident) $a:tt) => {
        $d.loop_($ty)
    };
    ($p:ident If($d:ident, $ty:ident) $a:tt) => {
        $d.if_($ty)
    };
    ($p:ident Else($d:ident) $a:tt) => {
        $d.else_()
    };
    ($p:ident End($d:ident) $a:tt) => {
        $d.end()
    };
    ($p:ident Br($d:ident, $depth:ident) $a:tt) => {
        $d.br($depth)
    };
    ($p:ident BrIf($d:ident, $depth:ident) $a:tt) => {
        $d.br_if($depth)
    };
    ($p:ident BrTable($d:ident, $table:ident) $a:tt) => {
        $d.br_table(&$table)
    };
    ($p:ident Return($d:ident) $a:tt) => {
        $d.return_()
    };
    ($p:ident Call($d:ident, $function:ident) $a:tt) => {
        $d.call($function)
    };
    ($p:ident CallIndirect($d:ident, $ty:ident, $table:ident) $a:tt) => {
        $d.call_indirect($ty, $table)
    };
    ($p:ident ReturnCall($d:ident, $function:ident) $a:tt) => {
        $d.return_call($function)
    };
    ($p:ident ReturnCallIndirect($d:ident, $ty:ident, $table:ident) $a:tt) => {
        $d.return_call_indirect($ty, $table)
    };

    // Operators with immediates.
    ($p:ident LocalGet($d:ident, $i:ident) $a:tt) => {
        decode!($d, Instr::LocalGet { local: $i }, $a)
    };
    ($p:ident LocalSet($d:ident, $i:ident) $a:tt) => {
        decode!($d, Instr::LocalSet { local: $i }, $a)
    };
    ($p:ident LocalTee($d:ident, $i:ident) $a:tt) => {
        decode!($d, Instr::LocalTee { local: $i }, $a)
    };
    ($p:ident GlobalGet($d:ident, $i:ident) $a:tt) => {
        decode!($d, Instr::GlobalGet { global: $i }, $a)
    };
    ($p:ident GlobalSet($d:ident, $i:ident) $a:tt) => {
        decode!($d, Instr::GlobalSet { global: $i }, $a)
    };
    ($p:ident RefNull($d:ident, $ty:ident) $a:tt) => {
        decode!($d, Instr::RefNull, $a)
    };
    ($p:ident RefFunc($d:ident, $i:ident) $a:tt) => {
        decode!($d, Instr::RefFunc { function: $i }, $a)
    };
    ($p:ident TypedSelect($d:ident, $ty:ident) $a:tt) => {
        decode!($d, Instr::TypedSelect, $a)
    };
    ($p:ident TableGet($d:ident, $i:ident) $a:tt) => {
        decode!($d, Instr::TableGet { table: $i }, $a)
    };
    ($p:ident TableSet($d:ident, $i:ident) $a:tt) => {
        decode!($d, Instr::TableSet { table: $i }, $a)
    };
    ($p:ident TableSize($d:ident, $i:ident) $a:tt) => {
        decode!($d, Instr::TableSize { table: $i }, $a)
    };
    ($p:ident TableGrow($d:ident, $i:ident) $a:tt) => {
        decode!($d, Instr::TableGrow { table: $i }, $a)
    };
    ($p:ident TableFill($d:ident, $i:ident) $a:tt) => {
        decode!($d, Instr::TableFill { table: $i }, $a)
    };
    ($p:ident TableCopy($d:ident, $to:ident, $from:ident) $a:tt) => {
        decode!($d, Instr::TableCopy { destination: $to, source: $from }, $a)
    };
    ($p:ident TableInit($d:ident, $i:ident, $table:ident) $a:tt) => {
        decode!($d, Instr::TableInit { segment: $i, table: $table }, $a)
    };
    ($p:ident ElemDrop($d:ident, $i:ident) $a:tt) => {
        decode!($d, Instr::ElemDrop { segment: $i }, $a)
    };
    ($p:ident MemorySize($d:ident, $memory:ident) $a:tt) => {
        decode!($d, Instr::MemorySize, $a)
    };
    ($p:ident MemoryGrow($d:ident, $memory:ident) $a:tt) => {
        decode!($d, Instr::MemoryGrow, $a)
    };
    ($p:ident MemoryFill($d:ident, $memory:ident) $a:tt) => {
        decode!($d, Instr::MemoryFill, $a)
    };
    ($p:ident MemoryCopy($d:ident, $to:ident, $from:ident) $a:tt) => {
        decode!($d, Instr::MemoryCopy, $a)
    };
    ($p:ident MemoryInit($d:ident, $i:ident, $memory:ident) $a:tt) => {
        decode!($d, Instr::MemoryInit { segment: $i }, $a)
    };
    ($p:ident DataDrop($d:ident, $i:ident) $a:tt) => {
        decode!($d, Instr::DataDrop { segment: $i }, $a)
    };
    ($p:ident I32Const($d:ident, $i:ident) $a:tt) => {
        decode!($d, Instr::I32Const { value: $i as u32 }, $a)
    };
    ($p:ident I64Const($d:ident, $i:ident) $a:tt) => {
        decode!($d, Instr::I64Const { value: $i as u64 }, $a)
    };
    ($p:ident F32Const($d:ident, $z:ident) $a:tt) => {
        decode!($d, Instr::F32Const { bits: $z.bits() }, $a)
    };
    ($p:ident F64Const($d:ident, $z:ident) $a:tt) => {
        decode!($d, Instr::F64Const { bits: $z.bits() }, $a)
    };

    // The rest of the accepted proposals: loads and stores, and operators without immediates.
    (mvp $op:ident($d:ident, $memarg:ident) $a:tt) => {
        decode!($d, Instr::$op { offset: memory_offset($memarg) }, $a)
    };
    (mvp $op:ident($d:ident) $a:tt) => {
        decode!($d, Instr::$op, $a)
    };
    (sign_extension $op:ident($d:ident) $a:tt) => {
        decode!($d, Instr::$op, $a)
    };
    (saturating_float_to_int $op:ident($d:ident) $a:tt) => {
        decode!($d, Instr::$op, $a)
    };
    (reference_types $op:ident($d:ident) $a:tt) => {
        decode!($d, Instr::$op, $a)
    };

    // All others.
    ($p:ident $op:ident($($any:tt)*) $a:tt) => {
        unreachable!(concat!("validated: ", stringify!($op), " is not accepted"))
    };
    ($d:ident, $instr:expr, (arity $(memarg)? $pops:literal -> $pushes:literal)) => {
        $d.operator($instr, $pops, $pushes)
    };
}

macro_rules! define_visit {
    ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident $ann:tt)*) => {
        $(
            #[allow(unused_variables, reason = "types and the only memory are of no interest any more")]
            fn $visit(&mut self $($(, $arg: $ty)*)?) {
                decode!($proposal $op(self $($(, $arg)*)?) $ann)
            }
        )*
    };
}

impl<'a> VisitOperator<'a> for Decoder<'_> {
    type Output = ();

    wasmparser::for_each_visit_operator!(define_visit);
}
