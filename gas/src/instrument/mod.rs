//! The instrumenter: plain wasm in, plain wasm out, with the plan written into it.
//!
//! An engine that knows nothing of Lockstep then counts the same gas and the same stack, and stops at the same place:
//! our engines are held against it. Owns the instrumented form; what a run is and what it costs is the planner's.
//!
//! ```text
//!   bytes --> survey   one decode: validator, planner and `body` see each operator; bodies are rewritten
//!         --> sections the sections again, in order, with types, functions, globals and bodies of the `meter` added
//! ```
//! New types, functions and globals go last, and what is not changed is copied byte for byte, so no index rises but those
//! of globals in the imported form. Time and memory are linear in the module, and nothing recurses on nesting.
//!
//! **How much longer.** Contracts grow by 5 to 55 %. At the highest prices, code made of nothing but charges becomes 5
//! times as long, smallest functions 7 times; an empty module gets its four imports, 14 times its 8 bytes. So 24 bytes for
//! each byte are never exceeded, for names of the meter's module of up to 24 bytes.

mod body;
mod config;
mod custom;
mod error;
mod meter;
mod sections;
mod splice;
mod survey;
mod types;

pub use config::{Form, InstrumentConfig};
pub use error::{InstrumentError, InstrumentErrorKind};
pub use meter::{METER_GLOBALS, TRAP_OUT_OF_GAS, TRAP_STACK_OVERFLOW};

use alloc::vec::Vec;

/// Writes charges and stack checks into a module, which then meters itself on any engine.
///
/// The module is validated first. Gas, height, peak and trap are the four globals [`METER_GLOBALS`], defined or
/// imported by [`Form`]; whoever runs the module sets gas before a call and reads what is left after it. When the
/// module executes `unreachable` and the fourth global is not 0, the meter stopped it: [`TRAP_OUT_OF_GAS`] or
/// [`TRAP_STACK_OVERFLOW`]. The price of instantiation is not charged; it is in the [`Plan`](crate::Plan).
///
/// Dropped are custom sections that speak of offsets in code (`.debug_*`, `sourceMappingURL`, `external_debug_info`,
/// `reloc.*`, `linking`, `metadata.code.*`) and, of the name section, the names of labels.
///
/// ```
/// use lockstep_gas::{Form, InstrumentConfig, Schedule, instrument};
///
/// let wasm = wat::parse_str("(module (func (export \"f\") (result i32) i32.const 1))")?;
/// let schedule = Schedule::default();
/// let config = InstrumentConfig::new(&schedule, 65_536).form(Form::Imported { module: "meter" });
/// let metered = instrument(&wasm, &config)?;
/// wasmparser::validate(&metered)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// An unsound schedule; bytes that are no valid module of the accepted features; in the exported form a start function
/// or an export under one of the meter's names, in the imported form an import under one; more types, functions, globals,
/// imports, exports or bytes of a body than engines accept.
pub fn instrument(bytes: &[u8], config: &InstrumentConfig<'_>) -> Result<Vec<u8>, InstrumentError> {
    let unsound = |error| InstrumentError::new(InstrumentErrorKind::Schedule(error), 0);
    config.schedule.check().map_err(unsound)?;
    let survey = survey::survey(bytes, config)?;
    sections::write(bytes, &survey, config)
}
