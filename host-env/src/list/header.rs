//! Texts made from the list: headers for guests, and the table of functions, prices and limits.
//!
//! Owns their form. Committed copies are compared with them by a test.

use super::{FunctionDef, HostSchedule, LIST, MODULE, ParamKind, ReturnKind};
use crate::limits::HostLimits;
use std::fmt::Write;

const MADE: &str =
    "Made from the list in lockstep-host-env by `BLESS=1 cargo test -p lockstep-host-env --test generated`.";

/// The header for guests in Rust: a `no_std` file to include as a module.
pub fn rust_header() -> String {
    let mut text =
        format!("//! The host functions of Lockstep, version {}.\n//!\n//! {MADE}\n", super::ABI_VERSION);
    text.push_str(
        "\n#![allow(dead_code)]\n\
         \n/// The pointer that means \"none\", where a parameter allows it.\n\
         pub const NONE: *const u8 = usize::MAX as *const u8;\n\
         /// The flag of calls that lets the calling account be entered again meanwhile.\n\
         pub const ALLOW_REENTRY: u32 = 1;\n\
         /// The flag of ECDSA verification that refuses a high s.\n\
         pub const LOW_S: u32 = 1;\n",
    );
    for (name, value, doc) in STATUSES {
        let _ = write!(text, "/// {doc}\npub const {name}: u32 = {value};\n");
    }
    let _ = write!(text, "\n#[link(wasm_import_module = \"{MODULE}\")]\nunsafe extern \"C\" {{\n");
    for def in LIST {
        let _ = writeln!(text, "    ///{}", def.doc);
        let params: Vec<String> =
            def.params.iter().map(|(name, kind)| format!("{name}: {}", rust_type(*kind))).collect();
        let returns = match def.returns {
            ReturnKind::Nothing => "",
            ReturnKind::Never => " -> !",
            ReturnKind::I32 if is_unsigned(def) => " -> u32",
            ReturnKind::I32 => " -> i32",
            ReturnKind::U64 => " -> u64",
        };
        let _ = writeln!(text, "    pub fn {}({}){returns};", def.name, params.join(", "));
    }
    text.push_str("}\n");
    text
}

/// The header for guests in C.
pub fn c_header() -> String {
    let mut text =
        format!("/* The host functions of Lockstep, version {}.\n\n   {MADE} */\n", super::ABI_VERSION);
    text.push_str(
        "#ifndef LOCKSTEP_H\n#define LOCKSTEP_H\n\n#include <stdint.h>\n\n\
         /* The pointer that means \"none\", where a parameter allows it. */\n\
         #define LOCKSTEP_NONE ((const uint8_t *)0xffffffffu)\n\
         /* The flag of calls that lets the calling account be entered again meanwhile. */\n\
         #define LOCKSTEP_ALLOW_REENTRY 1u\n\
         /* The flag of ECDSA verification that refuses a high s. */\n\
         #define LOCKSTEP_LOW_S 1u\n",
    );
    for (name, value, doc) in STATUSES {
        let _ = write!(text, "/* {doc} */\n#define LOCKSTEP_{name} {value}u\n");
    }
    let _ = write!(
        text,
        "\n#define LOCKSTEP_IMPORT(name) __attribute__((import_module(\"{MODULE}\"), import_name(name)))\n\n"
    );
    for def in LIST {
        let params: Vec<String> =
            def.params.iter().map(|(name, kind)| format!("{}{name}", c_type(*kind))).collect();
        let params = if params.is_empty() { String::from("void") } else { params.join(", ") };
        let (returns, attribute) = match def.returns {
            ReturnKind::Nothing => ("void", ""),
            ReturnKind::Never => ("void", " __attribute__((noreturn))"),
            ReturnKind::I32 if is_unsigned(def) => ("uint32_t", ""),
            ReturnKind::I32 => ("int32_t", ""),
            ReturnKind::U64 => ("uint64_t", ""),
        };
        let _ = writeln!(text, "/*{} */", def.doc);
        let _ = writeln!(
            text,
            "LOCKSTEP_IMPORT(\"{}\"){attribute}\n{returns} lockstep_{}({params});",
            def.name, def.name
        );
    }
    text.push_str("\n#endif\n");
    text
}

const STATUSES: [(&str, u32, &str); 9] = [
    ("OK", 0, "It did what it was to do."),
    ("REVERTED", 1, "It was undone on purpose; there is a result."),
    ("TRAPPED", 2, "It trapped or misused the host."),
    ("OUT_OF_GAS", 3, "Its gas did not suffice."),
    ("NO_BALANCE", 4, "The account does not own that much."),
    ("DEPTH", 5, "There are too many frames already."),
    ("REENTRANT", 6, "The account is active and did not allow to be entered again."),
    ("NO_CODE", 7, "There is no such code."),
    ("EXISTS", 8, "There is an account of this address."),
];

/// Statuses, truth values and counts are never negative; lengths are, when absent.
fn is_unsigned(def: &FunctionDef) -> bool {
    !matches!(def.section, "storage" | "transient")
}

fn rust_type(kind: ParamKind) -> &'static str {
    match kind {
        ParamKind::In | ParamKind::InOrNone => "*const u8",
        ParamKind::Out | ParamKind::InOut => "*mut u8",
        ParamKind::U32 => "u32",
        ParamKind::U64 => "u64",
    }
}

fn c_type(kind: ParamKind) -> &'static str {
    match kind {
        ParamKind::In | ParamKind::InOrNone => "const uint8_t *",
        ParamKind::Out | ParamKind::InOut => "uint8_t *",
        ParamKind::U32 => "uint32_t ",
        ParamKind::U64 => "uint64_t ",
    }
}

/// The tables of `spec/host.md`: functions with types, formulas and default prices; shared prices; limits.
pub fn price_table() -> String {
    let mut text = String::from(
        "| function | type | price | default B | default k | since |\n|---|---|---|---|---|---|\n",
    );
    let mut section = "";
    for def in LIST {
        if def.section != section {
            section = def.section;
            let _ = writeln!(text, "| **{section}** | | | | | |");
        }
        let params: Vec<String> =
            def.params.iter().map(|(name, kind)| format!("{name}{}", mark(*kind))).collect();
        let mut formula = String::from("B");
        for part in def.parts {
            let _ = write!(formula, " + {}·({})", part.unit.letter(), part.of);
        }
        let own = if def.own == 0 { String::new() } else { def.own.to_string() };
        let _ = writeln!(
            text,
            "| `{}({})` | `{}` | {formula} | {} | {own} | {} |",
            def.name,
            params.join(", "),
            def.ty(),
            def.base,
            def.since
        );
    }
    text.push_str("\n| price | letter | default | for |\n|---|---|---|---|\n");
    for (name, letter, price, doc) in HostSchedule::default().shared() {
        let _ = writeln!(text, "| `{name}` | {letter} | {price} |{doc} |");
    }
    text.push_str("\n| limit | default | ceiling | of |\n|---|---|---|---|\n");
    for (name, value, ceiling, doc) in HostLimits::default().named() {
        let _ = writeln!(text, "| `{name}` | {value} | {ceiling} |{doc} |");
    }
    text
}

fn mark(kind: ParamKind) -> &'static str {
    match kind {
        ParamKind::InOrNone => "?",
        _ => "",
    }
}
