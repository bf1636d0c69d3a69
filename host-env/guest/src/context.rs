//! Who calls whom, with what, when.

use crate::raw;
use crate::types::{Address, Amount, written};

macro_rules! addresses {
    ($($(#[doc = $doc:literal])* $name:ident: $raw:ident;)*) => {$(
        $(#[doc = $doc])*
        pub fn $name() -> Address {
            // SAFETY: the host writes 32 bytes, and there are as many.
            Address(written(|out| unsafe { raw::$raw(out) }))
        }
    )*};
}

addresses! {
    /// The account whose storage this is; in a delegate call the caller's.
    this: self_address;
    /// The account that called this frame. A delegate call keeps it.
    caller: caller;
    /// The sender of the transaction. Who is paid or allowed something is [`caller`], never this.
    origin: origin;
}

macro_rules! numbers {
    ($($(#[doc = $doc:literal])* $name:ident -> $type:ty;)*) => {$(
        $(#[doc = $doc])*
        pub fn $name() -> $type {
            // SAFETY: it has no pointers.
            unsafe { raw::$name() }
        }
    )*};
}

numbers! {
    /// The height of the block.
    block_height -> u64;
    /// The time of the block, in milliseconds since the start of 1970.
    block_time -> u64;
    /// The number of the chain.
    chain_id -> u64;
    /// The gas left.
    gas_left -> u64;
}

/// Whether nothing may be changed in this frame.
pub fn is_static() -> bool {
    // SAFETY: it has no pointers.
    unsafe { raw::is_static() == 1 }
}

/// The amount that came with this frame.
pub fn value() -> Amount {
    // SAFETY: the host writes 16 bytes, and there are as many.
    Amount::from_le_bytes(written(|out| unsafe { raw::value(out) }))
}

/// The balance of an account in the chain's own value; 0 where there is no account.
pub fn balance(of: &Address) -> Amount {
    // SAFETY: the host reads 32 bytes and writes 16, and there are as many.
    Amount::from_le_bytes(written(|out| unsafe { raw::balance(of.0.as_ptr(), out) }))
}
