//! Artifacts: compiled modules as bytes, so that a node that starts again need not compile again.
//!
//! `settings` is what must be the same where an artifact is made and where it is loaded, `format` its bytes, `spec/artifact.md`
//! its description.
//!
//! Machine code cannot be verified, and a hash says only that bytes are whole, not whose they are: who can write to a
//! node's disk could hash code of his own. So what `serialize` makes is authenticated with a key that only the node has,
//! and what no holder of the key has made is refused before anything of it is read. That is why
//! [`Module::deserialize`] is a safe function, where wasmtime's is not: this crate allows no unsafe code outside of `sys`,
//! nor would it be honest to leave to each caller a promise that a disk cannot keep.
//!
//! An artifact holds the module's wasm too, and all facts that decide an outcome (types, plan, data) come from validating
//! that again. What is saved is the compiler's work. Nothing here changes an outcome: whatever is refused is compiled.
//!
//! Owns what is done in which order, and the API. It must not know files.

mod format;
mod settings;

#[cfg(test)]
mod tests;

use crate::compile::{self, Compiled, CpuFeatures, Options};
use crate::error::{ArtifactError, Error};
use crate::module::CodeTarget;
use crate::native::ModuleCode;
use crate::sys::OutOfMemory;
use crate::{Backend, Engine, Module, validate};
use alloc::{vec, vec::Vec};
use core::fmt;
use format::{Contents, seal};

/// The secret that authenticates artifacts: 32 random bytes that a node makes once, keeps to itself, and never keeps where
/// others than itself can read or write them.
///
/// Whoever has it can make artifacts that this node runs, and machine code can do all that the process can. A node that
/// forgets its key compiles its modules again, and nothing else happens.
///
/// ```
/// use lockstep_vm::ArtifactKey;
///
/// let key = ArtifactKey::new([7; 32]); // random ones, please
/// assert_eq!(format!("{key:?}"), "ArtifactKey(..)");
/// ```
#[derive(Clone)]
pub struct ArtifactKey([u8; 32]);

impl ArtifactKey {
    /// A key of these bytes, which must be random.
    pub fn new(bytes: [u8; 32]) -> ArtifactKey {
        ArtifactKey(bytes)
    }
}

impl fmt::Debug for ArtifactKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ArtifactKey(..)")
    }
}

impl Module {
    /// The compiled module as bytes, for [`deserialize`](Module::deserialize) of an engine alike on this machine or on one
    /// whose processor has the same features. Equal modules of equal engines give equal bytes, in every process and with any
    /// number of threads.
    ///
    /// ```
    /// use lockstep_vm::{ArtifactKey, Backend, Config, Engine, Module};
    ///
    /// # let Ok(engine) = Engine::new(&Config::new().backend(Backend::Native)) else { return Ok(()) };
    /// let key = ArtifactKey::new([7; 32]);
    /// let wasm = wat::parse_str(r#"(module (func (export "answer") (result i32) i32.const 42))"#)?;
    /// let artifact = Module::new(&engine, &wasm)?.serialize(&key)?;
    ///
    /// // Later, in another process:
    /// let module = match Module::deserialize(&engine, &key, &artifact) {
    ///     Ok(module) if module.bytes() == wasm => module,
    ///     _ => Module::new(&engine, &wasm)?, // and keep its artifact instead
    /// };
    /// assert_eq!(module.exports().next().unwrap().name(), "answer");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ArtifactError::NoMachineCode`] when the engine interprets.
    pub fn serialize(&self, key: &ArtifactKey) -> Result<Vec<u8>, Error> {
        let code = self.native().ok_or(ArtifactError::NoMachineCode)?;
        let config = self.engine().config();
        // A loaded module may use less of the processor than one compiled here would.
        let options = Options { cpu: code.cpu(), ..Options::new(config, CodeTarget::HOST) };
        let contents = Contents {
            wasm: self.bytes(),
            thunks: *code.thunks(),
            functions: code.functions(),
            sites: code.sites(),
            code: code.bytes(),
        };
        Ok(seal(key, config, &options, &contents))
    }

