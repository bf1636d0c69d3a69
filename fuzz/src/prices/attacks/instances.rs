//! Making instances, and what modules let instances be made of.

use crate::prices::{Kind, Parts, Workload, times};

pub(super) fn all() -> Vec<Workload> {
    let of = |form: &str, fields: &str| Workload {
        kind: Kind::Fresh,
        ..Parts::body("").fields(fields).workload("an instance", form, 1)
    };
    let functions = "$f ".repeat(100_000);
    let bytes = "a".repeat(3 << 20);
    vec![
        of("of nothing", ""),
        of("of 16 pages", "(memory 16)"),
        of("of a table of 100,000 elements", "(table 100000 funcref)"),
        of("of 16 tables of 100,000 elements", &times(16, "(table 100000 funcref)")),
        of("of 9,900 globals", &times(9_900, "(global (mut i64) (i64.const 7))")),
        of("of 3 MiB of data", &format!("(memory 64) (data (i32.const 7) \"{bytes}\")")),
        of(
            "of 9,000 pieces of data of a byte",
            &format!(
                "(memory 1024) {}",
                (0..9_000).map(|at| format!("(data (i32.const {}) \"a\")", at * 7_456)).collect::<String>()
            ),
        ),
        of(
            "of 100,000 items of elements",
            &format!("(func $f) (table 100000 funcref) (elem (i32.const 0) {functions})"),
        ),
        of("of 20,000 functions", &times(20_000, "(func)")),
        of("of 9,000 exports", &format!("(func $f) {}", times(9_000, "(export \"e#\" (func $f))"))),
        of(
            "of 9,000 passive segments",
            &format!("(func $f) {}", times(9_000, "(elem func $f) (data \"a\")")),
        ),
    ]
}
