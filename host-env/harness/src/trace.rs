//! Traces: what a transaction did, frame by frame and host function by host function.
//!
//! Owns the record, which an observer makes, and how it reads. The transaction is executed once more for it, so nothing
//! is spent where nobody asks.

use crate::input::selector;
use crate::names::Names;
use crate::symbols::{Symbols, demangled, function_names, short_path};
use crate::text::{grouped, line, short_hex};
use lockstep_host_env::{
    Address, FrameEnd, FrameEnding, FrameStart, Function, Hash, HostCall, HostEnding, HostReturn, NONE,
    Observer, ParamKind, Storage,
};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

/// Items that a trace keeps; of more, the number.
const ITEMS_KEPT: usize = 20_000;
/// Bytes of an argument that are kept.
const BYTES_KEPT: u32 = 256;
/// Reads of storage that a failure shows.
const READS_SHOWN: usize = 8;
/// Frames of one backtrace that are shown.
const FRAMES_SHOWN: usize = 16;

/// What a transaction did, in order.
#[derive(Clone, Default, Debug)]
pub struct Trace {
    items: Vec<TraceItem>,
    /// Host functions beyond those kept.
    omitted: u64,
    /// What functions may be called by, from the names in the modules.
    functions: BTreeMap<[u8; 4], String>,
}

/// A step of a trace.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TraceItem {
    /// A frame begins. Its steps follow, up to its end.
    Start(FrameRecord),
    /// The innermost frame ends: that of this place in the trace.
    End(usize),
    /// The innermost frame called a host function.
    Host(HostRecord),
}

/// A frame, from its beginning to its end.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FrameRecord {
    /// How many frames are outside of it.
    pub depth: usize,
    /// The account whose storage it works on.
    pub account: Address,
    /// The account that called.
    pub caller: Address,
    /// The amount that came with it.
    pub value: u128,
    /// Its code.
    pub code: Hash,
    /// `call` or `deploy`.
    pub export: &'static str,
    /// What is said to it.
    pub input: Vec<u8>,
    /// The gas it had.
    pub gas: u64,
    /// The gas it used.
    pub gas_used: u64,
    /// How it ended: `ok`, `reverted`, the trap or the misuse.
    pub ending: String,
    /// Whether it ended well.
    pub is_ok: bool,
    /// Its output, or the data that it reverted with.
    pub output: Vec<u8>,
    /// Where it ended, unless it returned: innermost first.
    pub backtrace: Vec<lockstep_vm::Frame>,
}

/// A call of a host function.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HostRecord {
    /// Which one.
    pub function: Function,
    /// Its arguments.
    pub args: Vec<u64>,
    /// What the arguments that point point to, before or, for those that are written, after; at most 256 bytes.
    pub bytes: Vec<Option<Vec<u8>>>,
    /// What it answered, if it did.
    pub answer: Option<u64>,
    /// How it ended otherwise.
    pub ending: Option<String>,
    /// The gas it used, with that of the frames it started.
    pub gas_used: u64,
    /// How many frames are outside.
    pub depth: usize,
}

/// Makes a trace.
#[derive(Default)]
pub(crate) struct Tracer(RefCell<State>);

#[derive(Default)]
struct State {
    trace: Trace,
    /// Places of frames that have not ended.
    frames: Vec<usize>,
    /// Places of host functions that have not ended, with the gas before; without a place, where it is not kept.
    calls: Vec<(Option<usize>, u64)>,
}

impl Tracer {
    pub(crate) fn into_trace(self) -> Trace {
        self.0.into_inner().trace
    }
}

impl Observer for Tracer {
    fn frame_start(&self, frame: &FrameStart<'_>) {
        let state = &mut *self.0.borrow_mut();
        let record = FrameRecord {
            depth: frame.depth,
            account: frame.account,
            caller: frame.caller,
            value: frame.value,
            code: frame.code,
            export: frame.export,
            input: frame.input.to_vec(),
            gas: frame.gas,
            gas_used: 0,
            ending: String::new(),
            is_ok: false,
            output: Vec::new(),
            backtrace: Vec::new(),
        };
        state.frames.push(state.trace.items.len());
        state.trace.items.push(TraceItem::Start(record));
    }

