//! The planner: from operators, in order, to a [`Plan`].
//!
//! Owns what a run is, which code is live and how high the operand stack gets; all of it is syntax. Whoever decodes a
//! module drives it: a validator hands each operator to its own rules and to the planner in one decode, and [`plan`]
//! decodes a module for the planner alone. It must not know validation beyond refusing what it cannot count.
//!
//! ```text
//!   body      local.get  i32.eqz  if   call   local.set  else  br    i32.add  end   nop  end
//!   live      +          +        +    +      +          +     +     -        +     +    +
//!   runs      [1                  ]    [2  ]  [3         ]     [4 ]                 [5       ]
//! ```
//! `if`, `else`, `end`, `br_if`, `call` and `call_indirect` end a run, `loop` begins one; an unconditional transfer is
//! the last operator of its run, and what follows is dead up to the `else` or `end` that closes the construct.

use crate::plan::{Entry, FunctionPlan, NO_BRANCH, NO_LATCH, Plan, Run};
use crate::webs::Webs;
use crate::{Op, Schedule};
use alloc::{boxed::Box, vec::Vec};
use wasmparser::{
    BinaryReader, BinaryReaderError, BlockType, BrTable, DataKind, ElementItems, ElementKind, FunctionBody,
    Parser, Payload, TypeRef, ValType, VisitOperator,
};

/// Why a module could not be planned. Says where, in bytes from the start of the module.
#[derive(Debug, thiserror::Error)]
#[error("{kind} (at offset {offset:#x})")]
pub struct PlanError {
    kind: Box<PlanErrorKind>,
    offset: u64,
}

impl PlanError {
    #[cold]
    fn new(kind: PlanErrorKind, offset: u64) -> Self {
        PlanError { kind: Box::new(kind), offset }
    }

    /// What is wrong.
    pub fn kind(&self) -> &PlanErrorKind {
        &self.kind
    }

    /// Where, in bytes from the start of the module.
    pub fn offset(&self) -> u64 {
        self.offset
    }
}

impl From<BinaryReaderError> for PlanError {
    fn from(error: BinaryReaderError) -> Self {
        let offset = error.offset();
        PlanError::new(PlanErrorKind::Malformed(error), offset)
    }
}

