//! Code in which few bytes move many registers.
//!
//! Owns the families in which a compiler that keeps locals in registers stores and loads as many of them as it can, at
//! calls, labels and returns.

use wasm_encoder::ValType::{I32, I64};

use super::skeleton::{Skeleton, leb, repeat};

/// Locals that all want a register.
const HOT: u8 = 9;

/// A function of one parameter and `HOT` locals, each used a few times; function 1 does nothing, function 2 has six
/// parameters, function 3 sixteen. Types have the same numbers.
fn module(code: &[u8]) -> Vec<u8> {
    let mut skeleton = Skeleton::new();
    let own = skeleton.ty(&[I32], &[]);
    let nothing = skeleton.ty(&[], &[]);
    let six = skeleton.ty(&[I64; 6], &[]);
    let sixteen = skeleton.ty(&[I64; 16], &[]);
    let mut all: Vec<u8> = Vec::new();
    for local in 1..=HOT {
        // Set it to itself and one more, so that it is in a register and not in its slot.
        all.extend([0x20, local, 0x42, 0x01, 0x7c, 0x21, local]);
    }
    all.extend(code);
    skeleton.function(own, &[(u32::from(HOT), I64)], &all);
    skeleton.function(nothing, &[], &[]);
    skeleton.function(six, &[], &[]);
    skeleton.function(sixteen, &[], &[]);
    skeleton.finish()
}

/// Bytes that [`module`] has beside the code.
const FRAME: usize = 140;

fn of(piece: &[u8], n: usize) -> Vec<u8> {
    module(&repeat(piece, n.saturating_sub(FRAME)))
}

/// At a loop all are in registers, at a call none is.
pub(super) fn loops_and_calls(n: usize) -> Vec<u8> {
    of(&[0x03, 0x40, 0x10, 0x01, 0x0b], n)
}

/// Branches back to a loop, behind calls.
pub(super) fn branches_after_calls(n: usize) -> Vec<u8> {
    let mut code = vec![0x03, 0x40];
    code.extend(repeat(&[0x10, 0x01, 0x20, 0x00, 0x0d, 0x00], n.saturating_sub(FRAME)));
    code.push(0x0b);
    module(&code)
}

/// Tables of branches to a block before which locals were in registers, and to a loop.
pub(super) fn tables_after_calls(n: usize) -> Vec<u8> {
    let piece = [0x02, 0x40, 0x03, 0x40, 0x10, 0x01, 0x20, 0x00, 0x0e, 0x02, 0x00, 0x01, 0x00, 0x0b, 0x0b];
    of(&piece, n)
}

/// Whoever returns gives back the registers that calls keep.
pub(super) fn returns(n: usize) -> Vec<u8> {
    of(&[0x20, 0x00, 0x04, 0x40, 0x0f, 0x0b], n)
}

/// Arguments that are where other arguments go.
pub(super) fn arguments_permuted(n: usize) -> Vec<u8> {
    of(&[0x20, 0x02, 0x20, 0x03, 0x20, 0x04, 0x20, 0x05, 0x20, 0x06, 0x20, 0x01, 0x10, 0x02], n)
}

/// Constants as arguments, most of them through memory.
pub(super) fn constant_arguments(n: usize) -> Vec<u8> {
    let mut piece = [0x42, 0x01].repeat(16);
    piece.extend([0x10, 0x03]);
    of(&piece, n)
}

/// A table of branches that each carry a value to another block.
pub(super) fn table_of_values(n: usize) -> Vec<u8> {
    let depth = (n.saturating_sub(FRAME) / 7).max(1);
    // Each block's value is dropped behind it, and the next one's put there.
    let mut code = [0x02, 0x7e].repeat(depth);
    code.extend([0x42, 0x01, 0x20, 0x00, 0x0e]);
    leb(depth as u32, &mut code);
    for target in 0..depth as u32 {
        for byte in 0..3 {
            let more = if byte < 2 { 0x80 } else { 0 };
            code.push((target >> (7 * byte)) as u8 & 0x7f | more);
        }
    }
    leb(0, &mut code);
    code.extend(vec![0x0b; depth]);
    code.push(0x1a);
    module(&code)
}

/// 64 values on the stack, each of which a block sends to its slot.
pub(super) fn values_below_blocks(n: usize) -> Vec<u8> {
    let mut piece: Vec<u8> = Vec::new();
    for value in 0..32 {
        piece.extend([0x20, 1 + value % HOT, 0x02, 0x40, 0x0b]);
    }
    piece.extend([0x1a; 32]);
    of(&piece, n)
}
