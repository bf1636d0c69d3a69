/* The host functions of Lockstep, version 1.

   Made from the list in lockstep-host-env by `BLESS=1 cargo test -p lockstep-host-env --test generated`. */
#ifndef LOCKSTEP_H
#define LOCKSTEP_H

#include <stdint.h>

/* The pointer that means "none", where a parameter allows it. */
#define LOCKSTEP_NONE ((const uint8_t *)0xffffffffu)
/* The flag of calls that lets the calling account be entered again meanwhile. */
#define LOCKSTEP_ALLOW_REENTRY 1u
/* The flag of ECDSA verification that refuses a high s. */
#define LOCKSTEP_LOW_S 1u
/* It did what it was to do. */
#define LOCKSTEP_OK 0u
/* It was undone on purpose; there is a result. */
#define LOCKSTEP_REVERTED 1u
/* It trapped or misused the host. */
#define LOCKSTEP_TRAPPED 2u
/* Its gas did not suffice. */
#define LOCKSTEP_OUT_OF_GAS 3u
/* The account does not own that much. */
#define LOCKSTEP_NO_BALANCE 4u
/* There are too many frames already. */
#define LOCKSTEP_DEPTH 5u
/* The account is active and did not allow to be entered again. */
#define LOCKSTEP_REENTRANT 6u
/* There is no such code. */
#define LOCKSTEP_NO_CODE 7u
/* There is an account of this address. */
#define LOCKSTEP_EXISTS 8u

#define LOCKSTEP_IMPORT(name) __attribute__((import_module("lockstep"), import_name(name)))

