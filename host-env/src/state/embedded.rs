//! The embedded database: one file, by redb.
//!
//! Owns the tables. A page of redb has whole entries and is read as a whole, so long values are apart from their lengths: the
//! length of a value, and the next key, cost one small page. A commit is one durable transaction of redb, so that a node that is killed finds the state before it
//! or after it and nothing between. It must not know contracts.

use super::storage::{Account, CommitError, Database, Order, Storage, StorageError, StorageResult, length};
use super::tree::{self, Nodes, Update};
use crate::state::Changes;
use crate::types::{Address, Hash};
use codec::{Decode, Encode};
use jmt::storage::{Node, NodeKey};
use redb::{ReadOnlyTable, ReadableDatabase, ReadableTable, TableDefinition};
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

type Bytes = &'static [u8];
type Definition = TableDefinition<'static, Bytes, Bytes>;

/// By address.
const ACCOUNTS: Definition = TableDefinition::new("accounts");
/// By address and key in one: `SHORT` and the value, or `LONG` and the length of a value that is in `VALUES`.
const STORAGE: Definition = TableDefinition::new("storage");
/// Long values, by address and key in one.
const VALUES: Definition = TableDefinition::new("values");
/// By hash.
const CODE: Definition = TableDefinition::new("code");
/// Of the state's tree, those of the current version.
const NODES: Definition = TableDefinition::new("nodes");
/// One entry: format, next version of the tree, root.
const META: Definition = TableDefinition::new("meta");

const META_KEY: &[u8] = b"state";
const FORMAT: u16 = 2;

/// The first byte of an entry of `STORAGE`.
const SHORT: u8 = 0;
const LONG: u8 = 1;
/// Values up to this length are short, in bytes.
const SHORT_MAX: usize = 512;

/// A database in one file. Every [`version`](Database::version) is a snapshot; readers and a commit do not wait for each
/// other.
///
/// ```
/// use lockstep_host_env::{Account, Address, Changes, Database, EmbeddedDatabase};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("state.redb");
/// let mut changes = Changes::default();
/// changes.accounts.insert(Address([1; 32]), Some(Account { balance: 100, ..Account::default() }));
/// let root = {
///     let database = EmbeddedDatabase::open(&path)?;
///     database.commit(&database.version()?.root()?, &changes)?
/// };
/// let reopened = EmbeddedDatabase::open(&path)?;
/// assert_eq!(reopened.version()?.root()?, root);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct EmbeddedDatabase {
    database: redb::Database,
}

impl EmbeddedDatabase {
    /// Opens the database in a file, and makes the file where there is none.
    ///
    /// # Errors
    /// When the file cannot be opened, is in use, or is no such database.
    pub fn open(path: impl AsRef<Path>) -> StorageResult<EmbeddedDatabase> {
        let database = redb::Database::create(path).map_err(StorageError::new)?;
        let transaction = database.begin_write().map_err(StorageError::new)?;
        for definition in [ACCOUNTS, STORAGE, VALUES, CODE, NODES] {
            transaction.open_table(definition).map_err(StorageError::new)?;
        }
        {
            let mut table = transaction.open_table(META).map_err(StorageError::new)?;
            let is_new = table.get(META_KEY).map_err(StorageError::new)?.is_none();
            if is_new {
                let meta = Meta { format: FORMAT, next_version: 0, root: tree::empty_root() };
                table.insert(META_KEY, meta.encode().as_slice()).map_err(StorageError::new)?;
            }
            Meta::read(&table)?;
        }
        transaction.commit().map_err(StorageError::new)?;
        Ok(EmbeddedDatabase { database })
    }

    /// All that is in it now, as changes to a state with nothing in it. It is in memory at once.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn contents(&self) -> StorageResult<Changes> {
        let snapshot = self.snapshot()?;
        let mut changes = Changes::default();
        each(&snapshot.accounts, |key, mut value| {
            let account = Account::decode(&mut value).map_err(StorageError::new)?;
            changes.accounts.insert(address(key)?, Some(account));
            Ok(())
        })?;
        each(&snapshot.storage, |key, entry| {
            let name = key.get(32..).unwrap_or_default().to_vec();
            let value = snapshot.value(key, entry)?;
            changes.storage.insert((address(key)?, name), Some(value));
            Ok(())
        })?;
        each(&snapshot.code, |key, value| {
            changes.code.insert(Hash(address(key)?.0), Arc::from(value));
            Ok(())
        })?;
        Ok(changes)
    }

    fn snapshot(&self) -> StorageResult<Snapshot> {
        let transaction = self.database.begin_read().map_err(StorageError::new)?;
        let open = |definition| transaction.open_table(definition).map_err(StorageError::new);
        let meta = Meta::read(&open(META)?)?;
        Ok(Snapshot {
            accounts: open(ACCOUNTS)?,
            storage: open(STORAGE)?,
            values: open(VALUES)?,
            code: open(CODE)?,
            nodes: open(NODES)?,
            meta,
        })
    }
}

impl Database for EmbeddedDatabase {
    fn version(&self) -> StorageResult<Arc<dyn Storage>> {
        Ok(Arc::new(self.snapshot()?))
    }

