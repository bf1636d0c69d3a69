//! The block of a store that guest code reads and writes.
//!
//! Owns its place, which never changes. What its fields mean is the native ABI's.

use super::OutOfMemory;
use crate::abi::State;
use alloc::alloc::{alloc_zeroed, dealloc};
use core::alloc::Layout;
use core::fmt;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;

/// A [`State`] at an address of its own, all zeros at first.
pub(crate) struct PinnedState(NonNull<State>);

// SAFETY: a `PinnedState` owns its memory alone; guest code, which has its address, runs only while somebody borrows it
// mutably.
unsafe impl Send for PinnedState {}
// SAFETY: a shared reference only reads.
unsafe impl Sync for PinnedState {}

impl PinnedState {
    pub(crate) fn new() -> Result<PinnedState, OutOfMemory> {
        // SAFETY: a state has fields, so its size is not 0.
        let block = unsafe { alloc_zeroed(Layout::new::<State>()) };
        let state = NonNull::new(block.cast::<State>()).ok_or(OutOfMemory)?;
        // Guest code is given the address as a number.
        state.as_ptr().expose_provenance();
        Ok(PinnedState(state))
    }

    /// Where it is, as contexts have it.
    pub(crate) fn address(&self) -> u64 {
        self.0.as_ptr().addr() as u64
    }

    /// Where it is, for who enters guest code.
    pub(super) fn as_ptr(&mut self) -> *mut State {
        self.0.as_ptr()
    }
}

impl Deref for PinnedState {
    type Target = State;

    #[inline]
    fn deref(&self) -> &State {
        // SAFETY: `new` allocated it, zeroed, and all its fields are integers, so it always has a value; `drop` alone
        // frees it. Nobody writes to it while `self` is borrowed.
        unsafe { self.0.as_ref() }
    }
}

impl DerefMut for PinnedState {
    #[inline]
    fn deref_mut(&mut self) -> &mut State {
        // SAFETY: as in `deref`; the borrow of `self` is the only one.
        unsafe { self.0.as_mut() }
    }
}

impl Drop for PinnedState {
    fn drop(&mut self) {
        // SAFETY: `new` allocated it with this layout, and nothing else frees it.
        unsafe { dealloc(self.0.as_ptr().cast(), Layout::new::<State>()) };
    }
}

impl fmt::Debug for PinnedState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PinnedState")
            .field("gas", &self.gas)
            .field("exit", &self.exit)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{VALUES, state};

    #[test]
    fn a_state_is_zero_and_its_fields_are_where_the_abi_says() {
        let mut pinned = PinnedState::new().unwrap();
        assert_eq!((pinned.gas, pinned.values[VALUES - 1]), (0, 0));
        pinned.values[3] = 7;
        let address = pinned.address();
        assert_eq!(&raw const pinned.values[3] as u64, address + state::VALUES as u64 + 24);
        let moved = pinned;
        assert_eq!((moved.address(), moved.values[3]), (address, 7));
    }
}
