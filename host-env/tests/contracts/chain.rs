//! A chain in memory on which every transaction is executed by all three backends.
//!
//! Owns accounts by name, inputs by the contracts' convention, and what tests expect of receipts. It must not know any
//! contract.

use codec::{Decode, Encode};
use lockstep_host_env::{
    Account, Action, Address, Block, Changes, Database, Environment, Executed, Hash, MemoryDatabase, Receipt,
    Status, Tx, code_hash,
};
use lockstep_vm::{Backend, Config, Engine, ProfileOptions};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

pub(crate) const ALICE: Address = Address([0xa1; 32]);
pub(crate) const BOB: Address = Address([0xb0; 32]);
pub(crate) const CAROL: Address = Address([0xca; 32]);
/// Where events say that something comes from nowhere or goes there.
pub(crate) const NOBODY: Address = Address([0; 32]);
/// What each of them owns at first.
pub(crate) const OWNED: u128 = 1_000_000;
/// What a transaction has, unless it says otherwise.
pub(crate) const GAS: u64 = 50_000_000;

static ENVIRONMENTS: LazyLock<[Environment; 3]> = LazyLock::new(|| {
    [Backend::Interpreter, Backend::Native, Backend::CrossCheck].map(|backend| {
        let engine = Engine::new(&Config::new().backend(backend)).unwrap();
        Environment::new(&engine).unwrap()
    })
});

