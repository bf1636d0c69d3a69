//! The quick check of a body's types: it accepts, or leaves the body to wasmparser.
//!
//! Owns the algorithm of the specification's appendix ("Validation Algorithm": a stack of operands, a stack of constructs,
//! and operands of any type where code is dead) for the operators that make up nearly all bodies. It never refuses: what it
//! cannot accept, be it wrong or merely rare, wasmparser judges from the body's first operator on. So an error here could
//! only be that it accepts too much, and a debug build asks wasmparser about every body that is accepted. It must not know
//! prices or limits.

use super::body::Heights;
use super::operator::Names;
use crate::features::Features;
use crate::module::info::ModuleInfo;
use crate::types::ValType::{self, F32, F64, FuncRef, I32, I64};
use alloc::vec::Vec;
use core::slice;
use lockstep_gas::Op;
use wasmparser::{BlockType, BrTable, FrameKind, FrameStack, MemArg, MemArgTarget, VisitOperator};

/// The body is not accepted here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unsure;

type Result<T = (), E = Unsure> = core::result::Result<T, E>;

/// A type, or any type: an operand that dead code takes and that was never given.
type Operand = Option<ValType>;

/// What is kept from body to body.
#[derive(Debug, Default)]
pub(super) struct Allocations {
    operands: Vec<Operand>,
    constructs: Vec<Construct>,
    locals: Vec<ValType>,
}

/// Checks one body.
#[derive(Debug)]
pub(super) struct Checker<'m> {
    info: &'m ModuleInfo,
    features: &'m Features,
    floats: bool,
    locals: Vec<ValType>,
    operands: Vec<Operand>,
    constructs: Vec<Construct>,
    /// Operands below the innermost construct.
    base: usize,
    /// A body that is higher or deeper than that is left to wasmparser.
    allowed: Heights,
    max: Heights,
}

#[derive(Clone, Copy, Debug)]
struct Construct {
    kind: FrameKind,
    block: Block,
    base: usize,
    is_dead: bool,
}

/// What a construct takes and gives. That of the body takes nothing: its parameters are locals.
#[derive(Clone, Copy, Debug)]
enum Block {
    Empty,
    Result(ValType),
    Function(u32),
    Body(u32),
}

impl Block {
    fn parameters(self, info: &ModuleInfo) -> &[ValType] {
        match self {
            Block::Function(ty) => info.types[ty as usize].params(),
            Block::Empty | Block::Result(_) | Block::Body(_) => &[],
        }
    }

    fn results<'a>(&'a self, info: &'a ModuleInfo) -> &'a [ValType] {
        match self {
            Block::Empty => &[],
            Block::Result(ty) => slice::from_ref(ty),
            Block::Function(ty) | Block::Body(ty) => info.types[*ty as usize].results(),
        }
    }
}

impl Construct {
    /// What a branch to its label takes.
    fn label<'a>(&'a self, info: &'a ModuleInfo) -> &'a [ValType] {
        if self.kind == FrameKind::Loop { self.block.parameters(info) } else { self.block.results(info) }
    }
}

impl<'m> Checker<'m> {
    /// Of a body of a function with this type, before its locals are declared.
    pub(super) fn new(
        info: &'m ModuleInfo,
        features: &'m Features,
        floats: bool,
        allowed: Heights,
        type_index: u32,
        allocations: Allocations,
    ) -> Self {
        let Allocations { mut operands, mut constructs, mut locals } = allocations;
        operands.clear();
        constructs.clear();
        locals.clear();
        locals.extend_from_slice(info.types[type_index as usize].params());
        let block = Block::Body(type_index);
        constructs.push(Construct { kind: FrameKind::Block, block, base: 0, is_dead: false });
        let max = Heights::default();
        Checker { info, features, floats, locals, operands, constructs, base: 0, allowed, max }
    }

    /// Declares so many locals of a type. Their number is within its limit.
    pub(super) fn declare(&mut self, count: u32, ty: ValType) {
        self.locals.resize(self.locals.len() + count as usize, ty);
    }

    /// The operators come next, of so many bytes. Where there is but an `end`, no construct is open behind any operator.
    pub(super) fn begin(&mut self, bytes: u64) {
        self.max.nesting = u64::from(bytes > 1);
    }

