//! Recording and replaying: what a chain executed, executed again and compared.
//!
//! A *bundle* holds a state and blocks with all that their transactions did. [`Recorder`] writes one while a chain goes
//! on; [`Replay`] executes it again, in parallel, on any engine, and finds the first transaction that differs;
//! [`locate`] takes that apart until call, function, operator and values are known. The format's law is
//! `spec/bundle.md`.
//!
//! ```text
//!   Recorder ──▶ bundle ──▶ BundleReader ──▶ Replay: workers, each a chunk of blocks ──▶ Difference ──▶ locate
//!                               │                  ▲
//!                               └── recorded changes: the state before each chunk, and its root
//! ```
//!
//! Owns everything about bundles. It must not know files, terminals or clocks.

mod compare;
mod framing;
mod locate;
mod player;
mod progress;
mod reader;
mod record;
mod source;
mod trace;
mod writer;

pub use compare::FieldDifference;
pub use framing::{BundleError, Corruption, Place};
pub use locate::{HostPlace, Location, PathFrame, Verdict, locate};
pub use player::{Difference, Executor, Replay, ReplayError, Replayed, RootDifference};
pub use progress::{Progress, Resume, ResumeError};
pub use reader::{BundleReader, peek, verify};
pub use record::{BUNDLE_FORMAT, Header, RecordedBlock, RecordedTx, Section, Totals};
pub use trace::{Trace, TraceEvent, execute_traced};
pub use writer::Recorder;
