//! Location: a difference taken apart until call, function, operator and values are known.
//!
//! Owns the search. A transaction is executed again, on two engines, with everything traced; the first event that is not
//! the same says in which frame, and between which host calls, something went wrong. Where the engines differ there, the
//! gas that this part may use is halved until one more unit of it makes the difference: what that unit paid for is it.
//! It must not know how transactions are found.

use super::compare::{self, FieldDifference, Shown};
use super::player::{Difference, Executor};
use super::trace::{Seen, Trace, TraceEvent, observe};
use crate::environment::Environment;
use crate::execute::{ExecuteError, Executed};
use crate::list::Function;
use crate::observe::Observer;
use crate::probe::{How, Probe, Stopped};
use crate::receipt::Status;
use crate::types::{Address, Hash};
use std::fmt;

/// Who is to blame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// The two engines do not do the same.
    Engines,
    /// The engines agree with each other and not with the record; or there is only one engine.
    Record,
    /// Executed once more, the transaction does what was recorded.
    NotReproduced,
}

/// A frame of the call path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct PathFrame {
    /// The account whose storage it works on.
    pub account: Address,
    /// Its code.
    pub code: Hash,
    /// Whether it runs `deploy`.
    pub deploy: bool,
}

/// A host call, within its frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct HostPlace {
    /// Which function.
    pub function: Function,
    /// How many host calls of the frame come before.
    pub number: u64,
}

/// Where a difference is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Location {
    /// Who is to blame.
    pub verdict: Verdict,
    /// The two sides: what `expected` and `found` in `values` are of.
    pub sides: [String; 2],
    /// The calls, the transaction's own first; empty where it runs no code, or nothing is known.
    pub path: Vec<PathFrame>,
    /// The host call in which, or behind which, the two are not the same.
    pub host_call: Option<HostPlace>,
    /// Function and operator of the guest: of the run of operators that makes the difference, or of the host call.
    pub place: Option<lockstep_vm::Frame>,
    /// What differs there.
    pub values: Vec<FieldDifference>,
    /// What a cross-check of both engines says.
    pub crosscheck: Option<String>,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [expected, found] = &self.sides;
        match self.verdict {
            Verdict::Engines => writeln!(f, "{expected} and {found} differ")?,
            Verdict::Record => writeln!(f, "{expected} and {found} differ, and no engine from another")?,
            Verdict::NotReproduced => writeln!(f, "executed once more it is as recorded")?,
        }
        for (depth, frame) in self.path.iter().enumerate() {
            let export = if frame.deploy { "deploy" } else { "call" };
            writeln!(f, "  frame {depth}: {export} of 0x{}, code {}", frame.account, frame.code)?;
        }
        if let Some(HostPlace { function, number }) = &self.host_call {
            writeln!(f, "  host call {number}: {}", function.def().name)?;
        }
        if let Some(place) = &self.place {
            writeln!(f, "  in {place}")?;
        }
        for value in &self.values {
            writeln!(f, "  {}: {expected} {}, {found} {}", value.field, value.expected, value.found)?;
        }
        match &self.crosscheck {
            Some(said) => writeln!(f, "  {said}"),
            None => Ok(()),
        }
    }
}

/// Takes a difference apart. `other` is a second engine to hold the first against; `crosscheck` is asked what it says.
pub fn locate(
    difference: &Difference,
    executor: Executor<'_>,
    other: Option<Executor<'_>>,
    crosscheck: Option<Executor<'_>>,
    any_fingerprint: bool,
) -> Location {
    let search = Search { difference, any_fingerprint };
    let mut location = search.run(executor, other);
    location.crosscheck = crosscheck.and_then(|executor| search.ask(executor));
    location
}

struct Search<'d> {
    difference: &'d Difference,
    any_fingerprint: bool,
}

type Outcome = Result<Executed, ExecuteError>;

