//! The journal and the databases against simple models.

use super::journal::Journal;
use super::*;
use crate::receipt::Event;
use crate::types::{Address, Hash};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub(super) const ACCOUNTS: [Address; 2] = [Address([1; 32]), Address([0xff; 32])];

fn put(address: Address, key: &[u8], value: Option<&[u8]>) -> Changes {
    let value = value.map(<[u8]>::to_vec);
    Changes { storage: [((address, key.to_vec()), value)].into(), ..Changes::default() }
}

fn commit(database: &dyn Database, changes: &Changes) -> Hash {
    let parent = database.version().unwrap().root().unwrap();
    let expected = database.root_after(changes).unwrap();
    assert_eq!(database.commit(&parent, changes).unwrap(), expected);
    assert_eq!(database.version().unwrap().root().unwrap(), expected);
    expected
}

/// One thing to do with a journal.
#[derive(Clone, Debug)]
enum Do {
    Set(usize, Vec<u8>, u8),
    Remove(usize, Vec<u8>),
    Transient(usize, Vec<u8>, Option<u8>),
    Balance(usize, u8),
    Event,
    Begin,
    End { keep: bool },
    Walk(usize, Vec<u8>, Order),
}

/// Few keys, so that they meet; with 0 and 0xff, where ends of ranges are.
fn key() -> impl Strategy<Value = Vec<u8>> {
    vec(prop::sample::select(vec![0_u8, 1, 0xff]), 1..3)
}

fn prefix() -> impl Strategy<Value = Vec<u8>> {
    vec(prop::sample::select(vec![0_u8, 1, 0xff]), 0..3)
}

fn action() -> impl Strategy<Value = Do> {
    let account = 0..2_usize;
    prop_oneof![
        4 => (account.clone(), key(), 0..3_u8).prop_map(|(a, k, v)| Do::Set(a, k, v)),
        6 => (account.clone(), key()).prop_map(|(a, k)| Do::Remove(a, k)),
        2 => (account.clone(), key(), any::<Option<u8>>()).prop_map(|(a, k, v)| Do::Transient(a, k, v)),
        1 => (account.clone(), 0..3_u8).prop_map(|(a, b)| Do::Balance(a, b)),
        1 => Just(Do::Event),
        2 => Just(Do::Begin),
        2 => any::<bool>().prop_map(|keep| Do::End { keep }),
        5 => (account, prefix(), prop::sample::select(vec![Order::Ascending, Order::Descending]))
            .prop_map(|(a, p, o)| Do::Walk(a, p, o)),
    ]
}

#[derive(Clone, Default, PartialEq, Debug)]
struct Model {
    storage: BTreeMap<(Address, Vec<u8>), Vec<u8>>,
    transient: BTreeMap<(Address, Vec<u8>), Vec<u8>>,
    accounts: BTreeMap<Address, u128>,
    events: usize,
}

impl Model {
    /// Bytes of values that live and are not the base's.
    fn bytes(&self) -> usize {
        let values = self.storage.values().filter(|value| *value != b"base").chain(self.transient.values());
        values.map(Vec::len).sum()
    }

