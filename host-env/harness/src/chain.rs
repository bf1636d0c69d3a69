//! Chains: a state in memory, a block, and names.
//!
//! Owns what a test changes by other means than calls: accounts, code, blocks, snapshots. It must not know what a call is
//! expected to do.

use crate::call::Call;
use crate::code::Code;
use crate::engine;
use crate::failure::{Failure, Result};
use crate::input::{Input, Said};
use crate::names::Names;
use crate::outcome::Outcome;
use crate::time::Step;
use codec::{DecodeAll, Encode};
use lockstep_host_env::{
    Account, Action, Address, Block, Changes, Database, Environment, Executed, Hash, MemoryDatabase, Order,
    Rejected, Status, Storage, Tx, code_hash,
};
use lockstep_vm::Backend;
use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::Arc;

/// The gas of a call that says nothing of gas.
pub(crate) const DEFAULT_GAS: u64 = 100_000_000;
/// The gas of an upload: enough for the greatest module.
const UPLOAD_GAS: u64 = 1 << 40;
/// The beginning of 2026.
const GENESIS_TIME: u64 = 1_767_225_600_000;
/// Who asks in a view. It owns nothing.
const VIEWER: &str = "viewer";

/// A chain in memory, for one test. A clone is another chain that begins as this one is; it copies nothing.
#[derive(Clone, Debug)]
pub struct Chain {
    backend: Backend,
    environment: Arc<Environment>,
    /// Whether every transaction is executed by every engine.
    every: bool,
    history: Option<Vec<Applied>>,
    pub(crate) state: State,
}

#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) database: MemoryDatabase,
    pub(crate) block: Block,
    /// Transactions in the block.
    pub(crate) index: u32,
    pub(crate) names: Arc<Names>,
    /// Over all receipts so far.
    receipts: Hash,
    /// Accounts that were deployed, so that each gets an address of its own.
    deployed: u64,
}

/// A chain's state at a moment. It is a value: going back to it does not use it up.
#[derive(Clone, Debug)]
pub struct Snapshot(State);

/// A transaction that was executed and committed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Applied {
    /// Its block.
    pub block: Block,
    /// Its place in the block.
    pub index: u32,
    /// The transaction.
    pub tx: Tx,
    /// What it did.
    pub executed: Executed,
    /// The state root after it.
    pub root: Hash,
}

/// A transaction that could start, or not.
pub(crate) enum Attempt {
    Executed(Box<Outcome>),
    Rejected(Rejected),
}

impl Default for Chain {
    fn default() -> Self {
        Chain::new()
    }
}

impl Chain {
    /// An empty chain at block 1 and a fixed time, on the default engine.
    pub fn new() -> Chain {
        // The default is what there is.
        Chain::on(Backend::default()).expect("the default engine is there")
    }

    /// As [`new`](Self::new), on this engine.
    ///
    /// # Errors
    /// When there is no such engine on this machine.
    pub fn on(backend: Backend) -> Result<Chain> {
        Ok(Chain {
            backend,
            environment: engine::environment(backend)?,
            every: false,
            history: None,
            state: State {
                database: MemoryDatabase::new(),
                block: Block { chain: 1, height: 1, time: GENESIS_TIME },
                index: 0,
                names: Arc::default(),
                receipts: Hash::default(),
                deployed: 0,
            },
        })
    }

    /// As [`new`](Self::new), where every transaction is executed by every engine of this machine, and a receipt or
    /// change that differs is a failure.
    ///
    /// ```
    /// # use lockstep_test::*;
    /// let mut chain = Chain::on_every_engine();
    /// let [alice] = chain.accounts(["alice"], 10);
    /// chain.deploy(alice, wasm!(path "../contracts/token.wasm"), ("init", "Gold", 500u128))?;
    /// # Result::Ok(())
    /// ```
    pub fn on_every_engine() -> Chain {
        Chain { every: true, ..Chain::new() }
    }

    /// Makes accounts that own so much each, addressed by the hash of their names.
    pub fn accounts<const N: usize>(&mut self, names: [&str; N], balance: u128) -> [Address; N] {
        names.map(|name| self.account(name, balance))
    }

