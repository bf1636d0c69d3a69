//! The canonical host environment of Lockstep: what contracts see of a chain, and what a chain sees of them.
//!
//! One list defines every host function, from which the linker, the price table and the guest headers are made.
//! [`Environment::execute`] takes a version of the state and a transaction to a receipt and the changes; a [`Database`]
//! commits them. The law of it is `spec/host.md`.
//!
//! ```text
//!   execute ──▶ session: journal, active frames ──▶ frame: a store and an instance of its own ──▶ lockstep-vm
//!                        ▲                                          │
//!                        └────── host functions ◀── guest code ◀────┘   nested calls begin at `frame` again
//! ```
//!
//! A node keeps its state its own way and lends it for a transaction, as here a `&mut dyn State`:
//!
//! ```
#![doc = include_str!("../examples/borrowed_state.rs")]
//! ```

#![forbid(unsafe_code)]

mod crypto;
mod environment;
mod execute;
mod frame;
mod function;
mod guest;
mod limits;
mod list;
mod observe;
mod probe;
mod receipt;
pub mod replay;
mod session;
mod state;
mod transaction;
mod types;
mod upload;

pub use environment::{Environment, EnvironmentError};
pub use execute::{ExecuteError, Executed, Rejected, Report};
pub use guest::NONE;
pub use limits::{HostLimitError, HostLimits};
pub use list::{
    ABI_VERSION, Function, FunctionDef, FunctionPrices, HostSchedule, HostScheduleError, MODULE, ParamKind,
    PricePart, ReturnKind, Unit, c_header, price_table, rust_header,
};
pub use observe::{FrameEnd, FrameEnding, FrameStart, HostCall, HostEnding, HostReturn, Observer};
pub use receipt::{Event, Misuse, RECEIPT_VERSION, Receipt, Status};
pub use session::DebugText;
pub use state::{
    Account, Changes, CommitError, Database, EmbeddedDatabase, MemoryDatabase, Order, Storage, StorageError,
    StorageResult,
};
pub use transaction::{Action, Block, Tx};
pub use types::{Address, Hash, code_hash, created_address};
pub use upload::Refused;
