//! The rules of memories, tables and constant expressions that every engine shares: growth, bulk operators, segments.
//!
//! Owns bounds and atomicity: whatever does not fit changes nothing. It must not know gas; who calls has paid.

use super::elements::Elements;
use super::objects::{
    Cell, FuncRef, GlobalData, GlobalId, InstanceId, MemoryData, MemoryId, Objects, OutOfMemory, PAGE_BYTES,
    TableData, TableId,
};
use crate::module::info::{ConstOp, ElementItems, ModuleInfo};
use crate::sys::memory::LinearMemory;
use crate::sys::words::Words;
use crate::trap::Trap;
use crate::types::{GlobalType, MemoryType, TableType};
use alloc::vec::Vec;
use core::ops::Range;

/// What growth answers when it fails: -1 as the guest sees it.
pub(crate) const GROWTH_FAILED: u32 = u32::MAX;

/// The places `start..start + length` of something that has `size` of them, or nothing. An empty range must lie
/// within too.
fn range(start: u32, length: u32, size: usize) -> Option<Range<usize>> {
    let end = u64::from(start) + u64::from(length);
    // Both fit usize, because they are at most `size`.
    if end <= size as u64 { Some(start as usize..end as usize) } else { None }
}

impl MemoryData {
    pub(crate) fn pages(&self) -> u64 {
        self.bytes.len() as u64 / PAGE_BYTES
    }
}

/// Sizes and growth.
impl Objects {
    /// Adds a memory of its minimal size, which must be within the limits. Where code is compiled there are so many
    /// words before it.
    pub(crate) fn add_memory(&mut self, ty: MemoryType, prefix: usize) -> Result<MemoryId, OutOfMemory> {
        let length = ty.minimum.checked_mul(PAGE_BYTES).ok_or(OutOfMemory)?;
        let bytes = match &self.machine {
            None => LinearMemory::on_heap(length)?,
            Some(machine) => machine.memory(length, prefix)?,
        };
        let id = MemoryId(next_index(self.memories.len()));
        self.memories.push(MemoryData { ty, bytes });
        Ok(id)
    }

    /// Adds a table of its minimal size, which must be within the limits.
    pub(crate) fn add_table(&mut self, ty: TableType, init: u64) -> Result<TableId, OutOfMemory> {
        let elements = Elements::filled(init, ty.minimum)?;
        let id = TableId(next_index(self.tables.len()));
        self.tables.push(TableData { ty, elements });
        Ok(id)
    }

    /// Adds a global that no module defines.
    pub(crate) fn add_global(&mut self, ty: GlobalType, value: u64) -> Result<GlobalId, OutOfMemory> {
        let cell = match &self.machine {
            None => Cell::Inline(value),
            Some(_) => {
                let mut words = Words::new(1)?;
                words[0] = value;
                Cell::Alone(words)
            }
        };
        Ok(self.push_global(GlobalData { ty, cell }))
    }

    pub(super) fn push_global(&mut self, global: GlobalData) -> GlobalId {
        let id = GlobalId(next_index(self.globals.len()));
        self.globals.push(global);
        id
    }

    /// How many pages a memory may have: what it declares or what the store allows, whichever is less.
    pub(crate) fn memory_ceiling(&self, memory: MemoryId) -> u64 {
        let declared = self.memories[memory.index()].ty.maximum.unwrap_or(u64::MAX);
        declared.min(self.limits.memory_pages)
    }

    /// How many elements a table may have: what it declares or what the store allows, whichever is less.
    pub(crate) fn table_ceiling(&self, table: TableId) -> u64 {
        let declared = self.tables[table.index()].ty.maximum.unwrap_or(u64::MAX);
        declared.min(self.limits.table_elements)
    }

    /// Grows a memory by `delta` pages of zeros. Answers the pages before, or -1 when that would pass its ceiling.
    pub(crate) fn grow_memory(&mut self, memory: MemoryId, delta: u32) -> Result<u32, OutOfMemory> {
        let ceiling = self.memory_ceiling(memory);
        let memory = &mut self.memories[memory.index()];
        let (before, delta) = (memory.pages(), u64::from(delta));
        if delta > 0 && before + delta > ceiling {
            return Ok(GROWTH_FAILED);
        }
        memory.bytes.grow(delta * PAGE_BYTES)?;
        // A memory of 32-bit addresses has at most 2^16 pages.
        Ok(before as u32)
    }

