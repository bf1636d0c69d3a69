//! Folded stacks: one line for each path, with the gas that its last paid itself.
//!
//! Owns the format, which flamegraph tools and speedscope read, and what a name may not contain there. It must not know
//! where it goes.

use super::shown;
use lockstep_test::ProfileView;

/// The lines. Their numbers sum up to the gas used.
pub(super) fn folded(view: &ProfileView) -> String {
    let mut text = String::new();
    for (index, item) in view.items().iter().enumerate().filter(|(_, item)| item.own > 0) {
        let path: Vec<String> =
            view.path(index).into_iter().map(|name| shown(name).replace(';', ":")).collect();
        let path = if path.is_empty() { String::from("host") } else { path.join(";") };
        text.push_str(&format!("{path} {}\n", item.own));
    }
    text
}
