//! Modules that are dear to handle for their size.
//!
//! Owns the list of [`FAMILIES`]: each makes a module of about `n` bytes, in which one kind of thing is as
//! many, as deep or as wide as `n` allows. Time and memory to validate, plan, instrument and compile a family
//! must grow in proportion to `n`. What limits a member needs is measured, see [`Family::needs`]. It must not
//! know any engine.

mod arity;
mod branching;
mod calls;
mod functions;
mod locals;
mod nesting;
mod ordinary;
mod registers;
mod sections;
mod skeleton;
mod straight;

use crate::needs::Needs;

/// One way to be dear.
#[derive(Clone, Copy)]
pub struct Family {
    /// A name that can be typed.
    pub name: &'static str,
    /// What there is much of.
    pub story: &'static str,
    /// The greatest `n` whose member wasmparser's own fixed limits still admit (50,000 locals a function,
    /// 7,654,321 bytes a body, 100,000 segments), or 32 MiB.
    pub largest: usize,
    /// Operands and label values that wasmparser's validator handles for each byte of a member, roughly,
    /// where that is much more than one; 1 elsewhere. A validator without a limit on height or arity needs
    /// this many times the work, and perhaps the memory.
    pub amplification: usize,
    build: fn(usize) -> Vec<u8>,
}

impl Family {
    /// The member of about `n` bytes; always valid under [`crate::features::FEATURES`] and wasmparser's own
    /// limits.
    pub fn build(&self, n: usize) -> Vec<u8> {
        (self.build)(n.min(self.largest))
    }

    /// What the member of about `n` bytes needs an engine's limits to be.
    pub fn needs(&self, n: usize) -> Needs {
        Needs::measure(&self.build(n)).expect("members of families can be read")
    }
}

impl std::fmt::Debug for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Family").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The most that a family whose member is one body grows to.
const BODY: usize = 7_600_000;

/// The most of any family.
const MODULE: usize = 32 << 20;

const fn family(
    name: &'static str,
    largest: usize,
    amplification: usize,
    build: fn(usize) -> Vec<u8>,
    story: &'static str,
) -> Family {
    Family { name, story, largest, amplification, build }
}