/// The kinds of [`PlanError`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanErrorKind {
    /// The bytes cannot be decoded.
    #[error("{0}")]
    Malformed(BinaryReaderError),
    /// The operator belongs to a proposal that has no prices here.
    #[error("`{0}` has no price: the operator belongs to a proposal that is not supported")]
    Unpriced(&'static str),
    /// An index names no type, function or label.
    #[error("there is no {space} {index}")]
    Unknown {
        /// What is indexed: `type`, `function` or `label`.
        space: &'static str,
        /// The index.
        index: u32,
    },
    /// An operator takes more operands than there are.
    #[error("the operand stack is empty")]
    Underflow,
    /// The body ends inside a construct, or goes on behind its end.
    #[error("the body and its constructs do not end together")]
    Unbalanced,
    /// A number is above what any engine's limits allow.
    #[error("{0} is above every ceiling")]
    TooLarge(&'static str),
}

type Result<T = (), E = PlanError> = core::result::Result<T, E>;

/// How many values a type takes and gives.
#[derive(Clone, Copy, Debug, Default)]
struct Arity {
    parameters: u32,
    results: u32,
}

/// A construct whose opening operator was live.
#[derive(Clone, Copy, Debug)]
struct Construct {
    is_loop: bool,
    /// Height of the operand stack below the construct's parameters.
    base: u32,
    arity: Arity,
    /// A loop's place among the latches, and where it begins.
    latch: u32,
    start: u32,
}

impl Construct {
    /// How many values a branch to it takes: the parameters of a loop, else the results.
    fn label_arity(&self) -> u32 {
        if self.is_loop { self.arity.parameters } else { self.arity.results }
    }
}

/// Stands for itself and everything above it where a number of values has seven bits.
const MANY: u8 = 0x7f;

/// The eighth: the label is a loop's.
const LOOP: u8 = 0x80;

/// Behind every operator: modules are smaller than 4 GiB.
const NOWHERE: u32 = u32::MAX;

/// Whether an operator that control goes straight through may trap, or do what is seen elsewhere than in locals and operands.
const fn may_be_seen(op: Op) -> bool {
    matches!(
        op,
        Op::GlobalSet
            | Op::TableGet
            | Op::TableSet
            | Op::TableGrow
            | Op::TableFill
            | Op::TableCopy
            | Op::TableInit
            | Op::ElemDrop
            | Op::MemoryGrow
            | Op::MemoryFill
            | Op::MemoryCopy
            | Op::MemoryInit
            | Op::DataDrop
            | Op::I32Load
            | Op::I64Load
            | Op::F32Load
            | Op::F64Load
            | Op::I32Load8S
            | Op::I32Load8U
            | Op::I32Load16S
            | Op::I32Load16U
            | Op::I64Load8S
            | Op::I64Load8U
            | Op::I64Load16S
            | Op::I64Load16U
            | Op::I64Load32S
            | Op::I64Load32U
            | Op::I32Store
            | Op::I64Store
            | Op::F32Store
            | Op::F64Store
            | Op::I32Store8
            | Op::I32Store16
            | Op::I64Store8
            | Op::I64Store16
            | Op::I64Store32
            | Op::I32DivS
            | Op::I32DivU
            | Op::I32RemS
            | Op::I32RemU
            | Op::I64DivS
            | Op::I64DivU
            | Op::I64RemS
            | Op::I64RemU
            | Op::I32TruncF32S
            | Op::I32TruncSatF32S
            | Op::F32ConvertI32S
            | Op::I32TruncF32U
            | Op::I32TruncSatF32U
            | Op::F32ConvertI32U
            | Op::I32TruncF64S
            | Op::I32TruncSatF64S
            | Op::F64ConvertI32S
            | Op::I32TruncF64U
            | Op::I32TruncSatF64U
            | Op::F64ConvertI32U
            | Op::I64TruncF32S
            | Op::I64TruncSatF32S
            | Op::F32ConvertI64S
            | Op::I64TruncF32U
            | Op::I64TruncSatF32U
            | Op::F32ConvertI64U
            | Op::I64TruncF64S
            | Op::I64TruncSatF64S
            | Op::F64ConvertI64S
            | Op::I64TruncF64U
            | Op::I64TruncSatF64U
            | Op::F64ConvertI64U
            | Op::F32DemoteF64
            | Op::F64PromoteF32
    )
}

/// Loops beyond this many do not raise a local's weight any further.
const WEIGHED_LOOPS: u32 = 6;

/// Makes a [`Plan`] from a module's sections and operators, handed over in their order.
///
/// Feed it types and functions first, then each body between [`begin_function`](Self::begin_function) and
/// [`end_function`](Self::end_function): every operator is one call of [`at`](Self::at) followed by the operator's
/// method of [`VisitOperator`]. It keeps nothing of a body but its runs and webs, and works in time linear in the
/// operators.
pub struct Planner<'s> {
    schedule: &'s Schedule,
    plan: Plan,
    arities: Vec<Arity>,
    function_types: Vec<u32>,
    // The body at hand.
    offset: u32,
    constructs: Vec<Construct>,
    /// How many values a branch to each of them takes, up to [`MANY`], and whether it is a [`LOOP`]. Branches go anywhere, so
    /// what they read is small.
    labels: Vec<u8>,
    /// Constructs opened in dead code and not yet closed.
    dead_constructs: u32,
    live: bool,
    height: u32,
    height_max: u32,
    /// Offset and price so far of the run at hand; [`NOWHERE`] while its first operator has not come.
    run_offset: u32,
    run_price: u64,
    /// Where the last operator stands that may trap or be seen.
    last_seen: u32,
    loops: u32,
    /// What a use counts for here: 8 to the power of the loops around, up to [`WEIGHED_LOOPS`].
    use_weight: u32,
    call_weight: u32,
    parameters: u32,
    declared_locals: u32,
    webs: Webs,
}

impl<'s> Planner<'s> {
    /// A planner of one module under this schedule.
    pub fn new(schedule: &'s Schedule) -> Self {
        Planner {
            schedule,
            plan: Plan { instantiation_price: schedule.prices.instantiation_base.into(), ..Plan::default() },
            arities: Vec::new(),
            function_types: Vec::new(),
            offset: 0,
            constructs: Vec::new(),
            labels: Vec::new(),
            dead_constructs: 0,
            live: false,
            height: 0,
            height_max: 0,
            run_offset: NOWHERE,
            run_price: 0,
            last_seen: 0,
            loops: 0,
            use_weight: 1,
            call_weight: 0,
            parameters: 0,
            declared_locals: 0,
            webs: Webs::default(),
        }
    }

