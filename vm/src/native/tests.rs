//! The driver with code written by hand: what it makes of every reason to leave, without a compiler.

mod painted;

use super::ModuleCode;
use crate::compile::{Compiled, CompiledFunction, CpuFeatures, Site};
use crate::sys::sample;
use crate::{
    AsContextMut, Backend, Caller, Config, Engine, Error, Func, Instance, Module, RunLimits, Stop, Store,
    Trap, TypedFunc, validate,
};
use alloc::{vec, vec::Vec};

/// What the sample is code of. The bodies are others; what matters is that there are as many functions.
const WAT: &str = r#"(module
    (import "" "host" (func $host (param i64) (result i64)))
    (memory (export "memory") 1 2)
    (func (export "call_host") (param i64) (result i64) local.get 0)
    (func (export "load") (param i64) (result i64) local.get 0)
    (func (export "recurse") (param i64) (result i64) local.get 0)
    (func (export "grow") (param i64) (result i64) local.get 0)
    (func (export "tail_call") (param i64) (result i64) local.get 0))"#;

/// Slots of every frame of the sample.
const FRAME: u64 = 6;

fn engine() -> Engine {
    crate::sys::signals::install();
    Engine::new(&Config::new().backend(Backend::Native)).unwrap()
}

fn module(engine: &Engine) -> Module {
    let wasm = wat::parse_str(WAT).unwrap();
    let validated = validate::validate(&wasm, engine.config()).unwrap();
    let entries =
        [sample::call_host(), sample::load(), sample::recurse(), sample::grow(), sample::tail_call()];
    let functions = entries
        .iter()
        .zip(entries[1..].iter().chain([&sample::end()]))
        .map(|(&entry, &end)| CompiledFunction { entry, end, frame_slots: FRAME as u32 })
        .collect();
    let sites = [
        (sample::call_host_site(), 100),
        (sample::load_site(), 200),
        (sample::recurse_refused(), 300),
        (sample::recurse_site(), 301),
        (sample::grow_site(), 400),
        (sample::tail_call_site(), 500),
    ];
    let compiled = Compiled {
        code: sample::code().to_vec().into(),
        thunks: sample::thunks(),
        functions,
        sites: sites.iter().map(|&(native, wasm)| Site { native, wasm }).collect(),
    };
    let code = ModuleCode::publish(compiled, &validated.info, CpuFeatures::default()).unwrap();
    Module::of(engine, &wasm, validated, Some(code))
}