    fn frame_end(&self, end: &FrameEnd<'_>) {
        let state = &mut *self.0.borrow_mut();
        let Some(place) = state.frames.pop() else { return };
        state.trace.items.push(TraceItem::End(place));
        let Some(TraceItem::Start(frame)) = state.trace.items.get_mut(place) else { return };
        let (ending, output) = match end.ending {
            FrameEnding::Ok(output) => (String::from("ok"), output),
            FrameEnding::Reverted(data) => (String::from("reverted"), data),
            FrameEnding::Trapped(trap) => (trap.to_string(), &[][..]),
            FrameEnding::Misuse(misuse) => (misuse.to_string(), &[][..]),
            _ => (String::from("node fault"), &[][..]),
        };
        frame.is_ok = matches!(end.ending, FrameEnding::Ok(_));
        frame.ending = ending;
        frame.output = output.to_vec();
        frame.gas_used = frame.gas.saturating_sub(end.gas_left);
        if !frame.is_ok {
            frame.backtrace = end.backtrace.to_vec();
        }
    }

    fn host_call(&self, call: &HostCall<'_>) {
        let state = &mut *self.0.borrow_mut();
        if state.trace.items.len() >= ITEMS_KEPT {
            state.trace.omitted += 1;
            state.calls.push((None, call.gas));
            return;
        }
        let bytes = pointed(call.function, call.args, false, |ptr, len| call.bytes(ptr, len));
        state.calls.push((Some(state.trace.items.len()), call.gas));
        state.trace.items.push(TraceItem::Host(HostRecord {
            function: call.function,
            args: call.args.to_vec(),
            bytes,
            answer: None,
            ending: None,
            gas_used: 0,
            depth: state.frames.len(),
        }));
    }

    fn host_return(&self, end: &HostReturn<'_>) {
        let state = &mut *self.0.borrow_mut();
        let Some((Some(place), gas)) = state.calls.pop() else { return };
        let Some(TraceItem::Host(host)) = state.trace.items.get_mut(place) else { return };
        host.gas_used = gas.saturating_sub(end.gas);
        match end.ending {
            HostEnding::Returned(answer) => host.answer = Some(answer),
            HostEnding::Exit => host.ending = Some(String::from("exit")),
            HostEnding::Revert => host.ending = Some(String::from("revert")),
            HostEnding::Misuse(misuse) => host.ending = Some(misuse.to_string()),
            HostEnding::Trapped(trap) => host.ending = Some(trap.to_string()),
            _ => host.ending = Some(String::from("node fault")),
        }
        let after = pointed(end.function, end.args, true, |ptr, len| end.bytes(ptr, len));
        for (before, after) in host.bytes.iter_mut().zip(after) {
            if after.is_some() {
                *before = after;
            }
        }
        // A buffer for a value holds as much of it as the answer says.
        if let (Function::StorageGet | Function::TransientGet, Some(answer)) = (end.function, host.answer)
            && let Some(Some(value)) = host.bytes.get_mut(2)
        {
            value.truncate(answer as usize);
        }
    }
}

/// The bytes that the arguments which point point to: those that the function reads, or those that it writes.
fn pointed(
    function: Function,
    args: &[u64],
    written: bool,
    read: impl Fn(u32, u32) -> Option<Vec<u8>>,
) -> Vec<Option<Vec<u8>>> {
    let params = function.def().params;
    let one = |at: usize| {
        let (name, kind) = params[at];
        let wanted = match kind {
            ParamKind::In | ParamKind::InOrNone => !written,
            ParamKind::Out | ParamKind::InOut => written,
            _ => false,
        };
        // Arguments have at most 32 bits here.
        let ptr = *args.get(at)? as u32;
        if !wanted || (kind == ParamKind::InOrNone && ptr == NONE) {
            return None;
        }
        let len = match params.get(at + 1) {
            Some((next, ParamKind::U32)) if next.ends_with("len") || *next == "cap" => {
                *args.get(at + 1)? as u32
            }
            Some(("count", _)) => (*args.get(at + 1)? as u32).saturating_mul(32),
            _ => match name {
                "value" | "amount" => 16,
                _ if function == Function::Value || function == Function::Balance && name == "out" => 16,
                _ => 32,
            },
        };
        read(ptr, len.min(BYTES_KEPT))
    };
    (0..params.len()).map(one).collect()
}

impl Trace {
    /// What happened, in order.
    pub fn items(&self) -> &[TraceItem] {
        &self.items
    }

    /// Host functions that were called and are not in it: it holds 20,000 items.
    pub fn omitted(&self) -> u64 {
        self.omitted
    }

