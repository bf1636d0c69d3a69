//! `calls`: what it takes to cross between host and guest.
//!
//! Owns the four crossings. Rounds are interleaved as in `table`.

use super::{Options, at, cell, progress, row, rule};
use crate::clock;
use crate::engine::{self, CALLS, Engine, Linked, Program, Purpose};
use crate::statistics::Samples;
use anyhow::{Context, Result, ensure};

/// How often a crossing is made in one sample.
const INSTANCES: u32 = 500;
const CALLS_IN: i32 = 50_000;
const CALLS_OUT: i32 = 50_000;
const CALLS_BACK: i32 = 20_000;

/// The crossings, in the order of the columns.
const CROSSINGS: [&str; 4] =
    ["new store and instance, dropped", "call in", "call out", "call out and in again"];

/// Measures and prints the table.
///
/// # Errors
/// An engine fails, or computes something else than it should.
pub fn run(options: &Options) -> Result<()> {
    let engines = engine::select(&options.engines, Purpose::Calls)?;
    let wasm = wat::parse_str(CALLS)?;
    let mut linked = Vec::new();
    for engine in &engines {
        let compiled = engine
            .compile(Program { wasm: &wasm, host: None })
            .with_context(|| at(engine.as_ref(), "calls"))?;
        linked.push(compiled.context("every engine takes this module")?.link()?);
    }
    let mut samples = vec![[const { Samples::new() }; CROSSINGS.len()]; engines.len()];
    for round in 0..options.rounds {
        progress(&format!("round {}", round + 1));
        for ((engine, linked), samples) in engines.iter().zip(&linked).zip(&mut samples) {
            measure(linked.as_ref(), samples).with_context(|| at(engine.as_ref(), "calls"))?;
        }
    }
    print(&engines, &samples, options);
    Ok(())
}

fn measure(linked: &dyn Linked, samples: &mut [Samples; CROSSINGS.len()]) -> Result<()> {
    let [instances, calls_in, calls_out, calls_back] = samples;
    let ((), duration) = clock::thread(|| {
        for _ in 0..INSTANCES {
            linked.instantiate()?;
        }
        Ok(())
    })?;
    instances.push(duration / INSTANCES);

    let mut instance = linked.instantiate()?;
    instance.repeat("empty", 0, 100)?;
    let times = CALLS_IN.unsigned_abs();
    let ((), duration) = clock::thread(|| instance.repeat("empty", 0, times))?;
    calls_in.push(duration / times);

    for (export, times, adds, samples) in
        [("host_loop", CALLS_OUT, 1, calls_out), ("reenter_loop", CALLS_BACK, 2, calls_back)]
    {
        let (sum, duration) = clock::thread(|| instance.call(export, times))?;
        let expected = i64::from(times) * (i64::from(times) + 1) / 2 + i64::from(times) * adds;
        ensure!(sum == expected, "{export} returns {sum}, not {expected}");
        samples.push(duration / times.unsigned_abs());
    }
    Ok(())
}

fn print(engines: &[Box<dyn Engine>], samples: &[[Samples; CROSSINGS.len()]], options: &Options) {
    println!(
        "{}",
        row([
            vec![format!("ns, {:?} of {}", options.pick, options.rounds)],
            CROSSINGS.map(str::to_owned).to_vec()
        ]
        .concat())
    );
    println!("{}", rule(1 + CROSSINGS.len()));
    for (engine, samples) in engines.iter().zip(samples) {
        let cells =
            samples.iter().map(|samples| cell(samples.seconds(options.pick).map(|seconds| seconds * 1e9), 0));
        println!("{}", row([engine.name().to_owned()].into_iter().chain(cells)));
    }
}
