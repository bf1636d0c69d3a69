//! The operators of one and two operands, and the values at which they behave in a special way.
//!
//! Owns the list. It must not know where operands are.

/// A type of number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ty {
    I32,
    I64,
    F32,
    F64,
}

pub(crate) use Ty::{F32, F64, I32, I64};

/// An operator: its bytes with its immediates, and what it takes and gives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operator {
    pub(crate) code: Code,
    pub(crate) operands: &'static [Ty],
    pub(crate) result: Ty,
}

/// A few bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Code {
    bytes: [u8; 12],
    length: usize,
}

impl Code {
    pub(crate) const fn new(from: &[u8]) -> Code {
        let mut bytes = [0; 12];
        let mut at = 0;
        while at < from.len() {
            bytes[at] = from[at];
            at += 1;
        }
        Code { bytes, length: from.len() }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

macro_rules! operators {
    ($($operands:expr => $result:expr; $($code:literal)*;)*) => {
        &[$($(Operator { code: Code::new(&[$code]), operands: $operands, result: $result },)*)*]
    };
}

/// Every operator of two operands.
pub(crate) const BINARY: &[Operator] = operators! {
    &[I32, I32] => I32; 0x46 0x47 0x48 0x49 0x4a 0x4b 0x4c 0x4d 0x4e 0x4f;
    &[I64, I64] => I32; 0x51 0x52 0x53 0x54 0x55 0x56 0x57 0x58 0x59 0x5a;
    &[F32, F32] => I32; 0x5b 0x5c 0x5d 0x5e 0x5f 0x60;
    &[F64, F64] => I32; 0x61 0x62 0x63 0x64 0x65 0x66;
    &[I32, I32] => I32; 0x6a 0x6b 0x6c 0x6d 0x6e 0x6f 0x70 0x71 0x72 0x73 0x74 0x75 0x76 0x77 0x78;
    &[I64, I64] => I64; 0x7c 0x7d 0x7e 0x7f 0x80 0x81 0x82 0x83 0x84 0x85 0x86 0x87 0x88 0x89 0x8a;
    &[F32, F32] => F32; 0x92 0x93 0x94 0x95 0x96 0x97 0x98;
    &[F64, F64] => F64; 0xa0 0xa1 0xa2 0xa3 0xa4 0xa5 0xa6;
};

/// Every operator of one operand.
pub(crate) const UNARY: &[Operator] = operators! {
    &[I32] => I32; 0x45 0x67 0x68 0x69 0xc0 0xc1;
    &[I64] => I32; 0x50 0xa7;
    &[I64] => I64; 0x79 0x7a 0x7b 0xc2 0xc3 0xc4;
    &[F32] => F32; 0x8b 0x8c 0x8d 0x8e 0x8f 0x90 0x91;
    &[F64] => F64; 0x99 0x9a 0x9b 0x9c 0x9d 0x9e 0x9f;
    &[F32] => I32; 0xa8 0xa9 0xbc;
    &[F64] => I32; 0xaa 0xab;
    &[I32] => I64; 0xac 0xad;
    &[F32] => I64; 0xae 0xaf;
    &[F64] => I64; 0xb0 0xb1 0xbd;
    &[I32] => F32; 0xb2 0xb3 0xbe;
    &[I64] => F32; 0xb4 0xb5;
    &[F64] => F32; 0xb6;
    &[I32] => F64; 0xb7 0xb8;
    &[I64] => F64; 0xb9 0xba 0xbf;
    &[F32] => F64; 0xbb;
};

/// Truncations that saturate.
pub(crate) const SATURATING: &[Operator] = &[
    Operator { code: Code::new(&[0xfc, 0]), operands: &[F32], result: I32 },
    Operator { code: Code::new(&[0xfc, 1]), operands: &[F32], result: I32 },
    Operator { code: Code::new(&[0xfc, 2]), operands: &[F64], result: I32 },
    Operator { code: Code::new(&[0xfc, 3]), operands: &[F64], result: I32 },
    Operator { code: Code::new(&[0xfc, 4]), operands: &[F32], result: I64 },
    Operator { code: Code::new(&[0xfc, 5]), operands: &[F32], result: I64 },
    Operator { code: Code::new(&[0xfc, 6]), operands: &[F64], result: I64 },
    Operator { code: Code::new(&[0xfc, 7]), operands: &[F64], result: I64 },
];

const I32S: [u64; 11] =
    [0, 1, 0xffff_ffff, 0x7fff_ffff, 0x8000_0000, 31, 32, 0x80, 0x8000, 0x1234_5678, 0xffff_ff80];
const I64S: [u64; 12] = [
    0,
    1,
    u64::MAX,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    63,
    64,
    0x8000_0000,
    0xffff_ffff_8000_0000,
    0xffff_ffff,
    0x1234_5678_9abc_def0,
    0x8080,
];
const F32S: [u64; 15] = [
    0,
    0x8000_0000,
    0x3f80_0000, // 1
    0xbfc0_0000, // -1.5
    0x7f80_0000, // infinity
    0xff80_0000, // -infinity
    0x7fc0_0000, // canonical NaN
    0xffa0_0001, // signalling NaN, negative
    0x0000_0001, // least subnormal
    0x7f7f_ffff, // greatest
    0x4effffff,  // below 2^31
    0xcf00_0000, // -2^31
    0x4f80_0000, // 2^32
    0x5f00_0000, // 2^63
    0xbf7f_ffff, // above -1
];
const F64S: [u64; 15] = [
    0,
    0x8000_0000_0000_0000,
    0x3ff0_0000_0000_0000, // 1
    0xbff8_0000_0000_0000, // -1.5
    0x7ff0_0000_0000_0000, // infinity
    0xfff0_0000_0000_0000, // -infinity
    0x7ff8_0000_0000_0000, // canonical NaN
    0xfff4_0000_dead_beef, // signalling NaN, negative
    0x0000_0000_0000_0001, // least subnormal
    0x7fef_ffff_ffff_ffff, // greatest
    0x41df_ffff_ffe0_0000, // 2^31 - 1/2
    0xc1e0_0000_001f_ffff, // above -2^31 - 1
    0x43ef_ffff_ffff_ffff, // below 2^64
    0xc3e0_0000_0000_0000, // -2^63
    0xbfef_ffff_ffff_ffff, // above -1
];

/// The special values of a type, as bits.
pub(crate) fn special(ty: Ty) -> &'static [u64] {
    match ty {
        I32 => &I32S,
        I64 => &I64S,
        F32 => &F32S,
        F64 => &F64S,
    }
}

/// Loads: opcode, bytes, result.
pub(crate) const LOADS: [(u8, u64, Ty); 14] = [
    (0x28, 4, I32),
    (0x29, 8, I64),
    (0x2a, 4, F32),
    (0x2b, 8, F64),
    (0x2c, 1, I32),
    (0x2d, 1, I32),
    (0x2e, 2, I32),
    (0x2f, 2, I32),
    (0x30, 1, I64),
    (0x31, 1, I64),
    (0x32, 2, I64),
    (0x33, 2, I64),
    (0x34, 4, I64),
    (0x35, 4, I64),
];

/// Stores: opcode, bytes, value.
pub(crate) const STORES: [(u8, u64, Ty); 9] = [
    (0x36, 4, I32),
    (0x37, 8, I64),
    (0x38, 4, F32),
    (0x39, 8, F64),
    (0x3a, 1, I32),
    (0x3b, 2, I32),
    (0x3c, 1, I64),
    (0x3d, 2, I64),
    (0x3e, 4, I64),
];
