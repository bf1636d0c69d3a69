//! Runs the built binary, as a script would.

#![allow(dead_code, reason = "each test file uses some of this")]

use serde_json::Value;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What a run of the binary left behind.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Ran {
    /// Standard output as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("text in UTF-8")
    }

    /// Standard output as exactly one JSON object on one line.
    pub(crate) fn json(&self) -> Value {
        let text = self.text();
        assert_eq!(text.matches('\n').count(), 1, "one line: {text:?}, {}", self.stderr);
        let value: Value = serde_json::from_str(text).expect("JSON");
        assert!(value.is_object());
        value
    }

    /// Everything that reached the terminal, which must be safe to show, and no panic.
    pub(crate) fn clean(self) -> Ran {
        let stdout = String::from_utf8_lossy(&self.stdout);
        for text in [&*stdout, &*self.stderr] {
            assert!(!text.contains("panicked"), "{text}");
            let unsafe_char = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}');
            assert!(!text.chars().any(unsafe_char), "{text:?}");
        }
        self
    }

    /// The exit code, with one line `error: ...` and what to do about it.
    #[track_caller]
    pub(crate) fn refuses(self, code: i32, words: &[&str]) -> Ran {
        assert_eq!(self.code, code, "{}{}", self.text(), self.stderr);
        assert!(self.stderr.starts_with("error"), "{}", self.stderr);
        assert!(self.stderr.contains("help: "), "{}", self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "no {word:?} in {}", self.stderr);
        }
        self.clean()
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Runs the binary.
pub(crate) fn lockstep(arguments: &[&str]) -> Ran {
    ran(command(arguments))
}

/// Runs the binary for a user whose folder of configurations this is.
pub(crate) fn lockstep_of(user: &str, arguments: &[&str]) -> Ran {
    let mut command = command(arguments);
    command.env("XDG_CONFIG_HOME", user);
    ran(command)
}

/// Runs the binary with something on its standard input.
pub(crate) fn lockstep_with_input(arguments: &[&str], input: &[u8]) -> Ran {
    let mut child = command(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // The binary may refuse before it has read everything.
    drop(stdin.write_all(input));
    drop(stdin);
    let output = child.wait_with_output().expect("the binary ends");
    Ran {
        code: output.status.code().expect("an exit code, no signal"),
        stdout: output.stdout,
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

fn ran(mut command: Command) -> Ran {
    let output = command.output().expect("the binary starts");
    Ran {
        code: output.status.code().expect("an exit code, no signal"),
        stdout: output.stdout,
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// A path for a file of one test.
pub(crate) fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Writes a file of one test; its name must be that test's alone.
pub(crate) fn file(name: &str, content: impl AsRef<[u8]>) -> String {
    let path = path(name);
    std::fs::write(&path, content).expect("the folder for tests can be written");
    path.to_str().expect("a path in UTF-8").to_owned()
}
