//! The state root, from `spec/state.md` alone: slow, without versions, and without the library that databases use.

use super::storage::{Account, Database};
use super::tests::ACCOUNTS;
use super::{Changes, EmbeddedDatabase, MemoryDatabase};
use crate::types::{Address, Hash};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use sha3::{Digest, Sha3_256};
use std::collections::{BTreeMap, BTreeSet};

fn h(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha3_256::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

fn root(leaves: &[([u8; 32], Vec<u8>)], bit: usize) -> [u8; 32] {
    match leaves {
        [] => *b"SPARSE_MERKLE_PLACEHOLDER_HASH__",
        [(key, value)] => h(&[b"JMT::LeafNode", key, &h(&[value])]),
        _ => {
            let (right, left): (Vec<_>, Vec<_>) =
                leaves.iter().cloned().partition(|(key, _)| key[bit / 8] & (0x80 >> (bit % 8)) != 0);
            h(&[b"JMT::IntrnalNode", &root(&left, bit + 1), &root(&right, bit + 1)])
        }
    }
}

#[derive(Clone, Default, Debug)]
struct State {
    accounts: BTreeMap<Address, Account>,
    storage: BTreeMap<(Address, Vec<u8>), Vec<u8>>,
    code: BTreeSet<Hash>,
}

impl State {
    fn root(&self) -> Hash {
        let accounts = self.accounts.iter().map(|(address, account)| {
            let code = account.code.map_or(vec![0], |code| [&[1], &code.0[..]].concat());
            let value = [&account.nonce.to_le_bytes()[..], &account.balance.to_le_bytes(), &code].concat();
            (h(&[b"lockstep/state/account/1", &address.0]), value)
        });
        let storage = self.storage.iter().map(|((address, key), value)| {
            (h(&[b"lockstep/state/storage/1", &address.0, key]), value.clone())
        });
        let code = self.code.iter().map(|hash| (h(&[b"lockstep/state/code/1", &hash.0]), Vec::new()));
        let leaves: Vec<_> = accounts.chain(storage).chain(code).collect();
        Hash(root(&leaves, 0))
    }
}

/// What a block makes of some things: few addresses and keys, so that things come, change and go.
fn block() -> impl Strategy<Value = Changes> {
    let address =
        || prop_oneof![prop::sample::select(ACCOUNTS.to_vec()), any::<u8>().prop_map(|b| Address([b; 32]))];
    let account = (0..3_u64, prop_oneof![Just(0), any::<u128>()], prop::option::of(any::<[u8; 32]>()))
        .prop_map(|(nonce, balance, code)| Account { nonce, balance, code: code.map(Hash) });
    let accounts = btree_map(address(), prop::option::of(account), 0..6);
    let value = prop_oneof![vec(any::<u8>(), 0..3), vec(any::<u8>(), 511..514)];
    let storage = btree_map((address(), vec(0..4_u8, 1..3)), prop::option::of(value), 0..12);
    let code = btree_set(any::<[u8; 32]>(), 0..3);
    (accounts, storage, code).prop_map(|(accounts, storage, code)| Changes {
        accounts,
        storage,
        code: code.into_iter().map(|hash| (Hash(hash), (&[][..]).into())).collect(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// After every block of a random chain both databases have the root that the specification says, and the values.
    #[test]
    fn every_root_is_the_one_that_the_specification_says(blocks in vec(block(), 1..8)) {
        let folder = tempfile::tempdir().unwrap();
        let embedded = EmbeddedDatabase::open(folder.path().join("state.redb")).unwrap();
        let memory = MemoryDatabase::new();
        let mut state = State::default();
        prop_assert_eq!(memory.version().unwrap().root().unwrap(), state.root());
        for changes in blocks {
            for (address, account) in &changes.accounts {
                match account.filter(|account| *account != Account::default()) {
                    Some(account) => state.accounts.insert(*address, account),
                    None => state.accounts.remove(address),
                };
            }
            for (key, value) in &changes.storage {
                match value {
                    Some(value) => state.storage.insert(key.clone(), value.clone()),
                    None => state.storage.remove(key),
                };
            }
            state.code.extend(changes.code.keys());
            for database in [&memory as &dyn Database, &embedded] {
                let parent = database.version().unwrap().root().unwrap();
                prop_assert_eq!(database.commit(&parent, &changes).unwrap(), state.root());
                let version = database.version().unwrap();
                for ((address, key), value) in &state.storage {
                    let found = version.get(address, key).unwrap();
                    prop_assert_eq!(found.as_ref(), Some(value));
                    prop_assert_eq!(version.len(address, key).unwrap(), Some(value.len() as u32));
                }
            }
        }
    }
}

/// Two roots that do not move: of nothing, and of one account with one entry.
#[test]
fn known_roots() {
    let mut state = State::default();
    assert_eq!(state.root().0, *b"SPARSE_MERKLE_PLACEHOLDER_HASH__");
    let account = Account { nonce: 1, balance: 2, code: None };
    state.accounts.insert(ACCOUNTS[0], account);
    state.storage.insert((ACCOUNTS[0], b"key".to_vec()), b"value".to_vec());
    let memory = MemoryDatabase::new();
    let changes = Changes {
        accounts: [(ACCOUNTS[0], Some(account))].into(),
        storage: [((ACCOUNTS[0], b"key".to_vec()), Some(b"value".to_vec()))].into(),
        ..Changes::default()
    };
    let root = memory.commit(&memory.version().unwrap().root().unwrap(), &changes).unwrap();
    assert_eq!(root, state.root());
    assert_eq!(root.to_string(), "9453d6a36bd2d55e9fde79cd00392ece33a05bc0e5d4aa84d3deb0ad1f39c6c6");
}