    /// Looks at a type section, without its id and size, before it is read: who reads a group of recursive types makes
    /// room for as many as it says it has, which may be a million in a few bytes. No accepted module has a group; here only
    /// those are refused that say more than there are bytes for. `offset` is where the section begins.
    ///
    /// # Errors
    /// [`PlanErrorKind::TooLarge`] for such a group. What cannot be read is for the section's reader to refuse.
    pub fn check_types(section: &[u8], offset: u64) -> Result {
        const GROUP: u8 = 0x4e;
        const FUNCTION: u8 = 0x60;
        let mut reader = BinaryReader::new(section, offset);
        let mut too_many = || -> core::result::Result<bool, BinaryReaderError> {
            for _ in 0..reader.read_var_u32()? {
                match reader.read_u8()? {
                    FUNCTION => {}
                    GROUP => return Ok(reader.read_var_u32()? as usize > reader.bytes_remaining()),
                    _ => return Ok(false),
                }
                // Parameters, then results.
                for _ in 0..2 {
                    for _ in 0..reader.read_var_u32()? {
                        reader.read::<ValType>()?;
                    }
                }
            }
            Ok(false)
        };
        if too_many().unwrap_or(false) {
            let kind = PlanErrorKind::TooLarge("the number of types in a group");
            return Err(PlanError::new(kind, reader.original_position()));
        }
        Ok(())
    }

    /// The next type of the module: a function type with so many parameters and results.
    pub fn add_type(&mut self, parameters: u32, results: u32) {
        self.arities.push(Arity { parameters, results });
    }

    /// The next function of the module, imported or defined, by its type.
    pub fn add_function(&mut self, type_index: u32) {
        self.function_types.push(type_index);
    }

    /// A memory that the module defines.
    ///
    /// # Errors
    /// [`PlanErrorKind::TooLarge`] when the price of instantiation leaves 64 bits; see [`Self::add_table`] and others.
    pub fn add_memory(&mut self, minimum_pages: u64) -> Result {
        self.instantiation(minimum_pages, self.schedule.prices.instantiation_memory_page)
    }

    /// A table that the module defines.
    ///
    /// # Errors
    /// As [`Self::add_memory`].
    pub fn add_table(&mut self, minimum_elements: u64) -> Result {
        self.instantiation(minimum_elements, self.schedule.prices.instantiation_table_element)
    }

    /// A global that the module defines.
    ///
    /// # Errors
    /// As [`Self::add_memory`].
    pub fn add_global(&mut self) -> Result {
        self.instantiation(1, self.schedule.prices.instantiation_global)
    }

    /// An active data segment of so many bytes.
    ///
    /// # Errors
    /// As [`Self::add_memory`].
    pub fn add_active_data(&mut self, bytes: u64) -> Result {
        self.instantiation(bytes, self.schedule.prices.instantiation_data_byte)
    }

    /// An active element segment of so many items.
    ///
    /// # Errors
    /// As [`Self::add_memory`].
    pub fn add_active_elements(&mut self, items: u64) -> Result {
        self.instantiation(items, self.schedule.prices.instantiation_element_item)
    }

    fn instantiation(&mut self, count: u64, price: u32) -> Result {
        let total =
            count.checked_mul(price.into()).and_then(|part| self.plan.instantiation_price.checked_add(part));
        self.plan.instantiation_price =
            total.ok_or_else(|| self.error(PlanErrorKind::TooLarge("the price of instantiation")))?;
        Ok(())
    }