impl Search<'_> {
    fn observe(&self, environment: &Environment) -> (Outcome, Seen) {
        let Difference { state, block, index, recorded, .. } = self.difference;
        observe(environment, state, block, *index, &recorded.tx)
    }

    /// What a cross-check says, if it stops.
    fn ask(&self, executor: Executor<'_>) -> Option<String> {
        let Difference { state, block, index, recorded, .. } = self.difference;
        match executor.environment.execute(state, block, *index, &recorded.tx) {
            Err(ExecuteError::Fault(fault)) => Some(fault.to_string()),
            _ => None,
        }
    }

    fn run(&self, first: Executor<'_>, second: Option<Executor<'_>>) -> Location {
        let (outcome, seen) = self.observe(first.environment);
        if let Some(second) = second {
            let (other, other_seen) = self.observe(second.environment);
            let fields = compare::outcomes(&other, &outcome, self.any_fingerprint);
            if !fields.is_empty() || other_seen.trace != seen.trace {
                let sides = [second.name.to_owned(), first.name.to_owned()];
                return self.between(sides, [second, first], &other_seen, &seen, fields);
            }
        }
        let recorded = &self.difference.recorded;
        let sides = ["the record".to_owned(), first.name.to_owned()];
        let values = compare::outcome((&recorded.receipt, &recorded.changes), &outcome, self.any_fingerprint);
        let location = |verdict, values| Location {
            verdict,
            sides: sides.clone(),
            path: Vec::new(),
            host_call: None,
            place: None,
            values,
            crosscheck: None,
        };
        if values.is_empty() {
            return location(Verdict::NotReproduced, values);
        }
        let mut found = location(Verdict::Record, values);
        let event = match &recorded.trace {
            Some(trace) => first_difference(trace, &seen.trace),
            None => found.values.first().and_then(|value| responsible(&value.field, &seen, recorded)),
        };
        if let Some(event) = event {
            self.place_event(&mut found, first, &seen.trace, event);
            if let Some(trace) = &recorded.trace {
                let values = event_values(trace.events.get(event), seen.trace.events.get(event));
                found.values.splice(0..0, values);
            }
        }
        found
    }

    /// Says in which frame and host call an event is, and where in the guest.
    fn place_event(&self, location: &mut Location, executor: Executor<'_>, trace: &Trace, event: usize) {
        let at = Standing::at(trace, event);
        location.path = at.path();
        let Some(inner) = at.frames.last() else { return };
        let call = match trace.events.get(event) {
            Some(TraceEvent::Call { function, .. }) => Some(*function),
            _ => inner.open,
        };
        let function = call.and_then(|number| Function::all().find(|function| *function as u8 == number));
        location.host_call = function.map(|function| HostPlace { function, number: inner.returned });
        location.place = self
            .probe(executor, inner.number, inner.returned, None)
            .and_then(|stopped| stopped.place.first().cloned());
    }

    fn probe(&self, executor: Executor<'_>, frame: u64, calls: u64, gas: Option<u64>) -> Option<Stopped> {
        struct Looking(Probe);
        impl Observer for Looking {
            fn probe(&self) -> Option<&Probe> {
                Some(&self.0)
            }
        }
        let Difference { state, block, index, recorded, .. } = self.difference;
        let looking = Looking(Probe::new(frame, calls, gas));
        // It ends as a node fault, or without having come there.
        drop(executor.environment.execute_observed(state, block, *index, &recorded.tx, &looking));
        looking.0.into_stopped()
    }

    /// Where two engines part.
    fn between(
        &self,
        sides: [String; 2],
        executors: [Executor<'_>; 2],
        expected: &Seen,
        found: &Seen,
        values: Vec<FieldDifference>,
    ) -> Location {
        let mut location = Location {
            verdict: Verdict::Engines,
            sides,
            path: Vec::new(),
            host_call: None,
            place: None,
            values,
            crosscheck: None,
        };
        let Some(event) = first_difference(&expected.trace, &found.trace) else { return location };
        let events = [expected.trace.events.get(event), found.trace.events.get(event)];
        let at = Standing::at(&expected.trace, event);
        let in_guest = at.frames.last().is_some_and(|inner| inner.open.is_none());
        if !in_guest {
            // A host function, or what starts a frame: not the guest's doing.
            self.place_event(&mut location, executors[1], &found.trace, event);
            location.values.splice(0..0, event_values(events[0], events[1]));
            return location;
        }
        location.path = at.path();
        let Some(inner) = at.frames.last() else { return location };
        let part = Part { search: self, executors, frame: inner.number, calls: inner.returned };
        let spent = |event: Option<&TraceEvent>| inner.gas.saturating_sub(event.map_or(0, event_gas));
        let most = spent(events[0]).max(spent(events[1]));
        if let Some((place, values)) = part.bisect(most) {
            location.place = place;
            location.values.splice(0..0, values);
        }
        if let [Some(TraceEvent::Call { function, .. }), _] | [_, Some(TraceEvent::Call { function, .. })] =
            events
        {
            let function = Function::all().find(|other| *other as u8 == *function);
            location.host_call = function.map(|function| HostPlace { function, number: inner.returned });
        }
        location
    }
}

/// What a frame does between two host calls.
struct Part<'s, 'd> {
    search: &'s Search<'d>,
    executors: [Executor<'s>; 2],
    frame: u64,
    calls: u64,
}

impl Part<'_, '_> {
    fn stopped(&self, gas: u64) -> [Option<Stopped>; 2] {
        self.executors.map(|executor| self.search.probe(executor, self.frame, self.calls, Some(gas)))
    }

