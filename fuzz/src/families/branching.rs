//! Branches: wide, deep, many, and with many operands.

use wasm_encoder::ValType::{self, I32};

use super::skeleton::{Skeleton, leb, one_function, repeat};

/// `i32.const 0` and a `br_table` of the targets, each of which takes `width` bytes.
fn table(targets: impl ExactSizeIterator<Item = u32>, width: usize, code: &mut Vec<u8>) {
    code.extend([0x41, 0x00, 0x0e]);
    leb(targets.len() as u32, code);
    for target in targets {
        padded(target, width, code);
    }
    leb(0, code);
}

/// A number as a LEB128 of `width` bytes, so that bytes grow with the number of targets and with nothing
/// else.
fn padded(value: u32, width: usize, code: &mut Vec<u8>) {
    for byte in 0..width {
        let more = if byte + 1 < width { 0x80 } else { 0 };
        code.push((value >> (7 * byte)) as u8 & 0x7f | more);
    }
}

pub(super) fn wide(n: usize) -> Vec<u8> {
    let mut code = Vec::new();
    table((0..n).map(|_| 0), 1, &mut code);
    one_function(&[], &code)
}

pub(super) fn distinct(n: usize) -> Vec<u8> {
    let depth = n.div_ceil(6);
    let mut code = [0x02, 0x40].repeat(depth);
    table(0..depth as u32, 3, &mut code);
    code.extend(vec![0x0b; depth]);
    one_function(&[], &code)
}

pub(super) fn depth(n: usize) -> Vec<u8> {
    // d tables of d targets of two bytes.
    let depth = (n / 2).isqrt().max(4);
    let mut code = [0x02, 0x40].repeat(depth);
    for _ in 0..depth - 3 {
        table(0..depth as u32, 2, &mut code);
        code.extend([0x0b, 0x02, 0x40]);
    }
    code.extend(vec![0x0b; depth]);
    one_function(&[], &code)
}

pub(super) fn many(n: usize) -> Vec<u8> {
    one_function(&[(1, I32)], &repeat(&[0x02, 0x40, 0x20, 0x00, 0x0e, 0x03, 0x00, 0x01, 0x00, 0x00, 0x0b], n))
}

/// A function of one block with a thousand results, and a thousand operands in it.
fn thousand(n: usize, inner: impl FnOnce(usize) -> Vec<u8>) -> Vec<u8> {
    let mut skeleton = Skeleton::new();
    let ty = skeleton.ty(&[], &[]);
    let types: Vec<ValType> = vec![I32; 1000];
    skeleton.ty(&[], &types);
    let mut code = vec![0x02, 0x01];
    code.extend([0x41, 0x00].repeat(1000));
    code.extend(inner(n.saturating_sub(4000).max(8)));
    code.push(0x0b);
    code.extend(vec![0x1a; 1000]);
    skeleton.function(ty, &[], &code);
    skeleton.finish()
}

pub(super) fn wide_arity(n: usize) -> Vec<u8> {
    thousand(n, |n| {
        let mut code = Vec::new();
        table((0..n).map(|_| 0), 1, &mut code);
        code
    })
}

pub(super) fn br_if_arity(n: usize) -> Vec<u8> {
    thousand(n, |n| repeat(&[0x41, 0x00, 0x0d, 0x00], n))
}

pub(super) fn br_if_forward(n: usize) -> Vec<u8> {
    let mut code = vec![0x02, 0x40];
    code.extend(repeat(&[0x20, 0x00, 0x0d, 0x00], n));
    code.push(0x0b);
    one_function(&[(1, I32)], &code)
}

pub(super) fn br_if_backward(n: usize) -> Vec<u8> {
    let mut code = vec![0x03, 0x40];
    code.extend(repeat(&[0x20, 0x00, 0x0d, 0x00], n));
    code.push(0x0b);
    one_function(&[(1, I32)], &code)
}

/// The least `n` whose branches go all over the constructs. Smaller members are frozen with the acceptance digest; their
/// recurrence runs into a cycle, which for some depths has a few labels and for others all.
const EVERYWHERE: usize = 1 << 16;

pub(super) fn out_of_depth(n: usize) -> Vec<u8> {
    // A quarter of the bytes nests, the rest branches out of the innermost block.
    let depth = n.div_ceil(12);
    let mut code = [0x02, 0x40].repeat(depth);
    let mut target = 1;
    let mut state = 0u64;
    while code.len() + depth < n {
        code.extend([0x20, 0x00, 0x0d]);
        leb(target, &mut code);
        target = if n < EVERYWHERE {
            (target * 31 + 7) % depth as u32
        } else {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            (((state >> 32) * depth as u64) >> 32) as u32
        };
    }
    code.extend(vec![0x0b; depth]);
    one_function(&[(1, I32)], &code)
}