    /// Makes an account, addressed by the hash of its name; an account that is there gets this balance.
    pub fn account(&mut self, name: &str, balance: u128) -> Address {
        let address = Address(code_hash(name.as_bytes()).0);
        self.set_balance(address, balance);
        self.label(address, name);
        address
    }

    /// Names an address, for failures and scenarios.
    pub fn label(&mut self, address: Address, name: &str) {
        Arc::make_mut(&mut self.state.names).name_account(address, name);
    }

    /// Sets what an account owns, as no transaction could.
    pub fn set_balance(&mut self, address: Address, balance: u128) {
        let version = self.version();
        let account = self.look_up(&*version, &address);
        let changes = Changes {
            accounts: [(address, Some(Account { balance, ..account }))].into(),
            ..Changes::default()
        };
        self.commit(&*version, &changes).expect("a database in memory takes changes");
    }

    /// Brings code on chain, unless it is there, and makes an account with it: an upload and a creation by `from`. The
    /// account is named after the code.
    ///
    /// # Errors
    /// When the code is refused, or its `deploy` does not end well.
    #[track_caller]
    pub fn deploy(&mut self, from: Address, code: Code, input: impl Input) -> Result<Address> {
        let place = std::panic::Location::caller();
        let said = input.said();
        self.upload(from, &code).map_err(|failure| failure.at(place))?;
        let outcome = self
            .create(from, &code, said, 0, DEFAULT_GAS)?
            .executed()
            .map_err(|failure| failure.at(place))?;
        outcome.expect_status(Status::Ok).map_err(|failure| failure.at(place))?;
        outcome.receipt().created.ok_or_else(|| Failure::fault("a creation has no account"))
    }

    /// Brings code on chain, unless it is there.
    pub(crate) fn upload(&mut self, from: Address, code: &Code) -> Result<Hash> {
        let hash = code_hash(code.wasm());
        if self.version().code_len(&hash)?.is_some() {
            return Ok(hash);
        }
        let title = format!("upload of {}", code.name());
        let action = Action::Upload { code: code.wasm().to_vec() };
        let outcome = self.apply(from, UPLOAD_GAS, action, title, &Said::default())?.executed()?;
        match outcome.refused() {
            Some(why) => Err(Failure::usage(format!("{} is refused as a contract: {why}", code.name()))),
            None => outcome.expect_status(Status::Ok).map(|()| hash),
        }
    }

    /// Makes an account with code that is on chain.
    pub(crate) fn create(
        &mut self,
        from: Address,
        code: &Code,
        said: Said,
        value: u128,
        gas: u64,
    ) -> Result<Attempt> {
        let mut salt = [0; 32];
        salt[..8].copy_from_slice(&self.state.deployed.to_le_bytes());
        self.state.deployed += 1;
        let code_hash = code_hash(code.wasm());
        let address = lockstep_host_env::created_address(self.state.block.chain, &from, &code_hash, &salt);
        self.label(address, code.name());
        self.learn(&said);
        let title = self.title(&said, "deploy", &from, &address, value);
        let action = Action::Create { code_hash, salt, value, input: said.bytes.clone() };
        self.apply(from, gas, action, title, &said)
    }

