//! The single-pass compiler: from the bodies of a validated module to machine code.
//!
//! ```text
//!   bodies ──▶ visit ──▶ operators, control, call ──▶ function (places, registers) ──▶ Masm ──▶ x64, aarch64
//!   plan ─────────────────────┘                                                         └──▶ code, sites, fixups
//! ```
//! `stack` holds where each operand is, `fold` computes with constants, `magic` divides by them, `masm` is what a machine
//! must offer, `machine` what putting a module together takes.
//!
//! Owns code as bytes. It is safe Rust, a function of its arguments alone: the same bytes for any number of threads. It
//! takes time linear in the bodies, and accepts whatever the validator does. It must not know how code is run.

mod aarch64;
mod call;
mod checked;
mod checks;
mod control;
mod fold;
mod function;
mod homes;
mod machine;
mod magic;
mod masm;
mod operators;
mod stack;
mod visit;
mod x64;

use crate::Config;
use crate::abi::{ContextLayout, Thunks};
use crate::module::{CodeMap, CodeTarget, info::ModuleInfo};
use aarch64::Aarch64;
use alloc::vec::Vec;
use checked::Checked;
use function::Compiler;
use hashbrown::HashMap;
use lockstep_gas::Plan;
use machine::Machine;
use masm::Target;
use rayon::prelude::*;
use x64::X64;

pub(crate) use x64::CpuFeatures;

/// A module's code.
#[derive(Debug)]
pub(crate) struct Compiled {
    /// Thunks, functions, the table of functions; the same wherever it lies.
    pub(crate) code: Pieces,
    pub(crate) thunks: Thunks,
    /// One for each function that the module defines, in order.
    pub(crate) functions: Vec<CompiledFunction>,
    /// Where return addresses and instructions that may fault belong, in order.
    pub(crate) sites: Vec<Site>,
}

/// Where a function is in a module's code, in bytes from its start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct CompiledFunction {
    pub(crate) entry: u32,
    pub(crate) end: u32,
    pub(crate) frame_slots: u32,
}

/// An address in the code and the operator that it belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Site {
    /// Bytes from the start of the code.
    pub(crate) native: u32,
    /// Bytes from the start of the module.
    pub(crate) wasm: u32,
}

/// What changes the code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Options {
    pub(crate) target: CodeTarget,
    /// Whether every access to memory compares with its length, instead of relying on the guard behind it.
    pub(crate) explicit_bounds: bool,
    /// Whether neither gas nor stack is checked. For measuring what that costs, and for nothing else.
    pub(crate) unmetered: bool,
    /// What a byte that `memory.fill` and `memory.copy` write costs.
    pub(crate) fill_price: u32,
    pub(crate) copy_price: u32,
    /// Of an x86-64.
    pub(crate) cpu: CpuFeatures,
    /// For tests: whether code checks what must hold between operators, see `checked`.
    pub(crate) checked: bool,
    /// For tests: how many homes there are at most. Registers that are not homes then are nothing.
    pub(crate) homes_max: Option<u8>,
}

impl Options {
    /// What a configuration asks for.
    pub(crate) fn new(config: &Config, target: CodeTarget) -> Options {
        let (prices, testing) = (&config.schedule.prices, config.compiler_testing);
        let cpu = CpuFeatures::detect().unwrap_or_default();
        Options {
            target,
            explicit_bounds: !config.signals_based_traps,
            unmetered: config.unmetered,
            fill_price: prices.memory_fill_byte,
            copy_price: prices.memory_copy_byte,
            cpu: CpuFeatures {
                lzcnt: cpu.lzcnt && testing.lzcnt,
                tzcnt: cpu.tzcnt && testing.tzcnt,
                bmi2: cpu.bmi2 && testing.bmi2,
            },
            checked: testing.checked,
            homes_max: testing.homes_max,
        }
    }
}

impl Compiled {
    /// What is where in it; so many functions are imported.
    pub(crate) fn map(&self, imported: u32) -> CodeMap {
        code_map(&self.functions, &self.sites, imported)
    }
}

/// What is where in code with these functions, after so many that are imported, and these sites.
pub(crate) fn code_map(functions: &[CompiledFunction], sites: &[Site], imported: u32) -> CodeMap {
    CodeMap {
        functions: (imported..).zip(functions).map(|(index, at)| (index, at.entry, at.end)).collect(),
        sites: sites.iter().map(|site| (site.native, site.wasm)).collect(),
    }
}