    /// The module of an artifact that [`serialize`](Module::serialize) or
    /// [`precompile_module`](Engine::precompile_module) has made with this key.
    ///
    /// The bytes are read once and copied; they may be dropped afterwards. Do not map a file that somebody may write to: read
    /// it. And compare [`Module::bytes`] with the wasm that is wanted: the key says who made an artifact, not which of his
    /// modules it is.
    ///
    /// # Errors
    /// [`ErrorKind::Artifact`](crate::ErrorKind::Artifact) with what is wrong or differs: compile the module again then.
    /// Otherwise as [`Module::new`].
    pub fn deserialize(
        engine: &Engine,
        key: &ArtifactKey,
        artifact: impl AsRef<[u8]>,
    ) -> Result<Module, Error> {
        let config = engine.config();
        match config.backend {
            Backend::Native | Backend::CrossCheck => {}
            Backend::Interpreter => return Err(ArtifactError::NoMachineCode.into()),
        }
        let mut contents = format::open(key, artifact.as_ref())?;
        let options = Options::new(config, CodeTarget::HOST);
        let cpu = settings::check(&mut contents, config, &options)?;
        let parts = format::Parts::read(contents)?;
        let validated = validate::validate(parts.wasm, config)?;
        let compiled = parts.compiled(&validated)?;
        let options = Options { cpu, ..options };
        match ModuleCode::load(compiled, &validated.info, &options) {
            Ok(code) => Ok(Module::of(engine, parts.wasm, validated, Some(code))),
            Err(OutOfMemory) => Err(Error::fault("the host has no memory left for machine code")),
        }
    }
}

impl Engine {
    /// Compiles a module for a machine, this one or another, to an artifact that [`Module::deserialize`] of an engine alike
    /// takes there. It runs on every processor of the target that Lockstep runs on: it uses nothing beyond the baseline,
    /// which makes it a little slower than what [`Module::serialize`] makes. Its bytes depend on nothing of this machine.
    ///
    /// ```
    /// use lockstep_vm::{ArtifactKey, CodeTarget, Engine};
    ///
    /// let wasm = wat::parse_str(r#"(module (func (export "answer") (result i32) i32.const 42))"#)?;
    /// let engine = Engine::default(); // whatever it executes with itself
    /// let artifact = engine.precompile_module(&wasm, CodeTarget::Aarch64, &ArtifactKey::new([7; 32]))?;
    /// assert!(Engine::detect_precompiled(&artifact) && !Engine::detect_precompiled(&wasm));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Module::new`].
    pub fn precompile_module(
        &self,
        wasm: &[u8],
        target: CodeTarget,
        key: &ArtifactKey,
    ) -> Result<Vec<u8>, Error> {
        let config = self.config();
        let validated = validate::validate(wasm, config)?;
        let options = Options { cpu: CpuFeatures::default(), ..Options::new(config, target) };
        let compiled = compile::compile(wasm, &validated.info, &validated.plan, &options);
        let Compiled { code, thunks, functions, sites } =
            compiled.ok_or_else(|| Error::fault("the module has more machine code than there can be"))?;
        let mut bytes = vec![0; code.length()];
        code.write(&mut bytes);
        let contents = Contents { wasm, thunks, functions: &functions, sites: &sites, code: &bytes };
        Ok(seal(key, config, &options, &contents))
    }

    /// A hash of everything of this engine, this build and this machine that an artifact's loading depends on, beside its key.
    /// Whoever keeps artifacts by name has it in the name, so that engines that refuse each other's do not replace them.
    ///
    /// ```
    /// use lockstep_vm::{Config, Engine, Limits};
    ///
    /// let hash = |limits| Engine::new(&Config::new().limits(limits)).map(|engine| engine.precompile_compatibility_hash());
    /// let run = Limits { memory_pages: 16, ..Limits::default() }; // no matter to machine code
    /// let shape = Limits { nesting: 16, ..Limits::default() };
    /// assert_eq!(hash(run)?, hash(Limits::default())?);
    /// assert_ne!(hash(shape)?, hash(Limits::default())?);
    /// # Ok::<(), lockstep_vm::Error>(())
    /// ```
    pub fn precompile_compatibility_hash(&self) -> [u8; 32] {
        settings::hash(self.config(), &Options::new(self.config(), CodeTarget::HOST))
    }

    /// Whether bytes begin as an artifact does, of this version or another. It may be refused all the same.
    pub fn detect_precompiled(bytes: &[u8]) -> bool {
        bytes.starts_with(format::MAGIC)
    }
}
