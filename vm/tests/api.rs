//! Calls, values and handles: what an embedder does right, and what it is told when it does not.

mod support;

use lockstep_vm::{
    AsContextMut, Caller, Engine, Error, ErrorKind, ExternRef, Func, FuncType, Global, GlobalType, Host,
    HostInstancePre, Instance, InstancePre, Linker, Memory, MemoryType, Module, Store, Table, TableType,
    Trap, TrapError, TypedFunc, Usage, Val, ValType,
};
use support::{GAS, engine, module, quietly, store};

fn usage(error: Error) -> Usage {
    match error.into_kind() {
        ErrorKind::Usage(usage) => usage,
        other => panic!("expected a usage error, found {other:?}"),
    }
}

#[test]
fn wrong_counts_and_types_of_arguments_cost_nothing_and_are_named() {
    let engine = engine();
    let mut store = store(&engine, ());
    let module = module(&engine, r#"(module (func (export "f") (param i32 i64) (result i32) local.get 0))"#);
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let f = instance.get_func(&store, "f").unwrap();
    let gas = store.gas();
    let ty = FuncType::new([ValType::I32, ValType::I64], [ValType::I32]);
    let mut one = [Val::I32(0)];

    let error = f.call(&mut store, &[Val::I32(1)], &mut one).unwrap_err();
    assert_eq!(usage(error), Usage::ArgumentCount { function: ty.clone(), given: 1 });
    let error = f.call(&mut store, &[Val::I32(1), Val::I32(1)], &mut one).unwrap_err();
    assert_eq!(error.to_string(), "argument 1 has type i32, and the function has type [i32 i64] -> [i32]");
    assert_eq!(usage(error), Usage::ArgumentType { index: 1, function: ty.clone(), given: ValType::I32 });
    let error = f.call(&mut store, &[Val::I32(1), Val::I64(1)], &mut []).unwrap_err();
    assert_eq!(usage(error), Usage::ResultCount { function: ty.clone(), given: 0 });

    let error = instance.get_typed_func::<(i32, i64), i64>(&store, "f").unwrap_err();
    let expected = FuncType::new([ValType::I32, ValType::I64], [ValType::I64]);
    assert_eq!(usage(error), Usage::FunctionType { expected, found: ty });
    let error = instance.get_typed_func::<(), ()>(&store, "g").unwrap_err();
    assert_eq!(usage(error), Usage::NoFunction { name: "g".into() });
    assert_eq!(store.gas(), gas);

    f.call(&mut store, &[Val::I32(7), Val::I64(1)], &mut one).unwrap();
    assert_eq!(one, [Val::I32(7)]);
}

/// A frame that does not fit is a trap; arguments of the wrong type are a mistake, whatever the limits say.
#[test]
fn arguments_are_checked_before_depth_and_depth_before_the_stack() {
    let engine = engine();
    let mut store = store(&engine, ());
    let module = module(&engine, r#"(module (func (export "f") (param i32)))"#);
    let f = Instance::new(&mut store, &module, &[]).unwrap().get_func(&store, "f").unwrap();
    let mut limits = store.limits();
    limits.stack_slots = 0;
    store.limit(limits).unwrap();
    let call = |store: &mut Store<()>, argument: Val| f.call(store, &[argument], &mut []).unwrap_err();
    assert_eq!(call(&mut store, Val::I32(0)).trap(), Some(Trap::StackOverflow));
    limits.activation_depth = 0;
    store.limit(limits).unwrap();
    assert_eq!(call(&mut store, Val::I32(0)).trap(), Some(Trap::ActivationDepth));
    assert!(matches!(usage(call(&mut store, Val::I64(0))), Usage::ArgumentType { .. }));
}

#[test]
fn every_type_of_value_goes_in_and_comes_out_unchanged() {
    let engine = engine();
    let mut store = store(&engine, ());
    let module = module(
        &engine,
        r#"(module
            (func (export "same") (param i32 i64 f32 f64 funcref externref)
                (result externref funcref f64 f32 i64 i32)
                local.get 5 local.get 4 local.get 3 local.get 2 local.get 1 local.get 0))"#,
    );
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let same = instance.get_func(&store, "same").unwrap();
    let host = Func::wrap(&mut store, || 1);
    let reference = ExternRef::new(&mut store, String::from("mine"));
    // A signalling NaN with a payload: the bits are not to be touched.
    let (f32_bits, f64_bits) = (0x7fa0_1234, 0xfff4_0000_dead_beef);
    let arguments = [
        Val::I32(i32::MIN),
        Val::I64(i64::MIN),
        Val::F32(f32_bits),
        Val::F64(f64_bits),
        Val::FuncRef(Some(host)),
        Val::ExternRef(Some(reference)),
    ];
    let mut results = [Val::I32(0); 6];
    same.call(&mut store, &arguments, &mut results).unwrap();
    results.reverse();
    assert_eq!(results, arguments);
    let Val::ExternRef(Some(back)) = results[5] else { panic!() };
    assert_eq!(back.data(&store).downcast_ref::<String>().unwrap(), "mine");

    let nulls =
        [Val::I32(0), Val::I64(0), Val::F32(0), Val::F64(0), Val::FuncRef(None), Val::ExternRef(None)];
    let mut results = [Val::I32(9); 6];
    same.call(&mut store, &nulls, &mut results).unwrap();
    results.reverse();
    assert_eq!(results, nulls);

    type Six = (u32, u64, f32, f64, Option<Func>, Option<ExternRef>);
    type Xis = (Option<ExternRef>, Option<Func>, f64, f32, u64, u32);
    let typed: TypedFunc<Six, Xis> = same.typed(&store).unwrap();
    let (e, f, d, s, l, i) =
        typed.call(&mut store, (u32::MAX, u64::MAX, 1.5, -0.0, Some(host), Some(reference))).unwrap();
    assert_eq!((e, f, d.to_bits(), s, l, i), (Some(reference), Some(host), 1 << 63, 1.5, u64::MAX, u32::MAX));
}

#[test]
fn sixteen_parameters_and_results_are_not_too_many_and_keep_their_order() {
    let engine = engine();
    let mut store = store(&engine, Vec::new());
    type Sixteen = (i32, i64, i32, i64, i32, i64, i32, i64, i32, i64, i32, i64, i32, i64, i32, i64);
    let host = Func::wrap(
        &mut store,
        #[allow(clippy::too_many_arguments)]
        |mut caller: Caller<'_, Vec<i64>>,
         a: i32,
         b: i64,
         c: i32,
         d: i64,
         e: i32,
         f: i64,
         g: i32,
         h: i64,
         i: i32,
         j: i64,
         k: i32,
         l: i64,
         m: i32,
         n: i64,
         o: i32,
         p: i64|
         -> Sixteen {
            caller.data_mut().extend([b, d, f, h, j, l, n, p]);
            (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)
        },
    );
    let given: Sixteen = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    let text = r#"(module
        (type $t (func (param i32 i64 i32 i64 i32 i64 i32 i64 i32 i64 i32 i64 i32 i64 i32 i64)
            (result i32 i64 i32 i64 i32 i64 i32 i64 i32 i64 i32 i64 i32 i64 i32 i64)))
        (import "" "" (func $host (type $t)))
        (func (export "f") (type $t)
            local.get 0 local.get 1 local.get 2 local.get 3 local.get 4 local.get 5 local.get 6 local.get 7
            local.get 8 local.get 9 local.get 10 local.get 11 local.get 12 local.get 13 local.get 14 local.get 15
            call $host))"#;
    let instance = Instance::new(&mut store, &module(&engine, text), &[host.into()]).unwrap();
    let f = instance.get_typed_func::<Sixteen, Sixteen>(&store, "f").unwrap();
    let returned = f.call(&mut store, given).unwrap();
    // The standard library compares no tuples of sixteen.
    let (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p) = returned;
    assert_eq!([a, c, e, g, i, k, m, o], [0, 2, 4, 6, 8, 10, 12, 14]);
    assert_eq!([b, d, f, h, j, l, n, p], [1, 3, 5, 7, 9, 11, 13, 15]);
    assert_eq!(*store.data(), [1, 3, 5, 7, 9, 11, 13, 15]);
}

