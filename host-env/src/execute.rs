//! Execution of transactions.
//!
//! Owns the order of a transaction: what cannot start is rejected; everything else raises the sender's nonce, pays, acts,
//! and ends in a receipt. It reads one version of the state and writes nothing.

use crate::environment::Environment;
use crate::frame::{self, Ended, Ending, Entry, Export};
use crate::observe::Observer;
use crate::receipt::{Misuse, RECEIPT_VERSION, Receipt, Status};
use crate::session::{DebugText, Session};
use crate::state::{Changes, Storage};
use crate::transaction::{Action, Block, Tx};
use crate::types::{Address, Hash, code_hash, created_address};
use codec::Encode;
use lockstep_vm::{Error, ErrorKind, Fault, Profile, ProfileOptions, Trap, TrapError};

/// The most gas that a transaction can have.
const GAS_MAX: u64 = i64::MAX as u64;

/// A transaction that was executed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Executed {
    /// What it did: consensus.
    pub receipt: Receipt,
    /// What it changed: consensus, by its hash in the receipt.
    pub changes: Changes,
    /// More about it, for people. Never part of consensus.
    pub report: Report,
}

/// What people may want to know of a transaction. Never part of consensus.
#[derive(Clone, Default, Debug)]
#[non_exhaustive]
pub struct Report {
    /// The trap that ended it, with a backtrace.
    pub trap: Option<TrapError>,
    /// Why an upload was refused.
    pub refused: Option<String>,
    /// What contracts said, those of undone frames too.
    pub debug: Vec<DebugText>,
    /// Whose gas it was, where it was [asked for](Environment::execute_profiled): its sum is the receipt's `gas_used`.
    pub profile: Option<Profile>,
}

/// Why a transaction cannot start. There is no receipt, and it does not belong into a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Rejected {
    /// It is for another chain.
    #[error("the transaction is for chain {found}, and this is {expected}")]
    Chain {
        /// The block's chain.
        expected: u64,
        /// The transaction's.
        found: u64,
    },
    /// It is not the sender's next one.
    #[error("the transaction has nonce {found}, and the sender's next is {expected}")]
    Nonce {
        /// The sender's next.
        expected: u64,
        /// The transaction's.
        found: u64,
    },
    /// Its gas does not pay for its being there, or is more than there can be.
    #[error("the gas limit is {found}, and must be from {expected} to 2^63 - 1")]
    Gas {
        /// The least for this transaction.
        expected: u64,
        /// The transaction's.
        found: u64,
    },
    /// The sender does not own what it sends.
    #[error("the sender owns {found}, and the transaction sends {expected}")]
    Balance {
        /// What it sends.
        expected: u128,
        /// What the sender owns.
        found: u128,
    },
}

/// Why there is no receipt.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecuteError {
    /// The transaction cannot start.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// The node failed: nothing is known of the transaction.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<Error> for ExecuteError {
    fn from(error: Error) -> Self {
        ExecuteError::Fault(match error.into_kind() {
            ErrorKind::Fault(fault) => fault,
            other => Fault::new(Error::from(other)),
        })
    }
}

/// How an action ended, with the gas left.
struct Done {
    ending: Ending,
    gas_left: u64,
    created: Option<Address>,
}

impl Environment {
    /// Executes a transaction, the `index`th of its block, on a version of the state. Pure: the same for every replica,
    /// engine and machine, and nothing is written; the changes are for the caller to commit.
    ///
    /// ```
    /// use lockstep_host_env::*;
    ///
    /// let environment = Environment::new(&lockstep_vm::Engine::default())?;
    /// let database = MemoryDatabase::new();
    /// let state = database.version()?;
    /// let code = wat::parse_str(r#"(module (func (export "call")))"#)?;
    /// let block = Block { chain: 1, height: 7, time: 0 };
    /// let tx = Tx {
    ///     chain: 1,
    ///     sender: Address([1; 32]),
    ///     nonce: 0,
    ///     gas_limit: 1_000_000,
    ///     action: Action::Upload { code },
    /// };
    /// let executed = environment.execute(&*state, &block, 0, &tx)?;
    /// assert_eq!(executed.receipt.status, Status::Ok);
    /// database.commit(&state.root()?, &executed.changes)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Rejected`] when it cannot start; a fault when the node failed.
    pub fn execute(
        &self,
        storage: &dyn Storage,
        block: &Block,
        index: u32,
        tx: &Tx,
    ) -> Result<Executed, ExecuteError> {
        self.execute_with(storage, block, index, tx, None, None)
    }

