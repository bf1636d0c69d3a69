//! One operator: its types judged, what it names counted, its price planned.
//!
//! Owns the order of these, and what is counted beside prices: values that operators name, targets of `br_table`, features. It
//! must not know who judges types.

use super::{Refusal, Result};
use crate::features::Features;
use crate::limits::Limit;
use alloc::{boxed::Box, vec::Vec};
use lockstep_gas::{PlanError, Planner};
use wasmparser::{BlockType, FrameKind, FrameStack, ModuleArity, VisitOperator};

/// What is counted over a module's bodies.
pub(super) struct Counts<'p, 's> {
    pub(super) planner: &'p mut Planner<'s>,
    pub(super) features: &'p mut Features,
    pub(super) floats: bool,
    pub(super) allowed_targets: u64,
    pub(super) targets_max: u64,
    pub(super) named_values: NamedValues,
}

/// Who judges types, asked for arities by index. An index that means nothing has none, and is refused next.
pub(super) trait Names {
    type Error: From<PlanError> + From<Box<Refusal>> + 'static;

    /// Parameters and results of a type.
    fn type_arity(&self, index: u32) -> Option<u64>;
    fn function_type(&self, function: u32) -> Option<u32>;
    /// How many values a branch to a label takes.
    fn label_arity(&self, depth: u32) -> Option<u64>;
    /// How many constructs are open, the body included.
    fn nesting(&self) -> u32;
}

impl<V: ModuleArity> Names for V {
    type Error = Box<Refusal>;

    fn type_arity(&self, index: u32) -> Option<u64> {
        let (parameters, results) = self.sub_type_arity(self.sub_type_at(index)?)?;
        Some(u64::from(parameters) + u64::from(results))
    }

    fn function_type(&self, function: u32) -> Option<u32> {
        self.type_index_of_function(function)
    }

    fn label_arity(&self, depth: u32) -> Option<u64> {
        let (ty, kind) = self.label_block(depth)?;
        if ty == BlockType::Empty {
            return Some(0);
        }
        let (parameters, results) = self.block_type_arity(ty)?;
        Some(if kind == FrameKind::Loop { parameters } else { results }.into())
    }

    fn nesting(&self) -> u32 {
        self.control_stack_height()
    }
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

    pub(super) fn per_byte(&self) -> u64 {
        self.values.div_ceil(self.module_bytes)
    }

    #[inline]
    pub(super) fn add(&mut self, values: u64, offset: u64) -> Result {
        self.values = self.values.saturating_add(values);
        if self.values > self.module_bytes.saturating_mul(self.allowed_per_byte) {
            let (limit, allowed, found) = (Limit::ValuesPerByte, self.allowed_per_byte, self.per_byte());
            return Err(Box::new(Refusal::Limit { limit, allowed, found, offset }));
        }
        Ok(())
    }
}

/// Hands each operator to who judges types, then to the planner.
pub(super) struct Visitor<'v, 'p, 's, T> {
    types: &'v mut T,
    counts: &'v mut Counts<'p, 's>,
}

impl<'v, 'p, 's, T: Names> Visitor<'v, 'p, 's, T> {
    pub(super) fn new(types: &'v mut T, counts: &'v mut Counts<'p, 's>) -> Self {
        Visitor { types, counts }
    }

    #[inline]
    fn names(&mut self, values: u64) -> Result {
        self.counts.named_values.add(values, self.counts.planner.position().into())
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
        self.names(self.types.type_arity(index).unwrap_or(0))
    }

    #[inline]
    fn names_function(&mut self, function: u32) -> Result {
        match self.types.function_type(function) {
            Some(ty) => self.names_type(ty),
            None => Ok(()),
        }
    }

    #[inline]
    fn names_label(&mut self, depth: u32, times: u64) -> Result {
        match self.types.label_arity(depth) {
            None | Some(0) => Ok(()),
            Some(arity) => self.names(arity.saturating_mul(times)),
        }
    }

    fn names_body_results(&mut self) -> Result {
        match self.types.nesting().checked_sub(1) {
            Some(outermost) => self.names_label(outermost, 1),
            None => Ok(()),
        }
    }

    fn names_targets(&mut self, default: u32, found: u64) -> Result {
        let allowed = self.counts.allowed_targets;
        if found > allowed {
            let (limit, offset) = (Limit::BrTableTargets, self.counts.planner.position().into());
            return Err(Box::new(Refusal::Limit { limit, allowed, found, offset }));
        }
        self.counts.targets_max = found.max(self.counts.targets_max);
        self.names_label(default, found + 1)
    }

    #[cold]
    fn float(&self) -> Box<Refusal> {
        Box::new(Refusal::Float { offset: self.counts.planner.position().into() })
    }
}

impl<T: FrameStack> FrameStack for Visitor<'_, '_, '_, T> {
    #[inline]
    fn current_frame(&self) -> Option<FrameKind> {
        self.types.current_frame()
    }
}

macro_rules! define_visit {
    ($(@$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
        $(
            #[inline]
            fn $visit(&mut self $($(, $arg: $ty)*)?) -> Result<(), T::Error> {
                if const { mentions_float(stringify!($visit)) } && !self.counts.floats {
                    return Err(self.float().into());
                }
                define_visit!(note self @$proposal $op $($($arg)*)?);
                self.types.$visit($($($arg.clone()),*)?)?;
                self.counts.planner.$visit($($($arg),*)?)?;
                Ok(())
            }
        )*
    };
    (note $self:ident @sign_extension $($rest:tt)*) => { $self.counts.features.sign_extension = true; };
    (note $self:ident @saturating_float_to_int $($rest:tt)*) => { $self.counts.features.saturating_conversions = true; };
    (note $self:ident @bulk_memory $($rest:tt)*) => { $self.counts.features.bulk_memory = true; };
    (note $self:ident @reference_types $($rest:tt)*) => { $self.counts.features.reference_types = true; };
    (note $self:ident @tail_call ReturnCall $function:ident) => {
        $self.counts.features.tail_calls = true;
        $self.names_function($function)?;
    };
    (note $self:ident @tail_call ReturnCallIndirect $ty:ident $table:ident) => {
        $self.counts.features.tail_calls = true;
        $self.names_type($ty)?;
    };
    (note $self:ident @mvp BrTable $targets:ident) => {
        $self.names_targets($targets.default(), $targets.len().into())?;
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

impl<'a, T, F> VisitOperator<'a> for Visitor<'_, '_, '_, T>
where
    T: VisitOperator<'a, Output = Result<(), F>> + Names<Error: From<F>>,
{
    type Output = Result<(), T::Error>;

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
