//! Memory: what is not in the cache, growth, and operators that take a length.

use crate::prices::{CIRCLE, Kind, Parts, RANDOM, UNROLLED, Workload, times};

pub(super) fn all() -> Vec<Workload> {
    let mut all = misses();
    all.extend(growth());
    all.extend(bulk());
    all.extend(tables());
    all
}

fn of(name: &str, form: &str, parts: Parts, repeats: u32) -> Workload {
    parts.workload(name, form, repeats)
}

fn loop_of(name: &str, fields: &str, piece: &str) -> Workload {
    of(name, "", Parts::body(times(UNROLLED, piece)).fields(fields), UNROLLED)
}

/// A circle through the first words of so many blocks of so many bytes, both powers of 2, behind an offset. Multiplication
/// by 4k + 1 and addition of an odd number reach all.
fn circle(blocks: u32, block: u32, offset: u32) -> String {
    format!(
        "(memory 1024)
        (func (export \"setup\") (local $at i32) (local $next i32)
          (loop $again
            (local.set $next (i32.and (i32.add (i32.mul (local.get $at) (i32.const 1664525)) (i32.const 1013904223))
                (i32.const {last})))
            (i32.store offset={offset} (i32.mul (local.get $at) (i32.const {block}))
                (i32.mul (local.get $next) (i32.const {block})))
            (br_if $again (local.tee $at (local.get $next)))))",
        last = blocks - 1
    )
}

fn misses() -> Vec<Workload> {
    let round = |name: &str, circle: &str, offset: u32| {
        loop_of(name, circle, &format!("(local.set $i0 (i32.load offset={offset} (local.get $i0)))"))
    };
    vec![
        round("loads round 64 MiB", CIRCLE, 0),
        round("loads round 16 MiB", &circle(1 << 18, 64, 0), 0),
        round("loads round 4 MiB", &circle(1 << 16, 64, 0), 0),
        round("loads round all pages of 4 KiB", &circle(1 << 14, 4_096, 0), 0),
        round("loads round all pairs of pages, across both", &circle(1 << 13, 8_192, 4_094), 4_094),
        loop_of(
            "loads and stores that miss the cache",
            CIRCLE,
            "(i32.store offset=32 (local.get $i0) (local.get $i1)) (local.set $i0 (i32.load (local.get $i0)))",
        ),
        loop_of(
            "stores to another page each",
            CIRCLE,
            &format!("{RANDOM}(i64.store (i32.and (local.get $i3) (i32.const 0x3fff000)) (local.get $l0))"),
        ),
        loop_of(
            "stores across two pages each",
            CIRCLE,
            &format!(
                "{RANDOM}(i64.store offset=4092 (i32.and (local.get $i3) (i32.const 0x3ffe000)) (local.get $l0))"
            ),
        ),
        loop_of(
            "words written in halves and read whole",
            "(memory 1)",
            "(i32.store (local.get $i0) (local.get $i1)) (i32.store offset=4 (local.get $i0) (local.get $i1))
             (local.set $i0 (i32.and (i32.wrap_i64 (i64.load (local.get $i0))) (i32.const 8)))",
        ),
        loop_of(
            "loads that cross lines",
            "(memory 1)",
            "(local.set $i0 (i32.wrap_i64 (i64.load offset=61 (local.get $i0))))",
        ),
        loop_of(
            "stores that cross pages",
            "(memory 1)",
            "(i64.store offset=4093 (local.get $i0) (local.get $l0))",
        ),
        loop_of(
            "globals, chained",
            &times(1_000, "(global $g# (mut i64) (i64.const 0))"),
            "(global.set $g# (i64.add (global.get $g#) (i64.const 1)))",
        ),
    ]
}

/// Writes to each page of 4 KiB below the memory's end.
const TOUCH: &str = "(local.set $i0 (i32.shl (memory.size) (i32.const 16)))
    (loop $touch (i32.store8 (local.tee $i0 (i32.sub (local.get $i0) (i32.const 4096))) (i32.const 1))
        (br_if $touch (local.get $i0)))";

fn growth() -> Vec<Workload> {
    let fresh = |name: &str, fields: &str, body: &str, repeats: u32| Workload {
        kind: Kind::Fresh,
        ..of(name, "", Parts::body(body).fields(fields), repeats)
    };
    let one_by_one = "(loop $grow (br_if $grow (i32.ne (memory.grow (i32.const 1)) (i32.const 1023))))";
    let touched = "(loop $grow (local.set $i1 (memory.grow (i32.const 1)))
        (i32.store8 (i32.shl (local.get $i1) (i32.const 16)) (i32.const 1))
        (br_if $grow (i32.ne (local.get $i1) (i32.const 1023))))";
    vec![
        fresh("growth by a page, again and again", "(memory 0)", one_by_one, 1_024),
        fresh("growth by a page, and its first byte written", "(memory 0)", touched, 1_024),
        fresh(
            "growth at once, and each page of 4 KiB written",
            "(memory 0)",
            &format!("(drop (memory.grow (i32.const 1024))) {TOUCH}"),
            1_024,
        ),
        fresh(
            "growth by 16 pages, and each page of 4 KiB written",
            "(memory 0)",
            &format!("(drop (memory.grow (i32.const 16))) {TOUCH}"),
            16,
        ),
        fresh("a declared memory, each page of 4 KiB written", "(memory 1024)", TOUCH, 1_024),
        fresh("a declared memory of a page, written", "(memory 1)", TOUCH, 1),
        fresh("a declared memory, not used", "(memory 1024)", "", 1_024),
    ]
}

