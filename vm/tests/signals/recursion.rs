//! The host's stack: a round from guest to host to guest takes a bounded part of it, and nothing else takes any.

use super::{engines, kernel, native};
use crate::support::{module, store};
use lockstep_vm::{Caller, Engine, Error, Limits, Linker, Store, Trap, TypedFunc};

/// `down` calls the host, which calls `down`, until its argument is 0.
const LADDER: &str = r#"(module
    (import "env" "again" (func $again (param i64) (result i64)))
    (type $t (func (param i64) (result i64)))
    (table 1 funcref) (elem (i32.const 0) $again)
    (func (export "down") (type $t)
        (if (result i64) (i64.eqz (local.get 0))
            (then (i64.const 0))
            (else (i64.add (i64.const 1) (call $again (i64.sub (local.get 0) (i64.const 1)))))))
    (func (export "indirect") (type $t)
        (call_indirect (type $t) (local.get 0) (i32.const 0)))
    (func (export "tail") (type $t) local.get 0 return_call $again)
    (func $deep (export "deep") (type $t)
        (if (result i64) (i64.eqz (local.get 0))
            (then (i64.const 0))
            (else (i64.add (i64.const 1) (call $deep (i64.sub (local.get 0) (i64.const 1))))))))"#;

fn with_depth(engine: &Engine, activation_depth: u64) -> Engine {
    let limits = Limits { activation_depth, ..Limits::default() };
    Engine::new(&engine.config().clone().limits(limits)).unwrap()
}

fn ladder(engine: &Engine) -> (Store<()>, TypedFunc<i64, i64>, TypedFunc<i64, i64>) {
    let mut linker = Linker::<()>::new(engine);
    linker
        .func_wrap("env", "again", |mut caller: Caller<'_, ()>, left: i64| -> Result<i64, Error> {
            let down = caller.instance().unwrap().get_typed_func::<i64, i64>(&caller, "down")?;
            down.call(&mut caller, left)
        })
        .unwrap();
    let mut store = store(engine, ());
    let instance = linker.instantiate(&mut store, &module(engine, LADDER)).unwrap();
    let down = instance.get_typed_func(&store, "down").unwrap();
    let deep = instance.get_typed_func(&store, "deep").unwrap();
    (store, down, deep)
}

fn climb(engine: &Engine, depth: i64) {
    let (mut store, down, _) = ladder(engine);
    assert_eq!(down.call(&mut store, depth - 1).unwrap(), depth - 1);
    let error = down.call(&mut store, depth).unwrap_err();
    assert_eq!(error.trap(), Some(Trap::ActivationDepth));
}

/// A thread as Rust makes them has 2 MiB. The rounds up to the default limit need a fraction of it, in any build.
#[test]
fn l50_the_activation_depth_fits_an_ordinary_thread() {
    const DEPTH: i64 = 64;
    for (name, engine) in engines() {
        let used = kernel::stack_used(2 << 20, || climb(&engine, DEPTH));
        println!("{name}: {used} bytes for {DEPTH} activations");
        assert!(used < 512 << 10, "{name}: {used} bytes");
    }
}

/// And the ceiling, which needs a greater thread than that.
#[test]
fn l50_the_ceiling_of_the_activation_depth() {
    const DEPTH: i64 = 1024;
    let engine = with_depth(&native(), DEPTH as u64);
    let used = kernel::stack_used(16 << 20, || climb(&engine, DEPTH));
    println!("{used} bytes for {DEPTH} activations, {} each", used / DEPTH as usize);
    assert!(used < 8 << 20, "{used} bytes");
}

/// Guest frames are on the guest's stack: however many there are, the host's does not notice.
#[test]
fn l48_guest_calls_need_none_of_the_hosts_stack() {
    let engine = native();
    let used = |rungs: i64| {
        let (mut store, _, deep) = ladder(&engine);
        let down = || {
            let outcome = deep.call(&mut store, rungs).map_err(|error| error.trap());
            assert_eq!(outcome, if rungs < 10_000 { Ok(rungs) } else { Err(Some(Trap::StackOverflow)) });
        };
        kernel::stack_used(2 << 20, down)
    };
    // A backtrace is made of the deep one, which takes a little.
    let (shallow, deep) = (used(1), used(1_000_000));
    println!("{shallow} bytes with one frame, {deep} with as many as fit");
    assert!(deep < shallow + (8 << 10), "{shallow} and {deep}");
}
