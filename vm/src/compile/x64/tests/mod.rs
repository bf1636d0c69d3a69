//! Every form of instruction through a disassembler that shares nothing with the encoders: random registers and operands,
//! and every immediate next to where another encoding begins.
//!
//! Owns what a form is compared by: the text of its instructions, in which a branch goes to an instruction by its number.
//! What is expected is written beside each form; nothing of it comes from the encoders. Of the way in and out it knows
//! nothing: those run in every test.

mod control;
mod encoder;
mod floats;
mod operators;

use super::*;
use crate::abi::ContextLayout;
use crate::compile::{Env, Options, type_ids};
use crate::module::CodeTarget;
use crate::{Config, Engine, FloatPolicy, Module};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use iced_x86::{Decoder, DecoderOptions, Formatter, Instruction, IntelFormatter, MemorySizeOptions, OpKind};
use rand::{Rng, SeedableRng, rngs::StdRng};

const SIZES: [Size; 2] = [Size::S32, Size::S64];

/// How often each form is tried; `LOCKSTEP_FUZZ_ITERS` multiplies it.
const ROUNDS: usize = 1_300;

/// A form, or a family of them, and what tries it once.
type Form = (&'static str, fn(&mut Forms));

/// Operands, and what has been compared.
struct Forms {
    random: StdRng,
    x: X64,
    formatter: IntelFormatter,
    text: String,
    compared: usize,
    /// A run, whose price is to be set.
    run: Run,
    /// Up to a few of what differs, in each form.
    failures: Vec<String>,
}

fn machine(cpu: CpuFeatures, imports_memory: bool, explicit_bounds: bool) -> X64 {
    let import = if imports_memory { r#"(import "m" "m" (memory 1))"# } else { "(memory 1)" };
    let wasm = wat::parse_str(format!("(module {import} (func))")).unwrap();
    let config = Config::new().floats(FloatPolicy::Canonical).signals_based_traps(!explicit_bounds);
    let module = Module::new(&Engine::new(&config).unwrap(), &wasm).unwrap();
    let options = Options { cpu, ..Options::new(&config, CodeTarget::X86_64) };
    let info = module.info();
    X64::new(
        &Env {
            bytes: &wasm,
            info,
            plan: &module.0.plan,
            options: &options,
            layout: ContextLayout::new(info),
            type_ids: type_ids(info),
            anchors_calls: false,
            far_calls: false,
        },
        0,
        0,
    )
}

fn run() -> Run {
    let wasm = wat::parse_str("(module (func))").unwrap();
    let module = Module::new(&Engine::default(), &wasm).unwrap();
    module.0.plan.function(0).unwrap().runs()[0]
}

impl Forms {
    fn new() -> Forms {
        let mut formatter = IntelFormatter::new();
        let options = formatter.options_mut();
        options.set_hex_prefix("0x");
        options.set_hex_suffix("");
        options.set_uppercase_hex(false);
        options.set_small_hex_numbers_in_decimal(false);
        options.set_space_after_operand_separator(true);
        options.set_memory_size_options(MemorySizeOptions::Always);
        options.set_show_branch_size(false);
        Forms {
            random: StdRng::seed_from_u64(64),
            x: machine(CpuFeatures::default(), false, false),
            formatter,
            text: String::new(),
            compared: 0,
            run: run(),
            failures: Vec::new(),
        }
    }

    /// What is emitted is these instructions and nothing else; they are separated by semicolons.
    fn is<R>(&mut self, emit: impl FnOnce(&mut X64) -> R, expected: impl AsRef<str>) {
        self.emit(|x| drop(emit(x)));
        self.reads(expected.as_ref());
    }

    fn emit(&mut self, emit: impl FnOnce(&mut X64)) {
        let x = &mut self.x;
        x.ops.ops.clear();
        x.sites.clear();
        x.fixups.clear();
        x.labels.clear();
        x.stubs.clear();
        x.stub_runs.clear();
        x.tables.clear();
        x.tested = Tested::NOTHING;
        emit(x);
    }

    fn reads(&mut self, expected: &str) {
        let end = self.x.ops.ops.len();
        self.reads_until(end, expected);
    }

    /// The same where data follows.
    fn reads_until(&mut self, end: usize, expected: &str) {
        let instructions = decoded(&self.x.ops.ops[..end]);
        self.compared += instructions.len();
        self.text.clear();
        for instruction in &instructions {
            if !self.text.is_empty() {
                self.text.push_str("; ");
            }
            write_line(instruction, &instructions, &mut self.formatter, &mut self.text);
        }
        if self.text != expected && self.failures.len() < 3 {
            let code = &self.x.ops.ops;
            self.failures.push(format!("is       {}\nshould be {expected}\nbytes    {code:02x?}", self.text));
        }
    }

    fn size(&mut self) -> Size {
        SIZES[self.random.random_range(0..2)]
    }

    fn register(&mut self) -> Reg {
        Reg(self.random.random_range(0..16))
    }

    /// A register that is none of these.
    fn register_but(&mut self, not: &[Reg]) -> Reg {
        loop {
            let register = self.register();
            if !not.contains(&register) {
                return register;
            }
        }
    }

    /// A signed number next to where encodings end, or any.
    fn signed(&mut self) -> i32 {
        const ENDS: [i32; 12] = [0, 1, -1, 127, 128, -128, -129, 255, 256, i32::MAX, i32::MIN, i32::MIN + 1];
        match self.random.random_range(0..20) {
            at if at < ENDS.len() => ENDS[at],
            at if at < 16 => self.random.random_range(-200..200),
            _ => self.random.random(),
        }
    }

    /// The same of 64 bits.
    fn wide(&mut self) -> u64 {
        const ENDS: [u64; 8] = [
            0x7fff_ffff,
            0x8000_0000,
            0xffff_ffff,
            1 << 32,
            0xffff_ffff_7fff_ffff,
            0xffff_ffff_8000_0000,
            1 << 63,
            u64::MAX,
        ];
        match self.random.random_range(0..20) {
            at if at < ENDS.len() => ENDS[at],
            at if at < 12 => i64::from(self.signed()) as u64,
            at => self.random.random::<u64>() >> (at * 3),
        }
    }

    fn mem(&mut self) -> Mem {
        let index = self.random.random::<bool>().then(|| self.register_but(&[RSP]));
        Mem { base: self.register(), index, displacement: self.signed() }
    }

    fn slot(&mut self) -> u64 {
        // Next to 128 bytes, and as far as frames go.
        [0, 1, 15, 16, 17, self.random.random_range(0..300), (1 << 28) - 1][self.random.random_range(0..7)]
    }

    fn condition(&mut self) -> (u8, &'static str) {
        let at = self.random.random_range(0..CONDITIONS.len());
        // Sixteen.
        (at as u8, CONDITIONS[at])
    }

    fn comparison(&mut self) -> (Cond, &'static str) {
        const ALL: [(Cond, &str); 10] = [
            (Cond::Eq, "e"),
            (Cond::Ne, "ne"),
            (Cond::LtS, "l"),
            (Cond::LtU, "b"),
            (Cond::GtS, "g"),
            (Cond::GtU, "a"),
            (Cond::LeS, "le"),
            (Cond::LeU, "be"),
            (Cond::GeS, "ge"),
            (Cond::GeU, "ae"),
        ];
        ALL[self.random.random_range(0..ALL.len())]
    }
}

const CONDITIONS: [&str; 16] =
    ["o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g"];

fn decoded(code: &[u8]) -> Vec<Instruction> {
    Decoder::with_ip(64, code, 0, DecoderOptions::NONE).iter().collect()
}

fn write_line(
    instruction: &Instruction,
    all: &[Instruction],
    formatter: &mut IntelFormatter,
    text: &mut String,
) {
    if instruction.op_count() == 0 || instruction.op0_kind() != OpKind::NearBranch64 {
        return formatter.format(instruction, text);
    }
    formatter.format_mnemonic(instruction, text);
    let target = instruction.near_branch_target();
    let end = all.last().map_or(0, |last| last.next_ip());
    let at = all.iter().position(|other| other.ip() == target).or((target == end).then_some(all.len()));
    match at {
        Some(at) => text.push_str(&format!(" @{at}")),
        None => text.push_str(&format!(" {target:#x}")),
    }
}

const NAMES: [[&str; 16]; 4] = [
    [
        "al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "r8b", "r9b", "r10b", "r11b", "r12b", "r13b",
        "r14b", "r15b",
    ],
    [
        "ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "r8w", "r9w", "r10w", "r11w", "r12w", "r13w", "r14w",
        "r15w",
    ],
    [
        "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "r8d", "r9d", "r10d", "r11d", "r12d", "r13d",
        "r14d", "r15d",
    ],
    [
        "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
        "r14", "r15",
    ],
];

fn byte(Reg(register): Reg) -> &'static str {
    NAMES[0][register as usize]
}

fn word(Reg(register): Reg) -> &'static str {
    NAMES[1][register as usize]
}

