//! Each host function by itself: what it does, at which sizes, for which price.

mod support;

use lockstep_host_env::Function as F;
use lockstep_host_env::{Event, Misuse, NONE, Status, Unit};
use lockstep_vm::Trap;
use support::{Chain, DATA, GAS, MEMORY, at, cost, script, step, told};

const LIMITED: Status = Status::Misuse(Misuse::LimitExceeded);
const BAD: Status = Status::Misuse(Misuse::BadArgument);
const OUT_OF_BOUNDS: Status = Status::Trapped(Trap::MemoryOutOfBounds);

fn bytes(len: u32) -> Vec<u8> {
    (0..len).map(|index| (index % 251) as u8 ^ 0x5a).collect()
}

#[test]
fn storage_at_all_sizes() {
    let chain = Chain::default();
    let to = chain.scripted(1);
    let limit = chain.limits().value;
    for len in [0, 1, 31, 32, 33, 4_096, limit] {
        for key_len in [1, 31, 32, 33, 255, 256] {
            if len > 33 && key_len > 1 {
                continue;
            }
            // The value is what is in memory behind the data.
            let data = bytes(len.min(100_000) + key_len);
            let (key, val) = (at(0), at(key_len));
            let (k, v) = (u64::from(key_len), u64::from(len));
            let steps = [
                step(F::StorageLen, &[key, k]),
                step(F::StorageSet, &[key, k, val, v]),
                step(F::StorageSet, &[key, k, val, v]),
                step(F::StorageLen, &[key, k]),
                step(F::StorageGet, &[key, k, at(0), 5]),
                step(F::StorageRemove, &[key, k]),
                step(F::StorageRemove, &[key, k]),
                step(F::StorageGet, &[key, k, at(0), 5]),
            ];
            // `get` writes over the beginning of the key, so the rest of the script has another key.
            let told = chain.run(to, &steps[..5], &data, 8);
            let v_i = i64::from(len);
            assert_eq!(told.results, [-1, -1, v_i, v_i, v_i], "{len} {key_len}");
            let schedule = chain.schedule();
            let set = [(Unit::Read, k + v), (Unit::StateWrite, v)];
            let copied = v.min(5);
            let expected = [
                cost(schedule, F::StorageLen, &[(Unit::Read, k)]),
                cost(schedule, F::StorageSet, &[set[0], set[1], (Unit::NewEntry, 1)]),
                cost(schedule, F::StorageSet, &set),
                cost(schedule, F::StorageLen, &[(Unit::Read, k)]),
                cost(
                    schedule,
                    F::StorageGet,
                    &[(Unit::Read, k), (Unit::StateRead, v), (Unit::Write, copied)],
                ),
            ];
            assert_eq!(told.gas, expected, "{len} {key_len}");
            let copied = copied as usize;
            let mut memory = data.clone();
            memory.resize(memory.len().max((key_len + len) as usize).max(8), 0);
            let value = memory[key_len as usize..(key_len + len) as usize].to_vec();
            memory[..copied].copy_from_slice(&value[..copied]);
            assert_eq!(told.memory, memory[..8], "{len} {key_len}");
            assert_eq!(chain.storage(&to, &data[..key_len as usize]), Some(value), "{len} {key_len}");

            let told = chain.run(to, &steps[5..], &data, 0);
            assert_eq!(told.results, [v_i, -1, -1]);
            assert_eq!(told.gas[0], told.gas[1]);
            assert_eq!(chain.storage(&to, &data[..key_len as usize]), None);
        }
    }
    let key = [at(0), 1];
    let set = |key_len, val_len| step(F::StorageSet, &[at(0), key_len, at(0), val_len]);
    assert_eq!(chain.ends(to, set(1, u64::from(limit) + 1), &[]), LIMITED);
    assert_eq!(chain.ends(to, set(257, 1), &[]), LIMITED);
    assert_eq!(chain.ends(to, set(0, 1), &[]), BAD);
    assert_eq!(chain.ends(to, step(F::StorageGet, &[at(0), 0, at(0), 1]), &[]), BAD);
    assert_eq!(chain.ends(to, step(F::StorageLen, &[at(0), 257]), &[]), LIMITED);
    assert_eq!(chain.ends(to, step(F::StorageRemove, &[at(0), 0]), &[]), BAD);
    // An output counts with its whole capacity, also where nothing would be written.
    let beyond = u64::from(MEMORY - DATA);
    let get = |cap| step(F::StorageGet, &[key[0], key[1], at(0), cap]);
    assert_eq!(chain.ends(to, get(beyond), &[]), Status::Ok);
    assert_eq!(chain.ends(to, get(beyond + 1), &[]), OUT_OF_BOUNDS);
}

