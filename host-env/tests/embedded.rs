//! The embedded database under a node that executes transactions and is killed.
//!
//! `LOCKSTEP_FUZZ_ITERS` multiplies the number of kills; long runs are in `campaigns.log` of this crate:
//!
//! ```sh
//! LOCKSTEP_FUZZ_ITERS=125 cargo test --release -p lockstep-host-env --test embedded -- --nocapture
//! ```
#![allow(clippy::disallowed_methods, reason = "a test may read its environment and wait")]

mod support;

use lockstep_host_env::Function as F;
use lockstep_host_env::{
    Action, Address, Block, Database, EmbeddedDatabase, Environment, Hash, MemoryDatabase, Status, Storage,
    Tx, code_hash, created_address,
};
use lockstep_vm::Backend;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use support::{CHAIN, at, script, step};

const SENDER: Address = Address([0xaa; 32]);
const SALT: [u8; 32] = [1; 32];

fn contract() -> Address {
    created_address(CHAIN, &SENDER, &code_hash(&support::script_contract()), &SALT)
}

/// The sender's transaction of this nonce: code, an account with it, then calls that set values of many lengths, remove
/// others, and now and then fail.
fn tx(nonce: u64) -> Tx {
    let code = support::script_contract();
    let action = match nonce {
        0 => Action::Upload { code },
        1 => Action::Create { code_hash: code_hash(&code), salt: SALT, value: 0, input: script(&[], &[], 0) },
        _ => {
            let len = [0, 1, 32, 512, 513, 5_000, 60_000][(nonce % 7) as usize];
            let mut steps = vec![
                step(F::StorageSet, &[at(0), 1, at(0), len]),
                step(F::StorageRemove, &[at(1), 1]),
                step(F::Event, &[at(0), 0, at(0), 8]),
            ];
            if nonce.is_multiple_of(11) {
                steps.push(step(F::Revert, &[at(0), 0]));
            }
            let data =
                [&[(nonce % 37) as u8, (nonce % 41) as u8][..], &nonce.to_le_bytes().repeat(8)].concat();
            Action::Call { to: contract(), value: 0, input: script(&steps, &data, 0) }
        }
    };
    Tx { chain: CHAIN, sender: SENDER, nonce, gas_limit: support::GAS, action }
}

fn nonce(state: &dyn Storage) -> u64 {
    state.account(&SENDER).unwrap().map_or(0, |account| account.nonce)
}

/// Executes and commits the next transaction; answers its nonce and the root after it.
fn advance(environment: &Environment, database: &dyn Database) -> (u64, Hash) {
    let state = database.version().unwrap();
    let nonce = nonce(&*state);
    let block = Block { chain: CHAIN, height: nonce + 1, time: 1_000 * nonce };
    let executed = environment.execute(&*state, &block, 0, &tx(nonce)).unwrap();
    let ends_well = nonce < 2 || !nonce.is_multiple_of(11);
    assert_eq!(executed.receipt.status, if ends_well { Status::Ok } else { Status::Reverted });
    (nonce, database.commit(&state.root().unwrap(), &executed.changes).unwrap())
}

/// Run by the test below in a process of its own: executes until it is killed, telling each root.
#[test]
fn writer() {
    let Some(path) = std::env::var_os("LOCKSTEP_TEST_DATABASE") else { return };
    let environment = support::environment(Backend::Interpreter);
    let database = EmbeddedDatabase::open(path).unwrap();
    println!("\nopen");
    loop {
        let (nonce, root) = advance(&environment, &database);
        println!("committed {nonce} {root}");
        std::io::stdout().flush().unwrap();
    }
}

/// Kills a writer so long after it began, or after its first commit; the last nonce and root that it told, if any.
fn kill(path: &std::path::Path, after: Duration, from_start: bool) -> Option<(u64, String)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["writer", "--exact", "--nocapture"])
        .env("LOCKSTEP_TEST_DATABASE", path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (told, tellings) = mpsc::channel();
    let output = BufReader::new(child.stdout.take().unwrap());
    let reader = std::thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            if let Some((nonce, root)) = line.strip_prefix("committed ").and_then(|rest| rest.split_once(' '))
            {
                let _ = told.send((nonce.parse().unwrap(), root.to_owned()));
            }
        }
    });
    let first = if from_start { None } else { tellings.recv().ok() };
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap();
    // A line may be cut short by the kill; it is the last one, and a root has 64 digits.
    tellings.try_iter().chain(first).filter(|(_, root)| root.len() == 64).max()
}

/// Whatever was told as committed is there; beyond it at most the one transaction that was under way, and all of it.
#[test]
fn l80_a_killed_node_finds_exactly_what_was_committed() {
    let factor = std::env::var("LOCKSTEP_FUZZ_ITERS").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    let kills = 8 * factor;
    let mut random = 1_u64;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.redb");
    // The same transactions in memory, one after another, as far as the file has come.
    let environment = support::environment(Backend::Interpreter);
    let reference = MemoryDatabase::new();
    let (mut empty, mut beyond, mut acknowledged) = (0, 0, 0);
    for round in 0..kills {
        let from_start = round % 4 == 3;
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let after = Duration::from_micros((random >> 33) % 40_000);
        let told = kill(&path, after, from_start);
        let database = EmbeddedDatabase::open(&path).unwrap();
        let state = database.version().unwrap();
        let found = nonce(&*state);
        let before = nonce(&*reference.version().unwrap());
        let committed = told.as_ref().map_or(before, |(nonce, _)| nonce + 1);
        assert!(found == committed || found == committed + 1, "{found} {committed}");
        (empty, beyond) = (empty + u32::from(found == before), beyond + u32::from(found > committed));
        acknowledged += committed - before;
        while nonce(&*reference.version().unwrap()) < found {
            let (nonce, root) = advance(&environment, &reference);
            if let Some((told, told_root)) = &told
                && *told == nonce
            {
                assert_eq!(*told_root, root.to_string());
            }
        }
        let expected = reference.version().unwrap();
        assert_eq!(state.root().unwrap(), expected.root().unwrap());
        assert_eq!(state.account(&contract()).unwrap(), expected.account(&contract()).unwrap());
        for key in 0..41_u8 {
            assert_eq!(state.get(&contract(), &[key]).unwrap(), expected.get(&contract(), &[key]).unwrap());
            assert_eq!(state.len(&contract(), &[key]).unwrap(), expected.len(&contract(), &[key]).unwrap());
        }
    }
    println!(
        "embedded kills={kills} committed={} acknowledged={acknowledged} kills_without_progress={empty} \
         kills_with_a_commit_not_yet_told={beyond} lost=0",
        nonce(&*reference.version().unwrap())
    );
}
