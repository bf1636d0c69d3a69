//! What host functions cost this machine, beside what they cost in gas: nanoseconds, gas, nanoseconds per 1,000 gas.
//!
//! ```sh
//! cargo run --release -p lockstep-host-env --example measure
//! ```
#![allow(clippy::disallowed_methods, reason = "it measures")]

#[path = "../tests/support/mod.rs"]
mod support;

use lockstep_host_env::Function as F;
use lockstep_host_env::{Action, NONE, Status, Tx};
use std::time::Instant;
use support::{Chain, at, script, step};

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().map(|c| c.to_digit(16).expect("hexadecimal") as u8).collect();
    digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect()
}

fn main() {
    let chain = Chain::default();
    let to = chain.scripted(1);
    let none = u64::from(NONE);
    let g1 = hex(&[
        "0000000000000000000000000000000017f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac58",
        "6c55e83ff97a1aeffb3af00adb22c6bb0000000000000000000000000000000008b3f481e3aaa0f1a09e30ed741d8ae4",
        "fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1",
    ]
    .concat());
    let g2 = hex(&[
        "00000000000000000000000000000000024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d177",
        "0bac0326a805bbefd48056c8c121bdb80000000000000000000000000000000013e02b6052719f607dacd3a088274f65",
        "596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e000000000000000000000000000000",
        "000ce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a76d429a695160d12c923ac9cc3baca289e19354860",
        "8b82801000000000000000000000000000000000606c4a02ea734cc32acd2b02bc28b99cb3e287e85a763af267492ab",
        "572e99ab3f370d275cec1da1aaa9075ff05f79be",
    ]
    .concat());
    let bn1 = [&[0; 31][..], &[1], &[0; 31], &[2]].concat();
    let bn2 = hex(&[
        "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2",
        "1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed",
        "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b",
        "12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa",
    ]
    .concat());
    let ecdsa = hex(&[
        "18c547e4f7b0f325ad1e56f57e26c745b09a3e503d86e00e5255ff7f715d3d1c",
        "73b1693892219d736caba55bdb67216e485557ea6b6af75f37096c9aa6a5a75f",
        "eeb940b1d03b21e36b0e47e79769f095fe2ab855bd91e3a38756b7d75a9c4549",
    ]
    .concat());
    let p256_sample = hex(&[
        "af2bdbe1aa9b6ec1e2ade1d694f41fc71a831d0268e9891562113d8a62add1bf",
        "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
        "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
        "0360fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
    ]
    .concat());
    let ed25519 = hex(&[
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    ].concat());
    let scalar = [0xa5; 32];
    let repeat = |item: Vec<u8>, count: usize| item.repeat(count);
    let out = at(60_000);
    #[rustfmt::skip]
    let cases: Vec<(&str, F, Vec<u64>, Vec<u8>)> = vec![
        ("", F::InputLen, vec![], vec![]),
        ("", F::Caller, vec![out], vec![]),
        ("absent", F::StorageGet, vec![at(0), 32, out, 32], vec![9; 32]),
        ("32 bytes", F::StorageSet, vec![at(0), 32, at(0), 32], vec![9; 32]),
        ("128 KiB", F::StorageSet, vec![at(0), 32, at(0), 131_072], vec![9; 32]),
        ("", F::StorageNext, vec![at(0), 0, at(0), 32, 256], vec![9; 32]),
        ("", F::TransientSet, vec![at(0), 32, at(0), 32], vec![9; 32]),
        ("", F::Balance, vec![at(0), out], vec![9; 32]),
        ("no code", F::Call, vec![0, u64::MAX, at(0), none, at(0), 0], vec![9; 32]),
        ("", F::Event, vec![at(0), 4, at(0), 1_000], vec![]),
        ("128 KiB", F::HashSha2, vec![at(0), 131_072, out], vec![]),
        ("128 KiB", F::HashSha3, vec![at(0), 131_072, out], vec![]),
        ("128 KiB", F::HashKeccak, vec![at(0), 131_072, out], vec![]),
        ("128 KiB", F::HashBlake2b, vec![at(0), 131_072, out], vec![]),
        ("128 KiB", F::HashBlake3, vec![at(0), 131_072, out], vec![]),
        ("128 KiB", F::HashRipemd, vec![at(0), 131_072, out], vec![]),
        ("32 bytes", F::HashSha2, vec![at(0), 32, out], vec![]),
        ("32 bytes", F::HashSha3, vec![at(0), 32, out], vec![]),
        ("", F::Secp256k1Recover, vec![1, at(0), at(32), out], ecdsa.clone()),
        ("wrong", F::Secp256k1Verify, vec![0, at(0), at(32), at(96), 33], [ecdsa, p256_sample[96..].to_vec()].concat()),
        ("", F::Secp256r1Verify, vec![0, at(0), at(32), at(96), 33], p256_sample),
        ("", F::Ed25519Verify, vec![at(0), at(64), at(0), 0], ed25519.clone()),
        ("128 KiB", F::Ed25519Verify, vec![at(0), at(64), at(0), 131_072], ed25519),
        ("", F::Bn254Add, vec![at(0), out], repeat(bn1.clone(), 2)),
        ("", F::Bn254Mul, vec![at(0), out], [&bn1[..], &scalar].concat()),
        ("1", F::Bn254Pairing, vec![at(0), 1], [&bn1[..], &bn2].concat()),
        ("128", F::Bn254Pairing, vec![at(0), 128], repeat([&bn1[..], &bn2].concat(), 128)),
        ("", F::Bls12G1Add, vec![at(0), out], repeat(g1.clone(), 2)),
        ("", F::Bls12G2Add, vec![at(0), out], repeat(g2.clone(), 2)),
        ("1", F::Bls12G1Msm, vec![at(0), 1, out], [&g1[..], &scalar].concat()),
        ("128", F::Bls12G1Msm, vec![at(0), 128, out], repeat([&g1[..], &scalar].concat(), 128)),
        ("1", F::Bls12G2Msm, vec![at(0), 1, out], [&g2[..], &scalar].concat()),
        ("128", F::Bls12G2Msm, vec![at(0), 128, out], repeat([&g2[..], &scalar].concat(), 128)),
        ("", F::Bls12MapG1, vec![at(0), out], [&[0; 17][..], &[0x11; 47]].concat()),
        ("", F::Bls12MapG2, vec![at(0), out], repeat([&[0; 17][..], &[0x11; 47]].concat(), 2)),
        ("1", F::Bls12Pairing, vec![at(0), 1], [&g1[..], &g2].concat()),
        ("128", F::Bls12Pairing, vec![at(0), 128], repeat([&g1[..], &g2].concat(), 128)),
    ];
    println!("| function | case | ns | gas | ns / 1,000 gas |\n|---|---|---|---|---|");
    for (case, function, args, data) in cases {
        let time = |count: usize| {
            let steps = vec![step(function, &args); count];
            let tx = chain.tx(Action::Call { to, value: 0, input: script(&steps, &data, 0) });
            let tx = Tx { gas_limit: i64::MAX as u64, ..tx };
            let mut best = f64::MAX;
            let mut gas = 0;
            for _ in 0..4 {
                let start = Instant::now();
                let executed = chain.execute(&tx).expect("the node works");
                best = best.min(start.elapsed().as_secs_f64() * 1e9);
                assert_eq!(executed.receipt.status, Status::Ok);
                gas = executed.receipt.gas_used;
            }
            (best, gas)
        };
        let (few, gas_few) = time(2);
        let (many, gas_many) = time(8);
        let (ns, gas) = ((many - few) / 6.0, (gas_many - gas_few) as f64 / 6.0);
        println!("| {} | {case} | {ns:.0} | {gas:.0} | {:.0} |", function.def().name, ns / gas * 1_000.0);
    }
}
