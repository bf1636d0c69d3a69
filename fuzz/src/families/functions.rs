//! Many functions and many types.

use wasm_encoder::ValType::{self, F32, F64, I32, I64};

use super::ordinary;
use super::skeleton::Skeleton;

pub(super) fn empty(n: usize) -> Vec<u8> {
    let mut skeleton = Skeleton::new();
    let ty = skeleton.ty(&[], &[]);
    for _ in 0..n.div_ceil(4) {
        skeleton.function(ty, &[], &[]);
    }
    skeleton.finish()
}

pub(super) fn thousand_params(n: usize) -> Vec<u8> {
    let mut skeleton = Skeleton::new();
    let ty = skeleton.ty(&[I64; 1000], &[]);
    for _ in 0..n.saturating_sub(1000).div_ceil(4) {
        skeleton.function(ty, &[], &[]);
    }
    skeleton.finish()
}

pub(super) fn all_locals(n: usize) -> Vec<u8> {
    let mut skeleton = Skeleton::new();
    let ty = skeleton.ty(&[], &[]);
    for _ in 0..n.div_ceil(8) {
        skeleton.function(ty, &[(50_000, I64)], &[]);
    }
    skeleton.finish()
}

pub(super) fn ordinary(n: usize) -> Vec<u8> {
    let mut skeleton = Skeleton::new();
    let ty = skeleton.ty(&[], &[]);
    skeleton.memory(2);
    skeleton.function(ty, &[], &[]);
    let mut bytes = 0;
    let mut seed = 0;
    while bytes < n {
        let code = ordinary::code(seed, seed / 2);
        bytes += ordinary::encoded_len(&code) + 7;
        skeleton.function(ty, &ordinary::LOCALS, &code);
        seed += 1;
    }
    skeleton.finish()
}

pub(super) fn one_ordinary(n: usize) -> Vec<u8> {
    let mut skeleton = Skeleton::new();
    let ty = skeleton.ty(&[], &[]);
    skeleton.memory(2);
    let mut code = Vec::new();
    let mut seed = 0;
    loop {
        let piece = ordinary::code(seed, 0);
        if seed > 0 && code.len() + piece.len() > n {
            break;
        }
        code.extend(piece);
        seed += 1;
    }
    skeleton.function(ty, &ordinary::LOCALS, &code);
    skeleton.finish()
}

/// The `index`th list of 12 number types.
fn types_of(index: usize) -> [ValType; 12] {
    std::array::from_fn(|place| [I32, I64, F32, F64][index >> (2 * place) & 3])
}

pub(super) fn types(n: usize) -> Vec<u8> {
    let mut skeleton = Skeleton::new();
    for index in 0..n.div_ceil(15) {
        // Twelve places of four types are enough for 16 million.
        skeleton.ty(&types_of(index), &[]);
    }
    skeleton.finish()
}

pub(super) fn wide_types(n: usize) -> Vec<u8> {
    let mut skeleton = Skeleton::new();
    for index in 0..n.div_ceil(2006) {
        let mut params = vec![I32; 988];
        params.extend(types_of(index));
        skeleton.ty(&params, &[I64; 1000]);
    }
    skeleton.finish()
}
