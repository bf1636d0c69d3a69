//! Values in scenarios: what is encoded, written so that people can read it.
//!
//! Owns their encoding and their text. It must not know where one stands.

use crate::names::Names;
use crate::text::hex;
use codec::{Compact, Decode, Encode};
use lockstep_host_env::Address;

/// A value.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Value {
    /// A text, with its length.
    Text(String),
    /// A text or bytes without a length.
    Raw(Vec<u8>),
    /// Bytes with their length.
    Bytes(Vec<u8>),
    /// The address of an account, by its name.
    Account(String),
    /// A number and its type.
    Number(Number),
    /// True or false.
    Bool(bool),
    /// Values one behind another.
    Tuple(Vec<Value>),
    /// So many values, their number in front.
    List(Vec<Value>),
    /// A value that might not be there.
    Some(Box<Value>),
    /// No value.
    None,
}

/// A number with its width.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Number {
    /// The type's name.
    pub ty: &'static str,
    /// Its two's complement.
    pub bits: u128,
    /// Its bytes.
    pub len: usize,
}

/// Names of number types, their bytes, and whether they have a sign.
pub(super) const TYPES: [(&str, usize, bool); 10] = [
    ("u8", 1, false),
    ("u16", 2, false),
    ("u32", 4, false),
    ("u64", 8, false),
    ("u128", 16, false),
    ("i8", 1, true),
    ("i16", 2, true),
    ("i32", 4, true),
    ("i64", 8, true),
    ("i128", 16, true),
];

impl Number {
    /// The number that a text says, if it fits the type.
    pub(super) fn parse(ty: &str, text: &str) -> Option<Number> {
        let (ty, len, signed) = TYPES.into_iter().find(|(name, ..)| *name == ty)?;
        let digits: String = text.chars().filter(|c| *c != '_').collect();
        let unused = 128 - 8 * u32::try_from(len).ok()?;
        let bits = if signed {
            let number: i128 = digits.parse().ok()?;
            ((number << unused) >> unused == number).then_some(number.cast_unsigned())?
        } else {
            let number: u128 = digits.parse().ok()?;
            ((number << unused) >> unused == number).then_some(number)?
        };
        Some(Number { ty, bits, len })
    }

    /// The number in these bytes.
    fn read(ty: &str, bytes: &[u8]) -> Option<Number> {
        let (ty, len, signed) = TYPES.into_iter().find(|(name, ..)| *name == ty)?;
        let first = bytes.last().filter(|_| bytes.len() == len)?;
        let fill = if signed && first & 0x80 != 0 { 0xff } else { 0 };
        let mut whole = [fill; 16];
        whole[..len].copy_from_slice(bytes);
        Some(Number { ty, bits: u128::from_le_bytes(whole), len })
    }

    fn text(&self) -> String {
        let text = match self.ty.starts_with('i') {
            true => self.bits.cast_signed().to_string(),
            false => self.bits.to_string(),
        };
        let fits = text.parse::<i64>().is_ok();
        if fits { format!("{{ {} = {text} }}", self.ty) } else { format!("{{ {} = \"{text}\" }}", self.ty) }
    }
}

impl Value {
    /// Adds its encoding.
    ///
    /// # Errors
    /// The name of an account that there is not.
    pub fn encode_to(&self, names: &Names, out: &mut Vec<u8>) -> Result<(), String> {
        match self {
            Value::Text(text) => text.encode_to(out),
            Value::Raw(bytes) => out.extend_from_slice(bytes),
            Value::Bytes(bytes) => bytes.encode_to(out),
            Value::Account(name) => names.find(name).ok_or_else(|| name.clone())?.encode_to(out),
            Value::Number(number) => out.extend_from_slice(&number.bits.to_le_bytes()[..number.len]),
            Value::Bool(truth) => truth.encode_to(out),
            Value::Tuple(values) => values.iter().try_for_each(|value| value.encode_to(names, out))?,
            Value::List(values) => {
                Compact(values.len() as u64).encode_to(out);
                values.iter().try_for_each(|value| value.encode_to(names, out))?;
            }
            Value::Some(value) => {
                out.push(1);
                value.encode_to(names, out)?;
            }
            Value::None => out.push(0),
        }
        Ok(())
    }

