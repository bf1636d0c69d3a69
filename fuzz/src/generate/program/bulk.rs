//! Statements over ranges of memory and of tables.
//!
//! Owns their operands: within bounds unless the program is wild, and zero lengths where a segment may be
//! gone.

use super::body::Body;
use super::layout::{Contents, Segment};
use super::ty::Ty;

impl Body<'_> {
    /// A fill, copy or init of memory, a drop of a data segment, or a growth.
    pub(super) fn bulk_memory(&mut self) {
        if self.layout.memory.is_none() {
            return self.assign();
        }
        match self.random.weighted(&[30, 30, 25, 15]) {
            0 => {
                self.range_start(0x7fff);
                self.value(Ty::I32, 1);
                self.range_len(0xff);
                self.op().memory_fill(0);
            }
            1 => {
                self.range_start(0x3fff);
                self.range_start(0x3fff);
                self.range_len(0x1ff);
                self.op().memory_copy(0, 0);
            }
            2 => {
                let Some(segment) = self.segment(false, |_| true) else { return self.assign() };
                self.range_start(0x7fff);
                self.part(false, segment);
                self.op().memory_init(0, segment as u32);
            }
            _ => {
                let Some(segment) = self.segment(false, |segment| segment.dropped) else {
                    return self.assign();
                };
                self.op().data_drop(segment as u32);
            }
        }
    }

    fn range_start(&mut self, mask: i32) {
        if self.random.percent(40) {
            let at = self.random.below(mask as usize + 1) as i32;
            self.op().i32_const(at);
        } else {
            self.value(Ty::I32, 1);
            self.op().i32_const(mask).i32_and();
        }
    }

    fn range_len(&mut self, mask: i32) {
        if self.wild() {
            let len = self.random.pick(&[65_537, 400_000, -1, i32::MIN]);
            self.op().i32_const(len);
        } else if self.random.percent(40) {
            let len = self.random.below(40) as i32;
            self.op().i32_const(len);
        } else {
            self.value(Ty::I32, 1);
            self.op().i32_const(mask).i32_and();
        }
    }

    fn segments(&self, elements: bool) -> &[Segment] {
        if elements { &self.layout.elements } else { &self.layout.data }
    }

    fn segment(&mut self, elements: bool, fits: impl Fn(&Segment) -> bool) -> Option<usize> {
        let segments = self.segments(elements);
        let candidates: Vec<usize> = (0..segments.len()).filter(|&index| fits(&segments[index])).collect();
        (!candidates.is_empty()).then(|| self.random.pick(&candidates))
    }

    /// A start within a segment and a length that fits; nothing of one that may be gone.
    fn part(&mut self, elements: bool, segment: usize) {
        let Segment { len, dropped, .. } = self.segments(elements)[segment];
        let len = if dropped { 0 } else { len as usize };
        let start = self.random.below(len + 1);
        let count = if self.wild() { len + 1 } else { self.random.below(len - start + 1) };
        self.op().i32_const(start as i32).i32_const(count as i32);
    }

    /// An operator over tables or on one element.
    pub(super) fn table_statement(&mut self) {
        let dispatch = self.layout.dispatch;
        let changing: Vec<u32> =
            (0..self.layout.tables.len() as u32).filter(|&table| table != dispatch).collect();
        if changing.is_empty() {
            return self.assign();
        }
        let table = self.random.pick(&changing);
        let ty = self.layout.tables[table as usize].ty;
        match self.random.weighted(&[30, 20, 20, 20, 12]) {
            0 => {
                self.element_index(table as usize);
                self.reference(ty, 2);
                self.op().table_set(table);
            }
            1 => {
                let count = self.elements_from(table);
                self.reference(ty, 1);
                self.op().i32_const(count).table_fill(table);
            }
            2 => {
                let sources: Vec<u32> = (0..self.layout.tables.len() as u32)
                    .filter(|&source| self.layout.tables[source as usize].ty == ty)
                    .collect();
                let source = self.random.pick(&sources);
                let least =
                    self.layout.tables[table as usize].size.min(self.layout.tables[source as usize].size);
                let count = self.random.below(least as usize + 1) as i32;
                let (to, from) = (self.start_for(table, count), self.start_for(source, count));
                self.op().i32_const(to).i32_const(from).i32_const(count).table_copy(table, source);
            }
            3 => {
                let fits = |segment: &Segment| match segment.contents {
                    Contents::Externs { .. } => ty == Ty::Extern,
                    Contents::Bytes(_) => false,
                    _ => ty == Ty::Func,
                };
                let Some(segment) = self.segment(true, fits) else { return self.assign() };
                let len = self.layout.elements[segment].len as i32;
                let size = self.layout.tables[table as usize].size as i32;
                let to = self.start_for(table, len.min(size));
                self.op().i32_const(to);
                self.part(true, segment);
                self.op().table_init(table, segment as u32);
            }
            _ => {
                let Some(segment) = self.segment(true, |segment| segment.dropped) else {
                    return self.assign();
                };
                self.op().elem_drop(segment as u32);
            }
        }
    }

    /// Writes a start within the table; answers a count that fits after it.
    fn elements_from(&mut self, table: u32) -> i32 {
        let size = self.layout.tables[table as usize].size as usize;
        let start = self.random.below(size + 1);
        self.op().i32_const(start as i32);
        self.random.below(size - start + 1) as i32 + i32::from(self.wild()) * 40
    }

    fn start_for(&mut self, table: u32, count: i32) -> i32 {
        let size = self.layout.tables[table as usize].size as i32;
        self.random.below((size - count + 1) as usize) as i32
    }
}
