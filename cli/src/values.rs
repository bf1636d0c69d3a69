//! Arguments and results as words.
//!
//! Owns how a value is written: `i32:-1`, `i64:42`, `f32:0x7fc00000` (bits), `f64:1.5`, `externref:null`, or an integer
//! alone whose type the function's gives. It must not know functions beyond their types.

use crate::failure::Failure;
use crate::text::{Name, count};
use lockstep_vm::{FuncType, Val, ValType};

/// The arguments of a call, when their number and types are the function's.
pub(crate) fn parse_arguments(name: &str, ty: &FuncType, words: &[String]) -> Result<Vec<Val>, Failure> {
    let signature = format!("`{}` is a func {ty}", Name(name));
    if words.len() != ty.params().len() {
        let expected = count(ty.params().len(), "argument");
        return Err(Failure::usage(
            "argument",
            format!("{signature}: it takes {expected}, not {}", words.len()),
        )
        .help(example(name, ty)));
    }
    let values = words.iter().zip(ty.params()).enumerate().map(|(index, (word, &ty_expected))| {
        parse(word, ty_expected).map_err(|problem| {
            let message = format!("argument {} `{}` {problem}; {signature}", index + 1, Name(word));
            Failure::usage("argument", message).help(example(name, ty))
        })
    });
    values.collect()
}

/// A call that would do.
fn example(name: &str, ty: &FuncType) -> String {
    let words: String = ty
        .params()
        .iter()
        .map(|ty| match ty {
            ValType::F32 | ValType::F64 => format!(" {ty}:1.5"),
            ValType::FuncRef | ValType::ExternRef => format!(" {ty}:null"),
            _ => format!(" {ty}:1"),
        })
        .collect();
    format!("for example `--invoke {}{words}`", Name(name))
}

fn parse(word: &str, expected: ValType) -> Result<Val, String> {
    let value = match word.split_once(':') {
        Some((ty, value)) => {
            let given = [
                ValType::I32,
                ValType::I64,
                ValType::F32,
                ValType::F64,
                ValType::FuncRef,
                ValType::ExternRef,
            ]
            .into_iter()
            .find(|known| known.to_string() == ty)
            .ok_or_else(|| format!("has no type that there is: expected {expected}"))?;
            if given != expected {
                return Err(format!("has type {given}: expected {expected}"));
            }
            value
        }
        None if expected.is_float() || expected.is_ref() => {
            return Err(format!("does not say its type: expected {expected}"));
        }
        None => word,
    };
    match expected {
        ValType::I32 => integer(value, 32).map(|bits| Val::I32(bits as u32 as i32)),
        ValType::I64 => integer(value, 64).map(|bits| Val::I64(bits as i64)),
        ValType::F32 => match value.strip_prefix("0x") {
            Some(_) => integer(value, 32).map(|bits| Val::F32(bits as u32)),
            None => float::<f32>(value, "an f32")
                .map(|float| Val::F32(if float.is_nan() { 0x7fc0_0000 } else { float.to_bits() })),
        },
        ValType::F64 => match value.strip_prefix("0x") {
            Some(_) => integer(value, 64).map(Val::F64),
            None => float::<f64>(value, "an f64")
                .map(|float| Val::F64(if float.is_nan() { 0x7ff8_0000_0000_0000 } else { float.to_bits() })),
        },
        ValType::FuncRef if value == "null" => Ok(Val::FuncRef(None)),
        ValType::ExternRef if value == "null" => Ok(Val::ExternRef(None)),
        _ => Err("is no value that can be given: only `null` can".into()),
    }
}

