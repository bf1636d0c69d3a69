//! What is right, told without trusting one engine.
//!
//! [`three_ways()`] runs a module on the interpreter, recounts its gas from the operators executed, and runs the
//! instrumented module on a foreign engine; all must agree. The other oracles ask what an input may cost, what is
//! accepted, and what bytes that are no module do. Each judges single inputs; which inputs there are is decided by
//! `examine`, `fixtures` and `suite` here and by the campaigns.

pub mod acceptance;
pub mod digest;
pub mod equality;
pub mod examine;
pub mod fixtures;
pub mod foreign;
mod foreign_host;
pub mod golden;
pub mod growth;
mod host;
pub mod hostile;
pub mod ours;
mod pair;
mod prepare;
pub mod quiet;
pub mod recipe;
mod recount;
mod rewrite;
pub mod setup;
pub mod suite;
pub mod sweep;
pub mod tally;
pub mod three_ways;
pub mod value;

pub use three_ways::{Comparison, three_ways};
