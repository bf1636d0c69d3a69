//! Gas by contract and function: a report, a file of it, and what has grown since.
//!
//! Owns the numbers and the file. It must not know how gas is spent.

use crate::text::{grouped, line};
use std::collections::BTreeMap;
use std::fmt::Write;
use toml_edit::{Document, DocumentMut, Item, Table, value};

/// The gas of calls, by contract and function.
#[derive(Clone, Default, Debug)]
pub struct GasReport(BTreeMap<(String, String), Vec<u64>>);

/// The gas of a function's calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Summary {
    /// How many calls.
    pub calls: u64,
    /// The cheapest.
    pub least: u64,
    /// The one in the middle, the lower of two.
    pub median: u64,
    /// The dearest.
    pub most: u64,
}

/// A function whose dearest call grew by more than is tolerated.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Grown {
    /// The contract.
    pub contract: String,
    /// The function.
    pub function: String,
    /// What its dearest call cost.
    pub before: u64,
    /// What it costs.
    pub now: u64,
}

/// What was saved, with how much more is tolerated.
#[derive(Clone, Debug)]
pub struct GasFile(BTreeMap<(String, String), u64>);

/// A part of a whole, in millionths.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Tolerance(u64);

impl Tolerance {
    /// Of a text: `2%`, `0.5%`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Tolerance, String> {
        let wrong =
            || format!("`{}` is no tolerance: write it as `2%` or `0.5%`, at most 1000%", line(text, 40));
        let number = text.strip_suffix('%').ok_or_else(wrong)?;
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(part) || whole.len() > 4 || part.len() > 4 {
            return Err(wrong());
        }
        let whole: u64 = whole.parse().map_err(|_| wrong())?;
        let part: u64 = format!("{part:0<4}").parse().map_err(|_| wrong())?;
        let millionths = whole * 10_000 + part;
        if millionths > 10_000_000 { Err(wrong()) } else { Ok(Tolerance(millionths)) }
    }

    /// The most that is tolerated where so much was before.
    pub fn most(self, before: u64) -> u64 {
        let more = u128::from(before) * u128::from(self.0) / 1_000_000;
        before.saturating_add(u64::try_from(more).unwrap_or(u64::MAX))
    }
}

impl GasReport {
    /// Adds a call.
    pub fn add(&mut self, contract: &str, function: &str, gas: u64) {
        self.0.entry((contract.to_owned(), function.to_owned())).or_default().push(gas);
    }

    /// Adds what another report has.
    pub fn merge(&mut self, other: &GasReport) {
        for (key, calls) in &other.0 {
            self.0.entry(key.clone()).or_default().extend(calls);
        }
    }

    /// By contract and function, in order.
    pub fn summaries(&self) -> impl Iterator<Item = (&str, &str, Summary)> {
        self.0.iter().filter_map(|((contract, function), calls)| {
            let mut calls = calls.clone();
            calls.sort_unstable();
            let summary = Summary {
                calls: calls.len() as u64,
                least: *calls.first()?,
                median: calls[(calls.len() - 1) / 2],
                most: *calls.last()?,
            };
            Some((contract.as_str(), function.as_str(), summary))
        })
    }

    /// A table for people.
    pub fn table(&self) -> String {
        let rows: Vec<[String; 5]> = self
            .summaries()
            .map(|(contract, function, sum)| {
                let [calls, least, median, most] = [sum.calls, sum.least, sum.median, sum.most].map(grouped);
                [line(&format!("{contract}.{function}"), 60), calls, least, median, most]
            })
            .collect();
        let head = ["function", "calls", "least", "median", "most"].map(String::from);
        let mut widths = [0; 5];
        for row in rows.iter().chain([&head]) {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let mut text = String::new();
        for row in [&head].into_iter().chain(&rows) {
            let _ = write!(text, "{:<1$}", row[0], widths[0]);
            for (cell, width) in row.iter().zip(widths).skip(1) {
                let _ = write!(text, "  {cell:>width$}");
            }
            text.push('\n');
        }
        text
    }

    /// What a file of it says.
    pub fn to_file(&self) -> String {
        let mut document = DocumentMut::new();
        for (contract, function, sum) in self.summaries() {
            let contract = document.entry(contract).or_insert_with(|| Item::Table(Table::new()));
            // A table was put there.
            if let Some(table) = contract.as_table_mut() {
                table.insert(function, value(i64::try_from(sum.most).unwrap_or(i64::MAX)));
            }
        }
        format!(
            "# The most gas that a call of each function used: `lockstep test --gas save=FILE`.\n{document}"
        )
    }

    /// What grew by more than is tolerated. What is new, or is no longer called, has not grown.
    pub fn grown(&self, since: &GasFile, tolerance: Tolerance) -> Vec<Grown> {
        self.summaries()
            .filter_map(|(contract, function, sum)| {
                let before = *since.0.get(&(contract.to_owned(), function.to_owned()))?;
                (sum.most > tolerance.most(before)).then(|| Grown {
                    contract: contract.to_owned(),
                    function: function.to_owned(),
                    before,
                    now: sum.most,
                })
            })
            .collect()
    }
}

impl GasFile {
    /// Reads a file's text.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<GasFile, String> {
        let document = Document::parse(text).map_err(|error| error.to_string())?;
        let mut gas = BTreeMap::new();
        for (contract, functions) in document.iter() {
            let functions = functions
                .as_table_like()
                .ok_or_else(|| format!("`{}` is no table of functions", line(contract, 40)))?;
            for (function, most) in functions.iter() {
                let most = most.as_integer().and_then(|most| u64::try_from(most).ok());
                let most = most.ok_or_else(|| {
                    format!("`{}.{}` is no amount of gas", line(contract, 40), line(function, 40))
                })?;
                gas.insert((contract.to_owned(), function.to_owned()), most);
            }
        }
        Ok(GasFile(gas))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tolerance_is_a_percentage() {
        assert_eq!(Tolerance::parse("2%").unwrap().most(1_000), 1_020);
        assert_eq!(Tolerance::parse("0.5%").unwrap().most(1_000), 1_005);
        assert_eq!(Tolerance::parse("0%").unwrap().most(u64::MAX), u64::MAX);
        for wrong in ["2", "%", "-1%", "1e2%", "1001%", "2,5%", ".5%", "5.%", "99999999999999999999%"] {
            assert!(Tolerance::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_was_saved_is_compared() {
        let mut report = GasReport::default();
        for gas in [30, 10, 20, 40] {
            report.add("to ken", "transfer", gas);
        }
        let (.., sum) = report.summaries().next().unwrap();
        assert_eq!(sum, Summary { calls: 4, least: 10, median: 20, most: 40 });
        let file = GasFile::parse(&report.to_file()).unwrap();
        assert!(report.grown(&file, Tolerance::default()).is_empty());
        report.add("to ken", "transfer", 41);
        report.add("to ken", "burn", 1_000);
        let grown = report.grown(&file, Tolerance::default());
        assert_eq!((grown.len(), grown[0].before, grown[0].now), (1, 40, 41));
        assert!(report.grown(&file, Tolerance::parse("2.5%").unwrap()).is_empty());
        for wrong in ["a = 1", "[a]\nb = \"x\"", "[a]\nb = -1", "["] {
            assert!(GasFile::parse(wrong).is_err(), "{wrong}");
        }
    }
}
