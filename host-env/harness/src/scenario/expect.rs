//! What a step expects, as it is written.
//!
//! Owns its words. It must not know how they are compared.

use super::parse::{Known, account, field, read_value};
use super::step::{Event, Expect};
use super::table::{Parsed, Source, Spanned, Table};
use super::value::Value;
use crate::text::{line, unhex};
use lockstep_vm::Trap;

const STATUSES: [&str; 5] = ["ok", "reverted", "trapped", "misuse", "rejected"];
pub(super) const MISUSES: [&str; 3] = ["StateChangeInStatic", "LimitExceeded", "BadArgument"];
pub(super) const REJECTED: [&str; 4] = ["Chain", "Nonce", "Gas", "Balance"];

pub(super) fn read(source: &Source<'_>, found: &Spanned<'_>, known: &Known) -> Parsed<Expect> {
    let words = ["status", "why", "output", "gas", "gas_at_most", "events"];
    let table = Table::new(source, found.item, "`expect`", &words)?;
    let expect = Expect {
        span: Some(found.span.clone()),
        status: field(&table, "status", |found| word(found, "status", &STATUSES))?,
        why: field(&table, "why", |found| {
            let all: Vec<&str> =
                Trap::ALL.iter().map(|trap| trap.name()).chain(MISUSES).chain(REJECTED).collect();
            word(found, "why", &all)
        })?,
        output: field(&table, "output", |found| read_output(found, known))?,
        gas: field(&table, "gas", |found| found.small("`gas`"))?,
        gas_at_most: field(&table, "gas_at_most", |found| found.small("`gas_at_most`"))?,
        events: field(&table, "events", |found| read_events(source, found, known))?,
    };
    Ok(expect)
}

fn word(found: &Spanned<'_>, what: &str, all: &[&str]) -> Parsed<String> {
    let help = format!("it is one of: {}", all.join(", "));
    let word = found.string(&format!("`{what}`"), &help)?;
    match all.contains(&word) {
        true => Ok(word.to_owned()),
        false => Err(found.error(format!("there is no {what} `{}`", line(word, 40)), &help)),
    }
}

/// A text is itself, without a length; `0x..` are bytes.
fn read_output(found: &Spanned<'_>, known: &Known) -> Parsed<Value> {
    if let Some(text) = found.item.as_str() {
        if text.starts_with("0x") {
            let bytes = unhex(text).map(Value::Raw);
            return bytes
                .ok_or_else(|| found.error("this is not hexadecimal", "write pairs of digits behind `0x`"));
        }
        if !text.starts_with('@') {
            return Ok(Value::Raw(text.as_bytes().to_vec()));
        }
    }
    match found.item.as_value() {
        Some(value) => read_value(found, value, known),
        None => Err(found.error("this is no value", "write: output = { u128 = 100 }")),
    }
}

fn read_events(source: &Source<'_>, found: &Spanned<'_>, known: &Known) -> Parsed<Vec<Event>> {
    const HELP: &str = "write: events = [{ account = \"token\", name = \"Transfer\", data = [\"@alice\", \"@bob\", { u128 = 60 }] }]";
    let values = found.array("`events`", HELP)?;
    values
        .into_iter()
        .map(|value| {
            let span = value.span().unwrap_or(found.span.clone());
            let Some(inline) = value.as_inline_table() else {
                return Err(source.error(span, "an event is a table", HELP));
            };
            let table = Table::of(source, inline, span, "an event", &["account", "name", "topics", "data"])?;
            let value = |key: &str| -> Parsed<Option<Value>> {
                let Some(found) = table.get(key).filter(|found| !found.is_any()) else { return Ok(None) };
                match found.item.as_value() {
                    Some(value) => read_value(&found, value, known).map(Some),
                    None => Err(found.error("this is no value", HELP)),
                }
            };
            let topics = match value("topics")? {
                None => None,
                Some(Value::Tuple(topics)) => Some(topics),
                Some(_) => return Err(table.need("topics", "")?.error("`topics` is an array", HELP)),
            };
            let whose = table.get("account").filter(|found| !found.is_any());
            let name = table.get("name").filter(|found| !found.is_any());
            Ok(Event {
                account: whose.map(|found| account(&found, "`account`", known)).transpose()?,
                name: name.map(|found| found.string("`name`", HELP).map(str::to_owned)).transpose()?,
                topics,
                data: value("data")?,
            })
        })
        .collect()
}
