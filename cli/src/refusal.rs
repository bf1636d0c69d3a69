//! The engine's errors, with where and what to do.
//!
//! Owns the translation of what the engine answers into a command's failure. It must not know outcomes of execution.

use crate::failure::Failure;
use crate::load::{Input, raise};
use crate::place::Place;
use crate::text::{Name, count, grouped, listed};
use lockstep_vm::{ArtifactError, Engine, Error, ErrorKind, ImportType, Invalid, LinkError, Module, Reason};

/// The module, when this engine accepts it.
pub(crate) fn accept(engine: &Engine, input: &Input) -> Result<Module, Failure> {
    Module::new(engine, &input.wasm).map_err(|error| explain(&error, input))
}

/// An error of the engine that is no outcome.
pub(crate) fn explain(error: &Error, input: &Input) -> Failure {
    match error.kind() {
        ErrorKind::Invalid(invalid) => refused(invalid, input),
        ErrorKind::Link(LinkError::Limit { limit, allowed, declared }) => Failure::refused(
            format!("limit.{limit}"),
            format!(
                "limit `{limit}` exceeded: the module starts with {}, at most {} allowed",
                grouped(*declared),
                grouped(*allowed)
            ),
        )
        .help(raise(*limit)),
        ErrorKind::Link(error) => Failure::usage("link", error.to_string()),
        ErrorKind::Fault(fault) => Failure::fault(fault.to_string())
            .help("the outcome is unknown; run it again on a healthy machine"),
        _ => Failure::usage("usage", error.to_string()),
    }
}

/// An artifact that is not loaded.
pub(crate) fn refuse_artifact(error: &Error, file: String) -> Failure {
    match error.kind() {
        ErrorKind::Artifact(refused) => {
            let help = match refused {
                ArtifactError::NoMachineCode => "give the wasm, or use `--engine native`",
                ArtifactError::Key => {
                    "give the key that it was made with, `--key FILE`, or compile its wasm again"
                }
                _ => "compile its wasm again: `lockstep compile FILE -o OUT`",
            };
            let message = refused.to_string();
            let message = message.split("; ").next().unwrap_or_default();
            Failure::refused(refused.code(), message).help(help).at(Place { file, ..Place::default() })
        }
        _ => explain(error, &Input::from_wasm(file, &[])),
    }
}

fn refused(invalid: &Invalid, input: &Input) -> Failure {
    let (message, help) = match invalid.reason() {
        Reason::Malformed(message) => (
            format!("not a WebAssembly module: {message}"),
            "the file may be cut off or damaged: build it again".into(),
        ),
        Reason::Invalid(message) => (
            format!("invalid module: {message}"),
            "no engine accepts this: look to what made the module".into(),
        ),
        Reason::Float => (
            "floating point is refused".into(),
            "accept it with `--floats canonical`, or compile the contract without floats".into(),
        ),
        Reason::Feature { feature, message } => (
            format!("feature `{feature}` is not accepted: {message}"),
            format!(
                "compile without `{feature}`; accepted are WebAssembly 2.0 without SIMD, tail calls and extended constants"
            ),
        ),
        Reason::Limit { limit, allowed, found } => (
            format!(
                "limit `{limit}` exceeded: found {}, at most {} allowed",
                grouped(*found),
                grouped(*allowed)
            ),
            raise(*limit),
        ),
        _ => (invalid.to_string(), String::from("this tool is older than the engine: update it")),
    };
    let mut place = input.place(invalid.offset());
    place.function = invalid.function();
    place.function_name = invalid.function_name().map(Into::into);
    Failure::refused(invalid.code().into_owned(), message).help(help).at(place)
}

/// A module asks for what is not there.
pub(crate) fn unlinked<'m>(imports: impl ExactSizeIterator<Item = ImportType<'m>>) -> Failure {
    let number = count(imports.len(), "import");
    let list = listed(imports.map(|import| {
        format!("{} {}: expected {}, found nothing", Name(import.module()), Name(import.name()), import.ty())
    }));
    Failure::usage("link", format!("{number} cannot be linked:{list}"))
        .help("`lockstep run` has no host functions or other things to import: run a module without imports")
}