    /// A call of a contract, to be executed by what is expected of it.
    pub fn call(&mut self, from: Address, to: Address, input: impl Input) -> Call<'_> {
        Call::new(self, from, to, input.said())
    }

    /// Moves an amount between accounts, and runs no code.
    ///
    /// # Errors
    /// When it cannot.
    #[track_caller]
    pub fn transfer(&mut self, from: Address, to: Address, amount: u128) -> Result<Outcome> {
        let place = std::panic::Location::caller();
        let attempt = self.attempt_transfer(from, to, amount, DEFAULT_GAS);
        let outcome = attempt.and_then(Attempt::executed).map_err(|failure| failure.at(place))?;
        outcome.expect_status(Status::Ok).map_err(|failure| failure.at(place))?;
        Ok(outcome)
    }

    pub(crate) fn attempt_transfer(
        &mut self,
        from: Address,
        to: Address,
        amount: u128,
        gas: u64,
    ) -> Result<Attempt> {
        let title = format!("transfer of {amount} from {} to {}", self.name(&from), self.name(&to));
        self.apply(from, gas, Action::Transfer { to, amount }, title, &Said::default())
    }

    /// Calls a contract and keeps nothing of it: what it answers. Who asks is an account that owns nothing.
    ///
    /// # Errors
    /// When the call does not end well, or its output is no `T`.
    #[track_caller]
    pub fn view<T: DecodeAll>(&mut self, of: Address, input: impl Input) -> Result<T> {
        let place = std::panic::Location::caller();
        let said = input.said();
        let mut aside = self.clone();
        aside.history = None;
        let viewer = aside.account(VIEWER, 0);
        let seen = || {
            let outcome = Call::new(&mut aside, viewer, of, said).execute()?;
            outcome.expect_status(Status::Ok)?;
            outcome.output()
        };
        seen().map_err(|failure: Failure| failure.at(place))
    }

    /// The storage of an account.
    pub fn storage(&self, of: Address) -> StorageOf<'_> {
        StorageOf { of, version: self.version(), chain: PhantomData }
    }

    /// What an account owns.
    pub fn balance(&self, of: Address) -> u128 {
        self.look_up(&*self.version(), &of).balance
    }

    /// How many transactions an account has sent.
    pub fn nonce(&self, of: Address) -> u64 {
        self.look_up(&*self.version(), &of).nonce
    }

    /// The hash of an account's code, if it has any.
    pub fn code_of(&self, account: Address) -> Option<Hash> {
        self.look_up(&*self.version(), &account).code
    }

    /// The state now. It stays, whatever the chain does; nothing is kept when it is dropped.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.state.clone())
    }

    /// Goes back to a snapshot of this chain, or forward.
    pub fn restore(&mut self, to: &Snapshot) {
        self.state = to.0.clone();
    }

    /// Goes on to a later block.
    pub fn advance(&mut self, by: Step) -> &mut Self {
        let block = &mut self.state.block;
        match by {
            Step::Blocks(blocks) => block.height = block.height.saturating_add(blocks),
            Step::Time(millis) => {
                block.height = block.height.saturating_add(1);
                block.time = block.time.saturating_add(millis);
            }
        }
        self.state.index = 0;
        self
    }

    /// The height of the block.
    pub fn height(&self) -> u64 {
        self.state.block.height
    }

    /// The time of the block, in milliseconds since the start of 1970.
    pub fn time(&self) -> u64 {
        self.state.block.time
    }

    /// The state's root.
    pub fn root(&self) -> Hash {
        self.version().root().expect("a database in memory answers")
    }

    /// A hash over all receipts so far, in order.
    pub fn receipts(&self) -> Hash {
        self.state.receipts
    }

    /// What accounts, functions and events are called.
    pub fn names(&self) -> &Names {
        &self.state.names
    }

    /// The environment that executes.
    pub fn environment(&self) -> &Arc<Environment> {
        &self.environment
    }

    /// The block that transactions are in.
    pub fn block(&self) -> Block {
        self.state.block
    }

    /// How many transactions the block has so far.
    pub fn index(&self) -> u32 {
        self.state.index
    }

    /// The current version of the state.
    pub fn version(&self) -> Arc<dyn Storage> {
        self.state.database.version().expect("a database in memory answers")
    }

    /// The database, which is the chain's own: what is committed to it happens here.
    pub fn database(&self) -> &MemoryDatabase {
        &self.state.database
    }

    /// Keeps, from now on, every transaction that is executed.
    pub fn keep_history(&mut self) {
        self.history.get_or_insert_default();
    }

    /// The transactions that were kept, in order; going back to a snapshot does not remove any.
    pub fn history(&self) -> &[Applied] {
        self.history.as_deref().unwrap_or_default()
    }

    pub(crate) fn kept_history(&self) -> Option<&[Applied]> {
        self.history.as_deref()
    }

    pub(crate) fn name(&self, address: &Address) -> String {
        self.state.names.account(address)
    }

    pub(crate) fn learn(&mut self, said: &Said) {
        if let Some(function) = &said.function
            && self.state.names.function(&said.bytes) != Some(function)
        {
            Arc::make_mut(&mut self.state.names).name_function(function);
        }
    }

    /// How a call reads: `transfer(bob, 60) by alice on token`.
    pub(crate) fn title(
        &self,
        said: &Said,
        otherwise: &str,
        from: &Address,
        to: &Address,
        value: u128,
    ) -> String {
        let what = match (&said.function, said.bytes.as_slice()) {
            (None, []) => format!("{otherwise}()"),
            _ => self.state.names.call(said),
        };
        let with = if value == 0 { String::new() } else { format!(" with {value}") };
        format!("{what} by {} on {}{with}", self.name(from), self.name(to))
    }

    /// The transaction that an action would be.
    pub(crate) fn transaction(&self, sender: Address, gas_limit: u64, action: Action) -> Tx {
        Tx { chain: self.state.block.chain, sender, nonce: self.nonce(sender), gas_limit, action }
    }

    /// Executes a transaction and commits what it changed.
    pub(crate) fn apply(
        &mut self,
        sender: Address,
        gas: u64,
        action: Action,
        title: String,
        said: &Said,
    ) -> Result<Attempt> {
        let tx = self.transaction(sender, gas, action);
        let before = self.version();
        let (block, index) = (self.state.block, self.state.index);
        let executed = match engine::execute(&self.environment, &*before, &block, index, &tx, &title)? {
            Ok(executed) => executed,
            Err(rejected) => return Ok(Attempt::Rejected(rejected)),
        };
        if self.every {
            engine::compare_all(&*before, &block, index, &tx, &executed, &title)?;
        }
        let root = self.commit(&*before, &executed.changes)?;
        self.state.index = index.saturating_add(1);
        let receipts = [&self.state.receipts.0[..], &executed.receipt.hash().0].concat();
        self.state.receipts = code_hash(&receipts);
        if let Some(history) = &mut self.history {
            history.push(Applied { block, index, tx: tx.clone(), executed: executed.clone(), root });
        }
        Ok(Attempt::Executed(Box::new(Outcome::new(
            Arc::clone(&self.environment),
            Arc::clone(&self.state.names),
            before,
            (block, index, tx),
            executed,
            title,
            said.function.clone(),
        ))))
    }

    fn commit(&mut self, before: &dyn Storage, changes: &Changes) -> Result<Hash> {
        // Snapshots and clones hold databases of their own.
        let committed = self.state.database.commit(&before.root()?, changes);
        committed.map_err(|error| Failure::fault(error.to_string()))
    }

    fn look_up(&self, version: &dyn Storage, address: &Address) -> Account {
        version.account(address).expect("a database in memory answers").unwrap_or_default()
    }

    /// The backend that executes.
    pub fn backend(&self) -> Backend {
        self.backend
    }
}

