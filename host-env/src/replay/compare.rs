//! Comparison: in which fields two outcomes of a transaction differ, and what they have there.
//!
//! Owns the names of the fields and how values are told. It must not know where outcomes come from.

use crate::execute::{ExecuteError, Executed};
use crate::receipt::{Event, Receipt, Status};
use crate::state::{Account, Changes};
use std::collections::BTreeMap;
use std::fmt;

/// A field in which two outcomes differ.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct FieldDifference {
    /// The field, as `receipt.gas_used` or `changes.storage[account/key]`.
    pub field: String,
    /// What is expected.
    pub expected: String,
    /// What was found.
    pub found: String,
}

impl fmt::Display for FieldDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, found {}", self.field, self.expected, self.found)
    }
}

/// Bytes of a value that are shown.
const SHOWN: usize = 64;

/// Bytes, as many as fit a line.
pub(super) struct Shown<'a>(pub(super) &'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().take(SHOWN).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        match self.0.len() {
            len if len > SHOWN => write!(f, "... ({len} bytes)"),
            _ => Ok(()),
        }
    }
}

/// The fields that differ, collected.
#[derive(Default)]
struct Fields(Vec<FieldDifference>);

impl Fields {
    fn same<V: PartialEq>(&mut self, field: &str, expected: &V, found: &V, show: impl Fn(&V) -> String) {
        if expected != found {
            self.push(field.to_owned(), show(expected), show(found));
        }
    }

    fn push(&mut self, field: String, expected: String, found: String) {
        self.0.push(FieldDifference { field, expected, found });
    }
}

/// In what an execution differs from what is expected; nothing where it is the same. With `any_fingerprint` receipts may
/// be of different environments.
pub(super) fn outcome(
    expected: (&Receipt, &Changes),
    found: &Result<Executed, ExecuteError>,
    any_fingerprint: bool,
) -> Vec<FieldDifference> {
    match found {
        Ok(executed) => receipts(expected, (&executed.receipt, &executed.changes), any_fingerprint),
        Err(error) => {
            vec![FieldDifference {
                field: "outcome".to_owned(),
                expected: "a receipt".to_owned(),
                found: failure(error),
            }]
        }
    }
}

/// In what two executions differ.
pub(super) fn outcomes(
    expected: &Result<Executed, ExecuteError>,
    found: &Result<Executed, ExecuteError>,
    any_fingerprint: bool,
) -> Vec<FieldDifference> {
    match (expected, found) {
        (Ok(expected), found) => outcome((&expected.receipt, &expected.changes), found, any_fingerprint),
        (Err(expected), Ok(_)) => vec![FieldDifference {
            field: "outcome".to_owned(),
            expected: failure(expected),
            found: "a receipt".to_owned(),
        }],
        (Err(expected), Err(found)) => {
            let (expected, found) = (failure(expected), failure(found));
            match expected == found {
                true => Vec::new(),
                false => vec![FieldDifference { field: "outcome".to_owned(), expected, found }],
            }
        }
    }
}

fn failure(error: &ExecuteError) -> String {
    match error {
        ExecuteError::Rejected(rejected) => format!("rejected: {rejected}"),
        ExecuteError::Fault(fault) => format!("a node fault: {fault}"),
    }
}

fn receipts(
    (a, a_changes): (&Receipt, &Changes),
    (b, b_changes): (&Receipt, &Changes),
    any_fingerprint: bool,
) -> Vec<FieldDifference> {
    let fingerprints_matter = !any_fingerprint || a.fingerprint == b.fingerprint;
    if fingerprints_matter && a == b && a_changes == b_changes {
        return Vec::new();
    }
    let mut fields = Fields::default();
    let text = |value: &dyn fmt::Display| value.to_string();
    // What an execution decides comes before what only says which transaction it is.
    fields.same("receipt.status", &a.status, &b.status, |status| status_text(*status));
    fields.same("receipt.output", &a.output, &b.output, |bytes| Shown(bytes).to_string());
    fields.same("receipt.created", &a.created, &b.created, |created| {
        created.map_or("none".to_owned(), |address| format!("0x{address}"))
    });
    events(&mut fields, &a.events, &b.events);
    changes(&mut fields, a_changes, b_changes);
    fields.same("receipt.gas_used", &a.gas_used, &b.gas_used, |gas| text(gas));
    fields.same("receipt.gas_limit", &a.gas_limit, &b.gas_limit, |gas| text(gas));
    fields.same("receipt.changes", &a.changes, &b.changes, |hash| text(hash));
    fields.same("receipt.version", &a.version, &b.version, |version| text(version));
    fields.same("receipt.tx", &a.tx, &b.tx, |hash| text(hash));
    fields.same("receipt.height", &a.height, &b.height, |height| text(height));
    fields.same("receipt.index", &a.index, &b.index, |index| text(index));
    if !any_fingerprint {
        fields.same("receipt.fingerprint", &a.fingerprint, &b.fingerprint, |hash| text(hash));
    }
    fields.0
}

