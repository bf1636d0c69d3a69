//! The tree: nodes found or made, within the bounds.
//!
//! Owns what becomes of a call that has no node and for which there is no room. It must not know who calls.

use super::{Profile, ProfileOptions};
use crate::Module;
use alloc::{collections::BTreeMap, sync::Arc, vec, vec::Vec};

/// Everything.
pub(super) const ROOT: u32 = 0;
/// Where all goes for which there is no room.
pub(super) const BEYOND: u32 = 1;

/// So many places there may be for each node.
const PLACES_PER_NODE: usize = 16;

/// What a node stands for; modules and names by their number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Key {
    Root,
    Instantiation { module: u32 },
    Function { module: u32, function: u32 },
    Host { name: u32 },
    Label { name: u32 },
    Beyond,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) parent: u32,
    pub(super) key: Key,
    pub(super) depth: u32,
    pub(super) calls: u64,
    /// Its own.
    pub(super) gas: u64,
}

/// A number for what has been counted by `u32` before.
fn number(length: usize) -> u32 {
    u32::try_from(length).expect("bounded by the options")
}

impl Profile {
    pub(super) fn with_roots(options: ProfileOptions) -> Profile {
        let node = |key, depth| Node { parent: ROOT, key, depth, calls: 0, gas: 0 };
        Profile {
            options,
            nodes: vec![node(Key::Root, 0), node(Key::Beyond, 1)],
            children: BTreeMap::new(),
            modules: Vec::new(),
            module_ids: BTreeMap::new(),
            names: Vec::new(),
            name_ids: BTreeMap::new(),
            places: BTreeMap::new(),
        }
    }

    pub(super) fn options(&self) -> ProfileOptions {
        self.options
    }

    fn node(&self, index: u32) -> &Node {
        &self.nodes[index as usize]
    }

    pub(super) fn key(&self, index: u32) -> Key {
        self.node(index).key
    }

    /// The module of a number.
    pub(crate) fn module(&self, id: u32) -> &Module {
        &self.modules[id as usize]
    }

    /// The number of a module.
    pub(super) fn module_id(&mut self, module: &Module) -> u32 {
        let address = Arc::as_ptr(&module.0).addr();
        *self.module_ids.entry(address).or_insert_with(|| {
            self.modules.push(module.clone());
            number(self.modules.len() - 1)
        })
    }

    /// The number of a name.
    pub(super) fn name_id(&mut self, name: &str) -> u32 {
        if let Some(&id) = self.name_ids.get(name) {
            return id;
        }
        let (name, id): (Arc<str>, _) = (name.into(), number(self.names.len()));
        self.names.push(Arc::clone(&name));
        self.name_ids.insert(name, id);
        id
    }

    pub(super) fn pay(&mut self, node: u32, gas: u64) {
        let node = &mut self.nodes[node as usize];
        node.gas = node.gas.saturating_add(gas);
    }

    pub(super) fn count_call(&mut self, node: u32) {
        let node = &mut self.nodes[node as usize];
        node.calls = node.calls.saturating_add(1);
    }

    /// The node of what `parent` calls.
    pub(super) fn called(&mut self, parent: u32, key: Key) -> u32 {
        if let Some(&child) = self.children.get(&(parent, key)) {
            return child;
        }
        match self.options.fold_recursion.then(|| self.same_above(parent, key)).flatten() {
            Some(same) => same,
            None => self.child(parent, key),
        }
    }

    /// The same function among those that wait for `from`, itself included, up to what is no guest function.
    fn same_above(&self, from: u32, key: Key) -> Option<u32> {
        let mut at = from;
        loop {
            let node = self.node(at);
            match node.key {
                same if same == key => return Some(at),
                Key::Function { .. } => at = node.parent,
                _ => return None,
            }
        }
    }

    /// The node under `parent`, made where there is none and where there is room.
    pub(super) fn child(&mut self, parent: u32, key: Key) -> u32 {
        let above = *self.node(parent);
        if above.key == Key::Beyond {
            return parent;
        }
        let key = if above.depth >= self.options.depth { Key::Beyond } else { key };
        if let Some(&child) = self.children.get(&(parent, key)) {
            return child;
        }
        if self.nodes.len() >= self.options.nodes as usize {
            return BEYOND;
        }
        let index = number(self.nodes.len());
        self.nodes.push(Node { parent, key, depth: above.depth + 1, calls: 0, gas: 0 });
        self.children.insert((parent, key), index);
        index
    }

    /// The node under labels.
    pub(super) fn labelled(&mut self, from: u32, labels: &[&str]) -> u32 {
        labels.iter().fold(from, |parent, label| {
            // A name is kept only where it may get a node.
            if self.nodes.len() >= self.options.nodes as usize && !self.name_ids.contains_key(*label) {
                return BEYOND;
            }
            let name = self.name_id(label);
            self.child(parent, Key::Label { name })
        })
    }

    /// Adds gas of a node at a place, where places are wanted and there is room.
    pub(super) fn place(&mut self, node: u32, offset: u32, gas: u64) {
        let room = self.places.len() < (self.options.nodes as usize).saturating_mul(PLACES_PER_NODE);
        if !self.options.places || (!room && !self.places.contains_key(&(node, offset))) {
            return;
        }
        let sum = self.places.entry((node, offset)).or_default();
        *sum = sum.saturating_add(gas);
    }

    /// Adds all of another profile under a node.
    pub(super) fn graft(&mut self, under: u32, other: &Profile) {
        let mut to = Vec::with_capacity(other.nodes.len());
        for (index, node) in (0..).zip(&other.nodes) {
            let at = match (index, node.key) {
                (ROOT, _) => under,
                (BEYOND, _) if node.gas == 0 && node.calls == 0 => BEYOND,
                (_, key) => {
                    let key = self.key_of(other, key);
                    self.child(to[node.parent as usize], key)
                }
            };
            to.push(at);
            let mine = &mut self.nodes[at as usize];
            mine.gas = mine.gas.saturating_add(node.gas);
            mine.calls = mine.calls.saturating_add(node.calls);
        }
        for (&(node, offset), &gas) in &other.places {
            let at = to[node as usize];
            if self.key(at) != Key::Beyond {
                self.place(at, offset, gas);
            }
        }
    }

    /// Another profile's key as one of this.
    fn key_of(&mut self, other: &Profile, key: Key) -> Key {
        match key {
            Key::Root | Key::Beyond => Key::Beyond,
            Key::Instantiation { module } => {
                Key::Instantiation { module: self.module_id(other.module(module)) }
            }
            Key::Function { module, function } => {
                Key::Function { module: self.module_id(other.module(module)), function }
            }
            Key::Host { name } => Key::Host { name: self.name_id(&other.names[name as usize]) },
            Key::Label { name } => Key::Label { name: self.name_id(&other.names[name as usize]) },
        }
    }
}