    /// Grows a table by `delta` times `init`. Answers the elements before, or -1 when that would pass its ceiling.
    pub(crate) fn grow_table(&mut self, table: TableId, delta: u32, init: u64) -> Result<u32, OutOfMemory> {
        let ceiling = self.table_ceiling(table);
        let elements = &mut self.tables[table.index()].elements;
        let (before, delta) = (elements.len() as u64, u64::from(delta));
        if delta > 0 && before + delta > ceiling {
            return Ok(GROWTH_FAILED);
        }
        elements.grow(init, delta)?;
        // The protocol's limit is below 2^32 - 1.
        Ok(before as u32)
    }
}

/// Bulk operators: bounds first, then everything.
impl Objects {
    pub(crate) fn fill_memory(
        &mut self,
        memory: MemoryId,
        destination: u32,
        value: u8,
        length: u32,
    ) -> Result<(), Trap> {
        let bytes = &mut self.memories[memory.index()].bytes;
        let to = range(destination, length, bytes.len()).ok_or(Trap::MemoryOutOfBounds)?;
        bytes[to].fill(value);
        Ok(())
    }

    pub(crate) fn copy_memory(
        &mut self,
        memory: MemoryId,
        destination: u32,
        source: u32,
        length: u32,
    ) -> Result<(), Trap> {
        let bytes = &mut self.memories[memory.index()].bytes;
        let from = range(source, length, bytes.len()).ok_or(Trap::MemoryOutOfBounds)?;
        let to = range(destination, length, bytes.len()).ok_or(Trap::MemoryOutOfBounds)?;
        bytes.copy_within(from, to.start);
        Ok(())
    }

    /// Copies from a data segment of `instance`; a dropped one is empty.
    pub(crate) fn init_memory(
        &mut self,
        instance: InstanceId,
        memory: MemoryId,
        segment: u32,
        destination: u32,
        source: u32,
        length: u32,
    ) -> Result<(), Trap> {
        let Objects { instances, memories, .. } = self;
        let instance = &instances[instance.index()];
        let module = &instance.module.0;
        let data = match instance.dropped_data[segment as usize] {
            true => &[],
            false => {
                let bytes = &module.info.data[segment as usize].bytes;
                &module.bytes[bytes.start as usize..bytes.end as usize]
            }
        };
        let bytes = &mut memories[memory.index()].bytes;
        let from = range(source, length, data.len()).ok_or(Trap::MemoryOutOfBounds)?;
        let to = range(destination, length, bytes.len()).ok_or(Trap::MemoryOutOfBounds)?;
        bytes[to].copy_from_slice(&data[from]);
        Ok(())
    }

    pub(crate) fn fill_table(
        &mut self,
        table: TableId,
        destination: u32,
        value: u64,
        length: u32,
    ) -> Result<(), Trap> {
        let elements = &mut self.tables[table.index()].elements;
        let to = range(destination, length, elements.len()).ok_or(Trap::TableOutOfBounds)?;
        elements[to].fill(value);
        Ok(())
    }

    pub(crate) fn copy_table(
        &mut self,
        destination_table: TableId,
        source_table: TableId,
        destination: u32,
        source: u32,
        length: u32,
    ) -> Result<(), Trap> {
        let from = range(source, length, self.tables[source_table.index()].elements.len());
        let to = range(destination, length, self.tables[destination_table.index()].elements.len());
        let (Some(from), Some(to)) = (from, to) else { return Err(Trap::TableOutOfBounds) };
        match self.tables.get_disjoint_mut([destination_table.index(), source_table.index()]) {
            Ok([destination, source]) => destination.elements[to].copy_from_slice(&source.elements[from]),
            // One table: the ranges may overlap.
            Err(_) => self.tables[source_table.index()].elements.copy_within(from, to.start),
        }
        Ok(())
    }

