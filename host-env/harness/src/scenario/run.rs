//! Playing a scenario on a chain.
//!
//! Owns what each step does and how it is compared with what was expected. What differs is a finding, which knows what
//! would have to be written instead. It must not know files or terminals.

use super::error::ScenarioError;
use super::expect::{MISUSES, REJECTED};
use super::step::{Action, Check, EntryValue, Event, Expect, Scenario, Step};
use super::update;
use super::value::{Value, guessed};
use crate::call::{Call, Rejected};
use crate::chain::{Attempt, Chain, DEFAULT_GAS};
use crate::code::Code;
use crate::failure::{Failure, FailureKind};
use crate::input::Said;
use crate::outcome::Outcome;
use crate::text::{grouped, hex, line};
use lockstep_host_env::replay::Recorder;
use lockstep_host_env::{Address, Database, MemoryDatabase, Status};
use lockstep_vm::Backend;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// How a scenario is played.
#[derive(Clone, Default, Debug)]
#[non_exhaustive]
pub struct Options {
    /// What executes, whatever the scenario says.
    pub engine: Option<Backend>,
    /// Whether every transaction is kept in the chain's history.
    pub history: bool,
}

impl Options {
    /// On this engine.
    pub fn on(engine: Backend) -> Options {
        Options { engine: Some(engine), history: false }
    }

    /// Keeps every transaction in the chain's history.
    pub fn with_history(self) -> Options {
        Options { history: true, ..self }
    }
}

/// A scenario that was played.
#[derive(Debug)]
#[non_exhaustive]
pub struct Played {
    /// The chain as it is now.
    pub chain: Chain,
    /// The state before the first step.
    pub genesis: MemoryDatabase,
    /// The transactions of the steps, in order.
    pub steps: Vec<PlayedStep>,
    /// What is not as expected.
    pub findings: Vec<Finding>,
    pub(super) edits: Vec<(Range<usize>, String)>,
}

/// A step that was a transaction.
#[derive(Debug)]
#[non_exhaustive]
pub struct PlayedStep {
    /// Which step, from 1; checks do not count.
    pub number: usize,
    /// Where it stands, from 1.
    pub line: usize,
    /// The contract's name, where the step deploys or calls one.
    pub contract: Option<String>,
    /// The function's name; `deploy` or `transfer`.
    pub function: String,
    /// What it did, if it could start.
    pub outcome: Option<Outcome>,
}

/// The transaction of a step, before and after.
pub type Prepared = Outcome;

/// Something that is not as expected.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Finding {
    /// Where that was expected, from 1.
    pub line: usize,
    /// What is there instead.
    pub message: String,
    /// Whether the node failed, or engines differ.
    pub is_fault: bool,
}

impl Played {
    /// A bundle of the state before the first step and of all transactions since, for a replay. Play with
    /// [`Options::with_history`].
    ///
    /// # Errors
    /// When it was played without history.
    pub fn bundle(&self) -> std::io::Result<Vec<u8>> {
        let history =
            self.chain.kept_history().ok_or_else(|| std::io::Error::other("no history was kept"))?;
        let (genesis, root) = (self.genesis.contents(), self.genesis.version().and_then(|now| now.root()));
        let (genesis, root) = (genesis.map_err(std::io::Error::other)?, root.map_err(std::io::Error::other)?);
        let mut recorder = Recorder::new(Vec::new(), self.chain.environment(), &genesis, &root)?;
        for block in history.chunk_by(|one, next| one.block == next.block) {
            recorder.begin_block(&block[0].block)?;
            for applied in block {
                recorder.transaction(&applied.tx, &applied.executed)?;
            }
            recorder.end_block(&block[block.len() - 1].root)?;
        }
        recorder.finish().map(|(bundle, _)| bundle)
    }
}

impl Scenario {
    /// Plays it to the end.
    ///
    /// # Errors
    /// When a file is missing or there is no such engine. What is not as expected is no error but a finding.
    pub fn play(&self, options: &Options) -> Result<Played, ScenarioError> {
        self.play_until(options, usize::MAX)
    }

