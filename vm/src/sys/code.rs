//! Machine code of the process.
//!
//! Owns one range of addresses, the arena, in which all of it stands, so that it is quickly said whether an address is
//! in guest code. A page is writable while code is copied to it and executable afterwards, never both. It must not know
//! what the code does.

use super::OutOfMemory;
use super::pages::{Access, Mapping, round_up};
use alloc::collections::BTreeMap;
use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes of the arena: address space, not memory. Where a process may not have so much, less will do.
const ARENA: usize = 16 << 30;
const ARENA_LEAST: usize = 64 << 20;

/// The arena once it is there: where it begins and ends. Signal handlers read these.
static ARENA_START: AtomicU64 = AtomicU64::new(0);
static ARENA_END: AtomicU64 = AtomicU64::new(0);

/// What is free of the arena, and the arena itself once it is wanted.
static FREE: Mutex<Free> = Mutex::new(Free { arena: None, ranges: BTreeMap::new() });

/// Whether an address is in the arena. Safe in signal handlers.
#[inline]
pub(crate) fn contains(address: u64) -> bool {
    // The start is written last and never again.
    let start = ARENA_START.load(Ordering::Acquire);
    start != 0 && start <= address && address < ARENA_END.load(Ordering::Relaxed)
}

/// Lets this thread see what others have published, where the kernel could not do it for them. Before guest code is entered.
#[inline]
pub(crate) fn synchronize() {
    instructions::synchronize();
}

/// Machine code that can be executed, until it is dropped.
pub(crate) struct Code {
    arena: &'static Mapping,
    /// Its pages in the arena.
    offset: usize,
    pages: usize,
    /// Its bytes from there on.
    length: usize,
}

impl Code {
    /// Lets machine code of this length, which must not depend on where it is, be written to where it can then be
    /// executed. The block that is written to holds zeros.
    pub(crate) fn publish(length: usize, write: impl FnOnce(&mut [u8])) -> Result<Code, OutOfMemory> {
        let pages = round_up(length.max(1))?;
        let (arena, offset) = free().take(pages)?;
        // From here on dropping it gives the pages back.
        let code = Code { arena, offset, pages, length };
        // SAFETY: the pages were free, so nothing refers to them and no code is in them.
        unsafe { arena.protect(offset, pages, Access::ReadWrite)? };
        arena.populate(offset, pages);
        let to = arena.start().as_ptr().wrapping_add(offset);
        // SAFETY: the pages are writable and hold zeros, nothing else refers to them, and they have room for so many
        // bytes, by `round_up`.
        write(unsafe { core::slice::from_raw_parts_mut(to, length) });
        // SAFETY: so many bytes are readable there.
        unsafe { instructions::written(to, length) };
        // SAFETY: the only reference to the pages was `write`'s.
        unsafe { arena.protect(offset, pages, Access::ReadExecute)? };
        instructions::published();
        Ok(code)
    }

    /// Where it begins.
    #[inline]
    pub(crate) fn address(&self) -> u64 {
        self.arena.address() + self.offset as u64
    }

    /// How many bytes it has.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// The code itself.
    pub(crate) fn bytes(&self) -> &[u8] {
        let start = self.arena.start().as_ptr().wrapping_add(self.offset);
        // SAFETY: `publish` has initialised so many bytes there, and nothing writes to them until this is dropped: the
        // pages are readable and executable only.
        unsafe { core::slice::from_raw_parts(start, self.length) }
    }
}

impl Drop for Code {
    fn drop(&mut self) {
        // SAFETY: the code's pages are its own, nothing refers to them, and who could run the code has dropped it.
        let freed = unsafe {
            self.arena
                .discard(self.offset, self.pages)
                .and_then(|()| self.arena.protect(self.offset, self.pages, Access::None))
        };
        // What the kernel does not take back is not used again.
        if freed.is_ok() {
            free().give(self.offset, self.pages);
        }
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({} bytes)", self.length)
    }
}

/// What a processor must be told so that it executes what has been written.
#[cfg(target_arch = "x86_64")]
mod instructions {
    /// # Safety
    /// So many bytes must be readable.
    pub(super) unsafe fn written(_: *const u8, _: usize) {}

