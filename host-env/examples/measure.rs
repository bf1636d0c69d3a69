//! What host functions cost this machine beside what they cost in gas, for small and for large arguments; the table that it
//! prints is `prices.md` of this crate.
//!
//! ```sh
//! cargo run --release -p lockstep-host-env --example measure > host-env/prices.md
//! ```
#![allow(clippy::disallowed_methods, reason = "it measures")]

#[path = "../tests/support/mod.rs"]
mod support;

use cpu_time::ThreadTime;
use lockstep_host_env::Function as F;
use lockstep_host_env::{Action, Address, NONE, Status, Tx};
use std::time::Instant;
use support::{Chain, Step, at, script, step};

/// The dearest may take so many times as long for its gas as the one in the middle.
const BOUND: f64 = 4.0;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().map(|c| c.to_digit(16).expect("hexadecimal") as u8).collect();
    digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect()
}

/// A call to measure: how it differs from others of its function, the arguments, the bytes in memory.
struct Case {
    function: F,
    case: String,
    args: Vec<u64>,
    data: Vec<u8>,
}

/// Where outputs go, behind what is read.
const OUT: u64 = at(100_000);
/// Sizes that a function is measured at.
const SIZES: [u64; 4] = [0, 32, 4_096, 131_072];

fn case(function: F, case: impl ToString, args: &[u64], data: &[u8]) -> Case {
    Case { function, case: case.to_string(), args: args.to_vec(), data: data.to_vec() }
}

/// Functions of frames, context and bytes.
fn plain() -> Vec<Case> {
    let mut cases: Vec<Case> =
        [F::InputLen, F::ResultLen, F::GasLeft, F::IsStatic, F::BlockHeight, F::BlockTime, F::ChainId]
            .map(|function| case(function, "", &[], &[]))
            .into();
    cases.extend(
        [F::SelfAddress, F::Caller, F::Origin, F::Value].map(|function| case(function, "", &[OUT], &[])),
    );
    for size in SIZES {
        cases.push(case(F::Output, size, &[at(0), size], &[]));
        // The script's input is long enough for its last size.
        cases.push(case(F::InputRead, size.min(60_000), &[0, at(0), size.min(60_000)], &[1; 60_000]));
        cases.push(case(F::ResultRead, format!("{size}, no result"), &[0, at(0), size], &[]));
        for function in
            [F::HashSha2, F::HashSha3, F::HashKeccak, F::HashBlake2b, F::HashBlake3, F::HashRipemd]
        {
            cases.push(case(function, size, &[at(0), size, at(0)], &[]));
        }
        cases.push(case(F::TransientSet, size, &[at(0), 32, at(0), size], &[9; 32]));
    }
    cases.push(case(F::TransientGet, "absent", &[at(0), 32, OUT, 32], &[9; 32]));
    cases.push(case(F::TransientSet, "long key", &[at(0), 256, at(0), 1], &[9; 256]));
    cases
}

/// Frames: a call of the script contract itself, with nothing to do, is the least that one costs.
fn frames(to: &[u8; 32]) -> Vec<Case> {
    let none = u64::from(NONE);
    let nothing = script(&[], &[], 0);
    let data = [&to[..], &nothing].concat();
    let len = nothing.len() as u64;
    vec![
        case(F::Call, "a frame", &[1, u64::MAX, at(0), none, at(32), len], &data),
        case(F::CallStatic, "a frame", &[1, u64::MAX, at(0), at(32), len], &data),
    ]
}

