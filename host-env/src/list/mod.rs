//! The list of host functions: each once, with its name, type, price, version and meaning.
//!
//! Owns everything about a host function that is not its implementation. The linker, the fingerprint, the price table
//! and the guest headers are made from it. It must not know how a function does its work, only where that is written.

mod header;
mod price;

pub use header::{c_header, price_table, rust_header};
pub use price::{FunctionPrices, HostSchedule, HostScheduleError, Unit};

use crate::frame::{Frame, Node};
use crate::function;
use crate::observe::{self, Answer};
use lockstep_vm::{Caller, Error, FuncType, HostLinker, ValType};

/// The module name of every import.
pub const MODULE: &str = "lockstep";

/// The version of the list: the greatest `since` in it.
pub const ABI_VERSION: u16 = 1;

/// What a parameter is, which decides its wasm type and how the guest headers declare it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ParamKind {
    /// A pointer to bytes that the host reads.
    In,
    /// As `In`, or [`NONE`](crate::NONE).
    InOrNone,
    /// A pointer to bytes that the host writes.
    Out,
    /// A pointer to bytes that the host reads and then writes.
    InOut,
    /// A length, a capacity, a count, an offset, flags or a small number.
    U32,
    /// An amount of gas.
    U64,
}

impl ParamKind {
    /// Its name in the fingerprint.
    const fn name(self) -> &'static str {
        match self {
            ParamKind::In => "in",
            ParamKind::InOrNone => "in or none",
            ParamKind::Out => "out",
            ParamKind::InOut => "in out",
            ParamKind::U32 => "u32",
            ParamKind::U64 => "u64",
        }
    }

    /// The wasm type.
    pub const fn ty(self) -> ValType {
        match self {
            ParamKind::In | ParamKind::InOrNone | ParamKind::Out | ParamKind::InOut | ParamKind::U32 => {
                ValType::I32
            }
            ParamKind::U64 => ValType::I64,
        }
    }
}

/// What a function returns.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ReturnKind {
    /// Nothing.
    Nothing,
    /// It does not return: it ends the frame.
    Never,
    /// A length, a status or a truth value, as `i32`.
    I32,
    /// A number read as unsigned, as `i64`.
    U64,
}

impl ReturnKind {
    /// Its name in the fingerprint.
    const fn name(self) -> &'static str {
        match self {
            ReturnKind::Nothing => "nothing",
            ReturnKind::Never => "never",
            ReturnKind::I32 => "i32",
            ReturnKind::U64 => "u64",
        }
    }

    /// The wasm type, if any.
    pub const fn ty(self) -> Option<ValType> {
        match self {
            ReturnKind::Nothing | ReturnKind::Never => None,
            ReturnKind::I32 => Some(ValType::I32),
            ReturnKind::U64 => Some(ValType::I64),
        }
    }
}

/// A part of a price beside the base: so much for each of something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct PricePart {
    /// Which unit price.
    pub unit: Unit,
    /// What is counted.
    pub of: &'static str,
}

/// What the list says of a function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct FunctionDef {
    /// The function.
    pub function: Function,
    /// The group it belongs to.
    pub section: &'static str,
    /// The import's name.
    pub name: &'static str,
    /// Names and kinds of the parameters.
    pub params: &'static [(&'static str, ParamKind)],
    /// What it returns.
    pub returns: ReturnKind,
    /// Whether static frames may not call it.
    pub changes_state: bool,
    /// The default base price, in gas.
    pub base: u32,
    /// The default of the unit that only this function has, in gas; 0 where it has none.
    pub own: u32,
    /// The parts of the price beside the base.
    pub parts: &'static [PricePart],
    /// The version of the list that first had it.
    pub since: u16,
    /// What it does, for people.
    pub doc: &'static str,
}

impl FunctionDef {
    /// The wasm type.
    pub fn ty(&self) -> FuncType {
        FuncType::new(self.params.iter().map(|(_, kind)| kind.ty()), self.returns.ty())
    }
}

