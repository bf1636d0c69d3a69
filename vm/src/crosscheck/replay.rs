//! The replay: host functions as the log has them.
//!
//! Owns a store whose data is the log. Its host functions compare what they are asked with what was asked then, do what was
//! done, and answer what was answered; calls that they make are made again. It must not know the embedder's data.

use super::difference::{Bits, Difference, List, Mismatch, same, same_outcomes, same_values};
use super::log::{Effect, Event, HostCall, Outcome, hash};
use crate::Engine;
use crate::caller::Caller;
use crate::error::{Error, Stop};
use crate::store::objects::{Callee, InstanceId, Objects, OutOfMemory};
use crate::store::{StoreId, StoreInner};
use crate::trap::Trap;
use crate::types::FuncType;
use alloc::{format, string::String, sync::Arc, vec, vec::Vec};

/// The log as it is read, and what was found.
#[derive(Debug)]
pub(super) struct Replay {
    events: vec::IntoIter<Event>,
    host_calls: u64,
    difference: Option<Difference>,
}

/// Why the replay goes no further.
enum Halt {
    Differs(Mismatch),
    /// It was told already.
    Found,
}

impl From<Mismatch> for Halt {
    fn from(mismatch: Mismatch) -> Halt {
        Halt::Differs(mismatch)
    }
}

impl From<OutOfMemory> for Halt {
    fn from(OutOfMemory: OutOfMemory) -> Halt {
        Halt::Differs(Mismatch::new("the host has no memory left for the replay", "succeeded", "failed"))
    }
}

/// The payload of a stop that the log has.
struct Replayed;

/// A store in which the interpreter runs on a snapshot.
pub(super) fn store(
    id: StoreId,
    engine: &Engine,
    snapshot: Objects,
    host_types: &[Arc<FuncType>],
    events: Vec<Event>,
) -> StoreInner<Replay> {
    let replay = Replay { events: events.into_iter(), host_calls: 0, difference: None };
    let mut store = StoreInner::of(id, engine.clone(), snapshot, replay);
    for ty in host_types {
        add_host(&mut store, ty);
    }
    store
}

fn add_host(store: &mut StoreInner<Replay>, ty: &Arc<FuncType>) {
    // As many as there are before.
    let host = store.objects.host_types.len() as u32;
    let code = move |caller: Caller<'_, Replay>, slots: &mut [u64]| call_host(host, caller, slots);
    store.add_host(Arc::clone(ty), Arc::new(code));
}

impl Replay {
    /// What was found so far.
    pub(super) fn difference(&mut self) -> Option<Difference> {
        self.difference.take()
    }

    /// Whether the log is at its end. If not, native code has called one host function more.
    pub(super) fn finished(&self, objects: &Objects, outcome: &Outcome) -> Result<(), Mismatch> {
        match self.events.as_slice().first() {
            None => Ok(()),
            Some(event) => Err(self.missing(objects, event, outcome)),
        }
    }

    fn missing(&self, objects: &Objects, event: &Event, outcome: &Outcome) -> Mismatch {
        let what = format!("host call {}", self.host_calls + 1);
        match event {
            Event::HostCall(call) => Mismatch::new(what, describe(objects, call), outcome),
            other => Mismatch::new(what, format_args!("{other:?}"), outcome),
        }
    }
}

/// A host call in words.
fn describe(objects: &Objects, call: &HostCall) -> String {
    format!("{} with {}", objects.function_label(Callee::Host(call.host), call.caller), List(&call.arguments))
}

/// The code of every host function.
fn call_host(host: u32, caller: Caller<'_, Replay>, slots: &mut [u64]) -> Result<(), Error> {
    let (store, instance) = caller.into_parts();
    store.data.host_calls += 1;
    let number = store.data.host_calls;
    let halt = match begin(store, host, instance, slots).and_then(|()| go_on(store, number, slots)) {
        Ok(outcome) => return outcome,
        Err(halt) => halt,
    };
    if let Halt::Differs(mismatch) = halt {
        let label = store.objects.function_label(Callee::Host(host), instance);
        let subject = format!("host call {number}, {label}");
        store.data.difference.get_or_insert(Difference { subject, place: None, mismatch });
    }
    // A trap, so that the backtrace tells where.
    Err(Trap::Unreachable.into())
}

