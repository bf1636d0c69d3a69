//! Bundles: written, read, refused when damaged, and replayed.

#[path = "support/stream.rs"]
mod stream;
mod support;

use lockstep_host_env::Environment;
use lockstep_host_env::replay::{
    BundleError, BundleReader, Corruption, Executor, Progress, Replay, ReplayError, Replayed, Totals, peek,
    verify,
};
use lockstep_vm::{Backend, Config, Engine};
use std::io::Cursor;
use std::sync::Mutex;
use stream::Stream;

fn environment(backend: Backend) -> Environment {
    Environment::new(&Engine::new(&Config::new().backend(backend)).unwrap()).unwrap()
}

fn record(seed: u64, blocks: usize, transactions: usize) -> (Vec<u8>, Totals) {
    let environment = environment(Backend::default());
    let mut stream = Stream::new(seed, &environment);
    let mut recorder = stream.recorder(Vec::new());
    stream.set_up(&mut recorder);
    for _ in 0..blocks {
        stream.block(&mut recorder, transactions);
    }
    let (bundle, totals) = recorder.finish().unwrap();
    assert_eq!(totals.blocks, blocks as u64 + 1);
    (bundle, totals)
}

/// A few KB, with records of every kind.
fn record_small(seed: u64) -> Vec<u8> {
    let environment = environment(Backend::default());
    let mut stream = Stream::new(seed, &environment);
    stream.upload_before(wat::parse_str("(module (func (export \"call\")))").unwrap());
    let mut recorder = stream.recorder(Vec::new());
    for _ in 0..2 {
        stream.transfers(&mut recorder, 3);
    }
    recorder.finish().unwrap().0
}

fn replay(bundle: &[u8], replay: Replay<'_>) -> Replayed {
    replay.run(BundleReader::new(bundle).unwrap(), &|_| {}).unwrap()
}

/// The engines that there are on this machine.
fn backends() -> Vec<(&'static str, Backend)> {
    let all = [
        ("interpreter", Backend::Interpreter),
        ("native", Backend::Native),
        ("crosscheck", Backend::CrossCheck),
    ];
    all.into_iter().filter(|(_, backend)| Engine::new(&Config::new().backend(*backend)).is_ok()).collect()
}

#[test]
fn a_stream_is_equal_on_every_engine_with_any_number_of_workers() {
    let recording = environment(Backend::default());
    let mut stream = Stream::new(1, &recording);
    let mut recorder = stream.recorder(Vec::new());
    stream.set_up_all(&mut recorder);
    (0..8).for_each(|_| stream.block(&mut recorder, 40));
    let (bundle, totals) = recorder.finish().unwrap();
    for (name, backend) in backends() {
        let environment = environment(backend);
        for workers in [1, 3] {
            let executor = Executor { name, environment: &environment };
            let last = Mutex::new(Progress::default());
            let reader = BundleReader::new(&bundle[..]).unwrap();
            let progress = |told: Progress| {
                let mut last = last.lock().unwrap();
                assert!(told.blocks > last.blocks);
                *last = told;
            };
            let replayed = Replay::new(executor).workers(workers).run(reader, &progress).unwrap();
            assert!(replayed.is_equal(), "{replayed:?}");
            assert_eq!((replayed.blocks, replayed.transactions), (totals.blocks, totals.transactions));
            assert_eq!(last.into_inner().unwrap().blocks, totals.blocks);
        }
    }
}

#[test]
fn a_stream_has_every_ending() {
    let environment = environment(Backend::default());
    let mut stream = Stream::new(1, &environment);
    let mut recorder = stream.recorder(std::io::sink());
    stream.set_up_all(&mut recorder);
    stream.block(&mut recorder, 400);
    for ending in ["ok", "reverted", "trapped", "misuse"] {
        assert!(stream.endings[ending] > 10, "{:?}", stream.endings);
    }
}

#[test]
fn a_bundle_is_the_same_bytes_whatever_recorded_it() {
    let of = |backend| {
        let environment = environment(backend);
        let mut stream = Stream::new(5, &environment);
        let mut recorder = stream.recorder(Vec::new());
        stream.set_up(&mut recorder);
        stream.block(&mut recorder, 60);
        recorder.finish().unwrap().0
    };
    let mut bundles = backends().into_iter().map(|(_, backend)| of(backend));
    let first = bundles.next().unwrap();
    assert!(bundles.all(|bundle| bundle == first));
}

#[test]
fn a_replay_goes_on_behind_any_block() {
    let (bundle, totals) = record(2, 6, 50);
    let environment = environment(Backend::default());
    let executor = Executor { name: "default", environment: &environment };
    for skip in 0..=totals.blocks {
        let replayed = replay(&bundle, Replay::new(executor).skip(skip).workers(2));
        assert!(replayed.is_equal());
        assert_eq!(replayed.blocks, totals.blocks - skip);
    }
    let reader = BundleReader::new(&bundle[..]).unwrap();
    let error = Replay::new(executor).skip(totals.blocks + 1).run(reader, &|_| {}).unwrap_err();
    assert!(matches!(error, ReplayError::Skip { blocks: 8, available: 7 }), "{error}");
}