    /// Begins the next body, of a function with this type that declares so many locals beside its parameters. A body that was
    /// begun before and not ended is forgotten.
    ///
    /// # Errors
    /// [`PlanErrorKind::Unknown`] when there is no such type.
    pub fn begin_function(&mut self, type_index: u32, declared_locals: u32) -> Result {
        let arity = self.type_arity(type_index)?;
        let (runs_end, latches_end) =
            self.plan.functions.last().map_or((0, 0), |function| (function.runs_end, function.latches_end));
        self.plan.runs.truncate(runs_end as usize);
        self.plan.latches.truncate(latches_end as usize);
        self.constructs.clear();
        self.labels.clear();
        self.enter(Construct {
            is_loop: false,
            base: 0,
            arity: Arity { parameters: 0, results: arity.results },
            latch: 0,
            start: 0,
        });
        self.dead_constructs = 0;
        self.live = true;
        self.height = 0;
        self.height_max = 0;
        self.run_offset = NOWHERE;
        let prices = &self.schedule.prices;
        self.run_price = u64::from(prices.entry) + u64::from(prices.local) * u64::from(declared_locals);
        self.last_seen = 0;
        self.loops = 0;
        self.use_weight = 1;
        self.call_weight = 0;
        self.parameters = arity.parameters;
        self.declared_locals = declared_locals;
        self.webs.begin();
        Ok(())
    }

    /// Where the operator that comes next stands, in bytes from the start of the module.
    #[inline]
    pub fn at(&mut self, offset: u32) {
        self.offset = offset;
    }

    /// What [`at`](Self::at) was last told.
    pub fn position(&self) -> u32 {
        self.offset
    }

    /// What the frame of the function ended last counts for, in slots of 8 bytes; 0 before the first.
    pub fn last_frame_slots(&self) -> u32 {
        let last = self.plan.functions.len().checked_sub(1).and_then(|index| self.plan.function(index));
        last.map_or(0, |function| function.frame_slots())
    }

