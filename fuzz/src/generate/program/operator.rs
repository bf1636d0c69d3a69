//! Operators without immediates, by the type of their result.
//!
//! Owns the table of their opcodes and operand types; whether one may trap is known to its user. It must not
//! know how operands are made.

use super::ty::Ty::{self, F32, F64, I32, I64};

/// An operator of one opcode byte, or of two of which the first is 0xfc.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operator {
    pub(super) opcode: u8,
    pub(super) prefixed: bool,
    pub(super) operands: &'static [Ty],
    pub(super) result: Ty,
}

const fn op(opcode: u8, operands: &'static [Ty], result: Ty) -> Operator {
    Operator { opcode, prefixed: false, operands, result }
}

const fn saturating(opcode: u8, operands: &'static [Ty], result: Ty) -> Operator {
    Operator { opcode, prefixed: true, operands, result }
}

macro_rules! operators {
    ($(#[$doc:meta])* $name:ident: $operands:expr => $result:expr; $($opcode:literal)*) => {
        $(#[$doc])*
        pub(super) const $name: &[Operator] = &[$(op($opcode, $operands, $result)),*];
    };
}

operators! {
    /// i32 arithmetic that cannot trap.
    I32_BINARY: &[I32, I32] => I32; 0x6a 0x6b 0x6c 0x71 0x72 0x73 0x74 0x75 0x76 0x77 0x78
}
operators! {
    /// i64 arithmetic that cannot trap.
    I64_BINARY: &[I64, I64] => I64; 0x7c 0x7d 0x7e 0x83 0x84 0x85 0x86 0x87 0x88 0x89 0x8a
}
operators! {
    /// f32 arithmetic.
    F32_BINARY: &[F32, F32] => F32; 0x92 0x93 0x94 0x95 0x96 0x97 0x98
}
operators! {
    /// f64 arithmetic.
    F64_BINARY: &[F64, F64] => F64; 0xa0 0xa1 0xa2 0xa3 0xa4 0xa5 0xa6
}
operators! {
    /// Comparisons of i32.
    I32_COMPARE: &[I32, I32] => I32; 0x46 0x47 0x48 0x49 0x4a 0x4b 0x4c 0x4d 0x4e 0x4f
}
operators! {
    /// Comparisons of i64.
    I64_COMPARE: &[I64, I64] => I32; 0x51 0x52 0x53 0x54 0x55 0x56 0x57 0x58 0x59 0x5a
}
operators! {
    /// Comparisons of f32.
    F32_COMPARE: &[F32, F32] => I32; 0x5b 0x5c 0x5d 0x5e 0x5f 0x60
}
operators! {
    /// Comparisons of f64.
    F64_COMPARE: &[F64, F64] => I32; 0x61 0x62 0x63 0x64 0x65 0x66
}
operators! {
    /// i32 to i32.
    I32_UNARY: &[I32] => I32; 0x45 0x67 0x68 0x69 0xc0 0xc1
}
operators! {
    /// i64 to i64.
    I64_UNARY: &[I64] => I64; 0x79 0x7a 0x7b 0xc2 0xc3 0xc4
}
operators! {
    /// f32 to f32.
    F32_UNARY: &[F32] => F32; 0x8b 0x8c 0x8d 0x8e 0x8f 0x90 0x91
}
operators! {
    /// f64 to f64.
    F64_UNARY: &[F64] => F64; 0x99 0x9a 0x9b 0x9c 0x9d 0x9e 0x9f
}
operators! {
    /// i64 to i32.
    I32_FROM_I64: &[I64] => I32; 0xa7 0x50
}
operators! {
    /// i32 to i64.
    I64_FROM_I32: &[I32] => I64; 0xac 0xad
}

/// Floats to i32, never trapping.
pub(super) const I32_FROM_FLOAT: &[Operator] = &[
    op(0xbc, &[F32], I32),
    saturating(0, &[F32], I32),
    saturating(1, &[F32], I32),
    saturating(2, &[F64], I32),
    saturating(3, &[F64], I32),
];

/// Floats to i64, never trapping.
pub(super) const I64_FROM_FLOAT: &[Operator] = &[
    op(0xbd, &[F64], I64),
    saturating(4, &[F32], I64),
    saturating(5, &[F32], I64),
    saturating(6, &[F64], I64),
    saturating(7, &[F64], I64),
];

/// Everything else to f32.
pub(super) const F32_FROM: &[Operator] = &[
    op(0xb2, &[I32], F32),
    op(0xb3, &[I32], F32),
    op(0xb4, &[I64], F32),
    op(0xb5, &[I64], F32),
    op(0xb6, &[F64], F32),
    op(0xbe, &[I32], F32),
];

/// Everything else to f64.
pub(super) const F64_FROM: &[Operator] = &[
    op(0xb7, &[I32], F64),
    op(0xb8, &[I32], F64),
    op(0xb9, &[I64], F64),
    op(0xba, &[I64], F64),
    op(0xbb, &[F32], F64),
    op(0xbf, &[I64], F64),
];

/// Conversions that trap on what they cannot represent, and the bits of the magnitude below which none does.
pub(super) const TRUNCATIONS: &[(Operator, bool, u64)] = &[
    (op(0xa8, &[F32], I32), true, 0x4f00_0000),
    (op(0xa9, &[F32], I32), false, 0x4f80_0000),
    (op(0xaa, &[F64], I32), true, 0x41e0_0000_0000_0000),
    (op(0xab, &[F64], I32), false, 0x41f0_0000_0000_0000),
    (op(0xae, &[F32], I64), true, 0x5f00_0000),
    (op(0xaf, &[F32], I64), false, 0x5f80_0000),
    (op(0xb0, &[F64], I64), true, 0x43e0_0000_0000_0000),
    (op(0xb1, &[F64], I64), false, 0x43f0_0000_0000_0000),
];

/// The divisions: div_s, div_u, rem_s, rem_u.
pub(super) fn divisions(ty: Ty) -> [u8; 4] {
    if ty == I32 { [0x6d, 0x6e, 0x6f, 0x70] } else { [0x7f, 0x80, 0x81, 0x82] }
}

/// The loads of a type: opcode and width in bytes.
pub(super) fn loads(ty: Ty) -> &'static [(u8, u32)] {
    match ty {
        I32 => &[(0x28, 4), (0x28, 4), (0x2c, 1), (0x2d, 1), (0x2e, 2), (0x2f, 2)],
        I64 => &[(0x29, 8), (0x29, 8), (0x30, 1), (0x31, 1), (0x32, 2), (0x33, 2), (0x34, 4), (0x35, 4)],
        F32 => &[(0x2a, 4)],
        _ => &[(0x2b, 8)],
    }
}

/// The stores of a type: opcode and width in bytes.
pub(super) fn stores(ty: Ty) -> &'static [(u8, u32)] {
    match ty {
        I32 => &[(0x36, 4), (0x36, 4), (0x3a, 1), (0x3b, 2)],
        I64 => &[(0x37, 8), (0x37, 8), (0x3c, 1), (0x3d, 2), (0x3e, 4)],
        F32 => &[(0x38, 4)],
        _ => &[(0x39, 8)],
    }
}