/// What reads or writes state, or is kept in receipts: the memory database's times say nothing of a disk. And what has
/// nothing to do, where the base price is for a first item.
fn state(to: &[u8; 32]) -> Vec<Case> {
    let mut cases = vec![
        case(F::StorageGet, "absent", &[at(0), 32, OUT, 32], &[9; 32]),
        case(F::StorageLen, "absent", &[at(0), 32], &[9; 32]),
        case(F::StorageRemove, "absent", &[at(0), 32], &[9; 32]),
        case(F::StorageNext, "none", &[at(0), 0, at(0), 32, 256], &[9; 32]),
        case(F::StoragePrev, "none", &[at(0), 0, at(0), 0, 256], &[9; 32]),
        case(F::Balance, "", &[at(0), OUT], to),
        case(F::CodeHash, "", &[at(0), OUT], to),
    ];
    let none = u64::from(NONE);
    cases.extend([
        case(F::Call, "no code", &[0, u64::MAX, at(0), none, at(0), 0], &[9; 32]),
        case(F::CallStatic, "no code", &[0, u64::MAX, at(0), at(0), 0], &[9; 32]),
        case(F::CallDelegate, "no code", &[0, u64::MAX, at(0), at(0), 0], &[9; 32]),
        case(F::Create, "no code", &[u64::MAX, at(0), none, at(0), at(0), 0, OUT], &[9; 32]),
        case(F::CodeSet, "no code", &[at(0)], &[9; 32]),
        case(F::Transfer, "nothing", &[at(0), at(32)], &[0; 48]),
    ]);
    for size in [0, 32, 4_096, 16_384] {
        cases.push(case(F::Event, size, &[at(0), 4, at(0), size], &[]));
    }
    cases.extend([F::Bn254Pairing, F::Bls12Pairing].map(|function| case(function, 0, &[at(0), 0], &[])));
    cases.extend([F::Bls12G1Msm, F::Bls12G2Msm].map(|function| case(function, 0, &[at(0), 0, OUT], &[])));
    cases.extend(SIZES.map(|size| case(F::StorageSet, size, &[at(0), 32, at(0), size], &[9; 32])));
    cases.extend([0, 32, 4_096].map(|size| case(F::Debug, size, &[at(0), size], &[])));
    cases
}

