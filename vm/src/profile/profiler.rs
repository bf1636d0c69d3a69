//! A profile that is being taken: who runs now.
//!
//! Owns the path from the outermost activation to what runs, and what was charged on it. It must not know instructions:
//! a place is a number that the engine gives, and turns into offsets at the end.

use super::{Key, Profile, ProfileOptions};
use crate::Module;
use crate::store::objects::InstanceId;
use alloc::{collections::BTreeMap, vec::Vec};

/// A profile under way.
#[derive(Debug)]
pub(crate) struct Profiler {
    profile: Profile,
    /// Who waits for whom; the last runs.
    path: Vec<Step>,
    /// How many of them were there before the innermost activation.
    base: usize,
    /// Gas by node and instruction.
    charges: BTreeMap<(u32, u32), u64>,
    /// The number of each instance's module.
    modules: Vec<Option<u32>>,
    /// The number of each host function's name, by who calls it.
    hosts: BTreeMap<(Option<u32>, u32), u32>,
}

/// One on the path. Many calls may share a node, so it has its own key.
#[derive(Clone, Copy, Debug)]
struct Step {
    node: u32,
    key: Key,
}

/// Where the path was.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Mark {
    length: usize,
    base: usize,
}

impl Profiler {
    pub(crate) fn new(options: ProfileOptions) -> Profiler {
        Profiler {
            profile: Profile::new(options),
            path: Vec::new(),
            base: 0,
            charges: BTreeMap::new(),
            modules: Vec::new(),
            hosts: BTreeMap::new(),
        }
    }

    pub(crate) fn options(&self) -> ProfileOptions {
        self.profile.options()
    }

    /// The profile, where `offsets` tells for an instruction of a module and the gas that it took where that gas
    /// belongs, by calling back with offset and gas.
    pub(crate) fn finish(
        self,
        mut offsets: impl FnMut(&Module, u32, u64, &mut dyn FnMut(u32, u64)),
    ) -> Profile {
        let Profiler { mut profile, charges, .. } = self;
        for ((node, instr), gas) in charges {
            let Key::Function { module, .. } = profile.key(node) else { continue };
            let module = profile.module(module).clone();
            offsets(&module, instr, gas, &mut |offset, gas| profile.place(node, offset, gas));
        }
        profile
    }

    /// Where the path is; an activation begins.
    pub(crate) fn begin_activation(&mut self) -> Mark {
        let mark = self.mark();
        self.base = self.path.len();
        mark
    }

    /// Where the path is.
    pub(crate) fn mark(&self) -> Mark {
        Mark { length: self.path.len(), base: self.base }
    }

    /// The path is again as it was.
    pub(crate) fn restore(&mut self, mark: Mark) {
        self.path.truncate(mark.length);
        self.base = mark.base;
    }

    /// Somebody is called by who runs now.
    fn enter(&mut self, key: Key) {
        let node = self.profile.called(self.top(), key);
        self.profile.count_call(node);
        self.path.push(Step { node, key });
    }

    fn top(&self) -> u32 {
        self.path.last().map_or(super::ROOT, |step| step.node)
    }

    /// A module is instantiated.
    pub(crate) fn enter_instantiation(&mut self, module: &Module) {
        let module = self.profile.module_id(module);
        self.enter(Key::Instantiation { module });
    }

    /// A host function is called by an instance, or by the host; `name` tells what it is called there.
    pub(crate) fn enter_host(
        &mut self,
        host: u32,
        caller: Option<u32>,
        name: impl FnOnce() -> alloc::string::String,
    ) {
        let id = match self.hosts.get(&(caller, host)) {
            Some(&id) => id,
            None => {
                let id = self.profile.name_id(&name());
                self.hosts.insert((caller, host), id);
                id
            }
        };
        self.enter(Key::Host { name: id });
    }

    /// The innermost activation has so many guest frames, and the innermost runs this function. Since this was last said,
    /// one frame was added, taken away or replaced, or none.
    pub(crate) fn guest(&mut self, frames: usize, instance: InstanceId, module: &Module, function: u32) {
        let key = Key::Function { module: self.module_of(instance, module), function };
        let length = self.base + frames;
        if self.path.len() >= length {
            self.path.truncate(length);
            if self.path.last().is_some_and(|step| step.key == key) {
                return;
            }
            // A tail call: one goes, another comes.
            self.path.truncate(length - 1);
        }
        self.enter(key);
    }

    fn module_of(&mut self, instance: InstanceId, module: &Module) -> u32 {
        let index = instance.index();
        if self.modules.len() <= index {
            self.modules.resize(index + 1, None);
        }
        *self.modules[index].get_or_insert_with(|| self.profile.module_id(module))
    }

    /// Who runs now paid so much.
    pub(crate) fn pay(&mut self, gas: u64) {
        self.profile.pay(self.top(), gas);
    }

    /// Who runs now paid so much at an instruction.
    pub(crate) fn pay_at(&mut self, instr: u32, gas: u64) {
        let options = self.profile.options();
        let node = self.top();
        self.profile.pay(node, gas);
        if !options.places {
            return;
        }
        let room = self.charges.len() < (options.nodes as usize).saturating_mul(16);
        if room || self.charges.contains_key(&(node, instr)) {
            let sum = self.charges.entry((node, instr)).or_default();
            *sum = sum.saturating_add(gas);
        }
    }

    /// Adds another profile, under a label, to who runs now.
    pub(crate) fn append(&mut self, label: &str, other: &Profile) {
        let node = self.profile.labelled(self.top(), &[label]);
        self.profile.graft(node, other);
    }
}