/// Operators of one or two operands and of one type.
pub(super) fn binary(ty: Ty) -> &'static [Operator] {
    match ty {
        I32 => I32_BINARY,
        I64 => I64_BINARY,
        F32 => F32_BINARY,
        _ => F64_BINARY,
    }
}

/// Operators from a type to itself.
pub(super) fn unary(ty: Ty) -> &'static [Operator] {
    match ty {
        I32 => I32_UNARY,
        I64 => I64_UNARY,
        F32 => F32_UNARY,
        _ => F64_UNARY,
    }
}

/// The comparisons of a type.
pub(super) fn compare(ty: Ty) -> &'static [Operator] {
    match ty {
        I32 => I32_COMPARE,
        I64 => I64_COMPARE,
        F32 => F32_COMPARE,
        _ => F64_COMPARE,
    }
}

/// Operators that make the type from another; with `floats` also from floats.
pub(super) fn convert(ty: Ty, floats: bool) -> &'static [Operator] {
    match (ty, floats) {
        (I32, false) => I32_FROM_I64,
        (I32, true) => I32_FROM_FLOAT,
        (I64, false) => I64_FROM_I32,
        (I64, true) => I64_FROM_FLOAT,
        (F32, _) => F32_FROM,
        _ => F64_FROM,
    }
}
