//! Frames: calls, tail calls and returns through guests, other instances and the host; and where a trap is reported.

mod support;

use lockstep_vm::{
    Caller, Engine, Error, ErrorKind, Func, FuncType, Instance, Linker, Module, Store, Trap, Val, ValType,
};
use support::{engine, module, store};

/// Function and offset of each frame of a trap, innermost first.
fn sites(error: &Error) -> Vec<(u32, u32)> {
    let ErrorKind::Trap(trap) = error.kind() else { panic!("{error}") };
    trap.frames().iter().map(|frame| (frame.function(), frame.offset())).collect()
}

/// Where the `nth` operator of this encoding stands in the module.
fn offset_of(module: &Module, encoding: &[u8], nth: usize) -> u32 {
    let bytes = module.bytes();
    let found = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(encoding)).nth(nth);
    found.expect("the operator is there") as u32
}

fn call(store: &mut Store<()>, func: Func, arguments: &[Val]) -> Result<Vec<Val>, Error> {
    let mut results = vec![Val::I32(0); func.ty(&*store).results().len()];
    func.call(store, arguments, &mut results)?;
    Ok(results)
}

/// A host function `[i32] -> [i64 i32 i64]` and what may be done with it.
fn spreading(engine: &Engine) -> (Store<()>, Instance) {
    let mut linker = Linker::new(engine);
    let ty = FuncType::new([ValType::I32], [ValType::I64, ValType::I32, ValType::I64]);
    linker
        .func_new("host", "spread", ty, |mut caller: Caller<'_, ()>, arguments, results| {
            caller.charge(3)?;
            let x = arguments[0].unwrap_i32();
            results.copy_from_slice(&[Val::I64(1), Val::I32(x), Val::I64(-1)]);
            Ok(())
        })
        .unwrap();
    let module = module(
        engine,
        r#"(module
            (type $t (func (param i32) (result i64 i32 i64)))
            (import "host" "spread" (func $spread (type $t)))
            (table 1 funcref) (elem (i32.const 0) $spread)
            (func $plain (export "plain") (type $t) local.get 0 call $spread)
            ;; Operands lie below the arguments of the tail call; they are gone with the frame.
            (func $tail (export "tail") (type $t) (local i64 i64 i64)
                i64.const 7 i64.const 8 i64.const 9 local.get 0 return_call $spread)
            (func $indirect (export "indirect") (type $t)
                i64.const 7 local.get 0 i32.const 0 return_call_indirect (type $t))
            ;; And from within another frame, whose operands must be as they were.
            (func (export "nested") (param i32) (result i64 i64 i32 i64)
                i64.const 5 local.get 0 call $tail)
            (func (export "through") (type $t) local.get 0 return_call $tail)
            ;; A frame with no slot to spare above the argument, where three results would not fit.
            (func (export "full") (type $t) LOCALS OPERANDS local.get 0 return_call $spread))"#
            .replace("LOCALS", &"(local i64)".repeat(100))
            .replace("OPERANDS", &"i64.const 6 ".repeat(20))
            .as_str(),
    );
    let mut store = store(engine, ());
    let instance = linker.instantiate(&mut store, &module).unwrap();
    (store, instance)
}

#[test]
fn a_tail_called_host_function_answers_for_the_frame_that_was_released() {
    let engine = engine();
    let (mut store, instance) = spreading(&engine);
    let spread = [Val::I64(1), Val::I32(42), Val::I64(-1)];
    for name in ["plain", "tail", "indirect", "through", "full"] {
        let func = instance.get_func(&store, name).unwrap();
        assert_eq!(call(&mut store, func, &[Val::I32(42)]).unwrap(), spread, "{name}");
    }
    let nested = instance.get_func(&store, "nested").unwrap();
    let results = call(&mut store, nested, &[Val::I32(42)]).unwrap();
    assert_eq!(results[0], Val::I64(5));
    assert_eq!(results[1..], spread);
    // Nothing is left of any frame: the same call has the same peak again.
    let peak = store.peak_stack_slots();
    call(&mut store, nested, &[Val::I32(42)]).unwrap();
    assert_eq!(store.peak_stack_slots(), peak);
}

/// The recount goes on across host functions, whoever called them and however.
#[test]
fn the_recount_goes_on_across_host_functions() {
    let engine = engine();
    let (mut store, instance) = spreading(&engine);
    for name in ["plain", "tail", "indirect", "nested", "through"] {
        let func = instance.get_func(&store, name).unwrap();
        store.start_audit();
        let before = store.gas();
        call(&mut store, func, &[Val::I32(1)]).unwrap();
        let audit = store.take_audit().unwrap();
        assert_eq!((audit.mismatch, audit.charged_gas), (None, 3), "{name}");
        assert_eq!(audit.recounted_gas + 3, before - store.gas(), "{name}");
    }
}

