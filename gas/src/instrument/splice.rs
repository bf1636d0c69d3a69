//! A copy of a module's bytes with some of them replaced.
//!
//! Owns the rule that what is not replaced is copied byte for byte. It must not know what the bytes mean.

use alloc::vec::Vec;

/// Copies a range of `source` to `out`, in order, while its user leaves out some bytes and writes others.
///
/// ```text
///   source  . . . a a a a X X X b b b b .
///                 ^ start       ^ at: what lies before is copied or left out
///   out     . . . a a a a y y
/// ```
pub(super) struct Splice<'a> {
    source: &'a [u8],
    at: usize,
    /// Where the copy goes; what is written here comes after what was copied so far.
    pub(super) out: &'a mut Vec<u8>,
}

impl<'a> Splice<'a> {
    /// Copies from `start` on, an offset in `source`.
    pub(super) fn new(source: &'a [u8], start: usize, out: &'a mut Vec<u8>) -> Self {
        Splice { source, at: start, out }
    }

    /// Copies what lies before `offset` and was neither copied nor left out.
    pub(super) fn copy_to(&mut self, offset: usize) {
        self.out.extend_from_slice(&self.source[self.at..offset]);
        self.at = offset;
    }

    /// Leaves out what lies before `offset` and was not copied.
    pub(super) fn skip_to(&mut self, offset: usize) {
        assert!(self.at <= offset, "bytes are replaced in their order");
        self.at = offset;
    }
}
