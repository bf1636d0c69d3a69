//! The validation of bodies: one decode that feeds who judges types and the planner.
//!
//! Owns the loop over operators and the limits inside a body. Types are judged by the quick check (`checker`), and where that
//! does not accept, by wasmparser, from the body's first operator on: so wasmparser says every refusal. Who judges types and
//! the planner do not know of each other; a debug build holds their operand heights against each other after every live
//! operator, and asks wasmparser about every body that the quick check accepts.

use super::checker::{Checker, Unsure};
use super::operator::{Counts, Visitor};
use super::{Refusal, Result, Session, body_place, module_offset, value_type};
use crate::limits::Limit;
use crate::operators::Operators;
use alloc::boxed::Box;
use lockstep_gas::PlanError;
use wasmparser::{BinaryReaderError, FuncToValidate, FuncValidator, FunctionBody, ValidatorResources};

/// The greatest operand height and nesting of a body, dead code included.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Heights {
    pub(super) operands: u64,
    pub(super) nesting: u64,
}

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
        let allowed = Heights {
            operands: self.meter.allowed(Limit::OperandHeight),
            nesting: self.meter.allowed(Limit::Nesting),
        };
        let mut validator = function.into_validator(core::mem::take(&mut self.allocations));
        let mut checker = Checker::new(
            &self.info,
            self.accepted,
            self.floats,
            allowed,
            type_index,
            core::mem::take(&mut self.checker_allocations),
        );
        let mut reader = body.get_binary_reader();
        reader.set_features(*validator.features());

        let mut declared_locals = 0;
        for _ in 0..reader.read_var_u32()? {
            let offset = reader.original_position();
            let count = reader.read_var_u32()?;
            declared_locals += u64::from(count);
            self.meter.hold(Limit::Locals, declared_locals, offset)?;
            let ty = reader.read()?;
            validator.define_locals(offset, count, ty)?;
            checker.declare(count, value_type(ty, offset)?);
        }
        self.module_locals += declared_locals;
        self.meter.hold(Limit::ModuleLocals, self.module_locals, range.start)?;

        let ty = &self.info.types[type_index as usize];
        self.named_values.add((ty.params().len() + ty.results().len()) as u64, range.start)?;
        let operators = reader.original_position();
        checker.begin(range.end - operators);
        let unread = Operators::new(reader);
        // Places within a module are below 2^32.
        module_offset(range.end)?;
        let mut counts = Counts {
            planner: &mut self.planner,
            features: &mut self.facts.features,
            floats: self.floats,
            allowed_targets: self.meter.allowed(Limit::BrTableTargets),
            targets_max: self.br_table_targets,
            named_values: self.named_values,
        };
        let before = (counts.targets_max, counts.named_values);
        // Locals are far below 2^32 by their ceiling.
        counts.planner.begin_function(type_index, declared_locals as u32)?;
        let quick = judge(&mut checker, &unread, &mut counts);
        self.checker_allocations = checker.into_allocations();
        let heights = match quick {
            Ok(heights) if !cfg!(debug_assertions) => heights,
            _ => {
                (counts.targets_max, counts.named_values) = before;
                counts.planner.begin_function(type_index, declared_locals as u32)?;
                let mut judged = Wasmparser { validator: &mut validator, allowed, max: Heights::default() };
                let judged = judge(&mut judged, &unread, &mut counts);
                if let Ok(quick) = quick {
                    let refused = judged.as_ref().err();
                    assert!(
                        refused.is_none(),
                        "accepted by the quick check, and not by wasmparser: {refused:?}"
                    );
                    assert_eq!(judged.as_ref().ok(), Some(&quick), "heights differ from wasmparser's");
                }
                judged?
            }
        };
        (self.br_table_targets, self.named_values) = (counts.targets_max, counts.named_values);
        self.planner.end_function()?;
        self.meter.hold(Limit::OperandHeight, heights.operands, range.start)?;
        self.meter.hold(Limit::Nesting, heights.nesting, range.start)?;
        self.meter.hold(Limit::BrTableTargets, self.br_table_targets, range.start)?;
        self.meter.hold(Limit::ValuesPerByte, self.named_values.per_byte(), range.start)?;
        self.meter.hold(Limit::FrameSlots, self.planner.last_frame_slots().into(), range.start)?;

        self.info.bodies.push(body_place(range, operators)?);
        self.allocations = validator.into_allocations();
        self.function = None;
        Ok(())
    }
}