#[test]
fn header_and_sums_are_known_without_reading_all() {
    let (bundle, totals) = record(3, 2, 20);
    let mut input = Cursor::new(&bundle);
    let peeked = peek(&mut input).unwrap();
    assert_eq!(input.position(), 0);
    assert_eq!(peeked.1, totals);
    assert_eq!(verify(&mut input).unwrap(), peeked);
    assert_eq!(input.position(), 0);
    assert_eq!(peeked.0.fingerprint, environment(Backend::Interpreter).fingerprint());
}

/// Every byte changed in several ways, every length cut, bytes behind: all refused, with a place where it is known.
#[test]
fn a_damaged_bundle_is_refused_with_the_place() {
    let bundle = record_small(4);
    let read = |bytes: &[u8]| verify(&mut Cursor::new(bytes));
    read(&bundle).unwrap();
    let mut bytes = bundle.clone();
    for at in 0..bytes.len() {
        for bit in [0x01, 0x80, 0xff] {
            bytes[at] ^= bit;
            match (at, read(&bytes).unwrap_err()) {
                (0..16, error) => assert!(matches!(error, BundleError::NotABundle), "{at}: {error}"),
                (16..18, error) => assert!(matches!(error, BundleError::Format { .. }), "{at}: {error}"),
                (_, BundleError::Corrupted { place, .. }) => {
                    assert!(place.offset <= at as u64, "{at}: {place}");
                }
                (_, error) => panic!("{at}: {error}"),
            }
            bytes[at] ^= bit;
        }
        let cut = read(&bundle[..at]).unwrap_err();
        assert_eq!(matches!(cut, BundleError::NotABundle), at < 16, "{at}: {cut}");
    }
    bytes.push(0);
    let error = read(&bytes).unwrap_err();
    assert!(matches!(error, BundleError::Corrupted { what: Corruption::Behind, .. }), "{error}");
}

/// Records in another order, doubled or left out: their own bytes are right, their place is not.
#[test]
fn records_that_have_moved_are_refused() {
    let bundle = record_small(4);
    let ranges = ranges(&bundle);
    let build = |order: &[usize]| {
        let mut bytes = bundle[..18].to_vec();
        order.iter().for_each(|&index| bytes.extend(&bundle[ranges[index].clone()]));
        verify(&mut Cursor::new(bytes))
    };
    let order: Vec<usize> = (0..ranges.len()).collect();
    build(&order).unwrap();
    let refused_at = |order: &[usize]| match build(order).unwrap_err() {
        BundleError::Corrupted { place, .. } => place.record,
        error => panic!("{error}"),
    };
    for index in 0..order.len() {
        let mut without = order.clone();
        without.remove(index);
        assert_eq!(refused_at(&without), index as u64);
        let mut doubled = order.clone();
        doubled.insert(index, index);
        assert_eq!(refused_at(&doubled), index as u64 + 1);
        if index > 0 {
            let mut swapped = order.clone();
            swapped.swap(index - 1, index);
            assert_eq!(refused_at(&swapped), index as u64 - 1);
        }
    }
    // Records of another bundle with the same header, each at the same place.
    let other = record_small(6);
    let other = self::ranges(&other).into_iter().map(|range| other[range].to_vec());
    for (index, foreign) in other.enumerate().filter(|(index, _)| *index < ranges.len()) {
        let mut bytes = bundle.clone();
        bytes.splice(ranges[index].clone(), foreign);
        assert!(bytes == bundle || verify(&mut Cursor::new(bytes)).is_err(), "{index}");
    }
}

/// The records of a bundle.
fn ranges(bundle: &[u8]) -> Vec<std::ops::Range<usize>> {
    let (mut ranges, mut at) = (Vec::new(), 18);
    while at < bundle.len() {
        let len = u32::from_le_bytes(bundle[at + 1..at + 5].try_into().unwrap()) as usize;
        ranges.push(at..at + 13 + len);
        at += 13 + len;
    }
    assert_eq!(at, bundle.len());
    ranges
}

#[test]
fn a_bundle_of_another_environment_is_refused() {
    let (bundle, _) = record(3, 1, 5);
    let schedule = lockstep_host_env::HostSchedule { transaction: 1, ..Default::default() };
    let other = Environment::with(&Engine::default(), schedule, Default::default()).unwrap();
    let executor = Executor { name: "other", environment: &other };
    let reader = BundleReader::new(&bundle[..]).unwrap();
    let error = Replay::new(executor).run(reader, &|_| {}).unwrap_err();
    assert!(matches!(error, ReplayError::Bundle(BundleError::Fingerprint { .. })), "{error}");
}
