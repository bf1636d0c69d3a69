//! The programs: built modules, their argument, and the same source as host code.
//!
//! Owns the list. A program exports `run(n: i32) -> i64`, imports nothing, has no floats, and returns a checksum that
//! depends on all it computed.

use crate::engine::Program;
use anyhow::{Result, bail};
use lockstep_bench_programs as programs;

/// A program with its argument.
#[derive(Clone, Copy)]
pub struct Workload {
    /// The name, which is also that of the module's file.
    pub name: &'static str,
    /// The module, and the host code of a program in Rust.
    pub program: Program<'static>,
    /// The argument, so large that an optimiser's code runs for some 10 ms.
    pub n: i32,
}

macro_rules! workloads {
    (rust { $($rust:ident $rust_n:literal)* } c { $($c:ident $c_n:literal)* }) => {
        &[
            $(Workload {
                name: stringify!($rust),
                program: Program {
                    wasm: include_bytes!(concat!("../wasm/", stringify!($rust), ".wasm")),
                    host: Some(programs::$rust::run),
                },
                n: $rust_n,
            },)*
            $(Workload {
                name: stringify!($c),
                program: Program {
                    wasm: include_bytes!(concat!("../wasm/", stringify!($c), ".wasm")),
                    host: None,
                },
                n: $c_n,
            },)*
        ]
    };
}

/// Every program.
pub const ALL: &[Workload] = workloads! {
    rust {
        sha256 2500
        keccak256 2000
        blake2b 10000
        ripemd160 4000
        secp256k1 20
        ed25519 100
        bn254 40
        bls12_381 1
        mod_pow 70
        factorial 4200
        big_int 1500
        u256 6000
        evm 1400
        token 40
        hash_map 400
        b_tree_map 50
        quick_sort 150
        heap_sort 120
        std_sort 80
        json 100
        tokens 180
        regex 50
        scale 140
        validate 1500
        strings 250
        deflate 150
        lz4 500
        base64 600
        varint 230
        levenshtein 150
        stack_machine 20000
        function_table 170000
        shapes 500
        brainfuck 7
        fibonacci 33
        ackermann 220
        takeuchi 27
        queens 12
        sudoku 18
        life 600
        dijkstra 150
        xorshift 6000
        sieve 3000
        matrix 190
        copies 60
    }
    c {
        crc32 60
        md5 75000
        aes 40000
        huffman 8
        shortest_paths 160
        pancakes 9
        search 50
        lists 20000
    }
};

/// The programs whose name contains one of the filters, or all when there are none.
///
/// # Errors
/// No name contains any of them.
pub fn select(filters: &[String]) -> Result<Vec<Workload>> {
    let matches = |workload: &&Workload| {
        filters.is_empty() || filters.iter().any(|filter| workload.name.contains(filter.as_str()))
    };
    let workloads: Vec<Workload> = ALL.iter().filter(matches).copied().collect();
    if workloads.is_empty() {
        bail!("no program has {} in its name", filters.join(" or "));
    }
    Ok(workloads)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_module_is_listed_once() {
        let listed: BTreeSet<String> = ALL.iter().map(|workload| format!("{}.wasm", workload.name)).collect();
        assert_eq!(listed.len(), ALL.len());
        let built: BTreeSet<String> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/wasm"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".wasm"))
            .collect();
        assert_eq!(listed, built);
    }

    /// What a contract may be: no imports, no floats, within the default limits.
    #[test]
    fn every_program_is_a_contract() {
        let engine = lockstep_vm::Engine::default();
        for workload in ALL {
            let module = lockstep_vm::Module::new(&engine, workload.program.wasm).unwrap();
            assert_eq!(module.imports().len(), 0, "{}", workload.name);
        }
    }
}
