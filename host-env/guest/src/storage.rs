//! What an account keeps: values behind keys, both SCALE.
//!
//! [`Value`] and [`Map`] are names that a contract declares as constants:
//!
//! ```ignore
//! const SUPPLY: Value<Amount> = Value::new("supply");
//! const ALLOWANCES: Map<(Address, Address), Amount> = Map::new("allowance");
//! ```
//!
//! A value's key is `SCALE(name)`, a map's `SCALE((name, key))`. A name is for one value or one map of an account. Keys have
//! at most 256 bytes.

use crate::dispatch::revert;
use crate::raw;
use alloc::vec::Vec;
use codec::{Decode, Encode};
use core::marker::PhantomData;

/// The most bytes that a key can have.
pub const KEY_MAX: usize = 256;

/// Reads this much at first; a longer value is read again, in full.
const GUESS: usize = 128;

/// One value.
#[derive(Debug)]
pub struct Value<V> {
    name: &'static str,
    of: PhantomData<fn() -> V>,
}

impl<V: Encode + Decode> Value<V> {
    /// The value of this name.
    pub const fn new(name: &'static str) -> Self {
        Value { name, of: PhantomData }
    }

    /// The value, if it was set.
    pub fn get(&self) -> Option<V> {
        self.name.using_encoded(get)
    }

    /// The value, or its type's default.
    pub fn get_or_default(&self) -> V
    where
        V: Default,
    {
        self.get().unwrap_or_default()
    }

    /// Sets the value.
    pub fn set(&self, value: &V) {
        self.name.using_encoded(|key| set(key, value));
    }

    /// Removes the value; whether it was there.
    pub fn remove(&self) -> bool {
        self.name.using_encoded(remove)
    }
}

/// A value for each key.
#[derive(Debug)]
pub struct Map<K, V> {
    name: &'static str,
    of: PhantomData<fn(K) -> V>,
}

impl<K: Encode, V: Encode + Decode> Map<K, V> {
    /// The map of this name.
    pub const fn new(name: &'static str) -> Self {
        Map { name, of: PhantomData }
    }

    /// The value behind a key, if it was set.
    pub fn get(&self, key: &K) -> Option<V> {
        (self.name, key).using_encoded(get)
    }

    /// The value behind a key, or its type's default.
    pub fn get_or_default(&self, key: &K) -> V
    where
        V: Default,
    {
        self.get(key).unwrap_or_default()
    }

    /// Whether there is a value behind a key.
    pub fn contains(&self, key: &K) -> bool {
        (self.name, key).using_encoded(|key| len(key).is_some())
    }

    /// Sets the value behind a key.
    pub fn set(&self, key: &K, value: &V) {
        (self.name, key).using_encoded(|key| set(key, value));
    }

    /// Removes the value behind a key; whether it was there.
    pub fn remove(&self, key: &K) -> bool {
        (self.name, key).using_encoded(remove)
    }

    /// The keys, in the order of their encodings. What is set or removed meanwhile is seen, if it lies ahead.
    pub fn keys(&self) -> Keys<K>
    where
        K: Decode,
    {
        Keys { prefix: self.name.encode(), key: [0; KEY_MAX], len: 0, of: PhantomData }
    }
}

/// The keys of a [`Map`].
#[derive(Debug)]
pub struct Keys<K> {
    prefix: Vec<u8>,
    key: [u8; KEY_MAX],
    len: usize,
    of: PhantomData<fn() -> K>,
}

impl<K: Decode> Iterator for Keys<K> {
    type Item = K;

    fn next(&mut self) -> Option<K> {
        // SAFETY: the host reads the prefix and `len` bytes of the key, and writes at most its room.
        let len = unsafe {
            raw::storage_next(
                self.prefix.as_ptr(),
                self.prefix.len() as u32,
                self.key.as_mut_ptr(),
                self.len as u32,
                KEY_MAX as u32,
            )
        };
        self.len = usize::try_from(len).ok()?;
        Some(decoded(&self.key[self.prefix.len()..self.len]))
    }
}

/// The value behind a key of these bytes.
pub fn get<V: Decode>(key: &[u8]) -> Option<V> {
    let mut guess = [0; GUESS];
    let len = read(key, &mut guess)?;
    if let Some(value) = guess.get(..len) {
        return Some(decoded(value));
    }
    let mut whole = alloc::vec![0; len];
    read(key, &mut whole)?;
    Some(decoded(&whole))
}

/// Reads as much of a value as there is room for; its length.
pub fn read(key: &[u8], out: &mut [u8]) -> Option<usize> {
    // SAFETY: the host reads the key and writes at most the room there is.
    let len = unsafe { raw::storage_get(key.as_ptr(), key.len() as u32, out.as_mut_ptr(), out.len() as u32) };
    usize::try_from(len).ok()
}

/// The length of the value behind a key.
pub fn len(key: &[u8]) -> Option<usize> {
    // SAFETY: the host reads the key.
    usize::try_from(unsafe { raw::storage_len(key.as_ptr(), key.len() as u32) }).ok()
}

/// Sets the value behind a key of these bytes.
pub fn set(key: &[u8], value: &impl Encode) {
    value.using_encoded(|value| {
        // SAFETY: the host reads both.
        unsafe { raw::storage_set(key.as_ptr(), key.len() as u32, value.as_ptr(), value.len() as u32) };
    });
}

/// Removes the value behind a key of these bytes; whether it was there.
pub fn remove(key: &[u8]) -> bool {
    // SAFETY: the host reads the key.
    unsafe { raw::storage_remove(key.as_ptr(), key.len() as u32) >= 0 }
}

/// A contract finds what it wrote; other code at its address may not.
pub(crate) fn decoded<T: Decode>(mut bytes: &[u8]) -> T {
    T::decode(&mut bytes).unwrap_or_else(|_| revert("storage of another type"))
}
