//! Node faults: what is no outcome must never look like one, and must not be survived by the store it struck.

mod support;

use lockstep_vm::{
    Caller, Error, ErrorKind, Fault, Func, Instance, Linker, Memory, MemoryType, Module, Stop, Store, Table,
    TableType, Trap, Val, ValType,
};
use support::{GAS, engine, module, quietly, store};

fn fault(error: Error) -> Fault {
    match error.into_kind() {
        ErrorKind::Fault(fault) => fault,
        other => panic!("expected a fault, found {other:?}"),
    }
}

/// A panic that crossed guest code would take the node down, and with it every other contract.
#[test]
fn l59_a_panic_in_a_host_function_is_a_fault_and_the_engine_goes_on() {
    let engine = engine();
    let text = r#"(module
        (import "env" "host" (func $host (param i32)))
        (func (export "run") (param i32) local.get 0 call $host))"#;
    let mut linker = Linker::<()>::new(&engine);
    linker
        .func_wrap("env", "host", |mut caller: Caller<'_, ()>, how: i32| {
            caller.charge(7).unwrap();
            match how {
                0 => {}
                1 => panic!("a message"),
                2 => panic!("a {} message", "formatted"),
                _ => std::panic::panic_any(how),
            }
        })
        .unwrap();
    let prepared = linker.instantiate_pre(&module(&engine, text)).unwrap();
    let price = prepared.module().plan().function(0).unwrap().runs()[0].price;
    quietly(|| {
        for round in 0..2_500 {
            for (how, message) in [(1, "a message"), (2, "a formatted message"), (3, "no message"), (0, "")] {
                let mut store = store(&engine, ());
                let instance = prepared.instantiate(&mut store).unwrap();
                let run = instance.get_typed_func::<i32, ()>(&store, "run").unwrap();
                store.set_gas(GAS).unwrap();
                let outcome = run.call(&mut store, how);
                assert_eq!(store.gas(), GAS - price - 7, "round {round}: the gas is exact");
                match how {
                    0 => outcome.unwrap(),
                    _ => assert_eq!(
                        fault(outcome.unwrap_err()).message(),
                        format!("a host function panicked: {message}"),
                    ),
                }
            }
        }
    })
    .unwrap();
}

#[test]
fn after_a_fault_every_call_answers_the_same_and_the_gas_is_known() {
    let engine = engine();
    let mut store = store(&engine, ());
    let text = r#"(module
        (import "env" "host" (func $host))
        (func (export "run") call $host)
        (func $fine (export "fine"))
        (start $fine))"#;
    let module = module(&engine, text);
    let host = Func::wrap(&mut store, |mut caller: Caller<'_, ()>| -> Result<(), Error> {
        caller.charge(100)?;
        Err(Error::fault_from("the database does not answer", "disk on fire"))
    });
    let fine = Func::wrap(&mut store, || ());
    let instance = Instance::new(&mut store, &module, &[host.into()]).unwrap();
    let waiting = Linker::<()>::new(&engine)
        .define(&store, "env", "host", host)
        .unwrap()
        .instantiate_without_start(&mut store, &module)
        .unwrap();
    assert!(store.fault().is_none());
    let first = fault(instance.get_func(&store, "run").unwrap().call(&mut store, &[], &mut []).unwrap_err());
    assert_eq!(first.to_string(), "node fault: the database does not answer");
    assert_eq!(std::error::Error::source(&first).unwrap().to_string(), "disk on fire");
    let gas = store.gas();

    let exported = instance.get_func(&store, "fine").unwrap();
    let typed = exported.typed::<(), ()>(&store).unwrap();
    let mut linker = Linker::<()>::new(&engine);
    linker.func_wrap("env", "host", || ()).unwrap();
    let table_type = TableType { element: ValType::FuncRef, minimum: 1, maximum: None };
    let answers = [
        exported.call(&mut store, &[], &mut []),
        // Before anything is said about arguments.
        exported.call(&mut store, &[Val::I32(1)], &mut []),
        typed.call(&mut store, ()),
        fine.call(&mut store, &[], &mut []),
        waiting.run_start(&mut store),
        Instance::new(&mut store, &module, &[host.into()]).map(drop),
        linker.instantiate(&mut store, &module).map(drop),
        linker.instantiate_without_start(&mut store, &module).map(drop),
        linker.instantiate_pre(&module).unwrap().instantiate(&mut store).map(drop),
        Memory::new(&mut store, MemoryType { minimum: 0, maximum: None }).map(drop),
        Table::new(&mut store, table_type, Val::FuncRef(None)).map(drop),
    ];
    for answer in answers {
        assert!(fault(answer.unwrap_err()).same(&first));
    }
    assert!(store.fault().unwrap().same(&first));
    assert_eq!(store.gas(), gas);
    // A fault is no property of the engine.
    let mut other = support::store(&engine, ());
    linker.instantiate(&mut other, &module).unwrap();
}