/// A relative address to be filled in when the module is put together.
#[derive(Clone, Copy, Debug)]
struct Fixup {
    at: u32,
    target: Target,
}

/// Code in pieces that are put together only where it is to stand: it is copied once.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    pieces: Vec<Vec<u8>>,
    length: usize,
}

impl Pieces {
    fn add(&mut self, piece: Vec<u8>) {
        self.length += piece.len();
        self.pieces.push(piece);
    }

    /// How many bytes there are.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// Writes the code to a block of its length.
    pub(crate) fn write(&self, to: &mut [u8]) {
        let mut rest = to;
        for piece in &self.pieces {
            let (code, behind) = rest.split_at_mut(piece.len());
            code.copy_from_slice(piece);
            rest = behind;
        }
    }
}

impl From<Vec<u8>> for Pieces {
    fn from(piece: Vec<u8>) -> Pieces {
        let mut pieces = Pieces::default();
        pieces.add(piece);
        pieces
    }
}

/// What functions of one part of a module are compiled to.
#[derive(Debug, Default)]
struct Part {
    code: Vec<u8>,
    functions: Vec<CompiledFunction>,
    sites: Vec<Site>,
    fixups: Vec<Fixup>,
}

/// What all functions of a module have in common.
struct Env<'m> {
    bytes: &'m [u8],
    info: &'m ModuleInfo,
    plan: &'m Plan,
    options: &'m Options,
    layout: ContextLayout,
    /// For each type, the first that equals it.
    type_ids: Vec<u32>,
    /// Whether a call may return from another instance than it went to.
    anchors_calls: bool,
    /// Whether what is called may be further away than a branch reaches.
    far_calls: bool,
}

impl Env<'_> {
    fn arity(&self, type_index: u32) -> (u32, u32) {
        let ty = &self.info.types[type_index as usize];
        // Counts are limited far below 2^32.
        (ty.params().len() as u32, ty.results().len() as u32)
    }

    fn function_arity(&self, function: u32) -> (u32, u32) {
        self.arity(self.info.functions[function as usize])
    }

    fn imports_memory(&self) -> bool {
        self.info.imported_memories > 0
    }
}

/// Bytes of bodies that one thread compiles at a time.
const PART_BYTES: u32 = 32 << 10;

/// Compiles a validated module. `None` if it has more code than an offset of 31 bits names: only limits far above the
/// defaults let a module be so large, and then the host lacks what it takes.
pub(crate) fn compile(bytes: &[u8], info: &ModuleInfo, plan: &Plan, options: &Options) -> Option<Compiled> {
    let mut env = Env {
        bytes,
        info,
        plan,
        options,
        layout: ContextLayout::new(info),
        type_ids: type_ids(info),
        anchors_calls: info.has_tail_calls,
        far_calls: false,
    };
    match (options.target, options.checked) {
        (CodeTarget::X86_64, false) => compile_for::<X64>(&mut env),
        (CodeTarget::X86_64, true) => compile_for::<Checked<X64>>(&mut env),
        (CodeTarget::Aarch64, false) => compile_for::<Aarch64>(&mut env),
        (CodeTarget::Aarch64, true) => compile_for::<Checked<Aarch64>>(&mut env),
    }
}

fn compile_for<M: Machine + Send>(env: &mut Env<'_>) -> Option<Compiled> {
    let mut parts = compile_parts::<M>(env);
    // Few modules are so large that their code has to be made anew.
    if parts.iter().map(|part| part.code.len()).sum::<usize>() > M::REACH {
        env.far_calls = true;
        parts = compile_parts::<M>(env);
    }
    // Beside the parts there are thunks, what aligns functions, and eight bytes for each of these.
    let parts_bytes: usize = parts.iter().map(|part| part.code.len() + 16).sum();
    let bytes = parts_bytes.checked_add(env.info.functions.len() * 8)?.checked_add(THUNKS_MAX)?;
    i32::try_from(bytes).ok()?;
    Some(join::<M>(env, parts))
}

/// Thunks take a few KiB.
const THUNKS_MAX: usize = 64 << 10;

