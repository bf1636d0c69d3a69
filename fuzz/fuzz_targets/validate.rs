//! cargo-fuzz: bytes through validation, decoding, planning and instrumentation, with all that must hold of them.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    use lockstep_fuzz::oracle::hostile::Gauntlet;
    use std::sync::LazyLock;
    static GAUNTLET: LazyLock<Gauntlet> = LazyLock::new(|| Gauntlet::new(false));
    if let Err(why) = GAUNTLET.examine(bytes) {
        panic!("{why}");
    }
});

#[cfg(not(fuzzing))]
fn main() {
    eprintln!("this is a target of cargo-fuzz: cargo +nightly fuzz run validate");
}
