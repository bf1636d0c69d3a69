//! Integer programs in Rust, for measuring engines.
//!
//! Owns one module a program, each with `run(n) -> checksum`. As a `cdylib` for wasm with one feature on, the crate is
//! that program and exports its `run`.

#![allow(
    clippy::needless_range_loop,
    clippy::precedence,
    clippy::should_implement_trait,
    reason = "the programs are written as their specifications are, with indices"
)]

macro_rules! programs {
    ($($name:ident $feature:literal)*) => {
        $(
            #[cfg(any(feature = "all", feature = $feature))]
            pub mod $name;
        )*

        /// The programs that are built in.
        pub const ALL: &[(&str, fn(i32) -> i64)] = &[$(
            #[cfg(any(feature = "all", feature = $feature))]
            (stringify!($name), $name::run),
        )*];
    };
}

programs! {
    sha256 "sha256"
    keccak256 "keccak256"
    blake2b "blake2b"
    ripemd160 "ripemd160"
    secp256k1 "secp256k1"
    ed25519 "ed25519"
    bn254 "bn254"
    bls12_381 "bls12_381"
    mod_pow "mod_pow"
    factorial "factorial"
    big_int "big_int"
    u256 "u256"
    evm "evm"
    token "token"
    hash_map "hash_map"
    b_tree_map "b_tree_map"
    quick_sort "quick_sort"
    heap_sort "heap_sort"
    std_sort "std_sort"
    json "json"
    tokens "tokens"
    regex "regex"
    scale "scale"
    validate "validate"
    strings "strings"
    deflate "deflate"
    lz4 "lz4"
    base64 "base64"
    varint "varint"
    levenshtein "levenshtein"
    stack_machine "stack_machine"
    function_table "function_table"
    shapes "shapes"
    brainfuck "brainfuck"
    fibonacci "fibonacci"
    ackermann "ackermann"
    takeuchi "takeuchi"
    queens "queens"
    sudoku "sudoku"
    life "life"
    dijkstra "dijkstra"
    xorshift "xorshift"
    sieve "sieve"
    matrix "matrix"
    copies "copies"
}

mod random;

/// The module's only export: the last program, for some need an earlier one.
#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "a wasm export has an unmangled name")]
#[unsafe(no_mangle)]
pub extern "C" fn run(n: i32) -> i64 {
    ALL[ALL.len() - 1].1(n)
}