fn compile_parts<M: Machine + Send>(env: &Env<'_>) -> Vec<Part> {
    match &ranges(env.info)[..] {
        [range] => alloc::vec![compile_range::<M>(env, range.clone())],
        ranges => ranges.par_iter().map(|range| compile_range::<M>(env, range.clone())).collect(),
    }
}

/// Cuts the functions into ranges by their size.
fn ranges(info: &ModuleInfo) -> Vec<core::ops::Range<u32>> {
    let mut ranges = Vec::new();
    let (mut start, mut bytes) = (0, 0_u32);
    for (index, body) in (0..).zip(&info.bodies) {
        bytes = bytes.saturating_add(body.bytes.end - body.bytes.start);
        if bytes >= PART_BYTES {
            ranges.push(start..index + 1);
            (start, bytes) = (index + 1, 0);
        }
    }
    // There are fewer than 2^32 functions.
    let end = info.bodies.len() as u32;
    if start < end {
        ranges.push(start..end);
    }
    ranges
}

fn compile_range<M: Machine>(env: &Env<'_>, range: core::ops::Range<u32>) -> Part {
    let bodies = &env.info.bodies[range.start as usize..range.end as usize];
    let lengths = bodies.iter().map(|body| (body.bytes.end - body.bytes.start) as usize);
    let machine = M::new(env, lengths.clone().sum(), lengths.max().unwrap_or(0));
    let mut compiler = Compiler::new(env, machine);
    let mut functions = Vec::with_capacity(range.len());
    for index in range {
        let entry = compiler.masm.begin_function();
        compiler.function(index);
        let end = compiler.masm.position();
        functions.push(CompiledFunction { entry, end, frame_slots: compiler.frame_slots });
    }
    let (code, sites, fixups) = compiler.masm.into_parts();
    Part { code, functions, sites, fixups }
}

/// Puts thunks, functions and the table of functions one behind the other, and fills in addresses.
fn join<M: Machine>(env: &Env<'_>, mut parts: Vec<Part>) -> Compiled {
    let mut assembled = M::thunks(env);
    let mut code = Pieces::default();
    M::align(&mut assembled.code);
    code.add(core::mem::take(&mut assembled.code));
    let mut functions = Vec::with_capacity(env.info.bodies.len());
    let mut sites = Vec::with_capacity(parts.iter().map(|part| part.sites.len()).sum());
    let mut starts = Vec::with_capacity(parts.len());
    let mut end = code.length;
    for part in &mut parts {
        M::align(&mut part.code);
        let start = offset(end);
        starts.push(start);
        end += part.code.len();
        functions.extend(part.functions.iter().map(|function| CompiledFunction {
            entry: start + function.entry,
            end: start + function.end,
            ..*function
        }));
        sites.extend(part.sites.iter().map(|site| Site { native: start + site.native, ..*site }));
    }
    let table = offset(end);
    for (part, start) in parts.iter_mut().zip(starts) {
        for fixup in &part.fixups {
            let target = match fixup.target {
                Target::Function(function) => functions[function as usize].entry,
                Target::FunctionTable => table,
                Target::Start => 0,
                other => assembled.target(other),
            };
            M::relocate(&mut part.code, fixup.at, start, target);
        }
        code.add(core::mem::take(&mut part.code));
    }
    code.add(function_table(env, &functions));
    Compiled { code, thunks: assembled.thunks, functions, sites }
}

/// For each function, imported ones too, its type and where it begins.
fn function_table(env: &Env<'_>, functions: &[CompiledFunction]) -> Vec<u8> {
    let mut table = Vec::with_capacity(env.info.functions.len() * 8);
    for (at, ty) in env.info.functions.iter().enumerate() {
        // References to imported functions are resolved by the runtime: their entries are never read.
        let entry =
            at.checked_sub(env.info.imported_functions as usize).map_or(0, |own| functions[own].entry);
        table.extend_from_slice(&env.type_ids[*ty as usize].to_le_bytes());
        table.extend_from_slice(&entry.to_le_bytes());
    }
    table
}

fn offset(length: usize) -> u32 {
    u32::try_from(length).expect("code is smaller than 2 GiB")
}

/// Numbers types so that equal ones have the same number.
fn type_ids(info: &ModuleInfo) -> Vec<u32> {
    let mut first = HashMap::with_capacity(info.types.len());
    (0..).zip(&info.types).map(|(index, ty)| *first.entry(ty).or_insert(index)).collect()
}