    fn keys(&self, address: Address, prefix: &[u8], order: Order) -> Vec<Vec<u8>> {
        let mut keys: Vec<_> = self
            .storage
            .keys()
            .filter(|(of, key)| *of == address && key.starts_with(prefix))
            .map(|(_, key)| key.clone())
            .collect();
        if order == Order::Descending {
            keys.reverse();
        }
        keys
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_journal_does_what_a_map_with_copies_does(
        base in vec((0..2_usize, key()), 0..30),
        actions in vec(action(), 0..60),
    ) {
        let database = MemoryDatabase::new();
        let mut model = Model::default();
        for (account, key) in base {
            commit(&database, &put(ACCOUNTS[account], &key, Some(b"base")));
            model.storage.insert((ACCOUNTS[account], key), b"base".to_vec());
        }
        let before = model.clone();
        let state = database.version().unwrap();
        let mut journal = Journal::default();
        let mut saved = Vec::new();
        for action in actions {
            match action {
                Do::Set(account, key, value) => {
                    journal.set(ACCOUNTS[account], &key, vec![value]);
                    model.storage.insert((ACCOUNTS[account], key), vec![value]);
                }
                Do::Remove(account, key) => {
                    journal.remove(&*state, ACCOUNTS[account], &key).unwrap();
                    model.storage.remove(&(ACCOUNTS[account], key));
                }
                Do::Transient(account, key, value) => {
                    let value = value.map(|value| vec![value]);
                    journal.set_transient(ACCOUNTS[account], &key, value.clone());
                    let key = (ACCOUNTS[account], key);
                    match value {
                        Some(value) => model.transient.insert(key, value),
                        None => model.transient.remove(&key),
                    };
                }
                Do::Balance(account, balance) => {
                    let balance = balance.into();
                    journal.set_account(ACCOUNTS[account], Account { balance, ..Account::default() });
                    model.accounts.insert(ACCOUNTS[account], balance);
                }
                Do::Event => {
                    journal.emit(Event { account: ACCOUNTS[0], topics: vec![], data: vec![] });
                    model.events += 1;
                }
                Do::Begin => saved.push((journal.checkpoint(), model.clone())),
                Do::End { keep: true } => {
                    let Some((checkpoint, _)) = saved.pop() else { continue };
                    journal.keep(checkpoint);
                }
                Do::End { keep: false } => {
                    let Some((checkpoint, copy)) = saved.pop() else { continue };
                    journal.rollback(checkpoint);
                    model = copy;
                }
                Do::Walk(account, prefix, order) => {
                    let address = ACCOUNTS[account];
                    let mut found: Vec<Vec<u8>> = Vec::new();
                    while let Some(key) = journal
                        .seek(&*state, &address, &prefix, found.last().map(Vec::as_slice), order)
                        .unwrap()
                    {
                        found.push(key);
                        prop_assert!(found.len() < 1_000);
                    }
                    prop_assert_eq!(found, model.keys(address, &prefix, order));
                }
            }
            for address in ACCOUNTS {
                for first in [0, 1, 0xff] {
                    let key = vec![first];
                    let full = (address, key.clone());
                    let value = journal.get(&*state, &address, &key).unwrap();
                    let len = journal.len(&*state, &address, &key).unwrap();
                    prop_assert_eq!(value.as_ref().map(|value| value.len() as u32), len);
                    prop_assert_eq!(value.as_ref(), model.storage.get(&full));
                    let transient = journal.transient(&address, &key);
                    prop_assert_eq!(transient, model.transient.get(&full).map(Vec::as_slice));
                }
                let balance = journal.account(&*state, &address).unwrap().balance;
                prop_assert_eq!(balance, model.accounts.get(&address).copied().unwrap_or(0));
            }
            prop_assert_eq!(journal.event_count(), model.events);
            // What is held is what lives, and what lived at each open checkpoint; all values of this test have a byte or
            // are the base's, which is not held.
            let lived = saved.iter().map(|(_, model)| model.bytes()).sum::<usize>();
            prop_assert!(journal.held() <= model.bytes() + lived);
        }
        // Each change is one, and together they make the model of the base.
        let (changes, _) = journal.finish(&*state).unwrap();
        let mut after = before.storage.clone();
        for (key, value) in &changes.storage {
            prop_assert_ne!(before.storage.get(key), value.as_ref());
            match value {
                Some(value) => after.insert(key.clone(), value.clone()),
                None => after.remove(key),
            };
        }
        prop_assert_eq!(after, model.storage);
        for (address, account) in &changes.accounts {
            prop_assert_eq!(account.map(|account| account.balance), model.accounts.get(address).copied());
        }
    }

    /// Whatever order a state came about in, and through whatever states, its root is the same in every database.
    #[test]
    fn the_root_is_that_of_the_state_alone(
        steps in vec((0..2_usize, key(), prop::option::of(0..3_u8)), 1..40),
        seed in any::<u64>(),
    ) {
        let database = MemoryDatabase::new();
        let mut state = BTreeMap::new();
        for (account, key, value) in steps {
            let address = ACCOUNTS[account];
            commit(&database, &put(address, &key, value.map(|value| [value]).as_ref().map(|value| &value[..])));
            match value {
                Some(value) => state.insert((address, key), vec![value]),
                None => state.remove(&(address, key)),
            };
        }
        let root = database.version().unwrap().root().unwrap();

        let at_once = MemoryDatabase::new();
        let storage = state.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
        prop_assert_eq!(commit(&at_once, &Changes { storage, ..Changes::default() }), root);

        let shuffled = MemoryDatabase::new();
        let mut entries: Vec<_> = state.into_iter().collect();
        let mut random = seed | 1;
        for index in (1..entries.len()).rev() {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            entries.swap(index, (random >> 33) as usize % (index + 1));
        }
        for ((address, key), value) in entries {
            commit(&shuffled, &put(address, &key, Some(&value)));
        }
        prop_assert_eq!(shuffled.version().unwrap().root().unwrap(), root);
    }
}

/// What was remembered of removed keys holds no longer when a removal is taken back.
#[test]
fn a_run_of_removed_keys_falls_apart_when_they_are_back() {
    let database = MemoryDatabase::new();
    for key in 0..5 {
        commit(&database, &put(ACCOUNTS[0], &[key], Some(b"")));
    }
    let state = database.version().unwrap();
    for back in 0..5_u8 {
        let mut journal = Journal::default();
        let walk = |journal: &mut Journal| {
            let mut keys: Vec<Vec<u8>> = Vec::new();
            let address = &ACCOUNTS[0];
            while let Some(key) =
                journal.seek(&*state, address, b"", keys.last().map(Vec::as_slice), Order::Ascending).unwrap()
            {
                keys.push(key);
            }
            keys
        };
        for key in (0..5).filter(|key| *key != back) {
            journal.remove(&*state, ACCOUNTS[0], &[key]).unwrap();
        }
        assert_eq!(walk(&mut journal), [[back]]);
        let checkpoint = journal.checkpoint();
        journal.remove(&*state, ACCOUNTS[0], &[back]).unwrap();
        assert!(walk(&mut journal).is_empty());
        journal.rollback(checkpoint);
        assert_eq!(walk(&mut journal), [[back]]);
        let last = journal.seek(&*state, &ACCOUNTS[0], b"", None, Order::Descending).unwrap();
        assert_eq!(last, Some(vec![back]));
    }
}

/// A contract that overwrites one value again and again, in frames that end well, would otherwise have the node keep
/// every value that there ever was.
#[test]
fn overwriting_holds_one_value_for_each_open_checkpoint() {
    const LEN: usize = 1_000;
    let database = MemoryDatabase::new();
    let state = database.version().unwrap();
    let mut journal = Journal::default();
    let write = |journal: &mut Journal| {
        for round in 0..50 {
            journal.set(ACCOUNTS[0], b"key", vec![round; LEN]);
            journal.set_transient(ACCOUNTS[0], b"key", Some(vec![round; LEN]));
        }
    };
    let mut open = Vec::new();
    for depth in 0..64 {
        open.push(journal.checkpoint());
        write(&mut journal);
        assert_eq!(journal.held(), 2 * LEN * (depth + 1));
        for _ in 0..20 {
            let nested = journal.checkpoint();
            write(&mut journal);
            assert_eq!(journal.held(), 2 * LEN * (depth + 2));
            journal.keep(nested);
            assert_eq!(journal.held(), 2 * LEN * (depth + 1));
        }
    }
    // What is kept below is still undone by what is above.
    let (first, last) = (open[0], open[63]);
    journal.rollback(last);
    assert_eq!(journal.get(&*state, &ACCOUNTS[0], b"key").unwrap(), Some(vec![49; LEN]));
    journal.rollback(first);
    assert_eq!(journal.held(), 0);
    assert_eq!(journal.get(&*state, &ACCOUNTS[0], b"key").unwrap(), None);
}

/// Counts what is asked of the base.
struct Counting(Arc<dyn Storage>, AtomicU64);

impl Storage for Counting {
    fn account(&self, address: &Address) -> StorageResult<Option<Account>> {
        self.0.account(address)
    }
    fn code(&self, hash: &Hash) -> StorageResult<Option<Arc<[u8]>>> {
        self.0.code(hash)
    }
    fn get(&self, address: &Address, key: &[u8]) -> StorageResult<Option<Vec<u8>>> {
        self.0.get(address, key)
    }
    fn seek(
        &self,
        address: &Address,
        prefix: &[u8],
        from: Option<&[u8]>,
        order: Order,
    ) -> StorageResult<Option<Vec<u8>>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.seek(address, prefix, from, order)
    }
    fn root(&self) -> StorageResult<Hash> {
        self.0.root()
    }
}

