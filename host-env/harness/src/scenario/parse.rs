//! From a file to a scenario.
//!
//! Owns what steps and checks may say, and in which order names become known. It must not know how they are played.

use super::error::ScenarioError;
use super::expect;
use super::step::{Action, Check, Entry, EntryValue, Field, Scenario, Step};
use super::table::{Parsed, Source, Spanned, Table};
use super::value::{Number, TYPES, Value};
use crate::engine;
use crate::text::{line, unhex};
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml_edit::{Document, Item, TableLike};

/// Bytes that a scenario may have.
const BYTES_MAX: u64 = 4 << 20;

const STEP: [&str; 10] =
    ["deploy", "as", "call", "transfer", "advance", "from", "gas", "value", "input", "expect"];
const CHECK: [&str; 8] = ["account", "balance", "nonce", "storage", "receipts", "root", "height", "time"];

/// Names of accounts that are known so far.
pub(super) type Known = BTreeSet<String>;

impl Scenario {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read or is no scenario: where, why, and what to do.
    pub fn load(path: &Path) -> Result<Scenario, ScenarioError> {
        let file = path.to_string_lossy();
        let cannot = |why: String| ScenarioError::at(&file, "", 0..0, format!("cannot be read: {why}"), None);
        let size = std::fs::metadata(path).map_err(|error| cannot(error.to_string()))?.len();
        if size > BYTES_MAX {
            return Err(cannot(format!("it has {size} bytes, and a scenario may have {BYTES_MAX}")));
        }
        let bytes = std::fs::read(path).map_err(|error| cannot(error.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|_| cannot(String::from("it is no text in UTF-8")))?;
        let folder = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
        Scenario::parse(&file, text, folder)
    }

    /// Reads a text; `file` is what messages call it, and paths begin at `folder`.
    ///
    /// # Errors
    /// When it is no scenario: where, why, and what to do.
    pub fn parse(
        file: &str,
        text: impl Into<String>,
        folder: impl Into<PathBuf>,
    ) -> Result<Scenario, ScenarioError> {
        let text = text.into();
        let (name, engine, accounts, steps) = read(&Source { file, text: &text })?;
        Ok(Scenario { file: file.to_owned(), name, engine, accounts, steps, text, folder: folder.into() })
    }
}

type Read = (String, Option<lockstep_vm::Backend>, Vec<(String, u128)>, Vec<Step>);

fn read(source: &Source<'_>) -> Parsed<Read> {
    let document = Document::parse(source.text).map_err(|error| {
        let message = format!("this is no TOML: {}", error.message().replace('\n', ", "));
        source.error(error.span().unwrap_or(0..0), message, "see https://toml.io for how it is written")
    })?;
    let whole = Table::of(
        source,
        document.as_table(),
        0..0,
        "a scenario",
        &["name", "engine", "accounts", "step", "check"],
    )?;
    let name = match whole.get("name") {
        Some(name) => name.string("`name`", "say what is tested, in quotes")?.to_owned(),
        None => String::new(),
    };
    let engine = whole.get("engine").map(|found| read_engine(&found)).transpose()?;
    let mut known = Known::new();
    let accounts = match whole.get("accounts") {
        Some(accounts) => read_accounts(source, &accounts, &mut known)?,
        None => Vec::new(),
    };
    let mut tables: Vec<(Range<usize>, bool, &dyn TableLike)> = Vec::new();
    for (key, is_step) in [("step", true), ("check", false)] {
        let Some(found) = whole.get(key) else { continue };
        let Some(array) = found.item.as_array_of_tables() else {
            let what = found.item.type_name();
            let help = format!("begin each with a line `[[{key}]]`");
            return Err(found.error(format!("`{key}` is a {what}, and must be tables"), &help));
        };
        tables.extend(
            array.iter().map(|table| (table.span().unwrap_or(0..0), is_step, table as &dyn TableLike)),
        );
    }
    tables.sort_by_key(|(span, ..)| span.start);
    let steps = tables
        .into_iter()
        .map(|(span, is_step, table)| match is_step {
            true => read_step(source, table, span, &mut known),
            false => read_check(source, table, span, &known),
        })
        .collect::<Parsed<Vec<Step>>>()?;
    Ok((name, engine, accounts, steps))
}

fn read_engine(found: &Spanned<'_>) -> Parsed<lockstep_vm::Backend> {
    const HELP: &str = "it is one of: native, interpreter, crosscheck";
    let name = found.string("`engine`", HELP)?;
    engine::from_name(name)
        .ok_or_else(|| found.error(format!("there is no engine `{}`", line(name, 40)), HELP))
}

fn read_accounts(source: &Source<'_>, found: &Spanned<'_>, known: &mut Known) -> Parsed<Vec<(String, u128)>> {
    const HELP: &str = "write: accounts = { alice = 1000, bob = 0 }";
    let Some(table) = found.item.as_table_like() else {
        let what = found.item.type_name();
        return Err(found.error(format!("`accounts` is a {what}, and must be a table"), HELP));
    };
    let mut accounts = Vec::new();
    for (name, item) in table.iter() {
        let span = item.span().unwrap_or(found.span.clone());
        let owned = Spanned { source, item, span };
        check_name(&owned, name)?;
        accounts.push((name.to_owned(), owned.number("what an account owns")?));
        known.insert(name.to_owned());
    }
    Ok(accounts)
}

fn check_name(at: &Spanned<'_>, name: &str) -> Parsed<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    match !name.is_empty() && name.len() <= 64 && name.chars().all(plain) {
        true => Ok(()),
        false => Err(at.error(
            format!("`{}` is no name for an account", line(name, 40)),
            "use letters, digits, `_`, `-` and `.`, at most 64",
        )),
    }
}

