//! What the tests of this crate validate with.

use wasmparser::WasmFeatures;

/// What this crate accepts: WebAssembly 2.0 without SIMD, with tail calls and extended constant expressions.
pub(crate) const FEATURES: WasmFeatures = WasmFeatures::WASM2
    .difference(WasmFeatures::SIMD)
    .union(WasmFeatures::TAIL_CALL)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::CALL_INDIRECT_OVERLONG);