#[test]
fn transient_storage_ends_with_the_transaction() {
    let chain = Chain::default();
    let to = chain.scripted(1);
    let none = u64::from(NONE);
    for len in [0, 1, 31, 32, 33, 4_096, 131_072] {
        let steps = [
            step(F::TransientGet, &[at(0), 3, at(8), 4]),
            step(F::TransientSet, &[at(0), 3, at(8), len]),
            step(F::TransientGet, &[at(0), 3, at(16), 4]),
            step(F::TransientSet, &[at(0), 3, none, 0]),
            step(F::TransientSet, &[at(0), 3, none, 0]),
        ];
        let told = chain.run(to, &steps, b"key.....12345678", 24);
        let n = len as i64;
        assert_eq!(told.results, [-1, -1, n, n, -1]);
        let copied = len.min(4) as usize;
        assert_eq!(told.memory[16..16 + copied], b"1234"[..copied]);
        assert_eq!(told.memory[16 + copied..20], [0; 4][copied..]);
        let get = [(Unit::Read, 3), (Unit::Write, copied as u64)];
        assert_eq!(told.gas[2], cost(chain.schedule(), F::TransientGet, &get));
        assert_eq!(told.gas[1], cost(chain.schedule(), F::TransientSet, &[(Unit::Read, 3 + len)]));
    }
    assert_eq!(chain.ends(to, step(F::TransientSet, &[at(0), 3, at(0), 131_073]), &[]), LIMITED);
    assert_eq!(chain.ends(to, step(F::TransientSet, &[at(0), 0, at(0), 1]), &[]), BAD);
    // None is none with length 0 only.
    assert_eq!(chain.ends(to, step(F::TransientSet, &[at(0), 3, none, 1]), &[]), OUT_OF_BOUNDS);
}

#[test]
fn keys_are_found_in_order() {
    let chain = Chain::default();
    let to = chain.scripted(1);
    let keys = ["a", "ab", "abc", "b", "b\u{1}"];
    let mut data = Vec::new();
    let mut steps = Vec::new();
    for key in keys {
        steps.push(step(F::StorageSet, &[at(data.len() as u32), key.len() as u64, at(0), 0]));
        data.extend(key.as_bytes());
    }
    chain.run(to, &steps, &data, 0);
    let seek = |function, prefix: &str, from: &str| {
        let data = [format!("{prefix:8}"), from.into()].concat();
        let args = [at(0), prefix.len() as u64, at(8), from.len() as u64, 256];
        let told = chain.run(to, &[step(function, &args)], data.as_bytes(), 16);
        let found = usize::try_from(told.results[0]).ok();
        let read = (Unit::Read, (prefix.len() + from.len()) as u64);
        let n = found.unwrap_or(0) as u64;
        let parts = [read, (Unit::StateRead, n), (Unit::Write, n)];
        assert_eq!(told.gas[0], cost(chain.schedule(), function, &parts));
        found.map(|len| String::from_utf8(told.memory[8..8 + len].to_vec()).unwrap())
    };
    let next = |prefix: &str, from: &str| seek(F::StorageNext, prefix, from);
    let prev = |prefix: &str, from: &str| seek(F::StoragePrev, prefix, from);
    assert_eq!(next("", "").as_deref(), Some("a"));
    assert_eq!(next("", "a").as_deref(), Some("ab"));
    assert_eq!(next("", "aa").as_deref(), Some("ab"));
    assert_eq!(next("a", "abc"), None);
    assert_eq!(next("", "abc").as_deref(), Some("b"));
    assert_eq!(next("ab", "").as_deref(), Some("ab"));
    assert_eq!(next("c", ""), None);
    assert_eq!(prev("", "").as_deref(), Some("b\u{1}"));
    assert_eq!(prev("a", "").as_deref(), Some("abc"));
    assert_eq!(prev("a", "a"), None);
    assert_eq!(prev("", "b").as_deref(), Some("abc"));

    let next = |prefix_len, key_len, cap| step(F::StorageNext, &[at(0), prefix_len, at(8), key_len, cap]);
    assert_eq!(chain.ends(to, next(1, 1, 256), b"a.......b"), BAD); // not under the prefix
    assert_eq!(chain.ends(to, next(1, 1, 255), b"a.......a"), BAD); // no room for any key
    assert_eq!(chain.ends(to, next(257, 0, 256), b""), LIMITED);
    assert_eq!(chain.ends(to, next(0, 257, 256), b""), LIMITED);
}

