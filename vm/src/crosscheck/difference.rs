//! Differences: what the two engines do not agree on.
//!
//! Owns the comparison of outcomes and of stores, and the words in which a difference is told. It must not know how
//! either came about.

use super::log::Outcome;
use crate::error::Frame;
use crate::module::info::ImportItem;
use crate::store::objects::{Callee, FuncRef, GlobalId, InstanceData, InstanceId, Objects};
use alloc::{format, string::String};
use core::fmt::{self, Display, Write};

/// Something on which the engines do not agree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Mismatch {
    what: String,
    native: String,
    interpreter: String,
}

impl Mismatch {
    pub(super) fn new(what: impl Display, native: impl Display, interpreter: impl Display) -> Mismatch {
        Mismatch {
            what: format!("{what}"),
            native: format!("{native}"),
            interpreter: format!("{interpreter}"),
        }
    }
}

/// The same, with the call in which it was found, and where that stands in guest code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Difference {
    pub(super) subject: String,
    pub(super) place: Option<Frame>,
    pub(super) mismatch: Mismatch,
}

impl Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mismatch { what, native, interpreter } = &self.mismatch;
        write!(f, "the engines differ: {}", self.subject)?;
        if let Some(place) = &self.place {
            write!(f, ", in {place}")?;
        }
        write!(f, ": {what}: native {native}, interpreter {interpreter}")
    }
}

/// A value's bits.
pub(super) struct Bits(pub(super) u64);

impl Display for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// Values' bits.
pub(super) struct List<'a>(pub(super) &'a [u64]);

impl Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('[')?;
        for (index, value) in self.0.iter().enumerate() {
            write!(f, "{}{value:#x}", if index == 0 { "" } else { " " })?;
        }
        f.write_char(']')
    }
}

impl Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Returned(results) => write!(f, "returned {}", List(results)),
            Outcome::Trapped(trap) => match trap.frames().first() {
                None => write!(f, "trapped: {}", trap.trap()),
                Some(frame) => write!(f, "trapped: {}, in {frame}", trap.trap()),
            },
            Outcome::Stopped => f.write_str("stopped"),
        }
    }
}

/// Compares two of something.
pub(super) fn same<V: PartialEq + Display>(
    what: impl Display,
    native: &V,
    interpreter: &V,
) -> Result<(), Mismatch> {
    if native == interpreter { Ok(()) } else { Err(Mismatch::new(what, native, interpreter)) }
}

/// Compares values one by one.
pub(super) fn same_values(what: &str, native: &[u64], interpreter: &[u64]) -> Result<(), Mismatch> {
    same(format_args!("number of {what}s"), &native.len(), &interpreter.len())?;
    match (0..native.len()).find(|&index| native[index] != interpreter[index]) {
        None => Ok(()),
        Some(at) => Err(Mismatch::new(format_args!("{what} {at}"), Bits(native[at]), Bits(interpreter[at]))),
    }
}

/// Compares how a call ended and, where it trapped, the whole backtrace.
pub(super) fn same_outcomes(native: &Outcome, interpreter: &Outcome) -> Result<(), Mismatch> {
    match (native, interpreter) {
        (Outcome::Returned(a), Outcome::Returned(b)) => same_values("result", a, b),
        (Outcome::Stopped, Outcome::Stopped) => Ok(()),
        (Outcome::Trapped(a), Outcome::Trapped(b)) if a.trap() == b.trap() => {
            for (index, (a, b)) in a.frames().iter().zip(b.frames()).enumerate() {
                same(format_args!("frame {index} of the trap"), a, b)?;
            }
            let count =
                |trap: &crate::TrapError| (trap.frames().len() as u64).saturating_add(trap.omitted_frames());
            same("number of the trap's frames", &count(a), &count(b))
        }
        _ => Err(Mismatch::new("outcome", native, interpreter)),
    }
}

