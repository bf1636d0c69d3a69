//! Instrumented modules on an engine that knows nothing of Lockstep, against numbers worked out by hand.
//!
//! All prices are 1 unless a test says otherwise: an operator costs 1, `block`, `else` and `end` nothing, entry 1, each
//! declared local 1, each parameter and result of a call 1, each value a branch takes 1, each unit of a length 1. A frame is
//! 4 slots, parameters, locals and the greatest operand height, rounded up to even.

use lockstep_gas::{
    Form, InstrumentConfig, METER_GLOBALS, Schedule, TRAP_OUT_OF_GAS, TRAP_STACK_OVERFLOW, instrument, plan,
};
use wasmi::{
    AsContext, Caller, Config, Engine, Error, Global, Instance, Linker, Module, Mutability, Store, TrapCode,
    Val,
};

const UNLIMITED: u64 = 1 << 20;

/// A store whose instances share one meter.
struct Run {
    linker: Linker<()>,
    store: Store<()>,
    meter: [Global; 4],
}

/// What a call left behind.
#[derive(PartialEq, Eq, Debug)]
struct Left {
    gas: i64,
    height: i64,
    peak: i64,
    trap: i64,
}

impl Run {
    fn new() -> Self {
        let mut config = Config::default();
        config.set_max_recursion_depth(100_000).set_max_stack_height(64 << 20);
        config.wasm_tail_call(true).wasm_extended_const(true);
        let engine = Engine::new(&config);
        let mut store = Store::new(&engine, ());
        let meter = [0; 4].map(|_| Global::new(&mut store, Val::I64(0), Mutability::Var));
        let mut linker = Linker::new(&engine);
        for (name, global) in METER_GLOBALS.iter().zip(meter) {
            linker.define("lockstep", name, global).unwrap();
        }
        Run { linker, store, meter }
    }

    /// The module's instance, made with so much gas for its start function.
    fn instantiate(&mut self, wat: &str, stack_slots: u64, gas: i64) -> Result<Instance, Error> {
        let schedule = Schedule::uniform(1);
        let config =
            InstrumentConfig::new(&schedule, stack_slots).form(Form::Imported { module: "lockstep" });
        let wasm = instrument(&wat::parse_str(wat).unwrap(), &config).unwrap();
        self.reset(gas);
        let module = Module::new(self.linker.engine(), &wasm).unwrap();
        self.linker.instantiate_and_start(&mut self.store, &module)
    }

    fn reset(&mut self, gas: i64) {
        for (global, value) in self.meter.iter().zip([gas, 0, 0, 0]) {
            global.set(&mut self.store, Val::I64(value)).unwrap();
        }
    }

    fn left(&self) -> Left {
        let [gas, height, peak, trap] = self.meter.map(|global| global.get(&self.store).i64().unwrap());
        Left { gas, height, peak, trap }
    }

    fn call(
        &mut self,
        instance: &Instance,
        gas: i64,
        arguments: &[i64],
    ) -> (Result<Vec<i64>, TrapCode>, Left) {
        self.reset(gas);
        let function = instance.get_func(&self.store, "f").expect("each module here exports `f`");
        let ty = function.ty(&self.store);
        let arguments: Vec<Val> = ty
            .params()
            .iter()
            .zip(arguments)
            .map(|(ty, value)| match ty {
                wasmi::ValType::I32 => Val::I32(*value as i32),
                _ => Val::I64(*value),
            })
            .collect();
        let mut results = vec![Val::I32(0); ty.results().len()];
        let outcome = function.call(&mut self.store, &arguments, &mut results);
        let outcome = match outcome {
            Ok(()) => Ok(results
                .iter()
                .map(|value| value.i32().map(i64::from).or(value.i64()).expect("an integer"))
                .collect()),
            Err(error) => Err(error.as_trap_code().expect("a trap")),
        };
        (outcome, self.left())
    }
}

/// Calls `f` of a module in the imported form.
fn run(wat: &str, stack_slots: u64, gas: i64, arguments: &[i64]) -> (Result<Vec<i64>, TrapCode>, Left) {
    let mut run = Run::new();
    let instance = run.instantiate(wat, stack_slots, gas).unwrap();
    run.call(&instance, gas, arguments)
}

