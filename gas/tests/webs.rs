//! Which uses of a local belong together, on bodies small enough to see it.

mod common;
mod suite;

use lockstep_gas::{Schedule, Web, plan};
use suite::{is_valid, modules};

/// Of which local a web is, whether it begins with the body, and what its uses weigh.
type Summary = (u32, bool, u32);

/// The webs of a body with one parameter and one local.
fn webs(body: &str) -> Vec<Summary> {
    let text = format!("(module (func (param i32) (local i32) {body}))");
    let bytes = wat::parse_str(&text).unwrap_or_else(|error| panic!("{body}: {error}"));
    assert!(is_valid(&bytes), "{body}");
    let plan = plan(&bytes, &Schedule::default()).unwrap();
    let function = plan.function(0).unwrap();
    check(function.webs());
    function.webs().iter().map(|web| (web.local, web.start == 0, web.weight)).collect()
}

/// Order, and that no two webs of a local overlap.
fn check(webs: &[Web]) {
    let mut ends = std::collections::BTreeMap::new();
    let mut start = 0;
    for web in webs {
        assert!(web.start >= start && web.end >= web.start && web.weight > 0, "{web:?}");
        start = web.start;
        if let Some(end) = ends.insert(web.local, web.end) {
            assert!(end < web.start, "{web:?} begins before {end}");
        }
    }
}

#[test]
fn a_set_begins_a_web_unless_the_value_before_may_be_needed() {
    let get = "local.get 0 drop ";
    let set = "i32.const 1 local.set 0 ";
    let if_ = "i32.const 1 if ";
    let cases: &[(String, &[Summary])] = &[
        (get.to_string(), &[(0, true, 1)]),
        (set.to_string(), &[(0, false, 1)]),
        (format!("{get}{set}{get}{set}"), &[(0, true, 1), (0, false, 2), (0, false, 1)]),
        // In a construct, and needed behind it or not.
        (format!("{get}{if_}{set}{get}end"), &[(0, true, 1), (0, false, 2)]),
        (format!("{get}{if_}{set}end {get}"), &[(0, true, 3)]),
        (format!("{if_}{set}else {set}end {get}"), &[(0, true, 3)]),
        (format!("{set}block {set}i32.const 1 br_if 0 {set}end {get}"), &[(0, false, 4)]),
        // Carried around a loop, set anew in each iteration, only read.
        (format!("loop {get}{set}end"), &[(0, true, 16)]),
        (format!("loop {set}{get}{set}end"), &[(0, false, 16), (0, false, 8)]),
        (format!("{set}loop {get}end {set}{get}"), &[(0, false, 9), (0, false, 2)]),
        (format!("loop {if_}{set}end {get}end"), &[(0, true, 16)]),
        (format!("loop {set}loop {get}{set}end {get}end"), &[(0, false, 8 + 64 + 64 + 8)]),
        // Dead code is nothing.
        (format!("{set}return {get}"), &[(0, false, 1)]),
    ];
    for (body, expected) in cases {
        assert_eq!(webs(body), *expected, "{body}");
    }
}

#[test]
fn a_web_that_a_loop_needs_ends_with_it() {
    let bytes =
        wat::parse_str("(module (func (local i32) loop local.get 0 drop i32.const 1 br_if 0 end))").unwrap();
    let plan = plan(&bytes, &Schedule::default()).unwrap();
    let end = plan.function(0).unwrap().webs()[0].end as usize;
    const END: u8 = 0x0b;
    assert_eq!(bytes[end..], [END, END]);
}

#[test]
fn webs_of_a_local_never_overlap_in_the_suite() {
    let mut count = 0;
    for (_, bytes) in modules().into_iter().filter(|(_, bytes)| is_valid(bytes)) {
        let plan = plan(&bytes, &Schedule::default()).unwrap();
        for function in plan.functions() {
            check(function.webs());
            count += function.webs().len();
        }
    }
    assert!(count > 10_000, "{count}");
}
