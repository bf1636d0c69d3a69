//! A lock, because reads that borrow a store are noted too.
//!
//! Owns the choice of it: without `std` there is none, and no cross-check. It must not know what it guards.

#[cfg(not(feature = "std"))]
use core::convert::Infallible;
#[cfg(not(feature = "std"))]
use core::marker::PhantomData;

/// A value that a shared reference may change.
#[derive(Debug)]
#[cfg(feature = "std")]
pub(super) struct Lock<V>(std::sync::Mutex<V>);

#[cfg(feature = "std")]
impl<V> Lock<V> {
    pub(super) fn new(value: V) -> Lock<V> {
        Lock(std::sync::Mutex::new(value))
    }

    /// Does something with the value while nobody else does.
    pub(super) fn with<R>(&self, act: impl FnOnce(&mut V) -> R) -> R {
        // Nothing panics with the value half changed.
        act(&mut self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }

    pub(super) fn into_inner(self) -> V {
        self.0.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// In builds without `std`: there is none.
#[derive(Debug)]
#[cfg(not(feature = "std"))]
pub(super) struct Lock<V>(Infallible, PhantomData<V>);

#[cfg(not(feature = "std"))]
impl<V> Lock<V> {
    pub(super) fn new(_: V) -> Lock<V> {
        unreachable!("a configuration with the cross-check is refused")
    }

    pub(super) fn with<R>(&self, _: impl FnOnce(&mut V) -> R) -> R {
        match self.0 {}
    }

    pub(super) fn into_inner(self) -> V {
        match self.0 {}
    }
}
