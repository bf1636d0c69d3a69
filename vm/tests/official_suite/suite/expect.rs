//! What the suite expects, in the engine's terms.
//!
//! Owns the translation of the suite's messages to kinds of traps, and when a value is the expected one. It must not know
//! how values were computed.

use super::spectest::Host;
use lockstep_vm::{Store, Trap, Val};
use wast::core::{AbstractHeapType, HeapType, NanPattern, WastRetCore};

/// Exports for which a NaN pattern may be met by any NaN that the WebAssembly specification allows, because they only move
/// bits: (file without its folder, export). Every other NaN pattern is met by the positive canonical NaN alone.
///
/// None is needed: in the selection, patterns stand only for results of arithmetic.
pub(crate) const MOVES_BITS: &[(&str, &str)] = &[];

const CANONICAL_F32: u32 = 0x7fc0_0000;
const CANONICAL_F64: u64 = 0x7ff8_0000_0000_0000;

/// The kind of trap that a message of `assert_trap` or `assert_exhaustion` stands for.
pub(crate) fn trap_of(message: &str) -> Option<Trap> {
    Some(match message {
        "unreachable" => Trap::Unreachable,
        "out of bounds memory access" => Trap::MemoryOutOfBounds,
        "out of bounds table access" | "undefined element" => Trap::TableOutOfBounds,
        "uninitialized element" => Trap::IndirectCallToNull,
        "indirect call type mismatch" => Trap::BadSignature,
        "integer overflow" => Trap::IntegerOverflow,
        "integer divide by zero" => Trap::DivideByZero,
        "invalid conversion to integer" => Trap::BadConversion,
        "call stack exhausted" => Trap::StackOverflow,
        // The reference interpreter names the element: `uninitialized element 2`.
        _ => match message.strip_prefix("uninitialized element ") {
            Some(index) if index.parse::<u32>().is_ok() => Trap::IndirectCallToNull,
            _ => return None,
        },
    })
}

/// Whether a result has a NaN pattern.
pub(crate) fn is_nan_pattern(expected: &WastRetCore<'_>) -> bool {
    use NanPattern::{ArithmeticNan, CanonicalNan};
    matches!(
        expected,
        WastRetCore::F32(CanonicalNan | ArithmeticNan) | WastRetCore::F64(CanonicalNan | ArithmeticNan)
    )
}

/// Whether a value is the expected one; `moves_bits` loosens NaN patterns to what the WebAssembly specification allows.
pub(crate) fn matches(
    store: &Store<Host>,
    expected: &WastRetCore<'_>,
    value: &Val,
    moves_bits: bool,
) -> bool {
    match (expected, value) {
        (WastRetCore::I32(expected), Val::I32(value)) => expected == value,
        (WastRetCore::I64(expected), Val::I64(value)) => expected == value,
        (WastRetCore::F32(pattern), Val::F32(bits)) => match pattern {
            NanPattern::Value(expected) => expected.bits == *bits,
            NanPattern::CanonicalNan if moves_bits => bits & 0x7fff_ffff == CANONICAL_F32,
            NanPattern::ArithmeticNan if moves_bits => bits & CANONICAL_F32 == CANONICAL_F32,
            NanPattern::CanonicalNan | NanPattern::ArithmeticNan => *bits == CANONICAL_F32,
        },
        (WastRetCore::F64(pattern), Val::F64(bits)) => match pattern {
            NanPattern::Value(expected) => expected.bits == *bits,
            NanPattern::CanonicalNan if moves_bits => bits & (u64::MAX >> 1) == CANONICAL_F64,
            NanPattern::ArithmeticNan if moves_bits => bits & CANONICAL_F64 == CANONICAL_F64,
            NanPattern::CanonicalNan | NanPattern::ArithmeticNan => *bits == CANONICAL_F64,
        },
        (WastRetCore::RefNull(None), Val::FuncRef(None) | Val::ExternRef(None)) => true,
        (WastRetCore::RefNull(Some(heap)), Val::FuncRef(None)) => is_abstract(heap, AbstractHeapType::Func),
        (WastRetCore::RefNull(Some(heap)), Val::ExternRef(None)) => {
            is_abstract(heap, AbstractHeapType::Extern)
        }
        (WastRetCore::RefFunc(None), Val::FuncRef(Some(_))) => true,
        (WastRetCore::RefExtern(expected), Val::ExternRef(Some(value))) => match expected {
            None => true,
            Some(expected) => store.data().number_of(value) == Some(*expected),
        },
        (WastRetCore::Either(cases), value) => {
            cases.iter().any(|expected| matches(store, expected, value, moves_bits))
        }
        _ => false,
    }
}

/// Whether a heap type is this abstract one.
pub(crate) fn is_abstract(heap: &HeapType<'_>, wanted: AbstractHeapType) -> bool {
    matches!(heap, HeapType::Abstract { shared: false, ty } if *ty == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_message_is_no_trap() {
        assert_eq!(trap_of("uninitialized element 7"), Some(Trap::IndirectCallToNull));
        assert_eq!(trap_of("uninitialized elements"), None);
        assert_eq!(trap_of("uninitialized element x"), None);
        assert_eq!(trap_of(""), None);
    }
}
