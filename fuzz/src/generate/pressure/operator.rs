//! Operators without immediates that cannot trap, by what they take and give.
//!
//! Owns the table. It must not know how operands are made.

use wasm_encoder::ValType::{self, F32, F64, I32, I64};

/// Operators of these types: their opcodes.
pub(super) struct Family {
    pub(super) operands: &'static [ValType],
    pub(super) result: ValType,
    pub(super) opcodes: &'static [u8],
}

/// All families. Those with floats come last.
pub(super) const FAMILIES: [Family; 19] = [
    Family {
        operands: &[I32, I32],
        result: I32,
        opcodes: &[0x6a, 0x6b, 0x6c, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78],
    },
    Family {
        operands: &[I64, I64],
        result: I64,
        opcodes: &[0x7c, 0x7d, 0x7e, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a],
    },
    Family {
        operands: &[I32, I32],
        result: I32,
        opcodes: &[0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f],
    },
    Family {
        operands: &[I64, I64],
        result: I32,
        opcodes: &[0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a],
    },
    Family { operands: &[I32], result: I32, opcodes: &[0x45, 0x67, 0x68, 0x69, 0xc0, 0xc1] },
    Family { operands: &[I64], result: I64, opcodes: &[0x79, 0x7a, 0x7b, 0xc2, 0xc3, 0xc4] },
    Family { operands: &[I64], result: I32, opcodes: &[0xa7, 0x50] },
    Family { operands: &[I32], result: I64, opcodes: &[0xac, 0xad] },
    Family { operands: &[F32, F32], result: F32, opcodes: &[0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98] },
    Family { operands: &[F64, F64], result: F64, opcodes: &[0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6] },
    Family { operands: &[F32, F32], result: I32, opcodes: &[0x5b, 0x5c, 0x5d, 0x5e, 0x5f, 0x60] },
    Family { operands: &[F64, F64], result: I32, opcodes: &[0x61, 0x62, 0x63, 0x64, 0x65, 0x66] },
    Family { operands: &[F32], result: F32, opcodes: &[0x8b, 0x8c, 0x8d, 0x8e, 0x8f, 0x90, 0x91] },
    Family { operands: &[F64], result: F64, opcodes: &[0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f] },
    Family { operands: &[F32], result: I32, opcodes: &[0xbc] },
    Family { operands: &[F64], result: I64, opcodes: &[0xbd] },
    Family { operands: &[I64], result: F64, opcodes: &[0xb9, 0xba, 0xbf] },
    Family { operands: &[I32], result: F32, opcodes: &[0xb2, 0xb3, 0xbe] },
    Family { operands: &[F32], result: F64, opcodes: &[0xbb] },
];

/// How many families have no floats.
pub(super) const INTEGER_FAMILIES: usize = 8;

/// Loads: opcode and bytes.
pub(super) fn loads(ty: ValType) -> &'static [(u8, u32)] {
    match ty {
        I32 => &[(0x28, 4), (0x2c, 1), (0x2d, 1), (0x2e, 2), (0x2f, 2)],
        I64 => &[(0x29, 8), (0x30, 1), (0x31, 1), (0x32, 2), (0x33, 2), (0x34, 4), (0x35, 4)],
        F32 => &[(0x2a, 4)],
        _ => &[(0x2b, 8)],
    }
}

/// Stores: opcode and bytes.
pub(super) fn stores(ty: ValType) -> &'static [(u8, u32)] {
    match ty {
        I32 => &[(0x36, 4), (0x3a, 1), (0x3b, 2)],
        I64 => &[(0x37, 8), (0x3c, 1), (0x3d, 2), (0x3e, 4)],
        F32 => &[(0x38, 4)],
        _ => &[(0x39, 8)],
    }
}
