//! What a node provides: versions of the state, and a database that moves from one to the next.
//!
//! Owns the traits. Everything is synchronous; a version never changes while it is read. It must not know how state is
//! kept.

use crate::state::Changes;
use crate::types::{Address, Hash};
use codec::{Decode, Encode};
use std::fmt;
use std::sync::Arc;

/// The node could not answer. It becomes a node fault: there is no receipt, nothing is committed and no contract sees it.
pub struct StorageError(Box<dyn std::error::Error + Send + Sync>);

/// What reading state gives.
pub type StorageResult<T> = Result<T, StorageError>;

impl StorageError {
    /// An error of the node's own.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StorageError {
        StorageError(source.into())
    }

    /// What it was made of.
    pub fn into_inner(self) -> Box<dyn std::error::Error + Send + Sync> {
        self.0
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the state cannot be read or written: {}", self.0)
    }
}

impl fmt::Debug for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for StorageError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}

/// An account. One whose fields are all zero or none is no account.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode)]
#[allow(clippy::exhaustive_structs, reason = "another field is another state")]
pub struct Account {
    /// How many transactions it has sent.
    pub nonce: u64,
    /// What it owns.
    pub balance: u128,
    /// Its code, by hash.
    pub code: Option<Hash>,
}

impl Account {
    /// The account, unless it is none.
    pub(crate) fn unless_empty(self) -> Option<Account> {
        (self != Account::default()).then_some(self)
    }

    /// Whether an account can be created here: what is here has no code and has sent nothing. It may own something.
    pub(crate) fn is_free(&self) -> bool {
        self.code.is_none() && self.nonce == 0
    }
}

/// A direction in the order of keys, which is that of their bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(clippy::exhaustive_enums, reason = "there is no third")]
pub enum Order {
    /// Towards greater keys.
    Ascending,
    /// Towards smaller keys.
    Descending,
}

/// One committed version of the state. Reading never changes it, and later commits do not show.
pub trait Storage: Send + Sync {
    /// The account of this address.
    ///
    /// # Errors
    /// When the node cannot answer; so for all of these.
    fn account(&self, address: &Address) -> StorageResult<Option<Account>>;

    /// The code of this hash.
    ///
    /// # Errors
    /// When the node cannot answer.
    fn code(&self, hash: &Hash) -> StorageResult<Option<Arc<[u8]>>>;

    /// The length of the code of this hash: without the code, for backends that can.
    ///
    /// # Errors
    /// When the node cannot answer.
    fn code_len(&self, hash: &Hash) -> StorageResult<Option<u32>> {
        Ok(self.code(hash)?.map(|code| length(code.len())))
    }

    /// The value of a key of an account.
    ///
    /// # Errors
    /// When the node cannot answer.
    fn get(&self, address: &Address, key: &[u8]) -> StorageResult<Option<Vec<u8>>>;

    /// The length of that value: without the value, for backends that can.
    ///
    /// # Errors
    /// When the node cannot answer.
    fn len(&self, address: &Address, key: &[u8]) -> StorageResult<Option<u32>> {
        Ok(self.get(address, key)?.map(|value| length(value.len())))
    }

    /// The key nearest to `from` and strictly beyond it in this direction, among those of the account that begin with
    /// `prefix`. `from` begins with it too; without `from`, the first or last such key.
    ///
    /// # Errors
    /// When the node cannot answer.
    fn seek(
        &self,
        address: &Address,
        prefix: &[u8],
        from: Option<&[u8]>,
        order: Order,
    ) -> StorageResult<Option<Vec<u8>>>;

    /// The root of this version.
    ///
    /// # Errors
    /// When the node cannot answer.
    fn root(&self) -> StorageResult<Hash>;
}

/// Lengths in the state are far below 2^32: limits see to that.
pub(crate) fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// Why changes were not committed. Nothing of them was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// The state has moved on.
    #[error("the changes are to the state {parent}, and the current one is {current}")]
    Parent {
        /// The root that the changes were made to.
        parent: Hash,
        /// The root of the current version.
        current: Hash,
    },
    /// The node could not write.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// A database: hands out versions and moves to the next.
pub trait Database: Send + Sync {
    /// The current version. Cheap, and any number can be held at once.
    ///
    /// # Errors
    /// When the node cannot answer.
    fn version(&self) -> StorageResult<Arc<dyn Storage>>;

    /// The root that committing these changes now would give: a proposer needs it before there is agreement.
    ///
    /// # Errors
    /// When the node cannot answer.
    fn root_after(&self, changes: &Changes) -> StorageResult<Hash>;

    /// Makes the changes the next version, all or nothing, and answers its root. They are durable when it returns.
    ///
    /// # Errors
    /// [`CommitError::Parent`] when `parent` is not the current root; otherwise the node could not write.
    fn commit(&self, parent: &Hash, changes: &Changes) -> Result<Hash, CommitError>;
}
