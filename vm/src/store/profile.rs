//! What a store tells a profile: activations, host functions, instantiation.
//!
//! Owns where on the path each of them begins and ends. It must not know guest code.

use super::objects::{InstanceId, Objects};
use crate::interpret;
use crate::module::Module;
use crate::profile::{Mark, Profile, ProfileOptions, Profiler};
use crate::trap::Trap;
use crate::types::ExternType;
use alloc::{boxed::Box, format, string::String};

impl Objects {
    /// Whether the interpreter executes whatever the backend, because somebody looks on.
    pub(crate) fn is_observed(&self) -> bool {
        self.audit.is_some() || self.profiler.is_some()
    }

    pub(crate) fn start_profile(&mut self, options: ProfileOptions) {
        self.profiler = Some(Box::new(Profiler::new(options)));
    }

    pub(crate) fn take_profile(&mut self) -> Option<Profile> {
        self.profiler.take().map(|profiler| interpret::finish_profile(*profiler))
    }

    pub(crate) fn profile_activation(&mut self) -> Mark {
        self.profiler.as_mut().map_or_else(Mark::default, |profiler| profiler.begin_activation())
    }

    pub(crate) fn profile_restore(&mut self, mark: Mark) {
        if let Some(profiler) = &mut self.profiler {
            profiler.restore(mark);
        }
    }

    /// A host function begins.
    pub(crate) fn profile_host(&mut self, host: u32, caller: Option<InstanceId>) -> Mark {
        let Some(mut profiler) = self.profiler.take() else { return Mark::default() };
        let mark = profiler.mark();
        profiler.enter_host(host, caller.map(|caller| caller.0), || self.host_name(host, caller));
        self.profiler = Some(profiler);
        mark
    }

    /// What a host function is called by who calls it.
    fn host_name(&self, host: u32, caller: Option<InstanceId>) -> String {
        let imported = caller.and_then(|caller| {
            let instance = &self.instances[caller.index()];
            let is_it = |callee| matches!(callee, Some(super::objects::Callee::Host(index)) if index == host);
            let at = instance.imported_functions.iter().position(|function| is_it(function.callee()))?;
            let mut functions =
                instance.module.imports().filter(|import| matches!(import.ty(), ExternType::Func(_)));
            functions.nth(at).map(|import| format!("{}.{}", import.module(), import.name()))
        });
        imported.unwrap_or_else(|| format!("host function {host}"))
    }

    /// Pays for an instance of a module.
    pub(crate) fn charge_instantiation(&mut self, module: &Module, price: u64) -> Result<(), Trap> {
        let mark = match &mut self.profiler {
            None => Mark::default(),
            Some(profiler) => {
                let mark = profiler.mark();
                profiler.enter_instantiation(module);
                mark
            }
        };
        let paid = self.charge(price);
        self.profile_restore(mark);
        paid
    }
}