#[test]
fn globals_and_tables_refuse_what_they_cannot_hold() {
    let engine = engine();
    let mut store = store(&engine, ());
    let constant = GlobalType { content: ValType::I32, mutable: false };
    let global = Global::new(&mut store, constant, Val::I32(3)).unwrap();
    assert_eq!(usage(global.set(&mut store, Val::I32(4)).unwrap_err()), Usage::ImmutableGlobal);
    assert!(matches!(
        usage(Global::new(&mut store, constant, Val::I64(3)).unwrap_err()),
        Usage::ValueType { expected: ValType::I32, given: ValType::I64 },
    ));
    assert_eq!(global.get(&store), Val::I32(3));

    let ty = TableType { element: ValType::FuncRef, minimum: 3, maximum: None };
    assert!(matches!(
        usage(Table::new(&mut store, TableType { element: ValType::I32, ..ty }, Val::I32(0)).unwrap_err()),
        Usage::NoReference { .. },
    ));
    let table = Table::new(&mut store, ty, Val::FuncRef(None)).unwrap();
    assert!(matches!(
        usage(table.set(&mut store, 0, Val::ExternRef(None)).unwrap_err()),
        Usage::ValueType { .. },
    ));
    let f = Func::wrap(&mut store, || ());
    for (at, length) in [(3, 1), (2, 2), (u64::MAX, 1), (1, u64::MAX), (1 << 32, 0), (4, 0)] {
        let error = table.fill(&mut store, at, f.into(), length).unwrap_err();
        assert_eq!(error.trap(), Some(Trap::TableOutOfBounds), "{at} {length}");
    }
    assert!((0..3).all(|index| table.get(&store, index) == Some(Val::FuncRef(None))));
    table.fill(&mut store, 3, f.into(), 0).unwrap();
    table.fill(&mut store, 1, f.into(), 2).unwrap();
    assert_eq!(table.get(&store, 2), Some(f.into()));
    assert_eq!(table.get(&store, u64::MAX), None);
}

