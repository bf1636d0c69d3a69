//! References to values of the host's.
//!
//! Owns the handle; the value lives in the store.

use crate::store::{AsContextMut, StoreContext, StoreId};
use alloc::boxed::Box;
use core::any::Any;

/// A value of the host's that guests can hold and hand back but not look into. It lives as long as its store.
///
/// ```
/// use lockstep_vm::{Engine, ExternRef, Store};
///
/// let mut store = Store::new(&Engine::default(), ());
/// let reference = ExternRef::new(&mut store, "a value");
/// assert_eq!(reference.data(&store).downcast_ref(), Some(&"a value"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ExternRef {
    pub(crate) store: StoreId,
    pub(crate) index: u32,
}

impl ExternRef {
    /// Moves a value into the store.
    pub fn new<V: Any + Send + Sync>(mut store: impl AsContextMut, value: V) -> ExternRef {
        let store = store.as_context_mut().0;
        ExternRef { store: store.id, index: store.add_extern(Box::new(value)) }
    }

    /// The value.
    ///
    /// # Panics
    /// When the reference belongs to another store.
    pub fn data<'a, T: 'a>(&self, store: impl Into<StoreContext<'a, T>>) -> &'a (dyn Any + Send + Sync) {
        let store = store.into().0;
        self.store.expect(store.id, "externref");
        store.extern_value(self.index)
    }
}
