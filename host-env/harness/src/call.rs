//! Calls, and what is expected of them.
//!
//! Owns the builder. A call is executed by saying what it is to do. It must not know how a failure reads.

use crate::chain::{Attempt, Chain, DEFAULT_GAS};
use crate::engine;
use crate::failure::{Failure, Result};
use crate::input::Said;
use crate::outcome::Outcome;
use lockstep_host_env::{Action, Address, Executed, Misuse, Rejected as HostRejected, Status};
use lockstep_vm::Trap;
use std::panic::Location;

/// A call that has not been executed.
#[must_use = "a call is executed by what is expected of it: `ok`, `reverts_with`, `traps`, `rejected` or `run`"]
pub struct Call<'c> {
    chain: &'c mut Chain,
    from: Address,
    to: Address,
    said: Said,
    gas: u64,
    value: u128,
}

/// Why a transaction cannot start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Rejected {
    /// It is for another chain.
    Chain,
    /// It is not the sender's next.
    Nonce,
    /// Its gas does not pay for its being there.
    Gas,
    /// The sender does not own what it sends.
    Balance,
}

impl Rejected {
    /// Its kind.
    pub fn of(rejected: &HostRejected) -> Option<Rejected> {
        match rejected {
            HostRejected::Chain { .. } => Some(Rejected::Chain),
            HostRejected::Nonce { .. } => Some(Rejected::Nonce),
            HostRejected::Gas { .. } => Some(Rejected::Gas),
            HostRejected::Balance { .. } => Some(Rejected::Balance),
            _ => None,
        }
    }
}

impl<'c> Call<'c> {
    pub(crate) fn new(chain: &'c mut Chain, from: Address, to: Address, said: Said) -> Call<'c> {
        chain.learn(&said);
        Call { chain, from, to, said, gas: DEFAULT_GAS, value: 0 }
    }

    /// The gas it may use; 100,000,000 where nothing is said.
    pub fn gas(mut self, gas: u64) -> Self {
        self.gas = gas;
        self
    }

    /// The amount that goes with it.
    pub fn value(mut self, value: u128) -> Self {
        self.value = value;
        self
    }

    /// Expects it to end well.
    ///
    /// # Errors
    /// When it does not.
    #[track_caller]
    pub fn ok(self) -> Result<Outcome> {
        self.ends(Status::Ok, Location::caller())
    }

    /// Expects it to revert with this text, or SCALE of it.
    ///
    /// # Errors
    /// When it does not.
    #[track_caller]
    pub fn reverts_with(self, reason: &str) -> Result<Outcome> {
        let place = Location::caller();
        let outcome = self.execute().map_err(|failure| failure.at(place))?;
        outcome.expect_revert(reason).map_err(|failure| failure.at(place))?;
        Ok(outcome)
    }

    /// Expects it to trap in this way.
    ///
    /// # Errors
    /// When it does not.
    #[track_caller]
    pub fn traps(self, trap: Trap) -> Result<Outcome> {
        self.ends(Status::Trapped(trap), Location::caller())
    }

    /// Expects it to misuse the host in this way.
    ///
    /// # Errors
    /// When it does not.
    #[track_caller]
    pub fn misuses(self, misuse: Misuse) -> Result<Outcome> {
        self.ends(Status::Misuse(misuse), Location::caller())
    }

    /// Expects that it cannot start.
    ///
    /// # Errors
    /// When it can, or cannot for another reason.
    #[track_caller]
    pub fn rejected(self, why: Rejected) -> Result {
        let place = Location::caller();
        let title = self.title();
        let failure = match self.attempt().map_err(|failure| failure.at(place))? {
            Attempt::Rejected(rejected) if Rejected::of(&rejected) == Some(why) => return Ok(()),
            Attempt::Rejected(rejected) => {
                Failure::expectation(format!("{title}: expected rejected for its {why:?}, got: {rejected}"))
            }
            Attempt::Executed(outcome) => outcome.unexpected(&format!("rejected for its {why:?}")),
        };
        Err(failure.at(place))
    }

    /// Executes it, whatever it does.
    ///
    /// # Errors
    /// When it cannot start.
    #[track_caller]
    pub fn run(self) -> Result<Outcome> {
        let place = Location::caller();
        self.execute().map_err(|failure| failure.at(place))
    }

    /// Executes it on every engine of this machine; the chain goes on with what its own did.
    ///
    /// # Errors
    /// When it cannot start.
    #[track_caller]
    pub fn on_every_engine(self) -> Result<EveryEngine> {
        let place = Location::caller();
        let tx = self.chain.transaction(self.from, self.gas, self.action());
        let (before, block, index) = (self.chain.version(), self.chain.block(), self.chain.index());
        let title = self.title();
        let others = engine::backends()
            .into_iter()
            .map(|(name, backend)| {
                let environment = engine::environment(backend)?;
                let executed = engine::execute(&environment, &*before, &block, index, &tx, &title)?;
                executed.map(|executed| (name, executed)).map_err(|rejected| {
                    Failure::expectation(format!("{title}: the transaction is rejected: {rejected}"))
                })
            })
            .collect::<Result<Vec<_>>>()
            .map_err(|failure| failure.at(place))?;
        let outcome = self.execute().map_err(|failure| failure.at(place))?;
        Ok(EveryEngine { outcome, others })
    }

    pub(crate) fn execute(self) -> Result<Outcome> {
        let title = self.title();
        match self.attempt()? {
            Attempt::Executed(outcome) => Ok(*outcome),
            Attempt::Rejected(rejected) => {
                Err(Failure::expectation(format!("{title}: the transaction is rejected: {rejected}")))
            }
        }
    }

    pub(crate) fn attempt(self) -> Result<Attempt> {
        let (title, action) = (self.title(), self.action());
        self.chain.apply(self.from, self.gas, action, title, &self.said)
    }

    fn ends(self, status: Status, place: &Location<'_>) -> Result<Outcome> {
        let outcome = self.execute().map_err(|failure| failure.at(place))?;
        outcome.expect_status(status).map_err(|failure| failure.at(place))?;
        Ok(outcome)
    }

    fn action(&self) -> Action {
        Action::Call { to: self.to, value: self.value, input: self.said.bytes.clone() }
    }

    fn title(&self) -> String {
        self.chain.title(&self.said, "call", &self.from, &self.to, self.value)
    }
}

/// A call that every engine executed.
#[must_use = "say `same_receipt`"]
#[derive(Debug)]
pub struct EveryEngine {
    outcome: Outcome,
    others: Vec<(&'static str, Executed)>,
}

impl EveryEngine {
    /// Expects that all receipts are the same to the byte, and so are all changes.
    ///
    /// # Errors
    /// The first engine that differs, and in what.
    #[track_caller]
    pub fn same_receipt(&self) -> Result {
        let place = Location::caller();
        self.others.iter().try_for_each(|(name, executed)| {
            engine::compare(name, executed, self.outcome.executed(), self.outcome.title())
                .map_err(|failure| failure.at(place))
        })
    }

    /// What the chain's own engine did.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// The engines that executed it.
    pub fn engines(&self) -> impl ExactSizeIterator<Item = &'static str> {
        self.others.iter().map(|(name, _)| *name)
    }
}
