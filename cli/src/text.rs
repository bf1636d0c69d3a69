//! Text for a terminal.
//!
//! Owns the rule that nothing a module or file name contains reaches a terminal as it is: what does not print is
//! escaped, what is long is cut. It must not know what the text means.

use std::borrow::Cow;
use std::fmt;

/// Characters of a name that are shown.
const NAME_MAX: usize = 128;

/// The text with everything that does not print escaped, line ends excepted.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n')) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        // Quotes and backslashes print.
        if matches!(c, '\n' | '\'' | '"' | '\\') {
            out.push(c);
        } else {
            out.extend(c.escape_debug());
        }
    }
    Cow::Owned(out)
}

/// As [`printable`], with each character that does not print replaced by one that does, so that columns stay.
pub(crate) fn columns(text: &str) -> String {
    let keep = |c: char| c == '\n' || printable(c.encode_utf8(&mut [0; 4])).chars().count() == 1;
    text.chars()
        .map(|c| {
            if c == '\t' {
                ' '
            } else if keep(c) {
                c
            } else {
                '\u{fffd}'
            }
        })
        .collect()
}

/// A name from a module or the command line: on one line, of bounded length.
pub(crate) struct Name<'a>(pub(crate) &'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, c) in self.0.chars().enumerate() {
            if at == NAME_MAX {
                return f.write_str("...");
            }
            write!(f, "{}", c.escape_debug())?;
        }
        Ok(())
    }
}

/// A number with its digits in groups of three.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How many things, in the number that fits.
pub(crate) fn count(number: usize, noun: &str) -> String {
    format!("{} {noun}{}", grouped(number as u64), if number == 1 { "" } else { "s" })
}

/// The first few of many, one a line and indented, with how many there are more.
pub(crate) fn listed(items: impl ExactSizeIterator<Item = String>) -> String {
    const SHOWN: usize = 16;
    let more = items.len().saturating_sub(SHOWN);
    let mut lines: Vec<String> = items.take(SHOWN).collect();
    if more > 0 {
        lines.push(format!("and {} more", grouped(more as u64)));
    }
    lines.iter().map(|line| format!("\n  {line}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_that_moves_its_cursor() {
        let hostile = "a\u{1b}[2J\r\u{9b}31m\u{202e}\u{7f}\0b";
        for text in [printable(hostile).into_owned(), Name(hostile).to_string(), columns(hostile)] {
            assert!(!text.chars().any(|c| c.is_control() || c == '\u{202e}'), "{text:?}");
            assert!(text.starts_with('a') && text.ends_with('b'));
        }
        assert_eq!(printable("it's \"x\"\nä"), "it's \"x\"\nä");
        assert_eq!(columns("a\tb").len(), 3);
    }

    #[test]
    fn a_long_name_is_cut() {
        assert_eq!(Name(&"x".repeat(100_000)).to_string().len(), 131);
    }

    #[test]
    fn digits_are_grouped() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
