//! Where words go.
//!
//! Owns standard output and error: a reader that went away is no error, and JSON is plain ASCII, so that a terminal is
//! safe from it too. It must not know what is printed.

use crate::failure::Failure;
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter};
use std::io::{self, BufWriter, IsTerminal, Write};

/// Standard output, buffered. When its reader has gone, what is written is dropped.
pub(crate) struct Output {
    stdout: BufWriter<io::StdoutLock<'static>>,
    closed: bool,
}

impl Output {
    pub(crate) fn new() -> Output {
        Output { stdout: BufWriter::with_capacity(1 << 16, io::stdout().lock()), closed: false }
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = if self.closed { Ok(()) } else { self.stdout.write_all(bytes) };
        self.after(written)
    }

    pub(crate) fn text(&mut self, text: &str) -> Result<(), Failure> {
        self.bytes(text.as_bytes())
    }

    /// One value on one line.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        self.text(&json(value))?;
        self.text("\n")
    }

    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        let flushed = if self.closed { Ok(()) } else { self.stdout.flush() };
        self.after(flushed)
    }

    fn after(&mut self, result: io::Result<()>) -> Result<(), Failure> {
        match result {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            Err(error) => {
                self.closed = true;
                Err(Failure::usage("file", format!("cannot write to standard output: {error}"))
                    .help("make room, or send the output elsewhere"))
            }
            Ok(()) => Ok(()),
        }
    }
}

/// Writes to standard error; nobody may be listening.
pub(crate) fn complain(text: &str) {
    drop(io::stderr().lock().write_all(text.as_bytes()));
}

/// Whether colours may go to this stream.
pub(crate) fn coloured(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A value as JSON on one line, in ASCII.
pub(crate) fn json(value: &impl Serialize) -> String {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Ascii(CompactFormatter));
    // The values are our own and have only strings as keys; a vector takes every byte.
    value.serialize(&mut serializer).expect("our values have a JSON form");
    String::from_utf8(bytes).expect("JSON is UTF-8")
}

/// Escapes what is not plain ASCII, terminal control sequences in 8-bit form and text direction marks among it.
struct Ascii(CompactFormatter);

impl Formatter for Ascii {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        for c in fragment.chars() {
            if matches!(c, ' '..='~') {
                writer.write_all(&[c as u8])?;
            } else {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_ascii_and_reads_back() {
        let hostile = "\u{1b}[2J \u{9b}31m \u{7f} \u{202e} \u{1f980} \"quoted\" \\ ä\n";
        let text = json(&[hostile]);
        assert!(text.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{text}");
        let back: Vec<String> = serde_json::from_str(&text).unwrap();
        assert_eq!(back, [hostile]);
    }
}
