//! The wasm stack, painted before each execution: what has been overwritten afterwards is the peak of the law, with no more
//! beside it than the room that is there for it.
//!
//! The peak is the reference's: compiled code's own is a difference of two stack pointers, and would be as wrong as these.

use super::super::machine::ACTIVATION_BYTES;
use crate::{
    AsContextMut, Backend, Caller, Config, Engine, Error, Func, Instance, Limits, Module, RunLimits,
    Schedule, Store, Val,
};
use alloc::format;
use alloc::string::String;

/// Gas of every execution.
const GAS: u64 = 10_000_000;

/// How the innermost frame of the peak ends, which says how exactly it can be seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Innermost {
    /// It leaves guest code: a return address is written right below it.
    Leaves,
    /// The same, unless the function that it becomes by a tail call is refused.
    LeavesWhereItFits,
    /// It need not write its lowest slots.
    Returns,
}

use Innermost::{Leaves, LeavesWhereItFits, Returns};

/// A thunk that goes back without leaving: only on x86-64 does a call write a return address by itself.
const GOES_BACK: Innermost = if cfg!(target_arch = "x86_64") { Leaves } else { Returns };

/// Exported functions `[i64] -> [i64]`, with what follows `(local ...)` in their bodies, and an argument.
const CASES: &[(&str, Innermost, i64, &str)] = &[
    ("returning", Returns, 7, "(i64.add (local.get 0) (i64.const 1))"),
    ("host call", Leaves, 7, "(call $host (local.get 0))"),
    ("unreachable", Leaves, 7, "unreachable"),
    ("division", Leaves, 7, "(i64.div_u (local.get 0) (i64.sub (local.get 0) (local.get 0)))"),
    ("load", Leaves, 7, "(i64.load (i32.const -8))"),
    ("short fill", GOES_BACK, 7, "(memory.fill (i32.const 9) (i32.const 1) (i32.const 21)) (i64.const 0)"),
    ("long fill", Leaves, 7, "(memory.fill (i32.const 9) (i32.const 1) (i32.const 9999)) (i64.const 0)"),
    ("unpaid fill", Leaves, 7, "(memory.fill (i32.const 0) (i32.const 1) (i32.const -1)) (i64.const 0)"),
    ("fill beyond", Leaves, 7, "(memory.fill (i32.const -1) (i32.const 1) (i32.const 2)) (i64.const 0)"),
    ("short copy", GOES_BACK, 7, "(memory.copy (i32.const 9) (i32.const 99) (i32.const 21)) (i64.const 0)"),
    ("long copy", Leaves, 7, "(memory.copy (i32.const 9) (i32.const 99) (i32.const 9999)) (i64.const 0)"),
    ("memory.init", Leaves, 7, "(memory.init $data (i32.const 9) (i32.const 0) (i32.const 8)) (i64.const 0)"),
    ("memory.grow", Leaves, 7, "(i64.extend_i32_s (memory.grow (i32.const 1)))"),
    ("table.fill", Leaves, 7, "(table.fill (i32.const 6) (ref.null func) (i32.const 2)) (i64.const 0)"),
    ("table.copy", Leaves, 7, "(table.copy (i32.const 6) (i32.const 7) (i32.const 1)) (i64.const 0)"),
    ("table.init", Leaves, 7, "(table.init $elem (i32.const 6) (i32.const 0) (i32.const 1)) (i64.const 0)"),
    ("table.grow", Leaves, 7, "(i64.extend_i32_s (table.grow (ref.null func) (i32.const 1)))"),
    ("call", Leaves, 7, "(call $called (local.get 0))"),
    ("indirect call", Leaves, 7, "(call_indirect (type $t) (local.get 0) (i32.const 2))"),
    ("indirect host call", Leaves, 7, "(call_indirect (type $t) (local.get 0) (i32.const 0))"),
    ("another instance", Leaves, 7, "(call_indirect (type $t) (local.get 0) (i32.const 4))"),
    ("null", Leaves, 7, "(call_indirect (type $t) (local.get 0) (i32.const 5))"),
    ("another type", Leaves, 7, "(call_indirect (type $t) (local.get 0) (i32.const 3))"),
    (
        "recursion",
        Leaves,
        11,
        r#"(if (result i64) (i64.eqz (local.get 0))
            (then (call $host (local.get 0)))
            (else (i64.add (i64.const 1) (call $recursion (i64.sub (local.get 0) (i64.const 1))))))"#,
    ),
    ("overflow", Leaves, 7, "(i64.add (i64.const 1) (call $overflow (local.get 0)))"),
    ("tail call", LeavesWhereItFits, 7, "(return_call $called (local.get 0))"),
    ("tail call of the host", Returns, 7, "(return_call $host (local.get 0))"),
    (
        "indirect tail call",
        LeavesWhereItFits,
        7,
        "(return_call_indirect (type $t) (local.get 0) (i32.const 2))",
    ),
    (
        "tail call of another instance",
        LeavesWhereItFits,
        7,
        "(return_call_indirect (type $t) (local.get 0) (i32.const 4))",
    ),
    (
        "tail calls",
        LeavesWhereItFits,
        1_000,
        r#"(if (i64.eqz (local.get 0)) (then (return_call $called (local.get 0))))
           (return_call $tail_calls (i64.sub (local.get 0) (i64.const 1)))"#,
    ),
    // The host calls `nested_activations` when what is left is even, else `nested_by_tail_calls`.
    (
        "nested activations",
        LeavesWhereItFits,
        8,
        r#"(if (result i64) (i64.eqz (local.get 0))
            (then (call $called (local.get 0)))
            (else (i64.add (i64.const 1) (call $again (i64.sub (local.get 0) (i64.const 1))))))"#,
    ),
    (
        "nested by tail calls",
        LeavesWhereItFits,
        9,
        r#"(if (i64.eqz (local.get 0)) (then (return_call $called (local.get 0))))
           (return_call $again (i64.sub (local.get 0) (i64.const 1)))"#,
    ),
    ("many parameters and results", Leaves, 7, "WIDE"),
];

