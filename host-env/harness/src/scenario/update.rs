//! Writing what was found back into a scenario's text.
//!
//! Owns the places of the text: only what is expected is replaced, so comments, order and spaces stay. It must not know
//! how a scenario is played.

use super::error::ScenarioError;
use super::run::Played;
use super::step::{self, Scenario};
use super::value::{plain, toml_string};
use crate::names::Names;
use crate::text::hex;
use lockstep_host_env::Event;
use std::ops::Range;

impl Scenario {
    /// The text with what was found in place of what was expected; `None`, where nothing differs.
    ///
    /// # Errors
    /// When the new text is no scenario, which would be a mistake of this crate.
    pub fn updated(&self, played: &Played) -> Result<Option<String>, ScenarioError> {
        let mut edits = played.edits.clone();
        edits.sort_by_key(|(span, _)| (span.start, span.end));
        let mut text = String::with_capacity(self.text.len());
        let mut at = 0;
        for (span, new) in edits {
            // What overlaps was written already.
            let Some(before) = self.text.get(at..span.start) else { continue };
            text.push_str(before);
            text.push_str(&new);
            at = span.end;
        }
        text.push_str(self.text.get(at..).unwrap_or_default());
        if text == self.text {
            return Ok(None);
        }
        Scenario::parse(&self.file, text.clone(), self.folder.clone())?;
        Ok(Some(text))
    }
}

/// The end of the last line of a step that begins here: behind it stand only empty lines and comments before the next
/// table.
pub(super) fn end_of_step(text: &str, start: usize) -> Option<usize> {
    let mut end = None;
    let mut at = start;
    let mut depth = 0_i64;
    for (number, line) in text.get(start..)?.split_inclusive('\n').enumerate() {
        let bare = line.trim();
        if number > 0 && depth == 0 && bare.starts_with('[') {
            break;
        }
        if number > 0 {
            depth += brackets(bare);
        }
        if !bare.is_empty() && !bare.starts_with('#') {
            end = Some(at + line.trim_end_matches(['\n', '\r']).len());
        }
        at += line.len();
    }
    end
}

/// How many more brackets a line opens than it closes, those in texts and comments apart.
fn brackets(line: &str) -> i64 {
    let mut quote = None;
    let mut escaped = false;
    let mut depth = 0;
    for c in line.chars() {
        match (quote, c) {
            (Some('"'), '\\') if !escaped => {
                escaped = true;
                continue;
            }
            (Some(open), c) if c == open && !escaped => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '#') => return depth,
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth -= 1,
            _ => {}
        }
        escaped = false;
    }
    depth
}

/// Behind the brace that opens an inline table, if it has something in it.
pub(super) fn after_brace(text: &str, span: &Range<usize>) -> Option<usize> {
    let table = text.get(span.clone())?;
    let inner = table.strip_prefix('{')?.strip_suffix('}')?;
    (!inner.trim().is_empty()).then_some(span.start + 1)
}

/// An event as TOML, in the shape of what was expected at its place.
pub(super) fn event(found: &Event, expected: Option<&step::Event>, names: &Names) -> String {
    let mut parts = Vec::new();
    let account = names.account(&found.account);
    if names.find(&account) == Some(found.account) {
        parts.push(format!("account = {}", toml_string(&account)));
    }
    let name = names.event(&found.topics);
    if let Some(name) = name {
        parts.push(format!("name = {}", toml_string(name)));
    }
    // Shown where it was asked for; the first topic only together with the name.
    if let (Some(_), Some(topics)) = (name, expected.and_then(|event| event.topics.as_ref())) {
        let topics: Vec<String> = found
            .topics
            .iter()
            .skip(1)
            .enumerate()
            .map(|(at, topic)| match topics.get(at) {
                Some(value) => value.rewrite(topic, names),
                None => format!("{{ raw = \"0x{}\" }}", hex(topic)),
            })
            .collect();
        parts.push(format!("topics = [{}]", topics.join(", ")));
    }
    let data = match expected.and_then(|event| event.data.as_ref()) {
        Some(value) => value.rewrite(&found.data, names),
        None => plain(&found.data),
    };
    // Bytes as they are, not a text with its length.
    let data = match data.strip_prefix("\"0x") {
        Some(_) => format!("{{ raw = {data} }}"),
        None => data,
    };
    parts.push(format!("data = {data}"));
    format!("{{ {} }}", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_step_is_before_what_belongs_to_the_next() {
        let text =
            "[[step]]\ncall = \"a\"\ninput = [\n  \"x\", # [\n]\n\n# of the next\n[[step]]\nas = \"]\"\n";
        assert_eq!(
            &text[..end_of_step(text, 0).unwrap()],
            "[[step]]\ncall = \"a\"\ninput = [\n  \"x\", # [\n]"
        );
        let second = text.rfind("[[").unwrap();
        assert_eq!(end_of_step(text, second), Some(text.len() - 1));
        assert_eq!(end_of_step(text, 10_000), None);
        assert_eq!(brackets(r#"a = ["\"]", '[' , {}"#), 1);
    }
}
