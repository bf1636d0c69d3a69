//! Modules that compute: long, structured code of high register pressure, whose executions mostly return.
//!
//! Owns the whole generator. A module exports `run: [i32 i64] -> [i64]`, `callback: [i32] -> [i32]`, its
//! memory as `memory`, its globals as `g0`, `g1`, ... and its tables as `t0`, `t1`, ... Every loop has a
//! counter and calls only go down an order of functions (see `layout.rs`), so every execution ends. Nearly
//! every value computed reaches the result or the state, so a wrong one is seen. Most modules never trap; in
//! a third of them some operators may.
//!
//! It must not know any engine: it writes modules with nothing but a writer of the binary format.

mod body;
mod bulk;
mod call;
mod constant;
mod dead;
mod encode;
mod entry;
mod layout;
mod operator;
mod statement;
mod ty;
mod value;

use super::Allowed;
use crate::random::Random;

/// How much code a module has and how long it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// A few dozen runs, so that a gas limit can be tried at each of them.
    Tiny,
    /// A dozen functions; thousands of operators executed.
    Normal,
    /// Long functions with many locals; up to about a million operators executed.
    Large,
}

/// What to generate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How much code a module has and how long it runs.
    pub size: Size,
    /// What the module may contain.
    pub allowed: Allowed,
}

/// The module of `seed`. It is valid under [`crate::features::FEATURES`].
pub fn program(seed: u64, options: Options) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut layout = layout::Layout::new(&mut random, options);
    let count = layout.functions.len();
    let mut costs = vec![u64::MAX / 2; count];
    let mut bodies = Vec::new();
    for level in (0..count).rev() {
        let (body, cost) = entry::function(&mut layout, &mut random, &costs, level);
        costs[level] = cost;
        bodies.push(body);
    }
    bodies.reverse();
    encode::module(&layout, &mut random, &bodies)
}