/// Expects `f` to return, at this cost and with this peak, and to trap at every lower gas.
#[track_caller]
fn costs(wat: &str, arguments: &[i64], results: &[i64], cost: i64, peak: i64) {
    let mut run = Run::new();
    let instance = run.instantiate(wat, UNLIMITED, i64::MAX).unwrap();
    let (outcome, left) = run.call(&instance, i64::MAX, arguments);
    assert_eq!(outcome, Ok(results.to_vec()));
    assert_eq!(left, Left { gas: i64::MAX - cost, height: 0, peak, trap: 0 });
    let (outcome, left) = run.call(&instance, cost, arguments);
    assert_eq!((outcome, left.gas), (Ok(results.to_vec()), 0));
    for gas in 0..cost.min(200) {
        let (outcome, left) = run.call(&instance, gas, arguments);
        assert_eq!(outcome, Err(TrapCode::UnreachableCodeReached), "{gas}");
        assert_eq!((left.gas, left.trap), (0, TRAP_OUT_OF_GAS), "{gas}");
    }
}

const STOPPED: Result<Vec<i64>, TrapCode> = Err(TrapCode::UnreachableCodeReached);

#[test]
fn l38_straight_line_code_is_one_run() {
    let wat = r#"(module (func (export "f") (param i32) (result i32) (local i64)
        local.get 0 i32.const 1 i32.add))"#;
    costs(wat, &[41], &[42], 1 + 1 + 3, 8); // entry, a local, three operators; 4 + 1 + 1 + 2
}

/// Charging a branch's run on one side only was a bug of others.
#[test]
fn l30_both_sides_of_an_if_are_charged() {
    let wat = r#"(module (func (export "f") (param i32) (result i32)
        local.get 0
        if (result i32) i32.const 1 nop else i32.const 2 end
        i32.const 3
        i32.add))"#;
    costs(wat, &[1], &[4], 3 + 2 + 2, 8);
    costs(wat, &[0], &[5], 3 + 1 + 2, 8);
}

/// The `loop` itself is paid by each iteration.
#[test]
fn l37_each_iteration_pays_for_its_loop() {
    let body = "loop local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end";
    let wat = format!(r#"(module (func (export "f") (param i32) nop {body}))"#);
    costs(&wat, &[3], &[], 2 + 3 * 6, 8);
    // A body that begins with a loop pays entry once.
    let wat = format!(r#"(module (func (export "f") (param i32) {body}))"#);
    costs(&wat, &[3], &[], 1 + 3 * 6, 8);
}

/// What follows a `br_if` is another run, paid only when it is reached.
#[test]
fn l36_what_a_branch_skips_is_not_charged() {
    let wat = r#"(module (func (export "f") (param i32)
        block local.get 0 br_if 0 nop nop end
        nop))"#;
    costs(wat, &[1], &[], 1 + 2 + 1, 6); // entry, `local.get`, `br_if`; then the run behind the block
    costs(wat, &[0], &[], 3 + 2 + 1, 6);
}

/// A charge comes before the first operator of its run.
#[test]
fn l31_a_run_that_cannot_be_paid_does_nothing() {
    let wat = r#"(module (func (export "f") unreachable))"#;
    assert_eq!(
        run(wat, UNLIMITED, 1, &[]),
        (STOPPED, Left { gas: 0, height: 4, peak: 4, trap: TRAP_OUT_OF_GAS })
    );
    assert_eq!(run(wat, UNLIMITED, 2, &[]), (STOPPED, Left { gas: 0, height: 4, peak: 4, trap: 0 }));

    let wat = r#"(module
        (global $done (export "done") (mut i32) (i32.const 0))
        (func (export "f")
            (block (global.set $done (i32.const 1)))
            (block (global.set $done (i32.const 2)))
            (block (global.set $done (i32.const 3)))))"#;
    // Runs of 3, 2 and 2: what was paid for was done, and no more.
    for (gas, done) in [(2, 0), (3, 1), (4, 1), (5, 2), (6, 2), (7, 3)] {
        let mut run = Run::new();
        let instance = run.instantiate(wat, UNLIMITED, 0).unwrap();
        let (_, left) = run.call(&instance, gas, &[]);
        let global = instance.get_global(&run.store, "done").unwrap().get(&run.store);
        assert_eq!((global.i32(), left.gas), (Some(done), 0), "{gas}");
    }
}