type Host = fn(&mut Caller<'_, Vec<u64>>, i64) -> Result<i64, Error>;

/// A store whose data is a log, and the instance in it.
fn store(host: Host) -> (Store<Vec<u64>>, Instance) {
    let engine = engine();
    let mut store = Store::new(&engine, vec![]);
    store.set_gas(1 << 40).unwrap();
    let host =
        Func::wrap(&mut store, move |mut caller: Caller<'_, Vec<u64>>, value: i64| host(&mut caller, value));
    let instance = Instance::new(&mut store, &module(&engine), &[host.into()]).unwrap();
    store.set_gas(1_000).unwrap();
    (store, instance)
}

fn function(store: impl AsContextMut, instance: Instance, name: &str) -> TypedFunc<i64, i64> {
    instance.get_typed_func(&store, name).unwrap()
}

fn callers(caller: &mut Caller<'_, Vec<u64>>, name: &str) -> TypedFunc<i64, i64> {
    let instance = caller.instance().unwrap();
    function(caller, instance, name)
}

fn sites(error: &Error) -> Vec<(u32, u32)> {
    let crate::ErrorKind::Trap(trap) = error.kind() else { panic!("{error}") };
    trap.frames().iter().map(|frame| (frame.function(), frame.offset())).collect()
}

#[test]
fn a_host_function_sees_gas_height_and_arguments_and_its_result_goes_on() {
    let (mut store, instance) = store(|caller, value| {
        caller.charge(5)?;
        let height = caller.store.objects.height;
        let gas = caller.gas();
        caller.data_mut().extend([value as u64, gas, height]);
        Ok(value * 2)
    });
    let call_host = function(&mut store, instance, "call_host");
    for round in 0..3_u64 {
        assert_eq!(call_host.call(&mut store, 21).unwrap(), 43);
        assert_eq!(store.gas(), 1_000 - 15 * (round + 1));
        assert_eq!(core::mem::take(store.data_mut()), [21, 1_000 - 15 * (round + 1), FRAME]);
    }
}

#[test]
fn traps_say_where() {
    let (mut store, instance) = store(|_, _| Ok(0));
    let load = function(&mut store, instance, "load");
    assert_eq!(load.call(&mut store, 65_528).unwrap(), 0);
    let error = load.call(&mut store, 65_529).unwrap_err();
    assert_eq!((error.trap(), &*sites(&error)), (Some(Trap::MemoryOutOfBounds), &[(2, 200)][..]));
    assert_eq!(store.gas(), 1_000);
}

#[test]
fn the_stack_overflows_at_the_limit_and_the_peak_is_exact() {
    let (mut store, instance) = store(|_, _| Ok(0));
    let recurse = function(&mut store, instance, "recurse");
    for slots in [60, 59, 6] {
        let limits = RunLimits { stack_slots: slots, ..store.limits() };
        store.limit(limits).unwrap();
        let error = recurse.call(&mut store, 0).unwrap_err();
        let frames = slots / FRAME;
        assert_eq!(error.trap(), Some(Trap::StackOverflow));
        assert_eq!(store.peak_stack_slots(), frames * FRAME);
        let mut expected = vec![(3, 300)];
        expected.resize(frames as usize + 1, (3, 301));
        assert_eq!(sites(&error), expected);
        assert_eq!(store.as_context_mut().0.objects.height, 0);
    }
}

#[test]
fn builtins_are_paid_and_give_results() {
    let (mut store, instance) = store(|_, _| Ok(0));
    let grow = function(&mut store, instance, "grow");
    let price = u64::from(store.engine().schedule().prices.memory_grow_page);
    store.set_gas(10 * price).unwrap();
    assert_eq!(grow.call(&mut store, 1).unwrap(), 1);
    assert_eq!(store.gas(), 9 * price);
    assert_eq!(grow.call(&mut store, 1).unwrap(), i64::from(u32::MAX));
    assert_eq!(store.gas(), 8 * price);
    let load = function(&mut store, instance, "load");
    assert_eq!(load.call(&mut store, 131_064).unwrap(), 0);
    let error = grow.call(&mut store, 100).unwrap_err();
    assert_eq!((error.trap(), &*sites(&error)), (Some(Trap::OutOfGas), &[(4, 400)][..]));
    assert_eq!(store.gas(), 0);
}

#[test]
fn a_tail_called_host_function_stands_on_the_frame_below() {
    let (mut store, instance) = store(|caller, value| {
        let height = caller.store.objects.height;
        caller.data_mut().push(height);
        if value < 0 { Err(Trap::Unreachable.into()) } else { Ok(value) }
    });
    let tail_call = function(&mut store, instance, "tail_call");
    assert_eq!(tail_call.call(&mut store, 7).unwrap(), 7);
    assert_eq!(*store.data(), [0]);
    assert_eq!(store.peak_stack_slots(), 0, "the sample keeps no mark");
    let error = tail_call.call(&mut store, -1).unwrap_err();
    assert_eq!(sites(&error), [(5, 500)]);
}

/// Nested activations stand on the stack below the one that waits, each with its own limit and mark.
#[test]
fn activations_nest_and_each_goes_on_where_it_was() {
    let (mut store, instance) = store(|caller, value| {
        let height = caller.store.objects.height;
        caller.data_mut().push(height);
        if value == 0 {
            return Ok(0);
        }
        let call_host = callers(caller, "call_host");
        let load = callers(caller, "load");
        let one = call_host.call(&mut *caller, value - 1)?;
        load.call(&mut *caller, 1 << 32).unwrap_err();
        let other = call_host.call(&mut *caller, 0)?;
        Ok(one + other)
    });
    let call_host = function(&mut store, instance, "call_host");
    // Each level adds one for itself and one for the call with 0.
    assert_eq!(call_host.call(&mut store, 10).unwrap(), 21);
    assert_eq!(store.data().iter().max(), Some(&(11 * FRAME)));
    assert_eq!(store.as_context_mut().0.objects.height, 0);
    let machine = store.as_context_mut().0.objects.machine.as_ref().unwrap();
    assert_eq!(machine.in_use, machine.stack().top());
}

#[test]
fn a_nested_overflow_counts_what_is_below() {
    let (mut store, instance) = store(|caller, value| {
        let recurse = callers(caller, "recurse");
        let error = recurse.call(&mut *caller, value).unwrap_err();
        caller.data_mut().push(sites(&error).len() as u64);
        Ok(caller.store.objects.peak as i64)
    });
    let limits = RunLimits { stack_slots: 100, ..store.limits() };
    store.limit(limits).unwrap();
    let call_host = function(&mut store, instance, "call_host");
    // 16 frames fit 100 slots: one of the outer activation, 15 of the inner one, whose refused one is reported too.
    for _ in 0..2 {
        assert_eq!(call_host.call(&mut store, 0).unwrap(), 97);
        assert_eq!((core::mem::take(store.data_mut()), store.peak_stack_slots()), (vec![16], 96));
    }
}

#[test]
fn what_a_host_function_ends_ends_all() {
    let (mut store, instance) = store(|caller, value| match value {
        0 => Err(Stop::host("over").into()),
        _ => {
            let call_host = callers(caller, "call_host");
            call_host.call(&mut *caller, value - 1)
        }
    });
    let call_host = function(&mut store, instance, "call_host");
    for _ in 0..3 {
        let error = call_host.call(&mut store, 5).unwrap_err();
        assert!(matches!(error.kind(), crate::ErrorKind::Stop(_)), "{error}");
        store.set_gas(1_000).unwrap();
        let machine = store.as_context_mut().0.objects.machine.as_ref().unwrap();
        assert_eq!(machine.in_use, machine.stack().top());
    }
}

/// Every store has a state, a stack and a memory of its own; threads take and give them all the time.
#[test]
fn threads_run_stores_of_one_module() {
    let engine = engine();
    let module = module(&engine);
    std::thread::scope(|threads| {
        for thread in 0..4_i64 {
            let (engine, module) = (&engine, &module);
            threads.spawn(move || {
                for round in 0..200 {
                    let mut store = Store::new(engine, ());
                    store.set_gas(1 << 40).unwrap();
                    let host = Func::wrap(&mut store, move |value: i64| value + thread);
                    let instance = Instance::new(&mut store, module, &[host.into()]).unwrap();
                    let call_host = function(&mut store, instance, "call_host");
                    assert_eq!(call_host.call(&mut store, round).unwrap(), round + thread + 1);
                    let load = function(&mut store, instance, "load");
                    assert!(load.call(&mut store, 1 << 31).is_err());
                }
            });
        }
    });
}
