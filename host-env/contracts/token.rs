//! A fungible token on the host environment: `deploy` gives the supply to its caller.
//!
//! Input: one byte that says what to do, then its arguments. 0 `transfer`: address, amount. 1 `balance_of`: address;
//! outputs the amount. 2 `approve`: address, amount. 3 `transfer_from`: owner, receiver, amount. Amounts are 16 bytes,
//! little-endian. Every movement is an event with the two addresses as topics and the amount as data.
#![no_std]

#[path = "../guest/lockstep.rs"]
mod lockstep;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

type Address = [u8; 32];

fn fail(reason: &str) -> ! {
    // SAFETY: the host reads these bytes and nothing else; so for all calls below, with the buffers they name.
    unsafe { lockstep::revert(reason.as_ptr(), reason.len() as u32) }
}

fn input<const N: usize>(offset: usize) -> [u8; N] {
    let mut bytes = [0; N];
    let read = unsafe { lockstep::input_read(offset as u32, bytes.as_mut_ptr(), N as u32) };
    if read as usize != N {
        fail("input too short");
    }
    bytes
}

fn caller() -> Address {
    let mut caller = [0; 32];
    unsafe { lockstep::caller(caller.as_mut_ptr()) };
    caller
}

/// The amount behind a key; 0 where there is none.
fn get(key: &[u8]) -> u128 {
    let mut amount = [0; 16];
    unsafe { lockstep::storage_get(key.as_ptr(), key.len() as u32, amount.as_mut_ptr(), 16) };
    u128::from_le_bytes(amount)
}

/// An amount of 0 is not kept.
fn set(key: &[u8], amount: u128) {
    let bytes = amount.to_le_bytes();
    unsafe {
        match amount {
            0 => lockstep::storage_remove(key.as_ptr(), key.len() as u32),
            _ => lockstep::storage_set(key.as_ptr(), key.len() as u32, bytes.as_ptr(), 16),
        };
    }
}

fn allowance_key(owner: &Address, spender: &Address) -> [u8; 64] {
    let mut key = [0; 64];
    key[..32].copy_from_slice(owner);
    key[32..].copy_from_slice(spender);
    key
}

fn moved(from: &Address, to: &Address, amount: u128) {
    let (topics, data) = (allowance_key(from, to), amount.to_le_bytes());
    unsafe { lockstep::event(topics.as_ptr(), 2, data.as_ptr(), 16) }
}

fn transfer(from: &Address, to: &Address, amount: u128) {
    let Some(left) = get(from).checked_sub(amount) else { fail("balance") };
    set(from, left);
    // No balance exceeds the supply.
    set(to, get(to).wrapping_add(amount));
    moved(from, to, amount);
}

#[unsafe(no_mangle)]
pub extern "C" fn deploy() {
    let supply = u128::from_le_bytes(input(0));
    set(&caller(), supply);
    moved(&[0; 32], &caller(), supply);
}

#[unsafe(no_mangle)]
pub extern "C" fn call() {
    let [action] = input(0);
    match action {
        0 => transfer(&caller(), &input(1), u128::from_le_bytes(input(33))),
        1 => {
            let balance = get(&input::<32>(1)).to_le_bytes();
            unsafe { lockstep::output(balance.as_ptr(), 16) }
        }
        2 => set(&allowance_key(&caller(), &input(1)), u128::from_le_bytes(input(33))),
        3 => {
            let (owner, amount) = (input(1), u128::from_le_bytes(input(65)));
            let key = allowance_key(&owner, &caller());
            let Some(left) = get(&key).checked_sub(amount) else { fail("allowance") };
            set(&key, left);
            transfer(&owner, &input(33), amount);
        }
        _ => fail("no such action"),
    }
}
