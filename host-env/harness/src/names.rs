//! Names of accounts, functions and events, and bytes said with them.
//!
//! Owns what a test has named and how keys and values read. What it makes of bytes is a guess for people; nothing
//! compares it.

use crate::input::{Said, selector, sha256};
use crate::text::{hex, line, readable, short_hex};
use lockstep_host_env::Address;
use std::collections::BTreeMap;

/// What a chain's accounts, functions and events are called.
#[derive(Clone, Default, Debug)]
pub struct Names {
    accounts: BTreeMap<Address, String>,
    by_name: BTreeMap<String, Address>,
    functions: BTreeMap<[u8; 4], String>,
    events: BTreeMap<[u8; 32], String>,
}

/// Characters of an argument that are shown.
const ARGUMENT_SHOWN: usize = 100;

impl Names {
    /// Names an account. When the name is taken, it is `name-2`, and so on.
    pub(crate) fn name_account(&mut self, address: Address, name: &str) -> String {
        if let Some(before) = self.accounts.get(&address) {
            return before.clone();
        }
        let mut unique = name.to_owned();
        let mut number = 1_u64;
        while self.by_name.contains_key(&unique) {
            number += 1;
            unique = format!("{name}-{number}");
        }
        self.by_name.insert(unique.clone(), address);
        self.accounts.insert(address, unique.clone());
        unique
    }

    pub(crate) fn name_function(&mut self, name: &str) {
        self.functions.insert(selector(name), name.to_owned());
    }

    pub(crate) fn name_event(&mut self, name: &str) {
        self.events.insert(sha256(name), name.to_owned());
    }

    /// The account of this name.
    pub fn find(&self, name: &str) -> Option<Address> {
        self.by_name.get(name).copied()
    }

    /// The name of an account, or its address cut short.
    pub fn account(&self, address: &Address) -> String {
        match self.accounts.get(address) {
            Some(name) => name.clone(),
            None if address.0 == [0; 32] => String::from("nobody"),
            None => format!("0x{}..{}", hex(&address.0[..3]), hex(&address.0[30..])),
        }
    }

    /// The name of an account, if it has one.
    pub(crate) fn known(&self, address: &Address) -> Option<&str> {
        self.accounts.get(address).map(String::as_str)
    }

    /// The name of the function that an input calls, as far as it is known.
    pub fn function(&self, input: &[u8]) -> Option<&str> {
        self.functions.get(input.get(..4)?).map(String::as_str)
    }

    /// The name of the event with these topics, as far as it is known.
    pub fn event(&self, topics: &[[u8; 32]]) -> Option<&str> {
        self.events.get(topics.first()?).map(String::as_str)
    }

    /// An input as a call: `transfer(bob, 60)`.
    pub fn call(&self, said: &Said) -> String {
        match &said.function {
            Some(function) => {
                let args: Vec<String> = said.args.iter().map(|arg| self.argument(arg)).collect();
                format!("{}({})", line(function, ARGUMENT_SHOWN), args.join(", "))
            }
            None => self.input(&said.bytes),
        }
    }

    /// An input that was not given by name.
    pub fn input(&self, input: &[u8]) -> String {
        self.input_of(input, None)
    }

    /// As [`input`](Self::input), with what the function is called if nothing else is known.
    pub(crate) fn input_of(&self, input: &[u8], otherwise: Option<&str>) -> String {
        let Some((selector, rest)) = input.split_at_checked(4) else { return short_hex(input) };
        let args = match rest {
            [] => String::new(),
            rest => self.pieces(rest, ", "),
        };
        match self.function(input).or(otherwise) {
            Some(name) => format!("{}({args})", line(name, ARGUMENT_SHOWN)),
            None => format!("{}({args})", short_hex(selector)),
        }
    }

