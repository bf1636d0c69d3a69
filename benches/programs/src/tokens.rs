//! A tokenizer for text like WebAssembly's, with a table of names and a stack of parentheses.

use crate::random::{Random, mix};
use std::collections::BTreeMap;

const WORDS: [&str; 16] = [
    "module", "func", "param", "result", "local.get", "local.set", "i32.const", "i64.add", "call", "block", "loop",
    "br_if", "end", "memory", "export", "i32.load8_u",
];

fn write(random: &mut Random, lines: u32) -> String {
    let mut text = String::new();
    for _ in 0..lines {
        for _ in 0..random.below(8) {
            match random.below(6) {
                0 => text.push_str(&format!("${}", WORDS[random.below(16) as usize].to_uppercase())),
                1 => text.push_str(&random.below(100_000).to_string()),
                2 => text.push_str(&format!("0x{:x}", random.next())),
                3 => text.push_str("\"a string with \\\"quotes\\\"\""),
                4 => text.push_str(&format!("({} (; block (; nested ;) comment ;) )", WORDS[random.below(16) as usize])),
                _ => text.push_str(WORDS[random.below(16) as usize]),
            }
            text.push(' ');
        }
        text.push_str(";; the rest of a line\n");
    }
    text
}

#[derive(Debug, PartialEq, Eq)]
enum Token<'a> {
    Open,
    Close,
    Number(u64),
    Text(&'a str),
    Name(&'a str),
    Word(&'a str),
}

struct Tokens<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    fn while_in(&mut self, accept: impl Fn(u8) -> bool) -> &'a str {
        let start = self.at;
        while self.text.as_bytes().get(self.at).is_some_and(|&byte| accept(byte)) {
            self.at += 1;
        }
        &self.text[start..self.at]
    }

    fn skip(&mut self) {
        loop {
            self.while_in(|byte| byte.is_ascii_whitespace());
            let rest = &self.text[self.at..];
            if rest.starts_with(";;") {
                self.while_in(|byte| byte != b'\n');
            } else if rest.starts_with("(;") {
                let mut depth = 0;
                while depth > 0 || self.text[self.at..].starts_with("(;") {
                    match &self.text.as_bytes()[self.at..self.at + 2] {
                        b"(;" => depth += 1,
                        b";)" => depth -= 1,
                        _ => {
                            self.at += 1;
                            continue;
                        }
                    }
                    self.at += 2;
                }
            } else {
                return;
            }
        }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip();
        let symbol = |byte: u8| byte.is_ascii_alphanumeric() || b"._$".contains(&byte);
        match self.text.as_bytes().get(self.at)? {
            b'(' => {
                self.at += 1;
                Some(Token::Open)
            }
            b')' => {
                self.at += 1;
                Some(Token::Close)
            }
            b'"' => {
                let start = self.at + 1;
                self.at = start;
                while self.text.as_bytes()[self.at] != b'"' {
                    self.at += 1 + usize::from(self.text.as_bytes()[self.at] == b'\\');
                }
                self.at += 1;
                Some(Token::Text(&self.text[start..self.at - 1]))
            }
            b'0'..=b'9' => {
                let digits = self.while_in(symbol);
                Some(Token::Number(match digits.strip_prefix("0x") {
                    Some(digits) => u64::from_str_radix(digits, 16).unwrap(),
                    None => digits.parse().unwrap(),
                }))
            }
            b'$' => Some(Token::Name(&self.while_in(symbol)[1..])),
            _ => Some(Token::Word(self.while_in(symbol))),
        }
    }
}

/// Reads `n` hundred lines.
pub fn run(n: i32) -> i64 {
    let text = write(&mut Random::new(8), n as u32 * 100);
    let mut names: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut depth, mut sum) = (0_u64, 0);
    for token in (Tokens { text: &text, at: 0 }) {
        let value = match token {
            Token::Open => {
                depth += 1;
                depth
            }
            Token::Close => {
                depth -= 1;
                depth
            }
            Token::Number(value) => value,
            Token::Text(text) => text.len() as u64,
            Token::Name(name) | Token::Word(name) => {
                let count = names.entry(name).or_default();
                *count += 1;
                *count
            }
        };
        sum = mix(sum, value);
    }
    mix(sum, names.len() as u64) as i64
}
