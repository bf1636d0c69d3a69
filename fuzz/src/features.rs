//! The WebAssembly features that generated modules may use.
//!
//! Owns the one set that generators, families and their tests agree on. It must not know how any engine is
//! configured.

use wasmparser::WasmFeatures;

/// WebAssembly 2.0 without SIMD, with tail calls and extended constant expressions.
pub const FEATURES: WasmFeatures = WasmFeatures::WASM2
    .difference(WasmFeatures::SIMD)
    .union(WasmFeatures::TAIL_CALL)
    .union(WasmFeatures::EXTENDED_CONST);

/// Validates a module under [`FEATURES`] and wasmparser's own limits.
///
/// # Errors
/// The validator's error, when the module is not valid.
pub fn validate(bytes: &[u8]) -> Result<(), wasmparser::BinaryReaderError> {
    wasmparser::Validator::new_with_features(FEATURES).validate_all(bytes).map(|_| ())
}
