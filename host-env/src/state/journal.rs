//! The journal: what a transaction has changed so far, and how to undo it.
//!
//! Owns the overlay over a committed version and the log that takes it back to any checkpoint. Undoing costs as much as
//! what is undone. It must not know frames, gas or limits; who calls it has checked everything.

use super::shadow::Shadow;
use super::storage::{Account, Order, Storage, StorageResult, length};
use crate::receipt::Event;
use crate::state::Changes;
use crate::types::{Address, Hash};
use std::collections::BTreeMap;
use std::mem;
use std::ops::Bound;
use std::sync::Arc;

type Key = (Address, Vec<u8>);

/// The overlay and its log.
#[derive(Default)]
pub(crate) struct Journal {
    accounts: BTreeMap<Address, Option<Account>>,
    /// Keys that have been set; what is in `shadow` is not here.
    written: BTreeMap<Key, Vec<u8>>,
    /// Keys of the base that have been removed.
    shadow: Shadow,
    transient: BTreeMap<Key, Vec<u8>>,
    events: Vec<Event>,
    code: BTreeMap<Hash, Arc<[u8]>>,
    undo: Vec<Undo>,
}

/// How to take back one step.
enum Undo {
    Account(Address, Option<Option<Account>>),
    Storage(Key, Slot),
    Transient(Key, Option<Vec<u8>>),
}

/// What the overlay says of a key.
enum Slot {
    /// Nothing: it is as in the base.
    Base,
    Written(Vec<u8>),
    Removed,
}

/// A point to go back to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checkpoint {
    undo: usize,
    events: usize,
}

impl Journal {
    pub(crate) fn checkpoint(&self) -> Checkpoint {
        Checkpoint { undo: self.undo.len(), events: self.events.len() }
    }

    /// Undoes everything since the checkpoint.
    pub(crate) fn rollback(&mut self, to: Checkpoint) {
        self.events.truncate(to.events);
        while self.undo.len() > to.undo {
            match self.undo.pop() {
                Some(Undo::Account(address, Some(before))) => {
                    self.accounts.insert(address, before);
                }
                Some(Undo::Account(address, None)) => {
                    self.accounts.remove(&address);
                }
                Some(Undo::Storage(key, before)) => {
                    self.put_slot(key, before);
                }
                Some(Undo::Transient(key, Some(before))) => {
                    self.transient.insert(key, before);
                }
                Some(Undo::Transient(key, None)) => {
                    self.transient.remove(&key);
                }
                None => return,
            }
        }
    }

    /// The account, all zero where there is none.
    pub(crate) fn account(&self, base: &dyn Storage, address: &Address) -> StorageResult<Account> {
        match self.accounts.get(address) {
            Some(account) => Ok(account.unwrap_or_default()),
            None => Ok(base.account(address)?.unwrap_or_default()),
        }
    }

    pub(crate) fn set_account(&mut self, address: Address, account: Account) {
        let before = self.accounts.insert(address, account.unless_empty());
        self.undo.push(Undo::Account(address, before));
    }

    /// Adds code, unless it is there already.
    pub(crate) fn add_code(&mut self, base: &dyn Storage, hash: Hash, code: &[u8]) -> StorageResult<()> {
        if base.code_len(&hash)?.is_none() {
            self.code.insert(hash, Arc::from(code));
        }
        Ok(())
    }

    pub(crate) fn get(
        &self,
        base: &dyn Storage,
        address: &Address,
        key: &[u8],
    ) -> StorageResult<Option<Vec<u8>>> {
        let full = (*address, key.to_vec());
        match self.written.get(&full) {
            Some(value) => Ok(Some(value.clone())),
            None if self.shadow.contains(&full) => Ok(None),
            None => base.get(address, key),
        }
    }

    pub(crate) fn len(
        &self,
        base: &dyn Storage,
        address: &Address,
        key: &[u8],
    ) -> StorageResult<Option<u32>> {
        let full = (*address, key.to_vec());
        match self.written.get(&full) {
            Some(value) => Ok(Some(length(value.len()))),
            None if self.shadow.contains(&full) => Ok(None),
            None => base.len(address, key),
        }
    }

    pub(crate) fn set(&mut self, address: Address, key: &[u8], value: Vec<u8>) {
        let key = (address, key.to_vec());
        let before = self.put_slot(key.clone(), Slot::Written(value));
        self.undo.push(Undo::Storage(key, before));
    }

    pub(crate) fn remove(&mut self, base: &dyn Storage, address: Address, key: &[u8]) -> StorageResult<()> {
        let after = if base.len(&address, key)?.is_some() { Slot::Removed } else { Slot::Base };
        let key = (address, key.to_vec());
        let before = self.put_slot(key.clone(), after);
        self.undo.push(Undo::Storage(key, before));
        Ok(())
    }

