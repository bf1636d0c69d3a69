//! The host functions that vectors import from `host`.
//!
//! Owns what each of them does; they charge nothing but what is said. It must not know vectors.

use lockstep_vm::{Caller, Error, Extern, Linker, Stop, Trap};

/// What a stopped execution hands back: the argument of `stop` or `charge_then_stop`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stopped(pub(crate) i64);

/// Defines all of them.
///
/// # Errors
/// None that a sound engine has.
pub(crate) fn define(linker: &mut Linker<()>) -> Result<(), Error> {
    linker.func_wrap("host", "nop", || {})?;
    linker.func_wrap("host", "gas", |caller: Caller<'_, ()>| caller.gas())?;
    linker.func_wrap("host", "set_gas", |mut caller: Caller<'_, ()>, gas: u64| caller.set_gas(gas))?;
    linker.func_wrap("host", "charge", |mut caller: Caller<'_, ()>, gas: u64| caller.charge(gas))?;
    linker.func_wrap("host", "charge_swallow", |mut caller: Caller<'_, ()>, gas: u64| {
        let _ = caller.charge(gas);
    })?;
    linker.func_wrap(
        "host",
        "charge_then_stop",
        |mut caller: Caller<'_, ()>, gas: u64| -> Result<(), Stop> {
            let _ = caller.charge(gas);
            Err(Stop::host(Stopped(gas as i64)))
        },
    )?;
    linker.func_wrap("host", "stop", |payload: i32| Err::<(), _>(Stop::host(Stopped(payload.into()))))?;
    linker.func_wrap("host", "trap", |number: i32| -> Result<(), Error> {
        match u8::try_from(number).ok().and_then(Trap::from_number) {
            Some(trap) => Err(trap.into()),
            None => Err(Error::fault(format_args!("no trap has the number {number}"))),
        }
    })?;
    linker.func_wrap("host", "call_back", |caller: Caller<'_, ()>, argument: i32| -> Result<i32, Error> {
        call_back(caller, argument).or_else(|error| match error.trap() {
            Some(trap) => Ok(-i32::from(trap as u8)),
            None => Err(error),
        })
    })?;
    linker.func_wrap("host", "call_back_through", call_back)?;
    Ok(())
}

/// Calls the export `callback` of the calling instance.
fn call_back(mut caller: Caller<'_, ()>, argument: i32) -> Result<i32, Error> {
    let Some(Extern::Func(callback)) = caller.get_export("callback") else {
        return Err(Error::fault("the calling instance exports no function `callback`"));
    };
    callback.typed::<i32, i32>(&caller)?.call(&mut caller, argument)
}