/// A frame counts before its first run is charged, and the limit itself is allowed.
#[test]
fn l48_recursion_ends_at_the_limit_in_slots() {
    let wat = r#"(module (func $f (export "f") call $f))"#;
    // Frames of 4 slots and runs of 2; the sixth frame is refused and its run not charged.
    for limit in 20..24 {
        let expected = Left { gas: 90, height: 20, peak: 20, trap: TRAP_STACK_OVERFLOW };
        assert_eq!(run(wat, limit, 100, &[]), (STOPPED, expected));
    }
    assert_eq!(run(wat, 24, 100, &[]).1.gas, 88);
    // Overflow comes first where neither stack nor gas is left; where gas ends earlier, it is OutOfGas.
    assert_eq!(run(wat, 20, 10, &[]).1, Left { gas: 0, height: 20, peak: 20, trap: TRAP_STACK_OVERFLOW });
    assert_eq!(run(wat, 20, 9, &[]).1, Left { gas: 0, height: 20, peak: 20, trap: TRAP_OUT_OF_GAS });
    // The outermost call is refused just so.
    assert_eq!(run(wat, 3, 0, &[]).1, Left { gas: 0, height: 0, peak: 0, trap: TRAP_STACK_OVERFLOW });
}

/// Frames go when their functions end, on every way out.
#[test]
fn every_way_out_of_a_function_gives_its_frame_back() {
    let wat = r#"(module
        (func $g (param i32) (result i32)
            block
                block
                    block local.get 0 br_table 0 1 2 end
                    i32.const 10 return
                end
                i32.const 11 i32.const 1 br_if 1
                unreachable
            end
            i32.const 12 br 0)
        (func (export "f") (param i32) (result i32) local.get 0 call $g))"#;
    for (argument, result) in [(0, 10), (1, 11), (2, 12), (9, 12)] {
        let (outcome, left) = run(wat, UNLIMITED, 1_000, &[argument]);
        assert_eq!((outcome, left.height, left.trap), (Ok(vec![result]), 0, 0), "{argument}");
    }
    let wat = r#"(module (func (export "f") (param i32) (result i32)
        i32.const 7 local.get 0 br_table 0 0 0))"#;
    costs(wat, &[1], &[7], 1 + 2 + 1 + 1, 8); // the `br_table` takes one value
    let wat = r#"(module (func (export "f") (param i32) (result i32)
        i32.const 5 local.get 0 br_if 0 i32.const 3 i32.add))"#;
    costs(wat, &[1], &[5], 1 + 2 + 2, 8);
    costs(wat, &[0], &[8], 1 + 2 + 2 + 2, 8);
}

#[test]
fn a_return_from_nested_constructs_takes_its_values_along() {
    let wat = r#"(module (func (export "f") (param i32 i64) (result i32 i64)
        i32.const 1
        loop (result i32 i64)
            block
                local.get 0
                if
                    i32.const 99 i32.const 2 i64.const 3 return
                    i64.const 4 return
                end
            end
            i32.const 5 i64.const 6
        end
        return))"#;
    // [entry const] [loop block get if] [const const const return+2]; 4 + 2 + 4.
    costs(wat, &[1, 0], &[2, 3], 2 + 3 + 6, 10);
    // [..] [loop block get if] [] [const const] [return+2]
    costs(wat, &[0, 0], &[5, 6], 2 + 3 + 2 + 3, 10);
}

/// Several results behind parameters need a type that the module does not have.
#[test]
fn multi_value_results_of_functions_with_parameters() {
    let wat = r#"(module
        (func $swap (param i32 i64) (result i64 i32) local.get 1 local.get 0)
        (func (export "f") (param i32 i64) (result i64 i32) local.get 0 local.get 1 call $swap))"#;
    // Entry, two `local.get`, `call` with two parameters and two results; then $swap's one run.
    costs(wat, &[1, 2], &[2, 1], 1 + 2 + 5 + 3, 8 + 8);
}

