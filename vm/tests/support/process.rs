//! Another process of the test program at hand.

use std::process::Command;

/// This program again: to be told which of its tests to run.
#[allow(clippy::disallowed_methods, reason = "how a test is started is no part of an outcome")]
pub(crate) fn this_program() -> Command {
    let this = std::env::current_exe().unwrap();
    // Where this process is emulated, so is the other one.
    let runner = std::env::var("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER");
    let runner = runner.ok().filter(|_| cfg!(target_arch = "aarch64")).unwrap_or_default();
    match runner.split_whitespace().next() {
        None => Command::new(this),
        Some(emulator) => {
            let mut command = Command::new(emulator);
            command.args(runner.split_whitespace().skip(1)).arg(this);
            command
        }
    }
}