/// The bits of an integer, signed or unsigned, decimal or after `0x`, in the low bits.
fn integer(text: &str, width: u32) -> Result<u64, String> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (radix, digits) = match digits.strip_prefix("0x") {
        Some(rest) => (16, rest.replace('_', "")),
        None => (10, digits.replace('_', "")),
    };
    let no_number = || format!("is no integer of {width} bits");
    // The parser would take a sign here too.
    if !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(no_number());
    }
    let magnitude = u128::from_str_radix(&digits, radix).map_err(|_| no_number())?;
    let greatest = if negative { 1 << (width - 1) } else { (1 << width) - 1 };
    if magnitude > greatest {
        return Err(format!("does not fit {width} bits"));
    }
    // At most 64 bits by the line above.
    let magnitude = magnitude as u64;
    let bits = if negative { magnitude.wrapping_neg() } else { magnitude };
    Ok(if width == 32 { bits & u64::from(u32::MAX) } else { bits })
}

fn float<T: std::str::FromStr>(text: &str, what: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("is not {what}: write `1.5`, `-inf`, `nan`, or the bits after `0x`"))
}

/// A value as `type:value`, floats as their bits: read back, it is the same value.
pub(crate) fn exact(value: &Val) -> String {
    match value {
        Val::I32(value) => format!("i32:{value}"),
        Val::I64(value) => format!("i64:{value}"),
        Val::F32(bits) => format!("f32:{bits:#010x}"),
        Val::F64(bits) => format!("f64:{bits:#018x}"),
        Val::FuncRef(None) => "funcref:null".into(),
        Val::FuncRef(Some(_)) => "funcref:function".into(),
        Val::ExternRef(None) => "externref:null".into(),
        Val::ExternRef(Some(_)) => "externref:host".into(),
    }
}

/// As [`exact`], with what the bits of a float mean.
pub(crate) fn for_people(value: &Val) -> String {
    match value {
        Val::F32(bits) => format!("{} ({:?})", exact(value), f32::from_bits(*bits)),
        Val::F64(bits) => format!("{} ({:?})", exact(value), f64::from_bits(*bits)),
        _ => exact(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_either_sign_and_radix() {
        let i32s = [
            ("-1", -1),
            ("4294967295", -1),
            ("0xffffffff", -1),
            ("-0x80000000", i32::MIN),
            ("i32:7", 7),
            ("1_000", 1_000),
        ];
        for (word, value) in i32s {
            assert_eq!(parse(word, ValType::I32), Ok(Val::I32(value)), "{word}");
        }
        let i64s = [("-9223372036854775808", i64::MIN), ("18446744073709551615", -1), ("i64:0x10", 16)];
        for (word, value) in i64s {
            assert_eq!(parse(word, ValType::I64), Ok(Val::I64(value)), "{word}");
        }
    }

    #[test]
    fn floats_by_value_or_bits() {
        assert_eq!(parse("f32:0x7fc00001", ValType::F32), Ok(Val::F32(0x7fc0_0001)));
        assert_eq!(parse("f64:-1.5", ValType::F64), Ok(Val::F64((-1.5_f64).to_bits())));
        assert_eq!(parse("f64:nan", ValType::F64), Ok(Val::F64(0x7ff8_0000_0000_0000)));
    }

    #[test]
    fn what_is_no_value_of_the_type_is_refused() {
        for word in [
            "",
            "-",
            "x",
            "1.5",
            "+1",
            "0x",
            "0x-1",
            "--1",
            "4294967296",
            "-2147483649",
            "i64:1",
            "i33:1",
            ":1",
            "i32:",
            "1:2",
        ] {
            assert!(parse(word, ValType::I32).is_err(), "{word}");
        }
        for word in ["1", "f32:", "f32:0x1ffffffff", "f32:abc", "f64:1"] {
            assert!(parse(word, ValType::F32).is_err(), "{word}");
        }
        for word in ["null", "externref:1", "externref:", "funcref:null"] {
            assert!(parse(word, ValType::ExternRef).is_err(), "{word}");
        }
    }

    #[test]
    fn results_read_back_as_they_were() {
        for value in [
            Val::I32(-1),
            Val::I64(i64::MIN),
            Val::F32(1),
            Val::F64(0x7ff0_0000_0000_0001),
            Val::ExternRef(None),
        ] {
            assert_eq!(parse(&exact(&value), value.ty()), Ok(value));
        }
    }
}
