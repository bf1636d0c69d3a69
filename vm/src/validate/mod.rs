//! Validation: from bytes to the facts of a module and its plan, or a refusal that says why and where.
//!
//! Owns the order of work: each section is held against the limits, then given to wasmparser's validator, then read.
//! Bodies (`body`) are decoded once, for the validator and the planner together. Time and memory are linear in the
//! bytes, and nothing here recurses. It must not know how code is executed.

mod body;
mod checker;
mod facts;
mod meter;
mod operator;

pub use facts::ModuleFacts;

use crate::config::{Config, FloatPolicy};
use crate::error::{Invalid, Reason};
use crate::features::{self, Features};
use crate::limits::Limit;
use crate::module::info::{
    Body, ConstExpr, ConstOp, DataMode, DataSegment, ElementItems, ElementMode, ElementSegment, Export,
    ExportItem, Import, ImportItem, ModuleInfo, name_key,
};
use crate::types::{FuncType, GlobalType, MemoryType, TableType, ValType};
use alloc::{boxed::Box, format, string::ToString, vec::Vec};
use core::ops::Range;
use lockstep_gas::{Plan, PlanError, Planner};
use meter::Meter;
use operator::NamedValues;
use wasmparser::{
    BinaryReaderError, CustomSectionReader, DataKind, ElementKind, ExternalKind, FuncValidatorAllocations,
    KnownCustom, Name, Operator, Parser, Payload, TypeRef, ValidPayload, Validator,
};

/// A module that has been accepted.
#[derive(Debug)]
pub(crate) struct Validated {
    pub(crate) info: ModuleInfo,
    pub(crate) plan: Plan,
    pub(crate) facts: ModuleFacts,
}

/// Validates a module under this configuration.
pub(crate) fn validate(bytes: &[u8], config: &Config) -> Result<Validated, Box<Invalid>> {
    let mut session = Session::new(bytes, config);
    match session.run() {
        Ok(()) => Ok(session.finish()),
        Err(refusal) => Err(Box::new(session.explain(*refusal))),
    }
}

/// What was found wrong, before it is known in which function.
#[derive(Debug)]
enum Refusal {
    /// The parser could not read on.
    Unreadable(BinaryReaderError),
    /// The validator or a section's reader refused.
    Invalid(BinaryReaderError),
    Plan(PlanError),
    Limit {
        limit: Limit,
        allowed: u64,
        found: u64,
        offset: u64,
    },
    Float {
        offset: u64,
    },
    Feature {
        feature: &'static str,
        message: &'static str,
        offset: u64,
    },
    Unexpected {
        what: &'static str,
        offset: u64,
    },
}

impl From<BinaryReaderError> for Box<Refusal> {
    fn from(error: BinaryReaderError) -> Self {
        Box::new(Refusal::Invalid(error))
    }
}

impl From<PlanError> for Box<Refusal> {
    fn from(error: PlanError) -> Self {
        Box::new(Refusal::Plan(error))
    }
}

/// A refusal is rare, and its size would be paid for by every operator.
type Result<T = (), E = Box<Refusal>> = core::result::Result<T, E>;

/// The validation of one module.
struct Session<'b> {
    bytes: &'b [u8],
    validator: Validator,
    several_tables: bool,
    planner: Planner<'b>,
    allocations: FuncValidatorAllocations,
    checker_allocations: checker::Allocations,
    accepted: &'b Features,
    meter: Meter<'b>,
    floats: bool,
    info: ModuleInfo,
    facts: ModuleFacts,
    module_locals: u64,
    br_table_targets: u64,
    named_values: NamedValues,
    /// The function whose body is being read.
    function: Option<u32>,
}