fn status_text(status: Status) -> String {
    match status {
        Status::Ok => "ok".to_owned(),
        Status::Reverted => "reverted".to_owned(),
        Status::Trapped(trap) => format!("trapped: {trap}"),
        Status::Misuse(misuse) => format!("misuse: {misuse}"),
    }
}

fn events(fields: &mut Fields, a: &[Event], b: &[Event]) {
    for index in 0..a.len().max(b.len()) {
        match (a.get(index), b.get(index)) {
            (Some(a), Some(b)) => {
                let name = |part: &str| format!("receipt.events[{index}].{part}");
                fields.same(&name("account"), &a.account, &b.account, |account| format!("0x{account}"));
                let topics = |topics: &Vec<[u8; 32]>| {
                    topics.iter().map(|topic| Shown(topic).to_string()).collect::<Vec<_>>().join(" ")
                };
                fields.same(&name("topics"), &a.topics, &b.topics, topics);
                fields.same(&name("data"), &a.data, &b.data, |data| Shown(data).to_string());
            }
            (a, b) => fields.push(format!("receipt.events[{index}]"), event_text(a), event_text(b)),
        }
    }
}

fn event_text(event: Option<&Event>) -> String {
    match event {
        None => "none".to_owned(),
        Some(event) => format!("an event of 0x{} with data {}", event.account, Shown(&event.data)),
    }
}

fn changes(fields: &mut Fields, a: &Changes, b: &Changes) {
    for (address, [a, b]) in differing(&a.accounts, &b.accounts) {
        fields.push(format!("changes.accounts[0x{address}]"), account_text(a), account_text(b));
    }
    for ((address, key), [a, b]) in differing(&a.storage, &b.storage) {
        let value = |value: Option<&Option<Vec<u8>>>| match value {
            None => "unchanged".to_owned(),
            Some(None) => "removed".to_owned(),
            Some(Some(value)) => Shown(value).to_string(),
        };
        fields.push(format!("changes.storage[0x{address}/{}]", Shown(key)), value(a), value(b));
    }
    for (hash, [a, b]) in differing(&a.code, &b.code) {
        let code = |code: Option<&std::sync::Arc<[u8]>>| {
            code.map_or("none".to_owned(), |code| format!("{} bytes", code.len()))
        };
        fields.push(format!("changes.code[{hash}]"), code(a), code(b));
    }
}

fn account_text(account: Option<&Option<Account>>) -> String {
    match account {
        None => "unchanged".to_owned(),
        Some(None) => "gone".to_owned(),
        Some(Some(Account { nonce, balance, code })) => {
            let code = code.map_or("none".to_owned(), |hash| hash.to_string());
            format!("nonce {nonce}, balance {balance}, code {code}")
        }
    }
}

/// The entries of two maps that are not in both of them alike.
fn differing<'m, K: Ord, V: PartialEq>(
    a: &'m BTreeMap<K, V>,
    b: &'m BTreeMap<K, V>,
) -> impl Iterator<Item = (&'m K, [Option<&'m V>; 2])> {
    let only_b = b.keys().filter(|key| !a.contains_key(key));
    let keys: std::collections::BTreeSet<&K> = a.keys().chain(only_b).collect();
    keys.into_iter().map(|key| (key, [a.get(key), b.get(key)])).filter(|(_, [a, b])| a != b)
}
