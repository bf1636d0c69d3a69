//! Frames: one run of a contract's code.
//!
//! Owns what a frame knows of itself, and its life: a fresh instance in a store of its own, its start function, its
//! entry, its ending. What was changed is undone unless it ends well. It must not know who may start a frame or what
//! that costs.

use crate::environment::Environment;
use crate::observe::{self, Observer};
use crate::receipt::Misuse;
use crate::session::Session;
use crate::state::{Storage, StorageError};
use crate::types::{Address, Hash};
use lockstep_vm::{Error, ErrorKind, Func, Host, Instance, Profile, Store, TrapError};

/// The family of frames, one for each lifetime of the transaction they belong to.
#[derive(Debug)]
pub(crate) struct Node;

impl Host for Node {
    type Data<'a> = Frame<'a>;
}

/// What the host functions of a frame work on.
pub(crate) struct Frame<'a> {
    pub(crate) environment: &'a Environment,
    pub(crate) storage: &'a dyn Storage,
    pub(crate) session: &'a mut Session,
    /// Who looks on, if anybody does.
    pub(crate) observer: Option<&'a dyn Observer>,
    pub(crate) entry: Box<Entry>,
    /// What it will answer, if it ends well.
    pub(crate) output: Vec<u8>,
    /// What its last nested call answered.
    pub(crate) result: Vec<u8>,
}

/// How a frame begins.
pub(crate) struct Entry {
    /// The account whose storage it works on.
    pub(crate) account: Address,
    /// The account that called.
    pub(crate) caller: Address,
    /// The amount that came with it.
    pub(crate) value: u128,
    pub(crate) is_static: bool,
    pub(crate) code: Hash,
    pub(crate) export: Export,
    pub(crate) input: Vec<u8>,
}

/// Which function a frame runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Export {
    Call,
    /// It may be missing.
    Deploy,
}

impl Export {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Export::Call => "call",
            Export::Deploy => "deploy",
        }
    }
}

/// How a frame ended.
#[derive(Debug)]
pub(crate) enum Ending {
    Ok(Vec<u8>),
    Reverted(Vec<u8>),
    Trapped(TrapError),
    /// It could not pay for its beginning.
    OutOfGas,
    Misuse(Misuse),
}

/// What a host function ends a frame with on purpose.
#[derive(Debug)]
pub(crate) enum Stopped {
    Exit,
    Revert(Vec<u8>),
    Misuse(Misuse),
}

impl From<Stopped> for Error {
    fn from(stopped: Stopped) -> Self {
        Error::stop(stopped)
    }
}

impl From<Misuse> for Error {
    fn from(misuse: Misuse) -> Self {
        Stopped::Misuse(misuse).into()
    }
}

impl From<StorageError> for Error {
    fn from(error: StorageError) -> Self {
        Error::fault_from("the state cannot be read", error.into_inner())
    }
}

/// Whose gas of a frame it was, and what to call the frame.
#[derive(Debug)]
pub(crate) struct FrameProfile {
    pub(crate) label: String,
    pub(crate) profile: Profile,
}

/// A frame that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) ending: Ending,
    pub(crate) gas_left: u64,
    /// Whose gas it was, where that is noted.
    pub(crate) profile: Option<Box<FrameProfile>>,
}

/// Runs a frame to its end and answers how that was, with the gas left. The journal is as the frame left it; undoing
/// is for the caller, who knows where it began.
///
/// # Errors
/// A node fault, and nothing else.
pub(crate) fn run(
    environment: &Environment,
    storage: &dyn Storage,
    session: &mut Session,
    observer: Option<&dyn Observer>,
    entry: Box<Entry>,
    gas: u64,
) -> Result<Box<Ended>, Error> {
    let (code, export) = (entry.code, entry.export);
    if let Some(observer) = observer {
        observe::frame_start(observer, session.depth(), &entry, gas);
    }
    let mut store = new_store(environment, storage, session, observer, entry, gas)?;
    let probe = observer.and_then(Observer::probe);
    if let Some(probe) = probe {
        probe.enter(&mut store)?;
    }
    let ended = play(environment, &mut store, &code, export);
    finish(store, ended, probe)
}