impl Attempt {
    pub(crate) fn executed(self) -> Result<Outcome> {
        match self {
            Attempt::Executed(outcome) => Ok(*outcome),
            Attempt::Rejected(rejected) => {
                Err(Failure::expectation(format!("the transaction is rejected: {rejected}")))
            }
        }
    }
}

/// The storage of an account, as it was when it was asked for.
pub struct StorageOf<'c> {
    of: Address,
    version: Arc<dyn Storage>,
    chain: PhantomData<&'c Chain>,
}

impl StorageOf<'_> {
    /// The value of a key, which is the SCALE of this one: `("allowance", alice, bob)`.
    ///
    /// # Errors
    /// When the value is no `V`.
    #[track_caller]
    pub fn get<V: DecodeAll>(&self, key: impl Encode + Debug) -> Result<Option<V>> {
        let place = std::panic::Location::caller();
        let Some(bytes) = self.raw(&key.encode()) else { return Ok(None) };
        V::decode_all(&mut &bytes[..]).map(Some).map_err(|error| {
            let bytes = crate::text::short_hex(&bytes);
            Failure::expectation(format!("the value of {key:?} is {bytes}, and not of this type: {error}"))
                .at(place)
        })
    }

    /// The bytes of a key of bytes.
    pub fn raw(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.version.get(&self.of, key).expect("a database in memory answers")
    }

    /// Every key that begins so, in order.
    pub fn keys(&self, prefix: &[u8]) -> Vec<Vec<u8>> {
        let mut keys: Vec<Vec<u8>> = Vec::new();
        loop {
            let from = keys.last().map(Vec::as_slice);
            match self.version.seek(&self.of, prefix, from, Order::Ascending) {
                Ok(Some(key)) => keys.push(key),
                _ => return keys,
            }
        }
    }
}
