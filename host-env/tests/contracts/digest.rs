//! `digest`: hashes as others compute them.

use super::chain::{ALICE, BOB, Chain, input};
use blake2::Blake2b;
use blake2::digest::consts::U32;
use codec::Encode;
use lockstep_host_env::{Address, Hash};
use ripemd::Ripemd160;
use sha2::{Digest, Sha256};
use sha3::{Keccak256, Sha3_256};

fn contract() -> (Chain, Address) {
    let chain = Chain::default();
    let contract = chain.deploy(ALICE, "digest", 0, vec![]);
    (chain, contract)
}

fn of<D: Digest>(bytes: &[u8]) -> Vec<u8> {
    D::digest(bytes).to_vec()
}

#[test]
fn chains_are_those_of_others() {
    let (chain, contract) = contract();
    type Hasher = fn(&[u8]) -> Vec<u8>;
    let functions: [Hasher; 6] = [
        of::<Sha256>,
        of::<Sha3_256>,
        of::<Keccak256>,
        of::<Blake2b<U32>>,
        |bytes| blake3::hash(bytes).as_bytes().to_vec(),
        of::<Ripemd160>,
    ];
    for (number, hash) in functions.into_iter().enumerate() {
        let mut expected = b"seed".to_vec();
        for _ in 0..5 {
            expected = hash(&expected);
            expected.resize(32, 0);
        }
        let told: Hash = chain.call(BOB, contract, "chain", (number as u8, b"seed".to_vec(), 5_u32)).result();
        assert_eq!(told.0[..], expected, "{number}");
    }
    chain.call(BOB, contract, "chain", (6_u8, b"seed".to_vec(), 5_u32)).reverts("function");
    chain.call(BOB, contract, "chain", (0_u8, b"seed".to_vec(), 0_u32)).reverts("times");
    // So much of it that hashing is most of the gas.
    chain.call(BOB, contract, "chain", (4_u8, vec![1_u8; 100_000], 2_000_u32)).ok();
}

fn leaf(hash: Hash) -> Hash {
    Hash(Sha256::digest((0_u8, hash).encode()).into())
}

fn node(a: Hash, b: Hash) -> Hash {
    Hash(Sha256::digest((1_u8, a, b).encode()).into())
}

#[test]
fn a_leaf_is_proved_where_it_is() {
    let (chain, contract) = contract();
    let leaves: Vec<Hash> = (0..4).map(|at| Hash([at; 32])).collect();
    let [a, b, c, d] = [0, 1, 2, 3].map(|at| leaf(leaves[at]));
    let three: Hash = chain.call(BOB, contract, "merkle_root", &leaves[..3]).result();
    assert_eq!(three, node(node(a, b), c));
    chain.call(BOB, contract, "prove", (leaves[0], 0_u32, vec![b])).reverts("no root");
    chain.call(BOB, contract, "merkle_root", Vec::<Hash>::new()).reverts("leaves");
    let root = node(node(a, b), node(c, d));
    let done = chain.call(BOB, contract, "commit", &leaves).event(
        0,
        contract,
        "Committed",
        &[Address(root.0)],
        root,
    );
    assert_eq!(done.result::<Hash>(), root);
    let prove =
        |leaf: Hash, index: u32, path: Vec<Hash>| chain.call(BOB, contract, "prove", (leaf, index, path));
    let path = vec![d, node(a, b)];
    assert!(prove(leaves[2], 2, path.clone()).result::<bool>());
    assert!(!prove(leaves[2], 3, path.clone()).result::<bool>());
    assert!(!prove(leaves[3], 2, path.clone()).result::<bool>());
    // A node is no leaf.
    assert!(!prove(node(a, b), 0, vec![node(c, d)]).result::<bool>());
    prove(leaves[2], 4, path).reverts("path");
}

#[test]
fn the_best_work_is_kept() {
    let (chain, contract) = contract();
    let zeros = |nonce: u64| {
        let word = blake3::hash(&(BOB, nonce).encode());
        u32::from_be_bytes(word.as_bytes()[..4].try_into().unwrap()).leading_zeros()
    };
    let mut best = None;
    for nonce in 0..8 {
        let done = chain.call(BOB, contract, "work", nonce).ok();
        let better = best.is_none_or(|(bits, _)| zeros(nonce) > bits);
        assert_eq!(done.receipt().events.len(), usize::from(better));
        assert_eq!(done.result::<u32>(), zeros(nonce));
        if better {
            best = Some((zeros(nonce), BOB));
        }
        assert_eq!(chain.call(ALICE, contract, "best", ()).result::<Option<(u32, Address)>>(), best);
    }
    chain.call_with(BOB, contract, 0, super::chain::GAS, input("work", ())).reverts("arguments");
}
