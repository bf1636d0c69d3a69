//! `campaign hostile`: very many hostile inputs.
//!
//! Owns the loop, the saving of inputs that fail, and the line of the log. What must hold is the library's.

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, bail};
use lockstep_fuzz::oracle::hostile::{Gauntlet, corpus, input};

use crate::log;

/// Give mutated, truncated and random bytes to everything that takes bytes.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// How many inputs to try.
    #[arg(long, default_value_t = 100_000)]
    inputs: u64,
    /// The number of the first input; the others follow it.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Where inputs that fail are saved.
    #[arg(long, default_value = "target/hostile")]
    save: PathBuf,
    /// Append a line to campaigns.log.
    #[arg(long)]
    log: bool,
}

/// Tries all inputs, one after the other: memory is counted by the process.
pub(crate) fn run(args: &Args) -> Result<()> {
    let corpus = corpus();
    let gauntlet = Gauntlet::new(true);
    let (mut accepted, mut bytes, mut peak, mut failed) = (0u64, 0u64, 0, 0u64);
    for seed in args.seed..args.seed + args.inputs {
        let input = input(seed, &corpus);
        bytes += input.len() as u64;
        match gauntlet.examine(&input) {
            Ok(passed) => {
                accepted += u64::from(passed.accepted);
                peak = passed.peak.max(peak);
            }
            Err(why) => {
                failed += 1;
                fs::create_dir_all(&args.save)?;
                let path = args.save.join(format!("{seed}.wasm"));
                fs::write(&path, &input)?;
                eprintln!("input {seed}: {why}; saved as {}", path.display());
            }
        }
        if (seed - args.seed + 1).is_multiple_of(100_000) {
            println!("{} inputs, {accepted} accepted, {failed} failed", seed - args.seed + 1);
        }
    }
    let counts = format!(
        "{} inputs of {bytes} bytes together, {accepted} accepted, greatest peak {peak} bytes, {failed} failed",
        args.inputs
    );
    println!("{counts}");
    if args.log {
        log::append(&format!("hostile --inputs {} --seed {}", args.inputs, args.seed), &counts)?;
    }
    if failed > 0 {
        bail!("{failed} inputs failed");
    }
    Ok(())
}
