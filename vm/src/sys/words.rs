//! Blocks of words that machine code may have the address of.
//!
//! Owns zeroed memory on the heap that stays where it is until it is dropped. It must not know what the words mean.

use super::OutOfMemory;
use alloc::alloc::{alloc_zeroed, dealloc};
use core::alloc::Layout;
use core::fmt;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;
use core::slice;

/// A block of words, zero at first, at an address that is its own until it is dropped.
///
/// Machine code writes to it while nobody in Rust looks: between a borrow of the slice and the next, the words may be
/// others.
pub(crate) struct Words {
    first: NonNull<u64>,
    length: usize,
}

// SAFETY: a `Words` owns its memory alone; that it holds a pointer to it rather than a `Box` is for machine code's sake,
// which runs only while somebody borrows its store mutably.
unsafe impl Send for Words {}
// SAFETY: a shared reference only reads.
unsafe impl Sync for Words {}

impl Words {
    /// A block of so many zeros.
    pub(crate) fn new(length: usize) -> Result<Words, OutOfMemory> {
        if length == 0 {
            return Ok(Words { first: NonNull::dangling(), length });
        }
        let layout = Layout::array::<u64>(length).map_err(|_| OutOfMemory)?;
        // SAFETY: the layout's size is not 0, because the length is not.
        let block = unsafe { alloc_zeroed(layout) };
        let first = NonNull::new(block.cast::<u64>()).ok_or(OutOfMemory)?;
        // Machine code is given the address as a number.
        first.as_ptr().expose_provenance();
        Ok(Words { first, length })
    }

    /// Where the block begins.
    pub(crate) fn address(&self) -> u64 {
        self.first.as_ptr().addr() as u64
    }
}

impl Deref for Words {
    type Target = [u64];

    #[inline]
    fn deref(&self) -> &[u64] {
        // SAFETY: `new` allocated `length` words at `first` (or it is dangling and `length` is 0), zeroed, so every one
        // holds a value; they are freed by `drop` alone, and nobody writes to them while `self` is borrowed.
        unsafe { slice::from_raw_parts(self.first.as_ptr(), self.length) }
    }
}

impl DerefMut for Words {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u64] {
        // SAFETY: as in `deref`; the borrow of `self` is the only one.
        unsafe { slice::from_raw_parts_mut(self.first.as_ptr(), self.length) }
    }
}

impl Drop for Words {
    fn drop(&mut self) {
        if self.length == 0 {
            return;
        }
        let layout = Layout::array::<u64>(self.length).expect("it was allocated with this layout");
        // SAFETY: `new` allocated the block with the same layout, and nothing else frees it.
        unsafe { dealloc(self.first.as_ptr().cast(), layout) };
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Words({})", self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_zero_and_stay_where_they_are() {
        let mut words = Words::new(100).unwrap();
        assert_eq!(*words, [0; 100]);
        let address = words.address();
        assert_eq!(address % 8, 0);
        words[99] = 7;
        let moved = words;
        assert_eq!((moved.address(), moved[99], moved[98]), (address, 7, 0));
    }

    #[test]
    fn a_block_may_be_empty_and_an_impossible_one_is_an_error() {
        assert!(Words::new(0).unwrap().is_empty());
        assert_eq!(Words::new(usize::MAX).unwrap_err(), OutOfMemory);
        assert_eq!(Words::new(1 << 59).unwrap_err(), OutOfMemory);
    }
}