/// A tail call gives its frame back before the callee enters: any number of them runs in the room of one.
#[test]
fn tail_call_loops_run_in_one_frame() {
    let wat = r#"(module (func $f (export "f") (param i32)
        local.get 0
        if
            local.get 0 i32.const 1 i32.sub return_call $f
        end))"#;
    costs(wat, &[1_000], &[], 1_000 * (3 + 3 + 2) + 3, 8);
    assert_eq!(run(wat, 8, 1_000_000, &[1_000]).0, Ok(vec![]));
    assert_eq!(run(wat, 7, 1_000_000, &[1_000]).1.trap, TRAP_STACK_OVERFLOW);

    let wat = r#"(module
        (table funcref (elem $f))
        (type $t (func (param i32) (result i32)))
        (func $f (export "f") (param i32) (result i32)
            (if (result i32) (local.get 0)
                (then
                    (i32.sub (local.get 0) (i32.const 1)) i32.const 0 return_call_indirect (type $t))
                (else i32.const 8))))"#;
    costs(wat, &[10], &[8], 10 * (3 + 4 + 2) + 3 + 1, 8);
}

/// The callee of a tail call may have a bigger frame than its caller: then it is the one refused.
#[test]
fn a_tail_call_to_a_bigger_frame_overflows_at_the_callee() {
    let wat = r#"(module
        (func $big (local i64 i64 i64 i64) nop)
        (func (export "f") return_call $big))"#;
    costs(wat, &[], &[], 2 + 6, 8);
    let expected = Left { gas: 98, height: 0, peak: 4, trap: TRAP_STACK_OVERFLOW };
    assert_eq!(run(wat, 7, 100, &[]), (STOPPED, expected));
}

/// Lengths are paid when the operator executes, before any check, and as unsigned numbers.
#[test]
fn l44_a_length_too_dear_comes_before_out_of_bounds() {
    let wat = r#"(module (memory (export "m") 1)
        (func (export "f") (param i32 i32) local.get 0 i32.const 7 local.get 1 memory.fill))"#;
    costs(wat, &[0, 100], &[], 5 + 100, 10); // 4 + 2 + 3, rounded up
    costs(wat, &[65_536, 0], &[], 5, 10);
    // Out of bounds and too dear.
    let left = |gas, trap| Left { gas, height: 10, peak: 10, trap };
    assert_eq!(run(wat, UNLIMITED, 104, &[65_500, 100]), (STOPPED, left(0, TRAP_OUT_OF_GAS)));
    // Out of bounds and paid in full.
    assert_eq!(run(wat, UNLIMITED, 106, &[65_500, 100]), (Err(TrapCode::MemoryOutOfBounds), left(1, 0)));
    assert_eq!(run(wat, UNLIMITED, (1 << 32) + 5, &[0, -1]), (Err(TrapCode::MemoryOutOfBounds), left(1, 0)));
    assert_eq!(run(wat, UNLIMITED, u32::MAX as i64 + 4, &[0, -1]), (STOPPED, left(0, TRAP_OUT_OF_GAS)));

    // Nothing of an unpaid fill is done.
    let mut run = Run::new();
    let instance = run.instantiate(wat, UNLIMITED, 0).unwrap();
    let _ = run.call(&instance, 104, &[0, 100]);
    let memory = instance.get_memory(&run.store, "m").unwrap();
    assert!(memory.data(&run.store).iter().all(|&byte| byte == 0));
}

/// A grow that answers -1 has paid in full.
#[test]
fn a_grow_that_fails_is_paid() {
    let wat = r#"(module (memory 1 2) (func (export "f") (param i32) (result i32) local.get 0 memory.grow))"#;
    let left = |cost: i64, peak| Left { gas: 100 - cost, height: 0, peak, trap: 0 };
    assert_eq!(run(wat, UNLIMITED, 100, &[1]), (Ok(vec![1]), left(3 + 1, 6)));
    assert_eq!(run(wat, UNLIMITED, 100, &[9]), (Ok(vec![-1]), left(3 + 9, 6)));
    let wat = r#"(module (table 1 2 funcref)
        (func (export "f") (param i32) (result i32) ref.null func local.get 0 table.grow))"#;
    assert_eq!(run(wat, UNLIMITED, 100, &[1]), (Ok(vec![1]), left(4 + 1, 8)));
    assert_eq!(run(wat, UNLIMITED, 100, &[9]), (Ok(vec![-1]), left(4 + 9, 8)));
}

