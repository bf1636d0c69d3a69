//! Functions, the guest's and the host's.
//!
//! Owns the handle and what the host must get right to call: counts, types, stores. Running is the store's.

mod into_func;
mod typed;
mod wasm_ty;

pub use into_func::IntoFunc;
pub use typed::TypedFunc;
pub use wasm_ty::{HostResults, WasmParams, WasmResults, WasmTy};

use crate::caller::Caller;
use crate::error::{Error, Usage};
use crate::host::{Host, Owned};
use crate::store::objects::{Callee, FuncRef};
use crate::store::{AsContext, AsContextMut, StoreId, StoreInner};
use crate::types::FuncType;
use crate::value::Val;
use alloc::{sync::Arc, vec, vec::Vec};
use core::fmt;

/// A function of a store.
///
/// ```
/// use lockstep_vm::{Caller, Engine, Func, FuncType, Store, Val, ValType};
///
/// let mut store = Store::new(&Engine::default(), 100);
/// let add = Func::wrap(&mut store, |caller: Caller<'_, i32>, x: i32| x + caller.data());
/// let mut results = [Val::I32(0)];
/// add.call(&mut store, &[Val::I32(5)], &mut results)?;
/// assert_eq!(results, [Val::I32(105)]);
///
/// let typed = add.typed::<i32, i32>(&store)?;
/// assert_eq!(typed.call(&mut store, 6)?, 106);
///
/// // Mistakes are told before anything happens.
/// let error = add.call(&mut store, &[Val::I64(5)], &mut results).unwrap_err();
/// assert_eq!(error.to_string(), "argument 0 has type i64, and the function has type [i32] -> [i32]");
/// # Ok::<(), lockstep_vm::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Func {
    pub(crate) store: StoreId,
    /// Never null.
    pub(crate) reference: FuncRef,
}

/// The code of a host function in a store: its arguments are in the slots, its results go there.
pub(crate) type HostCode<T> = dyn for<'c> Fn(Caller<'c, T>, &mut [u64]) -> Result<(), Error> + Send + Sync;

/// The code of a host function in a linker: the same, whatever the data borrows.
pub(crate) type LinkCode<H> =
    dyn for<'a, 'c> Fn(Caller<'c, <H as Host>::Data<'a>>, &mut [u64]) -> Result<(), Error> + Send + Sync;

/// A host function that is in no store yet.
pub struct HostFunction<H: Host> {
    pub(crate) ty: Arc<FuncType>,
    pub(crate) code: Arc<LinkCode<H>>,
}

impl<H: Host> Clone for HostFunction<H> {
    fn clone(&self) -> Self {
        HostFunction { ty: Arc::clone(&self.ty), code: Arc::clone(&self.code) }
    }
}

impl<H: Host> fmt::Debug for HostFunction<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostFunction({})", self.ty)
    }
}

impl<H: Host> HostFunction<H> {
    /// From a closure whose types are only known when it runs.
    pub(crate) fn dynamic(
        ty: FuncType,
        code: impl for<'a, 'c> Fn(Caller<'c, H::Data<'a>>, &[Val], &mut [Val]) -> Result<(), Error>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        let ty = Arc::new(ty);
        let own = Arc::clone(&ty);
        let code = move |caller: Caller<'_, H::Data<'_>>, slots: &mut [u64]| -> Result<(), Error> {
            let store = caller.store_id();
            let arguments: Vec<Val> = own
                .params()
                .iter()
                .zip(&*slots)
                .map(|(ty, slot)| Val::from_slot(*slot, *ty, store))
                .collect();
            let mut results: Vec<Val> = own.results().iter().map(|ty| Val::default_for_ty(*ty)).collect();
            code(caller, &arguments, &mut results)?;
            for (index, (result, ty)) in results.iter().zip(own.results()).enumerate() {
                if result.ty() != *ty {
                    return Err(
                        Usage::ResultType { index, function: (*own).clone(), given: result.ty() }.into()
                    );
                }
                slots[index] = result.into_slot(store)?;
            }
            Ok(())
        };
        HostFunction { ty, code: Arc::new(code) }
    }

