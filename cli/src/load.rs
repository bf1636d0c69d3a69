//! Input files: wasm, text or an artifact, from a file or standard input.
//!
//! Owns reading, bounded before it begins, and telling the formats apart. It must not know whether a module is
//! accepted.

use crate::failure::Failure;
use crate::place::{Excerpt, Place, position};
use crate::source;
use crate::text::{Name, grouped};
use lockstep_vm::{Engine, Limit};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// A text may be this many times as long as the module may be.
const TEXT_PER_MODULE_BYTE: u64 = 8;

/// An artifact has the module, at most 64 bytes of code for each of its bytes, tables of what is where in it, and some KiB
/// beside.
const ARTIFACT_PER_MODULE_BYTE: u64 = 128;
const ARTIFACT_BESIDE: u64 = 64 << 10;

/// What was given in place of a module.
#[derive(Debug)]
pub(crate) enum Given {
    Module(Input),
    Artifact { file: String, bytes: Vec<u8> },
}

impl Given {
    /// Reads a module or an artifact; `-` is standard input. More than the limit allows is not read.
    pub(crate) fn load(path: &Path, module_bytes: u64) -> Result<Given, Failure> {
        let (file, bytes) = if path == Path::new("-") {
            let file = String::from("<stdin>");
            let bytes = read_bounded(&file, &mut io::stdin().lock(), None, module_bytes)?;
            (file, bytes)
        } else {
            let file = path.to_string_lossy().into_owned();
            let cannot = |error: io::Error| cannot_read(&file, &error);
            let metadata = std::fs::metadata(path).map_err(cannot)?;
            if metadata.is_dir() {
                return Err(Failure::usage(
                    "file",
                    format!("cannot read {}: it is a directory", Name(&file)),
                )
                .help("give a wasm or wat file, or `-` for standard input"));
            }
            let size = metadata.is_file().then_some(metadata.len());
            let bytes = read_bounded(&file, &mut File::open(path).map_err(cannot)?, size, module_bytes)?;
            (file, bytes)
        };
        if Engine::detect_precompiled(&bytes) {
            return Ok(Given::Artifact { file, bytes });
        }
        Input::from_bytes(file, bytes).map(Given::Module)
    }
}

/// A module as it was given.
#[derive(Debug)]
pub(crate) struct Input {
    /// What messages call it.
    pub(crate) file: String,
    pub(crate) wasm: Vec<u8>,
    /// The text that the module was written in.
    text: Option<String>,
}

impl Input {
    /// Reads a module; `-` is standard input. More than the limit's bytes are not read.
    pub(crate) fn load(path: &Path, module_bytes: u64) -> Result<Input, Failure> {
        match Given::load(path, module_bytes)? {
            Given::Module(input) => Ok(input),
            Given::Artifact { file, .. } => {
                Err(Failure::refused("malformed", "not a WebAssembly module: it is an artifact")
                    .help("give the module that it was made of; artifacts are for `lockstep run`")
                    .at(Place { file, ..Place::default() }))
            }
        }
    }

    /// A module that was read from a file in another form.
    pub(crate) fn from_wasm(file: String, wasm: &[u8]) -> Input {
        Input { file, wasm: wasm.to_vec(), text: None }
    }

    fn from_bytes(file: String, bytes: Vec<u8>) -> Result<Input, Failure> {
        if bytes.is_empty() {
            return Err(Failure::refused("malformed", "not a WebAssembly module: the file is empty")
                .help("give a module in the binary or the text format")
                .at(Place { file, offset: Some(0), ..Place::default() }));
        }
        // No text begins with a zero byte, and every module does.
        if bytes[0] == 0 {
            return Ok(Input { file, wasm: bytes, text: None });
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            Failure::refused(
                "malformed",
                "neither a wasm module, which begins with `\\0asm`, nor text in UTF-8",
            )
            .help("give a module in the binary or the text format")
            .at(Place {
                file: file.clone(),
                offset: Some(at as u64),
                excerpt: Excerpt::of_bytes(error.as_bytes(), at as u64),
                ..Place::default()
            })
        })?;
        let wasm = source::parse(&file, &text)?;
        Ok(Input { file, wasm, text: Some(text) })
    }

    /// Line and column, from 1, of what stands at an offset of the module, where it was written as text.
    pub(crate) fn position(&self, offset: u64) -> Option<(usize, usize)> {
        let text = self.text.as_deref()?;
        Some(position(text, source::locate(text, &self.wasm, offset)?))
    }

    /// The place at an offset of a module that was refused there: in its text, or else disassembled, or else as bytes.
    pub(crate) fn place(&self, offset: u64) -> Place {
        let mut place = Place { file: self.file.clone(), offset: Some(offset), ..Place::default() };
        if let Some(text) = &self.text
            && let Some(at) = source::locate(text, &self.wasm, offset)
        {
            place.position = Some(position(text, at));
            place.excerpt = Some(Excerpt::of_text(text, at));
        } else {
            place.excerpt = crate::disassembly::excerpt(&self.wasm, offset)
                .or_else(|| Excerpt::of_bytes(&self.wasm, offset));
        }
        place
    }
}

fn cannot_read(file: &str, error: &io::Error) -> Failure {
    let help = match error.kind() {
        io::ErrorKind::NotFound => "check the path; `-` reads standard input",
        _ => "give a wasm or wat file that can be read, or `-` for standard input",
    };
    Failure::usage("file", format!("cannot read {}: {error}", Name(file))).help(help)
}

/// Reads to the end, or refuses: by the size, where it is known, before anything is read.
fn read_bounded(
    file: &str,
    from: &mut impl Read,
    size: Option<u64>,
    module_bytes: u64,
) -> Result<Vec<u8>, Failure> {
    let cannot = |error: io::Error| cannot_read(file, &error);
    let mut bytes = Vec::new();
    from.take(1).read_to_end(&mut bytes).map_err(cannot)?;
    let (allowed, what) = match bytes.first() {
        Some(0) => (module_bytes, "bytes"),
        // No text begins so, and every artifact does.
        Some(0x7f) => {
            let most = module_bytes.saturating_mul(ARTIFACT_PER_MODULE_BYTE).saturating_add(ARTIFACT_BESIDE);
            (most, "bytes of an artifact")
        }
        _ => (module_bytes.saturating_mul(TEXT_PER_MODULE_BYTE), "bytes of text"),
    };
    let too_large = |found: String| {
        let limit = Limit::ModuleBytes;
        let allowed = grouped(allowed);
        Failure::refused(
            format!("limit.{limit}"),
            format!("limit `{limit}` exceeded: {found} {what}, at most {allowed} allowed"),
        )
        .help(raise(limit))
        .at(Place { file: file.to_owned(), ..Place::default() })
    };
    if let Some(size) = size.filter(|&size| size > allowed) {
        return Err(too_large(grouped(size)));
    }
    let room = allowed.saturating_sub(bytes.len() as u64).saturating_add(1);
    from.take(room).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > allowed {
        return Err(too_large(format!("more than {}", grouped(allowed))));
    }
    Ok(bytes)
}

/// How a limit is raised.
pub(crate) fn raise(limit: Limit) -> String {
    format!("make the module smaller, or raise the limit: `--limit {limit}=N`, at most {}", limit.ceiling())
}