/// All families.
pub const FAMILIES: &[Family] = &[
    family("nested-blocks", BODY, 1, nesting::blocks, "empty blocks within one another"),
    family("nested-loops", BODY, 1, nesting::loops, "empty loops within one another"),
    family("nested-ifs", BODY, 1, nesting::ifs, "ifs within one another"),
    family("nested-elses", BODY, 1, nesting::elses, "each if in the else of the one before"),
    family("nested-blocks-dead", BODY, 1, nesting::dead, "blocks within one another in dead code"),
    family(
        "nested-blocks-8-params",
        BODY,
        8,
        nesting::eight_params,
        "blocks of eight parameters and results, nested",
    ),
    family("nested-blocks-1000-params", BODY, 1000, nesting::thousand_params, "the same with a thousand"),
    family(
        "nested-blocks-local-get",
        BODY,
        1,
        nesting::local_gets,
        "a block and an operand below it, again and again",
    ),
    family("empty-blocks", BODY, 1, nesting::empty_blocks, "empty blocks after one another"),
    family("empty-loops", BODY, 1, nesting::empty_loops, "empty loops after one another"),
    family("if-else-sequence", BODY, 1, nesting::if_elses, "ifs with else after one another"),
    family("br-table-wide", BODY, 1, branching::wide, "one table, all targets alike"),
    family("br-table-distinct", BODY, 1, branching::distinct, "one table, each target another block"),
    family("br-table-depth", BODY, 1, branching::depth, "a table to every enclosing block in each of them"),
    family("br-table-many", BODY, 1, branching::many, "small tables after one another"),
    family(
        "br-table-1000-results",
        BODY,
        1000,
        branching::wide_arity,
        "one table, each target takes a thousand operands",
    ),
    family(
        "br-if-1000-results",
        BODY,
        250,
        branching::br_if_arity,
        "conditional branches with a thousand operands",
    ),
    family("br-if-forward", BODY, 1, branching::br_if_forward, "branches to one far label"),
    family("br-if-backward", BODY, 1, branching::br_if_backward, "branches to one loop"),
    family("branches-out-of-depth", BODY, 1, branching::out_of_depth, "branches to ever other depths"),
    family(
        "calls-1000-results-live",
        BODY,
        500,
        calls::results_live,
        "calls that leave a thousand operands each",
    ),
    family("calls-1000-results-dead", BODY, 500, calls::results_dead, "the same in dead code"),
    family(
        "calls-1000-to-1000-live",
        BODY,
        1000,
        calls::both_live,
        "calls that take and leave a thousand operands",
    ),
    family("calls-1000-to-1000-dead", BODY, 1000, calls::both_dead, "the same in dead code"),
    family("calls-16-results-live", BODY, 8, calls::sixteen_results, "calls with sixteen results, dropped"),
    family("calls-128-params", BODY, 1, calls::params, "calls with 128 arguments out of locals"),
    family("calls-plain", BODY, 1, calls::plain, "calls without arguments"),
    family("calls-indirect", BODY, 1, calls::indirect, "calls through a table"),
    family("arity-br-table", BODY, 128, arity::br_table_params, "one table, each target takes 128 operands"),
    family("arity-br-table-dead", BODY, 128, arity::br_table_params_dead, "the same in dead code"),
    family(
        "arity-br-table-results",
        BODY,
        16,
        arity::br_table_results,
        "one table, each target takes 16 operands",
    ),
    family("arity-br-if", BODY, 32, arity::br_if_params, "conditional branches with 128 operands"),
    family("arity-br-if-dead", BODY, 64, arity::br_if_params_dead, "the same in dead code"),
    family("arity-blocks-16", BODY, 10, arity::blocks_results, "blocks of 16 parameters and results"),
    family(
        "arity-blocks-dead",
        BODY,
        64,
        arity::blocks_params_dead,
        "blocks of 128 parameters and 16 results in dead code",
    ),
    family("arity-ifs-dead", BODY, 64, arity::ifs_params_dead, "ifs with else, the same"),
    family(
        "arity-calls-dead",
        BODY,
        64,
        arity::calls_dead,
        "calls of 128 parameters and 16 results in dead code",
    ),
    family("arity-calls", BODY, 16, arity::calls_live, "calls that take and leave 16 operands"),
    family("arity-returns-dead", BODY, 16, arity::returns_dead, "returns of 16 operands in dead code"),
    family(
        "arity-tail-calls-dead",
        BODY,
        64,
        arity::tail_calls_dead,
        "tail calls of 128 parameters in dead code",
    ),
    family(
        "arity-functions",
        4_000_000,
        32,
        arity::functions_params,
        "functions of one type of 128 parameters",
    ),
    family(
        "arity-functions-results",
        5_000_000,
        32,
        arity::functions_results,
        "functions of one type of 128 parameters and 16 results",
    ),
    family(
        "arity-types",
        MODULE,
        1,
        arity::types_params,
        "types of 128 parameters and 16 results that all differ",
    ),
    family("types-same", 3_000_000, 1, arity::types_same, "types that are all the same"),
    family("functions-empty", 4_000_000, 1, functions::empty, "functions of no operators"),
    family(
        "functions-1000-params",
        4_000_000,
        250,
        functions::thousand_params,
        "functions of one type of 1000 parameters",
    ),
    family(
        "functions-50000-locals",
        9_000_000,
        6000,
        functions::all_locals,
        "functions of 50,000 locals in one group",
    ),
    family(
        "functions-ordinary",
        MODULE,
        1,
        functions::ordinary,
        "functions of 200 bytes, as compilers write them",
    ),
    family("function-ordinary", BODY, 1, functions::one_ordinary, "one function, as compilers write them"),
    family("types-distinct", 8_000_000, 1, functions::types, "types that all differ"),
    family(
        "types-1000-params",
        MODULE,
        1,
        functions::wide_types,
        "types of 1000 parameters and as many results",
    ),
    family("local-groups", MODULE, 1, locals::groups, "locals in groups of one"),
    family("local-get-drop", BODY, 1, locals::get_drop, "locals read and dropped"),
    family("local-get-chain", BODY, 1, locals::get_chain, "locals read and left"),
    family(
        "local-alias-chain",
        BODY,
        1,
        locals::alias_chain,
        "each local copied to the next, round and round",
    ),
    family("local-alias-all", BODY, 1, locals::alias_all, "one local on the stack many times, then set"),
    family("blocks-and-locals", BODY, 1, locals::blocks, "10,000 locals, each set in a block of its own"),
    family("loops-and-locals", BODY, 1, locals::loops, "10,000 locals, some live round each loop"),
    family("register-pressure", BODY, 1, locals::pressure, "sums of 64 locals, all on the stack at once"),
    family("loops-and-calls", BODY, 1, registers::loops_and_calls, "calls, each in a loop of its own"),
    family("br-if-after-calls", BODY, 1, registers::branches_after_calls, "branches to a loop, behind calls"),
    family(
        "br-table-after-calls",
        BODY,
        1,
        registers::tables_after_calls,
        "tables to a loop and a block, behind calls",
    ),
    family("returns-many", BODY, 1, registers::returns, "returns out of ifs"),
    family("calls-permuted", BODY, 1, registers::arguments_permuted, "calls whose arguments change places"),
    family("calls-constants", BODY, 1, registers::constant_arguments, "calls of 16 constants"),
    family(
        "br-table-values",
        BODY,
        1,
        registers::table_of_values,
        "one table, each target another block that takes a value",
    ),
    family(
        "values-below-blocks",
        BODY,
        1,
        registers::values_below_blocks,
        "locals on the stack, and a block above each",
    ),
    family("straight-arithmetic", BODY, 1, straight::arithmetic, "arithmetic on a few locals"),
    family("straight-memory", BODY, 1, straight::memory, "loads and stores"),
    family("straight-division", BODY, 1, straight::division, "divisions, each of which may trap"),
    family("deep-expression", BODY, 1, straight::deep, "constants on the stack, then as many additions"),
    family("drop-chain", BODY, 1, straight::drops, "constants dropped at once"),
    family("drop-chain-deep", BODY, 1, straight::deep_drops, "constants on the stack, then as many drops"),
    family("select-chain", BODY, 1, straight::selects, "selects, each an operand of the next"),
    family("nops", BODY, 1, straight::nops, "nops"),
    family("constants-i64", BODY, 1, straight::long_constants, "long constants"),
    family("dead-arithmetic", BODY, 1, straight::dead_arithmetic, "operators after unreachable"),
    family("dead-constants", BODY, 1, straight::dead_constants, "operands that pile up after unreachable"),
    family("dead-selects", BODY, 1, straight::dead_selects, "selects of unknown type after unreachable"),
    family("globals-traffic", BODY, 1, straight::globals, "globals read and set"),
    family("bulk-operators", BODY, 1, straight::bulk, "fills and copies"),
    family("data-one", MODULE, 1, sections::data, "one data segment"),
    family("data-tiny-active", 680_000, 1, sections::tiny_active_data, "active data segments of one byte"),
    family("data-tiny-passive", 290_000, 1, sections::tiny_passive_data, "passive data segments of one byte"),
    family("elements-indices", 9_000_000, 1, sections::element_indices, "one element segment of indices"),
    family(
        "elements-expressions",
        27_000_000,
        1,
        sections::element_expressions,
        "one element segment of expressions",
    ),
    family("elements-tiny", 680_000, 1, sections::tiny_elements, "element segments of one function"),
    family("exports-long-names", MODULE, 1, sections::long_exports, "exports with names of 1000 bytes"),
    family("exports-short-names", 4_000_000, 1, sections::short_exports, "exports with short names"),
    family("imports-functions", 2_900_000, 1, sections::imports, "imported functions"),
    family("imports-globals", 5_000_000, 1, sections::imported_globals, "imported globals"),
    family("globals", 4_000_000, 1, sections::globals, "globals"),
    family("tables", 290_000, 1, sections::tables, "tables"),
    family("names-functions", 9_000_000, 1, sections::function_names, "names of functions"),
    family("names-locals", 9_000_000, 1, sections::local_names, "names of locals"),
    family("names-one", MODULE, 1, sections::one_long_name, "a name section of one long name, many times"),
    family(
        "constants-extended",
        MODULE,
        1,
        sections::extended_constants,
        "constant expressions of a hundred operators",
    ),
    family("constants-extended-one", MODULE, 1, sections::one_extended_constant, "one constant expression"),
    family("custom-one", MODULE, 1, sections::custom, "one custom section"),
    family("custom-tiny", MODULE, 1, sections::tiny_customs, "custom sections of no bytes"),
];

/// The family of that name.
pub fn find(name: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| family.name == name)
}