    pub(super) fn into_allocations(self) -> Allocations {
        Allocations { operands: self.operands, constructs: self.constructs, locals: self.locals }
    }

    /// Height of the operand stack, in dead code too.
    pub(super) fn operand_height(&self) -> usize {
        self.operands.len()
    }

    /// The greatest heights so far.
    ///
    /// # Errors
    /// If they are not allowed.
    pub(super) fn heights(&self) -> Result<Heights> {
        let is_allowed =
            self.max.operands <= self.allowed.operands && self.max.nesting <= self.allowed.nesting;
        if is_allowed { Ok(self.max) } else { Err(Unsure) }
    }

    #[inline]
    fn construct(&self, depth: u32) -> Result<Construct> {
        let last = self.constructs.len().checked_sub(1).ok_or(Unsure)?;
        let index = last.checked_sub(depth as usize).ok_or(Unsure)?;
        self.constructs.get(index).copied().ok_or(Unsure)
    }

    #[inline]
    fn local(&self, index: u32) -> Result<ValType> {
        self.locals.get(index as usize).copied().ok_or(Unsure)
    }

    #[inline]
    fn push(&mut self, ty: ValType) {
        self.push_operand(Some(ty));
    }

    /// Whatever an operator gives, it has taken all it takes before: so the height is never greater than behind it.
    #[inline]
    fn push_operand(&mut self, operand: Operand) {
        self.operands.push(operand);
        self.max.operands = self.max.operands.max(self.operands.len() as u64);
    }

    fn push_all(&mut self, types: &[ValType]) {
        for ty in types {
            self.push(*ty);
        }
    }

    /// Takes an operand of this type.
    #[inline]
    fn pop(&mut self, ty: ValType) -> Result {
        if self.operands.len() > self.base && self.operands.last() == Some(&Some(ty)) {
            self.operands.pop();
            return Ok(());
        }
        self.pop_in_dead_code()
    }

    /// Takes an operand that may be of any type, or is not there at all.
    #[cold]
    fn pop_in_dead_code(&mut self) -> Result {
        match self.pop_any()? {
            None => Ok(()),
            Some(_) => Err(Unsure),
        }
    }

    #[inline]
    fn pop_any(&mut self) -> Result<Operand> {
        if self.operands.len() > self.base {
            return self.operands.pop().ok_or(Unsure);
        }
        match self.constructs.last() {
            Some(construct) if construct.is_dead => Ok(None),
            _ => Err(Unsure),
        }
    }

    #[inline]
    fn pop_all(&mut self, types: &[ValType]) -> Result {
        types.iter().rev().try_for_each(|ty| self.pop(*ty))
    }

    /// What follows is dead up to the end of the innermost construct.
    fn die(&mut self) -> Result {
        self.constructs.last_mut().ok_or(Unsure)?.is_dead = true;
        self.operands.truncate(self.base);
        Ok(())
    }

    /// An operator of this feature is accepted.
    #[inline]
    fn with(&self, feature: bool) -> Result {
        if feature { Ok(()) } else { Err(Unsure) }
    }

    fn block(&self, ty: BlockType) -> Result<Block> {
        match ty {
            BlockType::Empty => Ok(Block::Empty),
            BlockType::Type(wasmparser::ValType::I32) => Ok(Block::Result(I32)),
            BlockType::Type(wasmparser::ValType::I64) => Ok(Block::Result(I64)),
            BlockType::Type(wasmparser::ValType::F32) if self.floats => Ok(Block::Result(F32)),
            BlockType::Type(wasmparser::ValType::F64) if self.floats => Ok(Block::Result(F64)),
            BlockType::Type(_) => Err(Unsure),
            BlockType::FuncType(ty) => {
                let is_known = (ty as usize) < self.info.types.len();
                if is_known && self.features.multi_value { Ok(Block::Function(ty)) } else { Err(Unsure) }
            }
        }
    }

    fn open(&mut self, kind: FrameKind, ty: BlockType) -> Result {
        let block = self.block(ty)?;
        let parameters = block.parameters(self.info);
        self.pop_all(parameters)?;
        self.enter(kind, block);
        Ok(())
    }

    fn enter(&mut self, kind: FrameKind, block: Block) {
        self.base = self.operands.len();
        self.constructs.push(Construct { kind, block, base: self.base, is_dead: false });
        self.max.nesting = self.max.nesting.max(self.constructs.len() as u64);
        self.push_all(block.parameters(self.info));
    }

