//! Why an artifact is not loaded.
//!
//! Owns what differs and what to do about it, which is always the same: compile the module again. It must not know how an
//! artifact is read.

use crate::module::CodeTarget;
use alloc::{boxed::Box, vec::Vec};
use core::fmt;

/// An artifact is refused: nothing of it has been run, and nothing is wrong with the module. Make the module from its wasm
/// again, and keep the new artifact instead.
///
/// ```
/// use lockstep_vm::{ArtifactError, ArtifactKey, Backend, Config, Engine, ErrorKind, Module};
///
/// # let Ok(engine) = Engine::new(&Config::new().backend(Backend::Native)) else { return };
/// let error = Module::deserialize(&engine, &ArtifactKey::new([7; 32]), b"\0asm").unwrap_err();
/// assert!(matches!(error.kind(), ErrorKind::Artifact(ArtifactError::NotAnArtifact)));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ArtifactError {
    /// The engine interprets: it has no use for machine code, nor any to give.
    NoMachineCode,
    /// The bytes do not begin as an artifact does.
    NotAnArtifact,
    /// The artifact is of a format that this version does not read.
    Format {
        /// The format's number.
        found: u16,
    },
    /// The artifact has been cut or something was added.
    Length {
        /// How many bytes it says it has; 0 when it is too short to say so.
        expected: u64,
        /// How many bytes there are.
        found: u64,
    },
    /// The bytes are not those that were written.
    Damaged,
    /// The artifact was made by a holder of another key.
    Key,
    /// The artifact was made by another version or another build of it.
    Version {
        /// What it was made by.
        made: Box<str>,
        /// What reads it.
        here: Box<str>,
    },
    /// The artifact was made under other rules: schedule, shape limits, features, float policy or semantics version.
    Fingerprint {
        /// The first rule that differs.
        rule: Box<str>,
        /// What it was when the artifact was made.
        made: Box<str>,
        /// What it is for this engine.
        here: Box<str>,
    },
    /// The machine code is for another machine.
    Target {
        /// The machine it is for.
        made: Box<str>,
        /// The machine at hand.
        here: CodeTarget,
    },
    /// The machine code was made in another way, as with [`Config::signals_based_traps`](crate::Config::signals_based_traps)
    /// set otherwise.
    Flag {
        /// The first flag that differs.
        flag: Box<str>,
        /// What it was when the artifact was made.
        made: Box<str>,
        /// What it is for this engine.
        here: Box<str>,
    },
    /// The machine code may use what this processor lacks.
    CpuFeatures {
        /// What is lacking, by the names that Linux has for it on x86-64.
        missing: Vec<Box<str>>,
    },
    /// Who made it held the key, and it is wrong all the same: a bug of what made it.
    Malformed {
        /// What is wrong.
        what: &'static str,
    },
}

impl ArtifactError {
    /// A stable word for what differs.
    pub fn code(&self) -> &'static str {
        match self {
            ArtifactError::NoMachineCode => "artifact.no_machine_code",
            ArtifactError::NotAnArtifact => "artifact.not_an_artifact",
            ArtifactError::Format { .. } => "artifact.format",
            ArtifactError::Length { .. } => "artifact.length",
            ArtifactError::Damaged => "artifact.damaged",
            ArtifactError::Key => "artifact.key",
            ArtifactError::Version { .. } => "artifact.version",
            ArtifactError::Fingerprint { .. } => "artifact.fingerprint",
            ArtifactError::Target { .. } => "artifact.target",
            ArtifactError::Flag { .. } => "artifact.flag",
            ArtifactError::CpuFeatures { .. } => "artifact.cpu_features",
            ArtifactError::Malformed { .. } => "artifact.malformed",
        }
    }
}

impl fmt::Display for ArtifactError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ArtifactError::NoMachineCode => {
                return f.write_str(
                    "this engine interprets, and artifacts are machine code; make the module from its wasm, or the engine native",
                );
            }
            ArtifactError::NotAnArtifact => f.write_str("this is no artifact")?,
            ArtifactError::Format { found } => {
                write!(f, "the artifact has format {found}, which this version does not read")?;
            }
            ArtifactError::Length { expected: 0, found } => {
                write!(f, "the artifact is cut off: {found} bytes are too few for any")?;
            }
            ArtifactError::Length { expected, found } => {
                write!(f, "the artifact had {expected} bytes when it was made, and has {found}")?;
            }
            ArtifactError::Damaged => f.write_str("the artifact is damaged: its hash is another")?,
            ArtifactError::Key => f.write_str("the artifact was made with another key")?,
            ArtifactError::Version { made, here } => {
                write!(f, "the artifact was made by version {made}, and this is {here}")?;
            }
            ArtifactError::Fingerprint { rule, made, here } => {
                write!(f, "the artifact was made with {rule} {made}, and this engine has {here}")?;
            }
            ArtifactError::Target { made, here } => {
                write!(f, "the artifact is for {made}, and this machine is {here}")?;
            }
            ArtifactError::Flag { flag, made, here } => {
                write!(f, "the artifact's code was made with {flag} {made}, and this engine has {here}")?;
            }
            ArtifactError::CpuFeatures { missing } => {
                write!(f, "the artifact's code may use {}, which this processor lacks", missing.join(", "))?;
            }
            ArtifactError::Malformed { what } => write!(f, "the artifact was made wrongly: {what}")?,
        }
        f.write_str("; compile the module again")
    }
}

impl core::error::Error for ArtifactError {}
