//! The first pass: what the module contains, whether it is valid, and its bodies, rewritten.
//!
//! Owns the one decode in which validator, planner and rewriter see each operator. It must not know how sections are
//! written.

use super::body::{At, Edits};
use super::meter::{METER_GLOBALS, Meter};
use super::types::Types;
use super::{Form, InstrumentConfig, InstrumentError, InstrumentErrorKind as Kind};
use crate::Planner;
use alloc::vec::Vec;
use wasm_encoder::Encode;
use wasmparser::{
    BinaryReaderError, ExternalKind, FromReader, FuncToValidate, FuncValidatorAllocations, FunctionBody,
    OperatorsReader, OperatorsReaderAllocations, Parser, Payload, SectionLimited, TypeRef, ValidPayload,
    Validator, ValidatorResources, WasmFeatures,
};

/// WebAssembly 2.0 without SIMD, with tail calls and extended constant expressions. Today's toolchains write the table
/// of `call_indirect` in five bytes.
const FEATURES: WasmFeatures = WasmFeatures::WASM2
    .difference(WasmFeatures::SIMD)
    .union(WasmFeatures::TAIL_CALL)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::CALL_INDIRECT_OVERLONG);

// What wasmparser accepts at most; the same in every engine that follows the web's limits.
const TYPES_MAX: u64 = 1_000_000;
const FUNCTIONS_MAX: u64 = 1_000_000;
const IMPORTS_MAX: u64 = 1_000_000;
const EXPORTS_MAX: u64 = 1_000_000;
const GLOBALS_MAX: u64 = 1_000_000;
const BODY_BYTES_MAX: u64 = 7_654_321;
/// wasmparser also bounds the sum of the sizes of what a module imports and exports: a function counts for its parameters,
/// its results and 2 more, all else for 1, and the module itself for 1.
const TYPE_SIZE_MAX: u64 = 999_999;

/// What the first pass finds out.
pub(super) struct Survey {
    pub(super) types: Types,
    pub(super) meter: Meter,
    /// How many functions the module defines, without the meter's.
    pub(super) defined_functions: u32,
    /// How many globals the module has, without the meter's.
    pub(super) globals: u32,
    /// The rewritten bodies, each with its length.
    pub(super) bodies: Vec<u8>,
}

