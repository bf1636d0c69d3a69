//! The second pass: the module's sections with the meter added to them.
//!
//! Owns the order of sections and what changes in each. It must not know the inside of bodies.

use super::custom::{Custom, rewrite_custom};
use super::meter::{self, KIND_GLOBAL};
use super::splice::Splice;
use super::survey::{Survey, limit};
use super::{Form, InstrumentConfig, InstrumentError};
use crate::METER_GLOBALS;
use alloc::vec::Vec;
use core::iter::Peekable;
use wasm_encoder::{Encode, SectionId};
use wasmparser::{
    BinaryReader, BinaryReaderError, ConstExpr, Data, DataKind, Element, ElementItems, ElementKind, Export,
    ExternalKind, FromReader, Global, Operator, SectionLimited,
};

const SECTION_CUSTOM: u8 = SectionId::Custom as u8;
const SECTION_IMPORT: u8 = SectionId::Import as u8;
const SECTION_GLOBAL: u8 = SectionId::Global as u8;
const SECTION_EXPORT: u8 = SectionId::Export as u8;
const SECTION_ELEMENT: u8 = SectionId::Element as u8;
const SECTION_CODE: u8 = SectionId::Code as u8;
const SECTION_DATA: u8 = SectionId::Data as u8;

/// How many bytes `\0asm` and the version have.
const HEADER_BYTES: usize = 8;

/// Entries that a section gets, and that make one where the module has none.
struct Addition {
    section: u8,
    count: u32,
    entries: Vec<u8>,
}

/// What the module gets, in the order of sections.
fn additions(survey: &Survey, config: &InstrumentConfig<'_>) -> Vec<Addition> {
    let mut additions = Vec::new();
    let mut add = |section: SectionId, count: u32, encode: &dyn Fn(&mut Vec<u8>)| {
        let mut entries = Vec::new();
        encode(&mut entries);
        additions.push(Addition { section: section as u8, count, entries });
    };
    // Without a function of its own the module never calls the meter.
    let metered = survey.defined_functions > 0;
    let meter = &survey.meter;
    let globals = METER_GLOBALS.len() as u32;

    if metered {
        let (added, encoded) = survey.types.added();
        let (meter_types, meter_encoded) = meter.types();
        add(SectionId::Type, added + meter_types, &|out| {
            out.extend_from_slice(encoded);
            out.extend_from_slice(meter_encoded);
        });
    }
    if let Form::Imported { module } = config.form {
        add(SectionId::Import, globals, &|out| meter::encode_imports(module, out));
    }
    if metered {
        let types = survey.types.count();
        add(SectionId::Function, meter.function_count(), &|out| meter.encode_functions(types, out));
    }
    if config.form == Form::Exported {
        add(SectionId::Global, globals, &meter::encode_globals);
        add(SectionId::Export, globals, &|out| meter::encode_exports(survey.globals, out));
    }
    if metered {
        add(SectionId::Code, meter.function_count(), &|out| meter.encode_bodies(out));
    }
    additions
}

/// Writes the instrumented module.
pub(super) fn write(
    module: &[u8],
    survey: &Survey,
    config: &InstrumentConfig<'_>,
) -> Result<Vec<u8>, InstrumentError> {
    let shift = match config.form {
        Form::Exported => 0,
        Form::Imported { .. } => METER_GLOBALS.len() as u32,
    };
    // Sections that the module does not have come before its trailing custom sections, the name section among them.
    let mut last_end = HEADER_BYTES as u64;
    for section in Sections::of(module)? {
        let (id, section) = section?;
        if id != SECTION_CUSTOM {
            last_end = section.range().end;
        }
    }

    let mut out = Vec::with_capacity(module.len() + survey.bodies.len());
    out.extend_from_slice(&module[..HEADER_BYTES]);
    let mut additions = additions(survey, config).into_iter().peekable();
    let mut content = Vec::new();
    for section in Sections::of(module)? {
        let (id, section) = section?;
        let bounds = section.range();
        let bytes = &module[bounds.start as usize..bounds.end as usize];
        content.clear();
        if id == SECTION_CUSTOM {
            if bounds.start > last_end {
                write_missing(u8::MAX, &mut additions, &mut out)?;
            }
            match rewrite_custom(section, shift, &mut content) {
                Custom::Kept => write_section(id, bytes, &mut out)?,
                Custom::Rewritten => write_section(id, &content, &mut out)?,
                Custom::Dropped => {}
            }
            continue;
        }

        write_missing(order(id), &mut additions, &mut out)?;
        let mut entries = section.clone();
        let count = entries.read_var_u32()?;
        let entries = &module[entries.original_position() as usize..bounds.end as usize];
        match additions.next_if(|addition| addition.section == id) {
            // The meter's bodies come last, as its functions do.
            Some(added) if id == SECTION_CODE => {
                (count + added.count).encode(&mut content);
                content.extend_from_slice(&survey.bodies);
                content.extend_from_slice(&added.entries);
            }
            // The meter's imports come first: its globals have the same indices in every module.
            Some(added) if id == SECTION_IMPORT => {
                (count + added.count).encode(&mut content);
                content.extend_from_slice(&added.entries);
                content.extend_from_slice(entries);
            }
            Some(added) => {
                (count + added.count).encode(&mut content);
                content.extend_from_slice(entries);
                content.extend_from_slice(&added.entries);
            }
            None if shift > 0 => {
                let mut splice = Splice::new(module, bounds.start as usize, &mut content);
                match id {
                    SECTION_GLOBAL => shift_globals(section, shift, &mut splice)?,
                    SECTION_EXPORT => shift_exports(section, shift, &mut splice)?,
                    SECTION_ELEMENT => shift_elements(section, shift, &mut splice)?,
                    SECTION_DATA => shift_data(section, shift, &mut splice)?,
                    // In this version no other section names a global: tables have no initial value yet.
                    _ => {}
                }
                splice.copy_to(bounds.end as usize);
            }
            None => content.extend_from_slice(bytes),
        }
        write_section(id, &content, &mut out)?;
    }
    write_missing(u8::MAX, &mut additions, &mut out)?;
    Ok(out)
}

