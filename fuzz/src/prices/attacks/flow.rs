//! Branches, calls and frames.

use crate::prices::{Kind, Parts, RANDOM, Workload, times};

pub(super) fn all() -> Vec<Workload> {
    let mut all = branches();
    all.extend(arities());
    all.extend(calls());
    all.extend(deep_calls());
    all.extend(host_calls());
    all
}

fn of(name: &str, parts: Parts, repeats: u32) -> Workload {
    parts.workload(name, "", repeats)
}

/// So many of a value.
fn values(count: u32) -> String {
    "(local.get $i0)".repeat(count as usize)
}

fn branches() -> Vec<Workload> {
    let bit = |number: u32| format!("(i32.and (local.get $i3) (i32.const {}))", 1_u32 << (31 - number));
    let bits = |piece: &str| -> String {
        let round =
            |_| RANDOM.to_string() + &(0..16).map(|at| piece.replace('%', &bit(at))).collect::<String>();
        (0..8).map(round).collect()
    };
    let to_many = |count: u32| {
        let targets: String = (0..count).map(|target| format!("{target} ")).collect();
        // Each block's end is another place to go.
        let ends = "(local.set $i1 (i32.add (local.get $i1) (i32.const 1))))".repeat(count as usize);
        format!(
            "{RANDOM}{}(br_table {targets} (i32.rem_u (local.get $i3) (i32.const {count}))){ends}",
            "(block ".repeat(count as usize),
        )
    };
    vec![
        of("an empty loop", Parts::body(""), 1),
        of(
            "a loop in a loop",
            Parts::body(
                "(local.set $i0 (i32.const 3)) (loop $inner (br_if $inner (local.tee $i0 (i32.sub (local.get $i0) (i32.const 1)))))",
            ),
            1,
        ),
        of(
            "branches without a pattern",
            Parts::body(bits("(block (br_if 0 %) (local.set $i0 (i32.const 1)))")),
            128,
        ),
        of(
            "if and else without a pattern",
            Parts::body(bits(
                "(if % (then (local.set $i0 (i32.const 1))) (else (local.set $i0 (i32.const 2))))",
            )),
            128,
        ),
        of("br_table to 16 places without a pattern", Parts::body(to_many(16)), 1),
        of("br_table to 1,000 places without a pattern", Parts::body(to_many(1_000)), 1),
        of("br_table to 4,000 places without a pattern", Parts::body(to_many(4_000)), 1),
        of(
            "a megabyte of code in a loop",
            Parts::body(times(90_000, "(local.set $l0 (i64.add (local.get $l0) (local.get $l1)))")),
            90_000,
        ),
        of(
            "a megabyte of branches not taken",
            Parts::body(times(90_000, "(block (br_if 0 (local.get $i0)))")),
            90_000,
        ),
    ]
}

fn arities() -> Vec<Workload> {
    const TYPES: &str =
        "(type $wide (func (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
        (result i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))";
    let wide = |name: &str, inner: &str| {
        let drops = "(drop)".repeat(16);
        let piece = format!("{} (block (type $wide) {inner}) {drops}", values(16));
        of(name, Parts::body(times(16, &piece)).fields(TYPES), 16)
    };
    let many = "i32 ".repeat(128);
    let back = Parts::body(format!(
        "(local.set $i0 (i32.const 8)) {} (loop $l (type $all) (local.set $i0 (i32.sub (local.get $i0) (i32.const 1)))
         (br_if $l (local.get $i0)) {})",
        values(128),
        "(drop)".repeat(128)
    ))
    .fields(format!("(type $all (func (param {many})))"));
    vec![
        wide("a block of 16 results", ""),
        wide("br with 16 operands", "(br 0)"),
        wide("br with 16 operands, above others", &format!("(local.get $i1) {} (br 0)", values(16))),
        wide("br_if with 16 operands, taken", "(br_if 0 (i32.const 1))"),
        wide("br_if with 16 operands, not taken", "(br_if 0 (local.get $i1))"),
        wide(
            "br_table with 16 operands, above others",
            &format!("(local.get $i1) {} (br_table 0 0 (local.get $i1))", values(16)),
        ),
        of("a loop of 128 parameters", back, 8),
    ]
}

fn calls() -> Vec<Workload> {
    let signature = |parameters: u32, results: u32| {
        let (parameters, results) = ("i64 ".repeat(parameters as usize), "i64 ".repeat(results as usize));
        format!("(type $t (func (param {parameters}) (result {results})))")
    };
    let wide = |name: &str, parameters: u32, results: u32, call: &str| {
        let fields = format!(
            "{} (table 1 funcref) (elem (i32.const 0) $f) (func $f (type $t) {})",
            signature(parameters, results),
            "(i64.const 7)".repeat(results as usize)
        );
        let piece = "(local.get $l0)".repeat(parameters as usize) + call + &"(drop)".repeat(results as usize);
        of(name, Parts::body(times(8, &piece)).fields(fields), 8)
    };
    let indirect = "(call_indirect (type $t) (i32.const 0))";
    let functions = |count: u32, body: &str| {
        let names: String = (0..count).map(|at| format!("$f{at} ")).collect();
        let functions = times(count, &format!("(func $f# (type $t) {body})"));
        format!("(type $t (func)) (table {count} funcref) (elem (i32.const 0) {names}) {functions}")
    };
    let random = |count: u32| {
        let piece =
            format!("{RANDOM}(call_indirect (type $t) (i32.rem_u (local.get $i3) (i32.const {count})))");
        Parts::body(times(16, &piece)).fields(functions(count, ""))
    };
    let in_a_row =
        Parts::body((0..20_000).map(|at| format!("(call $f{})", at * 7_919 % 20_000)).collect::<String>());
    let work = "(local i64) (local.set 0 (i64.add (local.get 0) (i64.const 7)))";
    vec![
        wide("a call of 6 parameters", 6, 1, "(call $f)"),
        wide("a call of 7 parameters", 7, 1, "(call $f)"),
        wide("a call of 128 parameters", 128, 0, "(call $f)"),
        wide("a call of 16 results", 0, 16, "(call $f)"),
        wide("a call of 128 parameters and 16 results", 128, 16, "(call $f)"),
        wide("call_indirect of 128 parameters and 16 results", 128, 16, indirect),
        of("call_indirect of 16 functions without a pattern", random(16), 16),
        of("call_indirect of 10,000 functions without a pattern", random(10_000), 16),
        of("calls of 20,000 functions in a row", in_a_row.fields(functions(20_000, work)), 20_000),
        of("tail calls of 128 parameters", tail_calls(128), 32),
        of("tail calls of 6 parameters", tail_calls(6), 32),
        of("a call of a function of 1,000 locals", entered(1_000, false), 8),
        of("a call of a function of 9,000 locals", entered(9_000, false), 1),
        of("a call that a local of each home outlives", outlived(9), 8),
        of("a call that 64 locals outlive", outlived(64), 8),
        of("a call of a function of a great frame", entered(9_000, true), 8),
    ]
}

