//! The host functions of Lockstep, version 1.
//!
//! Made from the list in lockstep-host-env by `BLESS=1 cargo test -p lockstep-host-env --test generated`.

#![allow(dead_code)]

/// The pointer that means "none", where a parameter allows it.
pub const NONE: *const u8 = usize::MAX as *const u8;
/// The flag of calls that lets the calling account be entered again meanwhile.
pub const ALLOW_REENTRY: u32 = 1;
/// The flag of ECDSA verification that refuses a high s.
pub const LOW_S: u32 = 1;
/// It did what it was to do.
pub const OK: u32 = 0;
/// It was undone on purpose; there is a result.
pub const REVERTED: u32 = 1;
/// It trapped or misused the host.
pub const TRAPPED: u32 = 2;
/// Its gas did not suffice.
pub const OUT_OF_GAS: u32 = 3;
/// The account does not own that much.
pub const NO_BALANCE: u32 = 4;
/// There are too many frames already.
pub const DEPTH: u32 = 5;
/// The account is active and did not allow to be entered again.
pub const REENTRANT: u32 = 6;
/// There is no such code.
pub const NO_CODE: u32 = 7;
/// There is an account of this address.
pub const EXISTS: u32 = 8;

#[link(wasm_import_module = "lockstep")]
unsafe extern "C" {
    /// The length of this frame's input.
    pub fn input_len() -> u32;
    /// Copies this frame's input from offset `off`, as much as there is and at most `len` bytes; returns how many.
    pub fn input_read(off: u32, out: *mut u8, len: u32) -> u32;
    /// Sets this frame's output; a later call replaces it.
    pub fn output(ptr: *const u8, len: u32);
    /// Ends the frame as reverted, with this data.
    pub fn revert(ptr: *const u8, len: u32) -> !;
    /// Ends the frame well, with the output set so far.
    pub fn exit() -> !;
    /// The length of what this frame's last nested call or create returned; 0 if nothing.
    pub fn result_len() -> u32;
    /// As `input_read`, of what this frame's last nested call or create returned.
    pub fn result_read(off: u32, out: *mut u8, len: u32) -> u32;
    /// The gas left after paying for this call.
    pub fn gas_left() -> u64;
    /// The account whose storage this is, 32 bytes; in a delegate call that of the calling frame.
    pub fn self_address(out: *mut u8);
    /// The account that called this frame, 32 bytes; a delegate call keeps it.
    pub fn caller(out: *mut u8);
    /// The sender of the transaction, 32 bytes.
    pub fn origin(out: *mut u8);
    /// The amount that came with this frame, 16 bytes; a delegate call keeps it.
    pub fn value(out: *mut u8);
    /// 1 in a static frame, otherwise 0.
    pub fn is_static() -> u32;
    /// The height of the block.
    pub fn block_height() -> u64;
    /// The time of the block, in milliseconds since the start of 1970.
    pub fn block_time() -> u64;
    /// The number of the chain.
    pub fn chain_id() -> u64;
    /// Writes the value of a key to `out`, at most `cap` bytes of it; returns the value's length, or -1.
    pub fn storage_get(key: *const u8, key_len: u32, out: *mut u8, cap: u32) -> i32;
    /// The length of a key's value, or -1.
    pub fn storage_len(key: *const u8, key_len: u32) -> i32;
    /// Sets the value of a key; returns the length before, or -1. An empty value is a value.
    pub fn storage_set(key: *const u8, key_len: u32, val: *const u8, val_len: u32) -> i32;
    /// Removes a key; returns the length of its value, or -1.
    pub fn storage_remove(key: *const u8, key_len: u32) -> i32;
    /// Replaces `key` by the smallest key under the prefix that is greater (`key_len` 0: by the first); returns its length, or -1 and writes nothing.
    pub fn storage_next(prefix: *const u8, prefix_len: u32, key: *mut u8, key_len: u32, cap: u32) -> i32;
    /// Replaces `key` by the greatest key under the prefix that is smaller (`key_len` 0: by the last); returns its length, or -1 and writes nothing.
    pub fn storage_prev(prefix: *const u8, prefix_len: u32, key: *mut u8, key_len: u32, cap: u32) -> i32;
    /// As `storage_get`, of the storage that lives as long as the transaction.
    pub fn transient_get(key: *const u8, key_len: u32, out: *mut u8, cap: u32) -> i32;
    /// As `storage_set`, of the storage that lives as long as the transaction; `val` none removes.
    pub fn transient_set(key: *const u8, key_len: u32, val: *const u8, val_len: u32) -> i32;
    /// The balance of an account, 16 bytes; 0 where there is none.
    pub fn balance(addr: *const u8, out: *mut u8);
    /// Writes the hash of an account's code and returns 1, or returns 0 where it has none.
    pub fn code_hash(addr: *const u8, out: *mut u8) -> u32;
    /// Moves an amount of 16 bytes to another account and runs no code; returns OK or NO_BALANCE.
    pub fn transfer(to: *const u8, amount: *const u8) -> u32;
    /// Calls another account's code with a value or none; returns a status. Flag 1: may be entered again.
    pub fn call(flags: u32, gas: u64, to: *const u8, value: *const u8, input: *const u8, input_len: u32) -> u32;
    /// As `call`, without a value, into a static frame.
    pub fn call_static(flags: u32, gas: u64, to: *const u8, input: *const u8, input_len: u32) -> u32;
    /// Runs other code on this account: caller and value stay; returns a status.
    pub fn call_delegate(flags: u32, gas: u64, code_hash: *const u8, input: *const u8, input_len: u32) -> u32;
    /// Makes an account with this code and runs its `deploy`, if exported; returns a status. The address goes to `out` with the statuses 0, 1, 2, 3 and 8.
    pub fn create(gas: u64, code_hash: *const u8, value: *const u8, salt: *const u8, input: *const u8, input_len: u32, out: *mut u8) -> u32;
    /// Gives this account other code, from its next frame on; returns OK or NO_CODE.
    pub fn code_set(code_hash: *const u8) -> u32;
    /// Emits an event with `count` topics of 32 bytes each.
    pub fn event(topics: *const u8, count: u32, data: *const u8, len: u32);
    /// SHA2-256, 32 bytes.
    pub fn hash_sha2_256(ptr: *const u8, len: u32, out: *mut u8);
    /// SHA3-256, 32 bytes.
    pub fn hash_sha3_256(ptr: *const u8, len: u32, out: *mut u8);
    /// Keccak-256 as Ethereum has it, 32 bytes.
    pub fn hash_keccak_256(ptr: *const u8, len: u32, out: *mut u8);
    /// BLAKE2b with a digest of 32 bytes.
    pub fn hash_blake2b_256(ptr: *const u8, len: u32, out: *mut u8);
    /// BLAKE3, 32 bytes.
    pub fn hash_blake3(ptr: *const u8, len: u32, out: *mut u8);
    /// RIPEMD-160, 20 bytes.
    pub fn hash_ripemd_160(ptr: *const u8, len: u32, out: *mut u8);
    /// Verifies an ECDSA signature r, s of 64 bytes over a hash of 32 bytes; the key is SEC1 of 33 or 65 bytes. Flag 1: a high s is refused.
    pub fn secp256k1_verify(flags: u32, hash: *const u8, sig: *const u8, key: *const u8, key_len: u32) -> u32;
    /// Recovers the key x, y of 64 bytes from a signature r, s and a recovery id of 0 to 3.
    pub fn secp256k1_recover(id: u32, hash: *const u8, sig: *const u8, out: *mut u8) -> u32;
    /// As `secp256k1_verify`, on the curve P-256.
    pub fn secp256r1_verify(flags: u32, hash: *const u8, sig: *const u8, key: *const u8, key_len: u32) -> u32;
    /// Verifies an Ed25519 signature of 64 bytes with a key of 32 bytes, by ZIP-215.
    pub fn ed25519_verify(sig: *const u8, key: *const u8, msg: *const u8, msg_len: u32) -> u32;
    /// Adds two points of 64 bytes, as EIP-196.
    pub fn bn254_add(input: *const u8, out: *mut u8) -> u32;
    /// Multiplies a point of 64 bytes by a number of 32 bytes, as EIP-196.
    pub fn bn254_mul(input: *const u8, out: *mut u8) -> u32;
    /// 1 iff the product of the pairings of `count` pairs of 192 bytes is one, as EIP-197.
    pub fn bn254_pairing(input: *const u8, count: u32) -> u32;
    /// Adds two points of 128 bytes, as EIP-2537.
    pub fn bls12_381_g1_add(input: *const u8, out: *mut u8) -> u32;
    /// Adds two points of 256 bytes, as EIP-2537.
    pub fn bls12_381_g2_add(input: *const u8, out: *mut u8) -> u32;
    /// The sum of `count` points with their multipliers, 160 bytes each, as EIP-2537.
    pub fn bls12_381_g1_msm(input: *const u8, count: u32, out: *mut u8) -> u32;
    /// The sum of `count` points with their multipliers, 288 bytes each, as EIP-2537.
    pub fn bls12_381_g2_msm(input: *const u8, count: u32, out: *mut u8) -> u32;
    /// Maps a field element of 64 bytes to a point of 128, as EIP-2537.
    pub fn bls12_381_map_g1(input: *const u8, out: *mut u8) -> u32;
    /// Maps a field element of 128 bytes to a point of 256, as EIP-2537.
    pub fn bls12_381_map_g2(input: *const u8, out: *mut u8) -> u32;
    /// 1 iff the product of the pairings of `count` pairs of 384 bytes is one, as EIP-2537.
    pub fn bls12_381_pairing(input: *const u8, count: u32) -> u32;
    /// A text for whoever listens. It costs the same and changes nothing, whether anybody does or not.
    pub fn debug(ptr: *const u8, len: u32);
}
