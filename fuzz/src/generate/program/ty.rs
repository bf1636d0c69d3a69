//! Value types and signatures of generated programs.
//!
//! Owns the types that a program may use and how likely each is. It must not know how values are made.

use wasm_encoder::{HeapType, RefType, ValType};

use crate::random::Random;

/// A value type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ty {
    I32,
    I64,
    F32,
    F64,
    Func,
    Extern,
}

impl Ty {
    /// The type in the binary format.
    pub(super) fn val_type(self) -> ValType {
        match self {
            Self::I32 => ValType::I32,
            Self::I64 => ValType::I64,
            Self::F32 => ValType::F32,
            Self::F64 => ValType::F64,
            Self::Func => ValType::FUNCREF,
            Self::Extern => ValType::EXTERNREF,
        }
    }

    /// The heap type of a reference type.
    pub(super) fn heap_type(self) -> HeapType {
        self.ref_type().heap_type
    }

    /// The reference type; functions unless it is externref.
    pub(super) fn ref_type(self) -> RefType {
        if self == Self::Extern { RefType::EXTERNREF } else { RefType::FUNCREF }
    }

    /// A random type; references are rare.
    pub(super) fn random(random: &mut Random, floats: bool) -> Self {
        let float = if floats { 12 } else { 0 };
        [Self::I32, Self::I64, Self::F32, Self::F64, Self::Func, Self::Extern]
            [random.weighted(&[40, 36, float, float, 2, 2])]
    }

    /// A random type that is a number.
    pub(super) fn number(random: &mut Random, floats: bool) -> Self {
        let float = if floats { 13 } else { 0 };
        [Self::I32, Self::I64, Self::F32, Self::F64][random.weighted(&[40, 36, float, float])]
    }
}

/// A function type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signature {
    pub(super) params: Vec<Ty>,
    pub(super) results: Vec<Ty>,
}

impl Signature {
    /// A signature of the given types.
    pub(super) fn new(params: &[Ty], results: &[Ty]) -> Self {
        Self { params: params.to_vec(), results: results.to_vec() }
    }
}

/// Up to `most` random types.
pub(super) fn types(random: &mut Random, most: usize, floats: bool) -> Vec<Ty> {
    (0..random.below(most + 1)).map(|_| Ty::random(random, floats)).collect()
}
