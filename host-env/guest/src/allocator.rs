//! The allocator: it goes forward through memory and takes back only what it gave last.
//!
//! A frame is short and its memory goes with it, so nothing is worth the code of a better one.

use core::alloc::{GlobalAlloc, Layout};
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

const PAGE: usize = 65_536;

struct Forward {
    /// The first free byte; 0 before the first allocation. Wasm has one thread: the atomic is a plain word.
    next: AtomicUsize,
}

#[global_allocator]
static ALLOCATOR: Forward = Forward { next: AtomicUsize::new(0) };

unsafe extern "C" {
    /// The linker puts this after the stack and all data.
    static __heap_base: u8;
}

impl Forward {
    fn next(&self) -> usize {
        match self.next.load(Relaxed) {
            0 => &raw const __heap_base as usize,
            next => next,
        }
    }

    /// Makes the memory reach to `end`.
    fn reach(&self, end: usize) -> bool {
        let have = core::arch::wasm32::memory_size(0);
        let need = end.div_ceil(PAGE);
        if need > have && core::arch::wasm32::memory_grow(0, need - have) == usize::MAX {
            return false;
        }
        self.next.store(end, Relaxed);
        true
    }
}

// SAFETY: what is handed out lies behind the linker's data, within the memory, aligned, and begins where everything
// handed out and not taken back ends.
unsafe impl GlobalAlloc for Forward {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let start = self.next().checked_next_multiple_of(layout.align());
        let end = start.and_then(|start| start.checked_add(layout.size()));
        match (start, end) {
            (Some(start), Some(end)) if self.reach(end) => start as *mut u8,
            _ => core::ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if block as usize + layout.size() == self.next() {
            self.next.store(block as usize, Relaxed);
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if block as usize + layout.size() == self.next() {
            let end = (block as usize).checked_add(size);
            return if end.is_some_and(|end| self.reach(end)) { block } else { core::ptr::null_mut() };
        }
        // SAFETY: the caller's layout with another size, as `realloc` asks of it.
        let new = unsafe { self.alloc(Layout::from_size_align_unchecked(size, layout.align())) };
        if !new.is_null() {
            // SAFETY: both blocks have that many bytes, and the new one was not handed out before.
            unsafe { core::ptr::copy_nonoverlapping(block, new, layout.size().min(size)) };
        }
        new
    }
}
