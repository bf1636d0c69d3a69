//! The meter: the globals and functions that an instrumented module counts with.
//!
//! Owns the meter's code. It must not know where in a module the meter is called.
//!
//! The functions follow the module's own, so no function index changes; none of them disturbs the operands beneath its
//! own, so a call of them fits between any two operators.

use alloc::vec::Vec;
use wasm_encoder::{BlockType, Encode, Function, Instruction as I, ValType};

/// The names of the meter's globals, in their order: the gas left, the slots of all active frames, the greatest
/// such height, and the number of the trap that the meter raised. All are mutable `i64` and start at 0.
///
/// Whoever runs the module sets the gas, and sets the peak to the height before an outermost call. A trap leaves the
/// height as it was: set it back to what it was when the activation began.
pub const METER_GLOBALS: [&str; 4] = ["lockstep:gas", "lockstep:height", "lockstep:peak", "lockstep:trap"];

/// Written to `lockstep:trap` before the `unreachable` that stands for StackOverflow.
pub const TRAP_STACK_OVERFLOW: i64 = 9;

/// Written to `lockstep:trap` before the `unreachable` that stands for OutOfGas.
pub const TRAP_OUT_OF_GAS: i64 = 11;

/// The meter of one module, by the indices it has there.
pub(super) struct Meter {
    /// The first of the four globals.
    globals: u32,
    /// The first of the functions.
    functions: u32,
    stack_slots: u64,
    /// The prices per unit of length for which there are functions.
    length_prices: Vec<u32>,
}

impl Meter {
    pub(super) fn new(globals: u32, functions: u32, stack_slots: u64) -> Self {
        Meter { globals, functions, stack_slots, length_prices: Vec::new() }
    }

    /// `[] -> []`: pays `price`, or takes all gas and traps.
    pub(super) fn charge(&self, price: u64, out: &mut Vec<u8>) {
        call_with(price, self.functions, out);
    }

    /// `[] -> []`: makes room for a frame, or traps.
    pub(super) fn enter(&self, frame_slots: u32, out: &mut Vec<u8>) {
        call_with(frame_slots.into(), self.functions + 1, out);
    }

    /// `[] -> []`: gives the room of a frame back.
    pub(super) fn leave(&self, frame_slots: u32, out: &mut Vec<u8>) {
        call_with(frame_slots.into(), self.functions + 2, out);
    }

    /// `[i32] -> [i32]`: pays `price` for each unit of the length on top of the stack, and leaves it there. Returns the
    /// function to call, one for each price.
    pub(super) fn length_charger(&mut self, price: u32) -> u32 {
        let at = self.length_prices.iter().position(|&known| known == price).unwrap_or_else(|| {
            self.length_prices.push(price);
            self.length_prices.len() - 1
        });
        // At most one for each operator that has a length.
        self.functions + 3 + at as u32
    }

    /// How many functions the meter has.
    pub(super) fn function_count(&self) -> u32 {
        3 + self.length_prices.len() as u32
    }

    /// The types of the meter's functions, encoded, and how many they are.
    pub(super) fn types(&self) -> (u32, &'static [u8]) {
        // (func (param i64)), (func (param i32) (result i32))
        const TYPES: &[u8] = &[0x60, 1, 0x7e, 0, 0x60, 1, 0x7f, 1, 0x7f];
        if self.length_prices.is_empty() { (1, &TYPES[..4]) } else { (2, TYPES) }
    }

    /// The meter's part of the function section, when the first of [`types`](Self::types) has this index.
    pub(super) fn encode_functions(&self, types: u32, out: &mut Vec<u8>) {
        for _ in 0..3 {
            types.encode(out);
        }
        for _ in &self.length_prices {
            (types + 1).encode(out);
        }
    }

    /// The meter's part of the code section.
    pub(super) fn encode_bodies(&self, out: &mut Vec<u8>) {
        let [gas, height, peak, trap] = [0, 1, 2, 3].map(|at| self.globals + at);

        let charge = [
            I::LocalGet(0),
            I::GlobalGet(gas),
            I::I64GtU,
            I::If(BlockType::Empty),
            I::I64Const(0),
            I::GlobalSet(gas),
            I::I64Const(TRAP_OUT_OF_GAS),
            I::GlobalSet(trap),
            I::Unreachable,
            I::End,
            I::GlobalGet(gas),
            I::LocalGet(0),
            I::I64Sub,
            I::GlobalSet(gas),
        ];
        // The limit itself is allowed. A refused frame is not in the height, and not in the peak.
        let enter = [
            I::LocalGet(0),
            I::GlobalGet(height),
            I::I64Add,
            I::LocalTee(0),
            I::I64Const(self.stack_slots.cast_signed()),
            I::I64GtU,
            I::If(BlockType::Empty),
            I::I64Const(TRAP_STACK_OVERFLOW),
            I::GlobalSet(trap),
            I::Unreachable,
            I::End,
            I::LocalGet(0),
            I::GlobalSet(height),
            I::LocalGet(0),
            I::GlobalGet(peak),
            I::I64GtU,
            I::If(BlockType::Empty),
            I::LocalGet(0),
            I::GlobalSet(peak),
            I::End,
        ];
        let leave = [I::GlobalGet(height), I::LocalGet(0), I::I64Sub, I::GlobalSet(height)];
        encode_body(&charge, out);
        encode_body(&enter, out);
        encode_body(&leave, out);

        for &price in &self.length_prices {
            // Below 2^32 times 2^24: the product cannot wrap.
            let charge_length = [
                I::LocalGet(0),
                I::I64ExtendI32U,
                I::I64Const(price.into()),
                I::I64Mul,
                I::Call(self.functions),
                I::LocalGet(0),
            ];
            encode_body(&charge_length, out);
        }
    }
}

/// The four globals as entries of the global section.
pub(super) fn encode_globals(out: &mut Vec<u8>) {
    for _ in METER_GLOBALS {
        out.extend([VAL_I64, MUTABLE]);
        I::I64Const(0).encode(out);
        I::End.encode(out);
    }
}

/// The four globals as entries of the export section.
pub(super) fn encode_exports(globals: u32, out: &mut Vec<u8>) {
    for (name, index) in METER_GLOBALS.into_iter().zip(globals..) {
        name.encode(out);
        out.push(KIND_GLOBAL);
        index.encode(out);
    }
}

/// The four globals as entries of the import section.
pub(super) fn encode_imports(module: &str, out: &mut Vec<u8>) {
    for name in METER_GLOBALS {
        module.encode(out);
        name.encode(out);
        out.extend([KIND_GLOBAL, VAL_I64, MUTABLE]);
    }
}

const VAL_I64: u8 = 0x7e;
const MUTABLE: u8 = 1;
/// What an import or export of a global begins with.
pub(super) const KIND_GLOBAL: u8 = 3;

fn call_with(argument: u64, function: u32, out: &mut Vec<u8>) {
    I::I64Const(argument.cast_signed()).encode(out);
    I::Call(function).encode(out);
}

fn encode_body(instructions: &[I<'_>], out: &mut Vec<u8>) {
    let mut body = Function::new(core::iter::empty::<(u32, ValType)>());
    for instruction in instructions {
        body.instruction(instruction);
    }
    body.instruction(&I::End);
    body.encode(out);
}
