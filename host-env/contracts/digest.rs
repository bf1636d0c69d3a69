//! A contract that mostly hashes: chains of each hash of the host, Merkle trees and their proofs, a proof of work.
#![no_std]

use lockstep_contract::prelude::*;

const ROOT: Value<Hash> = Value::new("root");
/// The best work so far: leading zero bits, and who did it.
const BEST: Value<(u32, Address)> = Value::new("best");

contract! {
    call {
        chain(function: u8, seed: Vec<u8>, times: u32),
        merkle_root(leaves: Vec<Hash>),
        commit(leaves: Vec<Hash>),
        prove(leaf: Hash, index: u32, path: Vec<Hash>),
        work(nonce: u64),
        best(),
    }
}

/// Hashes the seed, then the hash, and so on, so often in all: 0 SHA2-256, 1 SHA3-256, 2 Keccak-256, 3 BLAKE2b-256,
/// 4 BLAKE3, 5 RIPEMD-160, whose hash is filled with zeros.
fn chain(function: u8, seed: Vec<u8>, times: u32) -> Hash {
    let hash: fn(&[u8]) -> [u8; 32] = match function {
        0 => crypto::sha2_256,
        1 => crypto::sha3_256,
        2 => crypto::keccak_256,
        3 => crypto::blake2b_256,
        4 => crypto::blake3,
        5 => |bytes| {
            let mut word = [0; 32];
            word[..20].copy_from_slice(&crypto::ripemd_160(bytes));
            word
        },
        _ => revert("function"),
    };
    ensure(times > 0, "times");
    Hash((1..times).fold(hash(&seed), |word, _| hash(&word)))
}

/// The root over the hashes of leaves; where a level is odd, its last is taken up as it is.
fn merkle_root(leaves: Vec<Hash>) -> Hash {
    let mut level: Vec<Hash> = leaves.iter().map(leaf_hash).collect();
    ensure(!level.is_empty(), "leaves");
    while level.len() > 1 {
        level = level.chunks(2).map(|pair| if let [a, b] = pair { node(a, b) } else { pair[0] }).collect();
    }
    level[0]
}

/// Keeps the root of these leaves.
fn commit(leaves: Vec<Hash>) -> Hash {
    let root = merkle_root(leaves);
    ROOT.set(&root);
    emit!("Committed", [root.0], root);
    root
}

/// Whether a leaf is at this place under the root that was kept; the path has a hash for each level that has a sibling,
/// from below. Of a tree whose number of leaves is a power of two, that is each level.
fn prove(leaf: Hash, index: u32, path: Vec<Hash>) -> bool {
    let root = ROOT.get().or_revert("no root");
    ensure(path.len() < 32 && index >> path.len() == 0, "path");
    let climbed = path.iter().enumerate().fold(leaf_hash(&leaf), |below, (level, beside)| {
        if index >> level & 1 == 0 { node(&below, beside) } else { node(beside, &below) }
    });
    climbed == root
}

/// Counts the leading zero bits of the hash of caller and nonce; the best is kept.
fn work(nonce: u64) -> u32 {
    let caller = context::caller();
    let word = crypto::blake3(&(caller, nonce).encode());
    let bits = match word.iter().position(|byte| *byte != 0) {
        Some(at) => at as u32 * 8 + word[at].leading_zeros(),
        None => 256,
    };
    if best().is_none_or(|(before, _)| bits > before) {
        BEST.set(&(bits, caller));
        emit!("Work", [caller.0], (caller, nonce, bits));
    }
    bits
}

fn best() -> Option<(u32, Address)> {
    BEST.get()
}

/// Leaves and nodes are hashed differently, so that none is taken for the other.
fn leaf_hash(leaf: &Hash) -> Hash {
    Hash(crypto::sha2_256(&(0_u8, leaf).encode()))
}

fn node(a: &Hash, b: &Hash) -> Hash {
    Hash(crypto::sha2_256(&(1_u8, a, b).encode()))
}
