//! Compiled modules.
//!
//! Owns what a module is to the rest of the crate: bytes, facts, plan and code of one validated module. It must not
//! know stores.

mod code_map;
pub(crate) mod info;

use crate::error::Error;
use crate::interpret::Code;
use crate::native::ModuleCode;
use crate::sys::OutOfMemory;
use crate::types::ExternType;
use crate::validate::{self, ModuleFacts, Validated};
use crate::{Backend, Config, Engine, Features, FloatPolicy, Limits};
use alloc::{boxed::Box, sync::Arc, vec::Vec};
use info::ModuleInfo;
use lockstep_gas::Plan;

pub use code_map::{CodeMap, CodeTarget};

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
    /// The bodies as the interpreter reads them; made when first wanted where another engine executes them.
    #[cfg(feature = "std")]
    interpreted: std::sync::OnceLock<Code>,
    #[cfg(not(feature = "std"))]
    interpreted: Code,
    /// The bodies as machine code, where the engine compiles them.
    native: Option<ModuleCode>,
}

impl ModuleInner {
    /// The bodies as the interpreter reads them.
    #[inline]
    #[cfg(feature = "std")]
    pub(crate) fn code(&self) -> &Code {
        self.interpreted.get_or_init(|| Code::decode(&self.bytes, &self.info, &self.plan))
    }

    /// The bodies as the interpreter reads them.
    #[inline]
    #[cfg(not(feature = "std"))]
    pub(crate) fn code(&self) -> &Code {
        &self.interpreted
    }

    /// The same, for tests that put a fault there.
    #[cfg(all(test, feature = "std"))]
    pub(crate) fn code_mut(&mut self) -> &mut Code {
        self.code();
        self.interpreted.get_mut().expect("it was made just now")
    }
}

impl Module {
    /// Validates and prepares a module given as wasm bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) when the engine does not accept the module; a node fault when the
    /// host has no memory for its machine code.
    pub fn new(engine: &Engine, bytes: impl AsRef<[u8]>) -> Result<Module, Error> {
        let bytes = bytes.as_ref();
        let validated = validate::validate(bytes, engine.config())?;
        let native = match engine.config().backend {
            Backend::Native | Backend::CrossCheck => {
                match ModuleCode::new(bytes, &validated, engine.config()) {
                    Ok(code) => Some(code),
                    Err(OutOfMemory) => {
                        return Err(Error::fault("the host has no memory left for machine code"));
                    }
                }
            }
            Backend::Interpreter => None,
        };
        Ok(Module::of(engine, bytes, validated, native))
    }

    /// A module of parts that belong together.
    pub(crate) fn of(
        engine: &Engine,
        bytes: &[u8],
        validated: Validated,
        native: Option<ModuleCode>,
    ) -> Module {
        let Validated { info, plan, facts } = validated;
        #[cfg(not(feature = "std"))]
        let interpreted = Code::decode(bytes, &info, &plan);
        #[cfg(feature = "std")]
        let interpreted = std::sync::OnceLock::new();
        let module = Module(Arc::new(ModuleInner {
            engine: engine.clone(),
            bytes: bytes.into(),
            info,
            plan,
            facts,
            interpreted,
            native,
        }));
        if module.0.native.is_none() {
            module.0.code();
        }
        module
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

    /// The machine code, where the engine compiles modules. It is the same for every host, process and number of threads,
    /// given the module, the engine's configuration and the processor's features.
    pub fn machine_code(&self) -> Option<&[u8]> {
        self.native().map(|code| code.bytes())
    }

    /// What is where in the machine code.
    #[doc(hidden)]
    pub fn code_map(&self) -> Option<CodeMap> {
        self.native().map(|code| code.map(self.imported_function_count()))
    }

    /// The machine code for a machine, and what is where in it; nothing in builds without the feature `native`. It is as an
    /// engine there would make it, but uses of a processor what the one at hand has, or else nothing beyond the baseline.
    #[doc(hidden)]
    pub fn code_for(&self, target: CodeTarget) -> Option<(Vec<u8>, CodeMap)> {
        #[cfg(feature = "native")]
        {
            let options = crate::compile::Options::new(self.0.engine.config(), target);
            let compiled = crate::compile::compile(&self.0.bytes, &self.0.info, &self.0.plan, &options)?;
            let map = compiled.map(self.imported_function_count());
            let mut code = alloc::vec![0; compiled.code.length()];
            compiled.code.write(&mut code);
            Some((code, map))
        }
        #[cfg(not(feature = "native"))]
        {
            let _ = target;
            None
        }
    }

    /// How many functions are imported; the first defined function has this index.
    pub fn imported_function_count(&self) -> u32 {
        self.info().imported_functions
    }

    /// The machine code, where the engine compiles modules.
    #[inline]
    pub(crate) fn native(&self) -> Option<&ModuleCode> {
        self.0.native.as_ref()
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
