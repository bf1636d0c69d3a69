//! A database in memory, for tests and tools.
//!
//! Owns its versions, which share all that they have in common: taking one copies nothing. It must not touch a disk.

use super::journal::end_of_prefix;
use super::storage::{Account, CommitError, Database, Order, Storage, StorageResult, length};
use super::tree::{self, Nodes, Update};
use crate::state::Changes;
use crate::types::{Address, Hash};
use jmt::storage::{Node, NodeKey};
use rpds::RedBlackTreeMapSync as Map;
use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError};

/// A database in memory. A clone is another database that begins with the same state; it copies nothing.
///
/// ```
/// use lockstep_host_env::{Account, Address, Changes, Database, MemoryDatabase};
///
/// let database = MemoryDatabase::new();
/// let mut changes = Changes::default();
/// changes.accounts.insert(Address([1; 32]), Some(Account { balance: 100, ..Account::default() }));
/// let before = database.version()?;
/// let root = database.root_after(&changes)?;
/// assert_eq!(database.commit(&before.root()?, &changes)?, root);
/// assert_eq!(database.version()?.account(&Address([1; 32]))?.unwrap().balance, 100);
/// assert_eq!(before.account(&Address([1; 32]))?, None); // an earlier version stays as it is
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct MemoryDatabase {
    current: Mutex<Arc<State>>,
}

/// One version. A clone copies nothing; changes to it do not show elsewhere.
#[derive(Clone, Debug)]
pub(crate) struct State {
    accounts: Map<Address, Account>,
    storage: Map<(Address, Vec<u8>), Arc<[u8]>>,
    code: Map<Hash, Arc<[u8]>>,
    nodes: Map<NodeKey, Node>,
    next_version: u64,
    root: Hash,
}

impl Default for MemoryDatabase {
    fn default() -> Self {
        MemoryDatabase::new()
    }
}

impl Clone for MemoryDatabase {
    fn clone(&self) -> Self {
        MemoryDatabase { current: Mutex::new(self.state()) }
    }
}

impl MemoryDatabase {
    /// A database with nothing in it.
    pub fn new() -> MemoryDatabase {
        let state = State {
            accounts: Map::new_sync(),
            storage: Map::new_sync(),
            code: Map::new_sync(),
            nodes: Map::new_sync(),
            next_version: 0,
            root: tree::empty_root(),
        };
        MemoryDatabase { current: Mutex::new(Arc::new(state)) }
    }

    /// All that is in it now, as changes to a state with nothing in it.
    ///
    /// # Errors
    /// None: it is in memory.
    pub fn contents(&self) -> StorageResult<Changes> {
        let state = self.state();
        let accounts = state.accounts.iter().map(|(address, account)| (*address, Some(*account)));
        let storage = state.storage.iter().map(|(key, value)| (key.clone(), Some(value.to_vec())));
        let code = state.code.iter().map(|(hash, code)| (*hash, Arc::clone(code)));
        Ok(Changes { accounts: accounts.collect(), storage: storage.collect(), code: code.collect() })
    }

    pub(crate) fn state(&self) -> Arc<State> {
        // A state is replaced in one step, so a panic elsewhere cannot have left half of one.
        Arc::clone(&self.current.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Database for MemoryDatabase {
    fn version(&self) -> StorageResult<Arc<dyn Storage>> {
        Ok(self.state())
    }

    fn root_after(&self, changes: &Changes) -> StorageResult<Hash> {
        Ok(self.state().after(changes)?.root)
    }

    fn commit(&self, parent: &Hash, changes: &Changes) -> Result<Hash, CommitError> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.root != *parent {
            return Err(CommitError::Parent { parent: *parent, current: current.root });
        }
        *current = Arc::new(current.after(changes)?);
        Ok(current.root)
    }
}

impl State {
    fn after(&self, changes: &Changes) -> StorageResult<State> {
        let changes = tree::effective(changes, self)?;
        let mut next = self.clone();
        if changes.is_empty() {
            return Ok(next);
        }
        let Update { root, new, stale } = tree::update(self, self.next_version, &changes)?;
        next.root = root;
        next.next_version += 1;
        for (key, node) in new {
            next.nodes.insert_mut(key, node);
        }
        for key in &stale {
            next.nodes.remove_mut(key);
        }
        next.put(changes);
        Ok(next)
    }

    /// Makes changes without their root: that stays what it was.
    pub(crate) fn put(&mut self, changes: Changes) {
        for (address, account) in changes.accounts {
            match account {
                Some(account) => self.accounts.insert_mut(address, account),
                None => drop(self.accounts.remove_mut(&address)),
            }
        }
        for (key, value) in changes.storage {
            match value {
                Some(value) => self.storage.insert_mut(key, value.into()),
                None => drop(self.storage.remove_mut(&key)),
            }
        }
        for (hash, code) in changes.code {
            self.code.insert_mut(hash, code);
        }
    }
}

impl Nodes for State {
    fn node(&self, key: &NodeKey) -> StorageResult<Option<Node>> {
        Ok(self.nodes.get(key).cloned())
    }
}

impl Storage for State {
    fn account(&self, address: &Address) -> StorageResult<Option<Account>> {
        Ok(self.accounts.get(address).copied())
    }

    fn code(&self, hash: &Hash) -> StorageResult<Option<Arc<[u8]>>> {
        Ok(self.code.get(hash).cloned())
    }

    fn code_len(&self, hash: &Hash) -> StorageResult<Option<u32>> {
        Ok(self.code.get(hash).map(|code| length(code.len())))
    }

    fn get(&self, address: &Address, key: &[u8]) -> StorageResult<Option<Vec<u8>>> {
        Ok(self.storage.get(&(*address, key.to_vec())).map(|value| value.to_vec()))
    }

    fn len(&self, address: &Address, key: &[u8]) -> StorageResult<Option<u32>> {
        Ok(self.storage.get(&(*address, key.to_vec())).map(|value| length(value.len())))
    }

    fn seek(
        &self,
        address: &Address,
        prefix: &[u8],
        from: Option<&[u8]>,
        order: Order,
    ) -> StorageResult<Option<Vec<u8>>> {
        let of = |key: &[u8]| (*address, key.to_vec());
        let found = match order {
            Order::Ascending => {
                let start = from.map_or(Bound::Included(of(prefix)), |from| Bound::Excluded(of(from)));
                self.storage.range((start, Bound::Unbounded)).next()
            }
            Order::Descending => {
                let end =
                    from.map_or_else(|| end_of_prefix(address, prefix), |from| Bound::Excluded(of(from)));
                self.storage.range((Bound::Unbounded, end)).next_back()
            }
        };
        Ok(found
            .filter(|((of_account, key), _)| of_account == address && key.starts_with(prefix))
            .map(|((_, key), _)| key.clone()))
    }

    fn root(&self) -> StorageResult<Hash> {
        Ok(self.root)
    }
}
