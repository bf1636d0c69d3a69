//! The planner keeps its own account of liveness and operand height, so that it can be held against the validator's:
//! a slip in either would change what a contract pays or how deep it may recurse.

mod common;
mod suite;

use common::FEATURES;
use lockstep_gas::{Planner, Schedule, plan};
use suite::{is_valid, modules};
use wasmparser::{
    DataKind, ElementItems, ElementKind, FuncToValidate, FunctionBody, OperatorsReader, Parser, Payload,
    TypeRef, ValidPayload, Validator, ValidatorResources, VisitOperator,
};

#[test]
fn height_and_liveness_are_the_validators_after_every_operator_of_the_suite() {
    let schedules = [Schedule::default(), Schedule::uniform(1)];
    let (mut valid, mut operators) = (0, 0);
    for (name, bytes) in modules() {
        if !is_valid(&bytes) {
            // No meaning is asked for, but no panic either.
            let _ = plan(&bytes, &schedules[0]);
            continue;
        }
        valid += 1;
        for schedule in &schedules {
            operators += compare(&name, &bytes, schedule);
        }
    }
    println!("{valid} valid modules, {operators} operators compared");
    assert!(valid > 5_000 && operators > 100_000, "{valid} {operators}");
}

/// Validates and plans in one decode; returns how many operators there were.
fn compare(name: &str, bytes: &[u8], schedule: &Schedule) -> usize {
    let mut planner = Planner::new(schedule);
    let mut types = Vec::new();
    let mut operators = 0;
    let mut validator = Validator::new_with_features(FEATURES);
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.unwrap();
        if let ValidPayload::Func(function, body) = validator.payload(&payload).unwrap() {
            operators += compare_body(name, &mut planner, &types, function, &body);
        }
        match payload {
            Payload::TypeSection(section) => {
                for ty in section.into_iter_err_on_gc_types() {
                    let ty = ty.unwrap();
                    types.push(ty.params().len() as u32);
                    planner.add_type(ty.params().len() as u32, ty.results().len() as u32);
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    if let TypeRef::Func(index) = import.unwrap().ty {
                        planner.add_function(index);
                    }
                }
            }
            Payload::FunctionSection(section) => {
                section.into_iter().for_each(|index| planner.add_function(index.unwrap()));
            }
            Payload::TableSection(section) => {
                section.into_iter().for_each(|table| planner.add_table(table.unwrap().ty.initial).unwrap());
            }
            Payload::MemorySection(section) => {
                section.into_iter().for_each(|memory| planner.add_memory(memory.unwrap().initial).unwrap());
            }
            Payload::GlobalSection(section) => {
                section.into_iter().for_each(|_| planner.add_global().unwrap());
            }
            Payload::ElementSection(section) => {
                for segment in section {
                    let segment = segment.unwrap();
                    if let ElementKind::Active { .. } = segment.kind {
                        let items = match segment.items {
                            ElementItems::Functions(items) => items.count(),
                            ElementItems::Expressions(_, items) => items.count(),
                        };
                        planner.add_active_elements(items.into()).unwrap();
                    }
                }
            }
            Payload::DataSection(section) => {
                for segment in section {
                    let segment = segment.unwrap();
                    if let DataKind::Active { .. } = segment.kind {
                        planner.add_active_data(segment.data.len() as u64).unwrap();
                    }
                }
            }
            _ => {}
        }
    }
    assert_eq!(planner.finish(), plan(bytes, schedule).unwrap(), "{name}");
    operators
}

fn compare_body(
    name: &str,
    planner: &mut Planner<'_>,
    types: &[u32],
    function: FuncToValidate<ValidatorResources>,
    body: &FunctionBody<'_>,
) -> usize {
    let (type_index, index) = (function.ty, function.index);
    let mut validator = function.into_validator(Default::default());
    let mut reader = body.get_binary_reader();
    validator.read_locals(&mut reader).unwrap();
    planner.begin_function(type_index, validator.len_locals() - types[type_index as usize]).unwrap();
    let mut height_max = 0;
    let mut operators = 0;
    let mut reader = OperatorsReader::new(reader);
    while !reader.eof() {
        let offset = reader.original_position();
        let operator = reader.read().unwrap();
        operators += 1;
        validator.op(offset, &operator).unwrap();
        planner.at(offset as u32);
        planner.visit_operator(&operator).unwrap();

        let depth = validator.control_stack_height() as usize;
        if depth == 0 {
            break; // the last `end`; what it leaves are the results
        }
        // A construct opened in dead code is reachable to the validator, whose caller is asked instead.
        let live = (0..depth).all(|depth| !validator.get_control_frame(depth).unwrap().unreachable);
        assert_eq!(planner.is_live(), live, "{name}, function {index}, after {offset:#x} {operator:?}");
        if live {
            let height = validator.operand_stack_height();
            assert_eq!(
                planner.operand_height(),
                height,
                "{name}, function {index}, after {offset:#x} {operator:?}"
            );
            height_max = height_max.max(height);
        }
    }
    planner.end_function().unwrap();
    let plan = planner.last_function().unwrap();
    // The last `end` leaves the results, which may be more than the body ever had if its end is not reached.
    assert!(plan.operand_height() >= height_max, "{name}, function {index}");
    operators
}

/// A body that begins with a loop has two runs there: entry and locals are paid once, `loop` and what follows by each
/// iteration.
#[test]
fn l37_entry_is_paid_once_where_a_body_begins_with_a_loop() {
    let wasm = wat::parse_str("(module (func (local i32 i32) loop nop end))").unwrap();
    let plan = plan(&wasm, &Schedule::uniform(1)).unwrap();
    let runs: Vec<(u32, u64)> = plan.runs().iter().map(|run| (run.offset, run.price)).collect();
    let [(entry, 3), (iteration, 2)] = runs[..] else { panic!("{runs:?}") };
    assert_eq!(entry, iteration);
}