    /// Leaves the innermost construct: its results are all that is on the stack, and are taken.
    fn leave(&mut self) -> Result<Construct> {
        let construct = self.construct(0)?;
        self.pop_all(construct.block.results(self.info))?;
        if self.operands.len() != self.base {
            return Err(Unsure);
        }
        self.constructs.pop();
        self.base = self.constructs.last().map_or(0, |outer| outer.base);
        Ok(construct)
    }

    fn open_else(&mut self) -> Result {
        let construct = self.leave()?;
        if construct.kind != FrameKind::If {
            return Err(Unsure);
        }
        self.enter(FrameKind::Else, construct.block);
        Ok(())
    }

    fn end(&mut self) -> Result {
        let construct = self.leave()?;
        // Where there is no `else`, what the construct takes is what it gives.
        let results = construct.block.results(self.info);
        if construct.kind == FrameKind::If && construct.block.parameters(self.info) != results {
            return Err(Unsure);
        }
        self.push_all(results);
        Ok(())
    }

    fn br(&mut self, depth: u32) -> Result {
        let construct = self.construct(depth)?;
        self.pop_all(construct.label(self.info))?;
        self.die()
    }

    fn br_if(&mut self, depth: u32) -> Result {
        self.pop(I32)?;
        let construct = self.construct(depth)?;
        let types = construct.label(self.info);
        self.pop_all(types)?;
        self.push_all(types);
        Ok(())
    }

    /// In dead code labels may differ in their types; such tables are left to wasmparser.
    fn br_table(&mut self, table: &BrTable<'_>) -> Result {
        self.pop(I32)?;
        let default = self.construct(table.default())?;
        let types = default.label(self.info);
        for depth in table.targets() {
            if self.construct(depth.map_err(|_| Unsure)?)?.label(self.info) != types {
                return Err(Unsure);
            }
        }
        self.pop_all(types)?;
        self.die()
    }

    fn return_(&mut self) -> Result {
        let body = self.constructs.first().copied().ok_or(Unsure)?;
        self.pop_all(body.block.results(self.info))?;
        self.die()
    }

    #[inline]
    fn callee(&self, function: u32) -> Result<u32> {
        self.function_type(function).ok_or(Unsure)
    }

    /// The index into the table is taken.
    fn callee_in_table(&mut self, type_index: u32, table: u32) -> Result<u32> {
        let table = self.info.tables.get(table as usize).ok_or(Unsure)?;
        if table.element != FuncRef {
            return Err(Unsure);
        }
        self.pop(I32)?;
        Ok(type_index)
    }

    fn call(&mut self, type_index: u32) -> Result {
        let ty = self.info.types.get(type_index as usize).ok_or(Unsure)?;
        self.pop_all(ty.params())?;
        self.push_all(ty.results());
        Ok(())
    }

    fn return_call(&mut self, type_index: u32) -> Result {
        let ty = self.info.types.get(type_index as usize).ok_or(Unsure)?;
        let body = self.constructs.first().copied().ok_or(Unsure)?;
        if ty.results() != body.block.results(self.info) {
            return Err(Unsure);
        }
        self.pop_all(ty.params())?;
        self.die()
    }

    fn select(&mut self) -> Result {
        self.pop(I32)?;
        let (b, a) = (self.pop_any()?, self.pop_any()?);
        let is_reference = |operand: Operand| operand.is_some_and(ValType::is_ref);
        if is_reference(a) || is_reference(b) || (a.is_some() && b.is_some() && a != b) {
            return Err(Unsure);
        }
        self.push_operand(a.or(b));
        Ok(())
    }

    fn global_get(&mut self, global: u32) -> Result {
        let ty = self.info.globals.get(global as usize).ok_or(Unsure)?;
        self.push(ty.content);
        Ok(())
    }

    fn global_set(&mut self, global: u32) -> Result {
        let ty = *self.info.globals.get(global as usize).ok_or(Unsure)?;
        if ty.mutable { self.pop(ty.content) } else { Err(Unsure) }
    }

    /// There is a memory, and this is its index.
    #[inline]
    fn memory(&self, index: u32) -> Result {
        if index == 0 && !self.info.memories.is_empty() { Ok(()) } else { Err(Unsure) }
    }

