//! The operators that a module may contain, as names without immediates.
//!
//! Owns the list and its spelling. It is made from wasmparser's own list, so an operator that a later wasmparser
//! adds to an accepted proposal becomes a variant here, and every exhaustive match in the workspace then asks for it.
//! It must not know prices or meaning.

/// Builds [`Op`] out of the accepted proposals of `for_each_visit_operator!` and drops all others.
macro_rules! define_op {
    // Muncher: keep what belongs to an accepted proposal.
    (keep [$($kept:tt)*] @mvp $op:ident $({$($arg:tt)*})? => $visit:ident $ann:tt $($rest:tt)*) => {
        define_op!(keep [$($kept)* ($op $visit)] $($rest)*);
    };
    (keep [$($kept:tt)*] @sign_extension $op:ident $({$($arg:tt)*})? => $visit:ident $ann:tt $($rest:tt)*) => {
        define_op!(keep [$($kept)* ($op $visit)] $($rest)*);
    };
    (keep [$($kept:tt)*] @saturating_float_to_int $op:ident $({$($arg:tt)*})? => $visit:ident $ann:tt $($rest:tt)*) => {
        define_op!(keep [$($kept)* ($op $visit)] $($rest)*);
    };
    (keep [$($kept:tt)*] @bulk_memory $op:ident $({$($arg:tt)*})? => $visit:ident $ann:tt $($rest:tt)*) => {
        define_op!(keep [$($kept)* ($op $visit)] $($rest)*);
    };
    // A select with several types can be parsed but is not valid in any accepted version.
    (keep [$($kept:tt)*] @reference_types TypedSelectMulti {$($arg:tt)*} => $visit:ident $ann:tt $($rest:tt)*) => {
        define_op!(keep [$($kept)*] $($rest)*);
    };
    (keep [$($kept:tt)*] @reference_types $op:ident $({$($arg:tt)*})? => $visit:ident $ann:tt $($rest:tt)*) => {
        define_op!(keep [$($kept)* ($op $visit)] $($rest)*);
    };
    (keep [$($kept:tt)*] @tail_call $op:ident $({$($arg:tt)*})? => $visit:ident $ann:tt $($rest:tt)*) => {
        define_op!(keep [$($kept)* ($op $visit)] $($rest)*);
    };
    (keep [$($kept:tt)*] @$other:ident $op:ident $({$($arg:tt)*})? => $visit:ident $ann:tt $($rest:tt)*) => {
        define_op!(keep [$($kept)*] $($rest)*);
    };
    (keep [$(($op:ident $visit:ident))*]) => {
        /// An operator of WebAssembly 2.0 without SIMD, or of the tail-call proposal, without its immediates.
        ///
        /// ```
        /// use lockstep_gas::Op;
        ///
        /// assert_eq!(Op::I64ExtendI32U.name(), "i64.extend_i32_u");
        /// assert_eq!(Op::from_name("memory.grow"), Some(Op::MemoryGrow));
        /// ```
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u8)]
        #[allow(missing_docs, reason = "each variant is the operator of that name")]
        pub enum Op { $($op,)* }

        impl Op {
            /// Every operator once, in the order of their discriminants.
            pub const ALL: &'static [Op] = &[$(Op::$op,)*];

            /// The operator in the text format's spelling. The typed form of `select` is called `typed_select`, to
            /// keep the two apart.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Op::$op => {
                        const SPELLED: [u8; stringify!($visit).len() - PREFIX.len()] = spell(stringify!($visit));
                        match core::str::from_utf8(&SPELLED) {
                            Ok(name) => name,
                            Err(_) => unreachable!(),
                        }
                    })*
                }
            }
        }
    };
    ($($all:tt)*) => {
        define_op!(keep [] $($all)*);
    };
}

wasmparser::for_each_visit_operator!(define_op);

impl Op {
    /// How many operators there are.
    pub const COUNT: usize = Self::ALL.len();

    /// The operator with this spelling, see [`Op::name`].
    pub fn from_name(name: &str) -> Option<Op> {
        Self::ALL.iter().copied().find(|op| op.name() == name)
    }
}

/// What wasmparser puts before each operator's name in its visitor.
const PREFIX: &str = "visit_";

/// Turns `visit_i32_load8_s` into `i32.load8_s`: the text format has a dot behind a type or an index space.
const fn spell<const N: usize>(visit: &str) -> [u8; N] {
    let from = visit.as_bytes();
    let mut name = [0; N];
    let mut at = 0;
    while at < N {
        name[at] = from[at + PREFIX.len()];
        at += 1;
    }
    let dotted: [&str; 11] =
        ["i32", "i64", "f32", "f64", "local", "global", "memory", "table", "ref", "data", "elem"];
    let mut space = 0;
    while space < dotted.len() {
        let word = dotted[space].as_bytes();
        if N > word.len() && name[word.len()] == b'_' && starts_with(&name, word) {
            name[word.len()] = b'.';
        }
        space += 1;
    }
    name
}

const fn starts_with(name: &[u8], word: &[u8]) -> bool {
    let mut at = 0;
    while at < word.len() {
        if name[at] != word[at] {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;

    #[test]
    fn names_are_the_text_formats_and_unique() {
        let names: BTreeSet<_> = Op::ALL.iter().map(|op| op.name()).collect();
        assert_eq!(names.len(), Op::COUNT);
        for (op, name) in [
            (Op::I32Load8S, "i32.load8_s"),
            (Op::BrIf, "br_if"),
            (Op::CallIndirect, "call_indirect"),
            (Op::ReturnCallIndirect, "return_call_indirect"),
            (Op::RefIsNull, "ref.is_null"),
            (Op::I32TruncSatF64U, "i32.trunc_sat_f64_u"),
            (Op::TableGrow, "table.grow"),
            (Op::DataDrop, "data.drop"),
            (Op::LocalTee, "local.tee"),
            (Op::F64PromoteF32, "f64.promote_f32"),
            (Op::Return, "return"),
        ] {
            assert_eq!(op.name(), name);
        }
    }

    #[test]
    fn the_list_is_wasm_2_without_simd_and_tail_calls() {
        // 172 of the first version, 5 sign extensions, 8 saturating conversions, 7 bulk, 9 reference types, 2 tail calls.
        assert_eq!(Op::COUNT, 172 + 5 + 8 + 7 + 9 + 2);
        for (index, op) in Op::ALL.iter().enumerate() {
            assert_eq!(*op as usize, index);
        }
    }
}
