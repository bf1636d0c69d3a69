//! Where something is wrong: in a module's bytes, and in the text that a reader can look at.
//!
//! Owns places and excerpts. It must not know what is wrong there.

use crate::text::columns;
use std::ops::Range;

/// Characters of a line that are shown.
const LINE_MAX: usize = 120;

/// A place in an input.
#[derive(Debug, Default)]
pub(crate) struct Place {
    /// The file's name.
    pub(crate) file: String,
    /// In bytes from the start of the module, where there is a module.
    pub(crate) offset: Option<u64>,
    pub(crate) function: Option<u32>,
    pub(crate) function_name: Option<String>,
    /// Line and column in the text, from 1, where the input is text.
    pub(crate) position: Option<(usize, usize)>,
    pub(crate) excerpt: Option<Excerpt>,
}

/// A few lines with a mark, safe to print and of bounded size.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Excerpt {
    pub(crate) kind: Kind,
    pub(crate) lines: String,
    /// The bytes of `lines` to point at.
    pub(crate) mark: Range<usize>,
}

/// What the lines of an excerpt are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// Lines of the file.
    Text {
        /// The number of the first, from 1.
        first: usize,
    },
    /// Lines of the module's text, each with its offset.
    Disassembly,
    /// The module's bytes, in hexadecimal.
    Bytes,
}

impl Excerpt {
    /// The line at this byte of a text and those beside it, marked from there to the end of the word.
    pub(crate) fn of_text(text: &str, at: usize) -> Excerpt {
        let at = floor_boundary(text, at);
        let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
        let before = text[..start].strip_suffix('\n').map(|rest| rest.rfind('\n').map_or(0, |end| end + 1));
        let first = before.unwrap_or(start);
        let mut excerpt =
            Excerpt { kind: Kind::Text { first: line_of(text, first) }, lines: String::new(), mark: 0..0 };
        if first < start {
            excerpt.lines.push_str(&columns(&cut(text[first..start].trim_end(), 0).0));
            excerpt.lines.push('\n');
        }
        let mut rest = text[start..].lines();
        let line = rest.next().unwrap_or_default();
        let (line, column) = cut(line, text[start..at].chars().count());
        let line = columns(&line);
        let mark: usize = line.chars().take(column).map(char::len_utf8).sum();
        let word = &line[mark..];
        let is_end = |c: char| c.is_whitespace() || c == ')' || c == '(';
        let length = word.char_indices().skip(1).find(|&(_, c)| is_end(c)).map_or(word.len(), |(at, _)| at);
        let base = excerpt.lines.len();
        excerpt.mark = base + mark..base + mark + length;
        excerpt.lines.push_str(&line);
        if let Some(after) = rest.next() {
            excerpt.lines.push('\n');
            excerpt.lines.push_str(&columns(&cut(after, 0).0));
        }
        excerpt
    }

    /// Lines of a disassembly, of which the last is marked.
    pub(crate) fn of_disassembly<'a>(lines: impl Iterator<Item = &'a str>) -> Option<Excerpt> {
        let mut text = String::new();
        let mut mark = 0..0;
        for line in lines {
            let line = columns(&cut(line.trim_end(), 0).0);
            if !text.is_empty() {
                text.push('\n');
            }
            // The offset comes first, then the indentation, then what to look at.
            let operator = line.find(";)").map_or(0, |at| at + 2);
            let indentation = line[operator..].len() - line[operator..].trim_start().len();
            mark = text.len() + operator + indentation..text.len() + line.len();
            text.push_str(&line);
        }
        (!mark.is_empty()).then_some(Excerpt { kind: Kind::Disassembly, lines: text, mark })
    }

    /// The bytes around an offset.
    pub(crate) fn of_bytes(bytes: &[u8], offset: u64) -> Option<Excerpt> {
        if bytes.is_empty() {
            return None;
        }
        let at = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let start = at.saturating_sub(8);
        let end = bytes.len().min(at + 8);
        let mut lines = format!("(;@{start:<6x};)");
        let mut mark = 0..0;
        for (index, byte) in bytes.iter().enumerate().take(end).skip(start) {
            lines.push(' ');
            if index == at {
                mark = lines.len()..lines.len() + 2;
            }
            lines.push_str(&format!("{byte:02x}"));
        }
        if at == bytes.len() {
            lines.push_str(" (end)");
            mark = lines.len() - "(end)".len()..lines.len();
        }
        Some(Excerpt { kind: Kind::Bytes, lines, mark })
    }
}

/// Line and column, from 1, of a byte in a text.
pub(crate) fn position(text: &str, at: usize) -> (usize, usize) {
    let at = floor_boundary(text, at);
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    (line_of(text, at), text[start..at].chars().count() + 1)
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n').count() + 1
}

fn floor_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

/// The part of a line around a column, and that column in it.
fn cut(line: &str, column: usize) -> (String, usize) {
    let from = if column < LINE_MAX { 0 } else { column - LINE_MAX / 2 };
    let mut shown: String = line.chars().skip(from).take(LINE_MAX).collect();
    if line.chars().nth(from + LINE_MAX).is_some() {
        shown.push_str("...");
    }
    match from {
        0 => (shown, column),
        from => (format!("...{shown}"), column - from + 3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_of_a_text_marks_the_word() {
        let text = "(module\n  (func\n    i32.ad 1)\n)";
        let excerpt = Excerpt::of_text(text, text.find("i32").unwrap());
        assert_eq!(excerpt.lines, "  (func\n    i32.ad 1)\n)");
        assert_eq!((excerpt.kind, &excerpt.lines[excerpt.mark]), (Kind::Text { first: 2 }, "i32.ad"));
        assert_eq!(position(text, text.find("i32").unwrap()), (3, 5));
    }

    /// Whatever a text is like, and wherever in it or behind it the place is.
    #[test]
    fn an_excerpt_is_short_and_its_mark_lies_within() {
        let long = format!("{}\u{1b}[2J{}", "ä".repeat(50_000), "\u{202e}x ".repeat(50_000));
        for text in ["", "\n", "\n\n\n", "ä", "a\r\nb\r\n", "(", long.as_str()] {
            for at in (0..text.len() + 3).step_by(1 + text.len() / 50) {
                let excerpt = Excerpt::of_text(text, at);
                assert!(excerpt.lines.len() < 4 * 3 * (LINE_MAX + 10), "{}", excerpt.lines.len());
                assert!(excerpt.lines.get(excerpt.mark.clone()).is_some());
                assert!(excerpt.lines.chars().all(|c| c == '\n' || !c.is_control()));
                position(text, at);
            }
        }
    }

    #[test]
    fn an_excerpt_of_bytes_reaches_to_the_end() {
        let excerpt = Excerpt::of_bytes(b"\0asm", 4).unwrap();
        assert_eq!(excerpt.lines, "(;@0     ;) 00 61 73 6d (end)");
        assert_eq!(&excerpt.lines[excerpt.mark], "(end)");
        let excerpt = Excerpt::of_bytes(&[7; 100], 50).unwrap();
        assert_eq!(&excerpt.lines[excerpt.mark], "07");
        assert_eq!(Excerpt::of_bytes(&[7; 100], u64::MAX).unwrap().mark.len(), 5);
        assert_eq!(Excerpt::of_bytes(&[], 0), None);
    }
}
