//! Outcomes of transactions, and what is expected of them.
//!
//! Owns the words of a failed expectation. What happened inside is found out by executing the transaction once more, with
//! an observer.

use crate::failure::{Failure, Result};
use crate::input::sha256;
use crate::names::Names;
use crate::text::{grouped, hex};
use crate::trace::{Trace, Tracer};
use codec::{DecodeAll, Encode};
use lockstep_host_env::{Address, Block, Environment, Event, Executed, Receipt, Status, Storage, Tx};
use lockstep_vm::{Profile, ProfileOptions};
use std::fmt::{self, Debug};
use std::panic::Location;
use std::sync::Arc;

/// A transaction that was executed.
#[derive(Clone)]
pub struct Outcome {
    environment: Arc<Environment>,
    names: Arc<Names>,
    before: Arc<dyn Storage>,
    at: (Block, u32, Tx),
    executed: Executed,
    title: String,
    function: Option<String>,
}

impl Outcome {
    pub(crate) fn new(
        environment: Arc<Environment>,
        names: Arc<Names>,
        before: Arc<dyn Storage>,
        at: (Block, u32, Tx),
        executed: Executed,
        title: String,
        function: Option<String>,
    ) -> Outcome {
        Outcome { environment, names, before, at, executed, title, function }
    }

    /// The receipt.
    pub fn receipt(&self) -> &Receipt {
        &self.executed.receipt
    }

    /// Receipt, changes and report.
    pub fn executed(&self) -> &Executed {
        &self.executed
    }

    /// How it ended.
    pub fn status(&self) -> Status {
        self.receipt().status
    }

    /// The gas it used.
    pub fn gas_used(&self) -> u64 {
        self.receipt().gas_used
    }

    /// The state before it.
    pub fn before(&self) -> &Arc<dyn Storage> {
        &self.before
    }

    /// Its block, and its place in it.
    pub fn block(&self) -> (Block, u32) {
        (self.at.0, self.at.1)
    }

    /// What executed it.
    pub fn environment(&self) -> &Arc<Environment> {
        &self.environment
    }

    /// The transaction.
    pub fn tx(&self) -> &Tx {
        &self.at.2
    }

    /// How it reads: `transfer(bob, 60) by alice on token`.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The function that was called, where it was called by name.
    pub fn function(&self) -> Option<&str> {
        self.function.as_deref()
    }

    pub(crate) fn refused(&self) -> Option<&str> {
        self.executed.report.refused.as_deref()
    }

    /// What it answered.
    ///
    /// # Errors
    /// When the output is no `T`.
    #[track_caller]
    pub fn output<T: DecodeAll>(&self) -> Result<T> {
        let output = &self.receipt().output;
        T::decode_all(&mut &output[..]).map_err(|error| {
            let text = format!(
                "the output {} is not of the type {}: {error}",
                self.names.value(output),
                short::<T>()
            );
            self.fail(text).at(Location::caller())
        })
    }