#[test]
fn reads_and_writes_across_the_end_of_a_memory_change_nothing() {
    let engine = engine();
    let mut store = store(&engine, ());
    let memory = Memory::new(&mut store, MemoryType { minimum: 1, maximum: None }).unwrap();
    for (offset, length) in
        [(65_535, 2), (65_536, 1), (65_537, 0), (usize::MAX, 1), (usize::MAX, 0), (0, 65_537)]
    {
        let mut buffer = vec![7; length];
        assert_eq!(
            memory.write(&mut store, offset, &buffer),
            Err(Trap::MemoryOutOfBounds),
            "{offset} {length}"
        );
        assert_eq!(
            memory.read(&store, offset, &mut buffer),
            Err(Trap::MemoryOutOfBounds),
            "{offset} {length}"
        );
    }
    assert!(memory.data(&store).iter().all(|byte| *byte == 0));
    memory.write(&mut store, 65_536, &[]).unwrap();
    memory.write(&mut store, 65_535, &[1]).unwrap();
    memory.data_mut(&mut store)[0] = 2;
    assert_eq!((memory.data(&store)[0], memory.data(&store)[65_535]), (2, 1));
}

/// A handle names a place in a store: in another store the same place is something else.
#[test]
fn l77_handles_of_another_store_or_engine_are_refused() {
    let engine = engine();
    let mut a = store(&engine, ());
    let mut b = store(&engine, ());
    let ty = TableType { element: ValType::FuncRef, minimum: 1, maximum: None };
    let f = Func::wrap(&mut a, |_: Option<Func>, _: Option<ExternRef>| ());
    let memory = Memory::new(&mut a, MemoryType { minimum: 1, maximum: None }).unwrap();
    let table = Table::new(&mut a, ty, Val::FuncRef(None)).unwrap();
    let global =
        Global::new(&mut a, GlobalType { content: ValType::FuncRef, mutable: true }, Val::FuncRef(None))
            .unwrap();
    let reference = ExternRef::new(&mut a, ());
    let nothing = module(&engine, r#"(module (func (export "f")) (start 0))"#);
    let instance = Instance::new(&mut a, &nothing, &[]).unwrap();
    // The other store has the same things in the same places.
    let own = Func::wrap(&mut b, |_: Option<Func>, _: Option<ExternRef>| ());
    let own_table = Table::new(&mut b, ty, Val::FuncRef(None)).unwrap();
    Memory::new(&mut b, MemoryType { minimum: 1, maximum: None }).unwrap();
    Global::new(&mut b, GlobalType { content: ValType::FuncRef, mutable: true }, Val::FuncRef(None)).unwrap();
    ExternRef::new(&mut b, ());
    Instance::new(&mut b, &nothing, &[]).unwrap();

    let arguments = [Val::FuncRef(None), Val::ExternRef(None)];
    let refusals = [
        f.call(&mut b, &arguments, &mut []).unwrap_err(),
        f.typed::<(Option<Func>, Option<ExternRef>), ()>(&b).unwrap_err(),
        own.call(&mut b, &[Val::FuncRef(Some(f)), Val::ExternRef(None)], &mut []).unwrap_err(),
        own.call(&mut b, &[Val::FuncRef(None), Val::ExternRef(Some(reference))], &mut []).unwrap_err(),
        memory.grow(&mut b, 1).unwrap_err(),
        table.set(&mut b, 0, Val::FuncRef(None)).unwrap_err(),
        table.grow(&mut b, 1, Val::FuncRef(None)).unwrap_err(),
        own_table.set(&mut b, 0, f.into()).unwrap_err(),
        own_table.grow(&mut b, 1, f.into()).unwrap_err(),
        Table::new(&mut b, ty, f.into()).unwrap_err(),
        global.set(&mut b, Val::FuncRef(None)).unwrap_err(),
        Global::new(&mut b, GlobalType { content: ValType::FuncRef, mutable: true }, f.into()).unwrap_err(),
        instance.run_start(&mut b).unwrap_err(),
        instance.get_typed_func::<(), ()>(&b, "f").unwrap_err(),
    ];
    for error in refusals {
        assert!(matches!(error.kind(), ErrorKind::Usage(Usage::OtherStore { .. })), "{error}");
    }
    let typed = f.typed::<(Option<Func>, Option<ExternRef>), ()>(&a).unwrap();
    assert!(matches!(usage(typed.call(&mut b, (None, None)).unwrap_err()), Usage::OtherStore { .. }));

    let b = &b;
    let panics: [&dyn Fn(); 9] = [
        &|| drop(f.ty(b)),
        &|| drop(memory.ty(b).to_string()),
        &|| drop(memory.data(b).to_vec()),
        &|| memory.read(b, 0, &mut [0]).unwrap(),
        &|| drop(format!("{:?}", table.get(b, 0))),
        &|| drop(format!("{:?}", global.get(b))),
        &|| drop(format!("{:?}", reference.data(b))),
        &|| drop(format!("{:?}", instance.get_export(b, "f"))),
        &|| drop(instance.exports(b).count().to_string()),
    ];
    for (index, panics) in panics.into_iter().enumerate() {
        let message = *quietly(panics).unwrap_err().downcast::<String>().unwrap();
        assert!(message.contains("belongs to another store"), "{index}: {message}");
    }
}

#[test]
fn gas_is_at_most_half_of_what_fits_and_survives_calls() {
    let engine = engine();
    let mut store = Store::new(&engine, ());
    assert_eq!(store.gas(), 0);
    store.set_gas(i64::MAX as u64).unwrap();
    let error = store.set_gas(1 << 63).unwrap_err();
    assert_eq!(usage(error), Usage::TooMuchGas { gas: 1 << 63 });
    assert_eq!(store.gas(), i64::MAX as u64);

    let host = Func::wrap(&mut store, |mut caller: Caller<'_, ()>| -> Result<(), Error> {
        assert!(caller.set_gas(1 << 63).is_err());
        assert!(caller.as_context_mut().set_gas(u64::MAX).is_err());
        caller.set_gas(5)
    });
    host.call(&mut store, &[], &mut []).unwrap();
    assert_eq!(store.gas(), 5);

    // With nothing to pay with, nothing runs.
    store.set_gas(0).unwrap();
    let error = Instance::new(&mut store, &module(&engine, "(module)"), &[]).unwrap_err();
    assert_eq!(error.trap(), Some(Trap::OutOfGas));
}