    /// As [`execute`](Self::execute), while somebody looks on: the outcome is the same.
    ///
    /// # Errors
    /// As [`execute`](Self::execute).
    pub fn execute_observed(
        &self,
        storage: &dyn Storage,
        block: &Block,
        index: u32,
        tx: &Tx,
        observer: &dyn Observer,
    ) -> Result<Executed, ExecuteError> {
        self.execute_with(storage, block, index, tx, Some(observer), None)
    }

    /// As [`execute`](Self::execute), noting whose gas it was: the outcome is the same, and the report has a
    /// [profile](Report::profile), as a tree of what the transaction pays itself, frames by account and export, guest
    /// functions and host functions. The interpreter executes, whatever the backend.
    ///
    /// # Errors
    /// As [`execute`](Self::execute).
    pub fn execute_profiled(
        &self,
        storage: &dyn Storage,
        block: &Block,
        index: u32,
        tx: &Tx,
        options: ProfileOptions,
    ) -> Result<Executed, ExecuteError> {
        self.execute_with(storage, block, index, tx, None, Some(options))
    }

    fn execute_with(
        &self,
        storage: &dyn Storage,
        block: &Block,
        index: u32,
        tx: &Tx,
        observer: Option<&dyn Observer>,
        profile: Option<ProfileOptions>,
    ) -> Result<Executed, ExecuteError> {
        let mut session = Session::new(*block, tx.sender);
        let gas = self.start(storage, &session, tx)?;
        if let Some(options) = profile {
            session.start_profile(options);
            session.note_gas("transaction", self.intrinsic_gas(tx));
        }
        let mut sender = session.account(storage, &tx.sender).map_err(Error::from)?;
        // The nonce was compared, and the greatest is refused.
        sender.nonce += 1;
        session.journal.set_account(tx.sender, sender);
        let checkpoint = session.journal.checkpoint();

        let mut report = Report::default();
        let done = self.act(storage, &mut session, tx, gas, &mut report, observer)?;
        let (status, output) = match done.ending {
            Ending::Ok(output) => (Status::Ok, output),
            Ending::Reverted(data) => (Status::Reverted, data),
            Ending::Misuse(misuse) => (Status::Misuse(misuse), Vec::new()),
            Ending::OutOfGas => (Status::Trapped(Trap::OutOfGas), Vec::new()),
            Ending::Trapped(trap) => {
                let kind = trap.trap();
                report.trap = Some(trap);
                (Status::Trapped(kind), Vec::new())
            }
        };
        match status {
            Status::Ok => session.journal.keep(checkpoint),
            _ => session.journal.rollback(checkpoint),
        }
        report.debug = session.take_debug();
        report.profile = session.profile.take();
        let (changes, events) = session.journal.finish(storage).map_err(Error::from)?;
        let receipt = Receipt {
            version: RECEIPT_VERSION,
            fingerprint: self.fingerprint(),
            tx: tx.hash(),
            height: block.height,
            index,
            status,
            gas_limit: tx.gas_limit,
            gas_used: tx.gas_limit - done.gas_left,
            output,
            created: done.created.filter(|_| status == Status::Ok),
            events,
            changes: changes.hash(),
        };
        Ok(Executed { receipt, changes, report })
    }