    /// The only event of this account with this name.
    ///
    /// # Errors
    /// When there is none, or more than one.
    #[track_caller]
    pub fn event(&self, account: Address, name: &str) -> Result<EventOf<'_>> {
        let mut found = self.events_of(account, name);
        let account = self.names.account(&account);
        match (found.next(), found.count()) {
            (Some(event), 0) => Ok(EventOf { event, outcome: self, name: name.to_owned() }),
            (Some(_), more) => {
                let text = format!("expected one event {name} of {account}, got {}", more + 1);
                Err(self.fail(text).at(Location::caller()))
            }
            (None, _) => {
                let text =
                    format!("expected an event {name} of {account}, got {}", self.describe_events(name));
                Err(self.fail(text).at(Location::caller()))
            }
        }
    }

    /// The events of this account with this name, in order.
    pub fn events_of<'o>(&'o self, account: Address, name: &str) -> impl Iterator<Item = &'o Event> {
        let topic = sha256(name);
        self.receipt()
            .events
            .iter()
            .filter(move |event| event.account == account && event.topics.first() == Some(&topic))
    }

    /// Expects so many events in all.
    ///
    /// # Errors
    /// When there are more or less.
    #[track_caller]
    pub fn event_count(&self, count: usize) -> Result<&Self> {
        match self.receipt().events.len() {
            found if found == count => Ok(self),
            _ => {
                let text = format!("expected {count} events, got {}", self.describe_events(""));
                Err(self.fail(text).at(Location::caller()))
            }
        }
    }

    /// Expects that it used no more gas than this.
    ///
    /// # Errors
    /// When it used more.
    #[track_caller]
    pub fn gas_at_most(&self, gas: u64) -> Result<&Self> {
        if self.gas_used() <= gas {
            return Ok(self);
        }
        let text = format!("expected at most {} gas, got {}", grouped(gas), grouped(self.gas_used()));
        Err(self.fail(text).at(Location::caller()))
    }

    /// What contracts said by `debug`.
    pub fn debug(&self) -> impl Iterator<Item = &str> {
        self.executed.report.debug.iter().map(|said| said.text.as_str())
    }

    /// What it did, frame by frame. It is executed once more for that.
    ///
    /// # Errors
    /// When the node fails, which it did not before.
    pub fn trace(&self) -> Result<Trace> {
        let tracer = Tracer::default();
        let (block, index, tx) = &self.at;
        let again = self.environment.execute_observed(&*self.before, block, *index, tx, &tracer);
        let again = again.map_err(|error| Failure::fault(error.to_string()))?;
        match again.receipt == *self.receipt() {
            true => {
                let mut trace = tracer.into_trace();
                trace.learn(&*self.before);
                Ok(trace)
            }
            false => Err(Failure::fault("executed once more, the transaction had another receipt")),
        }
    }

    /// Whose gas it was: a profile whose sum is [`gas_used`](Self::gas_used). It is executed once more for that.
    ///
    /// # Errors
    /// When the node fails, which it did not before.
    pub fn profile(&self, options: ProfileOptions) -> Result<Profile> {
        let (block, index, tx) = &self.at;
        let again = self.environment.execute_profiled(&*self.before, block, *index, tx, options);
        let again = again.map_err(|error| Failure::fault(error.to_string()))?;
        match again.report.profile {
            Some(profile) if again.receipt == *self.receipt() => Ok(profile),
            _ => Err(Failure::fault("executed once more, the transaction had another receipt")),
        }
    }

    /// The names that its texts use.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// How it ended, in words.
    pub fn ending(&self) -> String {
        let receipt = self.receipt();
        match receipt.status {
            Status::Ok => match receipt.output.as_slice() {
                [] => String::from("ok"),
                output => format!("ok {}", self.names.value(output)),
            },
            Status::Reverted => format!("reverted {}", self.names.value(&receipt.output)),
            Status::Trapped(trap) => format!("trapped: {trap}"),
            Status::Misuse(misuse) => match self.refused() {
                Some(why) => format!("misuse: {misuse}: {why}"),
                None => format!("misuse: {misuse}"),
            },
        }
    }

    pub(crate) fn expect_status(&self, status: Status) -> Result {
        if self.status() == status {
            return Ok(());
        }
        Err(self.unexpected(&match status {
            Status::Ok => String::from("ok"),
            Status::Reverted => String::from("reverted"),
            Status::Trapped(trap) => format!("trapped: {trap}"),
            Status::Misuse(misuse) => format!("misuse: {misuse}"),
        }))
    }

    pub(crate) fn expect_revert(&self, reason: &str) -> Result {
        let data = &self.receipt().output;
        let same = data == reason.as_bytes() || *data == reason.encode();
        match self.status() == Status::Reverted && same {
            true => Ok(()),
            false => Err(self.unexpected(&format!("reverted {reason:?}"))),
        }
    }

    /// It ended in another way than this.
    pub(crate) fn unexpected(&self, expected: &str) -> Failure {
        let mut text = format!("expected {expected}, got {}", self.ending());
        text.push_str(&format!(
            "     gas {} of {}",
            grouped(self.gas_used()),
            grouped(self.receipt().gas_limit)
        ));
        if self.status() != Status::Ok
            && let Ok(trace) = self.trace()
        {
            text.push('\n');
            text.push_str(trace.failure(&self.names, &*self.before).trim_end());
        }
        self.fail(text)
    }

    /// A failure of this transaction.
    pub(crate) fn fail(&self, text: impl fmt::Display) -> Failure {
        let mut text = format!("{}: {text}", self.title);
        for said in self.debug().take(8) {
            text.push_str(&format!("\n  debug  {}", crate::text::line(said, 200)));
        }
        Failure::expectation(text)
    }

    fn describe_events(&self, expected: &str) -> String {
        let topic = sha256(expected);
        let one = |event: &Event| {
            let name = match event.topics.first() {
                Some(first) if *first == topic => expected.to_owned(),
                Some(first) => self
                    .names
                    .event(&[*first])
                    .map_or_else(|| format!("0x{}..", hex(&first[..3])), str::to_owned),
                None => String::from("event"),
            };
            format!("{name}({}) of {}", self.names.value(&event.data), self.names.account(&event.account))
        };
        match self.receipt().events.as_slice() {
            [] => String::from("no event"),
            events => events.iter().map(one).collect::<Vec<_>>().join(", "),
        }
    }
}

impl Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.title, self.ending())
    }
}

/// An event of a transaction.
#[derive(Debug)]
pub struct EventOf<'o> {
    event: &'o Event,
    outcome: &'o Outcome,
    name: String,
}

impl EventOf<'_> {
    /// Expects this data.
    ///
    /// # Errors
    /// When it is other data.
    #[track_caller]
    pub fn is(&self, data: impl Encode + Debug) -> Result<&Self> {
        if self.event.data == data.encode() {
            return Ok(self);
        }
        let names = &self.outcome.names;
        let expected = names.argument(&format!("{data:?}"));
        let text =
            format!("expected event {} with {expected}, got {}", self.name, names.value(&self.event.data));
        Err(self.outcome.fail(text).at(Location::caller()))
    }

    /// Expects these topics behind the name's.
    ///
    /// # Errors
    /// When it has others.
    #[track_caller]
    pub fn topics(&self, topics: &[Address]) -> Result<&Self> {
        let found = self.event.topics.get(1..).unwrap_or_default();
        if found.iter().eq(topics.iter().map(|topic| &topic.0)) {
            return Ok(self);
        }
        let named = |topics: &mut dyn Iterator<Item = Address>| {
            topics.map(|topic| self.outcome.names.account(&topic)).collect::<Vec<_>>().join(", ")
        };
        let (expected, got) =
            (named(&mut topics.iter().copied()), named(&mut found.iter().copied().map(Address)));
        let text = format!("expected event {} with the topics [{expected}], got [{got}]", self.name);
        Err(self.outcome.fail(text).at(Location::caller()))
    }

    /// The event.
    pub fn event(&self) -> &Event {
        self.event
    }
}

/// The last part of a type's name.
fn short<T>() -> &'static str {
    let name = std::any::type_name::<T>();
    match name.contains('<') {
        true => name,
        false => name.rsplit("::").next().unwrap_or(name),
    }
}
