//! What is made from the list is committed as it would be made now. `BLESS=1` makes it again.
#![allow(clippy::disallowed_methods, reason = "a test may read its environment")]

use lockstep_host_env::{c_header, price_table, rust_header};
use std::fs;
use std::path::PathBuf;

const BEGIN: &str = "<!-- made from the list: begin -->\n";
const END: &str = "<!-- made from the list: end -->";

fn hold(path: &str, made: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, made).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == made, "{} is not what the list makes; run with BLESS=1", path.display());
}

#[test]
fn the_guest_headers_are_those_of_the_list() {
    hold("guest/lockstep.rs", &rust_header());
    hold("guest/lockstep.h", &c_header());
}

#[test]
fn the_price_table_is_that_of_the_list() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../spec/host.md");
    let page = fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the page has a place for the table");
    let (_, after) = rest.split_once(END).expect("the place has an end");
    hold("../spec/host.md", &format!("{before}{BEGIN}{}{END}{after}", price_table()));
}
