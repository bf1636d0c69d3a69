//! What the host functions do that generated modules import, for both engines.
//!
//! Owns their numbers: what is charged, answered and swallowed. It must not know any engine.

use lockstep_vm::Trap;

/// What `tick` charges.
pub(super) const TICK: u64 = 7;

/// What `mix` answers.
pub(super) fn mix(a: i32, b: i64) -> i64 {
    b.rotate_left(a as u32) ^ 0x9e37_79b9
}

/// What `charge` charges.
pub(super) fn charge(argument: i64) -> u64 {
    argument as u64 & 0xff
}

/// Whether `charge` returns normally although the charge failed, and with new gas; the law has it trap all the same.
pub(super) fn charge_is_swallowed(argument: i64) -> bool {
    argument & 1 != 0
}

/// The new gas.
pub(super) const REFILL: u64 = 1_000;

/// The gas that `reenter` gives to the nested activation, where it does not give all. What is left of it comes back.
pub(super) fn allowance(argument: i32, gas: u64) -> u64 {
    if argument & 2 != 0 { gas.min(argument as u64 >> 2 & 0x3ff) } else { gas }
}

/// What `reenter` answers when the nested activation trapped, where it does not pass the trap on.
pub(super) fn swallowed(argument: i32, trap: Trap) -> Option<i32> {
    (argument & 1 != 0).then_some(-(trap as i32))
}

/// The functions of the official suite's module `spectest`, by their parameters. They do nothing.
pub(super) const PRINTS: [(&str, &[Kind]); 7] = [
    ("print", &[]),
    ("print_i32", &[Kind::I32]),
    ("print_i64", &[Kind::I64]),
    ("print_f32", &[Kind::F32]),
    ("print_f64", &[Kind::F64]),
    ("print_i32_f32", &[Kind::I32, Kind::F32]),
    ("print_f64_f64", &[Kind::F64, Kind::F64]),
];

/// A type of number.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// A 32-bit integer.
    I32,
    /// A 64-bit integer.
    I64,
    /// A 32-bit float.
    F32,
    /// A 64-bit float.
    F64,
}

/// The module whose exports the official suite imports.
pub(super) const SPECTEST: &str = "spectest";
/// The value of its integer globals.
pub(super) const SPECTEST_INTEGER: i32 = 666;
/// The value of its float globals, as the suite has them.
pub(super) const SPECTEST_FLOAT: f64 = 666.6;
/// The sizes of its table.
pub(super) const SPECTEST_TABLE: (u32, u32) = (10, 20);
/// The pages of its memory.
pub(super) const SPECTEST_MEMORY: (u32, u32) = (1, 2);
