//! Large sections that are not code.

use std::borrow::Cow;

use wasm_encoder::ValType::I32;
use wasm_encoder::{
    ConstExpr, Elements, EntityType, ExportKind, GlobalType, IndirectNameMap, NameMap, NameSection, RefType,
    Section,
};

use super::skeleton::Skeleton;

const GLOBAL: GlobalType = GlobalType { val_type: I32, mutable: false, shared: false };

/// A module with one empty function.
fn with_function() -> Skeleton {
    let mut skeleton = Skeleton::new();
    let ty = skeleton.ty(&[], &[]);
    skeleton.function(ty, &[], &[]);
    skeleton
}

pub(super) fn data(n: usize) -> Vec<u8> {
    let mut skeleton = Skeleton::new();
    skeleton.memory((n as u64).div_ceil(65_536).max(1));
    skeleton.data.active(0, &ConstExpr::i32_const(0), vec![0x5a; n]);
    skeleton.finish()
}

pub(super) fn tiny_active_data(n: usize) -> Vec<u8> {
    let mut skeleton = Skeleton::new();
    skeleton.memory(1);
    for index in 0..n.div_ceil(7) {
        skeleton.data.active(0, &ConstExpr::i32_const(64 + (index % 60_000) as i32), [0x5a]);
    }
    skeleton.finish()
}

pub(super) fn tiny_passive_data(n: usize) -> Vec<u8> {
    let mut skeleton = Skeleton::new();
    for _ in 0..n.div_ceil(3) {
        skeleton.data.passive([0x5a]);
    }
    skeleton.finish()
}

pub(super) fn element_indices(n: usize) -> Vec<u8> {
    let mut skeleton = with_function();
    skeleton.table(n as u64);
    let items = Elements::Functions(Cow::Owned(vec![0; n]));
    skeleton.elements.active(None, &ConstExpr::i32_const(0), items);
    skeleton.finish()
}

pub(super) fn element_expressions(n: usize) -> Vec<u8> {
    let mut skeleton = with_function();
    let count = n.div_ceil(3);
    skeleton.table(count as u64);
    let items = Elements::Expressions(RefType::FUNCREF, Cow::Owned(vec![ConstExpr::ref_func(0); count]));
    skeleton.elements.active(None, &ConstExpr::i32_const(0), items);
    skeleton.finish()
}

pub(super) fn tiny_elements(n: usize) -> Vec<u8> {
    let mut skeleton = with_function();
    skeleton.table(10_000);
    for index in 0..n.div_ceil(7) {
        let items = Elements::Functions(Cow::Borrowed(&[0]));
        skeleton.elements.active(None, &ConstExpr::i32_const(64 + (index % 8_000) as i32), items);
    }
    skeleton.finish()
}

pub(super) fn long_exports(n: usize) -> Vec<u8> {
    let mut skeleton = with_function();
    for index in 0..n.div_ceil(1004) {
        skeleton.exports.export(&format!("{index:01000}"), ExportKind::Func, 0);
    }
    skeleton.finish()
}

pub(super) fn short_exports(n: usize) -> Vec<u8> {
    let mut skeleton = with_function();
    for index in 0..n.div_ceil(9) {
        skeleton.exports.export(&format!("{index:06x}"), ExportKind::Func, 0);
    }
    skeleton.finish()
}

pub(super) fn imports(n: usize) -> Vec<u8> {
    let mut skeleton = Skeleton::new();
    let ty = skeleton.ty(&[], &[]);
    for _ in 0..n.div_ceil(6) {
        skeleton.imports.import("m", "f", EntityType::Function(ty));
    }
    skeleton.finish()
}

pub(super) fn imported_globals(n: usize) -> Vec<u8> {
    let mut skeleton = Skeleton::new();
    for _ in 0..n.div_ceil(7) {
        skeleton.imports.import("m", "g", EntityType::Global(GLOBAL));
    }
    skeleton.finish()
}

