//! What lives in a store, apart from the host's data and functions: instances, memories, tables, globals, gas, height.
//!
//! Owns the objects and the rules that every engine shares: charging, frames, growth, bulk operators' bounds. It must
//! not know the host's data type, so that engines are compiled once.

use super::elements::Elements;
use crate::RunLimits;
use crate::crosscheck::Recorder;
use crate::interpret::AuditState;
use crate::module::Module;
use crate::native::{Context, Machine};
use crate::profile::Profiler;
use crate::sys::memory::LinearMemory;
use crate::sys::words::Words;
use crate::trap::Trap;
use crate::types::{FuncType, GlobalType, MemoryType, TableType};
use alloc::{boxed::Box, sync::Arc, vec::Vec};

pub(crate) use crate::sys::OutOfMemory;

/// Bytes of a page of memory.
pub(crate) const PAGE_BYTES: u64 = 65_536;

/// A reference to a function as a slot holds it: 0 is null, a host function has no instance.
///
/// ```text
///   63            32 31             0
///   | instance + 1  | function index |    a function that the instance's module defines
///   | 0xffff_ffff   | host index     |    a host function of the store
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FuncRef(u64);

/// A function that can be called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Callee {
    /// A function that an instance's module defines, by its index in the module's function space.
    Wasm { instance: InstanceId, function: u32 },
    /// A host function by its index in the store.
    Host(u32),
}

impl FuncRef {
    const HOST: u64 = u32::MAX as u64;

    pub(crate) const NULL: FuncRef = FuncRef(0);

    pub(crate) fn new(callee: Callee) -> FuncRef {
        match callee {
            Callee::Wasm { instance, function } => {
                FuncRef(((u64::from(instance.0) + 1) << 32) | u64::from(function))
            }
            Callee::Host(index) => FuncRef((Self::HOST << 32) | u64::from(index)),
        }
    }

    /// The slot's bits.
    pub(crate) fn to_bits(self) -> u64 {
        self.0
    }

    /// From a slot's bits, which must have come from [`to_bits`](Self::to_bits) in the same store.
    pub(crate) fn from_bits(bits: u64) -> FuncRef {
        FuncRef(bits)
    }

    /// What to call; `None` for null.
    pub(crate) fn callee(self) -> Option<Callee> {
        let low = self.0 as u32;
        match self.0 >> 32 {
            0 => None,
            Self::HOST => Some(Callee::Host(low)),
            // Below 2^32 - 1 by the match, so it fits.
            instance => Some(Callee::Wasm { instance: InstanceId((instance - 1) as u32), function: low }),
        }
    }
}

