//! Run limits: at the limit, and one above; for what guests make and for what the host makes.

mod support;

use lockstep_vm::{
    Config, Engine, Error, ErrorKind, Instance, Limit, Limits, LinkError, Memory, MemoryType, RunLimits,
    Schedule, Store, Table, TableType, Trap, Usage, Val, ValType,
};
use support::{GAS, module, store};

const PAGES: u64 = 5;
const ELEMENTS: u64 = 7;

fn engine() -> Engine {
    let limits = Limits { memory_pages: PAGES, table_elements: ELEMENTS, ..Limits::default() };
    Engine::new(&Config::new().schedule(Schedule::uniform(1)).limits(limits)).unwrap()
}

fn above_limit(error: Error) -> (Limit, u64, u64) {
    match error.into_kind() {
        ErrorKind::Usage(Usage::AboveLimit { limit, allowed, wanted }) => (limit, allowed, wanted),
        other => panic!("expected a limit, found {other:?}"),
    }
}

#[test]
fn l71_pages_and_elements_at_their_limit_and_one_above() {
    let engine = engine();
    let mut store = store(&engine, ());
    for (text, fits) in [
        ("(memory 5)", true),
        ("(memory 0)", true),
        ("(table 7 funcref)", true),
        ("(table 0 externref)", true),
        // A declared maximum above the limit has no effect.
        ("(memory 0 65536)", true),
        ("(memory 5 65536)", true),
        ("(table 0 0xffffffff funcref)", true),
        ("(table 7 0xffffffff funcref)", true),
    ] {
        let outcome = Instance::new(&mut store, &module(&engine, &format!("(module {text})")), &[]);
        assert_eq!(outcome.is_ok(), fits, "{text}");
    }
    let memory = |minimum| MemoryType { minimum, maximum: None };
    let table = |minimum| TableType { element: ValType::FuncRef, minimum, maximum: None };
    Memory::new(&mut store, memory(PAGES)).unwrap();
    Table::new(&mut store, table(ELEMENTS), Val::FuncRef(None)).unwrap();
    for above in [PAGES + 1, 65_536, 65_537, 1 << 32, u64::MAX] {
        let error = Memory::new(&mut store, memory(above)).unwrap_err();
        assert_eq!(above_limit(error), (Limit::MemoryPages, PAGES, above));
    }
    for above in [ELEMENTS + 1, 1 << 32, u64::MAX] {
        let error = Table::new(&mut store, table(above), Val::FuncRef(None)).unwrap_err();
        assert_eq!(above_limit(error), (Limit::TableElements, ELEMENTS, above));
    }
    // A minimum above its own maximum is no type.
    let error = Memory::new(&mut store, MemoryType { minimum: 2, maximum: Some(1) }).unwrap_err();
    assert_eq!(above_limit(error), (Limit::MemoryPages, 1, 2));
}

/// A huge minimum must be refused by its number, before a byte of it is there.
#[test]
fn l70_a_huge_minimum_is_refused_before_anything_is_allocated_or_charged() {
    let limits = Limits { memory_pages: 65_536, table_elements: 10_000_000, ..Limits::default() };
    let engine = Engine::new(&Config::new().limits(limits)).unwrap();
    for (text, limit, allowed, declared) in [
        ("(memory 65536)", Limit::MemoryPages, 3, 65_536),
        ("(table 10000000 funcref)", Limit::TableElements, 4, 10_000_000),
    ] {
        let mut store = Store::new(&engine, ());
        let tight = RunLimits { memory_pages: 3, table_elements: 4, ..store.limits() };
        store.limit(tight).unwrap();
        store.set_gas(i64::MAX as u64).unwrap();
        let started = resident_bytes();
        let module = module(&engine, &format!("(module {text})"));
        let error = Instance::new(&mut store, &module, &[]).unwrap_err();
        let ErrorKind::Link(error) = error.kind() else { panic!("{error}") };
        assert_eq!(*error, LinkError::Limit { limit, allowed, declared });
        assert_eq!(store.gas(), i64::MAX as u64);
        // Nor when it is the gas that is missing.
        let mut store = store_with(&engine, 1_000);
        let error = Instance::new(&mut store, &module, &[]).unwrap_err();
        assert_eq!(error.trap(), Some(Trap::OutOfGas), "{error}");
        assert!(resident_bytes() < started + (64 << 20));
    }
}

fn store_with(engine: &Engine, gas: u64) -> Store<()> {
    let mut store = Store::new(engine, ());
    store.set_gas(gas).unwrap();
    store
}

/// Of this process, where the system tells.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    status.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4_096
}

