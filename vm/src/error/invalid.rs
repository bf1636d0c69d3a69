//! Why a module is refused.
//!
//! Owns the codes of refusals, which are stable words for people and tools; consensus is only whether a module is
//! accepted. It must not know how validation works.

use crate::limits::Limit;
use alloc::{borrow::Cow, boxed::Box, format, string::String};
use core::fmt::{self, Write};

/// Characters of a function's name that are printed.
const NAME_MAX: usize = 128;

/// A module is refused: why, and where.
///
/// ```
/// use lockstep_vm::{Engine, ErrorKind, Module};
///
/// let wasm = wat::parse_str("(module (func $half (result f32) f32.const 0.5))")?;
/// let error = Module::new(&Engine::default(), &wasm).unwrap_err();
/// let ErrorKind::Invalid(invalid) = error.kind() else { unreachable!() };
/// assert_eq!(invalid.code(), "float");
/// # Ok::<(), wat::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Invalid {
    pub(crate) reason: Reason,
    pub(crate) offset: u64,
    pub(crate) function: Option<u32>,
    pub(crate) function_name: Option<Box<str>>,
}

/// Why a module is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Reason {
    /// The bytes cannot be decoded.
    Malformed(String),
    /// The module breaks a rule of validation.
    Invalid(String),
    /// The module uses floating point, and the engine's [policy](crate::FloatPolicy) refuses it.
    Float,
    /// The module uses a feature that is off or that no engine accepts.
    Feature {
        /// The feature's name, as in [`Features`](crate::Features) where it has a switch.
        feature: Cow<'static, str>,
        /// What uses it.
        message: String,
    },
    /// The module is above a limit.
    Limit {
        /// The limit.
        limit: Limit,
        /// The engine's value for it.
        allowed: u64,
        /// What the module has, as far as it was read.
        found: u64,
    },
}

impl Invalid {
    /// A stable word for the reason: `malformed`, `invalid`, `float`, `feature.` with the feature's name, or `limit.`
    /// with the limit's.
    pub fn code(&self) -> Cow<'static, str> {
        match &self.reason {
            Reason::Malformed(_) => "malformed".into(),
            Reason::Invalid(_) => "invalid".into(),
            Reason::Float => "float".into(),
            Reason::Feature { feature, .. } => format!("feature.{feature}").into(),
            Reason::Limit { limit, .. } => format!("limit.{limit}").into(),
        }
    }

    /// The reason in full.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// Where the reason was found, in bytes from the start of the module.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The index of the function it was found in, where it was one.
    pub fn function(&self) -> Option<u32> {
        self.function
    }

    /// That function's name, where the name section could be read and has one.
    pub fn function_name(&self) -> Option<&str> {
        self.function_name.as_deref()
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Reason::Malformed(message) => write!(f, "not a WebAssembly module: {message}")?,
            Reason::Invalid(message) => write!(f, "invalid module: {message}")?,
            Reason::Float => f.write_str(
                "floating point is refused; accept it with `FloatPolicy::Canonical`, or compile without it",
            )?,
            Reason::Feature { feature, message } => {
                write!(f, "feature `{feature}` is not accepted: {message}")?;
            }
            Reason::Limit { limit, allowed, found } => {
                write!(f, "limit `{limit}` exceeded: found {found}, at most {allowed} allowed")?;
            }
        }
        if let Some(function) = self.function {
            write!(f, ", in function {function}")?;
            if let Some(name) = &self.function_name {
                // A module chooses its names: they are cut, and control characters do not reach a terminal.
                let name = name.chars().take(NAME_MAX).flat_map(char::escape_debug);
                f.write_str(" <")?;
                for char in name {
                    f.write_char(char)?;
                }
                f.write_str(">")?;
            }
        }
        write!(f, ", at offset {:#x}", self.offset)
    }
}

impl core::error::Error for Invalid {}