    #[inline]
    fn access(&self, memarg: &MemArg) -> Result {
        let MemArgTarget::Memory(memory) = memarg.target else { return Err(Unsure) };
        let is_right =
            memarg.align <= memarg.max_align && memarg.offset <= u32::MAX.into() && memarg.ordering.is_none();
        if is_right { self.memory(memory) } else { Err(Unsure) }
    }

    /// An operator with operands of fixed types.
    #[inline(always)]
    fn plain(&mut self, takes: &[ValType], gives: Option<ValType>) -> Result {
        let height = self.operands.len();
        let live = self.operands.get_mut(self.base..);
        // Most give in place of what they take.
        match (takes, live, gives) {
            ([], _, Some(ty)) => self.push(ty),
            ([only], Some([.., a]), Some(ty)) if *a == Some(*only) => *a = Some(ty),
            ([first, second], Some([.., a, b]), _) if *a == Some(*first) && *b == Some(*second) => {
                *a = gives;
                self.operands.truncate(height - if gives.is_some() { 1 } else { 2 });
            }
            _ => return self.plain_in_turn(takes, gives),
        }
        Ok(())
    }

    fn plain_in_turn(&mut self, takes: &[ValType], gives: Option<ValType>) -> Result {
        self.pop_all(takes)?;
        if let Some(ty) = gives {
            self.push(ty);
        }
        Ok(())
    }
}

impl Names for Checker<'_> {
    type Error = Unsure;

    fn type_arity(&self, index: u32) -> Option<u64> {
        let ty = self.info.types.get(index as usize)?;
        Some(ty.params().len() as u64 + ty.results().len() as u64)
    }

    #[inline]
    fn function_type(&self, function: u32) -> Option<u32> {
        self.info.functions.get(function as usize).copied()
    }

    fn label_arity(&self, depth: u32) -> Option<u64> {
        Some(self.construct(depth).ok()?.label(self.info).len() as u64)
    }

    fn nesting(&self) -> u32 {
        // Fewer than the bytes of a module.
        self.constructs.len() as u32
    }
}

impl FrameStack for Checker<'_> {
    #[inline]
    fn current_frame(&self) -> Option<FrameKind> {
        self.constructs.last().map(|construct| construct.kind)
    }
}

