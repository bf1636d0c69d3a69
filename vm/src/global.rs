//! Globals, as the host uses them.
//!
//! Owns the handle and the types of what is set; the value is the store's.

use crate::crosscheck::Effect;
use crate::error::{Error, Usage};
use crate::store::objects::GlobalId;
use crate::store::{AsContext, AsContextMut, StoreId};
use crate::types::GlobalType;
use crate::value::Val;

/// A global of a store.
///
/// ```
/// use lockstep_vm::{Engine, Global, GlobalType, Store, Val, ValType};
///
/// let mut store = Store::new(&Engine::default(), ());
/// let ty = GlobalType { content: ValType::I64, mutable: true };
/// let global = Global::new(&mut store, ty, Val::I64(1))?;
/// global.set(&mut store, Val::I64(2))?;
/// assert_eq!(global.get(&store), Val::I64(2));
/// assert!(global.set(&mut store, Val::I32(2)).is_err());
/// # Ok::<(), lockstep_vm::Error>(())
/// ```
///
/// # Panics
/// Methods that return no [`Error`] panic when the global belongs to another store.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Global {
    pub(crate) store: StoreId,
    pub(crate) id: GlobalId,
}

impl Global {
    /// Adds a global to a store.
    ///
    /// # Errors
    /// [`Usage`](crate::ErrorKind::Usage) when the value is not of the type, or refers to something of another store; a
    /// node fault when the host has no memory.
    pub fn new(mut store: impl AsContextMut, ty: GlobalType, value: Val) -> Result<Global, Error> {
        let store = store.as_context_mut().0;
        let bits = value.into_slot_of(ty.content, store.id)?;
        store.objects.note(|| Effect::NewGlobal { ty, value: bits });
        match store.objects.add_global(ty, bits) {
            Ok(id) => Ok(Global { store: store.id, id }),
            Err(error) => Err(store.out_of_memory(error)),
        }
    }

    /// The type.
    pub fn ty(&self, store: impl AsContext) -> GlobalType {
        let store = store.as_context().0;
        self.store.expect(store.id, "global");
        store.objects.globals[self.id.index()].ty
    }

    /// The value.
    pub fn get(&self, store: impl AsContext) -> Val {
        let store = store.as_context().0;
        self.store.expect(store.id, "global");
        let ty = store.objects.globals[self.id.index()].ty;
        let value = store.objects.global(self.id);
        store.objects.note(|| Effect::Global { global: self.id, value });
        Val::from_slot(value, ty.content, store.id)
    }

    /// Sets the value.
    ///
    /// # Errors
    /// [`Usage`](crate::ErrorKind::Usage) when the global is not mutable, the value is not of its type, or either belongs
    /// to another store.
    pub fn set(&self, mut store: impl AsContextMut, value: Val) -> Result<(), Error> {
        let store = store.as_context_mut().0;
        self.store.check(store.id, "global")?;
        let ty = store.objects.globals[self.id.index()].ty;
        if !ty.mutable {
            return Err(Usage::ImmutableGlobal.into());
        }
        let bits = value.into_slot_of(ty.content, store.id)?;
        store.objects.note(|| Effect::SetGlobal { global: self.id, value: bits });
        store.objects.set_global(self.id, bits);
        Ok(())
    }
}
