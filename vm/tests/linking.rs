//! Imports, definitions by name, and the order in which an instance comes to be.

mod support;

use lockstep_vm::{
    Caller, Error, ErrorKind, Extern, ExternType, Found, Func, FuncType, Global, GlobalType, ImportProblem,
    Instance, Limit, LinkError, Linker, Memory, MemoryType, Store, Table, TableType, Trap, Usage, Val,
    ValType,
};
use support::{GAS, engine, module, store};

fn link(error: Error) -> LinkError {
    match error.into_kind() {
        ErrorKind::Link(error) => error,
        other => panic!("expected a link error, found {other:?}"),
    }
}

fn problems(error: Error) -> Vec<(String, Found)> {
    let LinkError::Imports(problems) = link(error) else { panic!("expected problems with imports") };
    problems.into_iter().map(|ImportProblem { name, found, .. }| (name.into(), found)).collect()
}

/// An author who fixes one import at a time needs as many rounds as there are imports.
#[test]
fn all_imports_that_cannot_be_linked_are_reported_at_once() {
    let engine = engine();
    let mut store = store(&engine, ());
    let mut linker = Linker::new(&engine);
    let memory = Memory::new(&mut store, MemoryType { minimum: 1, maximum: None }).unwrap();
    let table_type = TableType { element: ValType::FuncRef, minimum: 2, maximum: Some(5) };
    let table = Table::new(&mut store, table_type, Val::FuncRef(None)).unwrap();
    let global_type = GlobalType { content: ValType::I32, mutable: true };
    let global = Global::new(&mut store, global_type, Val::I32(0)).unwrap();
    linker.func_wrap("env", "good", |x: i32| x).unwrap();
    linker.func_wrap("env", "bad", |x: i32| x).unwrap();
    linker.define(&store, "env", "memory", memory).unwrap();
    linker.define(&store, "env", "table", table).unwrap();
    linker.define(&store, "env", "global", global).unwrap();
    linker.define(&store, "env", "kind", global).unwrap();
    let module = module(
        &engine,
        r#"(module
            (import "env" "good" (func (param i32) (result i32)))
            (import "env" "bad" (func (param i32) (result i64)))
            (import "env" "gone" (func))
            (import "env" "memory" (memory 2))
            (import "env" "table" (table 2 4 funcref))
            (import "env" "global" (global i32))
            (import "env" "kind" (func))
            (import "other" "good" (func (param i32) (result i32))))"#,
    );
    let func = ExternType::Func(FuncType::new([ValType::I32], [ValType::I32]));
    let expected = [
        ("bad", Found::Type(func)),
        ("gone", Found::Missing),
        ("memory", Found::Type(ExternType::Memory(MemoryType { minimum: 1, maximum: None }))),
        ("table", Found::Type(ExternType::Table(table_type))),
        ("global", Found::Type(ExternType::Global(global_type))),
        ("kind", Found::Type(ExternType::Global(global_type))),
        ("good", Found::Missing),
    ]
    .map(|(name, found)| (name.to_string(), found));
    assert_eq!(problems(linker.instantiate(&mut store, &module).unwrap_err()), expected);
    // It has cost nothing.
    assert_eq!(store.gas(), GAS);

    // A prepared instance cannot know a store yet; what is the same for all stores is told already.
    let early: Vec<_> = problems(linker.instantiate_pre(&module).unwrap_err());
    assert_eq!(early, [expected[0].clone(), expected[1].clone(), expected[6].clone()]);
}

/// The size that counts is the size now: a memory that has grown fits where it did not before.
#[test]
fn memories_and_tables_are_matched_by_their_size_now() {
    let engine = engine();
    let mut store = store(&engine, ());
    let memory = Memory::new(&mut store, MemoryType { minimum: 1, maximum: Some(3) }).unwrap();
    let table = TableType { element: ValType::ExternRef, minimum: 1, maximum: Some(3) };
    let table = Table::new(&mut store, table, Val::ExternRef(None)).unwrap();
    let mut linker = Linker::new(&engine);
    linker.define(&store, "", "memory", memory).unwrap().define(&store, "", "table", table).unwrap();
    let module = module(
        &engine,
        r#"(module (import "" "memory" (memory 2 3)) (import "" "table" (table 2 3 externref)))"#,
    );
    let prepared = linker.instantiate_pre(&module).unwrap();
    assert_eq!(problems(prepared.instantiate(&mut store).unwrap_err()).len(), 2);
    memory.grow(&mut store, 1).unwrap();
    table.grow(&mut store, 1, Val::ExternRef(None)).unwrap();
    prepared.instantiate(&mut store).unwrap();
}

