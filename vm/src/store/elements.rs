//! The elements of a table.
//!
//! Owns the block that they are in and the header that says where it is. It must not know what they refer to.

use crate::sys::OutOfMemory;
use crate::sys::words::Words;
use core::ops::{Deref, DerefMut};

/// Elements, a word each. Growth moves them; the header stays where it is.
#[derive(Debug)]
pub(crate) struct Elements {
    /// The address of the first element and how many there are: guest code reads these.
    header: Words,
    /// The elements, and room for more.
    block: Words,
    length: usize,
}

impl Elements {
    /// So many times the same.
    pub(crate) fn filled(value: u64, length: u64) -> Result<Elements, OutOfMemory> {
        let mut elements = Elements { header: Words::new(2)?, block: Words::new(0)?, length: 0 };
        elements.grow(value, length)?;
        Ok(elements)
    }

    /// Adds so many times the same.
    pub(crate) fn grow(&mut self, value: u64, more: u64) -> Result<(), OutOfMemory> {
        let more = usize::try_from(more).map_err(|_| OutOfMemory)?;
        let length = self.length.checked_add(more).ok_or(OutOfMemory)?;
        if length > self.block.len() {
            // Doubling keeps growth by ones linear; a new table gets no more than it asks for.
            let mut block = Words::new(length.max(self.block.len().saturating_mul(2)))?;
            block[..self.length].copy_from_slice(&self.block[..self.length]);
            self.block = block;
        }
        let before = self.length;
        self.length = length;
        self.header[0] = self.block.address();
        self.header[1] = length as u64;
        // What has never been an element is 0.
        if value != 0 {
            self[before..].fill(value);
        }
        Ok(())
    }

    /// Where the header is, for good.
    #[cfg_attr(not(feature = "native"), allow(dead_code, reason = "only compiled code asks"))]
    pub(crate) fn header(&self) -> u64 {
        self.header.address()
    }
}

impl Deref for Elements {
    type Target = [u64];

    #[inline]
    fn deref(&self) -> &[u64] {
        &self.block[..self.length]
    }
}

impl DerefMut for Elements {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u64] {
        &mut self.block[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_grow_and_the_header_follows() {
        let mut elements = Elements::filled(7, 3).unwrap();
        let header = elements.header();
        assert_eq!((&*elements, elements.header[1]), (&[7, 7, 7][..], 3));
        for value in 0..100 {
            elements.grow(value, 1).unwrap();
        }
        assert_eq!((elements.len(), elements[2], elements[3], elements[102]), (103, 7, 0, 99));
        assert_eq!(elements.header(), header);
        assert_eq!((elements.header[0], elements.header[1]), (elements.block.address(), 103));
        assert_eq!(elements.grow(0, u64::MAX), Err(OutOfMemory));
        assert_eq!(elements.len(), 103);
        assert!(Elements::filled(1, 0).unwrap().is_empty());
    }
}