    /// Adds the function to a store.
    pub(crate) fn add_to<'a>(&self, store: &mut StoreInner<H::Data<'a>>) -> Func {
        // The linker's code works for every lifetime, so for this one.
        let code: Arc<HostCode<H::Data<'a>>> = Arc::clone(&self.code) as _;
        Func { store: store.id, reference: store.add_host(Arc::clone(&self.ty), code) }
    }
}

impl Func {
    /// Adds a host function to a store, with parameters and results as the closure has them. See [`IntoFunc`].
    pub fn wrap<T, Params, Results>(
        mut store: impl AsContextMut<Data = T>,
        closure: impl IntoFunc<Owned<T>, Params, Results>,
    ) -> Func {
        closure.into_func().add_to(store.as_context_mut().0)
    }

    /// Adds a host function of any type to a store. It finds its arguments in one slice, of the types of `ty`, and puts
    /// its results into the other, which holds zeros and nulls before.
    pub fn new<T>(
        mut store: impl AsContextMut<Data = T>,
        ty: FuncType,
        closure: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Func {
        HostFunction::<Owned<T>>::dynamic(ty, closure).add_to(store.as_context_mut().0)
    }

    /// The type of the function.
    ///
    /// # Panics
    /// When the function belongs to another store.
    pub fn ty(&self, store: impl AsContext) -> FuncType {
        let store = store.as_context().0;
        self.store.expect(store.id, "function");
        store.objects.function_type(self.callee()).clone()
    }

    /// Calls the function. `results` must have as many places as there are results; what they hold is of no matter.
    ///
    /// # Errors
    /// - [`Usage`](crate::ErrorKind::Usage): wrong number or type of arguments, wrong number of places, something of
    ///   another store. Nothing has happened.
    /// - [`Trap`](crate::ErrorKind::Trap) and [`Stop`](crate::ErrorKind::Stop): the outcome of the execution.
    /// - [`Fault`](crate::ErrorKind::Fault): the node failed.
    pub fn call(
        &self,
        mut store: impl AsContextMut,
        arguments: &[Val],
        results: &mut [Val],
    ) -> Result<(), Error> {
        let store = store.as_context_mut().0;
        self.store.check(store.id, "function")?;
        store.check_alive()?;
        let ty = store.objects.function_type(self.callee());
        if ty.params().len() != arguments.len() {
            return Err(Usage::ArgumentCount { function: ty.clone(), given: arguments.len() }.into());
        }
        if ty.results().len() != results.len() {
            return Err(Usage::ResultCount { function: ty.clone(), given: results.len() }.into());
        }
        let mut slots = Vec::with_capacity(arguments.len());
        for (index, (argument, parameter)) in arguments.iter().zip(ty.params()).enumerate() {
            if argument.ty() != *parameter {
                return Err(Usage::ArgumentType { index, function: ty.clone(), given: argument.ty() }.into());
            }
            slots.push(argument.into_slot(store.id)?);
        }
        let mut answers = vec![0; results.len()];
        store.call(self.callee(), None, &slots, &mut answers)?;
        let ty = store.objects.function_type(self.callee());
        for ((result, slot), ty) in results.iter_mut().zip(answers).zip(ty.results()) {
            *result = Val::from_slot(slot, *ty, store.id);
        }
        Ok(())
    }

    /// The function with its types known to Rust.
    ///
    /// # Errors
    /// [`Usage::FunctionType`] when they are not its types.
    pub fn typed<P: WasmParams, R: WasmResults>(
        &self,
        store: impl AsContext,
    ) -> Result<TypedFunc<P, R>, Error> {
        let store = store.as_context().0;
        self.store.check(store.id, "function")?;
        let ty = store.objects.function_type(self.callee());
        if (ty.params(), ty.results()) != (P::TYPES, R::TYPES) {
            let expected = FuncType::new(P::TYPES.iter().copied(), R::TYPES.iter().copied());
            return Err(Usage::FunctionType { expected, found: ty.clone() }.into());
        }
        Ok(TypedFunc::new(*self))
    }

    pub(crate) fn callee(self) -> Callee {
        self.reference.callee().expect("a handle is never null")
    }
}

impl fmt::Debug for Func {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Func").field("store", &self.store).field("callee", &self.callee()).finish()
    }
}
