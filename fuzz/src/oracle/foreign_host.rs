//! The host functions on the foreign side.
//!
//! Owns how they charge and call back through the meter's globals. What they do is `host`'s.

use lockstep_vm::Trap;
use wasmi::{
    Caller, Extern, F32, F64, Global, Linker, Memory, MemoryType, Mutability, Ref, RefType, Store, Table,
    TableType, Val, ValType,
};

use super::foreign::{GAS, HEIGHT, Host, Raised, get, set, trap_of};
use super::host::{self, Kind};

/// Charges as a host function does.
fn charge(mut caller: &mut Caller<'_, Host>, price: u64) -> Result<(), wasmi::Error> {
    let gas = get(&mut caller, GAS) as u64;
    set(&mut caller, GAS, gas.saturating_sub(price) as i64);
    if gas < price { Err(wasmi::Error::host(Raised::Trap(Trap::OutOfGas))) } else { Ok(()) }
}

pub(super) fn define_host(linker: &mut Linker<Host>) -> Result<(), wasmi::Error> {
    linker.func_wrap("env", "tick", |mut caller: Caller<'_, Host>| charge(&mut caller, host::TICK))?;
    linker.func_wrap("env", "mix", host::mix)?;
    // Whether it is swallowed does not matter: OutOfGas is raised behind the host function.
    linker.func_wrap("env", "charge", |mut caller: Caller<'_, Host>, argument: i64| {
        charge(&mut caller, host::charge(argument))
    })?;
    linker.func_wrap(
        "env",
        "reenter",
        |mut caller: Caller<'_, Host>, argument: i32| -> Result<i32, wasmi::Error> {
            let callback = caller.get_export("callback").and_then(Extern::into_func);
            let Some(callback) = callback.and_then(|callback| callback.typed::<i32, i32>(&caller).ok())
            else {
                return Ok(argument);
            };
            let outcome = if caller.data().depth >= caller.data().depth_limit {
                Err(Ok(Trap::ActivationDepth))
            } else {
                let (height, gas) = (get(&caller, HEIGHT), get(&caller, GAS) as u64);
                let allowance = host::allowance(argument, gas);
                set(&mut caller, GAS, allowance as i64);
                caller.data_mut().depth += 1;
                let outcome = callback.call(&mut caller, argument);
                caller.data_mut().depth -= 1;
                let outcome = outcome.map_err(|error| trap_of(&mut caller, &error));
                set(&mut caller, HEIGHT, height);
                let left = get(&caller, GAS) as u64;
                set(&mut caller, GAS, (gas - allowance + left) as i64);
                outcome
            };
            outcome.or_else(|ending| match ending {
                Ok(trap) => host::swallowed(argument, trap).ok_or_else(|| {
                    // OutOfGas leaves nothing, also of the gas that the nested activation was not given.
                    if trap == Trap::OutOfGas {
                        set(&mut caller, GAS, 0);
                    }
                    wasmi::Error::host(Raised::Trap(trap))
                }),
                Err(unable) => Err(wasmi::Error::host(Raised::Unable(unable))),
            })
        },
    )?;
    Ok(())
}

pub(super) fn define_spectest(
    linker: &mut Linker<Host>,
    store: &mut Store<Host>,
) -> Result<(), wasmi::Error> {
    for (name, kinds) in host::PRINTS {
        let parameters = kinds.iter().map(|kind| match kind {
            Kind::I32 => ValType::I32,
            Kind::I64 => ValType::I64,
            Kind::F32 => ValType::F32,
            Kind::F64 => ValType::F64,
        });
        let ty = wasmi::FuncType::new(parameters, []);
        linker.func_new(host::SPECTEST, name, ty, |_, _, _| Ok(()))?;
    }
    let globals = [
        ("global_i32", Val::I32(host::SPECTEST_INTEGER)),
        ("global_i64", Val::I64(host::SPECTEST_INTEGER.into())),
        ("global_f32", Val::F32(F32::from_bits((host::SPECTEST_FLOAT as f32).to_bits()))),
        ("global_f64", Val::F64(F64::from_bits(host::SPECTEST_FLOAT.to_bits()))),
    ];
    for (name, value) in globals {
        let global = Global::new(&mut *store, value, Mutability::Const);
        linker.define(host::SPECTEST, name, global)?;
    }
    let (minimum, maximum) = host::SPECTEST_TABLE;
    let ty = TableType::new(RefType::Func, minimum, Some(maximum));
    let table = Table::new(&mut *store, ty, Ref::null(RefType::Func))?;
    linker.define(host::SPECTEST, "table", table)?;
    let (minimum, maximum) = host::SPECTEST_MEMORY;
    let memory = Memory::new(&mut *store, MemoryType::new(minimum, Some(maximum)))?;
    linker.define(host::SPECTEST, "memory", memory)?;
    Ok(())
}
