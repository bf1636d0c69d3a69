//! cargo-fuzz: modules of wasm-smith, made of the fuzzer's bytes, through validation, planning and instrumentation.
//!
//! Most of the bytes that the target `validate` sees are refused early; here nearly all are accepted.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    use lockstep_fuzz::oracle::hostile::Gauntlet;
    use std::sync::LazyLock;
    static GAUNTLET: LazyLock<Gauntlet> = LazyLock::new(|| Gauntlet::new(false));
    if let Some(wasm) = lockstep_fuzz::generate::smith::smith_of(bytes)
        && let Err(why) = GAUNTLET.examine(&wasm)
    {
        panic!("{why}");
    }
});

#[cfg(not(fuzzing))]
fn main() {
    eprintln!("this is a target of cargo-fuzz: cargo +nightly fuzz run instrument");
}
