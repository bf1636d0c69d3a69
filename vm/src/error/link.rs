//! Why a module cannot be instantiated with what it was given.
//!
//! Owns the report on imports. It must not know how they were looked up.

use crate::limits::Limit;
use crate::types::ExternType;
use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt;

/// A module cannot be linked or instantiated. Nothing has been charged.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum LinkError {
    /// Imports are missing or of the wrong type: all of them.
    Imports(Vec<ImportProblem>),
    /// [`Instance::new`](crate::Instance::new) was given the wrong number of imports.
    ImportCount {
        /// How many the module has.
        expected: usize,
        /// How many were given.
        given: usize,
    },
    /// A memory or table is at its start larger than the store's limit.
    Limit {
        /// The limit.
        limit: Limit,
        /// The store's value for it.
        allowed: u64,
        /// What the module declares as its minimum.
        declared: u64,
    },
    /// The module was made by another engine than the store or the linker.
    OtherEngine,
    /// The linker has a definition of these names already.
    Duplicate {
        /// The first of the two names.
        module: Box<str>,
        /// The second of the two names.
        name: Box<str>,
    },
}

/// An import that cannot be linked.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ImportProblem {
    /// The first of the import's two names.
    pub module: Box<str>,
    /// The second of the import's two names.
    pub name: Box<str>,
    /// The type that the module asks for.
    pub expected: ExternType,
    /// What there is instead.
    pub found: Found,
}

/// What there is in place of an import.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Found {
    /// Nothing.
    Missing,
    /// Something of a type that does not match; memories and tables have their size now as minimum.
    Type(ExternType),
    /// Something of another store.
    OtherStore,
}

/// Characters of a name that a message shows.
const NAME_MAX: usize = 128;

/// Imports that a message shows; the error has them all.
const IMPORTS_MAX: usize = 100;

/// A name from a module, in quotes, bounded and without control characters.
pub(super) struct Name<'a>(pub(super) &'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: String = self.0.chars().take(NAME_MAX).collect();
        let dots = if shown.len() < self.0.len() { "..." } else { "" };
        write!(f, "`{}{dots}`", shown.escape_debug())
    }
}

impl fmt::Display for ImportProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: expected {}, found ", Name(&self.module), Name(&self.name), self.expected)?;
        match &self.found {
            Found::Missing => f.write_str("nothing"),
            Found::Type(ty) => write!(f, "{ty}"),
            Found::OtherStore => f.write_str("an item of another store"),
        }
    }
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkError::Imports(problems) => {
                let imports = if problems.len() == 1 { "import" } else { "imports" };
                write!(f, "{} {imports} cannot be linked; define them with these types", problems.len())?;
                for problem in problems.iter().take(IMPORTS_MAX) {
                    write!(f, "\n  {problem}")?;
                }
                match problems.len().saturating_sub(IMPORTS_MAX) {
                    0 => Ok(()),
                    more => write!(f, "\n  and {more} more"),
                }
            }
            LinkError::ImportCount { expected, given } => {
                write!(f, "the module has {expected} imports, and {given} were given; give one for each, in order")
            }
            LinkError::Limit { limit, allowed, declared } => {
                write!(f, "limit `{limit}` exceeded: the module starts with {declared}, at most {allowed} allowed")
            }
            LinkError::OtherEngine => f.write_str(
                "the module belongs to another engine; make module, linker and store with clones of one engine",
            ),
            LinkError::Duplicate { module, name } => write!(
                f,
                "{} {} is defined already; choose another name or call `allow_shadowing(true)`",
                Name(module),
                Name(name),
            ),
        }
    }
}

impl core::error::Error for LinkError {}