    /// The gas that a transaction costs before it does anything: a base, and so much for each byte of it and of the code
    /// it uploads.
    pub fn intrinsic_gas(&self, tx: &Tx) -> u64 {
        let schedule = self.schedule();
        let bytes = tx.encoded_size() as u64;
        let uploaded = match &tx.action {
            Action::Upload { code } => code.len() as u64,
            Action::Transfer { .. } | Action::Call { .. } | Action::Create { .. } => 0,
        };
        // Prices are below 2^24, and no transaction in memory has 2^38 bytes.
        u64::from(schedule.transaction)
            .saturating_add(u64::from(schedule.transaction_byte).saturating_mul(bytes))
            .saturating_add(u64::from(schedule.upload_byte).saturating_mul(uploaded))
    }

    /// Whether a transaction can start; what is left of its gas.
    fn start(&self, storage: &dyn Storage, session: &Session, tx: &Tx) -> Result<u64, ExecuteError> {
        let chain = session.block.chain;
        if tx.chain != chain {
            return Err(Rejected::Chain { expected: chain, found: tx.chain }.into());
        }
        let sender = session.account(storage, &tx.sender).map_err(Error::from)?;
        if tx.nonce != sender.nonce || tx.nonce == u64::MAX {
            return Err(Rejected::Nonce { expected: sender.nonce, found: tx.nonce }.into());
        }
        let intrinsic = self.intrinsic_gas(tx);
        let left = tx.gas_limit.checked_sub(intrinsic).filter(|_| tx.gas_limit <= GAS_MAX);
        let Some(left) = left else {
            return Err(Rejected::Gas { expected: intrinsic, found: tx.gas_limit }.into());
        };
        let sent = tx.action.value();
        if sender.balance < sent {
            return Err(Rejected::Balance { expected: sent, found: sender.balance }.into());
        }
        Ok(left)
    }

    fn act(
        &self,
        storage: &dyn Storage,
        session: &mut Session,
        tx: &Tx,
        gas: u64,
        report: &mut Report,
        observer: Option<&dyn Observer>,
    ) -> Result<Done, Error> {
        let first = First { environment: self, storage, observer, sender: tx.sender };
        match &tx.action {
            Action::Transfer { to, amount } => first.transfer(session, gas, to, *amount),
            Action::Call { to, value, input } => first.call(session, gas, to, *value, input),
            Action::Upload { code } => first.upload(session, gas, code, report),
            Action::Create { code_hash, salt, value, input } => {
                first.create(session, gas, code_hash, salt, *value, input)
            }
        }
    }
}

/// What a transaction does itself, by the rules that nested calls have.
struct First<'a> {
    environment: &'a Environment,
    storage: &'a dyn Storage,
    observer: Option<&'a dyn Observer>,
    sender: Address,
}

