//! The module `spectest` that the suite's modules import from, and the data of a script's store.
//!
//! Owns what the host gives to a script. It must not know directives.

use lockstep_vm::{
    Caller, Error, ExternRef, Global, GlobalType, Linker, Memory, MemoryType, Store, Table, TableType, Val,
    ValType,
};

/// The data of a script's store.
#[derive(Debug, Default)]
pub(crate) struct Host {
    /// Calls of the `print` functions so far.
    pub(crate) prints: u64,
    /// The externrefs handed out, each with the number by which the script knows it.
    externs: Vec<(u32, ExternRef)>,
}

impl Host {
    /// The number by which the script knows an externref.
    pub(crate) fn number_of(&self, reference: &ExternRef) -> Option<u32> {
        self.externs.iter().find(|(_, known)| known == reference).map(|(number, _)| *number)
    }
}

/// The externref that a script calls `(ref.extern number)`: always the same one.
pub(crate) fn extern_ref(store: &mut Store<Host>, number: u32) -> ExternRef {
    if let Some((_, reference)) = store.data().externs.iter().find(|(known, _)| *known == number) {
        return *reference;
    }
    let reference = ExternRef::new(&mut *store, number);
    store.data_mut().externs.push((number, reference));
    reference
}

/// Defines everything that `spectest` exports.
///
/// # Errors
/// None that a sound engine has.
pub(crate) fn define(linker: &mut Linker<Host>, store: &mut Store<Host>) -> Result<(), Error> {
    fn print<P>(mut caller: Caller<'_, Host>, _: P) {
        caller.data_mut().prints += 1;
    }
    linker.func_wrap("spectest", "print", |caller: Caller<'_, Host>| print(caller, ()))?;
    linker.func_wrap("spectest", "print_i32", |caller: Caller<'_, Host>, a: i32| print(caller, a))?;
    linker.func_wrap("spectest", "print_i64", |caller: Caller<'_, Host>, a: i64| print(caller, a))?;
    linker.func_wrap("spectest", "print_f32", |caller: Caller<'_, Host>, a: f32| print(caller, a))?;
    linker.func_wrap("spectest", "print_f64", |caller: Caller<'_, Host>, a: f64| print(caller, a))?;
    linker.func_wrap("spectest", "print_i32_f32", |caller: Caller<'_, Host>, a: i32, b: f32| {
        print(caller, (a, b))
    })?;
    linker.func_wrap("spectest", "print_f64_f64", |caller: Caller<'_, Host>, a: f64, b: f64| {
        print(caller, (a, b))
    })?;

    let globals = [
        ("global_i32", Val::from(666_i32)),
        ("global_i64", Val::from(666_i64)),
        ("global_f32", Val::from(666.6_f32)),
        ("global_f64", Val::from(666.6_f64)),
    ];
    for (name, value) in globals {
        let global = Global::new(&mut *store, GlobalType { content: value.ty(), mutable: false }, value)?;
        linker.define(&*store, "spectest", name, global)?;
    }
    let ty = TableType { element: ValType::FuncRef, minimum: 10, maximum: Some(20) };
    let table = Table::new(&mut *store, ty, Val::FuncRef(None))?;
    linker.define(&*store, "spectest", "table", table)?;
    let memory = Memory::new(&mut *store, MemoryType { minimum: 1, maximum: Some(2) })?;
    linker.define(&*store, "spectest", "memory", memory)?;
    Ok(())
}
