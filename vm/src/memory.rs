//! Memories, as the host uses them.
//!
//! Owns the handle; bytes and growth are the store's.

use crate::crosscheck::Effect;
use crate::error::{Error, Usage};
use crate::limits::Limit;
use crate::store::objects::{MemoryData, MemoryId};
use crate::store::rules::GROWTH_FAILED;
use crate::store::{AsContext, AsContextMut, StoreContext, StoreContextMut, StoreId};
use crate::trap::Trap;
use crate::types::MemoryType;

/// A memory of a store.
///
/// Slices of its bytes borrow the store, so nothing can grow or move the memory while they live.
///
/// ```
/// use lockstep_vm::{Engine, Memory, MemoryType, Store, Trap};
///
/// let mut store = Store::new(&Engine::default(), ());
/// let memory = Memory::new(&mut store, MemoryType { minimum: 1, maximum: Some(2) })?;
/// memory.write(&mut store, 65_533, b"abc")?;
/// let mut byte = [0];
/// memory.read(&store, 65_535, &mut byte)?;
/// assert_eq!(&byte, b"c");
/// assert_eq!(memory.read(&store, 65_536, &mut byte), Err(Trap::MemoryOutOfBounds));
/// assert_eq!(memory.grow(&mut store, 1)?, 1);
/// assert_eq!(memory.size(&store), 2);
/// # Ok::<(), lockstep_vm::Error>(())
/// ```
///
/// A slice does not outlive a change of the store:
///
/// ```compile_fail,E0502
/// # use lockstep_vm::{Engine, Memory, MemoryType, Store};
/// # let mut store = Store::new(&Engine::default(), ());
/// # let memory = Memory::new(&mut store, MemoryType { minimum: 1, maximum: None }).unwrap();
/// let bytes = memory.data(&store);
/// memory.grow(&mut store, 1);
/// println!("{}", bytes[0]);
/// ```
///
/// # Panics
/// Methods that return no [`Error`] panic when the memory belongs to another store.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Memory {
    pub(crate) store: StoreId,
    pub(crate) id: MemoryId,
}

impl Memory {
    /// Adds a memory of zeros to a store.
    ///
    /// # Errors
    /// [`Usage::AboveLimit`] when the minimum is above the store's limit; a node fault when the host has no memory.
    pub fn new(mut store: impl AsContextMut, ty: MemoryType) -> Result<Memory, Error> {
        let store = store.as_context_mut().0;
        store.check_alive()?;
        let allowed = store.objects.limits.memory_pages.min(ty.maximum.unwrap_or(u64::MAX));
        if ty.minimum > allowed {
            return Err(Usage::AboveLimit { limit: Limit::MemoryPages, allowed, wanted: ty.minimum }.into());
        }
        store.objects.note(|| Effect::NewMemory(ty));
        match store.objects.add_memory(ty, 0) {
            Ok(id) => Ok(Memory { store: store.id, id }),
            Err(error) => Err(store.out_of_memory(error)),
        }
    }

    /// The type as declared.
    pub fn ty(&self, store: impl AsContext) -> MemoryType {
        self.of(&store.as_context()).ty
    }

    /// The size now, in pages of 64 KiB.
    pub fn size(&self, store: impl AsContext) -> u64 {
        self.sized(&store.as_context()).pages()
    }

    /// The size now, in bytes.
    pub fn data_size(&self, store: impl AsContext) -> usize {
        self.sized(&store.as_context()).bytes.len()
    }

