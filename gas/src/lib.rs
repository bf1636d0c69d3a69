//! What a WebAssembly contract costs, decided from its bytes alone.
//!
//! A [`Schedule`] prices every operator. A [`Plan`] applies a schedule to one module: it cuts each body into
//! straight-line *runs*, gives each run its price and each function its stack frame. The [`Planner`] makes the plan
//! operator by operator, so that it can ride along with a validator's decode; [`plan`] drives a decode of its own.
//! Every engine reads the plan and none of them decides a price. [`instrument`] writes a plan into plain wasm, so that
//! an engine that knows nothing of Lockstep counts the same gas.
//!
//! This crate owns prices, runs and frames. It must not know how code is executed.
//!
//! ```
//! use lockstep_gas::{Schedule, plan};
//!
//! let wasm = wat::parse_str("(module (func (param i32) (result i32) local.get 0 i32.const 1 i32.add))")?;
//! let plan = plan(&wasm, &Schedule::default())?;
//! let function = plan.function(0).expect("one function is defined");
//! assert_eq!(function.frame_slots(), 8); // linkage 4, one parameter, two operands, rounded up to even
//! assert_eq!(function.runs().len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![no_std]
// `Op` is made by a macro that takes one step for each of wasmparser's operators.
#![recursion_limit = "1024"]

extern crate alloc;

mod instrument;
mod op;
mod plan;
mod planner;
mod schedule;
mod webs;

pub use instrument::{
    Form, InstrumentConfig, InstrumentError, InstrumentErrorKind, METER_GLOBALS, TRAP_OUT_OF_GAS,
    TRAP_STACK_OVERFLOW, instrument,
};
pub use op::Op;
pub use plan::{FunctionPlan, LINKAGE_SLOTS, Latches, Plan, Run, frame_slots};
pub use planner::{PlanError, PlanErrorKind, Planner, plan};
pub use schedule::{PRICE_CEILING, Prices, Schedule, ScheduleError};
pub use webs::Web;
