//! Host functions: charging, endings, values, and state that borrows.

mod support;

use lockstep_vm::{
    Caller, Config, Engine, Error, ErrorKind, Func, FuncType, Host, HostLinker, Instance, Linker, Memory,
    Module, Stop, Store, Trap, Val, ValType,
};
use std::sync::atomic::{AtomicBool, Ordering};
use support::{GAS, engine, module, store};

/// A module whose export `run` calls the host function `host`, and one that tail-calls it.
fn calls_host(engine: &Engine) -> Module {
    module(
        engine,
        r#"(module
            (import "env" "host" (func $host))
            (memory 1)
            (func (export "run") call $host)
            (func (export "tail") return_call $host))"#,
    )
}

/// What a host function can end with.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Ending {
    Value,
    Trap,
    Stop,
    Fault,
    Panic,
}

const ENDINGS: [Ending; 5] = [Ending::Value, Ending::Trap, Ending::Stop, Ending::Fault, Ending::Panic];

impl Ending {
    fn end(self) -> Result<(), Error> {
        match self {
            Ending::Value => Ok(()),
            Ending::Trap => Err(Trap::Unreachable.into()),
            Ending::Stop => Err(Stop::host("stop").into()),
            Ending::Fault => Err(Error::fault("fault")),
            Ending::Panic => panic!("panic"),
        }
    }
}

/// A host function that swallows the failure of its charge would otherwise do its work for nothing.
#[test]
fn l34_a_failed_charge_cannot_be_swallowed() {
    let engine = engine();
    for ending in ENDINGS {
        for name in ["run", "tail", "direct"] {
            for refill in [0, 1_000] {
                let mut store = store(&engine, ());
                let host = Func::wrap(&mut store, move |mut caller: Caller<'_, ()>| {
                    assert_eq!(caller.charge(u64::MAX), Err(Trap::OutOfGas));
                    assert_eq!(caller.gas(), 0);
                    caller.set_gas(refill).unwrap();
                    // A later charge that succeeds changes nothing.
                    caller.charge(refill / 2).unwrap();
                    ending.end()
                });
                let instance = Instance::new(&mut store, &calls_host(&engine), &[host.into()]).unwrap();
                let func = instance.get_func(&store, name).unwrap_or(host);
                let error = support::quietly(|| func.call(&mut store, &[], &mut []).unwrap_err()).unwrap();
                let context = format!("{ending:?} {name} {refill}");
                match ending {
                    // There is no outcome, so there is none to correct.
                    Ending::Fault | Ending::Panic => {
                        assert!(error.is_fault(), "{context}: {error}");
                        assert_eq!(store.gas(), refill - refill / 2, "{context}");
                    }
                    _ => {
                        assert_eq!(error.trap(), Some(Trap::OutOfGas), "{context}");
                        assert_eq!(store.gas(), 0, "{context}");
                    }
                }
            }
        }
    }
}

/// The charge that failed belongs to one host function, not to those around or within it.
#[test]
fn l34_a_failed_charge_ends_its_own_host_function_only() {
    let engine = engine();
    let mut store = store(&engine, ());
    let poor = Func::wrap(&mut store, |mut caller: Caller<'_, ()>| -> i32 {
        let _ = caller.charge(u64::MAX);
        7
    });
    // The outer one sees a trap and may go on.
    let outer = Func::wrap(&mut store, move |mut caller: Caller<'_, ()>| -> Result<i32, Error> {
        let error = poor.call(&mut caller, &[], &mut [Val::I32(0)]).unwrap_err();
        assert_eq!(error.trap(), Some(Trap::OutOfGas));
        caller.set_gas(50)?;
        caller.charge(20)?;
        Ok(1)
    });
    let mut results = [Val::I32(0)];
    outer.call(&mut store, &[], &mut results).unwrap();
    assert_eq!((results[0], store.gas()), (Val::I32(1), 30));

    // And one within does not make the outer one's failure good.
    let rich = Func::wrap(&mut store, |mut caller: Caller<'_, ()>| caller.charge(1).is_ok() as i32);
    let outer = Func::wrap(&mut store, move |mut caller: Caller<'_, ()>| -> Result<i32, Error> {
        let _ = caller.charge(u64::MAX);
        caller.set_gas(50)?;
        // What is called meanwhile has failed at nothing.
        let mut charged = [Val::I32(0)];
        rich.call(&mut caller, &[], &mut charged).unwrap();
        assert_eq!(charged, [Val::I32(1)]);
        Ok(1)
    });
    let error = outer.call(&mut store, &[], &mut results).unwrap_err();
    assert_eq!((error.trap(), store.gas()), (Some(Trap::OutOfGas), 0));
    // Nothing of it is left for the next call.
    store.set_gas(50).unwrap();
    rich.call(&mut store, &[], &mut results).unwrap();
    assert_eq!((results[0], store.gas()), (Val::I32(1), 49));
}

