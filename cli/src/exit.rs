//! Exit codes: what a script learns without reading a word.
//!
//! Owns the numbers, which are stable. It must not know commands.

use std::process::ExitCode;

/// How the process ends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub(crate) enum Exit {
    /// The command did what it was asked for.
    Ok = 0,
    /// The guest trapped or was stopped; what was replayed differs.
    Guest = 1,
    /// The command was called wrongly, or a file could not be read or written.
    Usage = 2,
    /// A module was refused.
    Refused = 3,
    /// The node failed; the outcome is unknown.
    Fault = 4,
}

/// The numbers, as `--help` shows them.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done; for `run`, the call returned
  1  the guest trapped or was stopped; for `replay`, something differs
  2  wrong usage: options, arguments, exports, imports, files
  3  the module is refused
  4  the node failed: the outcome is unknown";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}
