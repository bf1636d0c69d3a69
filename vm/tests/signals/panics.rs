//! Panics of host functions, wherever guest code calls them from.

use super::{interpreter, iterations, native};
use crate::support::{module, quietly, store};
use lockstep_vm::{Caller, Engine, Error, ErrorKind, Func, Instance, Linker, Module, Store};

const GAS: u64 = 100_000;

/// `boom` panics when it is given more than 0.
const GUEST: &str = r#"(module
    (import "env" "boom" (func $boom (param i64) (result i64)))
    (import "env" "reenter" (func $reenter (param i64) (result i64)))
    (type $t (func (param i64) (result i64)))
    (table 2 funcref) (elem (i32.const 0) $boom $reenter)
    (memory 1)
    (func (export "direct") (type $t) (i64.add (i64.const 1) (call $boom (local.get 0))))
    (func (export "indirect") (type $t)
        (i64.add (i64.const 1) (call_indirect (type $t) (local.get 0) (i32.const 0))))
    (func $tail (export "tail") (type $t) local.get 0 return_call $boom)
    (func (export "tail indirect") (type $t) local.get 0 i32.const 0 return_call_indirect (type $t))
    (func (export "below a tail") (type $t) (i64.add (i64.const 1) (call $tail (local.get 0))))
    (func (export "nested") (type $t) (i64.add (i64.const 1) (call $reenter (local.get 0))))
    (func (export "nested tail") (type $t) local.get 0 return_call $reenter)
    (func (export "nested indirect") (type $t) local.get 0 i32.const 1 return_call_indirect (type $t)))"#;

const POSITIONS: [&str; 8] = [
    "direct",
    "indirect",
    "tail",
    "tail indirect",
    "below a tail",
    "nested",
    "nested tail",
    "nested indirect",
];

/// Functions of another instance lie between; and start functions, a host's and a guest's.
const OTHER: &str = r#"(module
    (import "guest" "direct" (func $direct (param i64) (result i64)))
    (func (export "other instance") (param i64) (result i64) (local i64 i64)
        (i64.add (i64.const 1) (call $direct (local.get 0)))))"#;
const HOST_START: &str = r#"(module (import "env" "start" (func $start)) (start $start))"#;
const GUEST_START: &str = r#"(module
    (import "env" "start" (func $start))
    (func $s (local i64 i64) call $start) (start $s))"#;

struct Setup {
    engine: Engine,
    linker: Linker<i64>,
    guest: Module,
    other: Module,
    starts: [Module; 2],
}

fn boom(mut caller: Caller<'_, i64>, value: i64) -> Result<i64, Error> {
    caller.charge(7)?;
    match value {
        ..=0 => Ok(value),
        1 => panic!("a message"),
        2 => panic!("a {} message", "formatted"),
        _ => std::panic::panic_any(value),
    }
}

impl Setup {
    fn new(engine: Engine) -> Setup {
        let mut linker = Linker::<i64>::new(&engine);
        linker.func_wrap("env", "boom", boom).unwrap();
        linker
            .func_wrap("env", "reenter", |mut caller: Caller<'_, i64>, value: i64| -> Result<i64, Error> {
                let instance = caller.instance().unwrap();
                instance.get_typed_func::<i64, i64>(&caller, "direct")?.call(&mut caller, value)
            })
            .unwrap();
        linker
            .func_wrap("env", "start", |caller: Caller<'_, i64>| -> Result<(), Error> {
                let value = *caller.data();
                boom(caller, value).map(drop)
            })
            .unwrap();
        let [guest, other, host_start, guest_start] =
            [GUEST, OTHER, HOST_START, GUEST_START].map(|text| module(&engine, text));
        Setup { engine, linker, guest, other, starts: [host_start, guest_start] }
    }

    /// A store in which everything is ready, and the function at a position.
    fn store(&self, position: &str) -> (Store<i64>, Func) {
        let mut store = store(&self.engine, 0);
        let guest = self.linker.instantiate(&mut store, &self.guest).unwrap();
        if position == "host" {
            return {
                let func = Func::wrap(&mut store, boom);
                (store, func)
            };
        }
        if position == "other instance" {
            let direct = guest.get_func(&store, "direct").unwrap();
            let other = Instance::new(&mut store, &self.other, &[direct.into()]).unwrap();
            let func = other.get_func(&store, position).unwrap();
            return (store, func);
        }
        let func = guest.get_func(&store, position).unwrap();
        (store, func)
    }

    /// What a call at a position leaves: how it ended, and the gas.
    fn call(&self, position: &str, how: i64) -> (String, u64) {
        let (mut store, func) = self.store(position);
        store.set_gas(GAS).unwrap();
        let func = func.typed::<i64, i64>(&store).unwrap();
        let ended = func.call(&mut store, how);
        let gas = store.gas();
        if how > 0 {
            for _ in 0..2 {
                let again = func.call(&mut store, 0).unwrap_err();
                assert_eq!(again.to_string(), ended.as_ref().unwrap_err().to_string(), "it is poisoned");
            }
            assert_eq!(store.gas(), gas);
        }
        (words(ended), gas)
    }

    fn start(&self, start: usize, how: i64) -> (String, u64) {
        let mut store = Store::new(&self.engine, how);
        store.set_gas(GAS).unwrap();
        let ended = self.linker.instantiate(&mut store, &self.starts[start]).map(|_| 0);
        (words(ended), store.gas())
    }
}

fn words(ended: Result<i64, Error>) -> String {
    match ended {
        Ok(result) => format!("returned {result}"),
        Err(error) => match error.into_kind() {
            ErrorKind::Fault(fault) => fault.to_string(),
            other => panic!("expected a fault, found {other:?}"),
        },
    }
}

#[test]
fn l59_a_panic_at_any_position_is_a_fault_with_exact_gas() {
    let (reference, native) = (Setup::new(interpreter()), Setup::new(native()));
    let positions = || POSITIONS.into_iter().chain(["other instance", "host"]);
    let message = |how| ["a message", "a formatted message", "no message"][how as usize - 1];
    quietly(|| {
        let expected: Vec<_> = (0..4)
            .map(|how| {
                let calls: Vec<_> = positions().map(|position| reference.call(position, how)).collect();
                (calls, [0, 1].map(|start| reference.start(start, how)))
            })
            .collect();
        for how in 1..4 {
            let (calls, starts) = &expected[how as usize];
            for (ended, gas) in calls.iter().chain(starts) {
                assert_eq!(*ended, format!("node fault: a host function panicked: {}", message(how)));
                assert!(*gas < GAS, "something has been paid");
            }
        }
        let each = positions().count() as u64 + 2;
        for round in 0..(iterations() / 2 / each).max(3) {
            // A panic, and behind it a store of the same engine that works.
            for how in [1 + (round % 3) as i64, 0] {
                let (calls, starts) = &expected[how as usize];
                for (position, expected) in positions().zip(calls) {
                    assert_eq!(native.call(position, how), *expected, "{position}, round {round}");
                }
                for (start, expected) in starts.iter().enumerate() {
                    assert_eq!(native.start(start, how), *expected, "start {start}, round {round}");
                }
            }
        }
    })
    .unwrap();
}