/// Up to 64 frames share a thread's stack, in builds that optimise nothing too: what is large is boxed, and made where its
/// traces do not stay.
#[inline(never)]
fn new_store<'a>(
    environment: &'a Environment,
    storage: &'a dyn Storage,
    session: &'a mut Session,
    observer: Option<&'a dyn Observer>,
    entry: Box<Entry>,
    gas: u64,
) -> Result<Box<Store<Frame<'a>>>, Error> {
    session.enter(entry.account);
    let profile = session.profile_options();
    let frame =
        Frame { environment, storage, session, observer, entry, output: Vec::new(), result: Vec::new() };
    let mut store = Box::new(Store::new(environment.engine(), frame));
    store.stop_backtraces(observer.is_some());
    store.seed_difference(environment.seed());
    store.set_gas(gas)?;
    if let Some(options) = profile {
        store.start_profile(options);
    }
    Ok(store)
}

#[inline(never)]
fn finish(
    mut store: Box<Store<Frame<'_>>>,
    ended: Result<(), Error>,
    probe: Option<&crate::probe::Probe>,
) -> Result<Box<Ended>, Error> {
    let gas_left = store.gas();
    let profile = take_profile(&mut store);
    let probed = probe.map_or(Ok(()), |probe| probe.leave(&store, &ended));
    let frame = store.into_data();
    frame.session.leave();
    if let Some(observer) = frame.observer {
        observe::frame_end(observer, &ended, &frame.output, gas_left);
    }
    probed?;
    Ok(Box::new(Ended { ending: ending(ended, frame.output)?, gas_left, profile }))
}

#[inline(never)]
fn take_profile(store: &mut Store<Frame<'_>>) -> Option<Box<FrameProfile>> {
    let profile = store.take_profile()?;
    let entry = &store.data().entry;
    Some(Box::new(FrameProfile { label: format!("0x{} {}", entry.account, entry.export.name()), profile }))
}

fn play(
    environment: &Environment,
    store: &mut Store<Frame<'_>>,
    code: &Hash,
    export: Export,
) -> Result<(), Error> {
    match start(environment, store, code, export)? {
        Some(function) => function.call(store, &[], &mut []),
        None => Ok(()),
    }
}

/// Instantiates a code and finds its function. What it lacks is `deploy`, or the state is not what uploads make it.
#[inline(never)]
fn start(
    environment: &Environment,
    store: &mut Store<Frame<'_>>,
    code: &Hash,
    export: Export,
) -> Result<Option<Func>, Error> {
    let instance = instantiate(environment, store, code)?;
    if let Some(probe) = store.data().observer.and_then(Observer::probe) {
        probe.instantiated(store, &instance);
    }
    let name = export.name();
    let function = instance.get_func(&*store, name);
    if function.is_none() && export == Export::Call {
        return Err(Error::fault(format_args!("the code {code} has no `{name}`")));
    }
    Ok(function)
}

#[inline(never)]
fn instantiate(
    environment: &Environment,
    store: &mut Store<Frame<'_>>,
    code: &Hash,
) -> Result<Instance, Error> {
    let storage = store.data().storage;
    let prepared = environment.module(code, || {
        storage.code(code)?.ok_or_else(|| Error::fault(format_args!("the state lacks the code {code}")))
    })?;
    prepared.instantiate(store)
}

fn ending(ended: Result<(), Error>, output: Vec<u8>) -> Result<Ending, Error> {
    let Err(error) = ended else { return Ok(Ending::Ok(output)) };
    match error.into_kind() {
        ErrorKind::Trap(trap) => Ok(Ending::Trapped(trap)),
        ErrorKind::Stop(stop) => match stop.downcast::<Stopped>() {
            Ok(Stopped::Exit) => Ok(Ending::Ok(output)),
            Ok(Stopped::Revert(data)) => Ok(Ending::Reverted(data)),
            Ok(Stopped::Misuse(misuse)) => Ok(Ending::Misuse(misuse)),
            Err(stop) => Err(Error::fault(stop)),
        },
        ErrorKind::Fault(fault) => Err(fault.into()),
        // Uploads are checked so that none of these can be.
        other => Err(Error::fault(Error::from(other))),
    }
}
