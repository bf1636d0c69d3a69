//! A node that keeps its state its own way, and lends it for one transaction: contracts run over a `&mut dyn State`.
//!
//! ```sh
//! cargo run -p lockstep-host-env --example borrowed_state
//! ```

use codec::{Decode, Encode};
use lockstep_host_env::*;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What this node calls its state: bytes by bytes, in order.
trait State: Send + Sync {
    fn get(&self, key: &[u8]) -> Option<&[u8]>;
    fn put(&mut self, key: Vec<u8>, value: Option<Vec<u8>>);
    fn keys<'a>(&'a self, prefix: &'a [u8]) -> Box<dyn DoubleEndedIterator<Item = &'a [u8]> + 'a>;
}

/// The state as contracts need it, for as long as it is lent.
struct View<'a>(&'a dyn State);

fn key_of(kind: u8, name: &[u8], key: &[u8]) -> Vec<u8> {
    [&[kind], name, key].concat()
}

impl Storage for View<'_> {
    fn account(&self, address: &Address) -> StorageResult<Option<Account>> {
        let Some(mut bytes) = self.0.get(&key_of(b'a', &address.0, &[])) else { return Ok(None) };
        Account::decode(&mut bytes).map(Some).map_err(StorageError::new)
    }

    fn code(&self, hash: &Hash) -> StorageResult<Option<Arc<[u8]>>> {
        Ok(self.0.get(&key_of(b'c', &hash.0, &[])).map(Arc::from))
    }

    fn get(&self, address: &Address, key: &[u8]) -> StorageResult<Option<Vec<u8>>> {
        Ok(self.0.get(&key_of(b's', &address.0, key)).map(<[u8]>::to_vec))
    }

    fn seek(
        &self,
        address: &Address,
        prefix: &[u8],
        from: Option<&[u8]>,
        order: Order,
    ) -> StorageResult<Option<Vec<u8>>> {
        let prefix = key_of(b's', &address.0, prefix);
        let mut keys = self.0.keys(&prefix).map(|key| &key[33..]);
        let found = match order {
            Order::Ascending => keys.find(|key| from.is_none_or(|from| *key > from)),
            Order::Descending => keys.rfind(|key| from.is_none_or(|from| *key < from)),
        };
        Ok(found.map(<[u8]>::to_vec))
    }

    fn root(&self) -> StorageResult<Hash> {
        Err(StorageError::new("this node has no state root; execution asks for none"))
    }
}

/// Executes a transaction over a state that is borrowed for it, and writes what it changed.
fn apply(
    environment: &Environment,
    state: &mut dyn State,
    block: &Block,
    tx: &Tx,
) -> Result<Receipt, ExecuteError> {
    let Executed { receipt, changes, .. } = environment.execute(&View(state), block, 0, tx)?;
    for (address, account) in changes.accounts {
        state.put(key_of(b'a', &address.0, &[]), account.map(|account| account.encode()));
    }
    for ((address, key), value) in changes.storage {
        state.put(key_of(b's', &address.0, &key), value);
    }
    for (hash, code) in changes.code {
        state.put(key_of(b'c', &hash.0, &[]), Some(code.to_vec()));
    }
    Ok(receipt)
}

/// One node's state. Another may have a database's transaction here.
#[derive(Default)]
struct Ledger(BTreeMap<Vec<u8>, Vec<u8>>);

impl State for Ledger {
    fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.0.get(key).map(Vec::as_slice)
    }

    fn put(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        match value {
            Some(value) => self.0.insert(key, value),
            None => self.0.remove(&key),
        };
    }

    fn keys<'a>(&'a self, prefix: &'a [u8]) -> Box<dyn DoubleEndedIterator<Item = &'a [u8]> + 'a> {
        let within = self.0.range(prefix.to_vec()..).map(|(key, _)| key.as_slice());
        // Both ends must be known to go backwards.
        let within: Vec<_> = within.take_while(|key| key.starts_with(prefix)).collect();
        Box::new(within.into_iter())
    }
}

/// What calls a function of the contracts in `host-env/contracts`.
fn input(name: &str, arguments: impl Encode) -> Vec<u8> {
    [&Sha256::digest(name)[..4], &arguments.encode()].concat()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let environment = Environment::new(&lockstep_vm::Engine::default())?;
    let mut ledger = Ledger::default();
    let (alice, bob) = (Address([0xa1; 32]), Address([0xb0; 32]));
    let block = Block { chain: 1, height: 1, time: 0 };

    let mut nonce = 0;
    let mut send = |ledger: &mut Ledger, action| {
        let tx = Tx { chain: 1, sender: alice, nonce, gas_limit: 10_000_000, action };
        nonce += 1;
        apply(&environment, ledger, &block, &tx)
    };
    let code = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/contracts/token.wasm"))?;
    let code_hash = code_hash(&code);
    send(&mut ledger, Action::Upload { code })?;
    let init = input("init", ("Gold", 500_u128));
    let made = send(&mut ledger, Action::Create { code_hash, salt: [0; 32], value: 0, input: init })?;
    let token = made.created.ok_or("the token refused")?;

    let pay = input("transfer", (bob, 60_u128));
    let paid = send(&mut ledger, Action::Call { to: token, value: 0, input: pay })?;
    assert_eq!((paid.status, paid.events.len()), (Status::Ok, 1));
    // It is in the node's own state.
    let balance = View(&ledger).get(&token, &("balance", bob).encode())?;
    assert_eq!(balance, Some(60_u128.encode()));
    println!("bob has 60 of it, for {} gas", paid.gas_used);
    Ok(())
}
