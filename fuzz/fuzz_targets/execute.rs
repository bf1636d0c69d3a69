//! cargo-fuzz: modules of wasm-smith, made of the fuzzer's bytes, executed three ways, with outcomes, gas and stack compared.
#![no_main]

use lockstep_fuzz::generate::smith::smith_of;
use lockstep_fuzz::oracle::ours::exported_functions;
use lockstep_fuzz::oracle::setup::Setup;
use lockstep_fuzz::oracle::three_ways::{Call, Comparison, NotReady, Script, Subject};
use lockstep_fuzz::oracle::value::Value;
use lockstep_vm::ValType;

/// Many of these modules run for ever.
const GAS: u64 = 300_000;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some(wasm) = smith_of(bytes) else { return };
    let setup = Setup::standard();
    let subject = match Subject::new(&setup, &wasm) {
        Ok(subject) => subject,
        Err(NotReady::Refused(_)) => return,
        Err(NotReady::Different(difference)) => panic!("{difference}"),
    };
    let exports = exported_functions(&subject.module);
    let calls = exports.into_iter().take(4).map(|(export, parameters)| Call {
        export,
        arguments: parameters.into_iter().map(zero).collect(),
        gas: Some(GAS),
    });
    let script = Script { gas: GAS, stack_slots: setup.engine.limits().stack_slots, calls: calls.collect() };
    if let Comparison::Different(differences) = subject.compare(&script, true) {
        panic!("{script}: {differences:?}");
    }
});

fn zero(ty: ValType) -> Value {
    match ty {
        ValType::I32 => Value::I32(0),
        ValType::I64 => Value::I64(0),
        ValType::F32 => Value::F32(0),
        ValType::F64 => Value::F64(0),
        ValType::FuncRef => Value::Func(None),
        _ => Value::Extern(None),
    }
}