    /// Plays it up to this step, from 1, checks not counted, and answers that step's transaction: executed, with the
    /// state before it and all that it takes to execute it again.
    ///
    /// # Errors
    /// When there is no such step, or it is no transaction that could start.
    pub fn play_to(&self, options: &Options, number: usize) -> Result<Prepared, ScenarioError> {
        let played = self.play_until(options, number)?;
        let step = played.steps.into_iter().find(|step| step.number == number);
        step.and_then(|step| step.outcome).ok_or_else(|| {
            let count = self.steps.iter().filter(|step| !matches!(step.action, Action::Check(_))).count();
            let message = format!("step {number} is no transaction that can start; there are {count} steps");
            self.error(0..0, message, "steps count from 1, checks do not count")
        })
    }

    fn play_until(&self, options: &Options, last: usize) -> Result<Played, ScenarioError> {
        let backend = options.engine.or(self.engine).unwrap_or_default();
        let mut chain = Chain::on(backend).map_err(|failure| self.error(0..0, failure.to_string(), ""))?;
        for (name, balance) in &self.accounts {
            chain.account(name, *balance);
        }
        self.learn_events(&mut chain);
        if options.history {
            chain.keep_history();
        }
        let genesis = chain.database().clone();
        let played = Played { chain, genesis, steps: Vec::new(), findings: Vec::new(), edits: Vec::new() };
        let mut player = Player { scenario: self, played, number: 0 };
        for step in &self.steps {
            if player.number >= last {
                break;
            }
            player.step(step)?;
        }
        Ok(player.played)
    }

    pub(super) fn error(&self, span: Range<usize>, message: String, help: &str) -> ScenarioError {
        let help = (!help.is_empty()).then(|| help.to_owned());
        ScenarioError::at(&self.file, &self.text, span, message, help)
    }

    fn line(&self, span: &Range<usize>) -> usize {
        self.error(span.clone(), String::new(), "").line
    }

    fn learn_events(&self, chain: &mut Chain) {
        let names = Arc::make_mut(&mut chain.state.names);
        let expected = self.steps.iter().filter_map(|step| step.expect.events.as_ref()?.value.as_ref());
        expected.flatten().filter_map(|event| event.name.as_deref()).for_each(|name| names.name_event(name));
    }

    /// The code in a file, from the scenario's folder.
    fn code(&self, file: &str, span: &Range<usize>, name: &str) -> Result<Code, ScenarioError> {
        const BYTES_MAX: u64 = 64 << 20;
        let path = self.folder.join(Path::new(file));
        let cannot = |why: String| {
            let shown = line(&path.to_string_lossy(), 200);
            self.error(
                span.clone(),
                format!("cannot read the module {shown}: {why}"),
                "give a wasm file, from this file's folder",
            )
        };
        let size = std::fs::metadata(&path).map_err(|error| cannot(error.to_string()))?.len();
        if size > BYTES_MAX {
            return Err(cannot(format!("it has {size} bytes")));
        }
        let wasm = std::fs::read(&path).map_err(|error| cannot(error.to_string()))?;
        Ok(Code::new(name.to_owned(), wasm))
    }
}

struct Player<'s> {
    scenario: &'s Scenario,
    played: Played,
    number: usize,
}