/// Compares what is asked.
fn begin(
    store: &mut StoreInner<Replay>,
    host: u32,
    caller: Option<InstanceId>,
    slots: &[u64],
) -> Result<(), Halt> {
    let objects = &store.objects;
    let arguments = slots[..objects.host_types[host as usize].params().len()].into();
    let (gas, height, depth) = (objects.gas, objects.height, objects.depth);
    let asked = HostCall { host, caller, arguments, gas, height, depth };
    let logged = match store.data.events.next() {
        Some(Event::HostCall(logged)) => logged,
        Some(Event::CallEnd { outcome, .. }) => {
            return Err(Mismatch::new("what comes next", outcome, describe(objects, &asked)).into());
        }
        _ => return Err(Mismatch::new("what comes next", "the end", describe(objects, &asked)).into()),
    };
    if logged.host != asked.host {
        let (native, interpreter) = (describe(objects, &logged), describe(objects, &asked));
        return Err(Mismatch::new("function", native, interpreter).into());
    }
    same_values("argument", &logged.arguments, &asked.arguments)?;
    same("gas", &logged.gas, &asked.gas)?;
    same("height", &logged.height, &asked.height)?;
    same("activation depth", &logged.depth, &asked.depth)?;
    if logged.caller != asked.caller {
        let name = |caller: Option<InstanceId>| match caller {
            None => String::from("the host"),
            Some(instance) => format!("instance {}", instance.0),
        };
        return Err(Mismatch::new("caller", name(logged.caller), name(asked.caller)).into());
    }
    Ok(())
}

/// Does what was done, and answers what was answered.
fn go_on(store: &mut StoreInner<Replay>, number: u64, slots: &mut [u64]) -> Result<Result<(), Error>, Halt> {
    loop {
        match store.data.events.next() {
            Some(Event::Effect(effect)) => apply(store, effect)?,
            Some(Event::Call { callee, caller, arguments }) => {
                call(store, number, callee, caller, &arguments)?;
            }
            Some(Event::HostEnd(outcome)) => {
                return Ok(match outcome {
                    Outcome::Returned(results) => {
                        slots[..results.len()].copy_from_slice(&results);
                        Ok(())
                    }
                    Outcome::Trapped(trap) => Err(trap.into()),
                    Outcome::Stopped => Err(Stop::host(Replayed).into()),
                });
            }
            other => return Err(Mismatch::new("the log", format_args!("{other:?}"), "no such entry").into()),
        }
    }
}

/// Makes a call again that a host function made.
fn call(
    store: &mut StoreInner<Replay>,
    number: u64,
    callee: Callee,
    caller: Option<InstanceId>,
    arguments: &[u64],
) -> Result<(), Halt> {
    let mut results = vec![0; store.objects.function_type(callee).results().len()];
    let ended = store.call(callee, caller, arguments, &mut results);
    if store.data.difference.is_some() {
        return Err(Halt::Found);
    }
    let Some(outcome) = Outcome::of(&ended, &results) else {
        return Err(Mismatch::new("a call", "an outcome", format_args!("{ended:?}")).into());
    };
    let compared = match store.data.events.next() {
        Some(Event::CallEnd { outcome: logged, gas, peak }) => same_outcomes(&logged, &outcome)
            .and_then(|()| same("gas left", &gas, &store.objects.gas))
            .and_then(|()| same("peak of the stack", &peak, &store.objects.peak)),
        Some(event) => Err(store.data.missing(&store.objects, &event, &outcome)),
        None => Err(Mismatch::new("the log", "the end", &outcome)),
    };
    compared.map_err(|mismatch| {
        let subject = format!("{}, called by host call {number}", store.objects.function_label(callee, None));
        let place = match &ended {
            Err(error) => place(error),
            Ok(()) => None,
        };
        store.data.difference = Some(Difference { subject, place, mismatch });
        Halt::Found
    })
}