/// Every operator with a length, each at its own price.
#[test]
fn l44_every_length_has_its_own_price() {
    let prices: [(&str, &str, &str); 8] = [
        ("memory_grow_page", "", "memory.grow drop"),
        ("memory_fill_byte", "i32.const 0 i32.const 0", "memory.fill"),
        ("memory_copy_byte", "i32.const 0 i32.const 0", "memory.copy"),
        ("memory_init_byte", "i32.const 0 i32.const 0", "memory.init 0"),
        ("table_grow_element", "ref.null func", "table.grow drop"),
        ("table_fill_element", "i32.const 0 ref.null func", "table.fill"),
        ("table_copy_element", "i32.const 0 i32.const 0", "table.copy"),
        ("table_init_element", "i32.const 0 i32.const 0", "table.init 0"),
    ];
    let mut schedule = Schedule::uniform(1);
    for (at, (name, ..)) in prices.iter().enumerate() {
        *schedule.prices.by_name_mut(name).unwrap() = 100 + at as u32;
    }
    for (at, (name, before, after)) in prices.into_iter().enumerate() {
        let wat = format!(
            r#"(module (memory 1) (table 4 funcref) (data "abcd") (elem func 0 0 0 0)
                (func (export "f") {before} i32.const 3 {after}))"#
        );
        let wasm = wat::parse_str(&wat).unwrap();
        let config = InstrumentConfig::new(&schedule, UNLIMITED).form(Form::Imported { module: "lockstep" });
        let fixed = plan(&wasm, &schedule).unwrap().runs().iter().map(|run| run.price as i64).sum::<i64>();
        let mut run = Run::new();
        let module = Module::new(run.linker.engine(), instrument(&wasm, &config).unwrap()).unwrap();
        let instance = run.linker.instantiate_and_start(&mut run.store, &module).unwrap();
        let (outcome, left) = run.call(&instance, 10_000, &[]);
        assert_eq!(outcome, Ok(vec![]), "{name}");
        assert_eq!(left.gas, 10_000 - fixed - 3 * (100 + at as i64), "{name}");
    }
}

/// The table, null and signature are checked before the callee's stack and gas.
#[test]
fn a_call_that_finds_no_function_enters_nothing() {
    let wat = r#"(module
        (type $t (func))
        (table 3 funcref)
        (elem (i32.const 0) $t $wrong)
        (func $t)
        (func $wrong (param i32))
        (func (export "f") (param i32) local.get 0 call_indirect (type $t)))"#;
    costs(wat, &[0], &[], 3 + 1, 6 + 4);
    for (argument, trap) in [
        (1, TrapCode::BadSignature),
        (2, TrapCode::IndirectCallToNull),
        (3, TrapCode::TableOutOfBounds),
        (-1, TrapCode::TableOutOfBounds),
    ] {
        // The caller's frame takes all the stack there is, and its run all the gas.
        let expected = Left { gas: 0, height: 6, peak: 6, trap: 0 };
        assert_eq!(run(wat, 6, 3, &[argument]), (Err(trap), expected));
    }
    assert_eq!(run(wat, 6, 3, &[0]).1.trap, TRAP_STACK_OVERFLOW);
    assert_eq!(run(wat, 10, 3, &[0]).1.trap, TRAP_OUT_OF_GAS);
}

/// A host function counts for no slots and pays nothing by itself; it sees its caller's frame unless it was tail-called.
#[test]
fn host_functions_see_the_height_and_may_charge() {
    for (call, height, cost) in [("call", 4, 1), ("return_call", 0, 1)] {
        let mut run = Run::new();
        let meter = run.meter;
        run.linker
            .func_wrap("env", "h", move |mut caller: Caller<'_, ()>| {
                let [gas, seen, ..] = meter.map(|global| global.get(caller.as_context()).i64().unwrap());
                // What it saw is told by what it charged.
                meter[0].set(&mut caller, Val::I64(gas - 7 - seen)).unwrap();
            })
            .unwrap();
        let wat = format!(r#"(module (import "env" "h" (func $h)) (func (export "f") {call} $h))"#);
        let instance = run.instantiate(&wat, UNLIMITED, 0).unwrap();
        let expected = Left { gas: 100 - 1 - cost - 7 - height, height: 0, peak: 4, trap: 0 };
        assert_eq!(run.call(&instance, 100, &[]), (Ok(vec![]), expected));
    }
}

