//! Many operands a byte, of types that are not wide: 128 parameters and 16 results at most.
//!
//! Owns the families that limits on the arity of types leave. Blocks, branches and calls of such a type have a
//! few bytes each and move up to 128 operands.

use wasm_encoder::ValType::{self, I32};

use super::skeleton::{Skeleton, leb, repeat};

const PARAMS: usize = 128;
const RESULTS: usize = 16;

/// A function of `code`, beside types 1 of 128 parameters, 2 of 128 parameters and 16 results, 3 of 16
/// parameters and results. Functions 1 and 2 have types 2 and 3.
fn module(results: usize, code: &[u8]) -> Vec<u8> {
    let mut skeleton = Skeleton::new();
    let types: Vec<ValType> = vec![I32; PARAMS];
    let few = &types[..RESULTS];
    let own = skeleton.ty(&[], &types[..results]);
    skeleton.ty(&types, &[]);
    skeleton.ty(&types, few);
    skeleton.ty(few, few);
    skeleton.function(own, &[], code);
    skeleton.function(2, &[], &[0x00]);
    skeleton.function(3, &[], &[0x00]);
    skeleton.finish()
}

/// Operands, then a loop that takes 128 of them, then what `inner` makes, then dead code.
fn in_loop(live: bool, inner: &[u8]) -> Vec<u8> {
    let mut code = if live { [0x41, 0x00].repeat(PARAMS) } else { vec![0x00] };
    code.extend([0x03, 0x01]);
    if !live {
        code.push(0x00);
    }
    code.extend(inner);
    code.extend([0x00, 0x0b]);
    module(0, &code)
}

fn table(n: usize) -> Vec<u8> {
    let n = n.saturating_sub(800).max(1);
    let mut code = vec![0x41, 0x00, 0x0e];
    leb(n as u32, &mut code);
    code.extend(vec![0x00; n + 1]);
    code
}

pub(super) fn br_table_params(n: usize) -> Vec<u8> {
    in_loop(true, &table(n))
}

pub(super) fn br_table_params_dead(n: usize) -> Vec<u8> {
    in_loop(false, &table(n))
}

pub(super) fn br_table_results(n: usize) -> Vec<u8> {
    let mut code = vec![0x02, 0x03];
    code.splice(0..0, [0x41, 0x00].repeat(RESULTS));
    code.extend(table(n));
    code.push(0x0b);
    code.extend([0x1a; RESULTS]);
    module(0, &code)
}

pub(super) fn br_if_params(n: usize) -> Vec<u8> {
    in_loop(true, &repeat(&[0x41, 0x00, 0x0d, 0x00], n.saturating_sub(800)))
}

pub(super) fn br_if_params_dead(n: usize) -> Vec<u8> {
    in_loop(false, &repeat(&[0x0d, 0x00], n.saturating_sub(500)))
}

pub(super) fn blocks_results(n: usize) -> Vec<u8> {
    let mut code = [0x41, 0x00].repeat(RESULTS);
    code.extend(repeat(&[0x02, 0x03, 0x0b], n.saturating_sub(600)));
    code.extend([0x1a; RESULTS]);
    module(0, &code)
}

pub(super) fn blocks_params_dead(n: usize) -> Vec<u8> {
    let mut code = vec![0x00];
    code.extend(repeat(&[0x02, 0x02, 0x00, 0x0b], n.saturating_sub(600)));
    code.push(0x00);
    module(0, &code)
}

pub(super) fn ifs_params_dead(n: usize) -> Vec<u8> {
    let mut code = vec![0x00];
    code.extend(repeat(&[0x04, 0x02, 0x00, 0x05, 0x00, 0x0b], n.saturating_sub(600)));
    code.push(0x00);
    module(0, &code)
}

pub(super) fn calls_dead(n: usize) -> Vec<u8> {
    let mut code = vec![0x00];
    code.extend(repeat(&[0x10, 0x01], n.saturating_sub(600)));
    code.push(0x00);
    module(0, &code)
}

pub(super) fn calls_live(n: usize) -> Vec<u8> {
    let mut code = [0x41, 0x00].repeat(RESULTS);
    code.extend(repeat(&[0x10, 0x02], n.saturating_sub(600)));
    code.extend([0x1a; RESULTS]);
    module(0, &code)
}

pub(super) fn returns_dead(n: usize) -> Vec<u8> {
    let mut code = vec![0x00];
    code.extend(vec![0x0f; n.saturating_sub(600).max(1)]);
    module(RESULTS, &code)
}

pub(super) fn tail_calls_dead(n: usize) -> Vec<u8> {
    let mut code = vec![0x00];
    code.extend(repeat(&[0x12, 0x01], n.saturating_sub(600)));
    module(RESULTS, &code)
}

pub(super) fn functions_params(n: usize) -> Vec<u8> {
    let mut skeleton = Skeleton::new();
    let ty = skeleton.ty(&[I32; PARAMS], &[]);
    for _ in 0..n.div_ceil(4) {
        skeleton.function(ty, &[], &[]);
    }
    skeleton.finish()
}

pub(super) fn functions_results(n: usize) -> Vec<u8> {
    let mut skeleton = Skeleton::new();
    let ty = skeleton.ty(&[I32; PARAMS], &[I32; RESULTS]);
    for _ in 0..n.div_ceil(5) {
        skeleton.function(ty, &[], &[0x00]);
    }
    skeleton.finish()
}

pub(super) fn types_params(n: usize) -> Vec<u8> {
    let mut skeleton = Skeleton::new();
    for index in 0..n.div_ceil(PARAMS + RESULTS + 4) {
        let mut params = [I32; PARAMS];
        for (bit, param) in params.iter_mut().take(20).enumerate() {
            if index >> bit & 1 == 1 {
                *param = ValType::I64;
            }
        }
        skeleton.ty(&params, &[I32; RESULTS]);
    }
    skeleton.finish()
}

pub(super) fn types_same(n: usize) -> Vec<u8> {
    let mut skeleton = Skeleton::new();
    for _ in 0..n.div_ceil(3) {
        skeleton.ty(&[], &[]);
    }
    skeleton.finish()
}
