//! Environments that every chain of the process shares, one for each backend.
//!
//! Owns them, so that a module is compiled once however many tests deploy it. It must not know chains.

use crate::failure::{Failure, Result};
use crate::text::{grouped, short_hex};
use lockstep_host_env::{Block, Environment, ExecuteError, Executed, Rejected, Storage, Tx};
use lockstep_vm::{Backend, Config, Engine};
use std::sync::{Arc, LazyLock};

type Shared = LazyLock<std::result::Result<Arc<Environment>, String>>;

static NATIVE: Shared = LazyLock::new(|| make(Backend::Native));
static INTERPRETER: Shared = LazyLock::new(|| make(Backend::Interpreter));
static CROSS_CHECK: Shared = LazyLock::new(|| make(Backend::CrossCheck));

/// Every backend that can execute here, with its name.
pub(crate) fn backends() -> Vec<(&'static str, Backend)> {
    let all = [Backend::Interpreter, Backend::Native, Backend::CrossCheck];
    all.into_iter().filter(|backend| environment(*backend).is_ok()).map(|one| (name(one), one)).collect()
}

/// The backend's name on command lines and in scenarios.
pub(crate) fn name(backend: Backend) -> &'static str {
    match backend {
        Backend::Native => "native",
        Backend::CrossCheck => "crosscheck",
        _ => "interpreter",
    }
}

/// The backend of this name.
pub(crate) fn from_name(name: &str) -> Option<Backend> {
    match name {
        "native" => Some(Backend::Native),
        "interpreter" => Some(Backend::Interpreter),
        "crosscheck" => Some(Backend::CrossCheck),
        _ => None,
    }
}

/// The environment of a backend.
pub(crate) fn environment(backend: Backend) -> Result<Arc<Environment>> {
    let shared = match backend {
        Backend::Native => &NATIVE,
        Backend::CrossCheck => &CROSS_CHECK,
        _ => &INTERPRETER,
    };
    match &**shared {
        Ok(environment) => Ok(Arc::clone(environment)),
        Err(error) => Err(Failure::usage(format!("the engine `{}` cannot be had: {error}", name(backend)))),
    }
}

fn make(backend: Backend) -> std::result::Result<Arc<Environment>, String> {
    let engine = Engine::new(&Config::new().backend(backend)).map_err(|error| error.to_string())?;
    Environment::new(&engine).map(Arc::new).map_err(|error| error.to_string())
}

/// Executes a transaction; a rejected one is no failure.
pub(crate) fn execute(
    environment: &Environment,
    before: &dyn Storage,
    block: &Block,
    index: u32,
    tx: &Tx,
    title: &str,
) -> Result<std::result::Result<Executed, Rejected>> {
    match environment.execute(before, block, index, tx) {
        Ok(executed) => Ok(Ok(executed)),
        Err(ExecuteError::Rejected(rejected)) => Ok(Err(rejected)),
        Err(error) => Err(Failure::fault(format!("{title}: {error}"))),
    }
}

/// Executes a transaction on every engine, and compares with what one of them did.
pub(crate) fn compare_all(
    before: &dyn Storage,
    block: &Block,
    index: u32,
    tx: &Tx,
    expected: &Executed,
    title: &str,
) -> Result {
    for (name, backend) in backends() {
        let executed = execute(&*environment(backend)?, before, block, index, tx, title)?;
        let Ok(executed) = executed else {
            return Err(Failure::fault(format!(
                "{title}: the engine {name} rejects it, and another does not"
            )));
        };
        compare(name, &executed, expected, title)?;
    }
    Ok(())
}

/// Refuses a receipt or changes that differ from those of another engine, and says which part does.
pub(crate) fn compare(name: &str, found: &Executed, expected: &Executed, title: &str) -> Result {
    if found.receipt == expected.receipt && found.changes == expected.changes {
        return Ok(());
    }
    let (one, other) = (&found.receipt, &expected.receipt);
    let what = if one.status != other.status {
        format!("status {:?} and {:?}", one.status, other.status)
    } else if one.gas_used != other.gas_used {
        format!("gas {} and {}", grouped(one.gas_used), grouped(other.gas_used))
    } else if one.output != other.output {
        format!("output {} and {}", short_hex(&one.output), short_hex(&other.output))
    } else if one.events != other.events {
        String::from("events")
    } else if found.changes != expected.changes {
        String::from("changes of the state")
    } else {
        String::from("receipts")
    };
    Err(Failure::fault(format!("{title}: the engine {name} differs from another: {what}")))
}
