//! The validation of bodies: one decode that feeds the validator and the planner.
//!
//! Owns the loop over operators and the limits inside a body. The validator checks types, the planner counts; neither
//! knows of the other, and a debug build holds their operand heights against each other after every live operator.

use super::{Refusal, Result, Session, body_place, module_offset};
use crate::features::Features;
use crate::limits::Limit;
use crate::operators::Operators;
use alloc::{boxed::Box, vec::Vec};
use lockstep_gas::Planner;
use wasmparser::{
    BinaryReaderError, BlockType, FrameKind, FrameStack, FuncToValidate, FunctionBody, ModuleArity,
    ValidatorResources, VisitOperator,
};

impl<'b> Session<'b> {
    pub(super) fn body(
        &mut self,
        function: FuncToValidate<ValidatorResources>,
        body: &FunctionBody<'b>,
    ) -> Result {
        self.function = Some(function.index);
        let range = body.range();
        self.meter.hold(Limit::BodyBytes, range.end - range.start, range.start)?;

        let type_index = self.info.functions[function.index as usize];
        let mut validator = function.into_validator(core::mem::take(&mut self.allocations));
        let mut reader = body.get_binary_reader();
        reader.set_features(*validator.features());

        let mut declared_locals = 0;
        for _ in 0..reader.read_var_u32()? {
            let offset = reader.original_position();
            let count = reader.read_var_u32()?;
            declared_locals += u64::from(count);
            self.meter.hold(Limit::Locals, declared_locals, offset)?;
            validator.define_locals(offset, count, reader.read()?)?;
        }
        self.module_locals += declared_locals;
        self.meter.hold(Limit::ModuleLocals, self.module_locals, range.start)?;

        let operators = reader.original_position();
        // Locals are far below 2^32 by their ceiling.
        self.planner.begin_function(type_index, declared_locals as u32)?;
        let allowed_height = self.meter.allowed(Limit::OperandHeight);
        let allowed_nesting = self.meter.allowed(Limit::Nesting);
        let allowed_targets = self.meter.allowed(Limit::BrTableTargets);
        let ty = &self.info.types[type_index as usize];
        self.named_values.add((ty.params().len() + ty.results().len()) as u64, range.start)?;
        let (mut height_max, mut nesting_max) = (0, 0);
        let mut unread = Operators::new(reader);
        while !unread.eof() {
            let offset = unread.position();
            self.planner.at(module_offset(offset)?);
            let visited = unread.visit(&mut Both {
                validator: validator.visitor(offset),
                planner: &mut self.planner,
                features: &mut self.facts.features,
                floats: self.floats,
                allowed_targets,
                targets_max: &mut self.br_table_targets,
                named_values: &mut self.named_values,
            });
            visited??;

            let height = u64::from(validator.operand_stack_height());
            let nesting = u64::from(validator.control_stack_height());
            if height > allowed_height || nesting > allowed_nesting {
                self.meter.hold(Limit::OperandHeight, height, offset)?;
                self.meter.hold(Limit::Nesting, nesting, offset)?;
            }
            height_max = height.max(height_max);
            nesting_max = nesting.max(nesting_max);
            debug_assert!(
                !self.planner.is_live() || u64::from(self.planner.operand_height()) == height,
                "planner and validator disagree at {offset:#x}"
            );
        }
        unread.finish_expression(&validator.visitor(unread.position()))?;
        self.planner.end_function()?;
        self.meter.hold(Limit::OperandHeight, height_max, range.start)?;
        self.meter.hold(Limit::Nesting, nesting_max, range.start)?;
        self.meter.hold(Limit::BrTableTargets, self.br_table_targets, range.start)?;
        self.meter.hold(Limit::ValuesPerByte, self.named_values.per_byte(), range.start)?;
        self.meter.hold(Limit::FrameSlots, self.planner.last_frame_slots().into(), range.start)?;

        self.info.bodies.push(body_place(range, operators)?);
        self.allocations = validator.into_allocations();
        self.function = None;
        Ok(())
    }
}

/// Hands each operator to the validator, then to the planner.
struct Both<'p, 's, V> {
    validator: V,
    planner: &'p mut Planner<'s>,
    features: &'p mut Features,
    floats: bool,
    allowed_targets: u64,
    targets_max: &'p mut u64,
    named_values: &'p mut NamedValues,
}

/// The values that entries and operators of variable arity name, in live and dead code. Validating an operator takes as
/// long as it names values, so that this bounds the time by byte.
#[derive(Clone, Copy, Debug)]
pub(super) struct NamedValues {
    values: u64,
    module_bytes: u64,
    allowed_per_byte: u64,
}

impl NamedValues {
    pub(super) fn new(module_bytes: u64, allowed_per_byte: u64) -> Self {
        NamedValues { values: 0, module_bytes: module_bytes.max(1), allowed_per_byte }
    }

    fn per_byte(&self) -> u64 {
        self.values.div_ceil(self.module_bytes)
    }

    #[inline]
    fn add(&mut self, values: u64, offset: u64) -> Result {
        self.values = self.values.saturating_add(values);
        if self.values > self.module_bytes.saturating_mul(self.allowed_per_byte) {
            let (limit, allowed, found) = (Limit::ValuesPerByte, self.allowed_per_byte, self.per_byte());
            return Err(Box::new(Refusal::Limit { limit, allowed, found, offset }));
        }
        Ok(())
    }
}