impl<'b> Session<'b> {
    fn new(bytes: &'b [u8], config: &'b Config) -> Self {
        let floats = config.floats == FloatPolicy::Canonical;
        Session {
            bytes,
            validator: Validator::new_with_features(config.features.to_wasmparser(floats)),
            several_tables: config.features.reference_types,
            planner: Planner::new(&config.schedule),
            allocations: FuncValidatorAllocations::default(),
            checker_allocations: checker::Allocations::default(),
            accepted: &config.features,
            meter: Meter::new(&config.limits),
            floats,
            info: ModuleInfo::default(),
            facts: ModuleFacts::default(),
            module_locals: 0,
            br_table_targets: 0,
            named_values: NamedValues::new(bytes.len() as u64, config.limits.values_per_byte),
            function: None,
        }
    }

    fn run(&mut self) -> Result {
        self.meter.hold(Limit::ModuleBytes, self.bytes.len() as u64, 0)?;
        let mut parser = Parser::new(0);
        parser.set_features(*self.validator.features());
        for payload in parser.parse_all(self.bytes) {
            self.payload(&payload.map_err(|error| Box::new(Refusal::Unreadable(error)))?)?;
        }
        Ok(())
    }

    fn finish(mut self) -> Validated {
        let mut facts = self.facts;
        facts.usage = self.meter.into_usage();
        self.info.has_tail_calls = facts.features.tail_calls;
        Validated { info: self.info, plan: self.planner.finish(), facts }
    }

