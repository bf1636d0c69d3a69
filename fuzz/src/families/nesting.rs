//! Constructs within one another and after one another.

use wasm_encoder::ValType::{self, I32};

use super::skeleton::{Skeleton, one_function, repeat};

/// `open` and `close` around themselves, `n` bytes in all.
fn nested(open: &[u8], close: &[u8], n: usize) -> Vec<u8> {
    let depth = (n / (open.len() + close.len())).max(1);
    let mut code = open.repeat(depth);
    code.extend(close.repeat(depth));
    code
}

pub(super) fn blocks(n: usize) -> Vec<u8> {
    one_function(&[], &nested(&[0x02, 0x40], &[0x0b], n))
}

pub(super) fn loops(n: usize) -> Vec<u8> {
    one_function(&[], &nested(&[0x03, 0x40], &[0x0b], n))
}

pub(super) fn ifs(n: usize) -> Vec<u8> {
    one_function(&[], &nested(&[0x41, 0x00, 0x04, 0x40], &[0x0b], n))
}

pub(super) fn elses(n: usize) -> Vec<u8> {
    one_function(&[], &nested(&[0x41, 0x00, 0x04, 0x40, 0x05], &[0x0b], n))
}

pub(super) fn dead(n: usize) -> Vec<u8> {
    let mut code = vec![0x00];
    code.extend(nested(&[0x02, 0x40], &[0x0b], n));
    one_function(&[], &code)
}

/// Blocks of `arity` parameters and results, nested.
fn with_params(arity: usize, n: usize) -> Vec<u8> {
    let mut skeleton = Skeleton::new();
    let ty = skeleton.ty(&[], &[]);
    let types: Vec<ValType> = vec![I32; arity];
    skeleton.ty(&types, &types);
    let mut code = [0x41, 0x00].repeat(arity);
    code.extend(nested(&[0x02, 0x01], &[0x0b], n.saturating_sub(5 * arity)));
    code.extend(vec![0x1a; arity]);
    skeleton.function(ty, &[], &code);
    skeleton.finish()
}

pub(super) fn eight_params(n: usize) -> Vec<u8> {
    with_params(8, n)
}

pub(super) fn thousand_params(n: usize) -> Vec<u8> {
    with_params(1000, n)
}

pub(super) fn local_gets(n: usize) -> Vec<u8> {
    one_function(&[(1, I32)], &nested(&[0x20, 0x00, 0x02, 0x40], &[0x0b, 0x1a], n))
}

pub(super) fn empty_blocks(n: usize) -> Vec<u8> {
    one_function(&[], &repeat(&[0x02, 0x40, 0x0b], n))
}

pub(super) fn empty_loops(n: usize) -> Vec<u8> {
    one_function(&[], &repeat(&[0x03, 0x40, 0x0b], n))
}

pub(super) fn if_elses(n: usize) -> Vec<u8> {
    one_function(
        &[(1, I32)],
        &repeat(&[0x20, 0x00, 0x04, 0x7f, 0x41, 0x01, 0x05, 0x41, 0x02, 0x0b, 0x21, 0x00], n),
    )
}