#[test]
fn input_output_and_results() {
    let chain = Chain::default();
    let to = chain.scripted(1);
    let steps = [
        step(F::InputLen, &[]),
        step(F::InputRead, &[0, at(0), 4]),
        step(F::InputRead, &[u64::from(u32::MAX), at(0), 4]),
        step(F::InputRead, &[8 + 64 * 5, at(4), 100]),
        step(F::ResultLen, &[]),
    ];
    let told = chain.run(to, &steps, b"xyz", 8);
    assert_eq!(told.results, [8 + 64 * 5 + 3, 4, 0, 3, 0]);
    assert_eq!(told.memory, b"\x05\0\0\0xyz\0");
    assert_eq!(told.gas[3], cost(chain.schedule(), F::InputRead, &[(Unit::Write, 3)]));
    // A range counts with its whole length, whatever there is to copy.
    let read = |len| step(F::InputRead, &[u64::from(u32::MAX), at(0), len]);
    assert_eq!(chain.ends(to, read(u64::from(MEMORY - DATA)), &[]), Status::Ok);
    assert_eq!(chain.ends(to, read(u64::from(MEMORY - DATA) + 1), &[]), OUT_OF_BOUNDS);

    for len in [0, 1, 31, 32, 33, 4_096, 131_072] {
        let executed = chain.call(to, script(&[step(F::Revert, &[at(0), len])], &[7], 0));
        assert_eq!(executed.receipt.status, Status::Reverted);
        assert_eq!(executed.receipt.output.len() as u64, len);
        let steps = [step(F::Output, &[at(1), 9]), step(F::Output, &[at(0), len]), step(F::Exit, &[])];
        let executed = chain.call(to, script(&steps, &[7], 0));
        assert_eq!(executed.receipt.status, Status::Ok);
        assert_eq!(executed.receipt.output.len() as u64, len);
        assert_eq!(executed.receipt.output.first(), (len > 0).then_some(&7));
    }
    assert_eq!(chain.ends(to, step(F::Output, &[at(0), 131_073]), &[]), LIMITED);
    assert_eq!(chain.ends(to, step(F::Revert, &[at(0), 131_073]), &[]), LIMITED);
}

#[test]
fn the_context_is_that_of_block_and_frame() {
    let chain = Chain::default();
    let to = chain.scripted(1);
    let steps = [
        step(F::SelfAddress, &[at(0)]),
        step(F::Caller, &[at(32)]),
        step(F::Origin, &[at(64)]),
        step(F::Value, &[at(96)]),
        step(F::IsStatic, &[]),
        step(F::BlockHeight, &[]),
        step(F::BlockTime, &[]),
        step(F::ChainId, &[]),
        step(F::Balance, &[at(0), at(112)]),
        step(F::CodeHash, &[at(0), at(128)]),
        step(F::CodeHash, &[at(32), at(160)]),
    ];
    let input = script(&steps, &[], 192);
    let executed = chain.apply(lockstep_host_env::Action::Call { to, value: 5, input });
    let told = told(&executed.receipt.output, steps.len());
    assert_eq!(told.results, [0, 0, 0, 0, 0, 42, 1_700_000_000_123, 7, 0, 1, 0]);
    assert_eq!(told.memory[..32], to.0);
    assert_eq!(told.memory[32..64], chain.sender.0);
    assert_eq!(told.memory[64..96], chain.sender.0);
    assert_eq!(told.memory[96..112], 5_u128.to_le_bytes());
    assert_eq!(told.memory[112..128], 5_u128.to_le_bytes());
    assert_eq!(told.memory[128..160], chain.account(&to).code.unwrap().0);
    assert_eq!(told.memory[160..], [0; 32]);
    for (index, done) in steps.iter().enumerate() {
        let function = F::all().nth(done.function as usize).unwrap();
        assert_eq!(told.gas[index], cost(chain.schedule(), function, &[]), "{function:?}");
    }
    for function in [F::SelfAddress, F::Caller, F::Origin] {
        let fits = u64::from(MEMORY - 32);
        assert_eq!(chain.ends(to, step(function, &[fits]), &[]), Status::Ok);
        assert_eq!(chain.ends(to, step(function, &[fits + 1]), &[]), OUT_OF_BOUNDS);
        assert_eq!(chain.ends(to, step(function, &[u64::from(u32::MAX)]), &[]), OUT_OF_BOUNDS);
    }
}

