//! Mistakes of the embedder's.
//!
//! Owns what they are called and what to do about each. They are found before anything has happened.

use super::link::Name;
use crate::limits::Limit;
use crate::types::{FuncType, ValType};
use alloc::boxed::Box;
use core::fmt;

/// The API was called wrongly. Nothing has happened yet.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Usage {
    /// A function was called with the wrong number of arguments.
    ArgumentCount {
        /// The function's type.
        function: FuncType,
        /// How many arguments were given.
        given: usize,
    },
    /// A function was called with an argument of the wrong type.
    ArgumentType {
        /// Which argument, from 0.
        index: usize,
        /// The function's type.
        function: FuncType,
        /// The argument's type.
        given: ValType,
    },
    /// A function was called with the wrong number of places for its results.
    ResultCount {
        /// The function's type.
        function: FuncType,
        /// How many places were given.
        given: usize,
    },
    /// A host function gave a result of the wrong type.
    ResultType {
        /// Which result, from 0.
        index: usize,
        /// The function's type.
        function: FuncType,
        /// The result's type.
        given: ValType,
    },
    /// A function has another type than was asked for.
    FunctionType {
        /// The type asked for.
        expected: FuncType,
        /// The function's type.
        found: FuncType,
    },
    /// An instance exports no function of this name.
    NoFunction {
        /// The name.
        name: Box<str>,
    },
    /// A linker has nothing of these names.
    NotDefined {
        /// The first of the two names.
        module: Box<str>,
        /// The second of the two names.
        name: Box<str>,
    },
    /// Something of one store was used with another.
    OtherStore {
        /// What it was.
        what: &'static str,
    },
    /// More gas than can be.
    TooMuchGas {
        /// The gas asked for.
        gas: u64,
    },
    /// A limit of a store was to be loosened.
    LooserLimit {
        /// The limit.
        limit: Limit,
        /// The store's value for it.
        current: u64,
        /// The value asked for.
        wanted: u64,
    },
    /// A memory or table was to be larger than it may be.
    AboveLimit {
        /// The limit of the store.
        limit: Limit,
        /// What is allowed: the store's limit or the declared maximum, whichever is less.
        allowed: u64,
        /// The size asked for.
        wanted: u64,
    },
    /// A global that is not mutable was to be set.
    ImmutableGlobal,
    /// A value has another type than its place.
    ValueType {
        /// The place's type.
        expected: ValType,
        /// The value's type.
        given: ValType,
    },
    /// A table's elements must be references.
    NoReference {
        /// The type asked for.
        given: ValType,
    },
    /// The start function of an instance has been called already.
    Started,
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Usage::ArgumentCount { function, given } => {
                let expected = function.params().len();
                write!(
                    f,
                    "the function of type {function} takes {expected} arguments, and {given} were given"
                )
            }
            Usage::ArgumentType { index, function, given } => {
                write!(f, "argument {index} has type {given}, and the function has type {function}")
            }
            Usage::ResultCount { function, given } => {
                let expected = function.results().len();
                write!(
                    f,
                    "the function of type {function} gives {expected} results; pass as many places, not {given}"
                )
            }
            Usage::ResultType { index, function, given } => {
                write!(
                    f,
                    "result {index} of a host function has type {given}, and it was defined as {function}"
                )
            }
            Usage::FunctionType { expected, found } => {
                write!(f, "the function has type {found}, and it was asked for as {expected}")
            }
            Usage::NoFunction { name } => {
                write!(
                    f,
                    "the instance exports no function {}; `Module::exports` lists what there is",
                    Name(name)
                )
            }
            Usage::NotDefined { module, name } => {
                write!(f, "the linker has no definition of {} {}; define it first", Name(module), Name(name))
            }
            Usage::OtherStore { what } => {
                write!(f, "the {what} belongs to another store; use each with the store it came from")
            }
            Usage::TooMuchGas { gas } => {
                write!(f, "{gas} is more gas than a store can have; the most is 2^63 - 1 = {}", i64::MAX)
            }
            Usage::LooserLimit { limit, current, wanted } => write!(
                f,
                "limit `{limit}` is {current} and cannot be raised to {wanted}; a store only tightens its engine's limits"
            ),
            Usage::AboveLimit { limit, allowed, wanted } => {
                write!(
                    f,
                    "limit `{limit}` or the declared maximum exceeded: wanted {wanted}, at most {allowed} allowed"
                )
            }
            Usage::ImmutableGlobal => f.write_str("the global is not mutable; declare it `mut`"),
            Usage::ValueType { expected, given } => {
                write!(f, "the value has type {given} where {expected} is wanted")
            }
            Usage::NoReference { given } => {
                write!(f, "a table's elements are funcref or externref, not {given}")
            }
            Usage::Started => {
                f.write_str("the start function has been called already; call `run_start` only once")
            }
        }
    }
}

impl core::error::Error for Usage {}
