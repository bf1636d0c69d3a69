//! Snapshots: the objects of a store as they are, for the interpreter.
//!
//! Owns the copy, which lives on the heap and has no compiled code. It must not know host functions.

use crate::store::elements::Elements;
use crate::store::objects::{
    Cell, GlobalData, GlobalId, InstanceData, MemoryData, Objects, OutOfMemory, TableData,
};
use crate::sys::memory::LinearMemory;

impl Objects {
    /// A copy of everything but the types of host functions and what compiled code runs with.
    pub(super) fn snapshot(&self) -> Result<Objects, OutOfMemory> {
        let mut copy = Objects::new(self.limits, None);
        let Objects { gas, height, peak, depth, .. } = *self;
        (copy.gas, copy.height, copy.peak, copy.depth) = (gas, height, peak, depth);
        for instance in &self.instances {
            copy.instances.push(InstanceData {
                module: instance.module.clone(),
                imported_functions: instance.imported_functions.clone(),
                tables: instance.tables.clone(),
                memories: instance.memories.clone(),
                globals: instance.globals.clone(),
                dropped_elements: instance.dropped_elements.clone(),
                dropped_data: instance.dropped_data.clone(),
                start_pending: instance.start_pending,
                context: None,
            });
        }
        for memory in &self.memories {
            let mut bytes = LinearMemory::on_heap(memory.bytes.len() as u64)?;
            bytes.copy_from_slice(&memory.bytes);
            copy.memories.push(MemoryData { ty: memory.ty, bytes });
        }
        for table in &self.tables {
            let mut elements = Elements::filled(0, table.elements.len() as u64)?;
            elements.copy_from_slice(&table.elements);
            copy.tables.push(TableData { ty: table.ty, elements });
        }
        // There are fewer than 2^32.
        for (id, global) in (0..).zip(&self.globals) {
            let cell = Cell::Inline(self.global(GlobalId(id)));
            copy.globals.push(GlobalData { ty: global.ty, cell });
        }
        Ok(copy)
    }
}
