//! How the result of a replay is told: in words, and as JSON.
//!
//! Owns the names in the JSON object, which are stable. It must not know how the result came about.

use crate::failure::Failure;
use crate::text::grouped;
use lockstep_host_env::replay::{
    Difference, FieldDifference, Header, Location, Place, Replayed, RootDifference, Totals, Verdict,
};
use serde::Serialize;
use std::fmt::Write;

/// What came of a replay.
pub(crate) struct Outcome {
    pub(crate) header: Header,
    pub(crate) totals: Totals,
    pub(crate) replayed: Replayed,
    pub(crate) location: Option<Location>,
    pub(crate) resumed_at: u64,
    pub(crate) seconds: f64,
    pub(crate) workers: usize,
}

/// What JSON says of a replay.
#[derive(Serialize)]
pub(crate) struct Report {
    equal: bool,
    bundle: String,
    fingerprint: String,
    blocks: u64,
    transactions: u64,
    gas: u64,
    seconds: f64,
    workers: usize,
    resumed_at: u64,
    root: Option<RootReport>,
    difference: Option<DifferenceReport>,
}

#[derive(Serialize)]
struct RootReport {
    /// The height of the block after which; null: before the first.
    height: Option<u64>,
    recorded: String,
    found: String,
}

#[derive(Serialize)]
struct DifferenceReport {
    block: u64,
    height: u64,
    index: u32,
    tx: String,
    sender: String,
    fields: Vec<Field>,
    against: Vec<Field>,
    location: Option<LocationReport>,
}

#[derive(Serialize)]
struct Field {
    field: String,
    expected: String,
    found: String,
}

#[derive(Serialize)]
struct LocationReport {
    verdict: &'static str,
    expected: String,
    found: String,
    frames: Vec<FrameReport>,
    host_call: Option<HostReport>,
    function: Option<u32>,
    function_name: Option<String>,
    offset: Option<u32>,
    values: Vec<Field>,
    crosscheck: Option<String>,
}

#[derive(Serialize)]
struct FrameReport {
    account: String,
    code: String,
    export: &'static str,
}

#[derive(Serialize)]
struct HostReport {
    number: u64,
    name: &'static str,
}

/// What JSON says when there is no replay.
#[derive(Serialize)]
pub(crate) struct Refused {
    error: ErrorReport,
}

#[derive(Serialize)]
struct ErrorReport {
    code: String,
    message: String,
    offset: Option<u64>,
    record: Option<u64>,
    section: Option<String>,
}

impl Refused {
    pub(crate) fn new(failure: &Failure, place: Option<Place>) -> Refused {
        Refused {
            error: ErrorReport {
                code: failure.code.to_string(),
                message: failure.message.clone(),
                offset: place.map(|place| place.offset),
                record: place.map(|place| place.record),
                section: place.map(|place| place.section.to_string()),
            },
        }
    }
}

fn fields(differences: &[FieldDifference]) -> Vec<Field> {
    let field = |difference: &FieldDifference| Field {
        field: difference.field.clone(),
        expected: difference.expected.clone(),
        found: difference.found.clone(),
    };
    differences.iter().map(field).collect()
}

impl Outcome {
    pub(crate) fn is_equal(&self) -> bool {
        self.replayed.is_equal()
    }

    pub(crate) fn report(&self) -> Report {
        Report {
            equal: self.is_equal(),
            bundle: self.totals.digest.to_string(),
            fingerprint: self.header.fingerprint.to_string(),
            blocks: self.replayed.blocks,
            transactions: self.replayed.transactions,
            gas: self.replayed.gas,
            seconds: self.seconds,
            workers: self.workers,
            resumed_at: self.resumed_at,
            root: self.replayed.root.map(|root| RootReport {
                height: root.block.map(|block| block.height),
                recorded: root.recorded.to_string(),
                found: root.found.to_string(),
            }),
            difference: self.replayed.transaction.as_deref().map(|difference| self.difference(difference)),
        }
    }

    fn difference(&self, difference: &Difference) -> DifferenceReport {
        DifferenceReport {
            block: difference.block_index,
            height: difference.block.height,
            index: difference.index,
            tx: difference.recorded.tx.hash().to_string(),
            sender: difference.recorded.tx.sender.to_string(),
            fields: fields(&difference.fields),
            against: fields(&difference.against),
            location: self.location.as_ref().map(location),
        }
    }

    pub(crate) fn describe(&self) -> String {
        let replayed = &self.replayed;
        let mut text = String::new();
        // Writing to a string does not fail.
        if self.resumed_at > 0 {
            let _ = writeln!(text, "went on behind block {}", grouped(self.resumed_at));
        }
        if let Some(RootDifference { block, recorded, found, .. }) = replayed.root {
            let _ = match block {
                None => writeln!(text, "the state before the first block has another root"),
                Some(block) => {
                    writeln!(text, "the state after the block of height {} has another root", block.height)
                }
            };
            let _ = writeln!(text, "  recorded 0x{recorded}\n  found    0x{found}");
        }
        if let Some(difference) = replayed.transaction.as_deref() {
            let Difference { block, index, recorded, fields, against, .. } = difference;
            let hash = recorded.tx.hash();
            let _ = writeln!(
                text,
                "transaction {index} of the block of height {} differs, 0x{hash}",
                block.height
            );
            for field in fields {
                let _ =
                    writeln!(text, "  {}: recorded {}, found {}", field.field, field.expected, field.found);
            }
            for field in against {
                let _ = writeln!(text, "  {}: {} against {}", field.field, field.expected, field.found);
            }
        }
        if let Some(location) = &self.location {
            text.push_str(&location.to_string());
        }
        let rate = replayed.transactions as f64 / self.seconds.max(1e-9);
        let _ = writeln!(
            text,
            "{}{} blocks, {} transactions, {} gas in {:.2} s by {} worker{}: {} transactions a second",
            if self.is_equal() { "equal: " } else { "equal before: " },
            grouped(replayed.blocks),
            grouped(replayed.transactions),
            grouped(replayed.gas),
            self.seconds,
            self.workers,
            if self.workers == 1 { "" } else { "s" },
            grouped(rate as u64),
        );
        text
    }
}

fn location(location: &Location) -> LocationReport {
    let frames = location.path.iter().map(|frame| FrameReport {
        account: frame.account.to_string(),
        code: frame.code.to_string(),
        export: if frame.deploy { "deploy" } else { "call" },
    });
    let place = location.place.as_ref();
    let [expected, found] = location.sides.clone();
    LocationReport {
        verdict: match location.verdict {
            Verdict::Engines => "engines",
            Verdict::Record => "record",
            _ => "not_reproduced",
        },
        expected,
        found,
        frames: frames.collect(),
        host_call: location
            .host_call
            .map(|call| HostReport { number: call.number, name: call.function.def().name }),
        function: place.map(lockstep_vm::Frame::function),
        function_name: place.and_then(|place| place.name().map(ToOwned::to_owned)),
        offset: place.map(lockstep_vm::Frame::offset),
        values: fields(&location.values),
        crosscheck: location.crosscheck.clone(),
    }
}
