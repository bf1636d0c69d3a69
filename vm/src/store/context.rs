//! Borrowed stores: what functions of the API take.
//!
//! Owns the traits that let a store, a caller and references to them be passed alike. A context never gives the store
//! itself away.

use super::{Store, StoreInner};
use crate::Engine;
use crate::caller::Caller;
use crate::error::{Error, Fault};
use core::fmt;

/// A store, borrowed to look at.
pub struct StoreContext<'a, T>(pub(crate) &'a StoreInner<T>);

/// A store, borrowed to change.
pub struct StoreContextMut<'a, T>(pub(crate) &'a mut StoreInner<T>);

/// What can be borrowed as a store: [`Store`], [`Caller`], and references to them.
pub trait AsContext: sealed::Sealed {
    /// The data of the store.
    type Data;

    /// The store, borrowed.
    fn as_context(&self) -> StoreContext<'_, Self::Data>;
}

/// What can be borrowed mutably as a store: [`Store`], [`Caller`], and mutable references to them.
pub trait AsContextMut: AsContext {
    /// The store, borrowed mutably.
    fn as_context_mut(&mut self) -> StoreContextMut<'_, Self::Data>;
}

mod sealed {
    use super::{Caller, Store, StoreContext, StoreContextMut};

    pub trait Sealed {}

    impl<T> Sealed for Store<T> {}
    impl<T> Sealed for Caller<'_, T> {}
    impl<T> Sealed for StoreContext<'_, T> {}
    impl<T> Sealed for StoreContextMut<'_, T> {}
    impl<C: Sealed> Sealed for &C {}
    impl<C: Sealed> Sealed for &mut C {}
}

impl<T> AsContext for Store<T> {
    type Data = T;

    fn as_context(&self) -> StoreContext<'_, T> {
        StoreContext(&self.inner)
    }
}

impl<T> AsContextMut for Store<T> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        // While an activation runs, the store is borrowed and cannot get here. So one that never ended was unwound.
        if self.inner.objects.depth != 0 {
            self.inner.objects.depth = 0;
            self.inner.poison(Fault::new("a panic unwound through a call of this store"));
        }
        StoreContextMut(&mut self.inner)
    }
}

impl<T> AsContext for Caller<'_, T> {
    type Data = T;

    fn as_context(&self) -> StoreContext<'_, T> {
        StoreContext(self.store)
    }
}

impl<T> AsContextMut for Caller<'_, T> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        StoreContextMut(self.store)
    }
}

impl<T> AsContext for StoreContext<'_, T> {
    type Data = T;

    fn as_context(&self) -> StoreContext<'_, T> {
        StoreContext(self.0)
    }
}

impl<T> AsContext for StoreContextMut<'_, T> {
    type Data = T;

    fn as_context(&self) -> StoreContext<'_, T> {
        StoreContext(self.0)
    }
}

impl<T> AsContextMut for StoreContextMut<'_, T> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        StoreContextMut(self.0)
    }
}

impl<C: AsContext> AsContext for &C {
    type Data = C::Data;

    fn as_context(&self) -> StoreContext<'_, C::Data> {
        C::as_context(self)
    }
}

impl<C: AsContext> AsContext for &mut C {
    type Data = C::Data;

    fn as_context(&self) -> StoreContext<'_, C::Data> {
        C::as_context(self)
    }
}

impl<C: AsContextMut> AsContextMut for &mut C {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, C::Data> {
        C::as_context_mut(self)
    }
}

impl<'a, C: AsContext> From<&'a C> for StoreContext<'a, C::Data> {
    fn from(store: &'a C) -> Self {
        C::as_context(store)
    }
}

impl<'a, C: AsContext> From<&'a mut C> for StoreContext<'a, C::Data> {
    fn from(store: &'a mut C) -> Self {
        C::as_context(store)
    }
}

impl<'a, C: AsContextMut> From<&'a mut C> for StoreContextMut<'a, C::Data> {
    fn from(store: &'a mut C) -> Self {
        C::as_context_mut(store)
    }
}

impl<T> StoreContext<'_, T> {
    /// The store's engine.
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// The store's data.
    pub fn data(&self) -> &T {
        &self.0.data
    }

    /// The gas left.
    pub fn gas(&self) -> u64 {
        self.0.objects.gas
    }
}

impl<T> StoreContextMut<'_, T> {
    /// The store's engine.
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// The store's data.
    pub fn data(&self) -> &T {
        &self.0.data
    }

    /// The store's data, to change it.
    pub fn data_mut(&mut self) -> &mut T {
        &mut self.0.data
    }

    /// The gas left.
    pub fn gas(&self) -> u64 {
        self.0.objects.gas
    }

    /// Sets the gas.
    ///
    /// # Errors
    /// [`Usage::TooMuchGas`](crate::Usage::TooMuchGas) above 2^63 - 1.
    pub fn set_gas(&mut self, gas: u64) -> Result<(), Error> {
        self.0.set_gas(gas)
    }
}

impl<T> fmt::Debug for StoreContext<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreContext")
            .field("id", &self.0.id)
            .field("gas", &self.gas())
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for StoreContextMut<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreContextMut")
            .field("id", &self.0.id)
            .field("gas", &self.gas())
            .finish_non_exhaustive()
    }
}
