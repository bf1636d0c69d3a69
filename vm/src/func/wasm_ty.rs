//! Which Rust types stand for WebAssembly's.
//!
//! Owns the conversion between Rust values and slots, one and several at a time.

use super::Func;
use crate::error::{Error, Usage};
use crate::externref::ExternRef;
use crate::store::StoreId;
use crate::store::objects::FuncRef;
use crate::types::ValType;

mod sealed {
    pub trait Sealed {}
}

/// A Rust type that stands for a WebAssembly type: `i32`, `u32`, `i64`, `u64`, `f32`, `f64`, `Option<Func>`,
/// `Option<ExternRef>`.
///
/// Floats keep their bits where Rust does; for exact payloads of NaNs use [`Val`](crate::Val).
pub trait WasmTy: sealed::Sealed + Copy + Send + Sync + 'static {
    /// The WebAssembly type.
    const TYPE: ValType;

    #[doc(hidden)]
    #[allow(clippy::missing_errors_doc, reason = "not for users")]
    fn into_slot(self, store: StoreId) -> Result<u64, Usage>;

    #[doc(hidden)]
    fn from_slot(slot: u64, store: StoreId) -> Self;
}

macro_rules! number_types {
    ($($ty:ty, $wasm:ident, $value:ident => $into:expr, $slot:ident => $from:expr;)*) => {
        $(
            impl sealed::Sealed for $ty {}

            impl WasmTy for $ty {
                const TYPE: ValType = ValType::$wasm;

                fn into_slot(self, _: StoreId) -> Result<u64, Usage> {
                    let $value = self;
                    Ok($into)
                }

                fn from_slot($slot: u64, _: StoreId) -> Self {
                    $from
                }
            }
        )*
    };
}

number_types! {
    i32, I32, value => u64::from(value as u32), slot => slot as i32;
    u32, I32, value => u64::from(value), slot => slot as u32;
    i64, I64, value => value as u64, slot => slot as i64;
    u64, I64, value => value, slot => slot;
    f32, F32, value => u64::from(value.to_bits()), slot => f32::from_bits(slot as u32);
    f64, F64, value => value.to_bits(), slot => f64::from_bits(slot);
}

impl sealed::Sealed for Option<Func> {}

impl WasmTy for Option<Func> {
    const TYPE: ValType = ValType::FuncRef;

    fn into_slot(self, store: StoreId) -> Result<u64, Usage> {
        let Some(func) = self else { return Ok(FuncRef::NULL.to_bits()) };
        func.store.check(store, "function")?;
        Ok(func.reference.to_bits())
    }

    fn from_slot(slot: u64, store: StoreId) -> Self {
        let reference = FuncRef::from_bits(slot);
        (reference != FuncRef::NULL).then_some(Func { store, reference })
    }
}

impl sealed::Sealed for Option<ExternRef> {}

impl WasmTy for Option<ExternRef> {
    const TYPE: ValType = ValType::ExternRef;

    fn into_slot(self, store: StoreId) -> Result<u64, Usage> {
        let Some(reference) = self else { return Ok(0) };
        reference.store.check(store, "externref")?;
        Ok(u64::from(reference.index) + 1)
    }

    fn from_slot(slot: u64, store: StoreId) -> Self {
        let index = slot.checked_sub(1)?;
        // It was a u32 when it became a slot.
        Some(ExternRef { store, index: index as u32 })
    }
}

/// The parameters of a function: a [`WasmTy`], or a tuple of up to 16.
pub trait WasmParams: sealed::Sealed {
    /// The WebAssembly types.
    const TYPES: &'static [ValType];

    #[doc(hidden)]
    #[allow(clippy::missing_errors_doc, reason = "not for users")]
    fn into_slots(self, slots: &mut [u64], store: StoreId) -> Result<(), Usage>;

    #[doc(hidden)]
    fn from_slots(slots: &[u64], store: StoreId) -> Self;
}

/// The results of a function: a [`WasmTy`], or a tuple of up to 16; `()` for none.
pub trait WasmResults: WasmParams {}

impl<R: WasmParams> WasmResults for R {}

/// The most parameters of typed functions, and the most results.
pub(crate) const VALUES_MAX: usize = 16;

impl<A: WasmTy> WasmParams for A {
    const TYPES: &'static [ValType] = &[A::TYPE];