    /// Finds a unit of gas that makes the difference: where the run that it pays for stands, and what differs behind it.
    fn bisect(&self, most: u64) -> Option<(Option<lockstep_vm::Frame>, Vec<FieldDifference>)> {
        let mut differing = self.stopped(most);
        if differing[0] == differing[1] {
            return None;
        }
        let (mut equal, mut unequal) = (None, most);
        let mut low = 0;
        while low < unequal {
            let middle = low + (unequal - low) / 2;
            let [a, b] = self.stopped(middle);
            if a == b {
                equal = a;
                low = middle + 1;
            } else {
                differing = [a, b];
                unequal = middle;
            }
        }
        let first_of =
            |stopped: &Option<Stopped>| stopped.as_ref().and_then(|stopped| stopped.place.first().cloned());
        let place = first_of(&equal).or_else(|| first_of(&differing[0]));
        Some((place, stopped_values(&differing)))
    }
}

/// What differs between two frames that a probe stopped.
fn stopped_values([expected, found]: &[Option<Stopped>; 2]) -> Vec<FieldDifference> {
    let (Some(expected), Some(found)) = (expected, found) else { return Vec::new() };
    let mut values = Vec::new();
    let mut push = |field: String, expected: String, found: String| {
        if expected != found {
            values.push(FieldDifference { field, expected, found });
        }
    };
    match (&expected.how, &found.how) {
        (How::Calls(a, a_args), How::Calls(b, b_args)) if a == b => {
            for ((name, _), (a, b)) in a.def().params.iter().zip(a_args.iter().zip(b_args)) {
                push(format!("argument {name}"), format!("{a:#x}"), format!("{b:#x}"));
            }
        }
        (a, b) => push("what the guest does".to_owned(), how_text(a), how_text(b)),
    }
    let stands = |stopped: &Stopped| stopped.place.first().map_or("nowhere".to_owned(), ToString::to_string);
    push("where the guest stands".to_owned(), stands(expected), stands(found));
    if expected.place != found.place {
        push(
            "frames of the guest".to_owned(),
            expected.place.len().to_string(),
            found.place.len().to_string(),
        );
    }
    push("gas left".to_owned(), expected.gas.to_string(), found.gas.to_string());
    push("bytes of memory".to_owned(), expected.memory.len().to_string(), found.memory.len().to_string());
    if let Some(at) = expected.memory.iter().zip(&found.memory).position(|(a, b)| a != b) {
        let word = |memory: &[u8]| Shown(&memory[at..memory.len().min(at + 8)]).to_string();
        push(format!("memory from {at:#x}"), word(&expected.memory), word(&found.memory));
    }
    values
}

fn how_text(how: &How) -> String {
    match how {
        How::Calls(function, _) => format!("calls `{}`", function.def().name),
        How::Trapped(trap) => format!("traps: {trap}"),
        How::Returned => "returns".to_owned(),
        How::Ended => "is ended by the host".to_owned(),
    }
}

/// The first event that two traces do not have in common.
fn first_difference(a: &Trace, b: &Trace) -> Option<usize> {
    let most = a.events.len().max(b.events.len());
    (0..most).find(|&index| a.events.get(index) != b.events.get(index))
}

fn event_gas(event: &TraceEvent) -> u64 {
    match event {
        TraceEvent::Enter { gas, .. }
        | TraceEvent::Call { gas, .. }
        | TraceEvent::Return { gas, .. }
        | TraceEvent::Leave { gas, .. } => *gas,
    }
}

/// What differs between two events at the same place.
fn event_values(expected: Option<&TraceEvent>, found: Option<&TraceEvent>) -> Vec<FieldDifference> {
    let parts = |event: Option<&TraceEvent>| match event {
        None => vec![("event", "none".to_owned())],
        Some(TraceEvent::Enter { account, code, deploy, gas, input }) => vec![
            ("event", "a frame begins".to_owned()),
            ("account", format!("0x{account}")),
            ("code", code.to_string()),
            ("deploy", deploy.to_string()),
            ("gas of the frame", gas.to_string()),
            ("digest of the input", Shown(input).to_string()),
        ],
        Some(TraceEvent::Call { function, arguments, gas, read }) => {
            let called = Function::all().find(|other| *other as u8 == *function);
            let arguments: Vec<String> = arguments.iter().map(|bits| format!("{bits:#x}")).collect();
            vec![
                ("event", format!("`{}` is called", called.map_or("?", |called| called.def().name))),
                ("arguments", arguments.join(" ")),
                ("gas before the call", gas.to_string()),
                ("digest of the bytes it reads", Shown(read).to_string()),
            ]
        }
        Some(TraceEvent::Return { ending, result, gas, written }) => vec![
            ("event", format!("a host function ends, {}", ending_text(*ending))),
            ("result", format!("{result:#x}")),
            ("gas after the call", gas.to_string()),
            ("digest of the bytes it writes", Shown(written).to_string()),
        ],
        Some(TraceEvent::Leave { status, gas, output }) => vec![
            ("event", format!("the frame ends: {status:?}")),
            ("gas left", gas.to_string()),
            ("digest of the output", Shown(output).to_string()),
        ],
    };
    let (a, b) = (parts(expected), parts(found));
    if a[0] != b[0] {
        let [expected, found] = [&a[0].1, &b[0].1].map(Clone::clone);
        return vec![FieldDifference { field: "event".to_owned(), expected, found }];
    }
    let pairs = a.into_iter().zip(b).filter(|((_, a), (_, b))| a != b);
    pairs
        .map(|((field, expected), (_, found))| FieldDifference { field: field.to_owned(), expected, found })
        .collect()
}

fn ending_text(ending: u8) -> &'static str {
    match ending {
        0 => "returned",
        1 => "exit",
        2 => "revert",
        3 => "misuse",
        4 => "trapped",
        _ => "a node fault",
    }
}

