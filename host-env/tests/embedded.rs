//! The embedded database in a process that is killed.
#![allow(clippy::disallowed_methods, reason = "a test may read its environment")]

use lockstep_host_env::{Account, Address, Changes, Database, EmbeddedDatabase, Hash, MemoryDatabase};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

/// The changes of block `height`: many entries, each telling the height.
fn block(height: u64) -> Changes {
    let mut changes = Changes::default();
    for index in 0..40_u8 {
        let account = Account { nonce: height, balance: 1, code: None };
        changes.accounts.insert(Address([index; 32]), Some(account));
        let key = vec![index; 1 + (height % 3) as usize];
        changes.storage.insert((Address([index; 32]), key), Some(vec![height as u8; 3_000]));
    }
    changes
}

/// Run by the test below in a process of its own: commits until it is killed, telling each root.
#[test]
fn writer() {
    let Some(path) = std::env::var_os("LOCKSTEP_TEST_DATABASE") else { return };
    let database = EmbeddedDatabase::open(path).unwrap();
    let mut height = database.version().unwrap().account(&Address([0; 32])).unwrap().map_or(0, |a| a.nonce);
    loop {
        height += 1;
        let parent = database.version().unwrap().root().unwrap();
        let root = database.commit(&parent, &block(height)).unwrap();
        println!("\ncommitted {height} {root}");
        std::io::stdout().flush().unwrap();
    }
}

/// Whatever was told as committed is there, and what is there is a state between two blocks.
#[test]
fn l80_a_killed_node_finds_a_state_between_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.redb");
    let mut roots: Vec<Hash> = vec![MemoryDatabase::new().version().unwrap().root().unwrap()];
    let reference = MemoryDatabase::new();
    for round in 0..6 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["writer", "--exact", "--nocapture"])
            .env("LOCKSTEP_TEST_DATABASE", &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut told = 0;
        let mut seen = 0;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let Some(rest) = line.strip_prefix("committed ") else { continue };
            told = rest.split_once(' ').unwrap().0.parse().unwrap();
            seen += 1;
            // Killed at some point of the next commit: a different one each round.
            if seen == 2 + round {
                (0..round * 20_000).for_each(|turn| _ = std::hint::black_box(turn));
                child.kill().unwrap();
                break;
            }
        }
        child.wait().unwrap();
        let database = EmbeddedDatabase::open(&path).unwrap();
        let version = database.version().unwrap();
        let height: u64 = version.account(&Address([0; 32])).unwrap().unwrap().nonce;
        assert!(height >= told, "{height} {told}");
        while (roots.len() as u64) <= height {
            let parent = reference.version().unwrap().root().unwrap();
            roots.push(reference.commit(&parent, &block(roots.len() as u64)).unwrap());
        }
        assert_eq!(version.root().unwrap(), roots[height as usize]);
        // Every entry is that of the block, and the tree goes on from there.
        for (address, account) in block(height).accounts {
            assert_eq!(version.account(&address).unwrap(), account);
        }
        for ((address, key), value) in block(height).storage {
            assert_eq!(version.get(&address, &key).unwrap(), value);
        }
        let next = block(height + 1);
        assert_eq!(database.root_after(&next).unwrap(), {
            let ahead = reference.clone();
            let parent = ahead.version().unwrap().root().unwrap();
            ahead.commit(&parent, &next).unwrap()
        });
    }
}
