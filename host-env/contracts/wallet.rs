//! An account that obeys a key: whoever brings a call with its signature has it made, once.
//!
//! What is signed: SHA3-256 of SCALE of `("lockstep wallet", chain id, wallet, nonce, deadline, to, value, input)`, so
//! that a signature is for one chain, one wallet, one turn, and until a block height.
#![no_std]

use lockstep_contract::prelude::*;

const KEY: Value<Key> = Value::new("key");
const NONCE: Value<u64> = Value::new("nonce");

/// By whose signature the wallet acts.
#[derive(Encode, Decode)]
enum Key {
    Ed25519([u8; 32]),
    /// SEC1, compressed.
    Secp256k1([u8; 33]),
}

contract! {
    deploy { #[payable] init(key: Key) }
    call {
        #[payable] receive(),
        execute(to: Address, value: Amount, input: Vec<u8>, deadline: u64, signature: [u8; 64]),
        rotate(key: Key),
        message(to: Address, value: Amount, input: Vec<u8>, deadline: u64),
        nonce(),
        key(),
    }
}

fn init(key: Key) {
    KEY.set(&key)
}

/// Takes value.
fn receive() {
    emit!("Received", [context::caller().0], (context::caller(), context::value()));
}

/// Makes a call that was signed; its output, as bytes. When it fails, so does this, and the signature is still good.
fn execute(to: Address, value: Amount, input: Vec<u8>, deadline: u64, signature: [u8; 64]) -> Vec<u8> {
    ensure(context::block_height() <= deadline, "deadline");
    let message = message(to, value, input.clone(), deadline);
    let good = match key() {
        Key::Ed25519(key) => crypto::ed25519_verify(&signature, &key, &message.0),
        Key::Secp256k1(key) => crypto::secp256k1_verify(&message.0, &signature, &key),
    };
    ensure(good, "signature");
    let nonce = nonce();
    NONCE.set(&(nonce + 1));
    emit!("Executed", [to.0], (nonce, to, value));
    if input.is_empty() {
        call::transfer(&to, value).or_revert("balance");
        return Vec::new();
    }
    // It may be `rotate`.
    let made = Call::to(&to).value(value).allow_reentry().bytes(&input);
    made.unwrap_or_else(|failure| failure.pass_on())
}

/// Another key from now on. Only by a signed call of this account itself.
fn rotate(key: Key) {
    ensure(context::caller() == context::this(), "not this account");
    KEY.set(&key);
    emit!("Rotated", [], key);
}

/// What must be signed for the next call to be this one.
fn message(to: Address, value: Amount, input: Vec<u8>, deadline: u64) -> Hash {
    let (chain, this, nonce) = (context::chain_id(), context::this(), nonce());
    let signed = ("lockstep wallet", chain, this, nonce, deadline, to, value, input);
    Hash(crypto::sha3_256(&signed.encode()))
}

fn nonce() -> u64 {
    NONCE.get_or_default()
}

fn key() -> Key {
    KEY.get().or_revert("not initialised")
}
