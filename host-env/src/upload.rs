//! Uploads: which modules may be contracts.
//!
//! Owns that decision, which depends on the wasm and the environment's configuration alone. It must not know state or gas.

use crate::environment::Environment;
use crate::list::{Function, MODULE};
use lockstep_vm::{Error, ErrorKind, ExternType, FuncType, Module};
use std::fmt;
use wasmparser::{Parser, Payload};

/// Why code is refused. Consensus is only whether it is.
#[derive(Debug)]
#[non_exhaustive]
pub enum Refused {
    /// The engine does not accept the module.
    Invalid(Error),
    /// The module exports no function `call`.
    NoCall,
    /// `call` or `deploy` is not a function without parameters and results.
    EntryType {
        /// Which one.
        name: &'static str,
        /// What it is.
        found: ExternType,
    },
    /// The module imports what this version does not have.
    Import {
        /// The first of the import's two names.
        module: Box<str>,
        /// The second of the import's two names.
        name: Box<str>,
        /// What it is imported as.
        found: ExternType,
        /// What it is, where it is a host function.
        expected: Option<FuncType>,
    },
    /// A memory or table begins larger than the engine allows any to be.
    TooLarge {
        /// `memory` or `table`.
        what: &'static str,
        /// Its declared minimum.
        declared: u64,
        /// What is allowed.
        allowed: u64,
    },
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Invalid(error) => error.fmt(f),
            Refused::NoCall => f.write_str("the module exports no function `call`; export one, [] -> []"),
            Refused::EntryType { name, found } => {
                write!(f, "the export `{name}` is a {found}, and must be a func [] -> []")
            }
            Refused::Import { module, name, found, expected } => {
                let (module, name) = (module.escape_debug(), name.escape_debug());
                write!(f, "the import `{module}` `{name}` as {found} cannot be had: ")?;
                match expected {
                    Some(expected) => write!(f, "it is a func {expected}"),
                    None => f.write_str("there is no such host function in this version"),
                }
            }
            Refused::TooLarge { what, declared, allowed } => {
                write!(f, "a {what} begins with {declared}, and at most {allowed} are allowed")
            }
        }
    }
}

impl std::error::Error for Refused {}

impl Environment {
    /// Whether a module may be uploaded; the module, if so.
    ///
    /// ```
    /// use lockstep_host_env::{Environment, Refused};
    /// use lockstep_vm::Engine;
    ///
    /// let environment = Environment::new(&Engine::default())?;
    /// let wasm = wat::parse_str(r#"(module (import "lockstep" "exit" (func)) (func (export "call")))"#)?;
    /// assert!(environment.check_upload(&wasm)?.is_ok());
    ///
    /// let wasm = wat::parse_str(r#"(module (func (export "deploy")))"#)?;
    /// assert!(matches!(environment.check_upload(&wasm)?, Err(Refused::NoCall)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// A node fault, when the host has no memory for it.
    pub fn check_upload(&self, wasm: &[u8]) -> Result<Result<Module, Refused>, Error> {
        let module = match Module::new(self.engine(), wasm) {
            Ok(module) => module,
            Err(error) if matches!(error.kind(), ErrorKind::Invalid(_)) => {
                return Ok(Err(Refused::Invalid(error)));
            }
            Err(error) => return Err(error),
        };
        let checked = check_entries(&module)
            .and_then(|()| check_imports(&module))
            .and_then(|()| self.check_sizes(wasm));
        Ok(checked.map(|()| module))
    }

    /// An instance could not be made of a module that begins larger than the run limits.
    fn check_sizes(&self, wasm: &[u8]) -> Result<(), Refused> {
        let limits = self.engine().run_limits();
        let check = |what, declared, allowed| match declared > allowed {
            true => Err(Refused::TooLarge { what, declared, allowed }),
            false => Ok(()),
        };
        // The module is valid, so nothing here fails to parse.
        for payload in Parser::new(0).parse_all(wasm).flatten() {
            match payload {
                Payload::MemorySection(memories) => {
                    for memory in memories.into_iter().flatten() {
                        check("memory", memory.initial, limits.memory_pages)?;
                    }
                }
                Payload::TableSection(tables) => {
                    for table in tables.into_iter().flatten() {
                        check("table", table.ty.initial, limits.table_elements)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn check_entries(module: &Module) -> Result<(), Refused> {
    let mut callable = false;
    for export in module.exports() {
        let name = match export.name() {
            "call" => "call",
            "deploy" => "deploy",
            _ => continue,
        };
        match export.ty() {
            ExternType::Func(ty) if ty.params().is_empty() && ty.results().is_empty() => {
                callable |= name == "call";
            }
            other => return Err(Refused::EntryType { name, found: other.clone() }),
        }
    }
    if callable { Ok(()) } else { Err(Refused::NoCall) }
}

fn check_imports(module: &Module) -> Result<(), Refused> {
    for import in module.imports() {
        let function = (import.module() == MODULE).then(|| Function::from_name(import.name())).flatten();
        let expected = function.map(|function| function.def().ty());
        match (import.ty(), &expected) {
            (ExternType::Func(found), Some(expected)) if found == expected => {}
            (found, _) => {
                return Err(Refused::Import {
                    module: import.module().into(),
                    name: import.name().into(),
                    found: found.clone(),
                    expected,
                });
            }
        }
    }
    Ok(())
}
