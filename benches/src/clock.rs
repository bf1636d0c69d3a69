//! Clocks.
//!
//! Owns what a duration means here: processor time, so that other work on the machine disturbs less.

use anyhow::Result;
use cpu_time::{ProcessTime, ThreadTime};
use std::time::Duration;

/// Runs `work` and tells how long this thread had a processor. What `work` returns is dropped after the clock stops.
///
/// # Errors
/// Those of `work`.
pub fn thread<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, Duration)> {
    let start = ThreadTime::now();
    let result = work()?;
    let elapsed = start.elapsed();
    Ok((result, elapsed))
}

/// As [`thread`], over all threads of the process: an engine that compiles on others is not taken for faster.
///
/// # Errors
/// Those of `work`.
pub fn process<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, Duration)> {
    let start = ProcessTime::now();
    let result = work()?;
    let elapsed = start.elapsed();
    Ok((result, elapsed))
}