    /// The plan of the function ended last.
    pub fn last_function(&self) -> Option<FunctionPlan<'_>> {
        self.plan.function(self.plan.functions.len().checked_sub(1)?)
    }

    /// Ends the body at hand.
    ///
    /// # Errors
    /// [`PlanErrorKind::Unbalanced`] when its last `end` has not come; [`PlanErrorKind::TooLarge`] when the module has
    /// more runs than 32 bits count.
    pub fn end_function(&mut self) -> Result {
        if !self.constructs.is_empty() || self.dead_constructs != 0 {
            return Err(self.error(PlanErrorKind::Unbalanced));
        }
        self.webs.end(&mut self.plan.webs);
        self.note_height();
        let count = |length: usize| u32::try_from(length);
        let (Ok(runs_end), Ok(webs_end)) = (count(self.plan.runs.len()), count(self.plan.webs.len())) else {
            return Err(self.error(PlanErrorKind::TooLarge("the number of runs")));
        };
        self.plan.functions.push(Entry {
            runs_end,
            webs_end,
            // Loops are fewer than bytes.
            latches_end: self.plan.latches.len() as u32,
            parameters: self.parameters,
            declared_locals: self.declared_locals,
            operand_height: self.height_max,
            call_weight: self.call_weight,
        });
        Ok(())
    }

    /// Whether the operator that comes next is live. Between an unconditional transfer and the `else` or `end` that
    /// closes the construct it stands in, operators are dead; that `else` or `end` itself is live again.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// Height of the operand stack, in values, where code is live.
    pub fn operand_height(&self) -> u32 {
        self.height
    }

    /// The finished plan.
    pub fn finish(mut self) -> Plan {
        self.plan.functions.shrink_to_fit();
        self.plan.runs.shrink_to_fit();
        self.plan.webs.shrink_to_fit();
        self.plan.latches.shrink_to_fit();
        self.plan
    }

    #[cold]
    fn error(&self, kind: PlanErrorKind) -> PlanError {
        PlanError::new(kind, self.offset.into())
    }

    #[cold]
    fn unknown(&self, space: &'static str, index: u32) -> PlanError {
        self.error(PlanErrorKind::Unknown { space, index })
    }

    fn type_arity(&self, index: u32) -> Result<Arity> {
        self.arities.get(index as usize).copied().ok_or_else(|| self.unknown("type", index))
    }

    fn function_arity(&self, index: u32) -> Result<Arity> {
        let type_index =
            self.function_types.get(index as usize).ok_or_else(|| self.unknown("function", index))?;
        self.type_arity(*type_index)
    }

    fn block_arity(&self, ty: BlockType) -> Result<Arity> {
        match ty {
            BlockType::Empty => Ok(Arity { parameters: 0, results: 0 }),
            BlockType::Type(_) => Ok(Arity { parameters: 0, results: 1 }),
            BlockType::FuncType(index) => self.type_arity(index),
        }
    }

    fn enter(&mut self, construct: Construct) {
        let arity = construct.label_arity().min(MANY.into()) as u8;
        self.labels.push(if construct.is_loop { arity | LOOP } else { arity });
        self.constructs.push(construct);
    }

    /// Which construct a label belongs to, whether it is a loop, and how many values a branch to it takes.
    fn label(&self, depth: u32) -> Result<(usize, bool, u32)> {
        let index = self.constructs.len().checked_sub(1).and_then(|last| last.checked_sub(depth as usize));
        let index = index.ok_or_else(|| self.unknown("label", depth))?;
        let label = self.labels[index];
        let arity = match label & !LOOP {
            MANY => self.constructs[index].label_arity(),
            arity => arity.into(),
        };
        Ok((index, label & LOOP != 0, arity))
    }

    /// Notes that the run at hand goes back to a loop's head.
    fn note_latch(&mut self, construct: usize) {
        let Construct { latch, start, .. } = self.constructs[construct];
        let function_runs = self.plan.functions.last().map_or(0, |function| function.runs_end as usize);
        let is_unseen = start < self.last_seen && self.last_seen < self.run_offset && self.run_price > 0;
        let latch = &mut self.plan.latches[latch as usize];
        *latch = match *latch {
            // Runs are counted when the body ends.
            NO_BRANCH if is_unseen => (self.plan.runs.len() - function_runs) as u32,
            _ => NO_LATCH,
        };
    }

    /// Notes that the operator at hand may trap or be seen.
    #[inline]
    fn see(&mut self) {
        self.last_seen = self.offset;
    }

    /// Puts a live operator into the run at hand.
    #[inline]
    fn price(&mut self, op: Op) {
        // Offsets only grow, so that this is the first one's.
        self.run_offset = self.run_offset.min(self.offset);
        self.run_price += u64::from(self.schedule.price(op));
    }

    /// Adds the part of a price that is paid per value moved. Sums stay far below 64 bits: see [`PRICE_CEILING`].
    ///
    /// [`PRICE_CEILING`]: crate::PRICE_CEILING
    #[inline]
    fn price_slots(&mut self, slots: u32, each: u32) {
        self.run_price += u64::from(slots) * u64::from(each);
    }

    /// Ends the run at hand; the next operator starts another.
    ///
    /// Only one run can have a price and no operator: that of a body which begins with a `loop`. Entering the body is
    /// paid once, each iteration by the loop's own run, and both runs stand at the `loop`.
    fn end_run(&mut self) {
        if self.run_price > 0 {
            let offset = self.run_offset.min(self.offset);
            self.plan.runs.push(Run { offset, price: self.run_price });
        }
        self.run_offset = NOWHERE;
        self.run_price = 0;
    }

    /// Ends the run at hand with an unconditional transfer: what follows is dead.
    fn transfer(&mut self) {
        self.end_run();
        self.live = false;
    }

    /// Height grows until something is taken: only there a new maximum can stand.
    #[inline]
    fn note_height(&mut self) {
        self.height_max = self.height_max.max(self.height);
    }

    #[inline]
    fn pop(&mut self, count: u32) -> Result {
        self.note_height();
        self.height = self.height.checked_sub(count).ok_or_else(|| self.error(PlanErrorKind::Underflow))?;
        Ok(())
    }

    #[inline]
    fn push(&mut self, count: u32) -> Result {
        let height = self.height.checked_add(count);
        self.height = height.ok_or_else(|| self.error(PlanErrorKind::TooLarge("the operand height")))?;
        Ok(())
    }

    /// An operator that neither transfers control nor is priced per slot.
    #[inline(always)]
    fn plain(&mut self, op: Op, pops: u32, pushes: u32) -> Result {
        if self.live {
            self.price(op);
            if may_be_seen(op) {
                self.see();
            }
            if pops > 0 {
                self.pop(pops)?;
            }
            if pushes > 0 {
                self.push(pushes)?;
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn local(&mut self, op: Op, local: u32, pops: u32, pushes: u32) -> Result {
        if self.live {
            if local >= self.parameters.saturating_add(self.declared_locals) {
                return Err(self.unknown("local", local));
            }
            match op {
                Op::LocalGet => self.webs.get(local, self.offset, self.use_weight, self.call_weight),
                _ => self.webs.set(local, self.offset, self.use_weight, self.call_weight),
            }
        }
        self.plain(op, pops, pushes)
    }

    fn weigh(&mut self) {
        self.use_weight = 8u32.pow(self.loops.min(WEIGHED_LOOPS));
    }

    fn open(&mut self, op: Op, ty: BlockType) -> Result {
        if !self.live {
            self.dead_constructs += 1;
            return Ok(());
        }
        let arity = self.block_arity(ty)?;
        let is_loop = op == Op::Loop;
        // Loops are fewer than bytes.
        let latch = self.plan.latches.len() as u32;
        if is_loop {
            self.end_run();
            self.loops += 1;
            self.weigh();
            self.see();
            self.plan.latches.push(NO_BRANCH);
        }
        self.price(op);
        if op == Op::If {
            self.pop(1)?;
            self.end_run();
        }
        self.pop(arity.parameters)?;
        self.enter(Construct { is_loop, base: self.height, arity, latch, start: self.offset });
        self.webs.open(self.offset, is_loop);
        self.push(arity.parameters)
    }

    fn open_else(&mut self) -> Result {
        if self.dead_constructs > 0 {
            return Ok(());
        }
        let construct = *self.constructs.last().ok_or_else(|| self.error(PlanErrorKind::Unbalanced))?;
        if self.live {
            self.price(Op::Else);
        }
        self.end_run();
        self.webs.open_else(self.offset);
        self.live = true;
        self.note_height();
        self.height = construct.base;
        self.push(construct.arity.parameters)
    }

    fn close(&mut self) -> Result {
        if self.dead_constructs > 0 {
            self.dead_constructs -= 1;
            return Ok(());
        }
        let construct = self.constructs.pop().ok_or_else(|| self.error(PlanErrorKind::Unbalanced))?;
        self.labels.pop();
        self.webs.close(self.offset, construct.is_loop, self.call_weight);
        if construct.is_loop {
            self.loops -= 1;
            self.weigh();
        }
        if self.live {
            self.price(Op::End);
        }
        self.end_run();
        self.live = !self.constructs.is_empty();
        self.note_height();
        self.height = construct.base;
        self.push(construct.arity.results)
    }

    fn branch(&mut self, op: Op, depth: u32) -> Result {
        if !self.live {
            return Ok(());
        }
        let (construct, is_loop, arity) = self.label(depth)?;
        self.price(op);
        self.price_slots(arity, self.schedule.prices.branch_slot);
        if is_loop {
            self.note_latch(construct);
        }
        match op {
            Op::BrIf => {
                self.pop(1)?;
                self.end_run();
            }
            _ => self.transfer(),
        }
        Ok(())
    }

    fn return_(&mut self) -> Result {
        if !self.live {
            return Ok(());
        }
        let body = self.constructs.first().ok_or_else(|| self.error(PlanErrorKind::Unbalanced))?;
        let results = body.arity.results;
        self.price(Op::Return);
        self.price_slots(results, self.schedule.prices.branch_slot);
        self.transfer();
        Ok(())
    }

    fn call(&mut self, op: Op, arity: Arity) -> Result {
        self.call_weight = self.call_weight.saturating_add(self.use_weight);
        self.price(op);
        self.see();
        match op {
            Op::CallIndirect | Op::ReturnCallIndirect => self.pop(1)?,
            _ => {}
        }
        self.pop(arity.parameters)?;
        match op {
            Op::ReturnCall | Op::ReturnCallIndirect => {
                self.price_slots(arity.parameters, self.schedule.prices.tail_call_slot);
                self.transfer();
            }
            _ => {
                // Two products, so that no sum of slots is made in 32 bits.
                self.price_slots(arity.parameters, self.schedule.prices.call_slot);
                self.price_slots(arity.results, self.schedule.prices.call_slot);
                self.push(arity.results)?;
                self.end_run();
            }
        }
        Ok(())
    }
}

/// One method per operator. What moves control is written out; the rest follows from wasmparser's own arities.
macro_rules! define_visit {
    (one @mvp Unreachable => $visit:ident $ann:tt) => {
        fn $visit(&mut self) -> Result {
            if self.live {
                self.price(Op::Unreachable);
                self.transfer();
            }
            Ok(())
        }
    };
    (one @mvp Block { $($arg:tt)* } => $visit:ident $ann:tt) => {
        fn $visit(&mut self, ty: BlockType) -> Result {
            self.open(Op::Block, ty)
        }
    };
    (one @mvp Loop { $($arg:tt)* } => $visit:ident $ann:tt) => {
        fn $visit(&mut self, ty: BlockType) -> Result {
            self.open(Op::Loop, ty)
        }
    };
    (one @mvp If { $($arg:tt)* } => $visit:ident $ann:tt) => {
        fn $visit(&mut self, ty: BlockType) -> Result {
            self.open(Op::If, ty)
        }
    };
    (one @mvp Else => $visit:ident $ann:tt) => {
        fn $visit(&mut self) -> Result {
            self.open_else()
        }
    };
    (one @mvp End => $visit:ident $ann:tt) => {
        fn $visit(&mut self) -> Result {
            self.close()
        }
    };
    (one @mvp Br { $($arg:tt)* } => $visit:ident $ann:tt) => {
        fn $visit(&mut self, depth: u32) -> Result {
            self.branch(Op::Br, depth)
        }
    };
    (one @mvp BrIf { $($arg:tt)* } => $visit:ident $ann:tt) => {
        fn $visit(&mut self, depth: u32) -> Result {
            self.branch(Op::BrIf, depth)
        }
    };
    // All labels of a br_table have the arity of its default.
    (one @mvp BrTable { $($arg:tt)* } => $visit:ident $ann:tt) => {
        fn $visit(&mut self, targets: BrTable<'a>) -> Result {
            self.branch(Op::BrTable, targets.default())
        }
    };
    (one @mvp Return => $visit:ident $ann:tt) => {
        fn $visit(&mut self) -> Result {
            self.return_()
        }
    };
    (one @mvp Call { $($arg:tt)* } => $visit:ident $ann:tt) => {
        fn $visit(&mut self, function: u32) -> Result {
            if self.live { self.call(Op::Call, self.function_arity(function)?) } else { Ok(()) }
        }
    };
    (one @mvp CallIndirect { $($arg:tt)* } => $visit:ident $ann:tt) => {
        fn $visit(&mut self, type_index: u32, _table: u32) -> Result {
            if self.live { self.call(Op::CallIndirect, self.type_arity(type_index)?) } else { Ok(()) }
        }
    };
    (one @tail_call ReturnCall { $($arg:tt)* } => $visit:ident $ann:tt) => {
        fn $visit(&mut self, function: u32) -> Result {
            if self.live { self.call(Op::ReturnCall, self.function_arity(function)?) } else { Ok(()) }
        }
    };
    (one @tail_call ReturnCallIndirect { $($arg:tt)* } => $visit:ident $ann:tt) => {
        fn $visit(&mut self, type_index: u32, _table: u32) -> Result {
            if self.live { self.call(Op::ReturnCallIndirect, self.type_arity(type_index)?) } else { Ok(()) }
        }
    };
    (one @mvp LocalGet { $($arg:tt)* } => $visit:ident $ann:tt) => {
        fn $visit(&mut self, local: u32) -> Result {
            self.local(Op::LocalGet, local, 0, 1)
        }
    };
    (one @mvp LocalSet { $($arg:tt)* } => $visit:ident $ann:tt) => {
        fn $visit(&mut self, local: u32) -> Result {
            self.local(Op::LocalSet, local, 1, 0)
        }
    };
    (one @mvp LocalTee { $($arg:tt)* } => $visit:ident $ann:tt) => {
        fn $visit(&mut self, local: u32) -> Result {
            self.local(Op::LocalTee, local, 1, 1)
        }
    };
    (one @reference_types TypedSelectMulti { $($arg:tt)* } => $visit:ident $ann:tt) => {
        fn $visit(&mut self, _types: Vec<ValType>) -> Result {
            Err(self.error(PlanErrorKind::Unpriced("select with several types")))
        }
    };
    (one @mvp $($op:tt)*) => { define_visit!(plain $($op)*); };
    (one @sign_extension $($op:tt)*) => { define_visit!(plain $($op)*); };
    (one @saturating_float_to_int $($op:tt)*) => { define_visit!(plain $($op)*); };
    (one @bulk_memory $($op:tt)*) => { define_visit!(plain $($op)*); };
    (one @reference_types $($op:tt)*) => { define_visit!(plain $($op)*); };
    (one @$other:ident $op:ident $({ $($arg:ident: $ty:ty),* $(,)? })? => $visit:ident $ann:tt) => {
        fn $visit(&mut self $($(, _: $ty)*)?) -> Result {
            Err(self.error(PlanErrorKind::Unpriced(stringify!($op))))
        }
    };
    (plain $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident (arity $(memarg)? $pops:literal -> $pushes:literal)) => {
        #[inline]
        fn $visit(&mut self $($(, _: $ty)*)?) -> Result {
            self.plain(Op::$op, $pops, $pushes)
        }
    };
    ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident $ann:tt)*) => {
        $(define_visit!(one @$proposal $op $({ $($arg: $ty),* })? => $visit $ann);)*
    };
}

