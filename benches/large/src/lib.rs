//! A large module: parsers, printers, validators and an interpreter of well-known crates behind a few exports.
//!
//! Owns nothing but the choice. It is compiled, never run; the exports only keep the crates' code alive.

#![allow(unsafe_code, reason = "wasm exports have unmangled names and take addresses")]

fn text(pointer: *const u8, length: usize) -> &'static str {
    // SAFETY: the embedder says where the text is and keeps it there. Nobody embeds this module.
    let bytes = unsafe { std::slice::from_raw_parts(pointer, length) };
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// WebAssembly text: parsed, encoded, validated, printed, executed.
#[unsafe(no_mangle)]
pub extern "C" fn webassembly(pointer: *const u8, length: usize) -> usize {
    let text = text(pointer, length);
    let Ok(buffer) = wast::parser::ParseBuffer::new(text) else { return 0 };
    let Ok(mut wast) = wast::parser::parse::<wast::Wast<'_>>(&buffer) else { return 0 };
    let mut printed = 0;
    for directive in &mut wast.directives {
        let wast::WastDirective::Module(module) = directive else { continue };
        let Ok(bytes) = module.encode() else { continue };
        let valid = wasmparser::Validator::new_with_features(wasmparser::WasmFeatures::all())
            .validate_all(&bytes)
            .is_ok();
        printed += usize::from(valid) + wasmprinter::print_bytes(&bytes).map_or(0, |text| text.len());
        let engine = wasmi::Engine::default();
        let Ok(module) = wasmi::Module::new(&engine, &bytes) else { continue };
        let mut store = wasmi::Store::new(&engine, ());
        let linker = wasmi::Linker::new(&engine);
        let Ok(instance) = linker.instantiate_and_start(&mut store, &module) else { continue };
        if let Ok(run) = instance.get_typed_func::<i32, i64>(&store, "run") {
            printed += run.call(&mut store, 1).unwrap_or(0) as usize;
        }
    }
    printed
}

/// Regular expressions, of characters and of bytes.
#[unsafe(no_mangle)]
pub extern "C" fn expressions(pointer: *const u8, length: usize) -> usize {
    let Some((pattern, text)) = text(pointer, length).split_once('\n') else { return 0 };
    let characters = regex::Regex::new(pattern).map_or(0, |regex| regex.captures_iter(text).count());
    let bytes =
        regex::bytes::Regex::new(pattern).map_or(0, |regex| regex.replace_all(text.as_bytes(), b"$1").len());
    characters + bytes + regex::RegexSet::new(pattern.split('|')).map_or(0, |set| set.matches(text).len())
}

/// JSON and TOML: parsed, changed, printed.
#[unsafe(no_mangle)]
pub extern "C" fn documents(pointer: *const u8, length: usize) -> usize {
    let text = text(pointer, length);
    let json = serde_json::from_str::<serde_json::Value>(text).map_or(0, |mut value| {
        value["read"] = true.into();
        serde_json::to_string_pretty(&value).map_or(0, |text| text.len())
    });
    let toml = text.parse::<toml_edit::DocumentMut>().map_or(0, |mut document| {
        document["read"] = toml_edit::value(true);
        document.to_string().len()
    });
    json + toml
}
