//! What can be watched while a script runs.
//!
//! Owns the events, in terms of modules and values, so that an observer can play the same on another engine. It must not
//! know the text format.
#![allow(dead_code, reason = "no observer needs to look at everything")]

use lockstep_vm::{Error, Val};

/// Watches a script. Every method may be left out.
pub(crate) trait Observer {
    /// A script begins, with an empty store that has this much gas. Instances are numbered from 0 again.
    fn file(&mut self, _name: &str, _gas: u64) {}

    /// A valid module was instantiated, or linking or instantiation failed.
    fn instantiated(&mut self, _event: Instantiation<'_>) {}

    /// The exports of an instance can be imported under this name from now on.
    fn registered(&mut self, _instance: usize, _name: &str) {}

    /// A function was called.
    fn invoked(&mut self, _event: Invocation<'_>) {}

    /// An exported global was read.
    fn read(&mut self, _instance: usize, _global: &str, _value: &Val) {}
}

/// What an execution took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// Gas before.
    pub(crate) gas_before: u64,
    /// Gas after.
    pub(crate) gas_after: u64,
    /// The peak of the stack.
    pub(crate) peak: u64,
    /// Calls of the `print` functions of `spectest`.
    pub(crate) prints: u64,
}

/// An instantiation.
#[derive(Clone, Copy)]
pub(crate) struct Instantiation<'a> {
    /// Where the directive stands in the script, in bytes.
    pub(crate) offset: usize,
    /// The module.
    pub(crate) wasm: &'a [u8],
    /// The number of the new instance, or why there is none.
    pub(crate) outcome: Result<usize, &'a Error>,
    /// What it took.
    pub(crate) cost: Cost,
}

/// A call.
#[derive(Clone, Copy)]
pub(crate) struct Invocation<'a> {
    /// Where the directive stands in the script, in bytes.
    pub(crate) offset: usize,
    /// The number of the instance.
    pub(crate) instance: usize,
    /// The exported function.
    pub(crate) function: &'a str,
    /// The arguments.
    pub(crate) arguments: &'a [Val],
    /// The results, or how else it ended.
    pub(crate) outcome: Result<&'a [Val], &'a Error>,
    /// What it took.
    pub(crate) cost: Cost,
}

/// Watches nothing.
pub(crate) struct Nobody;

impl Observer for Nobody {}