impl First<'_> {
    fn transfer(&self, session: &mut Session, gas: u64, to: &Address, amount: u128) -> Result<Done, Error> {
        let is_new = amount != 0 && session.account(self.storage, to)?.unless_empty().is_none();
        let price = if is_new { self.environment.schedule().new_entry.into() } else { 0 };
        let Some(gas_left) = pay(session, "new account", gas, price) else { return Ok(out_of_gas()) };
        if !session.transfer(self.storage, &self.sender, to, amount)? {
            return Ok(misuse(Misuse::BadArgument, gas_left));
        }
        Ok(Done { ending: Ending::Ok(Vec::new()), gas_left, created: None })
    }

    fn call(
        &self,
        session: &mut Session,
        gas: u64,
        to: &Address,
        value: u128,
        input: &[u8],
    ) -> Result<Done, Error> {
        if input.len() > self.environment.limits().data as usize {
            return Ok(misuse(Misuse::LimitExceeded, gas));
        }
        let code = session.account(self.storage, to)?.code;
        let Some((code, len)) = self.with_len(code)? else {
            return Ok(misuse(Misuse::BadArgument, gas));
        };
        let price = self.price(value, len);
        let Some(gas) = pay(session, "code and value", gas, price) else { return Ok(out_of_gas()) };
        self.run(
            session,
            gas,
            Entry {
                account: *to,
                caller: self.sender,
                value,
                is_static: false,
                code,
                export: Export::Call,
                input: input.to_vec(),
            },
        )
    }

    fn create(
        &self,
        session: &mut Session,
        gas: u64,
        code: &Hash,
        salt: &[u8; 32],
        value: u128,
        input: &[u8],
    ) -> Result<Done, Error> {
        if input.len() > self.environment.limits().data as usize {
            return Ok(misuse(Misuse::LimitExceeded, gas));
        }
        let Some((code, len)) = self.with_len(Some(*code))? else {
            return Ok(misuse(Misuse::BadArgument, gas));
        };
        let address = created_address(session.block.chain, &self.sender, &code, salt);
        let mut account = session.account(self.storage, &address)?;
        if !account.is_free() {
            return Ok(misuse(Misuse::BadArgument, gas));
        }
        let price = self.price(value, len) + u64::from(self.environment.schedule().new_entry);
        let Some(gas) = pay(session, "new account, code and value", gas, price) else {
            return Ok(out_of_gas());
        };
        account.code = Some(code);
        session.journal.set_account(address, account);
        let done = self.run(
            session,
            gas,
            Entry {
                account: address,
                caller: self.sender,
                value,
                is_static: false,
                code,
                export: Export::Deploy,
                input: input.to_vec(),
            },
        )?;
        Ok(Done { created: Some(address), ..done })
    }

    /// The bytes have been paid for.
    fn upload(
        &self,
        session: &mut Session,
        gas_left: u64,
        code: &[u8],
        report: &mut Report,
    ) -> Result<Done, Error> {
        let hash = code_hash(code);
        if !self.environment.is_accepted(&hash) {
            match self.environment.check_upload(code)? {
                Ok(module) => drop(self.environment.keep(hash, &module, true)?),
                Err(refused) => {
                    report.refused = Some(refused.to_string());
                    return Ok(misuse(Misuse::BadArgument, gas_left));
                }
            }
        }
        session.journal.add_code(self.storage, hash, code)?;
        Ok(Done { ending: Ending::Ok(hash.0.to_vec()), gas_left, created: None })
    }

    fn with_len(&self, code: Option<Hash>) -> Result<Option<(Hash, u32)>, Error> {
        let Some(code) = code else { return Ok(None) };
        Ok(self.storage.code_len(&code)?.map(|len| (code, len)))
    }

    /// What a frame costs before it begins.
    fn price(&self, value: u128, code_len: u32) -> u64 {
        let schedule = self.environment.schedule();
        let value = if value == 0 { 0 } else { u64::from(schedule.value) };
        value + u64::from(schedule.code) * u64::from(code_len)
    }

    fn run(&self, session: &mut Session, gas: u64, entry: Entry) -> Result<Done, Error> {
        if !session.transfer(self.storage, &entry.caller, &entry.account, entry.value)? {
            return Ok(misuse(Misuse::BadArgument, gas));
        }
        let Ended { ending, gas_left, profile } =
            *frame::run(self.environment, self.storage, session, self.observer, Box::new(entry), gas)?;
        if let (Some(whole), Some(frame)) = (&mut session.profile, profile) {
            whole.append(&[&frame.label], &frame.profile);
        }
        Ok(Done { ending, gas_left, created: None })
    }
}

/// Pays a price out of gas and answers what is left. Where there is less, all of it is gone.
fn pay(session: &mut Session, what: &str, gas: u64, price: u64) -> Option<u64> {
    session.note_gas(what, price.min(gas));
    gas.checked_sub(price)
}

fn misuse(misuse: Misuse, gas_left: u64) -> Done {
    Done { ending: Ending::Misuse(misuse), gas_left, created: None }
}

fn out_of_gas() -> Done {
    Done { ending: Ending::OutOfGas, gas_left: 0, created: None }
}