    /// Learns what the functions of its modules are called.
    pub(crate) fn learn(&mut self, storage: &dyn Storage) {
        let frames = self.items.iter().filter_map(|item| match item {
            TraceItem::Start(frame) => Some(frame.code),
            _ => None,
        });
        let codes: BTreeSet<Hash> = frames.collect();
        for wasm in codes.iter().filter_map(|code| storage.code(code).ok().flatten()) {
            self.functions.extend(function_names(&wasm).into_iter().map(|name| (selector(&name), name)));
        }
    }

    /// What an input's function is called in its module.
    fn function(&self, input: &[u8]) -> Option<&str> {
        self.functions.get(input.get(..4)?).map(String::as_str)
    }

    /// The tree of calls, one a line; with `host`, with their host functions.
    pub fn tree(&self, names: &Names, host: bool) -> String {
        let mut text = String::new();
        for item in &self.items {
            match item {
                TraceItem::Start(frame) => {
                    let indent = "  ".repeat(frame.depth);
                    let _ = writeln!(
                        text,
                        "{indent}{}",
                        describe_frame(frame, names, self.function(&frame.input))
                    );
                }
                TraceItem::Host(host_call) if host => {
                    let indent = "  ".repeat(host_call.depth);
                    let _ = writeln!(text, "{indent}. {}", describe_host(host_call, names));
                }
                TraceItem::Host(_) | TraceItem::End(_) => {}
            }
        }
        if host && self.omitted > 0 {
            let _ = writeln!(text, "and {} host functions more", grouped(self.omitted));
        }
        text
    }

    /// Where the transaction failed: the backtraces of all frames that its failure ended, outermost first, and what the
    /// innermost had read of its storage.
    pub(crate) fn failure(&self, names: &Names, storage: &dyn Storage) -> String {
        let mut text = String::new();
        let mut modules: BTreeMap<Hash, Option<Arc<[u8]>>> = BTreeMap::new();
        let mut indent = 1;
        let failed = self.failed();
        for (at, frame) in failed.iter().enumerate() {
            let wasm =
                modules.entry(frame.code).or_insert_with(|| storage.code(&frame.code).ok().flatten()).clone();
            let symbols = wasm.as_deref().map(Symbols::new);
            let how = if at + 1 == failed.len() { frame.ending.as_str() } else { "" };
            let lines = backtrace(&names.account(&frame.account), frame, symbols.as_ref(), how, &mut indent);
            text.push_str(&lines);
        }
        for read in self.reads(failed.last().copied(), names) {
            let _ = writeln!(text, "  storage read  {read}");
        }
        text
    }

    /// The outermost frame and those within it that failed, each the last of the one before.
    fn failed(&self) -> Vec<&FrameRecord> {
        let mut failed: Vec<&FrameRecord> = Vec::new();
        for item in &self.items {
            let TraceItem::Start(frame) = item else { continue };
            if frame.depth < failed.len() {
                failed.truncate(frame.depth);
            }
            if frame.depth == failed.len() && !frame.is_ok {
                failed.push(frame);
            }
        }
        failed
    }

    /// What a frame read of its storage, the last of it.
    fn reads(&self, of: Option<&FrameRecord>, names: &Names) -> Vec<String> {
        let Some(of) = of else { return Vec::new() };
        let mut reads: Vec<String> = Vec::new();
        let mut inside = Vec::new();
        for item in &self.items {
            match item {
                TraceItem::Start(frame) => inside.push(std::ptr::eq(frame, of)),
                TraceItem::End(_) => drop(inside.pop()),
                TraceItem::Host(host) => {
                    if inside.last() == Some(&true)
                        && host.function == Function::StorageGet
                        && let Some(Some(key)) = host.bytes.first()
                    {
                        let value = match (host.answer, host.bytes.get(2)) {
                            (Some(answer), _) if answer as u32 == u32::MAX => String::from("absent"),
                            (Some(_), Some(Some(value))) => names.value(value),
                            _ => String::from("?"),
                        };
                        let read = format!("{} = {value}", names.key(key));
                        reads.retain(|before| *before != read);
                        reads.push(read);
                    }
                }
            }
        }
        reads.split_off(reads.len().saturating_sub(READS_SHOWN))
    }
}