#[test]
fn l77_items_of_another_store_or_engine_are_not_linked() {
    let engine = engine();
    let mut a = store(&engine, ());
    let mut b = store(&engine, ());
    let memory = Memory::new(&mut a, MemoryType { minimum: 1, maximum: None }).unwrap();
    Memory::new(&mut b, MemoryType { minimum: 1, maximum: None }).unwrap();
    let f = Func::wrap(&mut a, || ());
    Func::wrap(&mut b, || ());
    let wants = module(&engine, r#"(module (import "" "m" (memory 1)) (import "" "f" (func)))"#);
    let mut linker = Linker::new(&engine);
    linker.define(&a, "", "m", memory).unwrap().define(&a, "", "f", f).unwrap();
    let others: Vec<_> = ["m", "f"].map(|name| (name.to_string(), Found::OtherStore)).into();
    assert_eq!(problems(linker.instantiate(&mut b, &wants).unwrap_err()), others);
    let prepared = linker.instantiate_pre(&wants).unwrap();
    assert_eq!(problems(prepared.instantiate(&mut b).unwrap_err()), others);
    assert_eq!(problems(Instance::new(&mut b, &wants, &[memory.into(), f.into()]).unwrap_err()), others);
    linker.instantiate(&mut a, &wants).unwrap();
    assert!(matches!(
        linker.define(&b, "", "n", memory).unwrap_err().kind(),
        ErrorKind::Usage(Usage::OtherStore { .. }),
    ));
    let instance = linker.instantiate(&mut a, &wants).unwrap();
    assert!(linker.instance(&b, "x", instance).is_err());

    // An engine that is merely alike is another.
    let alike = support::engine();
    assert_eq!(alike.fingerprint(), engine.fingerprint());
    let mut alike_store = store(&alike, ());
    let plain = module(&engine, "(module)");
    let alike_linker = Linker::<()>::new(&alike);
    for refused in [
        Instance::new(&mut alike_store, &plain, &[]).map(drop),
        alike_linker.instantiate(&mut alike_store, &plain).map(drop),
        alike_linker.instantiate(&mut a, &plain).map(drop),
        alike_linker.instantiate_pre(&plain).map(drop),
        linker.instantiate(&mut alike_store, &plain).map(drop),
        linker.instantiate_pre(&plain).unwrap().instantiate(&mut alike_store).map(drop),
    ] {
        assert_eq!(link(refused.unwrap_err()), LinkError::OtherEngine);
    }
}

#[test]
fn instances_share_functions_memories_tables_and_globals() {
    let engine = engine();
    let mut store = store(&engine, ());
    let mut linker = Linker::<()>::new(&engine);
    let owner = module(
        &engine,
        r#"(module
            (memory (export "memory") 1)
            (table (export "table") 2 funcref)
            (global (export "global") (mut i64) (i64.const 5))
            (func (export "load") (result i32) i32.const 8 i32.load)
            (func (export "indirect") (param i32) (result i64) local.get 0 call_indirect (result i64)))"#,
    );
    let owner = linker.instantiate(&mut store, &owner).unwrap();
    linker.instance(&store, "owner", owner).unwrap();
    let user = module(
        &engine,
        r#"(module
            (import "owner" "memory" (memory 1))
            (import "owner" "table" (table 1 funcref))
            (import "owner" "global" (global $g (mut i64)))
            (import "owner" "load" (func $load (result i32)))
            (import "owner" "indirect" (func $indirect (param i32) (result i64)))
            (func $nine (result i64) i64.const 9)
            (elem (i32.const 1) $nine)
            (export "load" (func $load))
            (func (export "run") (result i64)
                i32.const 8 i32.const 77 i32.store
                global.get $g i64.const 1 i64.add global.set $g
                i32.const 1 call $indirect
                i64.extend_i32_u (call $load)
                i64.add))"#
            .replace("i64.extend_i32_u (call $load)", "(i64.extend_i32_u (call $load))")
            .as_str(),
    );
    let user = linker.instantiate(&mut store, &user).unwrap();
    let run = user.get_typed_func::<(), i64>(&store, "run").unwrap();
    assert_eq!(run.call(&mut store, ()).unwrap(), 9 + 77);
    assert_eq!(owner.get_global(&store, "global").unwrap().get(&store), Val::I64(6));
    assert_eq!(owner.get_memory(&store, "memory").unwrap().data(&store)[8], 77);
    // Exported again, it is the same function.
    assert_eq!(user.get_func(&store, "load"), owner.get_func(&store, "load"));
}