fn bulk() -> Vec<Workload> {
    let mut all = Vec::new();
    for (length, rounds) in [(1, 8), (63, 8), (4_095, 8), (30 << 20, 1)] {
        let form = format!("of {length} bytes");
        let with = |name: &str, piece: &str| {
            let piece = piece.replace('%', &length.to_string());
            of(name, &form, Parts::body(times(rounds, &piece)).fields("(memory 1024)"), rounds)
        };
        let (to, from) = ("(i32.const 1)", "(i32.const 0x2000000)");
        all.push(with("memory.fill", &format!("(memory.fill {to} (local.get $i0) (i32.const %))")));
        all.push(with("memory.copy", &format!("(memory.copy {to} {from} (i32.const %))")));
        all.push(with(
            "memory.copy onto itself, up",
            "(memory.copy (i32.const 9) (i32.const 2) (i32.const %))",
        ));
        all.push(with(
            "memory.copy onto itself, down",
            "(memory.copy (i32.const 2) (i32.const 9) (i32.const %))",
        ));
    }
    for length in [64_u32, 1 << 20] {
        let data = "a".repeat(length as usize);
        let piece = format!("(memory.init $d (i32.const 0) (i32.const 0) (i32.const {length}))");
        let parts = Parts::body(times(4, &piece)).fields(format!("(memory 1024) (data $d \"{data}\")"));
        all.push(of("memory.init", &format!("of {length} bytes"), parts, 4));
    }
    all.push(loop_of(
        "memory.copy of a few bytes that miss the cache",
        CIRCLE,
        &format!(
            "{RANDOM}(memory.copy (i32.and (local.get $i3) (i32.const 0x3fffff0)) (i32.shr_u (local.get $i3) (i32.const 7)) \
             (i32.const 9))"
        ),
    ));
    all
}

fn tables() -> Vec<Workload> {
    let mut all = Vec::new();
    for (length, rounds) in [(16, 8), (49_000, 1)] {
        let form = format!("of {length} elements");
        let items = "$f ".repeat(length as usize);
        let fields = format!("(table 100000 funcref) (func $f) (elem $e func {items})");
        let with = |name: &str, piece: &str| {
            let piece = piece.replace('%', &length.to_string());
            let parts = Parts::body(times(rounds, &piece)).fields(&fields).locals("(local $r funcref)");
            of(name, &form, parts, rounds)
        };
        all.push(with("table.fill", "(table.fill (i32.const 1) (local.get $r) (i32.const %))"));
        all.push(with("table.copy", "(table.copy (i32.const 1) (i32.const 50000) (i32.const %))"));
        all.push(with("table.copy onto itself", "(table.copy (i32.const 2) (i32.const 1) (i32.const %))"));
        all.push(with("table.init", "(table.init $e (i32.const 0) (i32.const 0) (i32.const %))"));
    }
    let grow = |form: &str, by: u32| {
        let body = format!(
            "(loop $grow (br_if $grow (i32.ne (table.grow $t (ref.null func) (i32.const {by})) (i32.const -1))))"
        );
        let parts = Parts::body(body).fields("(table $t 0 funcref)");
        Workload { kind: Kind::Fresh, ..of("table.grow", form, parts, 100_000 / by) }
    };
    all.push(grow("by one, to the limit", 1));
    all.push(grow("by 1,000, to the limit", 1_000));
    all.push(grow("to the limit", 100_000));
    all
}
