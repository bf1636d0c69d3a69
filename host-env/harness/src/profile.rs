//! A profile as people see it: names, sums over what was called, lines of sources.
//!
//! Owns what a node is called and whose gas a line's is. It must not know where a profile came from, nor how it is drawn;
//! names are as modules say them, so whoever prints them makes them safe.

use crate::names::Names;
use crate::symbols::{Symbols, demangled, short_path};
use crate::text::{grouped, line};
use lockstep_host_env::Address;
use lockstep_vm::{Module, Profile, ProfileFrame, ProfileNode};
use std::collections::BTreeMap;
use std::fmt::Write;

/// A profile, named and summed up. The sum is the profile's gas, to the unit, and so is that over all lines of a function
/// whose module names lines.
///
/// ```
/// use lockstep_test::*;
///
/// let mut chain = Chain::new();
/// let [alice] = chain.accounts(["alice"], 1_000);
/// let token = chain.deploy(alice, wasm!(path "../contracts/token.wasm"), ("init", "Gold", 500u128))?;
/// let paid = chain.call(alice, token, ("burn", 5u128)).ok()?;
/// let view = ProfileView::new(&paid.profile(Default::default())?, paid.names());
/// assert_eq!(view.gas(), paid.gas_used());
/// assert!(view.items().iter().any(|item| item.name == "token::take"));
/// # Result::Ok(())
/// ```
#[derive(Clone, Debug)]
pub struct ProfileView {
    items: Vec<ProfileItem>,
}

/// What a node stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ProfileKind {
    /// A guest function.
    Guest,
    /// A host function.
    Host,
    /// What the engine or its embedder says: transactions, frames, instantiation.
    Other,
    /// What did not fit.
    Beyond,
}

/// A node, named and summed up.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProfileItem {
    /// What it is called.
    pub name: String,
    /// What it stands for.
    pub kind: ProfileKind,
    /// Who called it; only the first has none.
    pub parent: Option<usize>,
    /// How many are above it.
    pub depth: usize,
    /// How often it was called.
    pub calls: u64,
    /// Its own gas.
    pub own: u64,
    /// With all that it called.
    pub total: u64,
    /// What it called.
    pub children: Vec<usize>,
    /// Its own gas by line, the most first; empty, where its module names no lines.
    pub lines: Vec<ProfileLine>,
}

/// A line of a source.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[non_exhaustive]
pub struct ProfileLine {
    /// File and line; of operators that belong to none, `no line`.
    pub place: String,
    /// The function that it is in, which may have been inlined.
    pub function: String,
    /// The gas of its operators.
    pub gas: u64,
}

/// A function or the like, wherever it was called.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ProfileRow<'a> {
    /// What it is called.
    pub name: &'a str,
    /// How often it was called.
    pub calls: u64,
    /// Its own gas.
    pub own: u64,
    /// With all that it called, once where it is called by itself.
    pub total: u64,
}

impl ProfileView {
    /// A profile, with these names of accounts.
    pub fn new(profile: &Profile, names: &Names) -> ProfileView {
        let mut items: Vec<ProfileItem> = Vec::with_capacity(profile.nodes().len());
        let mut sources = Sources::default();
        for node in profile.nodes() {
            let (name, kind) = named(node.frame(), names);
            let depth = node.parent().map_or(0, |parent| items[parent].depth + 1);
            if let Some(parent) = node.parent() {
                items[parent].children.push(node.index());
            }
            let lines = sources.lines(node, &name);
            let (parent, calls, own) = (node.parent(), node.calls(), node.gas());
            let children = Vec::new();
            items.push(ProfileItem { name, kind, parent, depth, calls, own, total: own, children, lines });
        }
        for index in (1..items.len()).rev() {
            let (total, parent) = (items[index].total, items[index].parent);
            if let Some(parent) = parent {
                items[parent].total = items[parent].total.saturating_add(total);
            }
        }
        ProfileView { items }
    }

    /// The nodes; parents before children, the first is all of it.
    pub fn items(&self) -> &[ProfileItem] {
        &self.items
    }

    /// All gas.
    pub fn gas(&self) -> u64 {
        self.items.first().map_or(0, |root| root.total)
    }

    /// What leads to a node, outermost first, without the first of all.
    pub fn path(&self, index: usize) -> Vec<&str> {
        let mut path = Vec::new();
        let mut at = index;
        while let Some(parent) = self.items[at].parent {
            path.push(&*self.items[at].name);
            at = parent;
        }
        path.reverse();
        path
    }

