//! What decoding makes of bodies, dead code above all, and what execution needs in the way of memory and positions.

use super::*;
use crate::{AsContextMut, Config, Engine, FloatPolicy, Instance, Limits, Module, Op, Schedule, Store, Val};
use alloc::{collections::BTreeSet, format, string::String, vec};
use instr::Instr;

/// Everything costs 1, and no limit is in the way.
fn engine() -> Engine {
    let limits = Limits { stack_slots: Limits::default().stack_slots, ..Limits::ceilings() };
    let config = Config::new().schedule(Schedule::uniform(1)).limits(limits).floats(FloatPolicy::Canonical);
    Engine::new(&config).unwrap()
}

fn module(wat: &str) -> Module {
    Module::new(&engine(), wat::parse_str(wat).unwrap()).unwrap()
}

/// The instructions of all functions: an operator by its name, a charge as its price in brackets.
fn listing(module: &Module) -> String {
    let words = module.0.code().instrs.iter().map(|instr| match instr {
        Instr::Charge { price } => format!("[{price}]"),
        Instr::Enter { .. } => "enter".into(),
        Instr::Leave { .. } => "leave".into(),
        operator => operator.op().unwrap().name().into(),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The body of a function `[i32] -> [i32]`, in a module with a table and another function of that type.
fn body(body: &str) -> String {
    let wat = format!(
        "(module (type $t (func (param i32) (result i32))) (import \"\" \"f\" (func $f (type $t)))
            (table 1 funcref) (memory 1) (func (type $t) {body}))"
    );
    let listing = listing(&module(&wat));
    let inner = listing.strip_prefix("[").unwrap().strip_suffix(" leave").unwrap();
    let (_first_price, operators) = inner.split_once("] enter ").unwrap();
    operators.into()
}

#[test]
fn there_is_an_instruction_for_every_operator() {
    let operators: BTreeSet<Op> = Instr::OPERATORS.iter().copied().collect();
    assert_eq!((operators.len(), Instr::OPERATORS.len()), (Op::COUNT, Op::COUNT));
}

#[test]
fn live_operators_are_kept_one_to_one() {
    assert_eq!(
        body(
            "block (result i32) local.get 0 i32.const 5 i32.add end loop nop end drop i32.const 3 if nop else nop end i32.const 1"
        ),
        "block local.get i32.const i32.add end [2] loop nop end [3] drop i32.const if [1] nop else [1] nop end \
         [1] i32.const end"
    );
}

/// Dead after each unconditional transfer, up to the `end` of the body.
#[test]
fn dead_code_after_a_transfer_gets_no_instructions() {
    let dead = [
        "i32.add drop",
        "block nop end",
        "loop (result i32) br 0 end drop",
        "if (result i32) unreachable else i32.const 1 end drop",
        "block i32.const 0 br 1 loop i32.const 0 if nop else nop end end end",
        "br_table 0 0 0",
        "call $f drop",
        "i32.const 0 call_indirect (type $t) drop",
        "i32.const 0 return_call $f",
        "br_if 0",
        "local.get 0 i32.load memory.grow select drop",
        "return",
        "unreachable i32.const 1",
    ];
    for (transfer, live) in [
        ("br 0", "i32.const br end"),
        ("return", "i32.const return end"),
        ("unreachable", "i32.const unreachable end"),
        ("i32.const 0 br_table 0 0", "i32.const i32.const br_table end"),
        ("return_call $f", "i32.const return_call end"),
        ("i32.const 0 return_call_indirect (type $t)", "i32.const i32.const return_call_indirect end"),
    ] {
        for dead in dead {
            assert_eq!(body(&format!("i32.const 1 {transfer} {dead}")), live, "{transfer} {dead}");
        }
    }
}

/// A live construct's `end` and `else` are live again, whatever comes before them.
#[test]
fn code_behind_the_end_of_a_live_construct_is_live() {
    assert_eq!(body("block unreachable nop end i32.const 1"), "block unreachable end [1] i32.const end");
    assert_eq!(
        body("block block br 1 block nop end end nop end i32.const 1"),
        "block block br end [1] nop end [1] i32.const end"
    );
    assert_eq!(
        body("local.get 0 if (result i32) i32.const 1 return nop else i32.const 2 end"),
        "local.get if [3] i32.const return else [1] i32.const end end"
    );
    assert_eq!(
        body("local.get 0 if (result i32) i32.const 1 else unreachable drop end"),
        "local.get if [1] i32.const else [1] unreachable end end"
    );
    assert_eq!(
        body("local.get 0 if unreachable else unreachable end i32.const 1"),
        "local.get if [1] unreachable else [1] unreachable end [1] i32.const end"
    );
    assert_eq!(body("loop (result i32) br 0 end"), "[2] loop br end end");
}

#[test]
fn a_construct_opened_in_dead_code_is_dead_as_a_whole() {
    assert_eq!(body("unreachable block end i32.const 1"), "unreachable end");
    assert_eq!(body("unreachable if else end i32.const 1"), "unreachable end");
    assert_eq!(body("unreachable loop end i32.const 1"), "unreachable end");
    assert_eq!(
        body("block br 0 if block end else loop end end end i32.const 1"),
        "block br end [1] i32.const end"
    );
}

/// The entry is paid once, the loop at each iteration, though both stand at the same place.
#[test]
fn a_body_that_begins_with_a_loop_has_two_charges_there() {
    let module = module("(module (func (local i64) loop br 0 end))");
    assert_eq!(listing(&module), "[2] enter [2] loop br end end leave");
    let code = module.0.code();
    let Instr::Br { branch } = code.instrs[4] else { panic!() };
    assert_eq!((branch.target, branch.arity, branch.height), (2, 0, 1));
    assert_eq!(code.offsets[0], code.offsets[3]);
}

#[test]
fn labels_are_places_behind_ends_and_before_loops() {
    let module = module(
        "(module (func (param i32) (result i32)
            i32.const 7
            block (result i32)
              i32.const 8
              loop (param i32) (result i32)
                local.get 0 br_table 0 1 2
              end
            end
            i32.add))",
    );
    assert_eq!(
        listing(&module),
        "[3] enter i32.const block i32.const [4] loop local.get br_table end end [1] i32.add end leave"
    );
    let code = module.0.code();
    let targets: Vec<_> = code.targets.iter().map(|target| (target.target, target.height)).collect();
    // Height 1 is the parameter's; 2 with the first constant.
    assert_eq!(targets, [(5, 2), (11, 2), (14, 1)]);
    assert!(matches!(code.instrs[8], Instr::BrTable { first: 0, count: 3, arity: 1 }));
    assert!(matches!(code.instrs[11], Instr::Charge { .. }));
    assert!(matches!(code.instrs[14], Instr::Leave { results: 1, .. }));
}

