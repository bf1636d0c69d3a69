//! Calls from the host within calls of the guest: depth, height, peak, and the host's own stack.

mod support;

use lockstep_vm::{
    Caller, Config, Engine, Error, Func, Instance, InstancePre, Limits, Linker, Module, RunLimits, Store,
    Trap, TypedFunc, Val,
};
use std::sync::{Arc, OnceLock};
use support::{engine, module, store};

/// `down` calls the host function `again` with one less until it is 0; the host function calls `down`.
const LADDER: &str = r#"(module
    (import "env" "again" (func $again (param i64) (result i64)))
    (func (export "down") (param i64) (result i64)
        (if (result i64) (i64.eqz (local.get 0))
            (then (i64.const 0))
            (else (i64.add (i64.const 1) (call $again (i64.sub (local.get 0) (i64.const 1))))))))"#;

fn ladder<T: 'static>(engine: &Engine, data: T, wrap: fn(Error) -> Error) -> (Store<T>, TypedFunc<i64, i64>) {
    let mut linker = Linker::<T>::new(engine);
    linker
        .func_wrap("env", "again", move |mut caller: Caller<'_, T>, left: i64| -> Result<i64, Error> {
            let down = caller.get_export("down").unwrap().into_func().unwrap();
            down.typed::<i64, i64>(&caller)?.call(&mut caller, left).map_err(wrap)
        })
        .unwrap();
    let mut store = store(engine, data);
    let instance = linker.instantiate(&mut store, &module(engine, LADDER)).unwrap();
    let down = instance.get_typed_func(&store, "down").unwrap();
    (store, down)
}

/// The classic crash: guest calls host calls guest, until the native stack is gone. The limit is counted here, not by the
/// embedder, and strikes at the same rung everywhere.
#[test]
fn l50_the_ladder_of_host_and_guest_ends_at_a_fixed_rung() {
    let (mut store, down) = ladder(&engine(), (), |error| error);
    assert_eq!(store.limits().activation_depth, 64);
    // The outermost call is the first activation, so 63 more fit.
    assert_eq!(down.call(&mut store, 63).unwrap(), 63);
    for rungs in [64, 65, 1_000_000] {
        store.set_gas(1_000_000).unwrap();
        let error = down.call(&mut store, rungs).unwrap_err();
        assert_eq!(error.trap(), Some(Trap::ActivationDepth));
    }
    // Nothing of it stays behind.
    for _ in 0..100 {
        assert_eq!(down.call(&mut store, 63).unwrap(), 63);
        assert_eq!(down.call(&mut store, 64).unwrap_err().trap(), Some(Trap::ActivationDepth));
        store.set_gas(1_000_000).unwrap();
    }
}

/// 64 rungs must fit a thread of 1 MiB in any build, with room for what the host functions need themselves. Measured:
/// between 320 and 384 KiB without any optimisation.
#[test]
fn l50_the_whole_ladder_fits_a_small_native_stack() {
    let climb = || {
        let (mut store, down) = ladder(&engine(), (), |error| error);
        assert_eq!(down.call(&mut store, 63).unwrap(), 63);
        let error = down.call(&mut store, 64).unwrap_err();
        assert_eq!(error.trap(), Some(Trap::ActivationDepth));
    };
    std::thread::Builder::new().stack_size(512 << 10).spawn(climb).unwrap().join().unwrap();
}

