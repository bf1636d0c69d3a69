//! Closures as host functions.
//!
//! Owns which closures are host functions. The macro at the end is what makes `func_wrap` read as it does.

use super::wasm_ty::{HostResults, WasmParams, WasmTy, for_each_arity};
use super::{HostFunction, LinkCode};
use crate::caller::Caller;
use crate::error::Error;
use crate::host::Host;
use crate::types::FuncType;
use alloc::sync::Arc;

/// A closure that can be a host function: with 0 to 16 [`WasmTy`] parameters, before them a [`Caller`] or not, and
/// whatever [`HostResults`] allows as its result. `Params` and `Results` are found by inference.
pub trait IntoFunc<H: Host, Params, Results>: Send + Sync + 'static {
    #[doc(hidden)]
    fn into_func(self) -> HostFunction<H>;
}

/// Stands before the parameters of closures that take a [`Caller`].
#[derive(Debug)]
#[allow(clippy::exhaustive_structs, reason = "it only exists as a type")]
pub struct WithCaller;

fn host_function<H: Host, P: WasmParams, R: HostResults>(code: Arc<LinkCode<H>>) -> HostFunction<H> {
    let ty = FuncType::new(P::TYPES.iter().copied(), R::Results::TYPES.iter().copied());
    HostFunction { ty: Arc::new(ty), code }
}

macro_rules! closures {
    ($($name:ident $index:tt)*) => {
        impl<H: Host, F, R: HostResults, $($name: WasmTy,)*> IntoFunc<H, ($($name,)*), R> for F
        where
            F: Fn($($name,)*) -> R + Send + Sync + 'static,
        {
            #[allow(non_snake_case, reason = "a parameter is named as its type")]
            fn into_func(self) -> HostFunction<H> {
                host_function::<H, ($($name,)*), R>(Arc::new(
                    move |caller: Caller<'_, H::Data<'_>>, slots: &mut [u64]| -> Result<(), Error> {
                        let store = caller.store_id();
                        let ($($name,)*) = WasmParams::from_slots(slots, store);
                        Ok(self($($name,)*).into_results()?.into_slots(slots, store)?)
                    },
                ))
            }
        }

        impl<H: Host, F, R: HostResults, $($name: WasmTy,)*> IntoFunc<H, (WithCaller, $($name,)*), R> for F
        where
            F: for<'a, 'c> Fn(Caller<'c, H::Data<'a>>, $($name,)*) -> R + Send + Sync + 'static,
        {
            #[allow(non_snake_case, reason = "a parameter is named as its type")]
            fn into_func(self) -> HostFunction<H> {
                host_function::<H, ($($name,)*), R>(Arc::new(
                    move |caller: Caller<'_, H::Data<'_>>, slots: &mut [u64]| -> Result<(), Error> {
                        let store = caller.store_id();
                        let ($($name,)*) = WasmParams::from_slots(slots, store);
                        Ok(self(caller, $($name,)*).into_results()?.into_slots(slots, store)?)
                    },
                ))
            }
        }
    };
}

for_each_arity!(closures);
