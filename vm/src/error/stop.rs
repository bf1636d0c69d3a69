//! Stops: a host function ends the execution on purpose.
//!
//! Owns the payload, which is the embedder's. It must not know what the payload means.

use crate::error::{Backtrace, Frame};
use alloc::boxed::Box;
use core::any::Any;
use core::fmt;

/// A host function ended the execution on purpose: a revert, an exit, a chain's own error. The payload crosses all guest
/// frames and comes back by value to whoever made the call; an outer host function sees it as the error of its nested
/// call.
///
/// ```
/// use lockstep_vm::{Error, Stop};
///
/// #[derive(PartialEq, Debug)]
/// struct Revert(Vec<u8>);
///
/// let error = Error::from(Stop::host(Revert(vec![1, 2])));
/// let stop = error.into_stop().unwrap();
/// assert!(stop.downcast_ref::<String>().is_none());
/// assert_eq!(stop.downcast::<Revert>().unwrap(), Revert(vec![1, 2]));
/// ```
pub struct Stop {
    payload: Box<dyn Any + Send + Sync>,
    type_name: &'static str,
    /// Only where somebody asked for it.
    backtrace: Option<Box<Backtrace>>,
}

impl Stop {
    /// Ends the execution with this payload when a host function returns it as its error.
    pub fn host<P: Any + Send + Sync>(payload: P) -> Stop {
        Stop { payload: Box::new(payload), type_name: core::any::type_name::<P>(), backtrace: None }
    }

    /// Whether the payload is a `P`.
    pub fn is<P: Any>(&self) -> bool {
        self.payload.is::<P>()
    }

    /// The payload.
    ///
    /// # Errors
    /// The stop itself, when its payload is no `P`.
    pub fn downcast<P: Any>(self) -> Result<P, Stop> {
        let Stop { payload, type_name, backtrace } = self;
        match payload.downcast::<P>() {
            Ok(payload) => Ok(*payload),
            Err(payload) => Err(Stop { payload, type_name, backtrace }),
        }
    }

    /// The payload by reference, where it is a `P`.
    pub fn downcast_ref<P: Any>(&self) -> Option<&P> {
        self.payload.downcast_ref()
    }

    /// Where it happened, innermost frame first, if the store was [asked](crate::Store::stop_backtraces) to keep that; a
    /// long backtrace ends early.
    ///
    /// ```
    /// use lockstep_vm::{Caller, Engine, Linker, Module, Stop, Store};
    ///
    /// let engine = Engine::default();
    /// let wasm = wat::parse_str(
    ///     r#"(module (import "env" "exit" (func $exit)) (func $leave (export "leave") call $exit))"#,
    /// )?;
    /// let mut linker = Linker::new(&engine);
    /// linker.func_wrap("env", "exit", |_: Caller<'_, ()>| Err::<(), _>(Stop::host(7)))?;
    /// let mut store = Store::new(&engine, ());
    /// store.set_gas(1_000_000)?;
    /// store.stop_backtraces(true);
    /// let instance = linker.instantiate(&mut store, &Module::new(&engine, &wasm)?)?;
    /// let error = instance.get_func(&store, "leave").unwrap().call(&mut store, &[], &mut []).unwrap_err();
    /// assert_eq!(error.into_stop().unwrap().frames()[0].name(), Some("leave"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn frames(&self) -> &[Frame] {
        self.backtrace.as_deref().map_or(&[], |backtrace| &backtrace.frames)
    }

    pub(crate) fn backtrace_mut(&mut self) -> &mut Backtrace {
        self.backtrace.get_or_insert_default()
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stopped by a host function with a payload of type `{}`", self.type_name)
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stop").field("payload", &self.type_name).finish()
    }
}

impl core::error::Error for Stop {}
