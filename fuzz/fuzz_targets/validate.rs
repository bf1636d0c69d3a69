//! cargo-fuzz: bytes through validation, decoding, planning and instrumentation, with all that must hold of them.
#![no_main]

use std::sync::LazyLock;

use lockstep_fuzz::oracle::hostile::Gauntlet;

static GAUNTLET: LazyLock<Gauntlet> = LazyLock::new(|| Gauntlet::new(false));

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Err(why) = GAUNTLET.examine(bytes) {
        panic!("{why}");
    }
});