    /// What `Debug` printed, with addresses named.
    pub(crate) fn argument(&self, debug: &str) -> String {
        const BEGIN: &str = "Address(";
        let mut out = String::new();
        let mut rest = debug;
        while let Some(at) = rest.find(BEGIN) {
            let (before, from) = rest.split_at(at);
            out.push_str(before);
            let digits = &from[BEGIN.len()..];
            let address = digits.get(..64).and_then(|digits| crate::text::unhex(&format!("0x{digits}")));
            match address.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()) {
                Some(bytes) if digits.as_bytes().get(64) == Some(&b')') => {
                    out.push_str(&self.account(&Address(bytes)));
                    rest = &digits[65..];
                }
                _ => {
                    out.push_str(BEGIN);
                    rest = digits;
                }
            }
        }
        out.push_str(rest);
        line(&out, ARGUMENT_SHOWN)
    }

    /// A storage key: `allowance/alice/bob`.
    pub fn key(&self, key: &[u8]) -> String {
        self.pieces(key, "/")
    }

    /// A value, output or event's data.
    pub fn value(&self, value: &[u8]) -> String {
        match value {
            [] => String::from("empty"),
            value => match whole_text(value) {
                Some(text) => format!("{:?}", line(text, ARGUMENT_SHOWN)),
                None => self.pieces(value, ", "),
            },
        }
    }

    /// Bytes taken apart as SCALE would have put them together: a text first, known addresses, then a number.
    fn pieces(&self, bytes: &[u8], separator: &str) -> String {
        let mut pieces = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let address = rest.first_chunk().map(|bytes| Address(*bytes));
            let is_alone = rest.len() == 32 && amounts(rest).is_none();
            if let Some(address) = address.filter(|known| is_alone || self.accounts.contains_key(known)) {
                pieces.push(self.account(&address));
                rest = &rest[32..];
            } else if let Some((text, behind)) = scale_text(rest) {
                pieces.push(line(text, ARGUMENT_SHOWN));
                rest = behind;
            } else if let Some((number, behind)) = self.number(rest) {
                pieces.push(number);
                rest = behind;
            } else {
                pieces.push(short_hex(rest));
                break;
            }
        }
        pieces.join(separator)
    }

    /// A number of so many bytes as stand before a known address or the end.
    fn number<'b>(&self, bytes: &'b [u8]) -> Option<(String, &'b [u8])> {
        let known = |at: usize| {
            bytes[at..].first_chunk().is_some_and(|bytes| self.accounts.contains_key(&Address(*bytes)))
        };
        let len = (1..=bytes.len()).find(|&at| at == bytes.len() || known(at))?;
        let (number, behind) = bytes.split_at(len);
        if !matches!(len, 1 | 2 | 4 | 8 | 16) {
            return amounts(number).map(|said| (said, behind));
        }
        Some((little_endian(number).to_string(), behind))
    }
}

/// Two amounts or more, rather than a hash: amounts have zeros at their ends.
fn amounts(bytes: &[u8]) -> Option<String> {
    let (amounts, rest) = bytes.as_chunks::<16>();
    let is_small = |amount: &[u8; 16]| amount[12..] == [0; 4];
    let are_amounts =
        rest.is_empty() && amounts.len() > 1 && amounts[0] != [0; 16] && amounts.iter().all(is_small);
    let said = amounts.iter().map(|amount| little_endian(amount).to_string());
    are_amounts.then(|| said.collect::<Vec<_>>().join(", "))
}

fn little_endian(bytes: &[u8]) -> u128 {
    bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u128::from(*byte))
}

/// A text as SCALE encodes it: of up to 63 bytes, two at least, and plain.
fn scale_text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let len = usize::from(first >> 2);
    let (text, behind) = rest.split_at_checked(len).filter(|_| first & 3 == 0 && len >= 2)?;
    let plain = text.iter().all(|byte| matches!(byte, b' '..=b'~'));
    Some((std::str::from_utf8(text).ok().filter(|_| plain)?, behind))
}

/// Bytes that are one text, with or without its length.
fn whole_text(bytes: &[u8]) -> Option<&str> {
    match scale_text(bytes) {
        Some((text, [])) => Some(text),
        _ => readable(bytes).filter(|text| text.len() > 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Input;
    use codec::Encode;

    #[test]
    fn keys_and_values_read_by_name() {
        let mut names = Names::default();
        let [alice, bob] = [Address([1; 32]), Address([2; 32])];
        assert_eq!(names.name_account(alice, "alice"), "alice");
        assert_eq!(names.name_account(bob, "alice"), "alice-2");
        assert_eq!(names.name_account(alice, "other"), "alice");
        assert_eq!(names.find("alice-2"), Some(bob));
        assert_eq!(names.key(&("allowance", alice, bob).encode()), "allowance/alice/alice-2");
        assert_eq!(names.key(&("slot", 7_u32).encode()), "slot/7");
        assert_eq!(names.value(&40_u128.encode()), "40");
        assert_eq!(names.value(&(alice, bob, 60_u128).encode()), "alice, alice-2, 60");
        assert_eq!(names.value(&(1_000_u128, 7_u128).encode()), "1000, 7");
        assert_eq!(names.value(b"allowance"), "\"allowance\"");
        assert_eq!(names.value(&"Gold".encode()), "\"Gold\"");
        assert_eq!(names.value(&[9; 5]), "0x0909090909");
        names.name_function("pay");
        let said = ("pay", alice, Some(bob), vec![alice], 60_u128).said();
        assert_eq!(names.call(&said), "pay(alice, Some(alice-2), [alice], 60)");
        assert_eq!(names.input(&("pay", bob, 5_u128).said().bytes), "pay(alice-2, 5)");
    }

    #[test]
    fn what_looks_like_an_address_and_is_none_stays() {
        let names = Names::default();
        for text in ["Address(", "Address(00)", "Address(é)", &format!("Address({}x", "0".repeat(64))] {
            assert_eq!(names.argument(text), text);
        }
    }
}