/// The cases as a module whose functions declare so many locals; the frames are that much greater.
fn text(locals: usize, limits: &Limits) -> String {
    let values = |count: u64| "i64 ".repeat(count as usize);
    let (parameters, results) = (limits.parameters, limits.results);
    let some = format!("(local {})", "i64 ".repeat(locals));
    let arguments: String = (0..parameters).map(|at| format!("(i64.const {at}) ")).collect();
    let answers: String = (0..results).map(|at| format!("(i64.const {at}) ")).collect();
    let wide = format!(
        "{arguments} (call_indirect (type $wide) (i32.const 3)) {}",
        "i64.add ".repeat(results as usize - 1)
    );
    let mut text = format!(
        r#"(module
        (type $t (func (param i64) (result i64)))
        (type $wide (func (param {}) (result {})))
        (import "" "host" (func $host (type $t)))
        (import "" "again" (func $again (type $t)))
        (memory 1 2)
        (table (export "table") 8 9 funcref)
        (elem (i32.const 0) func $host $again $called $wide)
        (elem $elem func $called)
        (data $data "lockstep")
        ;; Greater than the frames that become it.
        (func $called (export "called") (type $t) {some} (local i64 i64 i64 i64) (call $host (local.get 0)))
        (func $wide (type $wide) {some} (drop (call $host (local.get 1))) {answers})"#,
        values(parameters),
        values(results),
    );
    for (name, _, _, body) in CASES {
        let body = body.replace("WIDE", &wide);
        text += &format!("(func ${} (export {name:?}) (type $t) {some} {body})\n", name.replace(' ', "_"));
    }
    text + ")"
}

/// What a store knows of its activations.
#[derive(Default)]
struct Depth {
    now: u64,
    greatest: u64,
}

fn engine(backend: Backend, limits: &Limits) -> Engine {
    let config = Config::new().backend(backend).schedule(Schedule::uniform(1));
    Engine::new(&config.limits(limits.clone())).unwrap()
}