/// Guest calls are not on the host's stack at all.
#[test]
fn l48_deep_guest_recursion_needs_no_native_stack() {
    let recurse = || {
        let engine = engine();
        let mut store = store(&engine, ());
        let module = module(&engine, r#"(module (func $f (export "f") call $f))"#);
        let f = Instance::new(&mut store, &module, &[]).unwrap().get_func(&store, "f").unwrap();
        let error = f.call(&mut store, &[], &mut []).unwrap_err();
        assert_eq!(error.trap(), Some(Trap::StackOverflow));
        assert_eq!(store.peak_stack_slots(), 131_072 / 4 * 4);
    };
    std::thread::Builder::new().stack_size(128 << 10).spawn(recurse).unwrap().join().unwrap();
}

/// Calls of host functions by the host are activations too: otherwise two of them could call each other forever.
#[test]
fn l50_host_functions_that_call_each_other_are_counted() {
    let engine = engine();
    let mut store = store(&engine, Vec::<Func>::new());
    let ping =
        Func::wrap(&mut store, |mut caller: Caller<'_, Vec<Func>>, depth: i32| -> Result<i32, Error> {
            let pong = caller.data()[0];
            let mut deepest = [Val::I32(0)];
            match pong.call(&mut caller, &[Val::I32(depth + 1)], &mut deepest) {
                Ok(()) => Ok(deepest[0].unwrap_i32()),
                Err(error) if error.trap() == Some(Trap::ActivationDepth) => Ok(depth),
                Err(error) => Err(error),
            }
        });
    store.data_mut().push(ping);
    let mut deepest = [Val::I32(0)];
    ping.call(&mut store, &[Val::I32(1)], &mut deepest).unwrap();
    assert_eq!(deepest, [Val::I32(64)]);
}

/// A start function is a call like any other, also when a host function makes the instance.
#[test]
fn l50_start_functions_that_instantiate_are_counted() {
    let engine = engine();
    let text = r#"(module (import "" "make" (func $make)) (func $s call $make) (start $s))"#;
    let mut linker = Linker::<u32>::new(&engine);
    let prepared: Arc<OnceLock<InstancePre<u32>>> = Arc::default();
    let itself = Arc::clone(&prepared);
    linker
        .func_wrap("", "make", move |mut caller: Caller<'_, u32>| -> Result<(), Error> {
            *caller.data_mut() += 1;
            itself.get().unwrap().instantiate(&mut caller).map(drop)
        })
        .unwrap();
    prepared.set(linker.instantiate_pre(&module(&engine, text)).unwrap()).unwrap();
    let mut store = store(&engine, 0);
    let error = prepared.get().unwrap().instantiate(&mut store).unwrap_err();
    assert_eq!(error.trap(), Some(Trap::ActivationDepth));
    assert_eq!(*store.data(), 64);
}

#[test]
fn a_trap_of_a_nested_call_is_a_value_and_leaves_height_as_it_was() {
    let engine = engine();
    let text = r#"(module
        (import "env" "try" (func $try (result i32)))
        (func $boom (export "boom") (param i32)
            (if (i32.eqz (local.get 0)) (then unreachable))
            (call $boom (i32.sub (local.get 0) (i32.const 1))))
        (func (export "small") (result i32) i32.const 1)
        (func (export "run") (result i32)
            (drop (call $try)) (drop (call $try)) (drop (call $try))
            (call $try)))"#;
    let module = module(&engine, text);
    let frame = |index: usize| u64::from(module.plan().function(index).unwrap().frame_slots());
    let (boom, run) = (frame(0), frame(2));
    let mut linker = Linker::new(&engine);
    linker
        .func_wrap("env", "try", |mut caller: Caller<'_, Vec<u64>>| -> Result<i32, Error> {
            let boom = caller.get_export("boom").unwrap().into_func().unwrap();
            let error = boom.call(&mut caller, &[Val::I32(9)], &mut []).unwrap_err();
            // Going on after a trap is what the law allows; the gas it used is gone.
            let gas = caller.gas();
            caller.data_mut().push(gas);
            Ok(error.trap().unwrap() as i32)
        })
        .unwrap();
    let mut store = store(&engine, Vec::new());
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let try_it = instance.get_typed_func::<(), i32>(&store, "run").unwrap();
    assert_eq!(try_it.call(&mut store, ()).unwrap(), Trap::Unreachable as i32);
    // Were a height left behind, the later ones would begin higher.
    assert_eq!(store.peak_stack_slots(), run + 10 * boom);
    assert!(store.data().is_sorted_by(|before, after| before > after));

    // With exactly that limit it fits, with one slot less it does not.
    let mut limits = store.limits();
    limits.stack_slots = run + 10 * boom;
    store.limit(limits).unwrap();
    assert_eq!(try_it.call(&mut store, ()).unwrap(), Trap::Unreachable as i32);
    limits.stack_slots -= 1;
    store.limit(limits).unwrap();
    assert_eq!(try_it.call(&mut store, ()).unwrap(), Trap::StackOverflow as i32);
    // The frame that was refused is not in the peak.
    assert_eq!(store.peak_stack_slots(), run + 9 * boom);
}

