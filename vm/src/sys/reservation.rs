//! Reservations: memory that grows in place, so that machine code can have its address for good.
//!
//! Owns the addresses around it. It must not know what the bytes mean, but for the one word that says how many there
//! are.
//!
//! ```text
//!   | prefix: not accessible, then words | base: bytes ... | not accessible, to base + 8 GiB + a page |
//! ```
//! An access has a 32-bit index and a 32-bit offset and is 8 bytes wide at most: wherever it goes, it stays in here, and
//! what goes beyond the bytes faults.
//!
//! Small ones go to a pool when they are dropped, emptied, so that a new one seldom costs more than that.

use super::OutOfMemory;
use super::pages::{Access, Mapping, PAGE, round_up};
use super::pool::Pool;
use crate::abi::field;
use core::ptr::NonNull;
use core::{fmt, slice};

/// Bytes from the base that belong to the reservation.
pub(super) const SPAN: u64 = (1 << 33) + PAGE as u64;

/// How far from the end of the prefix the number of bytes is, in words.
const LENGTH_WORD: usize = (-field::MEMORY_LENGTH / 8) as usize;

/// Bytes of the prefix of those in the pool.
const POOLED_PREFIX: usize = 64 << 10;

/// Up to so many bytes are quicker overwritten than taken back by the kernel and given again.
const OVERWRITTEN: usize = 64 << 10;

/// How many the pool has at most, and how many bytes each of them.
const POOLED: usize = 128;
const POOLED_LENGTH: usize = 64 << 20;

static POOL: Pool<Pooled> = Pool::new();

/// A mapping with a prefix of `POOLED_PREFIX` and so many bytes, all zero.
struct Pooled {
    mapping: Mapping,
    length: usize,
}

/// Bytes, zero at first, at a base that never moves, with words before it.
pub(super) struct Reservation {
    /// Always there, until it goes back to the pool.
    mapping: Option<Mapping>,
    /// Where the base is in the mapping; everything before it is accessible.
    base: usize,
    /// How many words before the base are used; the others are zero.
    words: usize,
    /// How much from the base on is accessible: all that there is.
    length: usize,
}

impl Reservation {
    /// So many bytes, in whole pages of the machine, behind at least so many words of prefix.
    pub(super) fn new(length: usize, prefix_words: usize) -> Result<Reservation, OutOfMemory> {
        let words = prefix_words.max(LENGTH_WORD);
        let prefix = round_up(words.checked_mul(8).ok_or(OutOfMemory)?)?.max(POOLED_PREFIX);
        if prefix == POOLED_PREFIX
            && let Some(pooled) = take(length)
        {
            let Pooled { mapping, length: accessible } = pooled;
            let mut reservation =
                Reservation { mapping: Some(mapping), base: prefix, words, length: accessible };
            reservation.resize(length)?;
            return Ok(reservation);
        }
        let span = usize::try_from(SPAN).map_err(|_| OutOfMemory)?;
        let mapping = Mapping::reserve(prefix.checked_add(span).ok_or(OutOfMemory)?)?;
        // SAFETY: nobody has an address of the mapping yet.
        unsafe { mapping.protect(0, prefix, Access::ReadWrite)? };
        let mut reservation = Reservation { mapping: Some(mapping), base: prefix, words, length: 0 };
        reservation.resize(length)?;
        Ok(reservation)
    }

    fn mapping(&self) -> &Mapping {
        self.mapping.as_ref().expect("only dropping takes it")
    }

    /// Adds so many zero bytes, in whole pages of the machine.
    pub(super) fn grow(&mut self, more: usize) -> Result<(), OutOfMemory> {
        self.resize(self.length.checked_add(more).ok_or(OutOfMemory)?)
    }

    /// Empties it: every word and byte is zero.
    fn clear(&mut self) -> Result<(), OutOfMemory> {
        self.prefix_mut().fill(0);
        if self.length > OVERWRITTEN {
            // SAFETY: the caller borrows `self` mutably, so no reference to the bytes lives, and there is no code in them.
            return unsafe { self.mapping().discard(self.base, self.length) };
        }
        // SAFETY: so many bytes from the base on are accessible, and the caller borrows `self` mutably.
        unsafe { self.base().as_ptr().write_bytes(0, self.length) };
        Ok(())
    }

