//! The official test suite of WebAssembly as a library: which files there are, and a runner that plays one of them on an
//! engine while an observer watches.
//!
//! Owns the meaning of the suite's directives. It must not know which configurations are tested or what a test then makes
//! of the report.

mod calls;
pub(crate) mod expect;
pub(crate) mod modules;
pub(crate) mod observer;
pub(crate) mod report;
pub(crate) mod runner;
pub(crate) mod selection;
pub(crate) mod spectest;
pub(crate) mod uses_floats;

pub(crate) use report::Report;
pub(crate) use runner::run_file;