fn name(size: Size, Reg(register): Reg) -> &'static str {
    NAMES[if size == Size::S32 { 2 } else { 3 }][register as usize]
}

fn quad(register: Reg) -> &'static str {
    name(Size::S64, register)
}

fn pointer(size: Size) -> &'static str {
    if size == Size::S32 { "dword ptr " } else { "qword ptr " }
}

/// An operand in memory; what is before it says how wide it is.
fn memory(width: &str, Mem { base, index, displacement }: Mem) -> String {
    let index = index.map_or(String::new(), |index| format!("+{}", quad(index)));
    format!("{width}[{}{index}{}]", quad(base), offset(displacement.into()))
}

/// An address whose index is shifted.
fn scaled(base: Reg, index: Reg, distance: u8) -> String {
    match distance {
        0 => format!("[{}+{}]", quad(base), quad(index)),
        _ => format!("[{}+{}*{}]", quad(base), quad(index), 1 << distance),
    }
}

fn offset(displacement: i64) -> String {
    match displacement {
        0 => String::new(),
        1.. => format!("+{displacement:#x}"),
        _ => format!("-{:#x}", displacement.unsigned_abs()),
    }
}

/// A slot of the frame.
fn frame(slot: u64) -> String {
    format!("qword ptr [rsp{}]", offset(8 * (slot as i64)))
}