impl<'a> VisitOperator<'a> for Planner<'_> {
    type Output = Result;

    wasmparser::for_each_visit_operator!(define_visit);
}

/// Plans a module by decoding it for the planner alone, without validating it.
///
/// The plan of a valid module is the one that a validator feeding a [`Planner`] gets.
///
/// # Errors
/// The first thing that cannot be decoded or counted. An invalid module gives an error or a plan without meaning,
/// never a panic.
pub fn plan(bytes: &[u8], schedule: &Schedule) -> Result<Plan> {
    let mut planner = Planner::new(schedule);
    let mut bodies = 0usize;
    let mut imported = 0usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::TypeSection(section) => {
                let range = section.range();
                Planner::check_types(&bytes[range.start as usize..range.end as usize], range.start)?;
                for ty in section.into_iter_err_on_gc_types() {
                    let ty = ty?;
                    // wasmparser decodes at most 1,000 of each.
                    planner.add_type(ty.params().len() as u32, ty.results().len() as u32);
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    if let TypeRef::Func(type_index) | TypeRef::FuncExact(type_index) = import?.ty {
                        planner.add_function(type_index);
                        imported += 1;
                    }
                }
            }
            Payload::FunctionSection(section) => {
                for type_index in section {
                    planner.add_function(type_index?);
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    planner.add_table(table?.ty.initial)?;
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    planner.add_memory(memory?.initial)?;
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    global?;
                    planner.add_global()?;
                }
            }
            Payload::ElementSection(section) => {
                for segment in section {
                    let segment = segment?;
                    let items = match segment.items {
                        ElementItems::Functions(items) => items.count(),
                        ElementItems::Expressions(_, items) => items.count(),
                    };
                    if let ElementKind::Active { .. } = segment.kind {
                        planner.add_active_elements(items.into())?;
                    }
                }
            }
            Payload::DataSection(section) => {
                for segment in section {
                    let segment = segment?;
                    if let DataKind::Active { .. } = segment.kind {
                        planner.add_active_data(segment.data.len() as u64)?;
                    }
                }
            }
            Payload::CodeSectionEntry(body) => {
                let function = imported + bodies;
                bodies += 1;
                let type_index = planner.function_types.get(function).copied();
                let type_index = type_index.ok_or_else(|| planner.unknown("function", function as u32))?;
                plan_body(&mut planner, type_index, &body)?;
            }
            _ => {}
        }
    }
    Ok(planner.finish())
}

fn plan_body(planner: &mut Planner<'_>, type_index: u32, body: &FunctionBody<'_>) -> Result {
    let mut declared_locals = 0u32;
    for group in body.get_locals_reader()? {
        let (count, _) = group?;
        declared_locals = declared_locals
            .checked_add(count)
            .ok_or_else(|| planner.error(PlanErrorKind::TooLarge("the number of locals")))?;
    }
    planner.begin_function(type_index, declared_locals)?;
    let mut reader = body.get_operators_reader()?;
    while !reader.eof() {
        let offset = reader.original_position();
        planner.at(u32::try_from(offset)
            .map_err(|_| PlanError::new(PlanErrorKind::TooLarge("the module's size"), offset))?);
        reader.visit_operator(planner)??;
    }
    reader.finish()?;
    planner.end_function()
}
