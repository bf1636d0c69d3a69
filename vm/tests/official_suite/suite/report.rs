//! What came of a run of the suite.
//!
//! Owns the counts and how they are printed. It must not know how directives are judged.

use std::collections::{BTreeMap, BTreeSet};

/// Directives of one kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Tally {
    /// As the suite demands.
    pub(crate) passed: u64,
    /// Not as the suite demands.
    pub(crate) failed: u64,
    /// Not judged; each has a reason in [`Report::skips`].
    pub(crate) skipped: u64,
}

/// Counts, failures and skips of one configuration.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// By kind of directive.
    pub(crate) kinds: BTreeMap<&'static str, Tally>,
    /// Where, and what was wrong.
    pub(crate) failures: Vec<String>,
    /// By reason and file: the lines.
    pub(crate) skips: BTreeMap<&'static str, BTreeMap<String, Vec<usize>>>,
    /// Traps that were demanded and came: by message and kind.
    pub(crate) traps: BTreeMap<(String, &'static str), u64>,
    /// Codes with which modules were refused, by kind of directive.
    pub(crate) refusals: BTreeMap<(&'static str, String), u64>,
    /// NaN patterns that were met by the positive canonical NaN, by type and exported function.
    pub(crate) nans: BTreeMap<(&'static str, String), u64>,
    /// Modules that the suite holds to be valid, without and with floats.
    pub(crate) valid_modules: BTreeMap<bool, u64>,
    /// Calls of the `print` functions.
    pub(crate) prints: u64,
    /// Calls and instantiations.
    pub(crate) calls: u64,
    /// Gas that all of it took.
    pub(crate) gas: u64,
    /// The part of it that the engine recounted as it executed.
    pub(crate) recounted_gas: u64,
    /// How often each operator was executed, by its name.
    pub(crate) executed: BTreeMap<&'static str, u64>,
}

impl Report {
    /// The tally of a kind.
    pub(crate) fn tally(&mut self, kind: &'static str) -> &mut Tally {
        self.kinds.entry(kind).or_default()
    }

    /// A directive was not judged.
    pub(crate) fn skip(&mut self, kind: &'static str, reason: &'static str, file: &str, line: usize) {
        self.tally(kind).skipped += 1;
        self.skips.entry(reason).or_default().entry(file.to_string()).or_default().push(line);
    }

    /// Directives of each kind, judged or not.
    pub(crate) fn directives(&self) -> BTreeMap<&'static str, u64> {
        self.kinds.iter().map(|(kind, tally)| (*kind, tally.passed + tally.failed + tally.skipped)).collect()
    }

    /// Modules that the suite holds to be valid, with or without floats.
    pub(crate) fn valid(&self, with_floats: bool) -> u64 {
        self.valid_modules.get(&with_floats).copied().unwrap_or_default()
    }

    /// Directives that were not judged, by reason.
    pub(crate) fn skipped(&self, reason: &str) -> usize {
        self.skips.get(reason).into_iter().flat_map(|files| files.values()).map(Vec::len).sum()
    }

    /// Prints every skipped directive by its place; of some reasons only the count.
    pub(crate) fn print_skips(&self, only_counted: &[&str]) {
        for (reason, files) in &self.skips {
            println!("skipped, {reason}: {}", self.skipped(reason));
            if only_counted.contains(reason) {
                continue;
            }
            for (file, lines) in files {
                println!("  {file} ({}): {}", lines.len(), ranges(lines));
            }
        }
    }

    /// Prints what the counts by kind do not say.
    pub(crate) fn print_details(&self) {
        println!("traps demanded, and the kind that each came with");
        for ((message, trap), count) in &self.traps {
            println!("  {count:>6}  {message}: {trap}");
        }
        println!("codes of refused modules");
        for ((kind, code), count) in &self.refusals {
            println!("  {count:>6}  {kind}: {code}");
        }
        let by_type =
            |ty| self.nans.iter().filter(|((of, _), _)| *of == ty).map(|(_, count)| count).sum::<u64>();
        println!(
            "NaN patterns met by the positive canonical NaN: {} f32, {} f64",
            by_type("f32"),
            by_type("f64")
        );
        let functions: BTreeSet<&str> = self.nans.keys().map(|(_, function)| function.as_str()).collect();
        println!("  of {}", functions.into_iter().collect::<Vec<_>>().join(" "));
        println!("{} valid modules with floats, {} without", self.valid(true), self.valid(false));
        println!("{} calls of print functions", self.prints);
        println!(
            "{} calls and instantiations, {} gas, {} of it recounted",
            self.calls, self.gas, self.recounted_gas
        );
        let never: Vec<&str> =
            self.executed.iter().filter(|(_, count)| **count == 0).map(|(name, _)| *name).collect();
        println!("{} operators, never executed: {}", self.executed.len(), never.join(" "));
    }

    /// Prints the counts by kind.
    pub(crate) fn print_table(&self, title: &str) {
        println!("{title}");
        println!("  {:<28}{:>8}{:>8}{:>8}", "directive", "passed", "failed", "skipped");
        let mut all = Tally::default();
        for (kind, Tally { passed, failed, skipped }) in &self.kinds {
            println!("  {kind:<28}{passed:>8}{failed:>8}{skipped:>8}");
            all.passed += passed;
            all.failed += failed;
            all.skipped += skipped;
        }
        println!("  {:<28}{:>8}{:>8}{:>8}", "all", all.passed, all.failed, all.skipped);
    }

    /// Fails the test when a directive failed, showing the failures.
    ///
    /// # Panics
    /// When there is a failure.
    pub(crate) fn expect_no_failures(&self, title: &str) {
        const SHOWN: usize = 50;
        let shown: Vec<&str> = self.failures.iter().take(SHOWN).map(String::as_str).collect();
        assert!(
            self.failures.is_empty(),
            "{title}: {} failures{}\n{}",
            self.failures.len(),
            if self.failures.len() > SHOWN { ", the first of them" } else { "" },
            shown.join("\n")
        );
    }
}

/// Line numbers with neighbours joined: `3 5-9 12`.
fn ranges(lines: &[usize]) -> String {
    let mut text = String::new();
    let mut at = 0;
    while at < lines.len() {
        let first = at;
        while at + 1 < lines.len() && lines[at + 1] <= lines[at] + 1 {
            at += 1;
        }
        let space = if text.is_empty() { "" } else { " " };
        match lines[first] == lines[at] {
            true => text += &format!("{space}{}", lines[first]),
            false => text += &format!("{space}{}-{}", lines[first], lines[at]),
        }
        at += 1;
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn neighbouring_lines_are_joined() {
        assert_eq!(super::ranges(&[3, 5, 6, 7, 7, 9]), "3 5-7 9");
        assert_eq!(super::ranges(&[]), "");
    }
}
