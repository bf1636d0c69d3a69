//! Linear memories: bytes that grow.
//!
//! Owns where the bytes are: on the heap, or within a reservation, where machine code finds them without asking. It must
//! not know pages of WebAssembly, limits or bounds.

use super::OutOfMemory;
#[cfg(all(
    feature = "native",
    any(target_arch = "x86_64", target_arch = "aarch64"),
    target_os = "linux"
))]
use super::reservation::Reservation;
use alloc::vec::Vec;
use core::fmt;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;
use core::slice;

/// Bytes, zero at first.
pub(crate) struct LinearMemory {
    /// Where the backing has its bytes now, and how many.
    base: NonNull<u8>,
    length: usize,
    backing: Backing,
}

#[derive(Debug)]
enum Backing {
    /// The bytes may move when they grow.
    Heap(Vec<u8>),
    /// They never move.
    #[cfg(all(
        feature = "native",
        any(target_arch = "x86_64", target_arch = "aarch64"),
        target_os = "linux"
    ))]
    Reserved(Reservation),
}

// SAFETY: a `LinearMemory` owns its backing alone, and the pointer is into the backing.
unsafe impl Send for LinearMemory {}
// SAFETY: a shared reference only reads.
unsafe impl Sync for LinearMemory {}

impl LinearMemory {
    /// So many bytes, on the heap.
    pub(crate) fn on_heap(length: u64) -> Result<LinearMemory, OutOfMemory> {
        let mut memory =
            LinearMemory { base: NonNull::dangling(), length: 0, backing: Backing::Heap(Vec::new()) };
        memory.grow(length)?;
        Ok(memory)
    }

    /// So many bytes, in whole pages of the machine, at a base that never moves, with at least so many words before it.
    #[cfg(all(
        feature = "native",
        any(target_arch = "x86_64", target_arch = "aarch64"),
        target_os = "linux"
    ))]
    pub(crate) fn reserved(length: u64, prefix_words: usize) -> Result<LinearMemory, OutOfMemory> {
        let reservation = Reservation::new(usize::try_from(length).map_err(|_| OutOfMemory)?, prefix_words)?;
        let (base, length) = (reservation.base(), reservation.length());
        Ok(LinearMemory { base, length, backing: Backing::Reserved(reservation) })
    }

    /// Adds so many zero bytes.
    pub(crate) fn grow(&mut self, more: u64) -> Result<(), OutOfMemory> {
        let more = usize::try_from(more).map_err(|_| OutOfMemory)?;
        match &mut self.backing {
            Backing::Heap(bytes) => {
                bytes.try_reserve(more).map_err(|_| OutOfMemory)?;
                bytes.resize(bytes.len() + more, 0);
                self.base = NonNull::new(bytes.as_mut_ptr()).expect("vectors are never at 0");
                self.length = bytes.len();
            }
            #[cfg(all(
                feature = "native",
                any(target_arch = "x86_64", target_arch = "aarch64"),
                target_os = "linux"
            ))]
            Backing::Reserved(reservation) => {
                reservation.grow(more)?;
                self.length = reservation.length();
            }
        }
        Ok(())
    }
}

/// What machine code needs to know; of no use for bytes on the heap, which have no words before them.
#[cfg(all(feature = "native", any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "linux"))]
impl LinearMemory {
    /// The base as a number.
    pub(crate) fn address(&self) -> u64 {
        self.base.as_ptr().addr() as u64
    }

    /// The words before the base. The last but one is the number of bytes.
    pub(crate) fn prefix(&self) -> &[u64] {
        match &self.backing {
            Backing::Heap(_) => &[],
            Backing::Reserved(reservation) => reservation.prefix(),
        }
    }

    /// The words before the base, to change them, except the number of bytes.
    pub(crate) fn prefix_mut(&mut self) -> &mut [u64] {
        match &mut self.backing {
            Backing::Heap(_) => &mut [],
            Backing::Reserved(reservation) => reservation.prefix_mut(),
        }
    }
}

impl Deref for LinearMemory {
    type Target = [u8];

    #[inline(always)]
    fn deref(&self) -> &[u8] {
        // SAFETY: `base` and `length` are the backing's, set whenever it was made or has grown: that many bytes are
        // there, each with a value. Rust writes to them by `deref_mut` alone, machine code only while its store is
        // borrowed mutably.
        unsafe { slice::from_raw_parts(self.base.as_ptr(), self.length) }
    }
}

impl DerefMut for LinearMemory {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`; the borrow of `self` is the only one.
        unsafe { slice::from_raw_parts_mut(self.base.as_ptr(), self.length) }
    }
}

impl fmt::Debug for LinearMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LinearMemory({} bytes)", self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: u64 = 65_536;

    fn grows(mut memory: LinearMemory) -> LinearMemory {
        assert_eq!((memory.len() as u64, memory.iter().max()), (PAGE, Some(&0)));
        memory[65_535] = 9;
        memory.grow(0).unwrap();
        memory.grow(2 * PAGE).unwrap();
        assert_eq!(memory.len() as u64, 3 * PAGE);
        assert_eq!((memory[65_535], memory[65_536], memory[3 * 65_536 - 1]), (9, 0, 0));
        memory
    }

    #[test]
    fn bytes_are_zero_and_grow_on_the_heap() {
        grows(LinearMemory::on_heap(PAGE).unwrap());
        let mut none = LinearMemory::on_heap(0).unwrap();
        assert!(none.is_empty());
        none.grow(1).unwrap();
        assert_eq!(*none, [0]);
        assert_eq!(none.grow(1 << 62), Err(OutOfMemory));
        assert_eq!(*none, [0]);
    }

    #[cfg(all(
        feature = "native",
        any(target_arch = "x86_64", target_arch = "aarch64"),
        target_os = "linux"
    ))]
    #[test]
    fn bytes_are_zero_and_grow_in_place() {
        let memory = LinearMemory::reserved(PAGE, 1_000).unwrap();
        let base = memory.address();
        let mut memory = grows(memory);
        assert_eq!(memory.address(), base);
        let last = memory.prefix().len() - 1;
        assert!(last >= 999);
        assert_eq!(memory.prefix()[last - 1], 3 * PAGE);
        memory.prefix_mut()[0] = 1;
        assert_eq!(memory.grow(1 << 32), Err(OutOfMemory));
        assert_eq!((memory.len() as u64, memory.prefix()[last - 1]), (3 * PAGE, 3 * PAGE));
    }
}
