//! A machine like Ethereum's: an interpreter of bytecode over a stack of 256-bit words, with gas, memory and storage.

use crate::random::mix;
use crate::u256::U256;
use std::collections::BTreeMap;

const STOP: u8 = 0x00;
const ADD: u8 = 0x01;
const MUL: u8 = 0x02;
const SUB: u8 = 0x03;
const DIV: u8 = 0x04;
const MOD: u8 = 0x06;
const ADDMOD: u8 = 0x08;
const MULMOD: u8 = 0x09;
const EXP: u8 = 0x0a;
const LT: u8 = 0x10;
const EQ: u8 = 0x14;
const ISZERO: u8 = 0x15;
const AND: u8 = 0x16;
const XOR: u8 = 0x18;
const SHL: u8 = 0x1b;
const SHR: u8 = 0x1c;
const MLOAD: u8 = 0x51;
const MSTORE: u8 = 0x52;
const SLOAD: u8 = 0x54;
const SSTORE: u8 = 0x55;
const JUMPI: u8 = 0x57;
const JUMPDEST: u8 = 0x5b;
const PUSH1: u8 = 0x60;
const PUSH8: u8 = 0x67;
const DUP1: u8 = 0x80;
const SWAP1: u8 = 0x90;

/// Counts down from the word at memory 0 and stirs a word with every kind of operator.
const CODE: &[u8] = &[
    PUSH8, 0x9e, 0x37, 0x79, 0xb9, 0x7f, 0x4a, 0x7c, 0x15, // x
    JUMPDEST, // at 9
    DUP1, PUSH1, 3, SWAP1, EXP, ADD, // x + x^3
    DUP1, PUSH1, 17, SHR, XOR, // x ^ x >> 17
    DUP1, PUSH1, 5, SHL, ADD, // x + x << 5
    PUSH1, 251, DUP1 + 1, PUSH1, 7, MUL, DIV, // 7 x / 251
    DUP1 + 1, PUSH1, 97, SWAP1, MOD, MUL, XOR, // mixed with x mod 97
    PUSH1, 101, DUP1 + 1, DUP1, ADDMOD, PUSH1, 15, AND, // a slot of the storage
    DUP1, SLOAD, PUSH1, 1, ADD, SWAP1, SSTORE, // counted
    PUSH1, 0, MLOAD, PUSH1, 1, SWAP1, SUB, DUP1, PUSH1, 0, MSTORE, // one less to go
    ISZERO, ISZERO, PUSH1, 9, JUMPI, // again
    STOP,
];

struct Machine {
    stack: Vec<U256>,
    memory: Vec<u8>,
    storage: BTreeMap<[u64; 4], U256>,
    gas: u64,
}

impl Machine {
    fn pop(&mut self) -> U256 {
        self.stack.pop().expect("a word on the stack")
    }

    fn binary(&mut self, operator: impl FnOnce(U256, U256) -> U256) {
        let (a, b) = (self.pop(), self.pop());
        self.stack.push(operator(a, b));
    }

    fn ternary(&mut self, operator: impl FnOnce(U256, U256, U256) -> U256) {
        let (a, b, c) = (self.pop(), self.pop(), self.pop());
        self.stack.push(operator(a, b, c));
    }

    fn word(&mut self, at: U256) -> &mut [u8] {
        let at = at.0[0] as usize;
        if self.memory.len() < at + 32 {
            self.memory.resize(at + 32, 0);
        }
        &mut self.memory[at..at + 32]
    }

    fn execute(&mut self, code: &[u8]) {
        let mut at = 0;
        while let Some(&op) = code.get(at) {
            at += 1;
            self.gas -= match op {
                MUL | DIV | MOD => 5,
                ADDMOD | MULMOD => 8,
                EXP => 10,
                SLOAD | SSTORE => 100,
                _ => 3,
            };
            match op {
                STOP => return,
                ADD => self.binary(U256::add),
                MUL => self.binary(U256::mul),
                SUB => self.binary(U256::sub),
                DIV => self.binary(|a, b| a.div_rem(b).0),
                MOD => self.binary(|a, b| a.div_rem(b).1),
                ADDMOD => self.ternary(U256::add_mod),
                MULMOD => self.ternary(U256::mul_mod),
                EXP => self.binary(|a, b| a.pow(b)),
                LT => self.binary(|a, b| U256::from(u64::from(a.less(b)))),
                EQ => self.binary(|a, b| U256::from(u64::from(a == b))),
                ISZERO => {
                    let value = self.pop();
                    self.stack.push(U256::from(u64::from(value.is_zero())));
                }
                AND => self.binary(|a, b| U256(std::array::from_fn(|i| a.0[i] & b.0[i]))),
                XOR => self.binary(|a, b| U256(std::array::from_fn(|i| a.0[i] ^ b.0[i]))),
                SHL => self.binary(|by, value| value.shl(by.0[0] as u32)),
                SHR => self.binary(|by, value| value.shr(by.0[0] as u32)),
                MLOAD => {
                    let at = self.pop();
                    let limbs = std::array::from_fn(|i| {
                        let bytes = &self.word(at)[24 - 8 * i..32 - 8 * i];
                        u64::from_be_bytes(bytes.try_into().unwrap())
                    });
                    self.stack.push(U256(limbs));
                }
                MSTORE => {
                    let (at, value) = (self.pop(), self.pop());
                    for (bytes, limb) in self.word(at).chunks_exact_mut(8).rev().zip(value.0) {
                        bytes.copy_from_slice(&limb.to_be_bytes());
                    }
                }
                SLOAD => {
                    let key = self.pop();
                    let value = self.storage.get(&key.0).copied().unwrap_or_default();
                    self.stack.push(value);
                }
                SSTORE => {
                    let (key, value) = (self.pop(), self.pop());
                    self.storage.insert(key.0, value);
                }
                JUMPI => {
                    let (target, condition) = (self.pop(), self.pop());
                    if !condition.is_zero() {
                        at = target.0[0] as usize;
                        assert_eq!(code[at], JUMPDEST);
                    }
                }
                JUMPDEST => {}
                PUSH1..=0x7f => {
                    let length = usize::from(op - PUSH1) + 1;
                    let mut value = U256::ZERO;
                    for &byte in &code[at..at + length] {
                        value = value.shl(8).add(U256::from(u64::from(byte)));
                    }
                    self.stack.push(value);
                    at += length;
                }
                DUP1..=0x8f => {
                    let value = self.stack[self.stack.len() - 1 - usize::from(op - DUP1)];
                    self.stack.push(value);
                }
                SWAP1..=0x9f => {
                    let top = self.stack.len() - 1;
                    self.stack.swap(top, top - 1 - usize::from(op - SWAP1));
                }
                _ => panic!("an operator of the machine"),
            }
        }
    }
}

/// Goes `n` times around.
pub fn run(n: i32) -> i64 {
    let mut machine =
        Machine { stack: Vec::new(), memory: Vec::new(), storage: BTreeMap::new(), gas: u64::MAX };
    machine.word(U256::ZERO)[28..].copy_from_slice(&n.to_be_bytes());
    machine.execute(CODE);
    let values = machine.stack.iter().chain(machine.storage.values());
    values.fold(machine.gas, |sum, value| value.0.into_iter().fold(sum, mix)) as i64
}
