//! The guest's stack: whatever a frame's size and whatever is left, it overflows where the reference says, and the peak
//! is the reference's.

use super::{engines, outcome};
use crate::support::{module, store};
use lockstep_vm::{Config, Engine, Func, Instance, Limits, RunLimits, Store, Val};
use std::fmt::Write;

/// `call` calls a function with so many locals, which uses the last of them; `tail` goes there by a tail call.
fn text(locals: u32) -> String {
    let mut text = String::from(
        r#"(module
        (type $t (func (param i64) (result i64)))
        (table 1 funcref) (elem (i32.const 0) $callee)
        (func $callee (type $t) (local i64) "#,
    );
    for _ in 0..locals {
        text.push_str("(local i64)");
    }
    write!(
        text,
        r#" (local.set {} (i64.add (local.get 0) (i64.const 1))) local.get {})
        (func (export "callee") (type $t) local.get 0 return_call $callee)
        (func (export "call") (type $t) (i64.add (i64.const 1) (call $callee (local.get 0))))
        (func (export "indirect") (type $t) (call_indirect (type $t) (local.get 0) (i32.const 0)))
        (func $self (export "recurse") (type $t) (local i64 i64 i64)
            (i64.add (call $callee (local.get 0)) (call $self (local.get 0)))))"#,
        locals + 1,
        locals + 1,
    )
    .unwrap();
    text
}

fn limits() -> Limits {
    Limits {
        locals: 49_000,
        frame_slots: 100_000,
        stack_slots: 1_000_000,
        values_per_byte: 1_000,
        ..Limits::default()
    }
}

fn with_limits(engine: &Engine) -> Engine {
    let config: Config = engine.config().clone();
    Engine::new(&config.limits(limits())).unwrap()
}

fn instantiate(engine: &Engine, text: &str) -> (Store<()>, Vec<Func>, u64) {
    let module = module(engine, text);
    let frame = module.plan().function(0).unwrap().frame_slots();
    let mut store = store(engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let funcs =
        ["callee", "call", "indirect", "recurse"].map(|name| instance.get_func(&store, name).unwrap());
    (store, funcs.to_vec(), frame.into())
}

/// Every height from more than enough down to none, slot by slot or in steps of 16 bytes.
fn sweep(locals: u32, heights: impl Fn(u64) -> Vec<u64>) {
    let text = text(locals);
    let mut stores: Vec<_> = engines()
        .iter()
        .map(|(name, engine)| {
            let (store, funcs, frame) = instantiate(&with_limits(engine), &text);
            (*name, store, funcs, frame)
        })
        .collect();
    let frame = stores[0].3;
    let mut overflowed = false;
    let mut fitted = false;
    let heights = heights(frame);
    assert!(heights.is_sorted_by(|before, after| before > after), "limits only become tighter");
    for slots in heights {
        for func in 0..4 {
            let outcomes: Vec<_> = stores
                .iter_mut()
                .map(|(name, store, funcs, _)| {
                    store.limit(RunLimits { stack_slots: slots, ..store.limits() }).unwrap();
                    (*name, outcome(store, funcs[func], 100_000, &[Val::I64(7)]))
                })
                .collect();
            let (_, expected) = &outcomes[0];
            overflowed |= expected.ended.contains("StackOverflow");
            fitted |= expected.ended.contains("I64");
            assert!(expected.peak <= slots);
            for (name, found) in &outcomes[1..] {
                assert_eq!(found, expected, "{name}: function {func}, {slots} slots, frame of {frame}");
            }
        }
    }
    assert!(overflowed && fitted, "frame of {frame}");
}

#[test]
fn l52_small_frames_at_every_height() {
    for locals in (0..40).chain([60, 61, 62, 63, 64, 126, 127, 128, 200]) {
        sweep(locals, |frame| (0..=2 * frame + 20).rev().collect());
    }
}

/// Frames of a page of the machine and more, about where they begin to fit.
#[test]
fn l52_great_frames_around_their_edge() {
    for locals in [505, 510, 511, 512, 513, 1_000, 4_091, 8_000, 16_000, 32_000, 48_999] {
        let around = |at: u64| (at.saturating_sub(40)..=at + 40).rev().step_by(2);
        sweep(locals, |frame| around(frame).collect());
        sweep(locals, |frame| around(frame + 6).collect());
    }
}

/// The greatest frame that there is, at every height in steps of 16 bytes, or as many of them as time allows.
#[test]
fn l52_the_greatest_frame_at_every_height() {
    let step = if super::iterations() >= 1_000_000 { 2 } else { 62 };
    sweep(48_999, |frame| (0..=frame + 40).rev().step_by(step).collect());
}
