//! What a module's instantiation costs and how large its greatest frame is, without the planner.
//!
//! Owns a second reading of these two numbers, which both sides of a comparison otherwise take from the plan. It must not
//! know how the planner finds them.

use lockstep_gas::Prices;
use wasmparser::{BinaryReaderError, DataKind, ElementItems, ElementKind, Parser, Payload};

use super::three_ways::Difference;
use crate::needs::Needs;

/// The price of making an instance.
fn instantiation_price(wasm: &[u8], prices: &Prices) -> Result<u64, BinaryReaderError> {
    let mut counts = [0u64; 5];
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::MemorySection(section) => {
                for memory in section {
                    counts[0] += memory?.initial;
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    counts[1] += table?.ty.initial;
                }
            }
            Payload::GlobalSection(section) => counts[2] += u64::from(section.count()),
            Payload::DataSection(section) => {
                for segment in section {
                    let segment = segment?;
                    if let DataKind::Active { .. } = segment.kind {
                        counts[3] += segment.data.len() as u64;
                    }
                }
            }
            Payload::ElementSection(section) => {
                for segment in section {
                    let segment = segment?;
                    if let ElementKind::Active { .. } = segment.kind {
                        counts[4] += match segment.items {
                            ElementItems::Functions(items) => u64::from(items.count()),
                            ElementItems::Expressions(_, items) => u64::from(items.count()),
                        };
                    }
                }
            }
            _ => {}
        }
    }
    let each = [
        prices.instantiation_memory_page,
        prices.instantiation_table_element,
        prices.instantiation_global,
        prices.instantiation_data_byte,
        prices.instantiation_element_item,
    ];
    let parts = counts.iter().zip(each).map(|(count, each)| count * u64::from(each));
    Ok(u64::from(prices.instantiation_base) + parts.sum::<u64>())
}

/// What the plan says against what is counted here.
pub(super) fn difference(module: &lockstep_vm::Module) -> Option<Difference> {
    let (wasm, plan) = (module.bytes(), module.plan());
    let price = instantiation_price(wasm, &module.engine().schedule().prices);
    let frame = Needs::measure(wasm).map(|needs| needs.frame_slots);
    let (Ok(price), Ok(frame)) = (price, frame) else {
        let what = "whether the module can be read".into();
        return Some(Difference { step: 0, what, ours: "yes".into(), other: "no".into() });
    };
    let planned =
        plan.functions().map(|function| u64::from(function.frame_slots())).max().unwrap_or_default();
    let pairs = [
        ("price of instantiation", plan.instantiation_price(), price),
        ("slots of the greatest frame", planned, frame),
    ];
    let (what, ours, other) = pairs.into_iter().find(|(_, ours, other)| ours != other)?;
    Some(Difference { step: 0, what: what.into(), ours: ours.to_string(), other: other.to_string() })
}