/// The account of a name that is known by now; `@` in front is allowed.
pub(super) fn account(found: &Spanned<'_>, what: &str, known: &Known) -> Parsed<String> {
    let name = found.string(what, "give the name of an account")?;
    let name = name.strip_prefix('@').unwrap_or(name);
    match known.contains(name) {
        true => Ok(name.to_owned()),
        false => {
            Err(found.error(format!("there is no account `{}` here", line(name, 40)), &known_names(known)))
        }
    }
}

fn known_names(known: &Known) -> String {
    match known.len() {
        0 => String::from("name it in `accounts`, or deploy it before"),
        1..=12 => format!("there is: {}", known.iter().cloned().collect::<Vec<_>>().join(", ")),
        _ => String::from("name it in `accounts`, or deploy it before"),
    }
}

fn read_step(
    source: &Source<'_>,
    like: &dyn TableLike,
    span: Range<usize>,
    known: &mut Known,
) -> Parsed<Step> {
    let table = Table::of(source, like, span.clone(), "a step", &STEP)?;
    let kinds: Vec<&str> =
        STEP[..5].iter().copied().filter(|kind| *kind != "as" && table.has(kind)).collect();
    let [kind] = kinds[..] else {
        let message = format!(
            "a step does one thing, and this one {}",
            match kinds.len() {
                0 => String::from("none"),
                _ => format!("does: {}", kinds.join(", ")),
            }
        );
        return Err(source.error(span, message, "give it one of: deploy, call, transfer, advance"));
    };
    refuse_others(&table, kind)?;
    let (subject, gas) = (table.need(kind, "")?, table.get("gas").map(|gas| gas.small("`gas`")).transpose()?);
    let value = table.get("value").map(|value| value.number("`value`")).transpose()?.unwrap_or(0);
    let sender = || -> Parsed<String> {
        account(&table.need("from", "say who sends: from = \"alice\"")?, "`from`", known)
    };
    let input = table.get("input").map(|input| read_input(&input, known)).transpose()?.unwrap_or_default();
    let mut newly = None;
    let action = match kind {
        "deploy" => {
            let file = subject.string("`deploy`", "give the module's file")?.to_owned();
            let name = match table.get("as") {
                Some(named) => {
                    let name = named.string("`as`", "give a name")?;
                    check_name(&named, name)?;
                    if known.contains(name) {
                        return Err(
                            named.error(format!("there is an account `{name}` already"), "give another name")
                        );
                    }
                    name.to_owned()
                }
                None => default_name(&subject, &file, known)?,
            };
            newly = Some(name.clone());
            Action::Deploy { span: subject.span.clone(), file, name, from: sender()?, input, value, gas }
        }
        "call" => {
            Action::Call { to: account(&subject, "`call`", known)?, from: sender()?, input, value, gas }
        }
        "transfer" => {
            Action::Transfer { to: account(&subject, "`transfer`", known)?, from: sender()?, value, gas }
        }
        _ => read_advance(source, &subject)?,
    };
    // What a step makes is known to what it expects.
    known.extend(newly);
    let expect = match table.get("expect") {
        Some(expected) => expect::read(source, &expected, known)?,
        None => Default::default(),
    };
    Ok(Step { action, expect, span })
}

