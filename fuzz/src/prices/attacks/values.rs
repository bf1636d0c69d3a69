//! Locals, operands, and numeric operators together.

use crate::prices::{Parts, UNROLLED, Workload, times};

pub(super) fn all() -> Vec<Workload> {
    let of = |name: &str, parts: Parts, repeats| parts.workload(name, "", repeats);
    let loop_of = |name: &str, before: &str, piece: &str| {
        of(name, Parts::body(times(UNROLLED, piece)).before(before), UNROLLED)
    };
    vec![
        of("locals in slots, chained", Parts::body(slots_chained()).locals(slots()), 40),
        of("locals in slots, copied round", Parts::body(slots_copied()).locals(slots()), 40),
        of("locals in slots, counted up", Parts::body(slots_counted()).locals(slots()), 40),
        of("a local on the stack many times, then set", Parts::body(detached()), 32),
        of("operands below a block", Parts::body(below_blocks()), 32),
        of("sums of 64 locals at once", Parts::body(pressure()).locals(times(64, "(local $p# i64)")), 64),
        of("400 locals at once on the stack", Parts::body(deep()).locals(times(400, "(local $p# i64)")), 400),
        loop_of("multiplications, chained", "", "(local.set $l0 (i64.mul (i64.mul (local.get $l0) (local.get $l1)) (i64.mul (local.get $l0) (local.get $l0))))"),
        loop_of("xorshift", "", "(local.set $l0 (i64.xor (local.get $l0) (i64.shl (local.get $l0) (i64.const 13))))
             (local.set $l0 (i64.xor (local.get $l0) (i64.shr_u (local.get $l0) (i64.const 7))))
             (local.set $l0 (i64.xor (local.get $l0) (i64.shl (local.get $l0) (i64.const 17))))"),
        loop_of("division and remainder of 64 bits, chained", "(local.set $l0 (i64.const 3))", "(local.set $l0 (i64.or (i64.rem_s (i64.const 0x7ffffffffffffff5) (local.get $l0)) (i64.const 3)))
             (local.set $l0 (i64.div_s (i64.const 0x7ffffffffffffff5) (local.get $l0)))"),
        loop_of("division of 64 bits by a constant", "", "(local.set $l0 (i64.xor (i64.div_u (local.get $l0) (i64.const 1000000007)) (i64.const -3)))"),
        loop_of("NaN, added and made canonical", "", "(local.set $d0 (f64.add (local.get $d0) (f64.const nan:0x4000000000001)))"),
        loop_of("infinities that make NaNs", "(local.set $d0 (f64.const inf))", "(local.set $d1 (f64.sub (local.get $d0) (local.get $d0)))"),
        loop_of("square roots that make NaNs", "", "(local.set $d1 (f64.sqrt (f64.neg (f64.add (local.get $d0) (f64.const 2)))))"),
        loop_of("square root and division, chained", "(local.set $d0 (f64.const 0x1.fffffffffffffp999))", "(local.set $d0 (f64.div (f64.const 0x1.fffffffffffffp1000) (f64.sqrt (local.get $d0))))"),
        loop_of("subnormal products", "(local.set $d0 (f64.const 0x1.fffffffffffffp-50))", "(local.set $d1 (f64.mul (f64.mul (local.get $d0) (f64.const 0x1p-1000)) (f64.const 0x1p1000)))"),
        loop_of("to integer and back, chained", "(local.set $d0 (f64.const 0x1.8p63))", "(local.set $d0 (f64.convert_i64_u (i64.trunc_sat_f64_u (local.get $d0))))"),
        loop_of("minimum and maximum of zeros", "(local.set $d1 (f64.const -0))", "(local.set $d0 (f64.min (f64.max (local.get $d0) (local.get $d1)) (local.get $d2)))"),
        loop_of("demoted and promoted, chained", "(local.set $d0 (f64.const 1.1))", "(local.set $d0 (f64.promote_f32 (f32.demote_f64 (local.get $d0))))"),
        loop_of("demoted to subnormals", "(local.set $d0 (f64.const 0x1.8p-140))", "(local.set $f0 (f32.demote_f64 (local.get $d0)))"),
    ]
}

/// More locals than there are homes.
fn slots() -> String {
    times(40, "(local $p# i64)")
}

fn slots_chained() -> String {
    let piece = |at: u32| {
        format!("(local.set $p{at} (i64.add (local.get $p{at}) (local.get $p{})))\n", (at + 39) % 40)
    };
    (0..40).map(piece).collect()
}

fn slots_copied() -> String {
    (0..40).map(|at| format!("(local.set $p{at} (local.get $p{}))\n", (at + 39) % 40)).collect()
}

fn slots_counted() -> String {
    times(40, "(local.set $p# (i64.add (local.get $p#) (i64.const 1)))")
}

/// Whoever changes a local lets each of its aliases have a value of its own.
fn detached() -> String {
    times(32, "(local.get $l0)")
        + "(local.set $l0 (i64.add (local.get $l1) (local.get $l0)))\n"
        + &"(i64.add)".repeat(31)
        + "(local.set $l1)"
}

/// Operands below a construct go to their slots.
fn below_blocks() -> String {
    times(32, "(local.get $l0) (block)") + &"(i64.xor)".repeat(31) + "(local.set $l1)"
}

fn pressure() -> String {
    times(64, "(i64.mul (local.get $p#) (i64.const 3))") + &"(i64.xor)".repeat(63) + "(local.set $p0)"
}

fn deep() -> String {
    times(400, "(local.get $p#)") + "(block)" + &"(i64.add)".repeat(399) + "(local.set $p7)"
}
