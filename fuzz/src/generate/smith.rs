//! Modules by wasm-smith, configured to what Lockstep accepts.
//!
//! Owns that configuration. Such modules use the corners of the format (odd sections, unused types, deep
//! nesting of unusual blocks); whether they do useful work is left to chance. It must not know the other
//! generator.

use arbitrary::Unstructured;
use wasm_smith::{Config, InstructionKind, InstructionKinds, MemoryOffsetChoices};

use crate::random::Random;

/// The module of `seed`, with floats or without. It is valid under [`crate::features::FEATURES`], imports
/// nothing, and exports everything that can be exported.
///
/// wasm-smith's choice among known imports would switch on wasmparser's SIMD operators for the whole
/// workspace, so host calls are left to [`super::program`].
pub fn smith(seed: u64, floats: bool) -> Vec<u8> {
    let mut random = Random::new(seed);
    loop {
        let config = config(&mut random, floats);
        let len = random.log_range(4_096, 65_536) as usize;
        let bytes = random.bytes(len);
        if let Ok(module) = wasm_smith::Module::new(config, &mut Unstructured::new(&bytes)) {
            return module.to_bytes();
        }
    }
}

/// The module made of a fuzzer's bytes, so that the fuzzer can change it bit by bit; nothing when they are too few.
pub fn smith_of(bytes: &[u8]) -> Option<Vec<u8>> {
    let (head, tail) = bytes.split_first_chunk()?;
    let config = config(&mut Random::new(u64::from_le_bytes(*head)), head[7] & 1 == 1);
    let module = wasm_smith::Module::new(config, &mut Unstructured::new(tail)).ok()?;
    Some(module.to_bytes())
}

fn config(random: &mut Random, floats: bool) -> Config {
    // Without traps most functions run to their end; with them the traps themselves are tested.
    let disallow_traps = random.percent(60);
    // With branches and calls most code is an endless loop, so half of the modules go without.
    let mut instructions = InstructionKinds::all();
    if random.percent(50) {
        instructions = InstructionKinds::new(&[
            InstructionKind::Numeric,
            InstructionKind::Parametric,
            InstructionKind::Variable,
            InstructionKind::Reference,
            InstructionKind::Table,
            InstructionKind::Memory,
        ]);
    }
    Config {
        allowed_instructions: instructions,
        allow_floats: floats,
        allow_start_export: random.percent(30),
        disallow_traps,
        export_everything: true,
        generate_custom_sections: random.percent(10),
        max_imports: 0,
        min_funcs: random.range(1, 6),
        max_funcs: 12,
        max_instructions: random.log_range(50, 1_600) as usize,
        max_nesting_depth: random.range(2, 24),
        min_types: random.range(1, 6),
        max_types: 12,
        max_type_size: 16,
        min_globals: random.below(4),
        max_globals: 8,
        max_memories: 1,
        min_memories: u32::from(random.percent(80)),
        max_memory32_bytes: 4 << 16,
        memory_max_size_required: random.percent(90),
        memory_offset_choices: MemoryOffsetChoices(95, 4, 1),
        min_tables: random.below(3) as u32,
        max_tables: 3,
        max_table_elements: 40,
        table_max_size_required: random.percent(90),
        min_data_segments: random.below(3),
        max_data_segments: 6,
        min_element_segments: random.below(3),
        max_element_segments: 6,
        max_elements: 20,
        max_exports: 60,
        bulk_memory_enabled: true,
        extended_const_enabled: true,
        multi_value_enabled: true,
        reference_types_enabled: true,
        saturating_float_to_int_enabled: true,
        sign_extension_ops_enabled: true,
        tail_call_enabled: true,
        canonicalize_nans: false,
        acquire_release_atomics_enabled: false,
        compact_imports_enabled: false,
        custom_descriptors_enabled: false,
        custom_page_sizes_enabled: false,
        exceptions_enabled: false,
        gc_enabled: false,
        memory64_enabled: false,
        multibyte_array_access_enabled: false,
        relaxed_simd_enabled: false,
        shared_everything_threads_enabled: false,
        simd_enabled: false,
        threads_enabled: false,
        wide_arithmetic_enabled: false,
        ..Config::default()
    }
}
