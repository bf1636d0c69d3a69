//! Custom sections: which of them are still true, and the name section.
//!
//! Owns the fate of each. It must not know what the instrumenter changes, beyond the indices that rise.

use alloc::vec::Vec;
use wasm_encoder::Encode;
use wasmparser::{BinaryReader, BinaryReaderError};

/// What becomes of a custom section.
pub(super) enum Custom {
    /// It is copied as it is.
    Kept,
    /// Its new content has been written, name included.
    Rewritten,
    /// It speaks of offsets in bodies, or of what is between them, and would be wrong.
    Dropped,
}

/// The subsections of the name section that change.
const NAMES_OF_LABELS: u8 = 3;
const NAMES_OF_GLOBALS: u8 = 7;

/// Decides about a custom section and writes its new content to `out` if it has one.
///
/// In the name section the indices of globals rise by `shift`, and the names of labels are dropped: every body gets a
/// block around it, and tools do not agree on how labels are counted. A name section that cannot be read is dropped.
pub(super) fn rewrite_custom(mut section: BinaryReader<'_>, shift: u32, out: &mut Vec<u8>) -> Custom {
    let Ok(name) = section.read_string() else { return Custom::Dropped };
    if name == "name" {
        name.encode(out);
        return match rewrite_names(section, shift, out) {
            Ok(()) => Custom::Rewritten,
            Err(_) => Custom::Dropped,
        };
    }
    let stale = matches!(name, "sourceMappingURL" | "external_debug_info" | "linking")
        || [".debug_", "reloc.", "metadata.code."].iter().any(|prefix| name.starts_with(prefix));
    if stale { Custom::Dropped } else { Custom::Kept }
}

fn rewrite_names(
    mut section: BinaryReader<'_>,
    shift: u32,
    out: &mut Vec<u8>,
) -> Result<(), BinaryReaderError> {
    while !section.eof() {
        let id = section.read_u8()?;
        let length = section.read_var_u32()?;
        let content = section.read_bytes(length as usize)?;
        match id {
            NAMES_OF_LABELS => {}
            NAMES_OF_GLOBALS if shift > 0 => {
                let mut names = Vec::new();
                shift_names(BinaryReader::new(content, 0), shift, &mut names)?;
                out.push(id);
                names.encode(out);
            }
            _ => {
                out.push(id);
                content.encode(out);
            }
        }
    }
    Ok(())
}

/// Copies a map of names with all indices raised. An index that cannot be raised names nothing, and is left out.
fn shift_names(mut map: BinaryReader<'_>, shift: u32, out: &mut Vec<u8>) -> Result<(), BinaryReaderError> {
    let mut entries = Vec::new();
    let mut count = 0u32;
    for _ in 0..map.read_var_u32()? {
        let index = map.read_var_u32()?;
        let length = map.read_var_u32()?;
        let name = map.read_bytes(length as usize)?;
        if let Some(index) = index.checked_add(shift) {
            index.encode(&mut entries);
            name.encode(&mut entries);
            count += 1;
        }
    }
    count.encode(out);
    out.extend_from_slice(&entries);
    Ok(())
}
