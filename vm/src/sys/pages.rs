//! Address space: whole pages that the process reserves, and what may be done with them.
//!
//! Owns the calls of the kernel for it. It must not know what the pages are for.

use super::OutOfMemory;
use core::ptr::{self, NonNull};

/// Bytes of a page, or of several: the kernels of x86-64 have no others, those of aarch64 have pages of 4, 16 or 64 KiB.
pub(super) const PAGE: usize = if cfg!(target_arch = "aarch64") { 64 << 10 } else { 4 << 10 };

/// What may be done with a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Access {
    None,
    ReadWrite,
    ReadExecute,
}

/// Bytes rounded up to whole pages.
pub(super) fn round_up(bytes: usize) -> Result<usize, OutOfMemory> {
    bytes.checked_next_multiple_of(PAGE).ok_or(OutOfMemory)
}

/// A range of addresses that belongs to nobody else in the process, until it is dropped.
#[derive(Debug)]
pub(super) struct Mapping {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: a `Mapping` owns its addresses alone, and every thread of a process may use them.
unsafe impl Send for Mapping {}
// SAFETY: what a shared reference can do with the pages is `unsafe`, and whoever does it answers for it.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Reserves so many bytes, a multiple of the page, of which none can be accessed and which take no memory.
    pub(super) fn reserve(length: usize) -> Result<Mapping, OutOfMemory> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new private mapping at an address of the kernel's choice changes nothing that is there.
        let start = unsafe { libc::mmap(ptr::null_mut(), length, libc::PROT_NONE, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(OutOfMemory);
        }
        // Machine code is given addresses within as numbers.
        start.expose_provenance();
        let start = NonNull::new(start.cast()).ok_or(OutOfMemory)?;
        Ok(Mapping { start, length })
    }

    /// Where it begins.
    pub(super) fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// Where it begins, as a number.
    pub(super) fn address(&self) -> u64 {
        self.start.as_ptr().addr() as u64
    }

    /// How many bytes it has.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// The address of a page within, after a check that `length` bytes from there are whole pages within.
    fn range(&self, offset: usize, length: usize) -> *mut libc::c_void {
        assert!(offset.is_multiple_of(PAGE) && length.is_multiple_of(PAGE), "whole pages");
        assert!(offset.checked_add(length).is_some_and(|end| end <= self.length), "within the mapping");
        self.start.as_ptr().wrapping_add(offset).cast()
    }

    /// Says what may be done with pages of the mapping. Pages that were never accessible hold zeros.
    ///
    /// # Safety
    /// No reference to the pages may live for which the new access is too little, and no code that they hold may run.
    pub(super) unsafe fn protect(
        &self,
        offset: usize,
        length: usize,
        access: Access,
    ) -> Result<(), OutOfMemory> {
        if length == 0 {
            return Ok(());
        }
        let protection = match access {
            Access::None => libc::PROT_NONE,
            Access::ReadWrite => libc::PROT_READ | libc::PROT_WRITE,
            Access::ReadExecute => libc::PROT_READ | libc::PROT_EXEC,
        };
        // SAFETY: the pages are this mapping's, by `range`; the caller answers for references and code in them.
        let result = unsafe { libc::mprotect(self.range(offset, length), length, protection) };
        if result == 0 { Ok(()) } else { Err(OutOfMemory) }
    }

    /// Has the kernel back pages with memory at once, which takes it a fraction of as many faults. Where it cannot, it
    /// will when they are written to. They must be writable.
    pub(super) fn populate(&self, offset: usize, length: usize) {
        const MADV_POPULATE_WRITE: libc::c_int = 23;
        // SAFETY: the pages are this mapping's, by `range`; no byte of them changes.
        unsafe { libc::madvise(self.range(offset, length), length, MADV_POPULATE_WRITE) };
    }

    /// Gives the memory of pages back to the kernel: they hold zeros from now on.
    ///
    /// # Safety
    /// No reference to the pages may live, and no code that they hold may run.
    pub(super) unsafe fn discard(&self, offset: usize, length: usize) -> Result<(), OutOfMemory> {
        if length == 0 {
            return Ok(());
        }
        // SAFETY: the pages are this mapping's, by `range`, and private and anonymous, so they read as zeros afterwards;
        // the caller answers for references and code in them.
        let result = unsafe { libc::madvise(self.range(offset, length), length, libc::MADV_DONTNEED) };
        if result == 0 { Ok(()) } else { Err(OutOfMemory) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the addresses are this mapping's, and whoever used them through it borrowed it. Failure would leave
        // the mapping behind, which harms nobody.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_zero_when_first_accessible_and_after_they_were_discarded() {
        let mapping = Mapping::reserve(4 * PAGE).unwrap();
        let byte = mapping.start().as_ptr().wrapping_add(PAGE);
        // SAFETY: nothing refers to the pages; between the calls the second one is readable and writable.
        unsafe {
            mapping.protect(PAGE, PAGE, Access::ReadWrite).unwrap();
            assert_eq!(byte.read(), 0);
            byte.write(5);
            assert_eq!(byte.read(), 5);
            mapping.discard(PAGE, PAGE).unwrap();
            assert_eq!(byte.read(), 0);
        }
    }

    #[test]
    #[should_panic(expected = "within the mapping")]
    fn what_is_outside_is_not_touched() {
        let mapping = Mapping::reserve(PAGE).unwrap();
        // SAFETY: nothing refers to the pages.
        let _ = unsafe { mapping.protect(PAGE, PAGE, Access::ReadWrite) };
    }

    #[test]
    fn more_than_there_is_is_an_error() {
        assert_eq!(Mapping::reserve(1 << 60).unwrap_err(), OutOfMemory);
        assert_eq!(round_up(usize::MAX), Err(OutOfMemory));
        assert_eq!(round_up(1), Ok(PAGE));
    }
}
