//! The stacks that guest code runs on.
//!
//! Owns their places and a pool of them, so that a new store seldom asks the kernel for one. It must not know frames.
//!
//! ```text
//!   | guard, not accessible | room for signal handlers | room for guest frames      | top
//! ```
//! What a guest left on a stack stays there: guest code reads nothing that it has not written.

use super::OutOfMemory;
use super::pages::{Access, Mapping, PAGE, round_up};
use super::pool::Pool;
use core::fmt;

/// Bytes below what guest frames may take: foreign signal handlers without a stack of their own run here. Where a frame is
/// refused, the stack pointer may have been moved by up to 4 KiB already.
const HEADROOM: usize = 256 << 10;

/// Stacks up to so many bytes go to the pool, and so many of them at most.
const POOLED_BYTES: usize = 4 << 20;
const POOLED: usize = 64;

static POOL: Pool<Mapping> = Pool::new();

/// A stack for guest code.
pub(crate) struct Stack {
    /// Always there, until it goes back to the pool.
    mapping: Option<Mapping>,
    /// Where it ends, a multiple of 16.
    top: u64,
    /// How far down it can be accessed.
    bottom: u64,
}

impl Stack {
    /// A stack with room for so many bytes of guest frames.
    pub(crate) fn new(bytes: u64) -> Result<Stack, OutOfMemory> {
        let bytes = usize::try_from(bytes).ok().and_then(|bytes| bytes.checked_add(HEADROOM + PAGE));
        // Stores with limits that differ a little share stacks.
        let length = round_up(bytes.and_then(usize::checked_next_power_of_two).ok_or(OutOfMemory)?)?;
        let mapping = match take(length) {
            Some(mapping) => mapping,
            None => {
                let mapping = Mapping::reserve(length)?;
                // SAFETY: nobody has an address of the mapping yet.
                unsafe { mapping.protect(PAGE, length - PAGE, Access::ReadWrite)? };
                mapping
            }
        };
        let start = mapping.address();
        Ok(Stack { top: start + length as u64, bottom: start + PAGE as u64, mapping: Some(mapping) })
    }

    /// The address behind its last byte: the first stack pointer.
    pub(crate) fn top(&self) -> u64 {
        self.top
    }

    /// Whether a stack pointer is within, with the headroom below it.
    pub(crate) fn contains(&self, stack_pointer: u64) -> bool {
        self.bottom + HEADROOM as u64 <= stack_pointer && stack_pointer <= self.top
    }

    /// The word at an address, where there is one.
    pub(crate) fn word(&self, address: u64) -> Option<u64> {
        let end = address.checked_add(8)?;
        if address < self.bottom || end > self.top || !address.is_multiple_of(8) {
            return None;
        }
        let mapping = self.mapping.as_ref()?;
        let offset = (address - mapping.address()) as usize;
        let word = mapping.start().as_ptr().wrapping_add(offset).cast::<u64>();
        // SAFETY: the word is aligned and between `bottom` and `top`, which is accessible by `new` and holds zeros or
        // what was written; guest code, the only writer, does not run while `self` is borrowed.
        Some(unsafe { word.read() })
    }
}

#[cfg(test)]
impl Stack {
    /// Paints what has been overwritten since the last time, the first time everything that can be accessed, and answers how
    /// many bytes that was, counted from the top in words.
    pub(crate) fn repaint(&mut self) -> u64 {
        const PAINT: u8 = 0xa7;
        const BLOCK: [u8; 4096] = [PAINT; 4096];
        let Some(mapping) = &self.mapping else { return 0 };
        let first = mapping.start().as_ptr().wrapping_add((self.bottom - mapping.address()) as usize);
        let length = (self.top - self.bottom) as usize;
        // SAFETY: from `bottom` to `top` the mapping is accessible by `new` and holds zeros or what was written; guest code,
        // the only other writer, does not run while `self` is borrowed mutably.
        let bytes = unsafe { core::slice::from_raw_parts_mut(first, length) };
        let clean = bytes.chunks(BLOCK.len()).take_while(|block| block[..] == BLOCK[..block.len()]).count();
        let clean = (clean * BLOCK.len()).min(length);
        let clean = clean + bytes[clean..].iter().take_while(|byte| **byte == PAINT).count();
        let dirty = (length - clean).next_multiple_of(8);
        bytes[length - dirty..].fill(PAINT);
        dirty as u64
    }
}

fn take(length: usize) -> Option<Mapping> {
    let mut pool = POOL.get()?;
    let found = pool.iter().rposition(|mapping| mapping.length() == length)?;
    Some(pool.swap_remove(found))
}

impl Drop for Stack {
    fn drop(&mut self) {
        let Some(mapping) = self.mapping.take() else { return };
        if mapping.length() <= POOLED_BYTES
            && let Some(mut pool) = POOL.get()
            && pool.len() < POOLED
        {
            pool.push(mapping);
        }
    }
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stack({:#x}..{:#x})", self.bottom, self.top)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_has_the_room_that_was_asked_for() {
        for bytes in [0, 1, 1 << 20, (1 << 20) + 1, 1 << 30] {
            let stack = Stack::new(bytes).unwrap();
            assert_eq!(stack.top() % 16, 0);
            assert!(stack.contains(stack.top()) && stack.contains(stack.top() - bytes));
            assert!(!stack.contains(stack.top() + 8));
            assert_eq!(stack.word(stack.top()), None);
            assert_eq!(stack.word(stack.top() - 4), None);
            assert!(stack.word(stack.top() - 8).is_some());
            assert!(stack.word(stack.bottom).is_some());
            assert_eq!(stack.word(stack.bottom - 8), None);
            assert_eq!(stack.word(u64::MAX - 7), None);
        }
        assert!(Stack::new(u64::MAX).is_err());
    }

    #[test]
    fn paint_shows_the_lowest_word_that_was_written() {
        let mut stack = Stack::new(1 << 20).unwrap();
        let all = stack.top() - stack.bottom;
        stack.repaint();
        assert_eq!(stack.repaint(), 0);
        for depth in [8, 16, 4_088, 4_096, 4_104, 65_536, 1 << 20, all - 8, all] {
            for higher in [depth, depth / 16 * 8].into_iter().filter(|higher| *higher != 0) {
                for depth in [depth, higher] {
                    let offset = stack.top() - depth - stack.mapping.as_ref().unwrap().address();
                    let word = stack.mapping.as_ref().unwrap().start().as_ptr().wrapping_add(offset as usize);
                    // SAFETY: an aligned word between `bottom` and `top`, which nothing refers to.
                    unsafe { word.cast::<u64>().write(1) };
                }
                assert_eq!(stack.repaint(), depth);
                assert_eq!(stack.repaint(), 0);
            }
        }
    }

    #[test]
    fn threads_share_the_pool() {
        std::thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| {
                    for _ in 0..500 {
                        let (one, two) = (Stack::new(1 << 20).unwrap(), Stack::new(1 << 20).unwrap());
                        assert_ne!(one.top(), two.top());
                    }
                });
            }
        });
        assert!(POOL.get().unwrap().len() <= POOLED);
    }
}