#[test]
fn gas_is_exact_around_a_host_function_however_it_ends() {
    let engine = engine();
    let module = calls_host(&engine);
    let price = module.plan().function(0).unwrap().runs()[0].price;
    for ending in ENDINGS {
        let mut store = store(&engine, 0);
        let host = Func::wrap(&mut store, move |mut caller: Caller<'_, u64>| -> Result<(), Error> {
            *caller.data_mut() = caller.gas();
            caller.charge(11)?;
            ending.end()
        });
        let instance = Instance::new(&mut store, &module, &[host.into()]).unwrap();
        store.set_gas(GAS).unwrap();
        let run = instance.get_func(&store, "run").unwrap();
        let outcome = support::quietly(|| run.call(&mut store, &[], &mut [])).unwrap();
        assert_eq!(outcome.is_ok(), ending == Ending::Value);
        // It saw what was left after the run with the call, and the gas of what ran is known after all endings.
        assert_eq!(*store.data(), GAS - price, "{ending:?}");
        assert_eq!(store.gas(), GAS - price - 11, "{ending:?}");
    }
}

#[test]
fn a_charge_of_all_the_gas_succeeds_and_of_one_more_fails() {
    let engine = engine();
    let mut store = store(&engine, ());
    let charge = Func::wrap(&mut store, |mut caller: Caller<'_, ()>, gas: u64| -> Result<(), Trap> {
        caller.charge(gas)
    });
    let charge = charge.typed::<u64, ()>(&store).unwrap();
    store.set_gas(10).unwrap();
    charge.call(&mut store, 0).unwrap();
    charge.call(&mut store, 10).unwrap();
    assert_eq!(store.gas(), 0);
    charge.call(&mut store, 0).unwrap();
    assert_eq!(charge.call(&mut store, 1).unwrap_err().trap(), Some(Trap::OutOfGas));
    store.set_gas(i64::MAX as u64).unwrap();
    assert_eq!(charge.call(&mut store, u64::MAX).unwrap_err().trap(), Some(Trap::OutOfGas));
    assert_eq!(store.gas(), 0);
}

#[test]
fn a_stop_crosses_guest_frames_with_its_payload() {
    let engine = engine();
    #[derive(Debug, PartialEq)]
    struct Revert(Vec<u8>);
    let mut store = store(&engine, ());
    let inner = Func::wrap(&mut store, || Err::<(), _>(Stop::host(Revert(vec![1, 2, 3]))));
    let module = calls_host(&engine);
    let inner =
        Instance::new(&mut store, &module, &[inner.into()]).unwrap().get_func(&store, "tail").unwrap();
    // An outer host function sees it as the error of its call, and may hand it on or not.
    let seen = std::sync::Arc::new(AtomicBool::new(false));
    let sees = std::sync::Arc::clone(&seen);
    let outer = Func::wrap(&mut store, move |mut caller: Caller<'_, ()>| -> Result<(), Error> {
        let error = inner.call(&mut caller, &[], &mut []).unwrap_err();
        let ErrorKind::Stop(stop) = error.kind() else { panic!("{error}") };
        sees.store(stop.is::<Revert>(), Ordering::Relaxed);
        Err(error)
    });
    let run = Instance::new(&mut store, &module, &[outer.into()]).unwrap().get_func(&store, "run").unwrap();
    let stop = run.call(&mut store, &[], &mut []).unwrap_err().into_stop().unwrap();
    assert!(seen.load(Ordering::Relaxed));
    let stop = stop.downcast::<String>().unwrap_err();
    assert_eq!(stop.downcast_ref(), Some(&Revert(vec![1, 2, 3])));
    assert_eq!(stop.downcast::<Revert>().unwrap(), Revert(vec![1, 2, 3]));
}