#[test]
fn names_are_defined_once_unless_shadowing_is_allowed() {
    let engine = engine();
    let mut store = store(&engine, ());
    let mut linker = Linker::<()>::new(&engine);
    linker.func_wrap("a", "f", || 1).unwrap();
    let error = linker.func_wrap("a", "f", || 2).unwrap_err();
    assert_eq!(link(error), LinkError::Duplicate { module: "a".into(), name: "f".into() });
    linker.func_wrap("a", "g", || 3).unwrap();
    linker.alias("a", "f", "b", "h").unwrap();
    assert!(linker.alias("a", "f", "b", "h").is_err());
    assert!(matches!(
        linker.alias("a", "x", "b", "i").unwrap_err().kind(),
        ErrorKind::Usage(Usage::NotDefined { .. }),
    ));
    let call = |linker: &Linker<()>, store: &mut Store<()>, module: &str, name: &str| {
        let func = linker.get(&mut *store, module, name).and_then(Extern::into_func)?;
        Some(func.typed::<(), i32>(&*store).unwrap().call(store, ()).unwrap())
    };
    assert_eq!(call(&linker, &mut store, "a", "f"), Some(1));
    assert_eq!(call(&linker, &mut store, "b", "h"), Some(1));
    assert_eq!(call(&linker, &mut store, "b", "f"), None);
    linker.allow_shadowing(true).func_wrap("a", "f", || 2).unwrap();
    assert_eq!(call(&linker, &mut store, "a", "f"), Some(2));
    // The other name is what the first was when it was given.
    assert_eq!(call(&linker, &mut store, "b", "h"), Some(1));
}