/// Instances that share a meter share gas and stack.
#[test]
fn linked_instances_count_together() {
    let mut run = Run::new();
    let callee = run.instantiate(r#"(module (func (export "g") (param i32) nop))"#, UNLIMITED, 0).unwrap();
    let g = callee.get_func(&run.store, "g").unwrap();
    run.linker.define("a", "g", g).unwrap();
    let wat = r#"(module (import "a" "g" (func $g (param i32))) (func (export "f") i32.const 1 call $g))"#;
    let caller = run.instantiate(wat, UNLIMITED, 0).unwrap();
    let expected = Left { gas: 100 - 4 - 2, height: 0, peak: 6 + 6, trap: 0 };
    assert_eq!(run.call(&caller, 100, &[]), (Ok(vec![]), expected));
}

/// A start function is paid from gas that is there before it, and the meter outlives an instance that never came to be.
#[test]
fn l38_start_functions_are_metered() {
    let wat = r#"(module (func $s nop nop) (start $s))"#;
    let mut run = Run::new();
    run.instantiate(wat, UNLIMITED, 3).unwrap();
    assert_eq!(run.left(), Left { gas: 0, height: 0, peak: 4, trap: 0 });
    run.instantiate(wat, UNLIMITED, 2).map(|_| ()).unwrap_err();
    assert_eq!(run.left(), Left { gas: 0, height: 4, peak: 4, trap: TRAP_OUT_OF_GAS });
}

/// Dead operators cost nothing and count for no stack; what follows the construct they are in is live again.
#[test]
fn dead_code_costs_nothing() {
    let wat = r#"(module (memory 1) (global $g (mut i32) (i32.const 3)) (func $f (export "f") (result i32)
        block (result i32)
            i32.const 1
            br 0
            loop (result i32) i32.const 1 memory.grow i32.const 2 i32.const 3 i32.const 4 i32.const 5 return end
            global.get $g
            if call $f drop return_call $f else i32.const 9 return end
            i32.const 0 i32.const 0 i32.const 0 memory.fill
        end
        i32.const 1
        i32.add
        global.get $g
        i32.add))"#;
    costs(wat, &[], &[5], 1 + 1 + 2 + 4, 6);
}

/// The exported form counts the same, by globals of its own.
#[test]
fn the_exported_form_counts_the_same() {
    let wat = r#"(module
        (global $g (mut i64) (i64.const 5))
        (func $f (export "f") (param i32) (result i64)
            local.get 0 if local.get 0 i32.const 1 i32.sub call $f global.set $g end
            global.get $g))"#;
    let schedule = Schedule::uniform(1);
    let config = InstrumentConfig::new(&schedule, UNLIMITED).form(Form::Exported);
    let wasm = instrument(&wat::parse_str(wat).unwrap(), &config).unwrap();
    let mut exported = Run::new();
    let module = Module::new(exported.linker.engine(), &wasm).unwrap();
    let instance = exported.linker.instantiate_and_start(&mut exported.store, &module).unwrap();
    exported.meter = METER_GLOBALS.map(|name| instance.get_global(&exported.store, name).unwrap());
    assert_eq!(exported.left(), Left { gas: 0, height: 0, peak: 0, trap: 0 });
    for gas in 0..100 {
        assert_eq!(exported.call(&instance, gas, &[4]), run(wat, UNLIMITED, gas, &[4]), "{gas}");
    }
    let (outcome, left) = exported.call(&instance, 100, &[4]);
    // Five times entry, get, if and the last run of one; four times get, const, sub, call with two slots, and set.
    let cost = 5 * (3 + 1) + 4 * (3 + 3 + 1);
    assert_eq!((outcome, left.gas, left.peak), (Ok(vec![5]), 100 - cost, 5 * 8));
}