macro_rules! define_functions {
    ($(
        $section:ident {
            $(
                $(#[doc = $doc:literal])*
                $name:ident $variant:ident ($($param:ident: $kind:ident),*) -> $returns:ident $effect:ident
                    since $since:literal price $base:literal $(own $own:literal)? [$($unit:ident $of:literal),*];
            )*
        }
    )*) => {
        /// A host function.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[non_exhaustive]
        pub enum Function { $($($(#[doc = $doc])* $variant,)*)* }

        /// Every function, in the order of the table.
        const LIST: &[FunctionDef] = &[$($(FunctionDef {
            function: Function::$variant,
            section: stringify!($section),
            name: stringify!($name),
            params: &[$((stringify!($param), ParamKind::$kind)),*],
            returns: ReturnKind::$returns,
            changes_state: define_functions!(@changes $effect),
            base: $base,
            own: 0 $(+ $own)?,
            parts: &[$(PricePart { unit: Unit::$unit, of: $of }),*],
            since: $since,
            doc: concat!($($doc),*),
        },)*)*];

        /// Defines every function in a linker, each by the Rust function of its name.
        pub(crate) fn define_all(linker: &mut HostLinker<Node>) -> Result<(), Error> {
            $($(
                #[allow(clippy::too_many_arguments, reason = "the guest has so many")]
                fn $name(
                    caller: Caller<'_, Frame<'_>>,
                    $($param: define_functions!(@word $kind),)*
                ) -> Result<define_functions!(@answer $returns), Error> {
                    observe::host_call(Function::$variant, caller, &[$(u64::from($param)),*], |caller| {
                        function::$section::$name(caller, $($param),*).map(Answer::word)
                    })
                }
                linker.func_wrap(MODULE, stringify!($name), $name)?;
            )*)*
            Ok(())
        }
    };
    (@word U64) => { u64 };
    (@word $other:ident) => { u32 };
    (@answer I32) => { u32 };
    (@answer U64) => { u64 };
    (@answer $nothing:ident) => { () };
    (@changes reads) => { false };
    (@changes changes) => { true };
}

define_functions! {
    frame {
        /// The length of this frame's input.
        input_len InputLen() -> I32 reads since 1 price 300 [];
        /// Copies this frame's input from offset `off`, as much as there is and at most `len` bytes; returns how many.
        input_read InputRead(off: U32, out: Out, len: U32) -> I32 reads since 1 price 350 [Write "copied"];
        /// Sets this frame's output; a later call replaces it.
        output Output(ptr: In, len: U32) -> Nothing reads since 1 price 350 [Read "len"];
        /// Ends the frame as reverted, with this data.
        revert Revert(ptr: In, len: U32) -> Never reads since 1 price 350 [Read "len"];
        /// Ends the frame well, with the output set so far.
        exit Exit() -> Never reads since 1 price 300 [];
        /// The length of what this frame's last nested call or create returned; 0 if nothing.
        result_len ResultLen() -> I32 reads since 1 price 300 [];
        /// As `input_read`, of what this frame's last nested call or create returned.
        result_read ResultRead(off: U32, out: Out, len: U32) -> I32 reads since 1 price 350 [Write "copied"];
        /// The gas left after paying for this call.
        gas_left GasLeft() -> U64 reads since 1 price 300 [];
    }
    context {
        /// The account whose storage this is, 32 bytes; in a delegate call that of the calling frame.
        self_address SelfAddress(out: Out) -> Nothing reads since 1 price 350 [];
        /// The account that called this frame, 32 bytes; a delegate call keeps it.
        caller Caller(out: Out) -> Nothing reads since 1 price 350 [];
        /// The sender of the transaction, 32 bytes.
        origin Origin(out: Out) -> Nothing reads since 1 price 350 [];
        /// The amount that came with this frame, 16 bytes; a delegate call keeps it.
        value Value(out: Out) -> Nothing reads since 1 price 350 [];
        /// 1 in a static frame, otherwise 0.
        is_static IsStatic() -> I32 reads since 1 price 300 [];
        /// The height of the block.
        block_height BlockHeight() -> U64 reads since 1 price 300 [];
        /// The time of the block, in milliseconds since the start of 1970.
        block_time BlockTime() -> U64 reads since 1 price 300 [];
        /// The number of the chain.
        chain_id ChainId() -> U64 reads since 1 price 300 [];
    }
    storage {
        /// Writes the value of a key to `out`, at most `cap` bytes of it; returns the value's length, or -1.
        storage_get StorageGet(key: In, key_len: U32, out: Out, cap: U32) -> I32 reads
            since 1 price 8_000 [Read "key", StateRead "value", Write "copied"];
        /// The length of a key's value, or -1.
        storage_len StorageLen(key: In, key_len: U32) -> I32 reads since 1 price 8_000 [Read "key"];
        /// Sets the value of a key; returns the length before, or -1. An empty value is a value.
        storage_set StorageSet(key: In, key_len: U32, val: In, val_len: U32) -> I32 changes
            since 1 price 16_000 [Read "key + val", StateWrite "val", NewEntry "if new"];
        /// Removes a key; returns the length of its value, or -1.
        storage_remove StorageRemove(key: In, key_len: U32) -> I32 changes since 1 price 16_000 [Read "key"];
        /// Replaces `key` by the smallest key under the prefix that is greater (`key_len` 0: by the first); returns its
        /// length, or -1 and writes nothing.
        storage_next StorageNext(prefix: In, prefix_len: U32, key: InOut, key_len: U32, cap: U32) -> I32 reads
            since 1 price 16_000 [Read "prefix + key", StateRead "found", Write "found"];
        /// Replaces `key` by the greatest key under the prefix that is smaller (`key_len` 0: by the last); returns its
        /// length, or -1 and writes nothing.
        storage_prev StoragePrev(prefix: In, prefix_len: U32, key: InOut, key_len: U32, cap: U32) -> I32 reads
            since 1 price 16_000 [Read "prefix + key", StateRead "found", Write "found"];
    }
    transient {
        /// As `storage_get`, of the storage that lives as long as the transaction.
        transient_get TransientGet(key: In, key_len: U32, out: Out, cap: U32) -> I32 reads
            since 1 price 1_000 [Read "key", Write "copied"];
        /// As `storage_set`, of the storage that lives as long as the transaction; `val` none removes.
        transient_set TransientSet(key: In, key_len: U32, val: InOrNone, val_len: U32) -> I32 changes
            since 1 price 2_000 [Read "key + val"];
    }
    account {
        /// The balance of an account, 16 bytes; 0 where there is none.
        balance Balance(addr: In, out: Out) -> Nothing reads since 1 price 8_000 [];
        /// Writes the hash of an account's code and returns 1, or returns 0 where it has none.
        code_hash CodeHash(addr: In, out: Out) -> I32 reads since 1 price 8_000 [];
        /// Moves an amount of 16 bytes to another account and runs no code; returns OK or NO_BALANCE.
        transfer Transfer(to: In, amount: In) -> I32 changes since 1 price 24_000 [NewEntry "if new"];
        /// Calls another account's code with a value or none; returns a status. Flag 1: may be entered again.
        call Call(flags: U32, gas: U64, to: In, value: InOrNone, input: In, input_len: U32) -> I32 reads
            since 1 price 40_000 [Read "input", Value "if value", Code "code"];
        /// As `call`, without a value, into a static frame.
        call_static CallStatic(flags: U32, gas: U64, to: In, input: In, input_len: U32) -> I32 reads
            since 1 price 40_000 [Read "input", Code "code"];
        /// Runs other code on this account: caller and value stay; returns a status.
        call_delegate CallDelegate(flags: U32, gas: U64, code_hash: In, input: In, input_len: U32) -> I32 reads
            since 1 price 40_000 [Read "input", Code "code"];
        /// Makes an account with this code and runs its `deploy`, if exported; returns a status. The address goes to
        /// `out` with the statuses 0, 1, 2, 3 and 8.
        create Create(gas: U64, code_hash: In, value: InOrNone, salt: In, input: In, input_len: U32, out: Out) -> I32
            changes since 1 price 60_000 [Read "input", NewEntry "always", Value "if value", Code "code"];
        /// Gives this account other code, from its next frame on; returns OK or NO_CODE.
        code_set CodeSet(code_hash: In) -> I32 changes since 1 price 24_000 [];
    }
    event {
        /// Emits an event with `count` topics of 32 bytes each.
        event Event(topics: In, count: U32, data: In, len: U32) -> Nothing changes
            since 1 price 1_000 [Topic "count", Read "len", EventData "len"];
    }
    hash {
        /// SHA2-256, 32 bytes.
        hash_sha2_256 HashSha2(ptr: In, len: U32, out: Out) -> Nothing reads
            since 1 price 600 own 700 [Own "blocks of 64", Write "out"];
        /// SHA3-256, 32 bytes.
        hash_sha3_256 HashSha3(ptr: In, len: U32, out: Out) -> Nothing reads
            since 1 price 600 own 2_400 [Own "blocks of 136", Write "out"];
        /// Keccak-256 as Ethereum has it, 32 bytes.
        hash_keccak_256 HashKeccak(ptr: In, len: U32, out: Out) -> Nothing reads
            since 1 price 600 own 2_400 [Own "blocks of 136", Write "out"];
        /// BLAKE2b with a digest of 32 bytes.
        hash_blake2b_256 HashBlake2b(ptr: In, len: U32, out: Out) -> Nothing reads
            since 1 price 600 own 1_000 [Own "blocks of 128", Write "out"];
        /// BLAKE3, 32 bytes.
        hash_blake3 HashBlake3(ptr: In, len: U32, out: Out) -> Nothing reads
            since 1 price 600 own 500 [Own "blocks of 64", Write "out"];
        /// RIPEMD-160, 20 bytes.
        hash_ripemd_160 HashRipemd(ptr: In, len: U32, out: Out) -> Nothing reads
            since 1 price 600 own 1_400 [Own "blocks of 64", Write "out"];
    }
    signature {
        /// Verifies an ECDSA signature r, s of 64 bytes over a hash of 32 bytes; the key is SEC1 of 33 or 65 bytes.
        /// Flag 1: a high s is refused.
        secp256k1_verify Secp256k1Verify(flags: U32, hash: In, sig: In, key: In, key_len: U32) -> I32 reads
            since 1 price 400_000 [];
        /// Recovers the key x, y of 64 bytes from a signature r, s and a recovery id of 0 to 3.
        secp256k1_recover Secp256k1Recover(id: U32, hash: In, sig: In, out: Out) -> I32 reads
            since 1 price 500_000 [];
        /// As `secp256k1_verify`, on the curve P-256.
        secp256r1_verify Secp256r1Verify(flags: U32, hash: In, sig: In, key: In, key_len: U32) -> I32 reads
            since 1 price 1_000_000 [];
        /// Verifies an Ed25519 signature of 64 bytes with a key of 32 bytes, by ZIP-215.
        ed25519_verify Ed25519Verify(sig: In, key: In, msg: In, msg_len: U32) -> I32 reads
            since 1 price 240_000 own 12 [Own "msg"];
    }
    curve {
        /// Adds two points of 64 bytes, as EIP-196.
        bn254_add Bn254Add(input: In, out: Out) -> I32 reads since 1 price 25_000 [];
        /// Multiplies a point of 64 bytes by a number of 32 bytes, as EIP-196.
        bn254_mul Bn254Mul(input: In, out: Out) -> I32 reads since 1 price 400_000 [];
        /// 1 iff the product of the pairings of `count` pairs of 192 bytes is one, as EIP-197.
        bn254_pairing Bn254Pairing(input: In, count: U32) -> I32 reads
            since 1 price 4_000_000 own 3_000_000 [Own "count"];
        /// Adds two points of 128 bytes, as EIP-2537.
        bls12_381_g1_add Bls12G1Add(input: In, out: Out) -> I32 reads since 1 price 60_000 [];
        /// Adds two points of 256 bytes, as EIP-2537.
        bls12_381_g2_add Bls12G2Add(input: In, out: Out) -> I32 reads since 1 price 80_000 [];
        /// The sum of `count` points with their multipliers, 160 bytes each, as EIP-2537.
        bls12_381_g1_msm Bls12G1Msm(input: In, count: U32, out: Out) -> I32 reads
            since 1 price 1_400_000 own 600_000 [Own "count"];
        /// The sum of `count` points with their multipliers, 288 bytes each, as EIP-2537.
        bls12_381_g2_msm Bls12G2Msm(input: In, count: U32, out: Out) -> I32 reads
            since 1 price 4_000_000 own 1_100_000 [Own "count"];
        /// Maps a field element of 64 bytes to a point of 128, as EIP-2537.
        bls12_381_map_g1 Bls12MapG1(input: In, out: Out) -> I32 reads since 1 price 800_000 [];
        /// Maps a field element of 128 bytes to a point of 256, as EIP-2537.
        bls12_381_map_g2 Bls12MapG2(input: In, out: Out) -> I32 reads since 1 price 2_400_000 [];
        /// 1 iff the product of the pairings of `count` pairs of 384 bytes is one, as EIP-2537.
        bls12_381_pairing Bls12Pairing(input: In, count: U32) -> I32 reads
            since 1 price 5_000_000 own 4_000_000 [Own "count"];
    }
    people {
        /// A text for whoever listens. It costs the same and changes nothing, whether anybody does or not.
        debug Debug(ptr: In, len: U32) -> Nothing reads since 1 price 350 [Read "len"];
    }
}

impl Function {
    /// How many there are.
    pub const COUNT: usize = LIST.len();

    /// Every function, in the order of the table.
    pub fn all() -> impl ExactSizeIterator<Item = Function> {
        LIST.iter().map(|def| def.function)
    }

    /// What the list says of it.
    pub fn def(self) -> &'static FunctionDef {
        &LIST[self as usize]
    }

    /// The function of this name.
    pub fn from_name(name: &str) -> Option<Function> {
        LIST.iter().find(|def| def.name == name).map(|def| def.function)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_list_is_in_order_and_names_are_unique() {
        assert_eq!(Function::COUNT, 54);
        let mut names = BTreeSet::new();
        for (index, def) in LIST.iter().enumerate() {
            assert_eq!(def.function as usize, index);
            assert!(names.insert(def.name), "{}", def.name);
            assert_eq!(Function::from_name(def.name), Some(def.function));
            assert!((1..=ABI_VERSION).contains(&def.since), "{}", def.name);
            assert!(def.params.len() <= 7, "{}: with the context they stay in registers", def.name);
            assert_eq!(def.own != 0, def.parts.iter().any(|part| part.unit == Unit::Own), "{}", def.name);
        }
    }
}
