//! The journal: what a transaction has changed so far, and how to undo it.
//!
//! Owns the overlay over a committed version and what takes it back to any open checkpoint: for each of them the first old
//! value of whatever changed while it was the newest. So what it holds is at most what lives, once for each open checkpoint,
//! and every byte of it was paid for when it was written, however often values are overwritten. It must not know frames,
//! gas or limits; who calls it has checked everything.

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
    /// What was there before, for each open checkpoint; the newest is the last.
    open: Vec<Before>,
}

/// What was there when a checkpoint was the newest, of everything that changed since.
#[derive(Default)]
struct Before {
    accounts: BTreeMap<Address, Option<Option<Account>>>,
    storage: BTreeMap<Key, Slot>,
    transient: BTreeMap<Key, Option<Vec<u8>>>,
    events: usize,
}

impl Before {
    /// Adds what a newer checkpoint held: where both know a key, this one's is older and counts.
    fn absorb(&mut self, newer: Before) {
        absorb(&mut self.accounts, newer.accounts);
        absorb(&mut self.storage, newer.storage);
        absorb(&mut self.transient, newer.transient);
    }
}

/// Adds the entries of a newer map whose keys an older one has not. The smaller map moves, so that an entry moves a
/// logarithm of times, however frames are nested.
fn absorb<K: Ord, V>(older: &mut BTreeMap<K, V>, mut newer: BTreeMap<K, V>) {
    if older.len() < newer.len() {
        mem::swap(older, &mut newer);
        older.extend(newer);
    } else {
        for (key, value) in newer {
            older.entry(key).or_insert(value);
        }
    }
}

/// What the overlay says of a key.
enum Slot {
    /// Nothing: it is as in the base.
    Base,
    Written(Vec<u8>),
    Removed,
}

/// A point to go back to. It is open until it is kept or rolled back, or one before it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checkpoint(usize);

impl Journal {
    /// Opens a checkpoint.
    pub(crate) fn checkpoint(&mut self) -> Checkpoint {
        self.open.push(Before { events: self.events.len(), ..Before::default() });
        Checkpoint(self.open.len() - 1)
    }

    /// Keeps everything since the checkpoint and closes it.
    pub(crate) fn keep(&mut self, to: Checkpoint) {
        while self.open.len() > to.0 {
            let Some(newest) = self.open.pop() else { return };
            if let Some(older) = self.open.last_mut() {
                older.absorb(newest);
            }
        }
    }

    /// Undoes everything since the checkpoint and closes it.
    pub(crate) fn rollback(&mut self, to: Checkpoint) {
        while self.open.len() > to.0 {
            let Some(before) = self.open.pop() else { return };
            self.events.truncate(before.events);
            for (address, account) in before.accounts {
                match account {
                    Some(account) => self.accounts.insert(address, account),
                    None => self.accounts.remove(&address),
                };
            }
            for (key, slot) in before.storage {
                self.put_slot(key, slot);
            }
            for (key, value) in before.transient {
                match value {
                    Some(value) => self.transient.insert(key, value),
                    None => self.transient.remove(&key),
                };
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
        if let Some(newest) = self.open.last_mut() {
            newest.accounts.entry(address).or_insert(before);
        }
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
        self.change((address, key.to_vec()), Slot::Written(value));
    }

    pub(crate) fn remove(&mut self, base: &dyn Storage, address: Address, key: &[u8]) -> StorageResult<()> {
        let after = if base.len(&address, key)?.is_some() { Slot::Removed } else { Slot::Base };
        self.change((address, key.to_vec()), after);
        Ok(())
    }

    /// Changes what the overlay says of a key, so that it can be undone.
    fn change(&mut self, key: Key, after: Slot) {
        let before = self.put_slot(key.clone(), after);
        if let Some(newest) = self.open.last_mut() {
            newest.storage.entry(key).or_insert(before);
        }
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
        if let Some(newest) = self.open.last_mut() {
            newest.transient.entry(key).or_insert(before);
        }
    }

    /// Bytes of values that it holds: those that live, and those that undoing needs.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        let before = |before: &Before| {
            let slots = before.storage.values().map(|slot| match slot {
                Slot::Written(value) => value.len(),
                Slot::Base | Slot::Removed => 0,
            });
            slots.sum::<usize>() + before.transient.values().flatten().map(Vec::len).sum::<usize>()
        };
        let live = self.written.values().chain(self.transient.values()).map(Vec::len).sum::<usize>();
        live + self.open.iter().map(before).sum::<usize>()
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
            if !holds(base, &key, &value)? {
                changes.storage.insert(key, Some(value));
            }
        }
        Ok((changes, self.events))
    }
}

/// Whether a state has this value. A value of another length is not read: that was paid for by nobody.
pub(super) fn holds(base: &dyn Storage, (address, key): &Key, value: &[u8]) -> StorageResult<bool> {
    Ok(base.len(address, key)? == Some(length(value.len()))
        && base.get(address, key)?.is_some_and(|found| found == value))
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
