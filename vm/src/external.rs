//! What can be imported and exported.
//!
//! Owns the four kinds and their types as the linker compares them.

use crate::func::Func;
use crate::global::Global;
use crate::memory::Memory;
use crate::store::objects::Objects;
use crate::store::{AsContext, StoreId};
use crate::table::Table;
use crate::types::{ExternType, MemoryType, TableType};

/// Something of a store that a module can import and an instance exports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(clippy::exhaustive_enums, reason = "the spec's four")]
pub enum Extern {
    /// A function.
    Func(Func),
    /// A table.
    Table(Table),
    /// A memory.
    Memory(Memory),
    /// A global.
    Global(Global),
}

impl Extern {
    /// The function, where this is one.
    pub fn into_func(self) -> Option<Func> {
        if let Extern::Func(func) = self { Some(func) } else { None }
    }

    /// The table, where this is one.
    pub fn into_table(self) -> Option<Table> {
        if let Extern::Table(table) = self { Some(table) } else { None }
    }

    /// The memory, where this is one.
    pub fn into_memory(self) -> Option<Memory> {
        if let Extern::Memory(memory) = self { Some(memory) } else { None }
    }

    /// The global, where this is one.
    pub fn into_global(self) -> Option<Global> {
        if let Extern::Global(global) = self { Some(global) } else { None }
    }

    /// The type as an import is matched with it: memories and tables have their size now as minimum.
    ///
    /// # Panics
    /// When this belongs to another store.
    pub fn ty(&self, store: impl AsContext) -> ExternType {
        let store = store.as_context().0;
        self.store().expect(store.id, "item");
        self.link_type(&store.objects)
    }

    pub(crate) fn store(&self) -> StoreId {
        match self {
            Extern::Func(func) => func.store,
            Extern::Table(table) => table.store,
            Extern::Memory(memory) => memory.store,
            Extern::Global(global) => global.store,
        }
    }

    /// As [`ty`](Self::ty), in the store that this belongs to.
    pub(crate) fn link_type(&self, objects: &Objects) -> ExternType {
        match self {
            Extern::Func(func) => ExternType::Func(objects.function_type(func.callee()).clone()),
            Extern::Table(table) => {
                let table = &objects.tables[table.id.index()];
                ExternType::Table(TableType { minimum: table.elements.len() as u64, ..table.ty })
            }
            Extern::Memory(memory) => {
                let memory = &objects.memories[memory.id.index()];
                ExternType::Memory(MemoryType { minimum: memory.pages(), ..memory.ty })
            }
            Extern::Global(global) => ExternType::Global(objects.globals[global.id.index()].ty),
        }
    }
}

macro_rules! from_items {
    ($($item:ident)*) => {
        $(impl From<$item> for Extern {
            fn from(item: $item) -> Extern {
                Extern::$item(item)
            }
        })*
    };
}

from_items! { Func Table Memory Global }