    /// Replaces what the overlay says of a key, and answers what it said.
    fn put_slot(&mut self, key: Key, after: Slot) -> Slot {
        let before = match self.written.remove(&key) {
            Some(value) => Slot::Written(value),
            None if self.shadow.contains(&key) => {
                self.shadow.remove(&key);
                Slot::Removed
            }
            None => Slot::Base,
        };
        match after {
            Slot::Base => {}
            Slot::Written(value) => {
                self.written.insert(key, value);
            }
            Slot::Removed => self.shadow.insert(key),
        }
        before
    }

    /// As [`Storage::seek`], of the state as it is now.
    pub(crate) fn seek(
        &mut self,
        base: &dyn Storage,
        address: &Address,
        prefix: &[u8],
        from: Option<&[u8]>,
        order: Order,
    ) -> StorageResult<Option<Vec<u8>>> {
        let below = self.seek_base(base, address, prefix, from, order)?;
        let above = self.seek_written(address, prefix, from, order);
        Ok(match (below, above) {
            (Some(below), Some(above)) => Some(match order {
                Order::Ascending => below.min(above),
                Order::Descending => below.max(above),
            }),
            (below, above) => below.or(above),
        })
    }

    /// The nearest key of the base that is not removed.
    fn seek_base(
        &mut self,
        base: &dyn Storage,
        address: &Address,
        prefix: &[u8],
        from: Option<&[u8]>,
        order: Order,
    ) -> StorageResult<Option<Vec<u8>>> {
        let Some(first) = base.seek(address, prefix, from, order)? else { return Ok(None) };
        let mut at = (*address, first.clone());
        let mut end = first.clone();
        let found = loop {
            if !self.shadow.contains(&at) {
                break Some(at.1);
            }
            end = self.shadow.end_of_run(&at, order);
            if !end.starts_with(prefix) {
                break None;
            }
            match base.seek(address, prefix, Some(&end), order)? {
                Some(next) => at.1 = next,
                None => break None,
            }
        };
        if self.shadow.contains(&(*address, first.clone())) {
            let (low, high) = match order {
                Order::Ascending => (&first, &end),
                Order::Descending => (&end, &first),
            };
            self.shadow.remember(*address, low, high);
        }
        Ok(found)
    }

    /// The nearest key that has been set.
    fn seek_written(
        &self,
        address: &Address,
        prefix: &[u8],
        from: Option<&[u8]>,
        order: Order,
    ) -> Option<Vec<u8>> {
        let of = |key: &[u8]| (*address, key.to_vec());
        let found = match order {
            Order::Ascending => {
                let start = from.map_or(Bound::Included(of(prefix)), |from| Bound::Excluded(of(from)));
                self.written.range((start, Bound::Unbounded)).next()
            }
            Order::Descending => {
                let end = match from {
                    Some(from) => Bound::Excluded(of(from)),
                    None => end_of_prefix(address, prefix),
                };
                self.written.range((Bound::Unbounded, end)).next_back()
            }
        };
        let ((of_account, key), _) = found?;
        (of_account == address && key.starts_with(prefix)).then(|| key.clone())
    }

    pub(crate) fn transient(&self, address: &Address, key: &[u8]) -> Option<&[u8]> {
        self.transient.get(&(*address, key.to_vec())).map(Vec::as_slice)
    }

    /// Sets or removes transient storage.
    pub(crate) fn set_transient(&mut self, address: Address, key: &[u8], value: Option<Vec<u8>>) {
        let key = (address, key.to_vec());
        let before = match value {
            Some(value) => self.transient.insert(key.clone(), value),
            None => self.transient.remove(&key),
        };
        self.undo.push(Undo::Transient(key, before));
    }

    pub(crate) fn emit(&mut self, event: Event) {
        self.events.push(event);
    }

    /// How many events there are that have not been undone.
    pub(crate) fn event_count(&self) -> usize {
        self.events.len()
    }

    /// What has changed in the end, without what is again as it was; and the events.
    pub(crate) fn finish(mut self, base: &dyn Storage) -> StorageResult<(Changes, Vec<Event>)> {
        let mut changes = Changes { code: mem::take(&mut self.code), ..Changes::default() };
        for (address, account) in mem::take(&mut self.accounts) {
            if base.account(&address)?.and_then(Account::unless_empty) != account {
                changes.accounts.insert(address, account);
            }
        }
        for key in self.shadow.keys() {
            changes.storage.insert(key.clone(), None);
        }
        for (key, value) in mem::take(&mut self.written) {
            if base.get(&key.0, &key.1)?.as_ref() != Some(&value) {
                changes.storage.insert(key, Some(value));
            }
        }
        Ok((changes, self.events))
    }
}

/// The bound beyond all keys of an account that begin with a prefix.
pub(super) fn end_of_prefix(address: &Address, prefix: &[u8]) -> Bound<Key> {
    let mut beyond = prefix.to_vec();
    while let Some(last) = beyond.pop() {
        if let Some(next) = last.checked_add(1) {
            beyond.push(next);
            return Bound::Excluded((*address, beyond));
        }
    }
    let mut next = *address;
    for byte in next.0.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            return Bound::Excluded((next, Vec::new()));
        }
    }
    Bound::Unbounded
}
