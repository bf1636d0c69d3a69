//! The features of WebAssembly that an engine accepts, beyond the first version.
//!
//! Owns the switches and what they are called. It must not know operators; wasmparser knows which feature each needs.

use alloc::{borrow::Cow, string::String};
use wasmparser::WasmFeatures;

macro_rules! define_features {
    ($($(#[doc = $doc:literal])* $field:ident = $flags:expr;)*) => {
        /// Which features an engine accepts. All are on by default; what has no switch is never accepted: SIMD, threads,
        /// exceptions, garbage collection, multiple and 64-bit memories, components and newer proposals.
        ///
        /// ```
        /// use lockstep_vm::Features;
        ///
        /// let features = Features { tail_calls: false, ..Features::default() };
        /// ```
        #[derive(Clone, PartialEq, Eq, Debug)]
        #[allow(clippy::exhaustive_structs, reason = "so that a protocol can be written down in one expression")]
        pub struct Features { $($(#[doc = $doc])* pub $field: bool,)* }

        impl Default for Features {
            fn default() -> Self {
                Features { $($field: true,)* }
            }
        }

        impl Features {
            /// The first version of WebAssembly, without any later feature.
            pub const fn mvp() -> Self {
                Features { $($field: false,)* }
            }

            /// Every switch with its name, in a fixed order.
            pub fn named(&self) -> impl Iterator<Item = (&'static str, bool)> {
                [$((stringify!($field), self.$field),)*].into_iter()
            }

            /// The switch with this name, to change it.
            pub fn by_name_mut(&mut self, name: &str) -> Option<&mut bool> {
                match name {
                    $(stringify!($field) => Some(&mut self.$field),)*
                    _ => None,
                }
            }

            /// What wasmparser is told. Encodings are not features: an overlong table index of `call_indirect` always
            /// parses, as today's toolchains write it.
            pub(crate) fn to_wasmparser(&self, floats: bool) -> WasmFeatures {
                let mut features = WasmFeatures::CALL_INDIRECT_OVERLONG;
                features.set(WasmFeatures::FLOATS, floats);
                $(if self.$field { features |= $flags; })*
                features
            }
        }
    };
}

define_features! {
    /// Globals that can be set may be imported and exported.
    mutable_globals = WasmFeatures::MUTABLE_GLOBAL;
    /// `i32.extend8_s` and its like.
    sign_extension = WasmFeatures::SIGN_EXTENSION;
    /// `i32.trunc_sat_f32_s` and its like.
    saturating_conversions = WasmFeatures::SATURATING_FLOAT_TO_INT;
    /// Functions and blocks with several results, blocks with parameters.
    multi_value = WasmFeatures::MULTI_VALUE;
    /// `memory.copy`, `table.init` and their like, passive segments.
    bulk_memory = WasmFeatures::BULK_MEMORY;
    /// `externref`, several tables, `table.get` and its like.
    reference_types = WasmFeatures::REFERENCE_TYPES.union(WasmFeatures::GC_TYPES);
    /// `return_call` and `return_call_indirect`.
    tail_calls = WasmFeatures::TAIL_CALL;
    /// Addition, subtraction and multiplication in constant expressions.
    extended_constants = WasmFeatures::EXTENDED_CONST;
}

/// What a feature that wasmparser found missing is called in an error's code.
pub(crate) fn name_of(missing: WasmFeatures) -> Cow<'static, str> {
    let all = Features::default();
    for (name, _) in all.named() {
        let mut one = Features::mvp();
        if let Some(switch) = one.by_name_mut(name) {
            *switch = true;
        }
        if !one
            .to_wasmparser(false)
            .difference(WasmFeatures::CALL_INDIRECT_OVERLONG)
            .intersection(missing)
            .is_empty()
        {
            return Cow::Borrowed(name);
        }
    }
    match missing.iter_names().next() {
        Some((name, _)) => Cow::Owned(name.to_ascii_lowercase()),
        None => Cow::Owned(String::from("unknown")),
    }
}
