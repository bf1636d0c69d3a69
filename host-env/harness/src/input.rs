//! What is said to a contract: a function's name and arguments, or bytes.
//!
//! Owns the convention: `sha256(name)[..4] ‖ SCALE(arguments)`. It must not know names of accounts.

use codec::Encode;
use sha2::{Digest, Sha256};
use std::fmt::Debug;

/// SHA2-256 of a text.
pub fn sha256(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// What a function of this name is called by.
pub fn selector(function: &str) -> [u8; 4] {
    let [a, b, c, d, ..] = sha256(function);
    [a, b, c, d]
}

/// An input, with how people read it.
#[derive(Clone, Default, Debug)]
pub struct Said {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The function's name, where it was given by name.
    pub function: Option<String>,
    /// The arguments, as `Debug` prints them.
    pub args: Vec<String>,
}

/// What can be said to a contract: a tuple of a name and up to eight arguments, [`Bytes`], or nothing: `()`.
pub trait Input {
    /// The bytes and how people read them.
    fn said(&self) -> Said;
}

/// An input as it is.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(clippy::exhaustive_structs, reason = "it is bytes and nothing else")]
pub struct Bytes(pub Vec<u8>);

impl Input for Bytes {
    fn said(&self) -> Said {
        Said { bytes: self.0.clone(), ..Said::default() }
    }
}

impl Input for () {
    fn said(&self) -> Said {
        Said::default()
    }
}

impl Input for Said {
    fn said(&self) -> Said {
        self.clone()
    }
}

macro_rules! define_inputs {
    ($(($($arg:ident)*))*) => {$(
        impl<$($arg: Encode + Debug),*> Input for (&str, $($arg,)*) {
            #[allow(non_snake_case, reason = "the arguments have their types' names")]
            fn said(&self) -> Said {
                let (name, $($arg,)*) = self;
                #[allow(unused_mut, reason = "there may be no arguments")]
                let mut bytes = selector(name).to_vec();
                $($arg.encode_to(&mut bytes);)*
                Said { bytes, function: Some((*name).to_owned()), args: vec![$(format!("{:?}", $arg)),*] }
            }
        }
    )*};
}

define_inputs! { () (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H) }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_a_selector_and_scale() {
        let said = ("transfer", 7_u16, "ab").said();
        assert_eq!(said.bytes[4..], [7, 0, 8, b'a', b'b']);
        assert_eq!(said.bytes[..4], selector("transfer"));
        assert_eq!(said.args, ["7", "\"ab\""]);
        // The first four bytes of SHA2-256 of "abc", from FIPS 180-4.
        assert_eq!(selector("abc"), [0xba, 0x78, 0x16, 0xbf]);
        assert_eq!(("abc",).said().bytes, selector("abc"));
        assert_eq!(Bytes(vec![1, 2]).said().bytes, [1, 2]);
    }
}