    /// Its encoding.
    ///
    /// # Errors
    /// The name of an account that there is not.
    pub fn encode(&self, names: &Names) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        self.encode_to(names, &mut bytes)?;
        Ok(bytes)
    }

    /// How people read it as an argument.
    pub(super) fn said(&self) -> String {
        let list = |values: &[Value]| values.iter().map(Value::said).collect::<Vec<_>>().join(", ");
        match self {
            Value::Text(text) => format!("{text:?}"),
            Value::Raw(bytes) | Value::Bytes(bytes) => crate::text::short_hex(bytes),
            Value::Account(name) => name.clone(),
            Value::Number(number) if number.ty.starts_with('i') => number.bits.cast_signed().to_string(),
            Value::Number(number) => number.bits.to_string(),
            Value::Bool(truth) => truth.to_string(),
            Value::Tuple(values) => format!("({})", list(values)),
            Value::List(values) => format!("[{}]", list(values)),
            Value::Some(value) => format!("Some({})", value.said()),
            Value::None => String::from("None"),
        }
    }

    /// Bytes as TOML, in the shape of this value where they have it, otherwise as text or hexadecimal.
    pub(super) fn rewrite(&self, bytes: &[u8], names: &Names) -> String {
        self.shaped(bytes, names).unwrap_or_else(|| plain(bytes))
    }

    fn shaped(&self, bytes: &[u8], names: &Names) -> Option<String> {
        let mut rest = bytes;
        self.read(&mut rest, names).filter(|_| rest.is_empty())
    }

    /// A value of this shape from the front of bytes, as TOML.
    fn read(&self, bytes: &mut &[u8], names: &Names) -> Option<String> {
        let mut take = |len: usize| {
            let (front, rest) = bytes.split_at_checked(len)?;
            *bytes = rest;
            Some(front)
        };
        match self {
            Value::Number(number) => Number::read(number.ty, take(number.len)?).map(|number| number.text()),
            Value::Bool(_) => match take(1)? {
                [0] => Some(String::from("false")),
                [1] => Some(String::from("true")),
                _ => None,
            },
            Value::Account(_) => {
                let address = Address(take(32)?.try_into().ok()?);
                let name = names.account(&address);
                (names.find(&name) == Some(address)).then(|| toml_string(&format!("@{name}")))
            }
            Value::Text(_) => {
                let text = String::decode(bytes).ok()?;
                let quoted = toml_string(&text);
                let is_plain = !text.starts_with('@') && !text.starts_with("0x") && text != "*";
                Some(if is_plain { quoted } else { format!("{{ string = {quoted} }}") })
            }
            Value::Bytes(_) => Some(format!("{{ bytes = \"0x{}\" }}", hex(&<Vec<u8>>::decode(bytes).ok()?))),
            Value::Tuple(values) => {
                let values: Option<Vec<String>> =
                    values.iter().map(|value| value.read(bytes, names)).collect();
                Some(format!("[{}]", values?.join(", ")))
            }
            _ => None,
        }
    }
}

/// Bytes as TOML, without a shape.
pub(super) fn plain(bytes: &[u8]) -> String {
    match crate::text::readable(bytes) {
        Some(text) if !text.starts_with("0x") && !text.starts_with('@') && text != "*" => toml_string(text),
        _ => format!("\"0x{}\"", hex(bytes)),
    }
}

/// A text in the quotes of TOML.
pub(super) fn toml_string(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_fit_their_type_or_are_none() {
        for (ty, len, signed) in TYPES {
            let unused = 128 - 8 * len as u32;
            let (least, most) = match signed {
                true => ((i128::MIN >> unused).to_string(), (i128::MAX >> unused).to_string()),
                false => (String::from("0"), (u128::MAX >> unused).to_string()),
            };
            for text in [&least, &most] {
                let number = Number::parse(ty, text).unwrap();
                let bytes = Value::Number(number).encode(&Names::default()).unwrap();
                assert_eq!(bytes.len(), len);
                assert_eq!(Number::read(ty, &bytes), Some(number));
                assert!(number.text().contains(text.as_str()));
            }
            let above =
                (Number::parse("u128", &most).unwrap().bits.checked_add(1)).map(|above| above.to_string());
            assert_eq!(above.and_then(|above| Number::parse(ty, &above)), None, "{ty}");
            assert_eq!(Number::parse(ty, "-1").is_some(), signed);
        }
        for wrong in ["", "x", "1.5", "0x1", "--1", "1e3"] {
            assert_eq!(Number::parse("u64", wrong), None);
        }
        assert_eq!(Number::parse("u64", "1_000").unwrap().bits, 1_000);
        assert_eq!(Number::parse("f64", "1"), None);
    }

    #[test]
    fn what_is_written_back_has_the_shape_that_was_there() {
        let mut names = Names::default();
        names.name_account(Address([1; 32]), "alice");
        let account = Value::Account(String::from("bob"));
        assert_eq!(account.rewrite(&[1; 32], &names), "\"@alice\"");
        assert!(account.rewrite(&[2; 32], &names).starts_with("\"0x0202"));
        let number = Value::Number(Number::parse("i16", "3").unwrap());
        assert_eq!(number.rewrite(&[0xfe, 0xff], &names), "{ i16 = -2 }");
        assert_eq!(number.rewrite(b"balance", &names), "\"balance\"");
        assert_eq!(Value::Bool(true).rewrite(&[0], &names), "false");
        let text = Value::Text(String::from("a"));
        assert_eq!(text.rewrite(&"@b".encode(), &names), "{ string = \"@b\" }");
    }
}
