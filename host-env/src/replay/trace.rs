//! Traces: the frames and host calls of a transaction, in order.
//!
//! Owns what is kept of each, and the observer that keeps it. It must not know what traces are compared for.

use crate::execute::{ExecuteError, Executed};
use crate::list::{Function, ParamKind};
use crate::observe::{FrameEnd, FrameEnding, FrameStart, HostCall, HostEnding, HostReturn, Observer};
use crate::receipt::Status;
use crate::state::Storage;
use crate::transaction::{Block, Tx};
use crate::types::{Address, Hash};
use crate::{Environment, NONE};
use codec::{Decode, Encode};
use std::cell::RefCell;

/// The frames and host calls of a transaction.
#[derive(Clone, PartialEq, Eq, Default, Debug, Encode, Decode)]
#[allow(clippy::exhaustive_structs, reason = "another field is another format")]
pub struct Trace {
    /// What happened, in order.
    pub events: Vec<TraceEvent>,
}

/// One thing that happened. Digests are the first eight bytes of BLAKE3; they are for finding a difference only.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[allow(clippy::exhaustive_enums, reason = "another event is another format")]
pub enum TraceEvent {
    /// A frame begins.
    #[codec(index = 0)]
    Enter {
        /// The account whose storage it works on.
        account: Address,
        /// Its code.
        code: Hash,
        /// Whether it runs `deploy`.
        deploy: bool,
        /// The gas that it has.
        #[codec(compact)]
        gas: u64,
        /// The digest of its input.
        input: [u8; 8],
    },
    /// The innermost frame calls a host function.
    #[codec(index = 1)]
    Call {
        /// Its place in the list.
        function: u8,
        /// Its arguments' bits.
        arguments: Vec<u64>,
        /// The gas before it.
        #[codec(compact)]
        gas: u64,
        /// The digest of the bytes that its arguments point to.
        read: [u8; 8],
    },
    /// That host function has ended.
    #[codec(index = 2)]
    Return {
        /// 0 returned, 1 exit, 2 revert, 3 misuse, 4 trapped, 5 node fault.
        ending: u8,
        /// The result's bits; 0 if it returned none.
        #[codec(compact)]
        result: u64,
        /// The gas after it.
        #[codec(compact)]
        gas: u64,
        /// The digest of the bytes where its arguments let it write.
        written: [u8; 8],
    },
    /// A frame has ended.
    #[codec(index = 3)]
    Leave {
        /// How; none: by a node fault.
        status: Option<Status>,
        /// The gas that was left.
        #[codec(compact)]
        gas: u64,
        /// The digest of its output or revert data.
        output: [u8; 8],
    },
}

/// Executes a transaction and traces it.
///
/// # Errors
/// As [`Environment::execute`]; the trace goes as far as the execution did.
pub fn execute_traced(
    environment: &Environment,
    state: &dyn Storage,
    block: &Block,
    index: u32,
    tx: &Tx,
) -> (Result<Executed, ExecuteError>, Trace) {
    let (executed, seen) = observe(environment, state, block, index, tx);
    (executed, seen.trace)
}

/// A trace, and what is known beside it of each event.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) trace: Trace,
    /// What a call of a host function is about: the key of a storage function.
    pub(super) keys: Vec<Option<Vec<u8>>>,
    /// Where the frame was when it ended otherwise than by returning; for each event.
    pub(super) places: Vec<Option<lockstep_vm::Frame>>,
}

pub(super) fn observe(
    environment: &Environment,
    state: &dyn Storage,
    block: &Block,
    index: u32,
    tx: &Tx,
) -> (Result<Executed, ExecuteError>, Seen) {
    let tracer = Tracer::default();
    let executed = environment.execute_observed(state, block, index, tx, &tracer);
    (executed, tracer.0.into_inner())
}

#[derive(Default)]
struct Tracer(RefCell<Seen>);

impl Tracer {
    fn push(&self, event: TraceEvent, key: Option<Vec<u8>>, place: Option<lockstep_vm::Frame>) {
        let mut seen = self.0.borrow_mut();
        seen.trace.events.push(event);
        seen.keys.push(key);
        seen.places.push(place);
    }
}

