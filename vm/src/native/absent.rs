//! In place of the native backend, in builds without one: types that have no values.
//!
//! Owns nothing. It lets the rest of the crate be written once.

use crate::Config;
#[cfg(feature = "native")]
use crate::abi::Thunks;
#[cfg(feature = "native")]
use crate::compile::{Compiled, CompiledFunction, CpuFeatures, Options, Site};
use crate::module::CodeMap;
#[cfg(feature = "native")]
use crate::module::info::ModuleInfo;
use crate::store::objects::{InstanceId, MemoryId, Objects, OutOfMemory};
use crate::store::step::{FrameSite, Step};
use crate::sys::memory::LinearMemory;
use crate::validate::Validated;
use alloc::vec::Vec;
use core::convert::Infallible;

/// Whether there is a native backend in this build, for this machine.
pub(crate) fn is_available() -> bool {
    false
}

/// There is no compiled module.
#[derive(Debug)]
pub(crate) struct ModuleCode(Infallible);

impl ModuleCode {
    pub(crate) fn new(_: &[u8], _: &Validated, _: &Config) -> Result<ModuleCode, OutOfMemory> {
        unreachable!("a configuration with the native backend is refused")
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self.0 {}
    }

    pub(crate) fn map(&self, _: u32) -> CodeMap {
        match self.0 {}
    }

    pub(crate) fn context_words(&self) -> usize {
        match self.0 {}
    }

    pub(crate) fn own_global(&self, _: usize) -> i32 {
        match self.0 {}
    }
}

/// What artifacts are made of, where there is a compiler but nothing to run its code.
#[cfg(feature = "native")]
impl ModuleCode {
    pub(crate) fn load(_: Compiled, _: &ModuleInfo, _: &Options) -> Result<ModuleCode, OutOfMemory> {
        unreachable!("a configuration with the native backend is refused")
    }

    pub(crate) fn thunks(&self) -> &Thunks {
        match self.0 {}
    }

    pub(crate) fn functions(&self) -> &[CompiledFunction] {
        match self.0 {}
    }

    pub(crate) fn sites(&self) -> &[Site] {
        match self.0 {}
    }

    pub(crate) fn cpu(&self) -> CpuFeatures {
        match self.0 {}
    }
}

/// There is no machine.
#[derive(Debug)]
pub(crate) struct Machine(Infallible);

impl Machine {
    pub(crate) fn new() -> Machine {
        unreachable!("a configuration with the native backend is refused")
    }

    pub(crate) fn memory(&self, _: u64, _: usize) -> Result<LinearMemory, OutOfMemory> {
        match self.0 {}
    }
}

/// There is no context.
#[derive(Debug)]
pub(crate) struct Context(Infallible);

impl Context {
    pub(crate) fn new(
        _: &mut Objects,
        code: &ModuleCode,
        _: Option<MemoryId>,
    ) -> Result<Context, OutOfMemory> {
        match code.0 {}
    }
}

impl Objects {
    pub(crate) fn context_word(&self, instance: InstanceId, _: i32) -> u64 {
        match &self.instances[instance.index()].context {
            None => unreachable!("no global is in a context"),
            Some(context) => match context.0 {},
        }
    }

    pub(crate) fn set_context_word(&mut self, instance: InstanceId, _: i32, _: u64) {
        self.context_word(instance, 0);
    }

    pub(crate) fn fill_context(&mut self, _: InstanceId) {}
}

/// There is no activation of compiled code.
#[derive(Debug)]
pub(crate) struct Activation(Infallible);

impl Activation {
    pub(crate) fn enter(objects: &mut Objects, _: InstanceId, _: u32, _: &[u64]) -> Activation {
        match &objects.machine {
            None => unreachable!("there is no compiled code"),
            Some(machine) => match machine.0 {},
        }
    }

    pub(crate) fn resume(&mut self, _: &mut Objects) -> Step {
        match self.0 {}
    }

    pub(crate) fn arguments<'a>(&'a self, _: &'a Objects) -> &'a [u64] {
        match self.0 {}
    }

    pub(crate) fn host_returned(&mut self, _: &mut Objects, _: &[u64]) {
        match self.0 {}
    }

    pub(crate) fn results<'a>(&'a self, _: &'a Objects) -> &'a [u64] {
        match self.0 {}
    }

    pub(crate) fn end(self, _: &mut Objects) {
        match self.0 {}
    }

    pub(crate) fn backtrace(&self, _: &Objects) -> Vec<FrameSite> {
        match self.0 {}
    }
}