#[test]
fn the_order_of_functions_leads_back_from_an_instruction() {
    let module = module("(module (import \"\" \"f\" (func)) (func nop) (func) (func i32.const 1 drop))");
    let code = module.0.code();
    let functions: Vec<u32> = (0..code.instrs.len()).map(|instr| code.function_at(instr)).collect();
    assert_eq!(functions, [1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3]);
    assert_eq!((code.site(5), code.site(6)), (5, 5));
}

/// A body of this many constructs, each in the other.
fn nested(opening: &str, depth: usize) -> Module {
    let opening: &[u8] = match opening {
        "block" => &[0x02, 0x40],
        "loop" => &[0x03, 0x40],
        "if" => &[0x41, 0x01, 0x04, 0x40],
        _ => panic!(),
    };
    let mut body = vec![0u8];
    body.extend(opening.repeat(depth));
    body.extend([0x0bu8].repeat(depth + 1));
    let mut wasm = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x05\x01\x01f\0\0".to_vec();
    let leb = |mut value: usize| {
        let mut bytes = vec![];
        loop {
            let low = (value & 0x7f) as u8;
            value >>= 7;
            bytes.push(if value == 0 { low } else { low | 0x80 });
            if value == 0 {
                return bytes;
            }
        }
    };
    let size = leb(body.len());
    wasm.push(10);
    wasm.extend(leb(1 + size.len() + body.len()));
    wasm.push(1);
    wasm.extend(size);
    wasm.extend(body);
    Module::new(&engine(), &wasm).unwrap()
}

#[test]
fn a_million_nested_constructs_are_decoded_and_executed_without_recursion() {
    for opening in ["block", "loop", "if"] {
        let module = nested(opening, 1_000_000);
        let mut store = Store::new(module.engine(), ());
        store.set_gas(1 << 40).unwrap();
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        instance.get_typed_func::<(), ()>(&store, "f").unwrap().call(&mut store, ()).unwrap();

        let wasm = module.0.bytes.len();
        let code = module.0.code();
        assert_eq!(code.instrs.capacity(), code.instrs.len());
        let decoded = code.instrs.len() * (size_of::<Instr>() + size_of::<u32>());
        assert!(decoded <= 40 * wasm, "{opening}: {decoded} bytes for {wasm}");
    }
}

