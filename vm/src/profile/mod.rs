//! Profiles: where gas went, exactly.
//!
//! Owns the tree of who called whom, with the gas that each paid itself, and its bounds. The sum over all nodes is the gas
//! that was charged while the profile was taken, to the unit. It must not know how guest code is executed, nor how a
//! profile is shown.

mod profiler;
mod tree;

pub(crate) use profiler::{Mark, Profiler};
pub(crate) use tree::Key;

use crate::Module;
use alloc::{collections::BTreeMap, sync::Arc, vec::Vec};
use tree::{BEYOND, Node, ROOT};

/// What a profile may take, and how fine it is. Whatever does not fit is summed up in nodes that say so:
/// [`ProfileFrame::Beyond`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(clippy::exhaustive_structs, reason = "made by embedders with `..Default::default()`")]
pub struct ProfileOptions {
    /// The most nodes; a node takes about 200 bytes with its places.
    pub nodes: u32,
    /// The greatest depth of the tree.
    pub depth: u32,
    /// Whether a function that calls itself, directly or through other guest functions, stays at its first node, so that a
    /// recursion is as deep as there are functions in it.
    pub fold_recursion: bool,
    /// Whether gas is also told by places in the code: [`ProfileNode::places`].
    pub places: bool,
}

impl Default for ProfileOptions {
    /// 65,536 nodes, depth 256, recursion folded, with places.
    fn default() -> Self {
        ProfileOptions { nodes: 1 << 16, depth: 256, fold_recursion: true, places: true }
    }
}

/// The gas that was charged in a store, by who paid it, as a tree of calls.
///
/// ```
/// use lockstep_vm::{Engine, Instance, Module, ProfileFrame, ProfileOptions, Store};
///
/// let engine = Engine::default();
/// let wasm = wat::parse_str(
///     r#"(module
///         (func $leaf (param i32) (result i32) local.get 0 i32.const 1 i32.add)
///         (func (export "run") (result i32) i32.const 1 call $leaf call $leaf))"#,
/// )?;
/// let mut store = Store::new(&engine, ());
/// store.set_gas(1_000_000)?;
/// store.start_profile(ProfileOptions::default());
/// let instance = Instance::new(&mut store, &Module::new(&engine, &wasm)?, &[])?;
/// instance.get_typed_func::<(), i32>(&store, "run")?.call(&mut store, ())?;
///
/// let profile = store.take_profile().unwrap();
/// assert_eq!(profile.gas(), 1_000_000 - store.gas()); // every unit of it
/// let leaf = profile.nodes().find(|node| matches!(node.frame(), ProfileFrame::Function { function: 0, .. })).unwrap();
/// assert_eq!(leaf.calls(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Profile {
    options: ProfileOptions,
    /// Parents stand before their children.
    nodes: Vec<Node>,
    children: BTreeMap<(u32, Key), u32>,
    modules: Vec<Module>,
    /// By address, which the modules above keep.
    module_ids: BTreeMap<usize, u32>,
    names: Vec<Arc<str>>,
    name_ids: BTreeMap<Arc<str>, u32>,
    /// Gas by node and offset.
    places: BTreeMap<(u32, u32), u64>,
}

/// What a node of a profile stands for.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum ProfileFrame<'a> {
    /// Everything.
    Root,
    /// The price of making an instance of a module.
    Instantiation(&'a Module),
    /// A guest function.
    Function {
        /// The module that defines it.
        module: &'a Module,
        /// Its index in the function space of that module.
        function: u32,
    },
    /// A host function, by the two names under which the caller imports it, joined by a dot.
    Host(&'a str),
    /// What the embedder called so: see [`Profile::add`].
    Label(&'a str),
    /// All that did not fit the [options](ProfileOptions).
    Beyond,
}

/// A node of a profile.
#[derive(Clone, Copy, Debug)]
pub struct ProfileNode<'a> {
    profile: &'a Profile,
    index: usize,
}

impl Profile {
    /// A profile of nothing, to which parts are [added](Self::add).
    pub fn new(options: ProfileOptions) -> Profile {
        Profile::with_roots(options)
    }

    /// All gas in it.
    pub fn gas(&self) -> u64 {
        self.nodes.iter().fold(0, |sum, node| sum.saturating_add(node.gas))
    }

    /// The nodes; parents come before their children, and children in the order of their first calls.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = ProfileNode<'_>> {
        (0..self.nodes.len()).map(|index| ProfileNode { profile: self, index })
    }

    /// Adds gas under labels, outermost first, which are made where there are none.
    ///
    /// ```
    /// use lockstep_vm::{Profile, ProfileOptions};
    ///
    /// let mut profile = Profile::new(ProfileOptions::default());
    /// profile.add(&["transaction", "bytes"], 100);
    /// profile.add(&["transaction"], 20);
    /// assert_eq!(profile.gas(), 120);
    /// ```
    pub fn add(&mut self, labels: &[&str], gas: u64) {
        let node = self.labelled(ROOT, labels);
        self.pay(node, gas);
    }

    /// Adds all of another profile under labels, outermost first, which are made where there are none.
    pub fn append(&mut self, labels: &[&str], other: &Profile) {
        let node = self.labelled(ROOT, labels);
        self.graft(node, other);
    }
}

impl<'a> ProfileNode<'a> {
    /// Its place among the profile's nodes.
    pub fn index(self) -> usize {
        self.index
    }

    /// The place of the node that called it; the first node has none.
    pub fn parent(self) -> Option<usize> {
        (self.index != ROOT as usize).then_some(self.node().parent as usize)
    }

    /// What it stands for.
    pub fn frame(self) -> ProfileFrame<'a> {
        let profile = self.profile;
        match self.node().key {
            Key::Root => ProfileFrame::Root,
            Key::Instantiation { module } => ProfileFrame::Instantiation(&profile.modules[module as usize]),
            Key::Function { module, function } => {
                ProfileFrame::Function { module: &profile.modules[module as usize], function }
            }
            Key::Host { name } => ProfileFrame::Host(&profile.names[name as usize]),
            Key::Label { name } => ProfileFrame::Label(&profile.names[name as usize]),
            Key::Beyond => ProfileFrame::Beyond,
        }
    }

    /// The gas that it paid itself; what it called is not in it.
    pub fn gas(self) -> u64 {
        self.node().gas
    }

    /// How often it was called.
    pub fn calls(self) -> u64 {
        self.node().calls
    }

    /// Of a function: its own gas by operator, as (offset in bytes from the start of the module, gas), in the order of
    /// offsets. A run is told by its operators; what it took when there was not enough is at its first. The sum is
    /// [`gas`](Self::gas), less what did not fit the options.
    pub fn places(self) -> impl Iterator<Item = (u32, u64)> + use<'a> {
        let node = self.index as u32;
        self.profile.places.range((node, 0)..=(node, u32::MAX)).map(|(&(_, offset), &gas)| (offset, gas))
    }

    fn node(self) -> &'a Node {
        &self.profile.nodes[self.index]
    }
}

impl ProfileFrame<'_> {
    /// Whether all of it stands for what did not fit.
    pub fn is_beyond(&self) -> bool {
        matches!(self, ProfileFrame::Beyond)
    }
}

// The second node is there from the start, so that there is always a place for what does not fit.
const _: () = assert!(ROOT == 0 && BEYOND == 1);