#[test]
fn l71_growth_stops_at_the_declared_maximum_or_the_limit() {
    let engine = engine();
    let mut store = store(&engine, ());
    let text = |memory: &str, table: &str| {
        format!(
            r#"(module (memory (export "m") {memory}) (table (export "t") {table} externref)
                (func (export "memory") (param i32) (result i32) local.get 0 memory.grow)
                (func (export "table") (param i32) (result i32) ref.null extern local.get 0 table.grow))"#
        )
    };
    for (memory, table, pages, elements) in [
        ("1", "1", PAGES, ELEMENTS),
        ("1 3", "1 4", 3, 4),
        ("1 65536", "1 0xffffffff", PAGES, ELEMENTS),
        ("5", "7", PAGES, ELEMENTS),
        ("0 0", "0 0", 0, 0),
    ] {
        let instance = Instance::new(&mut store, &module(&engine, &text(memory, table)), &[]).unwrap();
        for (name, ceiling) in [("memory", pages), ("table", elements)] {
            let grow = instance.get_typed_func::<u32, i32>(&store, name).unwrap();
            let mut grow = |delta: u64| {
                store.set_gas(i64::MAX as u64).unwrap();
                grow.call(&mut store, u32::try_from(delta).unwrap()).unwrap()
            };
            let size = u64::try_from(grow(0)).unwrap();
            for too_many in [ceiling - size + 1, 65_536, 1 << 31, u64::from(u32::MAX)] {
                assert_eq!(grow(too_many), -1, "{name} {memory} {table} by {too_many}");
            }
            assert_eq!(grow(ceiling - size), size as i32, "{name} {memory} {table}");
            assert_eq!((grow(0), grow(1)), (ceiling as i32, -1), "{name} {memory} {table}");
        }
        // The host is held to the same.
        let (m, t) = (instance.get_memory(&store, "m").unwrap(), instance.get_table(&store, "t").unwrap());
        assert_eq!((m.size(&store), t.size(&store)), (pages, elements));
        for delta in [1, 1 << 16, 1 << 32, u64::MAX] {
            let (limit, allowed, wanted) = above_limit(m.grow(&mut store, delta).unwrap_err());
            assert_eq!((limit, allowed, wanted), (Limit::MemoryPages, pages, pages.saturating_add(delta)));
            let (limit, allowed, _) =
                above_limit(t.grow(&mut store, delta, Val::ExternRef(None)).unwrap_err());
            assert_eq!((limit, allowed), (Limit::TableElements, elements));
        }
        assert_eq!(m.grow(&mut store, 0).unwrap(), pages);
    }
}

/// A growth that answers -1 has paid in full, so that asking is never free.
#[test]
fn growth_that_fails_has_been_paid() {
    let engine = engine();
    let text = r#"(module (memory 1)
        (func (export "memory") (param i32) (result i32) local.get 0 memory.grow))"#;
    let mut store = store(&engine, ());
    let instance = Instance::new(&mut store, &module(&engine, text), &[]).unwrap();
    let grow = instance.get_typed_func::<u32, i32>(&store, "memory").unwrap();
    let mut used = |delta: u32| {
        store.set_gas(GAS).unwrap();
        assert_eq!(grow.call(&mut store, delta).unwrap(), if delta == 0 { 1 } else { -1 });
        GAS - store.gas()
    };
    let base = used(0);
    assert_eq!(used(5), base + 5);
    assert_eq!(used(60_000), base + 60_000);
    store.set_gas(base + 4).unwrap();
    assert_eq!(grow.call(&mut store, 5).unwrap_err().trap(), Some(Trap::OutOfGas));
}

#[test]
fn a_store_tightens_its_limits_and_never_loosens_them() {
    let engine = engine();
    let mut store = store(&engine, ());
    let memory = Memory::new(&mut store, MemoryType { minimum: 3, maximum: None }).unwrap();
    let all = store.limits();
    assert_eq!(all, engine.run_limits());
    type Change = fn(&mut RunLimits);
    let looser: [(Limit, Change); 4] = [
        (Limit::MemoryPages, |limits| limits.memory_pages += 1),
        (Limit::TableElements, |limits| limits.table_elements += 1),
        (Limit::StackSlots, |limits| limits.stack_slots += 1),
        (Limit::ActivationDepth, |limits| limits.activation_depth += 1),
    ];
    for (expected, change) in looser {
        let mut limits = RunLimits { memory_pages: 4, ..all };
        change(&mut limits);
        if expected == Limit::MemoryPages {
            limits.memory_pages = all.memory_pages + 1;
        }
        let error = store.limit(limits).unwrap_err();
        let ErrorKind::Usage(Usage::LooserLimit { limit, .. }) = error.kind() else { panic!("{error}") };
        assert_eq!(*limit, expected);
        assert_eq!(store.limits(), all, "nothing was changed");
    }
    // What is there already stays; it just cannot grow.
    store.limit(RunLimits { memory_pages: 2, ..all }).unwrap();
    assert_eq!(memory.size(&store), 3);
    assert_eq!(memory.grow(&mut store, 0).unwrap(), 3);
    assert_eq!(above_limit(memory.grow(&mut store, 1).unwrap_err()), (Limit::MemoryPages, 2, 4));
    assert!(store.limit(all).is_err());
    // Another store of the engine has all of its limits.
    assert_eq!(Store::new(&engine, ()).limits(), all);
}

#[test]
fn l71_stack_slots_at_their_limit_and_one_below() {
    let engine = engine();
    let module = module(
        &engine,
        r#"(module (func (export "f") (param i64 i64 i64) (local i32) call $g)
        (func $g (local i64 i64)))"#,
    );
    let frames: Vec<u64> = module.plan().functions().map(|function| function.frame_slots().into()).collect();
    // Linkage, parameters, locals, no operands; rounded up to even.
    assert_eq!(frames, [8, 6]);
    let outcome = |slots: u64| {
        let mut store = store(&engine, ());
        store.limit(RunLimits { stack_slots: slots, ..store.limits() }).unwrap();
        let f = Instance::new(&mut store, &module, &[]).unwrap().get_func(&store, "f").unwrap();
        let error = f.call(&mut store, &[Val::I64(0); 3], &mut []).err();
        (error.map(|error| error.trap().unwrap()), store.peak_stack_slots())
    };
    assert_eq!(outcome(14), (None, 14));
    assert_eq!(outcome(13), (Some(Trap::StackOverflow), 8));
    assert_eq!(outcome(8), (Some(Trap::StackOverflow), 8));
    assert_eq!(outcome(7), (Some(Trap::StackOverflow), 0));
    assert_eq!(outcome(0), (Some(Trap::StackOverflow), 0));
}
