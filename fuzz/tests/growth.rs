//! Memory grows with a module no faster than its bytes, and at default limits stays below a bound for each.
//!
//! Memory is counted by the process, so this binary has one test. Times are measured by `campaign growth`.

use lockstep_fuzz::families::FAMILIES;
use lockstep_fuzz::oracle::growth::{Bench, Cost, Stage};
use lockstep_vm::Limits;

#[global_allocator]
static ALLOCATOR: &peakmem_alloc::PeakMemAlloc<std::alloc::System> = &peakmem_alloc::INSTRUMENTED_SYSTEM;

/// Memory that even a module of no bytes may take.
const CONSTANT: usize = 256 << 10;
/// Bytes of memory by module byte at default limits.
const PER_BYTE_MAX: usize = 200;
/// How much more memory a doubling may take.
const RATIO_MAX: f64 = 2.3;

/// Sections that say they have a million items, or one group of a million types, and end there.
const LIARS: [&[u8]; 6] = [
    b"\x01\x03\xc0\x84\x3d",
    b"\x01\x05\x01\x4e\xc0\x84\x3d",
    b"\x02\x03\xc0\x84\x3d",
    b"\x03\x03\xc0\x84\x3d",
    b"\x06\x03\xc0\x84\x3d",
    b"\x07\x03\xc0\x84\x3d",
];

const STAGES: [Stage; 3] = [Stage::Validate, Stage::Decode, Stage::Instrument];

/// Families that move up to a thousand operands a byte take that many times as long.
fn sizes(amplification: usize) -> [usize; 2] {
    match amplification {
        0..10 => [100_000, 200_000],
        10..100 => [50_000, 100_000],
        _ => [40_000, 80_000],
    }
}

#[test]
fn memory_is_linear_in_the_bytes() {
    let (default, ceilings) = (Bench::new(Limits::default()), Bench::new(Limits::ceilings()));
    let mut worst = (0.0, String::new());
    let (mut accepted, mut doubled) = (0, 0);
    for family in FAMILIES {
        // At default limits: what is accepted and what is refused, small and large.
        for n in [1_000, 10_000, 200_000] {
            let wasm = family.build(n);
            for stage in [Stage::Validate, Stage::Instrument] {
                let cost = default.measure(stage, &wasm, 1);
                assert_bounded(family.name, stage, &cost);
                if cost.accepted && n > 1_000 && cost.peak_per_byte() > worst.0 {
                    worst = (cost.peak_per_byte(), format!("{} at {n}, {}", family.name, stage.name()));
                }
                accepted += u32::from(cost.accepted);
            }
        }
        // At the ceilings: doublings.
        for stage in STAGES {
            let [half, whole] =
                sizes(family.amplification).map(|n| ceilings.measure(stage, &family.build(n), 1));
            if !whole.accepted || !half.accepted || whole.peak < CONSTANT {
                continue;
            }
            let (_, memory) = whole.ratios(&half);
            assert!(memory <= RATIO_MAX, "{}, {}: {memory:.2} by doubling", family.name, stage.name());
            doubled += 1;
        }
    }
    for liar in LIARS {
        for stage in STAGES {
            let wasm = [b"\0asm\x01\0\0\0", liar].concat();
            assert_bounded("a section that says too much", stage, &default.measure(stage, &wasm, 1));
        }
    }
    println!("{accepted} measured at default limits, most by byte {:.0} for {}", worst.0, worst.1);
    println!("{doubled} doublings measured");
    assert!(accepted > 150 && doubled > 50, "{accepted} {doubled}");
}

fn assert_bounded(family: &str, stage: Stage, cost: &Cost) {
    assert!(
        cost.peak <= CONSTANT + PER_BYTE_MAX * cost.bytes,
        "{family}, {}: {} bytes of memory for {} bytes",
        stage.name(),
        cost.peak,
        cost.bytes
    );
}