/// Has every operator of a body judged, counted and planned.
fn judge<'b, J: Judge<'b>>(
    judge: &mut J,
    body: &Operators<'b>,
    counts: &mut Counts<'_, '_>,
) -> Result<Heights, J::Error> {
    let mut unread = body.clone();
    while !unread.eof() {
        counts.planner.at(unread.position() as u32);
        judge.operator(&mut unread, counts)?;
        debug_assert!(
            !counts.planner.is_live() || counts.planner.operand_height() as usize == judge.operand_height(),
            "the planner's operand height is another before {:#x}",
            unread.position()
        );
    }
    judge.finish(unread)
}

/// Who judges the types of a body.
trait Judge<'b> {
    type Error;

    /// Reads the next operator, judges and counts it.
    fn operator(
        &mut self,
        unread: &mut Operators<'b>,
        counts: &mut Counts<'_, '_>,
    ) -> Result<(), Self::Error>;
    fn operand_height(&self) -> usize;
    /// All has been read: no construct may be open.
    fn finish(&mut self, unread: Operators<'b>) -> Result<Heights, Self::Error>;
}

impl<'b> Judge<'b> for Checker<'_> {
    type Error = Unsure;

    #[inline(always)]
    fn operator(&mut self, unread: &mut Operators<'b>, counts: &mut Counts<'_, '_>) -> Result<(), Unsure> {
        match unread.visit_frequent(&mut Visitor::new(self, counts)) {
            Some(judged) => judged,
            None => unread.visit_rare(&mut Visitor::new(self, counts))?,
        }
    }

    fn operand_height(&self) -> usize {
        self.operand_height()
    }

    #[inline(always)]
    fn finish(&mut self, unread: Operators<'b>) -> Result<Heights, Unsure> {
        unread.finish_expression(self)?;
        self.heights()
    }
}

/// wasmparser, held to the limits behind every operator.
struct Wasmparser<'v> {
    validator: &'v mut FuncValidator<ValidatorResources>,
    allowed: Heights,
    max: Heights,
}

impl<'b> Judge<'b> for Wasmparser<'_> {
    type Error = Box<Refusal>;

    fn operator(&mut self, unread: &mut Operators<'b>, counts: &mut Counts<'_, '_>) -> Result {
        let offset = unread.position();
        unread.visit(&mut Visitor::new(&mut self.validator.visitor(offset), counts))??;
        let operands = self.validator.operand_stack_height().into();
        let nesting = self.validator.control_stack_height().into();
        for (limit, found, allowed) in [
            (Limit::OperandHeight, operands, self.allowed.operands),
            (Limit::Nesting, nesting, self.allowed.nesting),
        ] {
            if found > allowed {
                return Err(Box::new(Refusal::Limit { limit, allowed, found, offset }));
            }
        }
        let max = self.max;
        self.max = Heights { operands: max.operands.max(operands), nesting: max.nesting.max(nesting) };
        Ok(())
    }

    fn operand_height(&self) -> usize {
        self.validator.operand_stack_height() as usize
    }

    fn finish(&mut self, unread: Operators<'b>) -> Result<Heights> {
        unread.finish_expression(&self.validator.visitor(unread.position()))?;
        Ok(self.max)
    }
}

macro_rules! unsure_from {
    ($($refusal:ty),*) => {
        $(impl From<$refusal> for Unsure {
            #[cold]
            fn from(_: $refusal) -> Unsure {
                Unsure
            }
        })*
    };
}

// Whatever is wrong will be found again, and told, by the judgement that counts.
unsure_from!(BinaryReaderError, PlanError, Box<Refusal>);
