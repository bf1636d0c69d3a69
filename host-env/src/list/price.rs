//! What host functions and transactions cost.
//!
//! Owns the prices, their soundness and their hash. It must not know when something is paid.

use super::{Function, FunctionDef, LIST};
use crate::types::{Hash, sha3_tagged};
use codec::Encode;

/// Every price is below this, so that the price of any call fits 64 bits with room to spare: counts are below 2^32.
const PRICE_CEILING: u32 = 1 << 24;

macro_rules! define_units {
    ($($(#[doc = $doc:literal])* $field:ident $variant:ident $letter:literal = $default:literal,)*) => {
        /// What a part of a price is paid for.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[non_exhaustive]
        pub enum Unit {
            $($(#[doc = $doc])* $variant,)*
            /// Something that only one function has: a block of a hash, a byte of a message, a pair of points.
            Own,
        }

        impl Unit {
            /// The short name in price formulas.
            pub const fn letter(self) -> &'static str {
                match self { $(Unit::$variant => $letter,)* Unit::Own => "k" }
            }
        }

        /// The prices of the host environment, in gas. Part of its fingerprint.
        ///
        /// ```
        /// use lockstep_host_env::{Function, HostSchedule, Unit};
        ///
        /// let mut schedule = HostSchedule { state_write: 30, ..HostSchedule::default() };
        /// schedule.set_base(Function::StorageGet, 10_000);
        /// schedule.check()?;
        /// assert_eq!(schedule.unit(Function::StorageSet, Unit::StateWrite), 30);
        /// # Ok::<(), lockstep_host_env::HostScheduleError>(())
        /// ```
        #[derive(Clone, PartialEq, Eq, Debug)]
        #[allow(clippy::exhaustive_structs, reason = "so that a protocol can be written down in one expression")]
        pub struct HostSchedule {
            /// The base price of each function, and of the unit that only it has.
            pub functions: FunctionPrices,
            $($(#[doc = $doc])* pub $field: u32,)*
            /// A transaction, whatever it does.
            pub transaction: u32,
            /// Each byte of an encoded transaction.
            pub transaction_byte: u32,
            /// Each byte of uploaded code, which is validated, compiled and kept for good.
            pub upload_byte: u32,
        }

        impl Default for HostSchedule {
            fn default() -> Self {
                HostSchedule {
                    functions: FunctionPrices::default(),
                    $($field: $default,)*
                    transaction: 80_000,
                    transaction_byte: 16,
                    upload_byte: 400,
                }
            }
        }

        impl HostSchedule {
            /// What one `unit` costs in a call of `function`.
            pub const fn unit(&self, function: Function, unit: Unit) -> u32 {
                match unit {
                    $(Unit::$variant => self.$field,)*
                    Unit::Own => self.functions.own[function as usize],
                }
            }

            /// The prices that are not a function's own, with their letters in formulas and their meaning.
            pub(crate) fn shared(&self) -> Vec<(&'static str, &'static str, u32, &'static str)> {
                vec![
                    $((stringify!($field), $letter, self.$field, concat!($($doc),*)),)*
                    ("transaction", "", self.transaction, " A transaction, whatever it does."),
                    ("transaction_byte", "", self.transaction_byte, " Each byte of an encoded transaction."),
                    ("upload_byte", "", self.upload_byte, " Each byte of uploaded code."),
                ]
            }
        }
    };
}

define_units! {
    /// Each byte read from the guest's memory.
    read Read "r" = 1,
    /// Each byte written to the guest's memory.
    write Write "w" = 1,
    /// Each byte of state that is read.
    state_read StateRead "sr" = 2,
    /// Each byte of state that is written.
    state_write StateWrite "sw" = 20,
    /// An entry that was not there before: a key, or an account.
    new_entry NewEntry "n" = 40_000,
    /// A value that goes with a call.
    value Value "v" = 16_000,
    /// Each byte of the code that a frame runs.
    code Code "code" = 4,
    /// Each topic of an event.
    topic Topic "t" = 200,
    /// Each byte of an event's data, which is kept in receipts.
    event_data EventData "e" = 4,
}

/// The prices that are each a function's own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FunctionPrices {
    base: [u32; Function::COUNT],
    own: [u32; Function::COUNT],
}

impl Default for FunctionPrices {
    fn default() -> Self {
        let mut prices = FunctionPrices { base: [0; Function::COUNT], own: [0; Function::COUNT] };
        for (index, def) in LIST.iter().enumerate() {
            prices.base[index] = def.base;
            prices.own[index] = def.own;
        }
        prices
    }
}

/// Why a host schedule is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostScheduleError {
    /// A price is not below 2^24.
    #[error("the price of `{name}` is {price}, and must be below {PRICE_CEILING}")]
    AboveCeiling {
        /// The function or price.
        name: &'static str,
        /// What it was set to.
        price: u32,
    },
    /// Something is free that unbounded work could be made of.
    #[error("`{name}` must cost at least 1: otherwise unbounded work could be free")]
    Free {
        /// The function or price.
        name: &'static str,
    },
}

impl HostSchedule {
    /// The base price of a function.
    pub const fn base(&self, function: Function) -> u32 {
        self.functions.base[function as usize]
    }

    /// Changes the base price of a function.
    pub const fn set_base(&mut self, function: Function, price: u32) {
        self.functions.base[function as usize] = price;
    }

    /// Changes the unit price that only `function` has.
    pub const fn set_own(&mut self, function: Function, price: u32) {
        self.functions.own[function as usize] = price;
    }

    /// Whether the schedule is sound: every price below 2^24 and none 0, but for a function's own unit where it has none.
    ///
    /// # Errors
    /// The first price that is not.
    pub fn check(&self) -> Result<(), HostScheduleError> {
        let mut prices: Vec<(&'static str, u32)> = Vec::new();
        for def in LIST {
            prices.push((def.name, self.base(def.function)));
            if def.own != 0 {
                prices.push((def.name, self.functions.own[def.function as usize]));
            }
        }
        prices.extend(self.shared().iter().map(|(name, _, price, _)| (*name, *price)));
        for (name, price) in prices {
            if price >= PRICE_CEILING {
                return Err(HostScheduleError::AboveCeiling { name, price });
            }
            if price == 0 {
                return Err(HostScheduleError::Free { name });
            }
        }
        Ok(())
    }

    /// SHA3-256 over `lockstep/host/1` and the SCALE encoding of the list and these prices: of each function its name,
    /// the names and kinds of its parameters, what it returns, whether static frames may not call it, version, formula,
    /// base and own unit; then of each shared price its name and value. Documentation and groups are left out.
    pub fn hash(&self) -> Hash {
        self.hash_of(LIST)
    }

    fn hash_of(&self, list: &[FunctionDef]) -> Hash {
        let functions: Vec<_> = list
            .iter()
            .map(|def| {
                let params: Vec<(&str, &str)> =
                    def.params.iter().map(|(name, kind)| (*name, kind.name())).collect();
                let ty = (params, def.returns.name(), def.ty().to_string());
                let formula: Vec<(&str, &str)> =
                    def.parts.iter().map(|part| (part.unit.letter(), part.of)).collect();
                let own = self.functions.own[def.function as usize];
                (def.name, ty, def.changes_state, def.since, formula, self.base(def.function), own)
            })
            .collect();
        let shared: Vec<(&str, u32)> =
            self.shared().iter().map(|(name, _, price, _)| (*name, *price)).collect();
        sha3_tagged("lockstep/host/1", &(functions, shared).encode())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::list::ReturnKind;

    /// Whatever a protocol can say of a function is in the hash, and what is for people is not.
    #[test]
    fn the_hash_covers_the_whole_list() {
        let schedule = HostSchedule::default();
        let with = |change: &dyn Fn(&mut FunctionDef)| {
            let mut list = LIST.to_vec();
            change(&mut list[Function::StorageSet as usize]);
            schedule.hash_of(&list)
        };
        assert_eq!(with(&|_| ()), schedule.hash());
        let changes: [&dyn Fn(&mut FunctionDef); 9] = [
            &|def| def.name = "storage_put",
            &|def| def.params = Function::StorageGet.def().params,
            &|def| def.params = Function::TransientSet.def().params,
            &|def| def.returns = ReturnKind::U64,
            &|def| def.returns = ReturnKind::Never,
            &|def| def.changes_state = false,
            &|def| def.parts = &def.parts[1..],
            &|def| def.since = 2,
            &|def| def.parts = Function::StorageGet.def().parts,
        ];
        for (index, change) in changes.iter().enumerate() {
            assert_ne!(with(change), schedule.hash(), "{index}");
        }
        let never = |def: &mut FunctionDef| def.returns = ReturnKind::Never;
        let nothing = |def: &mut FunctionDef| def.returns = ReturnKind::Nothing;
        assert_ne!(with(&never), with(&nothing));
        assert_eq!(with(&|def| (def.doc, def.section) = ("other", "other")), schedule.hash());
        let mut list = LIST.to_vec();
        list.swap(0, 1);
        assert_ne!(schedule.hash_of(&list), schedule.hash());
        assert_ne!(schedule.hash_of(&LIST[1..]), schedule.hash());
    }

    #[test]
    fn the_default_is_sound_and_each_price_is_checked_and_hashed() {
        let default = HostSchedule::default();
        default.check().unwrap();
        for function in Function::all() {
            let mut schedule = default.clone();
            schedule.set_base(function, 0);
            assert_eq!(schedule.check(), Err(HostScheduleError::Free { name: function.def().name }));
            assert_ne!(schedule.hash(), default.hash());
            schedule.set_base(function, PRICE_CEILING);
            let above = HostScheduleError::AboveCeiling { name: function.def().name, price: PRICE_CEILING };
            assert_eq!(schedule.check(), Err(above));
        }
        for change in [
            |schedule: &mut HostSchedule| schedule.read = 0,
            |schedule: &mut HostSchedule| schedule.upload_byte = 0,
            |schedule: &mut HostSchedule| schedule.set_own(Function::HashBlake3, 0),
        ] {
            let mut schedule = default.clone();
            change(&mut schedule);
            assert!(matches!(schedule.check(), Err(HostScheduleError::Free { .. })));
            assert_ne!(schedule.hash(), default.hash());
        }
    }
}
