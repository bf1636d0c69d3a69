//! WebAssembly validated in WebAssembly: the crate `wasmparser` over a module that the program writes.

use crate::random::{Random, mix};
use wasmparser::{Validator, WasmFeatures};

fn section(module: &mut Vec<u8>, id: u8, content: &[u8]) {
    module.push(id);
    unsigned(module, content.len());
    module.extend_from_slice(content);
}

fn unsigned(bytes: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// A body of type `(i32, i64) -> i64` with two more locals.
fn body(random: &mut Random, functions: usize) -> Vec<u8> {
    let mut body = vec![2, 1, 0x7f, 1, 0x7e];
    body.extend([0x20, 1]); // the result so far
    for _ in 0..20 + random.below(40) {
        match random.below(6) {
            0 => body.extend([0x20, 1, 0x7c]), // add a local
            1 => body.extend([0x42, random.byte() & 0x3f, 0x7e]), // multiply by a constant
            2 => body.extend([0x22, 3, 0x20, 3, 0x42, 7, 0x88, 0x85]), // tee, shift, xor
            3 => body.extend([0x21, 3, 0x20, 0, 0x04, 0x7e, 0x20, 3, 0x05, 0x42, 1, 0x0b]), // if, else
            4 => {
                body.extend([0x21, 3, 0x20, 0, 0x20, 3, 0x10]); // call
                unsigned(&mut body, random.below(functions as u32) as usize);
            }
            // block (loop) with a conditional branch out of it
            _ => body.extend([0x21, 3, 0x02, 0x40, 0x03, 0x40, 0x20, 0, 0x45, 0x0d, 1, 0x0b, 0x0b, 0x20, 3]),
        }
    }
    body.push(0x0b);
    body
}

fn module(functions: usize) -> Vec<u8> {
    let mut random = Random::new(20);
    let mut module = b"\0asm\x01\0\0\0".to_vec();
    section(&mut module, 1, &[1, 0x60, 2, 0x7f, 0x7e, 1, 0x7e]);
    let mut types = Vec::new();
    unsigned(&mut types, functions);
    types.resize(types.len() + functions, 0);
    section(&mut module, 3, &types);
    let mut code = Vec::new();
    unsigned(&mut code, functions);
    for _ in 0..functions {
        let body = body(&mut random, functions);
        unsigned(&mut code, body.len());
        code.extend(body);
    }
    section(&mut module, 10, &code);
    module
}

/// A module of `n` functions.
pub fn run(n: i32) -> i64 {
    let mut module = module(n as usize);
    let features = WasmFeatures::MVP;
    assert!(Validator::new_with_features(features).validate_all(&module).is_ok());
    // Damaged, it is refused; where does not depend on the machine.
    let length = module.len();
    module[length / 2] ^= 0x55;
    let refused = Validator::new_with_features(features).validate_all(&module).err();
    mix(length as u64, refused.map_or(0, |error| error.offset())) as i64
}