fn describe_frame(frame: &FrameRecord, names: &Names, function: Option<&str>) -> String {
    let what = match (frame.export, frame.input.as_slice()) {
        ("deploy", []) => String::from("deploy()"),
        (_, input) => names.input_of(input, function),
    };
    let value = if frame.value == 0 { String::new() } else { format!(" with {}", frame.value) };
    let output = match frame.output.as_slice() {
        [] => String::new(),
        output => format!(" {}", names.value(output)),
    };
    format!(
        "{what} by {} on {}{value}: {}{output}   gas {}",
        names.account(&frame.caller),
        names.account(&frame.account),
        frame.ending,
        grouped(frame.gas_used)
    )
}

fn describe_host(host: &HostRecord, names: &Names) -> String {
    let mut args = Vec::new();
    let params = host.function.def().params;
    for (at, (name, kind)) in params.iter().enumerate() {
        let arg = host.args.get(at).copied().unwrap_or_default();
        let bytes = host.bytes.get(at).and_then(Option::as_deref);
        let said = match (kind, bytes) {
            // Lengths are told by what they are lengths of.
            (ParamKind::U32, _)
                if at > 0 && (name.ends_with("len") || *name == "cap" || *name == "count") =>
            {
                continue;
            }
            (ParamKind::U64, _) if arg == u64::MAX => String::from("all"),
            (ParamKind::U32 | ParamKind::U64, _) => grouped(arg),
            (ParamKind::InOrNone, None) if arg == u64::from(NONE) => String::from("none"),
            (_, Some(bytes)) => say_bytes(name, bytes, names),
            (_, None) => format!("0x{arg:x}"),
        };
        args.push(format!("{name}: {said}"));
    }
    let end = match (&host.answer, &host.ending) {
        (Some(answer), _) if host.function.def().returns.ty().is_some() => match *answer {
            answer if answer == u64::from(u32::MAX) => String::from(" = -1"),
            answer => format!(" = {}", grouped(answer)),
        },
        (_, Some(ending)) => format!(": {ending}"),
        _ => String::new(),
    };
    format!("{}({}){end}   gas {}", host.function.def().name, args.join(", "), grouped(host.gas_used))
}

fn say_bytes(name: &str, bytes: &[u8], names: &Names) -> String {
    match name {
        "key" | "prefix" => names.key(bytes),
        "input" => names.input(bytes),
        "topics" => {
            let topics = bytes.as_chunks::<32>().0;
            let said = topics.iter().enumerate().map(|(at, topic)| match names.event(&topics[..1]) {
                Some(event) if at == 0 => event.to_owned(),
                _ => names.account(&Address(*topic)),
            });
            format!("[{}]", said.collect::<Vec<_>>().join(", "))
        }
        "hash" | "sig" | "code_hash" | "salt" => short_hex(bytes),
        _ => names.value(bytes),
    }
}

/// The frames of a backtrace, outermost first, each further in.
fn backtrace(
    account: &str,
    frame: &FrameRecord,
    symbols: Option<&Symbols<'_>>,
    how: &str,
    indent: &mut usize,
) -> String {
    let mut lines: Vec<(String, String)> = Vec::new();
    for frame in &frame.backtrace {
        let inlined = symbols.map(|symbols| symbols.locate(frame.offset())).unwrap_or_default();
        if inlined.is_empty() {
            let name = frame.name().map_or(format!("function {}", frame.function()), demangled);
            lines.push((name, format!("at offset {:#x}", frame.offset())));
        }
        for source in inlined {
            let place = match (&source.file, source.line) {
                (Some(file), Some(line)) => format!("{}:{line}", short_path(file)),
                _ => format!("at offset {:#x}", frame.offset()),
            };
            let name = source.function.or_else(|| frame.name().map(demangled));
            lines.push((name.unwrap_or(format!("function {}", frame.function())), place));
        }
    }
    lines.dedup();
    let hidden = lines.len().saturating_sub(FRAMES_SHOWN);
    lines.truncate(FRAMES_SHOWN);
    let mut text = String::new();
    if hidden > 0 {
        let _ = writeln!(text, "{}and {hidden} frames further out", "  ".repeat(*indent));
    }
    let count = lines.len();
    for (at, (name, place)) in lines.into_iter().rev().enumerate() {
        let name = if name.starts_with(account) { name } else { format!("{account}::{name}") };
        let end = if at + 1 == count && !how.is_empty() { format!("   {how}") } else { String::new() };
        let name = format!("{}{}", "  ".repeat(*indent), line(&name, 100));
        let _ = writeln!(text, "{name:<38} {}{end}", line(&place, 100));
        *indent = (*indent + 1).min(20);
    }
    text
}