#[test]
fn the_peak_begins_anew_with_each_outermost_call_and_spans_nested_ones() {
    let (mut store, down) = ladder(&engine(), (), |error| error);
    let frame = u64::from(module(&engine(), LADDER).plan().function(0).unwrap().frame_slots());
    for rungs in [5, 0, 63] {
        down.call(&mut store, rungs).unwrap();
        assert_eq!(store.peak_stack_slots(), (rungs as u64 + 1) * frame);
    }
    // A host function counts no slots.
    let host = Func::wrap(&mut store, || ());
    host.call(&mut store, &[], &mut []).unwrap();
    assert_eq!(store.peak_stack_slots(), 0);
    // What did not begin has no height: depth comes before the stack.
    let limits = RunLimits { activation_depth: 0, ..store.limits() };
    store.limit(limits).unwrap();
    assert!(down.call(&mut store, 1).is_err());
    assert_eq!(store.peak_stack_slots(), 0);
}

/// A host function may try again and again: each try is refused for the same reason, and costs what its run costs.
#[test]
fn l51_swallowed_depth_traps_do_not_deepen_anything() {
    let (mut store, down) = ladder(&engine(), (), |_| Trap::Unreachable.into());
    for _ in 0..1_000 {
        store.set_gas(1_000_000).unwrap();
        assert_eq!(down.call(&mut store, 64).unwrap_err().trap(), Some(Trap::Unreachable));
    }
    assert_eq!(down.call(&mut store, 63).unwrap(), 63);
}

#[test]
fn l71_activation_depth_at_its_limit_and_one_above() {
    for depth in [1, 2, 3, 64, 200] {
        let limits = Limits { activation_depth: depth, ..Limits::default() };
        let engine = Engine::new(&Config::new().limits(limits)).unwrap();
        let (mut store, down) = ladder(&engine, (), |error| error);
        let rungs = i64::try_from(depth).unwrap();
        assert_eq!(down.call(&mut store, rungs - 1).unwrap(), rungs - 1, "{depth}");
        assert_eq!(down.call(&mut store, rungs).unwrap_err().trap(), Some(Trap::ActivationDepth), "{depth}");
    }
}

/// A nested call's gas is the store's: what it uses is gone, what it leaves is left.
#[test]
fn nested_calls_spend_the_same_gas() {
    let engine = engine();
    let (mut store, down) = ladder(&engine, (), |error| error);
    let mut used = |rungs: i64| {
        store.set_gas(1_000_000).unwrap();
        down.call(&mut store, rungs).unwrap();
        1_000_000 - store.gas()
    };
    let (none, one) = (used(0), used(1));
    assert!(one > none);
    for rungs in 2..64 {
        assert_eq!(used(rungs), none + (one - none) * rungs as u64, "{rungs}");
    }
}

#[test]
fn modules_of_one_engine_can_be_nested_in_one_store() {
    let engine = engine();
    let inner: Module = module(&engine, r#"(module (func (export "f") (result i64) i64.const 8))"#);
    let mut linker = Linker::<()>::new(&engine);
    linker
        .func_wrap("env", "again", move |mut caller: Caller<'_, ()>, x: i64| -> Result<i64, Error> {
            let instance = Instance::new(&mut caller, &inner, &[])?;
            let f = instance.get_typed_func::<(), i64>(&caller, "f")?;
            Ok(f.call(&mut caller, ())? + x)
        })
        .unwrap();
    let mut store = store(&engine, ());
    let instance = linker.instantiate(&mut store, &module(&engine, LADDER)).unwrap();
    let down = instance.get_typed_func::<i64, i64>(&store, "down").unwrap();
    assert_eq!(down.call(&mut store, 3).unwrap(), 8 + 2 + 1);
}