/// Validates, plans and rewrites.
pub(super) fn survey(module: &[u8], config: &InstrumentConfig<'_>) -> Result<Survey, InstrumentError> {
    let mut counts = Counts::default();
    let mut types = Types::default();
    let mut rewriter = None;
    let mut validator = Validator::new_with_features(FEATURES);
    let mut parser = Parser::new(0);
    parser.set_features(FEATURES);
    // Offsets in a body are kept in 32 bits.
    limit("bytes", module.len() as u64, u32::MAX.into())?;

    for payload in parser.parse_all(module) {
        let payload = payload?;
        check_count(&payload)?;
        if let Payload::TypeSection(section) = &payload {
            let range = section.range();
            Planner::check_types(&module[range.start as usize..range.end as usize], range.start)?;
        }
        let valid = validator.payload(&payload)?;
        if let ValidPayload::Func(function, body) = valid {
            let rewriter = rewriter.get_or_insert_with(|| Rewriter::new(module, config, &types, &counts));
            rewriter.body(function, &body, &mut types)?;
        }
        match payload {
            Payload::TypeSection(section) => types = Types::read(section)?,
            Payload::ImportSection(section) => {
                for import in section.into_imports_with_offsets() {
                    let (offset, import) = import?;
                    if let Form::Imported { module } = config.form
                        && import.module == module
                        && let Some(name) = METER_GLOBALS.iter().find(|name| **name == import.name)
                    {
                        counts.refuse(Kind::ImportTaken(name), offset);
                    }
                    counts.imports += 1;
                    counts.type_size += match import.ty {
                        TypeRef::Func(index) => {
                            counts.function_types.push(index);
                            counts.imported_functions += 1;
                            types.size(index)
                        }
                        TypeRef::Global(_) => {
                            counts.globals += 1;
                            1
                        }
                        _ => 1,
                    };
                }
            }
            Payload::FunctionSection(section) => {
                for index in section {
                    counts.function_types.push(index?);
                }
            }
            Payload::GlobalSection(section) => counts.globals += section.count(),
            Payload::ExportSection(section) => {
                for export in section.into_iter_with_offsets() {
                    let (offset, export) = export?;
                    if config.form == Form::Exported
                        && let Some(name) = METER_GLOBALS.iter().find(|name| **name == export.name)
                    {
                        counts.refuse(Kind::ExportTaken(name), offset);
                    }
                    counts.exports += 1;
                    counts.type_size += match export.kind {
                        ExternalKind::Func => types.size(counts.function_types[export.index as usize]),
                        _ => 1,
                    };
                }
            }
            Payload::StartSection { range, .. } if config.form == Form::Exported => {
                counts.refuse(Kind::HasStart, range.start);
            }
            _ => {}
        }
    }

    if let Some(refusal) = counts.refusal {
        return Err(refusal);
    }
    let (meter, bodies) = match rewriter {
        Some(rewriter) => (rewriter.meter, rewriter.bodies),
        None => (Meter::new(0, 0, 0), Vec::new()),
    };
    let defined_functions = counts.function_types.len() as u32 - counts.imported_functions;
    let (added_types, added_functions) =
        if defined_functions > 0 { (meter.types().0, meter.function_count()) } else { (0, 0) };
    let added = METER_GLOBALS.len() as u64;
    limit("types", u64::from(types.count()) + u64::from(added_types), TYPES_MAX)?;
    limit("functions", counts.function_types.len() as u64 + u64::from(added_functions), FUNCTIONS_MAX)?;
    limit("globals", u64::from(counts.globals) + added, GLOBALS_MAX)?;
    match config.form {
        Form::Exported => limit("exports", counts.exports + added, EXPORTS_MAX)?,
        Form::Imported { .. } => limit("imports", counts.imports + added, IMPORTS_MAX)?,
    }
    limit("values in the types of its imports and exports", 1 + counts.type_size + added, TYPE_SIZE_MAX)?;
    Ok(Survey { types, meter, defined_functions, globals: counts.globals, bodies })
}

/// The validator makes room for as many items as a section says it has, of which each takes at least a byte. A section
/// that says more is read instead, up to the error that must come.
fn check_count(payload: &Payload<'_>) -> Result<(), BinaryReaderError> {
    fn read<'a, T: FromReader<'a>>(section: &SectionLimited<'a, T>) -> Result<(), BinaryReaderError> {
        let range = section.range();
        if u64::from(section.count()) > range.end - range.start {
            for item in section.clone() {
                item?;
            }
        }
        Ok(())
    }
    match payload {
        Payload::TypeSection(section) => read(section),
        Payload::ImportSection(section) => read(section),
        Payload::FunctionSection(section) => read(section),
        Payload::TableSection(section) => read(section),
        Payload::MemorySection(section) => read(section),
        Payload::GlobalSection(section) => read(section),
        Payload::ExportSection(section) => read(section),
        Payload::ElementSection(section) => read(section),
        Payload::DataSection(section) => read(section),
        _ => Ok(()),
    }
}

/// What is counted on the way.
#[derive(Default)]
struct Counts {
    /// The types of all functions, imported ones first.
    function_types: Vec<u32>,
    imported_functions: u32,
    imports: u64,
    globals: u32,
    exports: u64,
    type_size: u64,
    /// Why a module that turns out to be valid is refused all the same.
    refusal: Option<InstrumentError>,
}

impl Counts {
    #[cold]
    fn refuse(&mut self, kind: Kind, offset: u64) {
        self.refusal.get_or_insert_with(|| InstrumentError::new(kind, offset));
    }
}