/// An immediate that is extended with its sign.
fn immediate(size: Size, value: i32) -> String {
    match size {
        Size::S32 => format!("{value:#x}"),
        Size::S64 => format!("{:#x}", i64::from(value)),
    }
}

/// A product with a constant; the disassembler names a register that is both once.
fn product(size: Size, dst: Reg, lhs: Reg, value: i32) -> String {
    let (d, l) = (name(size, dst), name(size, lhs));
    let left = if dst == lhs { String::new() } else { format!(", {l}") };
    format!("imul {d}{left}, {}", immediate(size, value))
}

/// The instruction that a constant takes.
fn constant(dst: Reg, value: u64) -> String {
    let size = if value >> 32 == 0 { Size::S32 } else { Size::S64 };
    format!("mov {}, {value:#x}", name(size, dst))
}

#[allow(clippy::disallowed_methods, reason = "how long a test runs is no part of the crate")]
fn rounds() -> usize {
    let factor = std::env::var("LOCKSTEP_FUZZ_ITERS").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    ROUNDS * factor
}

fn all() -> impl Iterator<Item = &'static Form> {
    encoder::FORMS.iter().chain(control::FORMS).chain(operators::FORMS).chain(floats::FORMS)
}

#[test]
fn every_form_is_what_it_says() {
    let (mut forms, mut failures) = (Forms::new(), Vec::new());
    for (name, form) in all() {
        let before = forms.compared;
        for _ in 0..rounds() {
            form(&mut forms);
        }
        assert!(forms.compared >= before + rounds(), "{name} compares nothing");
        failures.extend(forms.failures.drain(..).map(|failure| format!("{name}\n{failure}")));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    std::println!("{} instructions", forms.compared);
    assert!(forms.compared > 770 * rounds(), "{}", forms.compared);
}

/// What emits nothing by itself.
const SILENT: [&str; 9] = [
    "operator",
    "position",
    "site",
    "new_label",
    "bind",
    "is_immediate",
    "shifts_freely",
    "needs_scratch",
    "negated",
];

/// The names that follow a word at which a line begins, up to another one.
fn named<'t>(text: &'t str, before: &'t str, after: &'t str) -> impl Iterator<Item = &'t str> {
    text.lines()
        .filter_map(move |line| line.trim_start().strip_prefix(before)?.split_once(after))
        .map(|it| it.0)
}

/// A method that emits and that no form tries, or a number of an instruction, fails here.
#[test]
fn every_method_that_emits_has_a_form() {
    let encoder = include_str!("../encode.rs");
    let masm = include_str!("../../masm.rs").split_once("pub(super) trait Masm {").unwrap().1;
    let covered: BTreeSet<&str> = all().map(|(name, _)| *name).collect();
    let methods = encoder.split_once("impl X64 {").unwrap().1;
    let own = named(methods, "pub(super) fn ", "(");
    let mut found = 0;
    for method in own.chain(named(masm, "fn ", "(")).filter(|method| !SILENT.contains(method)) {
        assert!(covered.contains(method), "no form tries {method}");
        found += 1;
    }
    assert!(found > 60, "{found}");
    let texts = [include_str!("encoder.rs"), include_str!("operators.rs")].concat();
    for number in named(encoder, "pub(super) const ", ":") {
        let words = texts.split(|c: char| !c.is_alphanumeric() && c != '_');
        assert!(words.clone().any(|word| word == number), "no form tries {number}");
    }
}