    /// The bytes.
    pub fn data<'a, T: 'a>(&self, store: impl Into<StoreContext<'a, T>>) -> &'a [u8] {
        let store = store.into().0;
        self.store.expect(store.id, "memory");
        store.objects.note_lent(self.id);
        &store.objects.memories[self.id.index()].bytes
    }

    /// The bytes, to change them.
    pub fn data_mut<'a, T: 'a>(&self, store: impl Into<StoreContextMut<'a, T>>) -> &'a mut [u8] {
        self.data_and_store_mut(store).0
    }

    /// The bytes and the data of the store, both to change.
    ///
    /// ```
    /// use lockstep_vm::{Engine, Memory, MemoryType, Store};
    ///
    /// let mut store = Store::new(&Engine::default(), vec![1_u8, 2, 3]);
    /// let memory = Memory::new(&mut store, MemoryType { minimum: 1, maximum: None })?;
    /// let (bytes, data) = memory.data_and_store_mut(&mut store);
    /// bytes[..3].copy_from_slice(data);
    /// data.clear();
    /// assert_eq!(memory.data(&store)[..4], [1, 2, 3, 0]);
    /// # Ok::<(), lockstep_vm::Error>(())
    /// ```
    pub fn data_and_store_mut<'a, T: 'a>(
        &self,
        store: impl Into<StoreContextMut<'a, T>>,
    ) -> (&'a mut [u8], &'a mut T) {
        let store = store.into().0;
        self.store.expect(store.id, "memory");
        store.objects.note_lent_mut(self.id);
        (&mut store.objects.memories[self.id.index()].bytes, &mut store.data)
    }

    /// Fills `buffer` with bytes from `offset` on.
    ///
    /// # Errors
    /// [`Trap::MemoryOutOfBounds`] when they are not all within the memory; a host function can pass it on with `?`.
    pub fn read(&self, store: impl AsContext, offset: usize, buffer: &mut [u8]) -> Result<(), Trap> {
        let store = store.as_context();
        let bytes = &self.of(&store).bytes;
        store.0.objects.note_read(self.id, offset, buffer.len());
        let from = bytes.get(offset..).and_then(|rest| rest.get(..buffer.len()));
        buffer.copy_from_slice(from.ok_or(Trap::MemoryOutOfBounds)?);
        Ok(())
    }

    /// Writes `buffer` to `offset` and on.
    ///
    /// # Errors
    /// [`Trap::MemoryOutOfBounds`] when that is not all within the memory; then nothing is written.
    pub fn write(&self, mut store: impl AsContextMut, offset: usize, buffer: &[u8]) -> Result<(), Trap> {
        let store = store.as_context_mut().0;
        self.store.expect(store.id, "memory");
        store.objects.note_write(self.id, offset, buffer);
        let bytes = &mut store.objects.memories[self.id.index()].bytes;
        let to = bytes.get_mut(offset..).and_then(|rest| rest.get_mut(..buffer.len()));
        to.ok_or(Trap::MemoryOutOfBounds)?.copy_from_slice(buffer);
        Ok(())
    }

    /// Grows the memory by `delta` pages of zeros and answers the pages before. Costs no gas: a host function that does
    /// this for a guest charges for it.
    ///
    /// # Errors
    /// [`Usage::AboveLimit`] beyond the declared maximum or the store's limit; a node fault when the host has no memory.
    pub fn grow(&self, mut store: impl AsContextMut, delta: u64) -> Result<u64, Error> {
        let store = store.as_context_mut().0;
        self.store.check(store.id, "memory")?;
        store.check_alive()?;
        let objects = &mut store.objects;
        // A delta beyond u32 is beyond every ceiling too.
        let capped = u32::try_from(delta).unwrap_or(u32::MAX);
        objects.note_memory_size(self.id);
        objects.note(|| Effect::GrowMemory { memory: self.id, delta: capped });
        let grown = objects.grow_memory(self.id, capped);
        match grown {
            Ok(GROWTH_FAILED) => {
                let wanted = objects.memories[self.id.index()].pages().saturating_add(delta);
                let allowed = objects.memory_ceiling(self.id);
                Err(Usage::AboveLimit { limit: Limit::MemoryPages, allowed, wanted }.into())
            }
            Ok(before) => Ok(before.into()),
            Err(error) => Err(store.out_of_memory(error)),
        }
    }

    /// As [`of`](Self::of), to look at the size.
    fn sized<'a, T>(&self, store: &StoreContext<'a, T>) -> &'a MemoryData {
        let memory = self.of(store);
        store.0.objects.note_memory_size(self.id);
        memory
    }

    fn of<'a, T>(&self, store: &StoreContext<'a, T>) -> &'a MemoryData {
        self.store.expect(store.0.id, "memory");
        &store.0.objects.memories[self.id.index()]
    }
}