    /// Checks a section's counts, has it validated, and reads it. The validator sees every payload, so whatever no arm
    /// below expects is still accepted or refused by it.
    fn payload(&mut self, payload: &Payload<'b>) -> Result {
        self.check_counts(payload)?;
        if let Payload::TypeSection(section) = payload {
            let range = section.range();
            Planner::check_types(&self.bytes[range.start as usize..range.end as usize], range.start)?;
        }
        if let ValidPayload::Func(function, body) = self.validator.payload(payload)? {
            return self.body(function, &body);
        }
        match payload {
            Payload::TypeSection(section) => self.types(section.clone()),
            Payload::ImportSection(section) => self.imports(section.clone()),
            Payload::FunctionSection(section) => self.functions(section.clone()),
            Payload::TableSection(section) => self.tables(section.clone()),
            Payload::MemorySection(section) => self.memories(section.clone()),
            Payload::GlobalSection(section) => self.globals(section.clone()),
            Payload::ExportSection(section) => self.exports(section.clone()),
            Payload::StartSection { func, .. } => {
                self.info.start = Some(*func);
                Ok(())
            }
            Payload::ElementSection(section) => self.elements(section.clone()),
            Payload::DataSection(section) => self.data(section.clone()),
            Payload::CustomSection(section) => {
                self.custom(section);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Counts that a section declares, before anything is allocated for them.
    fn check_counts(&mut self, payload: &Payload<'b>) -> Result {
        // wasmparser refuses these without saying which feature they need.
        match payload {
            Payload::ImportSection(section) => {
                let (mut tables, mut memories) = (0, 0);
                for import in section.clone().into_imports_with_offsets() {
                    let (offset, import) = import?;
                    match import.ty {
                        TypeRef::Table(_) => {
                            tables += 1;
                            self.one_table(tables, offset)?;
                        }
                        TypeRef::Memory(_) => {
                            memories += 1;
                            self.one_memory(memories, offset)?;
                        }
                        _ => {}
                    }
                }
            }
            Payload::TableSection(section) => self.one_table(section.count(), section.range().start)?,
            Payload::MemorySection(section) => self.one_memory(section.count(), section.range().start)?,
            _ => {}
        }
        let (limit, count, range) = match payload {
            Payload::TypeSection(section) => (Limit::Types, section.count().into(), section.range()),
            Payload::ImportSection(section) => (Limit::Imports, section.count().into(), section.range()),
            Payload::FunctionSection(section) => {
                let functions = self.info.functions.len() as u64 + u64::from(section.count());
                (Limit::Functions, functions, section.range())
            }
            Payload::TableSection(section) => {
                (Limit::Tables, self.info.tables.len() as u64 + u64::from(section.count()), section.range())
            }
            Payload::GlobalSection(section) => {
                (Limit::Globals, self.info.globals.len() as u64 + u64::from(section.count()), section.range())
            }
            Payload::ExportSection(section) => (Limit::Exports, section.count().into(), section.range()),
            Payload::ElementSection(section) => {
                (Limit::ElementSegments, section.count().into(), section.range())
            }
            Payload::DataSection(section) => (Limit::DataSegments, section.count().into(), section.range()),
            Payload::DataCountSection { count, range } => {
                (Limit::DataSegments, (*count).into(), range.clone())
            }
            _ => return Ok(()),
        };
        self.meter.hold(limit, count, range.start)
    }

    fn one_table(&self, more: u32, offset: u64) -> Result {
        if self.info.tables.len() as u64 + u64::from(more) > 1 && !self.several_tables {
            return Err(Box::new(Refusal::Feature {
                feature: "reference_types",
                message: "several tables",
                offset,
            }));
        }
        Ok(())
    }

    fn one_memory(&self, more: u32, offset: u64) -> Result {
        if self.info.memories.len() as u64 + u64::from(more) > 1 {
            return Err(Box::new(Refusal::Feature {
                feature: "multi_memory",
                message: "several memories",
                offset,
            }));
        }
        Ok(())
    }

    fn types(&mut self, section: wasmparser::TypeSectionReader<'b>) -> Result {
        let offset = section.range().start;
        self.info.types.reserve_exact(section.count() as usize);
        for ty in section.into_iter_err_on_gc_types() {
            let ty = ty?;
            self.meter.hold(Limit::Parameters, ty.params().len() as u64, offset)?;
            self.meter.hold(Limit::Results, ty.results().len() as u64, offset)?;
            self.facts.features.multi_value |= ty.results().len() > 1;
            // Both are at most 1,000 by wasmparser's own limits.
            self.planner.add_type(ty.params().len() as u32, ty.results().len() as u32);
            let mut types = Vec::with_capacity(ty.params().len() + ty.results().len());
            for &ty in ty.params().iter().chain(ty.results()) {
                types.push(value_type(ty, offset)?);
            }
            let results = types.split_off(ty.params().len());
            self.info.types.push(FuncType::new(types, results));
        }
        Ok(())
    }

    fn imports(&mut self, section: wasmparser::ImportSectionReader<'b>) -> Result {
        for import in section.into_imports_with_offsets() {
            let (offset, import) = import?;
            self.meter.hold(Limit::NameBytes, import.module.len() as u64, offset)?;
            self.meter.hold(Limit::NameBytes, import.name.len() as u64, offset)?;
            let item = match import.ty {
                TypeRef::Func(ty) | TypeRef::FuncExact(ty) => {
                    self.planner.add_function(ty);
                    self.info.functions.push(ty);
                    self.info.imported_functions += 1;
                    self.meter.hold(Limit::Functions, self.info.functions.len() as u64, offset)?;
                    ImportItem::Function(ty)
                }
                TypeRef::Table(ty) => {
                    let ty = table_type(ty, offset)?;
                    self.info.tables.push(ty);
                    self.info.imported_tables += 1;
                    self.meter.hold(Limit::Tables, self.info.tables.len() as u64, offset)?;
                    ImportItem::Table(ty)
                }
                TypeRef::Memory(ty) => {
                    let ty = MemoryType { minimum: ty.initial, maximum: ty.maximum };
                    self.info.memories.push(ty);
                    self.info.imported_memories += 1;
                    ImportItem::Memory(ty)
                }
                TypeRef::Global(ty) => {
                    let ty = global_type(ty, offset)?;
                    self.facts.features.mutable_globals |= ty.mutable;
                    self.info.globals.push(ty);
                    self.info.imported_globals += 1;
                    self.meter.hold(Limit::Globals, self.info.globals.len() as u64, offset)?;
                    ImportItem::Global(ty)
                }
                TypeRef::Tag(_) => return Err(unexpected("a tag", offset)),
            };
            self.info.imports.push(Import { module: import.module.into(), name: import.name.into(), item });
            self.meter.hold(Limit::Imports, self.info.imports.len() as u64, offset)?;
        }
        Ok(())
    }

    fn functions(&mut self, section: wasmparser::FunctionSectionReader<'b>) -> Result {
        for ty in section {
            let ty = ty?;
            self.planner.add_function(ty);
            self.info.functions.push(ty);
        }
        Ok(())
    }

    fn tables(&mut self, section: wasmparser::TableSectionReader<'b>) -> Result {
        let offset = section.range().start;
        for table in section {
            let ty = table_type(table?.ty, offset)?;
            self.planner.add_table(ty.minimum)?;
            self.info.tables.push(ty);
        }
        self.facts.features.reference_types |= self.info.tables.len() > 1;
        Ok(())
    }

    fn memories(&mut self, section: wasmparser::MemorySectionReader<'b>) -> Result {
        for memory in section {
            let memory = memory?;
            self.planner.add_memory(memory.initial)?;
            self.info.memories.push(MemoryType { minimum: memory.initial, maximum: memory.maximum });
        }
        Ok(())
    }

    fn globals(&mut self, section: wasmparser::GlobalSectionReader<'b>) -> Result {
        let offset = section.range().start;
        for global in section {
            let global = global?;
            let ty = global_type(global.ty, offset)?;
            self.planner.add_global()?;
            self.info.globals.push(ty);
            let initializer = self.constant(&global.init_expr)?;
            self.info.global_initializers.push(initializer);
        }
        Ok(())
    }

    fn exports(&mut self, section: wasmparser::ExportSectionReader<'b>) -> Result {
        // At most 1,000,000 by the limit's ceiling.
        let count = section.count() as usize;
        self.info.exports.reserve_exact(count);
        let mut by_name: Vec<(u64, u32)> = Vec::with_capacity(count);
        for export in section.into_iter_with_offsets() {
            let (offset, export) = export?;
            self.meter.hold(Limit::NameBytes, export.name.len() as u64, offset)?;
            let item = match export.kind {
                ExternalKind::Func | ExternalKind::FuncExact => ExportItem::Function(export.index),
                ExternalKind::Table => ExportItem::Table(export.index),
                ExternalKind::Memory => ExportItem::Memory(export.index),
                ExternalKind::Global => {
                    let mutable = self.info.globals.get(export.index as usize).is_some_and(|ty| ty.mutable);
                    self.facts.features.mutable_globals |= mutable;
                    ExportItem::Global(export.index)
                }
                ExternalKind::Tag => return Err(unexpected("a tag", offset)),
            };
            by_name.push((name_key(export.name), self.info.exports.len() as u32));
            self.info.exports.push(Export { name: export.name.into(), item });
        }
        // Most names differ in their keys, which are at hand.
        let exports = &self.info.exports;
        let name = |index: u32| &exports[index as usize].name;
        by_name.sort_unstable_by(|(a, at_a), (b, at_b)| a.cmp(b).then_with(|| name(*at_a).cmp(name(*at_b))));
        self.info.exports_by_name = by_name;
        Ok(())
    }

    fn elements(&mut self, section: wasmparser::ElementSectionReader<'b>) -> Result {
        for segment in section {
            let segment = segment?;
            let items = match segment.items {
                wasmparser::ElementItems::Functions(functions) => {
                    let functions: Result<Vec<u32>, _> = functions.into_iter().collect();
                    ElementItems::Functions(functions?.into())
                }
                wasmparser::ElementItems::Expressions(_, expressions) => {
                    let mut items = Vec::new();
                    for expression in expressions {
                        items.push(self.constant(&expression?)?);
                    }
                    ElementItems::Expressions(items.into())
                }
            };
            let mode = match segment.kind {
                ElementKind::Active { table_index, offset_expr } => {
                    self.planner.add_active_elements(items.len() as u64)?;
                    ElementMode::Active {
                        table: table_index.unwrap_or(0),
                        offset: self.constant(&offset_expr)?,
                    }
                }
                ElementKind::Passive => {
                    self.facts.features.bulk_memory = true;
                    ElementMode::Passive
                }
                ElementKind::Declared => {
                    self.facts.features.reference_types = true;
                    ElementMode::Declared
                }
            };
            self.info.elements.push(ElementSegment { mode, items });
        }
        Ok(())
    }

    fn data(&mut self, section: wasmparser::DataSectionReader<'b>) -> Result {
        for segment in section {
            let segment = segment?;
            let mode = match segment.kind {
                DataKind::Active { offset_expr, .. } => {
                    self.planner.add_active_data(segment.data.len() as u64)?;
                    DataMode::Active { offset: self.constant(&offset_expr)? }
                }
                DataKind::Passive => {
                    self.facts.features.bulk_memory = true;
                    DataMode::Passive
                }
            };
            // The segment's range covers its header too; the data is what it ends with.
            let end = module_offset(segment.range.end)?;
            let bytes = end - segment.data.len() as u32..end;
            self.info.data.push(DataSegment { mode, bytes });
        }
        Ok(())
    }

    /// Keeps the function names of a name section. It is for people: what cannot be read is passed over.
    fn custom(&mut self, section: &CustomSectionReader<'b>) {
        if let Some(names) = function_names(section)
            && self.info.function_names.is_empty()
        {
            let function_count = self.info.functions.len();
            let known = names.into_iter().filter(|(index, _)| (*index as usize) < function_count);
            self.info.function_names = known.map(|(index, name)| (index, name.into())).collect();
        }
    }

    /// Reads a constant expression that has been validated.
    fn constant(&mut self, expression: &wasmparser::ConstExpr<'b>) -> Result<ConstExpr> {
        let mut ops = Vec::new();
        let mut reader = expression.get_operators_reader();
        while !reader.eof() {
            let (operator, offset) = reader.read_with_offset()?;
            ops.push(match operator {
                Operator::End => break,
                Operator::I32Const { value } => ConstOp::I32(value),
                Operator::I64Const { value } => ConstOp::I64(value),
                Operator::F32Const { value } => ConstOp::F32(value.bits()),
                Operator::F64Const { value } => ConstOp::F64(value.bits()),
                Operator::GlobalGet { global_index } => ConstOp::GlobalGet(global_index),
                Operator::RefNull { .. } => ConstOp::RefNull,
                Operator::RefFunc { function_index } => ConstOp::RefFunc(function_index),
                Operator::I32Add => self.extended(ConstOp::I32Add),
                Operator::I32Sub => self.extended(ConstOp::I32Sub),
                Operator::I32Mul => self.extended(ConstOp::I32Mul),
                Operator::I64Add => self.extended(ConstOp::I64Add),
                Operator::I64Sub => self.extended(ConstOp::I64Sub),
                Operator::I64Mul => self.extended(ConstOp::I64Mul),
                _ => return Err(unexpected("an operator of a constant expression", offset)),
            });
        }
        Ok(ops.into())
    }

    fn extended(&mut self, op: ConstOp) -> ConstOp {
        self.facts.features.extended_constants = true;
        op
    }

    /// Turns a refusal into what people read: with the function's name, where there is one.
    fn explain(&self, refusal: Refusal) -> Invalid {
        let (reason, offset) = match refusal {
            Refusal::Unreadable(error) => match error.missing_wasm_feature() {
                None => (Reason::Malformed(error.message().to_string()), error.offset()),
                Some(_) => self.explain_invalid(&error),
            },
            Refusal::Invalid(error) => self.explain_invalid(&error),
            Refusal::Plan(error) => (Reason::Invalid(error.kind().to_string()), error.offset()),
            Refusal::Limit { limit, allowed, found, offset } => {
                (Reason::Limit { limit, allowed, found }, offset)
            }
            Refusal::Float { offset } => (Reason::Float, offset),
            Refusal::Feature { feature, message, offset } => {
                (Reason::Feature { feature: feature.into(), message: message.to_string() }, offset)
            }
            Refusal::Unexpected { what, offset } => {
                (Reason::Invalid(format!("{what} that is not supported")), offset)
            }
        };
        let function_name = self.function.and_then(|function| find_function_name(self.bytes, function));
        Invalid { reason, offset, function: self.function, function_name: function_name.map(Into::into) }
    }

    fn explain_invalid(&self, error: &BinaryReaderError) -> (Reason, u64) {
        use wasmparser::WasmFeatures;
        let offset = error.offset();
        let message = error.message().to_string();
        let reason = match error.missing_wasm_feature() {
            Some(missing) if missing.contains(WasmFeatures::FLOATS) => Reason::Float,
            Some(missing) => Reason::Feature { feature: features::name_of(missing), message },
            // Without its own feature, wasmparser does not know vector operators, and calls them illegal opcodes.
            None if self.function.is_some() && self.byte_at(offset) == Some(0xfd) => {
                Reason::Feature { feature: "simd".into(), message: "a vector operator".into() }
            }
            None => Reason::Invalid(message),
        };
        (reason, offset)
    }

    fn byte_at(&self, offset: u64) -> Option<u8> {
        self.bytes.get(usize::try_from(offset).ok()?).copied()
    }
}

/// The function names of a custom section, by index; `None` when it is not a name section or has none that can be
/// read.
fn function_names<'a>(section: &CustomSectionReader<'a>) -> Option<Vec<(u32, &'a str)>> {
    let KnownCustom::Name(names) = section.as_known() else { return None };
    for subsection in names {
        if let Name::Function(map) = subsection.ok()? {
            let mut names = Vec::new();
            for naming in map {
                let naming = naming.ok()?;
                names.push((naming.index, naming.name));
            }
            names.sort_by_key(|(index, _)| *index);
            names.dedup_by_key(|(index, _)| *index);
            return Some(names);
        }
    }
    None
}

/// Looks for a function's name in a module that may be invalid: mostly the name section comes after the body at fault.
fn find_function_name(bytes: &[u8], function: u32) -> Option<&str> {
    for payload in Parser::new(0).parse_all(bytes) {
        if let Payload::CustomSection(section) = payload.ok()?
            && let Some(names) = function_names(&section)
        {
            return names.into_iter().find(|(index, _)| *index == function).map(|(_, name)| name);
        }
    }
    None
}

/// The validator has accepted what this build does not expect: refused, so that nothing unknown is executed.
#[cold]
fn unexpected(what: &'static str, offset: u64) -> Box<Refusal> {
    Box::new(Refusal::Unexpected { what, offset })
}

fn value_type(ty: wasmparser::ValType, offset: u64) -> Result<ValType> {
    use wasmparser::ValType as W;
    match ty {
        W::I32 => Ok(ValType::I32),
        W::I64 => Ok(ValType::I64),
        W::F32 => Ok(ValType::F32),
        W::F64 => Ok(ValType::F64),
        W::FUNCREF => Ok(ValType::FuncRef),
        W::EXTERNREF => Ok(ValType::ExternRef),
        _ => Err(unexpected("a value type", offset)),
    }
}

fn table_type(ty: wasmparser::TableType, offset: u64) -> Result<TableType> {
    let element = value_type(wasmparser::ValType::Ref(ty.element_type), offset)?;
    Ok(TableType { element, minimum: ty.initial, maximum: ty.maximum })
}

fn global_type(ty: wasmparser::GlobalType, offset: u64) -> Result<GlobalType> {
    Ok(GlobalType { content: value_type(ty.content_type, offset)?, mutable: ty.mutable })
}

/// An offset within the module, which is smaller than 4 GiB by the ceiling on its bytes.
fn module_offset(offset: u64) -> Result<u32> {
    u32::try_from(offset).map_err(|_| unexpected("a module", offset))
}

fn module_range(range: Range<u64>) -> Result<Range<u32>> {
    Ok(module_offset(range.start)?..module_offset(range.end)?)
}

/// A body's place, noted beside the plan.
fn body_place(range: Range<u64>, operators: u64) -> Result<Body> {
    Ok(Body { bytes: module_range(range)?, operators: module_offset(operators)? })
}
