//! Directives about functions and globals.
//!
//! Owns calls with a script's arguments, and the comparison of what came of them. It must not know modules.

use super::expect::{self, MOVES_BITS};
use super::observer::Invocation;
use super::runner::{FLOAT_MODULE, Failed, Passed, Place, Runner, Skipped, Verdict, failed};
use super::spectest;
use lockstep_vm::{Error, Trap, Val};
use wast::core::{AbstractHeapType, WastArgCore};
use wast::token::Id;
use wast::{WastArg, WastInvoke, WastRet};

/// What stands in the places for results before a call.
const UNWRITTEN: Val = Val::I64(0x5a5a_5a5a_5a5a_5a5a);

impl Runner<'_> {
    /// Calls a function and lets `judge` look at what came of it.
    pub(super) fn with_results(
        &mut self,
        invoke: &WastInvoke<'_>,
        judge: impl FnOnce(&mut Self, Result<Vec<Val>, Error>) -> Verdict,
    ) -> Verdict {
        let (number, instance) = match self.place(invoke.module) {
            Place::Empty => return failed!("there is no such module"),
            Place::Refused => return Skipped(FLOAT_MODULE),
            Place::Instance { number, instance } => (number, instance),
        };
        let Some(function) = instance.get_func(&self.store, invoke.name) else {
            return failed!("there is no exported function {:?}", invoke.name);
        };
        let mut arguments = Vec::new();
        for argument in &invoke.args {
            match self.argument(argument) {
                Some(value) => arguments.push(value),
                None => return failed!("the runner does not know this argument: {argument:?}"),
            }
        }
        let mut results = vec![UNWRITTEN; function.ty(&self.store).results().len()];
        let before = (self.store.gas(), self.store.data().prints);
        let outcome = function.call(&mut self.store, &arguments, &mut results);
        let cost = self.cost(before);
        self.observer.invoked(Invocation {
            offset: self.offset,
            instance: number,
            function: invoke.name,
            arguments: &arguments,
            outcome: outcome.as_ref().map(|()| &*results),
            cost,
        });
        judge(self, outcome.map(|()| results))
    }

    fn argument(&mut self, argument: &WastArg<'_>) -> Option<Val> {
        let WastArg::Core(argument) = argument else { return None };
        Some(match argument {
            WastArgCore::I32(value) => Val::I32(*value),
            WastArgCore::I64(value) => Val::I64(*value),
            WastArgCore::F32(value) => Val::F32(value.bits),
            WastArgCore::F64(value) => Val::F64(value.bits),
            WastArgCore::RefNull(heap) if expect::is_abstract(heap, AbstractHeapType::Func) => {
                Val::FuncRef(None)
            }
            WastArgCore::RefNull(heap) if expect::is_abstract(heap, AbstractHeapType::Extern) => {
                Val::ExternRef(None)
            }
            WastArgCore::RefExtern(number) => spectest::extern_ref(&mut self.store, *number).into(),
            _ => return None,
        })
    }

    pub(super) fn compare(&mut self, function: &str, expected: &[WastRet<'_>], values: &[Val]) -> Verdict {
        if expected.len() != values.len() {
            return failed!("{} results, expected {}", values.len(), expected.len());
        }
        let file = self.file.name.split('/').next_back().unwrap_or_default();
        let moves_bits = MOVES_BITS.contains(&(file, function));
        for (index, (expected, value)) in expected.iter().zip(values).enumerate() {
            let WastRet::Core(expected) = expected else { return failed!("a result that is no core value") };
            if !expect::matches(&self.store, expected, value, moves_bits) {
                return failed!("result {index} of {function:?} is {value}, expected {expected:?}");
            }
            if expect::is_nan_pattern(expected) && !moves_bits {
                let ty = if matches!(value, Val::F32(_)) { "f32" } else { "f64" };
                *self.report.nans.entry((ty, function.to_string())).or_default() += 1;
            }
        }
        Passed
    }

    pub(super) fn get(&mut self, module: Option<Id<'_>>, global: &str, expected: &[WastRet<'_>]) -> Verdict {
        let (number, instance) = match self.place(module) {
            Place::Empty => return failed!("there is no such module"),
            Place::Refused => return Skipped(FLOAT_MODULE),
            Place::Instance { number, instance } => (number, instance),
        };
        let Some(found) = instance.get_global(&self.store, global) else {
            return failed!("there is no exported global {global:?}");
        };
        let value = found.get(&self.store);
        self.observer.read(number, global, &value);
        self.compare(global, expected, &[value])
    }

    /// Whether an execution trapped with the kind that the message stands for.
    pub(super) fn trapped(&mut self, message: &str, error: Option<Error>) -> Verdict {
        let Some(expected) = expect::trap_of(message) else { return failed!("unknown message {message:?}") };
        match error {
            None => failed!("returned, expected {}", expected.name()),
            Some(error) if error.trap() == Some(expected) => {
                *self.report.traps.entry((message.to_string(), Trap::name(expected))).or_default() += 1;
                Passed
            }
            Some(error) => failed!("expected {}, found {error}", expected.name()),
        }
    }
}
