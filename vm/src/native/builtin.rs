//! What compiled code leaves to the runtime.
//!
//! Owns the order of things within an operator: operands, then the price by length, then checks, then effects. What can
//! be grown, filled, copied and dropped are the store's rules. It must not know the stack.

use crate::abi::builtin;
use crate::store::objects::{Callee, FuncRef, InstanceId, Objects, OutOfMemory, TableId};
use crate::trap::Trap;
use lockstep_gas::Prices;

/// How compiled code goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Resumption {
    /// With `values[0]` as the result, if it wants one.
    WithResult,
    /// With every register as it was, but for `values[0]` as the address to call, if it wants one.
    Unchanged,
}

/// Why it does not go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Interrupt {
    Trapped(Trap),
    OutOfMemory,
}

impl From<Trap> for Interrupt {
    fn from(trap: Trap) -> Self {
        Interrupt::Trapped(trap)
    }
}

impl From<OutOfMemory> for Interrupt {
    fn from(OutOfMemory: OutOfMemory) -> Self {
        Interrupt::OutOfMemory
    }
}

/// Does what the code of an instance asks for, with operands and result in the state's values.
pub(super) fn run(objects: &mut Objects, instance: InstanceId, number: u64) -> Result<Resumption, Interrupt> {
    let machine = objects.machine.as_mut().expect("an engine with compiled code has a machine");
    let &[first, second, third, fourth, fifth, ..] = &machine.state().values;
    let result = match number {
        builtin::RESOLVE => {
            let address = resolve(objects, instance, first, low(second))?;
            set_result(objects, address);
            return Ok(Resumption::Unchanged);
        }
        builtin::MEMORY_GROW => {
            pay(objects, instance, first, |prices| prices.memory_grow_page)?;
            let memory = objects.instances[instance.index()].memories[0];
            Some(objects.grow_memory(memory, low(first))?)
        }
        builtin::MEMORY_FILL => {
            pay(objects, instance, third, |prices| prices.memory_fill_byte)?;
            let memory = objects.instances[instance.index()].memories[0];
            // The value's low byte, as with `i32.store8`.
            objects.fill_memory(memory, low(first), second as u8, low(third))?;
            return Ok(Resumption::Unchanged);
        }
        builtin::MEMORY_COPY => {
            pay(objects, instance, third, |prices| prices.memory_copy_byte)?;
            let memory = objects.instances[instance.index()].memories[0];
            objects.copy_memory(memory, low(first), low(second), low(third))?;
            return Ok(Resumption::Unchanged);
        }
        builtin::MEMORY_INIT => {
            pay(objects, instance, third, |prices| prices.memory_init_byte)?;
            let memory = objects.instances[instance.index()].memories[0];
            objects.init_memory(instance, memory, low(fourth), low(first), low(second), low(third))?;
            None
        }
        builtin::DATA_DROP => {
            objects.drop_data(instance, low(first));
            None
        }
        builtin::TABLE_GROW => {
            pay(objects, instance, second, |prices| prices.table_grow_element)?;
            let table = table(objects, instance, third);
            Some(objects.grow_table(table, low(second), first)?)
        }
        builtin::TABLE_FILL => {
            pay(objects, instance, third, |prices| prices.table_fill_element)?;
            let table = table(objects, instance, fourth);
            objects.fill_table(table, low(first), second, low(third))?;
            None
        }
        builtin::TABLE_COPY => {
            pay(objects, instance, third, |prices| prices.table_copy_element)?;
            let (to, from) = (table(objects, instance, fourth), table(objects, instance, fifth));
            objects.copy_table(to, from, low(first), low(second), low(third))?;
            None
        }
        builtin::TABLE_INIT => {
            pay(objects, instance, third, |prices| prices.table_init_element)?;
            let table = table(objects, instance, fifth);
            objects.init_table(instance, table, low(fourth), low(first), low(second), low(third))?;
            None
        }
        builtin::ELEM_DROP => {
            objects.drop_elements(instance, low(first));
            None
        }
        other => panic!("compiled code asks for what there is not: {other}"),
    };
    if let Some(result) = result {
        set_result(objects, result.into());
    }
    Ok(Resumption::WithResult)
}

/// An `i32` or an index: the upper half of its word is 0.
fn low(value: u64) -> u32 {
    value as u32
}

/// The dynamic part of a price: below 2^32 * 2^24.
fn pay(
    objects: &mut Objects,
    instance: InstanceId,
    units: u64,
    each: impl Fn(&Prices) -> u32,
) -> Result<(), Trap> {
    let each = each(&objects.instances[instance.index()].module.engine().schedule().prices);
    objects.pay(u64::from(low(units)) * u64::from(each))
}

fn table(objects: &Objects, instance: InstanceId, table: u64) -> TableId {
    objects.instances[instance.index()].tables[low(table) as usize]
}

fn set_result(objects: &mut Objects, result: u64) {
    let machine = objects.machine.as_mut().expect("an engine with compiled code has a machine");
    machine.state_mut().values[0] = result;
}

/// What `call_indirect` calls, once its index has been found in the table: the address, with whatever a thunk there
/// wants to know put into the state.
fn resolve(
    objects: &mut Objects,
    instance: InstanceId,
    reference: u64,
    type_index: u32,
) -> Result<u64, Trap> {
    let callee = FuncRef::from_bits(reference).callee().ok_or(Trap::IndirectCallToNull)?;
    let expected = &objects.instances[instance.index()].module.info().types[type_index as usize];
    let actual = objects.function_type(callee);
    if !core::ptr::eq(expected, actual) && expected != actual {
        return Err(Trap::BadSignature);
    }
    let code = objects.code(instance);
    let (host_indirect, switch_indirect) =
        (code.address(code.thunks().host_indirect), code.address(code.thunks().switch_indirect));
    match callee {
        Callee::Host(host) => {
            let machine = objects.machine.as_mut().expect("an engine with compiled code has a machine");
            machine.state_mut().payload = host.into();
            Ok(host_indirect)
        }
        Callee::Wasm { instance: target, function } => {
            let (address, anchor) = (objects.function_address(target, function), objects.anchor(target));
            let machine = objects.machine.as_mut().expect("an engine with compiled code has a machine");
            let state = machine.state_mut();
            state.indirect_code = address;
            state.indirect_anchor = anchor;
            Ok(switch_indirect)
        }
    }
}
