//! Calls of other accounts, creations, payments.

use crate::dispatch::revert;
use crate::raw;
use crate::selector::Selector;
use crate::types::{Address, Amount, Hash};
use alloc::vec::Vec;
use codec::{Decode, Encode};

/// How a call that was not OK ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Status {
    /// It was undone on purpose; there is data.
    Reverted,
    /// It trapped or misused the host.
    Trapped,
    /// Its gas did not suffice.
    OutOfGas,
    /// This account does not own that much.
    NoBalance,
    /// There are too many frames already.
    Depth,
    /// The account is active and did not allow to be entered again.
    Reentrant,
    /// There is no such code.
    NoCode,
    /// There is an account of this address.
    Exists,
    /// A failure that this version does not know.
    Other(u32),
}

impl Status {
    fn of(number: u32) -> Option<Status> {
        Some(match number {
            raw::OK => return None,
            raw::REVERTED => Status::Reverted,
            raw::TRAPPED => Status::Trapped,
            raw::OUT_OF_GAS => Status::OutOfGas,
            raw::NO_BALANCE => Status::NoBalance,
            raw::DEPTH => Status::Depth,
            raw::REENTRANT => Status::Reentrant,
            raw::NO_CODE => Status::NoCode,
            raw::EXISTS => Status::Exists,
            other => Status::Other(other),
        })
    }

    /// The host's number.
    pub fn number(self) -> u32 {
        match self {
            Status::Reverted => raw::REVERTED,
            Status::Trapped => raw::TRAPPED,
            Status::OutOfGas => raw::OUT_OF_GAS,
            Status::NoBalance => raw::NO_BALANCE,
            Status::Depth => raw::DEPTH,
            Status::Reentrant => raw::REENTRANT,
            Status::NoCode => raw::NO_CODE,
            Status::Exists => raw::EXISTS,
            Status::Other(other) => other,
        }
    }
}

/// A call that was undone, or did not begin.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// How it ended.
    pub status: Status,
    /// What it reverted with; otherwise nothing.
    pub data: Vec<u8>,
}

impl Failure {
    /// Reverts with the same data, or with `call failed` if there is none.
    pub fn pass_on(self) -> ! {
        if self.data.is_empty() { revert("call failed") } else { revert(self.data) }
    }
}

/// A call to be made: [`Call::to`], what it brings, then [`Call::invoke`].
#[derive(Clone, Copy, Debug)]
#[must_use = "it is made by `invoke` or `bytes`"]
pub struct Call<'a> {
    target: Target<'a>,
    gas: u64,
    value: Amount,
    flags: u32,
}