    /// Writes before the kernel's change of the pages are seen by whoever executes them: this machine needs no more.
    pub(super) fn published() {}

    #[inline]
    pub(super) fn synchronize() {}
}

/// The same on aarch64, whose caches for instructions do not watch memory, and whose processors may have fetched what stood
/// at an address before they are interrupted.
///
/// Caches are shared business: maintenance by address reaches all processors. What a processor has already fetched is its
/// own: it forgets that at a context synchronization, which the kernel is asked for on every processor that runs a thread
/// of this process. Where the kernel cannot, every entry into guest code is one.
#[cfg(target_arch = "aarch64")]
mod instructions {
    use core::arch::asm;
    use core::sync::atomic::{AtomicBool, Ordering};

    /// Whether entries must synchronize.
    static AT_ENTRIES: AtomicBool = AtomicBool::new(false);

    const SYNC_CORE: libc::c_int = 1 << 5;
    const REGISTER_SYNC_CORE: libc::c_int = 1 << 6;

    /// Cleans the caches for data to where instructions are fetched from, then empties those for instructions.
    ///
    /// # Safety
    /// So many bytes must be readable.
    pub(super) unsafe fn written(start: *const u8, length: usize) {
        let types: u64;
        // SAFETY: Linux lets every process read the lines' lengths; nothing changes.
        unsafe { asm!("mrs {}, ctr_el0", out(reg) types, options(nomem, nostack, preserves_flags)) };
        // Powers of 2, in words, below 2^15.
        let (data, instructions) = (4_usize << (types >> 16 & 15), 4_usize << (types & 15));
        let (start, end) = (start.addr(), start.addr() + length);
        for line in (start & !(data - 1)..end).step_by(data) {
            // SAFETY: the line has a byte of the range, which is readable; no byte changes.
            unsafe { asm!("dc cvau, {}", in(reg) line, options(nostack, preserves_flags)) };
        }
        // SAFETY: a barrier.
        unsafe { asm!("dsb ish", options(nostack, preserves_flags)) };
        for line in (start & !(instructions - 1)..end).step_by(instructions) {
            // SAFETY: as above.
            unsafe { asm!("ic ivau, {}", in(reg) line, options(nostack, preserves_flags)) };
        }
        // SAFETY: barriers.
        unsafe { asm!("dsb ish", "isb", options(nostack, preserves_flags)) };
    }

    /// Lets every other thread see it.
    pub(super) fn published() {
        if !membarrier(SYNC_CORE) && !(membarrier(REGISTER_SYNC_CORE) && membarrier(SYNC_CORE)) {
            AT_ENTRIES.store(true, Ordering::Release);
        }
    }

    fn membarrier(command: libc::c_int) -> bool {
        // SAFETY: both commands take no memory and change none.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
    }

    #[inline]
    pub(super) fn synchronize() {
        // Who was handed code to execute sees what its publisher stored before.
        if AT_ENTRIES.load(Ordering::Relaxed) {
            // SAFETY: a barrier.
            unsafe { asm!("isb", options(nostack, preserves_flags)) };
        }
    }
}

/// The free ranges of the arena: where each begins, and how long it is. No two touch.
struct Free {
    arena: Option<&'static Mapping>,
    ranges: BTreeMap<usize, usize>,
}

fn free() -> MutexGuard<'static, Free> {
    // Nothing panics between two changes that belong together.
    FREE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Free {
    /// Reserves the arena, once.
    fn arena(&mut self) -> Result<&'static Mapping, OutOfMemory> {
        if let Some(arena) = self.arena {
            return Ok(arena);
        }
        let mut length = ARENA;
        let mapping = loop {
            match Mapping::reserve(length) {
                Ok(mapping) => break mapping,
                Err(error) if length <= ARENA_LEAST => return Err(error),
                Err(_) => length /= 2,
            }
        };
        // It stays for as long as the process.
        let arena: &'static Mapping = alloc::boxed::Box::leak(alloc::boxed::Box::new(mapping));
        self.ranges.insert(0, arena.length());
        self.arena = Some(arena);
        ARENA_END.store(arena.address() + arena.length() as u64, Ordering::Relaxed);
        ARENA_START.store(arena.address(), Ordering::Release);
        Ok(arena)
    }

    /// Takes the first free range that is long enough.
    fn take(&mut self, length: usize) -> Result<(&'static Mapping, usize), OutOfMemory> {
        let arena = self.arena()?;
        let found = self.ranges.iter().find(|(_, free)| **free >= length);
        let (&offset, &free) = found.ok_or(OutOfMemory)?;
        self.ranges.remove(&offset);
        if free > length {
            self.ranges.insert(offset + length, free - length);
        }
        Ok((arena, offset))
    }

    /// Adds a range that is free again.
    fn give(&mut self, mut offset: usize, mut length: usize) {
        if let Some(behind) = self.ranges.remove(&(offset + length)) {
            length += behind;
        }
        if let Some((&before, before_length)) = self.ranges.range_mut(..offset).next_back()
            && before + *before_length == offset
        {
            length += *before_length;
            offset = before;
        }
        self.ranges.insert(offset, length);
    }
}

