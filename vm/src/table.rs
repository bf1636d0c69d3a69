//! Tables, as the host uses them.
//!
//! Owns the handle and the types of what is put in; elements and growth are the store's.

use crate::crosscheck::Effect;
use crate::error::{Error, Usage};
use crate::limits::Limit;
use crate::store::objects::{TableData, TableId};
use crate::store::rules::GROWTH_FAILED;
use crate::store::{AsContext, AsContextMut, StoreContext, StoreId, StoreInner};
use crate::trap::Trap;
use crate::types::TableType;
use crate::value::Val;

/// A table of references in a store.
///
/// ```
/// use lockstep_vm::{Engine, Func, Store, Table, TableType, Val, ValType};
///
/// let mut store = Store::new(&Engine::default(), ());
/// let ty = TableType { element: ValType::FuncRef, minimum: 2, maximum: Some(4) };
/// let table = Table::new(&mut store, ty, Val::FuncRef(None))?;
/// let answer = Func::wrap(&mut store, || 42);
/// table.set(&mut store, 1, answer.into())?;
/// assert_eq!(table.get(&store, 1), Some(answer.into()));
/// assert_eq!(table.get(&store, 2), None);
/// assert_eq!(table.grow(&mut store, 2, Val::FuncRef(None))?, 2);
/// assert!(table.grow(&mut store, 1, Val::FuncRef(None)).is_err());
/// # Ok::<(), lockstep_vm::Error>(())
/// ```
///
/// # Panics
/// Methods that return no [`Error`] panic when the table belongs to another store.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Table {
    pub(crate) store: StoreId,
    pub(crate) id: TableId,
}

impl Table {
    /// Adds a table to a store, full of `init`.
    ///
    /// # Errors
    /// [`Usage`](crate::ErrorKind::Usage) when the element type is no reference type, the minimum is above the store's
    /// limit, or `init` is not of the element type; a node fault when the host has no memory.
    pub fn new(mut store: impl AsContextMut, ty: TableType, init: Val) -> Result<Table, Error> {
        let store = store.as_context_mut().0;
        store.check_alive()?;
        if !ty.element.is_ref() {
            return Err(Usage::NoReference { given: ty.element }.into());
        }
        let allowed = store.objects.limits.table_elements.min(ty.maximum.unwrap_or(u64::MAX));
        if ty.minimum > allowed {
            return Err(Usage::AboveLimit { limit: Limit::TableElements, allowed, wanted: ty.minimum }.into());
        }
        let init = init.into_slot_of(ty.element, store.id)?;
        store.objects.note(|| Effect::NewTable { ty, init });
        match store.objects.add_table(ty, init) {
            Ok(id) => Ok(Table { store: store.id, id }),
            Err(error) => Err(store.out_of_memory(error)),
        }
    }

    /// The type as declared.
    pub fn ty(&self, store: impl AsContext) -> TableType {
        self.of(&store.as_context()).ty
    }

    /// The size now, in elements.
    pub fn size(&self, store: impl AsContext) -> u64 {
        let store = store.as_context();
        let elements = self.of(&store).elements.len();
        store.0.objects.note(|| Effect::TableSize { table: self.id, elements });
        elements as u64
    }

    /// The element at `index`; `None` beyond the end.
    pub fn get(&self, store: impl AsContext, index: u64) -> Option<Val> {
        let store = store.as_context();
        let table = self.of(&store);
        let index = usize::try_from(index).ok()?;
        let Some(&slot) = table.elements.get(index) else {
            let elements = table.elements.len();
            store.0.objects.note(|| Effect::TableSize { table: self.id, elements });
            return None;
        };
        store.0.objects.note(|| Effect::Element { table: self.id, index, value: slot });
        Some(Val::from_slot(slot, table.ty.element, self.store))
    }

    /// Sets the element at `index`.
    ///
    /// # Errors
    /// [`Trap::TableOutOfBounds`] beyond the end; [`Usage`](crate::ErrorKind::Usage) when the value is not of the
    /// element type, or either belongs to another store.
    pub fn set(&self, store: impl AsContextMut, index: u64, value: Val) -> Result<(), Error> {
        self.fill(store, index, value, 1)
    }

    /// Sets `length` elements from `destination` on.
    ///
    /// # Errors
    /// As [`set`](Self::set); then no element is changed.
    pub fn fill(
        &self,
        mut store: impl AsContextMut,
        destination: u64,
        value: Val,
        length: u64,
    ) -> Result<(), Error> {
        let store = store.as_context_mut().0;
        let value = self.slot(store, value)?;
        // What is beyond u32 is beyond the end of every table.
        let (Ok(destination), Ok(length)) = (u32::try_from(destination), u32::try_from(length)) else {
            return Err(Trap::TableOutOfBounds.into());
        };
        store.objects.note(|| Effect::FillTable { table: self.id, destination, value, length });
        Ok(store.objects.fill_table(self.id, destination, value, length)?)
    }

    /// Grows the table by `delta` times `init` and answers the elements before. Costs no gas: a host function that does
    /// this for a guest charges for it.
    ///
    /// # Errors
    /// [`Usage::AboveLimit`] beyond the declared maximum or the store's limit, other [`Usage`](crate::ErrorKind::Usage)
    /// as for [`set`](Self::set); a node fault when the host has no memory.
    pub fn grow(&self, mut store: impl AsContextMut, delta: u64, init: Val) -> Result<u64, Error> {
        let store = store.as_context_mut().0;
        store.check_alive()?;
        let init = self.slot(store, init)?;
        let objects = &mut store.objects;
        // A delta beyond u32 is beyond every ceiling too.
        let capped = u32::try_from(delta).unwrap_or(u32::MAX);
        objects.note(|| Effect::TableSize {
            table: self.id,
            elements: objects.tables[self.id.index()].elements.len(),
        });
        objects.note(|| Effect::GrowTable { table: self.id, delta: capped, init });
        match objects.grow_table(self.id, capped, init) {
            Ok(GROWTH_FAILED) => {
                let size = objects.tables[self.id.index()].elements.len() as u64;
                let (allowed, wanted) = (objects.table_ceiling(self.id), size.saturating_add(delta));
                Err(Usage::AboveLimit { limit: Limit::TableElements, allowed, wanted }.into())
            }
            Ok(before) => Ok(before.into()),
            Err(error) => Err(store.out_of_memory(error)),
        }
    }

    /// A value as an element of this table.
    fn slot<T>(&self, store: &StoreInner<T>, value: Val) -> Result<u64, Usage> {
        self.store.check(store.id, "table")?;
        value.into_slot_of(store.objects.tables[self.id.index()].ty.element, store.id)
    }

    fn of<'a, T>(&self, store: &StoreContext<'a, T>) -> &'a TableData {
        self.store.expect(store.0.id, "table");
        &store.0.objects.tables[self.id.index()]
    }
}