/* The length of this frame's input. */
LOCKSTEP_IMPORT("input_len")
uint32_t lockstep_input_len(void);
/* Copies this frame's input from offset `off`, as much as there is and at most `len` bytes; returns how many. */
LOCKSTEP_IMPORT("input_read")
uint32_t lockstep_input_read(uint32_t off, uint8_t *out, uint32_t len);
/* Sets this frame's output; a later call replaces it. */
LOCKSTEP_IMPORT("output")
void lockstep_output(const uint8_t *ptr, uint32_t len);
/* Ends the frame as reverted, with this data. */
LOCKSTEP_IMPORT("revert") __attribute__((noreturn))
void lockstep_revert(const uint8_t *ptr, uint32_t len);
/* Ends the frame well, with the output set so far. */
LOCKSTEP_IMPORT("exit") __attribute__((noreturn))
void lockstep_exit(void);
/* The length of what this frame's last nested call or create returned; 0 if nothing. */
LOCKSTEP_IMPORT("result_len")
uint32_t lockstep_result_len(void);
/* As `input_read`, of what this frame's last nested call or create returned. */
LOCKSTEP_IMPORT("result_read")
uint32_t lockstep_result_read(uint32_t off, uint8_t *out, uint32_t len);
/* The gas left after paying for this call. */
LOCKSTEP_IMPORT("gas_left")
uint64_t lockstep_gas_left(void);
/* The account whose storage this is, 32 bytes; in a delegate call that of the calling frame. */
LOCKSTEP_IMPORT("self_address")
void lockstep_self_address(uint8_t *out);
/* The account that called this frame, 32 bytes; a delegate call keeps it. */
LOCKSTEP_IMPORT("caller")
void lockstep_caller(uint8_t *out);
/* The sender of the transaction, 32 bytes. */
LOCKSTEP_IMPORT("origin")
void lockstep_origin(uint8_t *out);
/* The amount that came with this frame, 16 bytes; a delegate call keeps it. */
LOCKSTEP_IMPORT("value")
void lockstep_value(uint8_t *out);
/* 1 in a static frame, otherwise 0. */
LOCKSTEP_IMPORT("is_static")
uint32_t lockstep_is_static(void);
/* The height of the block. */
LOCKSTEP_IMPORT("block_height")
uint64_t lockstep_block_height(void);
/* The time of the block, in milliseconds since the start of 1970. */
LOCKSTEP_IMPORT("block_time")
uint64_t lockstep_block_time(void);
/* The number of the chain. */
LOCKSTEP_IMPORT("chain_id")
uint64_t lockstep_chain_id(void);
/* Writes the value of a key to `out`, at most `cap` bytes of it; returns the value's length, or -1. */
LOCKSTEP_IMPORT("storage_get")
int32_t lockstep_storage_get(const uint8_t *key, uint32_t key_len, uint8_t *out, uint32_t cap);
/* The length of a key's value, or -1. */
LOCKSTEP_IMPORT("storage_len")
int32_t lockstep_storage_len(const uint8_t *key, uint32_t key_len);
/* Sets the value of a key; returns the length before, or -1. An empty value is a value. */
LOCKSTEP_IMPORT("storage_set")
int32_t lockstep_storage_set(const uint8_t *key, uint32_t key_len, const uint8_t *val, uint32_t val_len);
/* Removes a key; returns the length of its value, or -1. */
LOCKSTEP_IMPORT("storage_remove")
int32_t lockstep_storage_remove(const uint8_t *key, uint32_t key_len);
/* Replaces `key` by the smallest key under the prefix that is greater (`key_len` 0: by the first); returns its length, or -1 and writes nothing. */
LOCKSTEP_IMPORT("storage_next")
int32_t lockstep_storage_next(const uint8_t *prefix, uint32_t prefix_len, uint8_t *key, uint32_t key_len, uint32_t cap);
/* Replaces `key` by the greatest key under the prefix that is smaller (`key_len` 0: by the last); returns its length, or -1 and writes nothing. */
LOCKSTEP_IMPORT("storage_prev")
int32_t lockstep_storage_prev(const uint8_t *prefix, uint32_t prefix_len, uint8_t *key, uint32_t key_len, uint32_t cap);
/* As `storage_get`, of the storage that lives as long as the transaction. */
LOCKSTEP_IMPORT("transient_get")
int32_t lockstep_transient_get(const uint8_t *key, uint32_t key_len, uint8_t *out, uint32_t cap);
/* As `storage_set`, of the storage that lives as long as the transaction; `val` none removes. */
LOCKSTEP_IMPORT("transient_set")
int32_t lockstep_transient_set(const uint8_t *key, uint32_t key_len, const uint8_t *val, uint32_t val_len);
/* The balance of an account, 16 bytes; 0 where there is none. */
LOCKSTEP_IMPORT("balance")
void lockstep_balance(const uint8_t *addr, uint8_t *out);
/* Writes the hash of an account's code and returns 1, or returns 0 where it has none. */
LOCKSTEP_IMPORT("code_hash")
uint32_t lockstep_code_hash(const uint8_t *addr, uint8_t *out);
/* Moves an amount of 16 bytes to another account and runs no code; returns OK or NO_BALANCE. */
LOCKSTEP_IMPORT("transfer")
uint32_t lockstep_transfer(const uint8_t *to, const uint8_t *amount);
/* Calls another account's code with a value or none; returns a status. Flag 1: may be entered again. */
LOCKSTEP_IMPORT("call")
uint32_t lockstep_call(uint32_t flags, uint64_t gas, const uint8_t *to, const uint8_t *value, const uint8_t *input, uint32_t input_len);
/* As `call`, without a value, into a static frame. */
LOCKSTEP_IMPORT("call_static")
uint32_t lockstep_call_static(uint32_t flags, uint64_t gas, const uint8_t *to, const uint8_t *input, uint32_t input_len);
/* Runs other code on this account: caller and value stay; returns a status. */
LOCKSTEP_IMPORT("call_delegate")
uint32_t lockstep_call_delegate(uint32_t flags, uint64_t gas, const uint8_t *code_hash, const uint8_t *input, uint32_t input_len);
/* Makes an account with this code and runs its `deploy`, if exported; returns a status. The address goes to `out` with the statuses 0, 1, 2, 3 and 8. */
LOCKSTEP_IMPORT("create")
uint32_t lockstep_create(uint64_t gas, const uint8_t *code_hash, const uint8_t *value, const uint8_t *salt, const uint8_t *input, uint32_t input_len, uint8_t *out);
/* Gives this account other code, from its next frame on; returns OK or NO_CODE. */
LOCKSTEP_IMPORT("code_set")
uint32_t lockstep_code_set(const uint8_t *code_hash);
/* Emits an event with `count` topics of 32 bytes each. */
LOCKSTEP_IMPORT("event")
void lockstep_event(const uint8_t *topics, uint32_t count, const uint8_t *data, uint32_t len);
/* SHA2-256, 32 bytes. */
LOCKSTEP_IMPORT("hash_sha2_256")
void lockstep_hash_sha2_256(const uint8_t *ptr, uint32_t len, uint8_t *out);
/* SHA3-256, 32 bytes. */
LOCKSTEP_IMPORT("hash_sha3_256")
void lockstep_hash_sha3_256(const uint8_t *ptr, uint32_t len, uint8_t *out);
/* Keccak-256 as Ethereum has it, 32 bytes. */
LOCKSTEP_IMPORT("hash_keccak_256")
void lockstep_hash_keccak_256(const uint8_t *ptr, uint32_t len, uint8_t *out);
/* BLAKE2b with a digest of 32 bytes. */
LOCKSTEP_IMPORT("hash_blake2b_256")
void lockstep_hash_blake2b_256(const uint8_t *ptr, uint32_t len, uint8_t *out);
/* BLAKE3, 32 bytes. */
LOCKSTEP_IMPORT("hash_blake3")
void lockstep_hash_blake3(const uint8_t *ptr, uint32_t len, uint8_t *out);
/* RIPEMD-160, 20 bytes. */
LOCKSTEP_IMPORT("hash_ripemd_160")
void lockstep_hash_ripemd_160(const uint8_t *ptr, uint32_t len, uint8_t *out);
/* Verifies an ECDSA signature r, s of 64 bytes over a hash of 32 bytes; the key is SEC1 of 33 or 65 bytes. Flag 1: a high s is refused. */
LOCKSTEP_IMPORT("secp256k1_verify")
uint32_t lockstep_secp256k1_verify(uint32_t flags, const uint8_t *hash, const uint8_t *sig, const uint8_t *key, uint32_t key_len);
/* Recovers the key x, y of 64 bytes from a signature r, s and a recovery id of 0 to 3. */
LOCKSTEP_IMPORT("secp256k1_recover")
uint32_t lockstep_secp256k1_recover(uint32_t id, const uint8_t *hash, const uint8_t *sig, uint8_t *out);
/* As `secp256k1_verify`, on the curve P-256. */
LOCKSTEP_IMPORT("secp256r1_verify")
uint32_t lockstep_secp256r1_verify(uint32_t flags, const uint8_t *hash, const uint8_t *sig, const uint8_t *key, uint32_t key_len);
/* Verifies an Ed25519 signature of 64 bytes with a key of 32 bytes, by ZIP-215. */
LOCKSTEP_IMPORT("ed25519_verify")
uint32_t lockstep_ed25519_verify(const uint8_t *sig, const uint8_t *key, const uint8_t *msg, uint32_t msg_len);
/* Adds two points of 64 bytes, as EIP-196. */
LOCKSTEP_IMPORT("bn254_add")
uint32_t lockstep_bn254_add(const uint8_t *input, uint8_t *out);
/* Multiplies a point of 64 bytes by a number of 32 bytes, as EIP-196. */
LOCKSTEP_IMPORT("bn254_mul")
uint32_t lockstep_bn254_mul(const uint8_t *input, uint8_t *out);
/* 1 iff the product of the pairings of `count` pairs of 192 bytes is one, as EIP-197. */
LOCKSTEP_IMPORT("bn254_pairing")
uint32_t lockstep_bn254_pairing(const uint8_t *input, uint32_t count);
/* Adds two points of 128 bytes, as EIP-2537. */
LOCKSTEP_IMPORT("bls12_381_g1_add")
uint32_t lockstep_bls12_381_g1_add(const uint8_t *input, uint8_t *out);
/* Adds two points of 256 bytes, as EIP-2537. */
LOCKSTEP_IMPORT("bls12_381_g2_add")
uint32_t lockstep_bls12_381_g2_add(const uint8_t *input, uint8_t *out);
/* The sum of `count` points with their multipliers, 160 bytes each, as EIP-2537. */
LOCKSTEP_IMPORT("bls12_381_g1_msm")
uint32_t lockstep_bls12_381_g1_msm(const uint8_t *input, uint32_t count, uint8_t *out);
/* The sum of `count` points with their multipliers, 288 bytes each, as EIP-2537. */
LOCKSTEP_IMPORT("bls12_381_g2_msm")
uint32_t lockstep_bls12_381_g2_msm(const uint8_t *input, uint32_t count, uint8_t *out);
/* Maps a field element of 64 bytes to a point of 128, as EIP-2537. */
LOCKSTEP_IMPORT("bls12_381_map_g1")
uint32_t lockstep_bls12_381_map_g1(const uint8_t *input, uint8_t *out);
/* Maps a field element of 128 bytes to a point of 256, as EIP-2537. */
LOCKSTEP_IMPORT("bls12_381_map_g2")
uint32_t lockstep_bls12_381_map_g2(const uint8_t *input, uint8_t *out);
/* 1 iff the product of the pairings of `count` pairs of 384 bytes is one, as EIP-2537. */
LOCKSTEP_IMPORT("bls12_381_pairing")
uint32_t lockstep_bls12_381_pairing(const uint8_t *input, uint32_t count);
/* A text for whoever listens. It costs the same and changes nothing, whether anybody does or not. */
LOCKSTEP_IMPORT("debug")
void lockstep_debug(const uint8_t *ptr, uint32_t len);

#endif
