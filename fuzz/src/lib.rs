//! Modules made to find faults in Lockstep, and the ways to make more of them.
//!
//! Everything here turns a number into bytes: a seed into a module that works ([`generate`]), a size into a
//! module that is dear to handle ([`families`]), a seed and a corpus into bytes that are broken ([`mutate`]).
//! The same number gives the same bytes on every machine, so a failure is reported by its number alone.
//!
//! Generators and families know WebAssembly, not Lockstep's prices: they use only a reader and a writer of the
//! binary format. Programs that hold prices against time are apart ([`prices`]). What is right is told by the oracles ([`oracle`]), and searched for by the program `campaign`.

pub mod census;
pub mod families;
pub mod features;
pub mod generate;
pub mod mutate;
pub mod needs;
pub mod oracle;
pub mod prices;
pub mod random;
