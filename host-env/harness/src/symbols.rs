//! Names of functions and lines of their sources, from what a module says of itself.
//!
//! Owns the reading of DWARF and the demangling of names. A module may say anything: what cannot be read is not there.

use addr2line::Context;
use addr2line::gimli::{Dwarf, EndianSlice, LittleEndian, SectionId};
use std::collections::BTreeMap;
use std::fmt;
use wasmparser::{KnownCustom, Name, Parser, Payload};

type Slice<'m> = EndianSlice<'m, LittleEndian>;

/// What a module says of its functions and their sources.
pub struct Symbols<'m> {
    /// Where the content of the code section begins: DWARF counts from there.
    code: u64,
    context: Option<Context<Slice<'m>>>,
}

/// A function at a place in the sources. Inlined functions have one of their own.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct SourceFrame {
    /// The function's name, demangled.
    pub function: Option<String>,
    /// The file, as the compiler was told.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<u32>,
}

impl fmt::Debug for Symbols<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Symbols").field("has_lines", &self.context.is_some()).finish_non_exhaustive()
    }
}

impl<'m> Symbols<'m> {
    /// Of a module.
    pub fn new(wasm: &'m [u8]) -> Symbols<'m> {
        let mut sections = BTreeMap::new();
        let mut code = 0;
        for payload in Parser::new(0).parse_all(wasm).map_while(Result::ok) {
            match payload {
                Payload::CodeSectionStart { unchecked_range, .. } => code = unchecked_range.start,
                Payload::CustomSection(section) if section.name().starts_with(".debug_") => {
                    sections.insert(section.name(), section.data());
                }
                _ => {}
            }
        }
        let load = |id: SectionId| {
            let data = sections.get(id.name()).copied().unwrap_or_default();
            Ok::<_, addr2line::gimli::Error>(EndianSlice::new(data, LittleEndian))
        };
        let has_lines = sections.contains_key(".debug_info") && sections.contains_key(".debug_line");
        let context = has_lines.then(|| Dwarf::load(load).and_then(Context::from_dwarf).ok()).flatten();
        Symbols { code, context }
    }

    /// Whether the module names lines of its sources.
    pub fn has_lines(&self) -> bool {
        self.context.is_some()
    }

    /// The functions at an offset in the module, innermost first: those that were inlined there, then the one whose body
    /// it is. None, where nothing is known.
    pub fn locate(&self, offset: u32) -> Vec<SourceFrame> {
        let (Some(context), Some(address)) = (&self.context, u64::from(offset).checked_sub(self.code)) else {
            return Vec::new();
        };
        let Ok(mut frames) = context.find_frames(address).skip_all_loads() else { return Vec::new() };
        let mut found = Vec::new();
        while let Ok(Some(frame)) = frames.next() {
            let name = frame.function.as_ref().and_then(|function| function.raw_name().ok());
            found.push(SourceFrame {
                function: name.map(|name| demangled(&name)),
                file: frame.location.as_ref().and_then(|place| place.file).map(str::to_owned),
                line: frame.location.as_ref().and_then(|place| place.line),
            });
        }
        found
    }
}

/// The last parts of the names of a module's functions: what they may be called by.
pub(crate) fn function_names(wasm: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for payload in Parser::new(0).parse_all(wasm).map_while(Result::ok) {
        let Payload::CustomSection(section) = payload else { continue };
        let KnownCustom::Name(names) = section.as_known() else { continue };
        for part in names.into_iter().map_while(Result::ok) {
            let Name::Function(functions) = part else { continue };
            let names = functions.into_iter().map_while(Result::ok).map(|naming| demangled(naming.name));
            found.extend(names.map(|name| name.rsplit("::").next().unwrap_or(&name).to_owned()));
        }
    }
    found
}

/// A function's name as its author wrote it.
pub(crate) fn demangled(name: &str) -> String {
    // Only what is mangled changes; the hash behind it does not print.
    let plain = format!("{:#}", rustc_demangle::demangle(name));
    // A linker that demangles leaves the hash.
    match plain.rsplit_once("::h") {
        Some((path, hash)) if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            path.to_owned()
        }
        _ => plain,
    }
}

/// The end of a path, from the folder that sources are in.
pub(crate) fn short_path(path: &str) -> &str {
    let start = path.rmatch_indices('/').nth(2).map_or(0, |(at, _)| at + 1);
    &path[start..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_demangled() {
        for (name, plain) in [
            ("_ZN5token8transfer17h0123456789abcdefE", "token::transfer"),
            ("token::transfer::h0123456789abcdef", "token::transfer"),
            ("_RNvCs1234_7mycrate3foo", "mycrate::foo"),
            ("token::half", "token::half"),
            ("call", "call"),
        ] {
            assert_eq!(demangled(name), plain);
        }
    }

    #[test]
    fn a_module_without_lines_or_with_broken_ones_has_none() {
        let wasm = wat::parse_str("(module (func (export \"call\")))").unwrap();
        assert!(!Symbols::new(&wasm).has_lines());
        let mut broken = wasm.clone();
        for name in [".debug_info", ".debug_line", ".debug_abbrev"] {
            let mut section = vec![name.len() as u8];
            section.extend(name.as_bytes());
            section.extend([0xff; 40]);
            broken.extend([0, section.len() as u8]);
            broken.extend(section);
        }
        let symbols = Symbols::new(&broken);
        assert!((0..200).all(|offset| symbols.locate(offset).is_empty()));
        assert!(Symbols::new(b"no module").locate(3).is_empty());
    }
}