/// What an operator names. An index that means nothing counts nothing: the validator refuses it next.
impl<V: ModuleArity> Both<'_, '_, V> {
    #[inline]
    fn names(&mut self, values: u64) -> Result {
        self.named_values.add(values, self.planner.position().into())
    }

    #[inline]
    fn names_block(&mut self, ty: BlockType) -> Result {
        match ty {
            BlockType::Empty => Ok(()),
            BlockType::Type(_) => self.names(1),
            BlockType::FuncType(index) => self.names_type(index),
        }
    }

    fn names_type(&mut self, index: u32) -> Result {
        let ty = self.validator.sub_type_at(index);
        let (parameters, results) = ty.and_then(|ty| self.validator.sub_type_arity(ty)).unwrap_or_default();
        self.names(u64::from(parameters) + u64::from(results))
    }

    fn names_function(&mut self, function: u32) -> Result {
        match self.validator.type_index_of_function(function) {
            Some(ty) => self.names_type(ty),
            None => Ok(()),
        }
    }

    #[inline]
    fn names_label(&mut self, depth: u32, times: u64) -> Result {
        let Some((ty, kind)) = self.validator.label_block(depth) else { return Ok(()) };
        if ty == BlockType::Empty {
            return Ok(());
        }
        let (parameters, results) = self.validator.block_type_arity(ty).unwrap_or_default();
        let arity = if kind == FrameKind::Loop { parameters } else { results };
        self.names(u64::from(arity).saturating_mul(times))
    }

    fn names_body_results(&mut self) -> Result {
        match self.validator.control_stack_height().checked_sub(1) {
            Some(outermost) => self.names_label(outermost, 1),
            None => Ok(()),
        }
    }
}

impl<V: FrameStack> FrameStack for Both<'_, '_, V> {
    fn current_frame(&self) -> Option<FrameKind> {
        self.validator.current_frame()
    }
}

macro_rules! define_visit {
    ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
        $(
            #[inline]
            fn $visit(&mut self $($(, $arg: $ty)*)?) -> Result {
                if const { mentions_float(stringify!($visit)) } && !self.floats {
                    return Err(Box::new(Refusal::Float { offset: self.planner.position().into() }));
                }
                define_visit!(note self @$proposal $op $($($arg)*)?);
                self.validator.$visit($($($arg.clone()),*)?)?;
                self.planner.$visit($($($arg),*)?)?;
                Ok(())
            }
        )*
    };
    (note $self:ident @sign_extension $($rest:tt)*) => { $self.features.sign_extension = true; };
    (note $self:ident @saturating_float_to_int $($rest:tt)*) => { $self.features.saturating_conversions = true; };
    (note $self:ident @bulk_memory $($rest:tt)*) => { $self.features.bulk_memory = true; };
    (note $self:ident @reference_types $($rest:tt)*) => { $self.features.reference_types = true; };
    (note $self:ident @tail_call ReturnCall $function:ident) => {
        $self.features.tail_calls = true;
        $self.names_function($function)?;
    };
    (note $self:ident @tail_call ReturnCallIndirect $ty:ident $table:ident) => {
        $self.features.tail_calls = true;
        $self.names_type($ty)?;
    };
    (note $self:ident @mvp BrTable $targets:ident) => {
        let found = u64::from($targets.len());
        if found > $self.allowed_targets {
            return Err(Box::new(Refusal::Limit {
                limit: Limit::BrTableTargets,
                allowed: $self.allowed_targets,
                found,
                offset: $self.planner.position().into(),
            }));
        }
        *$self.targets_max = found.max(*$self.targets_max);
        $self.names_label($targets.default(), found + 1)?;
    };
    (note $self:ident @mvp Block $ty:ident) => { $self.names_block($ty)?; };
    (note $self:ident @mvp Loop $ty:ident) => { $self.names_block($ty)?; };
    (note $self:ident @mvp If $ty:ident) => { $self.names_block($ty)?; };
    (note $self:ident @mvp Br $depth:ident) => { $self.names_label($depth, 1)?; };
    (note $self:ident @mvp BrIf $depth:ident) => { $self.names_label($depth, 1)?; };
    (note $self:ident @mvp Return) => { $self.names_body_results()?; };
    (note $self:ident @mvp Call $function:ident) => { $self.names_function($function)?; };
    (note $self:ident @mvp CallIndirect $ty:ident $table:ident) => { $self.names_type($ty)?; };
    (note $self:ident @$other:ident $($rest:tt)*) => {};
}

impl<'a, V> VisitOperator<'a> for Both<'_, '_, V>
where
    V: VisitOperator<'a, Output = Result<(), BinaryReaderError>> + ModuleArity,
{
    type Output = Result;

    wasmparser::for_each_visit_operator!(define_visit);
}

/// Whether an operator's name says that it takes or gives a float. wasmparser without floats refuses the operators that
/// give one, but passes those that only take one where the code is dead.
const fn mentions_float(name: &str) -> bool {
    let name = name.as_bytes();
    let mut at = 0;
    while at + 3 <= name.len() {
        if name[at] == b'f' && matches!((name[at + 1], name[at + 2]), (b'3', b'2') | (b'6', b'4')) {
            return true;
        }
        at += 1;
    }
    false
}
