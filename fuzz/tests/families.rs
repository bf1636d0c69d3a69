//! Families keep their promises: valid, as large as asked, all different.

use lockstep_fuzz::families::FAMILIES;
use lockstep_fuzz::features::validate;

/// Small enough that a validator without limits survives the worst.
fn sizes(amplification: usize) -> [usize; 3] {
    match amplification {
        0..100 => [10_000, 100_000, 1_000_000],
        _ => [10_000, 20_000, 40_000],
    }
}

#[test]
fn members_are_valid_and_as_large_as_asked() {
    for family in FAMILIES {
        for n in sizes(family.amplification) {
            let wasm = family.build(n);
            if let Err(error) = validate(&wasm) {
                panic!("{} at {n}: {error}", family.name);
            }
            let asked = n.min(family.largest);
            let ratio = wasm.len() as f64 / asked as f64;
            assert!((0.7..1.4).contains(&ratio), "{} at {n}: {} bytes", family.name, wasm.len());
        }
    }
}

#[test]
fn size_doubles_with_n() {
    for family in FAMILIES {
        let (once, twice) = (family.build(100_000).len(), family.build(200_000).len());
        let ratio = twice as f64 / once as f64;
        assert!((1.9..2.1).contains(&ratio), "{}: {once} then {twice}", family.name);
    }
}

#[test]
fn the_largest_members_are_valid() {
    for family in FAMILIES.iter().filter(|family| family.amplification == 1) {
        let wasm = family.build(usize::MAX);
        if let Err(error) = validate(&wasm) {
            panic!("{}: {error}", family.name);
        }
    }
}

#[test]
fn the_largest_members_are_as_large_as_promised() {
    let needs = |name: &str, n| lockstep_fuzz::families::find(name).expect("the family exists").needs(n);
    assert!(needs("nested-blocks", 3_000_100).nesting >= 1_000_000);
    assert!(needs("functions-ordinary", 9_000_000).functions >= 40_000);
    assert!(needs("function-ordinary", 1_300_000).body_bytes >= 1_290_000);
    assert!(needs("calls-1000-results-live", 800_000).operand_height >= 390_000_000);
}

#[test]
fn names_differ() {
    let mut names: Vec<_> = FAMILIES.iter().map(|family| family.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), FAMILIES.len());
    println!("{} families", names.len());
}
