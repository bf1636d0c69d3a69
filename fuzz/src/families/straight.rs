//! Code without constructs, live and dead.

use wasm_encoder::ValType::{I32, I64};
use wasm_encoder::{ConstExpr, GlobalType};

use super::skeleton::{Skeleton, one_function, repeat};

pub(super) fn arithmetic(n: usize) -> Vec<u8> {
    let piece = [
        0x20, 0x00, 0x20, 0x01, 0x6a, 0x22, 0x02, 0x41, 0x07, 0x6c, 0x20, 0x03, 0x73, 0x21, 0x00, 0x20, 0x02,
        0x41, 0x05, 0x77, 0x21, 0x01,
    ];
    one_function(&[(4, I32)], &repeat(&piece, n))
}

/// A module of one memory and one function.
fn with_memory(code: &[u8]) -> Vec<u8> {
    let mut skeleton = Skeleton::new();
    let ty = skeleton.ty(&[], &[]);
    skeleton.memory(1);
    skeleton.function(ty, &[(2, I32)], code);
    skeleton.finish()
}

pub(super) fn memory(n: usize) -> Vec<u8> {
    with_memory(&repeat(&[0x20, 0x00, 0x20, 0x01, 0x28, 0x02, 0x04, 0x36, 0x02, 0x08], n))
}

pub(super) fn division(n: usize) -> Vec<u8> {
    one_function(&[(2, I64)], &repeat(&[0x20, 0x00, 0x20, 0x01, 0x7f, 0x21, 0x00], n))
}

pub(super) fn deep(n: usize) -> Vec<u8> {
    let count = (n / 3).max(2);
    let mut code = [0x41, 0x01].repeat(count);
    code.extend(vec![0x6a; count - 1]);
    code.push(0x1a);
    one_function(&[], &code)
}

pub(super) fn drops(n: usize) -> Vec<u8> {
    one_function(&[], &repeat(&[0x41, 0x01, 0x1a], n))
}

pub(super) fn deep_drops(n: usize) -> Vec<u8> {
    let count = (n / 3).max(1);
    let mut code = [0x41, 0x01].repeat(count);
    code.extend(vec![0x1a; count]);
    one_function(&[], &code)
}

pub(super) fn selects(n: usize) -> Vec<u8> {
    let mut code = vec![0x20, 0x00];
    code.extend(repeat(&[0x20, 0x01, 0x20, 0x02, 0x1b], n));
    code.push(0x1a);
    one_function(&[(3, I32)], &code)
}

pub(super) fn nops(n: usize) -> Vec<u8> {
    one_function(&[], &repeat(&[0x01], n))
}

pub(super) fn long_constants(n: usize) -> Vec<u8> {
    let piece = [0x42, 0x81, 0x82, 0x84, 0x88, 0x90, 0xa0, 0xc0, 0x81, 0x82, 0x00, 0x21, 0x00];
    one_function(&[(1, I64)], &repeat(&piece, n))
}

/// A function whose code starts with `unreachable` and whose last operand, if any, is dropped.
fn dead(code: &[u8]) -> Vec<u8> {
    let mut all = vec![0x00];
    all.extend(code);
    all.push(0x1a);
    one_function(&[], &all)
}

pub(super) fn dead_arithmetic(n: usize) -> Vec<u8> {
    dead(&repeat(&[0x6a], n))
}

pub(super) fn dead_constants(n: usize) -> Vec<u8> {
    let mut code = repeat(&[0x41, 0x00], n);
    code.push(0x00);
    dead(&code)
}

pub(super) fn dead_selects(n: usize) -> Vec<u8> {
    dead(&repeat(&[0x1b], n))
}

pub(super) fn globals(n: usize) -> Vec<u8> {
    let mut skeleton = Skeleton::new();
    let ty = skeleton.ty(&[], &[]);
    for _ in 0..2 {
        skeleton
            .globals
            .global(GlobalType { val_type: I64, mutable: true, shared: false }, &ConstExpr::i64_const(0));
    }
    skeleton.function(ty, &[], &repeat(&[0x23, 0x00, 0x23, 0x01, 0x7c, 0x24, 0x00], n));
    skeleton.finish()
}

pub(super) fn bulk(n: usize) -> Vec<u8> {
    let piece = [
        0x20, 0x00, 0x41, 0x00, 0x41, 0x08, 0xfc, 0x0b, 0x00, 0x20, 0x00, 0x41, 0x00, 0x41, 0x08, 0xfc, 0x0a,
        0x00, 0x00,
    ];
    with_memory(&repeat(&piece, n))
}
