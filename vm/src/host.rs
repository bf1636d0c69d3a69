//! How a linker names the data of the stores it serves.
//!
//! Owns the family of data types. It must not know linkers or stores.

use core::marker::PhantomData;

/// A family of data types, one for each lifetime, so that a linker made once serves stores whose data borrows for one
/// call. With data that borrows nothing, use [`Linker`](crate::Linker) and forget this trait.
///
/// ```
/// use lockstep_vm::{Caller, Engine, Host, HostLinker, Module, Store};
///
/// trait State {
///     fn get(&mut self, key: i32) -> i32;
/// }
///
/// struct Node;
///
/// impl Host for Node {
///     type Data<'a> = &'a mut dyn State;
/// }
///
/// let engine = Engine::default();
/// let wasm = wat::parse_str(
///     r#"(module
///         (import "env" "get" (func $get (param i32) (result i32)))
///         (func (export "run") (result i32) i32.const 20 call $get))"#,
/// )?;
/// let mut linker: HostLinker<Node> = HostLinker::new(&engine);
/// linker.func_wrap("env", "get", |mut c: Caller<'_, &mut dyn State>, x: i32| c.data_mut().get(x))?;
/// let prepared = linker.instantiate_pre(&Module::new(&engine, &wasm)?)?;
///
/// struct Counter(i32);
///
/// impl State for Counter {
///     fn get(&mut self, key: i32) -> i32 {
///         self.0 += 1;
///         key + self.0
///     }
/// }
///
/// let mut counter = Counter(0);
/// for expected in [21, 22] {
///     let mut store = Store::new(&engine, &mut counter as &mut dyn State); // borrows for this call only
///     store.set_gas(1_000_000)?;
///     let instance = prepared.instantiate(&mut store)?;
///     assert_eq!(instance.get_typed_func::<(), i32>(&store, "run")?.call(&mut store, ())?, expected);
/// }
/// assert_eq!(counter.0, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Host {
    /// The data of a store that borrows for `'a`.
    type Data<'a>;
}

/// The family of one type that borrows nothing: `T`, whatever the lifetime.
#[derive(Debug)]
pub struct Owned<T>(PhantomData<fn() -> T>);

impl<T> Host for Owned<T> {
    type Data<'a> = T;
}