/// A store with an instance of the cases, and another one for those that go to another.
fn instantiate(engine: &Engine, wasm: &[u8]) -> (Store<Depth>, Instance) {
    let module = Module::new(engine, wasm).unwrap();
    let mut store = Store::new(engine, Depth::default());
    store.set_gas(1 << 40).unwrap();
    let host = Func::wrap(&mut store, |value: i64| value + 1);
    let again = Func::wrap(&mut store, |mut caller: Caller<'_, Depth>, left: i64| -> Result<i64, Error> {
        let depth = caller.data_mut();
        depth.now += 1;
        depth.greatest = depth.greatest.max(depth.now);
        let name = if left % 2 == 0 { "nested activations" } else { "nested by tail calls" };
        let nested = caller.instance().unwrap().get_typed_func::<i64, i64>(&caller, name)?;
        let result = nested.call(&mut caller, left);
        caller.data_mut().now -= 1;
        result
    });
    let [instance, other] =
        [(); 2].map(|()| Instance::new(&mut store, &module, &[host.into(), again.into()]).unwrap());
    let called = other.get_func(&store, "called").unwrap();
    instance.get_table(&store, "table").unwrap().set(&mut store, 4, Val::FuncRef(Some(called))).unwrap();
    (store, instance)
}

/// How a call ended, its peak in slots, and how many activations there were at once.
fn call(store: &mut Store<Depth>, instance: Instance, name: &str, argument: i64) -> (String, u64, u64) {
    store.set_gas(GAS).unwrap();
    *store.data_mut() = Depth { now: 1, greatest: 1 };
    let func = instance.get_typed_func::<i64, i64>(&*store, name).unwrap();
    let ended = match func.call(&mut *store, argument) {
        Ok(result) => format!("{result}"),
        Err(error) => format!("{:?}", error.trap().expect("a trap")),
    };
    (format!("{ended}, {} gas left", store.gas()), store.peak_stack_slots(), store.data().greatest)
}

fn repaint(store: &mut Store<Depth>) -> u64 {
    let objects = &mut store.as_context_mut().0.objects;
    let limits = objects.limits;
    objects.machine.as_mut().unwrap().repaint_stack(&limits)
}

/// What was seen, so that a test cannot pass by looking at nothing.
#[derive(Default, Debug)]
struct Seen {
    executions: u64,
    overflows: u64,
    /// Executions of which the peak is seen exactly.
    exact: u64,
    /// The greatest use, in bytes, and the most beside frames.
    greatest: u64,
    beside: u64,
}

/// The two engines' stores of one module.
struct Pair {
    what: String,
    reference: (Store<Depth>, Instance),
    native: (Store<Depth>, Instance),
}

impl Pair {
    fn new(what: String, limits: &Limits, wasm: &[u8]) -> Pair {
        let [reference, mut native] = [Backend::Interpreter, Backend::Native]
            .map(|backend| instantiate(&engine(backend, limits), wasm));
        repaint(&mut native.0);
        Pair { what, reference, native }
    }

    fn limit(&mut self, stack_slots: u64) {
        for store in [&mut self.reference.0, &mut self.native.0] {
            store.limit(RunLimits { stack_slots, ..store.limits() }).unwrap();
        }
    }

    fn execute(&mut self, seen: &mut Seen, name: &str, innermost: Innermost, argument: i64) {
        let (expected, peak, depth) = call(&mut self.reference.0, self.reference.1, name, argument);
        let (store, instance) = &mut self.native;
        let found = call(store, *instance, name, argument);
        let used = repaint(store);

        let slots = store.limits().stack_slots;
        let what = format!("{}, {name:?}, limit {slots} slots, {expected}", self.what);
        let bytes = 8 * peak;
        let overflowed = expected.starts_with("StackOverflow");
        let room = ACTIVATION_BYTES * depth;
        assert!(used <= bytes + room, "{what}: {used} bytes used, peak {bytes}, {depth} activations");
        let exact = match innermost {
            Leaves => true,
            LeavesWhereItFits => !overflowed,
            Returns => false,
        };
        assert!(!exact || used > bytes, "{what}: {used} bytes used, peak {bytes}");
        assert_eq!(found, (expected, peak, depth), "{what}");

        seen.executions += 1;
        seen.overflows += u64::from(overflowed);
        seen.exact += u64::from(exact);
        seen.greatest = seen.greatest.max(used);
        seen.beside = seen.beside.max(used.saturating_sub(bytes));
    }

