//! Constants: sequences of instructions.
//!
//! Owns what such a sequence leaves in its register, read from its disassembly alone.

use super::super::Aarch64;
use super::{disassembled, name, rounds};
use crate::compile::machine::Machine;
use crate::compile::masm::{Reg, Size};
use crate::compile::{Env, Options, type_ids};
use alloc::{string::String, vec::Vec};
use rand::{Rng, SeedableRng, rngs::StdRng};

/// What `TEMP` and others hold behind a sequence that makes a constant, by its disassembly alone.
fn made(text: &str, before: u64) -> u64 {
    let number = |text: &str| u64::from_str_radix(text.trim_start_matches("#0x"), 16).unwrap();
    let (op, rest) = text.split_once(' ').unwrap();
    let (register, value) = rest.split_once(", ").unwrap();
    let mask = if register.starts_with('w') { 0xffff_ffff } else { u64::MAX };
    match (op, value.split_once(", lsl #")) {
        ("mov", None) => number(value) & mask,
        ("movk", None) => before & mask & !0xffff | number(value),
        ("movk", Some((half, by))) => {
            let by: u32 = by.parse().unwrap();
            before & mask & !(0xffff << by) | number(half) << by
        }
        _ => panic!("{text} makes no constant"),
    }
}

/// Every constant is what was asked for, in four instructions at most; and one of 32 bits in two.
#[test]
fn constants_are_what_they_say() {
    let mut random = StdRng::seed_from_u64(65);
    let mut machine = machine();
    for _ in 0..10 * rounds() {
        let halves: [u16; 4] = core::array::from_fn(|_| match random.random_range(0..4) {
            0 => 0,
            1 => u16::MAX,
            2 => [1, 0x7fff, 0x8000, 0xfffe][random.random_range(0..4)],
            _ => random.random(),
        });
        let value = halves.iter().fold(0, |value, half| value << 16 | u64::from(*half));
        let value = if random.random() { value >> (4 * random.random_range(0..16)) } else { value };
        let register = Reg(random.random_range(0..31));
        machine.asm.code.clear();
        machine.constant(register, value);
        let words = machine.asm.code.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().unwrap()));
        let texts: Vec<String> = words.map(disassembled).collect();
        assert_eq!(texts.iter().fold(0, |before, text| made(text, before)), value, "{value:#x}: {texts:?}");
        assert!(texts.len() <= if value >> 32 == 0 { 2 } else { 4 }, "{value:#x}: {texts:?}");
        for text in texts {
            assert_eq!(text.split([' ', ',']).nth(1).unwrap()[1..], name(Size::S64, register)[1..]);
        }
    }
}

fn machine() -> Aarch64 {
    let wasm = wat::parse_str("(module (memory 1) (func))").unwrap();
    let module = crate::Module::new(&crate::Engine::default(), &wasm).unwrap();
    let info = module.info();
    let options = Options::new(module.0.engine.config(), crate::module::CodeTarget::Aarch64);
    let env = Env {
        bytes: &wasm,
        info,
        plan: &module.0.plan,
        options: &options,
        layout: crate::abi::ContextLayout::new(info),
        type_ids: type_ids(info),
        anchors_calls: false,
        far_calls: false,
    };
    Aarch64::new(&env, 0, 0)
}