macro_rules! define_ids {
    ($($(#[$doc:meta])* $name:ident)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
            pub(crate) struct $name(pub(crate) u32);

            impl $name {
                pub(crate) fn index(self) -> usize {
                    self.0 as usize
                }
            }
        )*
    };
}

define_ids! {
    /// An instance by its place in the store.
    InstanceId
    /// A memory by its place in the store.
    MemoryId
    /// A table by its place in the store.
    TableId
    /// A global by its place in the store.
    GlobalId
}

/// An instance: a module and what its indices mean.
#[derive(Debug)]
pub(crate) struct InstanceData {
    pub(crate) module: Module,
    /// What each imported function is; a defined function's index is its own.
    pub(crate) imported_functions: Box<[FuncRef]>,
    pub(crate) tables: Box<[TableId]>,
    pub(crate) memories: Box<[MemoryId]>,
    pub(crate) globals: Box<[GlobalId]>,
    /// Segments that are empty by now: dropped, active and used, or declared.
    pub(crate) dropped_elements: Box<[bool]>,
    pub(crate) dropped_data: Box<[bool]>,
    /// Whether the module has a start function that has not been called yet.
    pub(crate) start_pending: bool,
    /// What compiled code reaches the instance's things by, where code is compiled.
    pub(crate) context: Option<Context>,
}

/// A memory.
#[derive(Debug)]
pub(crate) struct MemoryData {
    /// As declared; the size now is `bytes.len()`.
    pub(crate) ty: MemoryType,
    pub(crate) bytes: LinearMemory,
}

/// A table of references: functions as [`FuncRef`] bits, externs as the store's index + 1; 0 is null.
#[derive(Debug)]
pub(crate) struct TableData {
    /// As declared; the size now is `elements.len()`.
    pub(crate) ty: TableType,
    pub(crate) elements: Elements,
}

/// A global.
#[derive(Debug)]
pub(crate) struct GlobalData {
    pub(crate) ty: GlobalType,
    pub(crate) cell: Cell,
}

/// Where the value of a global is.
#[derive(Debug)]
pub(crate) enum Cell {
    /// Here.
    Inline(u64),
    /// In a block of its own, because compiled code has its address.
    Alone(Words),
    /// In the context of the instance that defines it, so far from the anchor.
    Context { instance: InstanceId, offset: i32 },
}

/// The objects of a store.
#[derive(Debug)]
pub(crate) struct Objects {
    pub(crate) limits: RunLimits,
    /// Gas left; at most 2^63 - 1.
    pub(crate) gas: u64,
    /// Slots of all active wasm frames.
    pub(crate) height: u64,
    /// Greatest height since the outermost activation began.
    pub(crate) peak: u64,
    /// Activations now.
    pub(crate) depth: u32,
    pub(crate) instances: Vec<InstanceData>,
    pub(crate) memories: Vec<MemoryData>,
    pub(crate) tables: Vec<TableData>,
    pub(crate) globals: Vec<GlobalData>,
    /// The type of each host function of the store.
    pub(crate) host_types: Vec<Arc<FuncType>>,
    /// The recount under way, if somebody asked for one.
    pub(crate) audit: Option<Box<AuditState>>,
    /// The profile under way, if somebody asked for one.
    pub(crate) profiler: Option<Box<Profiler>>,
    /// What compiled code runs with, where code is compiled.
    pub(crate) machine: Option<Machine>,
    /// What notes what host functions do, while a call is cross-checked.
    pub(crate) recorder: Option<Box<Recorder>>,
}

impl Objects {
    /// Charges for what is done outside guest code: host functions, instantiation.
    pub(crate) fn charge(&mut self, price: u64) -> Result<(), Trap> {
        let before = self.gas;
        let paid = self.pay(price);
        if let Some(audit) = &mut self.audit {
            audit.charged(before - self.gas);
        }
        if let Some(profiler) = &mut self.profiler {
            profiler.pay(before - self.gas);
        }
        paid
    }

    /// Pays a price: entering a run, a dynamic part. What cannot be paid leaves gas 0.
    #[inline]
    pub(crate) fn pay(&mut self, price: u64) -> Result<(), Trap> {
        match self.gas.checked_sub(price) {
            Some(left) => {
                self.gas = left;
                Ok(())
            }
            None => {
                self.gas = 0;
                Err(Trap::OutOfGas)
            }
        }
    }

    /// Adds a frame. The limit itself is allowed; a refused frame changes nothing, not even the peak.
    #[inline]
    pub(crate) fn enter_frame(&mut self, frame_slots: u32) -> Result<(), Trap> {
        let height = self.height.saturating_add(u64::from(frame_slots));
        if height > self.limits.stack_slots {
            return Err(Trap::StackOverflow);
        }
        self.height = height;
        self.peak = self.peak.max(height);
        Ok(())
    }

    /// Takes away a frame that [`enter_frame`](Self::enter_frame) added.
    #[inline]
    pub(crate) fn leave_frame(&mut self, frame_slots: u32) {
        self.height -= u64::from(frame_slots);
    }

    /// The value of a global.
    #[inline]
    pub(crate) fn global(&self, global: GlobalId) -> u64 {
        match &self.globals[global.index()].cell {
            Cell::Inline(bits) => *bits,
            elsewhere => self.value_elsewhere(elsewhere),
        }
    }

    /// Not inlined: the interpreter's loop seldom wants it.
    #[inline(never)]
    fn value_elsewhere(&self, cell: &Cell) -> u64 {
        match cell {
            Cell::Inline(bits) => *bits,
            Cell::Alone(words) => words[0],
            Cell::Context { instance, offset } => self.context_word(*instance, *offset),
        }
    }

    /// Sets the value of a global.
    #[inline]
    pub(crate) fn set_global(&mut self, global: GlobalId, value: u64) {
        match &mut self.globals[global.index()].cell {
            Cell::Inline(bits) => *bits = value,
            _ => self.set_value_elsewhere(global, value),
        }
    }

    /// Not inlined: the interpreter's loop seldom wants it.
    #[inline(never)]
    fn set_value_elsewhere(&mut self, global: GlobalId, value: u64) {
        match &mut self.globals[global.index()].cell {
            Cell::Inline(bits) => *bits = value,
            Cell::Alone(words) => words[0] = value,
            &mut Cell::Context { instance, offset } => self.set_context_word(instance, offset, value),
        }
    }

    /// What a function index of an instance is.
    #[inline]
    pub(crate) fn function(&self, instance: InstanceId, function: u32) -> FuncRef {
        let imported = &self.instances[instance.index()].imported_functions;
        match imported.get(function as usize) {
            Some(reference) => *reference,
            None => FuncRef::new(Callee::Wasm { instance, function }),
        }
    }

    /// The type of a function.
    #[inline]
    pub(crate) fn function_type(&self, callee: Callee) -> &FuncType {
        match callee {
            Callee::Wasm { instance, function } => {
                self.instances[instance.index()].module.0.info.function_type(function)
            }
            Callee::Host(index) => &self.host_types[index as usize],
        }
    }
}