#[test]
fn closures_may_return_values_results_and_their_own_errors() {
    struct Own;
    impl From<Own> for Error {
        fn from(_: Own) -> Error {
            Stop::host(42_u8).into()
        }
    }
    let engine = engine();
    let mut linker = Linker::<()>::new(&engine);
    linker.func_wrap("", "unit", || ()).unwrap();
    linker.func_wrap("", "pair", |_: Caller<'_, ()>| (1_i32, 2_i64)).unwrap();
    linker.func_wrap("", "trap", || Err::<(), _>(Trap::DivideByZero)).unwrap();
    linker.func_wrap("", "own", |fail: i32| if fail == 0 { Ok(5_u64) } else { Err(Own) }).unwrap();
    let mut store = store(&engine, ());
    let mut get = |name: &str| linker.get(&mut store, "", name).unwrap().into_func().unwrap();
    let (unit, pair, trap, own) = (get("unit"), get("pair"), get("trap"), get("own"));
    assert_eq!(unit.ty(&store).to_string(), "[] -> []");
    assert_eq!(pair.ty(&store).to_string(), "[] -> [i32 i64]");
    assert_eq!(own.ty(&store).to_string(), "[i32] -> [i64]");
    assert_eq!(pair.typed::<(), (i32, i64)>(&store).unwrap().call(&mut store, ()).unwrap(), (1, 2));
    assert_eq!(trap.call(&mut store, &[], &mut []).unwrap_err().trap(), Some(Trap::DivideByZero));
    let own = own.typed::<i32, u64>(&store).unwrap();
    assert_eq!(own.call(&mut store, 0).unwrap(), 5);
    let stop = own.call(&mut store, 1).unwrap_err().into_stop().unwrap();
    assert_eq!(stop.downcast::<u8>().unwrap(), 42);
}

/// Which NaN a processor makes is its own affair: what a host function computed must not tell.
#[test]
fn l02_floats_of_host_functions_are_canonical() {
    const F32: u32 = 0x7fc0_0000;
    const F64: u64 = 0x7ff8_0000_0000_0000;
    let nans_32 = [0x7f80_0001, 0x7fc0_0001, 0xffc0_0000, 0xff80_0001, u32::MAX, 0x7fff_ffff, F32];
    let nans_64 = [
        0x7ff0_0000_0000_0001,
        0x7ff8_0000_0000_0001,
        0xfff8_0000_0000_0000,
        u64::MAX,
        0xfff0_0000_0000_0001,
        F64,
    ];
    let kept_32 = [0, 1 << 31, 0x7f80_0000, 0xff80_0000, 1, 0x3f80_0000, 0x7f7f_ffff];
    let kept_64 = [0, 1 << 63, 0x7ff0_0000_0000_0000, 0xfff0_0000_0000_0000, 1, 0x3ff0_0000_0000_0000];
    let engine = engine();
    let mut linker = Linker::<()>::new(&engine);
    linker.func_wrap("", "wrap", |a: u32, b: u64| (f32::from_bits(a), f64::from_bits(b), a, b)).unwrap();
    let ty =
        FuncType::new([ValType::I32, ValType::I64], [ValType::F32, ValType::F64, ValType::I32, ValType::I64]);
    linker
        .func_new("", "new", ty, |_: Caller<'_, ()>, arguments: &[Val], results: &mut [Val]| {
            let (a, b) = (arguments[0].unwrap_i32(), arguments[1].unwrap_i64());
            results.copy_from_slice(&[Val::F32(a as u32), Val::F64(b as u64), Val::I32(a), Val::I64(b)]);
            Ok(())
        })
        .unwrap();
    let mut store = store(&engine, ());
    for name in ["wrap", "new"] {
        let direct = linker.get(&mut store, "", name).unwrap().into_func().unwrap();
        let text = format!(
            r#"(module (import "" "{name}" (func $f (param i32 i64) (result f32 f64 i32 i64)))
                (func (export "run") (param i32 i64) (result f32 f64 i32 i64)
                    local.get 0 local.get 1 call $f))"#
        );
        let instance = linker.instantiate(&mut store, &module(&engine, &text)).unwrap();
        for func in [direct, instance.get_func(&store, "run").unwrap()] {
            let mut check = |a: u32, b: u64, expected_a: u32, expected_b: u64| {
                let mut results = [Val::I32(0); 4];
                let arguments = [Val::I32(a as i32), Val::I64(b as i64)];
                func.call(&mut store, &arguments, &mut results).unwrap();
                // Integers with the same bits are left alone.
                let expected = [Val::F32(expected_a), Val::F64(expected_b), arguments[0], arguments[1]];
                assert_eq!(results, expected, "{name} {a:#x} {b:#x}");
            };
            nans_32.into_iter().zip(nans_64).for_each(|(a, b)| check(a, b, F32, F64));
            kept_32.into_iter().zip(kept_64).for_each(|(a, b)| check(a, b, a, b));
        }
    }
}