/// What an operator takes and gives whose types are always the same; an access's are those of its address and value. `None`
/// for others.
const fn signature(op: Op) -> Option<(&'static [ValType], Option<ValType>)> {
    use Op::*;
    Some(match op {
        Nop => (&[], None),
        I32Const => (&[], Some(I32)),
        I64Const => (&[], Some(I64)),
        F32Const => (&[], Some(F32)),
        F64Const => (&[], Some(F64)),
        MemorySize => (&[], Some(I32)),
        MemoryGrow => (&[I32], Some(I32)),
        MemoryFill | MemoryCopy => (&[I32, I32, I32], None),

        I32Load | I32Load8S | I32Load8U | I32Load16S | I32Load16U => (&[I32], Some(I32)),
        I64Load | I64Load8S | I64Load8U | I64Load16S | I64Load16U | I64Load32S | I64Load32U => {
            (&[I32], Some(I64))
        }
        F32Load => (&[I32], Some(F32)),
        F64Load => (&[I32], Some(F64)),
        I32Store | I32Store8 | I32Store16 => (&[I32, I32], None),
        I64Store | I64Store8 | I64Store16 | I64Store32 => (&[I32, I64], None),
        F32Store => (&[I32, F32], None),
        F64Store => (&[I32, F64], None),

        I32Eqz | I32Clz | I32Ctz | I32Popcnt | I32Extend8S | I32Extend16S => (&[I32], Some(I32)),
        I32Eq | I32Ne | I32LtS | I32LtU | I32GtS | I32GtU | I32LeS | I32LeU | I32GeS | I32GeU | I32Add
        | I32Sub | I32Mul | I32DivS | I32DivU | I32RemS | I32RemU | I32And | I32Or | I32Xor | I32Shl
        | I32ShrS | I32ShrU | I32Rotl | I32Rotr => (&[I32, I32], Some(I32)),
        I64Eqz => (&[I64], Some(I32)),
        I64Clz | I64Ctz | I64Popcnt | I64Extend8S | I64Extend16S | I64Extend32S => (&[I64], Some(I64)),
        I64Eq | I64Ne | I64LtS | I64LtU | I64GtS | I64GtU | I64LeS | I64LeU | I64GeS | I64GeU => {
            (&[I64, I64], Some(I32))
        }
        I64Add | I64Sub | I64Mul | I64DivS | I64DivU | I64RemS | I64RemU | I64And | I64Or | I64Xor
        | I64Shl | I64ShrS | I64ShrU | I64Rotl | I64Rotr => (&[I64, I64], Some(I64)),

        F32Eq | F32Ne | F32Lt | F32Gt | F32Le | F32Ge => (&[F32, F32], Some(I32)),
        F64Eq | F64Ne | F64Lt | F64Gt | F64Le | F64Ge => (&[F64, F64], Some(I32)),
        F32Abs | F32Neg | F32Ceil | F32Floor | F32Trunc | F32Nearest | F32Sqrt => (&[F32], Some(F32)),
        F64Abs | F64Neg | F64Ceil | F64Floor | F64Trunc | F64Nearest | F64Sqrt => (&[F64], Some(F64)),
        F32Add | F32Sub | F32Mul | F32Div | F32Min | F32Max | F32Copysign => (&[F32, F32], Some(F32)),
        F64Add | F64Sub | F64Mul | F64Div | F64Min | F64Max | F64Copysign => (&[F64, F64], Some(F64)),

        I32WrapI64 => (&[I64], Some(I32)),
        I64ExtendI32S | I64ExtendI32U => (&[I32], Some(I64)),
        I32TruncF32S | I32TruncF32U | I32TruncSatF32S | I32TruncSatF32U | I32ReinterpretF32 => {
            (&[F32], Some(I32))
        }
        I32TruncF64S | I32TruncF64U | I32TruncSatF64S | I32TruncSatF64U => (&[F64], Some(I32)),
        I64TruncF32S | I64TruncF32U | I64TruncSatF32S | I64TruncSatF32U => (&[F32], Some(I64)),
        I64TruncF64S | I64TruncF64U | I64TruncSatF64S | I64TruncSatF64U | I64ReinterpretF64 => {
            (&[F64], Some(I64))
        }
        F32ConvertI32S | F32ConvertI32U | F32ReinterpretI32 => (&[I32], Some(F32)),
        F32ConvertI64S | F32ConvertI64U => (&[I64], Some(F32)),
        F64ConvertI32S | F64ConvertI32U => (&[I32], Some(F64)),
        F64ConvertI64S | F64ConvertI64U | F64ReinterpretI64 => (&[I64], Some(F64)),
        F32DemoteF64 => (&[F64], Some(F32)),
        F64PromoteF32 => (&[F32], Some(F64)),

        Unreachable | Block | Loop | If | Else | End | Br | BrIf | BrTable | Return | Call | CallIndirect
        | Drop | Select | LocalGet | LocalSet | LocalTee | GlobalGet | GlobalSet | ReturnCall
        | ReturnCallIndirect => {
            return None;
        }
        // References have subtypes, and segments types of their own.
        TypedSelect | RefNull | RefIsNull | RefFunc | TableGet | TableSet | TableSize | TableGrow
        | TableFill | TableCopy | TableInit | ElemDrop | MemoryInit | DataDrop => return None,
    })
}

