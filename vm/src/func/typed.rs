//! Functions whose types Rust knows.
//!
//! Owns calls without lists of values. Running is the store's.

use super::wasm_ty::VALUES_MAX;
use super::{Func, WasmParams, WasmResults};
use crate::error::Error;
use crate::store::AsContextMut;
use core::fmt;
use core::marker::PhantomData;

/// A function whose type was checked once, when it was made by [`Func::typed`] or
/// [`Instance::get_typed_func`](crate::Instance::get_typed_func).
///
/// ```
/// use lockstep_vm::{Engine, Instance, Module, Store};
///
/// let engine = Engine::default();
/// let wasm = wat::parse_str(
///     r#"(module (func (export "swap") (param i32 i64) (result i64 i32) local.get 1 local.get 0))"#,
/// )?;
/// let mut store = Store::new(&engine, ());
/// store.set_gas(1_000_000)?;
/// let instance = Instance::new(&mut store, &Module::new(&engine, &wasm)?, &[])?;
/// let swap = instance.get_typed_func::<(i32, u64), (u64, i32)>(&store, "swap")?;
/// assert_eq!(swap.call(&mut store, (1, 2))?, (2, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TypedFunc<P, R> {
    func: Func,
    types: PhantomData<fn(P) -> R>,
}

impl<P: WasmParams, R: WasmResults> TypedFunc<P, R> {
    pub(super) fn new(func: Func) -> Self {
        TypedFunc { func, types: PhantomData }
    }

    /// Calls the function.
    ///
    /// # Errors
    /// As [`Func::call`].
    pub fn call(&self, mut store: impl AsContextMut, parameters: P) -> Result<R, Error> {
        let store = store.as_context_mut().0;
        self.func.store.check(store.id, "function")?;
        store.check_alive()?;
        let (mut arguments, mut results) = ([0; VALUES_MAX], [0; VALUES_MAX]);
        parameters.into_slots(&mut arguments, store.id)?;
        let results = &mut results[..R::TYPES.len()];
        store.call(self.func.callee(), None, &arguments[..P::TYPES.len()], results)?;
        Ok(R::from_slots(results, store.id))
    }
}

impl<P, R> TypedFunc<P, R> {
    /// The function without its types.
    pub fn func(&self) -> &Func {
        &self.func
    }
}

impl<P, R> Clone for TypedFunc<P, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P, R> Copy for TypedFunc<P, R> {}

impl<P, R> fmt::Debug for TypedFunc<P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TypedFunc").field(&self.func).finish()
    }
}
