//! The log of a native run: what host functions were asked, what they did to the store, and what they answered.
//!
//! Owns the words for it, in the order in which things happened. It must not know who writes it, nor who reads it.

use crate::error::{Error, ErrorKind, TrapError};
use crate::external::Extern;
use crate::module::Module;
use crate::store::objects::{Callee, GlobalId, InstanceId, MemoryId, TableId};
use crate::types::{FuncType, GlobalType, MemoryType, TableType};
use alloc::{boxed::Box, sync::Arc, vec::Vec};

/// One entry of the log.
///
/// ```text
///   run   = { host }
///   host  = HostCall { Effect | call } HostEnd
///   call  = Call { host } CallEnd
/// ```
#[derive(Debug)]
pub(crate) enum Event {
    /// A host function is called, by guest code or by the host.
    HostCall(HostCall),
    /// A host function does something to the store, or looks at it.
    Effect(Effect),
    /// A host function calls a function of the store.
    Call { callee: Callee, caller: Option<InstanceId>, arguments: Box<[u64]> },
    /// That call has ended.
    CallEnd { outcome: Outcome, gas: u64, peak: u64 },
    /// The host function has ended, before the store looks at how.
    HostEnd(Outcome),
}

/// What a host function was asked, and in what state of the store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct HostCall {
    pub(super) host: u32,
    pub(super) caller: Option<InstanceId>,
    pub(super) arguments: Box<[u64]>,
    pub(super) gas: u64,
    pub(super) height: u64,
    pub(super) depth: u32,
}

/// How a call ended, as far as replicas agree on it, and where it trapped.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    Returned(Box<[u64]>),
    Trapped(TrapError),
    Stopped,
}

impl Outcome {
    /// The outcome of a call, with its results; nothing where there is none.
    pub(crate) fn of(ended: &Result<(), Error>, results: &[u64]) -> Option<Outcome> {
        match ended.as_ref().map_err(Error::kind) {
            Ok(()) => Some(Outcome::Returned(results.into())),
            Err(ErrorKind::Trap(trap)) => Some(Outcome::Trapped(trap.clone())),
            Err(ErrorKind::Stop(_)) => Some(Outcome::Stopped),
            Err(_) => None,
        }
    }
}

/// What a host function does to the store, or what it sees there.
#[derive(Debug)]
pub(crate) enum Effect {
    /// It pays; what it cannot pay fails it.
    Charge(u64),
    SetGas(u64),
    MemorySize {
        memory: MemoryId,
        bytes: usize,
    },
    Read {
        memory: MemoryId,
        offset: usize,
        length: usize,
        hash: u64,
    },
    Write {
        memory: MemoryId,
        offset: usize,
        bytes: Box<[u8]>,
    },
    GrowMemory {
        memory: MemoryId,
        delta: u32,
    },
    TableSize {
        table: TableId,
        elements: usize,
    },
    Element {
        table: TableId,
        index: usize,
        value: u64,
    },
    FillTable {
        table: TableId,
        destination: u32,
        value: u64,
        length: u32,
    },
    GrowTable {
        table: TableId,
        delta: u32,
        init: u64,
    },
    Global {
        global: GlobalId,
        value: u64,
    },
    SetGlobal {
        global: GlobalId,
        value: u64,
    },
    NewMemory(MemoryType),
    NewTable {
        ty: TableType,
        init: u64,
    },
    NewGlobal {
        ty: GlobalType,
        value: u64,
    },
    NewHostFunction(Arc<FuncType>),
    /// The price of an instance is paid; that fails nobody.
    PayInstance(u64),
    /// An instance is made, without its start function.
    NewInstance {
        module: Module,
        imports: Vec<Extern>,
    },
}

impl From<Effect> for Event {
    fn from(effect: Effect) -> Event {
        Event::Effect(effect)
    }
}

/// A hash of bytes. It takes each word in by a bijection of what it has and of the word, so that bytes that differ in
/// one word only never have the same.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |hash: u64, word: u64| (hash.rotate_left(23) ^ word).wrapping_mul(FACTOR);
    let (words, rest) = bytes.as_chunks::<8>();
    let hash = words.iter().fold(bytes.len() as u64, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    mix(hash, u64::from_le_bytes(last))
}
