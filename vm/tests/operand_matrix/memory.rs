//! Loads and stores: every width, offset and index at an edge, wherever index and value are.
//!
//! Owns the offsets and indices. It must not know how a case is written.

use std::fmt::Write as _;

use lockstep_vm::{Limits, Val};
use wasm_encoder::Encode as _;

use crate::engines::Ways;
use crate::module::{MEMORY_PAGES, Memory, module, provider};
use crate::numeric::val;
use crate::operators::{Code, I32, LOADS, Operator, STORES, Ty};
use crate::places::{Case, Place, Use, places, uses};

const OFFSETS: [u32; 8] = [0, 1, 4095, 4096, 65_535, 0x7fff_ffff, 0x8000_0000, u32::MAX];
/// Most temporaries below operands.
const BELOW: u32 = 4;

/// Indices about every edge of an access of so many bytes at this offset.
fn indices(offset: u32, bytes: u64) -> Vec<u32> {
    let size = MEMORY_PAGES << 16;
    let mut indices = vec![0, size as u32 - 1, size as u32, 1 << 31, u32::MAX];
    for edge in [size, 1 << 16, 1 << 32] {
        for index in [edge.wrapping_sub(bytes), edge.wrapping_sub(bytes) + 1] {
            indices.extend(u32::try_from(index.wrapping_sub(u64::from(offset))));
        }
    }
    indices.extend([0_u32.wrapping_sub(offset), 0_u32.wrapping_sub(offset).wrapping_sub(1)]);
    indices.sort_unstable();
    indices.dedup();
    indices
}

fn memarg(opcode: u8, offset: u32) -> Vec<u8> {
    let mut code = vec![opcode, 0];
    offset.encode(&mut code);
    code
}

fn load(opcode: u8, offset: u32, result: Ty) -> Operator {
    Operator { code: Code::new(&memarg(opcode, offset)), operands: &[I32], result }
}

/// A store, and then a constant so that there is a result.
fn store(opcode: u8, offset: u32, value: Ty) -> Operator {
    let operands: &[Ty] = match value {
        Ty::I32 => &[I32, Ty::I32],
        Ty::I64 => &[I32, Ty::I64],
        Ty::F32 => &[I32, Ty::F32],
        Ty::F64 => &[I32, Ty::F64],
    };
    let code = [memarg(opcode, offset).as_slice(), &[0x41, 1]].concat();
    Operator { code: Code::new(&code), operands, result: I32 }
}

fn belows() -> impl Iterator<Item = Option<u32>> {
    std::iter::once(None).chain((0..=BELOW).map(Some))
}

/// Loads with the index everywhere.
pub(crate) fn loads(memory: Memory) -> String {
    let mut report = String::new();
    for (opcode, bytes, ty) in LOADS {
        for offset in OFFSETS {
            let operator = load(opcode, offset, ty);
            let indices = indices(offset, bytes);
            let mut uses = uses(ty).into_iter().cycle();
            let mut cases = Vec::new();
            let constants = indices.iter().map(|index| Place::Const((*index).into()));
            for first in places(I32).into_iter().filter(|place| *place != Place::Same).chain(constants) {
                for below in belows() {
                    let result = uses.next().expect("it goes round");
                    cases.push(Case { operator, first, second: Place::Home, result, below });
                }
            }
            let inputs: Vec<Vec<Val>> = indices.iter().map(|index| vec![Val::I32(*index as i32)]).collect();
            try_all(memory, &cases, &inputs, &mut report);
        }
    }
    report
}

/// Stores with index and value everywhere.
pub(crate) fn stores(memory: Memory) -> String {
    let mut report = String::new();
    for (opcode, bytes, ty) in STORES {
        for offset in OFFSETS {
            let operator = store(opcode, offset, ty);
            let indices = indices(offset, bytes);
            let mut belows = belows().collect::<Vec<_>>().into_iter().cycle();
            let mut cases = Vec::new();
            let mut case = |first, second| {
                let below = belows.next().expect("it goes round");
                cases.push(Case { operator, first, second, result: Use::Set, below });
            };
            let constants = indices.iter().map(|index| Place::Const((*index).into()));
            let firsts: Vec<Place> = places(I32).into_iter().filter(|place| *place != Place::Same).collect();
            let values = [0x1122_3344_5566_7788, 0xffff_ffff_ffff_ff80, 0x8000_0000, 0].map(Place::Const);
            let seconds = places(ty).into_iter().filter(|place| *place != Place::Same || ty == I32);
            let seconds: Vec<Place> = seconds.chain(values).collect();
            for first in firsts.into_iter().chain(constants) {
                for second in &seconds {
                    case(first, *second);
                }
            }
            let inputs: Vec<Vec<Val>> = indices
                .iter()
                .map(|index| vec![Val::I32(*index as i32), val(ty, 0xf1e2_d3c4_b5a6_9788)])
                .collect();
            try_all(memory, &cases, &inputs, &mut report);
        }
    }
    report
}

fn try_all(memory: Memory, cases: &[Case], inputs: &[Vec<Val>], report: &mut String) {
    let wasm = module(cases, memory);
    let provider = provider();
    let provider = (memory == Memory::Imported).then_some(provider.as_slice());
    let mut ways = Ways::new(provider, &wasm, Limits::default());
    for (at, case) in cases.iter().enumerate() {
        for arguments in inputs {
            let arguments = [arguments.as_slice(), &[Val::I32(at as i32)]].concat();
            if let Err(difference) = ways.call("one", &arguments) {
                let _ = writeln!(report, "{case:x?}: {difference}");
                return;
            }
        }
    }
}