#[test]
fn events_are_in_the_receipt() {
    let chain = Chain::default();
    let to = chain.scripted(1);
    for (count, len) in [(0, 0), (1, 1), (2, 31), (4, 32), (4, 33), (4, 4_096), (0, 16_384)] {
        let event = step(F::Event, &[at(0), count, at(128), len]);
        let executed = chain.call(to, script(&[event.clone(), event], &bytes(300), 0));
        let [first, second] = executed.receipt.events.as_slice() else { panic!("two events") };
        assert_eq!(first, second);
        let Event { account, topics, data } = first;
        assert_eq!((*account, topics.len() as u64, data.len() as u64), (to, count, len));
        assert_eq!(topics.concat(), bytes(count as u32 * 32));
        let told = told(&executed.receipt.output, 2);
        let parts = [(Unit::Topic, count), (Unit::Read, len), (Unit::EventData, len)];
        assert_eq!(told.gas, [cost(chain.schedule(), F::Event, &parts); 2]);
    }
    assert_eq!(chain.ends(to, step(F::Event, &[at(0), 5, at(0), 0]), &[]), LIMITED);
    assert_eq!(chain.ends(to, step(F::Event, &[at(0), 0, at(0), 16_385]), &[]), LIMITED);
    // A count whose bytes wrap 32 bits is out of bounds, not short.
    assert_eq!(chain.ends(to, step(F::Event, &[at(0), 1 << 27, at(0), 0]), &[]), OUT_OF_BOUNDS);
    let many = |count| vec![step(F::Event, &[at(0), 0, at(0), 0]); count];
    assert_eq!(chain.call(to, script(&many(400), &[], 0)).receipt.events.len(), 400);
    // 1,024 at most: the script holds no more than 511 steps, so a nested frame adds to them.
}

#[test]
fn debug_costs_and_changes_nothing() {
    let chain = Chain::default();
    let to = chain.scripted(1);
    for len in [0, 1, 31, 32, 33, 4_096] {
        let executed = chain.call(to, script(&[step(F::Debug, &[at(0), len])], &[b'a'; 5_000], 0));
        assert_eq!(executed.report.debug[0].text.len() as u64, len);
        let parts = [(Unit::Read, len)];
        assert_eq!(told(&executed.receipt.output, 1).gas, [cost(chain.schedule(), F::Debug, &parts)]);
    }
    assert_eq!(chain.ends(to, step(F::Debug, &[at(0), 4_097]), &[]), LIMITED);
}

#[test]
fn hashes_at_all_sizes_for_their_price() {
    let chain = Chain::default();
    let to = chain.scripted(1);
    let functions = [
        (F::HashSha2, 64, 32),
        (F::HashSha3, 136, 32),
        (F::HashKeccak, 136, 32),
        (F::HashBlake2b, 128, 32),
        (F::HashBlake3, 64, 32),
        (F::HashRipemd, 64, 20),
    ];
    for (function, block, out) in functions {
        let mut seen = std::collections::BTreeSet::new();
        for len in [0, 1, 31, 32, 33, 63, 64, 65, 135, 136, 137, 4_096, 131_072] {
            let told = chain.run(to, &[step(function, &[at(64), len, at(0)])], &bytes(5_000), 40);
            let parts = [(Unit::Own, len / block + 1), (Unit::Write, out)];
            assert_eq!(told.gas, [cost(chain.schedule(), function, &parts)], "{function:?} {len}");
            assert!(seen.insert(told.memory[..out as usize].to_vec()), "{function:?} {len}");
            assert_eq!(told.memory[out as usize..32], bytes(32)[out as usize..], "{function:?} {len}");
        }
        // Input and output may overlap.
        let apart = chain.run(to, &[step(function, &[at(0), 50, at(100)])], &bytes(50), 132);
        let over = chain.run(to, &[step(function, &[at(0), 50, at(10)])], &bytes(50), 132);
        let out = out as usize;
        assert_eq!(apart.memory[100..100 + out], over.memory[10..10 + out]);
        let fits = u64::from(MEMORY) - out as u64;
        assert_eq!(chain.ends(to, step(function, &[at(0), 1, fits]), &[]), Status::Ok);
        assert_eq!(chain.ends(to, step(function, &[at(0), 1, fits + 1]), &[]), OUT_OF_BOUNDS);
    }
}