/// Writes those sections before `below` in the order of sections that consist of additions alone.
fn write_missing(
    below: u8,
    additions: &mut Peekable<impl Iterator<Item = Addition>>,
    out: &mut Vec<u8>,
) -> Result<(), InstrumentError> {
    while let Some(added) = additions.next_if(|added| order(added.section) < below) {
        let mut content = Vec::new();
        added.count.encode(&mut content);
        content.extend_from_slice(&added.entries);
        write_section(added.section, &content, out)?;
    }
    Ok(())
}

fn write_section(id: u8, content: &[u8], out: &mut Vec<u8>) -> Result<(), InstrumentError> {
    limit("bytes in a section", content.len() as u64, u32::MAX.into())?;
    out.push(id);
    content.encode(out);
    Ok(())
}

/// The place of a section: that of its number, but for the data count section, which comes before the code.
fn order(id: u8) -> u8 {
    match id {
        SECTION_CODE => SECTION_DATA,
        SECTION_DATA => SECTION_DATA + 1,
        12 => SECTION_CODE,
        _ => id,
    }
}

/// The sections of a valid module: number and content.
struct Sections<'a> {
    reader: BinaryReader<'a>,
}

impl<'a> Sections<'a> {
    fn of(module: &'a [u8]) -> Result<Self, BinaryReaderError> {
        let mut reader = BinaryReader::new(module, 0);
        reader.read_bytes(HEADER_BYTES)?;
        Ok(Sections { reader })
    }
}

impl<'a> Iterator for Sections<'a> {
    type Item = Result<(u8, BinaryReader<'a>), BinaryReaderError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.reader.eof() {
            return None;
        }
        Some(self.reader.read_u8().and_then(|id| Ok((id, self.reader.read_reader()?))))
    }
}

type Shifted = Result<(), BinaryReaderError>;

fn items<'a, T: FromReader<'a>>(
    section: BinaryReader<'a>,
) -> Result<SectionLimited<'a, T>, BinaryReaderError> {
    SectionLimited::new(section)
}

fn shift_globals(section: BinaryReader<'_>, shift: u32, splice: &mut Splice<'_>) -> Shifted {
    for global in items::<Global<'_>>(section)? {
        shift_expression(&global?.init_expr, shift, splice)?;
    }
    Ok(())
}

fn shift_exports(section: BinaryReader<'_>, shift: u32, splice: &mut Splice<'_>) -> Shifted {
    let mut exports = items::<Export<'_>>(section)?.into_iter();
    loop {
        let start = exports.original_position() as usize;
        let Some(export) = exports.next() else { return Ok(()) };
        let export = export?;
        if export.kind == ExternalKind::Global {
            splice.copy_to(start);
            export.name.encode(splice.out);
            splice.out.push(KIND_GLOBAL);
            (export.index + shift).encode(splice.out);
            splice.skip_to(exports.original_position() as usize);
        }
    }
}

fn shift_elements(section: BinaryReader<'_>, shift: u32, splice: &mut Splice<'_>) -> Shifted {
    for element in items::<Element<'_>>(section)? {
        let element = element?;
        if let ElementKind::Active { offset_expr, .. } = element.kind {
            shift_expression(&offset_expr, shift, splice)?;
        }
        if let ElementItems::Expressions(_, items) = element.items {
            for item in items {
                shift_expression(&item?, shift, splice)?;
            }
        }
    }
    Ok(())
}

fn shift_data(section: BinaryReader<'_>, shift: u32, splice: &mut Splice<'_>) -> Shifted {
    for segment in items::<Data<'_>>(section)? {
        if let DataKind::Active { offset_expr, .. } = segment?.kind {
            shift_expression(&offset_expr, shift, splice)?;
        }
    }
    Ok(())
}

fn shift_expression(expression: &ConstExpr<'_>, shift: u32, splice: &mut Splice<'_>) -> Shifted {
    let mut operators = expression.get_operators_reader();
    while !operators.eof() {
        let start = operators.original_position() as usize;
        if let Operator::GlobalGet { global_index } = operators.read()? {
            splice.copy_to(start + 1);
            (global_index + shift).encode(splice.out);
            splice.skip_to(operators.original_position() as usize);
        }
    }
    Ok(())
}