    fn into_slots(self, slots: &mut [u64], store: StoreId) -> Result<(), Usage> {
        slots[0] = self.into_slot(store)?;
        Ok(())
    }

    fn from_slots(slots: &[u64], store: StoreId) -> Self {
        A::from_slot(slots[0], store)
    }
}

/// What a host function may return: [`WasmResults`], or a `Result` of them with any error that becomes an
/// [`Error`]: [`Trap`](crate::Trap), [`Stop`](crate::Stop), [`Fault`](crate::Fault), `Error` itself.
pub trait HostResults {
    /// The results when it succeeds.
    type Results: WasmResults;

    #[doc(hidden)]
    #[allow(clippy::missing_errors_doc, reason = "not for users")]
    fn into_results(self) -> Result<Self::Results, Error>;
}

impl<R: WasmResults> HostResults for R {
    type Results = R;

    fn into_results(self) -> Result<R, Error> {
        Ok(self)
    }
}

impl<R: WasmResults, E: Into<Error>> HostResults for Result<R, E> {
    type Results = R;

    fn into_results(self) -> Result<R, Error> {
        self.map_err(Into::into)
    }
}

macro_rules! tuples {
    ($($name:ident $index:tt)*) => {
        impl<$($name: WasmTy,)*> sealed::Sealed for ($($name,)*) {}

        impl<$($name: WasmTy,)*> WasmParams for ($($name,)*) {
            const TYPES: &'static [ValType] = &[$($name::TYPE,)*];

            #[allow(unused_variables, reason = "the empty tuple")]
            fn into_slots(self, slots: &mut [u64], store: StoreId) -> Result<(), Usage> {
                $(slots[$index] = self.$index.into_slot(store)?;)*
                Ok(())
            }

            #[allow(unused_variables, clippy::unused_unit, reason = "the empty tuple")]
            fn from_slots(slots: &[u64], store: StoreId) -> Self {
                ($($name::from_slot(slots[$index], store),)*)
            }
        }
    };
}

/// Calls a macro with the names and indices of 0 to 16 parameters.
macro_rules! for_each_arity {
    ($macro:ident) => {
        $macro!();
        $macro!(A0 0);
        $macro!(A0 0 A1 1);
        $macro!(A0 0 A1 1 A2 2);
        $macro!(A0 0 A1 1 A2 2 A3 3);
        $macro!(A0 0 A1 1 A2 2 A3 3 A4 4);
        $macro!(A0 0 A1 1 A2 2 A3 3 A4 4 A5 5);
        $macro!(A0 0 A1 1 A2 2 A3 3 A4 4 A5 5 A6 6);
        $macro!(A0 0 A1 1 A2 2 A3 3 A4 4 A5 5 A6 6 A7 7);
        $macro!(A0 0 A1 1 A2 2 A3 3 A4 4 A5 5 A6 6 A7 7 A8 8);
        $macro!(A0 0 A1 1 A2 2 A3 3 A4 4 A5 5 A6 6 A7 7 A8 8 A9 9);
        $macro!(A0 0 A1 1 A2 2 A3 3 A4 4 A5 5 A6 6 A7 7 A8 8 A9 9 A10 10);
        $macro!(A0 0 A1 1 A2 2 A3 3 A4 4 A5 5 A6 6 A7 7 A8 8 A9 9 A10 10 A11 11);
        $macro!(A0 0 A1 1 A2 2 A3 3 A4 4 A5 5 A6 6 A7 7 A8 8 A9 9 A10 10 A11 11 A12 12);
        $macro!(A0 0 A1 1 A2 2 A3 3 A4 4 A5 5 A6 6 A7 7 A8 8 A9 9 A10 10 A11 11 A12 12 A13 13);
        $macro!(A0 0 A1 1 A2 2 A3 3 A4 4 A5 5 A6 6 A7 7 A8 8 A9 9 A10 10 A11 11 A12 12 A13 13 A14 14);
        $macro!(A0 0 A1 1 A2 2 A3 3 A4 4 A5 5 A6 6 A7 7 A8 8 A9 9 A10 10 A11 11 A12 12 A13 13 A14 14 A15 15);
    };
}

for_each_arity!(tuples);

pub(super) use for_each_arity;