/// Words that a step of this kind has no use for.
fn refuse_others(table: &Table<'_>, kind: &str) -> Parsed<()> {
    let useless: &[&str] = match kind {
        "deploy" => &[],
        "call" => &["as"],
        "transfer" => &["as", "input"],
        _ => &["as", "from", "gas", "value", "input", "expect"],
    };
    match useless.iter().find_map(|word| table.get(word).map(|found| (word, found))) {
        None => Ok(()),
        Some((word, found)) => {
            Err(found.error(format!("a step that has `{kind}` has no `{word}`"), "take it out"))
        }
    }
}

fn default_name(subject: &Spanned<'_>, file: &str, known: &Known) -> Parsed<String> {
    let name =
        Path::new(file).file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    check_name(subject, &name)?;
    match known.contains(&name) {
        true => {
            Err(subject.error(format!("there is an account `{name}` already"), "name this one: as = \"...\""))
        }
        false => Ok(name),
    }
}

fn read_advance(source: &Source<'_>, found: &Spanned<'_>) -> Parsed<Action> {
    const UNITS: [(&str, u64); 6] = [
        ("blocks", 0),
        ("millis", 1),
        ("seconds", 1_000),
        ("minutes", 60_000),
        ("hours", 3_600_000),
        ("days", 86_400_000),
    ];
    let names = UNITS.map(|(name, _)| name);
    let table = Table::new(source, found.item, "`advance`", &names)?;
    let (mut blocks, mut millis) = (0_u64, 0_u64);
    for (name, unit) in UNITS {
        let Some(amount) = table.get(name) else { continue };
        let number = amount.small("it")?;
        match unit {
            0 => blocks = number,
            unit => millis = millis.saturating_add(number.saturating_mul(unit)),
        }
    }
    Ok(Action::Advance { blocks, millis })
}

/// A name and values, or bytes.
fn read_input(found: &Spanned<'_>, known: &Known) -> Parsed<Vec<Value>> {
    const HELP: &str = "write: input = [\"transfer\", \"@bob\", { u128 = 100 }], or input = \"0x..\"";
    if let Some(text) = found.item.as_str() {
        let bytes = unhex(text)
            .ok_or_else(|| found.error("an `input` in one piece is hexadecimal behind `0x`", HELP))?;
        return Ok(vec![Value::Raw(bytes)]);
    }
    let values = found.array("`input`", HELP)?;
    match values.first().map(|first| first.as_str()) {
        None => return Ok(Vec::new()),
        Some(Some(name)) if !name.starts_with('@') => {}
        Some(_) => return Err(found.error("an `input` begins with the function's name", HELP)),
    }
    values.into_iter().map(|value| read_value(found, value, known)).collect()
}

