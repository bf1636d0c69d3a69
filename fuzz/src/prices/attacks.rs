//! What a contract may do that is dearer than it looks.
//!
//! Owns the list, in parts: `values` (locals, operands, floats), `flow` (branches, calls, frames), `memory` (the cache,
//! growth, bulk operators), `instances`.

mod flow;
mod instances;
mod memory;
mod values;

use super::Workload;

pub(super) fn all() -> Vec<Workload> {
    let mut all = values::all();
    all.extend(flow::all());
    all.extend(memory::all());
    all.extend(instances::all());
    all
}
