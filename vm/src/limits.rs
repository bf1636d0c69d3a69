//! The limits: how large a module and its execution may be.
//!
//! Owns the one table of limits, with defaults, ceilings and reasons. Limits are part of the protocol: all replicas must
//! use the same, and they enter the engine's fingerprint. It must not know how a limit is measured.

use core::fmt;

macro_rules! define_limits {
    ($($(#[doc = $doc:literal])* $field:ident $variant:ident $kind:ident default $default:literal ceiling $ceiling:literal;)*) => {
        /// The limits of an engine. Start from [`Limits::default`] and change what a protocol needs.
        ///
        /// A *shape* limit is checked when a module is validated, a *run* limit when it runs. At the limit is accepted,
        /// one above is refused.
        ///
        /// ```
        /// use lockstep_vm::Limits;
        ///
        /// let limits = Limits { memory_pages: 256, ..Limits::default() };
        /// limits.check()?;
        /// # Ok::<(), lockstep_vm::ConfigError>(())
        /// ```
        #[derive(Clone, PartialEq, Eq, Debug)]
        #[allow(clippy::exhaustive_structs, reason = "so that a protocol can be written down in one expression")]
        pub struct Limits { $($(#[doc = $doc])* pub $field: u64,)* }

        impl Default for Limits {
            fn default() -> Self {
                Limits { $($field: $default,)* }
            }
        }

        /// The name of one of the [`Limits`].
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[non_exhaustive]
        pub enum Limit { $($(#[doc = $doc])* $variant,)* }

        impl Limit {
            /// Every limit once.
            pub const ALL: &'static [Limit] = &[$(Limit::$variant,)*];

            /// The field of [`Limits`].
            pub const fn name(self) -> &'static str {
                match self { $(Limit::$variant => stringify!($field),)* }
            }

            /// The greatest value that an engine accepts for this limit. Each ceiling is below what wasmparser itself
            /// refuses, so that its upgrades cannot change a verdict.
            pub const fn ceiling(self) -> u64 {
                match self { $(Limit::$variant => $ceiling,)* }
            }

            /// Whether the limit is checked when a module runs; otherwise it is checked at validation.
            pub const fn is_run(self) -> bool {
                match self { $(Limit::$variant => define_limits!(is_run $kind),)* }
            }

            /// The limit of this [name](Limit::name).
            pub fn from_name(name: &str) -> Option<Limit> {
                Self::ALL.iter().copied().find(|limit| limit.name() == name)
            }
        }

        impl Limits {
            /// The value of a limit.
            pub const fn get(&self, limit: Limit) -> u64 {
                match limit { $(Limit::$variant => self.$field,)* }
            }

            /// Changes a limit.
            pub const fn set(&mut self, limit: Limit, value: u64) {
                match limit { $(Limit::$variant => self.$field = value,)* }
            }
        }
    };
    (is_run shape) => { false };
    (is_run run) => { true };
}

define_limits! {
    /// Bytes of a module. Bounds everything else that grows with a module.
    module_bytes ModuleBytes shape default 4_194_304 ceiling 1_073_741_824;
    /// Types of a module; calls compare them.
    types Types shape default 10_000 ceiling 1_000_000;
    /// Functions of a module, imported ones included.
    functions Functions shape default 50_000 ceiling 1_000_000;
    /// Imports of a module; each is looked up at instantiation.
    imports Imports shape default 1_024 ceiling 1_000_000;
    /// Exports of a module.
    exports Exports shape default 10_000 ceiling 1_000_000;
    /// Parameters of a function type, of calls and of blocks alike.
    parameters Parameters shape default 128 ceiling 1_000;
    /// Results of a function type, of calls and of blocks alike.
    results Results shape default 16 ceiling 1_000;
    /// Locals that a function declares beside its parameters; each must be zeroed at entry.
    locals Locals shape default 10_000 ceiling 49_000;
    /// Locals that all functions of a module declare together.
    module_locals ModuleLocals shape default 1_000_000 ceiling 1_000_000_000;
    /// Bytes of a function's body; a compiler's working memory grows with it.
    body_bytes BodyBytes shape default 2_097_152 ceiling 7_654_321;
    /// Constructs open at once in a body, the body itself included.
    nesting Nesting shape default 4_096 ceiling 4_000_000;
    /// Targets of a `br_table`, without the default.
    br_table_targets BrTableTargets shape default 65_536 ceiling 4_000_000;
    /// Operands on the validator's stack, in live and dead code: bounds a validator's memory.
    operand_height OperandHeight shape default 16_384 ceiling 1_000_000;
    /// Values that entries, calls, blocks and branches name, by byte of the module, rounded up: an operator of two bytes
    /// can name a thousand, and validating it takes as long. Real contracts stay below 1.
    values_per_byte ValuesPerByte shape default 8 ceiling 1_000_000;
    /// Slots of a function's frame.
    frame_slots FrameSlots shape default 32_768 ceiling 2_000_000;
    /// Globals of a module, imported ones included.
    globals Globals shape default 10_000 ceiling 1_000_000;
    /// Tables of a module, imported ones included.
    tables Tables shape default 16 ceiling 10_000;
    /// Element segments of a module.
    element_segments ElementSegments shape default 10_000 ceiling 100_000;
    /// Data segments of a module.
    data_segments DataSegments shape default 10_000 ceiling 100_000;
    /// Bytes of the name of an import or export, and of each of an import's two names.
    name_bytes NameBytes shape default 4_096 ceiling 100_000;
    /// Pages of 64 KiB that a memory may have.
    memory_pages MemoryPages run default 1_024 ceiling 65_536;
    /// Elements that a table may have.
    table_elements TableElements run default 100_000 ceiling 10_000_000;
    /// Slots of 8 bytes that all active frames of a store may have.
    stack_slots StackSlots run default 131_072 ceiling 134_217_728;
    /// Calls from the host that may be active at once in a store, the outermost included.
    activation_depth ActivationDepth run default 64 ceiling 1_024;
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Limits {
    /// Every limit at its ceiling: the most that an engine can be configured to accept.
    pub fn ceilings() -> Self {
        let mut limits = Limits::default();
        for &limit in Limit::ALL {
            limits.set(limit, limit.ceiling());
        }
        limits
    }

    /// Whether every limit is at most its ceiling.
    ///
    /// # Errors
    /// Names the first that is not.
    pub fn check(&self) -> Result<(), crate::ConfigError> {
        for &limit in Limit::ALL {
            let value = self.get(limit);
            if value > limit.ceiling() {
                return Err(crate::ConfigError::AboveCeiling { limit, value });
            }
        }
        Ok(())
    }

    /// The run limits.
    pub fn run(&self) -> RunLimits {
        RunLimits {
            memory_pages: self.memory_pages,
            table_elements: self.table_elements,
            stack_slots: self.stack_slots,
            // The ceiling is far below 2^32.
            activation_depth: u32::try_from(self.activation_depth).unwrap_or(u32::MAX),
        }
    }
}

/// The limits on a running store. An engine's are the protocol's; a store may tighten its own.
///
/// ```
/// use lockstep_vm::Limits;
///
/// assert_eq!(Limits::default().run().activation_depth, 64);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(clippy::exhaustive_structs, reason = "so that a protocol can be written down in one expression")]
pub struct RunLimits {
    /// Pages of 64 KiB that a memory may have.
    pub memory_pages: u64,
    /// Elements that a table may have.
    pub table_elements: u64,
    /// Slots of 8 bytes that all active frames may have.
    pub stack_slots: u64,
    /// Calls from the host that may be active at once, the outermost included.
    pub activation_depth: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ConfigError;

    #[test]
    fn the_defaults_are_below_the_ceilings() {
        Limits::default().check().unwrap();
        Limits::ceilings().check().unwrap();
    }

    #[test]
    fn above_a_ceiling_is_refused_by_name() {
        for &limit in Limit::ALL {
            let mut limits = Limits::default();
            limits.set(limit, limit.ceiling() + 1);
            let refused = ConfigError::AboveCeiling { limit, value: limit.ceiling() + 1 };
            assert_eq!(limits.check(), Err(refused));
        }
    }
}
