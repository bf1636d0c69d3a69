//! The outcome of an execution, for tools and for people.
//!
//! Owns the stable words of `run`'s JSON object. It must not know how the outcome came about.

use crate::exit::Exit;
use crate::failure::Failure;
use crate::load::Input;
use crate::problem::{Problem, outcome_word};
use crate::text::{Name, grouped, printable};
use crate::values;
use lockstep_vm::{TrapError, Val};
use serde::Serialize;

/// Lines of a backtrace that people are shown.
const LINES_SHOWN: usize = 16;

/// How an execution ended.
#[derive(Debug)]
pub(crate) enum Ending {
    Returned(Vec<Val>),
    Trapped(TrapError),
    /// What the stop says of itself.
    Stopped(String),
}

/// What an execution was doing when it ended.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Debug)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Phase {
    /// Making the instance.
    Instantiation,
    /// The start function.
    Start,
    /// The call that was asked for.
    Call,
}

/// What an execution spent.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Spent {
    pub(crate) gas_used: u64,
    /// The part of it that instantiation and the start function used.
    pub(crate) gas_instantiation: u64,
    pub(crate) gas_left: u64,
    pub(crate) peak_stack_slots: u64,
}

/// An execution that ended in an outcome.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) ending: Ending,
    pub(crate) phase: Phase,
    pub(crate) spent: Spent,
}

/// The one object that `run --json` prints.
#[derive(Serialize)]
pub(crate) struct Report<'a> {
    outcome: &'static str,
    results: Vec<String>,
    trap: Option<&'static str>,
    gas_used: u64,
    gas_left: u64,
    peak_stack_slots: u64,
    gas_instantiation: u64,
    phase: Option<Phase>,
    #[serde(flatten)]
    problem: Problem<'a>,
    backtrace: Vec<Frame<'a>>,
    omitted_frames: u64,
}

#[derive(Serialize)]
struct Frame<'a> {
    function: u32,
    name: Option<&'a str>,
    offset: u32,
}

impl Outcome {
    pub(crate) fn exit(&self) -> Exit {
        match self.ending {
            Ending::Returned(_) => Exit::Ok,
            Ending::Trapped(_) | Ending::Stopped(_) => Exit::Guest,
        }
    }

    /// For tools.
    pub(crate) fn report<'a>(&'a self, message: Option<&'a str>) -> Report<'a> {
        let mut report = Report::new(self.spent, Problem { message, ..Problem::default() });
        report.phase = Some(self.phase);
        match &self.ending {
            Ending::Returned(results) => {
                report.outcome = "returned";
                report.results = results.iter().map(values::exact).collect();
            }
            Ending::Trapped(trap) => {
                report.outcome = "trapped";
                report.trap = Some(trap.trap().name());
                report.backtrace = trap
                    .frames()
                    .iter()
                    .map(|frame| Frame {
                        function: frame.function(),
                        name: frame.name(),
                        offset: frame.offset(),
                    })
                    .collect();
                report.omitted_frames = trap.omitted_frames();
            }
            Ending::Stopped(_) => report.outcome = "stopped",
        }
        report
    }

    /// What the ending says beside its kind.
    pub(crate) fn message(&self) -> Option<String> {
        match &self.ending {
            Ending::Returned(_) => None,
            Ending::Trapped(trap) => Some(trap.trap().to_string()),
            Ending::Stopped(message) => Some(message.clone()),
        }
    }

    /// For people.
    pub(crate) fn describe(&self, input: &Input) -> String {
        let mut text = match &self.ending {
            Ending::Returned(results) => match &results[..] {
                [] => String::from("returned nothing\n"),
                [result] => format!("returned {}\n", values::for_people(result)),
                results => {
                    let results: Vec<String> = results.iter().map(values::for_people).collect();
                    format!("returned ({})\n", results.join(", "))
                }
            },
            Ending::Trapped(trap) => {
                let during = match self.phase {
                    Phase::Instantiation => ", while the instance was made",
                    Phase::Start => ", in the start function",
                    Phase::Call => "",
                };
                format!(
                    "trapped  {}: {}{during}\n{}",
                    trap.trap().name(),
                    trap.trap(),
                    backtrace(trap, input)
                )
            }
            Ending::Stopped(message) => format!("stopped  {}\n", printable(message)),
        };
        let Spent { gas_used, gas_instantiation, gas_left, peak_stack_slots } = self.spent;
        text.push_str(&format!(
            "gas      {} used ({} by instantiation), {} left\nstack    {} slots at its highest\n",
            grouped(gas_used),
            grouped(gas_instantiation),
            grouped(gas_left),
            grouped(peak_stack_slots),
        ));
        text
    }
}

impl<'a> Report<'a> {
    fn new(spent: Spent, problem: Problem<'a>) -> Report<'a> {
        Report {
            outcome: "invalid",
            results: Vec::new(),
            trap: None,
            gas_used: spent.gas_used,
            gas_left: spent.gas_left,
            peak_stack_slots: spent.peak_stack_slots,
            gas_instantiation: spent.gas_instantiation,
            phase: None,
            problem,
            backtrace: Vec::new(),
            omitted_frames: 0,
        }
    }

    /// There was no outcome.
    pub(crate) fn of_failure(failure: &'a Failure, spent: Spent) -> Report<'a> {
        Report { outcome: outcome_word(failure), ..Report::new(spent, Problem::new(failure)) }
    }
}

/// One frame a line, innermost first; a frame that repeats itself is one line.
fn backtrace(trap: &TrapError, input: &Input) -> String {
    let mut text = String::new();
    let mut shown = 0;
    for same in trap.frames().chunk_by(|one, next| one == next).take(LINES_SHOWN) {
        let frame = &same[0];
        text.push_str(&format!("  in function {}", frame.function()));
        if let Some(name) = frame.name() {
            text.push_str(&format!(" <{}>", Name(name)));
        }
        text.push_str(&format!(" at offset {:#x}", frame.offset()));
        if let Some((line, column)) = input.position(frame.offset().into()) {
            text.push_str(&format!(", {}:{line}:{column}", Name(&input.file)));
        }
        if same.len() > 1 {
            text.push_str(&format!(", {} times", same.len()));
        }
        text.push('\n');
        shown += same.len();
    }
    let more = (trap.frames().len() - shown) as u64 + trap.omitted_frames();
    if more > 0 {
        text.push_str(&format!("  and {} more\n", grouped(more)));
    }
    text
}
