//! cargo-fuzz: modules of wasm-smith, made of the fuzzer's bytes, through validation, planning and instrumentation.
//!
//! Most of the bytes that the target `validate` sees are refused early; here nearly all are accepted.
#![no_main]

use std::sync::LazyLock;

use lockstep_fuzz::generate::smith::smith_of;
use lockstep_fuzz::oracle::hostile::Gauntlet;

static GAUNTLET: LazyLock<Gauntlet> = LazyLock::new(|| Gauntlet::new(false));

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Some(wasm) = smith_of(bytes)
        && let Err(why) = GAUNTLET.examine(&wasm)
    {
        panic!("{why}");
    }
});