impl Player<'_> {
    fn step(&mut self, step: &Step) -> Result<(), ScenarioError> {
        if let Action::Check(check) = &step.action {
            self.check(check, &step.span);
            return Ok(());
        }
        self.number += 1;
        let chain = &mut self.played.chain;
        let (attempt, contract, function) = match &step.action {
            Action::Deploy { file, span, name, from, input, value, gas } => {
                let code = self.scenario.code(file, span, name)?;
                let (from, said) = (self.account(from), self.said(input));
                let chain = &mut self.played.chain;
                let attempt = chain
                    .upload(from, &code)
                    .and_then(|_| chain.create(from, &code, said, *value, gas.unwrap_or(DEFAULT_GAS)));
                (attempt, Some(name.clone()), String::from("deploy"))
            }
            Action::Call { to, from, input, value, gas } => {
                let (from, address, said) = (self.account(from), self.account(to), self.said(input));
                let function = said.function.clone().unwrap_or_else(|| String::from("call"));
                let chain = &mut self.played.chain;
                let call =
                    Call::new(chain, from, address, said).value(*value).gas(gas.unwrap_or(DEFAULT_GAS));
                (call.attempt(), Some(to.clone()), function)
            }
            Action::Transfer { to, from, value, gas } => {
                let (from, to) = (self.account(from), self.account(to));
                let attempt =
                    self.played.chain.attempt_transfer(from, to, *value, gas.unwrap_or(DEFAULT_GAS));
                (attempt, None, String::from("transfer"))
            }
            Action::Advance { blocks, millis } => {
                if *blocks > 0 {
                    chain.advance(crate::Step::Blocks(*blocks));
                }
                if *millis > 0 {
                    chain.advance(crate::Step::Time(*millis));
                }
                return Ok(());
            }
            Action::Check(_) => return Ok(()),
        };
        let outcome = match attempt {
            Ok(Attempt::Executed(outcome)) => {
                self.compare(step, &outcome);
                Some(*outcome)
            }
            Ok(Attempt::Rejected(rejected)) => {
                self.compare_rejected(step, &rejected);
                None
            }
            Err(failure) => {
                self.find(&step.span, failure.to_string(), failure.kind() == FailureKind::Fault);
                None
            }
        };
        let line = self.scenario.line(&step.span);
        self.played.steps.push(PlayedStep { number: self.number, line, contract, function, outcome });
        Ok(())
    }

    /// The address of an account; the scenario was checked to know it.
    fn account(&self, name: &str) -> Address {
        self.played.chain.names().find(name).unwrap_or_default()
    }

    fn encode(&self, value: &Value) -> Vec<u8> {
        value.encode(self.played.chain.names()).unwrap_or_default()
    }

    fn said(&self, input: &[Value]) -> Said {
        match input {
            [Value::Text(function), args @ ..] => {
                let mut bytes = crate::input::selector(function).to_vec();
                args.iter().for_each(|arg| bytes.extend(self.encode(arg)));
                Said { bytes, function: Some(function.clone()), args: args.iter().map(Value::said).collect() }
            }
            values => Said {
                bytes: values.iter().flat_map(|value| self.encode(value)).collect(),
                ..Said::default()
            },
        }
    }

    fn find(&mut self, span: &Range<usize>, message: String, is_fault: bool) {
        let line = self.scenario.line(span);
        self.played.findings.push(Finding { line, message, is_fault });
    }

    fn edit(&mut self, span: &Range<usize>, text: String) {
        self.played.edits.push((span.clone(), text));
    }

    fn compare(&mut self, step: &Step, outcome: &Outcome) {
        let expect = &step.expect;
        let (status, why) = words(outcome.status());
        let is_expected = self.compare_status(step, status, why, |expected| outcome.unexpected(expected));
        self.compare_output(expect, outcome, is_expected);
        let used = outcome.gas_used();
        if let Some(field) = &expect.gas
            && field.value.is_some_and(|gas| gas != used)
        {
            let expected = grouped(field.value.unwrap_or_default());
            self.differ(
                outcome,
                &field.span,
                is_expected,
                format!("expected gas {expected}, got {}", grouped(used)),
            );
            self.edit(&field.span, crate::text::grouped_by(used, '_'));
        }
        if let Some(field) = &expect.gas_at_most
            && field.value.is_some_and(|gas| gas < used)
        {
            let most = grouped(field.value.unwrap_or_default());
            let text = format!("expected at most {most} gas, got {}", grouped(used));
            self.differ(outcome, &field.span, is_expected, text);
            self.edit(&field.span, crate::text::grouped_by(used, '_'));
        }
        if let Some(field) = &expect.events
            && let Some(events) = &field.value
        {
            self.compare_events(&field.span.clone(), events, outcome, is_expected);
        }
        if expect.span.is_none() {
            let gas = crate::text::grouped_by(used, '_');
            let expect = match why {
                Some(why) => format!("expect = {{ status = \"{status}\", why = \"{why}\", gas = {gas} }}"),
                None => format!("expect = {{ status = \"{status}\", gas = {gas} }}"),
            };
            self.add_line(step, expect);
        }
    }

    /// A line behind the step's last.
    fn add_line(&mut self, step: &Step, text: String) {
        if let Some(at) = update::end_of_step(&self.scenario.text, step.span.start) {
            self.edit(&(at..at), format!("\n{text}"));
        }
    }

    /// Says that something beside the status differs, unless the status did already.
    fn differ(&mut self, outcome: &Outcome, span: &Range<usize>, is_expected: bool, text: String) {
        if is_expected {
            self.find(span, outcome.fail(text).to_string(), false);
        }
    }

    /// Without a word of it, a transaction is to end well.
    fn compare_status(
        &mut self,
        step: &Step,
        status: &str,
        why: Option<&str>,
        unexpected: impl Fn(&str) -> Failure,
    ) -> bool {
        let expect = &step.expect;
        let expected = match &expect.status {
            None => Some("ok"),
            Some(field) => field.value.as_deref(),
        };
        let wanted = expect.why.as_ref().and_then(|field| field.value.as_deref());
        let same_status = expected.is_none_or(|expected| expected == status);
        let same_why = wanted.is_none_or(|wanted| Some(wanted) == why);
        if same_status && same_why {
            return true;
        }
        let place =
            expect.status.as_ref().or(expect.why.as_ref()).map_or(&step.span, |field| &field.span).clone();
        let text = match (expected, wanted) {
            (expected, Some(wanted)) => format!("{}: {wanted}", expected.unwrap_or("to end by")),
            (expected, None) => expected.unwrap_or_default().to_owned(),
        };
        self.find(&place, unexpected(&text).to_string(), false);
        match (&expect.status, &expect.span) {
            (Some(field), _) if !same_status => self.edit(&field.span, format!("\"{status}\"")),
            (None, Some(span)) if !same_status => {
                if let Some(at) = update::after_brace(&self.scenario.text, span) {
                    self.edit(&(at..at), format!(" status = \"{status}\","));
                }
            }
            _ => {}
        }
        if let (Some(field), Some(why)) = (&expect.why, why) {
            self.edit(&field.span, format!("\"{why}\""));
        }
        false
    }

    fn compare_rejected(&mut self, step: &Step, rejected: &lockstep_host_env::Rejected) {
        let why = Rejected::of(rejected).map(|why| REJECTED[why as usize]);
        let title = format!("the transaction is rejected: {rejected}");
        let said = |expected: &str| Failure::expectation(format!("expected {expected}, but {title}"));
        self.compare_status(step, "rejected", why, said);
    }

    fn compare_output(&mut self, expect: &Expect, outcome: &Outcome, is_expected: bool) {
        let Some(field) = &expect.output else { return };
        let Some(value) = &field.value else { return };
        let (expected, found) = (self.encode(value), &outcome.receipt().output);
        if expected == *found {
            return;
        }
        let names = self.played.chain.names();
        let (wanted, got) = (names.value(&expected), names.value(found));
        let text = format!("expected the output {wanted}, got {got}");
        let written = value.rewrite_output(found, names);
        self.differ(outcome, &field.span, is_expected, text);
        self.edit(&field.span, written);
    }

    fn compare_events(
        &mut self,
        span: &Range<usize>,
        expected: &[Event],
        outcome: &Outcome,
        is_expected: bool,
    ) {
        let found = &outcome.receipt().events;
        let differs =
            expected.iter().zip(found).position(|(expected, found)| !self.is_event(expected, found));
        let text = match differs {
            None if expected.len() == found.len() => return,
            None => format!("expected {} events, got {}", expected.len(), found.len()),
            Some(at) => {
                let names = self.played.chain.names();
                let name = names.event(&found[at].topics).unwrap_or("of another name");
                format!(
                    "event {} is {name}({}) of {}",
                    at + 1,
                    names.value(&found[at].data),
                    names.account(&found[at].account)
                )
            }
        };
        self.differ(outcome, span, is_expected, text);
        let names = self.played.chain.names();
        let written: Vec<String> = found
            .iter()
            .enumerate()
            .map(|(at, event)| update::event(event, expected.get(at), names))
            .collect();
        self.edit(span, format!("[{}]", written.join(", ")));
    }

    fn is_event(&self, expected: &Event, found: &lockstep_host_env::Event) -> bool {
        let topics = expected.topics.as_ref().map(|topics| topics.iter().map(|topic| self.encode(topic)));
        expected.account.as_ref().is_none_or(|account| self.account(account) == found.account)
            && expected
                .name
                .as_ref()
                .is_none_or(|name| found.topics.first() == Some(&crate::input::sha256(name)))
            && topics.is_none_or(|topics| topics.eq(found.topics.iter().skip(1).map(|topic| topic.to_vec())))
            && expected.data.as_ref().is_none_or(|data| self.encode(data) == found.data)
    }

    fn check(&mut self, check: &Check, span: &Range<usize>) {
        let chain = &self.played.chain;
        let (height, time) = (chain.height(), chain.time());
        let (receipts, root) = (hex(&chain.receipts().0), hex(&chain.root().0));
        self.same("height", &check.height, &height, |height| height.to_string());
        self.same("time", &check.time, &time, |time| time.to_string());
        let text = |text: &String| format!("\"{text}\"");
        self.same("hash over all receipts", &check.receipts, &receipts, text);
        self.same("state root", &check.root, &root, text);
        let Some(name) = &check.account else { return };
        let address = self.account(name);
        let (balance, nonce) = (self.played.chain.balance(address), self.played.chain.nonce(address));
        let wide = |balance: &u128| match i64::try_from(*balance) {
            Ok(balance) => balance.to_string(),
            Err(_) => format!("\"{balance}\""),
        };
        self.same(&format!("balance of {name}"), &check.balance, &balance, wide);
        self.same(&format!("nonce of {name}"), &check.nonce, &nonce, |nonce| nonce.to_string());
        self.check_storage(check, name, address, span);
    }

    fn same<T: PartialEq>(
        &mut self,
        what: &str,
        field: &Option<super::step::Field<T>>,
        found: &T,
        written: impl Fn(&T) -> String,
    ) {
        let Some(field) = field else { return };
        let Some(expected) = field.value.as_ref().filter(|expected| *expected != found) else { return };
        self.find(
            &field.span,
            format!("expected the {what} {}, got {}", written(expected), written(found)),
            false,
        );
        self.edit(&field.span, written(found));
    }

    fn check_storage(&mut self, check: &Check, name: &str, address: Address, span: &Range<usize>) {
        let mut named = Vec::new();
        for entry in &check.storage {
            let key: Vec<u8> = entry.key.iter().flat_map(|piece| self.encode(piece)).collect();
            let found = self.played.chain.storage(address).raw(&key);
            named.push(key);
            let expected = match &entry.value {
                EntryValue::Any => None,
                EntryValue::Absent => Some(None),
                EntryValue::Is(value) => Some(Some(self.encode(value))),
            };
            let same = match &expected {
                None => found.is_some(),
                Some(expected) => *expected == found,
            };
            if same {
                continue;
            }
            let names = self.played.chain.names();
            let say =
                |value: Option<&[u8]>| value.map_or(String::from("nothing"), |value| names.value(value));
            let wanted = match &expected {
                None => String::from("something"),
                Some(expected) => say(expected.as_deref()),
            };
            let text = format!(
                "expected {wanted} under {} of {name}, got {}",
                line(&entry.text, 100),
                say(found.as_deref())
            );
            let written = match (&found, &entry.value) {
                (None, _) => String::from("{ absent = true }"),
                (Some(found), EntryValue::Is(value)) => value.rewrite_value(found, names),
                (Some(found), _) => guessed(found),
            };
            self.find(&entry.span, text, false);
            self.edit(&entry.span, written);
        }
        if check.nothing_else {
            let keys = self.played.chain.storage(address).keys(&[]);
            let more: Vec<String> = keys
                .iter()
                .filter(|key| !named.contains(key))
                .map(|key| self.played.chain.names().key(key))
                .collect();
            if !more.is_empty() {
                self.find(span, format!("expected no other keys of {name}, got {}", more.join(", ")), false);
            }
        }
    }
}

/// The words of a status, and of what ended it.
fn words(status: Status) -> (&'static str, Option<&'static str>) {
    match status {
        Status::Ok => ("ok", None),
        Status::Reverted => ("reverted", None),
        Status::Trapped(trap) => ("trapped", Some(trap.name())),
        Status::Misuse(misuse) => ("misuse", MISUSES.get(misuse as usize - 1).copied()),
    }
}