    /// Makes so many bytes accessible. What is added is zero: it never was accessible, or was not since it was emptied.
    fn resize(&mut self, length: usize) -> Result<(), OutOfMemory> {
        if length as u64 > 1 << 32 {
            return Err(OutOfMemory);
        }
        let (mapping, base) = (self.mapping(), self.base);
        // SAFETY: the caller borrows `self` mutably, so no reference to the bytes lives, and there is no code in them.
        unsafe {
            match length.checked_sub(self.length) {
                Some(more) => mapping.protect(base + self.length, more, Access::ReadWrite)?,
                None => mapping.protect(base + length, self.length - length, Access::None)?,
            }
        }
        self.length = length;
        let words = self.prefix_mut();
        let at = words.len() - LENGTH_WORD;
        words[at] = length as u64;
        Ok(())
    }

    /// The base.
    pub(super) fn base(&self) -> NonNull<u8> {
        // SAFETY: the base is within the mapping, by `new`.
        unsafe { self.mapping().start().add(self.base) }
    }

    /// How many bytes there are.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// The words before the base.
    pub(super) fn prefix(&self) -> &[u64] {
        let first = self.base().as_ptr().wrapping_sub(8 * self.words).cast::<u64>();
        // SAFETY: so many words are before the base, by `new`, and accessible; the base is aligned to a page. They are
        // zeros or what was written since: Rust writes by `prefix_mut` alone, machine code only while its store is
        // borrowed mutably.
        unsafe { slice::from_raw_parts(first, self.words) }
    }

    /// The words before the base, to change them.
    pub(super) fn prefix_mut(&mut self) -> &mut [u64] {
        let first = self.base().as_ptr().wrapping_sub(8 * self.words).cast::<u64>();
        // SAFETY: as in `prefix`; the borrow of `self` is the only one.
        unsafe { slice::from_raw_parts_mut(first, self.words) }
    }
}

/// Takes one from the pool: of the same length if there is one, which then needs nothing more from the kernel.
fn take(length: usize) -> Option<Pooled> {
    let mut pool = POOL.get()?;
    let found = pool.iter().rposition(|pooled| pooled.length == length).or(pool.len().checked_sub(1))?;
    Some(pool.swap_remove(found))
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let is_small = self.base == POOLED_PREFIX && self.length <= POOLED_LENGTH;
        if !is_small || self.clear().is_err() {
            return;
        }
        let Some(mapping) = self.mapping.take() else { return };
        if let Some(mut pool) = POOL.get()
            && pool.len() < POOLED
        {
            pool.push(Pooled { mapping, length: self.length });
        }
    }
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reservation({})", self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_stays_and_the_length_is_before_it() {
        let mut reservation = Reservation::new(2 * PAGE, 1_000).unwrap();
        let base = reservation.base();
        assert!(reservation.prefix().len() >= 1_000);
        assert!(Reservation::new(0, 1_000_000).unwrap().prefix().len() >= 1_000_000);
        assert_eq!(base.addr().get() % PAGE, 0);
        assert_eq!(reservation.prefix()[reservation.prefix().len() - 2], 2 * PAGE as u64);
        reservation.grow(PAGE).unwrap();
        assert_eq!(reservation.prefix()[reservation.prefix().len() - 2], 3 * PAGE as u64);
        assert_eq!((reservation.base(), reservation.length()), (base, 3 * PAGE));
    }

    #[test]
    fn it_grows_to_everything_that_an_index_reaches_and_no_further() {
        let mut reservation = Reservation::new(1 << 32, 0).unwrap();
        assert_eq!(reservation.grow(PAGE), Err(OutOfMemory));
        assert_eq!(reservation.length(), 1 << 32);
    }

    /// Whoever takes one from the pool sees zeros, and may access what is his own and no more.
    #[test]
    fn what_comes_from_the_pool_is_empty() {
        std::thread::scope(|threads| {
            for thread in 0..4_usize {
                threads.spawn(move || {
                    for round in 0..300_usize {
                        // On both sides of what is overwritten.
                        let length = (round * 7 + thread) % 35 * PAGE;
                        let mut reservation = Reservation::new(length, round).unwrap();
                        let words = reservation.prefix();
                        assert_eq!(words[words.len() - LENGTH_WORD], length as u64);
                        assert!(words[..words.len() - LENGTH_WORD].iter().all(|word| *word == 0));
                        // SAFETY: that many bytes are accessible, and nobody else has their address.
                        let bytes = unsafe {
                            slice::from_raw_parts_mut(reservation.base().as_ptr(), reservation.length())
                        };
                        assert!(bytes.iter().all(|byte| *byte == 0));
                        bytes.fill(0xaa);
                        reservation.prefix_mut().fill(0x55);
                        reservation.grow(PAGE * (round % 3)).unwrap();
                    }
                });
            }
        });
        let pool = POOL.get().unwrap();
        assert!(pool.len() <= POOLED && pool.iter().all(|pooled| pooled.length <= POOLED_LENGTH));
    }
}