/// Runs an export and answers what the interpreter holds at its end: kept outside, for only tests look at it.
fn slots_after(wat: &str, argument: i32) -> (usize, Step) {
    let module = module(wat);
    let mut store = Store::new(module.engine(), ());
    store.set_gas(i64::MAX as u64).unwrap();
    Instance::new(&mut store, &module, &[]).unwrap();
    let objects = &mut store.as_context_mut().0.objects;
    let (mut activation, entered) =
        Activation::enter(objects, InstanceId(0), 0, &[u64::from(argument as u32)]);
    entered.unwrap();
    let step = activation.resume(objects);
    (activation.slots.capacity(), step)
}

#[test]
fn a_loop_of_tail_calls_uses_constant_memory() {
    let wat = "(module
        (func $even (export \"f\") (param i32) (result i32) (local i64 i64 i64)
            local.get 0 i32.eqz if i32.const 1 return end
            i64.const 1 i64.const 2
            local.get 0 i32.const 1 i32.sub return_call $odd)
        (func $odd (param i32) (result i32)
            local.get 0 i32.eqz if i32.const 0 return end
            local.get 0 i32.const 1 i32.sub return_call $even))";
    let (few, step) = slots_after(wat, 10);
    assert!(matches!(step, Step::Returned));
    let (many, step) = slots_after(wat, 1_000_000);
    assert!(matches!(step, Step::Returned));
    assert_eq!(few, many);
}

#[test]
fn the_limit_on_stack_slots_bounds_the_interpreters_own_stack() {
    let wat = "(module (func $f (export \"f\") (param i32) (result i32) local.get 0 call $f))";
    let (slots, step) = slots_after(wat, 1);
    assert!(matches!(step, Step::Trapped(Trap::StackOverflow)));
    let limit = usize::try_from(engine().run_limits().stack_slots).unwrap();
    assert!(slots <= 2 * limit, "{slots} for a limit of {limit}");
}

/// Calls `f` of a module under every gas up to what it needs, and checks the recount each time.
fn audited(wat: &str, arguments: &[Val], gas: u64) -> (Result<Vec<Val>, Option<Trap>>, Audit) {
    let module = module(wat);
    let mut store = Store::new(module.engine(), ());
    store.set_gas(1 << 40).unwrap();
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    store.set_gas(gas).unwrap();
    store.start_audit();
    let func = instance.get_func(&store, "f").unwrap();
    let mut results = vec![Val::I32(0); func.ty(&store).results().len()];
    let outcome = func.call(&mut store, arguments, &mut results).map_err(|error| error.trap());
    let audit = store.take_audit().unwrap();
    assert_eq!(audit.mismatch, None, "with {gas} gas: {outcome:?}");
    assert_eq!(audit.recounted_gas + audit.charged_gas, gas - store.gas(), "with {gas} gas");
    (outcome.map(|()| results), audit)
}

