//! From a frame's input to a function, and from its result to the output.
//!
//! Owns the entries' convention. It must not know what functions do.

use crate::raw;
use crate::selector::Selector;
use alloc::vec::Vec;
use codec::{Decode, Encode};

/// Which functions others may call: those of `call` when the account is called, those of `deploy` when it is made.
///
/// Each is a function of this name in scope; its arguments are decoded, its result is encoded. An amount that comes
/// with a frame reverts it with `value`, unless the function is marked `#[payable]`. What no function is named by
/// reverts with `no such function`, or goes to the function behind `_ =>`, which reads [`input`] itself. What does
/// not decode reverts with `arguments`.
#[macro_export]
macro_rules! contract {
    ($($entry:ident {
        $($(#[$payable:ident])? $name:ident($($arg:ident: $type:ty),* $(,)?)),* $(,)? $(_ => $other:ident)?
    })+) => {$(
        #[doc(hidden)]
        #[unsafe(no_mangle)]
        pub extern "C" fn $entry() {
            #[allow(unused_variables, reason = "there may be no function with arguments")]
            let (selector, arguments) = $crate::entered();
            $(if selector == Some($crate::selector_of!(stringify!($name))) {
                $crate::accept!($($payable)?);
                // Named before the arguments, one of which may have its name.
                let function = $name;
                let ($($arg,)*) = $crate::arguments::<($($type,)*)>(&arguments);
                return $crate::reply(&function($($arg),*));
            })*
            $crate::otherwise!($($other)?)
        }
    )+};
}

#[doc(hidden)]
#[macro_export]
macro_rules! accept {
    (payable) => {};
    () => {
        $crate::ensure($crate::context::value() == 0, "value")
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! otherwise {
    ($other:ident) => {
        $other()
    };
    () => {
        $crate::revert("no such function")
    };
}

/// This frame's whole input.
pub fn input() -> Vec<u8> {
    // SAFETY: the host writes at most as much as there is room for.
    let len = unsafe { raw::input_len() };
    let mut bytes = Vec::with_capacity(len as usize);
    // SAFETY: the host writes `len` bytes into the capacity, and they are then there.
    unsafe {
        raw::input_read(0, bytes.as_mut_ptr(), len);
        bytes.set_len(len as usize);
    }
    bytes
}

/// The input as a selector, if it is long enough for one, and the arguments behind it.
#[doc(hidden)]
pub fn entered() -> (Option<Selector>, Vec<u8>) {
    let mut input = input();
    let Some(selector) = input.first_chunk::<4>().copied() else { return (None, input) };
    input.drain(..4);
    (Some(selector), input)
}

/// Arguments out of their encoding, all of it.
#[doc(hidden)]
pub fn arguments<T: Decode>(mut bytes: &[u8]) -> T {
    match T::decode(&mut bytes) {
        Ok(arguments) if bytes.is_empty() => arguments,
        _ => revert("arguments"),
    }
}

/// Outputs a result, unless it is nothing.
#[doc(hidden)]
pub fn reply(result: &impl Encode) {
    result.using_encoded(|bytes| {
        if !bytes.is_empty() {
            output(bytes);
        }
    });
}

/// Sets this frame's output; the last one counts.
pub fn output(bytes: &[u8]) {
    // SAFETY: the host reads the bytes, which are borrowed.
    unsafe { raw::output(bytes.as_ptr(), bytes.len() as u32) }
}

/// Ends the frame: everything since its beginning is undone, and the caller is told why.
pub fn revert(why: impl AsRef<[u8]>) -> ! {
    let why = why.as_ref();
    // SAFETY: the host reads the bytes, which are borrowed.
    unsafe { raw::revert(why.as_ptr(), why.len() as u32) }
}

/// Reverts unless it is so.
pub fn ensure(is_so: bool, why: &str) {
    if !is_so {
        revert(why)
    }
}

/// What can be missing, and whose absence is the caller's mistake.
pub trait OrRevert<T> {
    /// What is there; otherwise the frame reverts.
    fn or_revert(self, why: &str) -> T;
}

impl<T> OrRevert<T> for Option<T> {
    fn or_revert(self, why: &str) -> T {
        self.unwrap_or_else(|| revert(why))
    }
}

impl<T, E> OrRevert<T> for Result<T, E> {
    fn or_revert(self, why: &str) -> T {
        self.unwrap_or_else(|_| revert(why))
    }
}