pub(super) fn globals(n: usize) -> Vec<u8> {
    let mut skeleton = Skeleton::new();
    for _ in 0..n.div_ceil(5) {
        skeleton.globals.global(GLOBAL, &ConstExpr::i32_const(0));
    }
    skeleton.finish()
}

pub(super) fn tables(n: usize) -> Vec<u8> {
    let mut skeleton = Skeleton::new();
    for _ in 0..n.div_ceil(3) {
        skeleton.table(0);
    }
    skeleton.finish()
}

/// A name section's contents.
fn contents(names: &NameSection) -> Vec<u8> {
    let mut section = Vec::new();
    names.append_to(&mut section);
    // The id, the size and the section's own name come before the contents.
    let size = 1 + section[1..].iter().take_while(|byte| **byte >= 0x80).count() + 1;
    section.split_off(size + 1 + "name".len())
}

pub(super) fn function_names(n: usize) -> Vec<u8> {
    let mut skeleton = Skeleton::new();
    let ty = skeleton.ty(&[], &[]);
    let mut map = NameMap::new();
    for index in 0..n.div_ceil(24) as u32 {
        skeleton.function(ty, &[], &[]);
        map.append(index, &format!("function::{index:06x}"));
    }
    let mut names = NameSection::new();
    names.functions(&map);
    skeleton.customs.push(("name", contents(&names)));
    skeleton.finish()
}

pub(super) fn local_names(n: usize) -> Vec<u8> {
    let mut skeleton = Skeleton::new();
    let ty = skeleton.ty(&[], &[]);
    let mut functions = IndirectNameMap::new();
    let count = n.div_ceil(20);
    for function in 0..count.div_ceil(1000) as u32 {
        skeleton.function(ty, &[(1000, I32)], &[]);
        let mut locals = NameMap::new();
        for local in 0..(count - function as usize * 1000).min(1000) as u32 {
            locals.append(local, &format!("local::{function:05x}{local:05x}"));
        }
        functions.append(function, &locals);
    }
    let mut names = NameSection::new();
    names.locals(&functions);
    skeleton.customs.push(("name", contents(&names)));
    skeleton.finish()
}

pub(super) fn one_long_name(n: usize) -> Vec<u8> {
    let mut skeleton = Skeleton::new();
    let ty = skeleton.ty(&[], &[]);
    let mut map = NameMap::new();
    let name = "n".repeat(99_990);
    let mut left = n;
    let mut index = 0;
    while left > 0 {
        let len = left.min(name.len());
        skeleton.function(ty, &[], &[]);
        map.append(index, &name[..len]);
        left -= len;
        index += 1;
    }
    let mut names = NameSection::new();
    names.functions(&map);
    skeleton.customs.push(("name", contents(&names)));
    skeleton.finish()
}

/// `i32.const 1` with that many times `i32.const 2`, `i32.add` after it.
fn sum(additions: usize) -> ConstExpr {
    let mut bytes = vec![0x41, 0x01];
    bytes.extend([0x41, 0x02, 0x6a].repeat(additions));
    ConstExpr::raw(bytes)
}

pub(super) fn extended_constants(n: usize) -> Vec<u8> {
    let mut skeleton = Skeleton::new();
    let value = sum(50);
    for _ in 0..n.div_ceil(155) {
        skeleton.globals.global(GLOBAL, &value);
    }
    skeleton.finish()
}

pub(super) fn one_extended_constant(n: usize) -> Vec<u8> {
    let mut skeleton = Skeleton::new();
    skeleton.globals.global(GLOBAL, &sum(n / 3));
    skeleton.finish()
}

pub(super) fn custom(n: usize) -> Vec<u8> {
    let mut skeleton = with_function();
    skeleton.customs.push(("notes", vec![0x5a; n]));
    skeleton.finish()
}

pub(super) fn tiny_customs(n: usize) -> Vec<u8> {
    let mut skeleton = with_function();
    skeleton.customs = vec![("a", Vec::new()); n.div_ceil(4)];
    skeleton.finish()
}