/// Where a transaction stands before an event.
struct Standing {
    frames: Vec<StandingFrame>,
}

struct StandingFrame {
    /// How many frames of the transaction began before.
    number: u64,
    returned: u64,
    /// The host function that it is in.
    open: Option<u8>,
    /// The gas when its guest last began to run.
    gas: u64,
    at: PathFrame,
}

impl Standing {
    fn at(trace: &Trace, event: usize) -> Standing {
        let (mut frames, mut number): (Vec<StandingFrame>, u64) = (Vec::new(), 0);
        for event in trace.events.iter().take(event) {
            match event {
                TraceEvent::Enter { account, code, deploy, gas, .. } => {
                    let at = PathFrame { account: *account, code: *code, deploy: *deploy };
                    frames.push(StandingFrame { number, returned: 0, open: None, gas: *gas, at });
                    number += 1;
                }
                TraceEvent::Call { function, .. } => {
                    if let Some(inner) = frames.last_mut() {
                        inner.open = Some(*function);
                    }
                }
                TraceEvent::Return { ending, gas, .. } => {
                    if let Some(inner) = frames.last_mut() {
                        inner.open = None;
                        inner.gas = *gas;
                        inner.returned += u64::from(*ending == 0);
                    }
                }
                TraceEvent::Leave { .. } => drop(frames.pop()),
            }
        }
        Standing { frames }
    }

    fn path(&self) -> Vec<PathFrame> {
        self.frames.iter().map(|frame| frame.at).collect()
    }
}

/// The event that a field of a receipt or an entry of the changes comes from, as far as that can be told.
fn responsible(field: &str, seen: &Seen, recorded: &super::record::RecordedTx) -> Option<usize> {
    let events = &seen.trace.events;
    if let Some(rest) = field.strip_prefix("receipt.events[") {
        let index: usize = rest.split(']').next()?.parse().ok()?;
        return surviving(events, Function::Event).get(index).copied();
    }
    if field.starts_with("changes.storage[") {
        let named = |event: &usize| {
            let Some(Some(key)) = seen.keys.get(*event) else { return false };
            let at = Standing::at(&seen.trace, *event);
            let Some(inner) = at.frames.last() else { return false };
            field == format!("changes.storage[0x{}/{}]", inner.at.account, Shown(key))
        };
        return (0..events.len()).rev().find(named);
    }
    let _ = recorded;
    let ends = field == "receipt.status" || field == "receipt.output";
    ends.then(|| events.len().checked_sub(1))?
}

/// The calls of a function that were not undone with their frame.
fn surviving(events: &[TraceEvent], function: Function) -> Vec<usize> {
    let (mut kept, mut starts) = (Vec::new(), Vec::new());
    for (index, event) in events.iter().enumerate() {
        match event {
            TraceEvent::Enter { .. } => starts.push(kept.len()),
            TraceEvent::Call { function: called, .. } if *called == function as u8 => kept.push(index),
            TraceEvent::Leave { status, .. } => {
                let start = starts.pop().unwrap_or_default();
                if *status != Some(Status::Ok) {
                    kept.truncate(start);
                }
            }
            _ => {}
        }
    }
    kept
}