/// Pairs of failures at once: the one that comes first in the order ends the frame.
#[test]
fn the_first_failure_in_the_order_wins() {
    let chain = Chain::default();
    let to = chain.scripted(1);
    let nowhere = u64::from(MEMORY) + 1;
    let cases = [
        // range before limit, range before empty key
        (step(F::StorageSet, &[nowhere, 257, at(0), 1]), OUT_OF_BOUNDS),
        (step(F::StorageSet, &[at(0), 0, nowhere, 1]), OUT_OF_BOUNDS),
        (step(F::StorageSet, &[at(0), 0, nowhere, 0]), OUT_OF_BOUNDS),
        // key before value
        (step(F::StorageSet, &[at(0), 0, at(0), 131_073]), BAD),
        (step(F::StorageSet, &[at(0), 257, at(0), 131_073]), LIMITED),
        // range before flags; flags before length
        (step(F::Call, &[2, 0, nowhere, u64::from(NONE), at(0), 0]), OUT_OF_BOUNDS),
        (step(F::Call, &[2, 0, at(0), u64::from(NONE), at(0), 131_073]), BAD),
        (step(F::Call, &[0, 0, at(0), u64::from(NONE), at(0), 131_073]), LIMITED),
        (step(F::Secp256k1Verify, &[2, nowhere, at(0), at(0), 33]), OUT_OF_BOUNDS),
        (step(F::Secp256k1Verify, &[2, at(0), at(0), at(0), 33]), BAD),
        (step(F::Bn254Pairing, &[nowhere, 129]), OUT_OF_BOUNDS),
        (step(F::Bn254Pairing, &[at(0), 129]), LIMITED),
        (step(F::Event, &[nowhere, 5, at(0), 0]), OUT_OF_BOUNDS),
        // prefix above the limit before a buffer that is too small; that before a key outside its prefix
        (step(F::StorageNext, &[at(0), 257, at(0), 0, 0]), LIMITED),
        (step(F::StorageNext, &[at(0), 1, at(1), 1, 0]), BAD),
    ];
    for (done, expected) in cases {
        assert_eq!(chain.ends(to, done.clone(), b"ab"), expected, "{done:?}");
    }
}

/// With too little gas for a part, what comes before that part decides, and what comes after does not.
#[test]
fn l34_gas_is_charged_in_its_place() {
    let chain = Chain::default();
    let to = chain.scripted(1);
    let with = |gas: u64, done: support::Step| {
        let tx = chain.tx(lockstep_host_env::Action::Call { to, value: 0, input: script(&[done], b"a", 0) });
        let executed = chain.execute(&lockstep_host_env::Tx { gas_limit: gas, ..tx }).unwrap();
        (executed.receipt.status, executed.receipt.gas_used)
    };
    // What is used up to the base price of a misuse, exactly.
    let misuse = step(F::StorageSet, &[at(0), 0, at(0), 0]);
    let (status, used) = with(GAS, misuse.clone());
    assert_eq!(status, BAD);
    assert_eq!(with(used, misuse.clone()).0, BAD);
    assert_eq!(with(used - 1, misuse).0, Status::Trapped(Trap::OutOfGas));
    // The same gas pays for the base of a good call and for nothing more: it runs out, with all gas gone.
    let good = step(F::StorageSet, &[at(0), 1, at(0), 0]);
    assert_eq!(with(used, good.clone()), (Status::Trapped(Trap::OutOfGas), used));
    let schedule = chain.schedule();
    let parts = u64::from(schedule.read) + u64::from(schedule.new_entry);
    assert_eq!(with(used + parts - 1, good).0, Status::Trapped(Trap::OutOfGas));
    let large = step(F::StorageSet, &[at(0), 1, at(0), 131_073]);
    assert_eq!(with(used, large).0, LIMITED);
}