/// One method per operator: those whose types depend on where they are by hand, those with a signature by it. What is left
/// is wasmparser's.
macro_rules! define_visit {
    (@mvp Unreachable $self:ident) => { $self.die() };
    (@mvp Block $self:ident $ty:ident) => { $self.open(FrameKind::Block, $ty) };
    (@mvp Loop $self:ident $ty:ident) => { $self.open(FrameKind::Loop, $ty) };
    (@mvp If $self:ident $ty:ident) => {{
        $self.pop(I32)?;
        $self.open(FrameKind::If, $ty)
    }};
    (@mvp Else $self:ident) => { $self.open_else() };
    (@mvp End $self:ident) => { $self.end() };
    (@mvp Br $self:ident $depth:ident) => { $self.br($depth) };
    (@mvp BrIf $self:ident $depth:ident) => { $self.br_if($depth) };
    (@mvp BrTable $self:ident $table:ident) => { $self.br_table(&$table) };
    (@mvp Return $self:ident) => { $self.return_() };
    (@mvp Call $self:ident $function:ident) => { $self.call($self.callee($function)?) };
    (@mvp CallIndirect $self:ident $ty:ident $table:ident) => {{
        let ty = $self.callee_in_table($ty, $table)?;
        $self.call(ty)
    }};
    (@tail_call ReturnCall $self:ident $function:ident) => {{
        $self.with($self.features.tail_calls)?;
        $self.return_call($self.callee($function)?)
    }};
    (@tail_call ReturnCallIndirect $self:ident $ty:ident $table:ident) => {{
        $self.with($self.features.tail_calls)?;
        let ty = $self.callee_in_table($ty, $table)?;
        $self.return_call(ty)
    }};
    (@mvp Drop $self:ident) => { $self.pop_any().map(drop) };
    (@mvp Select $self:ident) => { $self.select() };
    (@mvp LocalGet $self:ident $local:ident) => {{
        let ty = $self.local($local)?;
        $self.push(ty);
        Ok(())
    }};
    (@mvp LocalSet $self:ident $local:ident) => { $self.pop($self.local($local)?) };
    (@mvp LocalTee $self:ident $local:ident) => {{
        let ty = $self.local($local)?;
        $self.pop(ty)?;
        $self.push(ty);
        Ok(())
    }};
    (@mvp GlobalGet $self:ident $global:ident) => { $self.global_get($global) };
    (@mvp GlobalSet $self:ident $global:ident) => { $self.global_set($global) };
    (@mvp MemorySize $self:ident $memory:ident) => {{
        $self.memory($memory)?;
        define_visit!(plain MemorySize $self)
    }};
    (@mvp MemoryGrow $self:ident $memory:ident) => {{
        $self.memory($memory)?;
        define_visit!(plain MemoryGrow $self)
    }};
    (@mvp I32Const $self:ident $value:ident) => { define_visit!(constant I32Const $self $value) };
    (@mvp I64Const $self:ident $value:ident) => { define_visit!(constant I64Const $self $value) };
    (@mvp F32Const $self:ident $value:ident) => { define_visit!(constant F32Const $self $value) };
    (@mvp F64Const $self:ident $value:ident) => { define_visit!(constant F64Const $self $value) };
    (@mvp $op:ident $self:ident $memarg:ident) => {{
        $self.access(&$memarg)?;
        define_visit!(plain $op $self)
    }};
    (@mvp $op:ident $self:ident) => { define_visit!(plain $op $self) };
    (@sign_extension $op:ident $self:ident) => {{
        $self.with($self.features.sign_extension)?;
        define_visit!(plain $op $self)
    }};
    (@saturating_float_to_int $op:ident $self:ident) => {{
        $self.with($self.features.saturating_conversions)?;
        define_visit!(plain $op $self)
    }};
    (@bulk_memory MemoryFill $self:ident $memory:ident) => {{
        $self.with($self.features.bulk_memory)?;
        $self.memory($memory)?;
        define_visit!(plain MemoryFill $self)
    }};
    (@bulk_memory MemoryCopy $self:ident $to:ident $from:ident) => {{
        $self.with($self.features.bulk_memory)?;
        $self.memory($to)?;
        $self.memory($from)?;
        define_visit!(plain MemoryCopy $self)
    }};
    (@$other:ident $op:ident $self:ident $($rest:ident)*) => {{
        $(let _ = $rest;)*
        Err(Unsure)
    }};
    (constant $op:ident $self:ident $value:ident) => {{
        let _ = $value;
        define_visit!(plain $op $self)
    }};
    (plain $op:ident $self:ident) => {{
        const SIGNATURE: Option<(&[ValType], Option<ValType>)> = signature(Op::$op);
        match SIGNATURE {
            Some((takes, gives)) => $self.plain(takes, gives),
            None => Err(Unsure),
        }
    }};
    ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident $ann:tt)*) => {
        $(
            #[inline]
            fn $visit(&mut self $($(, $arg: $ty)*)?) -> Result {
                define_visit!(@$proposal $op self $($($arg)*)?)
            }
        )*
    };
}

impl<'a> VisitOperator<'a> for Checker<'_> {
    type Output = Result;

    wasmparser::for_each_visit_operator!(define_visit);
}
