//! The compiler's own arithmetic: what operators of constants give.
//!
//! Owns integers only; floats are left to the machine. It must not share anything with the interpreter, which it is held
//! against.

use super::masm::{Alu, Cond, Division, Shift, Size, Unary};

/// The low bits that a value of this size has.
pub(super) fn truncate(size: Size, value: u64) -> u64 {
    match size {
        Size::S32 => value & 0xffff_ffff,
        Size::S64 => value,
    }
}

fn signed(size: Size, value: u64) -> i64 {
    match size {
        Size::S32 => i64::from(value as u32 as i32),
        Size::S64 => value as i64,
    }
}

fn bits(size: Size) -> u32 {
    match size {
        Size::S32 => 32,
        Size::S64 => 64,
    }
}

pub(super) fn alu(op: Alu, size: Size, a: u64, b: u64) -> u64 {
    truncate(
        size,
        match op {
            Alu::Add => a.wrapping_add(b),
            Alu::Sub => a.wrapping_sub(b),
            Alu::Mul => a.wrapping_mul(b),
            Alu::And => a & b,
            Alu::Or => a | b,
            Alu::Xor => a ^ b,
        },
    )
}

pub(super) fn shift(op: Shift, size: Size, a: u64, b: u64) -> u64 {
    let width = bits(size);
    let distance = b as u32 & (width - 1);
    let rotate_left = |distance: u32| {
        let distance = distance & (width - 1);
        if distance == 0 { a } else { a << distance | a >> (width - distance) }
    };
    truncate(
        size,
        match op {
            Shift::Shl => a << distance,
            Shift::ShrU => a >> distance,
            Shift::ShrS => (signed(size, a) >> distance) as u64,
            Shift::Rotl => rotate_left(distance),
            Shift::Rotr => rotate_left(width - distance),
        },
    )
}

/// Nothing where it traps.
pub(super) fn divide(op: Division, size: Size, a: u64, b: u64) -> Option<u64> {
    let (s, t) = (signed(size, a), signed(size, b));
    let result = match op {
        Division::DivU => a.checked_div(b)?,
        Division::RemU => a.checked_rem(b)?,
        Division::DivS => {
            let quotient = s.checked_div(t)?;
            if size == Size::S32 && i32::try_from(quotient).is_err() {
                return None;
            }
            quotient as u64
        }
        Division::RemS => {
            if t == 0 {
                return None;
            }
            s.wrapping_rem(t) as u64
        }
    };
    Some(truncate(size, result))
}

pub(super) fn unary(op: Unary, size: Size, a: u64) -> u64 {
    truncate(
        size,
        match op {
            Unary::Clz => u64::from(a.leading_zeros() - (64 - bits(size))),
            Unary::Ctz => u64::from(a.trailing_zeros().min(bits(size))),
            Unary::Popcnt => u64::from(a.count_ones()),
            Unary::Extend8 => a as i8 as u64,
            Unary::Extend16 => a as i16 as u64,
            Unary::Extend32 => a as i32 as u64,
            Unary::Wrap => a & 0xffff_ffff,
        },
    )
}

pub(super) fn compare(cond: Cond, size: Size, a: u64, b: u64) -> bool {
    let (s, t) = (signed(size, a), signed(size, b));
    match cond {
        Cond::Eq => a == b,
        Cond::Ne => a != b,
        Cond::LtU => a < b,
        Cond::GtU => a > b,
        Cond::LeU => a <= b,
        Cond::GeU => a >= b,
        Cond::LtS => s < t,
        Cond::GtS => s > t,
        Cond::LeS => s <= t,
        Cond::GeS => s >= t,
    }
}
