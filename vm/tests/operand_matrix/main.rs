//! Machine code against the interpreter, operator by operator: where operands are, what becomes of results, and the values
//! at the edges.
#![cfg(all(feature = "native", any(target_arch = "x86_64", target_arch = "aarch64"), target_os = "linux"))]

mod calls;
mod engines;
mod memory;
mod module;
mod numeric;
mod operators;
mod places;

use module::Memory;
use operators::{BINARY, F32, F64, I32, I64, Operator, SATURATING, UNARY};

fn expect_none(differences: &str) {
    assert!(differences.is_empty(), "{}", differences.chars().take(20_000).collect::<String>());
}

fn of(all: &[Operator], choose: impl Fn(&Operator) -> bool) -> Vec<Operator> {
    all.iter().copied().filter(|operator| choose(operator)).collect()
}

#[test]
fn l01_i32_operators_of_two_operands_agree_wherever_these_are() {
    expect_none(&numeric::differences(&of(BINARY, |operator| operator.operands[0] == I32)));
}

#[test]
fn l01_i64_operators_of_two_operands_agree_wherever_these_are() {
    expect_none(&numeric::differences(&of(BINARY, |operator| operator.operands[0] == I64)));
}

#[test]
fn f32_operators_of_two_operands_agree_wherever_these_are() {
    expect_none(&numeric::differences(&of(BINARY, |operator| operator.operands[0] == F32)));
}

#[test]
fn f64_operators_of_two_operands_agree_wherever_these_are() {
    expect_none(&numeric::differences(&of(BINARY, |operator| operator.operands[0] == F64)));
}

#[test]
fn l03_operators_of_one_operand_agree_wherever_it_is() {
    expect_none(&numeric::differences(UNARY));
}

#[test]
fn saturating_truncations_agree_wherever_their_operand_is() {
    expect_none(&numeric::differences(SATURATING));
}

#[test]
fn l02_loads_agree_wherever_their_index_is() {
    expect_none(&memory::loads(Memory::Own));
}

#[test]
fn l02_loads_from_an_imported_memory_agree_wherever_their_index_is() {
    expect_none(&memory::loads(Memory::Imported));
}

#[test]
fn l02_stores_agree_wherever_index_and_value_are() {
    expect_none(&memory::stores(Memory::Own));
}

#[test]
fn l02_stores_to_an_imported_memory_agree_wherever_index_and_value_are() {
    expect_none(&memory::stores(Memory::Imported));
}

#[test]
fn l07_every_permutation_of_arguments_arrives() {
    expect_none(&calls::permutations());
}

#[test]
fn l07_arguments_and_results_arrive_whatever_their_number_and_places() {
    expect_none(&calls::forwards());
}

#[test]
fn l02_parameters_are_addresses_wherever_they_arrive() {
    expect_none(&calls::addresses());
}
