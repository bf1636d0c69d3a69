//! Traps: how an execution ends when an operator cannot do what it says.
//!
//! Owns the kinds and their numbers, which are part of consensus. It must not know where a trap happened; that is for
//! people and lives in the error.

use core::fmt;

macro_rules! define_trap {
    ($($(#[doc = $doc:literal])* $name:ident = $number:literal, $says:literal;)*) => {
        /// The kind of a trap. The numbers enter receipts and never change.
        ///
        /// ```
        /// use lockstep_vm::Trap;
        ///
        /// assert_eq!(Trap::OutOfGas as u8, 11);
        /// assert_eq!(Trap::from_number(7), Some(Trap::DivideByZero));
        /// ```
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u8)]
        #[allow(clippy::exhaustive_enums, reason = "a new kind is a new semantics version")]
        pub enum Trap { $($(#[doc = $doc])* $name = $number,)* }

        impl Trap {
            /// Every kind, in the order of their numbers.
            pub const ALL: &'static [Trap] = &[$(Trap::$name,)*];

            /// The kind's name, as in receipts' reports and test vectors.
            pub const fn name(self) -> &'static str {
                match self { $(Trap::$name => stringify!($name),)* }
            }
        }

        impl fmt::Display for Trap {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Trap::$name => $says,)* })
            }
        }
    };
}

define_trap! {
    /// The `unreachable` operator was executed.
    Unreachable = 1, "unreachable executed";
    /// An access reaches beyond the memory's end; also an active data segment.
    MemoryOutOfBounds = 2, "out of bounds memory access";
    /// An access reaches beyond the table's end; also `call_indirect` and an active element segment.
    TableOutOfBounds = 3, "out of bounds table access";
    /// `call_indirect` met a null reference.
    IndirectCallToNull = 4, "indirect call to null";
    /// `call_indirect` met a function of another type.
    BadSignature = 5, "indirect call to a function of another type";
    /// A signed division's quotient does not fit, or a float is too large for the integer type.
    IntegerOverflow = 6, "integer overflow";
    /// An integer division by zero.
    DivideByZero = 7, "integer division by zero";
    /// A NaN was converted to an integer.
    BadConversion = 8, "conversion of a NaN to an integer";
    /// The frame of the callee does not fit the stack limit.
    StackOverflow = 9, "stack overflow";
    /// Calls between host and guest are nested too deeply.
    ActivationDepth = 10, "calls between host and guest are nested too deeply";
    /// The gas left does not pay for the next run, or for a dynamic part.
    OutOfGas = 11, "out of gas";
}

impl Trap {
    /// The kind with this number.
    pub fn from_number(number: u8) -> Option<Trap> {
        Self::ALL.iter().copied().find(|trap| *trap as u8 == number)
    }

    /// The kind with this [name](Trap::name).
    pub fn from_name(name: &str) -> Option<Trap> {
        Self::ALL.iter().copied().find(|trap| trap.name() == name)
    }
}
