//! Reading of TOML tables, with where everything stands.
//!
//! Owns the words for what is missing, unknown or of another type. It must not know scenarios.

use super::error::ScenarioError;
use crate::text::line;
use std::ops::Range;
use toml_edit::{Item, TableLike, Value};

pub(super) type Parsed<T> = Result<T, ScenarioError>;

/// A file that is being read.
pub(super) struct Source<'s> {
    pub(super) file: &'s str,
    pub(super) text: &'s str,
}

impl Source<'_> {
    pub(super) fn error(&self, span: Range<usize>, message: impl Into<String>, help: &str) -> ScenarioError {
        let help = (!help.is_empty()).then(|| help.to_owned());
        ScenarioError::at(self.file, self.text, span, message.into(), help)
    }
}

/// A table whose keys are all to be known.
pub(super) struct Table<'t> {
    pub(super) source: &'t Source<'t>,
    table: &'t dyn TableLike,
    pub(super) span: Range<usize>,
    what: &'static str,
}

impl<'t> Table<'t> {
    /// A table with no other keys than these.
    pub(super) fn new(
        source: &'t Source<'t>,
        item: &'t Item,
        what: &'static str,
        known: &[&str],
    ) -> Parsed<Table<'t>> {
        let span = item.span().unwrap_or(0..0);
        let Some(table) = item.as_table_like() else {
            return Err(source.error(
                span,
                format!("{what} is a {}, and must be a table", item.type_name()),
                "",
            ));
        };
        Table::of(source, table, span, what, known)
    }

    pub(super) fn of(
        source: &'t Source<'t>,
        table: &'t dyn TableLike,
        span: Range<usize>,
        what: &'static str,
        known: &[&str],
    ) -> Parsed<Table<'t>> {
        for (key, item) in table.iter() {
            if known.contains(&key) {
                continue;
            }
            let place = table.key(key).and_then(|key| key.span()).or(item.span()).unwrap_or(span.clone());
            let near = known.iter().find(|word| is_near(key, word));
            let help = match near {
                Some(word) => format!("did you mean `{word}`?"),
                None => format!("it may have: {}", known.join(", ")),
            };
            return Err(source.error(place, format!("{what} has no `{}`", line(key, 40)), &help));
        }
        Ok(Table { source, table, span, what })
    }

    pub(super) fn get(&self, key: &str) -> Option<Spanned<'t>> {
        let item = self.table.get(key).filter(|item| !item.is_none())?;
        let span = item.span().unwrap_or(self.span.clone());
        Some(Spanned { source: self.source, item, span })
    }

    pub(super) fn need(&self, key: &str, help: &str) -> Parsed<Spanned<'t>> {
        self.get(key)
            .ok_or_else(|| self.source.error(self.span.clone(), format!("{} lacks `{key}`", self.what), help))
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }
}

/// Something in a file, with where it stands.
#[derive(Clone)]
pub(super) struct Spanned<'t> {
    pub(super) source: &'t Source<'t>,
    pub(super) item: &'t Item,
    pub(super) span: Range<usize>,
}

impl<'t> Spanned<'t> {
    pub(super) fn error(&self, message: impl Into<String>, help: &str) -> ScenarioError {
        self.source.error(self.span.clone(), message, help)
    }

    pub(super) fn string(&self, what: &str, help: &str) -> Parsed<&'t str> {
        let found = self.item.type_name();
        self.item
            .as_str()
            .ok_or_else(|| self.error(format!("{what} is a {found}, and must be a string"), help))
    }

    /// A whole number that is not negative; above 2^63 as a text.
    pub(super) fn number(&self, what: &str) -> Parsed<u128> {
        let text = self.item.as_str().map(|text| text.replace('_', ""));
        let found = match (self.item.as_integer(), text) {
            (Some(number), _) => u128::try_from(number).ok(),
            (None, Some(text)) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
            _ => None,
        };
        found.ok_or_else(|| {
            self.error(
                format!("{what} must be a whole number from 0"),
                "write it without a point; above 2^63 - 1 as a text: \"10000000000000000000\"",
            )
        })
    }

    pub(super) fn small(&self, what: &str) -> Parsed<u64> {
        let number = self.number(what)?;
        u64::try_from(number)
            .ok()
            .filter(|number| i64::try_from(*number).is_ok())
            .ok_or_else(|| self.error(format!("{what} is {number}, and may be at most 2^63 - 1"), ""))
    }

    /// The values of an array.
    pub(super) fn array(&self, what: &str, help: &str) -> Parsed<Vec<&'t Value>> {
        let found = self.item.type_name();
        let array = self.item.as_array();
        Ok(array
            .ok_or_else(|| self.error(format!("{what} is a {found}, and must be an array"), help))?
            .iter()
            .collect())
    }

    pub(super) fn is_any(&self) -> bool {
        self.item.as_str() == Some("*")
    }
}

/// Whether a word was probably meant to be another: one letter differs, is missing or too much.
fn is_near(word: &str, known: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (word.chars().take(40).collect(), known.chars().collect());
    let same_start = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let same_end = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    let longest = a.len().max(b.len());
    longest > 2 && longest.abs_diff(a.len().min(b.len())) <= 1 && same_start + same_end + 1 >= longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_near() {
        for (word, known) in [("inptu", "input"), ("inputs", "input"), ("staus", "status"), ("gaz", "gas")] {
            assert_eq!(is_near(word, known), word != "inptu", "{word}");
        }
        assert!(!is_near("from", "gas") && !is_near("", "as") && !is_near("a", "as"));
    }
}