#[cfg(test)]
mod tests {
    use super::super::pages::PAGE;
    use super::*;
    use alloc::{vec, vec::Vec};

    /// Does nothing, four bytes long.
    const NOTHING: [u8; 4] = if cfg!(target_arch = "aarch64") { [0x1f, 0x20, 0x03, 0xd5] } else { [0x90; 4] };

    /// A function that answers a number.
    fn answering(number: u16) -> Vec<u8> {
        let [low, high] = number.to_le_bytes();
        if cfg!(target_arch = "aarch64") {
            let mov = 0x5280_0000 | u32::from(number) << 5;
            [mov.to_le_bytes(), 0xd65f_03c0_u32.to_le_bytes()].concat()
        } else {
            vec![0xb8, low, high, 0, 0, 0xc3]
        }
    }

    fn publish(bytes: &[u8]) -> Result<Code, OutOfMemory> {
        Code::publish(bytes.len(), |to| to.copy_from_slice(bytes))
    }

    fn call(address: u64) -> u64 {
        assert!(contains(address));
        let function = core::ptr::with_exposed_provenance::<()>(address as usize);
        // SAFETY: the tests publish whole functions of this type, which touch nothing but the register of the result.
        unsafe { core::mem::transmute::<*const (), extern "C" fn() -> u64>(function)() }
    }

    #[test]
    fn what_is_published_can_be_executed() {
        let answer = answering(42);
        let code = publish(&answer).unwrap();
        assert_eq!((call(code.address()), code.length()), (42, answer.len()));
        assert!(!contains(0) && !contains(answer.as_ptr().addr() as u64));
        publish(&[]).unwrap();
    }

    #[test]
    fn threads_publish_and_drop_at_once() {
        std::thread::scope(|threads| {
            for thread in 0..4_u8 {
                threads.spawn(move || {
                    for round in 0..200_usize {
                        let number = u16::from(thread) | u16::from(round as u8) << 8;
                        let mut bytes = NOTHING.repeat(round * 25);
                        bytes.extend(answering(number));
                        let code = publish(&bytes).unwrap();
                        assert_eq!(call(code.address()), u64::from(number));
                    }
                });
            }
        });
    }

    #[test]
    fn free_ranges_join_again() {
        let mut free = Free { arena: None, ranges: BTreeMap::from([(0, 100)]) };
        free.arena = Some(alloc::boxed::Box::leak(alloc::boxed::Box::new(Mapping::reserve(PAGE).unwrap())));
        let taken: alloc::vec::Vec<usize> = (0..10).map(|_| free.take(10).unwrap().1).collect();
        assert_eq!(free.take(1).unwrap_err(), OutOfMemory);
        for order in [0, 2, 1, 9, 5, 4, 6, 3, 8, 7] {
            free.give(taken[order], 10);
        }
        assert_eq!(free.ranges, BTreeMap::from([(0, 100)]));
        assert_eq!(free.take(100).unwrap().1, 0);
    }

    /// The kernel's own list of mappings: no page of the process is writable and executable.
    #[test]
    fn no_page_is_writable_and_executable() {
        let _code = publish(&answering(1)).unwrap();
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let found = maps
            .lines()
            .any(|line| line.split_whitespace().nth(1).is_some_and(|mode| mode.starts_with("rwx")));
        assert!(!found, "{maps}");
    }
}