/// Every kind of run, call and dynamic part, with the gas running out at each place where it can.
#[test]
fn the_recount_agrees_wherever_gas_runs_out() {
    let wat = r#"(module
        (type $t (func (param i32) (result i32)))
        (memory 1 4) (data $d "abcdef") (table $e 4 10 funcref) (elem (i32.const 0) $half)
        (elem $passive func $half)
        (func $half (type $t) (local i64) local.get 0 i32.const 1 i32.shr_u)
        (func $tail (type $t) local.get 0 return_call $half)
        (func $tail_indirect (type $t) local.get 0 i32.const 0 return_call_indirect (type $t))
        (func $switch (type $t)
            block block block local.get 0 br_table 0 1 2 1 end i32.const 10 return end i32.const 20 return end
            i32.const 30)
        (func $spin (type $t) (local i64 i64)
            loop local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end
            local.get 0)
        (func (export "f") (param i32 i32) (result i32)
            local.get 0 call $half drop
            local.get 0 i32.const 0 call_indirect (type $t) drop
            local.get 0 call $tail drop
            local.get 0 call $tail_indirect drop
            i32.const 3 call $switch drop
            i32.const 3 call $spin drop
            i32.const 1 memory.grow drop
            i32.const 0 i32.const 7 i32.const 5 memory.fill
            i32.const 0 i32.const 1 i32.const 5 memory.copy
            i32.const 0 i32.const 1 i32.const 5 memory.init $d
            ref.null func i32.const 2 table.grow drop
            i32.const 0 ref.null func i32.const 1 table.fill
            i32.const 0 i32.const 1 i32.const 1 table.copy
            i32.const 0 i32.const 0 i32.const 1 table.init $passive
            local.get 0 if (result i32) i32.const 12 local.get 1 i32.div_u else i32.const 1 end))"#;
    let enough = 1_000;
    let (outcome, audit) = audited(wat, &[Val::I32(8), Val::I32(3)], enough);
    assert_eq!(outcome, Ok(vec![Val::I32(4)]));
    assert_eq!(audit.executed[Op::CallIndirect as usize], 1);
    assert_eq!(audit.executed[Op::ReturnCall as usize], 1);
    assert_eq!(audit.executed[Op::Loop as usize], 3);
    assert_eq!(audit.executed[Op::I32DivU as usize], 1);
    for gas in 0..audit.recounted_gas {
        assert_eq!(audited(wat, &[Val::I32(8), Val::I32(3)], gas).0, Err(Some(Trap::OutOfGas)), "{gas}");
    }
    // A trap inside a run, of which the rest is paid too.
    let (outcome, trapped) = audited(wat, &[Val::I32(8), Val::I32(0)], enough);
    assert_eq!(outcome, Err(Some(Trap::DivideByZero)));
    assert_eq!(trapped.recounted_gas, audit.recounted_gas);
    // A dynamic part is paid before the bounds are looked at.
    let out_of_bounds = "(module (memory 1) (func (export \"f\") (param i32)
        local.get 0 i32.const 0 i32.const 9 memory.fill nop nop))";
    let (outcome, audit) = audited(out_of_bounds, &[Val::I32(-1)], 100);
    assert_eq!((outcome, audit.recounted_gas), (Err(Some(Trap::MemoryOutOfBounds)), 1 + 6 + 9));
}

/// An audit that could not find a fault would be worth nothing.
#[test]
fn the_recount_notices_a_wrong_price() {
    let wat = "(module (func (export \"f\") nop block nop end nop))";
    let mut module = module(wat);
    let inner = Arc::get_mut(&mut module.0).unwrap();
    let last = inner.code_mut().instrs.iter_mut().rfind(|instr| matches!(instr, Instr::Charge { .. }));
    let Some(Instr::Charge { price }) = last else { panic!() };
    *price += 1;
    let mut store = Store::new(module.engine(), ());
    store.set_gas(1 << 40).unwrap();
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    store.start_audit();
    instance.get_typed_func::<(), ()>(&store, "f").unwrap().call(&mut store, ()).unwrap();
    assert!(store.take_audit().unwrap().mismatch.is_some());
}

#[test]
fn branches_take_their_values_along_and_drop_what_lies_below() {
    let answer = |body: &str, argument: i32| {
        let wat = format!(
            "(module (func (export \"f\") (param i32) (result i64)
                i64.const 100 i64.const 20
                block (result i64 i64)
                    i64.const 7 i64.const 7 i64.const 7
                    block (result i64 i64)
                        i64.const 9 i64.const 1 i64.const 2 {body}
                    end
                    i64.const 3 i64.mul br 0
                end
                i64.sub i64.add i64.add))"
        );
        let (outcome, _) = audited(&wat, &[Val::I32(argument)], 1_000);
        let [Val::I64(value)] = outcome.unwrap()[..] else { panic!() };
        value
    };
    // To the outer label: 100 + (20 + (1 - 2)). To the inner: 100 + (20 + (1 - 2 * 3)).
    let (outer, inner) = (119, 115);
    assert_eq!(answer("br 1", 0), outer);
    assert_eq!(answer("br 0", 0), inner);
    assert_eq!(answer("local.get 0 br_if 1 br 0", 1), outer);
    assert_eq!(answer("local.get 0 br_if 1 br 0", 0), inner);
    for (argument, expected) in [(0, outer), (1, inner), (2, inner), (3, outer), (4, outer), (-1, outer)] {
        assert_eq!(answer("local.get 0 br_table 1 0 0 1 1", argument), expected, "{argument}");
        let other = if expected == outer && argument != 0 { inner } else { outer };
        assert_eq!(answer("local.get 0 br_table 1 1 1 0", argument), other, "{argument}");
    }
}