/// Signatures and curves, with points that are none of infinity and multipliers that are long.
fn curves() -> Vec<Case> {
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
    let p256 = hex(&[
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
    let secp256k1 = {
        // The key that the signature above recovers to, compressed.
        let x = "3a514176466fa815ed481ffad09110a2d344f6c9b78c1d14afc351c3a51be33d";
        [&ecdsa[..], &[3], &hex(x)].concat()
    };
    let scalar = [0xa5; 32];
    let with = |point: &[u8]| [point, &scalar].concat();
    let [one, two] = [[&bn1[..], &bn2].concat(), [&g1[..], &g2].concat()];
    let field = [&[0; 17][..], &[0x11; 47]].concat();
    let mut cases = vec![
        case(F::Secp256k1Recover, "", &[1, at(0), at(32), OUT], &ecdsa),
        case(
            F::Secp256k1Verify,
            "false",
            &[0, at(0), at(32), at(96), 33],
            &[&ecdsa[..], &p256[96..]].concat(),
        ),
        case(F::Secp256k1Verify, "true", &[0, at(0), at(32), at(96), 33], &secp256k1),
        case(F::Secp256r1Verify, "true", &[0, at(0), at(32), at(96), 33], &p256),
        case(F::Bn254Add, "", &[at(0), OUT], &bn1.repeat(2)),
        case(F::Bn254Mul, "", &[at(0), OUT], &with(&bn1)),
        case(F::Bls12G1Add, "", &[at(0), OUT], &g1.repeat(2)),
        case(F::Bls12G2Add, "", &[at(0), OUT], &g2.repeat(2)),
        case(F::Bls12MapG1, "", &[at(0), OUT], &field),
        case(F::Bls12MapG2, "", &[at(0), OUT], &field.repeat(2)),
    ];
    cases.extend(SIZES.map(|size| case(F::Ed25519Verify, size, &[at(0), at(64), at(0), size], &ed25519)));
    for count in [1, 2, 8, 32, 128] {
        let many = |item: &[u8]| item.repeat(count as usize);
        // Multipliers that differ, so that they fall into many buckets.
        let multiplied = |point: &[u8]| -> Vec<u8> {
            (0..count).flat_map(|item| [point, &sha256(item)].concat()).collect()
        };
        cases.push(case(F::Bn254Pairing, count, &[at(0), count], &many(&one)));
        cases.push(case(F::Bls12Pairing, count, &[at(0), count], &many(&two)));
        cases.push(case(F::Bls12G1Msm, count, &[at(0), count, OUT], &multiplied(&g1)));
        cases.push(case(F::Bls12G2Msm, count, &[at(0), count, OUT], &multiplied(&g2)));
    }
    cases
}

/// Bytes that look like nothing in particular.
fn sha256(number: u64) -> [u8; 32] {
    lockstep_host_env::code_hash(&number.to_le_bytes()).0
}

/// What a step of the script takes by itself, in nanoseconds and gas: finding the function, two calls of `gas_left`, a loop.
#[derive(Clone, Copy)]
struct Script {
    ns: f64,
    gas: f64,
}

impl Script {
    fn of(chain: &Chain, to: Address) -> Script {
        // A step of no function has the loop alone, one of `gas_left` three calls more.
        let none = Step { function: support::TRAP - 1, args: vec![] };
        let (ns, gas) = measure(chain, to, &none, &[]);
        let (with_ns, with_gas) = measure(chain, to, &step(F::GasLeft, &[]), &[]);
        Script { ns: ns + (with_ns - ns) * 2.0 / 3.0, gas: gas + (with_gas - gas) * 2.0 / 3.0 }
    }
}

/// Nanoseconds and gas of a step.
fn measure(chain: &Chain, to: Address, call: &Step, data: &[u8]) -> (f64, f64) {
    let run = |count: usize| -> (f64, u64) {
        let steps: Vec<Step> = vec![call.clone(); count];
        let tx = chain.tx(Action::Call { to, value: 0, input: script(&steps, data, 0) });
        let tx = Tx { gas_limit: i64::MAX as u64, ..tx };
        let mut best = f64::MAX;
        let mut gas = 0;
        let begun = Instant::now();
        for round in 0.. {
            if round > 4 && begun.elapsed().as_millis() > 100 {
                break;
            }
            let start = ThreadTime::now();
            let executed = chain.execute(&tx).expect("the node works");
            best = best.min(start.elapsed().as_secs_f64() * 1e9);
            assert_eq!(executed.receipt.status, Status::Ok, "{call:?}");
            gas = executed.receipt.gas_used;
        }
        (best, gas)
    };
    // Short calls are repeated, long ones need not be; the script has no room for more than 500.
    let (few, gas_few) = run(2);
    let repeats = (2e6 / (few / 2.0)).clamp(6.0, 400.0) as usize;
    let (many, gas_many) = run(2 + repeats);
    let each = |total: f64| total / repeats as f64;
    // A step of the script costs the sender `transaction_byte` for each byte, which is not the function's.
    let bytes = 64 * repeats as u64 * u64::from(chain.schedule().transaction_byte);
    (each(many - few), each((gas_many - gas_few - bytes) as f64))
}

fn table(rows: &[(f64, f64, &Case)], median: f64) {
    println!("| function | size or case | ns | gas | ns by gas | by the median |\n|---|---|--:|--:|--:|--:|");
    for (ns, gas, case) in rows {
        let rate = ns / gas;
        println!(
            "| `{}` | {} | {ns:.0} | {gas:.0} | {rate:.3} | {:.2} |",
            case.function.def().name,
            case.case,
            rate / median
        );
    }
}

fn main() {
    let chain = Chain::default();
    let to = chain.scripted(1);
    let script = Script::of(&chain, to);
    let sorted = |cases: &'static [Case]| {
        let mut rows: Vec<_> = cases
            .iter()
            .map(|case| {
                let (ns, gas) = measure(&chain, to, &step(case.function, &case.args), &case.data);
                ((ns - script.ns).max(0.1), gas - script.gas, case)
            })
            .collect();
        rows.sort_by(|a, b| (b.0 / b.1).total_cmp(&(a.0 / a.1)));
        rows
    };
    let counted: &'static [Case] =
        Box::leak(plain().into_iter().chain(frames(&to.0)).chain(curves()).collect());
    let apart: &'static [Case] = Box::leak(state(&to.0).into_boxed_slice());
    let rows = sorted(counted);
    let rate = |index: usize| rows[index].0 / rows[index].1;
    let (most, median, least) = (rate(0), rate(rows.len() / 2), rate(rows.len() - 1));
    println!("# Prices of host functions and time\n");
    println!(
        "Written by `cargo run --release -p lockstep-host-env --example measure`, for the default prices. A call's time is that of a"
    );
    println!(
        "script that makes it many times less that of one that makes it twice, in processor time and the least of several runs, less"
    );
    println!("what the script itself takes. Sizes are bytes or items.\n");
    println!(
        "{} cases. **The most takes {:.2} times as long for its gas as the one in the middle, which takes {median:.3} ns; the bound is {BOUND}.**",
        rows.len(),
        most / median
    );
    println!(
        "The least takes {:.3} ns: a byte that is copied costs 1, which is the least that a price can be, and takes less in long rows.",
        least
    );
    println!(
        "The bound is one of what is charged too little. What is charged too much, rows of copied bytes above all, makes the dearest and the"
    );
    println!(
        "cheapest {:.0} times apart: with whole prices a row could only come nearer if all other prices, guests' too, were greater.",
        most / least
    );
    println!("The operators of guests are in `fuzz/prices.md`, with their own middle.\n");
    table(&rows, median);
    println!("\n## Apart: state in memory, what receipts keep, nothing to do, and debug\n");
    table(&sorted(apart), median);
}
