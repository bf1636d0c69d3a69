//! Lockstep measured beside other engines, over integer programs compiled from real code.
//!
//! Owns the programs, the engines and the commands that print tables. Nothing that ships depends on it.

#![deny(unsafe_code)]

pub mod clock;
pub mod command;
pub mod engine;
pub mod statistics;
pub mod workload;
