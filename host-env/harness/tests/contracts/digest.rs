//! `digest`: hashes, trees, work.

use super::{contract, people};
use codec::Encode;
use lockstep_test::*;
use sha2::{Digest, Sha256};

fn digest() -> Result<(Chain, [Address; 3], Address)> {
    let (mut chain, people) = people();
    let digest = chain.deploy(people[0], contract!("digest"), ())?;
    Ok((chain, people, digest))
}

fn hash(of: impl Encode) -> Hash {
    Hash(Sha256::digest(of.encode()).into())
}

fn node(a: Hash, b: Hash) -> Hash {
    hash((1u8, a, b))
}

#[test]
fn a_chain_of_hashes_is_what_it_says() -> Result {
    let (mut chain, _, digest) = digest()?;
    let seed = b"seed".to_vec();
    let expected = (0..3).fold(seed.clone(), |word, _| Sha256::digest(word).to_vec());
    assert_eq!(chain.view::<Hash>(digest, ("chain", 0u8, seed.clone(), 3u32))?.0[..], expected);
    // RIPEMD-160 of "abc", from its authors, filled with zeros.
    let abc = chain.view::<Hash>(digest, ("chain", 5u8, b"abc".to_vec(), 1u32))?;
    assert_eq!(abc.0[..4], [0x8e, 0xb2, 0x08, 0xf7]);
    assert_eq!(abc.0[20..], [0; 12]);
    let all: Vec<Hash> = (0..6)
        .map(|function: u8| chain.view(digest, ("chain", function, seed.clone(), 1u32)))
        .collect::<Result<_>>()?;
    assert!((0..6).all(|at| !all[..at].contains(&all[at])), "six functions: {all:?}");
    Ok(())
}

#[test]
fn a_chain_has_a_function_and_a_length() -> Result {
    let (mut chain, [alice, ..], digest) = digest()?;
    chain.call(alice, digest, ("chain", 6u8, Vec::<u8>::new(), 1u32)).reverts_with("function")?;
    chain.call(alice, digest, ("chain", 0u8, Vec::<u8>::new(), 0u32)).reverts_with("times")?;
    chain.call(alice, digest, ("chain", 0u8)).reverts_with("arguments")?;
    chain
        .call(alice, digest, ("chain", 4u8, Vec::<u8>::new(), 1_000u32))
        .gas(500_000)
        .traps(Trap::OutOfGas)?;
    Ok(())
}

#[test]
fn a_leaf_is_proved_where_it_is() -> Result {
    let (mut chain, [alice, ..], digest) = digest()?;
    let leaves: Vec<Hash> = (0..4).map(|at| Hash([at; 32])).collect();
    let [a, b, c, d] = [0, 1, 2, 3].map(|at| hash((0u8, leaves[at])));
    chain.call(alice, digest, ("prove", leaves[0], 0u32, vec![b])).reverts_with("no root")?;
    chain.call(alice, digest, ("commit", Vec::<Hash>::new())).reverts_with("leaves")?;
    let root = node(node(a, b), node(c, d));
    let committed = chain.call(alice, digest, ("commit", leaves.clone())).ok()?;
    committed.event_count(1)?.event(digest, "Committed")?.is(root)?.topics(&[Address(root.0)])?;
    let path = || vec![d, node(a, b)];
    for (leaf, index, good) in [(2, 2, true), (2, 3, false), (3, 2, false)] {
        assert_eq!(chain.view::<bool>(digest, ("prove", leaves[leaf], index as u32, path()))?, good);
    }
    chain.call(alice, digest, ("prove", leaves[2], 4u32, path())).reverts_with("path")?;
    chain.call(alice, digest, ("prove", leaves[2], 0u32, vec![a; 32])).reverts_with("path")?;
    assert_eq!(chain.view::<Hash>(digest, ("merkle_root", leaves[..3].to_vec()))?, node(node(a, b), c));
    Ok(())
}

#[test]
fn the_best_work_is_kept() -> Result {
    let (mut chain, [alice, bob, _], digest) = digest()?;
    assert_eq!(chain.view::<Option<(u32, Address)>>(digest, ("best",))?, None);
    let mut best: Option<(u32, Address)> = None;
    for (at, who) in [alice, bob, alice, bob].into_iter().enumerate() {
        let worked = chain.call(who, digest, ("work", at as u64)).ok()?;
        let bits: u32 = worked.output()?;
        match best {
            Some((before, _)) if bits <= before => drop(worked.event_count(0)?),
            _ => {
                worked.event(digest, "Work")?.is((who, at as u64, bits))?.topics(&[who])?;
                best = Some((bits, who));
            }
        }
        assert_eq!(chain.view::<Option<(u32, Address)>>(digest, ("best",))?, best);
    }
    Ok(())
}

/// A hash more costs what a hash costs, and the loop around it.
#[test]
fn hashing_costs_the_same_each_time() -> Result {
    let (mut chain, [alice, ..], digest) = digest()?;
    let mut gas = |times: u32| -> Result<u64> {
        Ok(chain.call(alice, digest, ("chain", 0u8, vec![0u8; 32], times)).ok()?.gas_used())
    };
    let (two, three, many) = (gas(2)?, gas(3)?, gas(102)?);
    assert!(three > two);
    assert_eq!(many - two, (three - two) * 100);
    Ok(())
}
