//! Observers: who looks on while a transaction is executed.
//!
//! Owns what is shown of frames and host functions, and when. Nothing that an observer does changes an outcome, and where
//! there is none, nothing is done for it. It must not know what is made of what is seen.

use crate::frame::{Entry, Frame, Stopped};
use crate::list::Function;
use crate::probe::Probe;
use crate::receipt::Misuse;
use crate::types::{Address, Hash};
use lockstep_vm::{Caller, Error, ErrorKind, Trap};

/// Sees each frame and each host function of a transaction, in order. It is shared by all frames, so it gets `&self`: keep
/// what is seen in a `Cell` or `RefCell`. A panic in it is a node fault.
///
/// ```
/// use lockstep_host_env::*;
/// use std::cell::RefCell;
///
/// #[derive(Default)]
/// struct Names(RefCell<Vec<&'static str>>);
///
/// impl Observer for Names {
///     fn host_call(&self, call: &HostCall<'_>) {
///         self.0.borrow_mut().push(call.function.def().name);
///     }
/// }
///
/// let wasm = wat::parse_str(
///     r#"(module (import "lockstep" "exit" (func $exit)) (func (export "deploy") (call $exit)) (func (export "call")))"#,
/// )?;
/// let environment = Environment::new(&lockstep_vm::Engine::default())?;
/// let database = MemoryDatabase::new();
/// let block = Block { chain: 1, height: 1, time: 0 };
/// let code_hash = code_hash(&wasm);
/// let names = Names::default();
/// for (nonce, action) in [
///     Action::Upload { code: wasm },
///     Action::Create { code_hash, salt: [0; 32], value: 0, input: Vec::new() },
/// ]
/// .into_iter()
/// .enumerate()
/// {
///     let state = database.version()?;
///     let tx = Tx { chain: 1, sender: Address([1; 32]), nonce: nonce as u64, gas_limit: 1_000_000, action };
///     let executed = environment.execute_observed(&*state, &block, 0, &tx, &names)?;
///     database.commit(&state.root()?, &executed.changes)?;
/// }
/// assert_eq!(names.0.into_inner(), ["exit"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Observer {
    /// A frame begins: its value has moved, nothing of it has been executed.
    fn frame_start(&self, frame: &FrameStart<'_>) {
        let _ = frame;
    }

    /// The innermost frame ended. What it changed is undone after this, unless it ended well.
    fn frame_end(&self, end: &FrameEnd<'_>) {
        let _ = end;
    }

    /// The innermost frame calls a host function: nothing of it has been paid or done.
    fn host_call(&self, call: &HostCall<'_>) {
        let _ = call;
    }

    /// That host function ended. Between the two are the frames that it started, with their host functions.
    fn host_return(&self, end: &HostReturn<'_>) {
        let _ = end;
    }

    /// What stops the transaction, of an observer that looks for a difference of engines.
    #[doc(hidden)]
    fn probe(&self) -> Option<&Probe> {
        None
    }
}

/// How a frame begins.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FrameStart<'a> {
    /// How many frames are outside of it.
    pub depth: usize,
    /// The account whose storage it works on.
    pub account: Address,
    /// The account that called.
    pub caller: Address,
    /// The amount that came with it.
    pub value: u128,
    /// Whether it may change nothing.
    pub is_static: bool,
    /// Its code.
    pub code: Hash,
    /// The export that runs: `call` or `deploy`.
    pub export: &'static str,
    /// What is said to it.
    pub input: &'a [u8],
    /// The gas it has.
    pub gas: u64,
}

/// How a frame ended.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FrameEnd<'a> {
    /// How.
    pub ending: FrameEnding<'a>,
    /// The gas that goes back.
    pub gas_left: u64,
    /// Where it was when it trapped, reverted, misused the host or exited, innermost first; otherwise empty.
    pub backtrace: &'a [lockstep_vm::Frame],
}

/// The ways in which frames end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum FrameEnding<'a> {
    /// Well, with this output.
    Ok(&'a [u8]),
    /// Reverted, with this data.
    Reverted(&'a [u8]),
    /// By a trap.
    Trapped(Trap),
    /// By misuse of the host.
    Misuse(Misuse),
    /// By a node fault: there will be no receipt.
    Fault,
}

/// A call of a host function.
pub struct HostCall<'a> {
    /// Which one.
    pub function: Function,
    /// Its arguments as in its [definition](crate::FunctionDef::params), zero-extended.
    pub args: &'a [u64],
    /// The gas before it.
    pub gas: u64,
    memory: &'a dyn Fn(u32, u32) -> Option<Vec<u8>>,
}

/// How a host function ended.
pub struct HostReturn<'a> {
    /// Which one.
    pub function: Function,
    /// Its arguments.
    pub args: &'a [u64],
    /// How.
    pub ending: HostEnding,
    /// The gas after it.
    pub gas: u64,
    memory: &'a dyn Fn(u32, u32) -> Option<Vec<u8>>,
}

/// The ways in which host functions end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum HostEnding {
    /// It returned; an `i32` is zero-extended, and nothing is 0.
    Returned(u64),
    /// It ended the frame well.
    Exit,
    /// It ended the frame as reverted.
    Revert,
    /// The frame misused it.
    Misuse(Misuse),
    /// It trapped.
    Trapped(Trap),
    /// The node failed.
    Fault,
}

