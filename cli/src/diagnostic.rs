//! Failures as people read them.
//!
//! Owns the rendering: one line that says what is wrong, where it is with an arrow, and what to do. It must not know why
//! a command failed.

use crate::failure::Failure;
use crate::place::{Kind, Place};
use crate::text::{Name, printable};
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

/// The text of a failure, ending in a line end.
pub(crate) fn render(failure: &Failure, coloured: bool) -> String {
    let Some(place) = &failure.place else {
        let mut text = format!("error: {}\n", printable(&failure.message));
        if let Some(help) = &failure.help {
            text.push_str(&format!("help: {}\n", printable(help)));
        }
        return text;
    };
    let message = printable(&failure.message);
    let title = Level::ERROR.primary_title(message.as_ref()).id(failure.code.as_ref());
    let where_it_is = describe(place);
    let file = Name(&place.file).to_string();
    let mut group = Group::with_title(title);
    if let Some(excerpt) = &place.excerpt {
        let mark = AnnotationKind::Primary.span(excerpt.mark.clone()).label(where_it_is.as_str());
        let snippet = Snippet::source(excerpt.lines.as_str()).annotation(mark).fold(false);
        group = match excerpt.kind {
            Kind::Text { first } => group.element(snippet.path(file.as_str()).line_start(first)),
            // These lines have offsets, and no numbers that anyone could look up.
            Kind::Disassembly => group
                .element(snippet.line_numbering(false))
                .element(Level::NOTE.message(format!("this is {file}, disassembled"))),
            Kind::Bytes => group
                .element(snippet.line_numbering(false))
                .element(Level::NOTE.message(format!("these are bytes of {file}"))),
        };
    } else {
        let at = if where_it_is.is_empty() { file } else { format!("{file}: {where_it_is}") };
        group = group.element(Origin::path(at));
    }
    let help = failure.help.as_deref().map(printable);
    if let Some(help) = &help {
        group = group.element(Level::HELP.message(help.as_ref()));
    }
    let renderer = if coloured { Renderer::styled() } else { Renderer::plain() };
    let mut text = renderer.render(&[group]).to_string();
    text.push('\n');
    text
}

/// Function and offset in words.
fn describe(place: &Place) -> String {
    let mut text = String::new();
    if let Some(function) = place.function {
        text.push_str(&format!("in function {function}"));
        if let Some(name) = &place.function_name {
            text.push_str(&format!(" <{}>", Name(name)));
        }
    }
    if let Some(offset) = place.offset {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(&format!("at offset {offset:#x}"));
    }
    text
}
