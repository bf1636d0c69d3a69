//! `wallet`: what is signed is done, once.

use super::{contract, people};
use codec::{Decode, Encode};
use ed25519_zebra::SigningKey;
use k256::ecdsa::signature::hazmat::PrehashSigner;
use lockstep_test::*;

#[derive(Encode, Decode, PartialEq, Debug)]
enum Key {
    Ed25519([u8; 32]),
    Secp256k1([u8; 33]),
}

fn signer() -> SigningKey {
    SigningKey::from([7; 32])
}

fn key(signer: &SigningKey) -> Key {
    Key::Ed25519(ed25519_zebra::VerificationKey::from(signer).into())
}

/// A wallet with 500, and what signs for it.
fn wallet(key: &Key) -> Result<(Chain, [Address; 3], Address)> {
    let (mut chain, people) = people();
    let wallet = chain.deploy(people[0], contract!("wallet"), ("init", key))?;
    let received = chain.call(people[0], wallet, ("receive",)).value(500).ok()?;
    received.event(wallet, "Received")?.is((people[0], 500u128))?;
    Ok((chain, people, wallet))
}

struct Order {
    to: Address,
    value: u128,
    input: Vec<u8>,
    deadline: u64,
}

impl Order {
    fn pay(to: Address, value: u128) -> Order {
        Order { to, value, input: Vec::new(), deadline: 5 }
    }

    fn message(&self, chain: &mut Chain, wallet: Address) -> Result<Hash> {
        chain.view(wallet, ("message", self.to, self.value, self.input.clone(), self.deadline))
    }

    fn sign(&self, chain: &mut Chain, wallet: Address, signer: &SigningKey) -> Result<[u8; 64]> {
        Ok(signer.sign(&self.message(chain, wallet)?.0).into())
    }

    fn said(&self, signature: [u8; 64]) -> Said {
        ("execute", self.to, self.value, self.input.clone(), self.deadline, signature).said()
    }
}

#[test]
fn what_is_signed_is_done_once() -> Result {
    let signer = signer();
    let (mut chain, [_, bob, carol], wallet) = wallet(&key(&signer))?;
    let order = Order::pay(carol, 200);
    let signature = order.sign(&mut chain, wallet, &signer)?;
    let paid = chain.call(bob, wallet, order.said(signature)).ok()?;
    paid.event_count(1)?.event(wallet, "Executed")?.is((0u64, carol, 200u128))?.topics(&[carol])?;
    assert_eq!((chain.balance(wallet), chain.balance(carol)), (300, 1_200));
    chain.call(bob, wallet, order.said(signature)).reverts_with("signature")?;
    assert_eq!(chain.view::<u64>(wallet, ("nonce",))?, 1);
    paid.gas_at_most(6_000_000)?;
    Ok(())
}

#[test]
fn ecdsa_signs_as_well_with_a_low_s() -> Result {
    let signer = k256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
    let point = signer.verifying_key().to_sec1_point(true);
    let (mut chain, [_, bob, carol], wallet) = wallet(&Key::Secp256k1(point.as_bytes().try_into().unwrap()))?;
    let order = Order::pay(carol, 1);
    let message = order.message(&mut chain, wallet)?;
    let signature: k256::ecdsa::Signature = signer.sign_prehash(&message.0).unwrap();
    let low = signature.normalize_s();
    let high = k256::ecdsa::Signature::from_scalars(low.r(), -low.s()).unwrap();
    chain.call(bob, wallet, order.said(high.to_bytes().into())).reverts_with("signature")?;
    chain.call(bob, wallet, order.said(low.to_bytes().into())).ok()?;
    assert_eq!(chain.balance(carol), 1_001);
    Ok(())
}

#[test]
fn nothing_else_is_signed() -> Result {
    let signer = signer();
    let (mut chain, [alice, bob, carol], wallet) = wallet(&key(&signer))?;
    let order = Order::pay(carol, 200);
    let signature = order.sign(&mut chain, wallet, &signer)?;
    for other in [
        Order::pay(bob, 200),
        Order::pay(carol, 201),
        Order { input: vec![0], ..Order::pay(carol, 200) },
        Order { deadline: 6, ..Order::pay(carol, 200) },
    ] {
        chain.call(bob, wallet, other.said(signature)).reverts_with("signature")?;
    }
    let mut broken = signature;
    broken[63] ^= 1;
    chain.call(bob, wallet, order.said(broken)).reverts_with("signature")?;
    let stranger = SigningKey::from([8; 32]);
    let forged = order.sign(&mut chain, wallet, &stranger)?;
    chain.call(bob, wallet, order.said(forged)).reverts_with("signature")?;
    // Nor for another wallet of the same key.
    let other = chain.deploy(alice, contract!("wallet"), ("init", key(&signer)))?;
    chain.call(bob, other, order.said(signature)).reverts_with("signature")?;
    Ok(())
}

#[test]
fn a_signature_has_its_time() -> Result {
    let signer = signer();
    let (mut chain, [_, bob, carol], wallet) = wallet(&key(&signer))?;
    let order = Order::pay(carol, 1);
    let signature = order.sign(&mut chain, wallet, &signer)?;
    chain.advance(4.blocks());
    let last = chain.snapshot();
    chain.advance(1.blocks());
    chain.call(bob, wallet, order.said(signature)).reverts_with("deadline")?;
    chain.restore(&last);
    chain.call(bob, wallet, order.said(signature)).ok()?;
    Ok(())
}

#[test]
fn what_fails_leaves_the_signature_good() -> Result {
    let signer = signer();
    let (mut chain, [alice, bob, carol], wallet) = wallet(&key(&signer))?;
    let order = Order::pay(carol, 501);
    let signature = order.sign(&mut chain, wallet, &signer)?;
    chain.call(bob, wallet, order.said(signature)).reverts_with("balance")?;
    chain.call(alice, wallet, ("receive",)).value(1).ok()?;
    chain.call(bob, wallet, order.said(signature)).ok()?;
    let token = chain.deploy(alice, contract!("token"), ("init", "Gold", 500u128))?;
    let order = Order { input: ("transfer", bob, 1u128).said().bytes, ..Order::pay(token, 0) };
    let signature = order.sign(&mut chain, wallet, &signer)?;
    chain.call(bob, wallet, order.said(signature)).reverts_with("balance")?;
    Ok(())
}

#[test]
fn a_key_is_changed_by_a_signed_call_alone() -> Result {
    let (signer, next) = (signer(), SigningKey::from([9; 32]));
    let (mut chain, [alice, bob, carol], wallet) = wallet(&key(&signer))?;
    chain.call(alice, wallet, ("rotate", key(&next))).reverts_with("not this account")?;
    let order = Order { input: ("rotate", key(&next)).said().bytes, ..Order::pay(wallet, 0) };
    let signature = order.sign(&mut chain, wallet, &signer)?;
    let rotated = chain.call(bob, wallet, order.said(signature)).ok()?;
    rotated.event(wallet, "Rotated")?.is(key(&next))?;
    assert_eq!(chain.view::<Key>(wallet, ("key",))?, key(&next));
    let order = Order::pay(carol, 1);
    let (old, new) = (order.sign(&mut chain, wallet, &signer)?, order.sign(&mut chain, wallet, &next)?);
    chain.call(bob, wallet, order.said(old)).reverts_with("signature")?;
    chain.call(bob, wallet, order.said(new)).ok()?;
    Ok(())
}