/// Two instances that call each other by turns, in calls and in tail calls.
fn ping_pong(engine: &Engine, call: &str) -> (Store<()>, Module, Func) {
    let text = |import: &str, answer: &str| {
        format!(
            r#"(module
                (import "env" "table" (table 2 funcref))
                (type $t (func (param i32) (result i32)))
                (global $mine i32 (i32.const {answer}))
                (memory 1) (data (i32.const 0) "{answer}")
                (func (export "f") (type $t) (local i64)
                    local.get 0 i32.eqz if global.get $mine i32.const 0 i32.load8_u i32.add return end
                    local.get 0 i32.const 1 i32.sub i32.const {import} {call} (type $t)))"#
        )
    };
    let (ping, pong) = (module(engine, &text("1", "1")), module(engine, &text("0", "2")));
    let holder = module(engine, r#"(module (table (export "table") 2 funcref))"#);
    let mut store = store(engine, ());
    let mut linker: Linker<()> = Linker::new(engine);
    let holder = linker.instantiate(&mut store, &holder).unwrap();
    let table = holder.get_table(&store, "table").unwrap();
    linker.define(&store, "env", "table", table).unwrap();
    let mut first = None;
    for (index, module) in [&ping, &pong].into_iter().enumerate() {
        let instance = linker.instantiate(&mut store, module).unwrap();
        let func = instance.get_func(&store, "f").unwrap();
        table.set(&mut store, index as u64, Val::FuncRef(Some(func))).unwrap();
        first.get_or_insert(func);
    }
    (store, ping, first.unwrap())
}

#[test]
fn calls_between_instances_use_their_own_globals_and_memories() {
    let engine = engine();
    for operator in ["call_indirect", "return_call_indirect"] {
        let (mut store, _, f) = ping_pong(&engine, operator);
        // '1' is 49, '2' is 50.
        assert_eq!(call(&mut store, f, &[Val::I32(10)]).unwrap(), [Val::I32(1 + 49)], "{operator}");
        assert_eq!(call(&mut store, f, &[Val::I32(11)]).unwrap(), [Val::I32(2 + 50)], "{operator}");
    }
}

#[test]
fn tail_calls_between_instances_take_no_stack() {
    let engine = engine();
    let (mut store, _, f) = ping_pong(&engine, "return_call_indirect");
    call(&mut store, f, &[Val::I32(1)]).unwrap();
    let peak = store.peak_stack_slots();
    store.set_gas(1 << 40).unwrap();
    call(&mut store, f, &[Val::I32(100_000)]).unwrap();
    assert_eq!(store.peak_stack_slots(), peak);

    let (mut store, _, f) = ping_pong(&engine, "call_indirect");
    call(&mut store, f, &[Val::I32(1)]).unwrap();
    let two = store.peak_stack_slots();
    call(&mut store, f, &[Val::I32(3)]).unwrap();
    assert_eq!(store.peak_stack_slots(), 2 * two);
}

/// Law: StackOverflow at the callee's body, OutOfGas at the first operator of the run or the dynamic operator, anything
/// else at its operator; and the calls around it.
#[test]
fn l91_a_trap_is_reported_where_the_law_says() {
    let engine = engine();
    let module = module(
        &engine,
        r#"(module (memory 1)
            (func $deep (param i32) (result i32) (local i64 i64) local.get 0 call $deep)
            (func $trap (param i32) (result i32) nop local.get 0 i32.load offset=65536)
            (func $spin (param i32) (result i32) loop br 0 end unreachable)
            (func $fill (param i32) (result i32) i32.const 0 i32.const 0 i32.const -1 memory.fill i32.const 0)
            (func $tail (param i32) (result i32) local.get 0 return_call $trap)
            (func (export "deep") (result i32) i32.const 1 call $deep)
            (func (export "trap") (result i32) i32.const 2 call $trap)
            (func (export "spin") (result i32) i32.const 3 call $spin)
            (func (export "fill") (result i32) i32.const 4 call $fill)
            (func (export "tail") (result i32) i32.const 5 call $tail))"#,
    );
    let mut store = store(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let mut run = |name: &str| {
        store.set_gas(1_000_000).unwrap();
        let func = instance.get_func(&store, name).unwrap();
        let error = call(&mut store, func, &[]).unwrap_err();
        (error.trap().unwrap(), sites(&error))
    };
    let outer = |function: u8| offset_of(&module, &[0x41, function, 0x10], 0) + 2;

    let (trap, sites) = run("deep");
    // The body begins with its locals: one group of two i64.
    let body = offset_of(&module, &[0x01, 0x02, 0x7e, 0x20, 0x00, 0x10, 0x00], 0);
    assert_eq!((trap, sites[0], sites[1]), (Trap::StackOverflow, (0, body), (0, body + 5)));

    let load = offset_of(&module, &[0x28, 0x02], 0);
    assert_eq!(run("trap"), (Trap::MemoryOutOfBounds, vec![(1, load), (6, outer(2))]));
    let spin = offset_of(&module, &[0x03, 0x40], 0);
    assert_eq!(run("spin"), (Trap::OutOfGas, vec![(2, spin), (7, outer(3))]));
    let fill = offset_of(&module, &[0xfc, 0x0b], 0);
    assert_eq!(run("fill"), (Trap::OutOfGas, vec![(3, fill), (8, outer(4))]));
    // The frame that made the tail call is not there any more.
    assert_eq!(run("tail"), (Trap::MemoryOutOfBounds, vec![(1, load), (9, outer(5))]));
}

