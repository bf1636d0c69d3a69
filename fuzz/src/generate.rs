//! Generators of valid modules from seeds.
//!
//! Owns the choice between the sources: [`smith`], which knows all of WebAssembly and cares little whether a
//! module does anything, [`program`], which makes modules that compute, and [`edges`], single operators for
//! special operands, and [`pressure`], more values than there are registers. It must not know how modules are run.

pub mod edges;
pub mod pressure;
pub mod program;
pub mod smith;

/// What a generated module may contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// Whether f32 and f64 may appear.
    pub floats: bool,
    /// Whether the host functions of [`HOST_FUNCTIONS`] may be imported.
    pub imports: bool,
}

/// A value type of a host function's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostType {
    /// A 32-bit integer.
    I32,
    /// A 64-bit integer.
    I64,
}

/// A host function that generated modules may import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostFunction {
    /// The import's module name.
    pub module: &'static str,
    /// The import's field name.
    pub name: &'static str,
    /// The parameters.
    pub params: &'static [HostType],
    /// The results.
    pub results: &'static [HostType],
}

/// Everything a generated module may import.
///
/// `tick` does nothing that the guest sees. `mix` answers any pure function of its arguments. `charge` takes
/// gas: its argument's low eight bits are what generated code means it to take. `reenter` calls the caller's
/// export `callback`, of type `[i32] -> [i32]`, and answers its result.
pub const HOST_FUNCTIONS: [HostFunction; 4] = [
    HostFunction { module: "env", name: "tick", params: &[], results: &[] },
    HostFunction {
        module: "env",
        name: "mix",
        params: &[HostType::I32, HostType::I64],
        results: &[HostType::I64],
    },
    HostFunction { module: "env", name: "charge", params: &[HostType::I64], results: &[] },
    HostFunction { module: "env", name: "reenter", params: &[HostType::I32], results: &[HostType::I32] },
];

impl HostType {
    /// The type in the binary format.
    pub fn val_type(self) -> wasm_encoder::ValType {
        match self {
            Self::I32 => wasm_encoder::ValType::I32,
            Self::I64 => wasm_encoder::ValType::I64,
        }
    }
}
