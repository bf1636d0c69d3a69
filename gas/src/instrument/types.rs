//! The module's function types, and the types of the blocks that bodies are wrapped in.
//!
//! Owns the finding and adding of types `[] -> results`. It must not know what is done with them.

use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};
use wasm_encoder::{BlockType, Encode};
use wasmparser::{BinaryReaderError, RefType, TypeSectionReader, ValType};

/// The type of a block that gives what a function gives.
#[derive(Clone, Debug)]
enum Wrapper {
    /// One byte: no result or one.
    Short(u8),
    /// The index of a type without parameters.
    Index(u32),
    /// Nobody has asked yet: several results, after parameters.
    Unknown(Box<[u8]>),
}

#[derive(Debug)]
struct Type {
    parameters: u32,
    results: u32,
    wrapper: Wrapper,
}

/// The types of a module, and those to be added to it.
#[derive(Default)]
pub(super) struct Types {
    types: Vec<Type>,
    /// Types without parameters that a block type can only name by index, by their results.
    producers: BTreeMap<Box<[u8]>, u32>,
    added: Vec<u8>,
    added_count: u32,
}

impl Types {
    /// Reads the type section of a valid module.
    pub(super) fn read(section: TypeSectionReader<'_>) -> Result<Self, BinaryReaderError> {
        let mut types = Types::default();
        for (ty, index) in section.into_iter_err_on_gc_types().zip(0..) {
            let ty = ty?;
            let wrapper = match *ty.results() {
                [] => Wrapper::Short(0x40),
                [result] => Wrapper::Short(value_byte(result)),
                ref results => {
                    let results: Box<[u8]> = results.iter().map(|&result| value_byte(result)).collect();
                    if ty.params().is_empty() {
                        types.producers.entry(results).or_insert(index);
                        Wrapper::Index(index)
                    } else {
                        Wrapper::Unknown(results)
                    }
                }
            };
            // A valid type has at most 1,000 of each.
            let (parameters, results) = (ty.params().len() as u32, ty.results().len() as u32);
            types.types.push(Type { parameters, results, wrapper });
        }
        Ok(types)
    }

    /// How many parameters and results each type of the module has.
    pub(super) fn arities(&self) -> impl Iterator<Item = (u32, u32)> {
        self.types.iter().map(|ty| (ty.parameters, ty.results))
    }

    /// How many parameters a type of the module has.
    pub(super) fn parameters(&self, index: u32) -> u32 {
        self.types[index as usize].parameters
    }

    /// What a function of this type counts for among a module's imports and exports.
    pub(super) fn size(&self, index: u32) -> u64 {
        let ty = &self.types[index as usize];
        2 + u64::from(ty.parameters) + u64::from(ty.results)
    }

    /// How many types there are, the added ones included.
    pub(super) fn count(&self) -> u32 {
        self.types.len() as u32 + self.added_count
    }

    /// The types to be added behind the module's own: how many, and their encoding.
    pub(super) fn added(&self) -> (u32, &[u8]) {
        (self.added_count, &self.added)
    }

    /// Writes the type of a block that gives what a function of this type gives.
    pub(super) fn encode_wrapper(&mut self, index: u32, out: &mut Vec<u8>) {
        let next = self.count();
        let wrapper = &mut self.types[index as usize].wrapper;
        if let Wrapper::Unknown(results) = wrapper {
            let found = *self.producers.entry(results.clone()).or_insert_with(|| {
                self.added.extend([0x60, 0]);
                results.encode(&mut self.added);
                self.added_count += 1;
                next
            });
            *wrapper = Wrapper::Index(found);
        }
        match *wrapper {
            Wrapper::Short(byte) => out.push(byte),
            Wrapper::Index(index) => BlockType::FunctionType(index).encode(out),
            Wrapper::Unknown(_) => unreachable!("just found"),
        }
    }
}

/// A value type of WebAssembly 2.0 without SIMD, each of which has one byte.
fn value_byte(ty: ValType) -> u8 {
    match ty {
        ValType::I32 => 0x7f,
        ValType::I64 => 0x7e,
        ValType::F32 => 0x7d,
        ValType::F64 => 0x7c,
        ValType::Ref(RefType::FUNCREF) => 0x70,
        ValType::Ref(RefType::EXTERNREF) => 0x6f,
        _ => unreachable!("a valid module has no {ty}"),
    }
}
