//! Instances, as the host uses them.
//!
//! Owns the handle and look-ups of exports. Making instances is the store's.

use crate::error::{Error, Usage};
use crate::external::Extern;
use crate::func::{Func, TypedFunc, WasmParams, WasmResults};
use crate::global::Global;
use crate::host::Owned;
use crate::linker::{Resolved, instantiate};
use crate::memory::Memory;
use crate::module::Module;
use crate::module::info::ExportItem;
use crate::store::objects::InstanceId;
use crate::store::{AsContext, AsContextMut, StoreContext, StoreId, StoreInner};
use crate::table::Table;
use alloc::vec::Vec;

/// An instance of a module in a store.
///
/// ```
/// use lockstep_vm::{Engine, Instance, Module, Store};
///
/// let engine = Engine::default();
/// let wasm = wat::parse_str(r#"(module (memory (export "memory") 1) (func (export "run")))"#)?;
/// let mut store = Store::new(&engine, ());
/// store.set_gas(1_000_000)?;
/// let instance = Instance::new(&mut store, &Module::new(&engine, &wasm)?, &[])?;
/// let names: Vec<&str> = instance.exports(&store).map(|export| export.name()).collect();
/// assert_eq!(names, ["memory", "run"]);
/// assert_eq!(instance.get_memory(&store, "memory").unwrap().size(&store), 1);
/// assert!(instance.get_func(&store, "memory").is_none()); // it is no function
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
/// Methods that return no [`Error`] panic when the instance belongs to another store.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Instance {
    pub(crate) store: StoreId,
    pub(crate) id: InstanceId,
}

impl Instance {
    /// Makes an instance with these imports, in the order of [`Module::imports`], and calls its start function. A
    /// [`Linker`](crate::Linker) finds imports by name instead.
    ///
    /// # Errors
    /// As [`HostLinker::instantiate`](crate::HostLinker::instantiate).
    pub fn new<T>(
        mut store: impl AsContextMut<Data = T>,
        module: &Module,
        imports: &[Extern],
    ) -> Result<Instance, Error> {
        let store = store.as_context_mut().0;
        let imports: Vec<_> = imports.iter().map(|item| Some(Resolved::<Owned<T>>::Extern(*item))).collect();
        let instance = instantiate(store, module, &imports)?;
        store.start(instance.id)?;
        Ok(instance)
    }

    /// Calls the start function of an instance that was made without: an ordinary call. Nothing happens when the module
    /// has none.
    ///
    /// # Errors
    /// [`Usage::Started`] when it was called before; otherwise as [`Func::call`].
    pub fn run_start(&self, mut store: impl AsContextMut) -> Result<(), Error> {
        let store = store.as_context_mut().0;
        self.store.check(store.id, "instance")?;
        store.start(self.id)
    }

    /// The module.
    pub fn module<'a, T: 'a>(&self, store: impl Into<StoreContext<'a, T>>) -> &'a Module {
        self.module_in(store.into().0)
    }

    /// The exports, in the module's order.
    pub fn exports<'a, T: 'a>(
        &self,
        store: impl Into<StoreContext<'a, T>>,
    ) -> impl ExactSizeIterator<Item = Export<'a>> {
        let (store, instance) = (store.into().0, *self);
        let exports = &instance.module_in(store).info().exports;
        exports
            .iter()
            .map(move |export| Export { name: &export.name, item: instance.item(store, export.item) })
    }

    /// The export of this name.
    pub fn get_export(&self, store: impl AsContext, name: &str) -> Option<Extern> {
        let store = store.as_context().0;
        Some(self.item(store, self.module_in(store).info().export(name)?))
    }

    /// The exported function of this name.
    pub fn get_func(&self, store: impl AsContext, name: &str) -> Option<Func> {
        self.get_export(store, name)?.into_func()
    }

    /// The exported function of this name with its types known to Rust.
    ///
    /// # Errors
    /// [`Usage::NoFunction`] when there is none, [`Usage::FunctionType`] when it has other types.
    pub fn get_typed_func<P: WasmParams, R: WasmResults>(
        &self,
        store: impl AsContext,
        name: &str,
    ) -> Result<TypedFunc<P, R>, Error> {
        self.store.check(store.as_context().0.id, "instance")?;
        let func = self.get_func(&store, name).ok_or_else(|| Usage::NoFunction { name: name.into() })?;
        func.typed(&store)
    }

    /// The exported memory of this name.
    pub fn get_memory(&self, store: impl AsContext, name: &str) -> Option<Memory> {
        self.get_export(store, name)?.into_memory()
    }

    /// The exported table of this name.
    pub fn get_table(&self, store: impl AsContext, name: &str) -> Option<Table> {
        self.get_export(store, name)?.into_table()
    }

    /// The exported global of this name.
    pub fn get_global(&self, store: impl AsContext, name: &str) -> Option<Global> {
        self.get_export(store, name)?.into_global()
    }

    fn module_in<'a, T>(&self, store: &'a StoreInner<T>) -> &'a Module {
        self.store.expect(store.id, "instance");
        &store.objects.instances[self.id.index()].module
    }

    fn item<T>(&self, store: &StoreInner<T>, item: ExportItem) -> Extern {
        let (objects, instance) = (&store.objects, &store.objects.instances[self.id.index()]);
        let store = self.store;
        match item {
            ExportItem::Function(index) => Func { store, reference: objects.function(self.id, index) }.into(),
            ExportItem::Table(index) => Table { store, id: instance.tables[index as usize] }.into(),
            ExportItem::Memory(index) => Memory { store, id: instance.memories[index as usize] }.into(),
            ExportItem::Global(index) => Global { store, id: instance.globals[index as usize] }.into(),
        }
    }
}

/// An export of an instance.
#[derive(Clone, Copy, Debug)]
pub struct Export<'a> {
    name: &'a str,
    item: Extern,
}

impl<'a> Export<'a> {
    /// The name.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// What is exported.
    pub fn into_extern(self) -> Extern {
        self.item
    }
}