/// A value, as in an input.
pub(super) fn read_value(around: &Spanned<'_>, value: &toml_edit::Value, known: &Known) -> Parsed<Value> {
    let span = value.span().unwrap_or(around.span.clone());
    let error = |message: String, help: &str| around.source.error(span.clone(), message, help);
    const WIDE: &str = "say how wide the number is: { u128 = 100 }";
    match value {
        toml_edit::Value::String(text) => match text.value().strip_prefix('@') {
            None => Ok(Value::Text(text.value().clone())),
            Some(name) if known.contains(name) => Ok(Value::Account(name.to_owned())),
            Some(name) => {
                Err(error(format!("there is no account `{}` here", line(name, 40)), &known_names(known)))
            }
        },
        toml_edit::Value::Boolean(truth) => Ok(Value::Bool(*truth.value())),
        toml_edit::Value::Array(values) => {
            let values = values.iter().map(|value| read_value(around, value, known)).collect::<Parsed<_>>();
            values.map(Value::Tuple)
        }
        toml_edit::Value::Integer(_) => Err(error(String::from("a number has a type"), WIDE)),
        toml_edit::Value::Float(_) => Err(error(String::from("there are no numbers with a point"), WIDE)),
        toml_edit::Value::Datetime(_) => {
            Err(error(String::from("there are no dates"), "give milliseconds: { u64 = 0 }"))
        }
        toml_edit::Value::InlineTable(table) => {
            let mut pairs = table.iter();
            match (pairs.next(), pairs.next()) {
                (Some((key, inner)), None) => read_typed(around, key, inner, &span, known),
                _ => Err(error(String::from("a value in braces has one word: its type"), WIDE)),
            }
        }
    }
}

fn read_typed(
    around: &Spanned<'_>,
    ty: &str,
    inner: &toml_edit::Value,
    span: &Range<usize>,
    known: &Known,
) -> Parsed<Value> {
    let error = |message: String, help: &str| around.source.error(span.clone(), message, help);
    if TYPES.iter().any(|(name, ..)| *name == ty) {
        let text = match inner {
            toml_edit::Value::Integer(number) => number.value().to_string(),
            toml_edit::Value::String(text) => text.value().clone(),
            _ => String::new(),
        };
        let number = Number::parse(ty, &text);
        return number.map(Value::Number).ok_or_else(|| {
            error(format!("this is no `{ty}`"), "give a whole number that fits; above 2^63 - 1 as a text")
        });
    }
    let hexadecimal = || {
        let bytes = inner.as_str().and_then(unhex);
        bytes.ok_or_else(|| {
            error(format!("`{ty}` is hexadecimal"), "write pairs of digits behind `0x`, in quotes")
        })
    };
    match (ty, inner) {
        ("bytes", _) => hexadecimal().map(Value::Bytes),
        ("raw", _) => hexadecimal().map(Value::Raw),
        ("string", toml_edit::Value::String(text)) => Ok(Value::Text(text.value().clone())),
        ("bool", toml_edit::Value::Boolean(truth)) => Ok(Value::Bool(*truth.value())),
        ("some", value) => Ok(Value::Some(Box::new(read_value(around, value, known)?))),
        ("none", toml_edit::Value::Boolean(truth)) if *truth.value() => Ok(Value::None),
        ("list", toml_edit::Value::Array(values)) => {
            let values = values.iter().map(|value| read_value(around, value, known)).collect::<Parsed<_>>();
            values.map(Value::List)
        }
        _ => Err(error(
            format!("there is no value `{}` of this kind", line(ty, 40)),
            "the types are u8 to u128, i8 to i128, bool, string, bytes, raw, list, some, none",
        )),
    }
}