/// Of many frames the innermost are told and the others counted.
#[test]
fn a_deep_backtrace_is_cut() {
    let engine = engine();
    let module = module(&engine, r#"(module (func $f (export "f") call $f))"#);
    let mut store = store(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let func = instance.get_func(&store, "f").unwrap();
    let error = call(&mut store, func, &[]).unwrap_err();
    let ErrorKind::Trap(trap) = error.kind() else { panic!("{error}") };
    assert_eq!(trap.trap(), Trap::StackOverflow);
    // Each frame has 4 slots; the refused one is told too.
    let frames = store.limits().stack_slots / 4 + 1;
    assert_eq!(trap.frames().len() as u64 + trap.omitted_frames(), frames);
}

/// A partly out-of-bounds store writes nothing, at whichever byte the memory ends.
#[test]
fn l05_accesses_at_every_width_and_every_distance_from_the_end() {
    let engine = engine();
    let widths =
        [("i32.store8", 1u32), ("i32.store16", 2), ("i32.store", 4), ("i64.store", 8), ("f64.store", 8)];
    let loads = ["i32.load8_u", "i32.load16_u", "i32.load", "i64.load", "f64.load"];
    let mut functions = String::new();
    for ((operator, width), load) in widths.iter().zip(loads) {
        let ty = &operator[..3];
        let value =
            if ty == "f64" { "f64.const -nan:0xfffffffffffff".into() } else { format!("{ty}.const -1") };
        for offset in [0u32, 1, 65_535, 65_536, u32::MAX] {
            functions += &format!(
                "(func (export \"{operator} {offset}\") (param i32) local.get 0 {value} {operator} offset={offset})
                 (func (export \"{load} {offset} {width}\") (param i32) local.get 0 {load} offset={offset} drop)"
            );
        }
    }
    let module = module(&engine, &format!("(module (memory (export \"m\") 1) {functions})"));
    let mut store = store(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let memory = instance.get_memory(&store, "m").unwrap();
    for ((operator, width), load) in widths.iter().zip(loads) {
        for offset in [0u32, 1, 65_535, 65_536, u32::MAX] {
            let write = instance.get_func(&store, &format!("{operator} {offset}")).unwrap();
            let read = instance.get_func(&store, &format!("{load} {offset} {width}")).unwrap();
            let addresses = (0..12).chain(65_520..65_545).chain([u32::MAX - 8, u32::MAX - 1, u32::MAX]);
            for address in addresses {
                store.set_gas(1_000).unwrap();
                let start = u64::from(address) + u64::from(offset);
                let inside = start + u64::from(*width) <= 65_536;
                memory.data_mut(&mut store).fill(0);
                let outcome = call(&mut store, write, &[Val::I32(address as i32)]);
                assert_eq!(outcome.is_ok(), inside, "{operator} {address} + {offset}");
                let written = memory.data(&store).iter().filter(|byte| **byte != 0).count();
                assert_eq!(
                    written,
                    if inside { *width as usize } else { 0 },
                    "{operator} {address} + {offset}"
                );
                let outcome = call(&mut store, read, &[Val::I32(address as i32)]);
                assert_eq!(outcome.is_ok(), inside, "{load} {address} + {offset}");
            }
        }
    }
}

/// Slots are used again by every frame: what another one left there must not be seen.
#[test]
fn l76_locals_are_zero_at_every_entry() {
    let engine = engine();
    let module = module(
        &engine,
        r#"(module
            (func $dirty (param i64) (result i64) (local i64 i64 f64 funcref)
                i64.const -1 i64.const -1 i64.const -1 i64.const -1
                local.get 0 local.set 1 local.get 0 local.set 2 f64.const 1 local.set 3
                drop drop drop drop local.get 1)
            (func $clean (param i64) (result i64) (local i64 i64 f64 funcref)
                local.get 1 local.get 2 i64.or local.get 3 i64.reinterpret_f64 i64.or
                local.get 4 ref.is_null i64.extend_i32_u i64.const 1 i64.xor i64.or)
            (func $tail (param i64) (result i64) (local i64 i64 f64 funcref)
                local.get 0 local.tee 1 local.set 2 f64.const 1 local.set 3 ref.func $clean local.set 4
                local.get 0 return_call $clean)
            (elem declare func $clean)
            (func (export "after a call") (result i64)
                i64.const -1 call $dirty drop i64.const -1 call $clean)
            (func (export "after a tail call") (result i64) i64.const -1 call $tail))"#,
    );
    let mut store = store(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    for name in ["after a call", "after a tail call"] {
        let func = instance.get_func(&store, name).unwrap();
        assert_eq!(call(&mut store, func, &[]).unwrap(), [Val::I64(0)], "{name}");
    }
}