/// Compares gas, peak, and everything that lives in the store.
pub(super) fn same_stores(native: &Objects, interpreter: &Objects) -> Result<(), Mismatch> {
    same("gas left", &native.gas, &interpreter.gas)?;
    same("peak of the stack", &native.peak, &interpreter.peak)?;
    same("height of the stack", &native.height, &interpreter.height)?;
    same("number of instances", &native.instances.len(), &interpreter.instances.len())?;
    same("number of memories", &native.memories.len(), &interpreter.memories.len())?;
    same("number of tables", &native.tables.len(), &interpreter.tables.len())?;
    same("number of globals", &native.globals.len(), &interpreter.globals.len())?;
    same("number of host functions", &native.host_types.len(), &interpreter.host_types.len())?;
    for (index, (a, b)) in native.memories.iter().zip(&interpreter.memories).enumerate() {
        let name =
            || native.owner("memory", index, |instance| position(&instance.memories, index, |id| id.0));
        if a.bytes.len() != b.bytes.len() {
            let what = format_args!("size of {} in bytes", name());
            return Err(Mismatch::new(what, a.bytes.len(), b.bytes.len()));
        }
        if *a.bytes != *b.bytes
            && let Some(at) = (0..a.bytes.len()).find(|&at| a.bytes[at] != b.bytes[at])
        {
            let what = format_args!("byte {at:#x} of {}", name());
            return Err(Mismatch::new(what, Bits(a.bytes[at].into()), Bits(b.bytes[at].into())));
        }
    }
    for (index, (a, b)) in native.tables.iter().zip(&interpreter.tables).enumerate() {
        if *a.elements != *b.elements {
            let name = native.owner("table", index, |instance| position(&instance.tables, index, |id| id.0));
            same_values(&format!("{name}, element"), &a.elements, &b.elements)?;
        }
    }
    // There are fewer than 2^32.
    for (index, id) in (0..native.globals.len()).zip((0..).map(GlobalId)) {
        let (a, b) = (native.global(id), interpreter.global(id));
        if a != b {
            let name =
                native.owner("global", index, |instance| position(&instance.globals, index, |id| id.0));
            return Err(Mismatch::new(name, Bits(a), Bits(b)));
        }
    }
    for (index, (a, b)) in native.instances.iter().zip(&interpreter.instances).enumerate() {
        same_segments("data", index, &a.dropped_data, &b.dropped_data)?;
        same_segments("element", index, &a.dropped_elements, &b.dropped_elements)?;
    }
    Ok(())
}

fn same_segments(kind: &str, instance: usize, native: &[bool], interpreter: &[bool]) -> Result<(), Mismatch> {
    let word = |dropped| if dropped { "dropped" } else { "there" };
    match native.iter().zip(interpreter).position(|(a, b)| a != b) {
        None => Ok(()),
        Some(at) => Err(Mismatch::new(
            format_args!("{kind} segment {at} of instance {instance}"),
            word(native[at]),
            word(interpreter[at]),
        )),
    }
}

/// Where an index of the store is among those of an instance.
fn position<I>(ids: &[I], index: usize, number: impl Fn(&I) -> u32) -> Option<usize> {
    ids.iter().position(|id| number(id) as usize == index)
}

/// Names.
impl Objects {
    /// An object as the first instance that has it calls it.
    fn owner(&self, kind: &str, index: usize, find: impl Fn(&InstanceData) -> Option<usize>) -> String {
        let found = self.instances.iter().enumerate().find_map(|(at, instance)| Some((at, find(instance)?)));
        match found {
            Some((instance, local)) => format!("{kind} {local} of instance {instance}"),
            None => format!("{kind} {index} of the store"),
        }
    }

    /// A function, with its name or with those by which it is imported.
    pub(super) fn function_label(&self, callee: Callee, caller: Option<InstanceId>) -> String {
        match callee {
            Callee::Wasm { instance, function } => {
                let frame = &self.instances[instance.index()].module;
                let name = frame.function_name(function).map_or(String::new(), |name| {
                    let name: String = name.chars().take(64).collect();
                    format!(" <{}>", name.escape_debug())
                });
                format!("function {function}{name} of instance {}", instance.0)
            }
            Callee::Host(host) => {
                let import = caller.and_then(|caller| self.import_label(caller, host)).unwrap_or_default();
                format!("host function {host}{import}")
            }
        }
    }

    fn import_label(&self, caller: InstanceId, host: u32) -> Option<String> {
        let instance = self.instances.get(caller.index())?;
        let wanted = FuncRef::new(Callee::Host(host));
        let function = instance.imported_functions.iter().position(|imported| *imported == wanted)?;
        let imports = instance.module.info().imports.iter();
        let import = imports.filter(|import| matches!(import.item, ImportItem::Function(_))).nth(function)?;
        let short = |name: &str| name.chars().take(64).collect::<String>();
        Some(format!(" `{}` `{}`", short(&import.module).escape_debug(), short(&import.name).escape_debug()))
    }
}
