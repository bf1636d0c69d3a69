//! `wallet`: signatures of both kinds, each good once.

use super::chain::{ALICE, BOB, Chain, Done, GAS, OWNED, input};
use super::token;
use codec::{Decode, Encode};
use ed25519_zebra::SigningKey;
use k256::ecdsa::signature::hazmat::PrehashSigner;
use lockstep_host_env::{Address, Hash};
use sha3::{Digest, Sha3_256};

#[derive(Encode, Decode, PartialEq, Debug)]
enum Key {
    Ed25519([u8; 32]),
    Secp256k1([u8; 33]),
}

/// Signs for the wallet.
trait Signer {
    fn key(&self) -> Key;
    fn sign(&self, message: &Hash) -> [u8; 64];
}

impl Signer for SigningKey {
    fn key(&self) -> Key {
        Key::Ed25519(ed25519_zebra::VerificationKey::from(self).into())
    }

    fn sign(&self, message: &Hash) -> [u8; 64] {
        SigningKey::sign(self, &message.0).into()
    }
}

impl Signer for k256::ecdsa::SigningKey {
    fn key(&self) -> Key {
        Key::Secp256k1(self.verifying_key().to_sec1_point(true).as_bytes().try_into().unwrap())
    }

    fn sign(&self, message: &Hash) -> [u8; 64] {
        let signature: k256::ecdsa::Signature = self.sign_prehash(&message.0).unwrap();
        signature.normalize_s().to_bytes().into()
    }
}

/// A wallet of this key with 500.
fn scene(signer: &dyn Signer) -> (Chain, Address) {
    let chain = Chain::default();
    let wallet = chain.deploy(ALICE, "wallet", 0, input("init", signer.key()));
    chain.call_with(ALICE, wallet, 500, GAS, input("receive", ())).ok();
    (chain, wallet)
}

/// What must be signed, by the README and not by the contract.
fn message(chain: &Chain, wallet: Address, nonce: u64, call: &(Address, u128, Vec<u8>, u64)) -> Hash {
    let (to, value, input, deadline) = call;
    let signed = ("lockstep wallet", chain.block.chain, wallet, nonce, deadline, to, value, input);
    Hash(Sha3_256::digest(signed.encode()).into())
}

/// Brings a call; by whom does not matter.
fn execute(chain: &Chain, wallet: Address, call: (Address, u128, Vec<u8>, u64), signature: [u8; 64]) -> Done {
    let (to, value, inner, deadline) = call;
    chain.call(BOB, wallet, "execute", (to, value, inner, deadline, signature))
}

fn signers() -> [Box<dyn Signer>; 2] {
    let secp256k1 = k256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
    [Box::new(SigningKey::from([7; 32])), Box::new(secp256k1)]
}

#[test]
fn what_is_signed_is_done_once() {
    for signer in signers() {
        let (chain, wallet) = scene(&*signer);
        let paid = || (BOB, 200, vec![], 5);
        let told: Hash = chain.call(BOB, wallet, "message", paid()).result();
        assert_eq!(told, message(&chain, wallet, 0, &paid()));
        let signature = signer.sign(&told);
        for other in
            [(ALICE, 200, vec![], 5), (BOB, 201, vec![], 5), (BOB, 200, vec![0], 5), (BOB, 200, vec![], 6)]
        {
            execute(&chain, wallet, other, signature).reverts("signature");
        }
        for at in [0, 31, 32, 63] {
            let mut other = signature;
            other[at] ^= 1;
            execute(&chain, wallet, paid(), other).reverts("signature");
        }
        let done = execute(&chain, wallet, paid(), signature).ok();
        done.event(0, wallet, "Executed", &[BOB], (0_u64, BOB, 200_u128));
        assert_eq!((chain.balance(wallet), chain.balance(BOB)), (300, OWNED + 200));
        execute(&chain, wallet, paid(), signature).reverts("signature");
        assert_eq!(chain.call(BOB, wallet, "nonce", ()).result::<u64>(), 1);
        // More than there is: the signature stays good.
        let much = || (BOB, 301, vec![], 5);
        let signature = signer.sign(&message(&chain, wallet, 1, &much()));
        execute(&chain, wallet, much(), signature).reverts("balance");
        chain.call_with(ALICE, wallet, 1, GAS, input("receive", ())).ok();
        execute(&chain, wallet, much(), signature).ok();
        assert_eq!(chain.balance(wallet), 0);
    }
}

#[test]
fn a_signature_is_for_one_wallet_and_some_time() {
    let [signer, _] = signers();
    let (mut chain, wallet) = scene(&*signer);
    let code_hash = chain.upload("wallet");
    let done = chain.create(ALICE, code_hash, 1, input("init", signer.key()));
    let other = done.ok().receipt().created.unwrap();
    let call = || (BOB, 0, vec![], 5);
    let signature = signer.sign(&message(&chain, wallet, 0, &call()));
    execute(&chain, other, call(), signature).reverts("signature");
    chain.block.height = 6;
    execute(&chain, wallet, call(), signature).reverts("deadline");
    chain.block.height = 5;
    execute(&chain, wallet, call(), signature).ok();
}

#[test]
fn it_calls_contracts_and_changes_its_key() {
    let [signer, next] = signers();
    let (chain, wallet) = scene(&*signer);
    let gold = token::deploy(&chain, 100, 0);
    chain.call(ALICE, gold, "transfer", (wallet, 10_u128)).ok();
    let call = || (gold, 0, input("transfer", (BOB, 10_u128)), 5);
    let signature = signer.sign(&message(&chain, wallet, 0, &call()));
    execute(&chain, wallet, call(), signature).ok();
    assert_eq!(token::balance(&chain, gold, BOB), 10);
    // The same again fails in the token, and leaves the nonce.
    let signature = signer.sign(&message(&chain, wallet, 1, &call()));
    execute(&chain, wallet, call(), signature).reverts("balance");

    chain.call(ALICE, wallet, "rotate", next.key()).reverts("not this account");
    let call = || (wallet, 0, input("rotate", next.key()), 5);
    let signature = signer.sign(&message(&chain, wallet, 1, &call()));
    execute(&chain, wallet, call(), signature).ok();
    assert_eq!(chain.call(BOB, wallet, "key", ()).result::<Key>(), next.key());
    let call = || (BOB, 1, vec![], 5);
    let signed = message(&chain, wallet, 2, &call());
    execute(&chain, wallet, call(), signer.sign(&signed)).reverts("signature");
    execute(&chain, wallet, call(), next.sign(&signed)).ok();
}
