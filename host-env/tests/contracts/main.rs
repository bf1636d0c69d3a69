//! The contracts of `host-env/contracts`, each by its README: what it does, what it refuses, what is left.
//!
//! Every transaction runs on interpreter, machine code and both at once, which must agree in every byte; see `chain`.

mod amm;
mod chain;
mod counter;
mod digest;
mod embedded;
mod factory;
mod manifest;
mod misbehaving;
mod multisig;
mod proxy;
mod registry;
mod timelock;
mod token;
mod vault;
mod wallet;