/// A contract that removes many keys and asks for the next one again and again would otherwise have the node walk over
/// all of them each time, for the price of one step.
#[test]
fn removed_keys_are_walked_over_once() {
    const KEYS: u64 = 2_000;
    let database = MemoryDatabase::new();
    let storage = (0..=KEYS).map(|key| ((ACCOUNTS[0], key.to_be_bytes().to_vec()), Some(vec![]))).collect();
    commit(&database, &Changes { storage, ..Changes::default() });
    let state = Counting(database.version().unwrap(), AtomicU64::new(0));
    let mut journal = Journal::default();
    for key in 0..KEYS {
        journal.remove(&state, ACCOUNTS[0], &key.to_be_bytes()).unwrap();
    }
    let last = KEYS.to_be_bytes().to_vec();
    for round in 0..KEYS {
        let found = journal.seek(&state, &ACCOUNTS[0], b"", None, Order::Ascending).unwrap();
        assert_eq!(found.as_ref(), Some(&last));
        let found = journal.seek(&state, &ACCOUNTS[0], b"", Some(&last), Order::Descending).unwrap();
        assert_eq!(found, None);
        // Setting a key and taking that back splits the run, and does not forget it.
        let checkpoint = journal.checkpoint();
        journal.set(ACCOUNTS[0], &(round * 7 % KEYS).to_be_bytes(), vec![]);
        journal.rollback(checkpoint);
    }
    let seeks = state.1.load(Ordering::Relaxed);
    assert!(seeks < KEYS * 12, "{seeks}");
}

