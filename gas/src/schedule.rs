//! The schedule: what each operator and each unit of dynamic work costs.
//!
//! Owns prices, their soundness, their encoding and hash. It must not know modules or runs.

use crate::Op;
use alloc::{string::String, vec::Vec};
use codec::{Decode, Encode, Error as CodecError, Input, Output};
use sha3::{Digest, Sha3_256};

/// Every price is below this, so that no sum of prices within the ceilings of the limits can overflow 64 bits.
pub const PRICE_CEILING: u32 = 1 << 24;

/// The encoding's version, first in the encoded form.
const ENCODING_VERSION: u16 = 1;

macro_rules! define_prices {
    ($($(#[doc = $doc:literal])* $field:ident = $default:literal,)*) => {
        /// The prices that do not belong to a single operator, in gas.
        ///
        /// ```
        /// use lockstep_gas::Prices;
        ///
        /// let prices = Prices { local: 3, ..Prices::default() };
        /// assert_eq!(prices.local, 3);
        /// ```
        #[derive(Clone, PartialEq, Eq, Debug)]
        #[allow(clippy::exhaustive_structs, reason = "a new price is a new semantics version anyway")]
        pub struct Prices { $($(#[doc = $doc])* pub $field: u32,)* }

        impl Default for Prices {
            fn default() -> Self {
                Prices { $($field: $default,)* }
            }
        }

        impl Prices {
            /// All prices with the names of their fields, in a fixed order.
            pub fn named(&self) -> impl Iterator<Item = (&'static str, u32)> {
                [$((stringify!($field), self.$field),)*].into_iter()
            }

            /// The price with the name of its field, to change it.
            pub fn by_name_mut(&mut self, name: &str) -> Option<&mut u32> {
                match name {
                    $(stringify!($field) => Some(&mut self.$field),)*
                    _ => None,
                }
            }
        }
    };
}

define_prices! {
    /// Entering a function body, added to its first run.
    entry = 20,
    /// Each declared local of a body (parameters are not counted), added to its first run: it must be zeroed.
    local = 1,
    /// Each parameter and result of the callee's type, added to `call` and `call_indirect`.
    call_slot = 1,
    /// Each parameter of the callee's type, added to `return_call` and `return_call_indirect`.
    tail_call_slot = 1,
    /// Each value of the label's arity, added to `br`, `br_if`, `br_table` and `return`.
    branch_slot = 1,
    /// Each page asked of `memory.grow`: 64 KiB must be made zero, page of the machine by page when it is first used.
    memory_grow_page = 65_536,
    /// Each byte of `memory.fill`.
    memory_fill_byte = 1,
    /// Each byte of `memory.copy`.
    memory_copy_byte = 1,
    /// Each byte of `memory.init`.
    memory_init_byte = 1,
    /// Each element asked of `table.grow`.
    table_grow_element = 2,
    /// Each element of `table.fill`.
    table_fill_element = 1,
    /// Each element of `table.copy`.
    table_copy_element = 1,
    /// Each element of `table.init`.
    table_init_element = 8,
    /// Making an instance, whatever it contains.
    instantiation_base = 30_000,
    /// Each page of a memory that the module defines, by its declared minimum.
    instantiation_memory_page = 65_536,
    /// Each element of a table that the module defines, by its declared minimum.
    instantiation_table_element = 2,
    /// Each global that the module defines.
    instantiation_global = 64,
    /// Each byte of an active data segment.
    instantiation_data_byte = 1,
    /// Each item of an active element segment.
    instantiation_element_item = 8,
}

/// Why a schedule is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// A price is not below [`PRICE_CEILING`].
    #[error("the price of `{name}` is {price}, and must be below {PRICE_CEILING}")]
    AboveCeiling {
        /// The operator or price.
        name: &'static str,
        /// What it was set to.
        price: u32,
    },
    /// Something is free that an endless or unbounded execution could be made of.
    #[error("`{name}` must cost at least 1: otherwise unbounded work could be free")]
    Free {
        /// The operator or price.
        name: &'static str,
    },
    /// `block`, `else` and `end` cost nothing by law.
    #[error("`{name}` costs nothing by law, and is priced at {price}")]
    NeverPriced {
        /// The operator.
        name: &'static str,
        /// What it was set to.
        price: u32,
    },
}

/// A price for every operator and every unit of dynamic work.
///
/// A schedule is part of a chain's protocol: its [hash](Schedule::hash) enters the engine's fingerprint.
///
/// ```
/// use lockstep_gas::{Op, Schedule};
///
/// let mut schedule = Schedule::default();
/// schedule.set(Op::I64DivU, 40);
/// schedule.prices.entry = 20;
/// schedule.check()?;
/// assert_eq!(schedule.price(Op::I64DivU), 40);
///
/// schedule.set(Op::Loop, 0);
/// assert!(schedule.check().is_err()); // an endless loop would be free
/// # Ok::<(), lockstep_gas::ScheduleError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Schedule {
    operators: [u32; Op::COUNT],
    /// The prices that do not belong to a single operator.
    pub prices: Prices,
}

impl Default for Schedule {
    /// The default schedule. Its unit is about a sixth of a nanosecond of compiled code on a common server, and nothing that a
    /// contract can do takes more than four times as long for its gas: measured, operator by operator, in `fuzz/prices.md`.
    /// The reasoning stands beside each class in `default_price`.
    fn default() -> Self {
        let mut operators = [0; Op::COUNT];
        for &op in Op::ALL {
            operators[op as usize] = default_price(op);
        }
        Schedule { operators, prices: Prices::default() }
    }
}

impl Schedule {
    /// A schedule in which each operator that may have a price costs `price`, and every other price is `price` too.
    /// Useful in tests.
    pub fn uniform(price: u32) -> Self {
        let mut schedule = Schedule::default();
        for &op in Op::ALL {
            schedule.operators[op as usize] = if is_never_priced(op) { 0 } else { price };
        }
        for (name, _) in Prices::default().named() {
            if let Some(field) = schedule.prices.by_name_mut(name) {
                *field = price;
            }
        }
        schedule
    }

    /// The price of an operator, in gas, without its parts per slot or by length.
    #[inline]
    pub const fn price(&self, op: Op) -> u32 {
        self.operators[op as usize]
    }

    /// Changes the price of an operator. Whether the whole is sound is for [`check`](Schedule::check) to say.
    pub const fn set(&mut self, op: Op, price: u32) {
        self.operators[op as usize] = price;
    }

    /// Whether the schedule is sound: every price below [`PRICE_CEILING`], nothing endless or unbounded free, and
    /// `block`, `else`, `end` at 0.
    ///
    /// # Errors
    /// The first price that is not, in the order of the operators, then of [`Prices::named`].
    pub fn check(&self) -> Result<(), ScheduleError> {
        for &op in Op::ALL {
            let (name, price) = (op.name(), self.price(op));
            if price >= PRICE_CEILING {
                return Err(ScheduleError::AboveCeiling { name, price });
            }
            if is_never_priced(op) && price != 0 {
                return Err(ScheduleError::NeverPriced { name, price });
            }
            if op == Op::Loop && price == 0 {
                return Err(ScheduleError::Free { name });
            }
        }
        for (name, price) in self.prices.named() {
            if price >= PRICE_CEILING {
                return Err(ScheduleError::AboveCeiling { name, price });
            }
            // The base is paid once for an instance, which is no cycle of the guest's.
            if price == 0 && name != "instantiation_base" {
                return Err(ScheduleError::Free { name });
            }
        }
        Ok(())
    }

    /// SHA3-256 over `lockstep/schedule/1` and the SCALE encoding.
    pub fn hash(&self) -> [u8; 32] {
        let mut hasher = Sha3_256::new();
        hasher.update(b"lockstep/schedule/1");
        hasher.update(self.encode());
        hasher.finalize().into()
    }
}

/// Encoded as a version, then (name, price) pairs of the operators in the order of their names, then of the other
/// prices in the order of theirs: independent of how this crate orders its operators.
impl Encode for Schedule {
    fn encode_to<T: Output + ?Sized>(&self, dest: &mut T) {
        let mut operators: Vec<(&str, u32)> = Op::ALL.iter().map(|&op| (op.name(), self.price(op))).collect();
        operators.sort_unstable();
        let mut prices: Vec<(&str, u32)> = self.prices.named().collect();
        prices.sort_unstable();
        (ENCODING_VERSION, operators, prices).encode_to(dest);
    }
}

/// Refuses another version, a missing, unknown or repeated name, another order, and an unsound schedule.
impl Decode for Schedule {
    fn decode<I: Input>(input: &mut I) -> Result<Self, CodecError> {
        type Named = Vec<(String, u32)>;
        if u16::decode(input)? != ENCODING_VERSION {
            return Err("schedule of another version".into());
        }
        let (operators, prices) = <(Named, Named)>::decode(input)?;
        let in_order = |names: &Named| names.is_sorted_by(|a, b| a.0 < b.0);
        if !in_order(&operators) || !in_order(&prices) {
            return Err("schedule whose names are not in order, or repeated".into());
        }
        let mut schedule = Schedule::uniform(1);
        if operators.len() != Op::COUNT || prices.len() != schedule.prices.named().count() {
            return Err("schedule with missing or additional prices".into());
        }
        for (name, price) in operators {
            let op = Op::from_name(&name).ok_or("schedule with an unknown operator")?;
            schedule.set(op, price);
        }
        for (name, price) in prices {
            *schedule.prices.by_name_mut(&name).ok_or("schedule with an unknown price")? = price;
        }
        schedule.check().map_err(|_| "unsound schedule")?;
        Ok(schedule)
    }
}

/// `block`, `else` and `end` mark structure and never cost anything.
const fn is_never_priced(op: Op) -> bool {
    matches!(op, Op::Block | Op::Else | Op::End)
}

/// The default price of an operator, by what it asks of a processor. Exhaustive: a new operator must be priced here.
const fn default_price(op: Op) -> u32 {
    use Op::*;
    match op {
        Block | Else | End => 0,

        // A compiler mostly answers these by remembering where a value is.
        Nop | Drop | I32Const | I64Const | F32Const | F64Const | LocalGet | LocalSet | LocalTee | RefNull
        | RefFunc => 1,
        Unreachable => 1,

        // A cycle or two. A comparison may need two more to become a value, a shift another instruction.
        I32Eqz | I32Eq | I32Ne | I32LtS | I32LtU | I32GtS | I32GtU | I32LeS | I32LeU | I32GeS | I32GeU
        | I64Eqz | I64Eq | I64Ne | I64LtS | I64LtU | I64GtS | I64GtU | I64LeS | I64LeU | I64GeS | I64GeU
        | I32Add | I32Sub | I32And | I32Or | I32Xor | I64Add | I64Sub | I64And | I64Or | I64Xor | I32Shl
        | I32ShrS | I32ShrU | I32Rotl | I32Rotr | I64Shl | I64ShrS | I64ShrU | I64Rotl | I64Rotr | I32Clz
        | I32Ctz | I32Popcnt | I64Clz | I64Ctz | I64Popcnt | I32WrapI64 | I64ExtendI32S | I64ExtendI32U
        | I32Extend8S | I32Extend16S | I64Extend8S | I64Extend16S | I64Extend32S | I32ReinterpretF32
        | I64ReinterpretF64 | F32ReinterpretI32 | F64ReinterpretI64 | RefIsNull | Select | TypedSelect => 1,
        I32Mul | I64Mul => 2,
        // The divider is not pipelined, and slower on older processors.
        I32DivS | I32DivU | I32RemS | I32RemU => 16,
        I64DivS | I64DivU | I64RemS | I64RemU => 20,

        // The address may be anywhere in the memory, and the next one depend on what is there: a miss of all caches takes
        // several hundred cycles. Nobody waits for a store, but it takes the lines, of two pages at worst, all the same.
        I32Load | I64Load | F32Load | F64Load | I32Load8S | I32Load8U | I32Load16S | I32Load16U
        | I64Load8S | I64Load8U | I64Load16S | I64Load16U | I64Load32S | I64Load32U => 320,
        I32Store | I64Store | F32Store | F64Store | I32Store8 | I32Store16 | I64Store8 | I64Store16
        | I64Store32 => 96,
        GlobalGet | GlobalSet | MemorySize | TableSize => 2,
        // By its limits a table is in the second or third cache.
        TableGet => 16,
        TableSet => 8,

        // Control: a predicted branch is cheap, and the gas check of the run it starts is part of its price; but half of the
        // conditional ones may be predicted wrongly.
        Loop | Br | Return => 1,
        If | BrIf => 6,
        BrTable => 12,
        // Code may have to come from the third cache.
        Call | ReturnCall => 24,
        CallIndirect | ReturnCallIndirect => 32,

        // The part that does not depend on the length; most are calls into the runtime.
        MemoryGrow | TableGrow => 120,
        MemoryFill | MemoryCopy => 60,
        MemoryInit | TableFill | TableCopy | TableInit | DataDrop | ElemDrop => 100,

        // Floats, with canonical NaNs. The way to a float register and back takes as long as most operators.
        F32Abs | F32Neg | F64Abs | F64Neg => 1,
        F32Eq | F32Ne | F32Lt | F32Gt | F32Le | F32Ge | F64Eq | F64Ne | F64Lt | F64Gt | F64Le | F64Ge => 6,
        F32Add | F32Sub | F32Mul | F64Add | F64Sub | F64Mul | F32Min | F32Max | F64Min | F64Max
        | F32Copysign | F64Copysign | F32DemoteF64 | F64PromoteF32 => 8,
        F32ConvertI32S | F32ConvertI32U | F32ConvertI64S | F32ConvertI64U | F64ConvertI32S
        | F64ConvertI32U | F64ConvertI64S | F64ConvertI64U => 8,
        F32Ceil | F32Floor | F32Trunc | F32Nearest | F64Ceil | F64Floor | F64Trunc | F64Nearest => 10,
        I32TruncF32S | I32TruncF32U | I32TruncF64S | I32TruncF64U | I64TruncF32S | I64TruncF32U
        | I64TruncF64S | I64TruncF64U | I32TruncSatF32S | I32TruncSatF32U | I32TruncSatF64S
        | I32TruncSatF64U | I64TruncSatF32S | I64TruncSatF32U | I64TruncSatF64S | I64TruncSatF64U => 10,
        F32Div | F32Sqrt => 20,
        F64Div | F64Sqrt => 24,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_and_uniform_schedules_are_sound() {
        Schedule::default().check().unwrap();
        Schedule::uniform(1).check().unwrap();
        Schedule::uniform(PRICE_CEILING - 1).check().unwrap();
    }

    /// A schedule with a free back edge, entry or length would let a contract run without end.
    #[test]
    fn l49_a_free_cycle_is_refused() {
        let mut schedule = Schedule::uniform(1);
        schedule.set(Op::Loop, 0);
        assert_eq!(schedule.check(), Err(ScheduleError::Free { name: "loop" }));
        for (name, _) in Prices::default().named() {
            let mut schedule = Schedule::uniform(1);
            *schedule.prices.by_name_mut(name).unwrap() = 0;
            let verdict = schedule.check();
            if name == "instantiation_base" {
                assert_eq!(verdict, Ok(()));
            } else {
                assert_eq!(verdict, Err(ScheduleError::Free { name }));
            }
        }
        // Anything else may be free.
        for &op in Op::ALL {
            let mut schedule = Schedule::uniform(1);
            schedule.set(op, 0);
            assert_eq!(schedule.check().is_ok(), op != Op::Loop, "{op:?}");
        }
    }

    #[test]
    fn every_price_has_the_ceiling() {
        for &op in Op::ALL {
            let mut schedule = Schedule::uniform(1);
            schedule.set(op, PRICE_CEILING);
            assert_eq!(
                schedule.check(),
                Err(ScheduleError::AboveCeiling { name: op.name(), price: PRICE_CEILING })
            );
        }
        for (name, _) in Prices::default().named() {
            let mut schedule = Schedule::uniform(1);
            *schedule.prices.by_name_mut(name).unwrap() = PRICE_CEILING;
            assert_eq!(schedule.check(), Err(ScheduleError::AboveCeiling { name, price: PRICE_CEILING }));
        }
    }

    #[test]
    fn structure_is_never_priced() {
        for op in [Op::Block, Op::Else, Op::End] {
            let mut schedule = Schedule::default();
            schedule.set(op, 1);
            assert_eq!(schedule.check(), Err(ScheduleError::NeverPriced { name: op.name(), price: 1 }));
        }
    }

    #[test]
    fn the_encoding_returns_what_went_in() {
        let schedule = Schedule::default();
        let bytes = schedule.encode();
        assert_eq!(Schedule::decode(&mut &bytes[..]).unwrap(), schedule);
        for cut in 0..bytes.len() {
            assert!(Schedule::decode(&mut &bytes[..cut]).is_err());
        }
    }

    #[test]
    fn an_unsound_schedule_is_not_decoded() {
        let mut schedule = Schedule::default();
        schedule.set(Op::Loop, 0);
        assert!(Schedule::decode(&mut &schedule.encode()[..]).is_err());
    }

    /// Each price must reach the hash: an artifact or a receipt made under other prices must not pass for ours.
    #[test]
    fn l33_every_price_changes_the_hash() {
        let mut seen = alloc::collections::BTreeSet::from([Schedule::default().hash()]);
        for &op in Op::ALL {
            let mut schedule = Schedule::default();
            schedule.set(op, schedule.price(op) + 1);
            assert!(seen.insert(schedule.hash()), "{op:?}");
        }
        for (name, price) in Prices::default().named() {
            let mut schedule = Schedule::default();
            *schedule.prices.by_name_mut(name).unwrap() = price + 1;
            assert!(seen.insert(schedule.hash()), "{name}");
        }
    }
}
