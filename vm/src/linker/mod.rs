//! Linkers: definitions by name.
//!
//! Owns names. It must not know what a definition does.

mod link;
mod prepared;

pub use prepared::{HostInstancePre, InstancePre};

pub(crate) use link::{Resolved, instantiate};

use crate::Engine;
use crate::caller::Caller;
use crate::error::{Error, LinkError, Usage};
use crate::external::Extern;
use crate::func::{HostFunction, IntoFunc};
use crate::host::{Host, Owned};
use crate::instance::Instance;
use crate::module::Module;
use crate::store::{AsContext, AsContextMut};
use crate::types::FuncType;
use crate::value::Val;
use alloc::{boxed::Box, vec::Vec};
use core::fmt;
use hashbrown::HashMap;

/// A linker for stores whose data is a `T` that borrows nothing. For data that borrows, see [`Host`].
pub type Linker<T> = HostLinker<Owned<T>>;

/// Definitions by two names each, from which modules get their imports. Made once, it serves any number of stores, on
/// any number of threads.
///
/// ```
/// use lockstep_vm::{Caller, Engine, ErrorKind, LinkError, Linker, Module, Store};
///
/// let engine = Engine::default();
/// let mut linker = Linker::new(&engine);
/// linker.func_wrap("env", "add", |mut caller: Caller<'_, i64>, x: i64| *caller.data_mut() += x)?;
/// linker.func_wrap("env", "max", |x: i32, y: i32| x.max(y))?; // needs no caller
///
/// let module = |text: &str| Module::new(&engine, wat::parse_str(text).unwrap());
/// let adder = module(r#"(module (import "env" "add" (func $add (param i64))) (start $run)
///     (func $run i64.const 5 call $add))"#)?;
/// let mut store = Store::new(&engine, 1);
/// store.set_gas(1_000_000)?;
/// linker.instantiate(&mut store, &adder)?;
/// assert_eq!(*store.data(), 6);
///
/// // What cannot be linked is reported at once.
/// let wrong = module(r#"(module
///     (import "env" "max" (func (param i64)))
///     (import "env" "min" (func)))"#)?;
/// let error = linker.instantiate(&mut store, &wrong).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "2 imports cannot be linked; define them with these types\n  \
///      `env` `max`: expected func [i64] -> [], found func [i32 i32] -> [i32]\n  \
///      `env` `min`: expected func [] -> [], found nothing",
/// );
/// # Ok::<(), lockstep_vm::Error>(())
/// ```
pub struct HostLinker<H: Host> {
    engine: Engine,
    allow_shadowing: bool,
    /// By module, then by name.
    /// Only ever looked into, never walked: a hash map has no order that replicas could share.
    definitions: HashMap<Box<str>, HashMap<Box<str>, Resolved<H>>>,
}

impl<H: Host> HostLinker<H> {
    /// A linker without definitions.
    pub fn new(engine: &Engine) -> Self {
        HostLinker { engine: engine.clone(), allow_shadowing: false, definitions: HashMap::new() }
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Whether a later definition of the same names replaces an earlier one; otherwise it is an error.
    pub fn allow_shadowing(&mut self, allow: bool) -> &mut Self {
        self.allow_shadowing = allow;
        self
    }

    /// Defines a host function by a closure with 0 to 16 parameters, before them a [`Caller`] or not. What it may
    /// return is told at [`HostResults`](crate::HostResults).
    ///
    /// # Errors
    /// [`LinkError::Duplicate`] when the names are defined already.
    pub fn func_wrap<Params, Results>(
        &mut self,
        module: &str,
        name: &str,
        closure: impl IntoFunc<H, Params, Results>,
    ) -> Result<&mut Self, Error> {
        self.insert(module, name, Resolved::Host(closure.into_func()))
    }

    /// Defines a host function of any type. It finds its arguments in one slice, of the types of `ty`, and puts its
    /// results into the other, which holds zeros and nulls before.
    ///
    /// ```
    /// use lockstep_vm::{Caller, Engine, FuncType, Linker, Val, ValType};
    ///
    /// let mut linker = Linker::<()>::new(&Engine::default());
    /// let ty = FuncType::new([ValType::I64; 20], [ValType::I64]);
    /// linker.func_new("env", "sum", ty, |_: Caller<'_, ()>, arguments: &[Val], results: &mut [Val]| {
    ///     results[0] = arguments.iter().filter_map(Val::i64).sum::<i64>().into();
    ///     Ok(())
    /// })?;
    /// # Ok::<(), lockstep_vm::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`LinkError::Duplicate`] when the names are defined already.
    pub fn func_new(
        &mut self,
        module: &str,
        name: &str,
        ty: FuncType,
        closure: impl for<'a, 'c> Fn(Caller<'c, H::Data<'a>>, &[Val], &mut [Val]) -> Result<(), Error>
        + Send
        + Sync
        + 'static,
    ) -> Result<&mut Self, Error> {
        self.insert(module, name, Resolved::Host(HostFunction::dynamic(ty, closure)))
    }

    /// Defines something of a store. From then on the linker links that store's modules only, as far as they import it.
    ///
    /// # Errors
    /// [`LinkError::Duplicate`] when the names are defined already; [`Usage::OtherStore`] when the item is not of the
    /// store.
    pub fn define(
        &mut self,
        store: impl AsContext,
        module: &str,
        name: &str,
        item: impl Into<Extern>,
    ) -> Result<&mut Self, Error> {
        let item = item.into();
        item.store().check(store.as_context().0.id, "item")?;
        self.insert(module, name, Resolved::Extern(item))
    }

    /// Defines all exports of an instance under a module name.
    ///
    /// # Errors
    /// As [`define`](Self::define); exports before the one that failed are defined.
    pub fn instance(
        &mut self,
        store: impl AsContext,
        module: &str,
        instance: Instance,
    ) -> Result<&mut Self, Error> {
        let store = store.as_context();
        instance.store.check(store.0.id, "instance")?;
        for export in instance.exports(store) {
            self.insert(module, export.name(), Resolved::Extern(export.into_extern()))?;
        }
        Ok(self)
    }

    /// Defines what `module` `name` is under other names too.
    ///
    /// # Errors
    /// [`Usage::NotDefined`] when there is nothing of these names; [`LinkError::Duplicate`] when the other names are
    /// defined already.
    pub fn alias(
        &mut self,
        module: &str,
        name: &str,
        as_module: &str,
        as_name: &str,
    ) -> Result<&mut Self, Error> {
        let Some(item) = self.find(module, name).cloned() else {
            return Err(Usage::NotDefined { module: module.into(), name: name.into() }.into());
        };
        self.insert(as_module, as_name, item)
    }

    /// What is defined by these names. A host function is added to the store by this.
    pub fn get<'a>(
        &self,
        mut store: impl AsContextMut<Data = H::Data<'a>>,
        module: &str,
        name: &str,
    ) -> Option<Extern> {
        Some(self.find(module, name)?.in_store(store.as_context_mut().0))
    }