/// A host function that carries on after a fault below it would turn half an execution into a receipt.
#[test]
fn a_fault_cannot_be_swallowed_by_an_outer_host_function() {
    let engine = engine();
    for how in ["value", "trap", "stop", "other fault", "panic", "charge"] {
        let mut store = store(&engine, ());
        let inner = Func::wrap(&mut store, || Err::<(), _>(Error::fault("inner")));
        let outer = Func::wrap(&mut store, move |mut caller: Caller<'_, ()>| -> Result<(), Error> {
            assert!(inner.call(&mut caller, &[], &mut []).unwrap_err().is_fault());
            // It cannot even try again.
            assert!(inner.call(&mut caller, &[], &mut []).unwrap_err().is_fault());
            match how {
                "value" => Ok(()),
                "trap" => Err(Trap::Unreachable.into()),
                "stop" => Err(Stop::host(()).into()),
                "other fault" => Err(Error::fault("outer")),
                "panic" => panic!("outer"),
                _ => Ok(caller.charge(u64::MAX)?),
            }
        });
        let text = r#"(module (import "" "" (func $outer)) (func (export "run") call $outer call $outer))"#;
        let instance = Instance::new(&mut store, &module(&engine, text), &[outer.into()]).unwrap();
        let run = instance.get_func(&store, "run").unwrap();
        let error = quietly(|| run.call(&mut store, &[], &mut []).unwrap_err()).unwrap();
        assert_eq!(fault(error).message(), "inner", "{how}");
    }
}

/// The law has four endings. A host function that fails in another way has not said how the execution ends.
#[test]
fn an_error_that_is_no_outcome_is_a_fault() {
    let engine = engine();
    let other = engine.clone();
    let mut store = store(&engine, ());
    let usage = Func::wrap(&mut store, |mut caller: Caller<'_, ()>| caller.set_gas(u64::MAX));
    let error = usage.call(&mut store, &[], &mut []).unwrap_err();
    assert!(fault(error).message().contains("more gas than a store can have"));

    let mut store = support::store(&engine, ());
    let invalid = Func::wrap(&mut store, move || Module::new(&other, b"no module").map(drop));
    let error = invalid.call(&mut store, &[], &mut []).unwrap_err();
    assert!(fault(error).message().contains("not a WebAssembly module"));
}

/// A handle of another store makes a method without a result panic; within a host function that is a fault like any.
#[test]
fn l77_a_wrong_handle_in_a_host_function_is_a_fault() {
    let engine = engine();
    let mut other = store(&engine, ());
    let memory = Memory::new(&mut other, MemoryType { minimum: 1, maximum: None }).unwrap();
    let mut store = store(&engine, ());
    let host = Func::wrap(&mut store, move |caller: Caller<'_, ()>| memory.data(&caller).len() as i64);
    let error = quietly(|| host.call(&mut store, &[], &mut [Val::I64(0)]).unwrap_err()).unwrap();
    assert!(fault(error).message().contains("belongs to another store"));
}

/// Contracts that call contracts have a store each: the fault of the inner one must reach the outer one.
#[test]
fn a_fault_crosses_from_store_to_store() {
    let engine = engine();
    let mut outer = store(&engine, engine.clone());
    let host = Func::wrap(&mut outer, |caller: Caller<'_, lockstep_vm::Engine>| -> Result<(), Error> {
        let mut inner: Store<()> = support::store(caller.data(), ());
        Func::wrap(&mut inner, || Err::<(), _>(Error::fault("inner"))).call(&mut inner, &[], &mut [])
    });
    let error = host.call(&mut outer, &[], &mut []).unwrap_err();
    assert_eq!(fault(error).message(), "inner");
    assert!(outer.fault().is_some());
}

/// Ordinary endings leave a store as good as it was.
#[test]
fn traps_and_stops_do_not_poison() {
    let engine = engine();
    let mut store = store(&engine, ());
    let ends = Func::wrap(&mut store, |how: i32| match how {
        0 => Ok(()),
        1 => Err(Error::from(Trap::Unreachable)),
        _ => Err(Error::stop("stop")),
    });
    let ends = ends.typed::<i32, ()>(&store).unwrap();
    for how in [1, 2, 0, 2, 1, 0] {
        assert_eq!(ends.call(&mut store, how).is_ok(), how == 0);
        assert!(store.fault().is_none());
    }
}
