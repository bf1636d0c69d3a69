//! Many locals, and locals on the stack.

use wasm_encoder::ValType::{I32, I64};

use super::skeleton::{Skeleton, leb, one_function, repeat};

pub(super) fn groups(n: usize) -> Vec<u8> {
    let mut skeleton = Skeleton::new();
    let ty = skeleton.ty(&[], &[]);
    let mut left = n / 2;
    while left > 0 {
        let count = left.min(25_000);
        let groups: Vec<_> = (0..count).map(|index| (1, if index % 2 == 0 { I32 } else { I64 })).collect();
        skeleton.function(ty, &groups, &[]);
        left -= count;
    }
    skeleton.finish()
}

pub(super) fn get_drop(n: usize) -> Vec<u8> {
    one_function(&[(1, I32)], &repeat(&[0x20, 0x00, 0x1a], n))
}

pub(super) fn get_chain(n: usize) -> Vec<u8> {
    let mut code = repeat(&[0x20, 0x00], n);
    code.push(0x00);
    one_function(&[(1, I32)], &code)
}

pub(super) fn alias_chain(n: usize) -> Vec<u8> {
    let mut piece = Vec::new();
    for local in 0..100 {
        piece.extend([0x20, local, 0x21, (local + 1) % 100]);
    }
    one_function(&[(100, I32)], &repeat(&piece, n))
}

pub(super) fn alias_all(n: usize) -> Vec<u8> {
    // Whoever saves the aliases at each set by looking through the stack is quadratic.
    let part = (n / 10).max(1);
    let mut code = [0x20, 0x00].repeat(part);
    code.extend([0x20, 0x01, 0x21, 0x00].repeat(part));
    code.extend(vec![0x1a; part]);
    code.extend([0x20, 0x00, 0x1a].repeat(part));
    one_function(&[(2, I32)], &code)
}

/// `piece` for each of 10,000 locals in turn, `n` bytes in all.
fn over_locals(n: usize, piece: impl Fn(u32, &mut Vec<u8>)) -> Vec<u8> {
    let mut code = Vec::new();
    let mut local = 0;
    while code.len() < n {
        piece(local, &mut code);
        local = (local + 1) % 10_000;
    }
    one_function(&[(10_000, I32)], &code)
}

pub(super) fn blocks(n: usize) -> Vec<u8> {
    over_locals(n, |local, code| {
        code.extend([0x02, 0x40, 0x41, 0x01, 0x21]);
        leb(local, code);
        code.extend([0x41, 0x00, 0x0d, 0x00, 0x0b]);
    })
}

pub(super) fn loops(n: usize) -> Vec<u8> {
    over_locals(n, |local, code| {
        code.extend([0x03, 0x40, 0x20]);
        leb(local, code);
        code.extend([0x41, 0x01, 0x6b, 0x22]);
        leb((local + 1) % 10_000, code);
        code.extend([0x0d, 0x00, 0x0b]);
    })
}

pub(super) fn pressure(n: usize) -> Vec<u8> {
    let mut piece = Vec::new();
    for local in 0..64 {
        piece.extend([0x20, local, 0x41, 0x03, 0x6c]);
    }
    piece.extend([0x73; 63]);
    piece.extend([0x21, 0x07]);
    one_function(&[(64, I32)], &repeat(&piece, n))
}