#[test]
fn a_backtrace_names_functions_across_host_functions() {
    let engine = engine();
    let mut store = store(&engine, ());
    let text = r#"(module
        (import "" "" (func $host))
        (func $inner unreachable)
        (func $middle (export "middle") call $inner)
        (func $outer (export "outer") call $host))"#;
    let host = Func::wrap(&mut store, |mut caller: Caller<'_, ()>| -> Result<(), Error> {
        caller.get_export("middle").unwrap().into_func().unwrap().call(&mut caller, &[], &mut [])
    });
    let instance = Instance::new(&mut store, &module(&engine, text), &[host.into()]).unwrap();
    let error = instance.get_func(&store, "outer").unwrap().call(&mut store, &[], &mut []).unwrap_err();
    let ErrorKind::Trap(trap) = error.kind() else { panic!("{error}") };
    let names: Vec<_> = trap.frames().iter().map(|frame| frame.name().unwrap()).collect();
    assert_eq!(names, ["inner", "middle", "outer"]);
    assert!(
        error.to_string().starts_with("trap: unreachable executed\n  function 1 <inner> at offset 0x"),
        "{error}"
    );
}

/// Deep recursion must not make a log of megabytes.
#[test]
fn the_backtrace_of_an_overflow_is_short() {
    let engine = engine();
    let mut store = store(&engine, ());
    let module = module(&engine, r#"(module (func $f (export "f") call $f))"#);
    let f = Instance::new(&mut store, &module, &[]).unwrap().get_func(&store, "f").unwrap();
    let error = f.call(&mut store, &[], &mut []).unwrap_err();
    assert_eq!(error.trap(), Some(Trap::StackOverflow));
    assert!(error.to_string().len() < 10_000);
}

/// What an embedder can send to another thread, and share with it.
#[test]
fn threads_can_share_what_they_should() {
    fn shared<V: Send + Sync + 'static>() {}
    fn sent<V: Send>() {}
    struct Borrowing;
    impl Host for Borrowing {
        type Data<'a> = &'a std::cell::Cell<i32>;
    }
    shared::<Engine>();
    shared::<Module>();
    shared::<Linker<std::cell::Cell<i32>>>();
    shared::<InstancePre<std::rc::Rc<i32>>>();
    shared::<HostInstancePre<Borrowing>>();
    shared::<(Func, Memory, Table, Global, Instance, ExternRef, Val, TypedFunc<(), ()>)>();
    shared::<(Error, TrapError)>();
    sent::<Store<std::cell::Cell<i32>>>();
    shared::<Store<i32>>();
}

#[test]
fn l35_every_way_to_call_costs_the_same() {
    let engine = engine();
    let text = r#"(module
        (import "env" "again" (func $again (result i64)))
        (global $calls (mut i32) (i32.const 0))
        (func $work (export "work") (local i64) global.get $calls i32.const 1 i32.add global.set $calls)
        (start $work))"#;
    let module = module(&engine, text);
    let mut linker = Linker::new(&engine);
    linker.func_wrap("env", "again", || 0_i64).unwrap();
    let price = module.plan().instantiation_price();
    assert_eq!(price, 2, "base and global");
    let work = module.plan().function(0).unwrap().runs()[0].price;

    // Each way, and what it should cost.
    type Way<'a> = (&'a str, u64, &'a dyn Fn(&mut Store<()>) -> Result<(), Error>);
    let free = |store: &mut Store<()>| {
        let gas = store.gas();
        store.set_gas(GAS)?;
        let instance = linker.instantiate_without_start(&mut *store, &module)?;
        store.set_gas(gas)?;
        Ok::<_, Error>(instance)
    };
    let ways: [Way<'_>; 9] = [
        ("Func::call", work, &|store| {
            free(store)?.get_func(&*store, "work").unwrap().call(store, &[], &mut [])
        }),
        ("TypedFunc::call", work, &|store| {
            free(store)?.get_typed_func::<(), ()>(&*store, "work").unwrap().call(store, ())
        }),
        ("Instance::run_start", work, &|store| free(store)?.run_start(store)),
        ("Instance::new", price + work, &|store| {
            let again = Func::wrap(&mut *store, || 0_i64);
            Instance::new(store, &module, &[again.into()]).map(drop)
        }),
        ("Linker::instantiate", price + work, &|store| linker.instantiate(store, &module).map(drop)),
        ("Linker::instantiate_without_start", price, &|store| {
            linker.instantiate_without_start(store, &module).map(drop)
        }),
        ("InstancePre::instantiate", price + work, &|store| {
            linker.instantiate_pre(&module)?.instantiate(store).map(drop)
        }),
        ("InstancePre::instantiate_without_start", price, &|store| {
            linker.instantiate_pre(&module)?.instantiate_without_start(store).map(drop)
        }),
        ("Caller", price + 2 * work, &|store| {
            let (linker, module) = (linker.clone(), module.clone());
            let host = Func::wrap(&mut *store, move |mut caller: Caller<'_, ()>| -> Result<(), Error> {
                let instance = linker.instantiate(&mut caller, &module)?;
                instance.get_func(&caller, "work").unwrap().call(&mut caller, &[], &mut [])
            });
            host.call(store, &[], &mut [])
        }),
    ];
    for (name, cost, way) in ways {
        let mut store = support::store(&engine, ());
        way(&mut store).unwrap();
        assert_eq!(GAS - store.gas(), cost, "{name}");
        // One unit less is not enough, by any way.
        let mut store = Store::new(&engine, ());
        store.set_gas(cost - 1).unwrap();
        assert_eq!(way(&mut store).unwrap_err().trap(), Some(Trap::OutOfGas), "{name}");
        assert_eq!(store.gas(), 0, "{name}");
    }
}