impl HostCall<'_> {
    /// Bytes of the guest's memory now, where there are so many.
    pub fn bytes(&self, ptr: u32, len: u32) -> Option<Vec<u8>> {
        (self.memory)(ptr, len)
    }
}

impl HostReturn<'_> {
    /// Bytes of the guest's memory now, where there are so many.
    pub fn bytes(&self, ptr: u32, len: u32) -> Option<Vec<u8>> {
        (self.memory)(ptr, len)
    }
}

/// Shows that a frame begins.
pub(crate) fn frame_start(observer: &dyn Observer, depth: usize, entry: &Entry, gas: u64) {
    let Entry { account, caller, value, is_static, code, export, input } = entry;
    let export = export.name();
    observer.frame_start(&FrameStart {
        depth,
        account: *account,
        caller: *caller,
        value: *value,
        is_static: *is_static,
        code: *code,
        export,
        input,
        gas,
    });
}

/// Shows how a frame ended.
pub(crate) fn frame_end(observer: &dyn Observer, ended: &Result<(), Error>, output: &[u8], gas_left: u64) {
    let (ending, backtrace) = match ended.as_ref().map_err(Error::kind) {
        Ok(()) => (FrameEnding::Ok(output), &[][..]),
        Err(ErrorKind::Trap(trap)) => (FrameEnding::Trapped(trap.trap()), trap.frames()),
        Err(ErrorKind::Stop(stop)) => {
            let ending = match stop.downcast_ref() {
                Some(Stopped::Exit) => FrameEnding::Ok(output),
                Some(Stopped::Revert(data)) => FrameEnding::Reverted(data),
                Some(Stopped::Misuse(misuse)) => FrameEnding::Misuse(*misuse),
                None => FrameEnding::Fault,
            };
            (ending, stop.frames())
        }
        Err(_) => (FrameEnding::Fault, &[][..]),
    };
    observer.frame_end(&FrameEnd { ending, gas_left, backtrace });
}

/// What a host function answers, as a guest gets it.
pub(crate) trait Answer {
    type Word: Copy;
    fn word(self) -> Self::Word;
}

impl Answer for u32 {
    type Word = u32;
    fn word(self) -> u32 {
        self
    }
}

impl Answer for i32 {
    type Word = u32;
    fn word(self) -> u32 {
        self.cast_unsigned()
    }
}

impl Answer for u64 {
    type Word = u64;
    fn word(self) -> u64 {
        self
    }
}

impl Answer for () {
    type Word = ();
    fn word(self) {}
}

/// An answer in 64 bits.
pub(crate) trait Wide: Copy {
    fn wide(self) -> u64;
}

impl Wide for u32 {
    fn wide(self) -> u64 {
        self.into()
    }
}

impl Wide for u64 {
    fn wide(self) -> u64 {
        self
    }
}

impl Wide for () {
    fn wide(self) -> u64 {
        0
    }
}

/// Calls a host function, and shows that where somebody looks on.
#[inline]
pub(crate) fn host_call<'a, R: Wide>(
    function: Function,
    caller: Caller<'_, Frame<'a>>,
    args: &[u64],
    call: impl FnOnce(Caller<'_, Frame<'a>>) -> Result<R, Error>,
) -> Result<R, Error> {
    match caller.data().observer {
        None => call(caller),
        Some(observer) => observed(observer, function, caller, args, call),
    }
}

#[inline(never)]
fn observed<'a, R: Wide>(
    observer: &dyn Observer,
    function: Function,
    mut caller: Caller<'_, Frame<'a>>,
    args: &[u64],
    call: impl FnOnce(Caller<'_, Frame<'a>>) -> Result<R, Error>,
) -> Result<R, Error> {
    observer.host_call(&HostCall {
        function,
        args,
        gas: caller.gas(),
        memory: &|ptr, len| read(&caller, ptr, len),
    });
    if let Some(probe) = observer.probe() {
        probe.calls(&caller, function, args)?;
    }
    let outcome = call(caller.reborrow());
    let ending = match outcome.as_ref().map_err(Error::kind) {
        Ok(answer) => HostEnding::Returned(answer.wide()),
        Err(ErrorKind::Trap(trap)) => HostEnding::Trapped(trap.trap()),
        Err(ErrorKind::Stop(stop)) => match stop.downcast_ref() {
            Some(Stopped::Exit) => HostEnding::Exit,
            Some(Stopped::Revert(_)) => HostEnding::Revert,
            Some(Stopped::Misuse(misuse)) => HostEnding::Misuse(*misuse),
            None => HostEnding::Fault,
        },
        Err(_) => HostEnding::Fault,
    };
    let gas = caller.gas();
    observer.host_return(&HostReturn {
        function,
        args,
        ending,
        gas,
        memory: &|ptr, len| read(&caller, ptr, len),
    });
    match observer.probe() {
        Some(probe) if outcome.is_ok() => probe.returned(&mut caller)?,
        _ => {}
    }
    outcome
}

fn read(caller: &Caller<'_, Frame<'_>>, ptr: u32, len: u32) -> Option<Vec<u8>> {
    let memory = caller.memory()?;
    let end = u64::from(ptr) + u64::from(len);
    // Both fit: memories are within the machine's addresses.
    if end > memory.data_size(caller) as u64 {
        return None;
    }
    let mut bytes = vec![0; len as usize];
    memory.read(caller, ptr as usize, &mut bytes).ok().map(|()| bytes)
}
