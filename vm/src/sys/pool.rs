//! Pools: what somebody gives up waits there for who wants the like of it.
//!
//! Owns the rule that nobody waits for a pool: in a fork, the thread that was using it may not be there to give it back.
//! Whoever finds it in use does without. It must not know what it keeps.

use alloc::vec::Vec;
use core::hint;
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::thread;

/// A pool.
pub(super) struct Pool<T>(Mutex<Vec<T>>);

impl<T> Pool<T> {
    pub(super) const fn new() -> Pool<T> {
        Pool(Mutex::new(Vec::new()))
    }

    /// What is in the pool; `None` when somebody uses it for longer than that takes.
    pub(super) fn get(&self) -> Option<MutexGuard<'_, Vec<T>>> {
        const SPINS: u32 = 100;
        const YIELDS: u32 = 20;
        for attempt in 0..SPINS + YIELDS {
            match self.0.try_lock() {
                Ok(items) => return Some(items),
                // Nothing panics between two changes that belong together.
                Err(TryLockError::Poisoned(items)) => return Some(items.into_inner()),
                Err(TryLockError::WouldBlock) if attempt < SPINS => hint::spin_loop(),
                Err(TryLockError::WouldBlock) => thread::yield_now(),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_for_who_never_comes_back() {
        static POOL: Pool<u32> = Pool::new();
        POOL.get().unwrap().push(7);
        let items = POOL.get().unwrap();
        thread::scope(|threads| {
            threads.spawn(|| assert!(POOL.get().is_none()));
        });
        drop(items);
        assert_eq!(POOL.get().unwrap().pop(), Some(7));
    }
}
