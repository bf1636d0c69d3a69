//! The log of campaigns, in the repository beside the code that they tried.
//!
//! Owns the file and the form of a line: version and commit, then what was run, then counts. Without dates, so that the
//! same campaign gives the same line.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::Command;

use anyhow::{Context as _, Result};

/// The log's file.
const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/campaigns.log");

/// Appends a line.
pub(crate) fn append(campaign: &str, counts: &str) -> Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    let line = format!("{version} {} {campaign}: {counts}\n", commit());
    let mut file =
        OpenOptions::new().create(true).append(true).open(PATH).with_context(|| PATH.to_string())?;
    file.write_all(line.as_bytes()).with_context(|| PATH.to_string())
}

/// The commit that is checked out, with a plus sign when files are changed.
fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output =
            Command::new("git").arg("-C").arg(env!("CARGO_MANIFEST_DIR")).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_string())
    };
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else { return "unknown".into() };
    let changed =
        git(&["status", "--porcelain", "--", "../gas", "../vm"]).is_some_and(|files| !files.is_empty());
    format!("{commit}{}", if changed { "+" } else { "" })
}
