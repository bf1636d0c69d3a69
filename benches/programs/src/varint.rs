//! Integers in LEB128, unsigned and signed, there and back.

use crate::random::{Random, mix};

fn write_unsigned(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn write_signed(bytes: &mut Vec<u8>, mut value: i64) {
    loop {
        let low = value as u8 & 0x7f;
        value >>= 7;
        if (value == 0 && low & 0x40 == 0) || (value == -1 && low & 0x40 != 0) {
            return bytes.push(low);
        }
        bytes.push(low | 0x80);
    }
}

fn read_unsigned(bytes: &[u8], at: &mut usize) -> u64 {
    let (mut value, mut shift) = (0, 0);
    loop {
        let byte = bytes[*at];
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            return value;
        }
    }
}

fn read_signed(bytes: &[u8], at: &mut usize) -> i64 {
    let (mut value, mut shift) = (0, 0);
    loop {
        let byte = bytes[*at];
        *at += 1;
        value |= i64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            return if byte & 0x40 != 0 && shift < 64 { value | -1 << shift } else { value };
        }
    }
}

/// `n` thousand of each.
pub fn run(n: i32) -> i64 {
    let mut random = Random::new(15);
    let values: Vec<u64> = (0..n * 1000).map(|_| random.next() >> random.below(64)).collect();
    let mut bytes = Vec::new();
    for &value in &values {
        write_unsigned(&mut bytes, value);
        write_signed(&mut bytes, value as i64 >> 8);
    }
    let (mut at, mut sum) = (0, bytes.len() as u64);
    for &value in &values {
        let unsigned = read_unsigned(&bytes, &mut at);
        let signed = read_signed(&bytes, &mut at);
        assert!(unsigned == value && signed == value as i64 >> 8);
        sum = mix(sum, unsigned ^ signed as u64);
    }
    sum as i64
}