    /// Copies from an element segment of `instance`; a dropped one is empty.
    pub(crate) fn init_table(
        &mut self,
        instance: InstanceId,
        table: TableId,
        segment: u32,
        destination: u32,
        source: u32,
        length: u32,
    ) -> Result<(), Trap> {
        let size = match self.instances[instance.index()].dropped_elements[segment as usize] {
            true => 0,
            false => self.info(instance).elements[segment as usize].items.len(),
        };
        let from = range(source, length, size);
        let to = range(destination, length, self.tables[table.index()].elements.len());
        let (Some(from), Some(to)) = (from, to) else { return Err(Trap::TableOutOfBounds) };
        for (from, to) in from.zip(to) {
            let item = self.element_item(instance, segment, from as u32);
            self.tables[table.index()].elements[to] = item;
        }
        Ok(())
    }

    pub(crate) fn drop_data(&mut self, instance: InstanceId, segment: u32) {
        self.instances[instance.index()].dropped_data[segment as usize] = true;
    }

    pub(crate) fn drop_elements(&mut self, instance: InstanceId, segment: u32) {
        self.instances[instance.index()].dropped_elements[segment as usize] = true;
    }
}

/// Constants.
impl Objects {
    /// The value of one item of an element segment.
    pub(crate) fn element_item(&self, instance: InstanceId, segment: u32, item: u32) -> u64 {
        match &self.info(instance).elements[segment as usize].items {
            ElementItems::Functions(functions) => self.function(instance, functions[item as usize]).to_bits(),
            // Its globals are immutable, so it has the value that it had when the instance was made.
            ElementItems::Expressions(items) => self.eval_const(instance, &items[item as usize]),
        }
    }

    /// The value of a constant expression of `instance`.
    pub(crate) fn eval_const(&self, instance: InstanceId, expression: &[ConstOp]) -> u64 {
        if let [op] = expression {
            return self.eval_constant(instance, op);
        }
        let mut stack = Vec::new();
        for op in expression {
            let value = match op {
                ConstOp::I32Add => binary(&mut stack, |a, b| u64::from((a as u32).wrapping_add(b as u32))),
                ConstOp::I32Sub => binary(&mut stack, |a, b| u64::from((a as u32).wrapping_sub(b as u32))),
                ConstOp::I32Mul => binary(&mut stack, |a, b| u64::from((a as u32).wrapping_mul(b as u32))),
                ConstOp::I64Add => binary(&mut stack, u64::wrapping_add),
                ConstOp::I64Sub => binary(&mut stack, u64::wrapping_sub),
                ConstOp::I64Mul => binary(&mut stack, u64::wrapping_mul),
                constant => self.eval_constant(instance, constant),
            };
            stack.push(value);
        }
        stack.pop().expect("validated: one value is left")
    }

    fn eval_constant(&self, instance: InstanceId, op: &ConstOp) -> u64 {
        match *op {
            ConstOp::I32(value) => u64::from(value as u32),
            ConstOp::I64(value) => value as u64,
            ConstOp::F32(bits) => u64::from(bits),
            ConstOp::F64(bits) => bits,
            ConstOp::GlobalGet(global) => {
                self.global(self.instances[instance.index()].globals[global as usize])
            }
            ConstOp::RefNull => FuncRef::NULL.to_bits(),
            ConstOp::RefFunc(function) => self.function(instance, function).to_bits(),
            _ => unreachable!("validated: an operator has its operands before it"),
        }
    }

    fn info(&self, instance: InstanceId) -> &ModuleInfo {
        &self.instances[instance.index()].module.0.info
    }
}

fn binary(stack: &mut Vec<u64>, operation: impl Fn(u64, u64) -> u64) -> u64 {
    let right = stack.pop().expect("validated: two operands");
    let left = stack.pop().expect("validated: two operands");
    operation(left, right)
}

/// The index that the next object of a kind gets. A store would need 2^32 objects of a kind to pass this.
pub(crate) fn next_index(length: usize) -> u32 {
    u32::try_from(length)
        .ok()
        .filter(|index| *index < u32::MAX - 1)
        .expect("a store holds fewer than 2^32 objects")
}