/// Rewrites one body after the other.
struct Rewriter<'m, 'c> {
    module: &'m [u8],
    config: &'c InstrumentConfig<'c>,
    globals_shift: u32,
    planner: Planner<'c>,
    meter: Meter,
    bodies: Vec<u8>,
    // Kept for the sake of their allocations.
    edits: Edits,
    body: Vec<u8>,
    validation: FuncValidatorAllocations,
    reading: OperatorsReaderAllocations,
}

impl<'m, 'c> Rewriter<'m, 'c> {
    /// A rewriter of a module of which all sections before the code have been read.
    fn new(module: &'m [u8], config: &'c InstrumentConfig<'c>, types: &Types, counts: &Counts) -> Self {
        let mut planner = Planner::new(config.schedule);
        for (parameters, results) in types.arities() {
            planner.add_type(parameters, results);
        }
        for &type_index in &counts.function_types {
            planner.add_function(type_index);
        }
        let (globals, globals_shift) = match config.form {
            Form::Exported => (counts.globals, 0),
            Form::Imported { .. } => (0, METER_GLOBALS.len() as u32),
        };
        Rewriter {
            module,
            config,
            globals_shift,
            planner,
            meter: Meter::new(globals, counts.function_types.len() as u32, config.stack_slots),
            bodies: Vec::new(),
            edits: Edits::default(),
            body: Vec::new(),
            validation: FuncValidatorAllocations::default(),
            reading: OperatorsReaderAllocations::default(),
        }
    }

    fn body(
        &mut self,
        function: FuncToValidate<ValidatorResources>,
        body: &FunctionBody<'_>,
        types: &mut Types,
    ) -> Result<(), InstrumentError> {
        let type_index = function.ty;
        let mut validator = function.into_validator(core::mem::take(&mut self.validation));
        let mut reader = body.get_binary_reader();
        validator.read_locals(&mut reader)?;
        let declared_locals = validator.len_locals() - types.parameters(type_index);
        let operators = reader.original_position();

        self.planner.begin_function(type_index, declared_locals)?;
        self.edits.clear();
        let mut reader = OperatorsReader::new_with_allocs(reader, core::mem::take(&mut self.reading));
        while !reader.eof() {
            let start = reader.original_position();
            let operator = reader.read()?;
            // The function's own frame is no construct.
            let nesting = validator.control_stack_height() - 1;
            let live = self.planner.is_live();
            validator.op(start, &operator)?;
            if validator.operand_stack_height() > self.config.operand_height_max {
                let limit = self.config.operand_height_max;
                return Err(InstrumentError::new(Kind::OperandHeight { limit }, start));
            }
            // Offsets are within the module, whose length has 32 bits.
            let (start, end) = (start as u32, reader.original_position() as u32);
            self.planner.at(start);
            wasmparser::VisitOperator::visit_operator(&mut self.planner, &operator)?;
            let at = At { operator: &operator, start, end, live, nesting };
            self.edits.add(&at, self.globals_shift, &self.config.schedule.prices, &mut self.meter);
        }
        reader.finish()?;
        self.planner.end_function()?;
        self.reading = reader.into_allocations();
        self.validation = validator.into_allocations();

        let plan = self.planner.last_function().expect("the planner has just ended a function");
        self.body.clear();
        let bounds = [body.range().start, operators, body.range().end].map(|offset| offset as usize);
        self.edits.write(self.module, bounds, (type_index, plan), (&self.meter, types), &mut self.body);
        limit("bytes in a body", self.body.len() as u64, BODY_BYTES_MAX)?;
        self.body.encode(&mut self.bodies);
        Ok(())
    }
}

/// Refuses a module of which there would be too much.
pub(super) fn limit(what: &'static str, count: u64, limit: u64) -> Result<(), InstrumentError> {
    if count > limit {
        return Err(InstrumentError::new(Kind::Limit { what, count, limit }, 0));
    }
    Ok(())
}
