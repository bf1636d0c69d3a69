//! The flamegraph: a picture in which a call is as wide as its gas.
//!
//! Owns where each box is and its colour. Nothing in it is executable: what a box is stands in its title, which browsers
//! show. It must not know profiles, nor where the picture goes.

use super::{shown, table::percent};
use crate::text::grouped;
use lockstep_test::{ProfileItem, ProfileKind, ProfileView};
use svg::Document;
use svg::node::element::{Group, Rectangle, Style, Text, Title};

const WIDTH: f64 = 1_200.0;
const MARGIN: f64 = 10.0;
const ROW: f64 = 18.0;
const HEAD: f64 = 34.0;
/// The width of a character at the font's size.
const CHARACTER: f64 = 7.3;
/// What is narrower has no box; its gas is in its caller's.
const NARROWEST: f64 = 0.05;
/// Lines of a source that a box tells, those with the most gas.
const LINES_SHOWN: usize = 8;

/// The picture, with a heading.
pub(super) fn flamegraph(view: &ProfileView, heading: &str) -> String {
    let rows = view.items().iter().map(|item| item.depth).max().unwrap_or(0) + 1;
    let height = HEAD + ROW * rows as f64 + MARGIN;
    let mut document = Document::new()
        .set("viewBox", (0.0, 0.0, WIDTH, height))
        .set("width", WIDTH)
        .set("height", height)
        .set("font-family", "monospace")
        .set("font-size", 12)
        .add(Style::new("rect{stroke:#fff;stroke-width:.5}g:hover>rect{stroke:#000;stroke-width:1}"))
        .add(Rectangle::new().set("width", "100%").set("height", "100%").set("fill", "#fff"))
        .add(Text::new(heading).set("x", MARGIN).set("y", 20));
    let scale = (WIDTH - 2.0 * MARGIN) / view.gas().max(1) as f64;
    // Gas to the left of each node.
    let mut left = vec![0u64; view.items().len()];
    for (index, item) in view.items().iter().enumerate() {
        let mut at = left[index];
        for &child in &item.children {
            left[child] = at;
            at += view.items()[child].total;
        }
        let width = item.total as f64 * scale;
        if width >= NARROWEST {
            document = document.add(call(item, view.gas(), MARGIN + left[index] as f64 * scale, width));
        }
    }
    format!("{document}\n")
}

fn call(item: &ProfileItem, gas: u64, x: f64, width: f64) -> Group {
    let y = HEAD + ROW * item.depth as f64;
    let name = shown(&item.name);
    let mut title = format!(
        "{name}\n{} gas, {}; {} itself; calls: {}",
        grouped(item.total),
        percent(item.total, gas),
        grouped(item.own),
        grouped(item.calls)
    );
    for line in item.lines.iter().take(LINES_SHOWN) {
        let (place, function) = (shown(&line.place), shown(&line.function));
        title.push_str(&format!("\n{place} in {function}: {} gas", grouped(line.gas)));
    }
    if let Some(more) = item.lines.len().checked_sub(LINES_SHOWN).filter(|more| *more > 0) {
        title.push_str(&format!("\nand {more} lines more"));
    }
    let rectangle = Rectangle::new()
        .set("x", round(x))
        .set("y", y)
        .set("width", round(width))
        .set("height", ROW - 1.0)
        .set("rx", 1)
        .set("fill", colour(item));
    let group = Group::new().add(Title::new(title)).add(rectangle);
    // Fits: it is less than the picture's width.
    let characters = ((width - 6.0) / CHARACTER).max(0.0) as usize;
    if characters < 3 {
        return group;
    }
    let label = if name.chars().count() <= characters {
        name
    } else {
        name.chars().take(characters - 2).chain("..".chars()).collect()
    };
    group.add(Text::new(label).set("x", round(x + 3.0)).set("y", y + 13.0))
}

fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

/// Warm for guest functions, blue for host functions; the shade goes by the name.
fn colour(item: &ProfileItem) -> String {
    let shade =
        item.name.bytes().fold(7u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into())) % 40;
    match item.kind {
        ProfileKind::Guest => format!("hsl({},85%,{}%)", 12 + shade, 62 + shade / 4),
        ProfileKind::Host => format!("hsl(205,65%,{}%)", 64 + shade / 4),
        ProfileKind::Other => format!("hsl(110,35%,{}%)", 68 + shade / 4),
        _ => String::from("#ccc"),
    }
}