    fn execute_all(&mut self, seen: &mut Seen) {
        for &(name, innermost, argument, _) in CASES {
            self.execute(seen, name, innermost, argument);
        }
    }
}

fn pair(locals: usize, limits: &Limits) -> Pair {
    let wasm = wat::parse_str(text(locals, limits)).unwrap();
    Pair::new(format!("{locals} locals"), limits, &wasm)
}

/// As great as functions of these cases may become, with some frames of them.
fn greatest() -> Limits {
    Limits {
        locals: 49_000,
        parameters: 1_000,
        results: 1_000,
        frame_slots: 100_000,
        stack_slots: 1_000_000,
        values_per_byte: 1_000_000,
        module_locals: 100_000_000,
        ..Limits::default()
    }
}

#[test]
fn l48_frames_of_every_size_take_what_the_law_counts() {
    let mut seen = Seen::default();
    let limits = Limits { module_locals: 100_000_000, values_per_byte: 1_000_000, ..Limits::default() };
    for locals in (0..20).chain([31, 32, 63, 64, 127, 128, 505, 510, 511, 512, 513, 1_000, 4_091, 9_996]) {
        pair(locals, &limits).execute_all(&mut seen);
    }
    for locals in [0, 20_000, 48_996] {
        pair(locals, &greatest()).execute_all(&mut seen);
    }
    std::println!("{seen:?}");
    assert!(seen.executions >= 37 * CASES.len() as u64, "{seen:?}");
    assert!(seen.overflows >= 37 && seen.exact > seen.executions / 2, "{seen:?}");
    // Of the greatest frames as many as fit, and nine nested activations.
    assert!(seen.greatest > 8 * 900_000 && seen.beside >= 9 * ACTIVATION_BYTES, "{seen:?}");
}

/// Every limit in steps of 16 bytes, from more than enough for most cases down to none.
#[test]
fn l48_a_limit_of_any_height_is_kept_to_the_word() {
    let mut seen = Seen::default();
    let limits = Limits { stack_slots: 2_000, ..Limits::default() };
    for locals in [0, 1, 30] {
        let mut pair = pair(locals, &limits);
        // Of frames that are great already, two: each of their slots is a limit then.
        let most = (12 * (locals as u64 + 8)).min(2 * (locals as u64 + 160));
        for slots in (0..=most).rev().step_by(2) {
            pair.limit(slots);
            pair.execute_all(&mut seen);
        }
    }
    std::println!("{seen:?}");
    assert!(seen.executions > 9_000 && seen.exact > seen.executions / 2, "{seen:?}");
    assert!(seen.overflows > seen.executions / 10, "{seen:?}");
}

/// Operands take slots as locals do.
#[test]
fn l48_frames_of_operands_take_what_the_law_counts() {
    let mut seen = Seen::default();
    for operands in [1, 2, 3, 10, 100, 1_000, 16_000] {
        let text = format!(
            r#"(module
            (type $t (func (param i64) (result i64)))
            (import "" "host" (func $host (type $t)))
            (import "" "again" (func $again (type $t)))
            (table (export "table") 8 funcref)
            (func (export "called") (type $t) local.get 0)
            (func (export "operands") (type $t) {} {})
            (func $overflow (export "overflow") (type $t) {} local.get 0 call $overflow {}))"#,
            "(call $host (local.get 0)) ".repeat(operands),
            "i64.add ".repeat(operands - 1),
            "local.get 0 ".repeat(operands),
            "i64.add ".repeat(operands),
        );
        let wasm = wat::parse_str(text).unwrap();
        let mut pair = Pair::new(format!("{operands} operands"), &Limits::default(), &wasm);
        pair.execute(&mut seen, "operands", Leaves, 7);
        pair.execute(&mut seen, "overflow", Leaves, 7);
    }
    std::println!("{seen:?}");
    assert_eq!((seen.executions, seen.overflows, seen.exact), (14, 7, 14), "{seen:?}");
}