/// Segments run in order, each whole or not at all; the instance stays, for its functions are in use by then.
#[test]
fn l69_a_segment_that_does_not_fit_undoes_nothing_and_writes_nothing() {
    let engine = engine();
    let mut store = store(&engine, ());
    let mut linker = Linker::<()>::new(&engine);
    let memory = Memory::new(&mut store, MemoryType { minimum: 1, maximum: None }).unwrap();
    let ty = TableType { element: ValType::FuncRef, minimum: 4, maximum: None };
    let table = Table::new(&mut store, ty, Val::FuncRef(None)).unwrap();
    linker.define(&store, "", "m", memory).unwrap().define(&store, "", "t", table).unwrap();

    let text = |elements: &str, data: &str| {
        format!(
            r#"(module (import "" "m" (memory 1)) (import "" "t" (table 4 funcref))
                (func $f (result i32) i32.const 6)
                (elem (i32.const 0) $f)
                {elements}
                (data (i32.const 0) "ab")
                {data}
                (data (i32.const 9) "late")
                (func $start unreachable) (start $start))"#
        )
    };
    let bad = module(&engine, &text("", r#"(data (i32.const 65535) "xy")"#));
    assert_eq!(linker.instantiate(&mut store, &bad).unwrap_err().trap(), Some(Trap::MemoryOutOfBounds));
    let bytes = memory.data(&store);
    assert_eq!((&bytes[..2], bytes[65_535], bytes[9]), (&b"ab"[..], 0, 0));
    // The function of the instance that failed can be called.
    let Some(Val::FuncRef(Some(f))) = table.get(&store, 0) else { panic!() };
    assert_eq!(f.typed::<(), i32>(&store).unwrap().call(&mut store, ()).unwrap(), 6);

    memory.data_mut(&mut store).fill(0);
    table.fill(&mut store, 0, Val::FuncRef(None), 4).unwrap();
    let bad = module(&engine, &text("(elem (i32.const 3) $f $f)", ""));
    assert_eq!(linker.instantiate(&mut store, &bad).unwrap_err().trap(), Some(Trap::TableOutOfBounds));
    assert!(table.get(&store, 0).is_some_and(|value| value != Val::FuncRef(None)));
    assert_eq!(table.get(&store, 3), Some(Val::FuncRef(None)));
    // Elements come before data.
    assert_eq!(memory.data(&store)[0], 0);

    // The highest offset wraps nowhere; an empty segment must lie within too.
    for (data, fits) in [("-1) \"a", false), ("-1) \"", false), ("65536) \"", true), ("65536) \"a", false)] {
        let text = format!(r#"(module (import "" "m" (memory 1)) (data (i32.const {data}"))"#);
        let outcome = linker.instantiate(&mut store, &module(&engine, &text));
        assert_eq!(outcome.is_ok(), fits, "{data}");
    }
    let good = module(&engine, &text("", ""));
    assert_eq!(linker.instantiate(&mut store, &good).unwrap_err().trap(), Some(Trap::Unreachable));
    assert_eq!(&memory.data(&store)[9..13], b"late");
}

/// Once used, a segment is empty: only nothing can be copied from it. A passive one is kept until it is dropped.
#[test]
fn active_and_declared_segments_are_empty_afterwards() {
    let engine = engine();
    let mut store = store(&engine, ());
    let text = r#"(module
        (memory 1) (table 9 funcref) (func $f)
        (data $active (i32.const 0) "abc") (data $passive "abc")
        (elem $active (i32.const 0) func $f $f) (elem $declared declare func $f) (elem $passive func $f $f)
        (func (export "active data") (param i32)
            i32.const 0 i32.const 0 local.get 0 memory.init $active)
        (func (export "passive data") (param i32)
            i32.const 0 i32.const 0 local.get 0 memory.init $passive)
        (func (export "active elements") (param i32)
            i32.const 0 i32.const 0 local.get 0 table.init $active)
        (func (export "declared elements") (param i32)
            i32.const 0 i32.const 0 local.get 0 table.init $declared)
        (func (export "passive elements") (param i32)
            i32.const 0 i32.const 0 local.get 0 table.init $passive)
        (func (export "drop") data.drop $passive elem.drop $passive))"#;
    let instance = Instance::new(&mut store, &module(&engine, text), &[]).unwrap();
    let init = |store: &mut Store<()>, name: &str, length: i32| {
        let init = instance.get_typed_func::<i32, ()>(&*store, name).unwrap();
        init.call(store, length).map_err(|error| error.trap().unwrap())
    };
    let (memory, table) = (Err(Trap::MemoryOutOfBounds), Err(Trap::TableOutOfBounds));
    for (name, one) in [
        ("active data", memory),
        ("passive data", Ok(())),
        ("active elements", table),
        ("declared elements", table),
        ("passive elements", Ok(())),
    ] {
        assert_eq!(init(&mut store, name, 0), Ok(()), "{name}");
        assert_eq!(init(&mut store, name, 1), one, "{name}");
    }
    instance.get_func(&store, "drop").unwrap().call(&mut store, &[], &mut []).unwrap();
    assert_eq!(init(&mut store, "passive data", 1), memory);
    assert_eq!(init(&mut store, "passive elements", 1), table);
}

#[test]
fn constant_expressions_read_imported_globals_and_compute() {
    let engine = engine();
    let mut store = store(&engine, ());
    let mut linker = Linker::<()>::new(&engine);
    let constant = GlobalType { content: ValType::I32, mutable: false };
    let base = Global::new(&mut store, constant, Val::I32(40)).unwrap();
    linker.define(&store, "", "base", base).unwrap();
    let module = module(
        &engine,
        r#"(module
            (import "" "base" (global $base i32))
            (global $offset (export "offset") i32
                (i32.sub (i32.mul (global.get $base) (i32.const 3)) (i32.const -2)))
            (global (export "big") i64 (i64.mul (i64.add (i64.const -1) (i64.const 3)) (i64.const 0x7fffffffffffffff)))
            (global (export "func") funcref (ref.func $f))
            (memory (export "memory") 1)
            (data (i32.add (global.get $base) (i32.const 2)) "x")
            (func $f))"#,
    );
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let global = |name: &str| instance.get_global(&store, name).unwrap().get(&store);
    assert_eq!(global("offset"), Val::I32(122));
    assert_eq!(global("big"), Val::I64(-2));
    assert!(matches!(global("func"), Val::FuncRef(Some(_))));
    assert_eq!(instance.get_memory(&store, "memory").unwrap().data(&store)[42], b'x');
}

#[test]
fn the_start_function_runs_once_and_an_instance_can_wait_for_it() {
    let engine = engine();
    let mut store = store(&engine, 0);
    let mut linker = Linker::new(&engine);
    linker.func_wrap("", "count", |mut caller: Caller<'_, i32>| *caller.data_mut() += 1).unwrap();
    let counts =
        module(&engine, r#"(module (import "" "count" (func $count)) (func $s call $count) (start $s))"#);
    let instance = linker.instantiate_without_start(&mut store, &counts).unwrap();
    assert_eq!(*store.data(), 0);
    instance.run_start(&mut store).unwrap();
    assert_eq!(*store.data(), 1);
    let error = instance.run_start(&mut store).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Usage(Usage::Started)));
    let instance = linker.instantiate(&mut store, &counts).unwrap();
    assert!(instance.run_start(&mut store).is_err());
    assert_eq!(*store.data(), 2);

    // One that trapped has been called too.
    let traps = module(&engine, "(module (func $s unreachable) (start $s))");
    let instance = linker.instantiate_without_start(&mut store, &traps).unwrap();
    assert_eq!(instance.run_start(&mut store).unwrap_err().trap(), Some(Trap::Unreachable));
    assert!(matches!(instance.run_start(&mut store).unwrap_err().kind(), ErrorKind::Usage(Usage::Started)));

    // Without a start function there is nothing to call, as often as one likes.
    let plain = linker.instantiate(&mut store, &module(&engine, "(module)")).unwrap();
    plain.run_start(&mut store).unwrap();
    plain.run_start(&mut store).unwrap();
}

