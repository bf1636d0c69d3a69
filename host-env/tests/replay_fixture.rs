//! The committed bundle: equal on every engine, on every machine, in every version until the law changes.
//!
//! `BLESS=1 cargo test -p lockstep-host-env --test replay_fixture` records it again, after a change of prices or rules.

#[path = "support/stream.rs"]
mod stream;
mod support;

use lockstep_host_env::Environment;
use lockstep_host_env::replay::{BundleReader, Executor, Replay, verify};
use lockstep_vm::{Backend, Config, Engine};
use std::io::Cursor;
use std::path::Path;
use stream::Stream;

const SEED: u64 = 2026;

fn record(environment: &Environment) -> Vec<u8> {
    let mut stream = Stream::new(SEED, environment);
    // The contracts are there before.
    let mut before = stream.recorder(std::io::sink());
    stream.set_up(&mut before);
    stream.work(&mut before, 0);
    let mut recorder = stream.traced_recorder(Vec::new());
    stream.work(&mut recorder, 6);
    for _ in 0..4 {
        stream.block(&mut recorder, 12);
    }
    recorder.finish().unwrap().0
}

#[test]
#[allow(clippy::disallowed_methods, reason = "asks whether to record again")]
fn the_committed_bundle_is_equal_on_every_engine() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/bundles/stream.lsb");
    if std::env::var("BLESS").is_ok() {
        let environment =
            Environment::new(&Engine::new(&Config::new().backend(Backend::Interpreter)).unwrap());
        std::fs::write(&path, record(&environment.unwrap())).unwrap();
    }
    let bundle = std::fs::read(path).unwrap();
    assert!(bundle.len() < 100_000, "{} bytes", bundle.len());
    let (header, totals) = verify(&mut Cursor::new(&bundle)).unwrap();
    assert!(header.traced && totals.transactions > 50);
    let mut replayed_by = 0;
    for backend in [Backend::Interpreter, Backend::Native, Backend::CrossCheck] {
        let Ok(engine) = Engine::new(&Config::new().backend(backend)) else { continue };
        let environment = Environment::new(&engine).unwrap();
        assert_eq!(
            header.fingerprint,
            environment.fingerprint(),
            "the rules have changed: see this file's head"
        );
        let executor = Executor { name: "engine", environment: &environment };
        let reader = BundleReader::new(&bundle[..]).unwrap();
        let replayed = Replay::new(executor).workers(2).run(reader, &|_| {}).unwrap();
        assert!(replayed.is_equal(), "{backend:?}: {replayed:?}");
        assert_eq!(replayed.transactions, totals.transactions);
        replayed_by += 1;
    }
    assert!(replayed_by > 0);
}