impl Observer for Tracer {
    fn frame_start(&self, frame: &FrameStart<'_>) {
        let event = TraceEvent::Enter {
            account: frame.account,
            code: frame.code,
            deploy: frame.export == "deploy",
            gas: frame.gas,
            input: digest([frame.input]),
        };
        self.push(event, None, None);
    }

    fn frame_end(&self, end: &FrameEnd<'_>) {
        let (status, output) = match end.ending {
            FrameEnding::Ok(output) => (Some(Status::Ok), output),
            FrameEnding::Reverted(data) => (Some(Status::Reverted), data),
            FrameEnding::Trapped(trap) => (Some(Status::Trapped(trap)), &[][..]),
            FrameEnding::Misuse(misuse) => (Some(Status::Misuse(misuse)), &[][..]),
            FrameEnding::Fault => (None, &[][..]),
        };
        let event = TraceEvent::Leave { status, gas: end.gas_left, output: digest([output]) };
        self.push(event, None, end.backtrace.first().cloned());
    }

    fn host_call(&self, call: &HostCall<'_>) {
        let bytes = pointed(call.function, call.args, false, |ptr, len| call.bytes(ptr, len));
        let event = TraceEvent::Call {
            function: call.function as u8,
            arguments: call.args.to_vec(),
            gas: call.gas,
            read: digest(bytes.iter().map(Vec::as_slice)),
        };
        let is_keyed = matches!(call.function, Function::StorageSet | Function::StorageRemove);
        self.push(event, bytes.into_iter().next().filter(|_| is_keyed), None);
    }

    fn host_return(&self, end: &HostReturn<'_>) {
        let (ending, result) = match end.ending {
            HostEnding::Returned(result) => (0, result),
            HostEnding::Exit => (1, 0),
            HostEnding::Revert => (2, 0),
            HostEnding::Misuse(misuse) => (3, misuse as u64),
            HostEnding::Trapped(trap) => (4, trap as u64),
            HostEnding::Fault => (5, 0),
        };
        let bytes = pointed(end.function, end.args, true, |ptr, len| end.bytes(ptr, len));
        let written = digest(bytes.iter().map(Vec::as_slice));
        self.push(TraceEvent::Return { ending, result, gas: end.gas, written }, None, None);
    }
}

/// No more than this of what one argument points to is looked at.
const POINTED_MAX: u32 = 1 << 18;

/// The bytes that a function's arguments point to: those it reads, or those it may write. How many there are is said by
/// the argument behind, if that is a number; otherwise 32 are taken, or as many as there are at the memory's end.
fn pointed(
    function: Function,
    args: &[u64],
    written: bool,
    bytes: impl Fn(u32, u32) -> Option<Vec<u8>>,
) -> Vec<Vec<u8>> {
    let params = function.def().params;
    let mut found = Vec::new();
    for (index, ((_, kind), arg)) in params.iter().zip(args).enumerate() {
        let wanted = match kind {
            ParamKind::In | ParamKind::InOrNone => !written,
            ParamKind::Out => written,
            ParamKind::InOut => true,
            ParamKind::U32 | ParamKind::U64 => false,
        };
        let Ok(ptr) = u32::try_from(*arg) else { continue };
        if !wanted || (*kind == ParamKind::InOrNone && ptr == NONE) {
            continue;
        }
        let len = match (params.get(index + 1), args.get(index + 1)) {
            (Some((name, ParamKind::U32)), Some(count)) => {
                let unit = if *name == "count" { 32 } else { 1 };
                u32::try_from(count.saturating_mul(unit)).unwrap_or(u32::MAX)
            }
            _ => 32,
        };
        // An array of fewer bytes may stand at the very end.
        let lengths = [len.min(POINTED_MAX), 20, 16, 0];
        let there = lengths.into_iter().filter(|other| *other <= len).find_map(|len| bytes(ptr, len));
        found.extend(there);
    }
    found
}

fn digest<'b>(parts: impl IntoIterator<Item = &'b [u8]>) -> [u8; 8] {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let mut digest = [0; 8];
    hasher.finalize_xof().fill(&mut digest);
    digest
}