/// A slice of a memory borrows the store, so a host function has to ask again after a call that may have moved it.
#[test]
fn l75_memory_grown_by_a_nested_call_is_seen_by_host_and_guest() {
    let engine = engine();
    let text = r#"(module
        (import "env" "host" (func $host (param i32)))
        (memory (export "memory") 1 200)
        (func (export "grow") (param i32) (result i32) local.get 0 memory.grow)
        (func (export "run") (result i32)
            (i32.store (i32.const 0) (i32.const 5))
            (call $host (i32.const 150))
            ;; Written by the host behind the old end, and in the old part.
            (i32.add (i32.load (i32.const 6553600)) (i32.load (i32.const 0)))))"#;
    let mut linker = Linker::new(&engine);
    linker
        .func_wrap("env", "host", |mut caller: Caller<'_, ()>, delta: i32| -> Result<(), Error> {
            let memory = caller.memory().unwrap();
            assert_eq!(memory.data(&caller)[0], 5);
            let grow = caller.get_export("grow").and_then(|item| item.into_func()).unwrap();
            let before = grow.typed::<i32, i32>(&caller)?.call(&mut caller, delta)?;
            assert_eq!(before, 1);
            memory.grow(&mut caller, 1)?;
            let bytes = memory.data_mut(&mut caller);
            assert_eq!(bytes.len(), 152 << 16);
            bytes[6_553_600] = 30;
            bytes[0] += 1;
            Ok(())
        })
        .unwrap();
    let mut store = store(&engine, ());
    let instance = linker.instantiate(&mut store, &module(&engine, text)).unwrap();
    let run = instance.get_typed_func::<(), i32>(&store, "run").unwrap();
    assert_eq!(run.call(&mut store, ()).unwrap(), 36);
}

