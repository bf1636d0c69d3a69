//! Compiled modules.
//!
//! Owns what a module is to the rest of the crate: bytes, facts, plan and code of one validated module. It must not
//! know stores.

pub(crate) mod info;

use crate::error::Error;
use crate::interpret::Code;
use crate::types::ExternType;
use crate::validate::{self, ModuleFacts, Validated};
use crate::{Config, Engine, Features, FloatPolicy, Limits};
use alloc::{boxed::Box, sync::Arc};
use info::ModuleInfo;
use lockstep_gas::Plan;

/// A validated module, ready to be instantiated. Cloning it copies a pointer.
///
/// ```
/// use lockstep_vm::{Engine, Module};
///
/// let wasm = wat::parse_str(r#"(module (func (export "answer") (result i32) i32.const 42))"#)?;
/// let module = Module::new(&Engine::default(), &wasm)?;
/// let export = module.exports().next().unwrap();
/// assert_eq!((export.name(), export.ty().to_string()), ("answer", "func [] -> [i32]".to_string()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Module(pub(crate) Arc<ModuleInner>);

#[derive(Debug)]
pub(crate) struct ModuleInner {
    pub(crate) engine: Engine,
    pub(crate) bytes: Box<[u8]>,
    pub(crate) info: ModuleInfo,
    pub(crate) plan: Plan,
    pub(crate) facts: ModuleFacts,
    /// The bodies as the interpreter reads them.
    pub(crate) code: Code,
}

impl Module {
    /// Validates and prepares a module given as wasm bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) when the engine does not accept the module.
    pub fn new(engine: &Engine, bytes: impl AsRef<[u8]>) -> Result<Module, Error> {
        let bytes = bytes.as_ref();
        let Validated { info, plan, facts } = validate::validate(bytes, engine.config())?;
        let code = Code::decode(bytes, &info, &plan);
        Ok(Module(Arc::new(ModuleInner {
            engine: engine.clone(),
            bytes: bytes.into(),
            info,
            plan,
            facts,
            code,
        })))
    }

    /// Whether the engine accepts a module, without preparing it.
    ///
    /// # Errors
    /// As [`Module::new`].
    pub fn validate(engine: &Engine, bytes: &[u8]) -> Result<(), Error> {
        validate::validate(bytes, engine.config())?;
        Ok(())
    }

    /// The facts of a module without compiling it, under the widest configuration there is: every feature, floats, and
    /// each limit at its ceiling. Whether an engine accepts the module is for [`Module::validate`] to say.
    ///
    /// # Errors
    /// As [`Module::new`], when no engine accepts the module.
    pub fn inspect(bytes: &[u8]) -> Result<ModuleFacts, Error> {
        let widest = Config::new()
            .floats(FloatPolicy::Canonical)
            .features(Features::default())
            .limits(Limits::ceilings());
        Ok(validate::validate(bytes, &widest)?.facts)
    }

    /// The engine that accepted the module.
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// The wasm bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    /// The plan: runs, frames and the price of instantiation.
    pub fn plan(&self) -> &Plan {
        &self.0.plan
    }

    /// Which features the module uses and how near it comes to the limits.
    pub fn facts(&self) -> &ModuleFacts {
        &self.0.facts
    }

    /// The imports, in the module's order.
    pub fn imports(&self) -> impl ExactSizeIterator<Item = ImportType<'_>> {
        let info = self.info();
        info.imports.iter().map(|import| ImportType {
            module: &import.module,
            name: &import.name,
            ty: info.import_type(import),
        })
    }

    /// The exports, in the module's order.
    pub fn exports(&self) -> impl ExactSizeIterator<Item = ExportType<'_>> {
        let info = self.info();
        info.exports.iter().map(|export| ExportType { name: &export.name, ty: info.export_type(export.item) })
    }

    /// The name of a function, by its index in the module's function space, where the name section has one.
    pub fn function_name(&self, function: u32) -> Option<&str> {
        self.info().function_name(function)
    }

    /// How many functions are imported; the first defined function has this index.
    pub fn imported_function_count(&self) -> u32 {
        self.info().imported_functions
    }

    pub(crate) fn info(&self) -> &ModuleInfo {
        &self.0.info
    }
}

/// What a module imports.
#[derive(Clone, Debug)]
pub struct ImportType<'m> {
    module: &'m str,
    name: &'m str,
    ty: ExternType,
}

impl<'m> ImportType<'m> {
    /// The first of the import's two names.
    pub fn module(&self) -> &'m str {
        self.module
    }

    /// The second of the import's two names.
    pub fn name(&self) -> &'m str {
        self.name
    }

    /// The type that is asked for.
    pub fn ty(&self) -> &ExternType {
        &self.ty
    }
}

/// What a module exports.
#[derive(Clone, Debug)]
pub struct ExportType<'m> {
    name: &'m str,
    ty: ExternType,
}

impl<'m> ExportType<'m> {
    /// The export's name.
    pub fn name(&self) -> &'m str {
        self.name
    }

    /// The export's type, as declared.
    pub fn ty(&self) -> &ExternType {
        &self.ty
    }
}
