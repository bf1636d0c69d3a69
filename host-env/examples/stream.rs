//! Records a stream of random transactions, the same for the same seed on every engine.
//!
//! ```sh
//! cargo run --release -p lockstep-host-env --example stream -- stream.lsb 100000 [SEED] [small|all]
//! ```
#![allow(clippy::disallowed_methods, reason = "it is a command")]

#[path = "../tests/support/stream.rs"]
mod stream;
#[path = "../tests/support/mod.rs"]
mod support;

use lockstep_host_env::Environment;
use lockstep_vm::Engine;
use std::fs::File;
use std::io::{self, BufWriter};
use stream::Stream;

/// Transactions of a block.
const BLOCK: usize = 100;

fn main() -> io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number =
        |index: usize, default: u64| words.get(index).map_or(default, |word| word.parse().expect("a number"));
    let Some(path) = words.first() else { return Err(io::Error::other("give the bundle's name")) };
    let (mut left, seed) = (number(1, 1_000) as usize, number(2, 1));
    let small = words.get(3).is_some_and(|word| word == "small");

    let environment = Environment::new(&Engine::default()).expect("the defaults are sound");
    let mut stream = Stream::new(seed, &environment);
    let out = BufWriter::new(File::create(path)?);
    let mut recorder = if small { stream.traced_recorder(out) } else { stream.recorder(out) };
    if small {
        stream.set_up(&mut recorder);
        stream.work(&mut recorder, 8);
    } else {
        stream.set_up_all(&mut recorder);
    }
    let block = if small { 20 } else { BLOCK };
    while left > 0 {
        stream.block(&mut recorder, block.min(left));
        left = left.saturating_sub(block);
    }
    let (_, totals) = recorder.finish()?;
    println!("{} blocks, {} transactions, endings {:?}", totals.blocks, totals.transactions, stream.endings);
    Ok(())
}