fn read_check(source: &Source<'_>, like: &dyn TableLike, span: Range<usize>, known: &Known) -> Parsed<Step> {
    let table = Table::of(source, like, span.clone(), "a check", &CHECK)?;
    let mut check = Check {
        account: table.get("account").map(|found| account(&found, "`account`", known)).transpose()?,
        balance: field(&table, "balance", |found| found.number("`balance`"))?,
        nonce: field(&table, "nonce", |found| found.small("`nonce`"))?,
        height: field(&table, "height", |found| found.small("`height`"))?,
        time: field(&table, "time", |found| found.small("`time`"))?,
        receipts: field(&table, "receipts", |found| found.string("`receipts`", "").map(str::to_owned))?,
        root: field(&table, "root", |found| found.string("`root`", "").map(str::to_owned))?,
        ..Check::default()
    };
    let of_account = ["balance", "nonce", "storage"].into_iter().find(|key| table.has(key));
    if let (Some(key), None) = (of_account, &check.account) {
        return Err(source.error(
            span,
            format!("a check of `{key}` lacks `account`"),
            "say whose: account = \"alice\"",
        ));
    }
    if let Some(storage) = table.get("storage") {
        read_storage(source, &storage, known, &mut check)?;
    }
    Ok(Step { action: Action::Check(check), expect: Default::default(), span })
}

/// Something expected; `"*"` is anything.
pub(super) fn field<T>(
    table: &Table<'_>,
    key: &str,
    read: impl FnOnce(&Spanned<'_>) -> Parsed<T>,
) -> Parsed<Option<Field<T>>> {
    let Some(found) = table.get(key) else { return Ok(None) };
    let span = found.span.clone();
    let value = if found.is_any() { None } else { Some(read(&found)?) };
    Ok(Some(Field { value, span }))
}

fn read_storage(source: &Source<'_>, found: &Spanned<'_>, known: &Known, check: &mut Check) -> Parsed<()> {
    const HELP: &str = "write: storage = { \"balance/@bob\" = { u128 = 40 }, \"allowance/@bob/@carol\" = { absent = true } }";
    let Some(table) = found.item.as_table_like() else {
        let what = found.item.type_name();
        return Err(found.error(format!("`storage` is a {what}, and must be a table"), HELP));
    };
    for (text, item) in table.iter() {
        let span = item.span().unwrap_or(found.span.clone());
        let at = Spanned { source, item, span: span.clone() };
        let absent = item.as_table_like().and_then(|table| table.get("absent")).and_then(Item::as_bool);
        if text == "*" {
            match (at.is_any(), absent) {
                (true, _) => {}
                (_, Some(true)) => check.nothing_else = true,
                _ => return Err(at.error("other keys are \"*\" or { absent = true }", "")),
            }
            continue;
        }
        let value = match (absent, at.is_any(), item.as_value()) {
            (Some(true), ..) => EntryValue::Absent,
            (_, true, _) => EntryValue::Any,
            (_, _, Some(value)) => EntryValue::Is(read_value(&at, value, known)?),
            _ => return Err(at.error("this is no value", HELP)),
        };
        check.storage.push(Entry { text: text.to_owned(), key: read_key(&at, text, known)?, value, span });
    }
    Ok(())
}

/// `name/@account/u32:7/0x..`: a text, then addresses, numbers, bytes without a length, or texts.
fn read_key(at: &Spanned<'_>, text: &str, known: &Known) -> Parsed<Vec<Value>> {
    let piece = |piece: &str| -> Parsed<Value> {
        if let Some(name) = piece.strip_prefix('@') {
            return match known.contains(name) {
                true => Ok(Value::Account(name.to_owned())),
                false => {
                    let message = format!("there is no account `{}` here", line(name, 40));
                    Err(at.error(message, &known_names(known)))
                }
            };
        }
        if let Some((ty, number)) = piece.split_once(':')
            && TYPES.iter().any(|(name, ..)| *name == ty)
        {
            let number = Number::parse(ty, number).map(Value::Number);
            return number
                .ok_or_else(|| at.error(format!("`{}` is no number of its type", line(piece, 40)), ""));
        }
        match piece.starts_with("0x") {
            true => unhex(piece).map(Value::Raw).ok_or_else(|| {
                at.error(
                    format!("`{}` is not hexadecimal", line(piece, 40)),
                    "write pairs of digits behind `0x`",
                )
            }),
            false => Ok(Value::Text(piece.to_owned())),
        }
    };
    text.split('/').map(piece).collect()
}
