//! Modules of single numeric operators, to be called with operands at which operators behave in a special way.
//!
//! Owns the table of numeric operators by opcode, and the special operands. A module has for each of a few operators the
//! exports `vv` (all operands are parameters), `vc` (the last is a constant) and `cv` (the first is), with the operator's
//! place in the module behind the name: engines treat constants differently. It must not know any engine.

use wasm_encoder::{
    CodeSection, ExportKind, ExportSection, Function, FunctionSection, Ieee32, Ieee64, InstructionSink,
    Module, TypeSection, ValType,
};

use crate::random::Random;

/// How many operators a module has.
const OPERATORS: usize = 4;

/// Operands of integer operators: their ends, and numbers about shift widths. Narrower types take the low bits.
pub const INTEGERS: [i64; 14] = [
    0,
    1,
    -1,
    2,
    31,
    32,
    63,
    64,
    0x7fff_ffff,
    -0x8000_0000,
    i64::MAX,
    i64::MIN,
    i64::MIN | 0x8000_0000,
    0x0123_4567_89ab_cdef,
];

/// Operands of float operators: about the ends of the integers, NaNs with payloads, quiet and signalling.
pub const FLOATS: [u64; 16] = [
    0,
    1 << 63,
    0x3ff0_0000_0000_0000, // 1
    0xbff8_0000_0000_0000, // -1.5
    0x4004_0000_0000_0000, // 2.5
    0x7ff0_0000_0000_0000, // infinity
    0xfff0_0000_0000_0000,
    0x7ff8_0000_0000_0000, // NaN
    0xfff8_0000_0000_0000,
    0x7ff4_0000_2000_0000,
    0xffff_ffff_ffff_ffff,
    1,                     // subnormal
    0x41e0_0000_0000_0000, // 2^31
    0xc1e0_0000_0020_0000, // -2^31 - 1
    0x43e0_0000_0000_0000, // 2^63
    0x41ef_ffff_ffe0_0000, // 2^32 - 1
];

/// An operator: its opcode, its operands' type and number, and its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numeric {
    opcode: u8,
    /// Behind the prefix 0xfc.
    prefixed: bool,
    operand: ValType,
    operands: usize,
    result: ValType,
}

/// The first and the last of a range of opcodes, their operands' type and number, and their result. Below 8 they stand
/// behind the prefix 0xfc.
const ROWS: [(u8, u8, ValType, usize, ValType); 36] = [
    (0x45, 0x45, ValType::I32, 1, ValType::I32),
    (0x46, 0x4f, ValType::I32, 2, ValType::I32),
    (0x50, 0x50, ValType::I64, 1, ValType::I32),
    (0x51, 0x5a, ValType::I64, 2, ValType::I32),
    (0x5b, 0x60, ValType::F32, 2, ValType::I32),
    (0x61, 0x66, ValType::F64, 2, ValType::I32),
    (0x67, 0x69, ValType::I32, 1, ValType::I32),
    (0x6a, 0x78, ValType::I32, 2, ValType::I32),
    (0x79, 0x7b, ValType::I64, 1, ValType::I64),
    (0x7c, 0x8a, ValType::I64, 2, ValType::I64),
    (0x8b, 0x91, ValType::F32, 1, ValType::F32),
    (0x92, 0x98, ValType::F32, 2, ValType::F32),
    (0x99, 0x9f, ValType::F64, 1, ValType::F64),
    (0xa0, 0xa6, ValType::F64, 2, ValType::F64),
    (0xa7, 0xa7, ValType::I64, 1, ValType::I32),
    (0xa8, 0xa9, ValType::F32, 1, ValType::I32),
    (0xaa, 0xab, ValType::F64, 1, ValType::I32),
    (0xac, 0xad, ValType::I32, 1, ValType::I64),
    (0xae, 0xaf, ValType::F32, 1, ValType::I64),
    (0xb0, 0xb1, ValType::F64, 1, ValType::I64),
    (0xb2, 0xb3, ValType::I32, 1, ValType::F32),
    (0xb4, 0xb5, ValType::I64, 1, ValType::F32),
    (0xb6, 0xb6, ValType::F64, 1, ValType::F32),
    (0xb7, 0xb8, ValType::I32, 1, ValType::F64),
    (0xb9, 0xba, ValType::I64, 1, ValType::F64),
    (0xbb, 0xbb, ValType::F32, 1, ValType::F64),
    (0xbc, 0xbc, ValType::F32, 1, ValType::I32),
    (0xbd, 0xbd, ValType::F64, 1, ValType::I64),
    (0xbe, 0xbe, ValType::I32, 1, ValType::F32),
    (0xbf, 0xbf, ValType::I64, 1, ValType::F64),
    (0xc0, 0xc1, ValType::I32, 1, ValType::I32),
    (0xc2, 0xc4, ValType::I64, 1, ValType::I64),
    // Behind the prefix.
    (0, 1, ValType::F32, 1, ValType::I32),
    (2, 3, ValType::F64, 1, ValType::I32),
    (4, 5, ValType::F32, 1, ValType::I64),
    (6, 7, ValType::F64, 1, ValType::I64),
];

