//! The compiled code of a module.
//!
//! Owns the code where it can be executed and the tables that say what is where in it. It must not know stores.

use crate::Config;
use crate::abi::{ContextLayout, GlobalPlace, Thunks};
use crate::compile::{self, Compiled, CompiledFunction, CpuFeatures, Options, Site};
use crate::module::{CodeMap, CodeTarget, info::ModuleInfo};
use crate::store::objects::OutOfMemory;
use crate::sys::{code::Code, signals};
use crate::validate::Validated;
use alloc::vec::Vec;
use std::process;
use std::sync::OnceLock;

/// A module's code, ready to be run.
#[derive(Debug)]
pub(crate) struct ModuleCode {
    code: Code,
    thunks: Thunks,
    functions: Vec<CompiledFunction>,
    sites: Vec<Site>,
    /// What it may use of an x86-64.
    cpu: CpuFeatures,
    layout: ContextLayout,
}

/// Where an address in the code belongs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    /// The function among those that the module defines.
    pub(super) function: u32,
    /// The operator, in bytes from the start of the module.
    pub(super) offset: u32,
    /// Bytes of the function's frame.
    pub(super) frame: u64,
}

/// What an address in the code is. Behind a call there may be an instruction that can fault: one address, two sites.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// Where a call returns to.
    Return,
    /// An instruction that has faulted, or else where the call for a trap returns to.
    Fault,
}

impl ModuleCode {
    /// Compiles the bodies of a validated module.
    pub(crate) fn new(
        bytes: &[u8],
        validated: &Validated,
        config: &Config,
    ) -> Result<ModuleCode, OutOfMemory> {
        let Validated { info, plan, .. } = validated;
        let options = Options::new(config, CodeTarget::HOST);
        let compiled = with_threads(|| compile::compile(bytes, info, plan, &options))?.ok_or(OutOfMemory)?;
        ModuleCode::load(compiled, info, &options)
    }

    /// Makes code executable that was compiled with these options.
    pub(crate) fn load(
        compiled: Compiled,
        info: &ModuleInfo,
        options: &Options,
    ) -> Result<ModuleCode, OutOfMemory> {
        if !options.explicit_bounds {
            signals::install();
        }
        ModuleCode::publish(compiled, info, options.cpu)
    }

    /// The code's bytes, thunks and tables included.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.code.bytes()
    }

    /// What is where in it; so many functions are imported.
    pub(crate) fn map(&self, imported: u32) -> CodeMap {
        compile::code_map(&self.functions, &self.sites, imported)
    }

    /// Each function that the module defines, in order.
    pub(crate) fn functions(&self) -> &[CompiledFunction] {
        &self.functions
    }

    /// Where return addresses and instructions that may fault belong, in order.
    pub(crate) fn sites(&self) -> &[Site] {
        &self.sites
    }

    /// What the code may use of an x86-64.
    pub(crate) fn cpu(&self) -> CpuFeatures {
        self.cpu
    }

    /// Makes compiled code executable.
    pub(super) fn publish(
        compiled: Compiled,
        info: &ModuleInfo,
        cpu: CpuFeatures,
    ) -> Result<ModuleCode, OutOfMemory> {
        let Compiled { code, thunks, functions, sites } = compiled;
        let code = Code::publish(code.length(), |to| code.write(to))?;
        Ok(ModuleCode { code, thunks, functions, sites, cpu, layout: ContextLayout::new(info) })
    }

    /// The thunks, to pass to [`address`](Self::address).
    pub(crate) fn thunks(&self) -> &Thunks {
        &self.thunks
    }

    /// The address of an offset in the code.
    #[inline]
    pub(super) fn address(&self, offset: u32) -> u64 {
        self.code.address() + u64::from(offset)
    }

    /// The address of a function among those that the module defines.
    #[inline]
    pub(super) fn function(&self, function: u32) -> u64 {
        self.address(self.functions[function as usize].entry)
    }

    /// Where the code begins and ends.
    pub(super) fn range(&self) -> (u64, u64) {
        (self.code.address(), self.code.address() + self.code.length() as u64)
    }

    /// Where the contexts of the module's instances have what.
    pub(super) fn layout(&self) -> &ContextLayout {
        &self.layout
    }

    /// How many words a context has.
    pub(crate) fn context_words(&self) -> usize {
        self.layout.bytes().div_ceil(8)
    }

    /// Where in a context a global is that the module defines.
    pub(crate) fn own_global(&self, global: usize) -> i32 {
        // There are fewer than 2^32 globals.
        match self.layout.global(global as u32) {
            GlobalPlace::Value(offset) => offset,
            GlobalPlace::Address(_) => unreachable!("global {global} is imported"),
        }
    }

    /// Where an address of the code belongs; `None` in thunks.
    pub(super) fn place(&self, address: u64, role: Role) -> Option<Place> {
        let native = u32::try_from(address.checked_sub(self.code.address())?).ok()?;
        // Functions do not begin with calls, but one may begin where the last call of another returns to.
        let function = self.functions.partition_point(|function| function.entry < native).checked_sub(1)?;
        let CompiledFunction { frame_slots, .. } = self.functions[function];
        // Of two sites at an address the call comes first: it was compiled before.
        let site = match role {
            Role::Return => self.sites.partition_point(|site| site.native < native),
            Role::Fault => self.sites.partition_point(|site| site.native <= native).checked_sub(1)?,
        };
        let site = self.sites.get(site).filter(|site| site.native == native)?;
        // There are fewer than 2^32 functions.
        Some(Place { function: function as u32, offset: site.wasm, frame: 8 * u64::from(frame_slots) })
    }
}

/// Runs what may use other threads. A fork has none of its parent's, so there it gets some of its own.
fn with_threads<R: Send>(run: impl FnOnce() -> R + Send) -> Result<R, OutOfMemory> {
    static PROCESS: OnceLock<u32> = OnceLock::new();
    let this = process::id();
    if *PROCESS.get_or_init(|| this) == this {
        return Ok(run());
    }
    let threads = rayon::ThreadPoolBuilder::new().build().map_err(|_| OutOfMemory)?;
    Ok(threads.install(run))
}
