//! The codec of Substrate, crate `parity-scale-codec`: transactions encoded and decoded.

use crate::random::{Random, mix};
use parity_scale_codec::{Compact, Decode, Encode};

#[derive(Clone, PartialEq, Eq, Encode, Decode)]
enum Call {
    Transfer { to: [u8; 32], amount: Compact<u128> },
    Remark(Vec<u8>),
    Batch(Vec<Call>),
    Vote { proposal: u32, choice: Option<bool> },
}

#[derive(Clone, PartialEq, Eq, Encode, Decode)]
struct Transaction {
    from: [u8; 32],
    nonce: Compact<u32>,
    tip: u64,
    call: Call,
    topics: Vec<(u16, String)>,
}

fn call(random: &mut Random, depth: u32) -> Call {
    match random.below(if depth == 0 { 3 } else { 4 }) {
        0 => Call::Transfer {
            to: std::array::from_fn(|_| random.byte()),
            amount: Compact(u128::from(random.next()) << random.below(40)),
        },
        1 => {
            let length = random.below(80) as usize;
            Call::Remark(random.bytes(length))
        }
        2 => Call::Vote { proposal: random.below(100), choice: [None, Some(true), Some(false)][random.below(3) as usize] },
        _ => Call::Batch((0..random.below(6)).map(|_| call(random, depth - 1)).collect()),
    }
}

/// `n` blocks of 100 transactions.
pub fn run(n: i32) -> i64 {
    let mut random = Random::new(19);
    let mut sum = 0;
    for _ in 0..n {
        let block: Vec<Transaction> = (0..100)
            .map(|nonce| Transaction {
                from: std::array::from_fn(|_| random.byte()),
                nonce: Compact(nonce << random.below(20)),
                tip: random.next(),
                call: call(&mut random, 2),
                topics: (0..random.below(4)).map(|i| (i as u16, format!("topic {i}"))).collect(),
            })
            .collect();
        let bytes = block.encode();
        assert!(Vec::<Transaction>::decode(&mut &bytes[..]).unwrap() == block);
        sum = bytes.iter().step_by(3).fold(sum, |sum, &byte| mix(sum, u64::from(byte)));
    }
    sum as i64
}