/// 32 tail calls that hand on all their parameters.
fn tail_calls(parameters: u32) -> Parts {
    let rest = parameters as usize - 1;
    let gets: String = (1..parameters).map(|at| format!("(local.get {at})")).collect();
    let fields = format!(
        "(func $f (param i32) (param {}) (if (local.get 0) (then \
         (return_call $f (i32.sub (local.get 0) (i32.const 1)) {gets}))))",
        "i64 ".repeat(rest)
    );
    Parts::body(format!("(call $f (i32.const 32) {})", "(local.get $l0)".repeat(rest))).fields(fields)
}

/// Calls of a function of many declared locals, which it uses, or most of which it does not.
fn entered(locals: u32, lazily: bool) -> Parts {
    let used = if lazily { 1 } else { locals };
    let uses: String =
        (0..used).map(|at| format!("(local.set {at} (local.get {}))", (at + 1) % used)).collect();
    let uses = if lazily { uses } else { format!("(if (local.get 0) (then {uses}))") };
    let fields = format!("(func $f (local {}) {uses})", "i32 ".repeat(locals as usize));
    let calls = if locals > 1_000 && !lazily { 1 } else { 8 };
    Parts::body(times(calls, "(call $f)")).fields(fields)
}

/// Calls of a function that uses so many locals before and after a call.
fn outlived(locals: u32) -> Parts {
    let up = |at: u32| format!("(local.set {at} (i32.add (local.get {at}) (i32.const 1)))");
    let all: String = (0..locals).map(up).collect();
    let fields =
        format!("(func $g) (func $f (local {}) {all} (call $g) {all})", "i32 ".repeat(locals as usize));
    Parts::body(times(8, "(call $f)")).fields(fields)
}

fn deep_calls() -> Vec<Workload> {
    // A frame has four slots beside its values, and there are 131,072.
    let recursion = |name: &str, depth: u32, locals: u32, uses: &str| {
        let fields = format!(
            "(func $f (param i32) (local {}) {uses} (if (local.get 0) (then \
             (call $f (i32.sub (local.get 0) (i32.const 1))))) {uses})",
            "i64 ".repeat(locals as usize)
        );
        of(name, Parts::body(format!("(call $f (i32.const {depth}))")).fields(fields), depth)
    };
    let up: String =
        (1..=20).map(|at| format!("(local.set {at} (i64.add (local.get {at}) (i64.const 1)))")).collect();
    let fibonacci = "(func $f (param i32) (result i32) (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) \
                     (then (local.get 0)) (else (i32.add (call $f (i32.sub (local.get 0) (i32.const 1))) \
                     (call $f (i32.sub (local.get 0) (i32.const 2)))))))";
    vec![
        recursion("recursion, 10 deep", 10, 0, ""),
        recursion("recursion, 10,000 deep", 10_000, 0, ""),
        recursion("recursion, 3,000 deep, of 20 locals", 3_000, 20, &up),
        recursion("recursion, 30 deep, of 4,000 locals", 30, 4_000, ""),
        of("Fibonacci", Parts::body("(drop (call $f (i32.const 15)))").fields(fibonacci), 1_973),
        Workload {
            kind: Kind::Fresh,
            ..recursion("recursion, 10,000 deep, once in each instance", 10_000, 0, "")
        },
    ]
}

/// Host functions. What their own work costs is theirs to charge: `charges` charges 150 gas, `free` nothing.
fn host_calls() -> Vec<Workload> {
    const IMPORTS: &str = "(import \"host\" \"charges\" (func $charges (param i64) (result i64)))
        (import \"host\" \"free\" (func $free (param i64) (result i64)))
        (type $t (func (param i64) (result i64))) (table 1 funcref) (elem (i32.const 0) $charges)";
    let host = |name: &str, call: &str| {
        of(name, Parts::body(times(8, &format!("(local.set $l0 {call})"))).fields(IMPORTS), 8)
    };
    let free = host("a host function that charges nothing", "(call $free (local.get $l0))");
    vec![
        host("a host function that charges 150", "(call $charges (local.get $l0))"),
        host(
            "call_indirect of a host function that charges 150",
            "(call_indirect (type $t) (local.get $l0) (i32.const 0))",
        ),
        Workload { judged: false, ..free },
    ]
}
