//! Code as compilers write it, again and again.
//!
//! Owns one loop of about two hundred bytes: address arithmetic, loads, stores, comparisons, a call, locals
//! all over.

use wasm_encoder::ValType::{self, I32, I64};
use wasm_encoder::{BlockType, Encode, InstructionSink, MemArg, MemArgTarget};

/// The locals that the code uses.
pub(super) const LOCALS: [(u32, ValType); 2] = [(12, I32), (8, I64)];

/// The code; `seed` varies its constants and locals, `callee` is a function without parameters and results.
pub(super) fn code(seed: u32, callee: u32) -> Vec<u8> {
    let mut code = Vec::new();
    let int = |offset: u32| (seed.wrapping_mul(7) + offset) % 12;
    let long = |offset: u32| 12 + (seed.wrapping_mul(5) + offset) % 8;
    let place =
        |offset: u64, align: u32| MemArg { offset, align, target: MemArgTarget::Memory(0), ordering: None };
    let mut sink = InstructionSink::new(&mut code);
    sink.i32_const(seed as i32).local_set(int(0));
    sink.block(BlockType::Empty).loop_(BlockType::Empty);
    sink.local_get(int(0)).i32_const(8).i32_lt_u().br_if(1);
    for step in 0..4 {
        sink.local_get(int(step)).i32_const(0xfff8).i32_and();
        sink.local_get(int(step + 1))
            .i32_const(0x7ff8)
            .i32_and()
            .i64_load(place(u64::from(seed % 1000) * 8, 3));
        sink.local_get(long(step)).i64_add().local_tee(long(step + 1));
        sink.i64_const(i64::from(seed) << step).i64_xor().i64_store(place(16, 3));
        sink.local_get(long(step)).i64_const(13).i64_rotl().local_get(long(step + 2)).i64_mul();
        sink.local_set(long(step + 3));
    }
    sink.local_get(int(2)).local_get(int(3)).i32_ge_s().if_(BlockType::Empty);
    sink.local_get(int(4)).i32_const(1).i32_shl().local_get(int(5)).i32_sub().local_set(int(6));
    sink.else_().call(callee).end();
    sink.local_get(int(0)).i32_const(8).i32_sub().local_set(int(0)).br(0).end().end();
    code
}

/// The length of a number as the code section writes it, for estimates.
pub(super) fn encoded_len(code: &[u8]) -> usize {
    let mut bytes = Vec::new();
    code.len().encode(&mut bytes);
    code.len() + bytes.len()
}