/// The bytes of a contract.
pub(crate) fn wasm(name: &str) -> Vec<u8> {
    let path = format!("{}/contracts/{name}.wasm", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(crate) fn sha256(name: &str) -> [u8; 32] {
    Sha256::digest(name.as_bytes()).into()
}

/// What calls a function.
pub(crate) fn input(name: &str, arguments: impl Encode) -> Vec<u8> {
    [&sha256(name)[..4], &arguments.encode()].concat()
}

/// An executed transaction, with what a test may expect of it.
#[derive(Debug)]
pub(crate) struct Done(pub(crate) Executed);

impl Done {
    pub(crate) fn receipt(&self) -> &Receipt {
        &self.0.receipt
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        let receipt = self.receipt();
        let said = String::from_utf8_lossy(&receipt.output).into_owned();
        assert_eq!(receipt.status, Status::Ok, "{said} {:?}", self.0.report);
        self
    }

    /// What it answers.
    #[track_caller]
    pub(crate) fn result<T: Decode>(self) -> T {
        let done = self.ok();
        T::decode(&mut &done.receipt().output[..]).unwrap()
    }

    #[track_caller]
    pub(crate) fn reverts(self, why: &str) {
        assert_eq!(String::from_utf8_lossy(&self.receipt().output), why);
        self.ends(Status::Reverted);
    }

    /// It ends so, and nothing is left of it but the sender's nonce.
    #[track_caller]
    pub(crate) fn ends(self, status: Status) -> Self {
        assert_eq!(self.receipt().status, status, "{:?}", self.0.report);
        assert_ne!(status, Status::Ok);
        assert!(self.receipt().events.is_empty());
        let Changes { accounts, storage, code } = &self.0.changes;
        assert!(storage.is_empty() && code.is_empty(), "{storage:?}");
        assert_eq!(accounts.len(), 1, "{accounts:?}");
        self
    }

    /// The event at this place: it is of this account and name, with these topics and this data.
    #[track_caller]
    pub(crate) fn event(
        self,
        at: usize,
        of: Address,
        name: &str,
        topics: &[Address],
        data: impl Encode,
    ) -> Self {
        let event = &self.receipt().events[at];
        let topics: Vec<_> = [sha256(name)].into_iter().chain(topics.iter().map(|topic| topic.0)).collect();
        assert_eq!((event.account, &event.topics), (of, &topics), "{name}");
        assert_eq!(event.data, data.encode(), "{name}");
        self
    }
}

pub(crate) struct Chain {
    pub(crate) database: Box<dyn Database>,
    pub(crate) block: Block,
}

impl Default for Chain {
    fn default() -> Self {
        Chain::on(Box::new(MemoryDatabase::new()))
    }
}

impl Chain {
    /// A chain on an empty database.
    pub(crate) fn on(database: Box<dyn Database>) -> Chain {
        let chain = Chain { database, block: Block { chain: 1, height: 1, time: 1_700_000_000_000 } };
        let owner = Some(Account { balance: OWNED, ..Account::default() });
        let accounts = [ALICE, BOB, CAROL].map(|address| (address, owner)).into();
        chain.commit(&Changes { accounts, ..Changes::default() });
        chain
    }

    fn commit(&self, changes: &Changes) {
        let parent = self.root();
        self.database.commit(&parent, changes).unwrap();
    }

    pub(crate) fn root(&self) -> Hash {
        self.database.version().unwrap().root().unwrap()
    }

    /// Executes on every backend, compares, holds the profile's sum against the gas used, commits.
    #[track_caller]
    pub(crate) fn apply(&self, sender: Address, gas_limit: u64, action: Action) -> Done {
        let version = self.database.version().unwrap();
        let before = version.account(&sender).unwrap().unwrap_or_default();
        let tx = Tx { chain: self.block.chain, sender, nonce: before.nonce, gas_limit, action };
        let [reference, others @ ..] = ENVIRONMENTS
            .each_ref()
            .map(|environment| environment.execute(&*version, &self.block, 0, &tx).unwrap());
        for other in others {
            assert_eq!(other.receipt, reference.receipt);
            assert_eq!(other.changes, reference.changes);
        }
        let profiled = ENVIRONMENTS[0]
            .execute_profiled(&*version, &self.block, 0, &tx, ProfileOptions::default())
            .unwrap();
        assert_eq!(profiled.receipt, reference.receipt);
        assert_eq!(profiled.report.profile.unwrap().gas(), reference.receipt.gas_used);
        if reference.receipt.status != Status::Ok {
            let after = Account { nonce: before.nonce + 1, ..before };
            assert_eq!(reference.changes.accounts, [(sender, Some(after))].into());
        }
        self.commit(&reference.changes);
        Done(reference)
    }

    pub(crate) fn upload(&self, name: &str) -> Hash {
        let code = wasm(name);
        let hash = code_hash(&code);
        self.apply(ALICE, GAS, Action::Upload { code }).ok();
        hash
    }

    /// An account with this contract, made by this sender.
    #[track_caller]
    pub(crate) fn deploy(&self, sender: Address, name: &str, salt: u8, input: Vec<u8>) -> Address {
        let code_hash = self.upload(name);
        self.create(sender, code_hash, salt, input).ok().receipt().created.unwrap()
    }

    #[track_caller]
    pub(crate) fn create(&self, sender: Address, code_hash: Hash, salt: u8, input: Vec<u8>) -> Done {
        self.apply(sender, GAS, Action::Create { code_hash, salt: [salt; 32], value: 0, input })
    }

    #[track_caller]
    pub(crate) fn call(&self, sender: Address, to: Address, name: &str, arguments: impl Encode) -> Done {
        self.call_with(sender, to, 0, GAS, input(name, arguments))
    }

    /// A call with value, gas and an input of any form.
    #[track_caller]
    pub(crate) fn call_with(
        &self,
        sender: Address,
        to: Address,
        value: u128,
        gas: u64,
        input: Vec<u8>,
    ) -> Done {
        self.apply(sender, gas, Action::Call { to, value, input })
    }

    pub(crate) fn balance(&self, of: Address) -> u128 {
        self.database.version().unwrap().account(&of).unwrap().unwrap_or_default().balance
    }

    /// What an account keeps behind a key.
    pub(crate) fn kept<T: Decode>(&self, account: Address, key: impl Encode) -> Option<T> {
        let value = self.database.version().unwrap().get(&account, &key.encode()).unwrap()?;
        Some(T::decode(&mut &value[..]).unwrap())
    }
}
