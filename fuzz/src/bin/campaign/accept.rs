//! `campaign accept`: compares the acceptance digest with the frozen one, or freezes it anew.
//!
//! Owns the file. What is digested is the library's.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use lockstep_fuzz::oracle::acceptance::{Acceptance, inputs};

/// What the file begins with.
const HEAD: &str = "\
# Which of many modules are accepted, under three configurations: the defaults, floats accepted, and floats accepted with
# every limit at its ceiling. `verdicts` is consensus: a change of it is a new version of the semantics. `codes` and the
# counts say why modules are refused, for people. Written by
#     cargo run --release -p lockstep-fuzz --bin campaign -- accept --bless

";

/// Compare which modules are accepted with what is frozen.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Freeze what is accepted now.
    #[arg(long)]
    bless: bool,
    /// The file with what is frozen.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/acceptance.toml"))]
    file: PathBuf,
}

/// Prints the counts, then writes or compares.
pub(crate) fn run(args: &Args) -> Result<()> {
    let now = Acceptance::of(&inputs());
    println!("{} modules", now.modules);
    for (name, answers) in &now.answers {
        println!("{name}: {} accepted; {:?}", answers.accepted(), answers.counts);
    }
    if args.bless {
        fs::write(&args.file, HEAD.to_string() + &toml::to_string(&now)?)?;
        println!("wrote {}", args.file.display());
        return Ok(());
    }
    let text =
        fs::read_to_string(&args.file).with_context(|| format!("cannot read {}", args.file.display()))?;
    let frozen: Acceptance = toml::from_str(&text)?;
    if now.inputs != frozen.inputs {
        bail!("the modules themselves have changed: look at what changed them, then use --bless");
    }
    if now != frozen {
        bail!(
            "other modules are accepted than before, or with other codes:\nfrozen {frozen:#?}\nnow {now:#?}"
        );
    }
    println!("as frozen");
    Ok(())
}