/// Where in guest code an execution was when it ended, if it did not return.
pub(super) fn place(error: &Error) -> Option<crate::error::Frame> {
    match error.kind() {
        crate::ErrorKind::Trap(trap) => trap.frames().first().cloned(),
        _ => None,
    }
}

/// Does one thing that a host function did; what it saw must be there.
fn apply(store: &mut StoreInner<Replay>, effect: Effect) -> Result<(), Halt> {
    let objects = &mut store.objects;
    match effect {
        Effect::Charge(gas) => store.charge(gas).unwrap_or_default(),
        Effect::PayInstance(gas) => objects.charge(gas).unwrap_or_default(),
        Effect::SetGas(gas) => objects.gas = gas,
        Effect::MemorySize { memory, bytes } => {
            let found = objects.memories[memory.index()].bytes.len();
            same(format_args!("size in bytes of memory {} of the store", memory.0), &bytes, &found)?;
        }
        Effect::Read { memory, offset, length, hash: logged } => {
            let range = offset..offset + length;
            let bytes = objects.memories[memory.index()].bytes.get(range.clone());
            let found = bytes.map_or(0, hash);
            if bytes.is_none() || found != logged {
                let what = format!(
                    "hash of the bytes {:#x} to {:#x} that the host read in memory {} of the store",
                    range.start, range.end, memory.0
                );
                return Err(Mismatch::new(what, Bits(logged), Bits(found)).into());
            }
        }
        Effect::Write { memory, offset, bytes } => {
            let to = objects.memories[memory.index()].bytes.get_mut(offset..offset + bytes.len());
            let Some(to) = to else {
                let what = format!("{} bytes at {offset:#x} of memory {}", bytes.len(), memory.0);
                return Err(Mismatch::new(what, "written by the host", "out of bounds").into());
            };
            to.copy_from_slice(&bytes);
        }
        Effect::GrowMemory { memory, delta } => drop(objects.grow_memory(memory, delta)?),
        Effect::TableSize { table, elements } => {
            let found = objects.tables[table.index()].elements.len();
            same(format_args!("size of table {} of the store", table.0), &elements, &found)?;
        }
        Effect::Element { table, index, value } => {
            let found = objects.tables[table.index()].elements.get(index).copied();
            if found != Some(value) {
                let what = format!("element {index} of table {} of the store, read by the host", table.0);
                let found = found.map_or("none".into(), |found| format!("{}", Bits(found)));
                return Err(Mismatch::new(what, Bits(value), found).into());
            }
        }
        // One that does not fit changes nothing, then as now.
        Effect::FillTable { table, destination, value, length } => {
            objects.fill_table(table, destination, value, length).unwrap_or_default();
        }
        Effect::GrowTable { table, delta, init } => drop(objects.grow_table(table, delta, init)?),
        Effect::Global { global, value } => {
            let found = objects.global(global);
            if found != value {
                let what = format!("global {} of the store, read by the host", global.0);
                return Err(Mismatch::new(what, Bits(value), Bits(found)).into());
            }
        }
        Effect::SetGlobal { global, value } => objects.set_global(global, value),
        Effect::NewMemory(ty) => drop(objects.add_memory(ty, 0)?),
        Effect::NewTable { ty, init } => drop(objects.add_table(ty, init)?),
        Effect::NewGlobal { ty, value } => drop(objects.add_global(ty, value)?),
        Effect::NewHostFunction(ty) => add_host(store, &ty),
        Effect::NewInstance { module, imports } => {
            // Whether its segments fit is seen in what they leave.
            if let Err(error) = store.build(&module, &imports)
                && error.is_fault()
            {
                return Err(OutOfMemory.into());
            }
        }
    }
    Ok(())
}
