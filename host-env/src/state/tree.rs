//! The state root: a Jellyfish Merkle tree over accounts, storage and code.
//!
//! Owns what a leaf is. `spec/state.md` says what the root is without this crate or its tree's. The root is a function of the state alone, whatever order it came about in; an update reads and
//! writes only the paths that changed. It must not know how nodes are kept.

use super::journal::holds;
use super::storage::{Storage, StorageError, StorageResult};
use crate::state::Changes;
use crate::types::{Hash, sha3_tagged};
use codec::Encode;
use jmt::storage::{LeafNode, Node, NodeKey, TreeReader};
use jmt::{JellyfishMerkleTree, KeyHash, OwnedValue, SimpleHasher, Version};
use sha3::{Digest, Sha3_256};

/// Where nodes are found.
pub(super) trait Nodes {
    fn node(&self, key: &NodeKey) -> StorageResult<Option<Node>>;
}

/// What an update of the tree makes of it.
pub(super) struct Update {
    pub(super) root: Hash,
    pub(super) new: Vec<(NodeKey, Node)>,
    /// Nodes that only earlier versions have.
    pub(super) stale: Vec<NodeKey>,
}

/// The root of the state that nothing is in.
pub(super) fn empty_root() -> Hash {
    Hash(JellyfishMerkleTree::<'_, Reader<'_, NoNodes>, Sha3>::EMPTY_ROOT.0)
}

/// The tree of `version` with these changes, each of which is one; there is at least one. The version before is there,
/// unless this is version 0.
pub(super) fn update<N: Nodes>(nodes: &N, version: Version, changes: &Changes) -> StorageResult<Update> {
    let reader = Reader(nodes);
    let tree = JellyfishMerkleTree::<_, Sha3>::new(&reader);
    let (root, batch) = tree.put_value_set(leaves(changes), version).map_err(StorageError::new)?;
    let new = batch.node_batch.nodes().iter().map(|(key, node)| (key.clone(), node.clone())).collect();
    let stale = batch.stale_node_index_batch.into_iter().map(|index| index.node_key).collect();
    Ok(Update { root: Hash(root.0), new, stale })
}

/// Each account, storage entry and code as a key and a value of the tree.
fn leaves(changes: &Changes) -> impl Iterator<Item = (KeyHash, Option<OwnedValue>)> {
    let accounts = changes.accounts.iter().map(|(address, account)| {
        (key("lockstep/state/account/1", &address.0), account.map(|account| account.encode()))
    });
    let storage = changes.storage.iter().map(|((address, name), value)| {
        (key("lockstep/state/storage/1", &[&address.0, name.as_slice()].concat()), value.clone())
    });
    // Its hash says what it is.
    let code = changes.code.keys().map(|hash| (key("lockstep/state/code/1", &hash.0), Some(Vec::new())));
    accounts.chain(storage).chain(code)
}

fn key(tag: &str, bytes: &[u8]) -> KeyHash {
    KeyHash(sha3_tagged(tag, bytes).0)
}

/// The entries of these changes that differ from what is in a version.
pub(super) fn effective(changes: &Changes, base: &dyn Storage) -> StorageResult<Changes> {
    let mut kept = Changes::default();
    for (address, account) in &changes.accounts {
        let account = account.and_then(|account| account.unless_empty());
        if base.account(address)? != account {
            kept.accounts.insert(*address, account);
        }
    }
    for (name, value) in &changes.storage {
        let is_there = match value {
            Some(value) => holds(base, name, value)?,
            None => base.len(&name.0, &name.1)?.is_none(),
        };
        if !is_there {
            kept.storage.insert(name.clone(), value.clone());
        }
    }
    for (hash, code) in &changes.code {
        if base.code_len(hash)?.is_none() {
            kept.code.insert(*hash, code.clone());
        }
    }
    Ok(kept)
}

/// SHA3-256, as the tree wants it.
struct Sha3(Sha3_256);

impl SimpleHasher for Sha3 {
    fn new() -> Self {
        Sha3(Sha3_256::new())
    }

    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn finalize(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

struct NoNodes;

impl Nodes for NoNodes {
    fn node(&self, _: &NodeKey) -> StorageResult<Option<Node>> {
        Ok(None)
    }
}

/// Nodes, as the tree wants them.
struct Reader<'n, N>(&'n N);

impl<N: Nodes> TreeReader for Reader<'_, N> {
    fn get_node_option(&self, key: &NodeKey) -> anyhow::Result<Option<Node>> {
        Ok(self.0.node(key)?)
    }

    fn get_value_option(&self, _: Version, _: KeyHash) -> anyhow::Result<Option<OwnedValue>> {
        anyhow::bail!("values are not read through the tree")
    }

    fn get_rightmost_leaf(&self) -> anyhow::Result<Option<(NodeKey, LeafNode)>> {
        anyhow::bail!("the tree is not restored from parts")
    }
}
