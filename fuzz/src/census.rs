//! Operators by number, and how often they occur in a module.
//!
//! Owns the list of operators that Lockstep accepts, in wasmparser's order. It must not know prices.

use std::collections::BTreeMap;

use wasmparser::{Operator, Parser, Payload};

macro_rules! define_names {
    ($( @$proposal:ident $op:ident $({ $($arg:ident: $argty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
        /// The name of an operator as wasmparser spells it, without the leading `visit_`.
        pub fn name(operator: &Operator<'_>) -> &'static str {
            match operator {
                $( Operator::$op { .. } => strip(stringify!($visit)), )*
                _ => "unknown",
            }
        }

        /// The operators that Lockstep accepts: WebAssembly 2.0 without SIMD, and tail calls.
        pub fn accepted() -> Vec<&'static str> {
            let all = [$( (stringify!($proposal), strip(stringify!($visit))) ),*];
            all.into_iter()
                .filter(|(proposal, name)| {
                    ACCEPTED_PROPOSALS.contains(proposal) && *name != "typed_select_multi"
                })
                .map(|(_, name)| name)
                .collect()
        }
    };
}

const ACCEPTED_PROPOSALS: [&str; 6] =
    ["mvp", "sign_extension", "saturating_float_to_int", "bulk_memory", "reference_types", "tail_call"];

const fn strip(visit: &'static str) -> &'static str {
    visit.split_at("visit_".len()).1
}

wasmparser::for_each_operator!(define_names);

/// Whether the operator of that name takes, makes or moves a float by its own type.
pub fn is_float(name: &str) -> bool {
    name.contains("f32") || name.contains("f64")
}

/// How often each operator occurs in the bodies of a module, live or dead.
///
/// # Errors
/// When the module cannot be read.
pub fn census(bytes: &[u8]) -> Result<BTreeMap<&'static str, u64>, wasmparser::BinaryReaderError> {
    let mut counts = BTreeMap::new();
    for payload in Parser::new(0).parse_all(bytes) {
        if let Payload::CodeSectionEntry(body) = payload? {
            let mut operators = body.get_operators_reader()?;
            while !operators.eof() {
                *counts.entry(name(&operators.read()?)).or_default() += 1;
            }
        }
    }
    Ok(counts)
}