    fn root_after(&self, changes: &Changes) -> StorageResult<Hash> {
        let current = self.snapshot()?;
        let changes = tree::effective(changes, &current)?;
        if changes.is_empty() {
            return Ok(current.meta.root);
        }
        Ok(tree::update(&current, current.meta.next_version, &changes)?.root)
    }

    fn commit(&self, parent: &Hash, changes: &Changes) -> Result<Hash, CommitError> {
        // There is one writer at a time, so the snapshot is what this writes to.
        let mut transaction = self.database.begin_write().map_err(StorageError::new)?;
        // Guests choose what is written: one phase would trust checksums over that.
        transaction.set_two_phase_commit(true);
        let current = self.snapshot()?;
        let root = current.meta.root;
        if root != *parent {
            return Err(CommitError::Parent { parent: *parent, current: root });
        }
        let changes = tree::effective(changes, &current)?;
        if changes.is_empty() {
            return Ok(root);
        }
        let update = tree::update(&current, current.meta.next_version, &changes)?;
        let meta = Meta { format: FORMAT, next_version: current.meta.next_version + 1, root: update.root };
        write(&transaction, &changes, &update, &meta).map_err(StorageError::new)?;
        transaction.commit().map_err(StorageError::new)?;
        Ok(meta.root)
    }
}

/// Writes all of it; it counts when the transaction is committed.
fn write(
    transaction: &redb::WriteTransaction,
    changes: &Changes,
    update: &Update,
    meta: &Meta,
) -> Result<(), redb::Error> {
    let mut accounts = transaction.open_table(ACCOUNTS)?;
    for (address, account) in &changes.accounts {
        match account {
            Some(account) => accounts.insert(&address.0[..], account.encode().as_slice())?,
            None => accounts.remove(&address.0[..])?,
        };
    }
    let mut storage = transaction.open_table(STORAGE)?;
    let mut values = transaction.open_table(VALUES)?;
    for ((address, key), value) in &changes.storage {
        let full = full_key(address, key);
        let long = value.as_deref().filter(|value| value.len() > SHORT_MAX);
        match long {
            Some(value) => values.insert(full.as_slice(), value)?,
            None => values.remove(full.as_slice())?,
        };
        match value {
            Some(value) => storage.insert(full.as_slice(), stored(value).as_slice())?,
            None => storage.remove(full.as_slice())?,
        };
    }
    let mut code = transaction.open_table(CODE)?;
    for (hash, bytes) in &changes.code {
        code.insert(&hash.0[..], &bytes[..])?;
    }
    let mut nodes = transaction.open_table(NODES)?;
    for (key, node) in &update.new {
        nodes.insert(borsh::to_vec(key)?.as_slice(), borsh::to_vec(node)?.as_slice())?;
    }
    for key in &update.stale {
        nodes.remove(borsh::to_vec(key)?.as_slice())?;
    }
    transaction.open_table(META)?.insert(META_KEY, meta.encode().as_slice())?;
    Ok(())
}

/// Calls a function with every entry of a table.
fn each(
    table: &ReadOnlyTable<Bytes, Bytes>,
    mut entry: impl FnMut(&[u8], &[u8]) -> StorageResult<()>,
) -> StorageResult<()> {
    for found in table.iter().map_err(StorageError::new)? {
        let (key, value) = found.map_err(StorageError::new)?;
        entry(key.value(), value.value())?;
    }
    Ok(())
}

/// The first 32 bytes of a key.
fn address(key: &[u8]) -> StorageResult<Address> {
    match key.first_chunk() {
        Some(bytes) => Ok(Address(*bytes)),
        None => Err(StorageError::new("the database has a key of fewer than 32 bytes")),
    }
}

/// A value's entry of `STORAGE`.
fn stored(value: &[u8]) -> Vec<u8> {
    match value.len() {
        0..=SHORT_MAX => [&[SHORT], value].concat(),
        len => [&[LONG][..], &length(len).to_le_bytes()].concat(),
    }
}

/// What an entry of `STORAGE` says.
enum Stored<'e> {
    Short(&'e [u8]),
    /// The length of a value that is elsewhere.
    Long(u32),
}

impl Stored<'_> {
    fn read(entry: &[u8]) -> StorageResult<Stored<'_>> {
        match entry {
            [SHORT, value @ ..] => Ok(Stored::Short(value)),
            [LONG, len @ ..] if len.len() == 4 => {
                Ok(Stored::Long(len.iter().rev().fold(0, |sum, byte| sum << 8 | u32::from(*byte))))
            }
            _ => Err(StorageError::new("the database has an entry of storage that is none")),
        }
    }
}

fn full_key(address: &Address, key: &[u8]) -> Vec<u8> {
    [&address.0, key].concat()
}

#[derive(Clone, Copy, Debug, Encode, Decode)]
struct Meta {
    format: u16,
    next_version: u64,
    root: Hash,
}

