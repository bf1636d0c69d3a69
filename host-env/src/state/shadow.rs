//! Removed keys of the base state, and how to step over runs of them.
//!
//! Owns the set of base keys that a journal has removed. A contract may remove very many keys and then ask for the next
//! one again and again: each run of removed neighbours is walked once, remembered, and stepped over from then on, so a
//! step costs a logarithm on average, whatever a contract does. It must not know values.

use crate::state::Order;
use crate::types::Address;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

type Key = (Address, Vec<u8>);

/// The removed keys. Each of them is a key of the base.
#[derive(Default, Debug)]
pub(crate) struct Shadow {
    removed: BTreeSet<Key>,
    /// Runs by their first key, with their last: all base keys between the two are removed. They do not overlap, and
    /// each is within one account.
    runs: BTreeMap<Key, Vec<u8>>,
}

impl Shadow {
    pub(crate) fn contains(&self, key: &Key) -> bool {
        self.removed.contains(key)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.removed.iter()
    }

    /// Adds a key of the base.
    pub(crate) fn insert(&mut self, key: Key) {
        self.removed.insert(key);
    }

    /// The key is there again: a run around it falls in two.
    pub(crate) fn remove(&mut self, key: &Key) {
        self.removed.remove(key);
        let Some((first, last)) = self.run_around(key) else { return };
        let address = key.0;
        self.runs.remove(&(address, first.clone()));
        let mut before =
            self.removed.range((Bound::Included((address, first.clone())), Bound::Excluded(key.clone())));
        if let Some((_, end)) = before.next_back() {
            self.runs.insert((address, first), end.clone());
        }
        let after = (Bound::Excluded(key.clone()), Bound::Included((address, last.clone())));
        if let Some((_, start)) = self.removed.range(after).next() {
            self.runs.insert((address, start.clone()), last);
        }
    }

    /// The end, in this direction, of what is known of the run that a removed key belongs to.
    pub(crate) fn end_of_run(&self, key: &Key, order: Order) -> Vec<u8> {
        match (self.run_around(key), order) {
            (None, _) => key.1.clone(),
            (Some((_, last)), Order::Ascending) => last,
            (Some((first, _)), Order::Descending) => first,
        }
    }

    /// Remembers that all base keys from `first` to `last` are removed; both of them are.
    pub(crate) fn remember(&mut self, address: Address, first: &[u8], last: &[u8]) {
        let within = |key: &[u8]| self.run_around(&(address, key.to_vec()));
        let start = within(first).map_or_else(|| first.to_vec(), |(start, _)| start);
        let end = within(last).map_or_else(|| last.to_vec(), |(_, end)| end);
        let range = (address, start.clone())..=(address, end.clone());
        let inside: Vec<Key> = self.runs.range(range).map(|(key, _)| key.clone()).collect();
        for key in inside {
            self.runs.remove(&key);
        }
        self.runs.insert((address, start), end);
    }

    /// The first and last key of the run that contains a key.
    fn run_around(&self, key: &Key) -> Option<(Vec<u8>, Vec<u8>)> {
        let ((address, first), last) = self.runs.range(..=key).next_back()?;
        (*address == key.0 && *last >= key.1).then(|| (first.clone(), last.clone()))
    }
}
