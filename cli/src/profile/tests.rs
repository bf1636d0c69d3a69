//! What is shown sums up, and nothing of a module's names gets out of its place.

use super::{flamegraph, folded, table};
use lockstep_test::{Names, ProfileView};
use lockstep_vm::{Profile, ProfileOptions};

fn view() -> ProfileView {
    let mut profile = Profile::new(ProfileOptions::default());
    profile.add(&["a"], 10);
    profile.add(&["a", "b;c d"], 30);
    profile.add(&["a", "b;c d", "a"], 50);
    profile.add(&["<script>\"&'\u{1b}[2J"], 10);
    ProfileView::new(&profile, &Names::default())
}

#[test]
fn folded_stacks_sum_up_to_the_gas() {
    let text = folded::folded(&view());
    let sum: u64 = text.lines().map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum();
    assert_eq!((sum, view().gas()), (100, 100));
    assert!(text.contains("a;b:c d;a 50\n"), "{text}");
}

#[test]
fn what_is_called_by_itself_is_counted_once() {
    let view = view();
    let rows = view.rows();
    let a = rows.iter().find(|row| row.name == "a").unwrap();
    assert_eq!((a.own, a.total), (60, 90));
    assert_eq!(rows.iter().map(|row| row.own).sum::<u64>(), 100);
    let text = table::table(&view, 1);
    assert!(text.contains("60.0%") && text.contains("2 more") && text.contains("100.0%"), "{text}");
}

#[test]
fn the_picture_holds_no_markup_but_its_own() {
    let text = flamegraph::flamegraph(&view(), "<b> & x");
    assert!(!text.contains("<script") && !text.contains("<b>") && !text.contains('\u{1b}'), "{text}");
    assert_eq!(text.matches("<title>").count(), 5, "{text}");
    let boxes = svg::read(&text).unwrap();
    assert!(boxes.count() > 10);
}