impl Meta {
    fn read(table: &impl ReadableTable<Bytes, Bytes>) -> StorageResult<Meta> {
        let entry = table.get(META_KEY).map_err(StorageError::new)?;
        let entry = entry.ok_or_else(|| StorageError::new("the database has no state entry"))?;
        let meta = Meta::decode(&mut entry.value()).map_err(StorageError::new)?;
        if meta.format != FORMAT {
            let found = meta.format;
            return Err(StorageError::new(format!(
                "the database has format {found}, and this reads {FORMAT}"
            )));
        }
        Ok(meta)
    }
}

/// One version.
struct Snapshot {
    accounts: ReadOnlyTable<Bytes, Bytes>,
    storage: ReadOnlyTable<Bytes, Bytes>,
    values: ReadOnlyTable<Bytes, Bytes>,
    code: ReadOnlyTable<Bytes, Bytes>,
    nodes: ReadOnlyTable<Bytes, Bytes>,
    meta: Meta,
}

impl Nodes for Snapshot {
    fn node(&self, key: &NodeKey) -> StorageResult<Option<Node>> {
        let key = borsh::to_vec(key).map_err(StorageError::new)?;
        let Some(entry) = self.nodes.get(key.as_slice()).map_err(StorageError::new)? else { return Ok(None) };
        Ok(Some(borsh::from_slice(entry.value()).map_err(StorageError::new)?))
    }
}

impl Snapshot {
    /// The value of an entry of `STORAGE` with this key.
    fn value(&self, full: &[u8], entry: &[u8]) -> StorageResult<Vec<u8>> {
        match Stored::read(entry)? {
            Stored::Short(value) => Ok(value.to_vec()),
            Stored::Long(_) => {
                let value = self.values.get(full).map_err(StorageError::new)?;
                let value = value.ok_or_else(|| StorageError::new("the database lacks a long value"))?;
                Ok(value.value().to_vec())
            }
        }
    }
}

impl Storage for Snapshot {
    fn account(&self, address: &Address) -> StorageResult<Option<Account>> {
        let Some(entry) = self.accounts.get(&address.0[..]).map_err(StorageError::new)? else {
            return Ok(None);
        };
        Ok(Some(Account::decode(&mut entry.value()).map_err(StorageError::new)?))
    }

    fn code(&self, hash: &Hash) -> StorageResult<Option<Arc<[u8]>>> {
        let entry = self.code.get(&hash.0[..]).map_err(StorageError::new)?;
        Ok(entry.map(|entry| Arc::from(entry.value())))
    }

    fn code_len(&self, hash: &Hash) -> StorageResult<Option<u32>> {
        let entry = self.code.get(&hash.0[..]).map_err(StorageError::new)?;
        Ok(entry.map(|entry| length(entry.value().len())))
    }

    fn get(&self, address: &Address, key: &[u8]) -> StorageResult<Option<Vec<u8>>> {
        let full = full_key(address, key);
        let Some(entry) = self.storage.get(full.as_slice()).map_err(StorageError::new)? else {
            return Ok(None);
        };
        self.value(&full, entry.value()).map(Some)
    }

    fn len(&self, address: &Address, key: &[u8]) -> StorageResult<Option<u32>> {
        let entry = self.storage.get(full_key(address, key).as_slice()).map_err(StorageError::new)?;
        let Some(entry) = entry else { return Ok(None) };
        Ok(Some(match Stored::read(entry.value())? {
            Stored::Short(value) => length(value.len()),
            Stored::Long(len) => len,
        }))
    }

    fn seek(
        &self,
        address: &Address,
        prefix: &[u8],
        from: Option<&[u8]>,
        order: Order,
    ) -> StorageResult<Option<Vec<u8>>> {
        let within = full_key(address, prefix);
        let from = from.map(|from| full_key(address, from));
        let beyond = beyond_prefix(&within);
        let bounds: (Bound<&[u8]>, Bound<&[u8]>) = match (order, &from) {
            (Order::Ascending, Some(from)) => (Bound::Excluded(from), Bound::Unbounded),
            (Order::Ascending, None) => (Bound::Included(&within), Bound::Unbounded),
            (Order::Descending, Some(from)) => (Bound::Unbounded, Bound::Excluded(from)),
            (Order::Descending, None) => {
                (Bound::Unbounded, beyond.as_deref().map_or(Bound::Unbounded, Bound::Excluded))
            }
        };
        let mut range = self.storage.range::<&[u8]>(bounds).map_err(StorageError::new)?;
        let found = match order {
            Order::Ascending => range.next(),
            Order::Descending => range.next_back(),
        };
        let Some(found) = found else { return Ok(None) };
        let (key, _) = found.map_err(StorageError::new)?;
        let key = key.value();
        Ok(key.starts_with(&within).then(|| key[address.0.len()..].to_vec()))
    }

    fn root(&self) -> StorageResult<Hash> {
        Ok(self.meta.root)
    }
}

/// The first bytes beyond all that begin with a prefix, if there are any.
fn beyond_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut beyond = prefix.to_vec();
    while let Some(last) = beyond.pop() {
        if let Some(next) = last.checked_add(1) {
            beyond.push(next);
            return Some(beyond);
        }
    }
    None
}