#[derive(Clone, Copy, Debug)]
enum Target<'a> {
    Account(&'a Address),
    Static(&'a Address),
    Delegate(&'a Hash),
}

impl<'a> Call<'a> {
    const fn new(target: Target<'a>) -> Self {
        Call { target, gas: u64::MAX, value: 0, flags: 0 }
    }

    /// Of another account.
    pub const fn to(account: &'a Address) -> Self {
        Call::new(Target::Account(account))
    }

    /// Of another account, which may change nothing.
    pub const fn read(account: &'a Address) -> Self {
        Call::new(Target::Static(account))
    }

    /// Of other code, on this account: storage, caller and value stay.
    pub const fn delegate(code: &'a Hash) -> Self {
        Call::new(Target::Delegate(code))
    }

    /// With at most so much gas; without this, with all that may be given.
    pub const fn gas(mut self, gas: u64) -> Self {
        self.gas = gas;
        self
    }

    /// With an amount. Only calls of [`Call::to`] can bring one; others revert with `value`.
    pub const fn value(mut self, value: Amount) -> Self {
        self.value = value;
        self
    }

    /// This account may be entered again meanwhile. Everything must be in storage by now.
    pub const fn allow_reentry(mut self) -> Self {
        self.flags |= raw::ALLOW_REENTRY;
        self
    }

    /// Calls the function of this selector and decodes its result.
    ///
    /// # Errors
    /// When the call fails. A result that does not decode reverts this frame with `result`.
    pub fn invoke<R: Decode>(self, function: Selector, arguments: &impl Encode) -> Result<R, Failure> {
        let mut input = Vec::with_capacity(4 + arguments.size_hint());
        input.extend(function);
        arguments.encode_to(&mut input);
        let result = self.bytes(&input)?;
        Ok(R::decode(&mut &result[..]).unwrap_or_else(|_| revert("result")))
    }

    /// As [`Call::invoke`]; a failure reverts this frame, too, with the same data.
    pub fn must<R: Decode>(self, function: Selector, arguments: &impl Encode) -> R {
        self.invoke(function, arguments).unwrap_or_else(|failure| failure.pass_on())
    }

    /// Calls with this input; the output.
    ///
    /// # Errors
    /// When the call fails.
    pub fn bytes(self, input: &[u8]) -> Result<Vec<u8>, Failure> {
        let (at, len) = (input.as_ptr(), input.len() as u32);
        let (value, bytes) = (self.value != 0, self.value.to_le_bytes());
        if value && !matches!(self.target, Target::Account(_)) {
            revert("value");
        }
        let value = if value { bytes.as_ptr() } else { raw::NONE };
        // SAFETY: the host reads the input, 32 bytes of the target and, unless it is none, 16 of the value.
        let status = unsafe {
            match self.target {
                Target::Account(to) => raw::call(self.flags, self.gas, to.0.as_ptr(), value, at, len),
                Target::Static(to) => raw::call_static(self.flags, self.gas, to.0.as_ptr(), at, len),
                Target::Delegate(code) => raw::call_delegate(self.flags, self.gas, code.0.as_ptr(), at, len),
            }
        };
        ended(status, result())
    }
}

/// Makes an account with this code, at an address that creator, code and salt decide, and runs its `deploy`.
///
/// # Errors
/// When it fails; with [`Status::Exists`] the address is taken.
pub fn create(code: &Hash, value: Amount, salt: &[u8; 32], input: &[u8]) -> Result<Address, Failure> {
    let bytes = value.to_le_bytes();
    let value = if value == 0 { raw::NONE } else { bytes.as_ptr() };
    let mut address = Address::default();
    // SAFETY: the host reads the input, 32 bytes of code and salt, 16 of the value unless it is none, and writes 32.
    let status = unsafe {
        raw::create(
            u64::MAX,
            code.0.as_ptr(),
            value,
            salt.as_ptr(),
            input.as_ptr(),
            input.len() as u32,
            address.0.as_mut_ptr(),
        )
    };
    ended(status, result()).map(|_| address)
}

/// Pays an account. Nothing runs there.
///
/// # Errors
/// [`Status::NoBalance`].
pub fn transfer(to: &Address, amount: Amount) -> Result<(), Status> {
    // SAFETY: the host reads 32 and 16 bytes.
    let status = unsafe { raw::transfer(to.0.as_ptr(), amount.to_le_bytes().as_ptr()) };
    Status::of(status).map_or(Ok(()), Err)
}

/// Gives this account other code, from its next frame on.
///
/// # Errors
/// [`Status::NoCode`].
pub fn set_code(code: &Hash) -> Result<(), Status> {
    // SAFETY: the host reads 32 bytes.
    Status::of(unsafe { raw::code_set(code.0.as_ptr()) }).map_or(Ok(()), Err)
}

/// The code of an account, if it has any.
pub fn code_of(account: &Address) -> Option<Hash> {
    let mut hash = Hash::default();
    // SAFETY: the host reads 32 bytes and writes at most 32.
    let found = unsafe { raw::code_hash(account.0.as_ptr(), hash.0.as_mut_ptr()) };
    (found == 1).then_some(hash)
}

fn ended(status: u32, data: Vec<u8>) -> Result<Vec<u8>, Failure> {
    match Status::of(status) {
        None => Ok(data),
        Some(status) => Err(Failure { status, data }),
    }
}

fn result() -> Vec<u8> {
    // SAFETY: it has no pointers.
    let len = unsafe { raw::result_len() };
    if len == 0 {
        return Vec::new();
    }
    let mut bytes = alloc::vec![0; len as usize];
    // SAFETY: the host writes at most the room there is.
    unsafe { raw::result_read(0, bytes.as_mut_ptr(), len) };
    bytes
}
