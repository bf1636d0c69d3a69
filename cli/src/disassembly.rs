//! Modules as text, with the offset of each line.
//!
//! Owns the use of the printer, line by line, so that no whole text is held. It must not know why lines are wanted.

use crate::place::Excerpt;
use std::collections::VecDeque;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use wasmprinter::{Config, Print};

/// Lines of an excerpt before the one that it is about.
const LINES_BEFORE: usize = 3;

/// Bytes of a line that are kept; a data segment is one line.
const LINE_BYTES_MAX: usize = 1 << 10;

/// Takes the lines of a module's text; no more of them when it answers `false`.
struct Lines<F> {
    offset: Option<u64>,
    line: String,
    take: F,
}

impl<F: FnMut(Option<u64>, &str) -> bool> Lines<F> {
    fn finish_line(&mut self) -> io::Result<()> {
        let more = (self.take)(self.offset.take(), &self.line);
        self.line.clear();
        if more { Ok(()) } else { Err(io::ErrorKind::Other.into()) }
    }
}

impl<F: FnMut(Option<u64>, &str) -> bool> Print for Lines<F> {
    fn write_str(&mut self, text: &str) -> io::Result<()> {
        if self.line.len() < LINE_BYTES_MAX {
            let room = LINE_BYTES_MAX - self.line.len();
            let end = (0..=room.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
            self.line.push_str(&text[..end]);
        }
        Ok(())
    }

    fn newline(&mut self) -> io::Result<()> {
        self.finish_line()
    }

    fn start_line(&mut self, offset: Option<u64>) {
        self.offset = offset;
    }
}

/// Hands out the lines of a module that has been accepted, each with the offset of what it shows.
pub(crate) fn lines(wasm: &[u8], mut take: impl FnMut(u64, &str)) {
    let mut lines = Lines {
        offset: None,
        line: String::new(),
        take: |offset: Option<u64>, line: &str| {
            if let Some(offset) = offset {
                take(offset, line.trim());
            }
            true
        },
    };
    // A module that has been accepted can be printed; if not all of it, then what could be is shown.
    if Config::new().print(wasm, &mut lines).is_ok() {
        drop(lines.finish_line());
    }
}

/// The line that shows this offset of a module that was refused there, and some before it. What comes behind is not
/// looked at: nobody has checked it.
pub(crate) fn excerpt(wasm: &[u8], offset: u64) -> Option<Excerpt> {
    let mut kept: VecDeque<(Option<u64>, String)> = VecDeque::new();
    let mut passed = false;
    let mut lines = Lines {
        offset: None,
        line: String::new(),
        take: |at: Option<u64>, line: &str| {
            // Of the lines that do not begin behind the place, the last one shows it.
            passed |= at.is_some_and(|at| at > offset);
            if !passed {
                if kept.len() > LINES_BEFORE {
                    kept.pop_front();
                }
                kept.push_back((at, line.to_owned()));
            }
            !passed
        },
    };
    // The printer is made for valid modules and may give up on others in any way.
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let printed = panic::catch_unwind(AssertUnwindSafe(|| {
        let printed = Config::new().print_offsets(true).print(wasm, &mut lines);
        // The last line is not finished, whether the printer came to the end or gave up.
        drop(lines.finish_line());
        printed.is_ok()
    }));
    panic::set_hook(hook);
    // Where it gave up earlier, what it printed last need not be what the place is in.
    let shown = passed || printed.ok()? || kept.back().is_some_and(|(at, _)| *at == Some(offset));
    if shown { Excerpt::of_disassembly(kept.iter().map(|(_, line)| line.as_str())) } else { None }
}