    /// Makes an instance of a module in a store and calls its start function.
    ///
    /// In this order: imports are checked, then the store's limits; the price of instantiation is charged; memories,
    /// tables and globals are made; active element segments and then data segments are written in order; the start
    /// function is called.
    ///
    /// # Errors
    /// - [`LinkError`]: an import is missing or of the wrong type, a limit is too low. Nothing was charged.
    /// - [`Trap`](crate::ErrorKind::Trap): the price could not be paid, a segment did not fit (those before it stay),
    ///   or the start function trapped. The instance stays in the store, for tables of others may hold its functions.
    /// - [`Stop`](crate::ErrorKind::Stop), [`Fault`](crate::ErrorKind::Fault): as for [`Func::call`](crate::Func::call).
    pub fn instantiate<'a>(
        &self,
        mut store: impl AsContextMut<Data = H::Data<'a>>,
        module: &Module,
    ) -> Result<Instance, Error> {
        let instance = self.instantiate_without_start(store.as_context_mut(), module)?;
        store.as_context_mut().0.start(instance.id)?;
        Ok(instance)
    }

    /// As [`instantiate`](Self::instantiate), without the start function: call it by [`Instance::run_start`].
    ///
    /// # Errors
    /// As [`instantiate`](Self::instantiate).
    pub fn instantiate_without_start<'a>(
        &self,
        mut store: impl AsContextMut<Data = H::Data<'a>>,
        module: &Module,
    ) -> Result<Instance, Error> {
        let store = store.as_context_mut().0;
        if !self.engine.same(&store.engine) {
            return Err(LinkError::OtherEngine.into());
        }
        instantiate(store, module, &self.resolve(module))
    }

    /// Looks up a module's imports once, for many instances. Missing imports and host functions of the wrong type are
    /// reported here, what is defined by a store when an instance is made.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn instantiate_pre(&self, module: &Module) -> Result<HostInstancePre<H>, Error> {
        if !self.engine.same(module.engine()) {
            return Err(LinkError::OtherEngine.into());
        }
        HostInstancePre::new(module, self.resolve(module))
    }

    /// What each import of a module is, where it is defined.
    fn resolve(&self, module: &Module) -> Vec<Option<Resolved<H>>> {
        let imports = module.info().imports.iter();
        imports.map(|import| self.find(&import.module, &import.name).cloned()).collect()
    }

    fn find(&self, module: &str, name: &str) -> Option<&Resolved<H>> {
        self.definitions.get(module)?.get(name)
    }

    fn insert(&mut self, module: &str, name: &str, item: Resolved<H>) -> Result<&mut Self, Error> {
        if !self.allow_shadowing && self.find(module, name).is_some() {
            return Err(LinkError::Duplicate { module: module.into(), name: name.into() }.into());
        }
        self.definitions.entry(module.into()).or_default().insert(name.into(), item);
        Ok(self)
    }
}

impl<H: Host> Clone for HostLinker<H> {
    fn clone(&self) -> Self {
        HostLinker {
            engine: self.engine.clone(),
            allow_shadowing: self.allow_shadowing,
            definitions: self.definitions.clone(),
        }
    }
}

impl<H: Host> fmt::Debug for HostLinker<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Linker").field("modules", &self.definitions.len()).finish_non_exhaustive()
    }
}