/// Every numeric operator.
fn numeric() -> Vec<Numeric> {
    let ranges = ROWS.into_iter().flat_map(|(first, last, operand, operands, result)| {
        (first..=last).map(move |opcode| Numeric { opcode, prefixed: opcode < 8, operand, operands, result })
    });
    ranges.collect()
}

impl Numeric {
    /// The result of the numeric operator that these bytes begin with.
    pub(crate) fn result_of(bytes: &[u8]) -> Option<ValType> {
        let (opcode, prefixed) = match bytes {
            [0xfc, opcode, ..] => (*opcode, true),
            [opcode, ..] => (*opcode, false),
            [] => return None,
        };
        let row = ROWS
            .iter()
            .find(|(first, last, ..)| (*first < 8) == prefixed && (*first..=*last).contains(&opcode));
        row.map(|(.., result)| *result)
    }

    fn has_floats(&self) -> bool {
        let is_float = |ty| matches!(ty, ValType::F32 | ValType::F64);
        is_float(self.operand) || is_float(self.result)
    }
}

/// The module of `seed`.
pub fn edges(seed: u64, floats: bool) -> Vec<u8> {
    let mut random = Random::new(seed);
    let all: Vec<Numeric> = numeric().into_iter().filter(|op| floats || !op.has_floats()).collect();
    let mut types = TypeSection::new();
    let mut functions = FunctionSection::new();
    let mut exports = ExportSection::new();
    let mut code = CodeSection::new();
    let mut count = 0;
    for place in 0..OPERATORS {
        let op = random.pick(&all);
        for (name, first, last) in [("vv", false, false), ("vc", false, true), ("cv", true, false)] {
            let constants = usize::from(first) + usize::from(last);
            if constants > 0 && op.operands == 1 {
                continue;
            }
            types.ty().function(vec![op.operand; op.operands - constants], [op.result]);
            functions.function(count);
            exports.export(&format!("{name}{place}"), ExportKind::Func, count);
            let mut body = Vec::new();
            let mut parameter = 0;
            for operand in 0..op.operands {
                if (first && operand == 0) || (last && operand == 1) {
                    constant(&mut random, op.operand, &mut body);
                } else {
                    InstructionSink::new(&mut body).local_get(parameter);
                    parameter += 1;
                }
            }
            if op.prefixed {
                body.push(0xfc);
            }
            body.push(op.opcode);
            let mut function = Function::new([]);
            function.raw(body).instructions().end();
            code.function(&function);
            count += 1;
        }
    }
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&exports).section(&code);
    module.finish()
}

fn constant(random: &mut Random, ty: ValType, out: &mut Vec<u8>) {
    let mut sink = InstructionSink::new(out);
    match ty {
        ValType::I32 => sink.i32_const(random.pick(&INTEGERS) as i32),
        ValType::I64 => sink.i64_const(random.pick(&INTEGERS)),
        ValType::F32 => sink.f32_const(Ieee32::new(narrow(random.pick(&FLOATS)))),
        _ => sink.f64_const(Ieee64::new(random.pick(&FLOATS))),
    };
}

/// The bits of a 32-bit float that is like this one: the same kind of NaN, else the nearest number.
pub fn narrow(bits: u64) -> u32 {
    let value = f64::from_bits(bits);
    if value.is_nan() {
        (bits >> 32) as u32 & 0x8000_0000 | 0x7f80_0000 | (bits >> 29) as u32 & 0x007f_ffff
    } else if bits == 1 {
        1
    } else {
        (value as f32).to_bits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::validate;

    /// 123 of the first version that compute, 5 sign extensions, 8 saturating conversions.
    #[test]
    fn the_table_has_every_numeric_operator() {
        let all = numeric();
        assert_eq!(all.len(), 123 + 5 + 8);
        for (index, op) in all.iter().enumerate() {
            assert!(!all[..index].contains(op), "{op:?}");
        }
    }

    #[test]
    fn its_modules_are_valid() {
        for seed in 0..500 {
            if let Err(error) = validate(&edges(seed, seed % 2 == 0)) {
                panic!("{seed}: {error}");
            }
        }
    }

    #[test]
    fn a_narrow_nan_stays_one() {
        for bits in FLOATS {
            assert_eq!(f32::from_bits(narrow(bits)).is_nan(), f64::from_bits(bits).is_nan(), "{bits:#x}");
        }
    }
}