/// The caller is who calls: not who exports, and nobody when the host calls.
#[test]
fn a_host_function_sees_the_memory_of_the_calling_instance() {
    let engine = engine();
    let mut linker = Linker::<Vec<Option<u8>>>::new(&engine);
    linker
        .func_wrap("env", "look", |mut caller: Caller<'_, Vec<Option<u8>>>| {
            let byte = caller.memory().map(|memory: Memory| memory.data(&caller)[0]);
            caller.data_mut().push(byte);
            assert_eq!(caller.instance().is_some(), byte.is_some());
        })
        .unwrap();
    let mut store = store(&engine, Vec::new());
    let text = |byte: &str| {
        format!(
            r#"(module (import "env" "look" (func $look)) (memory 1) (data (i32.const 0) "{byte}")
                (table (export "table") 1 funcref) (elem (i32.const 0) $look)
                (export "look" (func $look))
                (func (export "run") call $look)
                (func (export "indirect") i32.const 0 call_indirect)
                (func (export "tail") return_call $look))"#
        )
    };
    let a = linker.instantiate(&mut store, &module(&engine, &text("a"))).unwrap();
    let b = linker.instantiate(&mut store, &module(&engine, &text("b"))).unwrap();
    for (instance, name) in
        [(a, "run"), (b, "run"), (a, "indirect"), (b, "indirect"), (a, "tail"), (b, "tail"), (a, "look")]
    {
        instance.get_func(&store, name).unwrap().call(&mut store, &[], &mut []).unwrap();
    }
    let (a, b) = (Some(b'a'), Some(b'b'));
    assert_eq!(*store.data(), [a, b, a, b, a, b, None]);
}

/// State that borrows, of a type that is neither `Send` nor `'static`, without unsafe code.
#[test]
fn data_may_borrow_for_one_call() {
    trait State {
        fn add(&mut self, x: i32) -> i32;
    }
    struct Total<'a>(&'a std::cell::Cell<i32>);
    impl State for Total<'_> {
        fn add(&mut self, x: i32) -> i32 {
            self.0.set(self.0.get() + x);
            self.0.get()
        }
    }
    struct Node;
    impl Host for Node {
        type Data<'a> = &'a mut dyn State;
    }
    let engine = engine();
    let text = r#"(module (import "env" "add" (func $add (param i32) (result i32)))
        (import "env" "dynamic" (func $dynamic (param i32) (result i32)))
        (func (export "run") (param i32) (result i32) local.get 0 call $add call $dynamic))"#;
    let mut linker: HostLinker<Node> = HostLinker::new(&engine);
    linker.func_wrap("env", "add", |mut c: Caller<'_, &mut dyn State>, x: i32| c.data_mut().add(x)).unwrap();
    let ty = FuncType::new([ValType::I32], [ValType::I32]);
    linker
        .func_new("env", "dynamic", ty, |mut caller, arguments, results| {
            results[0] = caller.data_mut().add(arguments[0].unwrap_i32()).into();
            Ok(())
        })
        .unwrap();
    let prepared = linker.instantiate_pre(&module(&engine, text)).unwrap();
    let cell = std::cell::Cell::new(0);
    for expected in [2, 6, 14] {
        let mut total = Total(&cell);
        let mut store: Store<&mut dyn State> = support::store(&engine, &mut total as &mut dyn State);
        let instance = prepared.instantiate(&mut store).unwrap();
        let run = instance.get_typed_func::<i32, i32>(&store, "run").unwrap();
        assert_eq!(run.call(&mut store, 1).unwrap(), expected);
    }
}

/// The types of `func_new` are the host's promise; breaking it is the node's failure, not the contract's.
#[test]
fn a_result_of_the_wrong_type_is_a_fault() {
    let engine = Engine::new(&Config::new()).unwrap();
    let mut store = store(&engine, ());
    let ty = FuncType::new([], [ValType::I64]);
    let func = Func::new(&mut store, ty, |_, _, results| {
        results[0] = Val::I32(1);
        Ok(())
    });
    let error = func.call(&mut store, &[], &mut [Val::I64(0)]).unwrap_err();
    assert!(error.is_fault());
    assert!(error.to_string().contains("result 0 of a host function has type i32"), "{error}");
}
