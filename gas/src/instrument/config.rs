//! What the instrumenter is asked to do.
//!
//! Owns the choices a caller has. It must not know how they are carried out.

use crate::Schedule;

/// The greatest operand height that is accepted unless [`InstrumentConfig::operand_height_max`] says otherwise.
const OPERAND_HEIGHT_MAX: u32 = 16_384;

/// Where the meter's four globals come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(clippy::exhaustive_enums, reason = "a global is either defined or imported")]
pub enum Form<'a> {
    /// The module defines them, behind its own globals, and exports them under [`METER_GLOBALS`]. For a module that
    /// runs alone and has no start function.
    ///
    /// [`METER_GLOBALS`]: crate::METER_GLOBALS
    Exported,
    /// The module imports them from `module`, before all its own imports, under [`METER_GLOBALS`]. Instances that get
    /// the same four globals share one meter, which is there before their start functions run and after a failed
    /// instantiation.
    ///
    /// [`METER_GLOBALS`]: crate::METER_GLOBALS
    Imported {
        /// The name of the module to import from.
        module: &'a str,
    },
}

/// The schedule, the stack limit and the form of the meter; see [`instrument`](crate::instrument).
#[derive(Clone, Debug)]
pub struct InstrumentConfig<'a> {
    pub(super) schedule: &'a Schedule,
    pub(super) stack_slots: u64,
    pub(super) form: Form<'a>,
    pub(super) operand_height_max: u32,
}

impl<'a> InstrumentConfig<'a> {
    /// Charge by this schedule, and trap when the frames of all active functions together would exceed `stack_slots`.
    /// The meter is [`Form::Exported`].
    pub fn new(schedule: &'a Schedule, stack_slots: u64) -> Self {
        InstrumentConfig {
            schedule,
            stack_slots,
            form: Form::Exported,
            operand_height_max: OPERAND_HEIGHT_MAX,
        }
    }

    /// Where the meter's globals come from.
    pub fn form(mut self, form: Form<'a>) -> Self {
        self.form = form;
        self
    }

    /// Refuse modules whose operand stack gets higher than this, in live or dead code; 16,384 unless set. A few bytes
    /// of wasm can push thousands of values, and validation remembers a type for each.
    pub fn operand_height_max(mut self, values: u32) -> Self {
        self.operand_height_max = values;
        self
    }
}