    /// By name, most expensive first.
    pub fn rows(&self) -> Vec<ProfileRow<'_>> {
        let mut rows = BTreeMap::<&str, ProfileRow<'_>>::new();
        for item in self.items.iter().skip(1).filter(|item| item.total > 0) {
            let none = ProfileRow { name: &item.name, calls: 0, own: 0, total: 0 };
            let row = rows.entry(&item.name).or_insert(none);
            row.calls = row.calls.saturating_add(item.calls);
            row.own = row.own.saturating_add(item.own);
            if !self.is_within_itself(item) {
                row.total = row.total.saturating_add(item.total);
            }
        }
        let mut rows: Vec<ProfileRow<'_>> = rows.into_values().collect();
        rows.sort_by(|a, b| b.own.cmp(&a.own).then(b.total.cmp(&a.total)).then(a.name.cmp(b.name)));
        rows
    }

    /// The lines of all sources, most expensive first.
    pub fn lines(&self) -> Vec<ProfileLine> {
        let mut lines = BTreeMap::<(&str, &str), u64>::new();
        for line in self.items.iter().flat_map(|item| &item.lines) {
            let gas = lines.entry((&line.place, &line.function)).or_default();
            *gas = gas.saturating_add(line.gas);
        }
        by_gas(lines.into_iter().map(|((place, function), gas)| ProfileLine {
            place: place.to_owned(),
            function: function.to_owned(),
            gas,
        }))
    }

    /// The tree of who called whom, one a line, with gas.
    pub fn tree(&self) -> String {
        let mut text = String::new();
        let mut waiting = vec![0];
        while let Some(index) = waiting.pop() {
            let item = &self.items[index];
            waiting.extend(item.children.iter().rev());
            if item.total == 0 && item.calls == 0 {
                continue;
            }
            let indent = "  ".repeat(item.depth);
            let name = format!("{indent}{}", line(&item.name, NAME_SHOWN));
            let own = if item.own == item.total {
                String::new()
            } else {
                format!("   itself {}", grouped(item.own))
            };
            let calls =
                if item.calls > 1 { format!("   {} calls", grouped(item.calls)) } else { String::new() };
            // Writing to a string does not fail.
            let _ = writeln!(text, "{name:<44} gas {:>14}{own}{calls}", grouped(item.total));
        }
        text
    }

    fn is_within_itself(&self, item: &ProfileItem) -> bool {
        let mut at = item.parent;
        while let Some(parent) = at {
            if self.items[parent].name == item.name {
                return true;
            }
            at = self.items[parent].parent;
        }
        false
    }
}

/// What the modules of a profile say of their sources, read once each.
#[derive(Default)]
struct Sources<'p> {
    /// By address, which the profile keeps.
    modules: BTreeMap<usize, Symbols<'p>>,
}

impl<'p> Sources<'p> {
    /// The lines of a node, which is called so.
    fn lines(&mut self, node: ProfileNode<'p>, name: &str) -> Vec<ProfileLine> {
        let ProfileFrame::Function { module, .. } = node.frame() else { return Vec::new() };
        let symbols = self.of(module);
        if !symbols.has_lines() {
            return Vec::new();
        }
        let mut lines = BTreeMap::<(String, String), u64>::new();
        let mut told = 0;
        for (offset, gas) in node.places() {
            let innermost = symbols.locate(offset).into_iter().next().unwrap_or_default();
            let place = match (innermost.file, innermost.line) {
                (Some(file), Some(line)) => format!("{}:{line}", short_path(&file)),
                _ => String::from(NO_LINE),
            };
            let function = innermost.function.unwrap_or_else(|| name.to_owned());
            *lines.entry((place, function)).or_default() += gas;
            told += gas;
        }
        // Places that did not fit the profile's bounds.
        if let Some(rest) = node.gas().checked_sub(told).filter(|rest| *rest > 0) {
            *lines.entry((String::from(NO_LINE), name.to_owned())).or_default() += rest;
        }
        by_gas(lines.into_iter().map(|((place, function), gas)| ProfileLine { place, function, gas }))
    }

    fn of(&mut self, module: &'p Module) -> &Symbols<'p> {
        let bytes = module.bytes();
        self.modules.entry(bytes.as_ptr().addr()).or_insert_with(|| Symbols::new(bytes))
    }
}

/// Of operators that belong to no line.
const NO_LINE: &str = "no line";
/// Characters of a name in the tree.
const NAME_SHOWN: usize = 72;

fn by_gas(lines: impl Iterator<Item = ProfileLine>) -> Vec<ProfileLine> {
    let mut lines: Vec<ProfileLine> = lines.collect();
    lines.sort_by(|a, b| b.gas.cmp(&a.gas).then_with(|| a.cmp(b)));
    lines
}

fn named(frame: ProfileFrame<'_>, names: &Names) -> (String, ProfileKind) {
    match frame {
        ProfileFrame::Root => (String::from("all"), ProfileKind::Other),
        ProfileFrame::Instantiation(_) => (String::from("instantiation"), ProfileKind::Other),
        ProfileFrame::Function { module, function } => match module.function_name(function) {
            Some(name) => (demangled(name), ProfileKind::Guest),
            None => (format!("function {function}"), ProfileKind::Guest),
        },
        ProfileFrame::Host(name) => (name.to_owned(), ProfileKind::Host),
        ProfileFrame::Label(label) => (labelled(label, names), ProfileKind::Other),
        _ => (String::from("(beyond the profile's bounds)"), ProfileKind::Beyond),
    }
}

/// A frame's label begins with its account's address.
fn labelled(label: &str, names: &Names) -> String {
    let (account, rest) = label.split_at_checked(66).unwrap_or(("", label));
    let address = crate::text::unhex(account).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    match address.and_then(|bytes| names.known(&Address(bytes))) {
        Some(name) => format!("{name}{rest}"),
        None => label.to_owned(),
    }
}