#[test]
fn both_databases_are_alike_and_versions_are_isolated() {
    let folder = tempfile::tempdir().unwrap();
    let embedded = EmbeddedDatabase::open(folder.path().join("state")).unwrap();
    let memory = MemoryDatabase::new();
    let empty = embedded.version().unwrap();
    let account = Account { nonce: 1, balance: 5, code: Some(Hash([7; 32])) };
    let code: Arc<[u8]> = Arc::from(b"code".as_slice());
    let mut changes = put(ACCOUNTS[1], b"\xff\xff", Some(b"end"));
    changes.accounts.insert(ACCOUNTS[0], Some(account));
    changes.code.insert(Hash([7; 32]), Arc::clone(&code));
    let root = commit(&embedded, &changes);
    assert_eq!(commit(&memory, &changes), root);

    // Another parent, and what is no change.
    let stale = empty.root().unwrap();
    assert!(matches!(embedded.commit(&stale, &changes), Err(CommitError::Parent { parent, current })
        if parent == stale && current == root));
    assert!(matches!(memory.commit(&stale, &changes), Err(CommitError::Parent { .. })));
    assert_eq!(commit(&embedded, &changes), root);
    assert_eq!(commit(&embedded, &put(ACCOUNTS[0], b"not there", None)), root);

    for key in [&b"a"[..], b"ab", b"b", b"\xff"] {
        for address in ACCOUNTS {
            assert_eq!(
                commit(&embedded, &put(address, key, Some(key))),
                commit(&memory, &put(address, key, Some(key)))
            );
        }
    }
    assert_eq!(empty.account(&ACCOUNTS[0]).unwrap(), None);
    assert_eq!(empty.get(&ACCOUNTS[0], b"a").unwrap(), None);
    drop(embedded);

    let embedded = EmbeddedDatabase::open(folder.path().join("state")).unwrap();
    let (one, other) = (embedded.version().unwrap(), memory.version().unwrap());
    assert_eq!(one.root().unwrap(), other.root().unwrap());
    assert_eq!(one.code(&Hash([7; 32])).unwrap(), Some(code));
    assert_eq!(one.code_len(&Hash([7; 32])).unwrap(), Some(4));
    assert_eq!(one.account(&ACCOUNTS[0]).unwrap(), Some(account));
    for address in ACCOUNTS {
        for prefix in [&b""[..], b"a", b"ab", b"b", b"c", b"\xff", b"\xff\xff"] {
            for order in [Order::Ascending, Order::Descending] {
                let mut from: Option<Vec<u8>> = None;
                loop {
                    let next = one.seek(&address, prefix, from.as_deref(), order).unwrap();
                    assert_eq!(next, other.seek(&address, prefix, from.as_deref(), order).unwrap());
                    let Some(key) = next else { break };
                    assert_eq!(one.get(&address, &key).unwrap(), other.get(&address, &key).unwrap());
                    assert_eq!(one.len(&address, &key).unwrap(), other.len(&address, &key).unwrap());
                    from = Some(key);
                }
            }
        }
    }
    // An account with nothing is none, and the root without anything is the empty one.
    let mut gone = Changes::default();
    for address in ACCOUNTS {
        for key in [&b"a"[..], b"ab", b"b", b"\xff", b"\xff\xff"] {
            gone.storage.insert((address, key.to_vec()), None);
        }
        gone.accounts.insert(address, Some(Account::default()));
    }
    let bare = MemoryDatabase::new();
    let root = commit(&bare, &Changes { code: changes.code, ..Changes::default() });
    assert_eq!(commit(&embedded, &gone), root);
    assert_eq!(commit(&memory, &gone), root);
}