/// A start function may be imported: the host function then sees the instance that is being made.
#[test]
fn an_imported_start_function_sees_its_instance() {
    let engine = engine();
    let mut store = store(&engine, Vec::new());
    let mut linker = Linker::new(&engine);
    linker
        .func_wrap("", "init", |mut caller: Caller<'_, Vec<u8>>| {
            let memory = caller.memory().unwrap();
            let bytes = memory.data(&caller)[..3].to_vec();
            *caller.data_mut() = bytes;
        })
        .unwrap();
    let text = r#"(module (import "" "init" (func $i)) (memory 1) (data (i32.const 0) "abc") (start $i))"#;
    linker.instantiate(&mut store, &module(&engine, text)).unwrap();
    assert_eq!(store.data(), b"abc");
}

/// The order is: imports, limits, price. What comes first must not depend on what comes later.
#[test]
fn imports_come_before_limits_and_limits_before_the_price() {
    let engine = engine();
    let mut store = Store::new(&engine, ());
    let mut limits = store.limits();
    limits.memory_pages = 1;
    limits.table_elements = 2;
    store.limit(limits).unwrap();
    let mut linker = Linker::<()>::new(&engine);
    let text = r#"(module (import "" "f" (func)) (memory 2) (table 3 funcref))"#;
    let both = module(&engine, text);
    assert_eq!(problems(linker.instantiate(&mut store, &both).unwrap_err()).len(), 1);
    linker.func_wrap("", "f", || ()).unwrap();
    let refused = link(linker.instantiate(&mut store, &both).unwrap_err());
    assert_eq!(refused, LinkError::Limit { limit: Limit::MemoryPages, allowed: 1, declared: 2 });
    let table = module(&engine, "(module (memory 1) (table 3 funcref))");
    let refused = link(linker.instantiate(&mut store, &table).unwrap_err());
    assert_eq!(refused, LinkError::Limit { limit: Limit::TableElements, allowed: 2, declared: 3 });
    // At the limit only the gas is missing.
    let fits = module(&engine, "(module (memory 1) (table 2 funcref))");
    assert_eq!(linker.instantiate(&mut store, &fits).unwrap_err().trap(), Some(Trap::OutOfGas));
    store.set_gas(fits.plan().instantiation_price()).unwrap();
    linker.instantiate(&mut store, &fits).unwrap();
    assert_eq!(store.gas(), 0);
}

#[test]
fn instance_new_takes_imports_in_order_and_counts_them() {
    let engine = engine();
    let mut store = store(&engine, ());
    let f = Func::wrap(&mut store, || 1);
    let g = Func::wrap(&mut store, || 2);
    let text = r#"(module (import "x" "x" (func (result i32))) (import "x" "x" (func $g (result i32)))
        (func (export "run") (result i32) call $g))"#;
    let module = module(&engine, text);
    let error = Instance::new(&mut store, &module, &[f.into()]).unwrap_err();
    assert_eq!(link(error), LinkError::ImportCount { expected: 2, given: 1 });
    let instance = Instance::new(&mut store, &module, &[f.into(), g.into()]).unwrap();
    let run = instance.get_typed_func::<(), i32>(&store, "run").unwrap();
    assert_eq!(run.call(&mut store, ()).unwrap(), 2);
}

/// Names come from the module: a report must not be driven by them.
#[test]
fn l85_a_report_on_hostile_imports_is_short_and_clean() {
    let engine = engine();
    let linker = Linker::<()>::new(&engine);
    let name = "\\1b[31m\\0a".repeat(500);
    let imports = format!(r#"(import "{name}" "{name}" (func))"#).repeat(300);
    let error = linker.instantiate_pre(&module(&engine, &format!("(module {imports})"))).unwrap_err();
    let text = error.to_string();
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
    assert!(text.len() < 200_000, "{} bytes", text.len());
    assert!(text.ends_with("and 200 more"));
    assert_eq!(problems(error).len(), 300);
}
