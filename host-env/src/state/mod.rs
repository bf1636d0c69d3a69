//! State: accounts, their storage, and code.
//!
//! Owns what a node must provide ([`Storage`], [`Database`]), two databases, the changes of a transaction and the state
//! root. It must not know contracts or gas.

mod changes;
mod embedded;
mod journal;
mod memory;
mod shadow;
mod storage;
mod tree;

pub use changes::Changes;
pub use embedded::EmbeddedDatabase;
pub use memory::MemoryDatabase;
pub use storage::{Account, CommitError, Database, Order, Storage, StorageError, StorageResult};

pub(crate) use journal::{Checkpoint, Journal};
pub(crate) use memory::State as MemoryState;
pub(crate) use storage::length;

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
