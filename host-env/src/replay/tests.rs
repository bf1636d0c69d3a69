//! Bundles whose checksums are right and whose contents are not: whatever they say, reading and replaying them ends.

use super::framing::{Checksums, Frames, MAGIC, write};
use super::record::{BUNDLE_FORMAT, Kind};
use super::*;
use crate::{
    Account, Action, Address, Block, Changes, Database, Environment, MemoryDatabase, Receipt, Tx, code_hash,
};
use codec::{Decode, Encode};
use lockstep_vm::{Backend, Config, Engine};

fn environment() -> Environment {
    Environment::new(&Engine::new(&Config::new().backend(Backend::Interpreter)).unwrap()).unwrap()
}

/// A state with code, and a block that uses it.
fn bundle(environment: &Environment) -> Vec<u8> {
    let wasm = wat::parse_str(
        r#"(module (import "lockstep" "storage_set" (func $set (param i32 i32 i32 i32) (result i32)))
            (memory 1) (func (export "call")
                (drop (call $set (i32.const 0) (i32.const 2) (i32.const 8) (i32.const 3)))))"#,
    )
    .unwrap();
    let code = code_hash(&wasm);
    let [user, contract] = [Address([1; 32]), Address([2; 32])];
    let mut changes = Changes::default();
    changes.accounts.insert(user, Some(Account { balance: 100, ..Account::default() }));
    changes.accounts.insert(contract, Some(Account { code: Some(code), ..Account::default() }));
    changes.storage.insert((contract, vec![7]), Some(vec![1, 2, 3]));
    changes.code.insert(code, wasm.into());
    let database = MemoryDatabase::new();
    let empty = database.version().unwrap().root().unwrap();
    let root = database.commit(&empty, &changes).unwrap();
    let mut recorder = Recorder::with_traces(Vec::new(), environment, &changes, &root).unwrap();
    let block = Block { chain: 1, height: 1, time: 5 };
    recorder.begin_block(&block).unwrap();
    let actions = [
        Action::Transfer { to: contract, amount: 3 },
        Action::Call { to: contract, value: 1, input: vec![9] },
    ];
    for (nonce, action) in (0..).zip(actions) {
        let tx = Tx { chain: 1, sender: user, nonce, gas_limit: 1_000_000, action };
        let version = database.version().unwrap();
        let (executed, trace) = execute_traced(environment, &*version, &block, nonce as u32, &tx);
        let executed = executed.unwrap();
        database.commit(&version.root().unwrap(), &executed.changes).unwrap();
        recorder.traced(&tx, &executed, &trace).unwrap();
    }
    recorder.end_block(&database.version().unwrap().root().unwrap()).unwrap();
    recorder.finish().unwrap().0
}

/// Kinds and contents of all records.
fn records(bundle: &[u8]) -> Vec<(Kind, Vec<u8>)> {
    let mut frames = Frames::new(bundle).unwrap();
    let mut records = Vec::new();
    loop {
        let record = frames.next().unwrap();
        let kind = record.kind;
        records.push((kind, record.payload));
        if kind == Kind::End {
            return records;
        }
    }
}

/// A bundle of these records, with their checksums and their digest.
fn framed(records: &[(Kind, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = [&MAGIC[..], &BUNDLE_FORMAT.encode()].concat();
    let mut checksums = Checksums::new();
    for (kind, contents) in records {
        let mut contents = contents.clone();
        if let (Kind::End, Some(digest)) = (kind, contents.last_chunk_mut()) {
            *digest = checksums.digest();
        }
        write(&mut bytes, &mut checksums, *kind, &contents).unwrap();
    }
    bytes
}

#[test]
fn contents_with_right_checksums_are_refused_or_told() {
    let environment = environment();
    let executor = Executor { name: "interpreter", environment: &environment };
    let good = bundle(&environment);
    let records = records(&good);
    assert!(framed(&records) == good);
    let replay = |bytes: &[u8]| -> Result<Replayed, ReplayError> {
        Replay::new(executor).any_fingerprint(true).run(BundleReader::new(bytes)?, &|_| {})
    };
    assert!(replay(&good).unwrap().is_equal());

    let (mut refused, mut differing, mut equal) = (0, 0, 0);
    for index in 0..records.len() {
        for at in 0..records[index].1.len() {
            for bit in [0x01, 0x40, 0xff] {
                let mut changed = records.clone();
                changed[index].1[at] ^= bit;
                match replay(&framed(&changed)) {
                    Err(ReplayError::Bundle(BundleError::Corrupted { .. })) => refused += 1,
                    Err(error) => panic!("record {index}, byte {at}: {error}"),
                    Ok(replayed) if replayed.is_equal() => {
                        assert!(
                            decides_nothing(&records[index], &changed[index].1),
                            "record {index}, byte {at}"
                        );
                        equal += 1;
                    }
                    Ok(replayed) => {
                        differing += 1;
                        if let (Some(difference), 0x01) = (&replayed.transaction, bit) {
                            locate(difference, executor, None, None, false);
                        }
                    }
                }
            }
            let mut cut = records.clone();
            cut[index].1.truncate(at);
            let _ = replay(&framed(&cut));
        }
    }
    assert!(refused > 300 && differing > 2_000 && equal > 0, "{refused} {differing} {equal}");
}

/// Whether contents differ in nothing but what no replay of any fingerprint compares: fingerprints, who made the bundle,
/// traces, and the digest, which `framed` makes right.
fn decides_nothing((kind, before): &(Kind, Vec<u8>), after: &[u8]) -> bool {
    let before = &before[..];
    match kind {
        Kind::Header => {
            let [a, b] = [before, after].map(|bytes| Header::decode(&mut &*bytes).unwrap());
            (a.root, a.traced) == (b.root, b.traced)
        }
        Kind::Transaction => {
            let [a, b] = [before, after].map(|bytes| RecordedTx::decode(&mut &*bytes).unwrap());
            let receipt = Receipt { fingerprint: a.receipt.fingerprint, ..b.receipt };
            a.tx == b.tx && a.receipt == receipt && a.changes == b.changes
        }
        // No contract here asks for the time, and no receipt has it.
        Kind::Block => before[..16] == after[..16],
        Kind::End => before[..48] == after[..48],
        _ => false,
    }
}
