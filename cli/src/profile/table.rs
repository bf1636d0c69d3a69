//! The tables for a terminal: who paid most, and at which lines of sources.
//!
//! Owns their columns. It must not know the tree.

use super::shown;
use crate::text::grouped;
use lockstep_test::ProfileView;

/// The first functions and the first lines, with how many there are more.
pub(super) fn table(view: &ProfileView, most: usize) -> String {
    let mut text = functions(view, most);
    if let lines @ [_, ..] = &*view.lines() {
        let paid = lines.iter().map(|line| {
            let place = format!("{} in {}", shown(&line.place), shown(&line.function));
            (line.gas, place)
        });
        text.push_str(&format!("\n{:>20}\n", "gas by line"));
        let rows: Vec<(u64, String)> = paid.collect();
        for (gas, place) in rows.iter().take(most) {
            text.push_str(&format!("{:>20} {:>6}  {place}\n", grouped(*gas), percent(*gas, view.gas())));
        }
        if let rest @ [_, ..] = rows.get(most..).unwrap_or_default() {
            let gas = rest.iter().fold(0_u64, |sum, (gas, _)| sum.saturating_add(*gas));
            let more = format!("{} more", rest.len());
            text.push_str(&format!("{:>20} {:>6}  {more}\n", grouped(gas), percent(gas, view.gas())));
        }
    }
    text
}

fn functions(view: &ProfileView, most: usize) -> String {
    let (gas, rows) = (view.gas(), view.rows());
    let mut text = format!("{:>20} {:>6} {:>20} {:>12}\n", "gas itself", "", "with its calls", "calls");
    for row in rows.iter().take(most) {
        text.push_str(&format!(
            "{:>20} {:>6} {:>20} {:>12}  {}\n",
            grouped(row.own),
            percent(row.own, gas),
            grouped(row.total),
            grouped(row.calls),
            shown(row.name)
        ));
    }
    if let rest @ [_, ..] = rows.get(most..).unwrap_or_default() {
        let own = rest.iter().fold(0_u64, |sum, row| sum.saturating_add(row.own));
        let more = format!("{} more", rest.len());
        let share = percent(own, gas);
        text.push_str(&format!("{:>20} {share:>6} {:>20} {:>12}  {more}\n", grouped(own), "", ""));
    }
    text.push_str(&format!("{:>20} {:>6} {:>20} {:>12}  all\n", grouped(gas), percent(gas, gas), "", ""));
    text
}

/// A part in hundredths, with one digit behind the point.
pub(super) fn percent(part: u64, whole: u64) -> String {
    let thousandths = u128::from(part) * 1_000 / u128::from(whole.max(1));
    format!("{}.{}%", thousandths / 10, thousandths % 10)
}
