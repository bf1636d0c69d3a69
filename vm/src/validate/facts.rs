//! What is worth knowing about a module beside what engines need: for tools and people.

use crate::features::Features;
use crate::limits::{Limit, Limits};

/// Which features a module uses and how near it comes to the limits.
///
/// ```
/// use lockstep_vm::{Engine, Limit, Module};
///
/// let wasm = wat::parse_str("(module (func (param i32 i32) (local i64) local.get 0 i32.extend8_s drop))")?;
/// let module = Module::new(&Engine::default(), &wasm).unwrap();
/// assert!(module.facts().features().sign_extension);
/// assert_eq!(module.facts().usage(Limit::Locals), 1);
/// # Ok::<(), wat::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ModuleFacts {
    pub(super) features: Features,
    pub(super) usage: Limits,
}

impl Default for ModuleFacts {
    fn default() -> Self {
        let mut usage = Limits::default();
        for &limit in Limit::ALL {
            usage.set(limit, 0);
        }
        ModuleFacts { features: Features::mvp(), usage }
    }
}

impl ModuleFacts {
    /// The features that the module uses.
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// The greatest value that the module has for a shape limit; 0 for a run limit.
    pub fn usage(&self, limit: Limit) -> u64 {
        self.usage.get(limit)
    }
}
