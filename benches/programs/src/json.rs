//! A JSON parser by recursive descent, into a tree, over a document that the program writes; and the tree's text again.

use crate::random::{Random, mix};
use std::collections::BTreeMap;
use std::fmt::Write;

enum Value {
    Null,
    Bool(bool),
    Number(i64),
    Text(String),
    List(Vec<Value>),
    Map(BTreeMap<String, Value>),
}

struct Parser<'a> {
    rest: &'a [u8],
}

impl Parser<'_> {
    fn skip_space(&mut self) {
        while let [b' ' | b'\n' | b'\t' | b'\r', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    fn take(&mut self, expected: u8) -> Option<()> {
        self.skip_space();
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        (first == expected).then_some(())
    }

    fn peek(&mut self) -> Option<u8> {
        self.skip_space();
        self.rest.first().copied()
    }

    fn word(&mut self, word: &str, value: Value) -> Option<Value> {
        self.rest = self.rest.strip_prefix(word.as_bytes())?;
        Some(value)
    }

    fn number(&mut self) -> Option<Value> {
        let negative = self.rest[0] == b'-';
        if negative {
            self.rest = &self.rest[1..];
        }
        let mut value = 0_i64;
        while let [digit @ b'0'..=b'9', rest @ ..] = self.rest {
            value = value.checked_mul(10)?.checked_add(i64::from(digit - b'0'))?;
            self.rest = rest;
        }
        Some(Value::Number(if negative { -value } else { value }))
    }

    fn text(&mut self) -> Option<String> {
        self.take(b'"')?;
        let mut text = String::new();
        loop {
            let plain = self.rest.iter().position(|&byte| byte == b'"' || byte == b'\\')?;
            text.push_str(std::str::from_utf8(&self.rest[..plain]).ok()?);
            let ended = self.rest[plain] == b'"';
            self.rest = &self.rest[plain + 1..];
            if ended {
                return Some(text);
            }
            let (&escaped, rest) = self.rest.split_first()?;
            self.rest = rest;
            match escaped {
                b'n' => text.push('\n'),
                b't' => text.push('\t'),
                b'u' => {
                    let digits = std::str::from_utf8(self.rest.get(..4)?).ok()?;
                    text.push(char::from_u32(u32::from_str_radix(digits, 16).ok()?)?);
                    self.rest = &self.rest[4..];
                }
                other => text.push(char::from(other)),
            }
        }
    }

    fn value(&mut self) -> Option<Value> {
        match self.peek()? {
            b'n' => self.word("null", Value::Null),
            b't' => self.word("true", Value::Bool(true)),
            b'f' => self.word("false", Value::Bool(false)),
            b'"' => self.text().map(Value::Text),
            b'[' => {
                self.take(b'[')?;
                let mut list = Vec::new();
                while self.peek()? != b']' {
                    if !list.is_empty() {
                        self.take(b',')?;
                    }
                    list.push(self.value()?);
                }
                self.take(b']')?;
                Some(Value::List(list))
            }
            b'{' => {
                self.take(b'{')?;
                let mut map = BTreeMap::new();
                while self.peek()? != b'}' {
                    if !map.is_empty() {
                        self.take(b',')?;
                    }
                    let key = self.text()?;
                    self.take(b':')?;
                    map.insert(key, self.value()?);
                }
                self.take(b'}')?;
                Some(Value::Map(map))
            }
            _ => self.number(),
        }
    }
}

fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                out.push('\\');
                out.push(character);
            }
            '\n' => out.push_str("\\n"),
            ' '..='~' => out.push(character),
            other => write!(out, "\\u{:04x}", other as u32).unwrap(),
        }
    }
    out.push('"');
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => write!(out, "{value}").unwrap(),
        Value::Number(value) => write!(out, "{value}").unwrap(),
        Value::Text(text) => write_text(out, text),
        Value::List(list) => {
            out.push('[');
            for (i, value) in list.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { ", " });
                write_value(out, value);
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            for (i, (key, value)) in map.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { ",\n " });
                write_text(out, key);
                out.push_str(": ");
                write_value(out, value);
            }
            out.push('}');
        }
    }
}

fn random_value(random: &mut Random, depth: u32) -> Value {
    match random.below(if depth == 0 { 4 } else { 7 }) {
        0 => Value::Null,
        1 => Value::Bool(random.below(2) == 0),
        2 => Value::Number(random.next() as i64 >> random.below(64)),
        3 => Value::Text((0..random.below(24)).map(|_| char::from_u32(32 + random.below(300)).unwrap()).collect()),
        4 => Value::List((0..random.below(8)).map(|_| random_value(random, depth - 1)).collect()),
        _ => Value::Map(
            (0..random.below(8))
                .map(|_| (format!("key {}", random.below(1000)), random_value(random, depth - 1)))
                .collect(),
        ),
    }
}

/// Writes and reads `n` documents.
pub fn run(n: i32) -> i64 {
    let mut random = Random::new(7);
    let mut sum = 0;
    for _ in 0..n {
        let list = (0..12).map(|_| random_value(&mut random, 4)).collect();
        let mut text = String::new();
        write_value(&mut text, &Value::List(list));
        let parsed = Parser { rest: text.as_bytes() }.value().expect("what was written can be read");
        let mut again = String::new();
        write_value(&mut again, &parsed);
        assert_eq!(text, again);
        sum = text.bytes().step_by(5).fold(sum, |sum, byte| mix(sum, u64::from(byte)));
    }
    sum as i64
}
