//! Calls that move many operands, and many calls.

use wasm_encoder::ValType::{self, I32};

use super::skeleton::{Skeleton, repeat};

/// A caller of `code` and a callee of `params` and `results`, function and type 1.
fn with_callee(params: usize, results: usize, locals: &[(u32, ValType)], code: &[u8]) -> Vec<u8> {
    let mut skeleton = Skeleton::new();
    let caller = skeleton.ty(&[], &[]);
    let callee = skeleton.ty(&vec![I32; params], &vec![I32; results]);
    skeleton.function(caller, locals, code);
    skeleton.function(callee, &[], &[0x00]);
    skeleton.finish()
}

pub(super) fn results_live(n: usize) -> Vec<u8> {
    let mut code = repeat(&[0x10, 0x01], n.saturating_sub(1040));
    code.push(0x00);
    with_callee(0, 1000, &[], &code)
}

pub(super) fn results_dead(n: usize) -> Vec<u8> {
    let mut code = vec![0x00];
    code.extend(repeat(&[0x10, 0x01], n.saturating_sub(1040)));
    code.push(0x00);
    with_callee(0, 1000, &[], &code)
}

pub(super) fn both_live(n: usize) -> Vec<u8> {
    let mut code = [0x41, 0x00].repeat(1000);
    code.extend(repeat(&[0x10, 0x01], n.saturating_sub(4040)));
    code.push(0x00);
    with_callee(1000, 1000, &[], &code)
}

pub(super) fn both_dead(n: usize) -> Vec<u8> {
    let mut code = vec![0x00];
    code.extend(repeat(&[0x10, 0x01], n.saturating_sub(2040)));
    code.push(0x00);
    with_callee(1000, 1000, &[], &code)
}

pub(super) fn sixteen_results(n: usize) -> Vec<u8> {
    let mut piece = vec![0x10, 0x01];
    piece.extend([0x1a; 16]);
    with_callee(0, 16, &[], &repeat(&piece, n))
}

pub(super) fn params(n: usize) -> Vec<u8> {
    let mut piece = [0x20, 0x00].repeat(128);
    piece.extend([0x10, 0x01]);
    with_callee(128, 0, &[(1, I32)], &repeat(&piece, n))
}

pub(super) fn plain(n: usize) -> Vec<u8> {
    with_callee(0, 0, &[], &repeat(&[0x10, 0x01], n))
}

pub(super) fn indirect(n: usize) -> Vec<u8> {
    let mut skeleton = Skeleton::new();
    let ty = skeleton.ty(&[], &[]);
    skeleton.table(1);
    skeleton.function(ty, &[], &repeat(&[0x41, 0x00, 0x11, 0x00, 0x00], n));
    skeleton.finish()
}
